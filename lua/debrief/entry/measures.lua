--- What can be measured of a run, by name: the measures that `trend` and `compare` take.
--
--     named "first_try"    { kind = "rate", of = function(entry) -> true | false | nil }
--     named "lost"         { kind = "number", unit = "ms", statistic = "mean", of = function(entry) -> number | nil }
--
-- nil is no data: such a run counts nowhere. `statistic` says what describes many of them: the median for what is
-- spread widely and above 0, the mean for what is 0 or 1 most of the time.
-- @module debrief.entry.measures
local attempts = require "debrief.entry.attempts"
local core = require "debrief.core"
local passed = require "debrief.entry.passed"

local measures = {}

local function number(value) return type(value) == "number" and value or nil end

-- Was it verified at the first attempt? An attempt that does not say is no data.
local function first_try(entry)
  local step, list, before = attempts(entry)
  local _, first = step(list, before)
  if first and type(first.verified) == "boolean" then return first.verified end
end

-- Was it verified in the end? Attempts of one run follow from each other, so that they are one case.
local function verified(entry)
  local known
  for _, attempt in attempts(entry) do
    if attempt.verified == true then return true end
    if attempt.verified == false then known = false end
  end
  return known
end

local function count(entry)
  local n = 0
  for _ in attempts(entry) do n = n + 1 end
  return n > 0 and n or nil
end

-- The time of attempts that did not verify; a single attempt took what its run took. No data if one of them has no
-- time.
local function lost(entry)
  local n, sum, said = count(entry), 0, false
  for _, attempt in attempts(entry) do
    said = said or type(attempt.verified) == "boolean"
    if attempt.verified == false then
      local ms = number(attempt.duration_ms) or n == 1 and number(entry.duration_ms)
      if not ms then return nil end
      sum = sum + ms
    end
  end
  return said and sum or nil
end

-- Tokens in and out, without those that came from a cache.
local function tokens(entry)
  local usage = entry.usage
  if core.type(usage) ~= "object" then return nil end
  local input, output = number(usage.input_tokens), number(usage.output_tokens)
  return (input or output) and (input or 0) + (output or 0)
end

local known = {
  passed = { kind = "rate", of = function(entry) return (passed(entry)) end },
  first_try = { kind = "rate", of = first_try },
  verified = { kind = "rate", of = verified },
  attempts = { kind = "number", statistic = "mean", of = count },
  lost = { kind = "number", statistic = "mean", unit = "ms", of = lost },
  cost = { kind = "number", statistic = "median", unit = "usd",
    of = function(entry) return number(entry.cost_usd) end },
  tokens = { kind = "number", statistic = "median", unit = "count", of = tokens },
  duration_ms = { kind = "number", statistic = "median", unit = "ms",
    of = function(entry) return number(entry.duration_ms) end },
}

--- The names, in the order in which they are listed.
measures.names = { "passed", "first_try", "verified", "attempts", "lost", "cost", "tokens", "duration_ms" }

--- A measure.
-- @return { kind = "rate" or "number", of = function(entry), unit =, statistic = "median" or "mean" for numbers }; nil
--   for an unknown name
function measures.named(name) return known[name] end

return measures
