-- The importer of Codex logs: made-up rollouts and exec output, and, where the corpora are, tokens as another program
-- counted
-- them.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local CORPORA = os.getenv "CORPORA" or "../shared/corpora"

teardown(program.clean)

-- Import one file of these records. Returns the entries, what was said, and the scene.
local function imported(records, options)
  local scene, lines = program.scene(), {}
  for i, record in ipairs(records) do
    lines[i] = type(record) == "string" and record or cjson.encode(record)
  end
  scene:write("rollout-2026-11-02T09-00-00-x.jsonl", table.concat(lines, "\n") .. "\n")
  local words = { "-d", "log", "import", "rollout-2026-11-02T09-00-00-x.jsonl" }
  for _, option in ipairs(options or {}) do words[#words + 1] = option end
  local r, entries = scene:run(words), {}
  for line in scene:run({ "-d", "log", "read" }).out:gmatch "[^\n]+" do entries[#entries + 1] = cjson.decode(line) end
  return entries, r, scene
end

-- Records of a rollout, ten seconds apart.
local function rollout()
  local at, list = 32400, {}
  local function add(kind, payload)
    at = at + 10
    list[#list + 1] = { timestamp = os.date("!2026-11-02T%H:%M:%S.000Z", at), type = kind, payload = payload }
  end
  local function event(kind, payload)
    payload.type = kind
    add("event_msg", payload)
  end
  local function item(kind, payload)
    payload.type = kind
    add("response_item", payload)
  end
  add("session_meta", { id = "019f15f7-b472", cwd = "/w/app", originator = "codex-tui", cli_version = "0.142.4" })
  add("turn_context", { turn_id = "t1", cwd = "/w/app", model = "gpt-5.5" })
  event("task_started", { turn_id = "t1" })
  item("message", { role = "user", content = { { type = "input_text", text = "# AGENTS.md instructions" } } })
  event("user_message", { message = "fix the mast", text_elements = {} })
  return list, event, item, add
end

local function run(item, id, line, output)
  item("function_call", { name = "exec_command", call_id = id, arguments = cjson.encode { cmd = line } })
  item("function_call_output", { call_id = id, output = output })
end

local function exited(status,
  text) return ("Wall time: 0.1 seconds\nProcess exited with code %d\nOutput:\n%s"):format(status, text) end

describe("codex rollouts", function()
  it("become turns with attempts, tools, tokens and the agent's own time", function()
    local list, event, item = rollout()
    event("agent_message", { message = "I begin." })
    item("message", { role = "assistant", id = "m1", content = { { type = "output_text", text = "I begin." } } })
    item("custom_tool_call", { name = "apply_patch", call_id = "c1",
      input = "*** Begin Patch\n*** Update File: src/mast.c\n+x" })
    item("custom_tool_call_output", { call_id = "c1",
      output = "Exit code: 0\nWall time: 0 seconds\nOutput:\nSuccess." })
    run(item, "c2", "cd web && npm test", exited(1, "Tests: 1 failed, 4 passed, 5 total"))
    event("token_count", { info = { total_token_usage = { input_tokens = 100, cached_input_tokens = 60,
      output_tokens = 7,
      total_tokens = 107 }, last_token_usage = { input_tokens = 100, cached_input_tokens = 60, output_tokens = 7 } } })
    run(item, "c3", "apply_patch '*** Begin Patch\n*** Update File: src/mast.h\n+y'", exited(0, "Success"))
    run(item, "c4", "npm test", "Process running with session ID 77\nOutput:\n")
    item("function_call", { name = "write_stdin", call_id = "c5", arguments = '{"session_id":77,"chars":""}' })
    item("function_call_output", { call_id = "c5", output = exited(0, "Tests: 5 passed, 5 total") })
    event("token_count", { info = { total_token_usage = { input_tokens = 350, cached_input_tokens = 160,
      output_tokens = 20,
      total_tokens = 370 }, last_token_usage = { input_tokens = 50, cached_input_tokens = 40, output_tokens = 5 } } })
    item("message", { role = "assistant", id = "m2", content = { { type = "output_text", text = "It is fixed." } } })
    event("task_complete", { turn_id = "t1", duration_ms = 4200 })
    event("task_started", { turn_id = "t2" })
    event("user_message", { message = "thanks" })
    item("message", { role = "assistant", content = { { type = "output_text", text = "You are welcome." } } })
    event("turn_aborted", { reason = "interrupted" })

    local entries, r = imported(list)
    assert.same({ "debrief: 2 entries stored in log, from 1 file\n", 0, 2 }, { r.err, r.status, #entries })
    local fixed, thanked = entries[1], entries[2]
    assert.same({ "019f15f7-b472", "fix the mast", "/w/app", "gpt-5.5", 4200, "t1 1" }, { fixed.session_id, fixed.input,
      fixed.project_root, fixed.model_used, fixed.duration_ms, fixed.source.key })
    assert.same({ input_tokens = 190, cache_read_tokens = 160, output_tokens = 20 }, fixed.usage)
    assert.same({ false, true }, { fixed.attempts[1].verified, fixed.attempts[2].verified })
    assert.equal("Tests: 5 passed, 5 total", fixed.attempts[2].runner_output)
    assert.equal("src/mast.h", fixed.file_path)
    assert.same({ "apply_patch", "exec_command", "exec_command", "exec_command", "write_stdin" },
      { fixed.tools[1].name, fixed.tools[2].name, fixed.tools[3].name, fixed.tools[4].name, fixed.tools[5].name })
    assert.same({ "thanks", "interrupted" }, { thanked.input, thanked.final_status })
  end)

  it("have the skills that were read, injected or marked in the prompt", function()
    local list, event, item = rollout()
    run(item, "c1", "sed -n '1,200p' /home/me/.agents/skills/workmux/SKILL.md", exited(0, "---"))
    item("message", { role = "assistant", content = { { type = "output_text", text = "Read." } } })
    run(item, "c2", "cat skills/absent/SKILL.md", exited(1, "cat: skills/absent/SKILL.md: No such file or directory"))
    event("task_complete", { turn_id = "t1" })
    event("user_message", { message = "$ship it", text_elements = { { placeholder = "$ship" } } })
    item("message", { role = "assistant", content = { { type = "output_text", text = "Shipped." } } })
    event("task_complete", { turn_id = "t2" })
    event("user_message", { message = "go on" })
    item("message", { role = "user", content = { { type = "input_text",
      text = "<skill>\n<name>tidy</name>\nbody</skill>" } } })
    item("message", { role = "assistant", content = { { type = "output_text", text = "Tidied." } } })
    event("task_complete", { turn_id = "t3" })
    local found = {}
    for i, e in ipairs(imported(list)) do found[i] = ("%s by %s"):format(e.skill or "-", e.trigger or "-") end
    assert.same({ "workmux by model", "ship by user", "tidy by user" }, found)
  end)

  it("of older versions have exit statuses in JSON", function()
    local list, event, item = rollout()
    item("function_call", { name = "shell", call_id = "c0", arguments = cjson.encode {
      command = { "apply_patch", "*** Begin Patch\n*** Add File: a.py\n+x" } } })
    item("function_call_output", { call_id = "c0", output = '{"output":"Success","metadata":{"exit_code":0}}' })
    item("function_call", { name = "shell", call_id = "c1", arguments = cjson.encode { command = { "bash", "-lc",
      "pytest -q" } } })
    item("function_call_output", { call_id = "c1",
      output = '{"output":"1 failed in 0.1s","metadata":{"exit_code":1}}' })
    item("message", { role = "assistant", content = { { type = "output_text", text = "It fails." } } })
    event("task_complete", { turn_id = "t1" })
    local entry = imported(list)[1]
    assert.same({ false, "1 failed in 0.1s", "a.py" }, { entry.attempts[1].verified, entry.attempts[1].runner_output,
      entry.file_path })
  end)

  it("lose no entry for odd values", function()
    local list, event, item, add = rollout()
    add("session_meta", 5)
    event("token_count", { info = cjson.null })
    event("token_count", { info = { total_token_usage = "x", last_token_usage = { input_tokens = "7",
      output_tokens = -1 } } })
    item("function_call", { name = 5, call_id = {}, arguments = "{" })
    item("function_call_output", { call_id = cjson.null, output = { 1, 2 } })
    item("message", { role = "assistant", content = "text" })
    item("message", { role = "assistant", content = { { type = "output_text", text = "Done." }, 7 } })
    event("task_complete", { duration_ms = "long" })
    local entries, r = imported(list)
    assert.same({ 1, 0 }, { #entries, r.status }, r.err)
    assert.equal("Done.", entries[1].attempts[1].output_summary)
  end)
end)

describe("codex exec --json", function()
  it("becomes a run for each turn", function()
    local entries, r = imported {
      { type = "thread.started", thread_id = "0199-exec" }, { type = "turn.started" },
      { type = "item.completed", item = { id = "1", type = "file_change", status = "completed",
        changes = { { path = "a.c" } } } },
      { type = "item.completed", item = { id = "2", type = "command_execution", command = "bash -lc 'make test'",
        aggregated_output = "ok", exit_code = 0, status = "completed" } },
      { type = "item.completed", item = { id = "3", type = "agent_message", text = "Done." } },
      { type = "turn.completed", usage = { input_tokens = 100, cached_input_tokens = 40, output_tokens = 9 } },
      { type = "turn.started" },
      { type = "turn.failed", error = { message = "no credit left" } },
    }
    assert.same({ 2, 0 }, { #entries, r.status }, r.err)
    assert.same({ "0199-exec", true, "Done.", "a.c" }, { entries[1].session_id, entries[1].attempts[1].verified,
      entries[1].attempts[1].output_summary, entries[1].file_path })
    assert.same({ input_tokens = 60, cache_read_tokens = 40, output_tokens = 9 }, entries[1].usage)
    assert.same({ "error", "no credit left" }, { entries[2].final_status, entries[2].attempts[1].output_summary })
  end)
end)

describe("codex-agentv", function()
  -- The lines of a rollout that another program counted: to the token report whose totals it wrote down.
  local function counted_lines(path, from, wanted)
    local lines, last, base = {}, nil, { 0, 0, 0 }
    for line in io.lines(path) do
      lines[#lines + 1] = line
      local total = line:find('"token_count"', 1, true) and cjson.decode(line).payload.info
      total = type(total) == "table" and total.total_token_usage
      if total then
        local sum = { total.input_tokens - total.cached_input_tokens, total.cached_input_tokens, total.output_tokens }
        if #lines <= from then base = sum end
        if sum[1] - base[1] == wanted[1] and sum[2] - base[2] == wanted[2]
          and sum[3] - base[3] == wanted[3] then last = #lines end
      end
    end
    local part = { lines[1] }
    for i = math.max(from, 1) + 1, assert(last, path) do part[#part + 1] = lines[i] end
    return part
  end

  it("has the tokens that another program counted", function()
    local names = io.popen("ls " .. CORPORA .. "/codex-agentv/*/*/*/metadata.json 2>/dev/null"):read "a"
    if names == "" then return pending("no " .. CORPORA .. "/codex-agentv") end
    local agreed = 0
    for name in names:gmatch "[^\n]+" do
      local metadata = cjson.decode(program.read(name))
      local usage = metadata.token_usage
      local wanted = { usage.input_tokens, usage.cache_read_tokens, usage.output_tokens }
      local part = counted_lines(name:gsub("metadata.json$", "full.jsonl"), metadata.checkpoint_transcript_start
        or metadata.transcript_lines_at_start or 0, wanted)
      local sum = { 0, 0, 0 }
      for _, e in ipairs(imported(part, { "--final" })) do
        for i, field in ipairs { "input_tokens", "cache_read_tokens", "output_tokens" } do
          sum[i] = sum[i] + (e.usage and e.usage[field] or 0)
        end
      end
      assert.same(wanted, sum, name)
      agreed = agreed + 1
    end
    assert.equal(15, agreed)
  end)
end)
