--- How a run ended, in one word: the one place that reads status words.
--
--     ok       it did as it was asked: ok pass passed success succeeded successful done complete completed verified
--     fail     it tried and did not: error errored fail failed failure timeout timed_out crash crashed
--     skip     someone called it off, before or in the middle: skip skipped aborted interrupted cancelled canceled
--     unknown  nothing says: every other word (running, pending, partial, …)
--
-- Case, spaces around, and `-` or a space for `_` do not matter. A timeout is a fail: the run had its time. A run that
-- was called off is no fail: it was never decided, and counts in no rate. When final_status is absent, null or ""
-- (what the original writes for a status that nobody set), the last attempt decides, if it says whether it was
-- verified; otherwise nothing is guessed.
-- @module debrief.entry.outcome

local words = {
  ok = "ok pass passed success succeeded successful done complete completed verified",
  fail = "error errored fail failed failure timeout timed_out crash crashed",
  skip = "skip skipped aborted interrupted cancelled canceled",
}

local meaning = {}
for result, list in pairs(words) do
  for word in list:gmatch("%S+") do meaning[word] = result end
end

-- From the last attempt; a null in the place of an attempt says nothing.
local function from_attempts(attempts)
  local last = attempts and #attempts > 0 and attempts[#attempts]
  local is_object, verified = pcall(function() return last.verified end)
  if not is_object or type(verified) ~= "boolean" then return "unknown" end
  return verified and "ok" or "fail"
end

--- The outcome of an entry (a lazy entry or a plain table).
-- @return "ok", "fail", "skip" or "unknown"
local function outcome(entry)
  local status = entry.final_status
  if type(status) ~= "string" then return from_attempts(entry.attempts) end
  local known = meaning[status]
  if known then return known end
  local word = status:lower():match("^%s*(.-)%s*$"):gsub("[%s-]", "_")
  if word == "" then return from_attempts(entry.attempts) end
  return meaning[word] or "unknown"
end

return outcome
