-- slow: which runs took too long. How many runs of each skill are over a limit, and the slowest, each with the median
-- of its skill: a run of 3 minutes is slow if the others take 20 seconds. Runs without duration_ms are counted
-- separately.
local debrief = require "debrief"
local agg = debrief.aggregate

local function ms(key, title) return { key = key, title = title, unit = "ms" } end

return {
  name = "slow",
  api = 1,
  summary = "Runs over a time limit, by skill, and the slowest",
  options = {
    limit_ms = { type = "integer", default = 60000, min = 1, help = "a run that takes longer is slow" },
    limit = { type = "integer", default = 10, min = 1, help = "how many of the slowest to list" },
  },
  split = true,
  retrospective = {
    init = function(ctx)
      return {
        slow = agg.rate(), untimed = 0, slowest = agg.largest(ctx.options.limit),
        skills = agg.by { slow = agg.rate(), time = agg.quantiles() },
      }
    end,
    step = function(acc, entry, ctx)
      local took = entry.duration_ms
      if not took then
        acc.untimed = acc.untimed + 1
        return
      end
      local skill, is_slow = agg.at(acc.skills, entry.skill), took > ctx.options.limit_ms
      agg.add(acc.slow, is_slow)
      agg.add(skill.slow, is_slow)
      agg.add(skill.time, took)
      agg.add(acc.slowest, took, {
        skill = entry.skill or "", ms = took, outcome = debrief.outcome(entry), session = ctx.session, line = ctx.line,
      })
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local slowest = {}
      for i, run in ipairs((agg.value(acc.slowest))) do
        local median = agg.value(agg.at(acc.skills, run.skill).time)
        local name, times = run.skill ~= "" and run.skill or nil, median > 0 and run.ms / median or nil
        slowest[i] = { name, run.ms, times, run.outcome, run.session, run.line }
      end
      local skills = agg.rows(acc.skills, function(name, skill)
        local median, p95, longest = agg.value(skill.time), agg.quantile(skill.time, 0.95), agg.quantile(skill.time, 1)
        return { name, skill.slow, median, p95, longest }
      end, function(skill) return skill.slow.num + skill.slow.den * 1e-9 end) -- by slow runs, then by runs

      local text = ("%d of %d timed runs took more than %.6g s."):format(acc.slow.num, acc.slow.den,
        ctx.options.limit_ms / 1000)
      if acc.untimed > 0 then text = text .. (" Runs without a time: %d."):format(acc.untimed) end
      return {
        title = "Slow runs",
        text = text,
        tables = {
          {
            title = "By skill",
            columns = { "skill", "slow", ms("median_ms", "median"), ms("p95_ms", "95th percentile"),
              ms("longest_ms", "longest") },
            rows = skills,
          },
          {
            title = "The slowest",
            columns = { "skill", ms("duration_ms", "took"), { key = "times_median", title = "× median" }, "outcome",
              "session", "line" },
            rows = slowest,
          },
        },
      }
    end,
  },
}
