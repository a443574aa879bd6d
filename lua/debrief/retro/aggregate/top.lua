--- How often each key came, in bounded memory, without breaking the law of merge.
--
--     limit = 10000   n = 31007   size = 2   keys = { timeout = 12, ["no such file"] = 3 }   cut = nil | hash
--
-- Up to `limit` different keys all is exact. Past that, the keys with the smallest hash are kept, an even draw of them,
-- each with its exact count: which those are depends on the keys alone, so it does not matter how the log was cut (the
-- usual sketches for heavy hitters keep what came first, and change with the cut). A key once dropped lies above `cut`
-- and can not come back with half a count.
-- @module debrief.retro.aggregate.top
local plain = require "debrief.retro.aggregate.plain"

local top = {}

function top.new(limit)
  return { aggregate = "top", limit = limit, n = 0, size = 0, keys = {} }
end

-- FNV-1a, then mixed so that near keys lie far apart; 63 bits, so that `<` compares.
local function hash(key)
  local text = type(key) == "string" and key or "\0" .. key
  local h = 0xcbf29ce484222325
  for i = 1, #text do h = (h ~ text:byte(i)) * 0x100000001b3 end
  h = (h ~ (h >> 33)) * 0xff51afd7ed558ccd
  h = (h ~ (h >> 33)) * 0xc4ceb9fe1a85ec53
  return (h ~ (h >> 33)) >> 1
end

local function prune(state)
  if state.size <= state.limit then return end
  local hashes = {}
  for key in next, state.keys do hashes[#hashes + 1] = hash(key) end
  table.sort(hashes)
  state.cut = hashes[state.limit]
  state.size = 0
  for key in next, state.keys do
    if hash(key) > state.cut then state.keys[key] = nil else state.size = state.size + 1 end
  end
end

local function count(state, key, n)
  local before = state.keys[key]
  if before then
    state.keys[key] = before + n
  elseif not state.cut or hash(key) <= state.cut then
    state.keys[key] = n
    state.size = state.size + 1
    if state.size > 2 * state.limit then prune(state) end
  end
end

function top.add(state, value, n)
  local key, wrong = plain.key(value)
  if not key then return wrong end
  state.n = state.n + (n or 1)
  count(state, key, n or 1)
end

function top.merge(state, other)
  state.n = state.n + other.n
  if other.cut and (not state.cut or other.cut < state.cut) then
    state.cut = other.cut
    for key in next, state.keys do
      if hash(key) > state.cut then
        state.keys[key] = nil
        state.size = state.size - 1
      end
    end
  end
  for key, n in next, other.keys do count(state, key, n) end
end

--- The `n` keys that came most often, equals in the order of their keys.
-- @return an array of { key =, count = }, and true when it is of all keys, false when of a draw of them
function top.items(state, n)
  prune(state)
  local items = {}
  for key, times in next, state.keys do items[#items + 1] = { key = key, count = times } end
  table.sort(items, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return plain.before(a.key, b.key)
  end)
  for i = #items, (n or #items) + 1, -1 do items[i] = nil end
  return items, state.cut == nil
end

return top
