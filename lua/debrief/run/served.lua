--- Files for code that cannot open them: inside an isolated worker (debrief.run.isolate) they are read by the process
-- that started it.
-- @module debrief.run.served
local core = require "debrief.core"
local place = require "debrief.entry.place"
local readers = require "debrief.query.reader"

local served = {}

--- Must files be asked for?
function served.needed() return core.request ~= nil end

local function ask(request) return core.unpack(core.request(core.pack(request))) end

-- Texts with a newline after each, and packed places, as an array of { entry =, line =, session = }.
local function decode(answer)
  local list, at, next_place = {}, 1, 1
  local texts, places = answer.texts or "", answer.places or ""
  while at <= #texts do
    local stop = texts:find("\n", at, true)
    local entry = assert(core.entry(texts:sub(at, stop - 1), true))
    local line, session, rest = place.unpack(entry, places, next_place)
    next_place = rest
    list[#list + 1] = { entry = entry, line = line, session = session }
    at = stop + 1
  end
  return list
end

local NULL = "\0null" -- the only key of a table that stands for null, which does not travel

--- A value with null in it, so that it can travel.
function served.pack_null(value)
  if value == core.null then return { [NULL] = true } end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, part in next, value do out[key] = served.pack_null(part) end
  return out
end

--- The value as it was.
function served.unpack_null(value)
  if type(value) ~= "table" then return value end
  if value[NULL] then return core.null end
  local out = {}
  for key, part in next, value do out[key] = served.unpack_null(part) end
  return out
end

-- ---- Sessions ------------------------------------------------------------------------------------------------------

local Sessions = {}
Sessions.__index = Sessions

--- A reader (debrief.query.reader) over the sessions of this call.
function served.sessions()
  return setmetatable({ list = readers.list {}, found = {}, dropped = 0, last = { entries = 0, untimed = 0, seen = {} },
    item = {} }, Sessions)
end

local function fetch(self)
  local answer = ask { what = "entries" }
  self.list, self.last, self.is_over, self.failure = readers.list(decode(answer)), answer, answer.ended, answer.failure
  table.move(answer.diagnostics, 1, #answer.diagnostics, #self.found + 1, self.found)
  self.dropped = self.dropped + answer.dropped
end

-- Is nothing left? If not, the next batch has been read. Returns a failure as well.
local function used_up(self)
  local failure = self.failure
  self.failure = nil
  if failure then return true, failure end
  if self.is_over then return true end
  fetch(self)
  return false
end

function Sessions:next(matcher)
  while true do
    local entry, line, session = self.list:next(matcher)
    if entry then
      self.item = { session = session, path = self.last.paths[session] }
      return entry, line, session
    end
    local over, failure = used_up(self)
    if over then return nil, failure end
  end
end

function Sessions:source()
  while true do
    local source, session = self.list:source()
    if source then return source, session end
    local over, failure = used_up(self)
    if over then return nil, failure end
  end
end

function Sessions.ended() end

function Sessions:diagnostics()
  local found, dropped = self.found, self.dropped
  self.found, self.dropped = {}, 0
  return found, dropped
end

function Sessions:counts() return self.last end

function Sessions.close() end

Sessions.__close = Sessions.close

-- ---- Foreign logs --------------------------------------------------------------------------------------------------

local Lines = {}
Lines.__index = Lines

local function lines(request)
  return setmetatable({ request = request, list = {}, at = 0, found = {}, dropped = 0 }, Lines)
end

--- What core.reader(path, { foreign = true }) is elsewhere.
function served.reader(path) return lines { what = "lines", path = path } end

--- What import.files.values is elsewhere.
function served.values(path, member) return lines { what = "values", path = path, member = member } end

local function next_of(self)
  while self.at >= #self.list do
    if self.failure then return nil, self.failure.message end
    if self.ended then return nil end
    local answer = ask(self.request)
    self.list, self.at, self.ended, self.failure = decode(answer), 0, answer.ended, answer.failure
    for _, d in ipairs(answer.diagnostics or {}) do self.found[#self.found + 1] = d end
    self.dropped = self.dropped + (answer.dropped or 0)
  end
  self.at = self.at + 1
  return self.list[self.at].entry, self.list[self.at].line
end

function Lines:next(matcher)
  while true do
    local entry, line = next_of(self)
    if not entry or not matcher or core.matches(matcher, entry) then return entry, line end
  end
end

function Lines:diagnostics()
  local found, dropped = self.found, self.dropped
  self.found, self.dropped = {}, 0
  return found, dropped
end

function Lines.close() end

--- What core.slurp is elsewhere.
function served.slurp(path, most)
  local answer = ask { what = "slurp", path = path, most = most }
  return answer.text, answer.message
end

--- What import.files.document is elsewhere.
function served.document(path, left_out)
  local answer = ask { what = "document", path = path, left_out = left_out }
  answer.passed = answer.passed or {}
  return answer
end

--- What debrief.import.rows.read is elsewhere.
function served.rows(path, query)
  local answer = ask { what = "rows", path = path, query = query }
  return answer.text, answer.message
end

--- What debrief.import.siblings.of is elsewhere; the patterns are known there.
function served.siblings() return ask { what = "siblings" } end

return served
