--- What status words mean: the one list of them (debrief.entry.outcome says how an entry is judged by it).
--
--     words.passed == "ok"    words.timeout == "fail"    words.aborted == "skip"    words.running == nil
-- @module debrief.entry.status_words
local LISTS = {
  ok = "ok pass passed success succeeded successful done complete completed verified",
  fail = "error errored fail failed failure timeout timed_out crash crashed",
  skip = "skip skipped aborted interrupted cancelled canceled",
}

local words = {}
for result, list in pairs(LISTS) do
  for word in list:gmatch("%S+") do words[word] = result end
end

return words
