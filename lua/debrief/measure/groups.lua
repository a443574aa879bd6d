--- The rows of a table while it is counted, and as they are shown.
--
--     groups = by{ by{ { runs = n, cells = { state, … }, across = by{ { runs =, cells = } } } } }     a level per key
--
-- A key that is absent is "", as in every `by` (debrief.retro.aggregate).
-- @module debrief.measure.groups
local agg = require "debrief.retro.aggregate"
local plain = require "debrief.retro.aggregate.plain"
local skill = require "debrief.entry.skill"
local virtual = require "debrief.entry.virtual"

local groups = {}

local function new_row(t)
  local row = { runs = 0, cells = {} }
  for i, column in ipairs(t.show) do row.cells[i] = column.state() end
  return row
end

--- Nothing yet, for a definition of debrief.measure.define.
function groups.new(t)
  local row = new_row(t)
  if t.across then row.across = agg.by(new_row(t)) end
  for _ = 1, #t.by do row = agg.by(row) end
  return row
end

--- The row for some keys, made when it is new.
function groups.at(state, keys, count)
  for i = 1, count do state = agg.at(state, keys[i]) end
  return state
end

-- ---- Names of keys --------------------------------------------------------------------------------------------------

-- All keys of a level.
local function keys_at(state, level, into)
  for key, node in agg.each(state) do
    if level == 1 then agg.at(into, key) else keys_at(node, level - 1, into) end
  end
  return into
end

-- How a key of a level is shown: skills of several plugins by both names.
local function namer(t, state, level)
  if t.by[level].way ~= "skill" then return function(key) return key end end
  return skill.namer(keys_at(state, level, agg.by {}))
end

-- ---- Rows -----------------------------------------------------------------------------------------------------------

-- The rows of all levels as { keys =, row = }; what has equal names is one.
local function flat(t, state)
  local out, by_name, names, keys = {}, {}, {}, {}
  for level = 1, #t.by do names[level] = namer(t, state, level) end
  local function walk(node, level)
    if level <= #t.by then
      for key, below in agg.each(node) do
        keys[level] = names[level](key)
        walk(below, level + 1)
      end
      return
    end
    local id = {}
    for i, key in ipairs(keys) do id[i] = math.type(key) == "integer" and "i" .. key or "s" .. key end
    id = table.concat(id, "\0")
    if by_name[id] then
      agg.merge(by_name[id].row, node)
    else
      by_name[id] = { keys = plain.copy(keys), row = plain.copy(node) }
      out[#out + 1] = by_name[id]
    end
  end
  walk(state, 1)
  return out
end

-- ---- Order ----------------------------------------------------------------------------------------------------------

local weekday_at = {}
for i, name in ipairs(virtual.weekdays) do weekday_at[name] = i end

local function rank(group, key) return group.way == "weekday" and weekday_at[key] or key end

-- Is one key before another? Absent ones are last. Nil if they are equal.
local function key_before(group, a, b)
  if a == b then return nil end
  if a == "" or b == "" then return b == "" end
  return plain.before(rank(group, a), rank(group, b))
end

local function keys_before(t, a, b)
  for i, group in ipairs(t.by) do
    local before = key_before(group, a.keys[i], b.keys[i])
    if before ~= nil then return before end
  end
  return false
end

-- What a cell is sorted by: a number, a text or nil.
local function weight(cell)
  if type(cell) ~= "table" then return cell end
  return cell.den > 0 and cell.num / cell.den or nil
end

local function by_cells(t, i, down, total)
  local column = t.show[i]
  local function value_of(one) return weight(column.cell(one.row.cells[i], total.cells[i])) end
  return function(a, b)
    local x, y = value_of(a), value_of(b)
    if x == y then return keys_before(t, a, b) end
    if x == nil or y == nil then return y == nil end
    if down then x, y = y, x end
    return plain.before(x, y)
  end
end

local function by_key(t, i, down)
  return function(a, b)
    local before = key_before(t.by[i], a.keys[i], b.keys[i])
    if before == nil then return keys_before(t, a, b) end
    if a.keys[i] == "" or b.keys[i] == "" then return before end
    return before ~= down
  end
end

local IN_TIME = { day = true, week = true, month = true, hour = true, weekday = true }

-- Times in their order; all else by runs, most first.
local function default_order(t)
  if IN_TIME[t.by[1].way] then return function(a, b) return keys_before(t, a, b) end end
  return function(a, b)
    if a.row.runs ~= b.row.runs then return a.row.runs > b.row.runs end
    return keys_before(t, a, b)
  end
end

local function order_of(t, total)
  if not t.sort then return default_order(t) end
  for i, group in ipairs(t.by) do
    if group.key == t.sort.key then return by_key(t, i, t.sort.down) end
  end
  for i, column in ipairs(t.show) do
    if column.key == t.sort.key then return by_cells(t, i, t.sort.down, total) end
  end
end

-- ---- Choosing -------------------------------------------------------------------------------------------------------

local function merged(t, rows)
  local sum = new_row(t)
  if t.across then sum.across = agg.by(new_row(t)) end
  for _, one in ipairs(rows) do agg.merge(sum, one.row) end
  return sum
end

-- The first rows up to the limit, and one for all others.
local function limited(t, rows)
  if not t.limit or #rows <= t.limit then return rows end
  local others = table.move(rows, t.limit + 1, #rows, 1, {})
  local out = table.move(rows, 1, t.limit, 1, {})
  out[#out + 1] = { row = merged(t, others), others = #others }
  return out
end

--- The rows as they are shown, in their order.
-- @return array of { keys =, row = } or, for what the limit leaves, { row =, others = how many }; the total of all
--   rows; how many rows have fewer runs than `min` and are left out
function groups.rows(t, state)
  local all, rows = flat(t, state), {}
  local total = merged(t, all)
  for _, one in ipairs(all) do
    if one.row.runs >= (t.min or 1) then rows[#rows + 1] = one end
  end
  table.sort(rows, order_of(t, total))
  return limited(t, rows), total, #all - #rows
end

--- The keys of `across`, in their order, without gaps where they are times.
-- @param total of groups.rows
-- @param listed array of names of periods, or nil
function groups.across(t, total, listed)
  local keys, seen = {}, {}
  for _, key in ipairs(listed or {}) do keys[#keys + 1], seen[key] = key, true end
  for key in agg.each(total.across) do
    if not seen[key] then keys[#keys + 1] = key end
  end
  table.sort(keys, function(a, b) return key_before(t.across, a, b) == true end)
  return keys
end

return groups
