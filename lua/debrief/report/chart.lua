--- Charts of a report, checked and brought into one form.
--
--     { title =, type = "line", x = { title =, type = "time", values = { "2026-W46", "2026-W47" } },
--       series = { { name = "review", values = { 0.5, nil }, low =, high =, n = } }, unit = "share", note = }
--
-- Each series has a place for each value of x; nil or null is a gap. `low` and `high` are the ends of an interval, `n`
-- how many cases a value rests on. heat: a series is a row. dots: of categories a row for each, with its interval; else
-- a point for each number. Numbers on an axis of time are milliseconds since 1970. `marks` =
-- { { at = place of x, text = } } are lines across a chart, `base` is the value that means no difference, and with
-- `text` = true a terminal shows the chart without being asked for charts.
-- @module debrief.report.chart
local plain = require "debrief.retro.aggregate.plain"

local chart = {}

chart.types = { "line", "bar", "stack", "heat", "dots" }

--- What a chart may have.
chart.SERIES, chart.PLACES = 64, 10000

local MARKS = 20

local KNOWN_TYPE = { line = true, bar = true, stack = true, heat = true, dots = true }
local KNOWN_X = { time = true, category = true, number = true }
local nothing = plain.nothing

-- Texts and numbers of an axis.
local function axis(x, where, tools)
  if type(x) ~= "table" or type(x.values) ~= "table" then
    tools.fault(where .. ".x", "must be { title =, type =, values = }, and is %s", tools.describe(x))
    return { type = "category", values = {} }
  end
  tools.keys(x, "axis", where .. ".x")
  local kind = nothing(x.type) and "category" or x.type
  if not KNOWN_X[kind] then
    tools.fault(where .. ".x.type", 'must be "time", "category" or "number", and is %s', tools.describe(kind))
  end
  local out = { title = tools.text(x.title, where .. ".x.title"), type = kind, values = {} }
  for i = 1, tools.kept(#x.values, chart.PLACES, where, "places") do
    local value = x.values[i]
    if type(value) ~= "string" and type(value) ~= "number" then
      tools.fault(("%s.x.values[%d]"):format(where, i), "must be a text or a number, and is %s", tools.describe(value))
    elseif kind == "number" and type(value) ~= "number" then
      tools.fault(("%s.x.values[%d]"):format(where, i), "must be a number, and is %s", tools.describe(value))
    end
    out.values[i] = type(value) == "string" and tools.cut(value) or value
  end
  return out
end

-- The numbers of one list of a series, at most `places` of them, with gaps.
local function numbers(list, places, where, tools)
  local out = {}
  if type(list) ~= "table" then
    if not nothing(list) then tools.fault(where, "must be an array of numbers, and is %s", tools.describe(list)) end
    return out
  end
  for key, value in next, list do
    if math.type(key) ~= "integer" or key < 1 then
      tools.fault(where, "has the key %s: number its values 1, 2, 3 …", tostring(key))
      break
    elseif not nothing(value) and type(value) ~= "number" then
      tools.fault(("%s[%d]"):format(where, key), "must be a number or nil, and is %s", tools.describe(value))
    elseif key <= places and type(value) == "number" and value - value == 0 then
      out[key] = value
    elseif key > places and not nothing(value) then
      tools.fault(where, "has %d values, x has %d", key, places)
      break
    end
  end
  return out
end

local function series_of(one, places, where, tools)
  if type(one) ~= "table" or type(one.values) ~= "table" then
    tools.fault(where, "must be { name =, values = }, and is %s", tools.describe(one))
    return { name = "", values = {} }
  end
  tools.keys(one, "series", where)
  local out = { name = tools.text(one.name, where .. ".name", true) or "" }
  out.values = numbers(one.values, places, where .. ".values", tools)
  for _, list in ipairs { "low", "high", "n" } do
    if not nothing(one[list]) then out[list] = numbers(one[list], places, where .. "." .. list, tools) end
  end
  return out
end

local function marks_of(value, places, where, tools)
  if nothing(value) then return nil end
  local out = {}
  local list = type(value) == "table" and value or {}
  for i = 1, tools.kept(#list, MARKS, where, "marks") do
    local one, at = list[i], ("%s[%d]"):format(where, i)
    if type(one) ~= "table" or math.type(one.at) ~= "integer" or one.at < 1 or one.at > places then
      tools.fault(at, "must be { at = a place of x, text = }, and is %s", tools.describe(one))
    else
      tools.keys(one, "mark", at)
      out[#out + 1] = { at = one.at, text = tools.text(one.text, at .. ".text", true) or "" }
    end
  end
  return out[1] and out
end

--- @param tools { fault(where, what, …), describe(value), keys(table, kind, where), text(value, where, required),
--   cut(text), kept(n, limit, where, what) } of debrief.report.check
-- @return the chart in its normalised form
function chart.check(value, where, tools)
  if type(value) ~= "table" then
    return tools.fault(where, "must be { title =, type =, x =, series = }, and is %s", tools.describe(value))
  end
  tools.keys(value, "chart", where)
  if not KNOWN_TYPE[value.type] then
    tools.fault(where .. ".type", "must be one of %s, and is %s", table.concat(chart.types, ", "),
      tools.describe(value.type))
  end
  local out = { title = tools.text(value.title, where .. ".title"), type = value.type,
    unit = tools.text(value.unit, where .. ".unit"), note = tools.text(value.note, where .. ".note"), series = {} }
  out.x = axis(value.x, where, tools)
  out.marks = marks_of(value.marks, #out.x.values, where .. ".marks", tools)
  if type(value.base) == "number" then out.base = value.base
  elseif not nothing(value.base) then
    tools.fault(where .. ".base", "must be a number, and is %s", tools.describe(value.base))
  end
  out.text = value.text == true or nil
  local list = type(value.series) == "table" and value.series or {}
  if #list == 0 then tools.fault(where .. ".series", "must name at least one series") end
  for i = 1, tools.kept(#list, chart.SERIES, where, "series") do
    out.series[i] = series_of(list[i], #out.x.values, ("%s.series[%d]"):format(where, i), tools)
  end
  return out
end

--- A rate as the value of a chart with the unit "share": put its share, interval and number at place `i` of a series.
-- @param wilson function(rate) -> low, high
function chart.put_rate(series, i, rate, wilson)
  if not rate or rate.den == 0 then return end
  series.low, series.high, series.n = series.low or {}, series.high or {}, series.n or {}
  series.values[i], series.n[i] = rate.num / rate.den, rate.den
  local low, high = wilson(rate)
  series.low[i], series.high[i] = rate.num > 0 and low or 0.0, rate.num < rate.den and high or 1.0
end

-- ---- Tables as charts -------------------------------------------------------------------------------------------

-- The columns of a table that a chart draws: those that are named, else all with numbers or rates, but for the first
-- and for counts of what there is (the unit "of").
local function drawn(spec, t)
  local wanted, out = {}, {}
  for _, key in ipairs(type(spec.columns) == "table" and spec.columns or {}) do wanted[key] = true end
  for c = 2, #t.columns do
    local kind
    for _, row in ipairs(t.rows) do
      local cell = row[c]
      kind = kind or type(cell) == "table" and cell.num and "rate" or type(cell) == "number" and "number" or nil
    end
    local is_wanted = wanted[t.columns[c].key] or not spec.columns and t.columns[c].unit ~= "of"
    if kind and is_wanted then out[#out + 1] = { at = c, kind = kind } end
  end
  return out
end

-- The rows from `first` on in which one of the columns has a value, at most `limit`; how many there are, and how many
-- have none.
local function drawn_rows(t, columns, first, limit)
  local rows, all, empty = {}, 0, 0
  for r = first, #t.rows do
    local has_value = false
    for _, one in ipairs(columns) do
      local cell = t.rows[r][one.at]
      has_value = has_value or type(cell) == "number" or type(cell) == "table" and cell.num and cell.den > 0
    end
    if has_value then all = all + 1 else empty = empty + 1 end
    if has_value and #rows < limit then rows[#rows + 1] = t.rows[r] end
  end
  return rows, all, empty
end

local function note_of(spec, shown, all, empty)
  local parts = { spec.note }
  if shown < all then parts[#parts + 1] = ("The first %d of %d."):format(shown, all) end
  if empty > 0 then parts[#parts + 1] = ("Without data: %d."):format(empty) end
  return parts[1] and table.concat(parts, " ")
end

--- What a table says of itself as a chart: `chart = "bar"`, or { type =, title =, note =, columns = keys, first = row,
-- limit = rows }. The first column names the places; the columns that are drawn have the kind and unit of the first.
-- @param t a checked table
-- @return a chart, for chart.check; nil where there are not two rows to compare
function chart.of_table(spec, t, wilson)
  spec = type(spec) == "table" and spec or { type = spec }
  local columns = drawn(spec, t)
  local limit = math.tointeger(spec.limit) or #t.rows
  local rows, all, empty = drawn_rows(t, columns, math.tointeger(spec.first) or 1, limit)
  if #rows < 2 then return nil end
  local unit = columns[1].kind == "rate" and "share" or t.columns[columns[1].at].unit
  local out = { type = spec.type, title = spec.title or t.title, series = {}, unit = unit,
    note = note_of(spec, #rows, all, empty), x = { title = t.columns[1].title, type = "category", values = {} } }
  for i, row in ipairs(rows) do
    local key = row[1]
    out.x.values[i] = type(key) == "number" and key or key ~= nil and tostring(key) or "-"
  end
  for _, one in ipairs(columns) do
    local column = t.columns[one.at]
    local series = { name = column.title, values = {} }
    for i, row in ipairs(one.kind == columns[1].kind and (one.kind == "rate" or column.unit == unit) and rows or {}) do
      local cell = row[one.at]
      if type(cell) == "table" then chart.put_rate(series, i, cell, wilson) else series.values[i] = cell end
    end
    if next(series.values) then out.series[#out.series + 1] = series end
  end
  return out
end

return chart
