-- summary: what happened in these sessions. How many runs, how they ended, how long they took, by skill and by model.
local debrief = require "debrief"
local agg = debrief.aggregate

local function first_rows(rows, n)
  for i = #rows, n + 1, -1 do rows[i] = nil end
  return rows
end

local function period(acc)
  local from, to = agg.value(acc.first), agg.value(acc.last)
  local text = "No entry has a time."
  if from then
    text = ("From %s to %s."):format(debrief.date("%Y-%m-%d %H:%M", from), debrief.date("%Y-%m-%d %H:%M", to))
    if acc.untimed > 0 then text = text .. (" Entries without a time: %d."):format(acc.untimed) end
  end
  return acc.runs > 0 and text or "No entries."
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
        runs = 0, skip = 0, unknown = 0, attempts = 0, untimed = 0,
        sessions = agg.distinct(100000), passed = agg.rate(), time = agg.sum(), first = agg.min(), last = agg.max(),
        skills = agg.by { runs = 0, passed = agg.rate(), time = agg.sum() },
        models = agg.by { attempts = 0, verified = agg.rate() },
      }
    end,
    step = function(acc, entry, ctx)
      local outcome, at, skill = debrief.outcome(entry), debrief.time(entry), agg.at(acc.skills, entry.skill)
      acc.runs, skill.runs = acc.runs + 1, skill.runs + 1
      agg.add(acc.sessions, ctx.session)
      if outcome == "skip" or outcome == "unknown" then
        acc[outcome] = acc[outcome] + 1
      else -- a rate counts what was decided
        agg.add(acc.passed, outcome == "ok")
        agg.add(skill.passed, outcome == "ok")
      end
      if not at then acc.untimed = acc.untimed + 1 end
      agg.add(acc.first, at)
      agg.add(acc.last, at)
      agg.add(acc.time, entry.duration_ms) -- nil adds nothing
      agg.add(skill.time, entry.duration_ms)
      for _, attempt in ipairs(entry.attempts or {}) do
        if attempt ~= debrief.null then
          local model = agg.at(acc.models, attempt.model or entry.model_used)
          acc.attempts, model.attempts = acc.attempts + 1, model.attempts + 1
          agg.add(model.verified, attempt.verified) -- nil is no claim, and counts in neither
        end
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local sessions, more = agg.value(acc.sessions)
      local total = { more and ("over %d"):format(sessions) or sessions, acc.runs, acc.passed, acc.skip, acc.unknown,
        acc.attempts, agg.value(acc.time) }
      local skills = agg.rows(acc.skills, function(skill, row)
        return { skill, row.runs, row.passed, agg.value(row.time) }
      end, "runs")
      local models = agg.rows(acc.models, function(model, row)
        return { model, row.attempts, row.verified }
      end, "attempts")
      local limit, time = ctx.options.limit, { key = "duration_ms", title = "time", unit = "ms" }
      return { title = "Summary", text = period(acc), tables = {
        { columns = { "sessions", "runs", "passed", "skip", "unknown", "attempts", time }, rows = { total } },
        { title = ("By skill (%d)"):format(#skills), columns = { "skill", "runs", "passed", time },
          rows = first_rows(skills, limit) },
        { title = ("By model (%d)"):format(#models), columns = { "model", "attempts", "verified" },
          rows = first_rows(models, limit) },
      } }
    end,
  },
}
