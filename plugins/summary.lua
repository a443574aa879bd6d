-- summary: what happened in these sessions. How many runs, how they ended, how long they took, by skill and by model.
-- What a subagent did is part of its caller's run: its attempts are counted, but it is not one more run.
local debrief = require "debrief"
local agg = debrief.aggregate

local function minute(ns) return debrief.date("%Y-%m-%d %H:%M", ns) end

local function new_row() return { runs = 0, passed = agg.rate(), weak = agg.rate(), time = agg.sum() } end

-- What is counted of runs beside their skill's row; all else is the sum of the rows.
local function count_run(acc, row, entry)
  local passed, _, weak = debrief.passed(entry)
  row.runs = row.runs + 1
  if passed ~= nil then agg.add(row.passed, passed) -- a rate counts what was decided
  else
    local outcome = debrief.outcome(entry)
    if acc[outcome] then acc[outcome] = acc[outcome] + 1 end -- skip or unknown
  end
  if weak ~= nil then agg.add(row.weak, weak) end
  agg.add(row.time, entry.duration_ms)
end

local function total_of(skills)
  local all = new_row()
  for _, row in agg.each(skills) do agg.merge(all, row) end
  return all
end

local function undecided(row) return agg.rate(row.runs - row.passed.den, row.runs) end

local function period(acc, all)
  if all.runs == 0 then return "No entries." end
  local from, to = agg.value(acc.first), agg.value(acc.last)
  if not from then return "No entry has a time." end
  local text = ("From %s to %s."):format(minute(from), minute(to))
  if acc.untimed > 0 then text = text .. (" Entries without a time: %d."):format(acc.untimed) end
  return text
end

-- What is worth a sentence and not a table.
local function notes(acc, all)
  local lines, none = { period(acc, all) }, acc.skills.groups[""]
  if none then
    lines[#lines + 1] = ("Without a skill: %d %s, passed %s, undecided %s, active %s."):format(none.runs,
      none.runs == 1 and "run" or "runs", debrief.show(none.passed), debrief.show(undecided(none), "of"),
      debrief.show(agg.value(none.time), "ms"))
  end
  if all.weak.den > 0 then
    lines[#lines + 1] = ("Undecided, with only weak checks (build, lint, type check): %d, whose checks passed in %d.")
      :format(all.weak.den, all.weak.num)
  end
  if acc.subagents > 0 then
    lines[#lines + 1] = ("Runs by subagents, which are part of these: %d."):format(acc.subagents)
  end
  if acc.controls > 0 then
    lines[#lines + 1] = ("Control runs of evaluations, which have no skill on purpose, are left out: %d.")
      :format(acc.controls)
  end
  return table.concat(lines, "\n")
end

return {
  name = "summary",
  api = 1,
  summary = "What happened: runs, outcomes, attempts, time, skills and models",
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many skills and models to list" } },
  split = true,
  retrospective = {
    init = function()
      return {
        skills = agg.by(new_row()), skip = 0, unknown = 0, attempts = 0, subagents = 0, controls = 0,
        sessions = agg.distinct(100000), first = agg.min(), last = agg.max(), untimed = 0,
        models = agg.by { attempts = 0, verified = agg.rate() },
      }
    end,
    step = function(acc, entry, ctx)
      agg.add(acc.sessions, ctx.session)
      local has_source = entry.source ~= nil -- most entries were not imported
      if has_source and debrief.get(entry, "source.control") == true then
        acc.controls = acc.controls + 1
        return
      end
      for _, attempt in debrief.attempts(entry) do
        local model = agg.at(acc.models, attempt.model or entry.model_used)
        acc.attempts = acc.attempts + 1
        model.attempts = model.attempts + 1
        agg.add(model.verified, attempt.verified)
      end
      if has_source and debrief.subagent(entry) then
        acc.subagents = acc.subagents + 1
        return
      end

      count_run(acc, agg.at(acc.skills, debrief.skill(entry)), entry)
      local at = debrief.time(entry)
      if not at then acc.untimed = acc.untimed + 1 end
      agg.add(acc.first, at)
      agg.add(acc.last, at)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local all = total_of(acc.skills)
      local text, sessions, more = notes(acc, all), agg.value(acc.sessions)
      local total = {
        more and ("over %d"):format(sessions) or sessions, all.runs, all.passed, undecided(all), acc.skip, acc.unknown,
        acc.attempts, agg.value(all.time),
      }
      acc.skills.groups[""] = nil
      local skills, skill_count = agg.rows(debrief.skill_names(acc.skills), function(name, skill)
        return { name, skill.runs, skill.passed, undecided(skill), agg.value(skill.time) }
      end, "runs", ctx.options.limit)
      local models, model_count = agg.rows(acc.models, function(name, model)
        return { name, model.attempts, model.verified }
      end, "attempts", ctx.options.limit)

      local time = { key = "duration_ms", title = "active", unit = "ms" }
      local skill, model = { key = "skill", cut = "never" }, { key = "model", cut = "never" }
      local left_open, unknown = { key = "undecided", unit = "of" }, { key = "unknown", priority = 1 }
      local tables = {
        { columns = { "sessions", "runs", "passed", left_open, "skip", unknown, "attempts", time }, rows = { total } },
      }
      if skill_count > 0 then
        tables[2] = { title = ("By skill (%d)"):format(skill_count),
          columns = { skill, "runs", "passed", left_open, time }, rows = skills }
      end
      if model_count > 0 then
        tables[#tables + 1] = { title = ("By model (%d)"):format(model_count),
          columns = { model, "attempts", "verified" }, rows = models }
      end
      return { title = "Summary", text = text, tables = tables }
    end,
  },
}
