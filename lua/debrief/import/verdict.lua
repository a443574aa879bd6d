--- What the checks after an edit say about it: the last telling result of each, and `verified` from the tests.
--
--     pytest tests/a.py   failed      a part of the next one, which takes it back
--     pytest              passed      -> decides
--     npm run lint        failed      kept as what it is, decides nothing
-- @module debrief.import.verdict
local checks = require "debrief.import.checks"

local verdict = {}

--- Add a result. One that is not known takes nothing back, and matters only where nothing that passed covers it.
-- @param list of results so far
-- @param check of debrief.import.checks
-- @param result { passed = true, false or nil, exit_status =, source = "exit" or "output", command =, output = }
function verdict.add(list, check, result)
  if result.passed == nil then
    for _, known in ipairs(list) do
      if known.result.passed ~= nil and checks.covers(known.check, check) then return end
    end
  end
  local kept = {}
  for _, known in ipairs(list) do
    local replaced = checks.covers(check, known.check) and (result.passed ~= nil or known.result.passed == nil)
    if not replaced then kept[#kept + 1] = known end
  end
  kept[#kept + 1] = { check = check, result = result }
  for i = 1, math.max(#list, #kept) do list[i] = kept[i] end
end

--- Did the tests pass? Only those decide; a test whose result is hidden leaves it open.
-- @return true, false or nil; and the output of the test that says so, else of the last check
function verdict.conclude(list)
  local passed, hidden, output
  for _, known in ipairs(list) do
    if known.check.kind == "test" then
      if known.result.passed == false then return false, known.result.output end
      if known.result.passed == nil then hidden = true else passed = true end
      output = known.result.output
    end
  end
  output = output or list[1] and list[#list].result.output
  if hidden then return nil, output end
  return passed, output
end

--- The results as an entry holds them.
function verdict.list(list)
  local out = {}
  for i, known in ipairs(list) do
    local result = known.result
    out[i] = { kind = known.check.kind, command = result.command, passed = result.passed,
      exit_status = result.exit_status, source = result.source, decides = known.check.kind == "test" or nil }
  end
  return out
end

return verdict
