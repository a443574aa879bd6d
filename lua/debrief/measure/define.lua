--- The definition of a table, as a user or a plugin writes it, checked and understood.
--
--     { by = "skill, week", across =, each = "attempts", where =, show = "runs, passed", sort = "-runs", limit =,
--       min =, chart = "line" }
--
-- Lists are texts with commas or arrays of texts.
-- @module debrief.measure.define
local charts = require "debrief.measure.charts"
local column = require "debrief.measure.column"
local suggest = require "debrief.text.suggest"
local trim = require "debrief.text.trim"
local value = require "debrief.measure.value"

local define = {}

-- What is shown without a wish, of runs and of what `each` names.
local SHOW = {
  runs = "runs, passed, first_try, median(duration_ms)",
  attempts = "attempts, verified, median(duration_ms), lost",
  tools = "calls=count(), failed=rate(failed), time=sum(duration_ms), median(duration_ms)",
}

define.keys = { "across", "by", "chart", "each", "limit", "min", "show", "sort", "where" }

local BY = { runs = "skill", attempts = "model", tools = "name" }

local CHARTS = {}
for _, name in ipairs(charts.types) do CHARTS[name] = true end

local EACH = { attempts = true, tools = true }

local function list(given, what)
  if type(given) == "string" then return column.split(given) end
  if type(given) ~= "table" or #given == 0 then return nil, "must be a text or an array of texts" end
  local out = {}
  for i, item in ipairs(given) do
    if type(item) ~= "string" or item == "" then return nil, ("%s[%d] must be a text"):format(what, i) end
    out[i] = trim.both(item)
  end
  return out
end

-- "skill" or "family=skill:match …" as { key =, of = function(item, entry), text =, way = the text, of a plain way }.
local function group(text, context)
  local key, rest = column.named(text)
  local get, message = value.of(rest, context)
  if not get then return nil, message end
  return { key = key or rest, of = get, text = rest, way = value.is_way(rest) and rest or nil }
end

local function groups(given, context, what)
  local parts, message = list(given, what)
  if not parts then return nil, message end
  local out = {}
  for i, part in ipairs(parts) do
    out[i], message = group(part, context)
    if not out[i] then return nil, message end
  end
  return out
end

local function columns(given, context)
  local parts, message = list(given, "show")
  if not parts then return nil, message end
  local out = {}
  for i, part in ipairs(parts) do
    out[i], message = column.of(part, context)
    if not out[i] then return nil, message end
  end
  return out
end

-- Every key of the table once.
local function check_keys(t)
  local seen = {}
  for _, part in ipairs { t.by, t.show } do
    for _, one in ipairs(part) do
      if seen[one.key] then
        return nil, ("two columns are called '%s': give one a name, as in x=%s"):format(one.key, one.key)
      end
      seen[one.key] = true
    end
  end
  return seen
end

local function sort_of(text, seen)
  local down, key = text:match "^(-?)(.*)$"
  if seen[key] then return { key = key, down = down == "-" } end
  local keys = {}
  for name in next, seen do keys[#keys + 1] = name end
  table.sort(keys)
  local near, hint = suggest(key, keys)
  return nil, ("no column is called '%s'%s"):format(key, near and hint or "; there are " .. table.concat(keys, ", "))
end

local function count(given, least)
  local n = math.tointeger(tonumber(given))
  if n and n >= least then return n end
  return nil, ("must be an integer from %d on, not %s"):format(least, tostring(given))
end

local function unknown(given)
  for key in next, given do
    local known = false
    for _, name in ipairs(define.keys) do known = known or name == key end
    if not known then
      local near, hint = suggest(tostring(key), define.keys)
      return ("unknown key '%s'%s"):format(tostring(key), near and hint
        or "; known are " .. table.concat(define.keys, ", "))
    end
  end
end

local function parts_of(given, t, context)
  local failed, message
  local function take(name, result, why)
    if result == nil and not failed then failed, message = name, why end
    return result
  end
  t.by = take("by", groups(given.by or BY[given.each or "runs"], context, "by"))
  if given.across then
    local across, why = groups(given.across, context, "across")
    if across and #across > 1 then across, why = nil, "takes one field" end
    t.across = (take("across", across, why) or {})[1]
  end
  t.show = take("show", columns(given.show or SHOW[given.each or "runs"], context))
  if given.where then t.where = take("where", value.of(given.where, context)) end
  if given.limit then t.limit = take("limit", count(given.limit, 1)) end
  if given.min then t.min = take("min", count(given.min, 1)) end
  return failed, message
end

--- @param given the definition
-- @param globals what expressions see besides fields
-- @return { by =, across =, each =, show =, where =, condition = the text of
--   `where`, sort = { key =, down = }, limit =, min =, chart =, names = … };
--   or nil, the key at fault, and what is wrong with it
function define.of(given, globals)
  local wrong = unknown(given)
  if wrong then return nil, "table", wrong end
  if given.each and not EACH[given.each] then
    local near, hint = suggest(tostring(given.each), { "attempts", "tools" })
    return nil, "each", ("'%s' is not a list of an entry%s"):format(tostring(given.each),
      near and hint or "; there are attempts and tools")
  end
  if given.chart and not CHARTS[given.chart] then
    local near, hint = suggest(tostring(given.chart), charts.types)
    return nil, "chart", ("'%s' is not a chart%s"):format(tostring(given.chart), near and hint
      or "; there are " .. table.concat(charts.types, ", "))
  end
  local t = { each = given.each, chart = given.chart, condition = given.where, names = value.names() }
  local failed, message = parts_of(given, t, { names = t.names, globals = globals, each = given.each })
  if failed then return nil, failed, message end
  t.dated = t.across ~= nil or t.chart ~= nil -- periods without runs are shown, too
  local seen
  seen, message = check_keys(t)
  if not seen then return nil, "show", message end
  if given.sort then
    t.sort, message = sort_of(given.sort, seen)
    if not t.sort then return nil, "sort", message end
  end
  return t
end

return define
