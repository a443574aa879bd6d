-- parquet: one row per run with columns that have types, for DuckDB, pandas, Spark and whatever else reads Parquet. The
-- same columns as csv; objects and arrays are their JSON. `debrief export parquet -o FILE` has DuckDB write the file.
local debrief = require "debrief"

local COLUMNS = "session,line,timestamp,skill,phase,project_root,model_used,outcome,final_status,passed,attempt_count,"
  .. "first_try,duration_ms,lost_ms,usage.input_tokens,usage.output_tokens,cost_usd"

local function value_of(entry, name, ctx)
  if name == "session" or name == "line" then return ctx[name] end
  local value = debrief.get(entry, name)
  if debrief.type(value) == "object" or debrief.type(value) == "array" then return debrief.encode(value) end
  return value == nil and debrief.null or value
end

return {
  name = "parquet",
  api = 1,
  summary = "One row per run in columns with types, written by DuckDB",
  options = {
    columns = {
      type = "string", default = COLUMNS, help = "fields, ways into them and computed fields, as in read --fields",
      check = function(text) return text:find "[^,%s]" ~= nil, "names of fields, separated by commas" end,
    },
  },
  export = function(entry, emit, ctx)
    local row = {}
    for name in ctx.options.columns:gmatch "[^,]+" do
      name = name:match "^%s*(.-)%s*$"
      row[name] = value_of(entry, name, ctx)
    end
    emit(row)
  end,
}
