package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
local transcript = require "debrief.import.transcript"

local SECOND = 1000000000

-- A transcript, its main agent, and what it emitted.
local function record()
  local emitted = {}
  local t = transcript.new(function(entry, opts) emitted[#emitted + 1] = { entry = entry, open = opts.open } end)
  return t, t:agent "", emitted
end

-- One edit, and then shell lines with what they gave back: { line, passed, output }, "edit" for another edit.
local function attempts_after(steps)
  local t, turn, emitted = record()
  turn:prompt({ session_id = "s" })
  turn:reply { model = "m", text = "I begin." }
  for i, step in ipairs(steps) do
    local id = "call" .. i
    if step == "edit" then
      turn:call(id, { edit = "a.c" })
      t:result(id, { passed = true })
    else
      turn:call(id, { shell = step[1] })
      t:result(id, { passed = step[2], output = step[3] })
    end
  end
  turn:close()
  return emitted[1].entry.attempts
end

describe("transcript: a shell line", function()
  local function test_run(line) return { transcript.test_run(line) } end

  it("is a test run if a runner, or a tool with a test task, is a command of it", function()
    for _, line in ipairs {
      "pytest -q", "go test ./...", "make", "make -j4 check", "npx vitest run", "CI=1 timeout 60 ./gradlew test",
      "cd web && npm run test:unit", "python3 -m pytest -k 'a|b; c'", "cargo clippy", "npm run lint && npm test",
    } do
      assert.same({ true, true, true }, test_run(line), line)
    end
  end)

  it("is not one if the words only occur in it", function()
    for _, line in ipairs {
      "git commit -m 'go test; make'", "grep -r test src", "test -f x", "make install", "./build", "cat pytest.ini",
      "git commit -m \"$(cat <<'EOF'\nmake test\nEOF\n)\"", "npm install", "echo make test",
    } do
      assert.is_false(test_run(line)[1], line)
    end
  end)

  it("concludes nothing if the exit status may be another command's", function()
    for _, line in ipairs {
      "go test ./... 2>&1 | tail -5", "make test; echo $?", "make test || true", "pytest -q &", "make test\nls",
      "npx tsc --noEmit; npx vitest run", "false || make test", "make test && cat <<X\nX\nfalse",
    } do
      assert.same({ true, false, false }, test_run(line), line)
    end
  end)

  it("concludes success only, if something else follows and may fail", function()
    assert.same({ true, true, false }, test_run "make test && git commit -m 'a | b'")
  end)
end)

describe("transcript: attempts", function()
  it("end at the first edit after a test run", function()
    local attempts = attempts_after { "edit", "edit", { "make test", false, "1 failed" }, "edit",
      { "make test", true, "ok" } }
    assert.same({
      { attempt = 1, model = "m", output_summary = "I begin.", verified = false, runner_output = "1 failed" },
      { attempt = 2, model = "m", verified = true, runner_output = "ok" },
    }, attempts)
  end)

  it("are not begun by tests before the first edit, nor by other commands", function()
    assert.same({ { attempt = 1, model = "m", output_summary = "I begin." } },
      attempts_after { { "make test", false, "1 failed" }, { "git status", true, "" }, "edit", { "ls", true, "a" } })
  end)

  it("stay failed when only a later run without an edit passes", function()
    local attempts = attempts_after { "edit", { "make test", false, "1 failed" }, { "make lint", true, "ok" } }
    assert.equal(1, #attempts)
    assert.is_false(attempts[1].verified)
    assert.equal("1 failed", attempts[1].runner_output)
  end)

  it("fail when a later run without an edit fails", function()
    local attempts = attempts_after { "edit", { "make tests", true, "" }, { "make lint", true, "ok" },
      { "make check", false, "2 failed" } }
    assert.is_false(attempts[1].verified)
    assert.equal("2 failed", attempts[1].runner_output)
  end)

  it("claim nothing without a status, and keep the output", function()
    local attempts = attempts_after { "edit", { "make test | tail", true, "31 passed" }, "edit",
      { "make test", nil, "?" } }
    assert.is_nil(attempts[1].verified)
    assert.equal("31 passed", attempts[1].runner_output)
    assert.equal(2, #attempts)
    assert.is_nil(attempts[2].verified)
  end)
end)

describe("transcript: turns", function()
  it("are a run each, and open while nothing ends them", function()
    local t, turn, emitted = record()
    turn:prompt({ session_id = "s", input = "one" }, 0)
    turn:reply { at = 2 * SECOND, text = "yes" }
    turn:prompt({ session_id = "s", input = "two" }, 9 * SECOND)
    turn:reply { at = 10 * SECOND, text = "no" }
    t:finish()
    assert.same({ "one", "two" }, { emitted[1].entry.input, emitted[2].entry.input })
    assert.same({ false, true }, { emitted[1].open, emitted[2].open })
    assert.equal("integer", math.type(emitted[1].entry.duration_ms))
    assert.equal(2000, emitted[1].entry.duration_ms)
  end)

  it("without a reply are no runs", function()
    local t, turn, emitted = record()
    turn:prompt({ session_id = "s" })
    turn:prompt({ session_id = "s" })
    turn:interrupt()
    t:finish()
    assert.same({}, emitted)
  end)

  it("go on after a command that the program answers itself, and end at one that the model answers", function()
    local t, turn, emitted = record()
    turn:prompt({ session_id = "s", input = "one" })
    turn:reply { text = "a" }
    turn:command({ session_id = "s", skill = "cost" })
    turn:dismiss()
    turn:reply { text = "b" }
    turn:command({ session_id = "s", skill = "triage" })
    turn:reply { text = "c" }
    t:finish()
    assert.same({ nil, "triage" }, { emitted[1].entry.skill, emitted[2].entry.skill })
    assert.equal("b", emitted[1].entry.attempts[1].output_summary)
  end)

  it("are cut where a skill starts, but for what was only said before", function()
    local t, turn, emitted = record()
    turn:prompt({ session_id = "s", input = "do it" })
    turn:reply { text = "I use a skill." }
    turn:skill({ session_id = "s", skill = "p:debug", input = "x" })
    turn:attribute({ session_id = "s", skill = "debug" })
    turn:reply { text = "done" }
    turn:call("c", {})
    turn:skill({ session_id = "s", skill = "commit" })
    t:finish()
    assert.equal(2, #emitted)
    assert.same({ "p:debug", "x" }, { emitted[1].entry.skill, emitted[1].entry.input })
    assert.equal("commit", emitted[2].entry.skill)
  end)

  it("end interrupted when the user says so", function()
    local _, turn, emitted = record()
    turn:prompt({ session_id = "s" })
    turn:reply { text = "a" }
    turn:interrupt()
    assert.same({ "interrupted", false }, { emitted[1].entry.final_status, emitted[1].open })
  end)

  it("of a subagent are not open once its caller has the result", function()
    local t, _, emitted = record()
    for name, at in pairs { a = 1, b = 5 } do
      local agent = t:agent(name)
      agent:prompt({ session_id = name }, 0)
      agent:reply { at = at }
      t:returned(name, 3)
    end
    t:finish()
    for _, e in ipairs(emitted) do assert.equal(e.entry.session_id == "b", e.open) end
  end)
end)

describe("transcript: tokens", function()
  it("are counted once a message, by its largest report, in the run where it began", function()
    local t, turn, emitted = record()
    turn:prompt({ session_id = "s" })
    turn:reply { message = "m1", usage = { input_tokens = 5, output_tokens = 1 } }
    turn:reply { message = "m1", usage = { input_tokens = 5, output_tokens = 40 } }
    turn:call("c", {})
    turn:skill({ session_id = "s", skill = "x" })
    turn:reply { message = "m1", usage = { input_tokens = 5, output_tokens = 41 } }
    turn:reply { message = "m2", usage = { output_tokens = 7 } }
    turn:reply { text = "no usage" }
    t:finish()
    assert.same({ input_tokens = 5, output_tokens = 41 }, emitted[1].entry.usage)
    assert.same({ output_tokens = 7 }, emitted[2].entry.usage)
  end)
end)

describe("transcript: text", function()
  it("is taken from a string or from the blocks of text, and long ones are cut between characters", function()
    local null = require("cjson").null
    assert.equal("a", transcript.text "a")
    assert.equal("a\nb", transcript.text { { type = "text", text = "a" }, null, 7, { type = "image" },
      { type = "text", text = "b" } })
    assert.equal("", transcript.text(null))
    local _, turn, emitted = record()
    turn:prompt({ session_id = "s" })
    turn:reply { text = ("é"):rep(1500) }
    turn:close()
    local summary = emitted[1].entry.attempts[1].output_summary
    assert.is_truthy(utf8.len(summary))
    assert.is_true(#summary <= 2003)
  end)
end)
