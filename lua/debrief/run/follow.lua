--- `debrief read --follow` inside a worker: entries through enrich and filter to a descriptor, as they come.
-- @module debrief.run.follow
local core = require "debrief.core"
local pipeline = require "debrief.run.pipeline"
local readers = require "debrief.query.reader"

local follow = {}

-- Everything available was read: show it, and wait for more. False: there is something to report, or the output is
-- closed. The first time, of what was there before only the latest entries are shown.
local function pause(s)
  if s.latest then
    s.latest.each(s.printer.add)
    s.latest = nil
  end
  local open, failure = s.printer.close()
  s.failure = failure
  s.diagnostics, s.dropped = s.reader:diagnostics()
  s.closed = not open or failure ~= nil
  if s.closed or #s.diagnostics > 0 or s.reported < #s.pipeline.order then return false end
  s.closed = s.follower:wait(nil, s.fd) == "closed"
  return not s.closed
end

--- Begin.
-- @param job of worker.setup
-- @param given { sessions = array of ids (nil: all), from_start =, last = how many of what is there, fd =, and
--   what a printer takes: format =, width =, color =, safe =, place = }
-- @param hooks for pipeline.new
-- @return a state for follow.run, or nil and a message
function follow.new(job, given, hooks)
  local log, message = core.log(job.dir)
  if not log then return nil, message end
  local follower
  local from_start = given.from_start or given.last ~= nil
  follower, message = core.follow(log, given.sessions, { from_start = from_start, strict = job.query.strict })
  log:close()
  if not follower then return nil, message end
  local s = { follower = follower, pipeline = pipeline.new(hooks), fd = given.fd, reported = 0 }
  given.out = require "debrief.text.pager".new(given)
  s.printer = require "debrief.entry.printer".new(given)
  local single = given.sessions and #given.sessions == 1
  s.latest = given.last and require "debrief.query.latest".new(given.last, single)
  s.reader = readers.follower(follower, function() return pause(s) end)
  return s
end

--- Go on until there is something to report.
-- @return { diagnostics =, dropped =, problems = (new ones), failure = (a message), closed = nobody reads any more }
function follow.run(s)
  local problems = {}
  s.failure, s.diagnostics, s.dropped = nil, {}, 0
  local function sink(...)
    if s.latest then return s.latest.add(...) end
    return s.printer.add(...)
  end
  local failed = s.pipeline:run(s.reader, sink, true)[1]
  if failed or s.pipeline.over then
    local open, failure = s.printer.close()
    s.closed, s.failure = not open, failure or failed and failed.message
    s.diagnostics, s.dropped = s.reader:diagnostics()
  end
  table.move(s.pipeline.order, s.reported + 1, #s.pipeline.order, 1, problems)
  s.reported = #s.pipeline.order
  return { diagnostics = s.diagnostics, dropped = s.dropped, problems = problems, failure = s.failure,
    closed = s.closed }
end

return follow
