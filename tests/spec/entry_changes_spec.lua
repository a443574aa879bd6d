-- Assignments that wait until somebody looks at the whole entry: nobody can see that they wait, and many of them take
-- as long as their number says.
local core = require "debrief.core"

-- ---- The same as at once --------------------------------------------------------------------------------------------

local TEXTS = {
  '{"skill":"a"}', "{}",
  '{"session_id":"s1","skill":"a","input":{"list":[1,null,{"x":[true,false]}],"s":"t","o":{}},'
    .. '"attempts":[{"attempt":1,"verified":false},{"attempt":2,"verified":true,"cost":1.50}],"duration_ms":null,'
    .. '"z":-0.0}',
  '{"a":{"b":{"c":{"d":[[[1],2],3]}}},"l":[{"a":1},{"a":2},{"a":3}],"a2":[],"e":""}',
  '{"d":1,"x":{"k":1,"k":{"y":2},"m":[1]},"d":{"e":1},"\\u0064":3}',
  '{ "a" : { "b" : 1 , "c" : [ 1 , { "d" : 2 } ] } , "l" : [ ] }',
}
local NAMES = { "a", "b", "c", "d", "x", "k", "m", "skill", "input", "attempts", "attempt", "verified", "model", "list",
  "l", "s", "duration_ms", 'a"\n', "a2", "o" }
local VALUES = { 1, 2.5, "x", ("long"):rep(30), true, false, 7, "\xff", core.null, {}, core.array {}, { a = 1 },
  { 1, { b = 2 } }, { { x = { 1, 2 } }, 3 }, { attempt = 3 }, { { attempt = 1, verified = true } } }

-- Does one thing to the entry or a value in it. `values` are those that were taken so far. Returns what was seen.
local function act(e, values, random)
  local target = random(3) == 1 and e or values[random(#values)]
  local what, n = random(12), nil
  local function key()
    if core.type(target) == "array" then return math.max(1, #target + random(-2, 1)) end
    return NAMES[random(#NAMES)]
  end
  return pcall(function()
    if what <= 3 then
      local value = target[key()]
      if type(value) == "userdata" and value ~= core.null then
        values[#values + 1] = value
        return core.type(value)
      end
      return value
    elseif what <= 7 then
      target[key()] = VALUES[random(#VALUES)]
    elseif what <= 9 then
      n = key()
      target[n] = nil
    elseif what == 10 then
      return #target
    elseif what == 11 then
      local seen, set = {}, random(3)
      for name, value in pairs(target) do
        seen[#seen + 1] = tostring(name) .. "=" .. (type(value) == "userdata" and core.type(value) or tostring(value))
        if #seen > 30 then break end
        if set == 2 and core.type(target) == "object" then
          target[name] = random(2) == 1 and VALUES[random(#VALUES)] or nil
        end
        if set == 3 then target[name] = VALUES[random(#VALUES)] end
      end
      return table.concat(seen, " ")
    else
      for i, value in core.ipairs(target) do
        if i > 20 then break end
        if type(value) == "number" then target[i] = value + 1 end
      end
    end
  end)
end

-- Everything that happened to an entry; `look` after each act: then nothing ever waits for long.
local function history(text, seed, acts, look)
  local e = assert(core.entry(text))
  local values, out = { e }, {}
  for i = 1, acts do
    local state = seed * 1000 + i
    local function random(low, high)
      if not high then low, high = 1, low end
      state = (state * 1103515245 + 12345) & 0x7fffffff
      return low + (state >> 8) % (high - low + 1)
    end
    local ok, seen = act(e, values, random)
    out[#out + 1] = ("%s %s %d"):format(ok, type(seen) == "userdata" and "null" or tostring(seen), #values)
    if look then tostring(e) end
  end
  return tostring(e), out
end

describe("assignments that wait", function()
  it("are seen by every look at the entry as those made at once", function()
    local differed = 0
    for seed = 1, 1500 do
      local text = TEXTS[seed % #TEXTS + 1]
      local now, saw_now = history(text, seed, 25, true)
      local later, saw_later = history(text, seed, 25, false)
      assert.same(saw_now, saw_later, text .. " " .. seed)
      local blank = text:find "{ "
      assert.equal(blank and now:gsub("%s+", "") or now, blank and later:gsub("%s+", "") or later, text .. " " .. seed)
      assert(core.entry(later))
      if now ~= text then differed = differed + 1 end
    end
    assert.is_true(differed > 1000)
  end)

  it("raise at the assignment, not later", function()
    local e = core.entry '{"skill":"a","attempts":[{"attempt":1}],"l":[1]}'
    e.x = 1
    for _, wrong in ipairs { function() e.skill = 1 end, function() e.duration_ms = "1" end,
      function() e.attempts[1].model = 2 end,
      function() e.attempts[2] = 5 end, function() e.attempts[1].attempt = 1.5 end, function() e.attempts = 1 end,
      function() e.l[3] = 1 end, function() e.duration_ms = core.json "99999999999999999999" end } do
      assert.is_false(pcall(wrong))
      e.x = e.x + 1
    end
    assert.equal('{"skill":"a","attempts":[{"attempt":1}],"l":[1],"x":9}', tostring(e))
  end)
end)

-- ---- In time proportional to their number --------------------------------------------------------------------------

-- CPU time of n assignments and of an eighth: eight times as much, and 64 times where each copies the entry. The
-- best of three tries counts, as in linear_spec.
local MANY, FACTOR, TIMES, FLOOR = 16000, 8, 3, 0.04

local function seconds(work, n)
  local e = work.start(n)
  collectgarbage()
  local before = os.clock()
  work.run(e, n)
  assert(core.entry(tostring(e)))
  return os.clock() - before
end

local function is_linear(work)
  local most, least = math.huge, math.huge
  for _ = 1, 3 do
    most = math.min(most, seconds(work, MANY))
    if most < FLOOR then return true end
    least = math.min(least, seconds(work, MANY // FACTOR))
    if most < FACTOR * TIMES * least then return true end
  end
  return false, ("%.3f s, and %.3f s for an eighth"):format(most, least)
end

local function small()
  return core.entry '{"skill":"a","input":{"x":{"y":[{"z":1}]},"l":[],"n":1},"attempts":[{"attempt":1}]}'
end

local function big(n)
  local members, list = {}, {}
  for i = 1, n do members["k" .. i], list[i] = i, { i } end
  return core.entry(core.encode { input = { m = members, l = list }, n = 1 })
end

describe("assignments take time in proportion to their number:", function()
  local function test(name, start, run)
    it(name, function() assert(is_linear { start = start, run = run }) end)
  end

  test("new members", small, function(e, n) for i = 1, n do e["k" .. i] = i end end)
  test("new members of a value", small, function(e, n) for i = 1, n do e.input["k" .. i] = i end end)
  test("new members deep inside", small, function(e, n) for i = 1, n do e.input.x.y[1]["k" .. i] = { i } end end)
  test("new members of an attempt", small, function(e, n) for i = 1, n do e.attempts[1]["k" .. i] = i end end)
  test("new elements", small, function(e, n) for i = 1, n do e.input.l[#e.input.l + 1] = { a = i } end end)
  test("one member again and again, read in between", big, function(e, n)
    for i = 1, n do e.n = e.n + i end
  end)
  test("known members again and again", small, function(e, n)
    for i = 1, n do e.skill, e.duration_ms = "s" .. i, i end
  end)
  test("a table again and again", small, function(e, n) for i = 1, n do e.input = { i } end end)
  test("every member, in pairs", big, function(e)
    local m = e.input.m
    for k, v in pairs(m) do m[k] = v + 1 end
  end)
  test("every element, in ipairs", big, function(e)
    local l = e.input.l
    for i, v in core.ipairs(l) do l[i] = v[1] end
  end)
  test("every element, from the last", big, function(e, n)
    local l = e.input.l
    for i = n, 1, -1 do l[i] = { i } end
  end)
  test("every member removed", big, function(e, n)
    local m = e.input.m
    for i = 1, n do m["k" .. i] = nil end
  end)
  test("every element removed, from the last", big, function(e, n)
    local l = e.input.l
    for i = n, 1, -1 do l[i] = nil end
  end)
  test("a member set and removed", big, function(e, n) for i = 1, n do e.input.t, e.input.t = i, nil end end)
  test("values taken before, used after", big, function(e, n)
    local kept = {}
    for i, v in core.ipairs(e.input.l) do kept[i] = v end
    for i = 1, n do kept[i][1] = -i end
    tostring(e)
    for i = 1, n do assert(kept[i][1] == -i) end
  end)
end)
