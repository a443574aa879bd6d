-- models: what each model does well. How often its attempts verify, at the first try and in all, and how the runs that
-- it finished went; then the models side by side for each skill.
--
-- A model's attempts are those that name it, and those without a name in a run with this model_used. A run is finished
-- by the model of its last attempt. Time is an attempt's own, or its run's when it was the only one.
local debrief = require "debrief"
local agg = debrief.aggregate

local function count(row, attempt)
  row.attempts = row.attempts + 1
  agg.add(row.verified, attempt.verified) -- nil makes no claim, and counts in neither
end

local function time_of(attempt, entry)
  if attempt.duration_ms then return attempt.duration_ms end
  return #entry.attempts == 1 and entry.duration_ms or nil
end

return {
  name = "models",
  api = 1,
  summary = "Each model: verified attempts, passed runs, and side by side for each skill",
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many models, and skills, to list" } },
  split = true,
  retrospective = {
    init = function()
      return {
        models = agg.by { attempts = 0, verified = agg.rate(), first = agg.rate(), passed = agg.rate() },
        skills = agg.by {
          attempts = 0,
          models = agg.by { attempts = 0, verified = agg.rate(), time = agg.quantiles() },
        },
      }
    end,
    step = function(acc, entry)
      local skill, finished_by = agg.at(acc.skills, debrief.skill(entry)), entry.model_used
      for i, attempt in debrief.attempts(entry) do
        local name = attempt.model or entry.model_used
        local model, in_skill = agg.at(acc.models, name), agg.at(skill.models, name)
        count(model, attempt)
        count(in_skill, attempt)
        if i == 1 then agg.add(model.first, attempt.verified) end
        agg.add(in_skill.time, time_of(attempt, entry))
        skill.attempts = skill.attempts + 1
        finished_by = name
      end

      if debrief.subagent(entry) then return end -- its attempts count, but it is a part of another run
      local passed = debrief.passed(entry)
      if finished_by and passed ~= nil then agg.add(agg.at(acc.models, finished_by).passed, passed) end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local limit = ctx.options.limit
      local models = agg.rows(acc.models, function(name, model)
        return { name, model.attempts, model.verified, model.first, model.passed }
      end, "attempts", limit)

      local sides, listed = {}, 0
      for key, skill in agg.each(debrief.skill_names(acc.skills), "attempts") do
        listed = listed + 1
        if listed > limit then break end
        local rows = agg.rows(skill.models, function(name, model)
          return { key ~= "" and key or nil, name, model.attempts, model.verified, agg.value(model.time) }
        end, "attempts", limit)
        table.move(rows, 1, #rows, #sides + 1, sides)
      end

      local first_try = { key = "first_try", title = "first try" }
      local median = { key = "median_ms", title = "median", unit = "ms" }
      return {
        title = "Models",
        text = "Verified: of the attempts that say. Passed: of the runs that it finished.",
        tables = {
          { columns = { "model", "attempts", "verified", first_try, "passed" }, rows = models },
          { title = "By skill", columns = { "skill", "model", "attempts", "verified", median }, rows = sides },
        },
      }
    end,
  },
}
