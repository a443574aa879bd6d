--- Entries in the order that was asked for, and how many of them: `--last`, `--sort`, `--reverse`, `--limit`.
--
--     all that are kept -> the latest N by time -> sorted -> reversed -> the first N -> sink
--
-- A sort key is a field, or a way into an entry, as --fields takes it; `-` before it sorts downwards. Numbers come
-- before texts, texts before true and false, these before objects and arrays; what an entry does not have comes last
-- either way. `timestamp` is sorted as a moment, whatever its zone. Equals stay in the order of the log. With a limit
-- no more than about twice as many entries are kept at once; without sorting, reading ends at the limit.
-- @module debrief.query.order
local core = require "debrief.core"
local fields = require "debrief.entry.fields"
local latest = require "debrief.query.latest"

local order = {}

--- "skill,-duration_ms" as sort keys.
-- @return { { field =, down = boolean } … }; or nil and a message
function order.parse(text)
  local function empty() return nil, ("'%s' has an empty name: write them as skill,-duration_ms"):format(text) end
  local names = fields.parse(text)
  if not names then return empty() end
  local keys = {}
  for i, name in ipairs(names) do
    local sign, field = name:match "^([-+]?)(.*)$"
    if field == "" then return empty() end
    keys[i] = { field = field, down = sign == "-" }
  end
  return keys
end

--- What a script asked for, checked.
-- @param given { sort = text or array of texts, reverse = boolean, limit = integer from 1 on }, all may be nil
-- @return what order.chain takes; or nil and a message
function order.new(given)
  local sort, keys, message = given.sort, nil, nil
  if type(sort) == "table" and #sort > 0 then sort = table.concat(sort, ",") end
  if type(sort) == "string" then keys, message = order.parse(sort)
  elseif sort ~= nil then message = "sort must be a field, as in \"-duration_ms\"" end
  if message then return nil, message end
  if given.limit ~= nil and (math.type(given.limit) ~= "integer" or given.limit < 1) then
    return nil, ("limit must be an integer from 1 on, not %s"):format(tostring(given.limit))
  end
  if given.reverse ~= nil and type(given.reverse) ~= "boolean" then
    return nil, ("reverse must be true or false, not %s"):format(tostring(given.reverse))
  end
  return { sort = keys, reverse = given.reverse or nil, limit = given.limit }
end

-- ---- Comparing ------------------------------------------------------------------------------------------------------

local RANK = { number = 1, string = 2, boolean = 3 }

-- What is compared, and its rank among values of other kinds; nil where the entry has nothing.
local function comparable(entry, field, place)
  local value = fields.value(entry, field, place)
  if field == "timestamp" and value ~= nil then value = core.time(entry) end
  if value == nil or value ~= value then return nil end
  local rank = RANK[type(value)]
  if not rank then return tostring(value), 4 end
  if rank == 3 then value = value and 1 or 0 end
  return value, rank
end

-- Is item a before b?
local function before(keys)
  local n = #keys
  return function(a, b)
    for i = 1, n do
      local x, y = a.values[i], b.values[i]
      if x ~= y or a.ranks[i] ~= b.ranks[i] then
        if x == nil or y == nil then return y == nil end
        local less
        if a.ranks[i] ~= b.ranks[i] then less = a.ranks[i] < b.ranks[i] else less = x < y end
        return less ~= keys[i].down
      end
    end
    return a.number < b.number
  end
end

-- ---- Sorting --------------------------------------------------------------------------------------------------------

-- Turned around: every key the other way, and equals last to first.
local function turned(keys)
  local out = {}
  for i, key in ipairs(keys) do out[i] = { field = key.field, down = not key.down } end
  return out
end

-- All entries that are added, sorted at the end: { add =, each = function(sink) }.
local function sorter(given, asked)
  local keys, sign = given.sort or {}, given.reverse and -1 or 1
  if given.reverse then keys = turned(keys) end
  local list, number, less, most = {}, 0, before(keys), given.limit or math.maxinteger
  local self = {}
  function self.add(entry, session, line)
    number = number + 1
    local item = { entry = entry, session = session, line = line, number = sign * number, values = {}, ranks = {} }
    local place = { session = session, line = line }
    for i, key in ipairs(keys) do
      item.values[i], item.ranks[i] = comparable(entry, key.field, place)
      if asked then fields.note(asked, entry, key.field, item.values[i]) end
    end
    list[#list + 1] = item
    if latest.is_long(list, most) then latest.cut(list, most, less) end
  end
  function self.each(sink)
    latest.cut(list, most, less)
    for _, item in ipairs(list) do
      if sink(item.entry, item.session, item.line) == false then return end
    end
  end
  return self
end

-- The first n entries: a sink that wants no more after them.
local function first(n, sink)
  local left = n
  return function(...)
    if left == 0 then return false end
    left = left - 1
    return sink(...) ~= false and left > 0
  end
end

-- All but the first n entries.
local function after(n, sink)
  local left = n
  return function(...)
    if left == 0 then return sink(...) end
    left = left - 1
  end
end

--- Is anything of this asked for?
function order.has(given) return (given.sort or given.reverse or given.limit) ~= nil end

--- Put a sink behind what was asked for.
-- @param given { last = n, single = true when that is of one session, sort = keys, reverse = true, limit = n, skip = n:
--   the first ones were printed already }, each nil where it is not asked for
-- @param sink function(entry, session, line), which may return false when it wants no more
-- @param asked the fields that were asked for (debrief.entry.asked), or nil
-- @return function(entry, session, line) to add entries, which returns false when no more are wanted; and a function to
--   call after the last one
function order.chain(given, sink, asked)
  local function done() end
  local sorted = (given.sort or given.reverse) and sorter(given, asked)
  if sorted then
    local into = sink
    sink, done = sorted.add, function() sorted.each(into) end
  elseif given.limit then
    sink = first(given.limit, sink)
  elseif given.skip then
    sink = after(given.skip, sink)
  end
  if not given.last then return sink, done end
  local kept = latest.new(given.last, given.single)
  return kept.add, function()
    kept.each(sink)
    done()
  end
end

return order
