--- `debrief plugins --check FILE`: load a plugin, run it on real entries, test the law of merge.
-- @module debrief.cli.plugins_check
local arguments = require "debrief.cli.arguments"
local output = require "debrief.cli.output"
local escape = require "debrief.text.escape"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"

local trial = {}

local SEEDS = { 1, 7, 42 } -- one random split each

local function say(format, ...) output.write(escape(format:format(...)), "\n") end

-- The hooks to run: its retrospective, else its enrich and filter.
local function roles(job, about)
  local name, has = about.name, {}
  for _, hook in ipairs(about.hooks) do has[hook] = true end
  if has.retrospective then
    job.retro = { name }
  else
    job.enrich, job.filter = has.enrich and { name } or {}, has.filter and { name } or {}
  end
  return has
end

-- Every run in a fresh state.
local function run(job, sessions, seed)
  local worker = arguments.worker(job)
  local result = arguments.ask(worker, "trial", { sessions = sessions, seed = seed })
  worker:close()
  return result
end

local function close(a, b)
  if a == b then return true end
  if type(a) ~= "number" or type(b) ~= "number" then return false end
  if a ~= a and b ~= b then return true end
  return math.abs(a - b) <= 1e-9 * math.max(math.abs(a), math.abs(b))
end

-- The first place where two reports differ beyond rounding; nil: nowhere.
local function difference(a, b, place)
  if type(a) ~= "table" or type(b) ~= "table" then
    if not close(a, b) then return ("%s is %s in one run, %s merged"):format(place, tostring(a), tostring(b)) end
    return nil
  end
  local keys = {}
  for key in pairs(a) do keys[#keys + 1] = key end
  for key in pairs(b) do if a[key] == nil then keys[#keys + 1] = key end end
  table.sort(keys, function(x, y) return tostring(x) < tostring(y) end)
  for _, key in ipairs(keys) do
    local at = math.type(key) and ("%s[%d]"):format(place, key) or ("%s.%s"):format(place, key)
    local found = difference(a[key], b[key], at)
    if found then return found end
  end
end

-- Run in pieces and compare. Returns false when the law does not hold.
local function check_merge(job, sessions, whole, name)
  local counts = {}
  for i, seed in ipairs(SEEDS) do
    local pieces = run(job, sessions, seed)
    if messages.problems(pieces.problems) then return false end
    local wrong = difference(whole.report, pieces.report, "report")
    if wrong then
      say("%s: the law of merge is broken: %s (in %d pieces)", name, wrong, pieces.pieces)
      return false
    end
    counts[i] = pieces.pieces
  end
  say("%s: the law of merge holds in %s pieces", name, table.concat(counts, ", "))
  return true
end

--- Check one plugin. @return the exit status
function trial.run(args)
  local job = arguments.job_of_plugin(args.name, arguments.query { allow = args.allow })
  job.dir, job.isolate = args.dir, args.isolate or false
  local worker, all = arguments.worker(job)
  worker:close()
  local about = all[job.plugins[1].name]
  local has = roles(job, about)
  say("%s: loads; hooks: %s", about.name, table.concat(about.hooks, ", "))
  if not (has.retrospective or has.enrich or has.filter) then return 0 end
  local sessions = arguments.sessions(args, arguments.query {})
  local whole = run(job, sessions)
  local broken = messages.problems(whole.problems)
  say("%s: %s of %s: %s", about.name, values.count(whole.entries, "entry", "entries"),
    values.count(#sessions, "session"), broken and "failed" or "no errors")
  if broken then return 1 end
  if not has.retrospective then return 0 end
  if not about.merge then
    say("%s: has no merge, so it runs on one worker", about.name)
    return 0
  end
  return check_merge(job, sessions, whole, about.name) and 0 or 1
end

return trial
