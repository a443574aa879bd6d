-- debrief export: rows for training, each from an attempt that was judged, with the prompt that it saw.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local scene

local function write(name, lines)
  scene:write(("sessions/%s.jsonl"):format(name), table.concat(lines, "\n") .. "\n")
end

local function attempt(n, fields) return ('{"attempt":%d,"model":"m",%s}'):format(n, fields) end

local function entry(session, input, attempts, more)
  return ('{"session_id":"%s","skill":"fix"%s,"attempts":[%s]%s}'):format(session, input and ',"input":' .. input or "",
    table.concat(attempts, ","), more or "")
end

local function rows_of(text)
  local rows = {}
  for line in text:gmatch "[^\n]+" do rows[#rows + 1] = cjson.decode(line) end
  return rows
end

local function export(...)
  local r = scene:run { "export", ... }
  return rows_of(r.out), r
end

local PASS = '"output_summary":"good","checks":[{"kind":"test","command":"pytest","passed":true}],"verified":true'
local FAIL = '"output_summary":"bad","runner_output":"E: no",'
  .. '"checks":[{"kind":"test","command":"pytest a","passed":false},{"kind":"test","command":"pytest b","passed":true}]'

describe("export", function()
  before_each(function()
    scene = program.scene()
    write("a", {
      entry("a", '"p1"', { attempt(1, PASS) }),
      entry("a", '"p1"', { attempt(1, '"output_summary":"again","verified":true') }),
      entry("a", '"p2"', { attempt(1, FAIL), attempt(2, PASS) }),
      entry("a", '{"task":"p3"}', { attempt(1, '"output_summary":"w","checks":[{"kind":"lint","command":"ruff",'
        .. '"passed":true}]') }),
      entry("a", nil, { attempt(1, PASS) }),
      entry("a", '"p5"', { attempt(1, '"output_summary":"slow","verified":false') }, ',"final_status":"timeout"'),
      entry("a", '"p6"', { attempt(1, '"output_summary":"quiet"') }),
    })
  end)
  teardown(program.clean)

  it("makes one row per prompt of what a test verified, and counts the rest by reason", function()
    local rows, r = export "sft"
    assert.equal(0, r.status)
    assert.same({ { prompt = "p1", completion = "good",
      provenance = { entry = "a:1", attempt = 1, model = "m", check = "pytest", text = "summary" } } }, rows)
    assert.equal("debrief: 1 row of 7 entries\n"
      .. "debrief: left out 1: attempts that did not verify\n"
      .. "debrief: left out 1: attempts: broke off before it was judged\n"
      .. "debrief: left out 1: attempts: nothing says whether it is verified\n"
      .. "debrief: left out 1: attempts: only weak checks (--weak takes them)\n"
      .. "debrief: left out 1: no input, which would be the prompt\n"
      .. "debrief: left out 1: retries, which saw the former error (--allow-retries)\n"
      .. "debrief: left out 1: rows that are there already\n"
      .. "debrief: outputs in the rows are summaries (output_summary), not all that the model wrote\n", r.err)
  end)

  it("takes weak checks and retries only if asked to, and says so in the row", function()
    local rows = export("sft", "--weak", "--allow-retries")
    assert.equal(3, #rows)
    assert.equal("p2\n\nAttempt 1:\nbad\n\nWhat came of it:\nE: no", rows[2].prompt)
    assert.same({ 2, 2 }, { rows[2].provenance.attempt, rows[2].provenance.attempts })
    assert.same({ "p3", true, "ruff" }, { rows[3].prompt, rows[3].provenance.weak, rows[3].provenance.check })
  end)

  it("leaves out a later turn of a conversation, which saw more than its input, unless asked for it", function()
    local function turn(n, kind, more)
      local source = (',"source":{"kind":"%s","key":"%d"%s}'):format(kind, n, more or "")
      return entry("c", ('"yes %d"'):format(n), { attempt(1, PASS) }, source)
    end
    write("c", { turn(1, "claude_code"), turn(2, "claude_code"), turn(3, "claude_code", ',"agent_id":"x"'),
      turn(4, "skill_eval") })
    local rows, r = export("sft", "c")
    local prompts = {}
    for i, row in ipairs(rows) do prompts[i] = row.prompt end
    assert.same({ "yes 1", "yes 3", "yes 4" }, prompts)
    local later = "left out 1: later turns, which saw the conversation before them"
    assert.truthy(r.err:find(later .. " (--allow-turns)", 1, true))
    rows = export("sft", "c", "--allow-turns")
    assert.same({ 4, "later" }, { #rows, rows[2].provenance.turn })
    assert.is_nil(rows[1].provenance.turn)
    assert.equal(3, #export("prompts", "c"))
    assert.equal("later", export("gepa", "c")[2].fix[1].provenance.turn)
    assert.truthy(scene:run({ "export", "dpo", "c" }).err:find(later .. "\n", 1, true))
  end)

  it("says that a prompt is JSON, and makes no prompt of a reference to one", function()
    write("j", { entry("j", '{"file":"a.c","line":3}', { attempt(1, PASS) }),
      entry("j", '{"prompt_sha":"0ab1","fixture":"F1"}', { attempt(1, PASS) }) })
    local rows, r = export("sft", "j")
    assert.same({ 1, '{"file":"a.c","line":3}', "json" }, { #rows, rows[1].prompt, rows[1].provenance.prompt })
    assert.truthy(r.err:find("left out 1: input only refers to the prompt (prompt_sha)", 1, true), r.err)
    assert.equal("F1", export("sft", "j:2", "--opt", "prompt=input.fixture")[1].prompt)
  end)

  it("takes no verdict from what was not judged: a fault, a time limit, a hidden result, a contradiction", function()
    local function checks(fields) return ('"output_summary":"x","checks":[%s]'):format(fields) end
    local cases = {
      { checks '{"kind":"test","passed":false,"exit_status":124}', "a test of it has no result" },
      { checks '{"kind":"test","passed":false,"signal":9}', "a test of it has no result" },
      { checks '{"kind":"test","passed":false,"exit_status":127}', "a test of it has no result" },
      { checks '{"kind":"test","passed":true},{"kind":"test"}', "a test of it has no result" },
      { checks '{"kind":"test","passed":true}' .. ',"verified":false', "its checks say another thing than `verified`" },
      { '"output_summary":"x","verified":false,"exit_status":2', "its command failed, so nothing was checked" },
      { '"output_summary":"x","verified":false,"signal":11', "broke off before it was judged" },
    }
    local lines = {}
    for i, case in ipairs(cases) do lines[i] = entry("v", ('"v%d"'):format(i), { attempt(1, case[1]) }) end
    lines[#lines + 1] = entry("v", '"skipped"', { attempt(1, '"output_summary":"x","verified":false') },
      ',"final_status":"skipped"')
    write("v", lines)
    local rows, r = export("kto", "v")
    assert.same({ {}, 3 }, { rows, r.status })
    for i, case in ipairs(cases) do
      local one = scene:run { "export", "kto", "v:" .. i }
      assert.truthy(one.err:find("left out 1: attempts: " .. case[2] .. "\n", 1, true), i .. one.err)
    end
    assert.truthy(r.err:find("left out 2: attempts: broke off", 1, true), r.err)
    write("w", { entry("w", '"crash"', { attempt(1, checks '{"kind":"test","passed":false,"signal":11}') }) })
    assert.is_false(export("kto", "w")[1].label) -- a test that crashed has failed
  end)

  it("counts each reason by attempts and entries", function()
    local quiet = '"output_summary":"quiet"'
    write("q", { entry("q", '"a"', { attempt(1, quiet), attempt(2, quiet) }),
      entry("q", '"b"', { attempt(1, quiet) }) })
    local _, r = export("kto", "q", "--allow-retries")
    assert.equal(3, r.status)
    assert.truthy(r.err:find("left out 3 in 2 entries: attempts: nothing says whether it is verified", 1, true), r.err)
  end)

  it("makes no row of a retry whose former attempt left nothing in the log", function()
    write("r", { entry("r", '"a"', { attempt(1, '"verified":false'), attempt(2, PASS) }) })
    local rows, r = export("sft", "r", "--allow-retries")
    assert.same({}, rows)
    assert.truthy(r.err:find("left out 1: retries that saw what is not in the log", 1, true), r.err)
  end)

  it("pairs no attempts of two skills or projects", function()
    write("x", { entry("x", '"same"', { attempt(1, PASS) }, ',"project_root":"/a"'),
      entry("x", '"same"', { attempt(1, FAIL) }, ',"project_root":"/b"'),
      '{"skill":"review","input":"same","project_root":"/a","attempts":[' .. attempt(1, FAIL) .. "]}" })
    assert.same({}, (export("dpo", "x")))
    write("y", { entry("y", '"same"', { attempt(1, FAIL) }, ',"project_root":"/a"') })
    assert.equal("y:1", export("dpo", "x", "y")[1].provenance.rejected.entry)
  end)

  it("has a prompt in one part of a split only, and once, whatever credentials are in it", function()
    local lines = {}
    for i = 1, 20 do
      local said = PASS:gsub("good", "good " .. i)
      write("s" .. i, { entry("s" .. i, '"same"', { attempt(1, said) }) })
      lines[i] = entry("k", ('"use ghp_%s"'):format(("a1B" .. i % 10):rep(9):sub(1, 36)), { attempt(1, PASS) })
    end
    local r = scene:run { "export", "kto", "s*", "--split", "a=0.5,b=0.5", "-o", scene:path "out" }
    local a, b = scene:read "out/a.jsonl", scene:read "out/b.jsonl"
    assert.is_true((a == "") ~= (b == ""))
    local n = #rows_of(a .. b)
    assert.is_true(n > 2 and n < 18, n)
    assert.truthy(r.err:find(("left out %d: prompts that another part has"):format(20 - n), 1, true), r.err)
    write("k", lines)
    assert.equal(1, #export("sft", "k"))
  end)

  it("takes the latest entries only", function()
    write("l", { entry("l", '"old"', { attempt(1, PASS) }, ',"timestamp":"2026-01-02T00:00:00Z"'),
      entry("l", '"new"', { attempt(1, PASS) }, ',"timestamp":"2026-01-03T00:00:00Z"'),
      entry("l", '"other"', { attempt(1, PASS) }, ',"timestamp":"2026-01-04T00:00:00Z","phase":"x"') })
    local rows, r = export("sft", "l", "--last", "1", "--where", "phase == nil")
    assert.same({ 1, "new" }, { #rows, rows[1].prompt })
    assert.truthy(r.err:find "1 row of 1 entry")
  end)

  it("labels what failed a test as false, even if another test passed", function()
    local rows = export "kto"
    assert.same({ true, true, false }, { rows[1].label, rows[2].label, rows[3].label })
    assert.same({ "none", "pytest a" }, { rows[2].provenance.check, rows[3].provenance.check })
    assert.equal(3, #rows)
  end)

  it("pairs attempts at the same prompt, and a retry only if asked to", function()
    local none, r = export "dpo"
    assert.same({ {}, 3 }, { none, r.status })
    assert.truthy(r.err:find("left out 1: retries, which saw the former error (--allow-retry-pairs)", 1, true))
    local retried = export("dpo", "--allow-retry-pairs")
    assert.same({ { "p2", "good", "bad", true } }, { { retried[1].prompt, retried[1].chosen, retried[1].rejected,
      retried[1].provenance.retry } })
    write("b", { entry("b", '"p1"', { attempt(1, FAIL) }) })
    local rows = export "dpo"
    assert.same({ { prompt = "p1", chosen = "good", rejected = "bad", provenance = {
      chosen = { entry = "a:1", attempt = 1, model = "m", check = "pytest", text = "summary" },
      rejected = { entry = "b:1", attempt = 1, model = "m", check = "pytest a", text = "summary" } } } }, rows)
    local chats = export("openai_dpo")
    assert.same({ input = { messages = { { role = "user", content = "p1" } }, tools = {}, parallel_tool_calls = true },
      preferred_output = { { role = "assistant", content = "good" } },
      non_preferred_output = { { role = "assistant", content = "bad" } } }, chats[1])
    assert.truthy(scene:run({ "export", "openai_dpo" }).out:find('"tools":[]', 1, true))
  end)

  it("has the fields that trainers read", function()
    local steps = export "stepwise"
    assert.same({ "p2", { "bad", "good" }, { false, true } },
      { steps[3].prompt, steps[3].completions, steps[3].labels })
    local chats = export "openai_sft"
    assert.same({ { messages = { { role = "user", content = "p1" }, { role = "assistant", content = "good" } } } },
      chats)
    local gepa = export "gepa"
    assert.same({ prompt = "p2" }, gepa[3].fix[1].Inputs)
    assert.same({ "bad", "not verified\nE: no" }, { gepa[3].fix[1]["Generated Outputs"], gepa[3].fix[1].Feedback })
    local prompts = {}
    for i, row in ipairs((export("prompts"))) do prompts[i] = row.prompt end
    assert.same({ "p1", "p2", "p3", "p5", "p6" }, prompts)
  end)

  it("takes out credentials, unless told not to, which it says", function()
    local token = "ghp_" .. ("a1B2"):rep(9)
    write("s", { entry("s", ('"use %s"'):format(token), { attempt(1, PASS) }) })
    local _, r = export("sft", "s")
    assert.falsy(r.out:find(token, 1, true))
    assert.truthy(r.out:find("[REDACTED:github", 1, true), r.out)
    _, r = export("sft", "s", "--no-redact")
    assert.truthy(r.out:find(token, 1, true))
    assert.truthy(r.err:find("credentials were NOT taken out", 1, true))
  end)

  it("puts a session wholly into one part, the same every time", function()
    for i = 1, 40 do write("t" .. i, { entry("t" .. i, ('"q%d"'):format(i), { attempt(1, PASS) }),
      entry("t" .. i, ('"r%d"'):format(i), { attempt(1, PASS) }) }) end
    local words = { "export", "sft", "--split", "train=0.75,test=0.25", "-o", scene:path "out" }
    assert.equal(0, scene:run(words).status)
    local first, seen = {}, {}
    for _, part in ipairs { "train", "test" } do
      first[part] = program.read(scene:path(("out/%s.jsonl"):format(part)))
      for _, row in ipairs(rows_of(first[part])) do
        local session = row.provenance.entry:match "^[^:]+"
        assert.is_true(seen[session] == nil or seen[session] == part)
        seen[session] = part
      end
    end
    local n = #rows_of(first.train)
    assert.is_true(n > 45 and n < 75, n)
    assert.equal(81, n + #rows_of(first.test))
    write("t99", { entry("t99", '"x"', { attempt(1, PASS) }) })
    assert.equal(0, scene:run(words).status)
    local again = program.read(scene:path "out/train.jsonl")
    for _, row in ipairs(rows_of(first.train)) do assert.truthy(again:find(row.provenance.entry, 1, true)) end
  end)

  it("writes a file as private as a session, and nothing of it when it fails", function()
    assert.equal(0, scene:run({ "export", "sft", "-o", scene:path "rows.jsonl" }).status)
    local pipe = io.popen("stat -c %a " .. program.quote(scene:path "rows.jsonl"))
    assert.equal("600\n", pipe:read "a")
    pipe:close()
    local r = scene:run { "export", "sft", "-o", scene:path "none/rows.jsonl" }
    assert.equal(1, r.status)
    assert.truthy(r.err:find "cannot write")
  end)

  it("takes every query, and says what is wrong in one line", function()
    assert.equal(1, #export("kto", "--where", 'input == "p2"', "--skill", "fix"))
    for _, case in ipairs {
      { { "export", "sff" }, "sff" },
      { { "export", "skills" }, "plugin 'skills' has no export hook" },
      { { "export", "sft", "--split", "a=0.5,b=0.4", "-o", "x" }, "the shares make 0.9, not 1" },
      { { "export", "sft", "--split", "a=1" }, "--split needs a folder: -o DIR" },
      { { "export", "prompts", "--weak" }, "plugin 'prompts' has no option 'weak'" },
    } do
      local r = scene:run(case[1])
      assert.equal(2, r.status)
      assert.truthy(r.err:find(case[2], 1, true), r.err)
    end
    local list = scene:run { "export" }
    assert.equal(0, list.status)
    assert.truthy(list.out:find "sft +Verified attempts")
  end)

  it("runs a plugin of the user's, whose errors stop nothing", function()
    scene:write("mine.lua", [[return { name = "mine", api = 1, export = function(entry, emit, ctx)
      if ctx.line == 2 then error "no" end
      emit({ at = ctx.session .. ":" .. ctx.line }, entry.input)
    end }]])
    local rows, r = export "./mine.lua"
    assert.equal(3, r.status)
    assert.equal(6, #rows)
    assert.truthy(r.err:find("plugin 'mine', export: ./mine.lua:2: no (at a:2)", 1, true), r.err)
    if not program.sanitized then
      assert.equal(r.out, scene:run({ "export", "./mine.lua", "--isolate" }).out)
    end
  end)

  it("writes every run as a row of a CSV, named, quoted, and no formula", function()
    write("c", { entry("c", '"=1+1, \\"x\\"\\ny"', { attempt(1, '"verified":true,"output_summary":"ghp_\\u001b[2J"') },
      ',"duration_ms":-5') })
    local r = scene:run { "export", "csv", "c", "--opt", "columns=session,line,input,passed,duration_ms,none,attempts" }
    assert.equal(0, r.status)
    assert.equal("session,line,input,passed,duration_ms,none,attempts\r\n"
      .. 'c,1,"\'=1+1, ""x""\ny",true,-5,,'
      .. '"[{""attempt"":1,""model"":""m"",""verified"":true,""output_summary"":""ghp_\\u001b[2J""}]"\r\n', r.out)
    r = scene:run { "export", "csv" }
    local _, lines = r.out:gsub("\r\n", "")
    assert.equal(9, lines)
    assert.truthy(r.err:find("8 rows of 8 entries", 1, true))
    assert.equal(1, select(2, r.out:gsub("session,line", "")))
    assert.equal(3, scene:run({ "export", "csv", "--skill", "other" }).status)
    scene:run { "export", "csv", "--split", "a=0.5,b=0.5", "-o", scene:path "csv" }
    local whole = program.read(scene:path "csv/a.csv") .. program.read(scene:path "csv/b.csv")
    assert.equal(8 + 2, select(2, whole:gsub("\r\n", "")) + (whole:find "^session" and 0 or 1))
  end)

  it("has DuckDB write Parquet, with a type for each column, and says how to get it", function()
    write("d", { entry("d", '"a"', { attempt(1, PASS) }, ',"duration_ms":5,"cost_usd":1,"odd":"it\'s","usage":'
      .. '{"input_tokens":2.5},"more":7'), entry("d", '"b"', {}, ',"more":"x"') })
    scene:write("bin/duckdb", '#!/bin/sh\nfor statement; do :; done\n[ "$statement" = "SELECT 1" ] && exit\n'
      .. 'echo "$statement" > "$SAID"\ncp "$(echo "$statement" | sed "s/.*read_json(.\\([^\']*\\).*/\\1/")" '
      .. '"$(echo "$statement" | sed "s/.*TO .\\([^\']*\\).*/\\1/")"\n'
      .. '[ -z "$FAIL" ] || { echo "no disk" >&2; exit 1; }\n')
    os.execute("chmod 755 " .. program.quote(scene:path "bin/duckdb"))
    local env = { PATH = scene:path "bin" .. ":" .. os.getenv "PATH", SAID = scene:path "said" }
    local words = { "export", "parquet", "d", "-o", scene:path "d.parquet", env = env, "--opt",
      "columns=line,timestamp,odd,more,cost_usd,usage.input_tokens,passed,attempts,none" }
    local r = scene:run(words)
    assert.same({ 0, "" }, { r.status, r.out })
    local said = scene:read "said"
    assert.truthy(said:find("columns={'line': 'BIGINT', 'timestamp': 'VARCHAR', 'odd': 'VARCHAR', 'more': 'VARCHAR', "
      .. "'cost_usd': 'DOUBLE', 'usage.input_tokens': 'DOUBLE', 'passed': 'BOOLEAN', 'attempts': 'VARCHAR', "
      .. "'none': 'VARCHAR'}", 1, true), said)
    assert.truthy(said:find('SELECT "line", TRY_CAST("timestamp" AS TIMESTAMPTZ) AS "timestamp", "odd"', 1, true), said)
    local rows = rows_of(scene:read "d.parquet")
    assert.same({ 1, "it's", 7, 1, 2.5, true }, { rows[1].line, rows[1].odd, rows[1].more, rows[1].cost_usd,
      rows[1]["usage.input_tokens"], rows[1].passed })
    assert.same({ cjson.null, cjson.null }, { rows[2].passed, rows[1].none })
    assert.equal("string", type(rows[1].attempts))
    assert.equal("", scene:sh("ls d.parquet.part*").out)
    env.FAIL = "1"
    r = scene:run(words)
    assert.equal(1, r.status)
    assert.truthy(r.err:find("d.parquet: DuckDB: no disk", 1, true), r.err)
    assert.equal("", scene:sh("ls d.parquet.part*").out)
    env.FAIL, words[7] = nil, "columns=line"
    r = scene:run { "export", "parquet", "a", "--split", "x=0.5,y=0.5", "-o", scene:path "parts", env = env }
    local full, empty = "x", "y"
    if not scene:read "parts/x.parquet" then full, empty = "y", "x" end
    assert.equal(7, #rows_of(scene:read(("parts/%s.parquet"):format(full))))
    assert.truthy(r.err:find(("no row, so no %s/%s.parquet"):format(scene:path "parts", empty), 1, true), r.err)
    assert.equal(2, scene:run({ "export", "parquet", env = env }).status)
    r = scene:sh(('PATH=%s; "$DEBRIEF" export parquet -o x.parquet'):format(program.quote(scene:path "none")))
    assert.equal(1, r.status)
    assert.truthy(r.err:find("DuckDB writes Parquet files, and is not installed", 1, true), r.err)
  end)

  it("writes cards whose texts are no markup, without credentials and signs for terminals", function()
    write("m", { entry("m", '"# no\\n```\\nhead ghp_' .. ("a1B2"):rep(9) .. '"', { attempt(1, FAIL),
      attempt(2, '"runner_output":"\\u001b[2Jx"') }, ',"final_status":"failed"') })
    local r = scene:run { "export", "markdown", "m" }
    assert.equal(0, r.status)
    assert.equal("## m:1 fix: fail\n", r.out:match "^[^\n]*\n")
    assert.truthy(r.out:find("\ninput:\n\n    # no\n    ```\n    head [REDACTED:github", 1, true), r.out)
    assert.truthy(r.out:find("\n### Attempt 1\n", 1, true))
    assert.truthy(r.out:find("* output\\_summary: bad\n", 1, true))
    assert.falsy(r.out:find("\27", 1, true))
  end)

  it("writes trajectories with the fields of ATIF, which the importer reads again", function()
    write("h", { entry("h", '"fix the mast"', { attempt(1, FAIL), attempt(2, PASS) },
      ',"timestamp":"2026-01-02T03:04:05Z","model_used":"m",'
      .. '"tools":[{"name":"Read","target":"a.c","error":true},{"name":"Bash"}],"cost_usd":0.5,'
      .. '"usage":{"input_tokens":10,"cache_read_tokens":5,"output_tokens":3},"final_status":"ok"'),
      entry("h", nil, {}), entry("h", '"one"', { attempt(1, PASS) }, ',"usage":{"output_tokens":7}') })
    local rows, r = export("atif", "h")
    assert.equal(0, r.status)
    assert.truthy(r.err:find("left out 1: neither an input nor attempts", 1, true), r.err)
    local one = rows[1]
    assert.same({ "ATIF-v1.7", "h", "h:1", "unknown", "unknown", "m" }, { one.schema_version, one.session_id,
      one.trajectory_id, one.agent.name, one.agent.version, one.agent.model_name })
    assert.same({ total_prompt_tokens = 15, total_completion_tokens = 3, total_cached_tokens = 5, total_cost_usd = 0.5,
      total_steps = 4 }, one.final_metrics)
    assert.same({ step_id = 1, source = "user", message = "fix the mast", timestamp = "2026-01-02T03:04:05Z" },
      one.steps[1])
    assert.same({ step_id = 2, source = "agent", message = "", model_name = "m", extra = { failed = { "call-1" } },
      tool_calls = { { tool_call_id = "call-1", function_name = "Read", arguments = { target = "a.c" } },
        { tool_call_id = "call-2", function_name = "Bash", arguments = {} } } }, one.steps[2])
    assert.same({ "bad", { results = { { content = "E: no" } } }, 1, false }, { one.steps[3].message,
      one.steps[3].observation, one.steps[3].extra.attempt, one.steps[3].extra.checks[1].passed })
    assert.same({ "fix", "ok" }, { one.extra.skill, one.extra.final_status })
    assert.same({ completion_tokens = 7 }, rows[2].steps[2].metrics)
    assert.truthy(r.out:find('"arguments":{}', 1, true))
    scene:write("trajectory.json", r.out:match "\n([^\n]+)")
    assert.equal(0, scene:run({ "-d", scene:path "again", "import", "atif", scene:path "trajectory.json" }).status)
    local again = cjson.decode(scene:run({ "-d", scene:path "again", "read" }).out:match "[^\n]+")
    assert.same({ "one", "good", 7 }, { again.input, again.attempts[1].output_summary, again.usage.output_tokens })
  end)

  it("writes spans for OpenTelemetry, a session one trace, the same ids every time", function()
    write("o", { entry("o", '"fix it"', { attempt(1, FAIL .. ',"verified":false'), attempt(2, PASS) },
      ',"timestamp":"2026-01-02T03:04:05.000000006Z","duration_ms":2000,"final_status":"ok","model_used":"gpt-5",'
      .. '"source":{"kind":"k","agent":"claude"},"usage":{"input_tokens":10,"cache_read_tokens":5,"output_tokens":3},'
      .. '"tools":[{"name":"Read","target":"a.c","duration_ms":500},{"name":"Bash","error":true,"duration_ms":9000}]'),
      entry("o", '"no time"', {}),
      entry("o", '"next"', {}, ',"timestamp":"2026-01-02T03:05:05Z","final_status":"timeout"') })
    local rows, r = export("otlp", "o")
    assert.equal(0, r.status)
    assert.truthy(r.err:find("left out 1: no timestamp since 1970, which a span needs", 1, true), r.err)
    assert.equal(r.out, scene:run({ "export", "otlp", "o" }).out)
    local spans = rows[1].resourceSpans[1].scopeSpans[1].spans
    local next_one = rows[2].resourceSpans[1].scopeSpans[1].spans[1]
    local function values(span)
      local out = {}
      for _, one in ipairs(span.attributes) do out[one.key] = select(2, next(one.value)) end
      return out
    end
    local run, read, bash = table.unpack(spans)
    assert.truthy(run.traceId:find "^%x+$" and #run.traceId == 32 and run.spanId:find "^%x+$" and #run.spanId == 16)
    assert.equal(run.traceId, next_one.traceId)
    assert.is_true(run.spanId ~= next_one.spanId and run.spanId ~= read.spanId and read.spanId ~= bash.spanId)
    assert.same({ "invoke_agent claude", "1767323045000000006", "1767323047000000006", 1 }, { run.name,
      run.startTimeUnixNano, run.endTimeUnixNano, run.status.code })
    local has = values(run)
    assert.same({ "invoke_agent", "claude", "o", "openai", "gpt-5", "15", "3", "5", "1", "fix" }, {
      has["gen_ai.operation.name"], has["gen_ai.agent.name"], has["gen_ai.conversation.id"],
      has["gen_ai.provider.name"], has["gen_ai.request.model"],
      has["gen_ai.usage.input_tokens"], has["gen_ai.usage.output_tokens"],
      has["gen_ai.usage.cache_read.input_tokens"], has["debrief.line"], has["debrief.skill"] })
    assert.same({ "fail", "pass" }, { values(run.events[1])["gen_ai.evaluation.score.label"],
      values(run.events[2])["gen_ai.evaluation.score.label"] })
    assert.same({ "execute_tool Read", run.spanId, "1767323045500000006" }, { read.name, read.parentSpanId,
      read.endTimeUnixNano })
    assert.same({ 2, "1767323045500000006", run.endTimeUnixNano }, { bash.status.code, bash.startTimeUnixNano,
      bash.endTimeUnixNano })
    assert.same({ 2, "timeout" }, { next_one.status.code, values(next_one)["error.type"] })
    assert.falsy(r.out:find("fix it", 1, true))
    local with = export("otlp", "o", "--opt", "content=true")[1].resourceSpans[1].scopeSpans[1].spans[1]
    assert.truthy(values(with)["gen_ai.input.messages"]:find("fix it", 1, true))
    assert.equal("summary", values(with)["debrief.output"])
  end)

  it("sends spans to a collector with curl, in few requests, and says what a collector refuses", function()
    local at = ',"timestamp":"2026-01-02T03:04:05Z"'
    write("o", { entry("o", '"a"', {}, at), entry("o", '"b"', {}, at) })
    scene:write("bin/curl", '#!/bin/sh\n'
      .. 'for word; do case $word in @*) cat "${word#@}" >> "$BODY";; esac; url=$word; done\n'
      .. 'echo "$url" >> "$BODY.urls"\n[ -z "$REFUSE" ] || { echo "curl: 503" >&2; exit 22; }\n')
    os.execute("chmod 755 " .. program.quote(scene:path "bin/curl"))
    local env = { PATH = scene:path "bin" .. ":" .. os.getenv "PATH", BODY = scene:path "body" }
    local r = scene:run { "export", "otlp", "o", "--to", "http://127.0.0.1:4318", env = env }
    assert.same({ 0, "" }, { r.status, r.out })
    assert.equal("http://127.0.0.1:4318/v1/traces\n", program.read(scene:path "body.urls"))
    assert.equal(2, #cjson.decode(program.read(scene:path "body")).resourceSpans)
    env.REFUSE = "1"
    r = scene:run { "export", "otlp", "o", "--to", "http://127.0.0.1:4318", env = env }
    assert.equal(1, r.status)
    assert.truthy(r.err:find("cannot send to http://127.0.0.1:4318/v1/traces: curl: 503; 0 rows sent before", 1, true),
      r.err)
    r = scene:sh(('PATH=%s; "$DEBRIEF" export otlp o --to http://127.0.0.1:9'):format(program.quote(scene:path "none")))
    assert.equal(1, r.status)
    assert.truthy(r.err:find("the program curl is not installed; 0 rows sent before", 1, true), r.err)
    assert.equal(2, scene:run({ "export", "csv", "--to", "http://127.0.0.1:4318" }).status)
    assert.equal(2, scene:run({ "export", "otlp", "--to", "-o" }).status)
  end)
end)
