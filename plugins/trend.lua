-- trend: is it getting better or worse? The pass rate of each skill in the latest day or week compared with the ones
-- before, and one by one. A change is named only if the two 95 % intervals do not overlap: a few runs are not a trend.
-- Days and weeks (from Monday) are those of the user's zone. Runs without a time are in none of them, and counted.
local debrief = require "debrief"
local agg = debrief.aggregate

local FORMATS = { day = "%Y-%m-%d", week = "%G-W%V" }
local HALF_DAY = 12 * 3600 * 1000000000 -- a step that meets every day, those of 23 hours too

-- "up" or "down" when the intervals of the two rates lie apart, else nil.
local function change(before, now)
  local low_before, high_before = agg.wilson(before)
  local low, high = agg.wilson(now)
  if not low or not low_before then return nil end
  if low > high_before then return "up" end
  if high < low_before then return "down" end
end

-- The names of the latest periods up to `last`, oldest first, without gaps: a day on which nothing ran is one too.
local function periods(first, last, format, limit)
  local names, at = {}, last
  while at and #names <= limit do
    local name = debrief.date(format, at)
    if name ~= names[1] then table.insert(names, 1, name) end
    at = at > first and math.max(at - HALF_DAY, first) or nil
  end
  if #names > limit then table.remove(names, 1) end
  return names
end

-- A skill's row: the periods before the latest together, the latest, and all of them drawn.
local function skill_cells(names)
  return function(skill, rates)
    local earlier, latest, spark = agg.rate(), agg.rate(), {}
    for i, name in ipairs(names) do
      latest = agg.at(rates, name)
      spark[i] = agg.value(latest) or debrief.null
      if i < #names then agg.merge(earlier, latest) end
    end
    return { skill, earlier, latest, change(earlier, latest), { spark = spark, low = 0, high = 1 } }
  end
end

-- One row per period, each compared with the last one before it in which anything was decided.
local function period_rows(names, all)
  local before, rows = agg.rate(), {}
  for i, name in ipairs(names) do
    local period = agg.at(all, name)
    rows[i] = { name, period.runs, period.passed, change(before, period.passed) }
    if period.passed.den > 0 then before = period.passed end
  end
  return rows
end

return {
  name = "trend",
  api = 1,
  summary = "Pass rates by day or week, with the changes that are larger than chance",
  options = {
    by = { type = "string", default = "week", choices = { "day", "week" }, help = "how long each period is" },
    last = { type = "integer", default = 12, min = 2, max = 1000, help = "how many days or weeks to look at" },
  },
  split = true,
  retrospective = {
    init = function()
      return {
        untimed = 0, first = agg.min(), last = agg.max(), all = agg.by { runs = 0, passed = agg.rate() },
        skills = agg.by(agg.by(agg.rate())),
      }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      local at = debrief.time(entry)
      if not at then
        acc.untimed = acc.untimed + 1
        return
      end
      agg.add(acc.first, at)
      agg.add(acc.last, at)
      local name, passed = debrief.date(FORMATS[ctx.options.by], at), debrief.passed(entry)
      local period = agg.at(acc.all, name)
      period.runs = period.runs + 1
      agg.add(period.passed, passed)
      agg.add(agg.at(acc.skills, debrief.skill(entry)), name, passed)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local by = ctx.options.by
      local names = periods(agg.value(acc.first), agg.value(acc.last), FORMATS[by], ctx.options.last)

      local text = { names[1] and ("The latest %s is %s."):format(by, names[#names]) or "No run has a time." }
      if acc.untimed > 0 then text[2] = ("Runs without a time: %d."):format(acc.untimed) end
      text[#text + 1] = "A change is named when the 95 % intervals lie apart."
      return {
        title = "Trend",
        text = table.concat(text, " "),
        tables = {
          { title = "By skill", columns = { "skill", "before", "latest", "change", "trend" },
            rows = agg.rows(debrief.skill_names(acc.skills), skill_cells(names)) },
          { title = "All skills, by " .. by, columns = { by, "runs", "passed", "change" },
            rows = period_rows(names, acc.all) },
        },
      }
    end,
  },
}
