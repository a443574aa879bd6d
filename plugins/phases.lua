-- phases: where the time goes. Each phase of the work: its runs and how they ended, the time they took, and which
-- skills it is made of. The phase that took most comes first; runs without a phase stand in a row of their own.
local debrief = require "debrief"
local agg = debrief.aggregate

local function mostly(skills)
  local names = {}
  for i, item in ipairs(agg.top_items(skills, 3)) do names[i] = item.key .. " " .. item.count end
  return table.concat(names, ", ")
end

return {
  name = "phases", api = 1, summary = "Each phase: runs, outcomes, time, and the skills in it", split = true,
  options = { limit = { type = "integer", default = 20, min = 1, help = "how many phases to list" } },
  retrospective = {
    init = function()
      return agg.by { runs = 0, passed = agg.rate(), time = agg.quantiles(), total = agg.sum(), skills = agg.top() }
    end,
    step = function(acc, entry)
      local row, outcome = agg.at(acc, entry.phase), debrief.outcome(entry)
      row.runs = row.runs + 1
      if outcome == "ok" or outcome == "fail" then agg.add(row.passed, outcome == "ok") end
      agg.add(row.time, entry.duration_ms)
      agg.add(row.total, entry.duration_ms)
      agg.add(row.skills, entry.skill or "no skill")
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local rows = agg.rows(acc, function(phase, row)
        return { phase, row.runs, row.passed, agg.value(row.total), agg.value(row.time), mostly(row.skills) }
      end, function(row) return (agg.value(row.total) or -1) + row.runs * 1e-9 end) -- the untimed last, by runs
      local text = ("Phases: %d, the one that took most first."):format(#rows)
      for i = #rows, ctx.options.limit + 1, -1 do rows[i] = nil end
      return { title = "Phases", text = text, tables = { { columns = { "phase", "runs", "passed",
        { key = "total_ms", title = "time", unit = "ms" }, { key = "median_ms", title = "median", unit = "ms" },
        { key = "skills", title = "mostly" } }, rows = rows } } }
    end,
  },
}
