-- skills: how each skill does. How often it passes, at the first try too, how long it takes, and what is lost.
local debrief = require "debrief"
local agg = debrief.aggregate

-- The time of one of `n` attempts: its own where it is logged; a single attempt took what its run took.
local function time_of(attempt, entry, n)
  if attempt.duration_ms then return attempt.duration_ms end
  return n == 1 and entry.duration_ms or nil
end

local function count_attempts(skill, entry)
  local n = #(entry.attempts or {})
  if n > 0 then agg.add(skill.attempts, n) end
  for i, attempt in debrief.attempts(entry) do
    if i == 1 then agg.add(skill.first_try, attempt.verified) end -- nil makes no claim, and counts in neither
    if attempt.verified == false then
      local ms = time_of(attempt, entry, n)
      agg.add(skill.lost, ms)
      if not ms then skill.lost_unknown = skill.lost_unknown + 1 end
    end
  end
end

-- If all attempts verified, nothing was lost. If some did not, and none of those has a time, the loss is unknown.
local function lost(skill)
  local has_attempts = agg.value(skill.attempts) ~= nil
  return agg.value(skill.lost) or (has_attempts and skill.lost_unknown == 0 and 0 or nil)
end

local function ms(key, title) return { key = key, title = title, unit = "ms" } end

return {
  name = "skills",
  api = 1,
  summary = "Each skill: pass rate, first try, attempts, duration, time lost",
  options = { min = { type = "integer", default = 1, min = 1, help = "leave out skills with fewer runs" } },
  split = true,
  retrospective = {
    init = function()
      return agg.by {
        runs = 0, passed = agg.rate(), first_try = agg.rate(), attempts = agg.mean(),
        time = agg.quantiles(), lost = agg.sum(), lost_unknown = 0,
      }
    end,
    step = function(acc, entry)
      local skill, passed = agg.at(acc, entry.skill), debrief.passed(entry)
      skill.runs = skill.runs + 1
      agg.add(skill.passed, passed)
      agg.add(skill.time, entry.duration_ms)
      count_attempts(skill, entry)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local quality, time, unknown, left_out = {}, {}, 0, 0
      for key, skill in agg.each(acc, "runs") do
        local name = key ~= "" and key or nil
        if skill.runs < ctx.options.min then
          left_out = left_out + 1
        else
          local median, p95 = agg.quantile(skill.time, 0.5), agg.quantile(skill.time, 0.95)
          quality[#quality + 1] = { name, skill.runs, skill.passed, skill.first_try, agg.value(skill.attempts) }
          time[#time + 1] = { name, median, p95, lost(skill), skill.lost_unknown }
          unknown = unknown + skill.lost_unknown
        end
      end

      local text = { "Passed: of the runs that were decided. Lost: time in attempts that did not verify." }
      if unknown > 0 then text[#text + 1] = ("Attempts that did not verify and have no time: %d."):format(unknown) end
      if left_out > 0 then text[#text + 1] = ("Skills left out, with fewer runs: %d."):format(left_out) end
      return {
        title = "Skills",
        text = table.concat(text, " "),
        tables = {
          {
            columns = { "skill", "runs", "passed", { key = "first_try", title = "first try" },
              { key = "attempts_per_run", title = "attempts/run" } },
            rows = quality,
          },
          {
            columns = { "skill", ms("median_ms", "median"), ms("p95_ms", "95th percentile"), ms("lost_ms", "lost"),
              { key = "lost_unknown", title = "attempts without time" } },
            rows = time,
          },
        },
      }
    end,
  },
}
