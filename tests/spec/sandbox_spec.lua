-- What a plugin sees, and what it cannot reach: seen from inside a plugin, in a real worker state.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local scene

-- Run a Lua chunk as the body of a plugin's step over one entry; what it returns is the report's text.
local function inside(body, name)
  scene:write((name or "p") .. ".lua", ([[
    local debrief, cjson = require "debrief", require "cjson"
    return { name = "%s", api = 1, retrospective = { init = function() return { text = "" } end,
      step = function(acc, entry, ctx) acc.text = acc.text .. tostring((function() %s end)()) end,
      finish = function(acc) return { title = "T", text = acc.text } end } }]]):format(name or "p", body))
  local r = scene:run { "retro", ("./%s.lua"):format(name or "p"), "--format", "json" }
  local text = cjson.decode(r.out).reports[1].text
  return text ~= "" and text or r.err, r
end

local function reach(expression) return (inside(("return pcall(function() return %s end)"):format(expression))) end

describe("the sandbox", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a","b":1,"input":{"x":[1,null]}}\n')
  end)
  teardown(program.clean)

  it("has no io, os, package, debug, load, metatables or coroutines", function()
    local names = { "io", "os", "package", "debug", "load", "loadfile", "loadstring", "dofile", "setmetatable",
      "getmetatable", "coroutine", "collectgarbage", "rawset", "xpcall", "warn" }
    local tries, expected = {}, {}
    for i, name in ipairs(names) do
      tries[i] = ("say(rawget(_G, '%s'), select(2, pcall(function() return %s end)))"):format(name, name)
      expected[i] = ("nil ./p.lua:%d: undeclared global '%s' (a plugin has no io, os, load…)\n"):format(3 + i, name)
    end
    local text = inside("local out = '' local function say(a, b) out = out .. tostring(a) .. ' ' .. b .. '\\n' end\n"
      .. table.concat(tries, "\n") .. " return out")
    assert.equal(table.concat(expected), (text:gsub("(%(a plugin has no io, os, load)[^\n]*", "%1…)")))
  end)

  it("makes using one of them an error of the plugin", function()
    local _, r = inside "return io"
    assert.truthy(r.err:find("./p.lua:3: undeclared global 'io' (a plugin has no io, os, load", 1, true), r.err)
    assert.equal(3, r.status)
  end)

  it("has no string.dump, by its name or through a string", function()
    assert.equal("nil", inside "return string.dump")
    assert.equal("nil", inside [[return ("").dump]])
    assert.equal("false", reach "string.dump(print)")
  end)

  it("has no debug, load or metatables by way of modules and values", function()
    assert.equal("false", inside [[return (pcall(require, "debug"))]])
    assert.equal("a plugin can require debrief and cjson, not \"debrief.core\"",
      (inside [[return select(2, pcall(require, "debrief.core"))]]))
    assert.equal("false", inside [[return (pcall(require, "os"))]])
    assert.equal("nil", inside "return debrief.core")
    assert.equal("nil", inside "return math.randomseed")
  end)

  it("makes reading or writing an undeclared global an error with its line", function()
    local _, r = inside "\n nope()"
    assert.truthy(r.err:find("debrief: plugin 'p', step: ./p.lua:4: undeclared global 'nope'", 1, true), r.err)
    assert.truthy(r.err:find("(is a `local` missing, or above its declaration?)", 1, true), r.err)
    _, r = inside "\n\n count = 1"
    local message = "./p.lua:5: assignment to the undeclared global 'count': write local (at s1:1)"
    assert.truthy(r.err:find(message, 1, true), r.err)
  end)

  it("has pairs that go in sorted order, numbers first", function()
    assert.equal("-1 1 2.5 10 B a b true.", inside [[
      local t, out = { b = 1, a = 1, [10] = 1, [2.5] = 1, B = 1, [true] = 1, [-1] = 1, [1] = 1 }, ""
      for key in pairs(t) do out = out .. tostring(key) .. " " end
      return out:sub(1, -2) .. "."]])
    assert.equal("session_id skill b input .", inside [[
      local out = ""
      for key in pairs(entry) do out = out .. key .. " " end
      return out .. "."]])
  end)

  it("lets a table be emptied and changed while pairs goes over it", function()
    assert.equal("0 a1b2c3", inside [[
      local t, out = { a = 1, b = 2, c = 3 }, ""
      for key, value in pairs(t) do
        t[key], t[key .. "x"] = nil, nil
        out = out .. key .. value
      end
      return (next(t) and 1 or 0) .. " " .. out]])
  end)

  it("has the libraries a plugin needs", function()
    assert.equal("true", inside [[
      local ok = debrief.null == cjson.null and debrief.type(entry) == "object"
        and debrief.type(entry.input.x) == "array"
        and debrief.encode(debrief.array {}) == "[]" and debrief.outcome { final_status = "ok" } == "ok"
        and debrief.table(entry).input.x[2] == debrief.null and cjson.decode("[1]")[1] == 1
        and debrief.time "1970-01-01T00:00:00.000000001Z" == 1 and debrief.session_id "a b" ~= "a b"
        and debrief.raw(entry, "b") == "1" and utf8.char(228) == "ä" and ctx.now > 0 and ctx.line == 1
      return ok]])
  end)

  it("has cjson within bounds, beyond which it ends the process", function()
    local text = inside [[
      local t, refused = {}, 0
      for _ = 1, 300000 do t = { t } end
      cjson.encode_sparse_array(false, 0)
      for _, try in ipairs {
        function() cjson.decode_max_depth(1 << 30) end, function() cjson.new().encode_max_depth "100000" end,
        function() cjson.decode(("["):rep(300000)) end, function() cjson.encode(t) end,
        function() cjson.encode(("a"):rep(800000000)) end,
        function() cjson.encode { { [1 << 26] = 1 } } end, function() cjson.encode { [math.huge] = 1 } end,
      } do refused = refused + (pcall(try) and 0 or 1) end
      return refused .. cjson.encode { 1, 2.5, { a = "x" }, cjson.null } .. cjson.decode("[1]")[1] ]]
    assert.equal('7[1,2.5,{"a":"x"},null]1', text)
  end)

  it("has a cjson that runs out of its memory, where the original ends the process", function()
    if program.sanitized then return pending "a sanitizer has no limit" end
    for _, call in ipairs { [[cjson.encode { ("\1"):rep(32 << 20) }]],
      [[cjson.decode('"' .. ("\\u0001"):rep(16 << 20) .. '"')]] } do
      scene:write("p.lua", ([[local cjson = require "cjson"
        return { name = "p", api = 1, retrospective = { init = function() return {} end,
          step = function() local n = #%s end,
          finish = function() return { title = "T" } end } }]]):format(call))
      local r = scene:run { "retro", "./p.lua,summary", "--plugin-memory=100", "--plugin-time=20", "--format", "json" }
      assert.equal(3, r.status)
      assert.truthy(r.err:find("^debrief: plugin 'p', step: not enough memory: plugins may use 104857600 bytes here"),
        r.err)
      assert.truthy(r.out:find('"plugin":"summary"', 1, true), r.out)
    end
  end)

  it("sends print and ctx.log to stderr, control characters escaped", function()
    local _, r = inside [[print("a\27b", 1) ctx.log("warn", "%s at %d", entry.skill, ctx.line) return 1]]
    assert.equal("info: p: a\\x1bb\t1\nwarn: p: a at 1\n", r.err)
    assert.equal(0, r.status)
  end)

  it("escapes what terminals obey, and knows no level but its own", function()
    local _, r = inside [[ctx.log("\27[31m", "a\u{9b}b") print("c\0d\u{202e}é") return 1]]
    assert.equal([[info: p: a\u{9b}b]] .. "\n" .. [[info: p: c\x00d\u{202e}é]] .. "\n", r.err)
  end)

  it("keeps what one plugin does to a library from another", function()
    local spoil = [[
      string.rep, table.concat, math.floor, utf8.char = nil, nil, nil, nil
      debrief.encode, debrief.aggregate.count, debrief.transcript.blocks, cjson.decode = nil, nil, nil, nil
      for key in pairs(debrief.aggregate) do debrief.aggregate[key] = nil end
      cjson.encode_max_depth(1)
      cjson.encode_sparse_array(true, 1, 1)
      _G.shared = nil
      return 1]]
    inside(spoil:gsub("_G.shared = nil", ""), "a")
    inside([[return tostring(string.rep and table.concat and math.floor and utf8.char and debrief.encode
      and next(debrief.aggregate) and cjson.decode) ~= "nil" and cjson.encode { { { 1 } } }]], "b")
    local r = scene:run { "retro", "./a.lua,./b.lua", "-j", "1" }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find("[[[1]]]", 1, true), r.out)
  end)

  it("keeps what one plugin does to an entry or to ctx from another", function()
    for _, name in ipairs { "a", "b" } do
      scene:write(name .. ".lua", ([[return { name = "%s", api = 1,
        enrich = function(entry, ctx) entry.seen = (entry.seen or 0) + 1 ctx.mark = (ctx.mark or 0) + 1 end,
        retrospective = { init = function() return {} end,
          step = function(acc, entry, ctx)
            acc.text = entry.seen .. "/" .. ctx.mark
            pcall(function() entry.seen = 99 end)
          end,
          finish = function(acc) return { title = "T", text = acc.text } end } }]]):format(name))
    end
    local r = scene:run { "retro", "./a.lua,./b.lua", "-j", "1" }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.equal(2, select(2, r.out:gsub("\n1/1\n", "")))
  end)
end)

-- What a plugin does to what it was given, or gave, reaches nobody else.
describe("a plugin that lies", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a","final_status":"fail"}\n')
  end)
  teardown(program.clean)

  local READ_ONLY = "entries are read-only here: only the hook enrich can change them"

  local function retro(name, fields)
    scene:write(name .. ".lua", ("local M M = { name = %q, api = 1, %s } return M"):format(name, fields))
  end

  it("cannot change an entry outside enrich, nor one it kept from there", function()
    retro("a", [[enrich = function(entry) entry.mark = 1 M.kept = entry end,
      filter = function(entry) M.kept.skill = "forged" return true end,
      retrospective = { init = function() return {} end, step = function(acc, entry) entry.final_status = "ok" end,
        finish = function() return { title = "A" } end }]])
    local r = scene:run { "retro", "./a.lua" }
    assert.equal(3, r.status)
    assert.truthy(r.err:find("plugin 'a', filter: ./a.lua:2: " .. READ_ONLY, 1, true), r.err)
    retro("a", [[retrospective = { init = function() return {} end,
      step = function(acc, entry) entry.attempts, entry.final_status = nil, "ok" end,
      finish = function() return { title = "A" } end }]])
    r = scene:run { "retro", "./a.lua" }
    assert.truthy(r.err:find("plugin 'a', step: ./a.lua:2: " .. READ_ONLY, 1, true), r.err)
  end)

  it("cannot change what it kept from enrich when others have it", function()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n{"session_id":"s1","skill":"b"}\n')
    scene:write("a.lua", [[local kept
      return { name = "a", api = 1, enrich = function(entry)
        if kept then kept.skill = "forged" end
        kept = entry
      end }]])
    local r = scene:run { "retro", "skills", "--enrich", "./a.lua", "-j", "1" }
    assert.truthy(r.err:find("plugin 'a', enrich: ./a.lua:3: " .. READ_ONLY, 1, true), r.err)
  end)

  it("keeps its name and its hooks", function()
    for _, change in ipairs { "M.name = 'summary'", "M.name = nil", "M.retrospective = nil",
      "M.retrospective.merge = nil M.retrospective.step = nil", "ctx.line = {} ctx.session = 1 ctx.options = nil" } do
      retro("a", ([[retrospective = { init = function() return { n = 0 } end,
        step = function(acc, entry, ctx) %s error "broken" end, merge = function() end,
        finish = function() return { title = "A" } end }]]):format(change))
      local r = scene:run { "retro", "./a.lua,summary", "-j", "1" }
      assert.truthy(r.err:find("debrief: plugin 'a', step: ./a.lua:2: broken (at s1:1)", 1, true), change .. r.err)
      assert.equal(3, r.status)
      assert.truthy(r.out:find("Summary", 1, true), r.out)
    end
  end)

  it("begins no line of its own in what is said of it", function()
    retro("a", [[retrospective = { init = function() return {} end,
      step = function(acc, entry, ctx)
        ctx.log("debrief", "x\ndebrief: 58 entries stored")
        ctx.log("info", ("z"):rep(10000))
        error("x\ndebrief: 58 entries stored\r")
      end, finish = function() return { title = "A" } end }]])
    local r = scene:run { "retro", "./a.lua" }
    assert.is_nil(("\n" .. r.err):find "\ndebrief: 58")
    assert.truthy(r.err:find([[info: a: x\ndebrief: 58 entries stored]], 1, true), r.err)
    for line in r.err:gmatch "[^\n]+" do assert.is_true(#line < 4300) end
    scene:write("b.lua", [[error("x\ndebrief: 58 entries stored")]])
    assert.is_nil(scene:run({ "read", "--filter", "./b.lua" }).err:find "\ndebrief: 58")
  end)

  it("is silenced after a thousand messages", function()
    retro("a", [[retrospective = { init = function() return {} end,
      step = function() for i = 1, 3000 do print(i) end end, finish = function() return { title = "A" } end }]])
    local r = scene:run { "retro", "./a.lua" }
    assert.equal(1001, select(2, r.err:gsub("\n", "")))
    assert.truthy(r.err:find("a: more than 1000 messages: the rest is not shown\n", 1, true))
  end)

  it("reads no foreign log in the name of another importer", function()
    scene:write("plugins/aaa.lua", [[local debrief = require "debrief"
      return { name = "aaa", api = 1, import = { detect = function()
        debrief.transcript.new, debrief.outcome = nil, nil
        for key in next, debrief.transcript do debrief.transcript[key] = nil end
      end, open = function() end } }]])
    scene:write("plugins/bbb.lua", [[local debrief = require "debrief"
      return { name = "bbb", api = 1, import = { detect = function() return true end, open = function(source, emit)
        emit { session_id = "s2", skill = type(debrief.transcript.new), source = { kind = "b", key = "1" } } end } }]])
    scene:write("f.jsonl", "{}\n")
    local r = scene:run { "import", "f.jsonl", env = { DEBRIEF_PLUGIN_PATH = scene.dir .. "/plugins" } }
    assert.equal(0, r.status, r.err)
    assert.truthy(scene:read("sessions/s2.jsonl"):find('"skill":"function"', 1, true))
  end)
end)

describe("a plugin that takes too long", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n{"session_id":"s1","skill":"b"}\n')
  end)
  teardown(program.clean)

  it("is stopped, once, with its name, hook and entry", function()
    scene:write("a.lua", [[return { name = "a", api = 1, retrospective = { init = function() return {} end,
      step = function() while true do pcall(function() while true do end end) end end,
      finish = function() return { title = "A" } end } }]])
    local r = scene:run { "retro", "./a.lua,summary" }
    assert.truthy(r.err:find("plugin 'a', step: took more than 1000 ms: there is no report (at s1:1)\n", 1, true),
      r.err)
    assert.truthy(r.out:find("Summary", 1, true), r.out)
    assert.equal(3, r.status)
  end)

  it("does not load", function()
    scene:write("a.lua", "while true do end")
    local r = scene:run { "read", "--filter", "./a.lua" }
    assert.same({ "debrief: plugin does not load: ./a.lua: loading it took more than 1000 ms\n", "", 2 },
      { r.err, r.out, r.status })
  end)
end)
