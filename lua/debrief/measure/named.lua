--- The measures that have a name. Each is { unit =, title =, run = true when it is of whole runs, state = function that
-- makes an aggregate, add = function(state, entry, item) }.
--
-- With attempts as items, those of attempts look at the item; else at all attempts of the entry.
-- @module debrief.measure.named
local agg = require "debrief.retro.aggregate"
local attempts = require "debrief.entry.attempts"
local measures = require "debrief.entry.measures"
local virtual = require "debrief.entry.virtual"

-- Adds what a measure of whole runs is.
local function of_run(name)
  local of = measures.named(name).of
  return function(state, entry) agg.add(state, of(entry)) end
end

local function add_claim(state, attempt)
  if type(attempt.verified) == "boolean" then agg.add(state, attempt.verified) end
end

local named = {
  runs = { unit = "count", run = true, state = agg.count, add = function(state) agg.add(state) end },
  passed = { run = true, state = agg.rate, add = of_run "passed" },
  first_try = { title = "first try", run = true, state = agg.rate, add = of_run "first_try" },
  attempts = { unit = "count", state = agg.count,
    add = function(state, entry, item) agg.add(state, item and 1 or virtual.attempt_count(entry)) end },
  verified = { unit = "of", state = agg.rate,
    add = function(state, entry, item)
      if item then return add_claim(state, item) end
      for _, attempt in attempts(entry) do add_claim(state, attempt) end
    end },
  lost = { unit = "ms", state = agg.sum,
    add = function(state, entry, item)
      if not item then agg.add(state, virtual.value(entry, "lost_ms"))
      elseif item.verified == false then agg.add(state, virtual.attempt_ms(item, entry)) end
    end },
  cost = { unit = "usd", run = true, whole = true, state = agg.sum, add = of_run "cost" },
  tokens = { unit = "count", run = true, whole = true, state = agg.sum, add = of_run "tokens" },
}

for name, measure in next, named do
  measure.name, measure.title = name, measure.title or name
end

return named
