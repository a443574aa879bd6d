-- compare: is B better than A? Two models, two versions of a skill, two windows of time, with and without a skill: the
-- difference of what is measured, with its 95 % interval, and a plain answer. What each side ran is taken into account:
-- skills are compared with themselves, and those that only one side ran do not decide. `debrief explain compare` has
-- the methods, `make calibrate` how often they are wrong.
--
--     rates      difference in points, weights of Mantel and Haenszel, interval of Miettinen and Nurminen
--     numbers    ratio of medians, interval of Price and Bonett; attempts and lost: difference of means by Welch
--     pairs      cases that both sides ran: Newcombe's method 10 and McNemar's test; numbers: the median of the ratios
--
-- One is better only when the interval leaves out 0 and the difference is at least the floor; there is no difference
-- only when the whole interval lies within the floor. `by` is model (of the last attempt), time, or any field. Without
-- a and b it takes the two values with most runs; of time, the last 7 days and the 7 before.
local debrief = require "debrief"
local agg, statistics = debrief.aggregate, debrief.statistics

local WEEK = 7 * 86400 * 1000000000
local FEW = 5 -- decided runs of an arm
local FEW_MEANS = 30 -- values of an arm of which the mean is compared
local MOST_ROWS = 20 -- of the chart
local DISAGREE = 0.005 -- the chance below which skills are said to disagree

-- ---- Sides ---------------------------------------------------------------------------------------------------------

-- Both ends of "FROM..TO" or of one span, "last week": as --since and --until understand them.
local function window(text, now)
  local from, to = text:match "^%s*(.-)%s*%.%.%s*(.-)%s*$"
  if not from then from, to = text, text end
  return debrief.window(from ~= "" and from or nil, to ~= "" and to or nil, now)
end

local function is_window(value, options)
  if options.by ~= "time" or value == "" then return true end
  local from, message = window(value)
  return from ~= nil, "a window, FROM..TO or one span (2026-10-01..2026-10-31, last week): " .. tostring(message)
end

local function apart(value, options)
  local fine, message = is_window(value, options)
  if not fine or options.by ~= "time" or value == "" or options.a == "" then return fine, message end
  local a_from, a_to = window(options.a)
  local from, to = window(value)
  return not a_from or a_to <= from or to <= a_from, "a window that does not overlap with a: a run is on one side only"
end

local function is_measure(text)
  local measure, message = debrief.measure(text)
  return measure ~= nil, message
end

local function two_weeks(now) return { a = { now - 2 * WEEK, now - WEEK }, b = { now - WEEK, now } } end

local last_windows = {} -- what the options mean, which is the same for every entry

local function windows(ctx)
  local a, b = ctx.options.a, ctx.options.b
  if last_windows.a_text ~= a or last_windows.b_text ~= b or last_windows.now ~= ctx.now then
    local default = two_weeks(ctx.now)
    last_windows = { a_text = a, b_text = b, now = ctx.now, a = a == "" and default.a or { window(a, ctx.now) },
      b = b == "" and default.b or { window(b, ctx.now) } }
  end
  return last_windows
end

local function model_of(entry)
  local last = entry.attempts and entry.attempts[#entry.attempts]
  if last == debrief.null then last = nil end
  return last and last.model or entry.model_used
end

-- The side of an entry as a key, nil if it is on none.
local function side_of(entry, ctx)
  local by = ctx.options.by
  if by == "time" then
    local at, both = debrief.time(entry), windows(ctx)
    for _, name in ipairs { "a", "b" } do
      if at and at >= both[name][1] and at < both[name][2] then return name end
    end
    return nil
  end
  local value
  if by == "model" then value = model_of(entry) else value = debrief.get(entry, by) end
  return value ~= nil and tostring(value) or nil
end

local ISO = "%Y-%m-%d %H:%M"

local function shown_window(ends)
  local function edge(ns, forever)
    return (ns == math.mininteger or ns == math.maxinteger) and forever or debrief.date(ISO, ns)
  end
  return ("from %s until before %s"):format(edge(ends[1], "the beginning"), edge(ends[2], "the end"))
end

-- The keys of A and B with their names: as they were given, else those with most runs.
local function chosen(acc, ctx)
  local options = ctx.options
  if options.by == "time" then
    local both = windows(ctx)
    return "a", "b", shown_window(both.a), shown_window(both.b)
  end
  local a, b, any = options.a, options.b, false
  for value in agg.each(acc.sides, "runs") do
    any = true
    if a == "" and value ~= b then a = value elseif b == "" and value ~= a then b = value end
  end
  if not any and acc.runs > 0 and options.by ~= "model" then
    error(("no run has a value for by=%s: `debrief fields` lists what there is"):format(options.by), 0)
  end
  return a, b, a ~= "" and a or "none", b ~= "" and b or "none"
end

-- ---- What is kept --------------------------------------------------------------------------------------------------

local function is_rate(ctx) return debrief.measure(ctx.options.measure).kind == "rate" end

-- The state of what is measured in one stratum.
local function fresh(ctx)
  local measure = debrief.measure(ctx.options.measure)
  if measure.kind == "rate" then return agg.rate() end
  return measure.statistic == "median" and agg.quantiles() or { sum = agg.sum(), squares = agg.sum() }
end

local function add(state, value)
  if state.aggregate then return agg.add(state, value) end
  agg.add(state.sum, value)
  agg.add(state.squares, value * 1.0 * value)
end

local function count(state) return state.den or state.n or state.sum.n end

-- A case as a key, the same for equal values.
local function case_of(entry, ctx)
  local value = debrief.get(entry, ctx.options.pair)
  return value ~= nil and debrief.session_id(tostring(value) .. " ") or nil -- the space makes a hash part of it
end

-- ---- Answers -------------------------------------------------------------------------------------------------------

-- From an effect and its interval, all relative to the floor: 0.1 is 10 points, or 10 % more.
local function answer_of(effect, low, high, floor, higher, lower)
  if not effect then return "cannot tell" end
  if low >= -floor and high <= floor then return "no difference" end
  if low > 0 and effect >= floor then return higher end
  if high < 0 and effect <= -floor then return lower end
  return "cannot tell"
end

-- More of a rate is better if it has a name; whether more of rate(E) is, nobody knows.
local function of_rates(effect, low, high, ctx)
  local named = false
  for _, name in ipairs(debrief.measures) do named = named or name == ctx.options.measure end
  return answer_of(effect, low, high, ctx.options.floor, named and "B is better" or "B is higher",
    named and "A is better" or "B is lower")
end

-- Ratios, as 1.1 and 1/1.1: both are 10 %.
local function of_ratio(ratio, low, high, floor)
  local function share(x) return x >= 1 and x - 1 or 1 - 1 / x end
  if not ratio then return "cannot tell" end
  return answer_of(share(ratio), share(low), share(high), floor, "B is higher", "B is lower")
end

local function points(share) return share and 100 * share end

local function in_points(x) -- +12.3, and -0.03 where that would be -0.0
  return (math.abs(x) < 0.0005 and "%+.1g" or "%+.1f"):format(100 * x + 0.0)
end

local POINTS = {
  { key = "difference", title = "B - A", unit = "points" }, { key = "from", unit = "points" },
  { key = "to", unit = "points" },
}
local RATIO = { { key = "ratio", title = "B / A" }, "from", "to" }

-- Of each kind of measure: the columns of an effect, `effect(strata)` -> its cells and the answer, and in words; `cell`
-- of one side.
local kinds = {
  rate = { columns = POINTS, cell = function(state) return state end },
  median = { columns = RATIO, cell = agg.value },
  mean = {
    columns = { { key = "difference", title = "B - A" }, "from", "to" },
    cell = function(state) return state.sum.n > 0 and agg.value(state.sum) / state.sum.n or nil end,
  },
}

function kinds.rate.effect(strata, ctx)
  local r = statistics.stratified(strata)
  if not r then return {} end
  return { points(r.difference), points(r.low), points(r.high) }, of_rates(r.difference, r.low, r.high, ctx),
    ("by %s points (%s to %s)"):format(in_points(r.difference), in_points(r.low), in_points(r.high))
end

local function quantile_arm(state)
  local arm = { n = state.n, median = agg.value(state) or 0, error = 0,
    at = function(rank) return (agg.rank(state, rank)) end }
  if state.n > 0 then arm.error = select(2, agg.rank(state, 1)) end
  return arm
end

function kinds.median.effect(strata, ctx)
  local arms = {}
  for i, s in ipairs(strata) do arms[i] = { a = quantile_arm(s.a), b = quantile_arm(s.b) } end
  local r = statistics.ratio_of_medians(arms)
  if not r then return {} end
  return { r.ratio, r.low, r.high }, of_ratio(r.ratio, r.low, r.high, ctx.options.floor),
    ("%.2f times A (%.2f to %.2f)"):format(r.ratio, r.low, r.high)
end

local function moments(state)
  local n = state.sum.n
  if n == 0 then return { n = 0 } end
  return { n = n, mean = agg.value(state.sum) / n, square = agg.value(state.squares) / n }
end

function kinds.mean.effect(strata, ctx)
  local arms = {}
  for i, s in ipairs(strata) do arms[i] = { a = moments(s.a), b = moments(s.b) } end
  local r = statistics.difference_of_means(arms)
  if not r then return {} end
  local scale = math.max(math.abs(r.a), math.abs(r.b)) -- the floor is a share of the larger mean
  if scale == 0 then scale = 1 end
  return { r.difference, r.low, r.high },
    answer_of(r.difference / scale, r.low / scale, r.high / scale, ctx.options.floor,
      "B is higher", "B is lower"),
    ("by %.3g (%.3g to %.3g)"):format(r.difference, r.low, r.high)
end

local function kind_of(ctx)
  local measure = debrief.measure(ctx.options.measure)
  return kinds[measure.kind == "rate" and "rate" or measure.statistic], measure.unit
end

-- ---- Reports -------------------------------------------------------------------------------------------------------

-- The skills of both sides, most runs first, as { name =, a = state, b = state }, and all of them in one.
local function strata_of(A, B, ctx)
  local both = agg.by { a = fresh(ctx), b = fresh(ctx) }
  local all = { a = fresh(ctx), b = fresh(ctx) }
  for side, from in pairs { a = A, b = B } do
    for key, skill in agg.each(from.skills) do
      agg.merge(agg.at(both, key)[side], skill.value)
      agg.merge(all[side], skill.value)
    end
  end
  local strata = {}
  local function weight(s) return count(s.a) + count(s.b) end
  for name, s in agg.each(debrief.skill_names(both), weight) do
    strata[#strata + 1] = { name = name, a = s.a, b = s.b }
  end
  if ctx.options.by == "skill" then strata = { { name = "", a = all.a, b = all.b } } end
  return strata, all
end

local function name_of(s) return s.name ~= "" and s.name or "no skill" end

-- What is left out of the comparison, in a sentence; nil if nothing is.
local function left_out(strata, least)
  local names, n = {}, 0
  for _, s in ipairs(strata) do
    local a, b = count(s.a), count(s.b)
    if a < least or b < least then
      n = n + a + b
      local why = a == 0 and "only B" or b == 0 and "only A" or ("fewer than %d on a side"):format(least)
      if a + b > 0 then names[#names + 1] = ("%s (%s, %d)"):format(name_of(s), why, a + b) end
    end
  end
  if #names == 0 then return nil end
  local shown = table.concat(names, ", ", 1, math.min(3, #names))
  return ("Left out: %s%s."):format(shown, #names > 3 and (" and %d more skills"):format(#names - 3) or "")
end

local function disagreement(strata)
  local chance, lowest, highest = statistics.heterogeneity(strata, FEW)
  if not chance or chance >= DISAGREE then return nil end
  return ("The skills disagree (chance %.2g if they did not): %s %s points, %s %s; read them one by one.")
    :format(chance, name_of(highest), in_points(highest.difference), name_of(lowest), in_points(lowest.difference))
end

local function floor_text(ctx) return ("%.3g %s"):format(100 * ctx.options.floor, is_rate(ctx) and "points" or "%") end

-- The sentence of the answer.
local function verdict(answer, words, ctx, why)
  if answer == "cannot tell" then return ("%s: cannot tell%s."):format(ctx.options.measure, why or "") end
  if answer == "no difference" then
    return ("%s: no difference of %s or more, %s."):format(ctx.options.measure, floor_text(ctx), words)
  end
  return ("%s: %s, %s."):format(ctx.options.measure, answer, words)
end

local function side_columns(ctx)
  local kind, unit = kind_of(ctx)
  local columns = { { key = "skill", cut = "never" } }
  if kind == kinds.rate then
    table.move({ "A", "B" }, 1, 2, 2, columns)
  else
    table.move({ { key = "a_runs", title = "runs A", priority = 1 }, { key = "A", unit = unit },
      { key = "b_runs", title = "runs B", priority = 1 }, { key = "B", unit = unit } }, 1, 4, 2, columns)
  end
  for _, column in ipairs(kind.columns) do
    column = type(column) == "table" and column or { key = column }
    local own = column.unit or kind == kinds.mean and unit or nil
    columns[#columns + 1] = { key = column.key, title = column.title, unit = own, priority = column.title and 3 or 2 }
  end
  return columns
end

local function side_cells(name, s, cells, ctx)
  local kind = kind_of(ctx)
  local row = { skill = name, A = kind.cell(s.a), B = kind.cell(s.b), from = cells[2], to = cells[3] }
  row.a_runs, row.b_runs = kind ~= kinds.rate and count(s.a) or nil, kind ~= kinds.rate and count(s.b) or nil
  row[kind == kinds.median and "ratio" or "difference"] = cells[1]
  return row
end

local function effect_table(ctx, answer, cells, more, values)
  local kind, unit = kind_of(ctx)
  local columns = { "answer" }
  for _, column in ipairs(kind.columns) do
    column = type(column) == "table" and column or { key = column }
    local own = column.unit or kind == kinds.mean and unit or nil
    columns[#columns + 1] = { key = column.key, title = column.title, unit = own }
  end
  columns[#columns + 1] = { key = "floor", unit = is_rate(ctx) and "points" or "percent" }
  for _, column in ipairs(more) do columns[#columns + 1] = column end
  local row = { answer = answer, floor = 100 * ctx.options.floor, from = cells[2], to = cells[3] }
  row[kind == kinds.median and "ratio" or "difference"] = cells[1]
  for key, value in pairs(values) do row[key] = value end
  return { columns = columns, rows = { row } }
end

-- The effect in each skill, and in all that are compared.
local function chart_of(strata, least, cells, ctx)
  local kind, unit = kind_of(ctx)
  local all = { name = "difference", values = { cells[1] }, low = { cells[2] }, high = { cells[3] }, n = {} }
  local chart = { type = "dots", series = { all }, base = kind == kinds.median and 1 or 0,
    x = { title = "skill", type = "category", values = { "all skills" } } }
  chart.title = kind == kinds.rate and ("%s: B - A, in points"):format(ctx.options.measure)
    or kind == kinds.median and ("%s: B / A"):format(ctx.options.measure) or ("%s: B - A"):format(ctx.options.measure)
  chart.unit, chart.note = kind == kinds.mean and unit or nil, "n is how many runs the smaller side has."
  for _, s in ipairs(strata) do
    local a, b = count(s.a), count(s.b)
    local own = #chart.x.values < MOST_ROWS and a >= least and b >= least and kind.effect({ s }, ctx) or {}
    if own[1] then
      local i = #chart.x.values + 1
      chart.x.values[i], all.values[i], all.low[i], all.high[i] = name_of(s), own[1], own[2], own[3]
      all.n[i] = math.min(a, b)
    end
  end
  return cells[1] and chart or nil
end

local function over_skills(ctx, A, B)
  local kind = kind_of(ctx)
  local least = kind == kinds.rate and 1 or kind == kinds.median and FEW or FEW_MEANS
  local strata, all = strata_of(A, B, ctx)
  local rests, used, a_runs, b_runs = agg.rate(), {}, 0, 0
  for _, s in ipairs(strata) do
    local a, b = count(s.a), count(s.b)
    rests.den = rests.den + a + b
    if a >= least and b >= least then
      rests.num, a_runs, b_runs, used[#used + 1] = rests.num + a + b, a_runs + a, b_runs + b, s
    end
  end
  local cells, answer, words = kind.effect(used, ctx)
  local why
  local few = math.max(least, FEW)
  if a_runs < few or b_runs < few then
    answer = "cannot tell"
    why = (", for fewer than %d runs of skills that both ran are decided on a side"):format(few)
  elseif not cells[1] then
    answer, why = "cannot tell", ", for the values do not vary, or their middle is 0"
  elseif answer == "cannot tell" then
    why = (", %s: the interval allows for more than one answer"):format(words)
  end

  local rows = { side_cells("(all runs)", all, {}, ctx) }
  for _, s in ipairs(strata) do
    local a, b = count(s.a), count(s.b)
    local own = a >= least and b >= least and kind.effect({ s }, ctx) or {}
    rows[#rows + 1] = side_cells(s.name ~= "" and s.name or nil, s, own, ctx)
  end
  local text = { verdict(answer, words, ctx, why) }
  local skills = ctx.options.by ~= "skill" and ("%d skill%s"):format(#used, #used == 1 and "" or "s") or nil
  text[2] = ("It rests on %s runs%s."):format(debrief.show(rests, "of"),
    #used == 0 and ": no skill has enough of both sides"
    or skills and (", of %s that both ran, each compared with itself"):format(skills) or "")
  if rests.den == 0 then text[2] = "No run of either has a value." end
  text[#text + 1] = left_out(strata, least)
  if A.undecided + B.undecided > 0 then
    text[#text + 1] = ("%s: %d of A, %d of B."):format(is_rate(ctx) and "Undecided" or "Without a value", A.undecided,
      B.undecided)
  end
  text[#text + 1] = kind == kinds.rate and disagreement(used) or nil
  if kind == kinds.median and (all.a.n > 100 or all.b.n > 100) then
    text[#text + 1] = "Medians of more than 100 values are within 1 %, which the interval takes into account."
  end
  return text, { effect_table(ctx, answer, cells, { { key = "rests_on", title = "rests on", unit = "of" } },
    { rests_on = rests }), { title = "By skill", columns = side_columns(ctx), rows = rows } },
    chart_of(used, least, cells, ctx)
end

-- ---- Pairs ---------------------------------------------------------------------------------------------------------

-- Both results of each case that both ran, and how many were left out.
local function pairs_of(acc, a, b)
  local out, left = {}, { a = 0, b = 0, unknown = 0, again = 0 }
  for _, case in agg.each(acc.cases) do
    local A, B = case.sides.groups[a], case.sides.groups[b]
    if A and B and A.first.value ~= nil and B.first.value ~= nil then
      out[#out + 1] = { A.first.value, B.first.value }
      if A.runs > 1 or B.runs > 1 then left.again = left.again + 1 end
    elseif A and B then
      left.unknown = left.unknown + 1
    elseif A then
      left.a = left.a + 1
    elseif B then
      left.b = left.b + 1
    end
  end
  return out, left
end

local function paired_rates(list, ctx)
  local both, only_b, only_a, neither = 0, 0, 0, 0
  for _, pair in ipairs(list) do
    if pair[1] and pair[2] then both = both + 1
    elseif pair[2] then only_b = only_b + 1
    elseif pair[1] then only_a = only_a + 1
    else neither = neither + 1 end
  end
  local d, low, high, chance = statistics.paired(both, only_b, only_a, neither)
  local cells, words = { points(d), points(low), points(high) }, nil
  if d then words = ("by %s points (%s to %s)"):format(in_points(d), in_points(low), in_points(high)) end
  local row = { both, only_b, only_a, neither, chance }
  return cells, of_rates(d, low, high, ctx), words,
    { title = "Cases", columns = { "both", { key = "only_b", title = "only B" }, { key = "only_a", title = "only A" },
      "neither", { key = "chance", title = "McNemar" } }, rows = { row } }
end

local function paired_numbers(list, ctx)
  local ratios, lower, higher, zero = {}, 0, 0, 0
  for _, pair in ipairs(list) do
    if pair[1] > 0 and pair[2] > 0 then ratios[#ratios + 1] = pair[2] / pair[1] else zero = zero + 1 end
    if pair[2] < pair[1] then lower = lower + 1 elseif pair[2] > pair[1] then higher = higher + 1 end
  end
  table.sort(ratios)
  local ratio, low, high = statistics.median_of_pairs(ratios)
  local words = ratio and ("%.2f times A (%.2f to %.2f)"):format(ratio, low, high)
  return { ratio, low, high }, of_ratio(ratio, low, high, ctx.options.floor), words,
    { title = "Cases", columns = { { key = "lower", title = "B lower" }, { key = "higher", title = "B higher" },
      { key = "equal" }, { key = "zero", title = "0, left out" } },
      rows = { { lower, higher, #list - lower - higher, zero } } }
end

local function over_pairs(acc, ctx, a, b)
  local list, left = pairs_of(acc, a, b)
  local rate = is_rate(ctx)
  local cells, answer, words, cases
  if rate then cells, answer, words, cases = paired_rates(list, ctx)
  else cells, answer, words, cases = paired_numbers(list, ctx) end
  local why = words and (", %s: the interval allows for more than one answer"):format(words)
  if #list < FEW or not words then
    answer, why = "cannot tell", (", for only %d cases ran on both sides"):format(#list)
  end
  local text = { verdict(answer, words, ctx, why) }
  text[2] = ("It rests on %d cases (%s) that ran on both sides."):format(#list, ctx.options.pair)
  local out = {}
  if left.a > 0 then out[#out + 1] = ("%d only A ran"):format(left.a) end
  if left.b > 0 then out[#out + 1] = ("%d only B ran"):format(left.b) end
  if left.unknown > 0 then out[#out + 1] = ("%d without a value on a side"):format(left.unknown) end
  if #out > 0 then text[#text + 1] = ("Cases left out: %s."):format(table.concat(out, ", ")) end
  if left.again > 0 then
    text[#text + 1] = ("Ran more than once on a side: %d; the first run with a value counts."):format(left.again)
  end
  local effect = rate and effect_table(ctx, answer, cells, {}, {}) or {
    columns = { "answer", { key = "ratio", title = "B / A" }, "from", "to", { key = "floor", unit = "percent" } },
    rows = { { answer, cells[1], cells[2], cells[3], 100 * ctx.options.floor } },
  }
  return text, { effect, cases }
end

return {
  name = "compare",
  api = 1,
  summary = "A against B (models, versions, times), with a plain answer",
  options = {
    by = { type = "string", default = "model", help = "model, time, or the field that separates A from B" },
    a = { type = "string", default = "", check = is_window, help = "value or window of A" },
    b = { type = "string", default = "", check = apart, help = "value or window of B" },
    measure = { type = "string", default = "passed", check = is_measure, help = "what is compared" },
    pair = { type = "string", default = "", help = "compare case by case: the field that names a case, as input.task" },
    floor = { type = "number", default = 0.05, min = 0, max = 1, help = "the smallest difference that matters" },
  },
  split = true,
  retrospective = {
    init = function(ctx)
      return {
        runs = 0, sides = agg.by { runs = 0, undecided = 0, skills = agg.by { value = fresh(ctx) } },
        cases = agg.by { sides = agg.by { runs = 0, first = agg.first() } },
      }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      acc.runs = acc.runs + 1
      local key = side_of(entry, ctx)
      if not key then return end
      local side, value = agg.at(acc.sides, key), debrief.measure(ctx.options.measure).of(entry)
      side.runs = side.runs + 1
      if value == nil then side.undecided = side.undecided + 1
      else add(agg.at(side.skills, debrief.skill(entry)).value, value) end
      local case = ctx.options.pair ~= "" and case_of(entry, ctx)
      if case then
        local of_case = agg.at(agg.at(acc.cases, case).sides, key)
        of_case.runs = of_case.runs + 1
        agg.add(of_case.first, value, debrief.time(entry))
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local a, b, a_name, b_name = chosen(acc, ctx)
      local A, B = agg.at(acc.sides, a), agg.at(acc.sides, b)
      local text, tables, chart
      if ctx.options.pair ~= "" then
        if next(acc.cases.groups) == nil and acc.runs > 0 then
          error(("no run has a value for pair=%s"):format(ctx.options.pair), 0)
        end
        text, tables = over_pairs(acc, ctx, a, b)
      else
        text, tables, chart = over_skills(ctx, A, B)
      end
      local who = ("A is %s (%d runs), B is %s (%d runs)."):format(a_name, A.runs, b_name, B.runs)
      return { title = "A against B", text = who .. "\n" .. table.concat(text, " "), tables = tables,
        charts = { chart } }
    end,
  },
}
