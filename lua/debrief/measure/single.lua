--- One thing to measure of a run, for analyses: a name, `rate(duration_ms > 60000)`, `median(usage.output_tokens)`,
-- `mean(#tools)`.
--
--     { kind = "rate", of = function(entry) -> true | false | nil }
--     { kind = "number", statistic = "median" or "mean", unit =, of = function(entry) -> number | nil }
-- @module debrief.measure.single
local asked = require "debrief.entry.asked"
local core = require "debrief.core"
local measures = require "debrief.entry.measures"
local suggest = require "debrief.text.suggest"
local trim = require "debrief.text.trim"
local value = require "debrief.measure.value"

local single = {}

local STATISTICS = { median = "median", p50 = "median", mean = "mean" }

local function wrong(text)
  local near = suggest(text, measures.names)
  return nil, near and ("a measure (did you mean '%s'?)"):format(near)
    or ("%s, or rate(E), median(E) or mean(E) of a field or an expression"):format(table.concat(measures.names, ", "))
end

local function checked(get, kind)
  return function(entry)
    local x = get(nil, entry)
    if x == nil or x == core.null then return nil end
    if type(x) ~= kind then error(("a %s is needed, not a %s"):format(kind, core.type(x)), 0) end
    return x
  end
end

--- @param text what the user wrote
-- @param globals what an expression sees besides fields
-- @return a measure; or nil and what it must be
function single.of(text, globals)
  text = trim.both(text)
  local known = measures.named(text)
  if known then return known end
  local name, inner = text:match "^(%w+)%s*%((.*)%)$"
  if value.comparison(text) then name, inner = "rate", text end
  if name ~= "rate" and not STATISTICS[name] then return wrong(text) end
  local get, message = value.of(inner, { names = asked.new(), globals = globals })
  if not get then return nil, "an expression (" .. message:match "^[^\n]*" .. ")" end
  if name == "rate" then return { kind = "rate", of = checked(get, "boolean") } end
  return { kind = "number", statistic = STATISTICS[name], unit = inner:find "_ms$" and "ms" or nil,
    of = checked(get, "number") }
end

return single
