--- The requests that a worker state answers: plain data in, plain data out. Runs in reduced states, one per worker.
--
--     setup{ plugins, enrich, filter, retro, query, dir, now }     load the plugins
--     begin(names)                                                 which retrospectives the next chunks are for
--     chunk{ sessions }   -> accs, counts, problems                run one chunk
--     merge(chunk), finish() -> reports                            in one state, left to right
--     renew()                                                      and the state can have another job
--
-- In one piece, for the requests share the job and its plugins, and `renew` has to see all that they leave.
-- @module debrief.run.worker
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local latest = require "debrief.query.latest"
local notes = require "debrief.query.notes"
local pipeline = require "debrief.run.pipeline"
local load_plugin = require "debrief.plugin.load"
local options_of = require "debrief.plugin.options"
local said = require "debrief.plugin.said"
local selectors = require "debrief.query.selectors"
local readers = require "debrief.query.reader"
local served = require "debrief.run.served"

local worker = {}

core.freeze() -- entries of this state: a plugin may change its own copy in enrich, and nothing else

local job -- what setup was given
local loaded = {} -- name -> { table =, options = }
local unloaded -- why a plugin is not in there
local out, held = nil, {} -- a debrief.text.pager that is open; what waits for its end
local where, asked -- the hook of the query's expression, and the names it asks entries for
local retro -- the names of the retrospectives that chunks are for

-- What a plugin prints may come from a log. While a pager has the screen it waits.
local counted = said.counter()

local function send(level, name, text)
  text = counted(name, text)
  if not text then return end
  local line = { said.level(level), escape(text, "\t") }
  if out and out.program then held[#held + 1] = line else core.log_text(line[1], line[2]) end
end

local function close_output()
  local _, failure = out:close()
  for _, line in ipairs(held) do core.log_text(line[1], line[2]) end
  out, held = nil, {}
  return failure
end

local function logger(name)
  return function(level, format, ...)
    local ok, text = pcall(string.format, format, ...)
    send(level, name, ok and text or tostring(format))
  end
end

-- A new one for each run of hooks: if a plugin changes its own, no other plugin and no later run sees it.
local function context(name)
  local options = {}
  for key, value in next, loaded[name].options do options[key] = value end
  local query = job.query or {}
  return { options = options, now = job.now, since = query.since, ["until"] = query["until"],
    final = job.final or false, log = logger(name) }
end

local function hooks_of(names)
  local list = {}
  for i, name in ipairs(names or {}) do
    if not loaded[name] then error({ message = unloaded }, 0) end -- in this state; another had the memory for it
    list[i] = { table = loaded[name].table, path = loaded[name].path, match = loaded[name].match, ctx = context(name) }
  end
  return list
end

-- What the query selects without an expression: tested on the line by the reader where that is possible, and else
-- before anything else, but after enrichers, which may set what is tested.
local function selection(enrich, filter)
  local match, test = selectors.of(job.query)
  local first = #enrich == 0 and match or nil
  if test or match and not first then
    table.insert(filter, 1, { table = { name = "query", match = not first and match or nil, filter = test },
      path = "query", ctx = {} })
  end
  return first
end

local function hooks()
  local filter = hooks_of(job.filter)
  if job.query.where then
    if not where then
      local expression = require "debrief.query.where"
      local condition = expression.condition(job.query.where)
      where = { table = { name = "where" }, path = "where", ctx = {}, condition = condition }
      where.table.filter, asked = expression.filter(job.query.where, logger "where")
    end
    table.insert(filter, 1, where)
  end
  local enrich = hooks_of(job.enrich)
  if where then where.judged = where.condition and #enrich == 0 end -- they may set what it asks for
  return { match = selection(enrich, filter), enrich = enrich, filter = filter, retro = hooks_of(retro) }
end

-- Does the plugin have what it is asked for?
local function check_use(name, uses)
  local t = loaded[name].table
  if uses == "enrich" and not t.enrich then return "no enrich hook" end
  if uses == "filter" and not (t.filter or t.match) then return "neither filter nor match" end
  if uses == "retro" and not t.retrospective then
    local use = (t.filter or t.match) and "filter" or t.enrich and "enrich"
    return "no retrospective" .. (use and (" (it is for --%s %s)"):format(use, name) or "")
  end
  if uses == "import" and not t.import then return "no import hook" end
  if uses == "export" and not t.export then return "no export hook" end
end

local function load_one(found)
  local t, message = load_plugin(found, function(level, text) send(level, found.name, text) end)
  if not t then return message end
  local options
  options, message = options_of.values(t, found.options)
  if not options then return message end
  loaded[found.name] = { table = t, options = options, path = found.path, match = t.match and core.match(t.match) }
end

--- Load the plugins of a job.
-- @param given { plugins = {{name=, path=, text=, options=}...}, enrich =, filter =, retro =, import = names,
--   dir = folder, now = ns, final = boolean }
-- @return { plugins = { name -> { merge =, split =, … } } } or { message = why not, plugin = which }
function worker.setup(given)
  job, retro = given, given.retro
  local about = {}
  for _, found in ipairs(job.plugins or {}) do
    local message = load_one(found)
    if message then
      unloaded = message
      return { message = message, plugin = found.name }
    end
    about[found.name] = worker.describe(found.name)
  end
  for _, use in ipairs { "enrich", "filter", "retro", "import", "export" } do
    for _, name in ipairs(job[use] or {}) do
      local missing = check_use(name, use)
      if missing then return { message = ("plugin '%s' has %s"):format(name, missing), plugin = name } end
    end
  end
  return { plugins = about }
end

-- Does it make a table of measures, whose steps need no neighbours?
local function is_table(t)
  return t.retrospective ~= nil and require "debrief.measure".is_step(t.retrospective.step)
end

--- The values of the options of the job's plugins: name -> option -> value.
function worker.options()
  local values = {}
  for name, one in next, loaded do values[name] = one.options end
  return values
end

--- What a loaded plugin is, for listings.
function worker.describe(name)
  local t = loaded[name].table
  local about = { name = name, summary = t.summary or "", hooks = {}, options = {}, needs = t.needs or {},
    match = t.match or false, split = t.split or is_table(t),
    merge = t.retrospective and t.retrospective.merge ~= nil or false, on_error = t.on_error or "store",
    siblings = t.import and t.import.siblings or nil, files = t.import and t.import.files or nil,
    places = t.import and t.import.places or nil, detects = t.import and t.import.detect ~= nil or nil }
  for _, hook in ipairs { "import", "enrich", "filter", "retrospective", "export" } do
    if t[hook] or (hook == "filter" and t.match and not t.retrospective) then about.hooks[#about.hooks + 1] = hook end
  end
  for key, option in next, t.options or {} do
    about.options[#about.options + 1] = { name = key, type = option.type, help = option.help or "", min = option.min,
      max = option.max, choices = option.choices, default = option.default }
  end
  table.sort(about.options, function(a, b) return a.name < b.name end)
  return about
end

--- Load plugins to describe them. One that does not load is a fault of its own and hurts no other.
-- @param given { plugins = {{name=, path=, text=, shown = true}...} }
-- @return an array beside given.plugins: { about = what `describe` returns } or { fault = why it does not load }
function worker.describe_all(given)
  local answers = {}
  for i, found in ipairs(given.plugins) do
    local fault = load_one(found)
    answers[i] = fault and { fault = fault } or { about = worker.describe(found.name) }
    loaded[found.name] = nil
  end
  return answers
end

-- ---- Reading ----------------------------------------------------------------------------------------------------

-- What readers of this job are opened with.
local function reading()
  job.reading = job.reading or { log = job.dir and core.log(job.dir, { lent = true }) or nil,
    dir = job.dir, strict = job.query.strict, since = job.query.since,
    ["until"] = job.query["until"], gaps = job.query.gaps }
  return job.reading
end

-- The reader over the sessions of a call. With `lend` its entries are over when the next one is asked for.
local function open_sessions(sessions, lend)
  if served.needed() then return served.sessions() end
  local opts = reading()
  opts.lend = lend
  opts.condition = where and where.judged and where.condition or nil
  return readers.sessions(sessions, opts)
end

-- Run a pipeline over sessions. Returns what was met.
local function read_sessions(p, sessions, sink)
  local reader <close> = open_sessions(sessions, not sink)
  local function with_path(entry, session, line) return sink(entry, session, line, reader.item.path) end
  local failures = p:run(reader, sink and with_path, job.query.strict)
  local counts = reader:counts()
  if where and where.judged then
    for _, name in ipairs(where.condition:hits()) do asked:hit(name) end
  end
  local diagnostics, dropped = reader:diagnostics()
  if where then notes.explain(p.order) end
  return { diagnostics = diagnostics, dropped = dropped, failures = failures, untimed = counts.untimed,
    seen = counts.seen, sessions = 0, entries = p.entries, kept = p.kept, problems = p.order,
    names = asked and asked.state }
end

-- ---- Retrospectives ---------------------------------------------------------------------------------------------

-- Pack each acc separately, so that one that is not plain data is an error of its own plugin only.
local function pack_acc(p, hook)
  local ok, packed = pcall(core.pack, hook.acc, "acc")
  if ok then return packed end
  p.session, p.line = nil, nil
  p:note(hook.table.name, "step", pipeline.failure(packed).message)
  hook.stopped = true
  return false
end

local merged -- in the merging state: the pipeline whose retro hooks hold what was merged so far

--- Say which retrospectives the chunks and merges that follow are for: by default all of the job.
-- @param names an array
function worker.begin(names)
  retro, merged = names, nil
  return {}
end

--- Run one chunk, from init on.
-- @param chunk { sessions = { {session=, path=, is_path=, part = {begin, end, first line} of a big one}... }, seen =
--   true if the result is to say which of them have entries }
function worker.chunk(chunk)
  local p = pipeline.new(hooks())
  for _, hook in ipairs(p.retro) do
    local late, ok, acc = loaded[hook.table.name].late, nil, nil
    if late then hook.errors = pipeline.MOST_ERRORS
    else ok, acc = p:call(hook.table.name, "init", hook.table.retrospective.init, hook.ctx) end
    hook.acc, hook.stopped = acc, not ok
    if ok and acc == nil then
      hook.stopped = true
      p:note(hook.table.name, "init", hook.path .. ": init returned nil (did you forget return?)")
    end
  end
  local result = read_sessions(p, chunk.sessions)
  result.accs, result.errors, result.late = {}, {}, {}
  result.seen = chunk.seen and result.seen or {}
  for i, hook in ipairs(p.retro) do
    result.accs[i] = not hook.stopped and pack_acc(p, hook) or false
    result.errors[i] = hook.errors or 0
    if hook.late then loaded[hook.table.name].late = true end
    result.late[i] = loaded[hook.table.name].late or false
  end
  return result
end

--- Merge the next chunk's result, in order. Returns its problems and whether every retrospective has stopped.
function worker.merge(result)
  merged = merged or pipeline.new(hooks())
  local all_stopped = true
  for i, hook in ipairs(merged.retro) do
    hook.errors = (hook.errors or 0) + result.errors[i]
    hook.late = hook.late or result.late and result.late[i] -- partial results of files have none
    if hook.errors >= pipeline.MOST_ERRORS or not result.accs[i] then hook.stopped = true end
    if not hook.stopped then
      local ok, acc = merged:call(hook.table.name, "merge", core.unpack, result.accs[i])
      if ok and hook.acc ~= nil then
        local made
        ok, made = merged:call(hook.table.name, "merge", hook.table.retrospective.merge, hook.acc, acc, hook.ctx)
        acc = made == nil and hook.acc or made
      end
      if not ok then acc = nil end
      hook.acc, hook.stopped = acc, not ok
    end
    all_stopped = all_stopped and hook.stopped
  end
  return { all_stopped = all_stopped }
end

local function finish(hook)
  local report = require "debrief.report"
  local name = hook.table.name
  if hook.acc == nil then
    local ok, acc = merged:call(name, "init", hook.table.retrospective.init, hook.ctx)
    if not ok then return false end
    hook.acc = acc
  end
  local ok, value = merged:call(name, "finish", hook.table.retrospective.finish, hook.acc, hook.ctx)
  if not ok then return false end
  if served.needed() then -- it is checked where it is shown
    local incomplete = (hook.errors or 0) > 0 and hook.errors or nil
    return { plugin = name, value = served.pack_null(value), incomplete = incomplete }
  end
  local checked, message, all = report.check(value, name)
  if not checked then
    for _, defect in ipairs(all or { message }) do merged:note(name, "finish", defect) end
    return false
  end
  if (hook.errors or 0) > 0 then checked.incomplete = hook.errors end
  return report.copy(checked)
end

--- Finish every retrospective. Reports are rendered by the caller; false stands for one that has none.
function worker.finish()
  merged = merged or pipeline.new(hooks())
  merged.session, merged.line = nil, nil
  local reports = {}
  for i, hook in ipairs(merged.retro) do
    if hook.stopped and not hook.late and (hook.errors or 0) >= pipeline.MOST_ERRORS then
      merged:note(hook.table.name, "step", ("stopped after %d errors: there is no report"):format(pipeline.MOST_ERRORS))
    end
    reports[i] = not hook.stopped and finish(hook)
  end
  return { reports = reports, problems = merged.order }
end

--- The merged results, to be finished elsewhere: one partial result per retrospective, false for one that stopped.
function worker.partials()
  merged = merged or pipeline.new(hooks())
  local list = {}
  for i, hook in ipairs(merged.retro) do
    local name = hook.table.name
    if hook.acc == nil and not hook.stopped then
      local ok, acc = merged:call(name, "init", hook.table.retrospective.init, hook.ctx)
      hook.acc, hook.stopped = acc, not ok
    end
    local acc = not hook.stopped and pack_acc(merged, hook)
    list[i] = acc and { plugin = name, options = loaded[name].options, acc = core.base64(acc),
      errors = hook.errors or 0 }
  end
  return { partials = list, problems = merged.order }
end

-- ---- Entries one by one -----------------------------------------------------------------------------------------

-- Read the sessions into the chain that `given` asks for. Returns what was met and what ends the chain.
local function read_into(given, printer)
  given.single = #given.sessions == 1
  local function read(items, sink) return read_sessions(pipeline.new(hooks()), items, sink) end
  local kept, met
  if not served.needed() then kept, met = require "debrief.query.tail".last(given, job, read) end
  if kept then given.last = nil end
  local add, done = require "debrief.query.order".chain(given, printer.add, printer.asked)
  if kept then kept.each(add) else met = read(given.sessions, add) end
  return met, done
end

--- Run sessions through enrich and filter and write the kept entries to a descriptor.
-- @param given { sessions =, and what debrief.query.order's chain and debrief.entry.printer's printer take }
function worker.read(given)
  out = require "debrief.text.pager".new(given.pager or given)
  local _ <close> = out -- also when this is interrupted
  given.out = out
  local printer = require "debrief.entry.printer".new(given)
  local result, done = read_into(given, printer)
  done()
  local _, failure = printer.close()
  failure = failure or close_output()
  if failure then result.failures[#result.failures + 1] = { message = failure } end
  result.sessions, result.shown, result.left = #given.sessions, printer.count, printer.left
  result.cut = require "debrief.text.write".cut
  if result.names then printer.asked.merge(printer.asked.state, result.names) end
  result.names = printer.asked.state
  return result
end

--- The places of the latest entries that enrich and filter keep.
-- @param given { sessions =, last = how many }
-- @return { places = array of { path =, line = }, and what was met on the way }
function worker.latest(given)
  local all, kept = hooks(), latest.new(given.last, #given.sessions == 1)
  all.retro = {}
  local p = pipeline.new(all)
  local result = read_sessions(p, given.sessions, function(entry, _, line, path) kept.add(entry, path, line) end)
  result.places = {}
  for i, item in ipairs(kept.list()) do result.places[i] = { path = item.session, line = item.line } end
  return result
end

local following -- what debrief.run.follow keeps between calls

--- Print entries as they come, until there is something to report: see debrief.run.follow. The first call begins.
function worker.follow(given)
  local follow = require "debrief.run.follow"
  if not following then
    local message
    following, message = follow.new(job, given, hooks())
    if not following then return { failure = message, closed = true, diagnostics = {}, dropped = 0, problems = {} } end
  end
  local met = follow.run(following)
  if where then notes.explain(met.problems) end
  return met
end

local queried -- what debrief.run.entries keeps between calls

--- The next entries of a query: see debrief.run.entries. The first call begins.
-- @param given { sessions = items, last = } for sessions, { follow = ids or false, from_start = } for what is
--   appended, both in the first call; and what entries.run takes
function worker.entries(given)
  local entries = require "debrief.run.entries"
  if not queried then
    local all, message = hooks(), nil
    if given.sessions then queried = entries.new(given, all, open_sessions(given.sessions), asked)
    else queried, message = entries.follow(given, all, core.log(job.dir, { lent = true }),
      asked, job.query.strict) end
    if not queried then return { failure = { message = message }, ended = true } end
  end
  return entries.run(queried, given)
end

local exporting -- what debrief.run.exports keeps between calls

--- The next rows of the job's export plugin: see debrief.run.exports. The first call begins.
-- @param given { sessions =, redact = boolean, parts = of debrief.run.exports } in the first call
function worker.export(given)
  local exports = require "debrief.run.exports"
  local name = job.export[1]
  exporting = exporting or exports.new { name = name, hook = loaded[name].table.export, ctx = context(name),
    pipeline = pipeline.new(hooks()), reader = open_sessions(given.sessions), redact = given.redact,
    parts = given.parts }
  local batch = exports.run(exporting)
  if where then notes.explain(batch.problems) end
  if batch.ended and asked then batch.names = asked.state end
  return batch
end

local function nothing() end

-- The conditions that plugins and an expression are, after those of the query itself. What they raise was reported by
-- the run that found nothing; here such an entry does not fit, and after a hook took too long none does.
local function add_hooks(list, given)
  local function condition(name, hook, enrich)
    local t, ctx, late = hook.table, hook.ctx, false
    local function call(fn, entry)
      if late then return end
      local ok, result, was_late = core.bounded(core.host().plugin_time or 0, nothing, fn, entry, ctx)
      late = not ok and was_late or false
      return ok and result
    end
    list[#list + 1] = { name = name, test = function(entry, session, line)
      ctx.session, ctx.line = session, line
      if enrich then
        entry = core.copy(entry)
        call(enrich, entry)
      end
      if hook.match and not core.matches(hook.match, entry) then return false end
      return not t.filter or call(t.filter, entry) == true
    end }
  end
  local expression = given.query.where
  if expression then
    local filter = require "debrief.query.where".filter(expression, logger "where")
    condition("where", { table = { name = "where", filter = filter }, ctx = {} })
  end
  for _, hook in ipairs(hooks_of(job.filter)) do condition("plugin " .. hook.table.name, hook) end
  local retros = hooks_of(job.retro)
  local own = #retros == 1 and retros[1] -- with several each has its own
  if own and (own.table.filter or own.match) then condition("plugin " .. own.table.name, own, own.table.enrich) end
end

--- What each condition of a query leaves: see debrief.query.why. The job itself has none.
-- @param given { sessions = items, named = of why.conditions, query = the plain query with the conditions }
function worker.why(given)
  local why = require "debrief.query.why"
  local p = pipeline.new { enrich = hooks_of(job.enrich), filter = {}, retro = {} }
  local conditions = why.conditions(given.query, given.named)
  add_hooks(conditions, given)
  local counter = why.counter(conditions)
  read_sessions(p, given.sessions, counter.add)
  return counter.result
end

--- Run one entry, given as JSON text, through the enrichers.
-- @param given { text =, session =, line =, now = that of ctx, from here on }
-- @return { text = } or, when an enricher with on_error = "refuse" failed, { refused = message }; and problems
function worker.enrich(given)
  job.now = given.now or job.now
  local p = pipeline.new(hooks())
  local entry, message = core.entry(given.text)
  if not entry then return { refused = message } end
  p.session, p.line = given.session, given.line
  for _, hook in ipairs(p.enrich) do
    hook.ctx.session, hook.ctx.line = given.session, given.line
    local changed = core.copy(entry)
    if p:call(hook.table.name, "enrich", hook.table.enrich, changed, hook.ctx) then entry = changed
    elseif hook.table.on_error == "refuse" then
      return { refused = ("plugin '%s' refuses it"):format(hook.table.name), problems = p.order }
    end
  end
  return { text = tostring(entry), problems = p.order }
end

--- Try the plugins of the job on entries, the retrospectives in pieces: see debrief.run.check.
function worker.trial(given)
  return require "debrief.run.check".run(hooks(), given, open_sessions(given.sessions))
end

--- Run each hook of a plugin on one entry: see debrief.run.check.
-- @param given { plugin = its name, text =, session =, line = }
function worker.one(given)
  return require "debrief.run.check".one(hooks_of({ given.plugin })[1], given)
end

-- Is a part of the file damaged? How it is read may depend on what came long before it; a tail that is cut is not read.
local function is_damaged(result)
  for _, d in ipairs(result.diagnostics) do
    if d.damage and d.kind ~= "torn_tail" then return true end
  end
end

-- What is kept for the next import of the file: its state becomes plain data.
local function keep(p, name, result)
  local ok, state = p:call(name, "import", result.kept.state)
  local fine, packed = pcall(core.pack, state)
  result.kept.state = packed
  if not (ok and fine) then result.kept = nil end
end

local function import_once(given)
  local hook, p = loaded[given.name].table.import, pipeline.new { enrich = {}, filter = {}, retro = {} }
  p.session = given.path
  local import = require "debrief.import"
  local what = { path = given.path, at = given.at, final = given.final, since = given.since, siblings = hook.siblings,
    places = given.places, all = given.all, files = served.needed() and served or import.files, from = given.from,
    keeps = given.keeps and not served.needed() }
  local ctx = context(given.name)
  ctx.final = given.final or false
  local result = import.run(what, function(source, emit)
    return (p:call(given.name, "import", hook.open, source, emit, ctx))
  end)
  if result.kept then keep(p, given.name, result) end
  result.problems = p.order
  if p.order[1] then p.order[1].line = result.line end
  return result
end

--- Import one foreign log.
-- @param given { name = of the plugin, path =, at = where it is read, if that is another place, final = true,
--   since = ns, places = true: say where each entry comes from, all = true: keep all diagnostics, from =, keeps = as
--   debrief.import.run }
-- @return what debrief.import.run returns, and problems =
function worker.import(given)
  local result = import_once(given)
  if result.resumed and (result.problems[1] or is_damaged(result)) then
    given.from = nil
    result = import_once(given)
  end
  return result
end

--- Which of the job's import plugins knows a file?
-- @param given { path =, at = where it is read, if that is another place }
-- @return what debrief.import.detect returns, and problems of plugins
function worker.detect(given)
  local plugins = {}
  for i, name in ipairs(job.import) do plugins[i] = loaded[name].table end
  local p = pipeline.new { enrich = {}, filter = {}, retro = {} }
  p.session = given.path
  local import = require "debrief.import"
  local answer = import.detect(given.path, plugins, served.needed() and served or import.files,
    function(name, ...) return p:call(name, "detect", ...) end, given.at)
  answer.problems = p.order
  return answer
end

--- Forget the job and all that came of it: the state is as before `setup`, and can have another one. Raises where that
-- cannot be said: code of a plugin has failed, or something is still open.
function worker.renew()
  if pipeline.failed or following or exporting or out then error("this state has to go", 0) end
  if queried then require "debrief.run.entries".close(queried) end
  if job and job.reading and job.reading.log then job.reading.log:close() end
  job, unloaded, where, asked, retro, merged, queried = nil, nil, nil, nil, nil, nil, nil
  loaded, held, counted = {}, {}, said.counter()
end

return worker
