local support = dofile "tests/spec/support/plugins.lua"
local agg = require "debrief.retro.aggregate"

-- Fill one state with all values, and two with the parts cut after `at`, merged; the second after a journey.
local function one_and_merged(make, values, at, add)
  add = add or agg.add
  local one, left, right = make(), make(), make()
  for i, value in ipairs(values) do
    add(one, value)
    add(i <= at and left or right, value)
  end
  left, right = support.travel(left), support.travel(right)
  agg.merge(left, right)
  return one, left
end

local function numbers(n, seed, make)
  local random, out = support.random(seed), {}
  for i = 1, n do out[i] = make(random, i) end
  return out
end

-- Every kind, with values for it; merging must give what one run gives, for every cut.
local function assert_law(make, values, ask, add)
  for at = 0, #values, math.max(1, #values // 23) do
    local one, merged = one_and_merged(make, values, at, add)
    assert.same({ ask(one) }, { ask(merged) })
  end
end

describe("aggregate", function()
  it("counts, and adds integers as integers", function()
    local count, sum = agg.count(), agg.sum()
    for i = 1, 3 do
      agg.add(count)
      agg.add(sum, i)
    end
    agg.add(count, 5)
    assert.equal(8, agg.value(count))
    assert.equal("integer", math.type(agg.value(sum)))
    assert.equal(6, agg.value(sum))
  end)

  it("answers nil for no data, never 0", function()
    for _, make in ipairs { agg.sum, agg.mean, agg.min, agg.max, agg.quantiles, agg.rate, agg.first, agg.last } do
      local state = make()
      agg.add(state, nil)
      agg.add(state, support.core.null)
      assert.is_nil((agg.value(state)))
    end
  end)

  it("adds floats exactly, in whatever order and however cut", function()
    local values = { 1e100, 1.0, -1e100, 1e-300, 0.1, 0.2, 0.3, -0.6 }
    local one = agg.sum()
    for _, x in ipairs(values) do agg.add(one, x) end
    assert.equal(1.0, agg.value(one))
    local mixed = numbers(400, 3, function(random) return (random(2000) - 1000) / 7 * 10.0 ^ random(20) end)
    assert_law(agg.sum, mixed, agg.value)
    assert_law(agg.mean, numbers(400, 4, function(random) return random(1000) / 3 end), agg.value)
  end)

  it("does not lose what overflows an integer on the way", function()
    local state = agg.sum()
    local large = math.maxinteger
    for _, x in ipairs { large, large, -large, -large, 7 } do agg.add(state, x) end
    assert.equal("integer", math.type(agg.value(state)))
    assert.equal(7, agg.value(state))
    agg.add(state, math.mininteger)
    agg.add(state, math.mininteger)
    assert.equal(-2.0 ^ 64 + 7, agg.value(state))
  end)

  it("keeps infinities, and leaves out NaN", function()
    local sum = agg.sum()
    agg.add(sum, 0 / 0)
    assert.is_nil(agg.value(sum))
    agg.add(sum, 1 / 0)
    agg.add(sum, 5)
    assert.equal(1 / 0, agg.value(sum))
  end)

  it("keeps the type of the smallest and the largest, whichever came first", function()
    for _, values in ipairs { { 1, 1.0 }, { 1.0, 1 } } do
      local min = agg.min()
      for _, x in ipairs(values) do agg.add(min, x) end
      assert.equal("integer", math.type(agg.value(min)))
    end
    assert_law(agg.max, numbers(100, 5, function(random) return random(50) end), agg.value)
  end)

  describe("quantiles", function()
    it("are values of the data up to a hundred of them", function()
      local state = agg.quantiles()
      for x = 100, 1, -1 do agg.add(state, x * 10) end
      assert.equal(500, agg.quantile(state, 0.499))
      assert.equal(950, agg.quantile(state, 0.95))
      assert.equal(10, agg.quantile(state, 0))
      assert.equal(1000, agg.quantile(state, 1))
      assert.equal("integer", math.type(agg.quantile(state, 0.5)))
    end)

    it("have a median between the two in the middle while all are kept, and say how far off a value may be", function()
      local function median(...)
        local state = agg.quantiles()
        for _, x in ipairs { ... } do agg.add(state, x) end
        return agg.quantile(state, 0.5)
      end
      local function is(expected, got)
        assert.equal(expected, got)
        assert.equal(math.type(expected), math.type(got))
      end
      is(505, median(500, 510)) is(1.5, median(2, 1)) is(-1, median(-3, 1)) is(-0.5, median(-1, 0))
      is(7, median(9, 7, 1))
      is(2.25, median(2, 2.5)) is(math.maxinteger - 1, median(math.maxinteger, math.maxinteger - 2))
      local state = agg.quantiles()
      for x = 1, 100 do agg.add(state, x) end
      assert.same({ 37, 0 }, { agg.rank(state, 37) })
      agg.add(state, 101)
      local value, wrong = agg.rank(state, 37)
      assert.is_true(math.abs(value - 37) <= 37 * wrong and wrong == 0.01)
      assert.has_error(function() agg.rank(state, 102) end, "aggregate.rank: expected an integer from 1 to 101")
      assert.has_error(function() agg.rank(agg.sum(), 1) end, "aggregate.rank: needs what aggregate.quantiles made")
    end)

    it("count what is above a number, exactly up to a hundred", function()
      local few, many, values = agg.quantiles(), agg.quantiles(), {}
      for x = -4, 5 do agg.add(few, x) end
      assert.same({ 10, 9, 5, 1, 0 }, { agg.above(few, -5), agg.above(few, -4), agg.above(few, 0), agg.above(few, 4),
        agg.above(few, 5) })
      assert.equal(0, agg.above(agg.quantiles(), 0))
      for i = 1, 3000 do values[i] = i - 1000 end
      for _, x in ipairs(values) do agg.add(many, x) end
      for _, x in ipairs { -2000, -500, -1, 0, 1, 700, 2000 } do
        local from, to = x + math.abs(x) * 0.021, x - math.abs(x) * 0.021
        local low, high = 0, 0
        for _, value in ipairs(values) do
          low, high = low + (value > from and 1 or 0), high + (value > to and 1 or 0)
        end
        local n = agg.above(many, x)
        assert.is_true(low <= n and n <= high, ("%d: %d <= %d <= %d"):format(x, low, n, high))
      end
      assert.has_error(function() agg.above(agg.mean(), 1) end, "aggregate.above: needs what aggregate.quantiles made")
    end)

    it("are within 1 % beyond, with zero and below it too", function()
      local values = numbers(5000, 6, function(random) return (random(2000000) - 600000) / 7 end)
      values[17] = 0
      local state = agg.quantiles()
      for _, x in ipairs(values) do agg.add(state, x) end
      table.sort(values)
      for q = 0, 100 do
        local truth = values[math.max(1, math.ceil(q / 100 * #values))]
        assert.is_true(math.abs(agg.quantile(state, q / 100) - truth) <= math.abs(truth) * 0.0100001)
      end
      assert.equal(values[1], agg.quantile(state, 0))
      assert.equal(values[#values], agg.quantile(state, 1))
    end)

    it("are whole numbers where all values were", function()
      local state = agg.quantiles()
      for x = 1, 1000 do agg.add(state, x * 1000) end
      assert.equal("integer", math.type(agg.quantile(state, 0.5)))
    end)

    it("obey the law of merge on both sides of a hundred", function()
      local function three(state)
        return agg.quantile(state, 0.05), agg.quantile(state, 0.5), agg.quantile(state, 0.99)
      end
      for _, n in ipairs { 1, 99, 100, 101, 150, 1000 } do
        assert_law(agg.quantiles, numbers(n, n, function(random) return random(100000) - 1000 end), three)
      end
    end)

    it("stay small", function()
      local state, buckets = agg.quantiles(), 0
      for x = 1, 86400000, 997 do agg.add(state, x) end
      for _ in pairs(state.above) do buckets = buckets + 1 end
      assert.is_true(buckets <= 915)
    end)

    it("take the largest floats and infinities", function()
      local state = agg.quantiles()
      for _ = 1, 101 do agg.add(state, 1 / 0) end
      assert.equal(0x1.fffffffffffffp+1023, agg.quantile(state, 0.5))
    end)
  end)

  describe("top", function()
    it("returns the most frequent, equals by their keys", function()
      local state = agg.top()
      for _, key in ipairs { "b", "a", "c", "b", "a", 7 } do agg.add(state, key) end
      local items, all = agg.top_items(state, 3)
      assert.same({ { key = "a", count = 2 }, { key = "b", count = 2 }, { key = 7, count = 1 } }, items)
      assert.is_true(all)
    end)

    it("obeys the law of merge within its limit and beyond", function()
      local values = numbers(3000, 9, function(random) return "key " .. random(random(400)) end)
      for _, limit in ipairs { 1, 10, 100, 1000 } do
        assert_law(function() return agg.top(limit) end, values, agg.top_items)
      end
    end)

    it("says when it is of a draw, whose counts are exact, and stays within twice its limit", function()
      local state, times = agg.top(50), {}
      for _, key in ipairs(numbers(5000, 10, function(random) return "k" .. random(1000) end)) do
        agg.add(state, key)
        times[key] = (times[key] or 0) + 1
        assert.is_true(state.size <= 100)
      end
      local items, all = agg.top_items(state)
      assert.is_false(all)
      assert.equal(50, #items)
      for _, item in ipairs(items) do assert.equal(times[item.key], item.count) end
    end)
  end)

  it("distinguishes values up to its limit, then says more", function()
    local function make() return agg.distinct(100) end
    local state = make()
    for i = 1, 100 do agg.add(state, i % 2 == 0 and i or tostring(i)) end
    assert.same({ 100, false }, { agg.value(state) })
    agg.add(state, "1")
    assert.same({ 100, false }, { agg.value(state) })
    agg.add(state, 1)
    assert.same({ 100, true }, { agg.value(state) })
    assert_law(make, numbers(500, 11, function(random) return random(130) end), agg.value)
    assert_law(make, numbers(500, 12, function(random) return random(90) end), agg.value)
  end)

  it("keeps the first and the last, by the order of the log or by a place", function()
    local values = numbers(60, 13, function(random, i)
      return { value = "v" .. i, at = random(3) > 1 and random(9) or nil }
    end)
    local function placed(state, item) agg.add(state, item.value, item.at) end
    assert_law(agg.first, values, agg.value, placed)
    assert_law(agg.last, values, agg.value, placed)
    local first = agg.first()
    placed(first, { value = "late", at = 9 })
    placed(first, { value = "early", at = 1 })
    assert.equal("early", agg.value(first))
  end)

  it("lists the first so many and counts all", function()
    local function make() return agg.list(7) end
    assert_law(make, numbers(30, 14, function(_, i) return { i } end), agg.value)
  end)

  it("keeps the values of the largest weight, of equals the first", function()
    local function weighed(state, item) agg.add(state, item.weight, item.value) end
    local values = numbers(60, 18, function(random, i)
      return { value = "v" .. i, weight = random(4) > 1 and random(9) or nil }
    end)
    assert_law(function() return agg.largest(7) end, values, agg.value, weighed)
    local state = agg.largest(2)
    for i, weight in ipairs { 3, 9, 0 / 0, 9, 4.5 } do agg.add(state, weight, "v" .. i) end
    agg.add(state, nil, "untimed")
    local kept, n = agg.value(state)
    assert.same({ { "v2", "v4" }, 4 }, { kept, n })
    assert.has_error(function() agg.add(state, "3", "x") end)
    assert.has_error(function() agg.add(state, 3, print) end)
  end)

  it("says how far two rates are apart, as Newcombe's tables do", function()
    local function difference(...) return ("%.4f %.4f %.4f"):format(agg.difference(...)) end
    assert.equal("0.2000 0.0524 0.3339", difference(agg.rate(48, 80), agg.rate(56, 70)))
    assert.equal("-0.2000 -0.3339 -0.0524", difference(agg.rate(56, 70), agg.rate(48, 80)))
    assert.is_nil(agg.difference(agg.rate(0, 0), agg.rate(1, 2)))
    assert.has_error(function() agg.difference(1, 2) end)
  end)

  it("counts numbers between bounds", function()
    local state = agg.histogram { 10, 100 }
    for _, x in ipairs { 9, 10, 99, 100, 1000 } do agg.add(state, x) end
    local expected = { { to = 10, count = 1 }, { from = 10, to = 100, count = 2 }, { from = 100, count = 2 } }
    assert.same(expected, agg.value(state))
    local values = numbers(50, 15, function(random) return random(10) end)
    assert_law(function() return agg.histogram { 5, 7 } end, values, agg.value)
  end)

  it("makes rates that leave out what was not decided", function()
    local state = agg.rate()
    for _, yes in ipairs { true, false, true } do agg.add(state, yes) end
    agg.add(state, nil)
    assert.same({ 2, 3 }, { state.num, state.den })
    local low, high = agg.wilson(12, 15)
    assert.equal("0.548 0.930", ("%.3f %.3f"):format(low, high))
    assert.is_nil(agg.wilson(0, 0))
    assert.equal(0.0, (agg.wilson(0, 3)))
  end)

  describe("by", function()
    local function make() return agg.by { runs = 0, time = agg.quantiles(), passed = agg.rate() } end
    local function add(state, x)
      local row = agg.at(state, x % 7)
      row.runs = row.runs + 1
      agg.add(row.time, x)
      agg.add(row.passed, x % 2 == 0)
    end
    local function ask(state)
      return agg.rows(state, function(key, row)
        return { key, row.runs, row.passed, agg.quantile(row.time, 0.5) }
      end, "runs")
    end

    it("keeps a row of aggregates and counters for each key", function()
      assert_law(make, numbers(300, 16, function(random) return random(1000) end), ask, add)
    end)

    it("fills one aggregate for each key", function()
      local state = agg.by(agg.sum())
      agg.add(state, "a", 1)
      agg.add(state, "b", 5)
      agg.add(state, "a", 2)
      agg.add(state, nil, 9)
      assert.same({ { nil, 9 }, { "a", 3 }, { "b", 5 } }, agg.rows(state))
      local keys = {}
      for key in agg.each(state, function(sum) return agg.value(sum) end) do keys[#keys + 1] = key end
      assert.same({ "", "b", "a" }, keys)
    end)

    it("returns the first rows, and how many there were", function()
      local state = agg.by { n = 0 }
      for i, key in ipairs { "a", "b", "c" } do agg.at(state, key).n = i end
      local function names(...)
        local rows, n = agg.rows(state, function(key) return { key } end, ...)
        local out = {}
        for i, row in ipairs(rows) do out[i] = row[1] end
        return table.concat(out) .. n
      end
      assert.equal("cb3", names("n", 2))
      assert.equal("a3", names(nil, 1))
      assert.equal("abc3", names(nil, 9))
    end)

    it("returns the rows of a report at once, rates as cells", function()
      local state = agg.by(agg.rate())
      agg.add(state, "a", true)
      local rows = agg.rows(state)
      assert.equal(1, rows[1][2].num)
    end)

    it("shares nothing between keys, nor with what was merged", function()
      local a, b = make(), make()
      add(a, 1)
      add(b, 2)
      agg.merge(a, b)
      support.travel({ a, b })
    end)
  end)

  it("merges tables of aggregates, nested, with numbers as counters", function()
    local a = { n = 1, inner = { x = 1.5, time = agg.sum() }, only_a = 3 }
    local b = { n = 2, inner = { x = 1, time = agg.sum() }, only_b = { 4 } }
    agg.add(b.inner.time, 9)
    agg.merge(a, b)
    assert.equal("integer", math.type(a.n))
    assert.same({ 3, 2.5, 9, 3, { 4 } }, { a.n, a.inner.x, agg.value(a.inner.time), a.only_a, a.only_b })
  end)

  it("reports what is wrong at the caller's place", function()
    local function fails(pattern, ...) assert.matches(pattern, select(2, pcall(...))) end
    fails("aggregate_spec.lua:%d+: aggregate.add %(sum%): a number is needed, not a string", function()
      agg.add(agg.sum(), "7")
    end)
    fails("not an aggregate", function() agg.add({}, 1) end)
    fails("true, false or nil is needed, not a string", function() agg.add(agg.rate(), "ok") end)
    fails("a key must be a string, a number or a boolean, not a table", function() agg.at(agg.by {}, {}) end)
    fails("this one has rows", function() agg.add(agg.by { n = 0 }, "a", 1) end)
    fails("expected 0 to 1", function() agg.quantile(agg.quantiles(), 95) end)
    fails("bound 2 must be a number above", function() agg.histogram { 2, 1 } end)
    fails("the limit must be an integer above 0", function() agg.top(0) end)
    fails("debrief.aggregate has no 'summ': did you mean 'sum'?", function() return agg.summ end)
    fails("it has above, add, at,", function() return agg.xyzzy end)
    fails("there are sort, limit and others, not 'order'", function() agg.rows(agg.by {}, nil, { order = 1 }) end)
    fails('acc.mode is a in one part and b in the other', function() agg.merge({ mode = "a" }, { mode = "b" }) end)
  end)

  it("adds up the rows that a limit leaves", function()
    local by = agg.by { runs = 0, passed = agg.rate() }
    for i = 1, 5 do
      local row = agg.at(by, "s" .. i)
      row.runs = i
      for n = 1, i do agg.add(row.passed, n % 2 == 0) end
    end
    local function make(key, row) return { key, row.runs, row.passed.num, row.passed.den } end
    local rows, n = agg.rows(by, make, { sort = "runs", limit = 2, others = true })
    assert.same({ { "s5", 5, 2, 5 }, { "s4", 4, 2, 4 }, { "(others)", 6, 2, 6 } }, rows)
    assert.equal(5, n)
    assert.equal(2, #agg.rows(by, make, { sort = "runs", limit = 2 }))
    assert.equal(5, #agg.rows(by, make, { limit = 9, others = true }))
    assert.equal(1, by.groups.s1.runs)
    local sums = agg.by(agg.sum())
    agg.add(sums, "a", 1)
    agg.add(sums, "b", 2)
    assert.same({ { "(others)", 3 } }, agg.rows(sums, { limit = 0, others = true }))
  end)
end)
