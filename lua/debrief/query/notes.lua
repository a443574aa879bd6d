--- What a run says of its query afterwards: problems of the expression, and what was not found.
-- @module debrief.query.notes
local names = require "debrief.entry.asked"

local notes = {}

--- Put problems of the expression into its own words.
-- @param problems array of a pipeline's problems
function notes.explain(problems)
  for _, problem in ipairs(problems) do
    if problem.plugin == "where" then
      problem.message, problem.traceback = require "debrief.query.where".message(problem.message), nil
    end
  end
end

--- Notes about what was not found: entries that no window could judge, and names no entry had.
-- @param result with untimed = a number, names = the state of debrief.entry.asked; both may be nil
-- @return an array of texts
function notes.of(result)
  local out = {}
  local n = result.untimed or 0
  if n > 0 then
    out[1] = ("%d %s no timestamp and %s in no window"):format(n, n == 1 and "entry has" or "entries have",
      n == 1 and "is" or "are")
  end
  for _, one in ipairs(result.names and names.unknown(result.names) or {}) do
    out[#out + 1] = ("no entry has a field '%s'%s"):format(one.name,
      one.near and (": did you mean '%s'?"):format(one.near) or "")
  end
  return out
end

return notes
