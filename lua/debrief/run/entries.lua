--- Entries through enrich and filter inside a worker, some at a time, for a host or script that asks for the next one.
--
--     { texts = '{"skill":…}\n{"skill":…}\n', places = … }     one place per text, as
-- debrief.entry.place packs them
-- @module debrief.run.entries
local core = require "debrief.core"
local latest = require "debrief.query.latest"
local notes = require "debrief.query.notes"
local place = require "debrief.entry.place"
local pipeline = require "debrief.run.pipeline"
local readers = require "debrief.query.reader"

local entries = {}

local MOST_BYTES, MOST = 1 << 16, 1024 -- of one batch

local function is_full(s) return s.bytes >= MOST_BYTES or #s.places >= MOST end

local function add(s, entry, session, line)
  local text = tostring(entry)
  s.bytes = s.bytes + #text
  s.texts[#s.texts + 1] = text
  s.texts[#s.texts + 1] = "\n"
  s.places[#s.places + 1] = place.pack(entry, line, session)
  return not is_full(s)
end

--- Begin with sessions.
-- @param given { sessions = items, last = only so many, the latest }
-- @param hooks for pipeline.new
-- @param reader over the sessions
-- @param names debrief.entry.asked of the job's expression, or nil
-- @return a state for entries.run
function entries.new(given, hooks, reader, names)
  local s = { names = names, reported = 0, strict = true }
  s.last = given.last and latest.new(given.last, #given.sessions == 1)
  s.pipeline, s.reader = pipeline.new(hooks), reader
  s.plain = #hooks.enrich + #hooks.filter == 0 and not (hooks.match or s.last) and s.reader.batch ~= nil
  return s
end

--- Begin with what is appended.
-- @param given { follow = array of ids, or false for all; from_start = }
-- @return a state for entries.run, or nil and a message
function entries.follow(given, hooks, log, names, strict)
  local s = { names = names, reported = 0, strict = strict, log = log, pipeline = pipeline.new(hooks) }
  local follower, message = core.follow(log, given.follow or nil, { from_start = given.from_start, strict = strict })
  if not follower then return nil, message end
  s.follower, s.log = follower, log
  s.reader = readers.follower(follower, function() return false end)
  return s
end

-- Entries that no hook sees here go as the reader has them.
local function run_plain(s)
  local texts, places, failure, ended = s.reader:batch(MOST_BYTES - s.bytes)
  s.texts[#s.texts + 1], s.places[#s.places + 1] = texts, places
  s.bytes, s.failure, s.ended = s.bytes + #texts, failure, ended
end

local function run_hooks(s)
  s.failure = s.pipeline:run(s.reader, function(...) return add(s, ...) end, true)[1]
  s.ended = not s.pipeline.over
end

-- The latest of all entries are known at the end only.
local function run_last(s)
  if not s.found then
    s.failure = s.pipeline:run(s.reader, s.last.add, true)[1]
    s.found = s.last.list()
    s.at = 0
  end
  while not s.failure and s.at < #s.found and not is_full(s) do
    s.at = s.at + 1
    local item = s.found[s.at]
    add(s, item.entry, item.session, item.line)
  end
  s.ended = s.at >= #s.found
end

-- Nothing new: wait until there is, or until the time is over.
local function wait(s, ms)
  if ms == 0 then return end
  s.follower:wait(ms)
  run_hooks(s)
end

--- Read on until there are entries.
-- @param given { wait = ms to wait for the first one of a follower, nil: forever; stop = true to end }
-- @return { texts =, places =, diagnostics =, dropped =, problems = (new ones), ended = no more will come, drained = no
--   more have come by now, fd = of a follower, to wait for more,
--   failure = { message =, code =, line =, offset =, session = } or nil, notes = texts (at the end) }
function entries.run(s, given)
  s.texts, s.places, s.bytes = {}, {}, 0
  local out = { problems = {}, ended = false, notes = {} }
  if given.stop then s.follower:stop() end
  if not (s.failure or s.ended) then
    if s.plain then run_plain(s) elseif s.last then run_last(s) else run_hooks(s) end
    if s.follower and not s.failure and #s.places == 0 and not given.stop then wait(s, given.wait) end
  end
  out.diagnostics, out.dropped = s.reader:diagnostics()
  out.failure, out.ended = s.failure, s.failure ~= nil or s.ended and (not s.follower or given.stop or false)
  if s.follower then
    out.drained, out.fd = s.ended, s.follower:fd()
    s.failure, s.ended = nil, false
  end
  table.move(s.pipeline.order, s.reported + 1, #s.pipeline.order, 1, out.problems)
  s.reported = #s.pipeline.order
  if s.names then notes.explain(out.problems) end
  if out.ended then
    out.notes = notes.of { untimed = s.reader:counts().untimed, names = s.names and s.names.state }
  end
  out.texts = table.concat(s.texts)
  out.places = table.concat(s.places)
  return out
end

--- Let go of what it has open.
function entries.close(s)
  s.reader:close()
  if s.log then s.log:close() end
end

return entries
