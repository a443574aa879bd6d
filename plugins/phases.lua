-- phases: where the time goes. Each phase of the work: its runs and how they ended, the time they took, and which
-- skills it is made of. The phase that took most comes first; runs without a phase stand in a row of their own.
local debrief = require "debrief"
local agg = debrief.aggregate

-- "review 12, tdd 3": the skills that ran most often.
local function mostly(skills)
  local names = {}
  for i, item in ipairs(agg.top_items(skills, 3)) do names[i] = item.key .. " " .. item.count end
  return table.concat(names, ", ")
end

-- By time, and by runs where times are equal; phases without any time come last.
local function weight(phase) return (agg.value(phase.total) or -1) + phase.runs * 1e-9 end

return {
  name = "phases",
  api = 1,
  summary = "Each phase: runs, outcomes, time, and the skills in it",
  options = { limit = { type = "integer", default = 20, min = 1, help = "how many phases to list" } },
  split = true,
  retrospective = {
    init = function()
      return agg.by { runs = 0, passed = agg.rate(), time = agg.quantiles(), total = agg.sum(), skills = agg.top() }
    end,
    step = function(acc, entry)
      if debrief.subagent(entry) then return end -- a part of another run
      local phase, passed = agg.at(acc, entry.phase), debrief.passed(entry)
      phase.runs = phase.runs + 1
      agg.add(phase.passed, passed)
      agg.add(phase.time, entry.duration_ms)
      agg.add(phase.total, entry.duration_ms)
      agg.add(phase.skills, entry.skill or "no skill")
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local rows, count = agg.rows(acc, function(name, phase)
        local total, median = agg.value(phase.total), agg.value(phase.time)
        return { name, phase.runs, phase.passed, total, median, mostly(phase.skills) }
      end, weight, ctx.options.limit)

      local total = { key = "total_ms", title = "time", unit = "ms" }
      local median = { key = "median_ms", title = "median", unit = "ms" }
      local skills = { key = "skills", title = "mostly" }
      return {
        title = "Phases",
        text = ("Phases: %d, the one that took most first."):format(count),
        tables = { { columns = { "phase", "runs", "passed", total, median, skills }, rows = rows } },
      }
    end,
  },
}
