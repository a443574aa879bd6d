-- attempts: what second tries are worth. There are two kinds, which must not be mixed.
--
-- Retries are the attempts within a run: each has seen why the one before it failed. How many runs verify at the first
-- try and in the end, what the attempts that did not verify took, and whether another model did what one could not.
-- Both rates are over the same runs: those whose first attempt says whether it was verified.
--
-- Trials are runs on the same case that did not see each other. Of a case with n decided trials, of which c passed, k
-- are drawn: pass@k is the share of draws in which one passes, 1 - C(n-c,k)/C(n,k) (Chen et al. 2021), pass^k the share
-- in which all pass, C(c,k)/C(n,k) (Yao et al. 2024); both as the mean over the cases with at least k trials. A case is
-- what `case` leads to, for each skill and model; without that option, the input of runs that have a skill or say that
-- they are a trial.
local debrief = require "debrief"
local agg = debrief.aggregate

local LAST_TRY = 10 -- later attempts are counted together with this one
local DRAWS = { 1, 2, 3, 4, 5, 6, 7, 8, 10, 16, 32, 64, 128 } -- the k that have a row

-- ---- Retries -------------------------------------------------------------------------------------------------------

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
  if not lost and row.untimed == 0 and row.first.den > 0 then lost = 0 end -- every attempt that says so verified
  return { name, row.retried.den, row.first, row.any, row.retried, lost }
end

-- ---- Trials --------------------------------------------------------------------------------------------------------

local function case_of(entry, ctx)
  local case = ctx.options.case
  if case == "" and not entry.skill and not debrief.get(entry, "source.trial") then return nil end
  local value = debrief.get(entry, case ~= "" and case or "input")
  return value ~= nil and debrief.session_id(tostring(value) .. " ") or nil -- the space makes a hash part of it
end

-- The model that finished a run.
local function model_of(entry, attempts)
  return entry.model_used or attempts[1] and attempts[#attempts].model
end

-- The chance that one of k trials passes, which are drawn from n of which c passed.
local function one_passes(n, c, k)
  local none = 1.0
  for i = n - c + 1, n do none = none * math.max(0, 1 - k / i) end
  return 1 - none
end

-- The chance that all of them pass.
local function all_pass(n, c, k)
  local all = 1.0
  for i = 0, k - 1 do all = all * math.max(0, c - i) / (n - i) end
  return all
end

-- A row for each k of a skill and model, if a case was tried more than once.
local function add_trials(rows, skill, model, cases)
  local most = 0
  for _, case in agg.each(cases) do most = math.max(most, case.den) end
  for _, k in ipairs(most > 1 and DRAWS or {}) do
    local one, all = agg.mean(), agg.mean()
    for _, case in agg.each(cases) do
      if case.den >= k then
        agg.add(one, one_passes(case.den, case.num, k))
        agg.add(all, all_pass(case.den, case.num, k))
      end
    end
    if one.n > 0 then rows[#rows + 1] = { skill, model, k, one.n, agg.value(one), agg.value(all) } end
  end
end

-- pass@k of each skill and model; of a single one pass^k, too.
local function curve_of(trials)
  local chart = { type = "line", title = "Trials: the share of cases that k tries solve", unit = "share", series = {},
    x = { title = "k", type = "number", values = {} } }
  local place, lines, list = {}, {}, {}
  for _, row in ipairs(trials) do place[row[3]] = true end
  for _, k in ipairs(DRAWS) do
    if place[k] then
      chart.x.values[#chart.x.values + 1] = k
      place[k] = #chart.x.values
    end
  end
  local function put(row, name, value)
    local line = lines[name] or { name = name, values = {}, n = {} }
    if not lines[name] then lines[name], list[#list + 1] = line, line end
    line.values[place[row[3]]], line.n[place[row[3]]] = value, row[4]
  end
  for _, row in ipairs(trials) do put(row, ("%s %s"):format(row[1] or "-", row[2] or "-"), row[5]) end
  if #list == 1 then
    list[1].name = "pass@k"
    for _, row in ipairs(trials) do put(row, "pass^k", row[6]) end
  end
  chart.series = table.move(list, 1, math.min(#list, 6), 1, {})
  chart.note = "Each k is over the cases with at least k decided trials; n is how many those are."
  if #list > 6 then chart.note = ("%s The first 6 of %d skills and models."):format(chart.note, #list) end
  return #chart.x.values > 1 and chart or nil
end

-- ---- The report ----------------------------------------------------------------------------------------------------

return {
  name = "attempts",
  api = 1,
  summary = "What retries are worth, and pass@k and pass^k of independent trials of a case",
  options = {
    case = { type = "string", default = "", help = "what runs on one case have in common, as input.task" },
    limit = { type = "integer", default = 10, min = 1, help = "how many changes of model to list" },
  },
  split = true,
  retrospective = {
    init = function()
      local row = { retried = agg.rate(), first = agg.rate(), any = agg.rate(), lost = agg.sum(), untimed = 0 }
      return {
        without = agg.count(), all = agg.by(row), skills = agg.by(row), tries = agg.by(agg.rate()),
        moves = agg.by { times = 0, verified = agg.rate() }, trials = 0, cases = agg.by(agg.by(agg.by(agg.rate()))),
      }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      local skill, case, attempts = debrief.skill(entry), case_of(entry, ctx), attempts_of(entry)
      if case then
        acc.trials = acc.trials + 1
        agg.add(agg.at(agg.at(acc.cases, skill), model_of(entry, attempts)), case, (debrief.passed(entry)))
      end

      if #attempts == 0 then return agg.add(acc.without) end
      count(agg.at(acc.all, "all"), entry, attempts)
      count(agg.at(acc.skills, skill), entry, attempts)
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
      local trials, decided = {}, 0
      for name, models in agg.each(debrief.skill_names(acc.cases)) do
        for model, cases in agg.each(models) do
          add_trials(trials, name ~= "" and name or nil, model ~= "" and model or nil, cases)
          for _, case in agg.each(cases) do decided = decided + case.den end
        end
      end

      local text = { ("%d of %d runs were saved by a retry."):format(all.any.num - all.first.num, all.any.den) }
      if acc.without.n > 0 then text[#text + 1] = ("Runs without attempts: %d."):format(acc.without.n) end
      if all.untimed > 0 then text[#text + 1] = ("Unverified attempts without a time: %d."):format(all.untimed) end
      if #trials > 0 then text[#text + 1] = ("Trials: %d, decided: %d."):format(acc.trials, decided) end

      local skill, lost = { key = "skill", cut = "never" }, { key = "lost_ms", title = "lost", unit = "ms" }
      local retried = { key = "retried", priority = 1 }
      local first = { key = "first_try", title = "first try" }
      local in_the_end = { key = "in_the_end", title = "in the end" }
      local tables = {
        { title = "Retries", columns = { skill, "runs", first, in_the_end, retried, lost }, rows = skills },
        { title = "Is another attempt worth it?", columns = { "attempt", "verified" }, rows = tries,
          chart = { type = "bar", title = "Verified, by attempt" } },
      }
      if #moves > 0 then
        tables[#tables + 1] = { title = "Changes of model", columns = { "models", "times", "verified" }, rows = moves }
      end
      if #trials > 0 then
        tables[#tables + 1] = { title = "Trials: means over the cases with at least k decided ones",
          columns = { "skill", { key = "model", cut = "never" }, "k", "cases", "pass@k", "pass^k" }, rows = trials }
      end
      return { title = "Attempts", text = table.concat(text, " "), tables = tables, charts = { curve_of(trials) } }
    end,
  },
}
