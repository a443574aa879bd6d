--- What workers and the queue say of themselves.
-- @module debrief.work.status
local core = require "debrief.core"
local wire = require "debrief.work.wire"

local status = {}

local SECOND, MS = 1000000000, 1000000
local FIRST, LAST = SECOND, SECOND // 4 -- without any answer, and after the last one
local LONGEST, MOST = 10 * SECOND, 2000 -- however many answer: anyone may
local ANNOUNCED = 3 * SECOND -- for which a job that is waited for is never silent

-- The jobs on the queue; or nil and a message.
local function jobs_of(queue)
  local list = {}
  local text, message = queue:jobs()
  if not text then return nil, message end
  for job, waiting, under_way in text:gmatch "(%S+) (%d+) (%d+)\n" do
    list[#list + 1] = { name = job, waiting = math.tointeger(waiting), under_way = math.tointeger(under_way) }
  end
  return list
end

-- Has every job been announced?
local function are_announced(list, announced)
  for _, job in ipairs(list) do
    if not announced[job.name] then return false end
  end
  return true
end

-- Hear what workers say of themselves, and which jobs are announced.
local function listen(queue, jobs)
  local workers, announced, begun = {}, {}, core.now()
  local ends = begun + FIRST
  while true do
    local now = core.now()
    local last = are_announced(jobs, announced) and ends or math.max(ends, begun + ANNOUNCED)
    if now >= math.min(last, begun + LONGEST) or #workers == MOST then return workers, announced end
    local text, problem, key = queue:hear((last - now) // MS + 1)
    if text == nil then return nil, problem end
    local said = text and wire.decode(text)
    if key == "p.job" and said and wire.is_name(said.job) then
      announced[said.job] = true
    elseif said and type(said.host) == "string" and wire.is_name(said.worker) then
      workers[#workers + 1], ends = said, core.now() + LAST
    end
  end
end

--- Ask.
-- @return { workers = array of what each says of itself, by host and name, jobs = array of { name =, waiting =,
--   under_way =, announced = does a process wait for it? } }; or nil and a message
function status.ask(queue)
  local name = wire.name()
  local ok, message = queue:listen("to." .. name)
  if ok then ok, message = queue:listen "job" end
  if ok then ok, message = queue:say("status", name) end
  if not ok then return nil, message end
  local before, jobs
  before, message = jobs_of(queue)
  if not before then return nil, message end
  local workers, announced = listen(queue, before)
  if not workers then return nil, announced end
  table.sort(workers, function(a, b) return a.host .. "\0" .. a.worker < b.host .. "\0" .. b.worker end)
  jobs, message = jobs_of(queue) -- they have changed meanwhile
  if not jobs then return nil, message end
  local known = {}
  for _, job in ipairs(before) do known[job.name] = true end
  for _, job in ipairs(jobs) do job.announced = announced[job.name] or not known[job.name] end
  return { workers = workers, jobs = jobs }
end

return status
