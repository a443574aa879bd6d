-- outcome: how each run ended, in one word whatever its logger wrote: sets entry.outcome to ok, fail, skip or unknown.
-- Loggers use three vocabularies (ok/error/skipped, pass/fail/skip, success/failure); debrief.outcome reads them all,
-- and without a status takes what the last attempt says. Named on `append` the word is stored, on `read` only seen.
local debrief = require "debrief"

return {
  name = "outcome",
  api = 1,
  summary = "Sets entry.outcome to ok, fail, skip or unknown, from any words of status",
  enrich = function(entry) entry.outcome = debrief.outcome(entry) end,
}
