-- failed: keep the runs that failed, in whatever words their logger says so. A run that was called off did not fail.
local debrief = require "debrief"

return {
  name = "failed",
  api = 1,
  summary = "Keeps the runs that failed",
  filter = function(entry) return debrief.passed(entry) == false end,
}
