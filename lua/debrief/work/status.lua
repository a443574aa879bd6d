--- What workers and the queue say of themselves.
-- @module debrief.work.status
local core = require "debrief.core"
local wire = require "debrief.work.wire"

local status = {}

local SECOND, MS = 1000000000, 1000000
local FIRST, LAST = SECOND, SECOND // 4 -- without any answer, and after the last one

--- Ask.
-- @return { workers = array of what each says of itself, by host and name, jobs = array of { name =, waiting =,
--   under_way = } }; or nil and a message
function status.ask(queue)
  local name, workers = wire.name(), {}
  local ok, message = queue:listen("to." .. name)
  if ok then ok, message = queue:say("status", name) end
  if not ok then return nil, message end
  local ends = core.now() + FIRST
  while core.now() < ends do
    local text, problem = queue:hear((ends - core.now()) // MS + 1)
    if text == nil then return nil, problem end
    local said = text and wire.decode(text)
    if said and type(said.host) == "string" and type(said.worker) == "string" then
      workers[#workers + 1], ends = said, core.now() + LAST
    end
  end
  table.sort(workers, function(a, b) return a.host .. "\0" .. a.worker < b.host .. "\0" .. b.worker end)
  local list = {}
  local text
  text, message = queue:jobs()
  if not text then return nil, message end
  for job, waiting, under_way in text:gmatch "(%S+) (%d+) (%d+)\n" do
    list[#list + 1] = { name = job, waiting = math.tointeger(waiting), under_way = math.tointeger(under_way) }
  end
  return { workers = workers, jobs = list }
end

return status
