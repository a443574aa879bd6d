--- A checked chart as SVG, to stand in an HTML page. Colours are classes, for light, dark and paper; every mark has a
-- title with its numbers.
-- @module debrief.report.svg
local escape = require "debrief.text.escape"
local values = require "debrief.text.values"

local svg = {}

local WIDTH, LEFT, TOP, BOTTOM = 760, 64, 14, 46
local FEW = values.few

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["'"] = "&#39;" }

--- A text as it may stand in an element or an attribute.
function svg.text(text) return (escape(tostring(text)):gsub("[&<>\"']", entities)) end

local text_of = svg.text

local function show(value, unit)
  if unit == "share" then return ("%.0f %%"):format(100 * value) end
  return values.number(value, unit)
end
svg.show = show

local function short(text, n)
  text = tostring(text)
  return utf8.len(text) and utf8.len(text) > n and text:sub(1, utf8.offset(text, n) - 1) .. "…" or text
end

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

local MS = { 1000, 2000, 5000, 10000, 15000, 30000, 60000, 120000, 300000, 600000, 900000, 1800000, 3600000, 7200000,
  21600000, 43200000, 86400000 }

-- Times have steps of their own.
local function step_of(span, n, unit)
  if unit == "ms" then
    for _, ms in ipairs(MS) do if ms >= span / n and span >= 2000 then return ms end end
  end
  return round_step(span, n)
end

-- The values that the axis of values goes from and to, and its step.
local function scale_of(chart, sums)
  if chart.unit == "share" then return 0, 1, 0.25 end
  local low, high = 0, 0
  local function widen(x) if x then low, high = math.min(low, x), math.max(high, x) end end
  for _, one in ipairs(sums and { { values = sums } } or chart.series) do
    for _, list in ipairs { one.values, one.low or {}, one.high or {} } do
      for _, x in pairs(list) do widen(x) end
    end
  end
  if low == high then high = low + 1 end
  local step = step_of(high - low, 4, chart.unit)
  return math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step, step
end

local function line(x1, y1, x2, y2, class)
  return ('<line class="%s" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/>'):format(class, x1, y1, x2, y2)
end

local function label(x, y, text, anchor, class)
  return ('<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>'):format(class or "tick", x, y, anchor,
    text_of(text))
end

-- Lines and labels of the axis of values at the left.
local function value_axis(out, place, low, high, step, unit, right)
  for i = 0, math.floor((high - low) / step + 0.5) do
    local y = place(low + i * step)
    out[#out + 1] = line(LEFT, y, right, y, i == 0 and "axis" or "grid")
    out[#out + 1] = label(LEFT - 6, y + 4, show(low + i * step, unit), "end")
  end
end

-- Labels below, as many as there is room for.
local function place_labels(out, list, place, y, room)
  local every = math.max(1, math.ceil(#list * 74 / room))
  for i = 1, #list, every do out[#out + 1] = label(place(i), y, short(list[i], 12), "middle") end
end

local function open(width, height, chart)
  return ('<svg role="img" viewBox="0 0 %d %d" aria-label="%s">'):format(width, height,
    text_of(chart.title or "chart"))
end

-- "review, 2026-W46: 80 % (n = 20, 58 % to 92 %)"
local function tip(chart, one, i)
  local parts = {}
  if one.n and one.n[i] then parts[1] = ("n = %d"):format(one.n[i]) end
  if one.low and one.low[i] and one.high and one.high[i] then
    parts[#parts + 1] = ("%s to %s"):format(show(one.low[i], chart.unit), show(one.high[i], chart.unit))
  end
  return text_of(("%s, %s: %s%s"):format(one.name, tostring(chart.x.values[i]), show(one.values[i], chart.unit),
    parts[1] and (" (%s)"):format(table.concat(parts, ", ")) or ""))
end

-- ---- Lines and dots -------------------------------------------------------------------------------------------------

local HEIGHT = 300

-- Where places lie from left to right.
local function placer(chart, right)
  local list, first, last = chart.x.values, nil, nil
  if chart.x.type == "number" then
    for _, x in ipairs(list) do first, last = math.min(first or x, x), math.max(last or x, x) end
    local span = first and last > first and last - first or 1
    return function(i) return LEFT + 10 + (list[i] - (first or 0)) / span * (right - LEFT - 20) end
  end
  local n = math.max(#list, 2)
  return function(i) return LEFT + 14 + (i - 1) / (n - 1) * (right - LEFT - 28) end
end

-- A band between the ends of the intervals, for as long as both are known.
local function bands(out, one, at, place_x, place_y, n)
  if not (one.low and one.high) then return end
  local up, down = {}, {}
  local function close()
    if #up > 1 then
      local points = { table.unpack(up) }
      for i = #down, 1, -1 do points[#points + 1] = down[i] end
      out[#out + 1] = ('<polygon class="band c%d" points="%s"/>'):format(at, table.concat(points, " "))
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

local function points(out, chart, one, at, place_x, place_y)
  for i = 1, #chart.x.values do
    if one.values[i] then
      local few = one.n and one.n[i] and one.n[i] < FEW
      out[#out + 1] = ('<circle class="%s c%d" cx="%.1f" cy="%.1f" r="3.5"><title>%s</title></circle>'):format(
        few and "hollow" or "dot", at, place_x(i), place_y(one.values[i]), tip(chart, one, i))
    end
  end
end

-- Runs of values without a gap between them, as polylines.
local function lines(out, one, at, place_x, place_y, n)
  local run = {}
  for i = 1, n + 1 do
    if one.values[i] then
      run[#run + 1] = ("%.1f,%.1f"):format(place_x(i), place_y(one.values[i]))
    else
      if #run > 1 then
        out[#out + 1] = ('<polyline class="line c%d" points="%s"/>'):format(at, table.concat(run, " "))
      end
      run = {}
    end
  end
end

-- Names at the ends of their lines, far enough from each other to be read.
local function end_labels(out, chart, place_y, right)
  local ends = {}
  for at, one in ipairs(chart.series) do
    for i = #chart.x.values, 1, -1 do
      if one.values[i] then
        ends[#ends + 1] = { at = at, y = place_y(one.values[i]), name = one.name }
        break
      end
    end
  end
  table.sort(ends, function(a, b)
    if a.y ~= b.y then return a.y < b.y end
    return a.at < b.at
  end)
  local bottom = TOP
  for _, one in ipairs(ends) do
    one.y = math.max(one.y, bottom)
    bottom = one.y + 14
  end
  local over = math.max(0, bottom - 14 - (HEIGHT - BOTTOM))
  for _, one in ipairs(ends) do
    out[#out + 1] = label(right + 8, one.y - over + 4, short(one.name, 20), "start", "name t" .. (one.at - 1) % 8 + 1)
  end
end

local function line_chart(chart, joined)
  local right = WIDTH - 150
  local low, high, step = scale_of(chart)
  local out = { open(WIDTH, HEIGHT, chart) }
  local function place_y(v) return TOP + (high - v) / (high - low) * (HEIGHT - TOP - BOTTOM) end
  local place_x = placer(chart, right)
  value_axis(out, place_y, low, high, step, chart.unit, right)
  place_labels(out, chart.x.values, place_x, HEIGHT - BOTTOM + 18, right - LEFT)
  if chart.x.title then out[#out + 1] = label((LEFT + right) / 2, HEIGHT - 8, chart.x.title, "middle") end
  for at, one in ipairs(chart.series) do
    local colour = (at - 1) % 8 + 1
    if joined and #chart.series <= 4 then bands(out, one, colour, place_x, place_y, #chart.x.values) end
    if joined then lines(out, one, colour, place_x, place_y, #chart.x.values) end
  end
  for at, one in ipairs(chart.series) do points(out, chart, one, (at - 1) % 8 + 1, place_x, place_y) end
  end_labels(out, chart, place_y, right)
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n")
end

-- ---- Bars -----------------------------------------------------------------------------------------------------------

local BAR, SPACE, NAMES = 16, 10, 190

local function whisker(out, one, i, y, place)
  local low, high = one.low and one.low[i], one.high and one.high[i]
  if not (low and high) then return end
  local middle = y + BAR / 2
  out[#out + 1] = line(place(low), middle, place(high), middle, "whisker")
  for _, at in ipairs { low, high } do out[#out + 1] = line(place(at), middle - 4, place(at), middle + 4, "whisker") end
end

local function bar(out, chart, one, at, i, y, from, to)
  local few = one.n and one.n[i] and one.n[i] < FEW
  out[#out + 1] = ('<rect class="%s c%d" x="%.1f" y="%.1f" width="%.1f" height="%d"><title>%s</title></rect>'):format(
    few and "hollow" or "bar", at, math.min(from, to), y, math.max(math.abs(to - from), 0.5), BAR, tip(chart, one, i))
end

-- Names of series in a line above the bars.
local function legend(out, chart)
  if #chart.series < 2 then return 0 end
  local x, y = NAMES, 12
  for at, one in ipairs(chart.series) do
    local name = short(one.name, 22)
    local width = 24 + 7.5 * (utf8.len(name) or #name)
    if x + width > WIDTH then x, y = NAMES, y + 18 end
    out[#out + 1] = ('<rect class="bar c%d" x="%.1f" y="%.1f" width="10" height="10"/>'):format((at - 1) % 8 + 1, x,
      y - 9)
    out[#out + 1] = label(x + 14, y, name, "start")
    x = x + width
  end
  return y + 10
end

-- Horizontal bars: beside each other, or one after the other.
local function bar_chart(chart, stacked)
  local out, sums = { "" }, stacked and {} or nil
  local top = legend(out, chart) + 6
  if stacked then
    for _, one in ipairs(chart.series) do
      for i, v in pairs(one.values) do sums[i] = (sums[i] or 0) + math.max(v, 0) end
    end
  end
  local low, high, step = scale_of(chart, sums)
  local right = WIDTH - 90
  local function place(v) return NAMES + (v - low) / (high - low) * (right - NAMES) end
  local group = (stacked and 1 or #chart.series) * BAR + SPACE
  local height = top + #chart.x.values * group + 26
  out[1] = open(WIDTH, math.ceil(height), chart)
  for i = 0, math.floor((high - low) / step + 0.5) do
    local x = place(low + i * step)
    out[#out + 1] = line(x, top, x, height - 24, i == 0 and "axis" or "grid")
    out[#out + 1] = label(x, height - 8, show(low + i * step, chart.unit), "middle")
  end
  for i, name in ipairs(chart.x.values) do
    local y = top + (i - 1) * group + SPACE / 2
    out[#out + 1] = label(NAMES - 8, y + (group - SPACE) / 2 + 4, short(name, 26), "end", "name")
    local from = 0
    for at, one in ipairs(chart.series) do
      local v, colour = one.values[i], (at - 1) % 8 + 1
      if v and stacked then
        bar(out, chart, one, colour, i, y, place(from), place(from + math.max(v, 0)))
        from = from + math.max(v, 0)
      elseif v then
        local here = y + (at - 1) * BAR
        bar(out, chart, one, colour, i, here, place(math.max(low, 0)), place(v))
        whisker(out, one, i, here, place)
        local tail = show(v, chart.unit) .. (one.n and one.n[i] and (" of %d"):format(one.n[i]) or "")
        out[#out + 1] = label(place(one.high and one.high[i] or math.max(v, 0)) + 6, here + BAR - 4, tail, "start")
      end
    end
    if stacked and from ~= 0 then
      out[#out + 1] = label(place(from) + 6, y + BAR - 4, show(from, chart.unit), "start")
    end
  end
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n")
end

-- ---- Heat -----------------------------------------------------------------------------------------------------------

local CELL = 26

local function heat_chart(chart)
  local low, high = scale_of(chart)
  local n = math.max(#chart.x.values, 1)
  local width = math.min(70, (WIDTH - NAMES - 10) / n)
  local height = TOP + #chart.series * CELL + 26
  local out = { open(WIDTH, height, chart) }
  for at, one in ipairs(chart.series) do
    local y = TOP + (at - 1) * CELL
    out[#out + 1] = label(NAMES - 8, y + CELL / 2 + 4, short(one.name, 26), "end", "name")
    for i = 1, n do
      local v, x = one.values[i], NAMES + (i - 1) * width
      if v then
        local part = high > low and (v - low) / (high - low) or 1
        out[#out + 1] = ('<rect class="heat" x="%.1f" y="%.1f" width="%.1f" height="%d" fill-opacity="%.2f">'
          .. '<title>%s</title></rect>'):format(x + 1, y + 1, width - 2, CELL - 2, 0.08 + 0.92 * part,
          tip(chart, one, i))
        if width >= 44 then
          out[#out + 1] = label(x + width / 2, y + CELL / 2 + 4, show(v, chart.unit), "middle",
            part > 0.55 and "onheat" or "tick")
        end
      end
    end
  end
  place_labels(out, chart.x.values, function(i) return NAMES + (i - 0.5) * width end, height - 8, n * width)
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n")
end

--- @param chart of debrief.report.chart
-- @return the element
function svg.render(chart)
  if chart.type == "bar" or chart.type == "stack" then return bar_chart(chart, chart.type == "stack") end
  if chart.type == "heat" then return heat_chart(chart) end
  return line_chart(chart, chart.type == "line")
end

return svg
