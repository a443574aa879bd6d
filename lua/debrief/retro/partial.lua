--- Partial results: what one run leaves to be merged with those of others, on another machine perhaps.
--
--     {"debrief_partial":1,"plugin":…,"hash":…,"options":{…},"now":ns,"entries":N,"sessions":N,"errors":N,"acc":base64}
-- @module debrief.retro.partial
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local query = require "debrief.query"
local total = require "debrief.retro.total"

local partial = {}

local function text_of(job, name)
  for _, found in ipairs(job.plugins) do
    if found.name == name then return found.text end
  end
end

--- The lines that `debrief merge` reads: one JSON object a retrospective.
-- @param job that was run
-- @param result of retro.run with `partial`
function partial.lines(job, result)
  local lines = {}
  for i, part in ipairs(result.reports) do
    lines[i] = core.encode { debrief_partial = 1, plugin = part.plugin, hash = core.hash(text_of(job, part.plugin)),
      options = part.options, now = job.now, entries = result.entries, sessions = result.sessions, errors = part.errors,
      acc = part.acc }
  end
  return lines
end

-- The member of a partial result that is not what partial.lines writes; nil: all are.
local function damaged_member(part)
  for _, name in ipairs { "now", "entries", "sessions", "errors" } do
    if math.type(part[name]) ~= "integer" or (part[name] < 0 and name ~= "now") then return name end
  end
  if core.type(part.options) ~= "object" then return "options" end
  for _, value in next, part.options do
    if core.type(value) == "object" or core.type(value) == "array" or value == core.null then return "options" end
  end
end

-- One line of a file of partial results, checked against the plugin and the first of them.
local function check_partial(text, found, first, options)
  local part = core.decode(text)
  if type(part) ~= "table" or part.debrief_partial ~= 1 or type(part.acc) ~= "string"
    or type(part.plugin) ~= "string" or type(part.hash) ~= "string" then
    return nil, "is no partial result (debrief retro PLUGIN --partial makes them)"
  end
  if part.plugin ~= found.name then
    return nil, ("is a partial result of plugin '%s', not '%s'"):format(part.plugin, found.name)
  end
  if part.hash ~= core.hash(found.text) then
    return nil, ("was made by another version of plugin '%s': its hash is %s, this one's %s"):format(found.name,
      part.hash, core.hash(found.text))
  end
  local damaged = damaged_member(part)
  if damaged then return nil, ("is damaged: its %s cannot be used"):format(damaged) end
  if first and core.encode(part.options) ~= core.encode(first.options) then
    return nil, ("was made with other options: %s, not %s"):format(core.encode(part.options),
      core.encode(first.options))
  end
  if options and core.encode(part.options) ~= core.encode(options) then
    return nil, ("was made with other options: %s, not %s"):format(core.encode(part.options), core.encode(options))
  end
  local acc = core.unbase64(part.acc)
  if not acc then return nil, "is damaged: its acc is no base64" end
  if acc == "" or not pcall(core.unpack, acc) then return nil, "is damaged: its acc cannot be read" end
  return part, acc
end

--- Merge partial results, left to right, and finish.
-- @param name the plugin
-- @param lines { { place = "FILE:1", text = }... }
-- @param allow rights for the plugin: { "name:process" }, or nil
-- @param options what they must have been made with, or nil for anything
-- @return as retro.run; or nil and a message
function partial.merge(name, lines, allow, options)
  local job, message = jobs.new { query = query.new { allow = allow }, retro = { name } }
  if not job then return nil, message end
  local found, sum, results = job.plugins[1], total.new(0), {}
  job.now = 0
  for i, line in ipairs(lines) do
    local part, acc = check_partial(line.text, found, results[1] and results[1].part, options)
    if not part then return nil, ("%s: %s"):format(line.place, acc) end
    results[i] = { part = part, accs = { acc }, errors = { part.errors }, place = line.place }
    job.now = math.max(job.now, part.now)
    sum.entries, sum.sessions = sum.entries + part.entries, sum.sessions + part.sessions
  end
  found.options = results[1] and results[1].part.options or {}
  local worker, about = jobs.worker(job)
  if not worker then return nil, about end
  if #results > 1 and not about[found.name].merge then
    return nil, ("plugin '%s' has no merge: only one partial result of it can be finished"):format(found.name)
  end
  for _, result in ipairs(results) do
    local answer
    answer, message = jobs.ask(worker, "merge", { accs = result.accs, errors = result.errors })
    if not answer then return nil, ("%s: %s"):format(result.place, message) end
  end
  local last
  last, message = jobs.ask(worker, "finish", {})
  if not last then return nil, message end
  total.add_problems(sum, last.problems)
  sum.reports = last.reports[1] and { last.reports[1] } or {}
  return sum
end

return partial
