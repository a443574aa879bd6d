--- What a run reports about its query afterwards: problems of the expression, and what was not found.
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

--- What the user wrote without its quotes, as in `skill == review` where no entry has a field `review`; nil otherwise.
-- @param result with names = the state of debrief.entry.asked
-- @param q the query
-- @return a message with the expression as it was meant
function notes.unquoted(result, q)
  if not result.names or type(q.where) ~= "string" then return nil end
  local missing = {}
  for _, one in ipairs(names.unknown(result.names)) do missing[one.name] = true end
  local meant, value = require "debrief.query.where".quoted(q.where, missing)
  return meant and ("where: no entry has a field '%s': a text stands in quotes: %s"):format(value, meant)
end

local MOST = 3 -- files that are named one by one

-- Files that a listing or a window left out.
local function add_left_out(out, q)
  local skipped, old = q.skipped or {}, q.old or 0
  for i = 1, math.min(#skipped, MOST) do
    out[i] = ("%s is %s, not a regular file: it is not read"):format(skipped[i].name, skipped[i].kind)
  end
  if #skipped > MOST then out[#out + 1] = ("%d more files like that are not read"):format(#skipped - MOST) end
  if old > 0 then
    out[#out + 1] = ("%s not opened: last written to more than a day before the window"):format(
      old == 1 and "1 session was" or old .. " sessions were")
  end
end

--- Notes about what was left out or not found: files, entries that no window could judge, names no entry had.
-- @param result with untimed = a number, names = the state of debrief.entry.asked; both may be nil
-- @param q the query, after its sessions were resolved; may be nil
-- @return an array of texts
function notes.of(result, q)
  local out = {}
  if q then add_left_out(out, q) end
  local n = result.untimed or 0
  if n > 0 then
    out[#out + 1] = ("%d %s no timestamp between 1678 and 2261 and %s in no window"):format(n,
      n == 1 and "entry has" or "entries have", n == 1 and "is" or "are")
  end
  for _, one in ipairs(result.names and names.unknown(result.names) or {}) do
    out[#out + 1] = ("no entry has a field '%s'%s"):format(one.name,
      one.near and (": did you mean '%s'?"):format(one.near) or "")
  end
  return out
end

return notes
