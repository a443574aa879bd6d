-- Reports and entries as CSV and TSV, and the short options for formats.
local program = dofile "tests/spec/support/program.lua"
local report = require "debrief.report"
local separated = require "debrief.text.separated"

local function render(form, value, ...)
  local reports = { assert(report.check(value, "p")) }
  for _, more in ipairs { ... } do reports[#reports + 1] = assert(report.check(more, "q")) end
  return report.render(form, reports, { entries = 1, sessions = 1 }, {})
end

local cite = { { session = "s1", line = 3 }, { session = "s2", line = 1 } }

-- The records of a CSV, by another reader than ours: a state machine after RFC 4180.
local function records(text)
  local out, record, value, at = {}, {}, "", 1
  local quoted = false
  while at <= #text do
    local c = text:sub(at, at)
    if quoted then
      if c == '"' and text:sub(at + 1, at + 1) == '"' then value, at = value .. c, at + 1
      elseif c == '"' then quoted = false
      else value = value .. c end
    elseif c == '"' then
      assert(value == "", "a quote inside of a value")
      quoted = true
    elseif c == "," then record[#record + 1], value = value, ""
    elseif c == "\r" then
      assert(text:sub(at + 1, at + 1) == "\n", "CR without LF")
      record[#record + 1], value = value, ""
      out[#out + 1], record, at = record, {}, at + 1
    else
      assert(c ~= "\n", "a bare line break")
      value = value .. c
    end
    at = at + 1
  end
  assert(value == "" and #record == 0, "the last record has no end")
  return out
end

describe("CSV", function()
  it("has one header of keys, values as they are, and three columns for a rate", function()
    local ms = { key = "ms", title = "took", unit = "ms" }
    local value = { title = "T", tables = { { columns = { "skill", ms, "ok", "seen", "curve" }, rows = {
        { "a", 90500, { num = 3, den = 4 }, true, { spark = { 1, nil, 2.5 } } },
        { nil, 0.1, { num = 0, den = 0 } }, { "b", 0 / 0, { num = 0.5, den = 1 }, false } } } } }
    assert.equal("skill,ms,ok,ok.num,ok.den,seen,curve\r\na,90500,0.75,3,4,true,1  2.5\r\n,0.1,,0,0,,\r\n"
      .. "b,,0.5,0.5,1,false,\r\n", render("csv", value))
    assert.equal("skill\tms\tok\tok.num\tok.den\tseen\tcurve\na\t90500\t0.75\t3\t4\ttrue\t1  2.5\n\t0.1\t\t0\t0\t\t\n"
      .. "b\t\t0.5\t0.5\t1\tfalse\t\n", render("tsv", value))
  end)

  it("keeps every text whole, as RFC 4180 has it", function()
    local texts = { 'a,b', 'say "x"', "two\nlines", '"', ",", " a ", "é", "" , "a\tb" }
    local rows = {}
    for i, text in ipairs(texts) do rows[i] = { text, i } end
    local read = records(render("csv", { title = "T", tables = { { columns = { "a", "b" }, rows = rows } } }))
    for i, text in ipairs(texts) do assert.same({ text, tostring(i) }, read[i + 1]) end
    assert.equal("a\tb\ntwo\\nlines \\\\\\t\t1\n",
      render("tsv", { title = "T", tables = { { columns = { "a", "b" }, rows = { { "two\nlines \\\t", 1 } } } } }))
  end)

  it("puts an apostrophe before a text that a spreadsheet would run, never before a number", function()
    for _, text in ipairs { '=HYPERLINK("http://x")', "=1+1", "+49 170", "-x", "@SUM(A1)", "\tx", "＝1", "--5", "-", "+",
      "-1e", "=" } do
      assert.equal("'" .. text, records(separated.csv(text, true) .. "\r\n")[1][1])
    end
    for _, text in ipairs { "-5", "+5", "-0.5", "1e-5", "-1.5E+3", "a=b", "", "'=1", " =1" } do
      assert.equal(text, separated.csv(text, true))
    end
    local out = render("csv", { title = "T", tables = { { columns = { "=k", "n" },
      rows = { { "=1", -5 }, { "-5", -1e300 } } } } })
    assert.equal("'=k,n\r\n'=1,-5\r\n-5,-1e+300\r\n", out)
  end)

  it("shows nothing that a terminal obeys", function()
    local out = render("csv", { title = "T", tables = { { columns = { "a" }, rows = { { "\27[31mred\r" } } } } })
    assert.equal("a\r\n\\x1b[31mred\\r\r\n", out)
  end)

  it("separates tables by an empty line, each with its title where there are several", function()
    local one = { columns = { "a" }, rows = { { 1 } } }
    local two = { title = "Two, more", columns = { "b" }, rows = {} }
    assert.equal("a\r\n1\r\n", render("csv", { title = "T", tables = { one } }))
    assert.equal('T\r\na\r\n1\r\n\r\n"Two, more"\r\nb\r\n', render("csv", { title = "T", tables = { one, two } }))
    assert.equal("T\na\n1\n\nU: Two, more\nb\n", render("tsv", { title = "T", tables = { one } },
      { title = "U", tables = { two } }))
    assert.equal("", render("csv", { title = "T" }))
  end)

  it("has the findings of a report without tables", function()
    assert.equal("value,value.num,value.den,explanation,references\r\n0.5,1,2,half of it,s1:3 s2:1\r\n", render("csv",
      { title = "T", findings = { { value = { num = 1, den = 2 }, explanation = "half of it", references = cite } } }))
  end)
end)

describe("the program", function()
  local scene

  setup(function()
    scene = program.scene()
    scene:write("sessions/s.jsonl", '{"session_id":"s","skill":"=cmd","duration_ms":-5,"input":{"a":"x, y"}}\n'
      .. '{"session_id":"s","skill":"' .. ("long "):rep(60) .. '","cost_usd":1.50}\n')
    scene:write("both.lua", [[return { name = "both", api = 1, retrospective = { init = function() return {} end,
      step = function() end, merge = function() end, finish = function() return { title = "B",
        tables = { { columns = { "a" }, rows = { { ("w"):rep(300) } } } },
        findings = { { value = 1, explanation = "e", references = { { session = "s", line = 1 } } } } } end } }]])
  end)
  teardown(program.clean)

  it("prints fields as CSV, with their names, numbers as they are in the log", function()
    local r = scene:run { "read", "--fields", "line,skill,duration_ms,input", "--csv", "-n", "1" }
    assert.equal('line,skill,duration_ms,input\r\n1,\'=cmd,-5,"{""a"":""x, y""}"\r\n', r.out)
    assert.equal("line,skill\r\n", scene:run({ "read", "--fields", "line,skill", "--csv", "--skill", "x" }).out)
    assert.equal("cost_usd\r\n\r\n1.50\r\n", scene:run({ "read", "--fields", "cost_usd", "--csv" }).out)
    assert.equal(scene:run({ "read", "--fields", "skill", "--format", "tsv" }).out,
      scene:run({ "read", "--fields", "skill", "--tsv" }).out)
  end)

  it("takes --json, --csv, --tsv and --md for --format, and no two of them", function()
    for option, format in pairs { ["--json"] = "json", ["--csv"] = "csv", ["--tsv"] = "tsv", ["--md"] = "markdown" } do
      local long, short = scene:run { "retro", "skills", "--format", format }, scene:run { "retro", "skills", option }
      assert.equal(long.out, short.out)
    end
    for words, message in pairs {
      ["retro skills --json --csv"] = "--json and --csv name two formats: use one of them",
      ["retro skills --format text --md"] = "--format text and --md name two formats: use one of them",
      ["read -f --json"] = "--format json is one array, which --follow never ends: use jsonl",
    } do
      local list = {}
      for word in words:gmatch "%S+" do list[#list + 1] = word end
      local r = scene:run(list)
      assert.same({ 2, "debrief: " .. message .. "\n", "" }, { r.status, r.err, r.out })
    end
  end)

  it("says which findings a CSV leaves out", function()
    local r = scene:run { "retro", "./both.lua", "--csv", "-o", "out.csv" }
    assert.same({ 0, "debrief: csv has the tables only; the findings of both are in text, markdown and json\n" },
      { r.status, r.err })
    assert.equal("a\r\n" .. ("w"):rep(300) .. "\r\n", scene:read "out.csv")
  end)

  it("cuts nothing in a file or a pipe, unless a width is given", function()
    local whole = ("w"):rep(300)
    assert.truthy(scene:run({ "retro", "./both.lua" }).out:find(whole, 1, true))
    assert.falsy(scene:run({ "retro", "./both.lua", "-w", "100" }).out:find(whole, 1, true))
    scene:run { "retro", "./both.lua", "-o", "out.txt" }
    assert.truthy(scene:read("out.txt"):find(whole, 1, true))
    local long = ("long "):rep(59) .. "long"
    assert.truthy(scene:run({ "read", "--format", "list" }).out:find(long, 1, true))
    assert.truthy(scene:run({ "read", "--format", "table" }).out:find(long, 1, true))
  end)
end)
