-- skills: how each skill does. How often it passes, at the first try too, how long it takes, and what is lost. What a
-- subagent did is part of its caller's run, and counted apart. Runs without a skill are one sentence.
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
    if attempt.verified ~= nil then skill.claims = skill.claims + 1 end
    if attempt.verified == false then
      local ms = time_of(attempt, entry, n)
      agg.add(skill.lost, ms)
      if not ms then skill.lost_unknown = skill.lost_unknown + 1 end
    end
  end
end

-- If all attempts that say so verified, nothing was lost. If some did not, and none of those has a time, the loss is
-- unknown.
local function lost(skill)
  return agg.value(skill.lost) or (skill.claims > 0 and skill.lost_unknown == 0 and 0 or nil)
end

local function undecided(skill) return agg.rate(skill.runs - skill.passed.den, skill.runs) end

local function notes(none, unknown, left_out)
  local text = { "Passed: of the runs that were decided. Lost: time in attempts that did not verify." }
  if unknown > 0 then text[#text + 1] = ("Attempts that did not verify and have no time: %d."):format(unknown) end
  if left_out > 0 then text[#text + 1] = ("Skills left out, with fewer runs: %d."):format(left_out) end
  text = { table.concat(text, " ") }
  if none then
    text[2] = ("Without a skill: %d %s, passed %s, undecided %s."):format(none.runs, none.runs == 1 and "run" or "runs",
      debrief.show(none.passed), debrief.show(undecided(none), "of"))
  end
  return table.concat(text, "\n")
end

local name = { key = "skill", cut = "never" }
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
        runs = 0, passed = agg.rate(), first_try = agg.rate(), weak = agg.rate(), attempts = agg.mean(),
        time = agg.quantiles(), total = agg.sum(), lost = agg.sum(), lost_unknown = 0, claims = 0, subagents = 0,
      }
    end,
    step = function(acc, entry)
      local skill, passed, _, weak = agg.at(acc, debrief.skill(entry)), debrief.passed(entry)
      if debrief.subagent(entry) then
        skill.subagents = skill.subagents + 1
        return
      end
      skill.runs = skill.runs + 1
      if passed ~= nil then agg.add(skill.passed, passed) end
      if weak ~= nil then agg.add(skill.weak, weak) end
      agg.add(skill.time, entry.duration_ms)
      agg.add(skill.total, entry.duration_ms)
      count_attempts(skill, entry)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local quality, time, weak, subagents, unknown, left_out = {}, {}, {}, {}, 0, 0
      local none = acc.groups[""]
      acc.groups[""] = nil
      for key, skill in agg.each(debrief.skill_names(acc), "runs") do
        if skill.subagents > 0 then subagents[#subagents + 1] = { key, skill.runs, skill.subagents } end
        if skill.runs < ctx.options.min then
          left_out = left_out + (skill.runs > 0 and 1 or 0)
        else
          local median, p95 = agg.quantile(skill.time, 0.5), agg.quantile(skill.time, 0.95)
          quality[#quality + 1] = { key, skill.runs, skill.passed, undecided(skill), skill.first_try }
          time[#time + 1] = { key, agg.value(skill.attempts), agg.value(skill.total), median, p95, lost(skill) }
          if skill.weak.den > 0 then weak[#weak + 1] = { key, skill.weak } end
          unknown = unknown + skill.lost_unknown
        end
      end

      local tables = {
        { columns = { name, { key = "runs", priority = 1 }, "passed", { key = "undecided", unit = "of" },
            { key = "first_try", title = "first try" } },
          rows = quality, chart = { type = "bar", title = "Passed, and at the first try", limit = 12,
            columns = { "passed", "first_try" } } },
        { columns = { name, { key = "attempts_per_run", title = "attempts per run" }, ms("active_ms", "active"),
            ms("median_ms", "median"), { key = "p95_ms", title = "95th percentile", unit = "ms", priority = 1 },
            ms("lost_ms", "lost") },
          rows = time },
      }
      if #weak > 0 then
        tables[#tables + 1] = { title = "Undecided runs with only weak checks: build, lint or type check",
          columns = { name, { key = "checks_passed", title = "checks passed" } }, rows = weak }
      end
      if #subagents > 0 then
        tables[#tables + 1] = { title = "Runs by subagents, which are part of their callers' runs",
          columns = { name, "runs", "subagents" }, rows = subagents }
      end
      return { title = "Skills", text = notes(none, unknown, left_out), tables = tables }
    end,
  },
}
