-- history: what happened before, as text for the prompt of the next run: the latest runs of a session, oldest first,
-- each with what it was asked, how it ended, what its last attempt said and what its last failure was.
--
--     debrief retro history SESSION --format json | jq -r '.reports[0].text'
--
-- The budget is in characters and holds for the whole text: whole runs only, the latest that fit, and a line that says
-- how many were left out. Runs without a time are older than all others.
local debrief = require "debrief"
local agg = debrief.aggregate

local function length(text) return utf8.len(text) or #text end

local function short(text, most) -- the first line that says something, at most so many characters of it
  local line = tostring(text):match("[^\n]*[%w\x80-\xff][^\n]*") or ""
  line = line:gsub("\27%[[%d;]*%a", ""):gsub("%c", " "):match("^%s*(.-)%s*$")
  return length(line) > most and line:sub(1, (utf8.offset(line, most) or most + 1) - 1) .. "…" or line
end

local function describe(entry, at, width)
  local attempts, summary, failure = 0, nil, nil
  for _, attempt in ipairs(entry.attempts or {}) do
    if attempt ~= debrief.null then
      attempts, summary = attempts + 1, attempt.output_summary
      if attempt.verified == false then failure = attempt.runner_output end
    end
  end
  local text = ("%s%s: %s%s"):format(entry.skill or "run", entry.phase and " (" .. entry.phase .. ")" or "",
    debrief.outcome(entry), attempts > 1 and (" after %d attempts"):format(attempts) or "")
  local function add(label, part)
    part = part and short(part, width) or ""
    if part ~= "" then text = ("%s\n  %s: %s"):format(text, label, part) end
  end
  add("asked", entry.input)
  add("result", summary)
  add("failed with", failure and failure:gsub("%s+$", ""):match("[^\n]*$"))
  return at and debrief.date("- %Y-%m-%d %H:%M ", at) .. text or "- " .. text
end

return {
  name = "history", api = 1, summary = "Earlier runs of a session as text for the next prompt, within a budget",
  options = {
    budget = { type = "integer", default = 4000, min = 200, max = 1000000, help = "how many characters it may have" },
    width = { type = "integer", default = 160, min = 20, help = "how many of them each field of a run" },
  },
  split = true,
  retrospective = {
    init = function(ctx) -- more runs than that never fit
      return { n = 0, sessions = agg.distinct(2), latest = agg.largest(ctx.options.budget // 8) }
    end,
    step = function(acc, entry, ctx)
      local at = debrief.time(entry)
      acc.n = acc.n + 1
      agg.add(acc.sessions, ctx.session)
      agg.add(acc.latest, at or ctx.line, { session = ctx.session, text = describe(entry, at, ctx.options.width) })
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local lines, left, several = {}, ctx.options.budget - 80, agg.value(acc.sessions) > 1 -- 80: the first line
      for _, run in ipairs((agg.value(acc.latest))) do
        local text = several and "- [" .. run.session .. "] " .. run.text:sub(3) or run.text
        left = left - length(text) - 1
        if left < 0 then break end
        table.insert(lines, 1, text)
      end
      local omitted = acc.n - #lines
      table.insert(lines, 1, acc.n == 0 and "No earlier runs." or omitted == 0 and "Earlier runs, oldest first:"
        or ("Earlier runs, oldest first (%d older ones left out):"):format(omitted))
      return { title = "History", text = table.concat(lines, "\n") }
    end,
  },
}
