--- Why a worker does not take part in a job.
-- @module debrief.work.refusal
local core = require "debrief.core"
local find = require "debrief.plugin.find"
local rights = require "debrief.plugin.rights"
local wire = require "debrief.work.wire"

local refusal = {}

-- A version as it is shown: others may announce anything.
local function is_version(text) return type(text) == "string" and #text <= 40 and text:find "^%d[%w.+-]*$" ~= nil end

--- Of the announcement.
function refusal.of_version(said)
  local number = type(said.wire) == "number" and math.tointeger(said.wire)
  if not number or not is_version(said.version) then return "the announcement of the job is damaged" end
  if said.version ~= core.version then
    return ("this worker is debrief %s, the job is of debrief %s: install the same version on both"):format(
      core.version, said.version)
  end
  if number == wire.VERSION then return nil end
  local older = number > wire.VERSION and "where this worker runs" or "where the question was asked"
  return ("this worker and the job are debrief %s, but of different builds (jobs of format %d here, %d there): install "
    .. "the newer build %s"):format(core.version, wire.VERSION, number, older)
end

-- A right is for the plugin that the worker's user has, not for any of that name.
local function of_right(plugin, right, allowed)
  if not allowed[plugin.name .. ":" .. right] then
    return ("plugin '%s' needs the right %s, which this worker's user has not allowed (`debrief work --allow %s:%s`)")
      :format(plugin.name, right, plugin.name, right)
  end
  local own = find.plugin(plugin.name)
  if own and own.text == plugin.text then return nil end
  return ("plugin '%s' is not the one that is installed here, so it does not get the right %s"):format(plugin.name,
    right)
end

-- Is what a job asks more than what there is? 0 is no limit.
local function exceeds(asked, own) return own ~= 0 and (asked == 0 or asked > own) end

local function of_limits(asked, own)
  if exceeds(asked.time, own.time) then
    return ("the job allows a call of a plugin %s s, this worker %s s (`debrief work --plugin-time`)"):format(
      asked.time == 0 and "any number of" or asked.time / 1000, own.time / 1000)
  end
  if exceeds(asked.memory, own.memory) then
    return ("the job allows plugins %s MiB, this worker %d MiB (`debrief work --plugin-memory`)"):format(
      asked.memory == 0 and "any number of" or asked.memory >> 20, own.memory >> 20)
  end
end

local function is_in(value, least, most) return math.type(value) == "integer" and value >= least and value <= most end

-- What others announce may be anything.
local function is_job(given)
  local job = type(given) == "table" and given.job
  return type(job) == "table" and type(job.plugins) == "table" and type(given.limits) == "table"
    and is_in(given.limits.time, 0, 0x7fffffff) and is_in(given.limits.memory, 0, math.maxinteger)
    and type(given.dir) == "string" and is_in(given.patience, 1, 0x7fffffff) and type(given.zone) == "string"
    and type(given.zone_name) == "string"
end

--- Of the job itself.
-- @param given what debrief.work.crew keeps of a job
-- @param allow array of "plugin:right" that the worker's user allows
-- @param limits of debrief.work.wire, those of this worker
function refusal.of_job(given, allow, limits)
  if not is_job(given) then return "the job is damaged" end
  local zone, name = wire.zone()
  if zone ~= given.zone then
    return ("this worker's time zone is %s, that of the job %s: start it with TZ=%s"):format(name,
      tostring(given.zone_name), tostring(given.zone_name))
  end
  local allowed = {}
  for _, text in ipairs(allow) do allowed[text] = true end
  for _, plugin in ipairs(given.job.plugins) do
    if type(plugin) ~= "table" or type(plugin.name) ~= "string" or type(plugin.text) ~= "string"
      or type(plugin.path) ~= "string"
      or core.hash(plugin.text) ~= plugin.hash then
      return "the job is damaged"
    end
    for right in pairs(type(plugin.allow) == "table" and plugin.allow or {}) do
      local why = of_right(plugin, tostring(right), allowed)
      if why then return why end
    end
  end
  return of_limits(given.limits, limits)
end

--- What `--allow` of a worker takes.
-- @return true, or nil and a message
function refusal.check(allow)
  for _, text in ipairs(allow) do
    local name = text:match "^([^:]+):[^:]+$"
    local ok, message = rights.grant({ text }, name and { { name = name }, [name] = { name = name } } or {})
    if not ok then return nil, message end
  end
  return true
end

return refusal
