-- failures: what failed runs have in common, grouped by the first meaningful line of their last runner_output: the
-- first that names trouble, or else the first that is not noise (blank, ornament, progress, a test that passes, a
-- command). Colours and leading times go, numbers become N, hex and ids HEX, paths their last part: so the same
-- failure, in another place and at another time, has the same line.
local debrief = require "debrief"
local agg = debrief.aggregate

local LONGEST = 201 -- characters of a line

-- Words of a line in small letters that names trouble.
local TROUBLE = {
  "error", "fail", "panic", "exception", "assert", "fatal", "expected", "undefined", "cannot", "can't", "not found",
  "no such", "denied", "refused", "timed out", "timeout", "mismatch", "segmentation", "killed",
}

-- Lines that say nothing about what went wrong.
local NOISE = {
  "^%A*$", "^([=_*~#-])%1%1.*%1%1%1$",                            -- no letters, ornaments
  "^ok%f[%W]", "^PASS", "^%-%-%- PASS", "^=== ", "^✓", " ok$",    -- tests that pass or begin
  "%d%%%]?$", "^%[?%s*%d+%%", "%.%.%.$",                          -- progress
  "^Compiling ", "^Downloading ", "^Collecting ", "^Installing ", "^[Rr]unning ",
  "^Traceback ", "^[$>] ",                                        -- a heading, a command
}

local function any(patterns, line)
  for _, pattern in ipairs(patterns) do
    if line:find(pattern) then return true end
  end
  return false
end

-- The final look of a line: the last state of a progress bar, without colours and without the time at its start.
local function clean(line)
  line = line:match "^.*[^\r]" or ""
  line = (line:match "^.*\r(.*)$" or line):sub(1, 500)
  line = line:gsub("\27%[[%d;?]*%a", "")
  line = line:gsub("^%s*[%[(]?%d%d%d%d%-%d%d%-%d%d[T ][%d:.,]+[Z%d:+-]*[%])]?", "") -- [2026-11-01T10:00:00.123Z]
  line = line:gsub("^%s*%[?%d+:%d%d:%d%d[%d.,]*%]?", "") -- [10:00:00]
  local from = line:find "%S"
  return from and line:match(".*%S", from) or ""
end

local function telling_line(output)
  local fallback
  for raw in output:gmatch "[^\n]+" do
    local line = clean(raw)
    if not any(NOISE, line) then
      local words = line:lower():gsub("%f[%w]0 %a+", ""):gsub("%f[%a]no errors?", "") -- "0 failed" is no trouble
      if any(TROUBLE, words) then return line end
      fallback = fallback or line
    end
  end
  return fallback or "(nothing meaningful)"
end

local function last_part(path) return path:match "[^/]+$" end

local function normalise(line)
  line = line:gsub("[%w._~@+-]*/[%w._~@+/-]*", last_part)
  line = line:gsub("0x%x+", "HEX")
  line = line:gsub("%f[%w]%d+%f[%W]", "N")               -- a number
  line = line:gsub("%f[%w]%x%x%x%x%x%x%x+%f[%W]", "HEX") -- a hash
  line = line:gsub("HEX%-[%xN-]*HEX", "HEX")             -- a UUID
  line = line:gsub("%f[%w]%d+", "N")                     -- 30s
  return debrief.short(line:gsub("%s+", " "), LONGEST)
end

-- What the last attempt that has output says first.
local function failure_of(entry)
  local output
  for _, attempt in debrief.attempts(entry) do
    if (attempt.runner_output or "") ~= "" then output = attempt.runner_output end
  end
  return output and normalise(telling_line(output)) or "(no output)"
end

return {
  name = "failures",
  api = 1,
  summary = "Failed runs, grouped by what their output says first",
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many groups to show" } },
  split = true,
  retrospective = {
    init = function()
      return { failed = agg.rate(), groups = agg.by { runs = 0, skills = agg.top(), refs = agg.list(100) } }
    end,
    step = function(acc, entry, ctx)
      local passed = debrief.passed(entry)
      if passed == nil then return end
      agg.add(acc.failed, not passed)
      if passed then return end
      local group = agg.at(acc.groups, failure_of(entry))
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
          findings[groups] = {
            value = group.runs,
            explanation = ("%s (%s)"):format(line, table.concat(skills, ", ")),
            references = agg.value(group.refs),
          }
        end
      end

      local text = ("%d of %d decided runs failed, in %d %s."):format(acc.failed.num, acc.failed.den, groups,
        groups == 1 and "group" or "groups")
      if groups > #findings then text = text .. (" The first %d:"):format(#findings) end
      return { title = "Failures", text = text, findings = findings }
    end,
  },
}
