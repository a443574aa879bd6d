--- The rows of a report's tables by the names of their columns: what a gate judges.
--
--     skill   runs  passed       skill   median_ms
--     review    20  12/20        review      38000      ->  { runs = 20, passed = { 12, 20 }, median_ms = 38000 }
--
-- A row is known by its leading columns of text. Tables of one report that begin with the same column are about the
-- same things: their rows are one.
-- @module debrief.report.records
local escape = require "debrief.text.escape"
local values = require "debrief.text.values"

local records = {}

--- The name of the row in which a table adds up what a limit leaves out.
records.OTHERS = "(others)"

--- How many leading columns of a table are text: its rows are known by these.
function records.keys(t)
  local n = 0
  while t.columns[n + 1] and not values.numeric(t.rows, n + 1) do n = n + 1 end
  return n
end

local function name_of(row, keys)
  local name = {}
  for i = 1, keys do name[i] = row[i] == nil and "-" or tostring(row[i]) end
  return table.concat(name, " ")
end

--- The records of a checked report.
-- @return array of { name =, cells = key -> cell, columns = key -> true, keys = the keys in order }
function records.of(report)
  local out, by = {}, {}
  for at, t in ipairs(report.tables) do
    local keys = records.keys(t)
    local kind = keys == 1 and t.columns[1].key or at -- only rows with one key are joined
    by[kind] = by[kind] or {}
    for i, row in ipairs(t.rows) do
      local name = keys > 0 and name_of(row, keys) or #t.rows == 1 and report.title or ("row %d"):format(i)
      local record = by[kind][name]
      if not record then
        record = { name = escape(name), cells = {}, columns = {}, keys = {} }
        by[kind][name], out[#out + 1] = record, record
      end
      for c, column in ipairs(t.columns) do
        if not record.columns[column.key] then
          record.keys[#record.keys + 1], record.columns[column.key] = column.key, true
          record.cells[column.key] = row[c]
        end
      end
    end
  end
  return out
end

return records
