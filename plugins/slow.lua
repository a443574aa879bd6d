-- slow: which runs took too long. How many of each skill are over a limit, and the slowest, each beside the median of
-- its skill: a run of 3 minutes is slow where the others take 20 seconds. Runs without duration_ms are counted apart.
local debrief = require "debrief"
local agg = debrief.aggregate

return {
  name = "slow", api = 1, summary = "Runs over a time limit, by skill, and the slowest", split = true,
  options = {
    limit_ms = { type = "integer", default = 60000, min = 1, help = "a run that takes longer is slow" },
    limit = { type = "integer", default = 10, min = 1, help = "how many of the slowest to list" },
  },
  retrospective = {
    init = function(ctx)
      return { slow = agg.rate(), untimed = 0, slowest = agg.largest(ctx.options.limit),
        skills = agg.by { slow = agg.rate(), time = agg.quantiles() } }
    end,
    step = function(acc, entry, ctx)
      local ms = entry.duration_ms
      if not ms then
        acc.untimed = acc.untimed + 1
        return
      end
      local skill, slow = agg.at(acc.skills, entry.skill), ms > ctx.options.limit_ms
      agg.add(acc.slow, slow)
      agg.add(skill.slow, slow)
      agg.add(skill.time, ms)
      agg.add(acc.slowest, ms, { session = ctx.session, line = ctx.line, skill = entry.skill or "",
        outcome = debrief.outcome(entry), ms = ms })
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local slowest = {}
      for i, run in ipairs((agg.value(acc.slowest))) do
        local median = agg.value(agg.at(acc.skills, run.skill).time)
        slowest[i] = { run.skill ~= "" and run.skill or nil, run.ms, median > 0 and run.ms / median or nil, run.outcome,
          run.session, run.line }
      end
      local skills = agg.rows(acc.skills, function(skill, row)
        local median, p95 = agg.quantile(row.time, 0.5), agg.quantile(row.time, 0.95)
        return { skill, row.slow, median, p95, agg.quantile(row.time, 1) }
      end, function(row) return row.slow.num + row.slow.den * 1e-9 end)
      local text = ("%d of %d timed runs took more than %.6g s."):format(acc.slow.num, acc.slow.den,
        ctx.options.limit_ms / 1000)
      if acc.untimed > 0 then text = text .. (" Runs without a time: %d."):format(acc.untimed) end
      local function ms(key, title) return { key = key, title = title, unit = "ms" } end
      return { title = "Slow runs", text = text, tables = {
        { title = "By skill", columns = { "skill", "slow", ms("median_ms", "median"), ms("p95_ms", "95th percentile"),
          ms("longest_ms", "longest") }, rows = skills },
        { title = "The slowest", columns = { "skill", ms("duration_ms", "took"),
          { key = "times_median", title = "× median" }, "outcome", "session", "line" }, rows = slowest },
      } }
    end,
  },
}
