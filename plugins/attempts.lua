-- attempts: what second tries are worth. How many runs verify at the first attempt (pass@1) and after all of their
-- attempts (pass@k), what the attempts that did not verify took, and whether another model did what one could not.
--
-- Both rates are over the same runs: those whose first attempt says whether it was verified. An attempt that says
-- nothing counts for neither. Lost is the time of attempts that did not verify: their own, or a single one's run's.
local debrief = require "debrief"
local agg = debrief.aggregate

local LAST_TRY = 10 -- later attempts are counted together with this one

local function attempts_of(entry)
  local out = {}
  for _, attempt in debrief.attempts(entry) do out[#out + 1] = attempt end
  return out
end

-- Into the row of a skill, or of all of them.
local function count(row, entry, attempts)
  local any_verified = false
  agg.add(row.retried, #attempts > 1)
  for _, attempt in ipairs(attempts) do
    if attempt.verified == true then any_verified = true end
    if attempt.verified == false then
      local ms = attempt.duration_ms
      if not ms and #attempts == 1 then ms = entry.duration_ms end
      agg.add(row.lost, ms)
      if not ms then row.untimed = row.untimed + 1 end
    end
  end

  local first = attempts[1].verified
  if first ~= nil then
    agg.add(row.first, first)
    agg.add(row.any, any_verified)
  end
end

-- Was the attempt made by another model than the one before it? "A → B", or nil.
local function change_of_model(before, attempt)
  local from, to = before and before.model, attempt.model
  return from and to and from ~= to and from .. " → " .. to or nil
end

local function cells(name, row)
  local lost = agg.value(row.lost)
  if not lost and row.untimed == 0 then lost = 0 end -- every attempt verified; if some are untimed it is not known
  return { name, row.retried.den, row.first, row.any, row.retried, lost }
end

return {
  name = "attempts",
  api = 1,
  summary = "What retries are worth: pass@1 beside pass@k, time lost, changes of model",
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many changes of model to list" } },
  split = true,
  retrospective = {
    init = function()
      local row = { retried = agg.rate(), first = agg.rate(), any = agg.rate(), lost = agg.sum(), untimed = 0 }
      return {
        without = agg.count(), all = agg.by(row), skills = agg.by(row), tries = agg.by(agg.rate()),
        moves = agg.by { times = 0, verified = agg.rate() },
      }
    end,
    step = function(acc, entry)
      if debrief.subagent(entry) then return end -- a part of another run
      local attempts = attempts_of(entry)
      if #attempts == 0 then return agg.add(acc.without) end
      count(agg.at(acc.all, "all"), entry, attempts)
      count(agg.at(acc.skills, debrief.skill(entry)), entry, attempts)
      for i, attempt in ipairs(attempts) do
        agg.add(acc.tries, math.min(i, LAST_TRY), attempt.verified)
        local change = change_of_model(attempts[i - 1], attempt)
        if change then
          local move = agg.at(acc.moves, change)
          move.times = move.times + 1
          agg.add(move.verified, attempt.verified)
        end
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local all = agg.at(acc.all, "all")
      local skills = agg.rows(debrief.skill_names(acc.skills), cells, function(row) return row.retried.den end)
      table.insert(skills, 1, cells("(all)", all))
      local tries = agg.rows(acc.tries, function(n, verified)
        return { n == LAST_TRY and n .. " and later" or n, verified }
      end)
      local moves = agg.rows(acc.moves, function(change, move)
        return { change, move.times, move.verified }
      end, "times", ctx.options.limit)

      local text = { ("%d of %d runs were saved by a retry."):format(all.any.num - all.first.num, all.any.den) }
      if acc.without.n > 0 then text[#text + 1] = ("Runs without attempts: %d."):format(acc.without.n) end
      if all.untimed > 0 then text[#text + 1] = ("Unverified attempts without a time: %d."):format(all.untimed) end
      local lost = { key = "lost_ms", title = "lost", unit = "ms" }
      return {
        title = "Attempts",
        text = table.concat(text, " "),
        tables = {
          { columns = { "skill", "runs", "pass@1", "pass@k", "retried", lost }, rows = skills },
          { title = "Is another attempt worth it?", columns = { "attempt", "verified" }, rows = tries },
          { title = "Changes of model", columns = { "models", "times", "verified" }, rows = moves },
        },
      }
    end,
  },
}
