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
local virtual = require "debrief.entry.virtual"

local measures = {}

local function number(value) return type(value) == "number" and value or nil end

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
  local n = virtual.attempt_count(entry)
  return n > 0 and n or nil
end

local TOKENS = { "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens" }

-- All tokens, in and out, cached ones too.
local function tokens(entry)
  local usage, sum = entry.usage, nil
  if core.type(usage) ~= "object" then return nil end
  for _, field in ipairs(TOKENS) do
    local n = number(usage[field])
    if n then sum = (sum or 0) + n end
  end
  return sum
end

local function virtual_field(name) return function(entry) return virtual.value(entry, name) end end

local known = {
  passed = { kind = "rate", of = function(entry) return (passed(entry)) end },
  first_try = { kind = "rate", of = virtual_field "first_try" },
  verified = { kind = "rate", of = verified },
  attempts = { kind = "number", statistic = "mean", of = count },
  lost = { kind = "number", statistic = "mean", unit = "ms", of = virtual_field "lost_ms" },
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
