-- csv: one row per run for spreadsheets and DuckDB (RFC 4180), with the names of the columns above the first. Exports
-- what is there, judged or not. A text that a spreadsheet would run as a formula gets an apostrophe in front.
local debrief = require "debrief"

local COLUMNS = "session,line,timestamp,skill,phase,project_root,model_used,outcome,final_status,passed,attempt_count,"
  .. "first_try,duration_ms,lost_ms,usage.input_tokens,usage.output_tokens,cost_usd"

local function names_of(columns)
  local names = {}
  for name in columns:gmatch "[^,]+" do names[#names + 1] = name:match "^%s*(.-)%s*$" end
  return names
end

local function value_of(entry, name, ctx)
  if name == "session" or name == "line" then return ctx[name] end
  local value = debrief.get(entry, name)
  if debrief.type(value) == "object" or debrief.type(value) == "array" then return debrief.encode(value) end
  return value
end

local function line_of(names, row)
  local values = {}
  for i, name in ipairs(names) do values[i] = row[name] == nil and "" or row[name] end
  return debrief.csv(values)
end

return {
  name = "csv",
  api = 1,
  summary = "One row per run, columns named, for spreadsheets and databases",
  options = {
    columns = {
      type = "string", default = COLUMNS, help = "fields, ways into them and computed fields, as in read --fields",
      check = function(text) return #names_of(text) > 0, "names of fields, separated by commas" end,
    },
  },
  export = function(entry, emit, ctx)
    local names, row = names_of(ctx.options.columns), {}
    for _, name in ipairs(names) do row[name] = value_of(entry, name, ctx) end
    local head = ctx.state[ctx.part] and "" or debrief.csv(names)
    ctx.state[ctx.part] = true
    emit(row, nil, function(clean) return head .. line_of(names, clean) end)
  end,
}
