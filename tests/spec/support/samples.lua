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
      providerID = "openai", mode = "build", cost = 0.25, tokens = { input = 10, output = 5, reasoning = 2, cache = { read = 7, write = 1 } },
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

--- The statements of SQL that make a database of the same.
function samples.opencode_sql(records, session)
  session = session or { id = "ses_1", directory = "/w/app" }
  local out = { "BEGIN" }
  local function quoted(value) return value and "'" .. value:gsub("'", "''") .. "'" or "NULL" end
  if not session.parent then
    out[#out + 1] = "CREATE TABLE `session` (`id` text PRIMARY KEY, `project_id` text NOT NULL, `parent_id` text, "
      .. "`directory` text NOT NULL, `time_created` integer)"
    out[#out + 1] = "CREATE TABLE `message` (`id` text PRIMARY KEY, `session_id` text, `time_created` integer, "
      .. "`data` text)"
    out[#out + 1] = "CREATE TABLE `part` (`id` text PRIMARY KEY, `message_id` text NOT NULL, `session_id` text, "
      .. "`data` text)"
  end
  out[#out + 1] = ("INSERT INTO session VALUES (%s, 'p1', %s, %s, 1)"):format(quoted(session.id),
    quoted(session.parent), quoted(session.directory))
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

return samples
