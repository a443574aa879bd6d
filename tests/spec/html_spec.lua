-- Charts in the report model, as HTML with SVG, and on a terminal.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local scene

local HOSTILE = '</style><script>alert(1)</script>"\' onload=x <svg onload=y> &amp; ]]> \27[2J \226\128\174'

local function sh(command)
  local pipe = io.popen(command .. " 2>&1")
  local text = pipe:read "a"
  pipe:close()
  return text
end

local function has(name) return sh("command -v " .. name) ~= "" end

local function lines(n)
  local out = {}
  for i = 1, n do
    out[i] = ('{"session_id":"s","timestamp":"2026-0%d-%02dT12:00:00Z","skill":"%s","final_status":"%s",'
      .. '"duration_ms":%d}'):format(i % 3 == 1 and 3 or 4, i % 27 + 1, i % 2 == 0 and "a" or "b",
      i % 5 == 0 and "fail" or "ok", i * 1000)
  end
  out[n + 1] = ('{"session_id":"s","timestamp":"2026-04-20T12:00:00Z","final_status":"ok","skill":%s}'):format(
    cjson.encode(HOSTILE))
  return table.concat(out, "\n") .. "\n"
end

describe("HTML", function()
  setup(function()
    scene = program.scene()
    scene:write("sessions/s.jsonl", lines(40))
  end)
  teardown(program.clean)

  local function page(...) return scene:run { "table", "--format", "html", ... } end

  for _, chart in ipairs { "line", "bar", "stack", "heat" } do
    it("draws each column as SVG that is well-formed, whatever the log holds: " .. chart, function()
      local r = page("--by", "week", "--across", "skill", "--show", "passed, p50(duration_ms)", "--chart", chart)
      assert.same({ 0, "" }, { r.status, r.err })
      local n = 0
      for svg in r.out:gmatch "<svg.-</svg>" do
        n = n + 1
        scene:write("one.svg", svg)
        if has "xmllint" then assert.equal("", sh("xmllint --noout " .. program.quote(scene:path "one.svg"))) end
      end
      assert.equal(4, n) -- each column wide and narrow
    end)
  end

  it("lets nothing of a log become markup, and has one script", function()
    for _, words in ipairs { { "--by", "skill" }, { "--by", "skill", "--chart", "bar" },
      { "--by", "week", "--across", "skill", "--chart", "heat" } } do
      local r = page(table.unpack(words))
      for _, bad in ipairs { "<script>alert", "onload=x <", "<svg onload", "\27", "\226\128\174" } do
        assert.falsy(r.out:find(bad, 1, true), bad)
      end
      assert.truthy(r.out:find("&lt;script&gt;", 1, true))
      local _, styles = r.out:gsub("</style>", "")
      assert.equal(1, styles)
      assert.equal(1, select(2, r.out:gsub("<script", "")))
      assert.falsy(r.out:find "https?://")
    end
  end)

  it("has a policy that lets in its own style and script, and nothing else", function()
    local r = page("--by", "skill")
    local function hash(tag)
      scene:write("text", r.out:match(("<%s>(.-)</%s>"):format(tag, tag)))
      local hex = sh("sha256sum " .. program.quote(scene:path "text")):match "^%x+"
      local bytes = hex:gsub("%x%x", function(x) return string.char(tonumber(x, 16)) end)
      return require "debrief.core".base64(bytes)
    end
    local policy = r.out:match 'Content%-Security%-Policy" content="(.-)"'
    assert.equal(("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; "
      .. "form-action 'none'"):format(hash "style", hash "script"), policy)
  end)

  it("has the numbers of --format json", function()
    local words = { "--by", "week", "--across", "skill", "--show", "runs", "--chart", "line" }
    local r = page(table.unpack(words))
    local json = scene:run { "table", "--format", "json", table.unpack(words) }
    local chart = cjson.decode(json.out).reports[1].charts[1]
    assert.equal("time", chart.x.type)
    for s, one in ipairs(chart.series) do
      for i, value in ipairs(one.values) do
        if value ~= cjson.null and s == 2 then
          assert.truthy(r.out:find((">%d<"):format(value), 1, true))
          assert.truthy(r.out:find(("a, %s: %d<"):format(chart.x.values[i], value), 1, true), chart.x.values[i])
        end
      end
    end
    assert.is_true(#chart.x.values >= 8) -- weeks without runs as well
  end)

  it("draws few cases hollow, and a gap as a gap", function()
    local r = page("--by", "week", "--across", "skill", "--show", "passed", "--chart", "line")
    assert.truthy(r.out:find('class="hollow', 1, true))
    scene:write("gap/s.jsonl", '{"session_id":"s","timestamp":"2026-03-02T12:00:00Z","final_status":"ok"}\n'
      .. '{"session_id":"s","timestamp":"2026-03-20T12:00:00Z","final_status":"ok"}\n')
    r = scene:run { "-d", scene:path "gap", "table", "--by", "week", "--show", "runs", "--chart", "line", "--format",
      "html" }
    assert.falsy(r.out:find("<polyline", 1, true)) -- the week between has no runs: no line across it
  end)

  it("are drawn on a terminal, too", function()
    local r = scene:run { "table", "--by", "skill", "--show", "passed", "--chart", "bar", "--where", "#skill == 1" }
    assert.truthy(r.out:find("\na  ██.-  80 %% of 20\n"), r.out)
    r = scene:run { "table", "--by", "month", "--across", "skill", "--show", "runs", "--chart", "line", "--where",
      "#skill == 1" }
    assert.truthy(r.out:find "\na  [▁▂▃▄▅▆▇█]+  %d+\n", r.out)
  end)

  it("are checked like all of a report", function()
    local function finish(chart)
      scene:write("p.lua", ([[return { name = "p", api = 1, retrospective = { init = function() return {} end,
        step = function() end, finish = function() return { title = "T", charts = { %s } } end } }]]):format(chart))
      return scene:run { "retro", "./p.lua" }
    end
    for _, case in ipairs {
      { '{ type = "pie", x = { values = { 1 } }, series = { { name = "a", values = { 1 } } } }',
        'charts[1].type must be one of line, bar, stack, heat, dots, and is the string "pie"' },
      { '{ type = "bar", series = { { name = "a", values = { 1 } } } }', "charts[1].x must be { title =, type =" },
      { '{ type = "bar", x = { values = { "x" } }, series = {} }', "charts[1].series must name at least one series" },
      { '{ type = "bar", x = { values = { "x" } }, series = { { name = "a", values = { 1, 2 } } } }',
        "charts[1].series[1].values has 2 values, x has 1" },
      { '{ type = "bar", x = { values = { "x" } }, series = { { name = "a", values = { "b" } } } }',
        "charts[1].series[1].values[1] must be a number or nil" },
      { '{ type = "bar", colour = 1, x = { values = { "x" } }, series = { { name = "a", values = { 1 } } } }',
        "charts[1] has the unknown key colour" },
    } do
      local r = finish(case[1])
      assert.equal(3, r.status)
      assert.truthy(r.err:find(case[2], 1, true), r.err)
    end
    assert.equal(0, finish('{ type = "dots", x = { type = "number", values = { 1, 5 } }, series = { { name = "a", '
      .. "values = { 3, 4 } } } }").status)
  end)
end)
