-- failures: what failed runs have in common, grouped by the first telling line of their last runner_output: the first
-- that names trouble, or else the first that is no noise (blank, ornament, progress, a test that passes, a command).
-- Colours and leading times go, numbers become N, hex and ids HEX, paths their last part: so the same failure, in
-- another place and at another time, has the same line.
local debrief = require "debrief"
local agg = debrief.aggregate
local TROUBLE = { "error", "fail", "panic", "exception", "assert", "fatal", "expected", "undefined", "cannot", "can't",
  "not found", "no such", "denied", "refused", "timed out", "timeout", "mismatch", "segmentation", "killed" }
local NOISE = { "^%A*$", "^([=_*~#-])%1%1.*%1%1%1$", "^ok%f[%W]", "^PASS", "^%-%-%- PASS", "^=== ", "^✓", " ok$",
  "%d%%%]?$", "^%[?%s*%d+%%", "^Compiling ", "^Downloading ", "^Collecting ", "^Installing ", "^[Rr]unning ",
  "^Traceback ", "^[$>] ", "%.%.%.$" }

local function any(patterns, line)
  for _, pattern in ipairs(patterns) do if line:find(pattern) then return true end end
end

local function clean(line) -- what a progress bar left, without colours and the time in front
  line = line:gsub("\r+$", "")
  line = (line:match("^.*\r(.*)$") or line):sub(1, 500):gsub("\27%[[%d;?]*%a", "")
  line = line:gsub("^%s*[%[(]?%d%d%d%d%-%d%d%-%d%d[T ][%d:.,]+[Z%d:+-]*[%])]?", "")
  return line:gsub("^%s*%[?%d+:%d%d:%d%d[%d.,]*%]?", ""):match("^%s*(.-)%s*$")
end

local function telling_line(output)
  local fallback
  for raw in output:gmatch("[^\n]+") do
    local line = clean(raw)
    local words = line:lower():gsub("%f[%w]0 %a+", ""):gsub("%f[%a]no errors?", "") -- "0 failed" is no trouble
    local noise = any(NOISE, line)
    if not noise and any(TROUBLE, words) then return line end
    fallback = fallback or not noise and line
  end
  return fallback or "(nothing telling)"
end

local function normalise(line)
  line = line:gsub("[%w._~@+-]*/[%w._~@+/-]*", function(path) return path:match("[^/]+$") end)
  line = line:gsub("0x%x+", "HEX"):gsub("%f[%w]%d+%f[%W]", "N"):gsub("%f[%w]%x%x%x%x%x%x%x+%f[%W]", "HEX")
  line = line:gsub("HEX%-[%xN-]*HEX", "HEX"):gsub("%f[%w]%d+", "N"):gsub("%s+", " ")
  return #line > 200 and line:sub(1, 200):gsub("[\xc0-\xff][\x80-\xbf]*$", "") .. "…" or line
end

return {
  name = "failures", api = 1, summary = "Failed runs, grouped by what their output says first", split = true,
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many groups to show" } },
  retrospective = {
    init = function()
      return { failed = agg.rate(), groups = agg.by { runs = 0, skills = agg.top(), refs = agg.list(100) } }
    end,
    step = function(acc, entry, ctx)
      local outcome, output = debrief.outcome(entry)
      if outcome == "ok" or outcome == "fail" then agg.add(acc.failed, outcome == "fail") end
      if outcome ~= "fail" then return end
      for _, attempt in ipairs(entry.attempts or {}) do
        if attempt ~= debrief.null and (attempt.runner_output or "") ~= "" then output = attempt.runner_output end
      end
      local group = agg.at(acc.groups, output and normalise(telling_line(output)) or "(no output)")
      group.runs = group.runs + 1
      agg.add(group.skills, entry.skill or "no skill")
      agg.add(group.refs, { session = ctx.session, line = ctx.line })
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local findings, groups = {}, 0
      for line, group in agg.each(acc.groups, "runs") do
        groups = groups + 1
        if groups <= ctx.options.limit then
          local skills = {}
          for i, item in ipairs(agg.top_items(group.skills, 3)) do skills[i] = item.key .. " " .. item.count end
          findings[groups] = { value = group.runs, references = agg.value(group.refs),
            explanation = ("%s (%s)"):format(line, table.concat(skills, ", ")) }
        end
      end
      local text = ("%d of %d decided runs failed, in %d %s."):format(acc.failed.num, acc.failed.den, groups,
        groups == 1 and "group" or "groups")
      if groups > #findings then text = ("%s The first %d:"):format(text, #findings) end
      return { title = "Failures", text = text, findings = findings }
    end,
  },
}
