--- Charts for a terminal: a curve of braille dots with its axes for one line, a small curve for each of several, a bar
-- for each value, an interval for each dot.
--
--     review     ▃▄▆▇█·▅  62 % of 21          implement  ██████████████████  80 % of 20
--
-- Where the locale has no UTF-8 they are drawn in ASCII.
-- @module debrief.report.bars
local colour = require "debrief.text.colour"
local svg = require "debrief.report.svg"
local escape = require "debrief.text.escape"
local values = require "debrief.text.values"
local width = require "debrief.text.width"

local bars = {}

local NAME, LEAST = 30, 8 -- the widest name, the narrowest bar
local HEIGHT = 8 -- lines of a curve with axes
local MOST_PLACES = 400

local UTF8 = { full = { "█", "▓", "▒", "░" }, dot = "●", hollow = "○", points = { "●", "×", "○", "+" },
  line = "─", base = "│", corner = "└", mark = "▲" }
local ASCII = { full = { "#", "=", "-", "." }, dot = "*", hollow = "o", points = { "*", "x", "o", "+" },
  line = "-", base = "|", corner = "+", mark = "^", levels = { "_", "-", "~", "=", "+", "*", "#", "@" } }

local COLOURS = 6

local function paint(at, text, opts)
  return opts.color and colour.paint("c" .. (at - 1) % COLOURS + 1, text) or text
end

local function shown(chart, one, i)
  local n = one.n and one.n[i]
  return svg.show(one.values[i], chart.unit) .. (n and (" of %.0f"):format(n) or "")
end

local function extent(chart)
  local low, high = chart.base or 0, chart.unit == "share" and 1 or chart.base or 0
  for _, one in ipairs(chart.series) do
    for _, list in ipairs { one.values, chart.base and one.low or {}, chart.base and one.high or {} } do
      for _, v in pairs(list) do low, high = math.min(low, v), math.max(high, v) end
    end
  end
  return low, high
end

local function names_width(names)
  local widest = 0
  for _, name in ipairs(names) do widest = math.max(widest, width.of(escape(tostring(name)))) end
  return math.min(widest, NAME)
end

local function pad(name, columns) return width.pad(width.cut(escape(tostring(name)), columns), columns, "left") end

local function place_names(chart)
  local names = {}
  for i in ipairs(chart.x.values) do names[i] = svg.place(chart.x, i) end
  return names
end

-- ---- Curves ---------------------------------------------------------------------------------------------------------

local function spark(numbers, glyphs)
  if not glyphs.levels then return values.spark(numbers) end
  local level = { ["·"] = "." }
  for i, text in ipairs { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" } do level[text] = glyphs.levels[i] end
  return (values.spark(numbers):gsub(utf8.charpattern, level))
end

-- A curve for each series, all on one scale, followed by the latest value.
local function curves(chart, limit, opts, out)
  local low, high = extent(chart)
  local names, n = {}, #chart.x.values
  for i, one in ipairs(chart.series) do names[i] = one.name end
  local columns = names_width(names)
  local room = math.max(LEAST, math.min(n, limit - columns - 22))
  local from = math.max(1, n - room + 1) -- the latest, where not all have room
  for at, one in ipairs(chart.series) do
    local numbers, last = { n = n - from + 1, low = low, high = high }, nil
    for i = from, n do
      numbers[i - from + 1] = one.values[i]
      if one.values[i] then last = i end
    end
    out[#out + 1] = ("%s  %s  %s"):format(pad(one.name, columns), paint(at, spark(numbers, opts.glyphs), opts),
      last and shown(chart, one, last) or "-")
  end
  if n > 0 then
    out[#out + 1] = ("%s  %s to %s, from %s to %s"):format((" "):rep(columns), escape(svg.place(chart.x, from)),
      escape(svg.place(chart.x, n)), svg.show(low, chart.unit), svg.show(high, chart.unit))
  end
end

-- ---- Points on a grid -----------------------------------------------------------------------------------------------

local BITS = { { 0x01, 0x02, 0x04, 0x40 }, { 0x08, 0x10, 0x20, 0x80 } } -- dots of a braille letter: columns, rows

-- A grid of letters with 2 by 4 dots each; in ASCII, and of dots, with one, which shows its series.
local function canvas(columns, fine, glyphs)
  local self = { wide = columns, high = HEIGHT }
  local cells, owner = {}, {}
  if fine then self.wide, self.high = columns * 2, HEIGHT * 4 end
  function self.put(x, y, at)
    x, y = math.floor(x + 0.5), math.floor(y + 0.5)
    local column, row, bit = x, y, true
    if fine then column, row, bit = x // 2, y // 4, BITS[x % 2 + 1][y % 4 + 1] end
    local key = row * columns + column
    cells[key] = fine and (cells[key] or 0) | bit or glyphs.points[(at - 1) % 4 + 1]
    owner[key] = owner[key] or at
  end
  function self.line(x1, y1, x2, y2, at)
    local n = math.max(math.abs(x2 - x1), math.abs(y2 - y1), 1)
    for i = 0, n do self.put(x1 + (x2 - x1) * i / n, y1 + (y2 - y1) * i / n, at) end
  end
  function self.row(row, opts)
    local parts = {}
    for column = 0, columns - 1 do
      local key = row * columns + column
      local cell = cells[key]
      parts[#parts + 1] = cell and paint(owner[key], fine and utf8.char(0x2800 + cell) or cell, opts) or " "
    end
    return (table.concat(parts):gsub(" +$", ""))
  end
  return self
end

-- Where places lie between 0 and 1: numbers where they are, all else one after the other; and which are at the ends.
local function positions(x)
  local list, first, last = x.values, math.huge, -math.huge
  if type(list[1]) ~= "number" or x.type == "category" then
    return function(i) return #list > 1 and (i - 1) / (#list - 1) or 0.5 end, 1, #list
  end
  local at_first, at_last = 1, 1
  for i, v in ipairs(list) do
    if v < first then first, at_first = v, i end
    if v > last then last, at_last = v, i end
  end
  return function(i) return last > first and (list[i] - first) / (last - first) or 0.5 end, at_first, at_last
end

local function plot(chart, limit, opts, out)
  local low, high = extent(chart)
  if low == high then high = low + 1 end
  local left = math.max(width.of(svg.show(low, chart.unit)), width.of(svg.show(high, chart.unit)))
  local columns = math.max(LEAST, math.min(limit, 100) - left - 3)
  local fine = chart.type == "line" and not opts.glyphs.levels
  local grid = canvas(columns, fine, opts.glyphs)
  local at_x, first, last = positions(chart.x)
  local function x_of(i) return at_x(i) * (grid.wide - 1) end
  local function y_of(v) return (high - v) / (high - low) * (grid.high - 1) end
  for at, one in ipairs(chart.series) do
    local before
    for i = 1, math.min(#chart.x.values, MOST_PLACES) do
      local v = one.values[i]
      if v then
        local from = chart.type == "line" and before or i
        grid.line(x_of(from), y_of(one.values[from]), x_of(i), y_of(v), at)
      end
      before = v and i
    end
  end
  for row = 0, HEIGHT - 1 do
    local name = row == 0 and high or row == HEIGHT - 1 and low or nil
    out[#out + 1] = ("%s %s%s"):format(width.pad(name and svg.show(name, chart.unit) or "", left, "right"),
      opts.glyphs.base, grid.row(row, opts))
  end
  local from, to = escape(svg.place(chart.x, first)), escape(svg.place(chart.x, last))
  out[#out + 1] = (" "):rep(left + 1) .. opts.glyphs.corner .. opts.glyphs.line:rep(columns)
  out[#out + 1] = (" "):rep(left + 2) .. from .. (" "):rep(math.max(1, columns - width.of(from) - width.of(to))) .. to
  local names = {}
  for at, one in ipairs(#chart.series > 1 and chart.series or {}) do
    local sign = fine and "" or opts.glyphs.points[(at - 1) % 4 + 1] .. " "
    names[at] = paint(at, sign .. escape(one.name), opts)
  end
  if names[1] then out[#out + 1] = (" "):rep(left + 2) .. table.concat(names, "  ") end
end

-- ---- Rows -----------------------------------------------------------------------------------------------------------

-- A bar for each value, the values of one place under each other.
local function blocks(chart, limit, opts, out)
  local _, high = extent(chart)
  local names, many = place_names(chart), #chart.series > 1
  for _, one in ipairs(many and chart.series or {}) do names[#names + 1] = "  " .. one.name end
  local columns = names_width(names)
  local room = math.max(LEAST, math.min(limit, 120) - columns - 22)
  local function one_bar(name, one, i)
    local v = one.values[i]
    local length = v and high > 0 and math.floor(math.max(v, 0) / high * room + 0.5) or 0
    out[#out + 1] = ("%s  %s%s"):format(pad(name, columns), opts.glyphs.full[1]:rep(length),
      (length > 0 and "  " or "") .. (v and shown(chart, one, i) or "-"))
  end
  for i in ipairs(chart.x.values) do
    if many then out[#out + 1] = width.cut(escape(names[i]), columns) end
    for _, one in ipairs(chart.series) do one_bar(many and "  " .. one.name or names[i], one, i) end
  end
end

-- A bar for each place, with a part for each series.
local function stacks(chart, limit, opts, out)
  local names, sums, most, fills = place_names(chart), {}, 0, opts.glyphs.full
  for i in ipairs(names) do
    sums[i] = 0
    for _, one in ipairs(chart.series) do sums[i] = sums[i] + math.max(one.values[i] or 0, 0) end
    most = math.max(most, sums[i])
  end
  local columns = names_width(names)
  local room = math.max(LEAST, math.min(limit, 120) - columns - 22)
  for i, name in ipairs(names) do
    local parts, sum, done = {}, 0, 0
    for at, one in ipairs(chart.series) do
      sum = sum + math.max(one.values[i] or 0, 0)
      local to = most > 0 and math.floor(sum / most * room + 0.5) or 0
      parts[at] = paint(at, fills[(at - 1) % #fills + 1]:rep(to - done), opts)
      done = to
    end
    out[#out + 1] = ("%s  %s%s%s"):format(pad(name, columns), table.concat(parts), done > 0 and "  " or "",
      svg.show(sums[i], chart.unit))
  end
  local legend = {}
  for at, one in ipairs(chart.series) do
    legend[at] = paint(at, fills[(at - 1) % #fills + 1], opts) .. " " .. escape(one.name)
  end
  out[#out + 1] = pad("", columns) .. "  " .. table.concat(legend, "  ")
end

-- An interval for each place, with its value, around a line at the base.
local function intervals(chart, limit, opts, out)
  local low, high = extent(chart)
  if low == high then high = low + 1 end
  local names, g = place_names(chart), opts.glyphs
  local columns = names_width(names)
  local room = math.max(LEAST, math.min(limit, 100) - columns - 30)
  local function at(v) return 1 + math.floor((v - low) / (high - low) * (room - 1) + 0.5) end
  for i, name in ipairs(names) do
    for _, one in ipairs(chart.series) do
      local v, cells = one.values[i], {}
      for c = 1, room do cells[c] = " " end
      if v and one.low and one.low[i] and one.high and one.high[i] then
        for c = at(one.low[i]), at(one.high[i]) do cells[c] = g.line end
      end
      cells[at(chart.base or 0)] = g.base
      if v then cells[at(v)] = one.n and one.n[i] and one.n[i] < values.few and g.hollow or g.dot end
      local tail = v and svg.show(v, chart.unit) or "-"
      if v and one.low and one.low[i] and one.high and one.high[i] then
        tail = ("%s (%s to %s)"):format(tail, svg.show(one.low[i], chart.unit), svg.show(one.high[i], chart.unit))
      end
      out[#out + 1] = ("%s  %s  %s"):format(pad(name, columns), table.concat(cells), tail)
    end
  end
end

local function draw(chart, limit, opts, out)
  if chart.type == "bar" then return blocks(chart, limit, opts, out) end
  if chart.type == "stack" then return stacks(chart, limit, opts, out) end
  if chart.type == "dots" and chart.x.type == "category" then return intervals(chart, limit, opts, out) end
  local many = #chart.series > 1 and not (opts.color and #chart.series <= COLOURS)
  if #chart.x.values > 1 and (chart.type == "dots" or chart.type == "line" and not many) then
    return plot(chart, limit, opts, out)
  end
  return curves(chart, limit, opts, out)
end

--- @param chart of debrief.report.chart
-- @param limit columns of the screen; math.huge for no limit
-- @param opts { color = true, ascii = true }
-- @return array of lines
function bars.lines(chart, limit, opts)
  local out = {}
  opts = { color = opts and opts.color, glyphs = opts and opts.ascii and ASCII or UTF8 }
  draw(chart, limit == math.huge and 100 or limit, opts, out)
  for _, mark in ipairs(chart.marks or {}) do
    out[#out + 1] = ("%s %s: %s"):format(opts.glyphs.mark, escape(svg.place(chart.x, mark.at)), escape(mark.text))
  end
  return out
end

return bars
