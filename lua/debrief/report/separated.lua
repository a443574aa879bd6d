--- Reports as tables for other programs: CSV and TSV, values as they are, no units and no rounding.
--
--     skill,runs,passed,passed.num,passed.den        a rate has three columns: its share, of what, and of how many
--     review,12,0.75,9,12
--
-- Columns are named by their keys. No data is empty. Several tables are separated by an empty line, and each then
-- begins with a line with its title. A report without tables has its findings as a table.
-- @module debrief.report.separated
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local values = require "debrief.text.separated"

local separated = {}

local function number(x)
  if x - x ~= 0 then return "" end
  return math.type(x) == "integer" and ("%d"):format(x) or core.encode(x)
end

local function spark(item)
  local out = {}
  for i = 1, item.n do out[i] = item[i] and number(item[i]) or "" end
  return table.concat(out, " ")
end

-- Has a column rates? A table without rows shows it by the unit only.
local function has_rates(t, i)
  for _, row in ipairs(t.rows) do
    if type(row[i]) == "table" and row[i].num then return true end
  end
  return t.columns[i].unit == "of"
end

-- The fields of a cell as texts, each with whether it is a text of its own.
local function fields_of(cell, is_rate, add)
  if type(cell) == "table" and cell.num then
    add(cell.den > 0 and number(cell.num / cell.den) or "")
    add(number(cell.num))
    add(number(cell.den))
    return
  end
  if cell == nil then add ""
  elseif type(cell) == "number" then add(number(cell))
  elseif type(cell) == "table" then add(spark(cell.spark))
  else add(escape(tostring(cell), "\n\t"), type(cell) == "string") end
  if is_rate then
    add ""
    add ""
  end
end

-- Lines of records, each an array that `fill` adds values to.
local function liner(form, out)
  local value_of, mark = values[form], values.marks[form]
  return function(fill)
    local record = {}
    fill(function(text, is_text) record[#record + 1] = value_of(text, is_text) end)
    out[#out + 1] = table.concat(record, mark[1]) .. mark[2]
  end
end

local function one_table(t, line)
  local rates = {}
  for i in ipairs(t.columns) do rates[i] = has_rates(t, i) end
  line(function(add)
    for i, column in ipairs(t.columns) do
      local key = escape(column.key)
      add(key, true)
      if rates[i] then
        add(key .. ".num", true)
        add(key .. ".den", true)
      end
    end
  end)
  for _, row in ipairs(t.rows) do
    line(function(add)
      for i in ipairs(t.columns) do fields_of(row[i], rates[i], add) end
    end)
  end
end

-- The findings of a report as a table.
local function table_of_findings(report)
  local rows = {}
  for i, finding in ipairs(report.findings) do
    local places = {}
    for n, reference in ipairs(finding.references) do
      places[n] = ("%s:%d"):format(reference.session, reference.line)
    end
    rows[i] = { finding.value, finding.explanation, table.concat(places, " ") }
  end
  return { columns = { { key = "value" }, { key = "explanation" }, { key = "references" } }, rows = rows }
end

-- All tables of the reports, each with its title.
local function tables_of(reports)
  local out = {}
  for _, report in ipairs(reports) do
    local list = report.tables
    if #list == 0 and #report.findings > 0 then list = { table_of_findings(report) } end
    for _, t in ipairs(list) do
      local title = t.title and t.title ~= report.title and report.title .. ": " .. t.title or report.title
      out[#out + 1] = { t = t, title = #reports > 1 and title or t.title or report.title }
    end
  end
  return out
end

--- @param form "csv" or "tsv"
-- @param reports an array of checked reports
function separated.render(form, reports)
  local out, tables = {}, tables_of(reports)
  local line, mark = liner(form, out), values.marks[form]
  for i, one in ipairs(tables) do
    if i > 1 then out[#out + 1] = mark[2] end
    if #tables > 1 then line(function(add) add(escape(one.title), true) end) end
    one_table(one.t, line)
  end
  return table.concat(out)
end

--- The names of reports that have findings beside their tables, which are not in here.
function separated.without(reports)
  local names = {}
  for _, report in ipairs(reports) do
    if #report.tables > 0 and #report.findings > 0 then names[#names + 1] = report.plugin end
  end
  return names
end

return separated
