--- How a run ended, in one word.
--
--     ok       it did as it was asked: ok pass passed success succeeded successful done complete completed verified
--     fail     it tried and did not: error errored fail failed failure timeout timed_out crash crashed
--     skip     someone called it off, before or in the middle: skip skipped aborted interrupted cancelled canceled
--     unknown  nothing says: every other word (running, pending, partial, …)
--
-- Case, spaces around, and `-` or a space for `_` do not matter. A timeout is a fail: the run had its time. A run that
-- was called off did not fail: it was never decided, and counts in no rate.
--
-- When final_status is absent, null or "" (what the original writes for a status that was not set), the last attempt
-- decides: a test that ran, as `checks` or `verified` say. A build, lint or type check is a weak check: it also
-- passes on work that does not do what it should, so it decides nothing. Otherwise nothing is guessed.
--
--     checks = { { kind = "build", passed = true }, { kind = "test", passed = false } }      one of each that ran
--
-- A test without `passed` ran, but what it showed is not known: then only a failure of another decides.
-- @module debrief.entry.outcome
local core = require "debrief.core"
local meaning = require "debrief.entry.status_words"
local trim = require "debrief.text.trim"

local LONGEST = 40 -- bytes of a word; none of them has as many

local function index(value, key) return value[key] end

-- A member of something that may not be an object.
local function member(value, key)
  local ok, item = pcall(index, value, key)
  if ok then return item end
end

-- The result of the checks of an attempt: true or false if tests ran, nil otherwise; whether there are weaker ones; and
-- the result of those, as far as it is known.
local function tests_passed(checks)
  local passed, weak, weak_passed, hidden = nil, false, nil, false
  for i = 1, core.type(checks) == "array" and #checks or 0 do
    local kind, result = member(checks[i], "kind"), member(checks[i], "passed")
    if kind == "test" and type(result) == "boolean" then
      passed = passed ~= false and result
    elseif kind == "test" then
      hidden = true
    elseif type(kind) == "string" and kind ~= "test" then
      weak = true
      if type(result) == "boolean" then weak_passed = weak_passed ~= false and result end
    end
  end
  if hidden and passed then passed = nil end
  return passed, weak, weak_passed
end

-- From the last attempt; a null among the attempts says nothing.
local function from_attempts(attempts)
  local last = attempts and #attempts > 0 and attempts[#attempts]
  local passed, weak, weak_passed = tests_passed(member(last, "checks"))
  if passed == nil then
    if weak then return "unknown", "weak check", weak_passed end
    passed = member(last, "verified")
  end
  if type(passed) ~= "boolean" then return "unknown", nil end
  return passed and "ok" or "fail", "test"
end

--- The outcome of an entry (a lazy entry or a plain table).
-- @return "ok", "fail", "skip" or "unknown"; and on what that rests: "status", "test", "weak check" (which is why the
--   outcome is unknown), or nil for nothing; and of weak checks whether they passed, nil where that is not known
local function outcome(entry)
  local status = entry.final_status
  if type(status) ~= "string" then return from_attempts(entry.attempts) end
  local known = meaning[status]
  if known then return known, "status" end
  local word = trim.both(status)
  if word == "" then return from_attempts(entry.attempts) end
  if #word > LONGEST then return "unknown", "status" end
  word = word:lower():gsub("[%s-]", "_")
  return meaning[word] or "unknown", "status"
end

return outcome
