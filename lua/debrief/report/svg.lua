--- A checked chart as SVG, to stand in an HTML page: wide, and as a second drawing for screens of phones. Colours are
-- classes, for light, dark and paper; every mark of the wide one has a title with its numbers.
--
--     <svg class="w"> <g class="s" data-s="1"> <circle class="dot c1"> <title>review, 2026-W46: 80 % (n = 20, …)
-- @module debrief.report.svg
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local values = require "debrief.text.values"

local svg = {}

local TOP, BOTTOM = 14, 46
local FEW = values.few
local COLOURS = 8

--- The two drawings: how wide they are, how much of that names take at the left of rows and at the ends of lines, and
-- how many letters of a name there is room for.
local WIDE = { width = 760, names = 190, ends = 150, letters = 26, class = "w", titles = true }
local NARROW = { width = 360, names = 104, ends = 12, letters = 14, class = "n" }

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- A text that is safe to show, as it may stand in an element or an attribute.
function svg.markup(text) return (text:gsub("[&<>\"']", entities)) end

--- Any text, in one line, the same way.
function svg.text(text) return svg.markup(escape(tostring(text))) end

local text_of = svg.text

local function show(value, unit)
  if unit == "share" then return ("%.0f %%"):format(100 * value) end
  return values.number(value, unit)
end
svg.show = show

-- A value of an axis, which is round: "15 m" for 15 m 00 s.
local function tick(value, unit)
  if unit == "ms" then return value == 0 and "0" or (show(value, unit):gsub("^(%S+ [mhd]) 00 %l$", "%1")) end
  if unit == "share" or values.units[unit] then return show(value, unit) end
  return ("%.6g"):format(value)
end

-- A time in milliseconds in the user's zone; a number that is no time stays one.
local function date(format, ms)
  local ns = math.tointeger(ms * 1000000 // 1)
  return ns and core.date(format, ns) or values.number(ms)
end

--- A place of the axis as a text.
function svg.place(x, i)
  local value = x.values[i]
  if type(value) ~= "number" then return value end
  return x.type == "time" and date("%Y-%m-%d %H:%M", value) or values.number(value)
end

local function short(text, n)
  text = escape(tostring(text))
  return utf8.len(text) and utf8.len(text) > n and text:sub(1, utf8.offset(text, n) - 1) .. "…" or text
end

local function colour(at) return (at - 1) % COLOURS + 1 end

-- ---- Axes -----------------------------------------------------------------------------------------------------------

-- A round step so that there are about `n` of them.
local function round_step(span, n)
  local raw = span / n
  local power = 10 ^ math.floor(math.log(raw, 10))
  for _, f in ipairs { 1, 2, 2.5, 5, 10 } do
    if f * power >= raw * (1 - 1e-9) then return f * power end
  end
  return 10 * power
end

local HOUR, DAY = 3600000, 86400000
local MS = { 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000, HOUR, 2 * HOUR,
  6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 365 * DAY }

local function time_step(span, n)
  for _, ms in ipairs(MS) do if ms >= span / n then return ms end end
  return round_step(span, n)
end

-- The values that the axis of values goes from and to, and its step.
local function scale_of(chart, sums, ticks)
  if chart.unit == "share" and not sums then return 0, 1, ticks < 4 and 0.5 or 0.25 end
  local low, high = chart.base or 0, chart.base or 0
  local function widen(x) if x then low, high = math.min(low, x), math.max(high, x) end end
  for _, one in ipairs(sums and { { values = sums } } or chart.series) do
    for _, list in ipairs { one.values, one.low or {}, one.high or {} } do
      for _, x in pairs(list) do widen(x) end
    end
  end
  if low == high then high = low + 1 end
  local step = chart.unit == "ms" and high - low >= 2000 and time_step(high - low, ticks)
    or round_step(high - low, ticks)
  return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step
end

local function line(x1, y1, x2, y2, class)
  return ('<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>'):format(class, x1, y1, x2, y2)
end

local function label(x, y, text, anchor, class)
  return ('<text%s x="%.1f" y="%.1f" text-anchor="%s">%s</text>'):format(class and (' class="%s"'):format(class) or "",
    x, y, anchor, text_of(text))
end

-- Lines and labels of the axis of values at the left.
local function value_axis(out, frame, place, low, high, step, chart, right)
  for i = 0, math.floor((high - low) / step + 0.5) do
    local v = low + i * step
    local y = place(v)
    out[#out + 1] = line(frame.left, y, right, y, math.abs(v - (chart.base or 0)) < step / 1e6 and "axis" or "grid")
    out[#out + 1] = label(frame.left - 6, y + 4, tick(v, chart.unit), "end")
  end
end

-- The same below, for values from left to right.
local function value_axis_below(out, place, low, high, step, chart, top, bottom)
  for i = 0, math.floor((high - low) / step + 0.5) do
    local v = low + i * step
    out[#out + 1] = line(place(v), top, place(v), bottom,
      math.abs(v - (chart.base or 0)) < step / 1e6 and "axis" or "grid")
    out[#out + 1] = label(place(v), bottom + 16, tick(v, chart.unit), "middle")
  end
end

-- Labels below, as many as there is room for.
local function place_labels(out, x, place, y, room)
  local every = math.max(1, math.ceil(#x.values * 74 / room))
  for i = 1, #x.values, every do out[#out + 1] = label(place(i), y, short(svg.place(x, i), 12), "middle") end
end

-- Round times in the user's zone between two.
local function time_labels(out, first, last, place, y, n)
  local step = time_step(last - first, n)
  local format = step >= DAY and "%Y-%m-%d" or last - first > DAY and "%m-%d %H:%M" or "%H:%M"
  local h, m, s = date("%H:%M:%S", first):match "(%d+):(%d+):(%d+)"
  if not h then return end
  local at = first - ((h * 60 + m) * 60 + s) * 1000
  at = at + (first - at) // step * step
  while at <= last do
    local shift = step >= DAY and tonumber(date("%H", at)) or 0 -- where a clock was changed
    local midnight = at - (shift > 12 and shift - 24 or shift) * HOUR
    if midnight >= first then out[#out + 1] = label(place(midnight), y, date(format, midnight), "middle") end
    at = at + step
  end
end

local function open(frame, height, chart)
  return ('<svg class="%s" role="img" viewBox="0 0 %d %d" aria-label="%s">'):format(frame.class, frame.width,
    math.ceil(height), text_of(chart.title or "chart"))
end

-- "review, 2026-W46: 80 % (n = 20, 58 % to 92 %)", as an element; nothing in the drawing for phones.
local function tip(frame, chart, one, i)
  if not frame.titles then return "" end
  local parts = {}
  if one.n and one.n[i] then parts[1] = ("n = %.0f"):format(one.n[i]) end
  if one.low and one.low[i] and one.high and one.high[i] then
    parts[#parts + 1] = ("%s to %s"):format(show(one.low[i], chart.unit), show(one.high[i], chart.unit))
  end
  return ("<title>%s</title>"):format(text_of(("%s, %s: %s%s"):format(one.name, svg.place(chart.x, i),
    show(one.values[i], chart.unit), parts[1] and (" (%s)"):format(table.concat(parts, ", ")) or "")))
end

-- A mark with its colour and whether it rests on few.
local function mark(frame, element, kind, attributes, chart, one, at, i)
  local few = one.n and one.n[i] and one.n[i] < FEW
  return ('<%s class="%s c%d" %s>%s</%s>'):format(element, few and "hollow" or kind, colour(at), attributes,
    tip(frame, chart, one, i), element)
end

local function group(out, frame, at, one)
  out[#out + 1] = ('<g class="s" data-s="%d"%s>'):format(at,
    frame.titles and (' data-name="%s"'):format(text_of(short(one.name, 40))) or "")
end

-- Names of series in lines above the chart. Returns how high they are.
local function legend(out, frame, chart)
  if #chart.series < 2 then return 0 end
  local x, y = 4, 12
  out[#out + 1] = '<g class="legend">'
  for at, one in ipairs(chart.series) do
    local name = short(one.name, 22)
    local width = 26 + 7 * (utf8.len(name) or #name)
    if x + width > frame.width and x > 4 then x, y = 4, y + 18 end
    out[#out + 1] = ('<rect class="bar c%d" x="%.1f" y="%.1f" width="10" height="10"/>'):format(colour(at), x, y - 9)
    out[#out + 1] = label(x + 14, y, name, "start", "name")
    x = x + width
  end
  out[#out + 1] = "</g>"
  return y + 10
end

-- ---- Lines and dots -------------------------------------------------------------------------------------------------

local HEIGHT = 300

-- Where places lie from left to right; of numbers also the first and the last.
local function placer(frame, chart, right)
  local list, first, last = chart.x.values, nil, nil
  local left, room = frame.left + 14, right - frame.left - 28
  if type(list[1]) == "number" and chart.x.type ~= "category" then
    for _, x in ipairs(list) do first, last = math.min(first or x, x), math.max(last or x, x) end
    local span = last > first and last - first or 1
    local function at(x) return left + (x - first) / span * room end
    return function(i) return at(list[i]) end, first, last, at
  end
  local n = math.max(#list, 2)
  return function(i) return left + (i - 1) / (n - 1) * room end
end

-- A band between the ends of the intervals, for as long as both are known.
local function bands(out, one, at, place_x, place_y, n)
  if not (one.low and one.high) then return end
  local up, down = {}, {}
  local function close()
    if #up > 1 then
      local points = { table.unpack(up) }
      for i = #down, 1, -1 do points[#points + 1] = down[i] end
      out[#out + 1] = ('<polygon class="band c%d" points="%s"/>'):format(colour(at), table.concat(points, " "))
    end
    up, down = {}, {}
  end
  for i = 1, n do
    if one.values[i] and one.low[i] and one.high[i] then
      up[#up + 1] = ("%.1f,%.1f"):format(place_x(i), place_y(one.high[i]))
      down[#down + 1] = ("%.1f,%.1f"):format(place_x(i), place_y(one.low[i]))
    else
      close()
    end
  end
  close()
end

-- Dots of up to four series differ in their shape, too.
local function point(frame, chart, one, at, i, x, y, joined)
  local shape = joined and 0 or (at - 1) % 4
  if shape == 0 then
    return mark(frame, "circle", "dot", ('cx="%.1f" cy="%.1f" r="3.5"'):format(x, y), chart, one, at, i)
  end
  local path = shape == 1 and "M%.1f %.1fl4 8h-8z" or shape == 2 and "M%.1f %.1fl4 4l-4 4l-4-4z"
    or "M%.1f %.1fm-3 1h6v6h-6z"
  return mark(frame, "path", "dot", ('d="%s"'):format(path:format(x, y - 4)), chart, one, at, i)
end

-- Runs of values without a gap between them, as polylines.
local function lines(out, one, at, place_x, place_y, n)
  local run = {}
  for i = 1, n + 1 do
    if one.values[i] then
      run[#run + 1] = ("%.1f,%.1f"):format(place_x(i), place_y(one.values[i]))
    else
      if #run > 1 then
        out[#out + 1] = ('<polyline class="line c%d" points="%s"/>'):format(colour(at), table.concat(run, " "))
      end
      run = {}
    end
  end
end

-- Names at the ends of their lines, far enough from each other to be read.
local function end_labels(chart, place_y, top, bottom)
  local ends, at_of = {}, {}
  for at, one in ipairs(chart.series) do
    for i = #chart.x.values, 1, -1 do
      if one.values[i] then
        ends[#ends + 1] = { at = at, y = place_y(one.values[i]) }
        break
      end
    end
  end
  table.sort(ends, function(a, b)
    if a.y ~= b.y then return a.y < b.y end
    return a.at < b.at
  end)
  local free = top
  for _, one in ipairs(ends) do
    one.y = math.max(one.y, free)
    free = one.y + 14
  end
  local over = math.max(0, free - 14 - bottom)
  for _, one in ipairs(ends) do at_of[one.at] = one.y - over + 4 end
  return at_of
end

-- Lines across, each with its text at the top, where there is room beside the one before.
local function marks(out, chart, place_x, top, bottom)
  local y = top
  for _, one in ipairs(chart.marks or {}) do
    local x = place_x(one.at) - 8
    out[#out + 1] = line(x, top, x, bottom, "mark")
    out[#out + 1] = label(x + 4, y + 10, one.text, "start", "name")
    y = y + 14
  end
end

-- The frame with as much room at its left as the labels of the axis need.
local function room_for_ticks(frame, low, high, step, chart)
  local widest = 0
  for i = 0, math.floor((high - low) / step + 0.5) do
    widest = math.max(widest, utf8.len(tick(low + i * step, chart.unit)) or 0)
  end
  return setmetatable({ left = math.max(40, 12 + 7 * widest) }, { __index = frame })
end

local function line_chart(frame, chart, joined)
  local out = { "" }
  local named = frame.titles and joined
  local top = (not named and legend(out, frame, chart) or 0) + TOP
  local right, bottom = frame.width - (named and frame.ends or 12), top + HEIGHT - TOP - BOTTOM
  local low, high, step = scale_of(chart, nil, 4)
  frame = room_for_ticks(frame, low, high, step, chart)
  out[1] = open(frame, bottom + BOTTOM, chart)
  local function place_y(v) return top + (high - v) / (high - low) * (bottom - top) end
  local place_x, first, last, at_x = placer(frame, chart, right)
  value_axis(out, frame, place_y, low, high, step, chart, right)
  if chart.x.type == "time" and first then
    time_labels(out, first, last, at_x, bottom + 18, frame.titles and 6 or 3)
  else
    place_labels(out, chart.x, place_x, bottom + 18, right - frame.left)
  end
  if chart.x.title then
    out[#out + 1] = label((frame.left + right) / 2, bottom + 38, short(chart.x.title, 60), "middle")
  end
  marks(out, chart, place_x, top, bottom)
  local ends = named and end_labels(chart, place_y, top, bottom) or {}
  for at, one in ipairs(chart.series) do
    group(out, frame, at, one)
    if joined and #chart.series <= 2 then bands(out, one, at, place_x, place_y, #chart.x.values) end
    if joined then lines(out, one, at, place_x, place_y, #chart.x.values) end
    for i = 1, #chart.x.values do
      local v = one.values[i]
      if v then out[#out + 1] = point(frame, chart, one, at, i, place_x(i), place_y(v), joined) end
    end
    if ends[at] then
      out[#out + 1] = label(right + 8, ends[at], short(one.name, 18), "start", "t" .. colour(at))
    end
    out[#out + 1] = "</g>"
  end
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n")
end

-- ---- Rows: bars, and dots of categories -----------------------------------------------------------------------------

local BAR, SPACE = 16, 10

local function whisker(out, one, i, y, place)
  local low, high = one.low and one.low[i], one.high and one.high[i]
  if not (low and high) then return end
  out[#out + 1] = line(place(low), y, place(high), y, "whisker")
  for _, at in ipairs { low, high } do out[#out + 1] = line(place(at), y - 4, place(at), y + 4, "whisker") end
end

-- How each row of a series is drawn; `from` is where a stack has come to.
local draw = {}

local function rect(frame, chart, one, at, i, y, from, to)
  return mark(frame, "rect", "bar", ('x="%.1f" y="%.1f" width="%.1f" height="%d"'):format(math.min(from, to), y,
    math.max(math.abs(to - from), 0.5), BAR), chart, one, at, i)
end

local function value_label(out, frame, chart, one, i, x, y)
  local n = frame.titles and one.n and one.n[i]
  local tail = show(one.values[i], chart.unit) .. (n and (" of %.0f"):format(n) or "")
  out[#out + 1] = label(x + 6, y, tail, "start")
end

function draw.bar(out, frame, chart, one, at, i, y, place)
  local v = one.values[i]
  out[#out + 1] = rect(frame, chart, one, at, i, y, place(0), place(v))
  whisker(out, one, i, y + BAR / 2, place)
  value_label(out, frame, chart, one, i, place(math.max(one.high and one.high[i] or v, v, 0)), y + BAR - 4)
end

function draw.stack(out, frame, chart, one, at, i, y, place, sums)
  local v = math.max(one.values[i], 0)
  if v > 0 then out[#out + 1] = rect(frame, chart, one, at, i, y, place(sums[i]), place(sums[i] + v)) end
  sums[i] = sums[i] + v
end

function draw.dots(out, frame, chart, one, at, i, y, place)
  whisker(out, one, i, y + BAR / 2, place)
  out[#out + 1] = point(frame, chart, one, at, i, place(one.values[i]), y + BAR / 2, true)
  local n = frame.titles and show(one.values[i], chart.unit) or nil
  if n then out[#out + 1] = label(frame.width - 4, y + BAR - 4, n, "end") end
end

local function row_chart(frame, chart)
  local out, sums, stacked = { "" }, {}, chart.type == "stack"
  local top = legend(out, frame, chart) + 6
  for _, one in ipairs(stacked and chart.series or {}) do
    for i, v in pairs(one.values) do sums[i] = (sums[i] or 0) + math.max(v, 0) end
  end
  local low, high, step = scale_of(chart, stacked and sums, frame.titles and 4 or 2)
  local right = frame.width - (frame.titles and 90 or 56)
  local function place(v) return frame.names + (v - low) / (high - low) * (right - frame.names) end
  local room = (stacked and 1 or #chart.series) * BAR + SPACE
  local bottom = top + #chart.x.values * room
  out[1] = open(frame, bottom + 26, chart)
  value_axis_below(out, place, low, high, step, chart, top, bottom)
  for i in ipairs(chart.x.values) do
    local y = top + (i - 1) * room + room / 2 + 4
    out[#out + 1] = label(frame.names - 8, y, short(svg.place(chart.x, i), frame.letters), "end", "name")
    if stacked and sums[i] then out[#out + 1] = label(place(sums[i]) + 6, y, show(sums[i], chart.unit), "start") end
    sums[i] = 0
  end
  for at, one in ipairs(chart.series) do
    group(out, frame, at, one)
    for i in ipairs(chart.x.values) do
      local y = top + (i - 1) * room + SPACE / 2 + (stacked and 0 or (at - 1) * BAR)
      if one.values[i] then draw[chart.type](out, frame, chart, one, at, i, y, place, sums) end
    end
    out[#out + 1] = "</g>"
  end
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n")
end

-- ---- Heat -----------------------------------------------------------------------------------------------------------

local CELL = 26

local function heat_chart(frame, chart)
  local low, high = scale_of(chart, nil, 4)
  local n = math.max(#chart.x.values, 1)
  local width = math.min(70, (frame.width - frame.names - 10) / n)
  local height = TOP + #chart.series * CELL + 26
  local out = { open(frame, height, chart) }
  for at, one in ipairs(chart.series) do
    local y = TOP + (at - 1) * CELL
    out[#out + 1] = label(frame.names - 8, y + CELL / 2 + 4, short(one.name, frame.letters), "end", "name")
    for i = 1, n do
      local v, x = one.values[i], frame.names + (i - 1) * width
      if v then
        local part = high > low and (v - low) / (high - low) or 1
        out[#out + 1] = ('<rect class="heat" x="%.1f" y="%.1f" width="%.1f" height="%d" fill-opacity="%.2f">%s</rect>')
          :format(x + 1, y + 1, math.max(width - 2, 1), CELL - 2, 0.08 + 0.92 * part, tip(frame, chart, one, i))
        if width >= 44 then
          out[#out + 1] = label(x + width / 2, y + CELL / 2 + 4, show(v, chart.unit), "middle",
            part > 0.55 and "onheat" or nil)
        end
      end
    end
  end
  place_labels(out, chart.x, function(i) return frame.names + (i - 0.5) * width end, height - 8, n * width)
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n")
end

local function drawing(frame, chart)
  if chart.type == "heat" then return heat_chart(frame, chart) end
  if chart.type == "line" or chart.type == "dots" and chart.x.type ~= "category" then
    return line_chart(frame, chart, chart.type == "line")
  end
  return row_chart(frame, chart)
end

local SPARK = 18 -- how high a small curve is

--- A row of numbers drawn small, as a cell has it.
function svg.spark(spark)
  local low, high = spark.low or math.huge, spark.high or -math.huge
  for i = 1, spark.n do
    local v = spark[i]
    if v and v - v == 0 then low, high = math.min(low, v), math.max(high, v) end
  end
  if high < low then return "-" end
  local span, step = high > low and high - low or 1, spark.n <= 12 and 10 or 6
  local out = { ('<svg class="spark" role="img" viewBox="0 0 %d %d" width="%d" height="%d" aria-label="%s">'):format(
    spark.n * step, SPARK, spark.n * step, SPARK, text_of(values.spark(spark))) }
  local run = {}
  for i = 1, spark.n + 1 do
    local v = i <= spark.n and spark[i]
    if v and v - v == 0 then
      run[#run + 1] = ("%d,%.1f"):format(i * step - step // 2, SPARK - 2 - (v - low) / span * (SPARK - 4))
    else
      if run[2] then out[#out + 1] = ('<polyline class="line c1" points="%s"/>'):format(table.concat(run, " ")) end
      if run[1] and not run[2] then
        out[#out + 1] = ('<circle class="dot c1" cx="%s" cy="%s" r="2"/>'):format(run[1]:match "(.*),(.*)")
      end
      run = {}
    end
  end
  out[#out + 1] = "</svg>"
  return table.concat(out)
end

--- @param chart of debrief.report.chart
-- @return two elements, one for wide and one for narrow screens
function svg.render(chart) return drawing(WIDE, chart) .. "\n" .. drawing(NARROW, chart) end

return svg
