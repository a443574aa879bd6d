-- summary: what happened in these sessions. How many runs, how they ended, how long they took, by skill and by model.
local debrief = require "debrief"
local agg = debrief.aggregate

local function minute(ns) return debrief.date("%Y-%m-%d %H:%M", ns) end

local function period(acc)
  if acc.runs == 0 then return "No entries." end
  local from, to = agg.value(acc.first), agg.value(acc.last)
  if not from then return "No entry has a time." end
  local text = ("From %s to %s."):format(minute(from), minute(to))
  if acc.untimed > 0 then text = text .. (" Entries without a time: %d."):format(acc.untimed) end
  return text
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
        runs = 0, passed = agg.rate(), skip = 0, unknown = 0, attempts = 0, time = agg.sum(),
        sessions = agg.distinct(100000), first = agg.min(), last = agg.max(), untimed = 0,
        skills = agg.by { runs = 0, passed = agg.rate(), time = agg.sum() },
        models = agg.by { attempts = 0, verified = agg.rate() },
      }
    end,
    step = function(acc, entry, ctx)
      local skill, at = agg.at(acc.skills, entry.skill), debrief.time(entry)
      local passed = debrief.passed(entry)

      acc.runs = acc.runs + 1
      skill.runs = skill.runs + 1
      if passed == nil then
        local why = debrief.outcome(entry) -- skip or unknown
        acc[why] = acc[why] + 1
      end
      agg.add(acc.passed, passed) -- a rate counts what was decided, and nil adds nothing
      agg.add(skill.passed, passed)

      agg.add(acc.sessions, ctx.session)
      agg.add(acc.first, at)
      agg.add(acc.last, at)
      if not at then acc.untimed = acc.untimed + 1 end
      agg.add(acc.time, entry.duration_ms)
      agg.add(skill.time, entry.duration_ms)

      for _, attempt in debrief.attempts(entry) do
        local model = agg.at(acc.models, attempt.model or entry.model_used)
        acc.attempts = acc.attempts + 1
        model.attempts = model.attempts + 1
        agg.add(model.verified, attempt.verified)
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local sessions, more = agg.value(acc.sessions)
      local total = {
        more and ("over %d"):format(sessions) or sessions, acc.runs, acc.passed, acc.skip, acc.unknown, acc.attempts,
        agg.value(acc.time),
      }
      local skills, skill_count = agg.rows(acc.skills, function(name, skill)
        return { name, skill.runs, skill.passed, agg.value(skill.time) }
      end, "runs", ctx.options.limit)
      local models, model_count = agg.rows(acc.models, function(name, model)
        return { name, model.attempts, model.verified }
      end, "attempts", ctx.options.limit)

      local time = { key = "duration_ms", title = "time", unit = "ms" }
      local by_skill, by_model = ("By skill (%d)"):format(skill_count), ("By model (%d)"):format(model_count)
      return {
        title = "Summary",
        text = period(acc),
        tables = {
          { columns = { "sessions", "runs", "passed", "skip", "unknown", "attempts", time }, rows = { total } },
          { title = by_skill, columns = { "skill", "runs", "passed", time }, rows = skills },
          { title = by_model, columns = { "model", "attempts", "verified" }, rows = models },
        },
      }
    end,
  },
}
