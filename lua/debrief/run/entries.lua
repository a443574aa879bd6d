--- Entries through enrich and filter inside a worker, some at a time, for a host that asks for the next one.
--
--     { texts = '{"skill":…}\n{"skill":…}\n', places = (line, session)(line, session) }     packed, one place a text
-- @module debrief.run.entries
local pipeline = require "debrief.run.pipeline"
local selection = require "debrief.query.selection"

local entries = {}

local MOST_BYTES, MOST = 1 << 16, 1024 -- of one batch

-- What the pipeline takes for a reader: it ends when the batch is full, and the next call goes on.
local function reader_of(s)
  local reader, read = {}, 0
  function reader.next()
    if s.bytes >= MOST_BYTES or #s.places >= MOST then return nil end
    local entry, line, code, at, offset = s.source:next()
    if entry then
      read = read + 1
      return entry, line
    end
    s.ended = true
    if line then s.failure = { message = line, code = code, line = at, offset = offset, session = s.session } end
    return nil
  end
  function reader.entries()
    local n = read
    read = 0
    return n
  end
  return reader
end

--- Begin.
-- @param given { sessions = array of { session =, path = } }
-- @param hooks for pipeline.new
-- @param open function(item): a reader; or nil, message, code
-- @param asked debrief.entry.asked of the job's expression, or nil
-- @return a state for entries.run
function entries.new(given, hooks, open, asked)
  local s = { sessions = given.sessions, at = 0, open = open, asked = asked, untimed = 0, told = 0 }
  s.pipeline, s.reader = pipeline.new(hooks), reader_of(s)
  function s.sink(entry, session, line)
    local text = tostring(entry)
    s.bytes = s.bytes + #text
    s.texts[#s.texts + 1] = text
    s.texts[#s.texts + 1] = "\n"
    s.places[#s.places + 1] = ("<I8z"):pack(line, session)
  end
  s.plain = #hooks.enrich + #hooks.filter == 0
  return s
end

-- Without hooks the entries need not be seen here.
local function run_plain(s)
  local texts, places, ended, _, message, code, line, offset = s.source:batch(MOST_BYTES - s.bytes, s.session)
  s.texts[#s.texts + 1], s.places[#s.places + 1] = texts, places
  s.bytes, s.ended = s.bytes + #texts, ended
  if message then s.failure = { message = message, code = code, line = line, offset = offset, session = s.session } end
end

local function run_hooks(s)
  local ok, message = s.pipeline:run(s.reader, s.session, s.sink)
  if not ok and not s.failure then s.failure, s.ended = { message = message, session = s.session }, true end
end

-- The next session; false when there is none, or it cannot be opened.
local function open_next(s)
  repeat
    s.at = s.at + 1
    if not s.sessions[s.at] then return false end
  until not s.sessions[s.at].old
  local item = s.sessions[s.at]
  local source, message, code = s.open(item)
  s.source, s.session, s.ended = source, item.session, false
  if not source then s.failure = { message = message, code = code, session = item.session } end
  return source ~= nil
end

local function collect(s, into)
  local list, dropped = s.source:diagnostics()
  for _, d in ipairs(list) do
    d.session, d.path = s.session, s.sessions[s.at].path
    into[#into + 1] = d
  end
  return dropped
end

local function finish(s)
  s.untimed = s.untimed + select(2, s.source:entries())
  s.source:close()
  s.source = nil
end

--- Go on until there are some.
-- @return { texts =, places =, diagnostics =, dropped =, problems = (new ones), ended = no more will come,
--   failure = { message =, code =, line =, offset =, session = } or nil, notes = texts (at the end) }
function entries.run(s)
  s.texts, s.places, s.bytes = {}, {}, 0
  local out = { diagnostics = {}, dropped = 0, problems = {}, ended = false, notes = {} }
  while not s.failure and s.bytes < MOST_BYTES and #s.places < MOST and #out.diagnostics < MOST do
    if not s.source and not open_next(s) then break end
    if s.plain then run_plain(s) else run_hooks(s) end
    out.dropped = out.dropped + collect(s, out.diagnostics)
    if s.ended then finish(s) end
  end
  out.failure, out.ended = s.failure, s.failure ~= nil or not s.source and not s.sessions[s.at]
  table.move(s.pipeline.order, s.told + 1, #s.pipeline.order, 1, out.problems)
  s.told = #s.pipeline.order
  if s.asked then selection.explain(out.problems) end
  if out.ended then out.notes = selection.notes { untimed = s.untimed, names = s.asked and s.asked.state } end
  out.texts = table.concat(s.texts)
  out.places = table.concat(s.places)
  return out
end

return entries
