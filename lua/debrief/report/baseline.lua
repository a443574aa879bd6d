--- Reports beside those of an earlier state: what every number was before.
-- @module debrief.report.baseline
local records = require "debrief.report.records"
local values = require "debrief.text.values"

local baseline = {}

baseline.SUFFIX = ".before"

local function name_of(row, keys)
  local name = {}
  for i = 1, keys do name[i] = tostring(row[i]) end
  return table.concat(name, "\0")
end

local function same_columns(a, b)
  if #a.columns ~= #b.columns then return false end
  for i, column in ipairs(a.columns) do if column.key ~= b.columns[i].key then return false end end
  return true
end

-- The rows of the earlier table by name.
local function rows_by_name(t, keys)
  local out = {}
  for _, row in ipairs(t.rows) do out[name_of(row, keys)] = row end
  return out
end

-- Put a column of earlier values after each column of numbers. Returns the names of rows that only the earlier one
-- has.
local function join_table(now, before)
  local keys = math.min(records.keys(now), records.keys(before))
  if #now.rows == 0 then keys = records.keys(before) end
  local earlier, columns, rows, left = rows_by_name(before, keys), {}, {}, {}
  for r in ipairs(now.rows) do rows[r] = {} end
  for i, column in ipairs(now.columns) do
    columns[#columns + 1] = column
    for r, row in ipairs(now.rows) do rows[r][#columns] = row[i] end
    if i > keys and values.numeric(now.rows, i) then
      columns[#columns + 1] = { key = column.key .. baseline.SUFFIX, title = "before", unit = column.unit }
      for r, row in ipairs(now.rows) do
        local old = earlier[name_of(row, keys)]
        rows[r][#columns] = old and old[i]
      end
    end
  end
  for _, row in ipairs(now.rows) do earlier[name_of(row, keys)] = nil end
  for _, row in ipairs(before.rows) do
    if earlier[name_of(row, keys)] then left[#left + 1] = name_of(row, keys):gsub("%z", " ") end
  end
  now.columns, now.rows = columns, rows
  return left
end

--- Join reports with earlier ones of the same plugins, in place.
-- @param reports checked reports
-- @param before checked reports
-- @return true; or nil and a message when a report has no counterpart
function baseline.join(reports, before)
  local by_plugin = {}
  for _, report in ipairs(before) do by_plugin[report.plugin] = report end
  for _, report in ipairs(reports) do
    local earlier = by_plugin[report.plugin]
    if not earlier then return nil, ("has nothing of '%s'"):format(report.plugin) end
    for i, t in ipairs(report.tables) do
      local old = earlier.tables[i]
      if old and same_columns(t, old) then
        local left = join_table(t, old)
        if left[1] then
          report.text = (report.text and report.text .. "\n" or "")
            .. ("Only in the baseline: %s."):format(table.concat(left, ", "))
        end
      end
    end
  end
  return true
end

return baseline
