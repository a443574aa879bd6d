--- Why a selection selects nothing: what each condition of it leaves, and what may have been meant.
--
--     entries -> counter: each condition by itself, and what only that one leaves out -> plain data -> text
--
-- An entry that one condition alone leaves out says which one to drop; where every entry fails several, their numbers
-- say how strict each is. The conditions are tested in a worker, since plugins are among them (debrief.run.worker).
-- @module debrief.query.why
local attempts_of = require "debrief.entry.attempts"
local core = require "debrief.core"
local keys = require "debrief.text.keys"
local outcome = require "debrief.entry.outcome"
local patterns = require "debrief.text.pattern"
local readers = require "debrief.query.reader"
local selectors = require "debrief.query.selectors"
local suggest = require "debrief.text.suggest"
local values = require "debrief.text.values"

local why = {}

why.MOST = 100000 -- entries that are looked at

local SHOWN = 5 -- values that are named

-- ---- The values that there are --------------------------------------------------------------------------------------

local function add(set, value)
  if type(value) == "string" and value ~= "" then set[value] = (set[value] or 0) + 1 end
end

local collect = {}

function collect.skill(entry, set)
  local name, source = entry.skill, entry.source
  add(set, name)
  local plugin = core.type(source) == "object" and source.plugin
  if name and type(plugin) == "string" then add(set, plugin .. ":" .. name) end
end

function collect.phase(entry, set) add(set, entry.phase) end

function collect.outcome(entry, set) add(set, (outcome(entry))) end

function collect.model(entry, set)
  local of = {}
  add(of, entry.model_used)
  for _, attempt in attempts_of(entry) do add(of, attempt.model) end
  for name in next, of do add(set, name) end
end

function collect.project(entry, set)
  local root = entry.project_root
  root = root and root:gsub("(.)/+$", "%1")
  add(set, root)
  local last = root and root:match "[^/]*$"
  if last ~= root then add(set, last) end
end

-- Does one of the values fit one of these?
local function fits(wanted, set)
  for _, value in ipairs(wanted) do
    if set[(value:gsub("(.)/+$", "%1"))] then return true end
    for known in pairs(patterns.is(value) and set or {}) do
      if patterns.matches(known, value) then return true end
    end
  end
  return false
end

local NAMES = { "skill", "phase", "model", "project" }

--- Look for what no entry of some sessions has.
-- @param log of core.log
-- @param items of debrief.query.sessions
-- @param q of debrief.query, which selected nothing
-- @return an array of texts such as "no entry has the skill 'reveiw': did you mean 'review'?"; empty for a long log
function why.missed(log, items, q)
  local sets, n, out = {}, 0, {}
  for _, key in ipairs(NAMES) do sets[key] = q[key] and {} end
  if not next(sets) then return out end
  local reader <close> = readers.sessions(items, { log = log })
  for entry in function() return (reader:next()) end do
    n = n + 1
    if n > why.MOST then return out end
    for key, set in next, sets do collect[key](entry, set) end
  end
  for _, key in ipairs(NAMES) do
    local set = sets[key]
    if set and not fits(q[key], set) then
      local value = q[key][1]
      local _, hint = suggest(value, keys.sorted(set))
      out[#out + 1] = ("no entry has the %s '%s'%s"):format(key, value, hint)
    end
  end
  return out
end

-- ---- Counting -------------------------------------------------------------------------------------------------------

--- The conditions of a query that need no plugin.
-- @param q a plain query: debrief.query.plain
-- @param named what sessions and lines are named: path -> true, or line -> true for some lines; nil for all
-- @return an array of { name = the key of the query, test = function(entry, session, line, path) -> boolean }
function why.conditions(q, named)
  local list = {}
  local function condition(name, test) list[#list + 1] = { name = name, test = test } end
  if named then
    condition("sessions", function(_, _, line, path)
      local lines = named[path]
      return lines == true or lines ~= nil and lines[line] or false
    end)
  end
  if q.since then
    condition("since", function(entry)
      local at = core.time(entry)
      return at ~= nil and at >= q.since
    end)
  end
  if q["until"] then
    condition("until", function(entry)
      local at = core.time(entry)
      return at ~= nil and at < q["until"]
    end)
  end
  for _, key in ipairs(selectors.keys) do
    if q[key] then condition(key, selectors.test(key, q[key])) end
  end
  return list
end

local function note_time(c, entry)
  local at = core.time(entry)
  if not at then c.untimed = c.untimed + 1
  else c.first, c.last = math.min(c.first or at, at), math.max(c.last or at, at) end
end

--- Count what conditions leave of entries.
-- @param conditions an array as why.conditions has it, perhaps with more
-- @return { add = function(entry, session, line, path) -> false for no more; result = { entries =, all = (that fit
--   all), conditions = array of { name =, fits =, only = (that only this one leaves out) }, values = { key ->
--   { value -> how often } }, sessions = { session -> how often } that only the named ones leave out, first =, last =
--   ns, untimed = } }
function why.counter(conditions)
  local c = { entries = 0, all = 0, untimed = 0, conditions = {}, values = {}, sessions = {} }
  for i, one in ipairs(conditions) do
    c.conditions[i] = { name = one.name, fits = 0, only = 0 }
    if collect[one.name] then c.values[one.name] = {} end
  end
  local function count(entry, session, line, path)
    local failed, last = 0, nil
    for i, one in ipairs(conditions) do
      if one.test(entry, session, line, path) then c.conditions[i].fits = c.conditions[i].fits + 1
      else failed, last = failed + 1, c.conditions[i] end
    end
    if failed == 0 then c.all = c.all + 1 end
    if failed ~= 1 then return end
    last.only = last.only + 1
    if last.name == "sessions" then add(c.sessions, session) end
  end
  return { result = c, add = function(entry, session, line, path)
    c.entries = c.entries + 1
    note_time(c, entry)
    for key, set in next, c.values do collect[key](entry, set) end
    count(entry, session, line, path)
    return c.entries < why.MOST
  end }
end

-- ---- In words -------------------------------------------------------------------------------------------------------

local function most_first(set)
  local list = {}
  for value in next, set do list[#list + 1] = value end
  table.sort(list, function(a, b)
    if set[a] ~= set[b] then return set[a] > set[b] end
    return a < b
  end)
  return list
end

-- "review 21, debug 7, and 3 more". A project by its last name, a skill by its bare one.
local function known(key, set)
  local list, out = most_first(set), {}
  for _, value in ipairs(list) do
    local short = key == "project" and value:match "[^/]*$" or key == "skill" and value:match "[^:]*$" or value
    if short == value or not set[short] then out[#out + 1] = ("%s %d"):format(value, set[value]) end
  end
  local more = #out - SHOWN
  for i = #out, SHOWN + 1, -1 do out[i] = nil end
  if more > 0 then out[#out + 1] = ("and %d more"):format(more) end
  return out[1] and table.concat(out, ", ")
end

local function times(c)
  if not c.first then return "no entry has a time" end
  local at = "%Y-%m-%d %H:%M"
  return ("times are from %s to %s%s"):format(core.date(at, c.first), core.date(at, c.last),
    c.untimed > 0 and (", and %d without one"):format(c.untimed) or "")
end

-- What would fit a condition that nothing fits.
local function hint(one, c, q)
  if one.name == "since" or one.name == "until" then return times(c) end
  if not c.values[one.name] then return nil end
  local set = c.values[one.name]
  local list = known(one.name, set)
  if not list then return ("no entry has a %s"):format(one.name) end
  local near = one.name ~= "outcome" and suggest(q[one.name][1], keys.sorted(set))
  return near and ("did you mean '%s'? The log has %s"):format(near, list) or "the log has " .. list
end

--- What was counted, as a text of several lines.
-- @param c the result of a counter
-- @param q a plain query
-- @param labels name of a condition -> what the user wrote
function why.text(c, q, labels)
  local seen = values.count(c.entries, "entry", "entries")
  if c.entries == 0 then return "why: the log has no entries" end
  local out, width = {}, 0
  out[1] = ("why: %s%s, and of these fit"):format(c.entries >= why.MOST and "the first " or "", seen)
  for _, one in ipairs(c.conditions) do width = math.max(width, utf8.len(labels[one.name] or one.name) or 0) end
  width = math.min(width, 40)
  local drop = {}
  for _, one in ipairs(c.conditions) do
    local label = labels[one.name] or one.name
    local more = one.fits == 0 and hint(one, c, q)
    out[#out + 1] = ("  %s%s  %d%s"):format(label, (" "):rep(width - (utf8.len(label) or width)), one.fits,
      more and ": " .. more or "")
    if one.only > 0 then drop[#drop + 1] = ("%d without %s"):format(one.only, label) end
  end
  if #c.conditions == 0 then out[1] = ("why: %s, and no condition"):format(seen)
  elseif c.all > 0 then out[#out + 1] = ("  all of them together: %d"):format(c.all)
  elseif drop[1] then out[#out + 1] = "  there would be " .. table.concat(drop, ", ")
  else out[#out + 1] = "  every entry fails two of them or more" end
  if next(c.sessions) then
    local list = most_first(c.sessions)
    out[#out + 1] = ("  in other sessions: %s%s"):format(table.concat(list, ", ", 1, math.min(#list, SHOWN)),
      #list > SHOWN and (", and %d more"):format(#list - SHOWN) or "")
  end
  return table.concat(out, "\n")
end

return why
