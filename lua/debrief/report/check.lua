--- What a retrospective's finish returned, checked and brought into one form.
--
--     finish returned                              normalised
--     { title = "Skills",                          { plugin = "skills", title = "Skills", text = nil,
--       tables = {{                                  tables = {{ title = nil,
--         columns = { "skill",                         columns = {{ key = "skill", title = "skill" },
--                     { key = "p50", unit = "ms" } },             { key = "p50", title = "p50", unit = "ms" }},
--         rows = { { "review", 812.5 } } }} }          rows = {{ "review", 812.5 }} }}, findings = {} }
--
-- A cell is nil (no data), a boolean, an integer, a float, a string, a rate { num =, den = } or a row of numbers drawn
-- small { spark = { … } }, between low and high when it says so, else between its own least and largest. A report with
-- a defect is not shown at all: half a report looks like a whole one. One that is too large is cut, and says so: `cut`
-- is then an array of what was left out.
-- @module debrief.report.check
local chart = require "debrief.report.chart"
local escape = require "debrief.text.escape"
local plain = require "debrief.retro.aggregate.plain"
local statistics = require "debrief.statistics"

local check = {
  --- What a report may have: tables, rows of all of them together, columns of a table, bytes of a text, findings, and
  -- references of a finding.
  TABLES = 1000, ROWS = 10000, COLUMNS = 256, TEXT = 1 << 16, FINDINGS = 10000, REFERENCES = 1000,
  CHARTS = 100,
}

local MOST_DEFECTS = 100 -- that are kept
local MOST_CUT = 10 -- that are named one by one

local nothing = plain.nothing

local known = {
  report = "title, text, tables, charts and findings",
  chart = "title, type, x, series, unit, note, marks, base and text",
  ["table as a chart"] = "type, title, note, columns, first and limit",
  mark = "at and text",
  axis = "title, type and values",
  series = "name, values, low, high and n",
  table = "title, columns, rows and chart",
  column = "key, title, unit, align, cut and priority",
  finding = "value, explanation and references",
  reference = "session and line",
}

local aligns = { left = true, right = true, center = true }
local cuts = { left = true, right = true, never = true }

-- Defects are collected, so that an author sees them all at once. With them travels what was cut: cut = texts,
-- more_cut = how many of these were not kept, texts_cut = how many texts were too long, rows = how many more there may
-- be.
local function fault(defects, where, what, ...)
  defects.n = defects.n + 1
  if #defects < MOST_DEFECTS then defects[#defects + 1] = where .. " " .. what:format(...) end
end

-- How many of n items are kept, where at most `limit` may be.
local function kept(n, limit, where, what, defects)
  if n <= limit then return n end
  if #defects.cut < MOST_CUT then
    defects.cut[#defects.cut + 1] = ("%s has %d %s, of which the first %d are shown"):format(where, n, what, limit)
  else
    defects.more_cut = defects.more_cut + 1
  end
  return limit
end

-- A text that is not too long, ended between two characters.
local function kept_text(text, defects)
  if #text <= check.TEXT then return text end
  local last = check.TEXT
  while last > check.TEXT - 4 and text:find("^[\x80-\xbf]", last + 1) do last = last - 1 end
  defects.texts_cut = defects.texts_cut + 1
  return text:sub(1, last) .. "…"
end

-- A key as a message shows it.
local function shown(key)
  key = tostring(key)
  return escape(#key > 60 and key:sub(1, 60) .. "…" or key)
end

local function describe(value)
  if nothing(value) then return "missing" end
  if type(value) == "string" then return ("the string %q"):format(#value > 30 and value:sub(1, 30) .. "…" or value) end
  if type(value) == "number" or type(value) == "boolean" then return tostring(value) end
  return "a " .. type(value)
end

local function check_keys(t, kind, where, defects)
  for _, key in ipairs(plain.keys(t)) do
    if not (" " .. known[kind]:gsub(",", " ") .. " "):find(" " .. tostring(key) .. " ", 1, true) or key == "and" then
      fault(defects, where, "has the unknown key %s: a %s has %s", shown(key), kind, known[kind])
    end
  end
end

local function check_text(value, where, defects, required)
  if type(value) == "string" and (value ~= "" or not required) then return kept_text(value, defects) end
  if nothing(value) and not required then return nil end
  fault(defects, where, "must be a string%s, and is %s", required and " that is not empty" or "", describe(value))
end

-- An array is read from 1 to the first nil; anything else in the table is a defect.
local function check_array(value, where, defects)
  if nothing(value) then return {} end
  if type(value) ~= "table" then
    fault(defects, where, "must be an array, and is %s", describe(value))
    return {}
  end
  local n, wrong = #value, nil
  for key in next, value do
    local is_item = math.type(key) == "integer" and key >= 1 and key <= n
    if not is_item and (wrong == nil or plain.before(key, wrong)) then wrong = key end
  end
  if wrong == nil then return value end
  fault(defects, where, "must be an array, and has the key %s: number its items 1, 2, 3 …", shown(wrong))
  return {}
end

-- ---- Cells -------------------------------------------------------------------------------------------------------

local function check_rate(cell, where, defects)
  local num, den = cell.num, cell.den
  if type(num) == "number" and type(den) == "number" and num >= 0 and num <= den then
    return { num = num, den = den }
  end
  fault(defects, where, "is a rate with num %s and den %s: both must be numbers, and 0 <= num <= den", tostring(num),
    tostring(den))
end

local function check_spark(cell, where, defects)
  if type(cell.spark) ~= "table" then
    return fault(defects, where, "is a spark without an array: write { spark = { 1, 2, 3 } }")
  end
  local last = 0
  for key, value in next, cell.spark do
    if math.type(key) ~= "integer" or key < 1 or key > 10000 then
      return fault(defects, where .. ".spark", "has the key %s: number its values 1 to at most 10000", tostring(key))
    end
    if type(value) ~= "number" and not nothing(value) then
      return fault(defects, where .. ".spark[" .. key .. "]", "must be a number or nil, and is %s", describe(value))
    end
    last = math.max(last, key)
  end
  for _, edge in ipairs { "low", "high" } do
    if not nothing(cell[edge]) and type(cell[edge]) ~= "number" then
      return fault(defects, where .. "." .. edge, "must be a number or nil, and is %s", describe(cell[edge]))
    end
  end
  local spark = { n = last, low = tonumber(cell.low), high = tonumber(cell.high) }
  for i = 1, last do
    if not nothing(cell.spark[i]) then spark[i] = cell.spark[i] end
  end
  return { spark = spark }
end

local function check_cell(cell, where, defects)
  local kind = type(cell)
  if nothing(cell) then return nil end
  if kind == "boolean" or kind == "number" then return cell end
  if kind == "string" then return kept_text(cell, defects) end
  if kind == "userdata" then
    return fault(defects, where, "is part of an entry: use its fields, or tostring() of it")
  end
  if kind == "table" and cell.num ~= nil then return check_rate(cell, where, defects) end
  if kind == "table" and cell.spark ~= nil then return check_spark(cell, where, defects) end
  local hint = kind == "table" and cell.aggregate and " (ask the aggregate with aggregate.value)" or ""
  fault(defects, where, "is a %s: a cell is nil, a boolean, a number, a string, a rate { num =, den = } or " ..
    "{ spark = {…} }%s", kind, hint)
end

-- ---- Tables ------------------------------------------------------------------------------------------------------

local function check_column(column, where, defects)
  if type(column) == "string" then
    column = kept_text(column, defects)
    return { key = column, title = column }
  end
  if type(column) ~= "table" then
    fault(defects, where, "must be a name or { key =, title =, unit =, align =, cut =, priority = }, and is %s",
      describe(column))
    return { key = "", title = "" }
  end
  check_keys(column, "column", where, defects)
  local title = check_text(column.title, where .. ".title", defects)
  local key = check_text(column.key == nil and title or column.key, where .. ".key", defects, true)
  if not nothing(column.align) and not aligns[column.align] then
    fault(defects, where .. ".align", 'must be "left", "right" or "center", and is %s', describe(column.align))
  end
  if not nothing(column.cut) and not cuts[column.cut] then
    fault(defects, where .. ".cut", 'must be "left", "right" or "never", and is %s', describe(column.cut))
  end
  if not nothing(column.priority) and math.type(column.priority) ~= "integer" then
    fault(defects, where .. ".priority", "must be an integer, and is %s", describe(column.priority))
  end
  return {
    key = key or "", title = title or key or "", align = aligns[column.align] and column.align or nil,
    unit = check_text(column.unit, where .. ".unit", defects), cut = cuts[column.cut] and column.cut or nil,
    priority = math.type(column.priority) == "integer" and column.priority or nil,
  }
end

-- The columns, those of them by key, and how many there were.
local function check_columns(value, where, table_name, defects)
  local columns, seen = {}, {}
  local list = check_array(value, where, defects)
  local last = kept(#list, check.COLUMNS, table_name, "columns", defects)
  for i = 1, #list do
    local at = ("%s[%d]"):format(where, i)
    local column = check_column(list[i], at, defects)
    if i <= last then columns[i] = column end
    local key = column.key
    if seen[key] and key ~= "" then
      fault(defects, at, "has the key %q of column %d: each column needs its own", key, seen[key])
    end
    seen[key] = i
  end
  if #columns == 0 then fault(defects, where, "must name at least one column") end
  return columns, seen, #list
end

-- Keys of a row that no column reads. True when the row is by column key, not by number.
local function check_row_keys(row, most, by_key, where, defects)
  local cells, named = 0, false
  for _, key in ipairs(plain.keys(row)) do
    if math.type(key) == "integer" then
      cells = math.max(cells, key)
      if key < 1 then fault(defects, where, "has a cell %d: cells are numbered from 1", key) end
    elseif type(key) == "string" and by_key[key] then
      named = true
    else
      fault(defects, where, "has a cell named %s, and no column has this key", shown(key))
    end
  end
  if cells > most then
    fault(defects, where, "has %d cells, the table has %d columns: name the columns that are missing, or drop cells",
      cells, most)
  elseif cells > 0 and named then
    fault(defects, where, "has cells by number and by key: use one of the two")
  end
  return named
end

local function check_row(row, columns, most, by_key, where, defects)
  if type(row) ~= "table" then
    fault(defects, where, "must be a table of cells, and is %s", describe(row))
    return {}
  end
  local named = check_row_keys(row, most, by_key, where, defects)
  local cells = {}
  for i, column in ipairs(columns) do
    local key = named and column.key or i
    local at = named and ("%s.%s"):format(where, key) or ("%s[%d]"):format(where, i)
    cells[i] = check_cell(row[key], at, defects)
  end
  return cells
end

local function check_table(value, where, defects)
  if type(value) ~= "table" then
    return fault(defects, where, "must be { title =, columns =, rows = }, and is %s", describe(value))
  end
  check_keys(value, "table", where, defects)
  local columns, by_key, most = check_columns(value.columns, where .. ".columns", where, defects)
  local rows, list = {}, check_array(value.rows, where .. ".rows", defects)
  for i = 1, kept(#list, defects.rows, where, "rows", defects) do
    rows[i] = check_row(list[i], columns, most, by_key, ("%s.rows[%d]"):format(where, i), defects)
  end
  defects.rows = defects.rows - #rows
  return { title = check_text(value.title, where .. ".title", defects), columns = columns, rows = rows }
end

local function wilson(rate) return statistics.wilson(rate.num, rate.den) end

-- The charts that tables ask for, each with `of`, the place of its table.
local function charts_of(list, tables, check_one, defects)
  local out = {}
  for i, value in ipairs(type(list) == "table" and list or {}) do
    local spec, where = type(value) == "table" and value.chart or nil, ("tables[%d].chart"):format(i)
    if type(spec) == "table" then check_keys(spec, "table as a chart", where, defects) end
    if not nothing(spec) and tables[i] then
      if type(spec) ~= "string" and type(spec) ~= "table" then
        fault(defects, where, "must be a type of chart or a table, and is %s", describe(spec))
      else
        local made = chart.of_table(spec, tables[i], wilson)
        made = made and check_one(made, where)
        if made then
          made.of = i
          out[#out + 1] = made
        end
      end
    end
  end
  return out
end

-- ---- Findings ----------------------------------------------------------------------------------------------------

local function check_reference(value, where, defects)
  if type(value) ~= "table" then
    return fault(defects, where, "must be { session =, line = }, and is %s", describe(value))
  end
  local session, line = value.session or value[1], value.line or value[2]
  if type(session) ~= "string" or session == "" then
    fault(defects, where, "must name a session, and session is %s: take it from ctx.session", describe(session))
  elseif math.type(line) ~= "integer" or line < 1 then
    fault(defects, where, "must name a line from 1, and line is %s: take it from ctx.line", describe(line))
  end
  return { session = type(session) == "string" and kept_text(session, defects) or session, line = line }
end

local function check_finding(value, where, defects)
  if type(value) ~= "table" then
    return fault(defects, where, "must be { value =, explanation =, references = }, and is %s", describe(value))
  end
  check_keys(value, "finding", where, defects)
  local finding = { value = check_cell(value.value, where .. ".value", defects), references = {} }
  finding.explanation = check_text(value.explanation, where .. ".explanation", defects, true)
  local list = check_array(value.references, where .. ".references", defects)
  for i = 1, kept(#list, check.REFERENCES, where, "references", defects) do
    finding.references[i] = check_reference(list[i], ("%s.references[%d]"):format(where, i), defects)
  end
  if #finding.references == 0 then
    fault(defects, where, "cites no entry: set references = {{ session = ctx.session, line = ctx.line }} in step")
  end
  return finding
end

local function check_each(value, name, limit, check_one, defects)
  local out, list = {}, check_array(value, name, defects)
  for i = 1, kept(#list, limit, "the report", name, defects) do
    out[i] = check_one(list[i], ("%s[%d]"):format(name, i), defects)
  end
  return out
end

-- What was left out, as texts; nil if nothing was.
local function all_cut(defects)
  local cut = defects.cut
  if defects.more_cut > 0 then cut[#cut + 1] = ("%d more parts are too large"):format(defects.more_cut) end
  if defects.texts_cut > 0 then
    cut[#cut + 1] = ("%d texts are longer than %d KiB, of which the beginnings are shown"):format(defects.texts_cut,
      check.TEXT >> 10)
  end
  return cut[1] and cut or nil
end

-- What debrief.report.chart checks charts with.
local function chart_checker(defects)
  local tools = { describe = describe, cut = function(s) return kept_text(s, defects) end }
  function tools.fault(...) fault(defects, ...) end
  function tools.keys(t, kind, where) check_keys(t, kind, where, defects) end
  function tools.text(value, where, required) return check_text(value, where, defects, required) end
  function tools.kept(n, limit, where, what) return kept(n, limit, where, what, defects) end
  return function(value, where) return chart.check(value, where, tools) end
end

local function checked(value, plugin, defects)
  check_keys(value, "report", "the report", defects)
  local out = {
    plugin = plugin,
    title = check_text(value.title, "title", defects, true),
    text = check_text(value.text, "text", defects),
    tables = check_each(value.tables, "tables", check.TABLES, check_table, defects),
    findings = check_each(value.findings, "findings", check.FINDINGS, check_finding, defects),
  }
  local check_chart = chart_checker(defects)
  local charts = check_each(value.charts, "charts", check.CHARTS, check_chart, defects)
  table.move(charts_of(value.tables, out.tables, check_chart, defects), 1, check.CHARTS, #charts + 1, charts)
  if charts[1] then out.charts = charts end
  out.cut = all_cut(defects)
  return out
end

--- Check what `finish` of the plugin named `plugin` returned.
-- @return the report in its normalised form (a caller may set `incomplete`, the number of entries that failed in step);
-- or nil, one message, and an array of one message for each defect
function check.report(value, plugin)
  if type(value) ~= "table" then
    local hint = value == nil and " (did you forget return?)" or ""
    local message = ("finish must return a report { title =, tables =, findings = }, and returned %s%s")
      :format(value == nil and "nothing" or describe(value), hint)
    return nil, message, { message }
  end
  local defects = { n = 0, cut = {}, more_cut = 0, texts_cut = 0, rows = check.ROWS }
  local ok, out = pcall(checked, value, plugin, defects) -- a table of the plugin's may have a metatable: its _ENV
  if not ok then defects.n, defects[#defects + 1] = defects.n + 1, tostring(out) end
  if #defects == 0 then return out end
  local more = defects.n > 1 and (" (and %d more)"):format(defects.n - 1) or ""
  return nil, "finish returned a report that can not be shown: " .. defects[1] .. more, defects
end

return check
