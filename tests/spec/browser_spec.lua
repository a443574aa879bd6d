-- Pages in a real browser: Chromium, driven by tests/browser/look.js. `make check` installs what that needs, and says
-- with MODULES where it is. Pictures of the page of `debrief report` stay in $BUILD/pages: look at them after a change.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local MODULES = os.getenv "MODULES"

local function is_there(command) return (os.execute("command -v " .. command .. " >/dev/null 2>&1")) == true end

local function missing()
  if not MODULES or not os.execute("test -d " .. program.quote(MODULES .. "/axe-core")) then
    return "playwright-core and axe-core are not installed: make check"
  end
  return not is_there "chromium" and "chromium is not installed" or not is_there "node" and "node is not installed"
end

local NASTY = '</style></script><script>alert(1)</script>"\' onload=alert(2) <img src=x onerror=alert(3)> \27[2J '
  .. "\226\128\174 \0 &lt;b&gt; ]]> <!-- {{"

-- Runs of two skills over ten weeks, one of which gets worse, with nasty text in their fields.
local function log(now)
  local lines = {}
  for i = 0, 139 do
    local week = i // 14
    local failed = i % 14 < (week >= 5 and i % 2 == 0 and 8 or 2)
    local nasty = i % 20 == 3 and NASTY or ""
    local at = os.date("!%Y-%m-%dT%H:%M:%SZ", now - (70 - i // 2) * 86400)
    local output = ("FAIL: test_%d %s\n%s"):format(i % 3, nasty, i == 23 and ("<i>"):rep(340000) or "more")
    lines[i + 1] = cjson.encode { session_id = "w", timestamp = at,
      skill = (i % 2 == 0 and "review" or "implement") .. nasty, phase = "p" .. nasty, model_used = "m" .. nasty,
      final_status = failed and "fail" or "ok", duration_ms = 1000 * (i % 30 + 1), project_root = nasty,
      input = { task = "t" .. i % 9 .. nasty }, usage = { input_tokens = 100 * i, output_tokens = i },
      tools = { { name = "Bash" .. nasty, target = "make t" .. i % 12 .. nasty, error = failed, duration_ms = i } },
      attempts = { { attempt = 1, model = "m" .. i % 3, verified = not failed, output_summary = nasty,
        runner_output = failed and output or "ok" } } }
  end
  return table.concat(lines, "\n") .. "\n"
end

describe("a page in Chromium", function()
  local why, results, scene = missing(), {}, nil

  local function each(f)
    if why then return pending(why) end
    for i, result in ipairs(results) do f(result, i) end
  end

  setup(function()
    if why then return end
    scene = program.scene()
    scene:write("sessions/w.jsonl", log(os.time()))
    scene:write("samples/.keep", "")
    local shots = program.build .. "/pages"
    local r = scene:sh(([[
      cp %s/tests/data/sessions/*.jsonl samples
      mkdir -p %s
      "$DEBRIEF" -d samples report --until now -o samples.html >/dev/null || exit
      all=summary,skills,trend,failures,tools,timeline,slow,usage,attempts,compare
      "$DEBRIEF" retro $all --format html -o all.html || exit
      SHOTS=%s MODULES=%s node %s/tests/browser/look.js samples.html all.html]]):format(program.root,
      program.quote(shots), program.quote(shots), program.quote(MODULES), program.root))
    assert.equal(0, r.status, r.err)
    for line in r.out:gmatch "[^\n]+" do results[#results + 1] = cjson.decode(line) end
    assert.equal(2, #results, r.out .. r.err)
  end)
  teardown(program.clean)

  it("opens without a message or a request, its links, tables and charts work, and axe-core finds nothing", function()
    each(function(result) assert.same({}, result.faults) end)
    if why then return end
    assert.is_true(results[2].headings > 20 and results[2].filters > 1 and results[2].series > 4)
  end)

  it("has nothing but our elements, whatever the log says", function()
    each(function(result)
      assert.same({ 1, 1, 0 }, { result.scripts, result.styles, result.handlers })
      assert.same({ "A #", "SCRIPT ", "STYLE " }, result.foreign)
      assert.is_true(result.svgs >= 4 and result.articles > 5 and result.links >= result.articles)
    end)
  end)

  it("shows the numbers of --format json", function()
    each(function(result, i)
      if i ~= 1 then return end
      local json = cjson.decode(scene:run({ "-d", "samples", "retro", "skills", "--format", "json" }).out)
      local first = json.reports[1].tables[1].rows[1]
      local found = false
      for _, t in ipairs(result.tables) do
        for _, row in ipairs(t) do
          found = found or row[1] == first[1] and row[2] == ("%d"):format(first[2])
            and row[3]:find(("%d/%d "):format(first[3].num, first[3].den), 1, true) == 1
        end
      end
      assert.is_true(found)
    end)
  end)

  it("was photographed: light, dark, phone, print", function()
    if why then return pending(why) end
    for _, name in ipairs { "light", "dark", "phone", "print" } do
      assert.truthy(#program.read(("%s/pages/%s.png"):format(program.build, name)) > 20000)
    end
  end)
end)
