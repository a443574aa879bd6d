-- skills: how each skill does. How often it passes, at the first try too, how long it takes, and what is lost.
local debrief = require "debrief"
local agg = debrief.aggregate

-- Time of an attempt that did not verify: its own where it is logged; a single attempt took what its entry took.
local function lost_ms(entry, attempt, attempts)
  return attempt.duration_ms or (attempts == 1 and entry.duration_ms or nil)
end

local function count_attempts(row, entry)
  local attempts = entry.attempts or {}
  local n = #attempts
  if n == 0 then return end
  agg.add(row.attempts, n)
  for i, attempt in ipairs(attempts) do
    if attempt ~= debrief.null then
      if i == 1 then agg.add(row.first_try, attempt.verified) end -- no claim: counts in neither
      if attempt.verified == false then
        local ms = lost_ms(entry, attempt, n)
        agg.add(row.lost, ms)
        row.lost_unknown = row.lost_unknown + (ms and 0 or 1)
      end
    end
  end
end

-- Nothing that did not verify: nothing lost. Some, and none of them timed: not known.
local function lost(row)
  return agg.value(row.lost) or (row.lost_unknown == 0 and agg.value(row.attempts) and 0 or nil)
end

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
      local row, outcome = agg.at(acc, entry.skill), debrief.outcome(entry)
      row.runs = row.runs + 1
      if outcome == "ok" or outcome == "fail" then agg.add(row.passed, outcome == "ok") end
      agg.add(row.time, entry.duration_ms)
      count_attempts(row, entry)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local quality, time, unknown, left_out = {}, {}, 0, 0
      for key, row in agg.each(acc, "runs") do
        local skill = key ~= "" and key or nil
        if row.runs < ctx.options.min then
          left_out = left_out + 1
        else
          quality[#quality + 1] = { skill, row.runs, row.passed, row.first_try, agg.value(row.attempts) }
          local median, p95 = agg.quantile(row.time, 0.5), agg.quantile(row.time, 0.95)
          time[#time + 1] = { skill, median, p95, lost(row), row.lost_unknown }
          unknown = unknown + row.lost_unknown
        end
      end
      local text = { "Passed: of the runs that were decided. Lost: time in attempts that did not verify." }
      if unknown > 0 then text[#text + 1] = ("Attempts that did not verify and have no time: %d."):format(unknown) end
      if left_out > 0 then text[#text + 1] = ("Skills left out, with fewer runs: %d."):format(left_out) end
      local function ms(key, title) return { key = key, title = title, unit = "ms" } end
      return { title = "Skills", text = table.concat(text, " "), tables = {
        { columns = { "skill", "runs", "passed", { key = "first_try", title = "first try" },
          { key = "attempts_per_run", title = "attempts/run" } }, rows = quality },
        { columns = { "skill", ms("median_ms", "median"), ms("p95_ms", "95th percentile"), ms("lost_ms", "lost"),
          { key = "lost_unknown", title = "attempts without time" } }, rows = time },
      } }
    end,
  },
}
