-- compare: is B better than A? Two models, two versions of a skill, two windows of time: the difference of their pass
-- rates with its 95 % interval (Newcombe), and a plain answer. One is better only when the interval leaves out 0 and
-- the difference is at least the floor; there is no difference only when the whole interval is within the floor.
--
-- `by` is model (of the last attempt), time, or a field such as phase or source.run. Without a and b it takes the two
-- values with most runs; of time, the last 7 days and the 7 before. A window is FROM..TO in the user's zone, half-open.
local debrief = require "debrief"
local agg = debrief.aggregate

local WEEK = 7 * 86400 * 1000000000
local ISO = "%Y-%m-%dT%H:%M:%S"

local function is_window(value, options)
  return options.by ~= "time" or value == "" or value:find "%.%.", "a window FROM..TO, as 2026-10-01..2026-11-01"
end

-- The windows A and B of by=time, as texts.
local function windows(ctx)
  local function week_before(to) return debrief.date(ISO, to - WEEK) .. ".." .. debrief.date(ISO, to) end
  local a, b = ctx.options.a, ctx.options.b
  return a ~= "" and a or week_before(ctx.now - WEEK), b ~= "" and b or week_before(ctx.now)
end

local function is_within(window, at)
  local from, to = window:match "^(.-)%.%.(.*)$"
  local time = debrief.date(ISO, at)
  return time >= from and (to == "" or time < to)
end

-- Which side an entry counts for: A, B, or with two windows that overlap, both.
local function sides_of(entry, ctx)
  local by = ctx.options.by
  if by == "model" then
    local last = entry.attempts and entry.attempts[#entry.attempts]
    if last == debrief.null then last = nil end
    return { last and last.model or entry.model_used }
  end
  if by == "time" then
    local sides, at, a, b = {}, debrief.time(entry), windows(ctx)
    if at and is_within(a, at) then sides[#sides + 1] = a end
    if at and is_within(b, at) then sides[#sides + 1] = b end
    return sides
  end
  local value = entry
  for name in by:gmatch "[^.]+" do value = type(value) == "userdata" and value[name] or nil end
  return { value and tostring(value) }
end

local function answer_of(difference, low, high, floor)
  if not difference then return "cannot tell" end
  if low >= -floor and high <= floor then return "no difference" end
  if low > 0 and difference >= floor then return "B is better" end
  if high < 0 and difference <= -floor then return "A is better" end
  return "cannot tell"
end

-- The row of a skill, and its answer.
local function cells(skill, a, b, floor)
  local difference, low, high = agg.difference(a, b)
  local answer = answer_of(difference, low, high, floor)
  return { skill ~= "" and skill or nil, a, b, difference, low, high, answer }, answer
end

-- The values of A and B: as they were given, else those with most runs.
local function chosen(acc, ctx)
  if ctx.options.by == "time" then return windows(ctx) end
  local a, b = ctx.options.a, ctx.options.b
  for value in agg.each(acc, "runs") do
    if a == "" and value ~= b then a = value elseif b == "" and value ~= a then b = value end
  end
  return a, b
end

return {
  name = "compare",
  api = 1,
  summary = "A against B (models, versions, times), with a plain answer",
  options = {
    by = { type = "string", default = "model", help = "model, time, or the field that separates A from B" },
    a = { type = "string", default = "", check = is_window, help = "value or window of A" },
    b = { type = "string", default = "", check = is_window, help = "value or window of B" },
    floor = { type = "number", default = 0.05, min = 0, max = 1, help = "the smallest difference that matters" },
  },
  split = true,
  retrospective = {
    init = function() return agg.by { runs = 0, passed = agg.rate(), skills = agg.by(agg.rate()) } end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      local passed = debrief.passed(entry)
      for _, value in ipairs(sides_of(entry, ctx)) do
        local side = agg.at(acc, value)
        side.runs = side.runs + 1
        agg.add(side.passed, passed)
        agg.add(side.skills, debrief.skill(entry), passed)
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local floor, a, b = ctx.options.floor, chosen(acc, ctx)
      local A, B = agg.at(acc, a), agg.at(acc, b)
      local all, answer = cells("(all)", A.passed, B.passed, floor)
      local rows = { all }
      local skills = agg.by { A = agg.rate(), B = agg.rate() }
      for key, rate in agg.each(A.skills) do agg.merge(agg.at(skills, key).A, rate) end
      for key, rate in agg.each(B.skills) do agg.merge(agg.at(skills, key).B, rate) end
      for name, skill in agg.each(debrief.skill_names(skills)) do
        if skill.A.den > 0 and skill.B.den > 0 then rows[#rows + 1] = cells(name, skill.A, skill.B, floor) end
      end

      local text = ("A is %s (%d runs), B is %s (%d runs): %s."):format(a ~= "" and a or "none", A.runs,
        b ~= "" and b or "none", B.runs, answer)
      return {
        title = "A against B",
        text = text .. "\nOf skills that both ran; chance alone names one in 20.",
        tables = { { columns = { "skill", "A", "B", "B - A", "from", "to", "answer" }, rows = rows } },
      }
    end,
  },
}
