-- retried: keep the runs that needed more than one attempt. With --opt at_least=3, those that needed three or more.
local debrief = require "debrief"

return {
  name = "retried",
  api = 1,
  summary = "Keeps the runs that needed more than one attempt",
  options = { at_least = { type = "integer", default = 2, min = 2, help = "how many attempts" } },
  filter = function(entry, ctx)
    local attempts = 0
    for _ in debrief.attempts(entry) do attempts = attempts + 1 end
    return attempts >= ctx.options.at_least
  end,
}
