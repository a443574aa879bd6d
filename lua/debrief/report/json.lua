--- Reports for programs: one JSON object, its keys in a fixed order.
--
--     {"entries":N,"sessions":N,"untimed"?:N,"reports":[{"plugin":…,"title":…,"text"?:…,"tables":[
--      {"title"?:…,"columns":[name…],"rows":[[…]…],"records":[{name:…}…]}],
--      "charts"?:[{"title"?:…,"type":…,"x":{"title"?:…,"type":…,"values":[…]},"unit"?:…,"note"?:…,
--        "marks"?:[{"at":…,"text":…}],"base"?:…,"series":[{"name":…,"values":[…],"low"?:[…],"high"?:[…],"n"?:[…]}]}],
--      "findings":[{"value":…,"explanation":…,"references":[{"session":…,"line":…}]}],
--      "incomplete"?:N,"lost"?:N,"cut"?:[text…]}],"diagnostics":[…]}
--
-- Columns are named by their keys; `records` are the rows with their cells by these names. No data, NaN and
-- infinities are null; a rate is {"num":…,"den":…,"rate":…|null}; a row of numbers drawn small is an array; integers
-- stay integers. What a terminal obeys, and what nobody sees, is written as \u.
-- @module debrief.report.json
local core = require "debrief.core"
local escape = require "debrief.text.escape"

local json = {}

local value

local function array(items, n, each)
  local out = {}
  for i = 1, n do out[i] = each(items[i]) end
  return "[" .. table.concat(out, ",") .. "]"
end

-- Members given as key, encoded value, key, encoded value …; one with the value false is left out.
local function object(...)
  local out, members = {}, { ... }
  for i = 1, #members, 2 do
    if members[i + 1] then out[#out + 1] = core.encode(members[i]) .. ":" .. members[i + 1] end
  end
  return "{" .. table.concat(out, ",") .. "}"
end

local function number(x)
  if x - x ~= 0 then return "null" end
  return math.type(x) == "integer" and ("%d"):format(x) or core.encode(x)
end

local function cell(item)
  if item == nil then return "null" end
  if type(item) == "number" then return number(item) end
  if type(item) ~= "table" then return core.encode(item) end
  if item.spark then return array(item.spark, item.spark.n, cell) end
  local rate = item.den > 0 and number(item.num / item.den) or "null"
  return object("num", number(item.num), "den", number(item.den), "rate", rate)
end

local function optional(text)
  return text ~= nil and core.encode(text)
end

-- A row by the keys of its columns.
local function record_of(columns)
  return function(row)
    local members = {}
    for i, column in ipairs(columns) do
      members[2 * i - 1], members[2 * i] = column.key, cell(row[i])
    end
    return object(table.unpack(members))
  end
end

local function table_of(t)
  return object(
    "title", optional(t.title),
    "columns", array(t.columns, #t.columns, function(column) return core.encode(column.key) end),
    "rows", array(t.rows, #t.rows, function(row) return array(row, #t.columns, cell) end),
    "records", array(t.rows, #t.rows, record_of(t.columns)))
end

local function reference(r)
  return object("session", core.encode(r.session), "line", number(r.line))
end

local function finding(f)
  return object(
    "value", cell(f.value),
    "explanation", core.encode(f.explanation),
    "references", array(f.references, #f.references, reference))
end

-- Numbers with gaps; false without a list.
local function holed(list, n)
  return list ~= nil and array(list, n, function(x) return x == nil and "null" or number(x) end)
end

local function chart(c)
  local n = #c.x.values
  return object(
    "title", optional(c.title),
    "type", core.encode(c.type),
    "x", object("title", optional(c.x.title), "type", core.encode(c.x.type), "values", array(c.x.values, n, value)),
    "series", array(c.series, #c.series, function(one)
      return object("name", core.encode(one.name), "values", holed(one.values, n), "low", holed(one.low, n),
        "high", holed(one.high, n), "n", holed(one.n, n))
    end),
    "unit", optional(c.unit),
    "note", optional(c.note),
    "marks", c.marks and array(c.marks, #c.marks, function(mark)
      return object("at", value(c.x.values[mark.at]), "text", core.encode(mark.text))
    end),
    "base", c.base ~= nil and number(c.base))
end

local function report(r)
  return object(
    "plugin", optional(r.plugin),
    "title", core.encode(r.title),
    "text", optional(r.text),
    "tables", array(r.tables, #r.tables, table_of),
    "charts", r.charts and array(r.charts, #r.charts, chart),
    "findings", array(r.findings, #r.findings, finding),
    "incomplete", (r.incomplete or 0) > 0 and number(r.incomplete), "lost", (r.lost or 0) > 0 and number(r.lost),
    "cut", r.cut and array(r.cut, #r.cut, core.encode))
end

-- Diagnostics come from several places, each with its own fields; those that are known stand first, in this order.
local first = {
  "file", "session", "line", "byte", "offset", "kind", "plugin", "hook", "message", "count", "traceback",
}

local function diagnostic(d)
  if type(d) ~= "table" then return value(d) end
  local members, seen = {}, {}
  local function put(key)
    if seen[key] or d[key] == nil then return end
    seen[key] = true
    members[#members + 1] = key
    members[#members + 1] = value(d[key])
  end
  for _, key in ipairs(first) do put(key) end
  local others = {}
  for key in next, d do
    if type(key) == "string" and not seen[key] then others[#others + 1] = key end
  end
  table.sort(others)
  for _, key in ipairs(others) do put(key) end
  return object(table.unpack(members))
end

function value(x)
  if type(x) == "number" then return number(x) end
  return core.encode(x)
end

--- @param reports an array of checked reports
-- @param counts { entries =, sessions =, untimed = with a window of time }
-- @param opts { diagnostics = array of tables or strings }
function json.render(reports, counts, opts)
  local diagnostics = opts and opts.diagnostics or {}
  return escape.json(object(
    "entries", number(counts.entries),
    "sessions", number(counts.sessions),
    "untimed", counts.untimed and number(counts.untimed),
    "reports", array(reports, #reports, report),
    "diagnostics", array(diagnostics, #diagnostics, diagnostic))) .. "\n"
end

return json
