--- What several commands share: queries, options of plugins, terminals. Every command loads this module, so what some
-- of them need is loaded where it is used.
-- @module debrief.cli.arguments
local core = require "debrief.core"
local messages = require "debrief.cli.messages"

local arguments = {}

-- The values of an option that may be repeated, or have several with commas between them.
local function listed(list) return list and #list > 0 and table.concat(list, ",") or nil end

local function several(list) return list and #list > 0 and list or nil end

--- The query of a command, or leave with status 2.
-- @param args session =, since =, until =, where =, skill =, phase =, model =, project =, outcome =, grep =, enrich =,
--   filter =, opt =, allow =, line =, last =, strict =, each nil where the command has no such option
function arguments.query(args)
  local given = { since = args.since, ["until"] = args["until"], where = args.where, skill = listed(args.skill),
    phase = listed(args.phase), model = listed(args.model), project = several(args.project),
    outcome = listed(args.outcome), grep = several(args.grep), enrich = listed(args.enrich),
    filter = listed(args.filter), opt = args.opt, allow = args.allow, line = args.line, last = args.last,
    strict = args.strict or false }
  if args.session and #args.session > 0 then given.sessions = args.session end
  local q, message = require "debrief.query".new(given)
  if not q then messages.fail(message, 2) end
  q.why = args.why and { since = args.since, ["until"] = args["until"], where = args.where, skill = given.skill,
    phase = given.phase, model = given.model, project = given.project, outcome = given.outcome, grep = given.grep }
  return q
end

--- The log in the folder of a command, or leave with status 1.
function arguments.log(args)
  local log, message = core.log(args.dir)
  if not log then messages.fail(message) end
  return log
end

--- The sessions a query is about, or leave with status 1: see debrief.query.sessions. The query remembers them, and the
-- folder, for what is said of it at the end.
function arguments.sessions(args, q, opts)
  local log = arguments.log(args)
  local items, failure = require "debrief.query.sessions".of(log, q, opts)
  log:close()
  if not items then messages.fail(failure.message) end
  q.found, q.dir = items, args.dir
  return items
end

--- Declare --allow, and the limits of plugins: what every command takes that runs some.
function arguments.run_options(command)
  command:option "--allow":argname "PLUGIN:RIGHT":count "*"
    :description "Give a plugin a right it needs (`debrief plugins PLUGIN` lists them)."
  arguments.limit_options(command)
end

local function limit(option, scale, what)
  return function(text)
    local n = tonumber(text)
    local amount = n and n >= 0 and math.tointeger(n * scale // 1)
    if amount and amount <= 1 << 53 and (amount > 0 or n == 0) then return amount end
    return nil, ("%s takes %s from 0 on (0: no limit), not '%s'"):format(option, what, text)
  end
end

--- Declare --plugin-time and --plugin-memory.
function arguments.limit_options(command)
  command:option "--plugin-time":argname "SECONDS":convert(limit("--plugin-time", 1000, "seconds"))
    :description "CPU time for one call of a plugin's hook (default: 1; finish: ten times that; 0: no limit)."
  command:option "--plugin-memory":argname "MIB":convert(limit("--plugin-memory", 1 << 20, "MiB"))
    :description "Memory for the plugins of one worker (default: 256; 0: no limit)."
end

--- Put the limits of plugins that the words name into force.
function arguments.limit(args)
  if args.plugin_time or args.plugin_memory then
    core.limit { plugin_time = args.plugin_time, plugin_memory = args.plugin_memory }
  end
end

--- Declare the options of commands that run plugins.
function arguments.plugin_options(command)
  command:option "--enrich":argname "PLUGIN":count "*"
    :description "Run the enrich hook of this plugin on every entry first; several: a,b."
  command:option "--filter":argname "PLUGIN":count "*"
    :description "Keep only entries that the filter of this plugin keeps; several: a,b."
  command:option "--opt":argname "KEY=VALUE":count "*"
    :description "Set an option of a plugin: plugin.key=value, or key=value with one plugin."
  arguments.run_options(command)
  arguments.isolate_option(command)
end

-- Options that may be repeated: one of the values must fit.
local function selector(command, name, value, description)
  command:option(name):argname(value):count "*":description(description)
end

--- Declare the options that say which entries a command is about.
function arguments.selection_options(command)
  selector(command, "--skill", "SKILL", "Only runs of this skill; several: a,b or repeated; a pattern: 'review-*'.")
  selector(command, "--phase", "PHASE", "Only entries of this phase.")
  selector(command, "--model", "MODEL", "Only entries in which this model ran, in any attempt.")
  selector(command, "--project", "PROJECT", "Only entries of this project: its path or the last part of it.")
  selector(command, "--outcome", "OUTCOME", "Only runs that ended so: ok, fail, skip or unknown.")
  selector(command, "--grep", "TEXT", "Only entries with this text; no capital letters: in both cases.")
  command:option "--where":argname "EXPR"
    :description [[Only entries for which this Lua expression holds: 'skill == "review" and duration_ms > 60000'.]]
  command:option "--since":argname "TIME"
    :description "Only entries since this time: 7d, 12h, 2026-11-01, yesterday, last week, RFC 3339."
  command:option "--until":argname "TIME"
    :description "Only entries before this time; for a day or week, before its end."
  command:option "--last":argname "N":convert(arguments.count_from_one "--last")
    :description "Only the N latest entries: of one session its last, of several by time."
  command:flag "--why":description "If nothing is selected, say which condition left nothing and what would fit."
end

--- Declare --strict.
function arguments.strict_option(command)
  command:flag "--strict":description "Stop at the first line that is not an entry."
end

--- Declare the options of commands that put one question to many workers: which entries, and how.
function arguments.question_options(command)
  arguments.selection_options(command)
  arguments.strict_option(command)
  arguments.plugin_options(command)
  command:option "-j --jobs":argname "N":convert(arguments.workers):description "Workers (default: all processors)."
end

--- Converts the value of an option that counts from 1.
function arguments.count_from_one(option)
  return function(text)
    local n = math.tointeger(tonumber(text))
    if not n or n < 1 then return nil, ("%s takes a number from 1 on, not '%s'"):format(option, text) end
    return n
  end
end

local SHORT = { json = "--json", csv = "--csv", tsv = "--tsv", markdown = "--md" } -- formats with options

--- Declare --format, and --json, --csv, --tsv and --md where they are among the formats.
function arguments.format_options(command, formats, description)
  command:option "--format":argname "FORMAT":choices(formats):description(description)
  for _, name in ipairs(formats) do
    if SHORT[name] then
      command:flag(SHORT[name]):target("as_" .. name):description(("Short for --format %s."):format(name))
    end
  end
end

--- The format that the options of a command name, nil for none; two that disagree leave with status 2.
function arguments.format(args)
  local given, option = args.format, "--format " .. tostring(args.format)
  for _, name in ipairs { "json", "csv", "tsv", "markdown" } do
    if args["as_" .. name] then
      if given and given ~= name then
        messages.fail(("%s and %s name two formats: use one of them"):format(option, SHORT[name]), 2)
      end
      given, option = name, SHORT[name]
    end
  end
  return given
end

local NARROWEST = 20 -- columns

--- Declare -w.
function arguments.width_option(command)
  command:option "-w --width":argname "COLUMNS":convert(function(text)
    local n = math.tointeger(tonumber(text))
    if n and n >= NARROWEST then return n end
    return nil, ("--width takes %d columns or more, not '%s'"):format(NARROWEST, text)
  end):description "Fit tables and text to this width (default: the terminal's)."
end

--- Converts the value of -j.
function arguments.workers(text)
  local n = math.tointeger(tonumber(text))
  if not n or n < 1 or n > 256 then return nil, ("-j takes 1 to 256 workers, not '%s'"):format(text) end
  return n
end

--- Make a job (see debrief.run.job), or leave with status 2.
function arguments.job(given)
  local job, message, code = require "debrief.run.job".new(given)
  if not job then messages.fail(message, code and 1 or 2) end
  given.query.job = job
  return job
end

--- A job for one plugin, whatever hooks it has, or leave with status 2.
function arguments.job_of_plugin(...)
  local job, message = require "debrief.run.job".of_plugin(...)
  if not job then messages.fail(message, 2) end
  return job
end

--- Declare --isolate.
function arguments.isolate_option(command)
  command:flag "--isolate"
    :description "Run plugins in a separate process without access to files, programs or the network."
end

--- Where isolation is the default and this system lacks a part of it, say so once and go on without.
function arguments.isolate_if_possible(job)
  local worker, message = require "debrief.run.isolate".worker(job.query, job.dir)
  job.isolate = worker ~= nil
  if worker then worker:close() else messages.note(message .. "; plugins run in the reduced environment only") end
end

--- A worker with the job's plugins, or leave with status 2.
-- @return worker, what the plugins say of themselves
function arguments.worker(job)
  local worker, about = require "debrief.run.job".worker(job)
  if not worker then messages.fail(about, 2) end
  return worker, about
end

--- Call a worker; a failure of ours leaves the command.
function arguments.ask(worker, name, value)
  local answer, message = require "debrief.run.job".ask(worker, name, value)
  if not answer then messages.fail(message) end
  return answer
end

--- What every plugin there is says of itself, by name; and the messages of those that do not load.
function arguments.all_plugins() return require "debrief.run.job".all_plugins() end

--- Call a function that Ctrl-C ends, and with it the command.
-- @param message what is said then
-- @return its result
function arguments.guard(message, f, ...)
  local ok, result, interrupted = core.guard(messages.raised, f, ...)
  if ok then return result end
  if interrupted then messages.fail(message, 130) end
  error(result, 0)
end

--- Print rows of words, the last of each, a sentence, in what is left of a terminal, in more lines if need be.
function arguments.list(rows)
  local columns, escape = {}, require "debrief.text.escape"
  for _, cells in ipairs(rows) do
    for i, cell in ipairs(cells) do cells[i], columns[i] = escape(cell), columns[i] or {} end
  end
  columns[#columns] = { rest = 20, wrap = true }
  local grid = require "debrief.text.table".fit(columns, rows, (core.terminal(1)) or math.huge)
  for _, cells in ipairs(rows) do require "debrief.cli.output".write(grid:row(cells), "\n") end
end

--- Columns of the terminal that stdout is, or nil; and whether to use colour on it.
function arguments.terminal()
  return (core.terminal(1)), require "debrief.text.terminal".has_color(1)
end

-- Has a report a row or a finding?
local function says_something(report)
  for _, one in ipairs(report.tables or {}) do
    if #one.rows > 0 then return true end
  end
  return #(report.findings or {}) > 0
end

-- Is there nothing that was asked for: no entry, no row of an export, no row of a report?
local function is_empty(result)
  if result.made then return result.made == 0 end
  if result.kept == 0 or result.shown == 0 then return true end
  for _, report in ipairs(result.reports or {}) do
    if says_something(report) then return false end
  end
  return result.reports ~= nil and result.reports[1] ~= nil
end

-- Say why nothing was selected: all about it if that is asked for, else where a value of the query is one that no entry
-- has.
local function say_why(result, q)
  if not (q and q.found) then return end
  if q.why then
    local text, message = nil, nil
    if is_empty(result) then text, message = require "debrief.cli.why"(q) end
    if text or message then messages.note(text or message) end
    return
  end
  if result.kept ~= 0 and result.shown ~= 0 or not require "debrief.query.selectors".has(q) then return end
  local log <close> = assert(core.log(q.dir))
  for _, text in ipairs(require "debrief.query.why".missed(log, q.found, q)) do messages.note(text) end
end

-- Without the problems of an expression that lacks quotes: they say the same in other words.
local function others(problems)
  local out = {}
  for _, problem in ipairs(problems) do
    if problem.plugin ~= "where" then out[#out + 1] = problem end
  end
  return out
end

--- Status of a finished run: 4 when a gate failed, else 3 when lines were damaged or plugins failed; 2 when a text of
-- --where lacks its quotes.
-- @param q the query, for what it left out; may be nil
function arguments.status(result, q)
  local notes = require "debrief.query.notes"
  local unquoted = q and notes.unquoted(result, q)
  local damaged = messages.diagnostics(result.diagnostics, result.dropped)
  local broken = messages.problems(unquoted and others(result.problems) or result.problems)
  local failed = messages.failures(result.failures or {})
  if unquoted then
    messages.error(unquoted)
    return 2
  end
  for _, note in ipairs(notes.of(result, q)) do messages.note(note) end
  say_why(result, q)
  return failed and 1 or result.gate_failed and 4 or (damaged or broken) and 3 or 0
end

--- Bytes of sessions, or of other files, for progress.
-- @param items an array of { size = } or { path = }, which get their size
-- @return their sum
function arguments.bytes(items)
  local sum = 0
  for _, item in ipairs(items) do
    local stat = not item.size and core.stat(item.path)
    item.size = item.size or stat and stat.size or 0
    sum = sum + item.size
  end
  return sum
end

return arguments
