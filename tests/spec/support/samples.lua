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

return samples
