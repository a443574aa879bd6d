-- models: what each model does well. How often its attempts verify, at the first try and in all, and how the runs that
-- it finished went; then the models side by side for each skill.
--
-- A model's attempts are those that name it, or that name none in a run whose model_used it is. A run is finished by
-- the model of its last attempt. Time is an attempt's own, or its run's when it was the only one.
local debrief = require "debrief"
local agg = debrief.aggregate

local function count(row, attempt)
  row.attempts = row.attempts + 1
  agg.add(row.verified, attempt.verified) -- nil is no claim, and counts in neither
end

return {
  name = "models", api = 1, summary = "Each model: verified attempts, passed runs, and side by side for each skill",
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many models, and skills, to list" } },
  split = true,
  retrospective = {
    init = function()
      return {
        models = agg.by { attempts = 0, verified = agg.rate(), first = agg.rate(), passed = agg.rate() },
        skills = agg.by { attempts = 0,
          models = agg.by { attempts = 0, verified = agg.rate(), time = agg.quantiles() } },
      }
    end,
    step = function(acc, entry)
      local skill, attempts, last = agg.at(acc.skills, entry.skill), entry.attempts or {}, entry.model_used
      for i, attempt in ipairs(attempts) do
        if attempt ~= debrief.null then
          last = attempt.model or entry.model_used
          local model, side = agg.at(acc.models, last), agg.at(skill.models, last)
          count(model, attempt)
          count(side, attempt)
          if i == 1 then agg.add(model.first, attempt.verified) end
          agg.add(side.time, attempt.duration_ms or (#attempts == 1 and entry.duration_ms or nil))
          skill.attempts = skill.attempts + 1
        end
      end
      local outcome = debrief.outcome(entry)
      if not last or outcome == "skip" or outcome == "unknown" then return end
      agg.add(agg.at(acc.models, last).passed, outcome == "ok")
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local limit, sides, listed = ctx.options.limit, {}, 0
      local models = agg.rows(acc.models, function(model, row)
        return { model, row.attempts, row.verified, row.first, row.passed }
      end, "attempts")
      for key, skill in agg.each(acc.skills, "attempts") do
        listed = listed + 1
        local rows = listed <= limit and agg.rows(skill.models, function(model, row)
          return { key ~= "" and key or nil, model, row.attempts, row.verified, agg.value(row.time) }
        end, "attempts")
        for i = 1, rows and math.min(#rows, limit) or 0 do sides[#sides + 1] = rows[i] end
      end
      for i = #models, limit + 1, -1 do models[i] = nil end
      local text = "Verified: of the attempts that say. Passed: of the runs that it finished."
      return { title = "Models", text = text, tables = {
        { columns = { "model", "attempts", "verified", { key = "first_try", title = "first try" }, "passed" },
          rows = models },
        { title = "By skill", columns = { "skill", "model", "attempts", "verified",
          { key = "median_ms", title = "median", unit = "ms" } }, rows = sides },
      } }
    end,
  },
}
