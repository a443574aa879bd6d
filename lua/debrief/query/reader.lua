--- One way to read entries, whatever they come from: the sessions of a log, a follower, or an array.
--
--     reader:next(matcher)   -> entry, line, session; nil: that was all; nil, failure: this session ended early, and
--                               the next call goes on with the one after it. A fourth result is true when the entry is
--                               known to hold the reader's condition
--     reader:source()        -> source, session: code that reads many entries calls the source of the current session
--                               directly: source:next(matcher) -> entry, line
--     reader.judges          does the current source test the condition? Then its fifth result is true for an entry
--                               that it is unsure of
--     reader:ended(…)        -> failure or nil; takes what a source returned when it had no more entries
--     reader:diagnostics()   -> array of { session =, path =, line =, … } since the last call, how many more there were
--     reader:counts()        -> { entries =, untimed = entries without a timestamp that a window left out,
--                               seen = { path of a session with entries -> true } }
--     reader:close()
--
-- A failure is { session =, message =, code =, line =, offset = }.
-- @module debrief.query.reader
local core = require "debrief.core"
local place = require "debrief.entry.place"

local reader = {}

-- ---- Some lines of a session ---------------------------------------------------------------------------------------

local Lines = {}
Lines.__index = Lines

local function some_lines(source, lines)
  local wanted = {}
  for _, line in ipairs(lines) do wanted[line] = true end
  return setmetatable({ of = source, wanted = wanted, last = lines[#lines], seen = 0 }, Lines)
end

function Lines:next(matcher)
  while true do
    local entry, line, code, at, offset = self.of:next()
    if not entry then return nil, line, code, at, offset end
    if line > self.last then return nil end
    if self.wanted[line] then
      self.seen = self.seen + 1
      if not matcher or core.matches(matcher, entry) then return entry, line end
    end
  end
end

function Lines:batch(most, session)
  local texts, places, bytes = {}, {}, 0
  while bytes < most do
    local entry, line, code, at, offset = self:next()
    if not entry then return table.concat(texts), table.concat(places), true, nil, line, code, at, offset end
    texts[#texts + 1] = tostring(entry) .. "\n"
    places[#places + 1] = place.pack(entry, line, session)
    bytes = bytes + #texts[#texts]
  end
  return table.concat(texts), table.concat(places), false
end

function Lines:entries() return self.seen, (select(2, self.of:entries())) end

function Lines:finish()
  local _, untimed, noted = self.of:finish()
  return self.seen, untimed, noted
end

function Lines:diagnostics() return self.of:diagnostics() end
function Lines:close() self.of:close() end

-- ---- Sessions ------------------------------------------------------------------------------------------------------

local Sessions = {}
Sessions.__index = Sessions

--- Over sessions, one after the other.
-- @param items of debrief.query.sessions; those that are `old` are passed over, a `part` is read from there to there
-- @param opts { dir = folder of the log, since =, ["until"] =, strict =, gaps = true: entries know how long nothing ran
--   before them, condition = of core.condition: entries that do not hold it are passed over where that can be judged,
--   lend = true: entries are good until the next one is asked for, log = an open log of core.log, or nil }
function reader.sessions(items, opts)
  local window = { strict = opts.strict, since = opts.since, ["until"] = opts["until"], gaps = opts.gaps,
    lend = opts.lend }
  return setmetatable({ items = items, opts = opts, window = window, at = 0, list = {}, dropped = 0, entries = 0,
    untimed = 0, seen = {} }, Sessions)
end

local function log_of(self)
  self.opts.log = self.opts.log or assert(core.log(self.opts.dir))
  return self.opts.log
end

--- Open one item.
-- @return a source, and whether it tests the condition; or nil, message, code
local function open(self, item)
  local lines, window, used = item.lines, self.window, self.used
  if used and not (lines or item.is_path) then
    self.used = nil
    local ok, message, code = log_of(self):again(used, item.session)
    if not ok then return nil, message, code end
    if item.part then used:narrow(item.part[1], item.part[2], item.part[3]) end
    return used, self.opts.condition ~= nil
  end
  if lines and #lines == 1 then
    window = { strict = window.strict, since = window.since, ["until"] = window["until"], gaps = window.gaps,
      lend = window.lend, line = lines[1] }
  end
  local source, message, code
  if item.is_path then source, message, code = core.reader(item.path, window)
  else source, message, code = log_of(self):reader(item.session, window) end
  if not source then return nil, message, code end
  source:named(item.session)
  if item.part then source:narrow(item.part[1], item.part[2], item.part[3]) end
  if lines and #lines > 1 then return some_lines(source, lines) end
  if self.opts.condition then source:require(self.opts.condition, item.session) end
  return source, self.opts.condition ~= nil
end

function Sessions:source()
  while not self.current do
    local item = self.items[self.at + 1]
    if not item then return nil end
    self.at = self.at + 1
    if not item.old then
      local source, message, code = open(self, item)
      if not source then return nil, { session = item.session, message = message, code = code } end
      self.current, self.item, self.judges = source, item, message
    end
  end
  return self.current, self.item.session
end

-- Diagnostics of the current source, each with the session and path it is about.
local function drain(self)
  local list, dropped = self.current:diagnostics()
  self.dropped = self.dropped + dropped
  for _, d in ipairs(list) do
    d.session, d.path = self.item.session, self.item.path
    self.list[#self.list + 1] = d
  end
end

function Sessions:ended(message, code, line, offset)
  local session, item, source = self.item.session, self.item, self.current
  local entries, untimed, noted = source:finish()
  self.entries, self.untimed = self.entries + entries, self.untimed + untimed
  if entries > 0 then self.seen[item.path] = true end
  if noted then drain(self) end
  self.current, self.item, self.used = nil, nil, not (item.lines or item.is_path) and source or nil
  return message and { session = session, message = message, code = code, line = line, offset = offset } or nil
end

function Sessions:next(matcher)
  while true do
    local source, session = self:source()
    if not source then return nil, session end
    local entry, line, code, at, offset = source:next(matcher)
    if entry then return entry, line, session, self.judges and not offset end
    local failure = self:ended(line, code, at, offset)
    if failure then return nil, failure end
  end
end

--- Many entries at once, as they stand in the files, for callers that do not look at them.
-- @param most bytes, about
-- @return texts with a newline after each; places, packed as debrief.run.entries has them; a failure or nil; true when
--   that was all
function Sessions:batch(most)
  local texts, places, bytes = {}, {}, 0
  while bytes < most do
    local source, session = self:source()
    if not source then return table.concat(texts), table.concat(places), session, not session end
    local part, where, ended, _, message, code, line, offset = source:batch(most - bytes, session)
    texts[#texts + 1], places[#places + 1], bytes = part, where, bytes + #part
    local failure = ended and self:ended(message, code, line, offset)
    if failure then return table.concat(texts), table.concat(places), failure, false end
    if ended and #self.list >= 1024 then break end
  end
  return table.concat(texts), table.concat(places), nil, false
end

function Sessions:diagnostics()
  if self.current then drain(self) end
  local list, dropped = self.list, self.dropped
  self.list, self.dropped = {}, 0
  return list, dropped
end

function Sessions:counts()
  local entries, untimed = 0, 0
  if self.current then entries, untimed = self.current:entries() end
  if entries > 0 then self.seen[self.item.path] = true end
  return { entries = self.entries + entries, untimed = self.untimed + untimed, seen = self.seen }
end

function Sessions:close()
  if self.current then self:ended() end
  self.at = #self.items
end

Sessions.__close = Sessions.close

-- ---- A follower ----------------------------------------------------------------------------------------------------

local Follower = {}
Follower.__index = Follower

--- Over what is appended from now on, or from the start.
-- @param follower of core.follow
-- @param pause function() that waits for more and returns true to go on; false ends the reading for now
function reader.follower(follower, pause)
  return setmetatable({ follower = follower, pause = pause, entries = 0, untimed = 0, seen = {}, before = {} },
    Follower)
end

-- Note the gap before an entry, as readers of sessions do.
local function note_gap(self, entry, session, line)
  local gap
  gap, self.before[session] = place.gap(entry, self.before[session])
  if gap then core.place(entry, session, line, gap) end
end

function Follower:next(matcher)
  while true do
    local entry, session, line = self.follower:next()
    if entry then
      self.entries = self.entries + 1
      note_gap(self, entry, session, line)
      if not matcher or core.matches(matcher, entry) then return entry, line, session end
    elseif session then
      return nil, { message = session, code = line }
    elseif not self.pause() then
      return nil
    end
  end
end

function Follower:diagnostics()
  local list, dropped = self.follower:diagnostics()
  for _, d in ipairs(list) do d.session = d.path:match "([^/]+)%.jsonl$" end
  return list, dropped
end

function Follower:counts() return { entries = self.entries, untimed = 0, seen = {} } end

function Follower:close() self.follower:close() end

Follower.__close = Follower.close

-- ---- An array ------------------------------------------------------------------------------------------------------

local List = {}
List.__index = List

--- A reader over entries in memory.
-- @param list array of { entry =, session =, line = }
-- @param from, to the first and the last of them; by default all
-- @param lend true: they are good until the next one is asked for
function reader.list(list, from, to, lend)
  return setmetatable({ list = list, from = from or 1, at = (from or 1) - 1, to = to or #list,
    lending = lend and core.lending() }, List)
end

-- The entry of an item, as it is handed out.
local function entry_of(self, item) return self.lending and self.lending:lend(item.entry) or item.entry end

function List:next(matcher)
  repeat self.at = self.at + 1
  until self.at > self.to or not matcher or core.matches(matcher, self.list[self.at].entry)
  local item = self.at <= self.to and self.list[self.at]
  if item then return entry_of(self, item), item.line, item.session end
end

-- The run of entries of one session that begins after the last one.
function List:source()
  if self.at >= self.to then return nil end
  local session, run = self.list[self.at + 1].session, {}
  function run.next(_, matcher)
    while self.at < self.to and self.list[self.at + 1].session == session do
      self.at = self.at + 1
      local item = self.list[self.at]
      if not matcher or core.matches(matcher, item.entry) then return entry_of(self, item), item.line end
    end
  end
  return run, session
end

function List.ended() end

function List.diagnostics() return {}, 0 end

function List:counts() return { entries = math.min(self.at, self.to) - self.from + 1, untimed = 0, seen = {} } end

function List:close() self.lending = nil end

List.__close = List.close

return reader
