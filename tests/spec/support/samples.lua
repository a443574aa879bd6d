--- Made-up logs of agents, one per importer, for specs. Each function returns new records and a function that writes
-- them as a file: records, function(records) -> text, name of the file.
local cjson = require "cjson"

local samples = {}

local function stamp(seconds) return os.date("!2026-11-02T%H:%M:%S.000Z", 32400 + seconds) end

samples.stamp = stamp

--- JSON lines.
function samples.lines(name)
  return function(records)
    local lines = {}
    for i, record in ipairs(records) do lines[i] = cjson.encode(record) end
    return table.concat(lines, "\n") .. "\n", name
  end
end

--- One object, whose array `member` the records after the first are.
function samples.document(name, member)
  return function(records)
    local list = { table.unpack(records, 2) }
    local out = { [member] = list }
    for key, value in pairs(records[1]) do out[key] = value end
    return cjson.encode(out), name
  end
end

--- One array.
function samples.array(name)
  return function(records) return cjson.encode(records), name end
end

-- ---- Gemini --------------------------------------------------------------------------------------------------------

local function gemini_messages()
  local at, list = 0, {}
  local function add(message)
    at = at + 10
    message.timestamp, message.id = stamp(at), message.id or "m" .. #list + 1
    list[#list + 1] = message
    return message
  end
  local function tool(id, name, args, output, status)
    return { id = id, name = name, args = args, status = status or "success", timestamp = stamp(at + 12),
      result = { { functionResponse = { id = id, name = name, response = { output = output } } } } }
  end
  local tokens = { input = 100, cached = 30, output = 10, thoughts = 5, tool = 0, total = 115 }
  add { type = "user", content = { { text = "paint the hull" } } }
  add { type = "gemini", content = "I edit.", model = "gemini-3", tokens = tokens, toolCalls = {
    tool("c1", "replace", { file_path = "hull.c" }, "done"),
    tool("c2", "run_shell_command", { command = "make test" },
      "Command: make test\nDirectory: (root)\nOutput: 1 failed\nError: (none)\nExit Code: 2\nSignal: 0") } }
  add { type = "gemini", content = "", model = "gemini-3", tokens = tokens, toolCalls = {
    tool("c3", "write_file", { file_path = "mast.c" }, "done"),
    tool("c4", "run_shell_command", { command = "make test" }, "Output: all fine\nProcess Group PGID: 7") } }
  add { type = "gemini", content = "Painted.", model = "gemini-3", tokens = tokens }
  add { type = "user", content = { { text = "You are an agent …" } }, displayContent = { { text = "/ship" } } }
  add { type = "gemini", content = "", model = "gemini-3", tokens = tokens, toolCalls = {
    tool("c5", "activate_skill", { name = "ship" }, "activated") } }
  add { type = "user", content = { { text = "System: Please continue." } },
    displayContent = { { functionResponse = { id = "c5", name = "activate_skill", response = {} } } } }
  add { type = "gemini", content = "Shipped.", model = "gemini-2", tokens = tokens }
  add { type = "user", content = "and now?" }
  add { type = "gemini", content = "", model = "gemini-3", tokens = tokens, toolCalls = {
    { id = "c6", name = "run_shell_command", args = { command = "python3" }, status = "cancelled",
      timestamp = stamp(at + 12) } } }
  add { type = "info", content = "Request cancelled." }
  add { type = "user", content = "go on" }
  add { type = "error", content = "[API Error: quota]" }
  add { type = "user", content = "again" }
  add { type = "gemini", content = "Nothing is left.", model = "gemini-3", tokens = tokens }
  return list
end

local GEMINI = { sessionId = "0ab84937", projectHash = "9da8b3df", startTime = stamp(0), lastUpdated = stamp(0),
  kind = "main" }

function samples.gemini__json()
  local header = {}
  for key, value in pairs(GEMINI) do header[key] = value end
  return { header, table.unpack(gemini_messages()) }, samples.document("session-1.json", "messages")
end

-- Each reply is written first without its tools.
function samples.gemini()
  local records = { { directories = { "/w/app" } } }
  for key, value in pairs(GEMINI) do records[1][key] = value end
  for _, message in ipairs(gemini_messages()) do
    if message.toolCalls then
      local early = {}
      for key, value in pairs(message) do early[key] = key ~= "toolCalls" and value or nil end
      records[#records + 1] = early
    end
    records[#records + 1] = message
    records[#records + 1] = { ["$set"] = { lastUpdated = message.timestamp } }
  end
  records[#records + 1] = { ["$rewindTo"] = "m14" }
  return records, samples.lines "session-1.jsonl"
end

-- ---- claude -p -----------------------------------------------------------------------------------------------------

local function stream_events()
  local list, n = {}, 0
  local function add(event)
    n = n + 1
    event.session_id, event.uuid = event.session_id or "5e551011", "u" .. n
    list[#list + 1] = event
  end
  local function says(content, parent)
    add { type = "assistant", parent_tool_use_id = parent or cjson.null, message = { id = "msg" .. n,
      role = "assistant", model = "claude-opus-4-5", content = content,
      usage = { input_tokens = 3, output_tokens = 1 } } }
  end
  local function results(id, said, failed, parent)
    add { type = "user", parent_tool_use_id = parent or cjson.null, message = { role = "user", content = {
      { type = "tool_result", tool_use_id = id, content = said, is_error = failed } } } }
  end
  local function ends(cost, tokens, fields)
    local event = { type = "result", subtype = "success", is_error = false, duration_ms = 4000, duration_api_ms = 3000,
      num_turns = 2, result = "Done.", total_cost_usd = cost, usage = { input_tokens = 1, output_tokens = 1 },
      modelUsage = { ["claude-opus-4-5"] = { inputTokens = tokens, outputTokens = 2 * tokens,
        cacheReadInputTokens = 3 * tokens, cacheCreationInputTokens = 0, costUSD = cost } } }
    for key, value in pairs(fields or {}) do event[key] = value end
    add(event)
  end
  local function init()
    add { type = "system", subtype = "init", cwd = "/w/app", model = "claude-opus-4-5", tools = { "Bash" } }
  end
  init()
  says { { type = "tool_use", id = "t1", name = "Edit", input = { file_path = "hull.c" } } }
  results("t1", "edited", false)
  says { { type = "tool_use", id = "t2", name = "Bash", input = { command = "make test" } } }
  results("t2", "Exit code 2\n1 failed", true)
  says { { type = "text", text = "It fails." } }
  ends(0.25, 10)
  init()
  says { { type = "tool_use", id = "t3", name = "Skill", input = { skill = "tools:ship" } } }
  results("t3", "Launching skill: tools:ship", false)
  says { { type = "tool_use", id = "t4", name = "Task", input = { subagent_type = "Explore", prompt = "look" } } }
  add { type = "user", parent_tool_use_id = "t4", message = { role = "user",
    content = { { type = "text", text = "look" } } } }
  says({ { type = "text", text = "Nothing there." } }, "t4")
  results("t4", "Nothing there.", false)
  says { { type = "text", text = "Shipped." } }
  ends(0.75, 30)
  init()
  ends(0.75, 30, { subtype = "error_max_turns", is_error = true, result = cjson.null, errors = { "too many turns" } })
  return list
end

function samples.claude_stream() return stream_events(), samples.lines "out.jsonl" end

function samples.claude_stream__array() return stream_events(), samples.array "out.json" end

function samples.claude_stream__result()
  local list = stream_events()
  return { list[7] }, function(records) return cjson.encode(records[1]), "out.json" end
end

-- ---- opencode ------------------------------------------------------------------------------------------------------

local function opencode_records()
  local at, list = 1793610000000, { { info = { id = "ses_1", projectID = "p1", directory = "/w/app", title = "t",
    version = "1.1.0", time = { created = 1793610000000, updated = 1793610900000 } } } }
  local function user(text, fields)
    at = at + 1000
    local part = { type = "text", text = text, id = "prt_u" .. #list }
    for key, value in pairs(fields or {}) do part[key] = value end
    list[#list + 1] = { info = { id = "msg_" .. #list, role = "user", sessionID = "ses_1", time = { created = at },
      agent = "build" }, parts = { part } }
  end
  local function says(text, tools, fields)
    local parts = { { type = "step-start" } }
    if text then parts[#parts + 1] = { type = "text", text = text } end
    local info = { id = "msg_" .. #list, role = "assistant", sessionID = "ses_1", modelID = "gpt-5",
      providerID = "openai", mode = "build", cost = 0.25,
      tokens = { input = 10, output = 5, reasoning = 2, cache = { read = 7, write = 1 } },
      time = { created = at + 1000 }, finish = tools and "tool-calls" or "stop" }
    at = at + 1000
    for _, tool in ipairs(tools or {}) do
      tool.type, tool.state.time = "tool", { start = at + 1000, ["end"] = at + 3000 }
      tool.state.status = tool.state.status or "completed"
      at = at + 3000
      parts[#parts + 1] = tool
    end
    info.time.completed = at + 1000
    at = at + 1000
    for key, value in pairs(fields or {}) do info[key] = value end
    list[#list + 1] = { info = info, parts = parts }
  end
  user "paint the hull"
  says("I edit.", { { tool = "edit", callID = "c1", state = { input = { filePath = "hull.c" }, output = "ok" } },
    { tool = "bash", callID = "c2", state = { input = { command = "make test" }, output = "1 failed",
      metadata = { exit = 2 } } } })
  says(nil, { { tool = "write", callID = "c3", state = { input = { filePath = "mast.c" }, output = "ok" } },
    { tool = "bash", callID = "c4", state = { input = { command = "make test" }, output = "fine",
      metadata = { exit = 0 } } } })
  says "Painted."
  user("Continue if you have next steps", { synthetic = true })
  says("a summary of all", nil, { summary = true, mode = "compaction", modelID = "gpt-5-mini" })
  user "ship it"
  says(nil, { { tool = "skill", callID = "c5", state = { input = { name = "ship" }, output = "# Skill: ship" } } })
  says "Shipped."
  user "and now?"
  says(nil, { { tool = "bash", callID = "c6", state = { status = "error", input = { command = "rm x" },
    error = "The user rejected permission to use this specific tool call." } } },
    { error = { name = "MessageAbortedError", data = { message = "aborted" } }, finish = cjson.null })
  user "again"
  says(nil, nil, { error = { name = "APIError", data = { message = "quota" } }, finish = cjson.null })
  user "go on"
  says "Nothing is left."
  return list
end

function samples.opencode() return opencode_records(), samples.document("ses_1.json", "messages") end

--- The same, so many ms later.
function samples.opencode_later(ms)
  local function later(value)
    for key, item in pairs(value) do
      if type(item) == "table" then later(item) end
      if type(item) == "number" and item > 1e12 then value[key] = item + ms end
    end
    return value
  end
  return later(opencode_records())
end

--- Write the same as the tree of files that opencode had before its database. `session` as for opencode_sql.
function samples.opencode_tree(scene, records, session)
  session = session or { id = "ses_1", directory = "/w/app" }
  local function write(path, value) scene:write("storage/" .. path .. ".json", cjson.encode(value)) end
  scene:write("storage/migration", "2")
  write("session/p1/" .. session.id, { id = session.id, projectID = "p1", parentID = session.parent,
    directory = session.directory, time = { created = session.began or 1 } })
  for i = 2, #records do
    local info, id = {}, session.id .. records[i].info.id
    for key, value in pairs(records[i].info) do info[key] = value end
    info.id, info.sessionID = id, session.id
    write(("message/%s/msg_%s"):format(session.id, id), info)
    for n, part in ipairs(records[i].parts) do write(("part/%s/prt_%05d"):format(id, n), part) end
  end
end

--- The statements of SQL that make a database of the same.
function samples.opencode_sql(records, session)
  session = session or { id = "ses_1", directory = "/w/app", first = true }
  local out = { "BEGIN" }
  local function quoted(value) return value and "'" .. value:gsub("'", "''") .. "'" or "NULL" end
  if session.first then
    out[#out + 1] = "CREATE TABLE `session` (`id` text PRIMARY KEY, `project_id` text NOT NULL, `parent_id` text, "
      .. "`directory` text NOT NULL, `time_created` integer)"
    out[#out + 1] = "CREATE TABLE `message` (`id` text PRIMARY KEY, `session_id` text, `time_created` integer, "
      .. "`data` text)"
    out[#out + 1] = "CREATE TABLE `part` (`id` text PRIMARY KEY, `message_id` text NOT NULL, `session_id` text, "
      .. "`data` text)"
  end
  out[#out + 1] = ("INSERT INTO session VALUES (%s, 'p1', %s, %s, %d)"):format(quoted(session.id),
    quoted(session.parent), quoted(session.directory), session.began or 1)
  for i = 2, #records do
    local info, id = {}, session.id .. records[i].info.id
    for key, value in pairs(records[i].info) do
      if key ~= "id" and key ~= "sessionID" then info[key] = value end
    end
    out[#out + 1] = ("INSERT INTO message VALUES (%s, %s, %d, %s)"):format(quoted(id), quoted(session.id),
      info.time.created, quoted(cjson.encode(info)))
    for n, part in ipairs(records[i].parts) do
      out[#out + 1] = ("INSERT INTO part VALUES (%s, %s, %s, %s)"):format(quoted(("%s %05d"):format(id, n)), quoted(id),
        quoted(session.id), quoted(cjson.encode(part)))
    end
  end
  out[#out + 1] = "COMMIT;"
  return table.concat(out, ";\n")
end

-- ---- Trials --------------------------------------------------------------------------------------------------------

local function tau_trial(task, trial, reward, extra)
  local one = { task_id = task, trial = trial, reward = reward, info = { source = "user", user_cost = 0.1,
    task = { user_id = "u", instruction = "Cancel trip " .. task, actions = {} } }, traj = {
      { role = "system", content = "policy" }, { role = "user", content = "hi" },
      { role = "assistant", content = "I look.", tool_calls = {
        { id = "t1", type = "function", ["function"] = { name = "get_trip", arguments = "{}" } } } },
      { role = "tool", tool_call_id = "t1", name = "get_trip", content = "{}" },
      { role = "assistant", content = "Cancelled." } } }
  for key, value in pairs(extra or {}) do one[key] = value end
  return one
end

function samples.trials()
  return { tau_trial(0, 0, 1.0), tau_trial(0, 1, 0.0), tau_trial(1, 0, cjson.null), tau_trial(1, 1, 1) },
    samples.array "tool-calling-gpt-4o-0.0_range_0--1_user-gpt-4o-llm_0522.json"
end

function samples.trials__tau2()
  local function one(task, trial, reward)
    local extra = { id = ("%s-%d"):format(task, trial), start_time = "2026-06-05T10:00:00.123456",
      end_time = "2026-06-05T10:01:00", duration = 60.5, termination_reason = "user_stop", agent_cost = 0.25,
      reward_info = { reward = reward, db_check = cjson.null }, messages = tau_trial(task, trial).traj }
    local made = tau_trial(task, trial, nil, extra)
    made.traj, made.info = nil, nil
    return made
  end
  local info = { git_commit = "c", num_trials = 2, agent_info = { implementation = "llm_agent", llm = "gpt-4.1" },
    environment_info = { domain_name = "airline" } }
  return { { timestamp = "2026-06-05T10:02:00", info = info, tasks = { { id = "0" } } }, one("0", 0, 1.0),
    one("0", 1, 0.0) }, samples.document("run.json", "simulations")
end

function samples.trials__inspect()
  local function sample(id, epoch, value, extra)
    local one = { id = id, epoch = epoch, uuid = id .. epoch, input = "Add " .. id, target = "3",
      messages = { { role = "user", content = "Add" },
        { role = "assistant", content = { { type = "text", text = "It is 3" } },
        tool_calls = { { id = "t1", ["function"] = "bash", arguments = { cmd = "ls" }, type = "function" } } },
        { role = "tool", tool_call_id = "t1", content = "", error = { type = "timeout", message = "late" } } },
      output = { model = "gpt-5", completion = "It is 3" },
      scores = { match = { value = value, answer = "3", explanation = "says " .. tostring(value) } },
      model_usage = { ["openai/gpt-5"] = { input_tokens = 10, output_tokens = 5, total_tokens = 15,
        input_tokens_cache_read = 2 } },
      total_time = 5.5, working_time = 3.25, started_at = "2026-11-02T10:00:00+00:00",
      completed_at = "2026-11-02T10:00:05+00:00" }
    for key, item in pairs(extra or {}) do one[key] = item end
    return one
  end
  local header = { version = 2, status = "success", plan = {}, results = { total_samples = 4 }, stats = {},
    eval = { eval_id = "ev1", run_id = "r1", created = "2026-11-02T10:00:00+00:00", task = "sums", task_id = "t1",
      model = "openai/gpt-5", dataset = { name = "d" } } }
  return { header, sample("a", 1, "C"), sample("a", 2, "I"), sample("b", 1, 0.5), sample("b", 2, 1, {
    model_usage = { ["openai/gpt-5"] = { input_tokens = 1 }, judge = { input_tokens = 2 } } }),
    sample("c", 1, "I", { error = { message = "boom", traceback = "…" }, scores = cjson.null }) },
    samples.document("log.json", "samples")
end

-- ---- skill-creator -------------------------------------------------------------------------------------------------

local function expectations(...)
  local list = {}
  for i, passed in ipairs { ... } do
    list[i] = { text = "claim " .. i, passed = passed, evidence = "seen " .. i }
  end
  return list
end

function samples.skill_creator()
  local function run(eval, configuration, number, list)
    local passed = 0
    for _, one in ipairs(list) do passed = passed + (one.passed and 1 or 0) end
    return { eval_id = eval, eval_name = "Ocean", configuration = configuration, run_number = number,
      result = { pass_rate = passed / #list, passed = passed, failed = #list - passed, total = #list, tokens = 3800,
        time_seconds = 42.5, tool_calls = 18, errors = 0 }, expectations = list, notes = { "old data" } }
  end
  return { { metadata = { skill_name = "pdf", skill_path = "/s/pdf", executor_model = "claude-sonnet-4",
    analyzer_model = "m", timestamp = "2026-01-15T10:30:00Z", evals_run = { 1 }, runs_per_configuration = 2 },
    run_summary = { with_skill = {} }, notes = { "n" } },
    run(1, "with_skill", 1, expectations(true, true)), run(1, "with_skill", 2, expectations(true, false)),
    run(1, "without_skill", 1, expectations(false, false)) }, samples.document("benchmark.json", "runs")
end

function samples.skill_creator__grading()
  return { { expectations = expectations(true, false), summary = { passed = 1, failed = 1, total = 2, pass_rate = 0.5 },
    execution_metrics = { total_tool_calls = 15 }, timing = { executor_duration_seconds = 165.0 } } },
    function(records) return cjson.encode(records[1]), "grading.json" end
end

-- ---- Benchmarks and trajectories -----------------------------------------------------------------------------------

local function alone(name) -- the first record is the file
  return function(records) return cjson.encode(records[1]), name end
end

function samples.aider()
  return { { testdir = "/benchmarks/2026-01-02--gpt5/python/exercises/practice/bowling", testcase = "bowling",
    model = "gpt-5", edit_format = "diff", tests_outcomes = { false, true }, cost = 0.25, duration = 12.5,
    test_timeouts = 0, commit_hash = "abc1234", num_error_outputs = 0, prompt_tokens = 5000, completion_tokens = 700,
    chat_hashes = { { "a", "b" } } } }, alone "bowling/.aider.results.json"
end

-- The records after the first are the steps.
function samples.swe_agent()
  local function step(action, observation, open)
    return { action = action, observation = observation, thought = "I run " .. action:match "%S+", response = "…",
      execution_time = "0.5", state = cjson.encode { open_file = open or "n/a", working_dir = "/repo" } }
  end
  return { { environment = "main", history = { { role = "system", content = "You are" },
    { role = "user", content = "a demonstration", is_demo = true },
    { role = "user", content = { { type = "text", text = "Fix the mast" } } } },
    info = { exit_status = "submitted", submission = "diff", edited_files30 = "",
      model_stats = { instance_cost = 0.5, tokens_sent = 1000, tokens_received = 50, api_calls = 6 } },
    replay_config = cjson.encode { agent = { model = { name = "gpt-4o" } } } },
    step("open mast.py\n", "[File: mast.py]"), step("edit 1:1\nx = 1\nend_of_edit", "File updated", "/repo/mast.py"),
    step("pytest", "=== 1 failed, 2 passed in 0.1s ==="),
    step("str_replace_editor str_replace /repo/hull.py --new x", "ok"),
    step("python -m pytest", "=== 3 passed in 0.1s ==="), step("submit", "diff") },
    samples.document("run-1/mast__1.traj", "trajectory")
end

function samples.swe_agent__mini()
  local function says(text, command, at)
    return { role = "assistant", content = text, extra = { actions = { { command = command } }, cost = 0.1,
      timestamp = at, response = { usage = { prompt_tokens = 100, completion_tokens = 10,
        prompt_tokens_details = { cached_tokens = 40 } } } } }
  end
  local function saw(text, status, at)
    return { role = "user", content = text, extra = { returncode = status, raw_output = text, timestamp = at } }
  end
  return { { trajectory_format = "mini-swe-agent-1.1", info = { exit_status = "Submitted", submission = "diff",
    mini_version = "1.1", model_stats = { instance_cost = 0.3, api_calls = 3 },
    config = { model = { model_name = "gpt-5-mini" } } } },
    { role = "system", content = "You are" }, { role = "user", content = "Fix the mast" },
    says("I edit.", "sed -i s/a/b/ mast.py", 1793610000.5), saw("", 0, 1793610001.5),
    says("I test.", "pytest", 1793610003.5), saw("1 failed", 1, 1793610005.5),
    says("Again.", "sed -i s/b/c/ mast.py && pytest", 1793610007.5), saw("3 passed", 0, 1793610009.5) },
    samples.document("run-2/mast__1/mast__1.traj.json", "messages")
end

function samples.atif()
  local at, list = 0, { { schema_version = "ATIF-v1.5", session_id = "5e55", agent = { name = "claude-code",
    version = "2", model_name = "claude-opus-4-5" }, final_metrics = { total_prompt_tokens = 1 } } }
  local function step(source, message, calls, fields)
    at = at + 10
    local one = { step_id = #list, timestamp = stamp(at), source = source, message = message }
    if source == "agent" then
      one.metrics = { prompt_tokens = 100, completion_tokens = 10, cached_tokens = 40, cost_usd = 0.25 }
    end
    if calls then
      one.tool_calls, one.observation = {}, { results = {} }
      for i, call in ipairs(calls) do
        local id = ("c%d.%d"):format(#list, i)
        one.tool_calls[i] = { tool_call_id = id, function_name = call[1], arguments = call[2] }
        one.observation.results[i] = { source_call_id = id, content = call[3] }
      end
    end
    for key, value in pairs(fields or {}) do one[key] = value end
    list[#list + 1] = one
  end
  step("system", "You are")
  step("user", "an older prompt", nil, { is_copied_context = true })
  step("agent", "an older answer", nil, { is_copied_context = true })
  step("user", "fix the mast")
  step("agent", "I edit.", { { "Edit", { file_path = "mast.c" }, "ok" },
    { "Bash", { command = "pytest" }, "=== 1 failed in 0.1s ===" } })
  step("agent", "Again.", { { "write_file", { path = "hull.c" }, "ok" },
    { "run_shell_command", { command = "pytest" }, "=== 3 passed in 0.1s ===" } })
  step("agent", "Fixed.")
  step("user", "ship it")
  step("agent", "", { { "Skill", { skill = "ship" }, "Launching skill" } })
  step("agent", "Shipped.", nil, { model_name = "claude-haiku-4-5" })
  return list, samples.document("trajectory.json", "steps")
end

return samples
