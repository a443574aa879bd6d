--- Aggregates for retrospectives: small states that add, merge and travel.
--
--     local agg = require "debrief".aggregate
--     init   = function() return agg.by { runs = 0, passed = agg.rate(), time = agg.quantiles() } end,
--     step   = function(acc, entry)
--                local row = agg.at(acc, entry.skill)
--                row.runs = row.runs + 1
--                agg.add(row.passed, debrief.outcome(entry) == "ok")
--                agg.add(row.time, entry.duration_ms)
--              end,
--     merge  = agg.merge,
--     finish = function(acc)
--                local rows = agg.rows(acc, function(skill, row)
--                  return { skill, row.runs, row.passed, agg.quantile(row.time, 0.5) }
--                end, "runs")
--                local columns = { "skill", "runs", "passed", "median" }
--                return { title = "Skills", tables = {{ columns = columns, rows = rows }} }
--              end,
--
-- A state is plain data, so these are functions and not methods. For every aggregate here, merging the states of the
-- pieces of a log has the same result as one run over the whole: the law of merge. Adding nil (or null) adds nothing,
-- so `agg.add(row.time, entry.duration_ms)` needs no test. What has no data answers nil, never 0.
-- @module debrief.retro.aggregate
local core = require "debrief.core"
local guarded = require "debrief.retro.aggregate.guarded"
local largest = require "debrief.retro.aggregate.largest"
local plain = require "debrief.retro.aggregate.plain"
local quantiles = require "debrief.retro.aggregate.quantiles"
local rates = require "debrief.statistics.rates"
local sum = require "debrief.retro.aggregate.sum"
local top = require "debrief.retro.aggregate.top"

local aggregate = {}

-- kind -> { add = function(state, ...), merge = function(state, other), value = function(state) }; the first two return
-- nil, or a text that says what is wrong.
local kinds = {
  sum = { add = sum.add, merge = sum.merge, value = sum.value },
  mean = { add = sum.add, merge = sum.merge, value = sum.mean },
  quantiles = { add = quantiles.add, merge = quantiles.merge, value = function(s) return quantiles.at(s, 0.5) end },
  top = { add = top.add, merge = top.merge, value = top.items },
  largest = { add = largest.add, merge = largest.merge, value = largest.values },
}

local function kind_of(state, what, level)
  local kind = type(state) == "table" and kinds[state.aggregate]
  return kind or error(what .. ": not an aggregate: make one with aggregate.count(), .sum(), .by{…}, …", level or 3)
end

local function whole_number(value, default, what)
  if value == nil then return default end
  if math.type(value) == "integer" and value > 0 then return value end
  error(what .. ": the limit must be an integer above 0, not " .. tostring(value), 3)
end

-- ---- Making ------------------------------------------------------------------------------------------------------

--- How often something was added: `add(state, n)` adds n, `add(state)` 1.
function aggregate.count() return { aggregate = "count", n = 0 } end

--- The sum of numbers, exact: the same to the last digit for every order.
function aggregate.sum() return sum.new() end

--- The mean of numbers, from the exact sum.
function aggregate.mean()
  local state = sum.new()
  state.aggregate = "mean"
  return state
end

--- The smallest number; where there are only strings, the first in their order.
function aggregate.min() return { aggregate = "min" } end

--- The largest number; where there are only strings, the last in their order.
function aggregate.max() return { aggregate = "max" } end

--- Quantiles of numbers: exact for 100 values and fewer, within 1 % beyond. Ask with `quantile` and `rank`.
function aggregate.quantiles() return quantiles.new() end

--- How many different values came. Exact up to `limit` (default 10000); beyond, `value` says "more than limit".
function aggregate.distinct(limit)
  return { aggregate = "distinct", limit = whole_number(limit, 10000, "aggregate.distinct"), n = 0, keys = {} }
end

--- How often each value came: `add(state, key, n)` adds n (default 1) to a key. Ask with `top_items`. Exact up to
-- `limit` different values (default 10000); beyond, an even draw of them is kept, each with its exact count.
function aggregate.top(limit)
  return top.new(whole_number(limit, 10000, "aggregate.top"))
end

--- The value that came first, in the order of the log; with `add(state, value, at)`, the one with the smallest `at`
-- (`aggregate.first()` and `debrief.time(entry)`: the earliest).
function aggregate.first() return { aggregate = "first" } end

--- The value that came last; with `add(state, value, at)`, the one with the largest `at`.
function aggregate.last() return { aggregate = "last" } end

--- The first `limit` values in the order of the log (default 20), and how many there were in all.
function aggregate.list(limit)
  return { aggregate = "list", limit = whole_number(limit, 20, "aggregate.list"), n = 0, values = {} }
end

--- The `limit` values of the largest weight (default 20): `add(state, weight, value)`. Of equal weights the first in
-- the log is kept; a value without a weight is not counted.
function aggregate.largest(limit)
  return largest.new(whole_number(limit, 20, "aggregate.largest"))
end

--- How many numbers fall between bounds: `histogram { 1000, 60000 }` counts x < 1000, 1000 <= x < 60000, 60000 <= x.
function aggregate.histogram(bounds)
  local state = { aggregate = "histogram", bounds = {}, counts = { 0 } }
  for i, bound in ipairs(type(bounds) == "table" and bounds or {}) do
    if type(bound) ~= "number" or (i > 1 and bound <= bounds[i - 1]) then
      error("aggregate.histogram: bound " .. i .. " must be a number above the one before it", 2)
    end
    state.bounds[i], state.counts[i + 1] = bound, 0
  end
  if #state.bounds == 0 then error("aggregate.histogram: bounds expected, as in histogram { 10, 100 }", 2) end
  return state
end

--- A rate: `add(state, true)` counts for and `add(state, false)` against; nil is not decided and counts in neither.
-- The state is also the cell of a report, and `rate(12, 15)` makes such a cell.
function aggregate.rate(num, den)
  return { aggregate = "rate", num = num or 0, den = den or 0 }
end

--- Anything of the above by key: `by(aggregate.sum())` is filled with `add(state, key, x)`; `by { runs = 0, time =
-- aggregate.quantiles() }` makes rows, to be had with `at`.
function aggregate.by(row)
  if type(row) ~= "table" then error("aggregate.by: expected what to keep per key, as in by { runs = 0 }", 2) end
  return { aggregate = "by", row = plain.copy(row), groups = {} }
end

-- ---- Filling -----------------------------------------------------------------------------------------------------

-- `add` and `at` are in C, for what is usual: they call these for all else, and for messages. So the caller that is at
-- fault is one level higher.
local function add_any(state, ...)
  local wrong = kind_of(state, "aggregate.add", 4).add(state, ...)
  if wrong then error("aggregate.add (" .. state.aggregate .. "): " .. wrong, 3) end
end

--- Add to a state; what comes after the state is described where that kind of state is made.
aggregate.add = core.aggregate_add(add_any)

local function at(state, value)
  local key, wrong = plain.key(value)
  if key == nil then return nil, wrong end
  local group = state.groups[key]
  if not group then
    group = plain.copy(state.row)
    state.groups[key] = group
  end
  return group
end

--- The row of a key, made when it is new. A key that is nil becomes "".
aggregate.at = core.aggregate_at(function(state, key)
  if type(state) ~= "table" or state.aggregate ~= "by" then error("aggregate.at: needs what aggregate.by made", 3) end
  local group, wrong = at(state, key)
  return group or error("aggregate.at: " .. wrong, 3)
end)

local merge_tables

local trail = { "acc" } -- the keys down to what is being merged; a path as text is made for messages only
local refused -- what does not merge

local function note(depth, format, ...)
  local path = {}
  for i = 1, depth do path[i] = tostring(trail[i]) end
  refused[#refused + 1] = ("aggregate.merge: %s" .. format):format(table.concat(path, "."), ...)
end

-- What stands under the last key of the trail in two accumulators, as one.
local function merged(mine, theirs, depth)
  if mine == nil then return plain.copy(theirs) end
  if type(mine) == "table" and type(theirs) == "table" then
    merge_tables(mine, theirs, depth)
  elseif type(mine) == "number" and type(theirs) == "number" then
    return mine + theirs
  elseif mine ~= theirs then
    note(depth, " is %s in one part and %s in the other: only numbers, tables and aggregates merge", tostring(mine),
      tostring(theirs))
  end
  return mine
end

-- In no order: what comes of it does not depend on one.
local function merge_keys(mine, theirs, depth)
  for key, value in next, theirs do
    trail[depth + 1] = key
    mine[key] = merged(mine[key], value, depth + 1)
  end
end

function merge_tables(mine, theirs, depth)
  local kind = kinds[mine.aggregate]
  if not kind or mine.aggregate ~= theirs.aggregate then return merge_keys(mine, theirs, depth) end
  local message = kind.merge(mine, theirs, depth)
  if message then note(depth, ": %s", message) end
end

--- Merge `other` into `acc`: two aggregates of a kind, or tables of aggregates, in which numbers are counters and are
-- added. Good as a retrospective's `merge` as it stands. `other` is not changed and shares nothing with `acc` after.
function aggregate.merge(acc, other)
  if type(acc) ~= "table" or type(other) ~= "table" then error("aggregate.merge: needs two tables", 2) end
  refused = {}
  merge_tables(acc, other, 1)
  local wrong = refused
  refused = nil
  if #wrong == 0 then return end
  table.sort(wrong)
  error(wrong[1], 0)
end

-- ---- Asking ------------------------------------------------------------------------------------------------------

--- The value of a state: count, sum, mean, min, max, first, last: the value or nil; quantiles: the median; distinct:
-- the number, and true when it is more than that; top: see `top_items`; list, largest: the values, and how many there
-- were; histogram: an array of { from =, to =, count = }; rate: the share, and the 95 % interval (see `wilson`).
function aggregate.value(state)
  return kind_of(state, "aggregate.value").value(state)
end

--- The value below or at which the share `q` (0 to 1) of the values lies; nil without values. Of an even number of
-- values the median (0.5) is the mean of the two in the middle, as long as all are kept (up to 100).
function aggregate.quantile(state, q)
  if type(state) ~= "table" or state.aggregate ~= "quantiles" then
    error("aggregate.quantile: needs what aggregate.quantiles made", 2)
  end
  if type(q) ~= "number" or not (q >= 0 and q <= 1) then error("aggregate.quantile: expected 0 to 1, as 0.95", 2) end
  return quantiles.at(state, q)
end

--- The value of a rank (1: the smallest, `state.n`: the largest) of a `quantiles`, and the relative error that it may
-- have: 0 up to 100 values, 0.01 beyond.
function aggregate.rank(state, rank)
  if type(state) ~= "table" or state.aggregate ~= "quantiles" then
    error("aggregate.rank: needs what aggregate.quantiles made", 2)
  end
  if math.type(rank) ~= "integer" or rank < 1 or rank > state.n then
    error(("aggregate.rank: expected an integer from 1 to %d"):format(state.n), 2)
  end
  return quantiles.rank(state, rank), quantiles.error(state)
end

--- How many of the values of a `quantiles` are larger than `x`: as exact as quantiles are.
function aggregate.above(state, x)
  if type(state) ~= "table" or state.aggregate ~= "quantiles" then
    error("aggregate.above: needs what aggregate.quantiles made", 2)
  end
  if type(x) ~= "number" or x ~= x then error("aggregate.above: expected a number", 2) end
  return quantiles.above(state, x)
end

--- The `n` most frequent keys of a `top` (default all): an array of { key =, count = }, equals in the order of keys;
-- and true when all keys were kept, false when these are of an even draw.
function aggregate.top_items(state, n)
  if type(state) ~= "table" or state.aggregate ~= "top" then
    error("aggregate.top_items: needs what aggregate.top made", 2)
  end
  return top.items(state, n)
end

-- The keys of a `by`, heaviest first where a weight is given.
local function ordered(state, weight, what)
  if type(state) ~= "table" or state.aggregate ~= "by" then error(what .. ": needs what aggregate.by made", 3) end
  local keys = plain.keys(state.groups)
  if weight == nil then return keys end
  local heavy = {}
  for _, key in ipairs(keys) do
    local row = state.groups[key]
    local w = type(weight) == "function" and weight(row, key) or row[weight]
    if type(w) == "table" and kinds[w.aggregate] then w = aggregate.value(w) end
    heavy[key] = type(w) == "number" and w or -math.huge
  end
  table.sort(keys, function(a, b)
    if heavy[a] ~= heavy[b] then return heavy[a] > heavy[b] end
    return plain.before(a, b)
  end)
  return keys
end

--- `for key, row in each(by)`: in the order of keys; with `weight` (a field of the rows, or a function of row and key
-- that returns a number), heaviest first.
function aggregate.each(state, weight)
  local keys, i = ordered(state, weight, "aggregate.each"), 0
  return function()
    i = i + 1
    return keys[i], state.groups[keys[i]]
  end
end

local OPTIONS = { sort = true, limit = true, others = true }

-- What a caller of `rows` wishes: { sort =, limit =, others = }.
local function wishes(make, weight, limit)
  if type(make) == "table" then make, weight = nil, make end
  local opts = type(weight) == "table" and weight or { sort = weight, limit = limit }
  for key in next, opts do
    if not OPTIONS[key] then error(("aggregate.rows: there are sort, limit and others, not '%s'"):format(key), 3) end
  end
  return make, opts
end

-- All rows from `from` on as one.
local function added_up(state, keys, from)
  local all = plain.copy(state.row)
  for i = from, #keys do aggregate.merge(all, state.groups[keys[i]]) end
  return all
end

--- Rows of a report's table from a `by`: `make(key, row)` returns each, by default the key and the value. A key that
-- was nil is shown as no data. `rows(state, make, "runs", 10)` is short for the options sort and limit.
-- @param make function(key, row), or nil
-- @param opts { sort = as the weight of `each`, limit = how many rows there may be, others = true: one more with the
--   key "(others)" adds up all that are left }
-- @return the rows, and how many there are without the limit
function aggregate.rows(state, make, opts, limit)
  make, opts = wishes(make, opts, limit)
  local rows, keys = {}, ordered(state, opts.sort, "aggregate.rows")
  local function put(shown, row)
    if make then
      rows[#rows + 1] = make(shown, row)
    else
      rows[#rows + 1] = { shown, row.aggregate ~= "rate" and aggregate.value(row) or row }
    end
  end
  local last = math.min(#keys, opts.limit or #keys)
  for i = 1, last do put(keys[i] ~= "" and keys[i] or nil, state.groups[keys[i]]) end
  if opts.others and last < #keys then put("(others)", added_up(state, keys, last + 1)) end
  return rows, #keys
end

--- The 95 % interval of a rate (Wilson 1927), as two shares; nil when nothing was decided. `wilson(12, 15)` or
-- `wilson(rate)`.
function aggregate.wilson(num, den)
  if type(num) == "table" then num, den = num.num, num.den end
  if type(num) ~= "number" or type(den) ~= "number" then error("aggregate.wilson: expected a rate or 2 numbers", 2) end
  return rates.wilson(num, den)
end

--- How much larger the rate `b` is than `a`, with its 95 % interval (Newcombe 1998, from both Wilson intervals): three
-- numbers, in shares; nil when one of them has nothing decided. An interval that holds 0 shows no difference.
function aggregate.difference(a, b)
  if type(a) ~= "table" or type(b) ~= "table" then error("aggregate.difference: expected two rates", 2) end
  return rates.newcombe(a, b)
end

-- ---- The small kinds ---------------------------------------------------------------------------------------------

local function value_of(state) return state.value end

local function is_plain(value)
  return type(value) ~= "userdata" and type(value) ~= "function"
end

kinds.count = {
  add = function(state, n)
    if n == nil then n = 1 end
    if math.type(n) ~= "integer" then return "an integer is needed, not " .. tostring(n) end
    state.n = state.n + n
  end,
  merge = function(state, other) state.n = state.n + other.n end,
  value = function(state) return state.n end,
}

-- Both sides keep one value, so merging is adding the other's. A number replaces a string, so that the result does not
-- depend on which came first.
local function extreme(better)
  local function add(state, x)
    if plain.nothing(x) or x ~= x then return end
    if type(x) ~= "number" and type(x) ~= "string" then return "numbers and strings are ordered, not a " .. type(x) end
    local before, wins = state.value
    if before ~= nil and type(x) ~= type(before) then wins = type(x) == "number"
    else wins = before == nil or better(x, before) end
    if wins then state.value = x end
  end
  return { add = add, merge = function(state, other) return add(state, other.value) end, value = value_of }
end

local function less(a, b)
  if type(a) == "number" then return plain.less(a, b) end
  return a < b
end

kinds.min = extreme(less)
kinds.max = extreme(function(a, b) return less(b, a) end)

-- `wins(at, before)`: does a value at `at` replace the one at `before`? A value without a place loses to one with a
-- place.
local function pick(wins)
  local function add(state, value, place)
    if plain.nothing(value) then return end
    if not is_plain(value) then return "plain data is needed, not a " .. type(value) end
    if plain.nothing(place) then place = nil end
    local better
    if state.value == nil or (place == nil) ~= (state.at == nil) then
      better = state.value == nil or place ~= nil
    else
      better = wins(place, state.at)
    end
    if better then state.value, state.at = plain.copy(value), place end
  end
  return { add = add, merge = function(state, other) add(state, other.value, other.at) end, value = value_of }
end

kinds.first = pick(function(place, before) return place ~= nil and place < before end)
kinds.last = pick(function(place, before) return place == nil or place >= before end)

kinds.list = {
  add = function(state, value)
    if plain.nothing(value) then return end
    if not is_plain(value) then return "plain data is needed, not a " .. type(value) end
    state.n = state.n + 1
    if state.n <= state.limit then state.values[state.n] = plain.copy(value) end
  end,
  merge = function(state, other)
    for i = 1, math.min(#other.values, state.limit - #state.values) do
      state.values[#state.values + 1] = plain.copy(other.values[i])
    end
    state.n = state.n + other.n
  end,
  value = function(state) return state.values, state.n end,
}

-- Past the limit the keys themselves say nothing any more and are dropped.
local function add_key(state, key)
  if state.more or state.keys[key] then return end
  if state.n == state.limit then
    state.more, state.keys = true, {}
  else
    state.n, state.keys[key] = state.n + 1, true
  end
end

kinds.distinct = {
  add = function(state, value)
    if plain.nothing(value) then return end
    local key, wrong = plain.key(value)
    if key == nil then return wrong end
    add_key(state, key)
  end,
  merge = function(state, other)
    for key in next, other.keys do add_key(state, key) end
    if other.more then state.n, state.more, state.keys = state.limit, true, {} end
  end,
  value = function(state) return state.n, state.more == true end,
}

kinds.histogram = {
  add = function(state, x)
    local number, wrong = plain.number(x)
    if not number then return wrong end
    local i = 1
    while state.bounds[i] and number >= state.bounds[i] do i = i + 1 end
    state.counts[i] = state.counts[i] + 1
  end,
  merge = function(state, other)
    for i, n in ipairs(other.counts) do state.counts[i] = (state.counts[i] or 0) + n end
  end,
  value = function(state)
    local out = {}
    for i, n in ipairs(state.counts) do out[i] = { from = state.bounds[i - 1], to = state.bounds[i], count = n } end
    return out
  end,
}

kinds.rate = {
  add = function(state, yes)
    if plain.nothing(yes) then return end
    if type(yes) ~= "boolean" then return "true, false or nil is needed, not a " .. type(yes) end
    state.den = state.den + 1
    if yes then state.num = state.num + 1 end
  end,
  merge = function(state, other) state.num, state.den = state.num + other.num, state.den + other.den end,
  value = function(state)
    if state.den == 0 then return nil end
    return state.num / state.den, aggregate.wilson(state)
  end,
}

kinds.by = {
  add = function(state, key, ...)
    local kind = kinds[state.row.aggregate]
    if not kind then return "this one has rows: use aggregate.at(state, key) and add to its fields" end
    local group, wrong = at(state, key)
    if not group then return wrong end
    return kind.add(group, ...)
  end,
  merge = function(state, other, depth) merge_keys(state.groups, other.groups, depth) end,
  value = function(state) return state.groups end,
}

return guarded(aggregate)
