--- Running retrospectives over a log: chunks, workers, merging. In the caller's state.
--
--     sessions in name order -> chunks of about 1 MiB -> workers (-j) -> merged left to right in one state -> reports
--
-- Chunks depend on the data alone, so that every number of workers gives the same bytes. A chunk is a run of whole
-- sessions, or part of a big one when the plugin says split; a plugin without merge gets one chunk with everything.
-- @module debrief.retro
local core = require "debrief.core"
local asked = require "debrief.entry.asked"
local suggest = require "debrief.text.suggest"
local plugin = require "debrief.plugin"
local rights = require "debrief.plugin.rights"
local selection = require "debrief.query.selection"

local retro = {}

local CHUNK_BYTES = 1 << 20
local SPLIT_BYTES = 4 << 20 -- a session above this is cut into parts, when the plugin says split
local PART_BYTES = 2 << 20

-- ---- Jobs -------------------------------------------------------------------------------------------------------

--- Find plugins and put the user's options to them.
-- @param names an array of names or paths
-- @param options "plugin.key" or "key" -> text
-- @return an array for worker.setup, or nil and a message
function retro.find_all(names, into)
  local out = {}
  for i, name in ipairs(names or {}) do
    local found, message = plugin.find(name)
    if not found then return nil, message end
    if into[found.name] and into[found.name].path ~= found.path then
      return nil, ("two plugins are called '%s': %s and %s"):format(found.name, into[found.name].path, found.path)
    end
    if not into[found.name] then
      into[found.name] = found
      into[#into + 1] = found
    end
    out[i] = found.name
  end
  return out
end

-- "slow.limit_ms=5" or, with one plugin, "limit_ms=5", given to the plugin it is for.
local function give_option(text, plugins, main)
  local key, value = text:match "^([%w_.]+)=(.*)$"
  if not key then return nil, ("--opt '%s': write plugin.key=value"):format(text) end
  local name, option = key:match "^([^.]+)%.(.+)$"
  if not name and #main == 1 then name, option = main[1], key end
  if not name then return nil, ("--opt '%s': with more than one plugin, write plugin.key=value"):format(text) end
  local found = plugins[name]
  if not found then
    local near, hint = suggest(name, main)
    return nil, ("--opt '%s': no plugin '%s' is used here%s"):format(text, name,
      near and hint or (" (%s)"):format(table.concat(main, ", ")))
  end
  found.options = found.options or {}
  found.options[option] = value
  return true
end

--- A job for worker.setup.
-- @param given { enrich=, filter=, retro=, import= arrays of names or paths, opt =, allow = arrays of texts,
--   dir=, strict=, final=, shown = true when the plugins are only described,
--   since=, until=, where=, line= as debrief.query.selection takes them }
-- @return the job, or nil and a message
function retro.job(given)
  local plugins = {}
  local job = { dir = given.dir, strict = given.strict or false, final = given.final or false, now = core.now() }
  for _, use in ipairs { "retro", "enrich", "filter", "import" } do
    local found, message = retro.find_all(given[use], plugins)
    if not found then return nil, message end
    job[use] = found
  end
  local problem
  job.selection, problem = selection.of(given, job.now)
  if not job.selection then return nil, problem end
  if #job.retro == 0 and given.retro then return nil, "no plugin is named: `debrief plugins` lists them" end
  if #plugins == 0 and #(given.opt or {}) > 0 then
    return nil, ("--opt '%s': no plugin is used here"):format(given.opt[1])
  end
  local main = #job.retro > 0 and job.retro or {}
  if #main == 0 then for _, found in ipairs(plugins) do main[#main + 1] = found.name end end
  for _, text in ipairs(given.opt or {}) do
    local ok, message = give_option(text, plugins, main)
    if not ok then return nil, message end
  end
  local ok, message = rights.give(given.allow, plugins)
  if not ok then return nil, message end
  job.plugins = {}
  for i, found in ipairs(plugins) do
    job.plugins[i] = { name = found.name, path = found.path, text = found.text, options = found.options or {},
      allow = found.allow or {}, shown = given.shown or false }
  end
  return job
end

--- A worker with the job's plugins loaded.
-- @return worker, about | nil, message, name of the plugin at fault
function retro.worker(job)
  local worker = core.worker()
  local about, message = retro.ask(worker, "setup", job)
  if not about then return nil, message end
  if about.message then return nil, about.message, about.plugin end
  return worker, about.plugins
end

-- What a worker answers when its state is full.
local function explained(message)
  local limit = message == "not enough memory" and core.host().plugin_memory
  return limit and ("%s: plugins may use %d bytes here"):format(message, limit) or message
end

--- Call a worker's function with a value; packs and unpacks.
function retro.ask(worker, name, value)
  local packed, message = worker:call(name, core.pack(value))
  if not packed then return nil, explained(message) end
  return core.unpack(packed)
end

-- What a plugin says of itself; or nil and a message.
local function describe(item)
  local job, message = retro.job { import = { item.bundled and item.name or item.path }, shown = true }
  if not job then return nil, message end
  job.import = {} -- only the way to name a plugin without saying what for
  local worker, about = retro.worker(job)
  if not worker then return nil, about end
  worker:close()
  return about[item.name]
end

--- What every plugin there is says of itself, by name; and the messages of those that do not load.
function retro.all_plugins()
  local list, messages = {}, {}
  for _, item in ipairs(plugin.all()) do
    local about, message = describe(item)
    if about then list[#list + 1] = about else messages[#messages + 1] = message end
  end
  return list, messages
end

-- ---- Chunks -----------------------------------------------------------------------------------------------------

local function size_of(item)
  local stat = core.stat(item.path)
  return stat and stat.size or 0
end

-- The parts of a session, as items of their own; nil: it cannot be read, and reading it will say why.
local function parts_of(item, log)
  local reader
  if item.is_path then reader = core.reader(item.path) else reader = log:reader(item.session) end
  local parts = reader and reader:cut(PART_BYTES)
  if reader then reader:close() end
  if not parts then return nil end
  local out = {}
  for i, part in ipairs(parts) do
    out[i] = { session = item.session, path = item.path, is_path = item.is_path, part = part }
  end
  return out
end

-- Sessions with their sizes; big ones cut into parts when all the plugins allow it.
local function pieces(sessions, dir, split)
  local out, log = {}, assert(core.log(dir))
  for _, item in ipairs(sessions) do
    local size = size_of(item)
    local parts = split and size > SPLIT_BYTES and not item.old and parts_of(item, log) or { item }
    for _, part in ipairs(parts) do out[#out + 1] = { item = part, size = #parts > 1 and PART_BYTES or size } end
  end
  log:close()
  return out
end

--- Cut the list of sessions into chunks.
-- @param how "whole": one chunk with everything; "sessions": runs of whole sessions; "split": parts of big ones, too
function retro.chunks(sessions, dir, how)
  local chunks, bytes = {}, 0
  for _, piece in ipairs(pieces(sessions, dir, how == "split")) do
    if #chunks == 0 or (bytes >= CHUNK_BYTES and how ~= "whole") then
      chunks[#chunks + 1] = { sessions = {}, bytes = 0 }
      bytes = 0
    end
    local last = chunks[#chunks]
    last.sessions[#last.sessions + 1] = piece.item
    bytes = bytes + piece.size
    last.bytes = bytes
  end
  return chunks
end

-- ---- Running ----------------------------------------------------------------------------------------------------

local function add_all(to, from)
  for _, item in ipairs(from) do to[#to + 1] = item end
end

-- Equal problems of several chunks are one, counted.
local function add_problems(total, problems)
  for _, problem in ipairs(problems) do
    local key = table.concat({ problem.plugin, problem.hook, problem.message }, "\0")
    local known = total.known[key]
    if known then
      known.count = known.count + problem.count
    else
      total.known[key] = problem
      total.problems[#total.problems + 1] = problem
    end
  end
end

local function add_result(total, result)
  total.entries, total.kept = total.entries + result.entries, total.kept + result.kept
  total.dropped, total.untimed = total.dropped + result.dropped, total.untimed + result.untimed
  for path in next, result.seen do total.seen[path] = true end
  if result.names then asked.merge(total.names, result.names) end
  add_all(total.diagnostics, result.diagnostics)
  add_all(total.failures, result.failures)
  add_problems(total, result.problems)
end

-- What core.crew(1, setup) makes, without a thread: functions of the host's that want its own thread can be called.
local function alone(setup)
  local worker, call, tasks, at = core.worker(), nil, nil, 0
  local crew = setmetatable({}, { __close = function() worker:close() end })
  function crew.start(_, name, list) call, tasks = name, list end
  function crew.take()
    at = at + 1
    if not tasks[at] then return nil end
    if at == 1 then
      local ready, message = worker:call("setup", setup)
      if not ready then return nil, message end
    end
    return worker:call(call, tasks[at])
  end
  function crew.close() worker:close() end
  return crew
end

-- `done` is told each chunk that was merged.
local function merge_all(crew, merger, total, chunks, done)
  local at = 0
  while true do
    local packed, message = crew:take()
    if not packed then
      if message then return nil, explained(message) end
      return true
    end
    add_result(total, core.unpack(packed))
    local answer
    packed, message = merger:call("merge", packed)
    if not packed then return nil, explained(message) end
    answer = core.unpack(packed)
    at = at + 1
    done(chunks[at])
    total.cut_short = answer.all_stopped
    if total.cut_short then return true end
  end
end

-- One pass: the retrospectives of `job` over the chunks. Returns their reports or, with `partial`, partial results.
-- `ready`: a worker that has this very job already, or nil.
local function pass(job, chunks, workers, total, partial, ready, done)
  local message
  if not ready then ready, message = retro.worker(job) end
  if not ready then return nil, message end
  local merger <close> = ready
  local crew <close> = workers == 1 and alone(core.pack(job)) or core.crew(workers, core.pack(job))
  local packed = {}
  for i, chunk in ipairs(chunks) do packed[i] = core.pack(chunk) end
  crew:start("chunk", packed)
  local ok
  ok, message = merge_all(crew, merger, total, chunks, done)
  crew:close()
  if not ok then return nil, message end
  local last
  last, message = retro.ask(merger, partial and "partials" or "finish", {})
  merger:close()
  if not last then return nil, message end
  add_problems(total, last.problems)
  return last.reports or last.partials
end

-- How a plugin's chunks are made.
local function how(about)
  return not about.merge and "whole" or about.split and "split" or "sessions"
end

local function subset(job, about, wanted)
  local out, names = {}, {}
  for key, value in pairs(job) do out[key] = value end
  for _, name in ipairs(job.retro) do
    if how(about[name]) == wanted then names[#names + 1] = name end
  end
  out.retro = names
  return out
end

-- Of a second pass over the same entries only what the retrospectives of that pass did: the rest is known.
local function problems_of(names, problems)
  local out, wanted = {}, {}
  for _, name in ipairs(names) do wanted[name] = true end
  for _, problem in ipairs(problems) do
    if wanted[problem.plugin] then out[#out + 1] = problem end
  end
  return out
end

local function new_total(sessions)
  return { entries = 0, kept = 0, sessions = sessions, dropped = 0, diagnostics = {}, failures = {}, problems = {},
    known = {}, untimed = 0, seen = {}, names = { asked = {}, fields = {} } }
end

-- The counts of the first pass that saw every entry: one ends early when all its retrospectives have stopped.
local function sum_up(passes)
  local chosen = passes[1]
  for i = #passes, 1, -1 do
    if not passes[i].total.cut_short then chosen = passes[i] end
  end
  for _, one in ipairs(passes) do
    if one ~= chosen then add_problems(chosen.total, problems_of(one.names, one.total.problems)) end
  end
  return chosen.total
end

-- Of a window, the sessions count that have entries in it: the others may not have been opened.
local function count_window(total)
  local sessions = 0
  for _ in next, total.seen do sessions = sessions + 1 end
  total.sessions = sessions
end

-- The passes over the sessions: { part = of the job, names =, chunks =, total = }.
local function plan(job, about, sessions)
  local passes = {}
  for _, wanted in ipairs { "split", "sessions", "whole" } do
    local part = subset(job, about, wanted)
    if #part.retro > 0 then
      passes[#passes + 1] = { part = part, names = part.retro, chunks = retro.chunks(sessions, job.dir, wanted),
        total = new_total(#sessions) }
    end
  end
  return passes
end

-- What is called for each chunk that is done, and tells how far it all is.
local function counter(passes, tell)
  local done, all = 0, 0
  for _, one in ipairs(passes) do
    for _, chunk in ipairs(one.chunks) do all = all + chunk.bytes end
  end
  return function(chunk)
    done = done + chunk.bytes
    if tell then tell(done, all) end
  end
end

--- Run the retrospectives of a job.
-- @param job from retro.job
-- @param sessions array of { session=, path=, is_path= }
-- @param workers how many; by default what the host says, else as many as there are processors
-- @param partial true: partial results for `debrief merge` in place of reports
-- @param tell function(bytes that were read and merged, bytes there are), called now and then; may be nil
-- @return { reports = {...}, entries=, sessions=, diagnostics=, problems=, failures=, dropped= }, with a window
--   also untimed= (entries without a timestamp), and sessions= are those with entries in it; or nil, message
function retro.run(job, sessions, workers, partial, tell)
  selection.mark_old(job.selection, sessions)
  local checker <close>, about, culprit = retro.worker(job)
  if not checker then return nil, about, culprit end
  local by_name, passes = {}, plan(job, about, sessions)
  local done = counter(passes, tell)
  for _, one in ipairs(passes) do
    local reports, message = pass(one.part, one.chunks, workers or core.host().workers or core.cores(), one.total,
      partial, #one.names == #job.retro and checker or nil, done)
    if not reports then return nil, message end
    for i, name in ipairs(one.names) do by_name[name] = reports[i] end
  end
  local total = sum_up(passes)
  if job.selection.since then count_window(total) else total.untimed = nil end
  total.reports = {}
  for _, name in ipairs(job.retro) do total.reports[#total.reports + 1] = by_name[name] or nil end
  return total
end

-- ---- Partial results --------------------------------------------------------------------------------------------

local function text_of(job, name)
  for _, found in ipairs(job.plugins) do
    if found.name == name then return found.text end
  end
end

--- The lines that `debrief merge` reads: one JSON object a retrospective.
-- @param job that was run
-- @param result of retro.run with `partial`
function retro.partial_lines(job, result)
  local lines = {}
  for i, part in ipairs(result.reports) do
    lines[i] = core.encode { debrief_partial = 1, plugin = part.plugin, hash = core.hash(text_of(job, part.plugin)),
      options = part.options, now = job.now, entries = result.entries, sessions = result.sessions, errors = part.errors,
      acc = part.acc }
  end
  return lines
end

-- The member of a partial result that is not what partial_lines writes; nil: all are.
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
local function check_partial(text, found, first)
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
  local acc = core.unbase64(part.acc)
  if not acc then return nil, "is damaged: its acc is no base64" end
  if acc == "" or not pcall(core.unpack, acc) then return nil, "is damaged: its acc cannot be read" end
  return part, acc
end

--- Merge partial results, left to right, and finish.
-- @param name the plugin
-- @param lines { { place = "FILE:1", text = }... }
-- @param allow rights for the plugin: { "name:process" }, or nil
-- @return as retro.run; or nil and a message
function retro.merge(name, lines, allow)
  local job, message = retro.job { retro = { name }, allow = allow }
  if not job then return nil, message end
  local found, total, results = job.plugins[1], new_total(0), {}
  job.now = 0
  for i, line in ipairs(lines) do
    local part, acc = check_partial(line.text, found, results[1] and results[1].part)
    if not part then return nil, ("%s: %s"):format(line.place, acc) end
    results[i] = { part = part, accs = { acc }, errors = { part.errors }, place = line.place }
    job.now = math.max(job.now, part.now)
    total.entries, total.sessions = total.entries + part.entries, total.sessions + part.sessions
  end
  found.options = results[1] and results[1].part.options or {}
  local worker, about = retro.worker(job)
  if not worker then return nil, about end
  if #results > 1 and not about[found.name].merge then
    return nil, ("plugin '%s' has no merge: only one partial result of it can be finished"):format(found.name)
  end
  for _, result in ipairs(results) do
    local answer
    answer, message = retro.ask(worker, "merge", { accs = result.accs, errors = result.errors })
    if not answer then return nil, ("%s: %s"):format(result.place, message) end
  end
  local last
  last, message = retro.ask(worker, "finish", {})
  if not last then return nil, message end
  add_problems(total, last.problems)
  total.reports = last.reports[1] and { last.reports[1] } or {}
  return total
end

return retro
