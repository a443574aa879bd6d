--- Columns side by side, fitted to a width.
--
--     title    title      header(): one or more lines, the shorter ones at the bottom
--     ───────  ─────
--     a cell      12      row()
--     a long…      7
--
-- What does not fit is reduced in this order: titles break into lines, columns that can be cut are cut, the widest
-- first, and columns that can be dropped are dropped. If that is not enough, `block` shows each row as several
-- lines. Titles and cells are text without line breaks that is safe to show (debrief.text.escape).
-- @module debrief.text.table
local trim = require "debrief.text.trim"
local width = require "debrief.text.width"

local layout = {}

local GAP = "  "

local Grid = {}
Grid.__index = Grid

-- ---- Fitting --------------------------------------------------------------------------------------------------------

local function widest_of(texts)
  local widest = 0
  for _, text in ipairs(texts) do widest = math.max(widest, width.of(text)) end
  return widest
end

local function uncut(text) return text end

-- A column of the grid: `at` is its place among the cells of a row, `body` the width of its widest cell.
local function measured(column, at, rows)
  local body = column.width or 1
  for _, cells in ipairs(column.width and {} or rows) do body = math.max(body, width.of(cells[at])) end
  local titles = { column.title }
  return { at = at, titles = titles, body = body, width = math.max(body, widest_of(titles)), align = column.align,
    least = column.least, drop = column.drop, wrap = column.wrap, rest = column.rest,
    cut = column.cut == false and uncut or column.cut or width.cut }
end

-- Columns of all but the one that takes the rest.
local function total(columns)
  local sum = -#GAP
  for _, column in ipairs(columns) do sum = sum + (column.rest and 0 or column.width + #GAP) end
  return sum
end

-- Titles in lines as short as their longest word, or their column's cells, allow.
local function break_titles(columns)
  for _, column in ipairs(columns) do
    local title, shortest = column.titles[1], column.body
    for word in (title or ""):gmatch "%S+" do shortest = math.max(shortest, width.of(word)) end
    if title then column.titles = width.wrap(title, shortest) end
    column.width = math.max(column.body, widest_of(column.titles))
  end
end

-- The widest columns that can be cut, all of one width, and to what width all of them can be cut before another column
-- is as wide or one of them is as narrow as it may be.
local function widest_of_all(columns)
  local widest, level, floor = {}, 0, 0
  for _, column in ipairs(columns) do
    if column.least and column.width > column.least then
      if column.width > level then widest, level, floor = {}, column.width, math.max(floor, level) end
      if column.width == level then
        widest[#widest + 1], floor = column, math.max(floor, column.least)
      else
        floor = math.max(floor, column.width)
      end
    end
  end
  return widest, floor
end

-- Narrow the widest columns that can be cut, until all fits or none can be cut any more.
local function cut_widest(columns, limit)
  local excess = total(columns) - limit
  while excess > 0 do
    local widest, floor = widest_of_all(columns)
    if #widest == 0 then return end
    local step = widest[1].width - floor
    local all = math.min(step, excess // #widest)
    local rest = all < step and excess % #widest or 0
    for i, column in ipairs(widest) do column.width = column.width - all - (i <= rest and 1 or 0) end
    excess = all < step and 0 or excess - all * #widest
  end
end

-- Drop columns, the lowest rank first, until all fits or none may be dropped.
local function drop_lowest(columns, limit)
  while total(columns) > limit do
    local lowest
    for i, column in ipairs(columns) do
      if column.drop and (not lowest or column.drop < columns[lowest].drop) then lowest = i end
    end
    if not lowest then return end
    table.remove(columns, lowest)
  end
end

local function fit(columns, limit)
  if total(columns) > limit then break_titles(columns) end
  cut_widest(columns, limit)
  drop_lowest(columns, limit)
  local last = columns[#columns]
  if last and last.rest then
    local left = limit - total(columns) - #GAP
    if left < last.rest and not last.wrap then columns[#columns] = nil end
    last.width = math.max(left, last.rest)
  end
  return total(columns) <= limit or last.wrap == true
end

--- Fit columns to a width.
-- @param columns an array of { title = text, or nil in a table without a header,
--   align = "left" (the default), "right" or "center",
--   width = columns of the screen; nil: as wide as the title and the widest cell of `rows`,
--   least = to how many it may be cut; nil: it is not cut to make room,
--   cut = function(text, columns) for cells that are too wide (width.cut by default), or false: they stick out,
--   drop = rank among those that may be dropped, 1 goes first; nil: it may not,
--   rest = of the last one: it takes what the others leave, if that is so many columns; else it is left out,
--   wrap = true of the one that takes the rest: its cells break into lines, and it is never left out }
-- @param rows arrays of cells, to measure
-- @param limit the width in columns; may be math.huge
-- @return a grid, and whether it fits
function layout.fit(columns, rows, limit)
  local grid = {}
  for i, column in ipairs(columns) do grid[i] = measured(column, i, rows) end
  local fits = fit(grid, limit)
  return setmetatable(grid, Grid), fits
end

local TIME, DAY, PLACE = "^%d%d%d%d%-%d%d%-%d%d[T ]%d%d:%d%d[%d:.Z+-]*$", "^%d%d%d%d%-[%dW-]+$", "^[%w._-]+:%d+$"

local function is_exact(text) return text:find(TIME) or text:find(DAY) or text:find(PLACE) end

local function is_path(text) return text:find "^[~.]?[~.]?/[^%s/]" end

--- How texts are cut where there is no room: "never", if part of one says something else (times, days and weeks,
-- SESSION:LINE); "left", if the end says most (paths); else "right".
-- @param texts an array; "" and "-" stand for nothing
function layout.natural_cut(texts)
  local exact, paths, any = true, true, false
  for _, text in ipairs(texts) do
    if text ~= "" and text ~= "-" then
      any, exact, paths = true, exact and is_exact(text), paths and is_path(text)
      if not (exact or paths) then return "right" end
    end
  end
  return any and (exact and "never" or "left") or "right"
end

-- ---- Showing --------------------------------------------------------------------------------------------------------

local function joined(parts) return trim.right(table.concat(parts, GAP)) end

--- The lines of titles, and the rule below them.
function Grid:header()
  local lines, out, rule = 1, {}, {}
  for _, column in ipairs(self) do lines = math.max(lines, #column.titles) end
  for n = 1, lines do
    local parts = {}
    for i, column in ipairs(self) do
      local title = column.titles[n - lines + #column.titles] or ""
      parts[i] = width.pad(width.cut(title, column.width), column.width, column.align)
    end
    out[n] = joined(parts)
  end
  for i, column in ipairs(self) do rule[i] = ("─"):rep(column.width) end
  return out, table.concat(rule, GAP)
end

-- A cell in its column; one that wraps continues below its own beginning.
local function set(column, cell, indent)
  if column.wrap then return table.concat(width.wrap(cell, column.width), "\n" .. (" "):rep(indent)) end
  cell = column.cut(cell, column.width)
  return column.rest and cell or width.pad(cell, column.width, column.align)
end

--- The line of a row, without spaces at its end.
-- @param paint function(at, text) -> text, called with the place of each cell and what is shown of it; may be nil
function Grid:row(cells, paint)
  local parts, indent = {}, 0
  for i, column in ipairs(self) do
    local text = set(column, cells[column.at], indent)
    parts[i] = paint and paint(column.at, text) or text
    indent = indent + column.width + #GAP
  end
  return joined(parts)
end

--- A row as several lines, `title  cell`, for a width that has no room for the columns.
-- @param columns, limit as layout.fit takes them
-- @param paint function(text) -> text, called with each title as it is shown; may be nil
-- @return an array of lines
function layout.block(columns, cells, limit, paint)
  local titles, lines = {}, {}
  for i, column in ipairs(columns) do titles[i] = column.title end
  local names = math.min(widest_of(titles), math.max(limit // 2 - #GAP, 1))
  for i, column in ipairs(columns) do
    local name = width.pad(width.cut(titles[i], names), names)
    local cell = column.cut == false and cells[i] or width.cut(cells[i], math.max(limit - names - #GAP, 1))
    lines[i] = (paint and paint(name) or name) .. GAP .. cell
  end
  return lines
end

return layout
