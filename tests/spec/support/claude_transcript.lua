--- Made-up Claude Code transcripts, record by record: 10 seconds apart, each with the one before as its parent.
--
--     local t = claude_transcript.new("bbbb1111-…")        t:user "fix it"   t:edit "e1"   t:bash("b1", "make test",
-- "ok")
--     t:say("Done.", { stop = "end_turn" })   t:done()     t:write(path)
local cjson = require "cjson"

local claude_transcript = {}
local T = {}
T.__index = T

function claude_transcript.new(session, options)
  options = options or {}
  return setmetatable({ session = session, version = options.version or "2.1.120", at = options.at or 32400, n = 0,
    records = {} }, T)
end

local function merged(base, more)
  for key, value in pairs(more or {}) do base[key] = value end
  return base
end

--- A deep copy, as another file has the same records.
function claude_transcript.copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = claude_transcript.copy(item) end
  return out
end

function T:base(kind, more)
  self.n, self.at = self.n + 1, self.at + 10
  local record = merged({
    parentUuid = self.last or cjson.null, isSidechain = false, userType = "external", cwd = "/w/app",
    sessionId = self.session, version = self.version, type = kind, uuid = ("%s-%03d"):format(self.session:sub(1, 4),
      self.n),
    timestamp = os.date("!2026-11-02T%H:%M:%S.000Z", self.at),
  }, more)
  self.last = record.uuid
  self.records[#self.records + 1] = record
  return record
end

function T:user(content, more)
  return self:base("user", merged({ message = { role = "user", content = content } }, more))
end

--- A reply. `o`: id, model, out, inp, stop (end_turn), usage = false.
function T:say(content, o, more)
  o = o or {}
  if type(content) == "string" then content = { { type = "text", text = content } } end
  local id = o.id or ("msg_%s_%d"):format(self.session:sub(1, 4), self.n + 1)
  local message = { id = id, type = "message", role = "assistant", model = o.model or "claude-opus-4-5",
    content = content,
    stop_reason = o.stop or cjson.null }
  if o.usage ~= false then
    message.usage = { input_tokens = o.inp or 100, output_tokens = o.out or 10, cache_read_input_tokens = 0,
      cache_creation_input_tokens = 0 }
  end
  return self:base("assistant", merged({ message = message, requestId = "req_" .. id }, more))
end

function T:call(id, name, input, o, more)
  return self:say({ { type = "tool_use", id = id, name = name, input = input } }, o, more)
end

function T:result(id, content, failed, result, more)
  local block = { type = "tool_result", tool_use_id = id, content = content, is_error = failed }
  return self:base("user", merged({ message = { role = "user", content = { block } }, toolUseResult = result }, more))
end

function T:edit(id, path)
  path = path or "/w/app/a.c"
  self:call(id, "Edit", { file_path = path, old_string = "a", new_string = "b" })
  self:result(id, "The file has been updated", nil, { filePath = path })
end

--- A shell line that ended with `status`, and what it printed.
function T:bash(id, line, output, status)
  self:call(id, "Bash", { command = line })
  if (status or 0) ~= 0 then
    output = ("Exit code %d\n%s"):format(status, output)
    self:result(id, output, true, "Error: " .. output)
  else
    self:result(id, output, false, { stdout = output, stderr = "", interrupted = false })
  end
end

function T:done() return self:base("system", { subtype = "turn_duration", durationMs = 1000, isMeta = false }) end

function T:write(path)
  local file = assert(io.open(path, "w"))
  for _, record in ipairs(self.records) do assert(file:write(cjson.encode(record), "\n")) end
  assert(file:close())
end

return claude_transcript
