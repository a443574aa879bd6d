-- unverified: keep the runs that nothing has verified: none of their attempts says so, whatever their status claims.
-- With --opt passed=true, only those that passed: what was believed without a check.
local debrief = require "debrief"

return {
  name = "unverified",
  api = 1,
  summary = "Keeps the runs of which no attempt was verified",
  options = { passed = { type = "boolean", default = false, help = "only those whose status says that they passed" } },
  filter = function(entry, ctx)
    for _, attempt in debrief.attempts(entry) do
      if attempt.verified == true then return false end
    end
    return not ctx.options.passed or debrief.passed(entry) == true
  end,
}
