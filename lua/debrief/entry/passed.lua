--- Did a run pass? Its outcome as a rate counts it: what was not decided is nil.
-- @module debrief.entry.passed
local outcome = require "debrief.entry.outcome"

local PASSED = { ok = true, fail = false }

--- Whether a run passed, and what says so.
-- @param entry an entry, or a plain table of one
-- @return true, false, or nil when it was called off or nothing decides; and "status", "test" or "weak check": what the
--   answer rests on, nil when there is nothing; and for weak checks whether those passed, nil where that is not known
local function passed(entry)
  local word, basis, weak_passed = outcome(entry)
  if basis == "weak check" then return nil, basis, weak_passed end
  return PASSED[word], basis
end

return passed
