--- What debrief/debrief.h does, for src/host: each function here is called by one in C, protected.
--
-- Failures are raised as tables: { code = a debrief_code or its name in small letters, message =, line =, offset =,
-- plugin =, hook =, session =, traceback = }. A query is a table as debrief.query takes it, with the members of
-- debrief_query that were given.
-- @module debrief.capi
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local notes = require "debrief.query.notes"
local query = require "debrief.query"
local retro = require "debrief.retro"
local script = require "debrief.run.script"
local sessions = require "debrief.query.sessions"
local trim = require "debrief.text.trim"
local virtual = require "debrief.entry.virtual"

local capi = {}

local function fail(code, message, more)
  local raised = {}
  for key, value in pairs(more or {}) do raised[key] = value end
  raised.code, raised.message = code, message
  error(raised, 0)
end

local function split(names)
  local out = {}
  for name in (names or ""):gmatch "[^,]+" do out[#out + 1] = trim.both(name) end
  return out
end

local function folder() return core.host().dir or "sessions" end

-- ---- Queries ------------------------------------------------------------------------------------------------------

-- A query as debrief.query has it.
local function query_of(given)
  local q, message = query.new(given)
  if not q then fail("earg", message) end
  return q
end

local function sessions_of(q)
  local log = assert(core.log(folder(), { lent = true }))
  local items, failure = sessions.of(log, q, { paths = false }) -- hosts pass on ids that others typed
  log:close()
  if not items then fail(failure.code, failure.message) end
  return items
end

-- The job of a query, its plugins found.
local function job_of(q, plugins, follow)
  local job, message, code = jobs.new { query = q, retro = plugins, dir = folder(), follow = follow }
  if not job then fail(code or "eplugin", message) end
  return job
end

-- A worker with the job's plugins loaded, and what they say of themselves.
local function worker_of(job)
  local worker, about, name = jobs.worker(job)
  if not worker then fail(name and "eplugin" or "escript", about, { plugin = name }) end
  return worker, about
end

local function ask(worker, name, value)
  local answer, message = jobs.ask(worker, name, value)
  if not answer then fail("escript", message) end
  return answer
end

-- ---- Appending ---------------------------------------------------------------------------------------------------

local enricher = {} -- the one that was used last: { key =, worker = }

local function key_of(given)
  return table.concat({ given.enrich, table.concat(given.opt or {}, "\0"), table.concat(given.allow or {}, "\0") },
    "\0\0")
end

--- Enrich one entry before it is appended. The plugins stay loaded while the same are asked for.
-- @param given a query, of which enrich, opt and allow count
-- @param id the session
-- @param text the entry as JSON, complete
-- @return the text, and the problems of enrichers that failed without refusing it
function capi.enrich(given, id, text)
  local key = key_of(given)
  if enricher.key ~= key then
    if enricher.worker then enricher.worker:keep() end
    enricher = {}
    local q = query_of { enrich = given.enrich, opt = given.opt, allow = given.allow }
    enricher = { worker = worker_of(job_of(q)), key = key }
  end
  local answer = ask(enricher.worker, "enrich", { text = text, session = id, now = core.now() })
  local problems = answer.problems or {}
  if not answer.refused then return answer.text, problems end
  local last = problems[#problems] or {}
  fail("escript", answer.refused .. (last.message and ": " .. last.message or "") .. "; nothing was stored",
    { plugin = last.plugin, hook = last.hook, session = id, traceback = last.traceback })
end

-- ---- Runs ----------------------------------------------------------------------------------------------------------

local runs = {} -- number -> run

-- A JSON object as the table of its members, with what is in them as it is written.
local function object(json, what)
  local entry, message = core.entry(json, true)
  if not entry then fail("earg", ("%s: %s"):format(what, message)) end
  local fields = {}
  for name in pairs(entry) do fields[name] = core.json(core.raw(entry, name)) end
  for name, value in next, core.decode(json) do
    if type(value) ~= "table" then fields[name] = value end
  end
  return fields
end

--- A run begins.
-- @param fields of its entry, as JSON; or nil
-- @return its number
function capi.run_begin(id, fields)
  if not core.session_id_valid(id) then fail("eid", ("'%s' is not a session id"):format(id)) end
  local log, message = core.log(folder(), core.host().log)
  if not log then fail("earg", message) end
  local run
  run, message = require "debrief.record.run".begin(log, id, fields and object(fields, "debrief_run_begin") or {})
  if not run then fail("earg", message) end
  runs[#runs + 1] = run
  return #runs
end

--- An attempt has ended.
function capi.run_attempt(number, fields)
  local fine, message = runs[number]:attempt(object(fields, "debrief_run_attempt"))
  if not fine then fail("earg", message) end
end

--- The run is over.
function capi.run_finish(number, status)
  local run = runs[number]
  runs[number] = false
  local line, message = run:finish(status)
  run.log:close()
  if not line then fail("eio", message) end
end

-- ---- Entries -----------------------------------------------------------------------------------------------------

--- Open a query.
-- @return what capi.more and capi.done take
function capi.entries(given)
  local q = query_of(given)
  local job = job_of(q)
  local items = sessions_of(q)
  return { worker = worker_of(job), given = { sessions = items, last = q.last }, left_out = notes.of({}, q) }
end

-- What C tests of each entry itself, where no plugin has a say and the expression is only comparisons of fields; Lua
-- decides what C is unsure of. Anything else goes to a worker, which has limits of memory.
local function direct_of(q)
  if #q.enrich + #q.filter > 0 or q.where and virtual.needs_gaps(q.where) then return nil end
  local where = q.where and require "debrief.query.where"
  local condition = where and where.condition(q.where)
  if where and not condition then return nil end
  local match, test = require "debrief.query.selectors".of(q)
  local filter = where and where.filter(q.where, function() end)
  local pipeline = require "debrief.run.pipeline".new { enrich = {}, filter = {}, retro = {} }
  return { condition = condition, match = match and core.match(match), test = test, filter = filter,
    pipeline = pipeline, reported = 0 }
end

--- Does an entry that C is unsure of pass the tests of a query that follows?
-- @param text of the entry
-- @return false, or its text; and an array of new problems
function capi.judge(open, text, session, line)
  local direct, entry = open.direct, core.entry(text, true)
  local p, keep = direct.pipeline, entry ~= nil
  p.session, p.line = session, line
  if keep then core.place(entry, session, line) end
  for _, wanted in ipairs { direct.test or false, direct.filter or false } do
    local ok, answer = true, true
    if wanted and keep then ok, answer = p:call("where", "filter", wanted, entry) end
    keep = keep and ok and answer
  end
  local problems = table.move(p.order, direct.reported + 1, #p.order, 1, {})
  direct.reported = #p.order
  if #problems > 0 then notes.explain(problems) end
  return keep and tostring(entry), problems
end

--- Follow a query: what is appended from now on.
-- @param from_start begin with what is there
-- @return what capi.more and capi.done take, and a descriptor to wait for; or what capi.judge takes, nil, the ids or
--   nil for all, the matcher and the condition that C tests or nil, and whether Lua has a test as well
function capi.follow(given, from_start)
  local q = query_of(given)
  for _, key in ipairs { "since", "until", "line", "last" } do
    local message = "%s does not go with following: new entries come as they are written"
    if given[key] then fail("earg", message:format(key)) end
  end
  local log <close> = assert(core.log(folder(), { lent = true }))
  local ids, _, failure = sessions.to_follow(log, q)
  if failure then fail(failure.code, failure.message) end
  local direct = direct_of(q)
  if direct then return { direct = direct }, nil, ids, direct.match, direct.condition, direct.test ~= nil end
  local open = { worker = worker_of(job_of(q, nil, true)), given = { wait = 0 }, following = true }
  open.first = ask(open.worker, "entries", { follow = ids or false, from_start = from_start, wait = 0 })
  failure = open.first.ended and open.first.failure
  if failure and not open.first.fd then fail(failure.code or "eio", failure.message) end
  return open, open.first.fd
end

--- The next entries, as debrief.run.entries returns them. What ended the reading is raised on the call after them; of
-- one that follows, the call after that goes on.
function capi.more(open)
  local failure = open.failure
  if open.following then open.failure = nil end
  if failure then fail(failure.code or "escript", failure.message, failure) end
  local first = open.first -- more may have come since then
  local out = first or ask(open.worker, "entries", open.given)
  open.first = nil
  if open.following then
    open.failure, out.ended, out.drained = out.failure, false, out.drained and not (first or out.failure)
    return out
  end
  open.given = {}
  if out.ended then table.move(open.left_out, 1, #open.left_out, #out.notes + 1, out.notes) end
  open.failure, out.ended = out.failure, out.ended and not out.failure
  return out
end

--- Close a query.
function capi.done(open)
  if open.direct then return end
  open.worker:keep()
end

-- ---- Retrospectives ----------------------------------------------------------------------------------------------

local function add_notes(result, q)
  for _, failure in ipairs(result.failures) do
    result.problems[#result.problems + 1] = { message = failure.message, session = failure.session, count = 1 }
  end
  for _, note in ipairs(notes.of(result, q)) do
    result.problems[#result.problems + 1] = { message = note, count = 1 }
  end
end

--- Run retrospectives.
-- @param plugins names, ',' between
-- @return as retro.run, where notes and sessions that could not be read are problems, too
function capi.retro(plugins, given)
  local names, q = split(plugins), query_of(given)
  if #names == 0 then fail("earg", "no plugin is named") end
  local job = job_of(q, names)
  local items = sessions_of(q)
  local worker, about = worker_of(job)
  local result, message = retro.run(job, items, { worker = worker, about = about, last = q.last })
  if not result then fail("escript", message) end
  local failure = result.failures[1]
  if q.strict and failure then fail(failure.code or "edamaged", failure.message, failure) end
  add_notes(result, q)
  return result
end

--- The same, as text.
-- @param format { name =, columns =, color = }
-- @return the text, diagnostics and problems
function capi.retro_text(plugins, given, format)
  local reports = require "debrief.report"
  local known = false
  for _, name in ipairs(reports.formats) do known = known or name == format.name end
  if not known then fail("earg", ("there is no format '%s': use %s"):format(format.name,
    table.concat(reports.formats, ", "))) end
  local result = capi.retro(plugins, given)
  return reports.render(format.name, result.reports, result, { width = format.columns, color = format.color,
    diagnostics = result.diagnostics }), result.diagnostics, result.problems
end

-- "by=skill" and the like as the definition of a table (debrief.measure), and as options of the plugin `table`.
local function definition_of(texts)
  local definition, opt = {}, {}
  for i, text in ipairs(texts) do
    local key, value = text:match "^([a-z]+)=(.*)$"
    if not key then fail("earg", ("debrief_table_text: '%s': write KEY=VALUE, as in by=skill"):format(text)) end
    definition[key], opt[i] = math.tointeger(tonumber(value)) or value, "table." .. text
  end
  return definition, opt
end

--- A table of measures, as text.
-- @param table an array of "KEY=VALUE", the keys those of debrief.table; empty for the default
-- @return as retro_text
function capi.table_text(table_of, given, format)
  local definition, opt = definition_of(table_of)
  local ok, key, message = require "debrief.measure".check(definition, {})
  if not ok then fail("earg", ("debrief_table_text: %s: %s"):format(key, message)) end
  given.opt = table.move(opt, 1, #opt, #(given.opt or {}) + 1, given.opt or {})
  return capi.retro_text("table", given, format)
end

-- ---- Scripts -----------------------------------------------------------------------------------------------------

local ready = false -- are the globals of scripts set?

-- Scripts find debrief, cjson and an open log, that of the host.
local function set_globals()
  if ready then return end
  local debrief, given = require "debrief", core.host()
  local log, message = debrief.open(given.dir or "sessions", given.log)
  if not log then fail("earg", message) end
  _G.debrief, _G.cjson, _G.log = debrief, require "cjson", log
  ready = true
end

local function run(chunk, message, arg)
  if not chunk then fail("escript", message) end
  set_globals()
  _G.arg = arg
  local result = table.pack(script.call(chunk, table.unpack(arg)))
  local raised = result[2]
  if not result[1] then
    local full = raised.message == "not enough memory"
    fail(full and "ememory" or "escript", raised.message, { traceback = raised.traceback })
  end
  return result[2]
end

--- Run a script.
-- @param path of a file; nil: `text` is it
-- @param name of the text, for messages
-- @param words an array
function capi.run(path, name, text, words)
  if path and not core.stat(path) then fail("enoent", (select(2, core.stat(path)))) end
  local chunk, message
  if path then chunk, message = loadfile(path, "t") else chunk, message = load(text, "=" .. name, "t") end
  words[0] = path or name
  run(chunk, message, words)
end

--- The value of an expression, or what statements return, as JSON text.
function capi.eval(text)
  local chunk, message = load("return " .. text, "=eval", "t")
  if not chunk and message ~= "not enough memory" then chunk, message = load(text, "=eval", "t") end
  local value = run(chunk, message, { [0] = "eval" })
  local ok, json = pcall(core.encode, value)
  if not ok then fail("escript", "the result: " .. json) end
  return json
end

-- ---- The REPL ----------------------------------------------------------------------------------------------------

--- A session on the host's console, until the user leaves. It sees what scripts have set.
function capi.repl()
  local repl = require "debrief.repl"
  set_globals()
  local console = core.console()
  repl.run(repl.new { log = rawget(_G, "log"), write = console.write, width = console.width,
    color = console.color }, console)
end

return capi
