--- A query: which entries a question is about. One plain table, the same for scripts, C programs and commands, and
-- understood here only.
--
--     { sessions = "quay-*", since = "7d", where = 'skill == "review"', filter = "failed" }
--       -> { sessions = { "quay-*" }, since = ns, ["until"] = ns, where = text, filter = { "failed" }, now = ns, … }
--
-- The result is plain data, except for a `where` that is a function, so it can travel to workers. Window and lines are
-- tested by the readers in C, before any hook; an expression is the first filter, after every enricher.
-- @module debrief.query
local core = require "debrief.core"
local selectors = require "debrief.query.selectors"
local suggest = require "debrief.text.suggest"
local time = require "debrief.text.time"
local trim = require "debrief.text.trim"
local virtual = require "debrief.entry.virtual"

local query = {}

-- Loaded when there is an expression: each worker would load it, and what it needs, in vain.
local function where() return require "debrief.query.where" end

-- ---- Values --------------------------------------------------------------------------------------------------------

local function kind_of(value) return value == nil and "nothing" or core.type(value) end

local function wrong(key, wanted, value)
  return nil, ("%s must be %s, not %s"):format(key, wanted, kind_of(value))
end

-- "a,b" or { "a", "b" } as an array.
local function names(value, key)
  if type(value) == "table" then
    local out = {}
    for i, name in ipairs(value) do
      if type(name) ~= "string" then return wrong(("%s[%d]"):format(key, i), "a text", name) end
      out[i] = name
    end
    if next(value, #out > 0 and #out or nil) ~= nil then return wrong(key, "an array of texts", value) end
    return out
  end
  if type(value) ~= "string" then return wrong(key, "a text or an array of texts", value) end
  local out = {}
  for name in value:gmatch "[^,]+" do
    name = trim.both(name)
    if name ~= "" then out[#out + 1] = name end
  end
  if #out == 0 then return nil, ("%s is empty: name one, or leave it out"):format(key) end
  return out
end

-- { "limit=5" }, "limit=5" or { limit = 5 } as texts, sorted in the last case.
local function options(value, key)
  if type(value) ~= "table" or #value > 0 then return names(value, key) end
  local out = {}
  for name, setting in next, value do
    if type(name) ~= "string" then return wrong(key, "an array of texts or a table by name", value) end
    out[#out + 1] = ("%s=%s"):format(name, tostring(setting))
  end
  table.sort(out)
  return out
end

local function count(value, key)
  if math.type(value) == "integer" and value >= 1 then return value end
  return nil, ("%s must be an integer from 1 on, not %s"):format(key,
    type(value) == "number" and tostring(value) or kind_of(value))
end

local function truth(value, key)
  if type(value) == "boolean" then return value end
  return wrong(key, "true or false", value)
end

local function condition(value, key)
  if type(value) == "function" then return value end
  if type(value) ~= "string" then return wrong(key, "an expression or a function", value) end
  local ok, message = where().check(value)
  if not ok then return nil, "where: " .. message end
  return value
end

-- The values of a key of debrief.query.selectors. A text of grep and the path of a project may have commas.
local function selection(value, key)
  local list, message
  if type(value) == "string" and (key == "grep" or key == "project") then list = { value }
  else list, message = names(value, key) end
  if not list then return nil, message end
  if #list == 0 then return nil, ("%s is empty: name one, or leave it out"):format(key) end
  local ok, why = selectors.check(key, list)
  if not ok then return nil, why end
  return list
end

local function moment(value) return value end -- time.window understands both ends together

local KEYS = { sessions = names, session = names, since = moment, ["until"] = moment, before = moment,
  where = condition, enrich = names, filter = names, line = count, last = count, strict = truth, opt = options,
  allow = names }
for _, key in ipairs(selectors.keys) do KEYS[key] = selection end

-- In this order a query is checked, and the first thing that is wrong is reported.
local ORDER = { "sessions", "session", "since", "until", "before", "where", "enrich", "filter", "line", "last",
  "strict", "opt", "allow" }
table.move(selectors.keys, 1, #selectors.keys, #ORDER + 1, ORDER)

-- Two spellings of one key.
local SHORT = { session = "sessions", before = "until" }

-- ---- Whole queries -------------------------------------------------------------------------------------------------

-- The message for a key that nobody knows; nil when all are known.
local function unknown_key(given, door)
  local known, all = {}, {}
  for key in next, KEYS do all[#all + 1] = key end
  for _, key in ipairs(door or {}) do all[#all + 1] = key end
  for _, key in ipairs(all) do known[key] = true end
  table.sort(all)
  local wrong_keys = {}
  for key in next, given do
    if not known[key] then wrong_keys[#wrong_keys + 1] = tostring(key) end
  end
  if #wrong_keys == 0 then return nil end
  table.sort(wrong_keys)
  local near, hint = suggest(wrong_keys[1], all)
  return ("unknown key '%s'%s"):format(wrong_keys[1], near and hint or "; known are " .. table.concat(all, ", "))
end

-- The window of a query, in ns; both ends are nil where none was asked for.
local function set_window(q)
  if q.since == nil and q["until"] == nil then return true end
  local from, to = time.window(q.since, q["until"], q.now)
  if not from then return nil, to end
  q.since, q["until"] = from, to
  return true
end

--- Understand what was asked for.
-- @param given a query
-- @param door array of further keys that the caller takes itself, or nil
-- @return { sessions = array or nil for all, since =, ["until"] = ns or nil, where = text or function, line =, last =,
--   skill =, phase =, model =, project =, outcome =, grep = arrays or nil, strict = boolean, enrich =, filter =, opt =,
--   allow = arrays, now = the moment that times count from }; or nil, a message, and true when it is about a key that
--   is not known
function query.new(given, door)
  local fault = unknown_key(given, door)
  if fault then return nil, fault, true end
  local q = { strict = false, enrich = {}, filter = {}, opt = {}, allow = {}, now = core.now() }
  for _, key in ipairs(ORDER) do
    local name = SHORT[key] or key
    if given[key] ~= nil then
      if SHORT[key] and given[name] ~= nil then
        return nil, ("%s and %s mean the same: use one of them"):format(name, key)
      end
      local value, message = KEYS[key](given[key], key)
      if value == nil then return nil, message end
      q[name] = value
    end
  end
  if q.line and q.last then return nil, "line selects one line, last the latest entries: use one of them" end
  local ok, message = set_window(q)
  if not ok then return nil, message end
  return q
end

--- The part of a query that workers need, as plain data.
function query.plain(q)
  local expression = type(q.where) == "string" and q.where or nil
  local out = { since = q.since, ["until"] = q["until"], where = expression, strict = q.strict,
    gaps = q.gaps or expression and virtual.needs_gaps(expression) or false }
  for _, key in ipairs(selectors.keys) do out[key] = q[key] end
  return out
end

--- Do plugins have a say in which entries there are?
function query.has_plugins(q) return #q.enrich + #q.filter > 0 end

return query
