-- opencode: what `opencode export` prints, one JSON document per session, and its database of all sessions,
-- ~/.local/share/opencode/opencode*.db (this needs the program sqlite3). One entry for each run of a skill (a call of
-- the tool `skill`), and for each turn or part of a turn without one. A turn goes from a person's message to the next.
--
-- Quirks: a session with a parentID is a subagent's. Parts of a prompt that are marked `synthetic` are the program's.
-- The exit status of bash is in state.metadata.exit. Times are in ms. Tokens are plain sums over the replies: cached
-- ones are not part of the input; reasoning is kept apart, for only some versions count it as output. The summary that
-- a compaction makes was paid for and says nothing.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count, object, array, word = transcripts.count, transcripts.object, transcripts.array, transcripts.word
local amount = transcripts.amount

local EDITS = { edit = true, write = true, multiedit = true, patch = true, apply_patch = true }

local function time(self, value)
  local at, problem = transcripts.time(value)
  if problem then self.source:report(problem) end
  return at
end

-- The first fields of an entry.
local function first_fields(self, key, skill, input)
  return {
    session_id = debrief.session_id(self.id), project_root = self.cwd, skill = skill, input = input,
    source = { kind = "opencode", key = key, agent_id = self.parent and self.id or nil, parent = self.parent },
  }
end

-- ---- Parts ---------------------------------------------------------------------------------------------------------

-- What a person typed: the texts that are not the program's.
local function said(parts)
  local texts = {}
  for _, item in ipairs(parts) do
    local part = object(item)
    local is_said = part.type == "text" and part.synthetic ~= true and part.ignored ~= true
    texts[#texts + 1] = is_said and word(part.text) or nil
  end
  return table.concat(texts, "\n")
end

local function tool_call(self, part, key)
  local state, name, id = object(part.state), word(part.tool), word(part.callID) or word(part.id)
  local input, times = object(state.input), object(state.time)
  local at, done = time(self, times.start), time(self, times["end"])
  local path = word(input.filePath) or word(input.path)
  local tool = { name = name, at = at, asks = name == "question",
    shell = name == "bash" and word(input.command) or nil }
  if EDITS[name] then
    tool.edit = path or true
  else
    tool.target = path or word(input.url) or word(input.subagent_type) or word(input.pattern)
  end
  local skill = name == "skill" and word(input.name)
  if skill then
    tool.target, tool.skill = skill, first_fields(self, id or key .. "-skill", skill, state.input)
    tool.skill.trigger = "model"
  end
  self.turn:call(id, tool)
  if state.status ~= "completed" and state.status ~= "error" then return end
  local problem = word(state.error) or ""
  self.transcript:result(id, {
    at = done, failed = state.status == "error", output = word(state.output) or problem,
    refused = problem:find "rejected permission" ~= nil, exit_status = count(object(state.metadata).exit),
  })
end

-- ---- Messages ------------------------------------------------------------------------------------------------------

local roles = {}

function roles.user(self, info, parts, key)
  local text = said(parts)
  if text ~= "" then self.turn:prompt(first_fields(self, key, nil, text), time(self, object(info.time).created)) end
end

local function usage_of(tokens)
  local cache, reasoning = object(tokens.cache), count(tokens.reasoning)
  return {
    input_tokens = count(tokens.input), output_tokens = count(tokens.output), cache_read_tokens = count(cache.read),
    cache_write_tokens = count(cache.write), reasoning_tokens = reasoning ~= 0 and reasoning or nil,
  }
end

-- What stopped a reply: nothing, a person, or an error with what it says.
local function stopped(info)
  local problem = object(info.error)
  if word(problem.name) == nil then return nil end
  if problem.name == "MessageAbortedError" then return "interrupted" end
  return "error", word(object(problem.data).message) or problem.name
end

function roles.assistant(self, info, parts, key)
  local times, model, text = object(info.time), word(info.modelID), said(parts)
  local started, ended = time(self, times.created), time(self, times.completed)
  local usage, cost = usage_of(object(info.tokens)), amount(info.cost)
  if not self.turn:is_running() then self.turn:prompt(first_fields(self, key), started) end
  if info.summary == true then
    self.turn:tokens { message = key, model = model, usage = usage, cost = cost }
    return
  end
  local status, problem = stopped(info)
  self.turn:reply { at = started, text = text ~= "" and text or problem, model = model, message = key, usage = usage,
    cost = cost, status = status }
  for i, item in ipairs(parts) do
    local part = object(item)
    if part.type == "tool" then tool_call(self, part, ("%s %d"):format(key, i)) end
  end
  self.turn:reply { at = ended, status = status }
  if status == "interrupted" then
    self.turn:interrupt(ended)
  elseif word(info.finish) and info.finish ~= "tool-calls" then
    self.turn:took()
  end
end

local function add(self, info, parts, id)
  local role = roles[info.role]
  if role then role(self, info, parts, word(info.id) or id) end
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

local function session(source, emit, id, parent, cwd)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  return { source = source, transcript = transcript, turn = transcript:agent "", id = id, parent = word(parent),
    cwd = word(cwd) }
end

local function read_export(source, emit)
  local info = object(source:document "messages".info)
  local self = session(source, emit, word(info.id) or source.path:match "([^/]+)%.[^./]*$" or source.path,
    info.parentID, info.directory)
  for message, number in source:values "messages" do
    add(self, object(message.info), array(message.parts), "message-" .. number)
  end
  self.transcript:finish()
end

local PAGE = 500
local SESSIONS = "SELECT id, parent_id, directory FROM session ORDER BY time_created, id LIMIT %d OFFSET %d"
local MESSAGES = [[SELECT id AS message, '' AS part, time_created AS at, data FROM message WHERE session_id = '%s'
  UNION ALL SELECT p.message_id, p.id, m.time_created, p.data FROM part p JOIN message m ON m.id = p.message_id
  WHERE p.session_id = '%s' ORDER BY 3, 1, 2 LIMIT %d OFFSET %d]]

-- All rows of a query that ends in LIMIT and OFFSET.
local function pages(source, query, ...)
  local given, offset, n = { ... }, 0, 0
  local function page()
    local values = { table.unpack(given) }
    values[#values + 1], values[#values + 2] = PAGE, offset
    return source:rows(query:format(table.unpack(values)))
  end
  local rows = page()
  return function()
    local row = rows()
    if not row and n == PAGE then
      offset, n = offset + PAGE, 0
      rows = page()
      row = rows()
    end
    n = n + 1
    return row
  end
end

local function decoded(self, row)
  local ok, value = pcall(debrief.decode, word(row.data) or "")
  if ok and value ~= nil then return object(value) end
  self.source:report((word(row.part) or word(row.message) or "a row") .. " is not JSON: left out")
  return {}
end

local function read_session(source, emit, row)
  local self = session(source, emit, row.id, row.parent_id, row.directory)
  local id, info, parts = nil, nil, nil
  for one in pages(source, MESSAGES, row.id, row.id) do
    if not word(one.part) then
      if info then add(self, info, parts, id) end
      id, info, parts = word(one.message), decoded(self, one), debrief.array {}
    elseif info then
      parts[#parts + 1] = decoded(self, one)
    end
  end
  if info then add(self, info, parts, id) end
  self.transcript:finish()
end

local function open(source, emit)
  if source:head(16) == "SQLite format 3\0" then
    for row in pages(source, SESSIONS) do
      if word(row.id) and row.id:find "^[%w_-]+$" then read_session(source, emit, row) end
    end
  else
    read_export(source, emit)
  end
end

local function detect(path, head)
  if head:sub(1, 16) == "SQLite format 3\0" then
    return path:find "opencode[^/]*%.db$" ~= nil
      or head:find("CREATE TABLE `part`", 1, true) ~= nil and head:find("`message_id` text", 1, true) ~= nil
  end
  if not (head:find('"messages"', 1, true) and head:find('"info"', 1, true)) then return false end
  local first = transcripts.outline(head)
  local info = first.info
  return type(info) == "table" and type(info.id) == "string" and type(info.time) == "table"
    and type(first.messages) == "table" and (info.projectID or info.directory) ~= nil
end

return {
  name = "opencode",
  api = 1,
  summary = "opencode sessions, exported or in its database: skill runs and turns",
  import = {
    detect = detect, open = open,
    files = { "opencode*.db", "ses_*.json" }, places = { "~/.local/share/opencode" },
  },
}
