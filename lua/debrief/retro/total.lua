--- The total of a run over a log: counts, diagnostics, problems, added chunk by chunk.
-- @module debrief.retro.total
local names = require "debrief.entry.asked"

local total = {}

--- Nothing yet.
-- @param sessions how many there are
function total.new(sessions)
  return { entries = 0, kept = 0, sessions = sessions, dropped = 0, diagnostics = {}, failures = {}, problems = {},
    known = {}, untimed = 0, seen = {}, names = { asked = {}, fields = {} } }
end

local function add_all(to, from)
  for _, item in ipairs(from) do to[#to + 1] = item end
end

--- Add problems; equal ones are one, counted.
function total.add_problems(sum, problems)
  for _, problem in ipairs(problems) do
    local key = table.concat({ problem.plugin, problem.hook, problem.message }, "\0")
    local known = sum.known[key]
    if known then
      known.count = known.count + problem.count
    else
      sum.known[key] = problem
      sum.problems[#sum.problems + 1] = problem
    end
  end
end

--- Add what a worker met in one chunk.
function total.add(sum, result)
  sum.entries, sum.kept = sum.entries + result.entries, sum.kept + result.kept
  sum.dropped, sum.untimed = sum.dropped + result.dropped, sum.untimed + result.untimed
  for path in next, result.seen do sum.seen[path] = true end
  if result.names then names.merge(sum.names, result.names) end
  add_all(sum.diagnostics, result.diagnostics)
  add_all(sum.failures, result.failures)
  total.add_problems(sum, result.problems)
end

--- A chunk that no worker could do: its sessions are not in the reports.
-- @param names of the retrospectives
-- @param items the sessions of the chunk
function total.lose(sum, plugins, items, reason)
  local first, last = items[1].session, items[#items].session
  local which = #items == 1 and ("session %s%s"):format(first, items[1].part and ", a part of it," or "")
    or ("%d sessions, %s to %s,"):format(#items, first, last)
  sum.lost = (sum.lost or 0) + #items
  total.add_problems(sum, { { plugin = table.concat(plugins, ","), hook = "step", count = 1,
    message = ("%s could not be looked at: workers failed three times, in the end with: %s"):format(which, reason) } })
end

--- Mark reports, or partial results, from which chunks are missing.
function total.mark_lost(sum, reports)
  for _, report in ipairs(sum.lost and reports or {}) do
    if report and report.acc then report.errors = report.errors + sum.lost
    elseif report then report.lost = sum.lost end
  end
  return reports
end

-- Problems of some plugins only.
local function problems_of(plugins, problems)
  local out, wanted = {}, {}
  for _, name in ipairs(plugins) do wanted[name] = true end
  for _, problem in ipairs(problems) do
    if wanted[problem.plugin] then out[#out + 1] = problem end
  end
  return out
end

--- The total of several passes over the same entries: the counts are those of the first pass that saw every entry (one
-- ends early when all its retrospectives have stopped); the others add only the problems of their own retrospectives.
-- @param passes array of { names =, total = }
function total.of_passes(passes)
  local chosen = passes[1]
  for i = #passes, 1, -1 do
    if not passes[i].total.cut_short then chosen = passes[i] end
  end
  for _, one in ipairs(passes) do
    if one ~= chosen then total.add_problems(chosen.total, problems_of(one.names, one.total.problems)) end
  end
  return chosen.total
end

--- With a window, only sessions with entries in it count: the others may not have been opened.
function total.count_window(sum)
  local sessions = 0
  for _ in next, sum.seen do sessions = sessions + 1 end
  sum.sessions = sessions
end

return total
