--- Jobs that nobody waits for any more: their process was killed, and could not take them off the queue. The next one
-- that has the right to do so takes them off.
--
-- A job must never be taken from a process that waits for it. Such a process announces it every second, and every
-- wire.REMIND s it makes the job's consumer again, should that be gone. The servers remove a consumer that no worker
-- has used for an hour. Workers use it only while the job is announced. A process that cannot reach the servers fails
-- after --timeout, which is 9 minutes at most. So a job is abandoned when all of this holds:
--
--   its text is older than wire.ABANDONED, by the servers' clock: compared with that of the job of the one who looks
--   it has no consumer, now and wire.LISTEN s later
--   it was not announced in between
--
-- There remains the process that did not run for an hour (SIGSTOP, a laptop that slept). When it goes on, its reminder
-- is due: it finds that its text is gone, and fails with a message (debrief.work.crew).
-- @module debrief.work.abandoned
local core = require "debrief.core"
local wire = require "debrief.work.wire"

local abandoned = {}

local SECOND = 1000000000
local MOST = 100 -- jobs that are taken off at once

local Watch = {}
Watch.__index = Watch

-- { [name] = when its text was stored }
local function texts(queue)
  local found, sequence = {}, 1
  while true do
    local data, at, key, _, time = queue:next("*.job.1", sequence)
    if not data then return data == false and found or nil end
    found[key:match "^d%.([^.]+)"], sequence = time, at + 1
  end
end

local function without_consumers(queue, names)
  local jobs = queue:jobs()
  if not jobs then return {} end
  local left = {}
  for name in pairs(names) do left[name] = true end
  for name in jobs:gmatch "(%S+) %d+ %d+\n" do left[name] = nil end
  return left
end

--- Look for jobs that may be abandoned.
-- @param own name of the job of this process, which is on the queue
-- @return what watches them, if there are any
function abandoned.watch(queue, own)
  local times = texts(queue)
  if not (times and times[own]) then return nil end
  local old, count = {}, 0
  for name, time in pairs(times) do
    if name ~= own and count < MOST and times[own] - time > wire.ABANDONED * SECOND then
      old[name], count = true, count + 1
    end
  end
  old = count > 0 and without_consumers(queue, old) or {}
  if not (next(old) and queue:listen "job") then return nil end
  return setmetatable({ queue = queue, names = old, begun = core.now() }, Watch)
end

--- A job was announced.
function Watch:hear(text)
  local said = wire.decode(text)
  if said and type(said.job) == "string" then self.names[said.job] = nil end
end

--- Have they been watched for long enough?
function Watch:is_over() return core.now() - self.begun > wire.LISTEN * SECOND end

--- Take those off the queue that are abandoned.
-- @return how many
function Watch:remove()
  local count = 0
  for name in pairs(without_consumers(self.queue, self.names)) do
    self.queue:purge("work", name .. ".>")
    self.queue:purge("rest", name .. ".>")
    count = count + 1
  end
  return count
end

return abandoned
