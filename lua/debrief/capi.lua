--- What debrief/debrief.h does, for src/host: each function here is called by one in C, protected.
--
-- Failures are raised as tables: { code = a debrief_code or its name in small letters, message =, line =, offset =,
-- plugin =, hook =, session =, traceback = }. A query is a table with the members of debrief_query that were given;
-- sessions, enrich and filter are texts with commas, options and allow arrays.
-- @module debrief.capi
local core = require "debrief.core"
local suggest = require "debrief.text.suggest"
local retro = require "debrief.retro"
local escape = require "debrief.text.escape"
local script = require "debrief.run.script"
local selection = require "debrief.query.selection"

local host = {}

local function fail(code, message, more)
  local raised = {}
  for key, value in pairs(more or {}) do raised[key] = value end
  raised.code, raised.message = code, message
  error(raised, 0)
end

local function split(names)
  local out = {}
  for name in (names or ""):gmatch "[^,]+" do out[#out + 1] = name:match "^%s*(.-)%s*$" end
  return out
end

local function folder() return core.host().dir or "sessions" end

-- ---- Queries -----------------------------------------------------------------------------------------------------

-- The ids a query names, each of which must be there; without any, all of the log.
local function ids_of(query)
  local log = assert(core.log(folder()))
  local ids, message, code = log:sessions()
  log:close()
  if not ids then fail(code, message) end
  local named, there = split(query.sessions), {}
  if #named == 0 then return ids end
  for _, id in ipairs(ids) do there[id] = true end
  for _, id in ipairs(named) do
    if not core.session_id_valid(id) then fail("eid", ("'%s' is not a session id"):format(escape(id))) end
    if not there[id] then
      local near = suggest(id, ids)
      fail("enoent", ("no session '%s' in %s%s"):format(id, folder(), near and (": did you mean '%s'?"):format(near)
        or ""))
    end
  end
  return named
end

local function sessions_of(query, chosen)
  local items = {}
  for i, id in ipairs(ids_of(query)) do
    items[i] = { session = id, path = ("%s/%s.jsonl"):format(folder(), id), is_path = false }
  end
  selection.mark_old(chosen, items)
  return items
end

-- The job of a query, its plugins found.
local function job_of(query, plugins)
  local chosen, message = selection.of(query, core.now())
  if not chosen then fail("earg", message) end
  local job
  job, message = retro.job { dir = folder(), retro = plugins, enrich = split(query.enrich),
    filter = split(query.filter), opt = query.options, allow = query.allow, where = query.where, since = query.since,
    ["until"] = query["until"], strict = query.strict }
  if not job then fail("eplugin", message) end
  return job
end

-- A worker with the job's plugins loaded.
local function worker_of(job)
  local worker, message, name = retro.worker(job)
  if not worker then fail(name and "eplugin" or "escript", message, { plugin = name }) end
  return worker
end

local function ask(worker, name, value)
  local answer, message = retro.ask(worker, name, value)
  if not answer then fail("escript", message) end
  return answer
end

-- ---- Appending ---------------------------------------------------------------------------------------------------

local enricher = {} -- the one that was used last: { key =, worker = }

local function key_of(query)
  return table.concat({ query.enrich, table.concat(query.options or {}, "\0"), table.concat(query.allow or {}, "\0") },
    "\0\0")
end

--- Enrich one entry before it is appended. The plugins stay loaded while the same are asked for.
-- @param query enrich, options and allow
-- @param id the session
-- @param text the entry as JSON, complete
-- @return the text, and the problems of enrichers that failed without refusing it
function host.enrich(query, id, text)
  local key = key_of(query)
  if enricher.key ~= key then
    if enricher.worker then enricher.worker:close() end
    enricher = {}
    enricher = { worker = worker_of(job_of({ enrich = query.enrich, options = query.options, allow = query.allow })),
      key = key }
  end
  local answer = ask(enricher.worker, "enrich", { text = text, session = id, now = core.now() })
  local problems = answer.problems or {}
  if not answer.refused then return answer.text, problems end
  local last = problems[#problems] or {}
  fail("escript", answer.refused .. (last.message and ": " .. last.message or "") .. "; nothing was stored",
    { plugin = last.plugin, hook = last.hook, session = id, traceback = last.traceback })
end

-- ---- Entries -----------------------------------------------------------------------------------------------------

--- Open a query.
-- @return what host.more and host.done take
function host.entries(query)
  local job = job_of(query)
  local items = sessions_of(query, job.selection)
  return { worker = worker_of(job), given = { sessions = items } }
end

--- The next entries, as debrief.run.entries returns them. What ended the reading is raised on the call after them.
function host.more(open)
  local failure = open.failure
  if failure then fail(failure.code or "escript", failure.message, failure) end
  local out = ask(open.worker, "entries", open.given)
  open.given = {}
  open.failure, out.ended = out.failure, out.ended and not out.failure
  return out
end

--- Close a query.
function host.done(open) open.worker:close() end

-- ---- Retrospectives ----------------------------------------------------------------------------------------------

local function add_notes(result)
  for _, failure in ipairs(result.failures) do
    result.problems[#result.problems + 1] = { message = failure.message, session = failure.session, count = 1 }
  end
  for _, note in ipairs(selection.notes(result)) do
    result.problems[#result.problems + 1] = { message = note, count = 1 }
  end
end

--- Run retrospectives.
-- @param plugins names, ',' between
-- @return as retro.run, where notes and sessions that could not be read are problems, too
function host.retro(plugins, query)
  local names = split(plugins)
  if #names == 0 then fail("earg", "no plugin is named") end
  local job = job_of(query, names)
  local result, message, name = retro.run(job, sessions_of(query, job.selection))
  if not result then fail(name and "eplugin" or "escript", message, { plugin = name }) end
  local failure = result.failures[1]
  if query.strict and failure then fail(failure.code or "edamaged", failure.message, failure) end
  add_notes(result)
  return result
end

--- The same, as text.
-- @param format { name =, columns =, color = }
-- @return the text, diagnostics and problems
function host.retro_text(plugins, query, format)
  local reports = require "debrief.report"
  local known = false
  for _, name in ipairs(reports.formats) do known = known or name == format.name end
  if not known then fail("earg", ("there is no format '%s': use %s"):format(format.name,
    table.concat(reports.formats, ", "))) end
  local result = host.retro(plugins, query)
  return reports.render(format.name, result.reports, result, { width = format.columns, color = format.color,
    diagnostics = result.diagnostics }), result.diagnostics, result.problems
end

-- ---- Scripts -----------------------------------------------------------------------------------------------------

local ready = false -- are the globals of scripts set?

local function set_globals()
  if ready then return end
  local ok, why = script.globals()
  if not ok then fail("earg", why) end
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
function host.run(path, name, text, words)
  if path and not core.stat(path) then fail("enoent", (select(2, core.stat(path)))) end
  local chunk, message
  if path then chunk, message = loadfile(path) else chunk, message = load(text, "=" .. name, "t") end
  words[0] = path or name
  run(chunk, message, words)
end

--- The value of an expression, or what statements return, as JSON text.
function host.eval(text)
  local chunk, message = load("return " .. text, "=eval", "t")
  if not chunk and message ~= "not enough memory" then chunk, message = load(text, "=eval", "t") end
  local value = run(chunk, message, { [0] = "eval" })
  local ok, json = pcall(core.encode, value)
  if not ok then fail("escript", "the result: " .. json) end
  return json
end

-- ---- The REPL ----------------------------------------------------------------------------------------------------

--- A session on the host's console, until the user leaves. It sees what scripts have set.
function host.repl()
  local repl = require "debrief.repl"
  set_globals()
  local console = core.console()
  repl.drive(repl.new { log = rawget(_G, "log"), write = console.write, width = console.width,
    color = console.color }, console)
end

return host
