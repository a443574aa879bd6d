-- timeline: what happened when. The latest runs, in the user's zone, each with its attempts as marks: ✓ was verified,
-- ✗ was not, · does not say. Runs without a time are not shown, but counted.
local debrief = require "debrief"
local agg = debrief.aggregate

local function marks(attempts)
  local out = {}
  for i, attempt in ipairs(attempts or {}) do
    local verified
    if attempt ~= debrief.null then verified = attempt.verified end
    out[i] = i == 20 and "…" or verified == nil and "·" or verified and "✓" or "✗"
    if i == 20 then break end
  end
  return table.concat(out)
end

return {
  name = "timeline", api = 1, summary = "The latest runs in order of time, with their attempts and outcomes",
  split = true,
  options = { limit = { type = "integer", default = 40, min = 1, max = 10000, help = "how many runs to show" } },
  retrospective = {
    init = function(ctx) return { untimed = 0, latest = agg.largest(ctx.options.limit) } end,
    step = function(acc, entry, ctx)
      local at = debrief.time(entry)
      if not at then
        acc.untimed = acc.untimed + 1
        return
      end
      agg.add(acc.latest, at, { at = at, session = ctx.session, line = ctx.line, skill = entry.skill or "",
        marks = marks(entry.attempts), outcome = debrief.outcome(entry), ms = entry.duration_ms })
    end,
    merge = agg.merge,
    finish = function(acc)
      local runs, n = agg.value(acc.latest)
      local rows = {}
      for i, run in ipairs(runs) do -- the oldest first, the latest just above the prompt
        rows[#runs + 1 - i] = { debrief.date("%Y-%m-%d %H:%M", run.at), run.skill ~= "" and run.skill or nil,
          run.marks ~= "" and run.marks or nil, run.outcome, run.ms, run.session, run.line }
      end
      local text = ("The latest %d of %d runs."):format(#runs, n)
      if acc.untimed > 0 then text = ("%s Runs without a time: %d."):format(text, acc.untimed) end
      local took = { key = "duration_ms", title = "took", unit = "ms" }
      return { title = "Timeline", text = text, tables = {
        { columns = { "time", "skill", "attempts", "outcome", took, "session", "line" }, rows = rows },
      } }
    end,
  },
}
