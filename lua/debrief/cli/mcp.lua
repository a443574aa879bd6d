--- A server of the Model Context Protocol on standard input and output: one JSON-RPC message per line.
--
--     line -> message -> answered at once
--                     -> a call of a tool: waits for those before it -> this program once more; what it prints
--                                                                       is the answer
--
-- While a call runs, further lines are read and answered; one of them may cancel it. Nothing but messages is printed.
-- Revisions up to 2025-11-25 agree on a version in `initialize`; from 2026-07-28 on each request names its own.
-- @module debrief.cli.mcp
local core = require "debrief.core"
local write = require "debrief.text.write"

local mcp = {
  epilog = [[
A server of the Model Context Protocol over standard input and output, for
agents that ask the log themselves:
  claude mcp add debrief -- debrief -d ~/.local/state/debrief/log mcp
Its tools are read, table, retro and history, which answer with the JSON of
these commands, and record, which stores an entry. None of them runs a command
or reads a file outside the log.]],
}

local MODERN = "2026-07-28"
local VERSIONS = { "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05" } -- that `initialize` agrees on, latest first
local BATCHES = "2025-03-26" -- the only revision that asks for them
local META = "io.modelcontextprotocol/"

local LINE = 4 << 20 -- bytes of a message
local ANSWER = 1 << 20 -- bytes of an answer: more is of no use to a model
local PIECE = 65536
local MOST = 100 -- calls that wait; messages of a batch
local LATEST = 20 -- entries that `read` returns where nothing says how many

local CODES = { parse = -32700, request = -32600, method = -32601, params = -32602, busy = -32000, version = -32022 }

local INFO = { name = "debrief", title = "debrief", version = core.version }
local INSTRUCTIONS = [[
The log of what AI agents did: sessions hold entries, one per run of a skill; a run has attempts, each verified by a
check or not. Ask history before a task, and retro with lessons,failures when something fails again; table counts, read
shows entries. A finding cites SESSION:LINE, which read takes as a session. Fewer than five cases are a hint, not a
rate.]]

-- ---- Tools ----------------------------------------------------------------------------------------------------------

-- name of an argument -> its type and description. "list" is an array of strings.
local SELECTORS = {
  sessions = { "list", "Session ids, patterns ('login*') or SESSION:LINE; default: all." },
  since = { "string", "Only since this time: 7d, 12h, 2026-11-01, yesterday." },
  ["until"] = { "string", "Only before this time." },
  skill = { "list", "Only runs of these skills; patterns with *." },
  phase = { "list", "Only of these phases." },
  model = { "list", "Only with these models." },
  project = { "list", "Only of these projects: a path or its last part." },
  outcome = { "list", "Only runs that ended so: ok, fail, skip, unknown." },
  grep = { "list", "Only entries with this text." },
  where = { "string", "A Lua expression over fields: attempt_count > 1 and skill == 'fix'." },
  last = { "integer", "Only the N latest entries." },
  opt = { "list", "Options of plugins: plugin.key=value." },
}

local TOOLS = {
  read = { words = { "read", "--json" }, text = "Entries as JSON, by default the 20 latest.", own = {
    fields = { "string", "Only these, with commas: session,line,skill,final_status,attempts.-1.verified." },
    sort = { "string", "Sort by these fields; -duration_ms downwards." },
    limit = { "integer", "Only the first N." },
  } },
  table = { words = { "table", "--json" }, text = "Count runs in groups.", own = {
    by = { "string", "Fields for rows: skill, model, week, NAME=EXPRESSION." },
    across = { "string", "A field for columns." },
    each = { "string", "attempts or tools: count those, not runs." },
    show = { "string", "Columns: runs, passed, first_try, lost, tokens, p90(duration_ms), rate(EXPRESSION)." },
    sort = { "string", "A column; -runs downwards." },
    limit = { "integer", "Only so many rows." },
    min = { "integer", "Only rows with so many runs." },
  } },
  retro = { words = { "retro", "--json" }, needs = "plugin", text = "Reports: summary, skills, models, failures, "
    .. "lessons, stuck, attempts, tools, timeline, trend, compare, slow, usage.", own = {
    plugin = { "string", "Names of bundled reports, with commas: lessons,failures." },
  } },
  history = { words = { "retro", "--json", "history" }, text = "What earlier runs did, to know before the next one.",
    own = {} },
  record = { text = "Store how a run ended, as one entry. Leave out what is not known: verified is true only where a "
    .. "check has passed.", needs = "session", own = {
    session = { "string", "The session's id." },
    skill = { "string", "The skill that ran." },
    phase = { "string", "The phase that it was part of." },
    project_root = { "string", "The project's folder." },
    final_status = { "string", "ok, fail, skip, timeout or aborted." },
    model_used = { "string", "The model that ran." },
    duration_ms = { "integer", "How long it took." },
    input = { nil, "What it was given: any JSON." },
    attempts = { "array", "Objects with attempt, model, output_summary, runner_output, verified, duration_ms." },
  } },
}

local function sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function properties(into, arguments)
  for name, about in pairs(arguments) do
    local is_list = about[1] == "list"
    into[name] = { type = is_list and "array" or about[1], description = about[2],
      items = is_list and { type = "string" } or about[1] == "array" and { type = "object" } or nil,
      minimum = about[1] == "integer" and name ~= "duration_ms" and 1 or nil }
  end
  return into
end

local function tools()
  local list = core.array {}
  for _, name in ipairs(sorted(TOOLS)) do
    local tool = TOOLS[name]
    local known = properties({}, tool.own)
    if tool.words then properties(known, SELECTORS) end
    list[#list + 1] = { name = name, description = tool.text, annotations = { readOnlyHint = tool.words ~= nil,
      destructiveHint = false, openWorldHint = false },
      inputSchema = { type = "object", properties = known, additionalProperties = not tool.words,
        required = tool.needs and core.array { tool.needs } or nil } }
  end
  return list
end

-- ---- Calls ----------------------------------------------------------------------------------------------------------

local is_of = {
  string = function(value) return type(value) == "string" end,
  integer = function(value) return math.type(value) == "integer" and value > 0 end,
  list = function(value)
    if type(value) == "string" then return true end
    if core.type(value) ~= "array" then return false end
    for _, one in ipairs(value) do if type(one) ~= "string" then return false end end
    return true
  end,
}

-- A session is named, never a path: there is more on a disk than the log.
local function sessions_of(list, words)
  words[#words + 1] = "--"
  for _, one in ipairs(list) do
    if one:find "[/%z]" or one:find "%.jsonl$" then return nil, ("'%s' is not the name of a session"):format(one) end
    words[#words + 1] = one
  end
  return words
end

local function unknown(tool, name)
  local names = sorted(properties(properties({}, SELECTORS), tool.own))
  return ("unknown argument '%s'%s"):format(name, select(2, require "debrief.text.suggest"(name, names)))
end

-- The command line of a call; or nil and what is wrong with its arguments.
local function words_of(tool, given)
  local words, sessions = table.move(tool.words, 1, #tool.words, 1, {}), {}
  for _, name in ipairs(sorted(given)) do
    local value, about = given[name], tool.own[name] or SELECTORS[name]
    if not about then return nil, unknown(tool, name) end
    if value ~= core.null and not is_of[about[1]](value) then
      return nil, ("%s must be %s"):format(name, about[1] == "list" and "an array of strings" or "of type " .. about[1])
    end
    local values = value == core.null and {} or type(value) == "table" and value or { value }
    if name == "sessions" then
      sessions = values
    elseif name == "plugin" then
      if not value:find "^[a-z][a-z0-9_,]*$" then return nil, ("there is no report '%s'"):format(value) end
      words[#words + 1] = value
    else
      for _, one in ipairs(values) do words[#words + 1] = ("--%s=%s"):format(name, one) end
    end
  end
  if tool.needs and not given[tool.needs] then return nil, tool.needs .. " is missing" end
  local is_bounded = given.last or given.limit or given.sort
  if tool == TOOLS.read and not is_bounded then words[#words + 1] = "--last=" .. LATEST end
  return sessions_of(sessions, words)
end

-- What a call returns: texts, the first of which is the answer, and whether it failed.
local function content(failed, ...)
  local list = core.array {}
  for _, text in ipairs { ... } do
    if text:find "%S" then list[#list + 1] = { type = "text", text = text } end
  end
  return { content = list, isError = failed }
end

-- @param heard reads standard input meanwhile
local function ask(self, tool, given, heard)
  local words, wrong = words_of(tool, given)
  if not words then return content(true, wrong) end
  local job = { "/proc/self/exe", "-d", self.dir, stderr = "apart", limit = ANSWER, timeout_ms = 0x7fffffff,
    heard = heard }
  if self.login then -- the address as it was given may have a password: it is in no list of processes
    job[2], job[3], job.env = nil, nil, { DEBRIEF_DIR = self.login.dir }
    table.move(self.login.words, 1, #self.login.words, 2, job)
  end
  local out, status, cut, said = core.run(table.move(words, 1, #words, #job + 1, job))
  if not out then return content(true, status) end
  if cut then
    return content(true, ("the answer is larger than %d bytes: select less, with last, limit or fields"):format(ANSWER))
  end
  if status ~= 0 and status ~= 3 then return content(true, said:find "%S" and said or "status " .. status) end
  return content(false, out, said)
end

local function record(self, given)
  local id = given.session
  given.session = nil
  for name, value in pairs(given) do if value == core.null then given[name] = nil end end
  if type(id) ~= "string" then return content(true, "session is missing") end
  given.timestamp = given.timestamp or core.timestamp(core.now())
  local log <close> = assert(core.log(self.dir))
  local fine, line, message = pcall(log.append, log, id, given, true)
  if not (fine and line) then return content(true, fine and message or line) end
  return content(false, core.encode { session = id, line = line })
end

-- ---- Answers --------------------------------------------------------------------------------------------------------

local function put(text)
  local written, message = write.to(1, text .. "\n")
  if written == nil then error({ message = message, status = 1 }, 0) end
end

-- One message of a batch is done, with or without an answer; the last one sends all answers as one.
local function settle(batch, text)
  batch.left, batch[#batch + 1] = batch.left - 1, text
  if batch.left == 0 and batch[1] then put("[" .. table.concat(batch, ",") .. "]") end
end

local function send(request, answer)
  answer.jsonrpc, answer.id = "2.0", request.id and core.json(request.id) or nil
  local text = core.encode(answer)
  if request.batch then settle(request.batch, text) else put(text) end
end

local function drop(request) if request.batch then settle(request.batch) end end

local function refuse(request, code, message, data)
  send(request, { error = { code = CODES[code], message = message, data = data } })
end

local function answer(request, result, cached)
  if request.modern then
    result.resultType, result._meta = "complete", { [META .. "serverInfo"] = INFO }
    if cached then result.ttlMs, result.cacheScope = 3600000, "public" end
  end
  send(request, { result = result })
end

local CAPABILITIES = { tools = core.decode "{}" }

local function all_versions() return core.array { MODERN, table.unpack(VERSIONS) } end

local methods = {
  ping = function(_, request) answer(request, core.decode "{}") end,
  ["tools/list"] = function(_, request, params)
    if params.cursor ~= nil then return refuse(request, "params", "there is one page of tools: no cursor is valid") end
    answer(request, { tools = tools() }, true)
  end,
  -- Answered without _meta, too: clients try it to find out which revisions a server knows.
  ["server/discover"] = function(_, request)
    request.modern = true
    answer(request, { supportedVersions = all_versions(), capabilities = CAPABILITIES, instructions = INSTRUCTIONS },
      true)
  end,
}

function methods.initialize(self, request, params)
  local asked = params.protocolVersion
  if type(asked) ~= "string" then return refuse(request, "params", "protocolVersion is missing") end
  self.version = VERSIONS[1]
  for _, version in ipairs(VERSIONS) do if version == asked then self.version = asked end end
  answer(request, { protocolVersion = self.version, capabilities = CAPABILITIES, serverInfo = INFO,
    instructions = INSTRUCTIONS })
end

methods["tools/call"] = function(self, request, params)
  request.tool, request.given = TOOLS[params.name], params.arguments or {}
  if not request.tool then return refuse(request, "params", "unknown tool: " .. tostring(params.name)) end
  if core.type(request.given) ~= "object" and next(request.given) then
    return refuse(request, "params", "arguments must be an object")
  end
  if #self.waiting >= MOST then return refuse(request, "busy", ("%d calls wait already"):format(MOST)) end
  self.waiting[#self.waiting + 1] = request
end

-- A call that is over is not found, and its answer is on its way.
local function cancel(self, id)
  if self.current and self.current.id == id then self.current.cancelled = true end
  for i = #self.waiting, 1, -1 do
    if self.waiting[i].id == id then drop(table.remove(self.waiting, i)) end
  end
end

local function is_map(value) return core.type(value) == "object" end

-- A message: a request has an id, a notification has none, and answers are for questions that are never asked.
local function receive(self, message, batch)
  local id, method = core.raw(message, "id"), message.method
  local is_id = type(message.id) == "string" or type(message.id) == "number"
  local request = { id = is_id and id or nil, batch = batch }
  local is_answer = method == nil and (message.result ~= nil or message.error ~= nil)
  if message.jsonrpc ~= "2.0" or type(method) ~= "string" and not is_answer or id and not is_id and not is_answer then
    return refuse(request, "request", 'a request is {"jsonrpc":"2.0","id":a string or number,"method":a string}')
  end
  local params = message.params
  if method == "notifications/cancelled" and is_map(params) then cancel(self, core.raw(params, "requestId")) end
  if is_answer or not id then return drop(request) end
  if params ~= nil and not is_map(params) then return refuse(request, "params", "params must be an object") end
  params = params ~= nil and core.decode(core.raw(params)) or {}
  local version = is_map(params._meta) and params._meta[META .. "protocolVersion"]
  request.modern = version == MODERN
  if type(version) == "string" and not request.modern then
    return refuse(request, "version", "unsupported protocol version",
      { supported = all_versions(), requested = version })
  end
  if not methods[method] then return refuse(request, "method", "unknown method: " .. method) end
  methods[method](self, request, params)
end

local function receive_batch(self, list)
  if self.version ~= BATCHES or #list == 0 or #list > MOST then
    return refuse({}, "request", "one message per line, not an array")
  end
  local batch = { left = #list }
  for _, one in ipairs(list) do
    local message = is_map(one) and core.entry(core.encode(one), true)
    if message then receive(self, message, batch)
    else refuse({ batch = batch }, "request", "a message is an object") end
  end
end

local function take(self, line)
  local message, wrong = core.entry(line, true)
  if message then return receive(self, message) end
  local value, why = core.decode(line)
  if core.type(value) == "array" then return receive_batch(self, value) end
  if value ~= nil then return refuse({}, "request", "a message is an object: " .. wrong) end
  refuse({}, "parse", "this line is not JSON: " .. why)
end

-- ---- The server -----------------------------------------------------------------------------------------------------

-- Read once, and take the lines that are whole. A line that is too long costs no memory.
local function hear(self)
  local text, at = core.read(0, PIECE), 1
  self.over = not text or text == ""
  if self.over then text = "\n" end
  repeat
    local last = text:find("\n", at, true)
    local part = text:sub(at, (last or 0) - 1)
    self.bytes, self.parts[#self.parts + 1] = self.bytes + #part, part
    if self.bytes > LINE then self.parts = {} end
    if last then
      local line, bytes = table.concat(self.parts), self.bytes
      self.parts, self.bytes, at = {}, 0, last + 1
      if bytes > LINE then refuse({}, "request", ("a message has %d bytes at most"):format(LINE))
      elseif line:find "%S" then take(self, line) end
    end
  until not last
end

local function perform(self, call)
  self.current = call
  local function heard()
    hear(self)
    if call.cancelled or write.cut then return true end
    if self.over then return false end
  end
  local fine, result
  if call.tool.words then fine, result = pcall(ask, self, call.tool, call.given, not self.over and heard or nil)
  else fine, result = pcall(record, self, call.given) end
  self.current = nil
  if call.cancelled then return drop(call) end
  if not fine then result = content(true, type(result) == "table" and result.message or tostring(result)) end
  answer(call, result)
end

function mcp.options() end

function mcp.run(args)
  local self = { dir = args.dir, login = args.login, waiting = {}, parts = {}, bytes = 0 }
  while not write.cut do
    local call = table.remove(self.waiting, 1)
    if call then perform(self, call) elseif self.over then break else hear(self) end
  end
  return 0
end

return mcp
