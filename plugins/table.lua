-- table: any question about groups of runs. Which groups, what is counted in each, in which order: `debrief table` puts
-- these options to it. The same table in a plugin of your own: retrospective = debrief.table { by = …, show = … }.
local debrief = require "debrief"

local KEYS = { "by", "across", "each", "show", "where", "sort", "limit", "min", "chart" }

local function definition(options)
  local out = {}
  for _, key in ipairs(KEYS) do out[key] = options[key] end
  if not (out.by or out.show or out.each) then out.by = "skill" end
  return out
end

-- Options are checked together: the message says which one is wrong.
local function check(_, options)
  local ok, message = pcall(debrief.table, definition(options))
  return ok, not ok and message:gsub("^.-debrief%.table: ", "") or nil
end

return {
  name = "table",
  api = 1,
  summary = "Groups of runs, and what is counted in each: `debrief table` asks it",
  options = {
    by = { type = "string", check = check, help = "fields, or NAME=EXPRESSION, with commas (default: skill)" },
    across = { type = "string", check = check, help = "a field whose values become columns" },
    each = { type = "string", choices = { "attempts", "tools" }, help = "count these, not runs" },
    show = { type = "string", check = check, help = "the columns (default: runs, passed, first_try, …)" },
    where = { type = "string", check = check, help = "only what this expression holds for" },
    sort = { type = "string", check = check, help = "a column; -column for the largest first" },
    limit = { type = "integer", min = 1, help = "how many rows; one more adds up the others" },
    chart = { type = "string", choices = { "line", "bar", "stack", "heat" }, help = "draw the columns" },
    min = { type = "integer", min = 1, help = "leave out rows with fewer runs" },
  },
  split = true,
  retrospective = debrief.table(function(ctx) return definition(ctx.options) end),
}
