-- timeline: what happened when. The latest runs, in the user's zone, each with its attempts as marks: ✓ was verified,
-- ✗ was not, · does not say. Runs without a time are not shown, but counted.
local debrief = require "debrief"
local agg = debrief.aggregate

local MOST_MARKS = 20 -- of one run, the last of them "…" when it has as many

local function marks_of(entry)
  local marks = {}
  for i = 1, math.min(#(entry.attempts or {}), MOST_MARKS) do marks[i] = "·" end
  for i, attempt in debrief.attempts(entry) do
    if i > #marks then break end
    if attempt.verified ~= nil then marks[i] = attempt.verified and "✓" or "✗" end
  end
  if #marks == MOST_MARKS then marks[MOST_MARKS] = "…" end
  return table.concat(marks)
end

-- How long each run took, by how it ended.
local function chart_of(runs)
  local chart = { type = "dots", title = "How long runs took, by how they ended", unit = "ms", series = {},
    x = { type = "time", values = {} } }
  local by = {}
  for _, name in ipairs { "ok", "fail", "skip", "unknown" } do by[name] = { name = name, values = {} } end
  for i, run in ipairs(runs) do
    local at = #runs + 1 - i -- the oldest first
    chart.x.values[at], by[run.outcome].values[at] = run.at // 1000000, run.ms
  end
  for _, name in ipairs { "ok", "fail", "skip", "unknown" } do
    if next(by[name].values) then chart.series[#chart.series + 1] = by[name] end
  end
  return chart.series[1] and chart or nil
end

return {
  name = "timeline",
  api = 1,
  summary = "The latest runs in order of time, with their attempts and outcomes",
  options = { limit = { type = "integer", default = 40, min = 1, max = 10000, help = "how many runs to show" } },
  split = true,
  retrospective = {
    init = function(ctx) return { untimed = 0, latest = agg.largest(ctx.options.limit) } end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      local at = debrief.time(entry)
      if not at then
        acc.untimed = acc.untimed + 1
        return
      end
      agg.add(acc.latest, at, {
        at = at, skill = entry.skill or "", marks = marks_of(entry), outcome = debrief.outcome(entry),
        ms = entry.duration_ms, entry = ctx.session .. ":" .. ctx.line,
      })
    end,
    merge = agg.merge,
    finish = function(acc)
      local runs, n = agg.value(acc.latest) -- the latest first
      local rows = {}
      for i, run in ipairs(runs) do
        local skill, marks = run.skill ~= "" and run.skill or nil, run.marks ~= "" and run.marks or nil
        local row = { debrief.date("%Y-%m-%d %H:%M", run.at), skill, marks, run.outcome, run.ms, run.entry }
        rows[#runs + 1 - i] = row -- the oldest on top, the latest just above the prompt
      end

      local text = ("The latest %d of %d runs."):format(#runs, n)
      if acc.untimed > 0 then text = text .. (" Runs without a time: %d."):format(acc.untimed) end
      local took = { key = "duration_ms", title = "took", unit = "ms", priority = 2 }
      return {
        title = "Timeline",
        text = text,
        charts = { chart_of(runs) },
        tables = { {
          columns = { { key = "time", cut = "never" }, "skill", { key = "attempts", priority = 1 }, "outcome", took,
            { key = "entry", cut = "never" } },
          rows = rows,
        } },
      }
    end,
  },
}
