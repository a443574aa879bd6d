-- trend: is it getting better or worse? The pass rate of each skill in the latest day or week beside that of the ones
-- before, and one by one. A change is named only when the two 95 % intervals lie apart: a few runs are no trend.
-- Days and weeks (from Monday) are those of the user's zone. Runs without a time are in none of them, and counted.
local debrief = require "debrief"
local agg = debrief.aggregate

local FORMATS = { day = "%Y-%m-%d", week = "%G-W%V" }
local HALF_DAY = 12 * 3600 * 1000000000 -- a step that meets every day, those of 23 hours too

local function change(before, now)
  local low_before, high_before = agg.wilson(before)
  local low, high = agg.wilson(now)
  if not low or not low_before then return nil end
  return low > high_before and "up" or high < low_before and "down" or nil
end

-- The names of the latest periods up to `last`, oldest first, without gaps: a day on which nothing ran is one too.
local function periods(first, last, format, limit)
  local names, at = {}, last
  while at and #names <= limit do
    local name = debrief.date(format, at)
    if name ~= names[1] then table.insert(names, 1, name) end
    at = at > first and math.max(at - HALF_DAY, first) or nil
  end
  if names[limit + 1] then table.remove(names, 1) end
  return names
end

return {
  name = "trend", api = 1, summary = "Pass rates by day or week, with the changes that are no chance", split = true,
  options = {
    by = { type = "string", default = "week", choices = { "day", "week" }, help = "how long each span is" },
    last = { type = "integer", default = 12, min = 2, max = 1000, help = "how many days or weeks to look at" },
  },
  retrospective = {
    init = function()
      return { untimed = 0, first = agg.min(), last = agg.max(), all = agg.by { runs = 0, passed = agg.rate() },
        skills = agg.by(agg.by(agg.rate())) }
    end,
    step = function(acc, entry, ctx)
      local at, outcome = debrief.time(entry), debrief.outcome(entry)
      acc.untimed = acc.untimed + (at and 0 or 1)
      if not at then return end
      agg.add(acc.first, at)
      agg.add(acc.last, at)
      local period = debrief.date(FORMATS[ctx.options.by], at)
      local row, passed = agg.at(acc.all, period), nil
      if outcome == "ok" or outcome == "fail" then passed = outcome == "ok" end
      row.runs = row.runs + 1
      agg.add(row.passed, passed)
      agg.add(agg.at(acc.skills, entry.skill), period, passed)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local by, before, rows = ctx.options.by, agg.rate(), {}
      local names = periods(agg.value(acc.first), agg.value(acc.last), FORMATS[by], ctx.options.last)
      for i, name in ipairs(names) do
        local row = agg.at(acc.all, name)
        rows[i] = { name, row.runs, row.passed, change(before, row.passed) }
        before = row.passed.den > 0 and row.passed or before
      end
      local skills = agg.rows(acc.skills, function(skill, rates)
        local earlier, latest, spark = agg.rate(), agg.rate(), {}
        for i, name in ipairs(names) do
          latest = agg.at(rates, name)
          spark[i] = agg.value(latest) or debrief.null
          if i < #names then agg.merge(earlier, latest) end
        end
        return { skill, earlier, latest, change(earlier, latest), { spark = spark, low = 0, high = 1 } }
      end)
      local text = names[1] and ("The latest %s is %s."):format(by, names[#names]) or "No run has a time."
      if acc.untimed > 0 then text = ("%s Runs without a time: %d."):format(text, acc.untimed) end
      return { title = "Trend", text = text .. " A change is named when the 95 % intervals lie apart.", tables = {
        { title = "By skill", columns = { "skill", "before", "latest", "change", "trend" }, rows = skills },
        { title = "All skills, by " .. by, columns = { by, "runs", "passed", "change" }, rows = rows },
      } }
    end,
  },
}
