-- What a run and an attempt are. Shell lines, checks and summaries have specs of their own.
dofile "tests/spec/support/program.lua"
local transcript = require "debrief.import.transcript"

local SECOND = 1000000000

-- A transcript, its main agent, and what it emitted.
local function record()
  local emitted = {}
  local t = transcript.new(function(entry, opts) emitted[#emitted + 1] = { entry = entry, open = opts.open } end)
  return t, t:agent "", emitted
end

-- One edit, and then shell lines with what they gave back: { line, exit status, output }, "edit" for another edit.
local function attempts_after(steps)
  local t, turn, emitted = record()
  turn:prompt({ session_id = "s" })
  turn:reply { model = "m", text = "I begin." }
  for i, step in ipairs(steps) do
    local id = "call" .. i
    if step == "edit" then
      turn:call(id, { edit = "a.c" })
      t:result(id, {})
    else
      turn:call(id, { shell = step[1] })
      t:result(id, { exit_status = step[2], output = step[3] })
    end
  end
  turn:close()
  for _, attempt in ipairs(emitted[1].entry.attempts) do attempt.checks = nil end
  return emitted[1].entry.attempts
end

describe("transcript: attempts", function()
  it("end at the first edit after a test run", function()
    local attempts = attempts_after { "edit", "edit", { "make test", 1, "1 failed" }, "edit", { "make test", 0, "ok" } }
    assert.same({
      { attempt = 1, model = "m", output_summary = "I begin.", verified = false, runner_output = "1 failed" },
      { attempt = 2, model = "m", verified = true, runner_output = "ok" },
    }, attempts)
  end)

  it("end after another check only if that failed", function()
    assert.equal(1, #attempts_after { "edit", { "make", 0, "" }, "edit", { "make test", 0, "ok" } })
    assert.equal(2, #attempts_after { "edit", { "make", 2, "error" }, "edit", { "make test", 0, "ok" } })
  end)

  it("are not begun by tests before the first edit, nor by other commands", function()
    assert.same({ { attempt = 1, model = "m", output_summary = "I begin." } },
      attempts_after { { "make test", 1, "1 failed" }, { "git status", 0, "" }, "edit", { "ls", 0, "a" } })
  end)

  it("are begun by edits of the shell, too, in the order of the line", function()
    local attempts = attempts_after { { "sed -i s/a/b/ a.c && make test", 0, "ok" }, { "npm run lint:fix", 0, "" },
      { "make test", 1, "1 failed" } }
    assert.equal(2, #attempts)
    assert.is_true(attempts[1].verified)
    assert.is_false(attempts[2].verified)
  end)

  it("stay failed when only another check passes, and pass when the same does", function()
    local failed = attempts_after { "edit", { "make test", 1, "1 failed" }, { "make lint", 0, "ok" } }
    assert.same({ 1, false, "1 failed" }, { #failed, failed[1].verified, failed[1].runner_output })
    local passed = attempts_after { "edit", { "make test", 1, "1 failed" }, { "make test", 0, "ok" } }
    assert.same({ 1, true, "ok" }, { #passed, passed[1].verified, passed[1].runner_output })
  end)

  it("fail when another test fails", function()
    local attempts = attempts_after { "edit", { "make tests", 0, "" }, { "npm run e2e", 1, "2 failed" } }
    assert.is_false(attempts[1].verified)
    assert.equal("2 failed", attempts[1].runner_output)
  end)

  it("claim nothing without a status or a summary, and keep the output", function()
    local attempts = attempts_after { "edit", { "make test | tail", 0, "31 tests" }, "edit", { "make test", nil, "?" } }
    assert.is_nil(attempts[1].verified)
    assert.equal("31 tests", attempts[1].runner_output)
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
    assert.equal("1970-01-01T00:00:02Z", emitted[1].entry.timestamp)
  end)

  it("count the time in which something went on, not that in which a person was asked or nothing ran", function()
    local t, turn, emitted = record()
    turn:prompt({ session_id = "s" }, 0)
    turn:reply { at = 10 * SECOND }
    turn:call("a", { name = "AskUserQuestion", asks = true, at = 10 * SECOND })
    t:result("a", { at = 300 * SECOND })
    turn:call("b", { name = "Bash", shell = "sleep 5", at = 301 * SECOND })
    t:result("b", { at = 306 * SECOND, exit_status = 0 })
    turn:reply { at = 5000 * SECOND }
    turn:close()
    local entry = emitted[1].entry
    assert.same({ 16000, 5000000 }, { entry.duration_ms, entry.wall_ms })
    assert.same({ { name = "AskUserQuestion" }, { name = "Bash", target = "sleep", duration_ms = 5000 } }, entry.tools)
  end)

  it("are as long as the agent says, and go on after that until a person prompts", function()
    local t, turn, emitted = record()
    turn:prompt({ session_id = "s" }, 0)
    turn:reply { at = SECOND, text = "a" }
    turn:took(700)
    turn:reply { at = 90 * SECOND, text = "b" }
    turn:took(300)
    t:finish()
    assert.same({ 1, false, 1000, "b" }, { #emitted, emitted[1].open, emitted[1].entry.duration_ms,
      emitted[1].entry.attempts[1].output_summary })
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
    assert.same({ "debug", "x" }, { emitted[1].entry.skill, emitted[1].entry.input })
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

describe("transcript: in plugins", function()
  it("has every function of the module, which is loaded when one is called", function()
    local library = require "debrief.plugin.library"
    local names = {}
    for name in pairs(transcript) do names[name] = "function" end
    local found = {}
    for name, value in pairs(library.transcript) do found[name] = type(value) end
    assert.same(names, found)
    local content = { { type = "text", text = "a" } }
    assert.equal(transcript.text(content), library.transcript.text(content))
  end)
end)
