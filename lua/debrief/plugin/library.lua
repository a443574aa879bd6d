--- What `debrief` has both in scripts and in plugins. Scripts open logs besides (debrief.init); a plugin gets copies of
-- the tables in here, and the functions of its rights (debrief.plugin.sandbox).
-- @module debrief.plugin.library
local core = require "debrief.core"
local measure = require "debrief.measure"
local measures = require "debrief.entry.measures"
local measurer = require "debrief.plugin.measurer"
local outcome = require "debrief.entry.outcome"
local path = require "debrief.entry.path"
local separated = require "debrief.text.separated"
local skill = require "debrief.entry.skill"

-- A function of a module that few plugins need: loaded when it is called.
local function deferred(module, name)
  local f
  return function(...)
    f = f or require(module)[name]
    return f(...)
  end
end

local function of_samples(name) return deferred("debrief.export.samples", name) end

-- Only importers need it, and what it needs itself would be a seventh of the start of each worker.
local transcript = {}
for name in ("amount array blocks count input new object outline parts text time word words"):gmatch "%a+" do
  transcript[name] = deferred("debrief.import.transcript", name)
end

local library = {
  --- Counts, sums, rates, quantiles and groups for retrospectives: the module debrief.retro.aggregate.
  aggregate = require "debrief.retro.aggregate",
  --- `array(t)`: the table t, to be written as a JSON array even when it is empty.
  array = core.array,
  --- `for i, attempt in attempts(entry) do`: its attempts without nulls, each with its place in the array.
  attempts = require "debrief.entry.attempts",
  --- `csv(values)`: texts, numbers and booleans as a line of CSV (RFC 4180), safe for spreadsheets, with its line end.
  csv = separated.record,
  --- `date(format, ns)`: a time as text in the user's zone; the format is that of os.date.
  date = core.date,
  --- `decode(text)`: the value of a JSON text; integers stay integers, null becomes `null`.
  decode = core.decode,
  --- `encode(value)`: JSON text, exact, keys in the order of their names.
  encode = core.encode,
  --- `failure(output)`: what a failure is called: the first line that names trouble, without numbers and paths.
  failure = require "debrief.entry.failure",
  --- `get(entry, "input.task")`: the value at the end of a way into it, or of a virtual field, such as "week"; nil if
  -- it is absent or null.
  get = path.get,
  --- `hash(text)`: 16 hexadecimal digits that stand for a text, the same everywhere; no secret.
  hash = core.hash,
  --- Values and functions of the C program that debrief runs in, by the names it gave them; empty without one.
  host = core.values,
  --- `json(text)`: checked JSON text, to be put into an entry as it is.
  json = core.json,
  --- `list(log:entries { … })`: an array of what an iterator returns; entries are then shown with their places.
  list = require "debrief.entry.collect".collect,
  --- The names that `measure(text)` knows; it returns what can be measured of a run, by such a name or as rate(E),
  -- median(E) or mean(E): { kind = "rate" or "number", of = function(entry), unit =, statistic = "median" or "mean" };
  -- or nil and what it must be.
  measures = measures.names,
  --- `members(value, name...)`: the value of each member, found in one pass; `value[name]` looks from the beginning.
  members = core.members,
  --- What null is in arrays and iterations; the same value as cjson.null.
  null = core.null,
  --- `outcome(entry)`: "ok", "fail", "skip" or "unknown", from any words of status.
  outcome = function(entry) return (outcome(entry)) end,
  --- `passed(entry)`: true, false, or nil when that was not decided; and on what it rests: "status", "test", "weak
  -- check" (a build, lint or type check, which decides nothing) or nil; and of weak checks whether those passed.
  passed = require "debrief.entry.passed",
  --- Days, weeks and months by name, without gaps: the module debrief.text.period.
  period = require "debrief.text.period",
  --- `pretty(value, opts)`: any value as text for people, entries as cards; never raises. See debrief.pretty.
  pretty = function(value, opts) return require "debrief.pretty".text(value, opts) end,
  --- `raw(entry, field)`: the bytes of a field, nil when it is not there.
  raw = core.raw,
  --- `prompt(entry, way)`: its prompt as text, for training rows; nil without one. See debrief.export.samples.
  prompt = of_samples "prompt",
  --- `prompt_of(entry, options, ctx)`: that prompt, if a row may have it; or nil and why not.
  prompt_of = of_samples "prompt_of",
  --- `provenance(attempt, ctx)`: where a row comes from, for an attempt of `samples`.
  provenance = of_samples "provenance",
  --- `redact(value)`: it without credentials, and how many of each kind there were: a text, or a new table. An entry is
  -- changed in place.
  redact = core.redact,
  --- `redactor { kind = pattern }`: such a function that takes out what the patterns match, too; or nil and a message.
  redactor = core.redactor,
  --- `judged(entry, ctx)`: the attempts that a training row may be made of.
  judged = of_samples "judged",
  --- `sample_pairs(entry, ctx, emit)`: pairs of a verified and a failed attempt at the same prompt, for training rows.
  sample_pairs = of_samples "pairs",
  --- `samples(entry, options, ctx)`: its prompt, and its attempts with what each saw and its verdict, for training
  -- rows; or nil and why it cannot be used. See debrief.export.samples.
  samples = of_samples "of",
  --- `session_id(text)`: a valid session id for any text, a safe prefix and a hash.
  session_id = core.session_id,
  --- `short(text, n)`: its first line that says something, in at most n characters; nil is "".
  short = require "debrief.text.short",
  --- `show(value, unit)`: a number, a rate or a text as a report shows it in a column with this unit.
  show = require "debrief.text.values".show,
  --- `skill(entry)`: its skill as a key to count by, which distinguishes the skills of different plugins.
  skill = skill.key,
  --- `skill_namer(by)`: a function that returns the name that people see for a key of a state of aggregate.by.
  skill_namer = skill.namer,
  --- `skill_names(by)`: a state of aggregate.by with such keys, by the names that people see.
  skill_names = skill.names,
  --- Intervals and tests: the module debrief.statistics.
  statistics = require "debrief.statistics",
  --- `subagent(entry)`: the subagent that ran it as a part of another run, nil if it is a run of its own.
  subagent = require "debrief.entry.subagent",
  --- `table(entry)`: a plain table of it, or of a part of it. `table { by = "skill", show = "runs, passed" }`: the
  -- retrospective that makes this table (debrief.measure). `table(function(ctx) return { by = ctx.options.by } end)`:
  -- one whose definition depends on the options of a run.
  table = core.table,
  --- `time(entry)`: its timestamp in nanoseconds since 1970, nil when it has none; also takes an RFC 3339 text.
  time = core.time,
  --- `for i, call in tools(entry) do`: the calls of tools in it: name, target, kind ("command", "edit", "file" or nil),
  -- failed, duration_ms.
  tools = require "debrief.entry.tools",
  --- Finds entries and attempts in what an agent did, for importers: the module debrief.import.transcript.
  transcript = transcript,
  --- `type(value)`: "object" or "array" for parts of entries and tables, "null", else what type() returns.
  type = core.type,
  --- The fields that are computed wherever one is named: an array of { name =, type =, help = }.
  virtual_fields = require "debrief.entry.virtual".list,
  --- The version of debrief, as text.
  version = core.version,
  --- `window(since, until, now)`: both ends of a window in ns, from times as people write them; or nil and a message.
  window = require "debrief.text.time".window,
}

library.measure = measurer.new(library)

local function is_definition(value)
  if type(value) ~= "table" or value.session_id ~= nil or value.skill ~= nil then return false end
  for _, key in ipairs { "by", "show", "each" } do
    local kind = type(rawget(value, key))
    if kind == "string" or kind == "table" then return true end
  end
  return false
end

local function retrospective_of(definition)
  local retrospective, message = measure.new(definition, measurer.globals(library))
  return retrospective or error("debrief.table: " .. message, 3)
end

function library.table(value)
  if type(value) == "function" then
    return measure.of_context(function(ctx) return retrospective_of(value(ctx)) end)
  end
  if not is_definition(value) then return core.table(value) end
  return retrospective_of(value)
end

return library
