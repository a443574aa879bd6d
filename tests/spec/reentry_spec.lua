-- Bindings that are called while they run: by finalizers, which Lua may run whenever a binding makes an object, and by
-- metamethods of what a script hands in. Under a sanitizer this is where stale memory shows.
local program = dofile "tests/spec/support/program.lua"
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = (os.getenv "BUILD" or "build") .. "/lua/?.so;" .. package.cpath
local core = require "debrief.core"

-- A script in a state of its own, small enough for the collector to be always at work: bait() throws away what runs
-- meddle() when it is collected, in whatever makes an object then.
local SCRIPT = [[
local core = require "debrief.core"
local LONG = ("y"):rep(3000)
local ran = 0
local function equal(a, b) if a ~= b then error(("%s is not %s"):format(a, b), 2) end end
MEDDLE
local metatable = { __gc = function() ran = ran + 1 meddle() end }
local function bait() for _ = 1, 3 do setmetatable({}, metatable) end end
collectgarbage("setpause", 0)
collectgarbage("setstepmul", 1000)
BODY
assert(ran > 100, "finalizers hardly ran")
io.write "fine"
metatable.__gc = nil
os.exit(true, false)
]]

local MEDDLE = [[local function meddle()
  core.encode { meddled = LONG, other = { 1, 2, 3 } }
  core.decode('{"meddled":["' .. LONG .. '"]}')
  tostring(core.json('"' .. LONG .. '"'))
  core.entry('{"skill":"meddled","attempts":[{"model":"' .. LONG .. '"}]}')
  core.pack { LONG }
end]]

local function run(scene, meddle, body)
  scene:write("script.lua", (SCRIPT:gsub("%u%u+", { MEDDLE = meddle, BODY = body })))
  local r = scene:sh(("LUA_CPATH='%s/lua/?.so' lua5.4 script.lua"):format(program.build),
    { LD_PRELOAD = os.getenv "LD_PRELOAD", ASAN_OPTIONS = os.getenv "ASAN_OPTIONS" })
  assert.same({ "fine", "" }, { r.out, r.err })
end

describe("a binding that a finalizer calls again", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("encodes and decodes what it was given", function()
    run(scene, MEDDLE, [[
      local t, text = { a = { b = "x", c = { 1, 2 } }, d = "e" }, '{"a":{"b":"x","c":[1,2]},"d":"e"}'
      for _ = 1, 300 do
        bait()
        equal(core.encode(t), text)
        equal(core.encode(core.decode(text)), text)
        equal(tostring(core.json(text)), text)
        equal(core.encode(core.unpack(core.pack(t))), text)
      end]])
  end)

  it("assigns to entries", function()
    run(scene, MEDDLE, [[
      local wanted = '{"attempts":[{"model":"m","x":[%d]}],"n":%d,"list":[%d,{"x":%d}]}'
      for i = 1, 200 do
        bait()
        local entry = core.entry '{"skill":"a","attempts":[{"model":"m"}]}'
        entry.attempts[1].x = { i }
        entry.n = i
        entry.skill = nil
        entry.list = { i, { x = i } }
        equal(tostring(entry), wanted:format(i, i, i, i))
        equal(tostring(core.copy(entry)), tostring(entry))
        equal(#core.table(entry).list, 2)
      end]])
  end)

  it("notes assignments to an entry that a finalizer assigns to or looks at, or refuses", function()
    run(scene, [[local entry, n = nil, 0
      local function meddle()
        n = n + 1
        local ok, message = pcall(function()
          if n % 3 == 0 then entry.input["m" .. n] = { n } end
          if n % 3 == 1 then entry.input.list[1] = n end
          if n % 5 == 2 then core.encode(entry) end
        end)
        assert(ok or message:find "changed while", message)
      end]], [[
      local refused = 0
      for i = 1, 150 do
        entry = core.entry '{"input":{"list":[1,{"x":2}],"k1":1,"k5":2,"k7":{"y":1}},"attempts":[{"attempt":1}]}'
        for k = 1, 20 do
          bait()
          local ok, message = pcall(function()
            entry.input["k" .. k] = k % 2 == 0 and LONG or { k }
            entry.attempts[1]["a" .. k] = k
            if k % 4 == 0 then entry.input["k" .. k - 3] = nil end
            for key, value in pairs(entry.input) do if value == k then entry.input[key] = -k end end
          end)
          refused = refused + (ok and 0 or 1)
          assert(ok or message:find "changed while" or message:find "was replaced or removed", message)
        end
        assert(core.entry(tostring(entry)))
      end
      assert(refused < 3000)]])
  end)

  it("appends every entry whole, those of the finalizer too", function()
    run(scene, [[local log = assert(core.log "log")
      local function meddle() assert(log:append("b", { skill = LONG, extra = { LONG } })) end]], [[
      for i = 1, 200 do
        bait()
        assert(log:append("a",
          { skill = "s", input = { i }, extra = { x = i }, attempts = { { model = "m", y = i } } }))
      end
      local n, meddled, expected = 0, 0, ran
      metatable.__gc = nil
      for line in io.lines "log/a.jsonl" do
        n = n + 1
        local entry = assert(core.entry(line))
        equal(("%d %d %d"):format(entry.input[1], entry.extra.x, entry.attempts[1].y), ("%d %d %d"):format(n, n, n))
      end
      for line in io.lines "log/b.jsonl" do
        meddled = meddled + 1
        equal(assert(core.entry(line)).extra[1], LONG)
      end
      equal(n, 200)
      assert(meddled >= expected)]])
  end)

  it("refuses to go on with a reader that the finalizer used or closed", function()
    local lines = {}
    for i = 1, 500 do lines[i] = ('{"session_id":"s","n":%d,"text":"%s"}\n'):format(i, ("y"):rep(i)) end
    scene:write("s.jsonl", table.concat(lines))
    run(scene, [[local reader, method
      local function meddle() pcall(reader[method], reader) end]], [[
      for _, name in ipairs { "next", "close" } do
        local refused = 0
        for _ = 1, 20 do
          reader, method = assert(core.reader "s.jsonl"), name
          for _ = 1, 500 do
            bait()
            local ok, entry = pcall(reader.next, reader)
            if not ok then refused = refused + 1 end
            if ok and not entry then break end
            if ok then equal(#entry.text, entry.n) end
          end
        end
        assert(refused > 0, name)
      end]])
  end)

  it("copies a table that grows meanwhile, or refuses it", function()
    run(scene, [[local t, n = {}, 0
      local function meddle() n = n + 1 t["x" .. n] = n end]], [[
      for _ = 1, 50 do
        t = {}
        for i = 1, 20 do t["a" .. i] = i end
        for _ = 1, 20 do
          bait()
          local ok, message = pcall(core.encode, t)
          assert(ok or message:find "changes while it is written" or message:find "'next'", message)
        end
      end]])
  end)
end)

describe("a table with metamethods", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("is read as it lies there, and nothing of it runs", function()
    local log = assert(core.log(scene.dir .. "/log"))
    local function never() error "a metamethod ran" end
    local hostile = { __index = never, __len = never, __pairs = never, __newindex = never, __tostring = never }
    local attempts = setmetatable({ { model = "m" } }, hostile)
    local entry = setmetatable({ skill = "a", attempts = attempts }, hostile)
    assert.equal(1, log:append("s", entry, true))
    assert.equal('{"session_id":"s","skill":"a","attempts":[{"model":"m"}]}\n',
      program.read(scene.dir .. "/log/s.jsonl"))
    assert.equal('{"attempts":[{"model":"m"}],"skill":"a"}', core.encode(entry))
  end)

  it("cannot say that it is longer than it is", function()
    local attempts = setmetatable({ { model = "m" } }, { __len = function() return -1 end })
    assert.equal('{"session_id":"s","attempts":[{"model":"m"}]}', (core.line("s", { attempts = attempts }, true)))
  end)
end)

describe("new members of an entry", function()
  it("are there for every way to look, in the order they came", function()
    local entry = core.entry '{"skill":"a"}'
    for i = 1, 3 do entry["k" .. i] = i end
    assert.equal(2, entry.k2)
    entry.k4 = 4
    assert.equal(5, #entry)
    entry.k5, entry.k4 = "x", 40
    assert.equal('{"skill":"a","k1":1,"k2":2,"k3":3,"k4":40,"k5":"x"}', tostring(entry))
    entry.k6, entry.k1 = true, nil
    local names = {}
    for name in pairs(entry) do names[#names + 1] = name end
    assert.equal("skill k2 k3 k4 k5 k6", table.concat(names, " "))
    entry.k7 = 7
    assert.equal("7", core.raw(entry, "k7"))
    entry.k8 = 8
    assert.equal(8, core.copy(entry).k8)
    local empty = core.entry "{}"
    empty.a = 1
    empty.b = 2
    assert.equal('{"a":1,"b":2}', tostring(empty))
    local nested = core.entry '{"input":{"x":1}}'
    local input = nested.input
    nested.a = 1
    input.x = 2
    nested.b = 2
    assert.equal('{"input":{"x":2},"a":1,"b":2}', tostring(nested))
  end)

  it("take time in proportion to their number", function()
    local function seconds(n)
      local entry, start = core.entry '{"skill":"a"}', os.clock()
      for i = 1, n do entry["k" .. i] = i end
      assert.equal(n + 1, #entry)
      return os.clock() - start
    end
    seconds(1000)
    assert.is_true(seconds(80000) < 20 * math.max(seconds(10000), 0.005))
  end)
end)
