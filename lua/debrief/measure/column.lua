--- The columns of a table: `runs`, `p50(duration_ms)`, `slow=rate(duration_ms > 60000)`.
--
-- A column keeps one aggregate for each group. What it counts is nil where there is nothing: that adds nothing.
-- @module debrief.measure.column
local agg = require "debrief.retro.aggregate"
local core = require "debrief.core"
local named = require "debrief.measure.named"
local suggest = require "debrief.text.suggest"
local trim = require "debrief.text.trim"
local value = require "debrief.measure.value"

local column = {}

-- ---- Functions ------------------------------------------------------------------------------------------------------

local function add(state, x) agg.add(state, x) end

local function add_dated(state, x, entry)
  if x ~= nil then agg.add(state, x, core.time(entry)) end
end

local function add_rate(state, x)
  if x ~= nil and type(x) ~= "boolean" then error("rate needs true or false, not a " .. core.type(x), 0) end
  agg.add(state, x)
end

local function add_count(state, x)
  if x then agg.add(state) end -- neither nil nor false
end

local function asked(state) return (agg.value(state)) end

-- The part of all groups that this one has, in percent.
local function share(state, total)
  local part, whole = agg.value(state), agg.value(total)
  return part and whole and whole ~= 0 and 100 * part / whole or nil
end

-- unit: "own" is that of what is computed; kind: the aggregate
local functions = {
  count = { kind = "count", unit = "count", state = agg.count, add = add_count, cell = asked, bare = true },
  rate = { kind = "rate", state = agg.rate, add = add_rate, cell = function(state) return state end },
  sum = { kind = "sum", unit = "own", state = agg.sum, add = add, cell = asked },
  mean = { kind = "mean", unit = "own", state = agg.mean, add = add, cell = asked },
  min = { kind = "min", unit = "own", state = agg.min, add = add, cell = asked },
  max = { kind = "max", unit = "own", state = agg.max, add = add, cell = asked },
  median = { kind = "quantiles", unit = "own", state = agg.quantiles, add = add, cell = asked },
  distinct = { kind = "distinct", unit = "count", state = agg.distinct, add = add,
    cell = function(state)
      local n, more = agg.value(state)
      return more and ("over %d"):format(n) or n
    end },
  first = { kind = "first", unit = "own", state = agg.first, add = add_dated, cell = asked },
  last = { kind = "last", unit = "own", state = agg.last, add = add_dated, cell = asked },
  share = { kind = "sum", unit = "percent", state = agg.sum, add = add, cell = share, bare = true },
}

local NAMES = { "count", "rate", "sum", "mean", "min", "max", "median", "distinct", "first", "last", "share", "p50" }

local function quantile(digits)
  local q = tonumber(digits) / 100
  return { kind = "quantiles", unit = "own", state = agg.quantiles, add = add,
    cell = function(state) return agg.quantile(state, q) end }
end

local function function_of(name)
  local digits = name:match "^p(%d%d?)$"
  return functions[name] or digits and tonumber(digits) > 0 and quantile(digits) or nil
end

-- ---- Units ----------------------------------------------------------------------------------------------------------

local function unit_of(text)
  if text:find "_ms$" then return "ms" end
  if text:find "_usd$" then return "usd" end
  if text:find "_bytes$" then return "bytes" end
  if text:find "_tokens$" then return "count" end
end

-- "p50(duration_ms)" as "p50 duration": the unit shows, and a title can break where it has a blank.
local function title_of(text, name, inner)
  if inner == "" then return name end
  if not value.is_way(inner) then return text end
  return name .. " " .. inner:gsub("_ms$", ""):gsub("_usd$", ""):gsub("_bytes$", ""):gsub("_", " ")
end

-- ---- Parsing --------------------------------------------------------------------------------------------------------

--- The parts of a list, at the commas that stand in no brackets and no quotes.
-- @return an array of texts without blanks around; or nil and a message
function column.split(text)
  local parts, depth, from, i = {}, 0, 1, 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == '"' or c == "'" then
      local stop = i + 1
      while stop <= #text and text:sub(stop, stop) ~= c do stop = stop + (text:sub(stop, stop) == "\\" and 2 or 1) end
      i = stop
    elseif c:find "[([{]" then depth = depth + 1
    elseif c:find "[)%]}]" then depth = depth - 1
    elseif c == "," and depth == 0 then
      parts[#parts + 1], from = text:sub(from, i - 1), i + 1
    end
    i = i + 1
  end
  parts[#parts + 1] = text:sub(from)
  for n, part in ipairs(parts) do
    parts[n] = trim.both(part)
    if parts[n] == "" then return nil, ("'%s' has an empty part: write a,b"):format(text) end
  end
  return parts
end

--- "slow=rate(x)" as its own name and the rest; no name without one.
function column.named(text)
  local name, rest = text:match "^([%a_][%w_]*)%s*=%f[^=]%s*(.+)$"
  if name and not rest:find "^=" then return name, rest end
  return nil, text
end

local function no_measure(text)
  if text:find "^[%a_][%w_]*%s*%([^)]*$" then return nil, ("'%s' lacks a closing bracket"):format(text) end
  local word = text:match "^[%w_]+" or text
  local known = {}
  for name in next, named do known[#known + 1] = name end
  table.sort(known)
  local names = table.move(NAMES, 1, #NAMES, #known + 1, table.move(known, 1, #known, 1, {}))
  local near, hint = suggest(word, names)
  if near then return nil, ("'%s' is not a measure%s"):format(text, hint) end
  return nil, ("'%s' is not a measure; there are %s, and FUNCTION(FIELD) with %s (p1 to p99)"):format(text,
    table.concat(known, ", "), table.concat(NAMES, ", "))
end

local function of_name(key, measure, each)
  if measure.whole and each then
    return nil, ("'%s' is of whole runs: it does not go with each=%s"):format(measure.name, each)
  end
  local attempt_items = each == "attempts"
  return { key = key or measure.name, title = key or measure.title, unit = measure.unit, run = measure.run or
    each ~= nil and not attempt_items, name = measure.name, state = measure.state, rate = measure.state == agg.rate,
    add = function(state, item, entry) measure.add(state, entry, attempt_items and item or nil) end,
    cell = function(state) if measure.state == agg.rate then return state end return asked(state) end }
end

local function of_function(key, text, kind, inner, context)
  local get, message
  if inner == "" then
    if not kind.bare then return nil, ("'%s' needs a field: %s(duration_ms)"):format(text, text:match "^%w+") end
    get = function() return kind == functions.share and 1 or true end
  else
    get, message = value.of(inner, context)
    if not get then return nil, message end
  end
  local unit = kind.unit
  if unit == "own" then unit = unit_of(inner) end
  return { key = key or text, title = key or title_of(text, text:match "^%w+", inner), unit = unit,
    kind = kind.kind, inner = inner, state = kind.state, rate = kind.state == agg.rate, cell = kind.cell,
    add = function(state, item, entry) kind.add(state, get(item, entry), entry) end }
end

--- One column.
-- @param text "runs", "p50(duration_ms)", "slow=rate(duration_ms > 60000)"
-- @param context of debrief.measure.value
-- @return { key =, title =, unit =, run = true: it counts an entry once, name = of a measure that has one, kind = the
--   aggregate of a function, inner = what that is of, state = function() -> aggregate, rate = boolean, add =
--   function(state, item, entry), which may raise, cell = function(state, total) }; or nil and a message
function column.of(text, context)
  local key, rest = column.named(text)
  local name, inner = rest:match "^([%a_][%w_]*)%s*%((.*)%)$"
  local kind = name and function_of(name)
  if kind then return of_function(key, rest, kind, trim.both(inner), context) end
  if named[rest] then return of_name(key, named[rest], context.each) end
  return no_measure(rest)
end

return column
