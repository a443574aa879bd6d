-- compare: is B better than A? Two models, two versions of a skill, two windows of time: the difference of their pass
-- rates with its 95 % interval (Newcombe), and a plain answer. One is better only when the interval leaves out 0 and
-- the difference is at least the floor; there is no difference only when the whole interval is within the floor.
-- `by` is model (of the last attempt), time, or a field such as phase or source.run. Without a and b it takes the two
-- values with most runs; of time, the last 7 days and the 7 before. A window is FROM..TO in the user's zone, half-open.
local debrief = require "debrief"
local agg = debrief.aggregate
local WEEK, ISO, PASSED = 7 * 86400 * 1000000000, "%Y-%m-%dT%H:%M:%S", { ok = true, fail = false }
local function is_window(value, options)
  return options.by ~= "time" or value == "" or value:find "%.%.", "a window FROM..TO, as 2026-10-01..2026-11-01"
end
local function text(default, help, check) return { type = "string", default = default, help = help, check = check } end

local function windows(ctx)
  local function week(to) return debrief.date(ISO, to - WEEK) .. ".." .. debrief.date(ISO, to) end
  local a, b = ctx.options.a, ctx.options.b
  return { a ~= "" and a or week(ctx.now - WEEK), b ~= "" and b or week(ctx.now) }
end

local function keys_of(entry, ctx) -- what it counts for; of two overlapping windows for both
  local keys, by, at = {}, ctx.options.by, debrief.time(entry)
  if by == "model" then
    local last = entry.attempts and entry.attempts[#entry.attempts]
    return { last and last ~= debrief.null and last.model or entry.model_used }
  elseif by ~= "time" then
    for name in by:gmatch("[^.]+") do entry = type(entry) == "userdata" and entry[name] or nil end
    return { entry and tostring(entry) }
  end
  for _, window in ipairs(at and windows(ctx) or {}) do
    local from, to = window:match("^(.-)%.%.(.*)$")
    if debrief.date(ISO, at) >= from and (to == "" or debrief.date(ISO, at) < to) then keys[#keys + 1] = window end
  end
  return keys
end

local function cells(name, a, b, floor)
  local answer, difference, low, high = "cannot tell", agg.difference(a, b)
  if difference and low > 0 and difference >= floor then answer = "B is better" end
  if difference and high < 0 and difference <= -floor then answer = "A is better" end
  if difference and low >= -floor and high <= floor then answer = "no difference" end
  return { name ~= "" and name or nil, a, b, difference, low, high, answer }
end

return {
  name = "compare", api = 1, summary = "A against B (models, versions, times), with a plain answer", split = true,
  options = { by = text("model", "model, time, or the field that tells A from B"),
    a = text("", "value or window of A", is_window), b = text("", "value or window of B", is_window),
    floor = { type = "number", default = 0.05, min = 0, max = 1, help = "the smallest difference that matters" } },
  retrospective = {
    init = function()
      return agg.by { runs = 0, passed = agg.rate(), skills = agg.by(agg.rate()) }
    end,
    step = function(acc, entry, ctx)
      local passed = PASSED[debrief.outcome(entry)]
      for _, key in ipairs(keys_of(entry, ctx)) do
        local side = agg.at(acc, key)
        side.runs = side.runs + 1
        agg.add(side.passed, passed)
        agg.add(side.skills, entry.skill, passed)
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local a, b = table.unpack(ctx.options.by == "time" and windows(ctx) or { ctx.options.a, ctx.options.b })
      for key in agg.each(acc, "runs") do
        if a == "" and key ~= b then a = key elseif b == "" and key ~= a then b = key end
      end
      local A, B, floor = agg.at(acc, a), agg.at(acc, b), ctx.options.floor
      local rows = { cells("(all)", A.passed, B.passed, floor) }
      for skill, rate in agg.each(A.skills) do
        local other = agg.at(B.skills, skill)
        if rate.den > 0 and other.den > 0 then rows[#rows + 1] = cells(skill, rate, other, floor) end
      end
      local answer = ("A is %s (%d runs), B is %s (%d runs): %s."):format(a ~= "" and a or "none", A.runs,
        b ~= "" and b or "none", B.runs, rows[1][7])
      return { title = "A against B", text = answer .. "\nOf skills that both ran; chance alone names one in 20.",
        tables = { { rows = rows, columns = { "skill", "A", "B", "B - A", "from", "to", "answer" } } } }
    end,
  },
}
