-- attempts: what second tries are worth. How many runs verify at the first attempt (pass@1) and after all of their
-- attempts (pass@k), what the attempts that did not verify took, and whether another model did what one could not.
--
-- Both rates are over the same runs: those whose first attempt says whether it was verified. An attempt that says
-- nothing counts for neither. Lost is the time of attempts that did not verify: their own, or a single one's run's.
local debrief = require "debrief"
local agg = debrief.aggregate

local function attempts_of(entry)
  local out = {}
  for _, attempt in ipairs(entry.attempts or {}) do out[#out + 1] = attempt ~= debrief.null and attempt or nil end
  return out
end

local function count(row, entry, attempts)
  local verified = false
  agg.add(row.retried, #attempts > 1)
  for _, attempt in ipairs(attempts) do
    verified = verified or attempt.verified == true
    if attempt.verified == false then
      local ms = attempt.duration_ms or (#attempts == 1 and entry.duration_ms or nil)
      agg.add(row.lost, ms)
      row.untimed = row.untimed + (ms and 0 or 1)
    end
  end
  if attempts[1].verified == nil then return end
  agg.add(row.first, attempts[1].verified)
  agg.add(row.any, verified)
end

local function cells(name, row) -- nothing that did not verify: nothing lost; none of it timed: not known
  local lost = agg.value(row.lost) or (row.untimed == 0 and 0 or nil)
  return { name, row.retried.den, row.first, row.any, row.retried, lost }
end

return {
  name = "attempts", api = 1, split = true,
  summary = "What retries are worth: pass@1 beside pass@k, time lost, changes of model",
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many changes of model to list" } },
  retrospective = {
    init = function()
      local row = agg.by { retried = agg.rate(), first = agg.rate(), any = agg.rate(), lost = agg.sum(), untimed = 0 }
      return { without = agg.count(), all = row, skills = agg.by(row.row), tries = agg.by(agg.rate()),
        moves = agg.by { times = 0, verified = agg.rate() } }
    end,
    step = function(acc, entry)
      local attempts = attempts_of(entry)
      if #attempts == 0 then return agg.add(acc.without) end
      count(agg.at(acc.all, "all"), entry, attempts)
      count(agg.at(acc.skills, entry.skill), entry, attempts)
      for i, attempt in ipairs(attempts) do
        agg.add(acc.tries, math.min(i, 10), attempt.verified)
        local before = i > 1 and attempts[i - 1].model
        if before and attempt.model and before ~= attempt.model then
          local move = agg.at(acc.moves, before .. " → " .. attempt.model)
          move.times = move.times + 1
          agg.add(move.verified, attempt.verified)
        end
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local all = agg.at(acc.all, "all")
      local text = ("%d of %d runs were saved by a retry."):format(all.any.num - all.first.num, all.any.den)
      if acc.without.n > 0 then text = ("%s Runs without attempts: %d."):format(text, acc.without.n) end
      if all.untimed > 0 then text = ("%s Unverified attempts without a time: %d."):format(text, all.untimed) end
      local skills = agg.rows(acc.skills, cells, function(row) return row.retried.den end)
      table.insert(skills, 1, cells("(all)", all))
      local tries = agg.rows(acc.tries, function(n, rate) return { n == 10 and "10 and later" or n, rate } end)
      local moves = agg.rows(acc.moves, function(name, move) return { name, move.times, move.verified } end, "times")
      for i = #moves, ctx.options.limit + 1, -1 do moves[i] = nil end
      local lost = { key = "lost_ms", title = "lost", unit = "ms" }
      return { title = "Attempts", text = text, tables = {
        { columns = { "skill", "runs", "pass@1", "pass@k", "retried", lost }, rows = skills },
        { title = "Is another attempt worth it?", columns = { "attempt", "verified" }, rows = tries },
        { title = "Changes of model", columns = { "models", "times", "verified" }, rows = moves },
      } }
    end,
  },
}
