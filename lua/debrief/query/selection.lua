--- Which entries a job is about: a window of time, an expression, a line. Plain data, so that it travels to workers.
--
--     { since = "last week", where = 'skill == "review"' }  ->  { since = ns, ["until"] = ns, where = text }
--
-- Window and line are judged by the readers in C, before any hook; the expression is the first filter, behind every
-- enricher. An entry without a timestamp is in no window, and counted.
-- @module debrief.query.selection
local core = require "debrief.core"
local names = require "debrief.entry.asked"
local time = require "debrief.text.time"

local selection = {}

local DAY = 86400 * 1000000000

-- Loaded when there is an expression: each worker would load it and what it needs for nothing.
local function where() return require "debrief.query.where" end

--- Understand what was asked for.
-- @param given { since =, ["until"] = times as debrief.time takes them, where = an expression, line = a number }
-- @param now the moment that relative times count from
-- @return a selection, empty for everything; or nil and a message
function selection.of(given, now)
  local out = { where = given.where, line = given.line }
  if given.where then
    local ok, message = where().check(given.where)
    if not ok then return nil, "where: " .. message end
  end
  if given.since ~= nil or given["until"] ~= nil then
    local from, to = time.window(given.since, given["until"], now)
    if not from then return nil, to end
    out.since, out["until"] = from, to
  end
  return out
end

--- Mark the sessions that need not be opened: the file was last written before the window began, so every entry in it
-- was. Clocks lie by less than a day, or the file is opened.
-- @param sessions array of { path = }; those get old = true
function selection.mark_old(chosen, sessions)
  if not chosen.since or chosen.since < math.mininteger + DAY then return end
  for _, item in ipairs(sessions) do
    local stat = core.stat(item.path)
    item.old = stat ~= nil and stat.kind == "file" and stat.mtime < chosen.since - DAY
  end
end

--- What a reader is opened with.
function selection.reader_options(chosen, strict)
  return { strict = strict, since = chosen.since, ["until"] = chosen["until"], line = chosen.line }
end

--- The expression as a plugin with a filter, to stand first in the chain.
-- @return the hook, and the names it asks entries for
function selection.hook(chosen, log)
  local filter, asked = where().filter(chosen.where, log)
  return { table = { name = "where", filter = filter }, path = "where", ctx = {} }, asked
end

--- Problems of the expression, in its own words.
function selection.explain(problems)
  for _, problem in ipairs(problems) do
    if problem.plugin == "where" then
      problem.message, problem.traceback = where().message(problem.message), nil
    end
  end
end

--- Notes about what was not found: entries that no window could judge, and names no entry had.
-- @param result with untimed = a number, names = the state of debrief.entry.asked; both may be nil
-- @return an array of texts
function selection.notes(result)
  local out = {}
  local n = result.untimed or 0
  if n > 0 then
    out[1] = ("%d %s no timestamp and %s in no window"):format(n, n == 1 and "entry has" or "entries have",
      n == 1 and "is" or "are")
  end
  for _, one in ipairs(result.names and names.unknown(result.names) or {}) do
    out[#out + 1] = ("no entry has a field '%s'%s"):format(one.name,
      one.near and (": did you mean '%s'?"):format(one.near) or "")
  end
  return out
end

return selection
