-- debrief read: some fields, and every format.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local LINES = {
  '{"session_id":"s1","timestamp":"2026-10-25T00:00:00Z","skill":"review","input":{"spec":"a.md","n":1.50,'
    .. '"big":12345678901234567890,"list":[1,"x",null]},"attempts":[{"attempt":1,"model":"m1","verified":false},'
    .. '{"attempt":2,"model":"m2","verified":true}],"final_status":"ok","duration_ms":61000,"a.b":"dotted"}',
  '{"session_id":"s1","skill":"x\\ty\\nz\\\\\\u001b[31m","input":null,"attempts":[],"line":"own"}',
}

describe("read --fields", function()
  local scene
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", table.concat(LINES, "\n") .. "\n")
  end)
  teardown(program.clean)

  -- fields, the values of both lines with tabs between
  local cases = {
    { "skill", "review", "x\\ty\\nz\\\\\27[31m" },
    { "duration_ms,final_status", "61000\tok", "\t" },
    { "input.spec,input.n,input.big", "a.md\t1.50\t12345678901234567890", "\t\t" },
    { "input", '{"spec":"a.md","n":1.50,"big":12345678901234567890,"list":[1,"x",null]}', "" },
    { "input.list,input.list.2,input.list.3,input.list.4", '[1,"x",null]\tx\t\t', "\t\t\t" },
    { "attempts.1.model,attempts.-1.model,attempts.3.model", "m1\tm2\t", "\t\t" },
    { "attempts.-1.verified,attempts.model", "true\t", "\t" },
    { "a.b", "dotted", "" },
    { "session,line", "s1\t1", "s1\town" }, -- an entry's own field comes first
    { " skill , skill,duration_ms", "review\t61000", "x\\ty\\nz\\\\\27[31m\t" },
  }
  for _, case in ipairs(cases) do
    it("say how places in an array count where one is named that cannot be there", function()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a","attempts":[{"model":"m"}]}\n')
    for _, place in ipairs { "0", "*" } do
      local r = scene:run { "read", "--fields", ("skill,attempts.%s.model"):format(place) }
      assert.same({ ("debrief: --fields 'attempts.%s.model': places in an array count from 1 (attempts.1.model) or "
        .. "back from its end (attempts.-1.model)\n"):format(place), 0 }, { r.err, r.status })
    end
    assert.equal("", scene:run({ "read", "--fields", "attempts.1.model,attempts.-1.model" }).err)
  end)

  it("prints values with tabs between them: " .. case[1], function()
      local r = scene:run { "read", "--fields", case[1] }
      assert.same({ case[2] .. "\n" .. case[3] .. "\n", "", 0 }, { r.out, r.err, r.status })
    end)
  end

  it("prints objects of only these fields as JSON lines, and as one array", function()
    local one = '{"skill":"review","input.n":1.50,"attempts.-1":{"attempt":2,"model":"m2","verified":true},'
      .. '"duration_ms":61000}'
    local two = '{"skill":"x\\ty\\nz\\\\\\u001b[31m","input.n":null,"attempts.-1":null,"duration_ms":null}'
    local r = scene:run { "read", "--fields", "skill,input.n,attempts.-1,duration_ms", "--format", "jsonl" }
    assert.same({ one .. "\n" .. two .. "\n", "", 0 }, { r.out, r.err, r.status })
    r = scene:run { "read", "--fields", "skill,input.n,attempts.-1,duration_ms", "--format", "json" }
    assert.equal("[" .. one .. "\n," .. two .. "\n]\n", r.out)
    assert.equal(2, #cjson.decode(r.out))
  end)

  it("prints a table, numbers to the right, nothing raw", function()
    local r = scene:run { "read", "--fields", "skill,duration_ms,line", "--format", "table" }
    assert.equal(table.concat({
      "skill             duration_ms  line",
      "────────────────  ───────────  ────",
      "review                  61000  1",
      "x\\ty\\nz\\\\x1b[31m               own", "" }, "\n"), r.out)
  end)

  it("fits a table to its width, and keeps the columns after the first rows", function()
    local out = {}
    for i = 1, 600 do out[i] = ('{"session_id":"s2","skill":"%s","n":%d}'):format(("w"):rep(i % 300), i) end
    scene:write("sessions/s2.jsonl", table.concat(out, "\n") .. "\n")
    local r = scene:run { "read", "s2", "--fields", "skill,n", "--format", "table", "-w", "200" }
    local lines = 0
    for text in r.out:gmatch "[^\n]+" do
      assert.truthy(utf8.len(text) <= 200)
      lines = lines + 1
    end
    assert.equal(602, lines)
    r = scene:run { "read", "s2", "--fields", "skill,n", "--format", "table" } -- a pipe: whole values
    assert.truthy(r.out:find(("w"):rep(299), 1, true))
    assert.equal(1, select(2, r.out:gsub("skill", "")))
  end)

  it("reports fields that no entry has, with the nearest", function()
    local r = scene:run { "read", "--fields", "skil,usage.input_tokens,atempts.1.model,input.nothing" }
    assert.same({ "debrief: no entry has a field 'atempts.1.model'\ndebrief: no entry has a field 'skil': "
      .. "did you mean 'skill'?\n", 0 }, { r.err, r.status })
  end)

  it("refuses empty names, and formats that show whole entries", function()
    for _, fields in ipairs { "", "a,", ",a", "a,,b" } do
      local r = scene:run { "read", "--fields=" .. fields }
      assert.same({ ("debrief: --fields '%s' has an empty name: write them as skill,input.spec\n"):format(fields), 2 },
        { r.err, r.status })
    end
    for _, format in ipairs { "list", "card" } do
      local r = scene:run { "read", "--fields", "skill", "--format", format }
      assert.same({ ("debrief: --fields goes with table, csv, tsv, jsonl and json, not with %s\n"):format(format), 2 },
        { r.err, r.status })
    end
  end)

  it("goes with plugins, windows and expressions", function()
    scene:write("mark.lua", [[return { name = "mark", api = 1, enrich = function(entry) entry.extra = { n = 7 } end }]])
    local r = scene:run { "read", "--fields", "extra.n,skill", "--enrich", "./mark.lua", "--where", "duration_ms",
      "--since", "2026-10-25" }
    assert.equal("7\treview\n", r.out)
  end)
end)

describe("read --format", function()
  local scene
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", table.concat(LINES, "\n") .. "\n")
  end)
  teardown(program.clean)

  it("json is one array of the entries, an empty one too", function()
    local r = scene:run { "read", "--format", "json" }
    assert.equal("[" .. LINES[1] .. "\n," .. LINES[2] .. "\n]\n", r.out)
    r = scene:run { "read", "--format", "json", "--where", "false" }
    assert.equal("[]\n", r.out)
    r = scene:run { "read", "--format", "json", "--follow" }
    assert.same({ "", 2 }, { r.out, r.status })
  end)

  it("table and tsv have the place and the main fields without --fields", function()
    local r = scene:run { "read", "--format", "tsv", "--last", "1", "--skill", "review" }
    assert.equal("s1\t1\t2026-10-25T00:00:00Z\treview\tok\t61000\n", r.out)
    r = scene:run { "read", "--format", "table", "--last", "1", "--skill", "review" }
    assert.equal("session  line  timestamp             skill   final_status  duration_ms\n", r.out:match "^[^\n]*\n")
    assert.truthy(r.out:find "s1          1  2026%-10%-25T00:00:00Z  review  ok                  61000\n")
  end)

  it("shows numbers that are larger than any here, and all digits, in every format", function()
    scene:write("sessions/s1.jsonl", '{"skill":"n","x":1e999,"y_ms":-1e999,"big":12345678901234567890,'
      .. '"list":[1e999,-1e999],"o":{"x":1e999,"text":"a"},"far":[1e999,{"x":1}]}\n')
    local fields = "x,y_ms,big,list.1,list.2,list,o.x"
    local shown = "1e999\t-1e999\t12345678901234567890\t1e999\t-1e999\t[1e999,-1e999]\t1e999"
    assert.equal(shown .. "\n", scene:run({ "read", "--fields", fields }).out)
    assert.truthy(scene:run({ "read", "--fields", fields, "--format", "jsonl" }).out
      :find('"list.1":1e999,"list.2":-1e999,', 1, true))
    local r = scene:run { "read", "--format", "card" }
    assert.same({ table.concat({ "s1:1  -  n  unknown", "  skill  n", "  x      1e999", "  y_ms   -1e999",
      "  big    12345678901234567890", "  list   [1e999,-1e999]", "  o", "    x     1e999", "    text  a",
      "  far[1]  1e999", "  far[2]", "    x  1", "" }, "\n"), "", 0 }, { r.out, r.err, r.status })
    for _, format in ipairs { "list", "table", "json" } do
      assert.equal(0, scene:run({ "read", "--format", format }).status)
    end
  end)

  it("card shows all of an entry, its text safe", function()
    scene:write("sessions/s2.jsonl", '{"session_id":"s2","timestamp":"2026-10-25T00:00:00Z","skill":"de\\u001bbug",'
      .. '"input":{"deep":{"er":1},"empty":"","none":null,"flat":[1,2]},"attempts":[{"attempt":1,'
      .. '"runner_output":"line 1\\n\\n\\tline 3\\u202e\\n","verified":false}],"duration_ms":61000}\n')
    local r = scene:run { "read", "s2", "--line", "1", "--format", "card" }
    assert.equal(table.concat({
      "s2:1  2026-10-25 00:00:00  de\\x1bbug  fail",
      "  session_id   s2",
      "  timestamp    2026-10-25T00:00:00Z",
      "  skill        de\\x1bbug",
      "  input",
      "    deep",
      "      er  1",
      '    empty  ""',
      "    none   null",
      "    flat   [1,2]",
      "  attempts[1]",
      "    attempt        1",
      "    runner_output",
      "      | line 1",
      "      | ",
      "      | \\tline 3\\u{202e}",
      "    verified       false",
      "  duration_ms  61000 (1 m 01 s)", "" }, "\n"), r.out)
  end)

  it("is chosen for a terminal: a table of fields, a card of one line, a list of many", function()
    if scene:sh("script --version").status ~= 0 then return pending "no script(1) here" end
    local function typed(words)
      local r = scene:sh(("script -qec '\"$DEBRIEF\" read %s' /dev/null </dev/null"):format(words), { NO_COLOR = "1" })
      return (r.out:gsub("\r", ""))
    end
    assert.truthy(typed("--fields skill,line"):find "^skill +line\n──")
    assert.truthy(typed("s1 --line 1"):find "^s1:1  2026%-10%-25 00:00:00  review  ok\n  session_id")
    assert.truthy(typed("--last 1 --skill review"):find "^s1:1 +2026%-10%-25 00:00  review")
    assert.truthy(typed("--last 1 --skill review"):find("debrief: 1 entry of 1 session", 1, true))
    assert.falsy(typed("--format tsv --fields skill"):find "\27")
    assert.falsy(typed("--format json"):find "\27")
  end)
end)
