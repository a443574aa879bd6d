-- history: what happened before, as text for the prompt of the next run: the latest runs of a session, oldest first,
-- each with what it was asked, how it ended, what its last attempt said and what its last failure was.
--
--     debrief retro history SESSION --format json | jq -r '.reports[0].text'
--
-- The budget is in characters and holds for the whole text: whole runs only, the latest that fit, and a line that says
-- how many were left out. Runs without a time are older than all others.
local debrief = require "debrief"
local agg = debrief.aggregate

local HEADING = 80 -- characters kept for the first line
local SHORTEST = 8 -- characters that a run takes at least

local function length(text) return utf8.len(text) or #text end

local function last_line(output)
  local text = output:match "^.*%S" or ""
  return text:match "^.*\n(.*)$" or text
end

-- "2026-11-01 10:00 review (plan): fail after 3 attempts" and a line for each thing it says.
local function describe(entry, width)
  local attempts, summary, failure = 0, nil, nil
  for _, attempt in debrief.attempts(entry) do
    attempts = attempts + 1
    summary = attempt.output_summary
    if attempt.verified == false then failure = attempt.runner_output end
  end

  local at, text = debrief.time(entry), entry.skill or "run"
  if at then text = debrief.date("%Y-%m-%d %H:%M ", at) .. text end
  if entry.phase then text = text .. (" (%s)"):format(entry.phase) end
  text = text .. ": " .. debrief.outcome(entry)
  if attempts > 1 then text = text .. (" after %d attempts"):format(attempts) end

  local function add(label, value)
    local line = debrief.short(value, width)
    if line ~= "" then text = ("%s\n  %s: %s"):format(text, label, line) end
  end
  add("asked", entry.input)
  add("result", summary)
  add("failed with", failure and last_line(failure))
  return text
end

return {
  name = "history",
  api = 1,
  summary = "Earlier runs of a session as text for the next prompt, within a budget",
  options = {
    budget = { type = "integer", default = 4000, min = 200, max = 16000, help = "how many characters it may have" },
    width = { type = "integer", default = 160, min = 20, help = "how many of them each field of a run" },
  },
  split = true,
  retrospective = {
    init = function(ctx)
      return { n = 0, sessions = agg.distinct(2), latest = agg.largest(ctx.options.budget // SHORTEST) }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      acc.n = acc.n + 1
      agg.add(acc.sessions, ctx.session)
      agg.add(acc.latest, debrief.time(entry) or ctx.line, {
        session = ctx.session, text = describe(entry, ctx.options.width),
      })
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local several_sessions = agg.value(acc.sessions) > 1
      local newest, left = {}, ctx.options.budget - HEADING
      for _, run in ipairs((agg.value(acc.latest))) do
        local text = several_sessions and ("- [%s] %s"):format(run.session, run.text) or "- " .. run.text
        left = left - length(text) - 1
        if left < 0 then break end
        newest[#newest + 1] = text
      end

      local heading, left_out = "Earlier runs, oldest first:", acc.n - #newest
      if left_out > 0 then heading = ("Earlier runs, oldest first (%d older ones left out):"):format(left_out) end
      if acc.n == 0 then heading = "No earlier runs." end
      local lines = { heading }
      for i = #newest, 1, -1 do lines[#lines + 1] = newest[i] end
      return { title = "History", text = table.concat(lines, "\n") }
    end,
  },
}
