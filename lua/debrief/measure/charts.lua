--- The rows of a table as charts: one for each column that is counted, in the units of which it is drawn.
-- @module debrief.measure.charts
local agg = require "debrief.retro.aggregate"
local chart = require "debrief.report.chart"
local period = require "debrief.text.period"

local charts = {}

charts.types = { "line", "bar", "stack", "heat" }

local function name_of(one)
  if one.others then return "(others)" end
  local parts = {}
  for i, key in ipairs(one.keys) do parts[i] = key == "" and "-" or tostring(key) end
  return table.concat(parts, " ")
end

-- The places of the axis, and which row is at each: all periods where the first key is one, also those without rows.
local function places(t, acc, list)
  local kind = #t.by == 1 and period.formats[t.by[1].way] and t.by[1].way
  local names, rows = {}, {}
  if not kind or not acc.first then
    for i, one in ipairs(list) do names[i], rows[i] = name_of(one), one end
    return names, rows, "category"
  end
  local by_name = {}
  for _, one in ipairs(list) do by_name[name_of(one)] = one end
  for i, name in ipairs(period.list(kind, acc.first, acc.last)) do names[i], rows[i] = name, by_name[name] end
  return names, rows, "time"
end

local function put(column, series, i, state, total)
  if not state then return end
  local cell = column.cell(state, total)
  if column.rate then chart.put_rate(series, i, cell, agg.wilson)
  elseif type(cell) == "number" then series.values[i] = cell end
end

local function one_chart(t, kind, at, axis, rows, total, keys)
  local column, list = t.show[at], {}
  for _, key in ipairs(keys or { false }) do
    local series = { name = key and (key == "" and "-" or tostring(key)) or column.title, values = {} }
    for i in ipairs(axis.values) do
      local row = rows[i] and rows[i].row
      local part, whole = row, total
      if key then part, whole = row and row.across.groups[key], total.across.groups[key] end
      if part then put(column, series, i, part.cells[at], whole.cells[at]) end
    end
    list[#list + 1] = series
  end
  return { title = column.title, type = kind, x = axis, series = list,
    unit = column.rate and "share" or column.unit, text = true }
end

--- @param t the definition
-- @param acc what was counted
-- @param list, total of debrief.measure.groups.rows; keys of groups.across, or nil
-- @return an array of charts as a report takes them
function charts.of(t, acc, list, total, keys)
  local names, rows, kind = places(t, acc, list)
  if #names == 0 then return nil end
  local out = {}
  for at in ipairs(t.show) do
    local axis = { title = t.by[1].key, type = kind, values = names }
    out[at] = one_chart(t, t.chart, at, axis, rows, total, keys)
  end
  return out
end

return charts
