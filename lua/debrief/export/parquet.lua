--- Parquet files, which DuckDB writes: its program, or its library for Python or Node, whichever is there.
--
--     rows as lines of JSON -> a file -> DuckDB -> FILE.parquet
--
-- A column has the type of its values. Of those that are usual (`passed`, `duration_ms`, …) the type is known, so that
-- it is the same in every file, unless a value is of another one; mixed values are text.
-- @module debrief.export.parquet
local core = require "debrief.core"

local parquet = {}

local TIME_MS = 3600000 -- for one file
local LEAST_OBJECT = 16 << 20 -- bytes of a row that DuckDB takes by default

local PYTHON = "import sys, duckdb; duckdb.execute(sys.argv[1])"
local NODE = [[
const load = require, { DuckDBInstance } = load("@duckdb/node-api");
DuckDBInstance.create(":memory:").then(async (base) => (await base.connect()).run(process.argv[1]))
  .catch((error) => { console.error(String(error.message || error)); process.exit(1) })]]

-- What runs a statement, the last word. The mode of files is that of sessions.
local WAYS = {
  { "duckdb", "-init", "/dev/null", "-bail", "-c" },
  { "python3", "-c", PYTHON },
  { "node", "-e", NODE },
}

local function run(way, statement)
  local words = { "sh", "-c", 'umask 077; exec "$@"', "sh", timeout_ms = TIME_MS, stderr = true }
  table.move(way, 1, #way, #words + 1, words)
  words[#words + 1] = statement
  return core.run(words)
end

--- Find DuckDB.
-- @return a way to run it; or nil and a message
function parquet.way()
  for _, way in ipairs(WAYS) do
    local output, status = run(way, "SELECT 1")
    if output and status == 0 then return way end
  end
  return nil, "DuckDB writes Parquet files, and is not installed: install its program (https://duckdb.org), or "
    .. "`pip install duckdb`, or `npm install @duckdb/node-api` (in NODE_PATH); or export csv"
end

-- ---- Types ----------------------------------------------------------------------------------------------------------

local KNOWN = { line = "BIGINT", passed = "BOOLEAN", first_try = "BOOLEAN", attempt_count = "BIGINT",
  duration_ms = "BIGINT", lost_ms = "BIGINT", gap_ms = "BIGINT", cost_usd = "DOUBLE" }

local function known(name) return KNOWN[name] or name:find "^usage%.[%w_]+_tokens$" and "BIGINT" or nil end

local function type_of(value)
  if type(value) == "boolean" then return "BOOLEAN" end
  return math.type(value) == "integer" and "BIGINT" or math.type(value) == "float" and "DOUBLE" or "VARCHAR"
end

local NUMBERS = { BIGINT = true, DOUBLE = true }

-- The type that holds both.
local function wider(a, b)
  if a == nil or a == b then return b end
  return NUMBERS[a] and NUMBERS[b] and "DOUBLE" or "VARCHAR"
end

--- The types of the columns of rows.
-- @param columns array of names
-- @return { add = function(row as JSON text), types = name -> type, longest = bytes of a row }
function parquet.rows(columns)
  local rows = { columns = columns, types = {}, longest = 0 }
  for _, name in ipairs(columns) do rows.types[name] = known(name) end
  function rows.add(text)
    rows.longest = math.max(rows.longest, #text)
    for name, value in pairs(core.decode(text)) do
      if value ~= core.null then rows.types[name] = wider(rows.types[name], type_of(value)) end
    end
  end
  return rows
end

-- ---- Writing --------------------------------------------------------------------------------------------------------

local function text(value) return "'" .. value:gsub("'", "''") .. "'" end
local function name_of(value) return '"' .. value:gsub('"', '""') .. '"' end

local function statement(rows, from, to)
  local types, values = {}, {}
  for i, name in ipairs(rows.columns) do
    types[i] = ("%s: '%s'"):format(text(name), rows.types[name] or "VARCHAR")
    values[i] = name_of(name)
    if name == "timestamp" then values[i] = ("TRY_CAST(%s AS TIMESTAMPTZ) AS %s"):format(values[i], values[i]) end
  end
  return ("COPY (SELECT %s FROM read_json(%s, format='newline_delimited', maximum_object_size=%d, columns={%s})) TO %s "
    .. "(FORMAT parquet, COMPRESSION zstd)"):format(table.concat(values, ", "), text(from),
    math.max(LEAST_OBJECT, rows.longest + 1), table.concat(types, ", "), text(to))
end

--- Make a Parquet file of a file of rows.
-- @param way of parquet.way
-- @param rows of parquet.rows, to which each row was added
-- @param from the path of the rows, one JSON object per line
-- @param to the path of the new file
-- @return true; or nil and a message
function parquet.write(way, rows, from, to)
  local output, status = run(way, statement(rows, from, to))
  if output and status == 0 then return true end
  return nil, ("DuckDB: %s"):format((output or tostring(status)):sub(-500):gsub("%s+$", ""))
end

return parquet
