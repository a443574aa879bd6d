-- trend: is it getting better or worse? Of each skill (or any field, `by`) it names a lasting step, with the period it
-- began in, or a slope, if there is one that chance hardly makes: at most one report in 20 of a log in which nothing
-- changes names any. A single period that is out of line is not a change. `debrief explain trend` has the methods.
--
-- Numbers, such as durations, are followed as the share of runs above the skill's own median over all periods. Days,
-- weeks (from Monday) and months are those of the user's zone. Runs without a time are in none of them, and counted.
local debrief = require "debrief"
local agg, statistics = debrief.aggregate, debrief.statistics

local FORMATS = { day = "%Y-%m-%d", week = "%G-W%V", month = "%Y-%m" }
local HALF_DAY = 12 * 3600 * 1000000000 -- a step that meets every day, those of 23 hours too

local function is_measure(text)
  local measure, message = debrief.measure(text)
  return measure ~= nil, message
end

-- `by=day` and `by=week` say how long a period is, of skills.
local function every_of(ctx) return FORMATS[ctx.options.by] and ctx.options.by or ctx.options.every end

local function field_of(ctx) return FORMATS[ctx.options.by] and "skill" or ctx.options.by end

local function key_of(entry, ctx)
  local field = field_of(ctx)
  if field == "skill" then return debrief.skill(entry) end
  local value = debrief.get(entry, field)
  return value ~= nil and tostring(value) or nil
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

local function fresh(ctx)
  return debrief.measure(ctx.options.measure).kind == "rate" and agg.rate() or agg.quantiles()
end

-- What is followed of a skill: the rate of each period with data, at its place in time; and of numbers the median of
-- all that these rates are above.
local function series(of_periods, names, ctx)
  local out, all = {}, fresh(ctx)
  for _, name in ipairs(names) do
    if of_periods.groups[name] then agg.merge(all, of_periods.groups[name].value) end
  end
  local middle = all.aggregate == "quantiles" and agg.value(all) or nil
  for x, name in ipairs(names) do
    local state = of_periods.groups[name] and of_periods.groups[name].value
    local num, den = state and state.num, state and (state.den or state.n)
    if middle and state then num = agg.above(state, middle) end
    if den and den > 0 then out[#out + 1] = { x = x, num = num, den = den, state = state } end
  end
  return out, all
end

-- The change of a skill that explains it best, if both tests of it were alone; nil without one.
local function better_of(step, slope)
  if step and (not slope or step.stands and (not slope.stands or step.ratio >= slope.ratio)) then return step end
  return slope
end

local function merged(list, from, to, ctx)
  local out = fresh(ctx)
  for i = from, to do agg.merge(out, list[i].state) end
  return out
end

local function points(share) return 100 * share end

-- The cells of a change. Of numbers, before and after are medians.
local function change_cells(name, list, found, names, ctx)
  local at = found.at or #list // 2 -- a slope: the earlier and the later half
  local before, after = merged(list, 1, at, ctx), merged(list, at + 1, #list, ctx)
  local is_rate = before.aggregate == "rate"
  return {
    name = name, kind = found.at and "step" or "slope", since = names[list[found.at and at + 1 or 1].x],
    before = is_rate and before or agg.value(before), after = is_rate and after or agg.value(after),
    change = points(found.difference or found.slope), from = points(found.low), to = points(found.high),
  }
end

local function sentence(cells, ctx)
  local measure, unit = ctx.options.measure, debrief.measure(ctx.options.measure).unit
  local interval = ("%+.1f points (%+.1f to %+.1f)"):format(cells.change, cells.from, cells.to)
  local is_rate = type(cells.before) == "table"
  if not is_rate then interval = interval .. " in the share of runs above its median" end
  local before, after = debrief.show(cells.before, unit), debrief.show(cells.after, unit)
  local name = cells.name or "no " .. field_of(ctx)
  if cells.kind == "step" then
    return ("%s: a step in %s since %s, %s before, %s from then on: %s."):format(name, measure, cells.since, before,
      after, interval)
  end
  return ("%s: a slope in %s since %s, %s in the earlier half, %s in the later: %s per %s."):format(name, measure,
    cells.since, before, after, interval, every_of(ctx))
end

-- Test all skills and correct for having looked at all of them, in both ways.
local function tested(groups, names, ctx)
  local all, chances, tests = {}, {}, {}
  for name, of_periods in agg.each(groups) do
    local list, total = series(of_periods, names, ctx)
    local one = { name = name ~= "" and name or nil, list = list, total = total, periods = of_periods }
    if #list > 0 then all[#all + 1] = one end
    for _, method in ipairs { "step", "slope" } do
      local result = statistics[method](list)
      one[method] = result
      if result then chances[#chances + 1], tests[#tests + 1] = result.lasting and result.chance or 1, result end
    end
  end
  for i, stands in ipairs(statistics.holm(chances)) do tests[i].stands = stands end
  return all, #tests
end

local function skill_cells(one, names)
  local spark, latest = {}, nil
  for i = 1, #names do spark[i] = debrief.null end
  for _, p in ipairs(one.list) do spark[p.x], latest = p.num / p.den, p.state end
  if one.total.aggregate == "rate" then return { one.name, one.total, latest, { spark = spark, low = 0, high = 1 } } end
  for _, p in ipairs(one.list) do spark[p.x] = agg.value(p.state) end
  return { one.name, one.total.n, agg.value(one.total), agg.value(latest), { spark = spark } }
end

local function period_rows(names, all)
  local rows = {}
  for i, name in ipairs(names) do
    local period = agg.at(all, name)
    local value = period.value
    rows[i] = { name, period.runs, value.aggregate == "rate" and value or agg.value(value) }
  end
  return rows
end

-- ---- The chart -----------------------------------------------------------------------------------------------------

local MOST_LINES = 5

-- A line for each of the series with most cases, in the order of the table, and a mark where a step begins.
local function chart_of(all, names, ctx)
  local measure = debrief.measure(ctx.options.measure)
  local is_rate = measure.kind == "rate"
  local function cases(one) return is_rate and one.total.den or one.total.n end
  local ranked = { table.unpack(all) }
  table.sort(ranked, function(a, b)
    if cases(a) ~= cases(b) then return cases(a) > cases(b) end
    return (a.name or "") < (b.name or "")
  end)
  local chart = { type = "line", title = ("%s, by %s"):format(ctx.options.measure, every_of(ctx)), series = {},
    marks = {}, unit = is_rate and "share" or measure.unit, x = { type = "time", values = names } }
  for i = 1, math.min(#ranked, MOST_LINES) do
    local one = ranked[i]
    local line = { name = one.name or "no " .. field_of(ctx), values = {}, low = {}, high = {}, n = {} }
    for _, p in ipairs(one.list) do
      line.n[p.x] = p.den
      if is_rate then
        line.values[p.x] = p.num / p.den
        line.low[p.x], line.high[p.x] = agg.wilson(p.num, p.den)
      else
        line.values[p.x] = agg.value(p.state)
      end
    end
    chart.series[i] = line
    local found = better_of(one.step, one.slope)
    if found and found.stands and found.at then
      chart.marks[#chart.marks + 1] = { at = one.list[found.at + 1].x, text = "step: " .. line.name }
    end
  end
  if #ranked > MOST_LINES then chart.note = ("The %d of %d series with most cases."):format(MOST_LINES, #ranked) end
  for _, line in ipairs(chart.series) do
    if next(line.n, next(line.n)) then return chart end -- one with two places or more
  end
end

-- Has any run what is measured?
local function has_values(all)
  for _, period in agg.each(all) do
    if agg.value(period.value) ~= nil then return true end
  end
  return false
end

return {
  name = "trend",
  api = 1,
  summary = "Lasting changes by day, week or month, of each skill",
  options = {
    by = { type = "string", default = "skill", help = "the field whose values are followed; day or week: as every" },
    every = { type = "string", default = "week", choices = { "day", "week", "month" },
      help = "how long each period is" },
    measure = { type = "string", default = "passed", check = is_measure, help = "what is followed" },
    last = { type = "integer", default = 12, min = 2, max = 1000, help = "how many days, weeks or months to look at" },
  },
  split = true,
  retrospective = {
    init = function(ctx)
      local value = fresh(ctx)
      return {
        runs = 0, untimed = 0, first = agg.min(), last = agg.max(), all = agg.by { runs = 0, value = value },
        groups = agg.by(agg.by { value = value }),
      }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      acc.runs = acc.runs + 1
      local at = debrief.time(entry)
      if not at then
        acc.untimed = acc.untimed + 1
        return
      end
      agg.add(acc.first, at)
      agg.add(acc.last, at)
      local name = debrief.date(FORMATS[every_of(ctx)], at)
      local value, key = debrief.measure(ctx.options.measure).of(entry), key_of(entry, ctx)
      local period = agg.at(acc.all, name)
      period.runs = period.runs + 1
      agg.add(period.value, value)
      if key or field_of(ctx) == "skill" then agg.add(agg.at(agg.at(acc.groups, key), name).value, value) end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local every, measure = every_of(ctx), debrief.measure(ctx.options.measure)
      if next(acc.groups.groups) == nil and acc.runs > acc.untimed then
        error(("no run has a value for by=%s: `debrief fields` lists what there is")
          :format(ctx.options.by), 0)
      end
      local names = periods(agg.value(acc.first), agg.value(acc.last), FORMATS[every], ctx.options.last)
      local groups = field_of(ctx) == "skill" and debrief.skill_names(acc.groups) or acc.groups
      local all, tests = tested(groups, names, ctx)

      local text, changes, rows = {}, {}, {}
      for i, one in ipairs(all) do
        rows[i] = skill_cells(one, names)
        local found = better_of(one.step, one.slope)
        if found and found.stands then
          local cells = change_cells(one.name, one.list, found, names, ctx)
          changes[#changes + 1] = { cells.name, cells.kind, cells.since, cells.before, cells.after, cells.change,
            cells.from, cells.to }
          if #changes <= 5 then text[#text + 1] = sentence(cells, ctx) end
        end
      end
      if #changes > 5 then text[#text + 1] = ("And %d more, below."):format(#changes - 5) end
      if #names > 0 and not has_values(acc.all) then
        text[1] = ("No run has a value of %s: `debrief fields` lists what there is."):format(ctx.options.measure)
      elseif #changes == 0 then
        text[1] = tests > 0 and "No lasting change was found."
          or ("Nothing can be tested: a change needs four %ss with data in which not all runs are equal."):format(every)
      end
      local notes = { names[1] and ("From %s to %s."):format(names[1], names[#names]) or "No run has a time." }
      if acc.untimed > 0 then notes[#notes + 1] = ("Runs without a time: %d."):format(acc.untimed) end
      if tests > 0 then
        notes[#notes + 1] = ("%d tests on %d series, corrected for their number."):format(tests, #all)
      end
      text[#text + 1] = table.concat(notes, " ")

      local unit = measure.unit
      local function points_column(key) return { key = key, unit = "points", priority = key == "change" and 3 or 2 } end
      local key = { key = field_of(ctx), cut = "never" }
      local tables = {}
      if #changes > 0 then
        tables[1] = { title = "Changes", rows = changes, columns = { key, { key = "kind", cut = "never", priority = 1 },
          { key = "since", cut = "never" }, { key = "before", unit = unit, priority = 4 },
          { key = "after", unit = unit, priority = 4 }, points_column "change", points_column "from",
          points_column "to" } }
      end
      local of_all = unit and { "runs", { key = "median", unit = unit }, { key = "latest", unit = unit } }
        or measure.kind == "rate" and { ctx.options.measure, "latest" } or { "runs", "median", "latest" }
      local columns = { key }
      table.move(of_all, 1, #of_all, 2, columns)
      columns[#columns + 1] = "trend"
      tables[#tables + 1] = { title = "By " .. key.key, columns = columns, rows = rows }
      tables[#tables + 1] = { title = "All, by " .. every, rows = period_rows(names, acc.all),
        columns = { every, "runs", { key = ctx.options.measure, unit = unit } } }
      return { title = "Trend", text = table.concat(text, "\n"), tables = tables,
        charts = { chart_of(all, names, ctx) } }
    end,
  },
}
