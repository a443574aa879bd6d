--- `debrief read --follow` inside a worker: entries through enrich and filter to a descriptor, as they come.
-- @module debrief.run.follow
local core = require "debrief.core"
local pipeline = require "debrief.run.pipeline"

local follow = {}

-- What the pipeline takes for a reader: it ends when there is something to tell, and the next call goes on.
local function reader_of(s)
  local reader, read = {}, 0
  function reader.next()
    while true do
      local entry, session, line = s.follower:next()
      if entry then
        s.pipeline.session, read = session, read + 1
        return entry, line
      end
      s.failure = session
      local open, failure = s.printer.close()
      s.failure = failure or s.failure
      s.diagnostics, s.dropped = s.follower:diagnostics()
      s.closed = not open or failure ~= nil
      if s.closed or s.failure or #s.diagnostics > 0 or s.told < #s.pipeline.order then return nil end
      s.closed = s.follower:wait(nil, s.fd) == "closed"
      if s.closed then return nil end
    end
  end
  function reader.entries()
    local n = read
    read = 0
    return n
  end
  return reader
end

--- Begin.
-- @param job of worker.setup
-- @param given { sessions = array of ids (nil: all), from_start =, fd =, and what a printer takes: format =, width =,
--   color =, safe =, place = }
-- @param hooks for pipeline.new
-- @return a state for follow.run, or nil and a message
function follow.new(job, given, hooks)
  local log, message = core.log(job.dir)
  if not log then return nil, message end
  local follower
  follower, message = core.follow(log, given.sessions, { from_start = given.from_start, strict = job.strict })
  log:close()
  if not follower then return nil, message end
  local s = { follower = follower, pipeline = pipeline.new(hooks), fd = given.fd, told = 0 }
  given.out = require "debrief.text.pager".new(given)
  s.printer = require "debrief.entry.printer".new(given)
  s.reader = reader_of(s)
  return s
end

--- Go on until there is something to tell.
-- @return { diagnostics =, dropped =, problems = (new ones), failure = (a message), closed = nobody reads any more }
function follow.run(s)
  local problems = {}
  local ok, message = s.pipeline:run(s.reader, nil, s.printer.add)
  table.move(s.pipeline.order, s.told + 1, #s.pipeline.order, 1, problems)
  s.told = #s.pipeline.order
  return { diagnostics = s.diagnostics or {}, dropped = s.dropped or 0, problems = problems,
    failure = not ok and message or s.failure or nil, closed = s.closed or not ok }
end

return follow
