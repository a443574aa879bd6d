--- debrief for scripts: open a log, append, read, look back.
--
--     local debrief = require "debrief"
--     local log = debrief.open "sessions"
--     log:append("s1", { skill = "review", final_status = "ok" })
--     for entry in log:entries { session = "s1" } do print(entry.skill) end
--     print(log:retro("skills"):text())
-- @module debrief
local core = require "debrief.core"
local selection = require "debrief.query.selection"

local debrief = {}
for name, value in next, (require "debrief.plugin.library") do debrief[name] = value end

--- A prompt where the script stands: `debrief.repl { entry = entry }` sees these names, and the globals.
-- @param names name -> value, or nil
-- @return the last value that was shown, when the prompt is left
function debrief.repl(names) return require "debrief.repl".open(debrief, names) end

-- Most methods that fail strangely were called with a dot.
local function own(self, class, name)
  if getmetatable(self) == class then return end
  error(("%s.%s was called with a dot: write %s:%s(...)"):format(class.__name, name, class.__name, name), 3)
end

local Log = {}
Log.__index = Log
Log.__name = "log"

--- Open the log in a folder. The folder is made when the first entry is appended.
-- @param dir the folder
-- @param opts { sync = true for entries that survive a power cut, file_mode=, folder_mode=, lock_timeout_ms= }
-- @return a log, or nil and a message
function debrief.open(dir, opts)
  local handle, message = core.log(dir, opts)
  if not handle then return nil, message end
  return setmetatable({ handle = handle, dir = dir }, Log)
end

--- Append one entry: a table of fields, an entry, or JSON text.
-- @param id session id
-- @param opts { sparse = true }: write only what is given
-- @return true; or nil, a message, and true when it is written all the same and only the sync failed
function Log:append(id, entry, opts)
  own(self, Log, "append")
  return self.handle:append(id, entry, opts and opts.sparse or false)
end

--- Append many entries under one lock.
-- @return true, or nil, a message, the number of the bad entry (0: none), how many are stored all the same,
--   and true when all of them are written and only the sync failed
function Log:append_batch(id, entries, opts)
  own(self, Log, "append_batch")
  return self.handle:append_batch(id, entries, opts and opts.sparse or false)
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

-- The ids that `session` names; an error blames the caller `level` levels up.
local function session_list(self, session, level)
  if type(session) == "string" then return { session } end
  if type(session) == "table" then return session end
  local ids, message = self.handle:sessions()
  if not ids then error(message, level or 3) end
  return ids
end

local function item_of(self, id)
  return { session = id, path = ("%s/%s.jsonl"):format(self.dir, id), is_path = false }
end

-- A function that says whether an entry is wanted: opts.where, an expression or a function.
local function chooser(where)
  if where == nil or type(where) == "function" then return where end
  local expression = require "debrief.query.where"
  local filter = expression.filter(where, core.log_text)
  return function(entry, session, line)
    local ok, answer = pcall(filter, entry)
    if not ok then error(("where: %s (at %s:%d)"):format(expression.message(answer), session, line), 0) end
    return answer
  end
end

-- The ids that opts.session names, without those whose files are older than the window, and how to read them.
local function chosen(self, opts)
  local where = type(opts.where) == "string" and opts.where or nil
  local choice, message = selection.of({ since = opts.since, ["until"] = opts["until"], where = where }, core.now())
  if not choice then error(message, 3) end
  local items, ids = {}, {}
  for i, id in ipairs(session_list(self, opts.session, 4)) do items[i] = item_of(self, id) end
  selection.mark_old(choice, items)
  for _, item in ipairs(items) do
    if not item.old then ids[#ids + 1] = item.session end
  end
  return ids, selection.reader_options(choice, opts.strict)
end

--- Entries, session by session in name order.
-- @param opts { session = id or array of ids, since =, ["until"] = times ("7d", "last week", ns): only entries between
--   them, where = an expression as --where takes it or a function(entry): only entries for which it holds (one that
--   raises ends the loop), strict = true to raise at the first damaged line, on_diagnostic = function(diagnostic) }
-- @return an iterator of entry, session, line
function Log:entries(opts)
  own(self, Log, "entries")
  opts = opts or {}
  local ids, options = chosen(self, opts)
  local at, reader, wanted = 0, nil, chooser(opts.where)
  local function tell()
    for _, d in ipairs((reader:diagnostics())) do
      d.session = ids[at]
      if opts.on_diagnostic then opts.on_diagnostic(d) end
    end
  end
  return function()
    while true do
      if not reader then
        at = at + 1
        if not ids[at] then return nil end
        local message
        reader, message = self.handle:reader(ids[at], options)
        if not reader then error(message, 2) end
      end
      local entry, line = reader:next()
      tell()
      if not entry then
        reader:close()
        reader = nil
        if line then error(line, 2) end
      elseif not wanted or wanted(entry, ids[at], line) then
        return entry, ids[at], line
      end
    end
  end
end

--- Entries as they come: `for entry, session, line in log:follow { session = "s1" } do … end`. Each is given once, when
-- its line is whole, whatever happens to the file meanwhile. What does not exist yet is waited for.
-- @param opts { session = id or array of ids (default: all, those that come later too), from = "start" to begin with
--   what is there ("end", the default, begins with what is new), timeout = seconds without a new entry after which to
--   end (default: never), strict =, on_diagnostic = as log:entries }
-- @return an iterator of entry, session, line
function Log:follow(opts)
  own(self, Log, "follow")
  opts = opts or {}
  if opts.from ~= nil and opts.from ~= "start" and opts.from ~= "end" then
    error(("from = %q: \"start\" or \"end\" is wanted"):format(tostring(opts.from)), 2)
  end
  local ids = type(opts.session) == "string" and { opts.session } or opts.session
  local wait = opts.timeout and math.ceil(opts.timeout * 1e9) -- ns
  local follower, message = core.follow(self.handle, ids, { from_start = opts.from == "start", strict = opts.strict })
  if not follower then error(message, 2) end
  local stopped, last = false, core.now()
  -- Wait for something new; stop when nothing came for too long.
  local function pause()
    local left = wait and last + wait - core.now()
    stopped = left ~= nil and left <= 0
    if stopped then follower:stop() else follower:wait(left and left // 1000000 + 1) end
  end
  local function tell()
    for _, d in ipairs((follower:diagnostics())) do
      d.session = d.path:match "([^/]+)%.jsonl$"
      if opts.on_diagnostic then opts.on_diagnostic(d) end
    end
  end
  return function()
    while true do
      local entry, session, line = follower:next()
      tell()
      if entry then
        last = wait and core.now()
        return entry, session, line
      end
      if session then error(session, 2) end
      if stopped then return nil end
      pause()
    end
  end, nil, nil, follower
end

--- Look for damage in one session, which is not changed.
-- @param id session id
-- @param on_diagnostic called with every damaged line and warning: { kind =, line =, offset =, length =, message =,
--   excerpt =, damage = }; `damage` is false for warnings and for a tail that is still being written
-- @return { bytes =, lines =, blank =, entries =, damaged = (lines), found = { torn_tail = 1, … } }, or nil and a
-- message
function Log:check(id, on_diagnostic)
  own(self, Log, "check")
  return core.check(self.handle, id, on_diagnostic)
end

--- Put a session without its damage in the place of a damaged one, which is first copied, byte for byte, to a file
-- beside it. Others may go on appending.
-- @param id session id
-- @return { repaired = false when nothing was damaged and nothing was changed, entries =, salvaged = (of these, from
--   damaged lines), copy = (path), left_out = { { kind =, line =, offset =, length = }, … } (places in the copy) }; or
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

--- As a person reads it. @param opts { width =, color = }
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

-- A retrospective given as a table of functions runs here, in the caller's own state.
local function run_inline(self, t, opts)
  local ctx = { options = opts.options or {}, now = core.now(), log = function() end }
  local ids = session_list(self, opts.session)
  local result = { entries = 0, sessions = #ids, diagnostics = {}, problems = {} }
  local acc = t.init(ctx)
  local each = self:entries { session = ids, since = opts.since, ["until"] = opts["until"], where = opts.where,
    on_diagnostic = function(d) result.diagnostics[#result.diagnostics + 1] = d end }
  for entry, session, line in each do
    ctx.session, ctx.line = session, line
    result.entries = result.entries + 1
    t.step(acc, entry, ctx)
  end
  local checked, message = require "debrief.report".check(t.finish(acc, ctx), t.name or "inline")
  if not checked then return nil, message end
  result.reports = { checked }
  return setmetatable(result, Report)
end

--- Run one or more bundled or own retrospectives, or one given inline.
-- @param names "skills", "skills,failures", "./mine.lua"; or { init =, step =, finish = }, whose functions run in this
--   state (opts: session, since, until, where, options)
-- @param opts { session = id or array, since =, ["until"] = times, where = an expression, enrich =, filter = arrays of
--   plugins, opt = {"limit=5"}, allow = {"git:process"}, workers = number }
-- @return a report with text(), markdown(), json(), reports, diagnostics and problems; or nil and a message
function Log:retro(names, opts)
  own(self, Log, "retro")
  opts = opts or {}
  if type(names) == "table" then return run_inline(self, names, opts) end
  local retro, list = require "debrief.retro", {}
  for name in names:gmatch "[^,]+" do list[#list + 1] = name end
  local job, message = retro.job { retro = list, enrich = opts.enrich, filter = opts.filter, opt = opts.opt,
    allow = opts.allow, dir = self.dir, since = opts.since, ["until"] = opts["until"], where = opts.where }
  if not job then return nil, message end
  local sessions = {}
  for i, id in ipairs(session_list(self, opts.session)) do sessions[i] = item_of(self, id) end
  local result
  result, message = retro.run(job, sessions, opts.workers)
  if not result then return nil, message end
  return setmetatable(result, Report)
end

--- Close the log. Readers that are open stay so.
function Log:close()
  own(self, Log, "close")
  self.handle:close()
end

Log.__close = Log.close

return debrief
