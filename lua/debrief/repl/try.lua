--- `.try`: what each hook of a plugin does with one entry, as text.
-- @module debrief.repl.try
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local latest = require "debrief.query.latest"
local list = require "debrief.entry.collect"
local query = require "debrief.query"
local readers = require "debrief.query.reader"
local report = require "debrief.report"
local sessions = require "debrief.query.sessions"
local escape = require "debrief.text.escape"
local inspect = require "debrief.pretty.inspect"

local try = {}

-- ---- Which entry ----------------------------------------------------------------------------------------------------

-- The words of a command: the plugin; options and rights; the place.
local function parse(argument)
  local given, rest = { opt = {}, allow = {} }, {}
  local allow = false
  for word in argument:gmatch "%S+" do
    if allow then given.allow[#given.allow + 1] = word
    elseif word:find "^[%w_.]+=" then given.opt[#given.opt + 1] = word
    elseif word ~= "--allow" then rest[#rest + 1] = word end
    allow = word == "--allow"
  end
  if allow then return nil, "--allow takes PLUGIN:RIGHT" end
  if #rest == 0 or #rest > 2 then
    return nil, "write .try PLUGIN [SESSION[:LINE]] [option=value] [--allow PLUGIN:RIGHT]"
  end
  given.plugin, given.place = rest[1], rest[2]
  return given
end

-- The entry at a line of a session.
local function entry_at(log, item)
  local session, line = item.session, item.lines[1]
  local reader = readers.sessions({ item }, { log = log.handle })
  local entry = reader:next()
  local diagnostics = reader:diagnostics()
  reader:close()
  if entry then return { entry = entry, session = session, line = line } end
  for _, d in ipairs(diagnostics) do
    if d.line == line then return nil, ("%s:%d is damaged: %s: %s"):format(session, line, d.kind, d.message) end
  end
  return nil, ("there is no entry %s:%d"):format(session, line)
end

-- The latest entry of sessions, by time; without times the last one.
local function latest_of(log, items)
  local newest = latest.new(1)
  local reader <close> = readers.sessions(items, { log = log.handle })
  while true do
    local entry, line, session = reader:next()
    if entry then newest.add(entry, session, line)
    elseif line then return nil, line.message
    else break end
  end
  local found = newest.list()[1]
  if found then return found end
  return nil, #items == 1 and ("session %s has no entries"):format(items[1].session) or "the log has no entries"
end

local function choose(prompt, place)
  local shown, log = rawget(prompt.env, "_"), prompt.log
  if not place and shown ~= nil and list.place(shown) then
    local id, line = list.place(shown)
    return { entry = shown, session = id, line = line }
  end
  if not log then return nil, "this prompt has no log" end
  local q, message = query.new { sessions = place and { place } }
  local items, failure
  if q then items, failure = sessions.of(log.handle, q, { paths = false }) end
  if not items then return nil, message or failure.message end
  if place and items[1].lines then return entry_at(log, items[1]) end
  return latest_of(log, items)
end

-- ---- What changed ---------------------------------------------------------------------------------------------------

local function shown(v)
  return type(v) == "userdata" and escape(tostring(v)) or inspect.text(v, math.huge)
end

local differences

local function difference(out, path, a, b)
  if a == nil then out[#out + 1] = ("  + %s = %s"):format(escape(path), shown(b))
  elseif b == nil then out[#out + 1] = ("  - %s = %s"):format(escape(path), shown(a))
  elseif inspect.is_view(a) and inspect.is_view(b) and core.type(a) == core.type(b) then differences(out, path, a, b)
  elseif shown(a) ~= shown(b) then
    out[#out + 1] = ("  ~ %s = %s (was %s)"):format(escape(path), shown(b), shown(a))
  end
end

local function at(path, key)
  if math.type(key) then return ("%s[%d]"):format(path, key) end
  return path == "" and key or path .. "." .. key
end

-- Members of an entry or part of one by name; null stays null.
local function members(view)
  local out, order = {}, {}
  for key, item in pairs(view) do
    if out[key] == nil then order[#order + 1] = key end
    out[key] = item
  end
  return out, order
end

function differences(out, path, a, b)
  local before, order = members(a)
  local after, added = members(b)
  for _, key in ipairs(order) do difference(out, at(path, key), before[key], after[key]) end
  for _, key in ipairs(added) do
    if before[key] == nil then difference(out, at(path, key), nil, after[key]) end
  end
end

--- The members in which two entries differ, as lines.
function try.differences(a, b)
  local out = {}
  differences(out, "", a, b)
  return out
end

-- ---- The hooks ------------------------------------------------------------------------------------------------------

local function report_problems(prompt, problems)
  for _, problem in ipairs(problems) do
    prompt:report(("%s failed: %s"):format(problem.hook, problem.message))
    if problem.traceback and problem.traceback:find "\n" then prompt:report(problem.traceback) end
  end
  return #problems > 0 and "error" or nil
end

local function say_enriched(prompt, text, result)
  local after = result.enriched and core.entry(result.enriched, true)
  if not after then return end
  local changed = try.differences(core.entry(text, true), after)
  if #changed == 0 then return prompt:say "enrich changes nothing" end
  prompt:say("enrich changes:")
  prompt:say(table.concat(changed, "\n"))
end

local function say(prompt, about, text, result)
  say_enriched(prompt, text, result)
  if result.matched ~= nil then
    prompt:say(result.matched and "match holds" or "match does not hold: later hooks do not see the entry")
  end
  if result.kept ~= nil then prompt:say("filter: " .. tostring(result.kept)) end
  if result.report then
    prompt:say "retrospective, over this one entry:"
    prompt:say((report.render(prompt.format == "markdown" and "markdown" or "text", { result.report },
      { entries = 1, sessions = 1 }, { width = prompt.width() or 100, color = prompt.color }):gsub("\n$", "")))
  end
  for _, hook in ipairs(about.hooks) do
    if hook == "import" then prompt:say "import reads files of other programs: `debrief import` runs it" end
  end
end

-- A worker with the plugin, and what it says of itself; or nil and a message.
local function load_plugin(prompt, given)
  local job, message = jobs.of_plugin(given.plugin, query.new { opt = given.opt, allow = given.allow })
  if not job then return nil, message end
  job.dir = prompt.log and prompt.log.dir
  local worker, about = jobs.worker(job)
  if not worker then return nil, about end
  return worker, about[job.plugins[1].name]
end

--- The command.
function try.run(prompt, argument)
  local given, found, message, worker, about, result
  given, message = parse(argument)
  if given then found, message = choose(prompt, given.place) end
  if found then
    worker, about = load_plugin(prompt, given)
    message = about
  end
  if worker then
    result, message = jobs.ask(worker, "one", { plugin = about.name, text = tostring(found.entry),
      session = found.session, line = found.line or 1 })
    worker:close()
  end
  if not result then
    prompt:report(message)
    return "error"
  end
  prompt:say(("%s on %s%s  %s"):format(about.name, escape(found.session), found.line and ":" .. found.line or "",
    escape(tostring(found.entry.skill or "-"))))
  say(prompt, about, tostring(found.entry), result)
  return report_problems(prompt, result.problems)
end

return try
