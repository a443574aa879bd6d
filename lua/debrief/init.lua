--- debrief for scripts: open a log, append, read, look back.
--
--     local debrief = require "debrief"
--     local log = debrief.open "sessions"
--     log:append("s1", { skill = "review", final_status = "ok" })
--     for entry in log:entries { session = "s1" } do print(entry.skill) end
--     print(log:retro("skills"):text())
-- @module debrief
local core = require "debrief.core"
local order = require "debrief.query.order"
local query = require "debrief.query"
local readers = require "debrief.query.reader"
local sessions = require "debrief.query.sessions"

local debrief = {}
for name, value in next, (require "debrief.plugin.library") do debrief[name] = value end

--- A prompt where the script stands: `debrief.repl { entry = entry }` sees these names, and the globals.
-- @param names name -> value, or nil
-- @return the last value that was shown, when the prompt is left
function debrief.repl(names) return require "debrief.repl".open(debrief, names) end

--- The time now, in ns since 1970.
debrief.now = core.now

--- A clock in ns that is never set: for how long something took.
debrief.clock = core.clock

--- Run another program to its end: `debrief.run { "git", "status", timeout_ms = 5000 }`.
-- @param job { program, argument…, cwd =, timeout_ms = 5000, limit = bytes of output that are kept (1 MiB),
--   env = NAME -> value or false, stderr = true to have its standard error with its output, "apart" to have it as a
--   fourth result (64 KiB), heard = a function that is called when there is something to read on standard input: true
--   ends the program, false the listening }; no shell
-- @return its output, its exit status (128 + the number of a signal), true if more was printed; or nil and a message
debrief.run = core.run

-- Most methods that fail strangely were called with a dot.
local function own(self, class, name)
  if getmetatable(self) == class then return end
  error(("%s.%s was called with a dot: write %s:%s(...)"):format(class.__name, name, class.__name, name), 3)
end

local Log = {}
Log.__index = Log
Log.__name = "log"

--- Open the log in a folder, or at an address (nats://HOST/NAME). The folder is made when the first entry is appended.
-- @param dir the folder, or the address
-- @param opts { sync = true for entries that survive a power cut, file_mode=, folder_mode=, lock_timeout_ms= }; at an
--   address { creds =, tls_ca =, tls_cert =, tls_key = paths, timeout_ms = how long an append tries again }
-- @return a log, or nil and a message
function debrief.open(dir, opts)
  local handle, message = core.log(dir, opts)
  if not handle then return nil, message end
  return setmetatable({ handle = handle, dir = dir }, Log)
end

--- Append one entry: a table of fields, an entry, or JSON text.
-- @param id session id
-- @param opts { sparse = true }: write only what is given
-- @return the line of the session that it is (true in the rare case that it could not be counted); or nil, a message,
--   and true when it is written all the same and only the sync failed
function Log:append(id, entry, opts)
  own(self, Log, "append")
  return self.handle:append(id, entry, opts and opts.sparse or false)
end

--- Append many entries under one lock.
-- @return the line of the last one, or nil, a message, the number of the bad entry (0: none), how many are
--   stored all the same, and true when all of them are written and only the sync failed
function Log:append_batch(id, entries, opts)
  own(self, Log, "append_batch")
  return self.handle:append_batch(id, entries, opts and opts.sparse or false)
end

local RECORD = { session = true, command = true, attempts = true, timeout = true, check = true, check_kind = true }

--- Record a run while it goes on. If this process dies meanwhile, what is known by then becomes an entry with
-- final_status "aborted" (`debrief record --recover`).
-- @param given { session = id, and fields of the entry: skill =, phase =, model =, input =, … }; and for a command:
--   command = { "make", "test" }, its words; attempts = how often at most, timeout = "10m" for each, check = a line for
--   sh that decides `verified`, check_kind = "test", "build", "lint" or "typecheck"
-- @return without a command, the run: run:attempt { verified =, … } after each attempt, then run:finish(final_status),
--   which returns the line of the entry. With a command, which has then ended: the exit status, final_status and line.
--   Or nil and a message
function Log:record(given)
  own(self, Log, "record")
  local fields, timeout = {}, given.timeout
  for name, value in next, given do if not RECORD[name] then fields[name] = value end end
  if timeout then timeout = require "debrief.text.time".duration(timeout) end
  if given.timeout and not timeout then error(("timeout is a length of time like '10m', not %s"):format(
    tostring(given.timeout)), 2) end
  if type(given.session) ~= "string" then error("record wants { session = id, … }", 2) end
  local command = require "debrief.record.command"
  if given.command then
    fields.command, fields.project_root = command.line(given.command), fields.project_root or core.absolute "."
  end
  local run, message = require "debrief.record.run".begin(self.handle, given.session, fields)
  if not run or not given.command then return run, message end
  local final, status = command.run(run, given.command, { attempts = given.attempts, timeout_ms = timeout,
    check = given.check, check_kind = given.check_kind })
  local line
  line, message = run:finish(final)
  if not line then return nil, message end
  return status, final, line
end

--- Session ids in order: `for id in log:sessions() do … end`.
function Log:sessions()
  own(self, Log, "sessions")
  local ids, message = self.handle:sessions()
  if not ids then error(message, 2) end
  local i = 0
  return function()
    i = i + 1
    return ids[i]
  end
end

-- ---- Queries -------------------------------------------------------------------------------------------------------

-- A query of the caller's; what is wrong with it is an error of the line `level` calls up.
local function query_of(opts, door, level)
  local q, message = query.new(opts, door)
  if not q then error(message, level + 1) end
  return q
end

-- The sessions of a query; what is missing is an error, too.
local function sessions_of(self, q, level)
  local items, failure = sessions.of(self.handle, q)
  if not items then error(failure.message, level + 1) end
  return items
end

-- A function that says whether to return an entry, from an expression or a function.
local function expression_of(where)
  if where == nil or type(where) == "function" then return where end
  local expression = require "debrief.query.where"
  local filter = expression.filter(where, core.log_text)
  return function(entry, session, line)
    local ok, answer = pcall(filter, entry)
    if not ok then error(("where: %s (at %s:%d)"):format(expression.message(answer), session, line), 0) end
    return answer
  end
end

-- What a query chooses where no worker does: what the reader passes over, and a function that says whether to return an
-- entry; nil for none.
local function chooser(q)
  local match, test = require "debrief.query.selectors".of(q)
  local where = expression_of(q.where)
  match = match and core.match(match)
  if not (test and where) then return match, test or where end
  return match, function(entry, ...) return test(entry) and where(entry, ...) end
end

-- Report what a reader met so far.
local function report_diagnostics(reader, on_diagnostic)
  for _, d in ipairs((reader:diagnostics())) do
    if on_diagnostic then on_diagnostic(d) end
  end
end

-- The iterator over a reader that scripts see, of the entries that `match` and `wanted` choose. `pause` is called when
-- there is no entry for now; false ends the loop, "later" returns nil and can be called again.
local function iterate(reader, match, wanted, opts, pause)
  return function()
    while true do
      local entry, line, session = reader:next(match)
      report_diagnostics(reader, opts.on_diagnostic)
      if entry then
        if not wanted or wanted(entry, session, line) then return entry, session, line end
      elseif line then
        reader:close()
        error(line.message, 2)
      else
        local go_on = pause and pause()
        if not go_on then reader:close() end
        if not go_on or go_on == "later" then return nil end
      end
    end
  end
end

-- The entries of an iterator as they were asked for, as an iterator.
-- @param given what debrief.query.order's chain takes
local function ordered(given, each)
  local list, at = nil, 0
  return function()
    if not list then
      list = {}
      local add, done = order.chain(given, function(...) list[#list + 1] = table.pack(...) end)
      for entry, session, line in each do if add(entry, session, line) == false then break end end
      done()
    end
    at = at + 1
    if list[at] then return table.unpack(list[at], 1, 3) end
  end
end

-- A worker with the plugins of a query, and `given` for its first batch.
local function remote(self, q, given)
  local jobs = require "debrief.run.job"
  local job, message = jobs.new { query = q, dir = self.dir, follow = given.follow ~= nil }
  local worker
  if job then worker, message = jobs.worker(job) end
  if not worker then error(message, 3) end
  return require "debrief.run.remote".reader(worker, given)
end

--- Entries, session by session in name order.
-- @param opts a query: { session = id, "quay-*", "week:4", a path, or an array of them; since =, before = times ("7d",
--   "last week", ns): only entries between them; where = an expression as --where takes it, or a function(entry): only
--   entries for which it holds (one that raises ends the loop); enrich =, filter = plugins that entries pass first;
--   opt = { "limit=5" }, allow = { "git:process" } for those; skill =, phase =, model =, project =, outcome =, grep = a
--   value or an array of them (see debrief.query.selectors); line = only this line of each session; last = only the
--   latest N, of one session its last N lines, of several by time; sort = "skill,-duration_ms", reverse = true, limit =
--   N: their order, and only the first N;
--   strict = true to raise at the first damaged line }, and on_diagnostic = function(diagnostic),
--   on_problem = function(problem of a plugin)
-- @return an iterator of entry, session, line
function Log:entries(opts)
  own(self, Log, "entries")
  opts = opts or {}
  local q = query_of(opts, { "on_diagnostic", "on_problem", "sort", "reverse", "limit" }, 2)
  local manner, message = order.new(opts)
  if not manner then error(message, 2) end
  local items = sessions_of(self, q, 2)
  local each
  manner.last, manner.single = q.last, #items == 1
  if query.has_plugins(q) then
    local last = type(q.where) ~= "function" and q.last or nil -- a function has its say here, after the plugins
    each = iterate(remote(self, q, { sessions = items, last = last, on_problem = opts.on_problem }), nil,
      type(q.where) == "function" and q.where or nil, opts)
    if last then manner.last = nil end
  else
    local reading = { log = self.handle, strict = q.strict, since = q.since, ["until"] = q["until"], gaps = true }
    local match, wanted = chooser(q)
    each = iterate(readers.sessions(items, reading), match, wanted, opts)
  end
  return (manner.last or order.has(manner)) and ordered(manner, each) or each
end

local FOLLOW_KEYS = { "from", "timeout", "on_diagnostic", "on_problem" }

-- A function to call when there is nothing new: it waits, and after so long without a new entry reads the rest and
-- ends.
local function patience(timeout, follower)
  local wait, last, stopped = timeout and math.ceil(timeout * 1e9), core.now(), false -- ns
  local function seen() last = wait and core.now() end
  return function()
    if stopped then return false end
    local left = wait and last + wait - core.now()
    stopped = left ~= nil and left <= 0
    if stopped then follower:stop() else follower:wait(left and left // 1000000 + 1) end
    return true
  end, seen
end

-- The latest n entries of what is there, then what comes. `make` makes an iterator with a pause.
local function latest_first(n, single, make, pause)
  local kept, list, at = require "debrief.query.latest".new(n, single), nil, 0
  local next_entry = make(function()
    if list then return pause() end
    list = kept.list()
    return "later"
  end)
  return function()
    if not list then
      for entry, session, line in next_entry do kept.add(entry, session, line) end
    end
    at = at + 1
    local item = list and list[at]
    if item then return item.entry, item.session, item.line end
    return next_entry()
  end
end

--- Entries as they come: `for entry, session, line in log:follow { session = "s1" } do … end`. Each comes once, when
-- its line is whole, whatever happens to the file meanwhile. What does not exist yet is waited for.
-- @param opts a query as log:entries takes it, without times and `line`: { session = ids (default: all, those that come
--   later too), where =, enrich =, filter =, opt =, allow =, strict =, last = N to begin with the N latest of what is
--   there }, and from = "start" to begin with all of it ("end", the default, begins with what is new), timeout =
--   seconds without a new entry after which to end (default: never), on_diagnostic =, on_problem = as log:entries
-- @return an iterator of entry, session, line
function Log:follow(opts)
  own(self, Log, "follow")
  opts = opts or {}
  local q = query_of(opts, FOLLOW_KEYS, 2)
  for _, key in ipairs { "since", "until", "line" } do
    if q[key] then error(("%s does not go with follow: new entries come as they are written"):format(key), 2) end
  end
  if opts.from ~= nil and opts.from ~= "start" and opts.from ~= "end" then
    error(("from must be \"start\" or \"end\", not %q"):format(tostring(opts.from)), 2)
  end
  if opts.from and q.last then error("from and last both say where to begin: use one of them", 2) end
  local ids, _, failure = sessions.to_follow(self.handle, q)
  if failure then error(failure.message, 2) end
  local follower, message
  local from_start = opts.from == "start" or q.last ~= nil
  if query.has_plugins(q) then
    follower = remote(self, q, { follow = ids or false, from_start = from_start, on_problem = opts.on_problem })
  else
    follower, message = core.follow(self.handle, ids, { from_start = from_start, strict = q.strict })
    if not follower then error(message, 2) end
  end
  local pause, seen = patience(opts.timeout, follower)
  local reader = query.has_plugins(q) and follower or readers.follower(follower, function() return false end)
  local match, wanted
  if not query.has_plugins(q) then match, wanted = chooser(q)
  elseif type(q.where) == "function" then wanted = q.where end -- the worker has all else
  local function make(how) return iterate(reader, match, wanted, opts, how) end
  local next_entry = q.last and latest_first(q.last, ids and #ids == 1, make, pause) or make(pause)
  return function()
    local entry, session, line = next_entry()
    seen()
    return entry, session, line
  end, nil, nil, reader
end

--- Look for damage in one session, which is not changed.
-- @param id session id
-- @param on_diagnostic called with every damaged line and warning: { kind =, line =, offset =, length =, message =,
--   excerpt =, damage = }; `damage` is false for warnings and for a tail that is still being written
-- @return { bytes =, lines =, blank =, entries =, damaged = (lines), found = { torn_tail = 1, … } }, or nil and a
-- message
function Log:check(id, on_diagnostic)
  own(self, Log, "check")
  local folder, message = self.handle:folder(false, true) -- of an address: with what came since it was read
  if not folder then return nil, message end
  return core.check(self.handle, id, on_diagnostic)
end

--- Replace a damaged session by one without its damage. The file as it was stays in the folder, under another name.
-- Others may go on appending.
-- @param id session id
-- @return { repaired = false when nothing was damaged and nothing was changed, entries =, salvaged = (of these, from
--   damaged lines), copy = (path), left_out = { { kind =, line =, offset =, length = }, … } (places in the copy, the
--   first 10,000), left_out_more = (how many more there are) }; or
--   nil and a message: the session is as it was, unless the same table follows, and only its last sync has failed
function Log:repair(id)
  own(self, Log, "repair")
  return core.repair(self.handle, id)
end

local Report = {}
Report.__index = Report
Report.__name = "report"

local function render(result, name, opts)
  local text, message = require "debrief.report".render(name, result.reports, result, opts or {})
  if not text then error(message, 3) end
  return text
end

--- As a person reads it. @param opts { width =, color =, charts = true: draw the charts, ascii = true: in ASCII }
function Report:text(opts)
  own(self, Report, "text")
  return render(self, "text", opts)
end

--- As Markdown.
function Report:markdown(opts)
  own(self, Report, "markdown")
  return render(self, "markdown", opts)
end

--- As JSON, keys in a fixed order.
function Report:json()
  own(self, Report, "json")
  return render(self, "json", { diagnostics = self.diagnostics })
end

--- As one HTML page. @param opts { title =, keep_secrets = true: leave credentials in it }
function Report:html(opts)
  own(self, Report, "html")
  return render(self, "html", { title = opts and opts.title, keep_secrets = opts and opts.keep_secrets,
    diagnostics = self.diagnostics, problems = self.problems })
end

--- The tables as CSV (RFC 4180), or with tabs; a rate has three columns: KEY, KEY.num, KEY.den.
function Report:csv()
  own(self, Report, "csv")
  return render(self, "csv")
end

--- The same with tabs between the values.
function Report:tsv()
  own(self, Report, "tsv")
  return render(self, "tsv")
end

-- What log:entries takes of the options of log:retro.
local function entry_options(opts, on_diagnostic)
  local out = { on_diagnostic = on_diagnostic }
  for key, value in pairs(opts) do
    if key ~= "options" and key ~= "workers" then out[key] = value end
  end
  return out
end

-- A retrospective given as a table of functions runs here, in the caller's own state.
local function run_inline(self, t, opts, items)
  local ctx = { options = opts.options or {}, now = core.now(), log = function() end }
  local result = { entries = 0, sessions = #items, diagnostics = {}, problems = {} }
  local function keep(d) result.diagnostics[#result.diagnostics + 1] = d end
  local acc = t.init(ctx)
  for entry, session, line in self:entries(entry_options(opts, keep)) do
    ctx.session, ctx.line = session, line
    result.entries = result.entries + 1
    local made = t.step(acc, entry, ctx)
    if made ~= nil then acc = made end
  end
  local checked, message = require "debrief.report".check(t.finish(acc, ctx), t.name or "inline")
  if not checked then return nil, message end
  result.reports = { checked }
  return setmetatable(result, Report)
end

local function run_plugins(self, names, q, opts, items)
  local jobs, list = require "debrief.run.job", {}
  if type(q.where) == "function" then
    return nil, "where must be an expression here, not a function: plugins run in states of their own"
  end
  for name in names:gmatch "[^,]+" do list[#list + 1] = name end
  local job, message = jobs.new { query = q, retro = list, dir = self.dir }
  if not job then return nil, message end
  local result
  result, message = require "debrief.retro".run(job, items, { workers = opts.workers, last = q.last })
  if not result then return nil, message end
  return setmetatable(result, Report)
end

--- Run one or more bundled or own retrospectives, or one given inline.
-- @param names "skills", "skills,failures", "./mine.lua"; or { init =, step =, finish = }, whose functions run in this
--   state
-- @param opts a query as log:entries takes it, and workers = number; with functions also options = what ctx.options is
-- @return a report with text(), markdown(), html(), json(), csv(), tsv(), reports, diagnostics and problems; or nil and
--   a message
function Log:retro(names, opts)
  own(self, Log, "retro")
  opts = opts or {}
  local q, message, mistake = query.new(opts, { "workers", "options" })
  if mistake then error(message, 2) end
  if not q then return nil, message end
  local items, failure = sessions.of(self.handle, q)
  if not items then return nil, failure.message end
  if type(names) == "table" then return run_inline(self, names, opts, items) end
  return run_plugins(self, names, q, opts, items)
end

--- Groups of runs, and what is counted in each: `log:table { by = "skill", show = "runs, passed", since = "7d" }`.
-- @param given a definition, { by =, across =, each =, show =, sort =, limit =, min = } (plugins/README.md), and a
--   query as log:entries takes it; with `each`, `where` is about each of these. Also workers = number
-- @return a report as of log:retro; or nil and a message
function Log:table(given)
  own(self, Log, "table")
  local opts, definition, options = {}, {}, {}
  for _, key in ipairs(require "debrief.measure".keys) do definition[key] = true end
  if not given.each then definition.where = nil end
  for key, value in next, given do
    if not definition[key] then opts[key] = value
    else options[key] = type(value) == "table" and table.concat(value, ", ") or value end
  end
  local query_options = type(opts.opt) == "string" and { opts.opt } or opts.opt or {}
  opts.opt = table.move(query_options, 1, #query_options, 1, {})
  for key, value in next, options do opts.opt[#opts.opt + 1] = ("table.%s=%s"):format(key, tostring(value)) end
  return self:retro("table", opts)
end

--- Close the log. Readers that are open stay so.
function Log:close()
  own(self, Log, "close")
  self.handle:close()
end

Log.__close = Log.close

return debrief
