-- Two plugins side by side: no table that one can reach and change is reached by the other, and no metatable shows.
dofile "tests/spec/support/plugins.lua"
local core = require "debrief.core"
local sandbox = require "debrief.plugin.sandbox"

local ENTRY = '{"session_id":"s","timestamp":"2026-01-02T03:04:05Z","skill":"a","input":{"x":[1,null]},'
  .. '"attempts":[{"model":"m","verified":true},null]}'

-- What the functions of the library return, called as plugins call them.
local function results_of(env)
  local debrief, cjson = env.require "debrief", env.require "cjson"
  local agg, out, entry = debrief.aggregate, {}, assert(core.entry(ENTRY))
  local function add(...) for i = 1, select("#", ...) do out[#out + 1] = (select(i, ...)) end end

  for _, make in ipairs { "count", "sum", "mean", "min", "max", "quantiles", "distinct", "top", "first", "last", "list",
    "largest", "rate" } do
    local state = agg[make]()
    add(state, agg.value(state))
  end
  local by = agg.by { n = 0, passed = agg.rate() }
  add(by, agg.at(by, "a"), agg.each(by), agg.rows(by, function(key) return { key } end), agg.value(by))
  add(agg.histogram { 1, 2 }, agg.value(agg.histogram { 1 }), agg.top_items(agg.top()), agg.wilson(1, 2))

  local transcript = debrief.transcript.new(function() end)
  local turn = transcript:agent ""
  turn:prompt({ session_id = "s" }, 1)
  turn:reply { at = 2, text = "said", message = "m1", usage = { output_tokens = 1 } }
  turn:call("c1", { edit = "f" })
  transcript:result("c1", { at = 3 })
  add(transcript, turn, debrief.transcript.blocks(entry.input, "text"))

  add(debrief.array {}, debrief.decode "[]", debrief.decode "{}", debrief.decode '{"a":[1,{}]}', debrief.json "[1]")
  add(debrief.measure "passed", debrief.measure "lost", debrief.measure "rate(verified)", debrief.redactor { a = "b" })
  add(debrief.table(entry), debrief.list(ipairs { {}, {} }), debrief.attempts(entry))
  add(debrief.passed(entry), debrief.window("1d", nil, 1 << 60), debrief.short "text", debrief.pretty(entry))
  add(cjson.new(), cjson.decode "[{}]", cjson.null, entry, entry.input, entry.attempts)
  return out
end

-- Everything that is reached from a value by indexing and by going over tables: value -> the way to it.
local function reached(value, way, seen)
  seen = seen or {}
  if type(value) ~= "table" and type(value) ~= "userdata" or seen[value] then return seen end
  seen[value] = way
  for _, key in ipairs { "__index", "__newindex", "__metatable", "__name", "__gc", "__call" } do
    local ok, item = pcall(function() return value[key] end)
    if ok then reached(item, way .. "." .. key, seen) end
  end
  if type(value) ~= "table" then return seen end
  for key, item in next, value do
    reached(key, way .. "[key]", seen)
    reached(item, ("%s[%s]"):format(way, tostring(key)), seen)
  end
  return seen
end

local function plugin()
  local env = sandbox.environment(function() end, { process = true })
  return reached({ env = env, debrief = env.require "debrief", cjson = env.require "cjson", results = results_of(env) },
    "plugin")
end

describe("two plugins", function()
  it("share no table", function()
    local one, other, tables = plugin(), plugin(), 0
    for value, way in next, one do
      if type(value) == "table" then
        tables = tables + 1
        assert.is_nil(other[value], way)
      end
    end
    assert.is_true(tables > 60)
  end)

  it("share no userdata that can be changed", function()
    for value, way in next, plugin() do
      local is_own = way:find "results" and type(value) == "userdata"
      if type(value) == "userdata" and not is_own then
        assert.is_false(pcall(function() value.x = 1 end), way)
      end
    end
  end)

  it("see no metatable", function()
    for value, way in next, plugin() do
      local metatable = debug.getmetatable(value)
      if metatable then assert.is_false(rawget(metatable, "__metatable"), way) end
      for other in next, plugin() do assert.is_false(rawequal(metatable, other), way) end
    end
  end)

  it("do not reach the metatable of strings, which all have in common", function()
    assert.is_nil((""):rep(0).__index)
    local env = sandbox.environment(function() end)
    assert.are_not_equal(string, env.string)
    assert.is_nil(load("return ('').__index", "p", "t", env)())
  end)
end)
