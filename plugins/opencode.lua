-- opencode: what `opencode export` prints, one JSON document per session; its database of all sessions,
-- ~/.local/share/opencode/opencode*.db (this needs the program sqlite3); and the tree of small files that it had before
-- version 1.2: storage/session/PROJECT/ID.json, storage/message/SESSION/ID.json, storage/part/MESSAGE/ID.json, all of
-- them read with storage/migration, the file at its top; until 0.6: project/PROJECT/storage/session/info/ID.json,
-- …/message/SESSION/ID.json, …/part/SESSION/MESSAGE/ID.json, read with project/PROJECT/app.json. One entry for each run
-- of a skill (a call of the tool `skill`), and for each turn or part of a turn without one. A turn goes from a person's
-- message to the next.
--
-- Quirks: a session with a parentID is a subagent's. A fork has no parent: it begins with copies of messages of another
-- session, under new ids, with the same times, tokens and text; they belong to the session that began first (which
-- exports, of one session each, cannot show). The database has the sessions of the tree, too, under the same ids. Parts
-- of a prompt that are marked `synthetic` are the program's. The exit status of bash is in state.metadata.exit. Times
-- are in ms. Tokens are plain sums over the replies: cached ones are not part of the input; reasoning is kept apart,
-- for only some versions count it as output. The summary that a compaction makes was paid for and says nothing.
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

-- What a message and its copy in a fork have in common; nil: too little.
local function mark_of(info, parts)
  local times, model = object(info.time), word(info.modelID)
  if count(times.created) == nil then return nil end
  return ("%s %s %s %s %s %s"):format(info.role, times.created, tostring(times.completed), tostring(model),
    debrief.encode(object(info.tokens)), said(parts))
end

-- Was this message written by an earlier session?
local function is_copy(self, info, parts)
  local mark = self.writers and mark_of(info, parts)
  if not mark then return false end
  self.writers[mark] = self.writers[mark] or self.id
  return self.writers[mark] ~= self.id
end

-- A prompt that was copied counts if its reply is not a copy: then it was answered again.
local function add(self, info, parts, id)
  local role, key = roles[info.role], word(info.id) or id
  if not role then return end
  local copied = self.copied
  self.copied = nil
  if is_copy(self, info, parts) then
    if info.role == "user" then self.copied = { info, parts, key } end
    return
  end
  if copied and info.role == "assistant" then roles.user(self, table.unpack(copied)) end
  role(self, info, parts, key)
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

-- @param writers which session wrote a message first, for all sessions of one source
local function session(source, emit, writers, id, parent, cwd)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  return { source = source, transcript = transcript, turn = transcript:agent "", writers = writers, id = id,
    parent = word(parent), cwd = word(cwd) }
end

local function read_export(source, emit)
  local info = object(source:document "messages".info)
  local self = session(source, emit, nil, word(info.id) or source.path:match "([^/]+)%.[^./]*$" or source.path,
    info.parentID, info.directory)
  for message, number in source:values "messages" do
    add(self, object(message.info), array(message.parts), "message-" .. number)
  end
  self.transcript:finish()
end

-- ---- The database --------------------------------------------------------------------------------------------------

local PAGE = 4000 -- rows of one query, each of which starts a program
local SESSIONS = "SELECT id, parent_id, directory FROM session ORDER BY time_created, id LIMIT %d OFFSET %d"

-- All messages, session by session, each followed by its parts. What is sorted has no data, which is looked up later.
local MESSAGES = [[SELECT session, message, part, CASE part WHEN '' THEN (SELECT data FROM message WHERE id = message)
    ELSE (SELECT data FROM part WHERE id = part) END AS data
  FROM (SELECT s.time_created AS began, s.id AS session, m.time_created AS at, m.id AS message, '' AS part
      FROM message m JOIN session s ON s.id = m.session_id
    UNION ALL SELECT s.time_created, s.id, m.time_created, m.id, p.id
      FROM part p JOIN message m ON m.id = p.message_id JOIN session s ON s.id = m.session_id
    ORDER BY 1, 2, 3, 4, 5 LIMIT %d OFFSET %d)]]

-- All rows of a query that ends in LIMIT and OFFSET, in pages; in smaller ones if the rows are too long for one answer.
local function pages(source, query)
  local size, offset, n, rows = PAGE, 0, 0, nil
  local function next_page()
    offset, n = offset + n, 0
    local ok, result = pcall(source.rows, source, query:format(size, offset))
    while not ok and size > 1 and tostring(result):find("more than 64 MiB", 1, true) do
      size = size // 4
      ok, result = pcall(source.rows, source, query:format(size, offset))
    end
    if not ok then error(result, 0) end
    rows = result
  end
  next_page()
  return function()
    local row = rows()
    if not row and n == size then
      next_page()
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

local function read_database(source, emit)
  local known, writers, self, id, info, parts = {}, {}, nil, nil, nil, nil
  for row in pages(source, SESSIONS) do
    if word(row.id) then known[row.id] = { parent = word(row.parent_id), directory = word(row.directory) } end
  end
  local function end_message()
    if info then add(self, info, parts, id) end
    info = nil
  end
  for row in pages(source, MESSAGES) do
    local message, of = word(row.message), word(row.session)
    if message ~= id then end_message() end
    if of and known[of] and (not self or self.id ~= of) then
      if self then self.transcript:finish() end
      self = session(source, emit, writers, of, known[of].parent, known[of].directory)
    end
    if self and not word(row.part) then
      id, info, parts = message, decoded(self, row), debrief.array {}
    elseif info then
      parts[#parts + 1] = decoded(self, row)
    end
  end
  end_message()
  if self then self.transcript:finish() end
end

-- ---- The tree ------------------------------------------------------------------------------------------------------

local function read_json(source, file)
  local ok, value = pcall(debrief.decode, file:read())
  if ok and type(value) == "table" then return object(value) end
  source:report(file.path .. " is not JSON: left out")
end

-- The files that lie so many folders below a folder: those of each folder, by its name, in the order of their names.
local function by_folder(source, folder, depth)
  local out = {}
  for _, file in ipairs(source:siblings("^" .. folder .. ("/[^/]+"):rep(depth or 1) .. "/[^/]+%.json$")) do
    local name = file.path:match "([^/]+)/[^/]+$"
    out[name] = out[name] or {}
    table.insert(out[name], file)
  end
  return out
end

local function created(info) return count(object(info.time).created) or 0 end

local function by_time(a, b)
  if created(a) ~= created(b) then return created(a) < created(b) end
  return (word(a.id) or "") < (word(b.id) or "")
end

-- The objects in some files, in the order of their times.
local function in_time(source, files)
  local out = {}
  for _, file in ipairs(files or {}) do out[#out + 1] = read_json(source, file) end
  table.sort(out, by_time)
  return out
end

local OLD = "storage/session/"

local function read_tree(source, emit, is_old)
  local writers, sessions = {}, {}
  local messages, parts, infos
  if is_old then
    messages, parts = by_folder(source, OLD .. "message"), by_folder(source, OLD .. "part", 2)
    infos = by_folder(source, OLD .. "info", 0)
  else
    messages, parts, infos = by_folder(source, "message"), by_folder(source, "part"), by_folder(source, "session")
  end
  for _, files in pairs(infos) do
    for _, file in ipairs(files) do
      local info = read_json(source, file)
      if info and word(info.id) then sessions[#sessions + 1] = info end
    end
  end
  table.sort(sessions, by_time)
  for _, info in ipairs(sessions) do
    local self = session(source, emit, writers, info.id, info.parentID, info.directory)
    for _, message in ipairs(in_time(source, messages[info.id])) do
      local id = word(message.id)
      local list = debrief.array {}
      for _, file in ipairs(id and parts[id] or {}) do list[#list + 1] = read_json(source, file) end
      add(self, message, list, id)
    end
    self.transcript:finish()
  end
end

-- ---- The plugin ----------------------------------------------------------------------------------------------------

local function open(source, emit)
  local head = source:head(16)
  if head == "SQLite format 3\0" then read_database(source, emit)
  elseif head:find "^%s*%d+%s*$" then read_tree(source, emit)
  elseif source.path:find "project/[^/]+/app%.json$" then read_tree(source, emit, true)
  else read_export(source, emit) end
end

-- The file at the top of the tree that a file in it belongs to: of one of the three kinds that have no other reader.
local function top_of(path)
  local top = path:match "^(.*)storage/session/info/ses_[^/]*%.json$"
    or path:match "^(.*)storage/session/message/[^/]+/msg_[^/]*%.json$"
    or path:match "^(.*)storage/session/part/[^/]+/[^/]+/prt_[^/]*%.json$"
  if top then return top .. "app.json" end
  top = path:match "^(.*)session/[^/]+/ses_[^/]*%.json$" or path:match "^(.*)message/[^/]+/msg_[^/]*%.json$"
    or path:match "^(.*)part/[^/]+/prt_[^/]*%.json$"
  return top and top .. "migration"
end

local function detect(path, head)
  if head:sub(1, 16) == "SQLite format 3\0" then
    return path:find "opencode[^/]*%.db$" ~= nil
      or head:find("CREATE TABLE `part`", 1, true) ~= nil and head:find("`message_id` text", 1, true) ~= nil
  end
  if path:find "storage/migration$" then return head:find "^%s*%d+%s*$" ~= nil end
  if path:find "project/[^/]+/app%.json$" then return head:find '"initialized"' ~= nil end
  local top = top_of(path)
  if top and not head:find('"messages"', 1, true) then
    return false, top .. " is missing, with which a tree of opencode's sessions is read: copy the tree with that file, "
      .. "or export the sessions (opencode export)"
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
  summary = "opencode sessions, exported or as it stores them: skill runs and turns",
  import = {
    detect = detect, open = open,
    files = { "opencode*.db", "ses_*.json", "storage/migration", "project/*/app.json",
      "message/*/msg_*.json", "part/**/prt_*.json" }, places = { "~/.local/share/opencode" },
    siblings = { "session/**.json", "message/**.json", "part/**.json", "storage/session/**.json" },
  },
}
