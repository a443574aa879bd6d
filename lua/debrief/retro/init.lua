--- Running retrospectives over a log: chunks, workers, merging. In the caller's state.
--
--     sessions in name order -> chunks -> workers (-j) -> merged left to right in one state -> reports
--
-- The state that checks the plugins also merges and finishes, and with one worker it runs the chunks as well.
-- @module debrief.retro
local chunks = require "debrief.retro.chunks"
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local total = require "debrief.retro.total"

local retro = {}

-- What core.crew(1, setup) makes, over a worker that is ready and without a thread: functions of the host's that must
-- be called on its own thread can be called.
local function alone(worker)
  local call, tasks, at = nil, nil, 0
  local crew = setmetatable({}, { __close = function() end })
  function crew.start(_, name, list) call, tasks = name, list end
  function crew.take()
    at = at + 1
    if not tasks[at] then return nil end
    return worker:call(call, tasks[at])
  end
  function crew.close() end
  return crew
end

-- Add the result of one chunk. Returns true; or nil and a message.
local function merge_one(packed, worker, one)
  local message
  total.add(one.total, core.unpack(packed))
  packed, message = worker:call("merge", packed)
  if not packed then return nil, jobs.explained(message) end
  one.total.cut_short = core.unpack(packed).all_stopped
  return true
end

-- Merge what the crew takes, in the order of the chunks; `done` is called with each chunk that was merged. A crew of
-- other machines may give one up.
local function merge_all(crew, worker, one, done)
  local at = 0
  while not one.total.cut_short do
    local packed, message = crew:take()
    if packed == nil then
      if message then return nil, jobs.explained(message) end
      break
    end
    at = at + 1
    local ok = true
    if packed then ok, message = merge_one(packed, worker, one)
    else total.lose(one.total, one.names, one.chunks[at].sessions, message) end
    if not ok then return nil, message end
    done(one.chunks[at])
  end
  return true
end

-- The workers of one pass: no more than there are chunks. Without a wish for a number one chunk needs no thread; but
-- functions of a host that want its own thread must fail on a small log as on a big one.
-- @return a crew, and what closes it, or nil; or nil and a message
local function crew_of(job, worker, one, given)
  local part, wish = {}, given.workers or core.host().workers
  for key, value in pairs(job) do part[key] = value end
  part.retro = one.names
  if given.on then return given.on(part, one.chunks) end
  if job.isolate or not wish and #one.chunks <= 1 and not core.needs_thread() then return alone(worker) end
  local count = wish or core.cores()
  if count == 1 then return alone(worker) end
  count = math.max(1, math.min(count, #one.chunks))
  return core.crew(count, core.pack(part))
end

-- One pass: some retrospectives of the job over their chunks. Returns their reports, or partial results.
local function pass(job, worker, one, given, done)
  local ok, last, message
  ok, message = jobs.ask(worker, "begin", one.names)
  if not ok then return nil, message end
  local crew, closer = crew_of(job, worker, one, given)
  if not crew then return nil, closer end
  local _ <close> = closer or crew
  local packed = {}
  for i, chunk in ipairs(one.chunks) do
    chunk.seen = one.windowed
    packed[i] = core.pack(chunk)
  end
  crew:start("chunk", packed, true)
  ok, message = merge_all(crew, worker, one, done)
  crew:close()
  if not ok then return nil, message end
  last, message = jobs.ask(worker, given.partial and "partials" or "finish", {})
  if not last then return nil, message end
  total.add_problems(one.total, last.problems)
  return total.mark_lost(one.total, last.reports or last.partials)
end

-- How a plugin's chunks are made. A part of a session does not know when the line before it ended.
local function how(about, job)
  return not about.merge and "whole" or about.split and not job.query.gaps and "split" or "sessions"
end

-- The passes over the sessions, one per kind of chunk: { names =, chunks =, total = }.
local function plan(job, about, sessions)
  local passes = {}
  for _, wanted in ipairs { "split", "sessions", "whole" } do
    local names = {}
    for _, name in ipairs(job.retro) do
      if how(about[name], job) == wanted then names[#names + 1] = name end
    end
    if #names > 0 then
      passes[#passes + 1] = { names = names, chunks = chunks.of(sessions, job.dir, wanted),
        total = total.new(#sessions) }
    end
  end
  return passes
end

-- Called for each chunk that is done: reports how far it all is.
local function counter(passes, progress)
  local done, all = 0, 0
  for _, one in ipairs(passes) do
    for _, chunk in ipairs(one.chunks) do all = all + chunk.bytes end
  end
  return function(chunk)
    done = done + chunk.bytes
    if progress then progress(done, all) end
  end
end

-- Do only sessions with entries count?
local function is_windowed(job, given) return (job.query.since or given.last) ~= nil end

local function run_passes(job, worker, about, sessions, given)
  local by_name, passes = {}, plan(job, about, sessions)
  local done = counter(passes, given.progress)
  for _, one in ipairs(passes) do
    one.windowed = is_windowed(job, given)
    local reports, message = pass(job, worker, one, given, done)
    if not reports then return nil, message end
    for i, name in ipairs(one.names) do by_name[name] = reports[i] end
  end
  local sum = total.of_passes(passes)
  sum.reports = {}
  for _, name in ipairs(job.retro) do sum.reports[#sum.reports + 1] = by_name[name] or nil end
  return sum
end

--- Run the retrospectives of a job.
-- @param job of debrief.run.job
-- @param sessions items of debrief.query.sessions
-- @param given { workers = how many; by default what the host says, else as many as there are processors; partial =
--   true: partial results for `debrief merge` instead of reports; last = only so many entries, the latest that enrich
--   and filter keep; progress = function(bytes that were read and merged, bytes there are), called now and then;
--   worker, about = of jobs.worker, when there is one already; on = function(job, chunks) -> a crew of other machines
--   (debrief.work.crew) for its chunks }
-- @return { reports = {...}, entries=, sessions=, diagnostics=, problems=, failures=, dropped= }, with a window
--   also untimed= (entries without a timestamp), and sessions= are those with entries in it; or nil, message, plugin
function retro.run(job, sessions, given)
  local worker, about, culprit = given.worker, given.about, nil
  if not worker then worker, about, culprit = jobs.worker(job) end
  if not worker then return nil, about, culprit end
  local sum, message
  do
    local _ <close> = worker
    if given.last then sessions, message = jobs.narrowed(worker, sessions, given.last) end
    if sessions then sum, message = run_passes(job, worker, about, sessions, given) end
    if sum and worker.keep then worker:keep() end
  end
  if not sum then return nil, message end
  if is_windowed(job, given) then total.count_window(sum) end
  if not job.query.since then sum.untimed = nil end
  return sum
end

return retro
