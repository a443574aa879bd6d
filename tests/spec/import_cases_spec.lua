-- What an imported entry may claim: small transcripts of situations that users of agents met, and the right answer.
local program = dofile "tests/spec/support/program.lua"
local transcripts = dofile "tests/spec/support/claude_transcript.lua"
local cjson = require "cjson"

local A, B, C = "aaaa1111-0000-4000-8000-000000000001", "bbbb2222-0000-4000-8000-000000000002",
  "cccc3333-0000-4000-8000-000000000003"

teardown(program.clean)

-- Import transcripts as files of one project, in this order. Returns the entries of the log, and what was said.
local function imported(list, options)
  local scene = program.scene()
  scene:sh "mkdir p"
  local words, entries = { "-d", "log", "import", options }, {}
  for _, t in ipairs(list) do
    words[#words + 1] = ("p/%s.jsonl"):format(t.session)
    t:write(scene:path(words[#words]))
  end
  local r = scene:run(words)
  for line in scene:run({ "-d", "log", "read" }).out:gmatch "[^\n]+" do entries[#entries + 1] = cjson.decode(line) end
  return entries, r, scene
end

local function verdicts(entry)
  local out = {}
  for _, attempt in ipairs(entry.attempts) do
    if attempt.verified ~= nil then out[#out + 1] = tostring(attempt.verified) end
  end
  return table.concat(out, " ")
end

-- "input: verdicts, output tokens" of each entry of a session, sorted.
local function summary(entries)
  local out = {}
  for i, e in ipairs(entries) do
    out[i] = ("%s %s: %s%s"):format(e.session_id:sub(1, 4), e.input or "-", verdicts(e) .. (verdicts(e) ~= "" and ", "
      or ""),
      ("%d"):format(e.usage and e.usage.output_tokens or 0))
  end
  table.sort(out)
  return out
end

local function find(entries, input)
  for _, e in ipairs(entries) do if e.input == input then return e end end
end

describe("imported entries: the words of an attempt", function()
  it("end with its checks, if another attempt follows", function()
    local t = transcripts.new(A)
    t:user "fix it"
    t:edit "e1"
    t:say "Now the tests."
    t:bash("b1", "make test", "E: no", 2)
    t:say "An import is missing."
    t:edit "e2"
    t:bash("b2", "make test", "ok")
    t:say("Done.", { stop = "end_turn" })
    t:done()
    t:user "more"
    t:edit "e3"
    t:bash("b3", "make test", "E: no", 2)
    t:say "Another one is missing."
    t:edit "e4"
    t:bash("b4", "make test", "E: no", 2)
    t:say("It still fails.", { stop = "end_turn" })
    t:done()
    t:user "and then"
    t:edit "e5"
    t:bash("b5", "make test", "ok")
    t:say "All pass."
    t:say "Next the docs."
    t:edit "e6"
    t:say("Done too.", { stop = "end_turn" })
    t:done()
    local e = imported({ t }, "--final")
    local function words(entry)
      local out = {}
      for i, attempt in ipairs(entry.attempts) do out[i] = attempt.output_summary or "-" end
      return table.concat(out, " ")
    end
    assert.same({ "Now the tests. Done.", "- It still fails.", "All pass. Done too." }, { words(e[1]), words(e[2]),
      words(e[3]) })
  end)
end)

describe("imported entries: verified", function()
  local rows = {
    { "lint fails, is fixed, lint and tests pass", true, { "npm run lint", "2 problems", 1 }, { "npm run lint:fix",
      "" },
      { "npm run lint", "" }, { "npm test", "3 passed" } },
    { "build passes, piped tests visibly fail", false, { "go build ./...", "" },
      { "go test ./... 2>&1 | tail -20", "--- FAIL: TestX (0.00s)\nFAIL\nFAIL\texample/x\t0.01s" } },
    { "build alone is no verification", nil, { "cargo build", "Finished" } },
    { "a linter's version is no check", nil, { "golangci-lint --version", "golangci-lint has version 1.60" } },
    { "a type check's set-up is no check", nil, { "npx tsc --init", "Created a new tsconfig.json" } },
    { "collecting tests is no check", nil, { "pytest --collect-only -q", "3 tests collected" } },
    { "a formatter is an edit, not a check", nil, { "ruff format .", "1 file reformatted" } },
    { "wrong folder: the tests never ran; then they pass", true,
      { "cd wrong && go test ./...", "cd: wrong: No such file or directory", 1 },
      { "go test ./...", "ok  \texample/x\t0.01s" } },
    { "127: never ran; then they pass", true, { "pytest", "pytest: command not found", 127 },
      { "python3 -m pytest", "3 passed in 0.1s" } },
    { "only 127", nil, { "pytest", "pytest: command not found", 127 } },
    { "piped, the summary says pass", true, { "pytest -q 2>&1 | tail -5", "12 passed in 3.21s" } },
    { "piped, the summary says fail", false, { "pytest -q 2>&1 | tail -5", "1 failed, 11 passed in 3.21s" } },
    { "|| true hides the status, the summary does not", false, { "npm test || true",
      "Tests:       1 failed, 4 passed, 5 total" } },
    { "wrapped: a runner run by another program", true, { "rtk bun run test", "3 pass\n0 fail" } },
    { "wrapped: pnpm --filter", false,
      { "pnpm --filter web test", "Test Files  1 failed (1)\nTests  1 failed | 4 passed (5)", 1 } },
    { "quoted for a shell", true, { "bash -lc 'pytest -q'", "2 passed in 0.1s" } },
    { "a failed check that passes when run again", true, { "npx playwright test", "1 failed", 1 },
      { "npx playwright test", "5 passed (3.1s)" } },
    { "tests pass, a later lint fails", true, { "npm test", "Tests: 3 passed, 3 total" }, { "npm run lint",
      "1 problem", 1 } },
    { "tests fail last", false, { "cargo test", "test result: ok. 3 passed; 0 failed" },
      { "cargo test", "test result: FAILED. 2 passed; 1 failed", 101 } },
    { "a type check alone is weak", nil, { "npx tsc --noEmit", "" } },
    { "the whole suite fails, one file passes after: the whole was not run again", false,
      { "pytest -q", "1 failed, 11 passed in 3.21s", 1 }, { "pytest -q tests/test_a.py", "3 passed in 0.2s" } },
    { "one file fails, then the whole suite passes", true, { "pytest -q tests/test_a.py", "1 failed in 0.2s", 1 },
      { "pytest -q", "12 passed in 3.21s" } },
    { "a narrow test passes, the whole suite's result is hidden", nil, { "go test ./store",
      "ok  \texample/store\t0.01s" },
      { "go test ./... > out.txt 2>&1; true", "" } },
  }

  it("is what the checks after the last edit say", function()
    local list = {}
    for i, row in ipairs(rows) do
      local t = transcripts.new(("%04d0000-0000-4000-8000-000000000001"):format(i))
      t:user(row[1])
      t:edit "e0"
      for j = 3, #row do t:bash("b" .. j, table.unpack(row[j])) end
      t:say("Done.", { stop = "end_turn" })
      t:done()
      list[i] = t
    end
    local entries = imported(list)
    for _, row in ipairs(rows) do
      local entry = find(entries, row[1])
      assert.same({ row[1], row[2] }, { row[1], entry.attempts[#entry.attempts].verified })
    end
    local weak = find(entries, "a type check alone is weak").attempts[1].checks
    assert.same({ { kind = "typecheck", command = "npx tsc --noEmit", passed = true, exit_status = 0,
      source = "exit" } }, weak)
    local piped = find(entries, "piped, the summary says fail").attempts[1].checks
    assert.same({ { kind = "test", command = "pytest -q", passed = false, source = "output", decides = true } }, piped)
  end)
end)

describe("imported entries: copied history", function()
  -- A transcript, and a fork of it in the middle of a turn that keeps the session id in the copied records.
  local function forked()
    local t = transcripts.new(A)
    t:user "fix the mast"
    t:edit "e1"
    t:bash("b1", "make test", "1 failed", 1)
    local fork = transcripts.new(B, { at = t.at })
    fork.records, fork.n = transcripts.copy(t.records), 50
    t:edit "e2"
    t:bash("b2", "make test", "all fine")
    t:say("Fixed.", { out = 40, stop = "end_turn" })
    t:done()
    fork:user "try another way"
    fork:say("Another way then.", { stop = "end_turn" })
    fork:done()
    return t, fork
  end
  local FORKED = { "aaaa fix the mast: false true, 80", "bbbb try another way: 10" }

  it("is counted once, the longer version of a run", function()
    local t, fork = forked()
    assert.same(FORKED, summary(imported { t, fork }))
    assert.same(FORKED, summary(imported { fork, t }))
  end)

  it("is counted once when a branch gives its records a new session", function()
    local t = transcripts.new(B)
    t:user "fix the mast"
    t:edit "e1"
    t:bash("b1", "make test", "1 failed", 1)
    t:say("It fails still.", { out = 40, stop = "end_turn" })
    t:done()
    local branch = transcripts.new(C, { at = t.at })
    branch.records, branch.n = transcripts.copy(t.records), 50
    for _, record in ipairs(branch.records) do
      record.sessionId, record.forkedFrom = C, { sessionId = B, messageUuid = record.uuid }
    end
    branch:user "try another way"
    branch:say("Another way then.", { stop = "end_turn" })
    branch:done()
    local expected = { "bbbb fix the mast: false, 60", "cccc try another way: 10" }
    assert.same(expected, summary(imported { t, branch }))
    assert.same(expected, summary(imported { branch, t }))
  end)

  it("of a compaction inside a turn is passed over", function()
    local t = transcripts.new(A)
    t:user "paint the hull"
    t:say("Painted.", { out = 20, stop = "end_turn" })
    t:done()
    t:user "fix the mast"
    t:edit "e1"
    t:bash("b1", "make test", "1 failed", 1)
    local old = transcripts.copy(t.records)
    t:base("system", { subtype = "compact_boundary", content = "Conversation compacted" })
    t:user("This session is being continued.", { isCompactSummary = true })
    for _, record in ipairs(old) do t.records[#t.records + 1] = record end
    t:edit "e2"
    t:bash("b2", "make test", "all fine")
    t:say("Fixed.", { out = 40, stop = "end_turn" })
    t:done()
    local entries, r = imported { t }
    assert.equal("debrief: 2 entries stored in log, from 1 file\n", r.err)
    assert.same({ "aaaa fix the mast: false true, 80", "aaaa paint the hull: 20" }, summary(entries))
    assert.equal("Fixed.", find(entries, "fix the mast").attempts[2].output_summary)
  end)

  it("of a resume has new uuids and the same replies", function()
    local t = transcripts.new(A)
    t:user "paint the hull"
    t:say("Painted.", { out = 20, stop = "end_turn" })
    t:done()
    local old = transcripts.copy(t.records)
    for i, record in ipairs(old) do
      record.uuid = "new-" .. i
      t.records[#t.records + 1] = record
    end
    t:user "and the mast"
    t:say("Painted too.", { out = 5, stop = "end_turn" })
    t:done()
    assert.same({ "aaaa and the mast: 5", "aaaa paint the hull: 20" }, summary(imported { t }))
  end)
end)

describe("imported entries: who did what", function()
  it("keeps subagents of 1.0 apart by their parents", function()
    local t = transcripts.new(A, { version = "1.0.44" })
    t:user "review both"
    t:say({ { type = "tool_use", id = "k1", name = "Task", input = { prompt = "review north" } } }, { id = "m1",
      out = 1 })
    t:say({ { type = "tool_use", id = "k2", name = "Task", input = { prompt = "review south" } } }, { id = "m1",
      out = 1 })
    local last = {}
    local function side(of, method, ...)
      local record = t[method](t, ...)
      record.isSidechain, record.parentUuid = true, last[of] or cjson.null
      last[of] = record.uuid
    end
    for _, of in ipairs { "north", "south" } do side(of, "user", "review " .. of) end
    side("north", "say", "north: reading", { id = "n1", out = 10 })
    side("south", "say", "south: reading", { id = "s1", out = 100 })
    side("north", "call", "cn", "Read", { file_path = "/n" }, { id = "n2", out = 20 })
    side("south", "call", "cs", "Read", { file_path = "/s" }, { id = "s2", out = 200 })
    side("north", "result", "cn", "n")
    side("south", "result", "cs", "s")
    side("north", "say", "north is fine", { id = "n3", out = 40, stop = "end_turn" })
    side("south", "say", "south is broken", { id = "s3", out = 400, stop = "end_turn" })
    t:result("k1", { { type = "text", text = "north is fine" } })
    t:result("k2", { { type = "text", text = "south is broken" } })
    t:say("One is broken.", { out = 2, stop = "end_turn" })
    t:user "thanks"
    t:say("Welcome.", { out = 3, stop = "end_turn" })
    local entries = imported({ t }, "--final")
    assert.same({ "aaaa review both: 3", "aaaa review north: 70", "aaaa review south: 700", "aaaa thanks: 3" },
      summary(entries))
    assert.equal("north is fine", find(entries, "review north").attempts[1].output_summary)
    assert.equal("south is broken", find(entries, "review south").attempts[1].output_summary)
  end)

  it("counts tokens by model when a run used several", function()
    local t = transcripts.new(A)
    t:user "go"
    t:call("c1", "Read", { file_path = "/a" }, { model = "claude-opus-4-5", out = 1000, inp = 5000 })
    t:result("c1", "a")
    t:say("done", { model = "claude-haiku-4-5", out = 10, inp = 50, stop = "end_turn" })
    t:done()
    local by_model = imported({ t })[1].usage_by_model
    assert.equal(1000, by_model["claude-opus-4-5"].output_tokens)
    assert.equal(5000, by_model["claude-opus-4-5"].input_tokens)
    assert.equal(10, by_model["claude-haiku-4-5"].output_tokens)
    assert.equal(50, by_model["claude-haiku-4-5"].input_tokens)
  end)

  it("names a skill that ran by its bare name, and none that was refused", function()
    local t = transcripts.new(A)
    local function turn(text, after)
      t:user(text)
      after()
      t:done()
    end
    local function says(text) return function() t:say(text, { stop = "end_turn" }) end end
    local function calls(id, input, answer)
      return function()
        t:call(id, "Skill", input)
        t:result(id, answer)
        t:say("x", { stop = "end_turn" })
      end
    end
    turn("<command-message>ship</command-message>\n<command-name>/ship</command-name>", says "a")
    turn("<command-message>tools:ship</command-message>\n<command-name>/tools:ship</command-name>", says "b")
    turn("ship it", calls("k1", { skill = "tools:ship" }, "Launching skill: tools:ship"))
    turn("ship it", calls("k2", { skill = "ship" }, "Launching skill: ship"))
    t:user "go"
    t:call("k3", "Skill", { skill = "shipp" })
    t:result("k3", "<tool_use_error>Unknown skill: shipp</tool_use_error>", true, "Error: Unknown skill: shipp")
    t:say("There is no such skill.", { stop = "end_turn" })
    t:done()
    t:user "go on"
    t:call("k4", "Skill", { skill = "deploy" })
    t:result("k4", "The user doesn't want to proceed with this tool use. The tool use was rejected", true,
      "User rejected tool use")
    t:user { { type = "text", text = "[Request interrupted by user for tool use]" } }
    turn("old", calls("k5", { command = "pdf" }, "Launching skill: pdf"))
    turn("<command-message>init is analyzing</command-message>\n<command-name>/init</command-name>", says "f")

    local runs, triggers, plugins = {}, {}, 0
    for _, e in ipairs(imported { t }) do
      local name = e.skill or "no skill"
      runs[name] = (runs[name] or 0) + 1
      if e.skill == "ship" then triggers[#triggers + 1] = e.trigger end
      if e.source.plugin == "tools" then plugins = plugins + 1 end
    end
    assert.same({ ship = 4, pdf = 1, init = 1, ["no skill"] = 2 }, runs)
    assert.same({ "user", "user", "model", "model" }, triggers)
    assert.equal(2, plugins)
  end)

  it("takes only a person's prompt for the beginning of a run", function()
    local t = transcripts.new(A)
    t:user "begin"
    t:say("I wait.", { stop = "end_turn" })
    t:done()
    t:user "<task-notification>\n<task-id>b1</task-id>\n</task-notification>"
    t:say("It has ended.", { stop = "end_turn" })
    t:done()
    t:user("A teammate is done.", { origin = { kind = "teammate" } })
    t:user("Continue.", { promptSource = "system" })
    t:user "Stop hook feedback:\nrun the tests"
    t:say("All is done.", { stop = "end_turn" })
    t:done()
    t:say("No response requested.", { model = "<synthetic>", usage = false })
    local entries = imported { t }
    assert.equal(1, #entries)
    assert.equal("All is done.", entries[1].attempts[1].output_summary)
    assert.equal(3000, entries[1].duration_ms)
  end)
end)

describe("imported entries: odd values", function()
  it("with an empty or missing message id are counted reply by reply", function()
    local list = {}
    for i, id in ipairs { "", cjson.null } do
      local t = transcripts.new(("%04d0000"):format(i))
      for turn = 1, 3 do
        t:user("turn " .. turn)
        t:say("x", { out = 100 * turn }).message.id = id
        t:done()
      end
      list[i] = t
    end
    for _, e in ipairs(imported(list)) do assert.equal(100 * tonumber(e.input:match "%d"), e.usage.output_tokens) end
  end)

  it("lose at most that field", function()
    local t = transcripts.new(A)
    t:user "text usage"
    t:say("x", { out = "12", inp = "5" })
    t:say("y", { id = "k", out = "7" })
    t:say("z", { id = "k", out = "9" })
    t:done()
    t:user "float usage"
    t:say("x", { out = 12.0, inp = 5.5 })
    t:done()
    t:user "null usage"
    t:say("x", { out = cjson.null, inp = -4 })
    t:done()
    t:user "no usage"
    t:say("x", { usage = false })
    t:done()
    assert.same({ "aaaa float usage: 12", "aaaa no usage: 0", "aaaa null usage: 0", "aaaa text usage: 21" },
      summary(imported { t }))
  end)

  it("of time are understood where they mean one moment, else left out and reported", function()
    local odd = {
      ["2026-11-02T10:00:00.000"] = false, [1793000000000] = "2026-10-26T07:33:20Z", [cjson.null] = false, [""] = false,
      ["2026-11-02 10:00:00Z"] = "2026-11-02T10:00:00Z", ["2016-12-31T23:59:60Z"] = "2017-01-01T00:00:00Z",
      ["2026-11-02t10:00:00z"] = "2026-11-02T10:00:00Z",
    }
    for value, expected in pairs(odd) do
      local t = transcripts.new(A)
      t:user "good"
      t:say("x", { stop = "end_turn" })
      t:done()
      t:user("odd", { timestamp = value })
      t:say("x", { stop = "end_turn" }, { timestamp = value })
      t:done().timestamp = value
      t:user "good too"
      t:say("x", { stop = "end_turn" })
      t:done()
      local entries, r = imported { t }
      assert.equal(3, #entries, tostring(value))
      assert.equal(expected or nil, find(entries, "odd").timestamp)
      assert.equal(not expected and value ~= cjson.null, r.err:find("jsonl:4:1 left_out: the timestamp", 1,
        true) ~= nil, r.err)
      for _, e in ipairs(entries) do assert.is_true((e.duration_ms or 0) >= 0 and (e.wall_ms or 0) >= 0) end
    end
  end)

  it("before the first record that shows it do not hide whose transcript it is", function()
    local queued = transcripts.new(A)
    queued.records = {
      { type = "queue-operation", operation = "enqueue", timestamp = "2026-11-02T09:00:00.000Z", sessionId = A,
        content = "look at this log: " .. ("x"):rep(70000) },
    }
    queued:user("look at this log: " .. ("x"):rep(70000))
    queued:say("Seen.", { stop = "end_turn" })
    queued:done()
    local snapshots = transcripts.new(B)
    for i = 1, 400 do
      snapshots.records[i] = { type = "file-history-snapshot", messageId = "m" .. i, isSnapshotUpdate = false,
        snapshot = { messageId = "m" .. i, timestamp = "2026-11-02T09:00:00Z", trackedFileBackups = { ["/w/"
          .. ("d"):rep(200)] = 1 } } }
    end
    snapshots:user "hello"
    snapshots:say("Hi.", { stop = "end_turn" })
    snapshots:done()
    local entries, r = imported { queued, snapshots }
    assert.same({ 0, 2 }, { r.status, #entries }, r.err)
  end)
end)
