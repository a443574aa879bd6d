-- slow: which runs took too long for what they do. A run is slow if it took several times the median of its skill: 3
-- minutes are much where the others take 20 seconds, and little where they take 5 minutes. Short runs never are. Runs
-- without duration_ms are counted separately.
local debrief = require "debrief"
local agg = debrief.aggregate

local function ms(key, title) return { key = key, title = title, unit = "ms" } end

-- From when on a run of this skill is slow.
local function limit_of(skill, options) return math.max(options.limit_ms, options.times * agg.value(skill.time)) end

-- The slow runs that exceed the median of their skill most.
local function slowest(skills, options)
  local runs = agg.largest(options.limit)
  for name, skill in agg.each(skills) do
    local median = agg.value(skill.time)
    for _, run in ipairs((agg.value(skill.longest))) do
      if run.ms > limit_of(skill, options) and median > 0 then
        run.skill, run.times = name, run.ms / median
        agg.add(runs, run.times, run)
      end
    end
  end
  local rows = {}
  for i, run in ipairs((agg.value(runs))) do
    rows[i] = { run.skill ~= "" and run.skill or nil, run.ms, run.times, run.outcome, run.entry }
  end
  return rows
end

return {
  name = "slow",
  api = 1,
  summary = "Runs that took much longer than their skill's median, by skill, and the slowest",
  options = {
    times = { type = "number", default = 3, min = 1, help = "a run that takes so many times the median is slow" },
    limit_ms = { type = "integer", default = 60000, min = 0, help = "a run that takes no longer is never slow" },
    limit = { type = "integer", default = 10, min = 1, help = "how many of the slowest to list" },
  },
  split = true,
  retrospective = {
    init = function(ctx)
      return { untimed = 0, skills = agg.by { time = agg.quantiles(), longest = agg.largest(ctx.options.limit) } }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      local took = entry.duration_ms
      if not took then
        acc.untimed = acc.untimed + 1
        return
      end
      local skill = agg.at(acc.skills, debrief.skill(entry))
      agg.add(skill.time, took)
      agg.add(skill.longest, took, {
        ms = took, outcome = debrief.outcome(entry), entry = ctx.session .. ":" .. ctx.line,
      })
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local options, skills, all = ctx.options, debrief.skill_names(acc.skills), agg.rate()
      for _, skill in agg.each(skills) do
        skill.slow = agg.rate(agg.above(skill.time, limit_of(skill, options)), skill.time.n)
        agg.merge(all, skill.slow)
      end
      local rows = agg.rows(skills, function(name, skill)
        local median, p95, longest = agg.value(skill.time), agg.quantile(skill.time, 0.95), agg.quantile(skill.time, 1)
        return { name, skill.slow, median, p95, longest }
      end, function(skill) return skill.slow.num + skill.slow.den * 1e-9 end) -- by slow runs, then by runs

      local text = ("%d of %d timed runs took more than %.6g times the median of their skill, and more than %.6g s.")
        :format(all.num, all.den, options.times, options.limit_ms / 1000)
      if acc.untimed > 0 then text = text .. (" Runs without a time: %d."):format(acc.untimed) end
      return {
        title = "Slow runs",
        text = text,
        tables = {
          {
            title = "By skill",
            columns = { { key = "skill", cut = "never" }, "slow", ms("median_ms", "median"),
              ms("p95_ms", "95th percentile"), ms("longest_ms", "longest") },
            rows = rows,
            chart = { type = "bar", title = "How long runs take", limit = 12, columns = { "median_ms", "p95_ms" } },
          },
          {
            title = "The slowest, compared with their skill",
            columns = { "skill", ms("duration_ms", "took"), { key = "times_median", title = "× median" },
              { key = "outcome", priority = 1 }, { key = "entry", cut = "never" } },
            rows = slowest(skills, options),
          },
        },
      }
    end,
  },
}
