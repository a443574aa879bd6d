-- Entries as Lua sees them: lazy, a value, assignable at any depth, byte for byte what they were elsewhere.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"
local cjson = require "cjson"

local function entry(text) return assert(core.entry(text)) end

-- Integers and floats are kept apart.
local function same_number(expected, actual)
  assert.equal(math.type(expected), math.type(actual))
  assert.equal(expected, actual)
end

local SAMPLE = '{"session_id":"s1", "skill":"a\\u00e9", "input":{"list":[1,null,{"x":[true,false]}],"s":"t"},'
  .. '"attempts":[{"attempt":1,"verified":false},{"attempt":2,"verified":true,"cost":1.50}],'
  .. '"duration_ms":null, "z":-0.0}'

describe("an entry", function()
  after_each(function() collectgarbage() end)
  teardown(program.clean)

  describe("read", function()
    it("returns scalars and values at every level", function()
      local e = entry(SAMPLE)
      assert.equal("aé", e.skill)
      assert.is_true(e.attempts[2].verified)
      assert.is_false(e.attempts[1].verified)
      assert.is_true(e.input.list[3].x[1])
      same_number(2, e.attempts[2].attempt)
      same_number(1.5, e.attempts[2].cost)
      assert.is_nil(e.nothing)
      assert.is_nil(e.input.nothing)
      assert.is_nil(e.attempts[3])
      assert.is_nil(e.attempts[0])
      assert.is_nil(e.attempts.x)
      assert.is_nil(e[1])
      assert.is_nil(e.input[1])
    end)

    it("reads a null member as nil, and a null element as debrief.null", function()
      local e = entry(SAMPLE)
      assert.is_nil(e.duration_ms)
      assert.equal(0, e.duration_ms or 0)
      assert.equal(core.null, e.input.list[2])
      assert.equal(cjson.null, core.null)
      local seen = {}
      for key, value in pairs(e) do seen[key] = value end
      assert.equal(core.null, seen.duration_ms)
    end)

    it("counts, and goes in the order of the bytes", function()
      local e = entry(SAMPLE)
      assert.equal(6, #e)
      assert.equal(2, #e.attempts)
      assert.equal(2, #e.input)
      local keys = {}
      for key in pairs(e) do keys[#keys + 1] = key end
      assert.same({ "session_id", "skill", "input", "attempts", "duration_ms", "z" }, keys)
      local places = {}
      for i, value in ipairs(e.input.list) do places[i] = core.type(value) end
      assert.same({ "number", "null", "object" }, places)
      places = {}
      for i, value in pairs(e.input.list) do places[i] = core.type(value) end
      assert.same({ "number", "null", "object" }, places)
    end)

    it("goes over nothing in what is empty", function()
      local e = entry '{"a":{},"b":[]}'
      for _, value in ipairs { e.a, e.b } do
        assert.equal(0, #value)
        for _ in pairs(value) do error "there is something" end
      end
      assert.equal(0, #entry "{}")
      for _ in pairs(entry "{}") do error "there is something" end
    end)

    it("is its JSON as a text, at every level, byte for byte", function()
      local e = entry(SAMPLE)
      assert.equal(SAMPLE, tostring(e))
      assert.equal('[1,null,{"x":[true,false]}]', tostring(e.input.list))
      assert.equal("1.50", core.raw(e.attempts[2], "cost"))
      assert.equal("null", core.raw(e, "duration_ms"))
      assert.is_nil(core.raw(e, "nothing"))
      assert.equal('"a\\u00e9"', core.raw(e, "skill"))
      for _, value in ipairs { e, e.input, e.input.list[3], e.attempts[2], { z = 7, skill = "t" } } do
        local found = table.pack(core.members(value, "z", "skill", "s", "verified", "x", "nothing", "duration_ms"))
        assert.equal(7, found.n)
        for i, name in ipairs { "z", "skill", "s", "verified", "x", "nothing", "duration_ms" } do
          assert.same(tostring(value[name]), tostring(found[i]), name)
        end
      end
      for _, value in ipairs { e.input.list, "text", 3, true, core.null } do
        assert.same({ n = 2 }, table.pack(core.members(value, "x", "y")))
      end
      assert.same({ n = 2 }, table.pack(core.members(nil, "x", "y")))
      local twice = entry '{"input":{"a":1,"\\u0061":2,"b":null,"b":3,"c":4,"c":null}}'.input
      assert.same({ 2, 3, nil, n = 3 }, table.pack(core.members(twice, "a", "b", "c")))
      assert.has_error(function() core.members(e, table.unpack({}, 1, 17)) end)
    end)

    it("is exact over all integers of 64 bits, and floats beyond", function()
      for _, text in ipairs { "0", "-1", "9007199254740993", "9223372036854775807", "-9223372036854775808" } do
        local value = entry('{"n":' .. text .. "}").n
        assert.equal("integer", math.type(value))
        assert.equal(text, tostring(value))
      end
      same_number(9223372036854775808.0, entry('{"n":9223372036854775808}').n)
      same_number(-9223372036854775809.0, entry('{"n":-9223372036854775809}').n)
      same_number(1e300, entry('{"n":1e300}').n)
      same_number(5e-324, entry('{"n":5e-324}').n)
      same_number(0.1, entry('{"n":0.1}').n)
      same_number(1.0, entry('{"n":1.0}').n)
      same_number(100.0, entry('{"n":1e2}').n)
      assert.equal("-0.0", tostring(entry('{"n":-0.0}').n))
      assert.equal(math.huge, entry('{"n":1e999}').n)
    end)

    it("decodes every escape, and lone surrogates and bad UTF-8 as U+FFFD", function()
      assert.equal('"\\/\b\f\n\r\t', entry([[{"s":"\"\\\/\b\f\n\r\t"}]]).s)
      assert.equal("\0é€😀", entry([[{"s":"\u0000\u00e9\u20AC\ud83d\ude00"}]]).s)
      assert.equal("a\u{fffd}b", entry([[{"s":"a\ud83db"}]]).s)
      assert.equal("\u{fffd}", entry([[{"s":"\ude00"}]]).s)
      assert.equal("\u{fffd}\u{fffd}", entry([[{"s":"\ude00\ud83d"}]]).s)
      assert.equal("a\u{fffd}b", entry('{"s":"a\xffb"}').s)
      assert.equal('{"s":"a\\ufffdb"}', tostring(entry '{"s":"a\xffb"}'))
    end)

    it("finds a name however it is written, and the last of two", function()
      assert.equal(1, entry([[{"sk\u0069ll\u0000":1}]])["skill\0"])
      assert.is_nil(entry([[{"skill\u0000":1}]]).skill)
      assert.equal("b", entry('{"skill":"a","skill":"b"}').skill)
      assert.equal(2, entry('{"x":{"a":1,"\\u0061":2}}').x.a)
    end)

    it("finds the known names of an entry and of an attempt at any level, also where they are unknown", function()
      local names = { "session_id", "timestamp", "skill", "phase", "project_root", "input", "attempts", "final_status",
        "file_path", "model_used", "duration_ms", "attempt", "model", "output_summary", "runner_output", "verified" }
      local function check(object, text)
        for _, name in ipairs(names) do
          local value = object[name]
          if type(value) == "userdata" then value = nil end
          assert.equal(tonumber(text:match('"' .. name .. '":(%d+)')), value, name .. " of " .. text)
        end
      end
      local unknown = '{"skill":1,"model":2,"verified":3,"duration_ms":4,"attempts":5}'
      local e = entry('{"duration_ms":1,"model":2,"verified":3,"output_summary":4,"input":' .. unknown
        .. ',"attempts":[{"verified":null,"skill":1,"attempt":2,"phase":3,"attempts":4,"own":' .. unknown
        .. '},null,{}]}')
      check(e, '"duration_ms":1,"model":2,"verified":3,"output_summary":4')
      assert.equal(1, e.input.skill)
      check(e.input, unknown)
      check(e.attempts[1], '"skill":1,"attempt":2,"phase":3,"attempts":4')
      check(e.attempts[1].own, unknown)
      check(e.attempts[3], "")
      e.skill = "new" -- and again after an assignment
      check(e.attempts[1], '"skill":1,"attempt":2,"phase":3,"attempts":4')
      assert.equal("new", e.skill)
    end)

    it("finds the known names of an attempt after hundreds of others", function()
      for _, count in ipairs { 253, 254, 255, 256, 300 } do
        local members = {}
        for i = 1, count do members[i] = ('"x%d":%d'):format(i, i) end
        local own = table.concat(members, ",")
        local e = entry('{"attempts":[{"attempt":1},{' .. own .. ',"verified":true,"model":"m"}]}')
        assert.is_true(e.attempts[2].verified)
        assert.equal("m", e.attempts[2].model)
        assert.is_nil(e.attempts[2].attempt)
        assert.equal(count, e.attempts[2]["x" .. count])
      end
      assert.equal("b", entry '{"attempts":[{"model":"a","mod\\u0065l":"b"}]}'.attempts[1].model)
      assert.is_nil(entry '{"attempts":[{"model":"a","model":null}]}'.attempts[1].model)
    end)

    it("returns plain tables that keep nothing of it", function()
      local t = core.table(entry(SAMPLE))
      assert.same({ session_id = "s1", skill = "aé", input = { list = { 1, core.null, { x = { true, false } } },
        s = "t" },
        attempts = { { attempt = 1, verified = false }, { attempt = 2, verified = true, cost = 1.5 } }, z = -0.0 }, t)
      assert.equal("table", type(t.attempts[1]))
      assert.same({ true, false }, core.table(entry(SAMPLE).input.list[3].x))
      assert.equal(7, core.table(7))
    end)

    it("names types", function()
      local e = entry(SAMPLE)
      local kinds = {}
      for i, value in ipairs { e, e.input, e.attempts,
        "", 1, true, core.null, {}, { 1 }, core.array {}, core.json "1" } do
        kinds[i] = core.type(value)
      end
      assert.same({ "object", "object", "array", "string", "number", "boolean", "null", "object", "array", "array",
        "json" },
        kinds)
      assert.equal("nil", core.type(nil))
    end)

    it("has no methods and no metatable to take hold of", function()
      local e = entry '{"find":1,"__index":2,"raw":3}'
      assert.same({ 1, 2, 3 }, { e.find, e.__index, e.raw })
      assert.is_false(getmetatable(e))
      assert.is_nil(entry("{}").__name)
    end)

    it("reports what is not an entry, and where", function()
      for text, message in pairs {
        ["[1]"] = "not an object, at byte 1",
        ['{"skill":1}'] = "skill is not a string, at byte 10",
        ['{"skill":}'] = "expected a value, at byte 10",
        ['{"attempts":[{"verified":1}]}'] = "attempts[].verified is not true or false, at byte 26",
        ['{"attempts":{}}'] = "attempts is not an array, at byte 13",
        ['{"duration_ms":1.5}'] = "duration_ms is not a 64-bit integer, at byte 16",
      } do
        local nothing, said = core.entry(text)
        assert.is_nil(nothing)
        assert.truthy(said:find(message:match "^(.-),", 1, true), said)
        assert.truthy(said:find(message:match "at byte.*", 1, true), said)
      end
    end)
  end)

  describe("assigned to", function()
    local function change(text, fn)
      local e = entry(text)
      fn(e)
      return tostring(e)
    end

    it("replaces a value in place and leaves every other byte", function()
      local e = entry(SAMPLE)
      e.skill = "b"
      e.attempts[1].verified = true
      e.input.list[3].x[2] = 1.0
      e.attempts[2].cost = 7
      e.z = core.null
      assert.equal('{"session_id":"s1", "skill":"b", "input":{"list":[1,null,{"x":[true,1.0]}],"s":"t"},'
        .. '"attempts":[{"attempt":1,"verified":true},{"attempt":2,"verified":true,"cost":7}],'
        .. '"duration_ms":null, "z":null}',
        tostring(e))
      assert.equal("b", e.skill)
      assert.is_true(e.attempts[1].verified)
    end)

    it("adds a member after the others, and to an empty object", function()
      assert.equal('{"a":1,"b":"x"}', change('{"a":1}', function(e) e.b = "x" end))
      assert.equal('{"b":true}', change("{}", function(e) e.b = true end))
      assert.equal('{"a":{"c":[]}}', change('{"a":{}}', function(e) e.a.c = core.array {} end))
      assert.equal('{"a": {"x":1,"c":{"d":[1,2]} } }', change('{"a": {"x":1 } }', function(e) e.a.c = { d = { 1,
        2 } } end))
      assert.equal('{"a\\n\\"":1}', change("{}", function(e) e['a\n"'] = 1 end))
    end)

    it("removes the first, the middle and the last member with nil, and duplicates with it", function()
      local text = '{"a":1, "b":2 ,"c":3}'
      assert.equal('{"b":2 ,"c":3}', change(text, function(e) e.a = nil end))
      assert.equal('{"a":1 ,"c":3}', change(text, function(e) e.b = nil end))
      assert.equal('{"a":1, "b":2}', change(text, function(e) e.c = nil end))
      assert.equal("{}", change('{"a":1}', function(e) e.a = nil end))
      assert.equal('{"b":2}', change('{"a":1,"b":2,"a":3}', function(e) e.a = nil end))
      assert.equal(text, change(text, function(e) e.x = nil end))
      assert.equal("{}", change(text, function(e) e.b, e.a, e.c = nil, nil, nil end))
    end)

    it("changes arrays: an element, one after the last, the last removed", function()
      local text = '{"l":[1, {"a":[]}, "x"]}'
      assert.equal('{"l":[true, {"a":[]}, "x"]}', change(text, function(e) e.l[1] = true end))
      assert.equal('{"l":[1, {"a":[]}, "x",4]}', change(text, function(e) e.l[4] = 4 end))
      assert.equal('{"l":[1, {"a":[]}]}', change(text, function(e) e.l[3] = nil end))
      assert.equal('{"l":[1, {"a":[0]}, "x"]}', change(text, function(e) e.l[2].a[1] = 0 end))
      assert.equal('{"l":[]}', change('{"l":[1]}', function(e) e.l[1] = nil end))
      local e = entry(text)
      for _, index in ipairs { 0, 5, -1, 1.5, "a" } do
        local ok, message = pcall(function() e.l[index] = 1 end)
        assert.is_false(ok)
        assert.truthy(message:find "an array's indices here are 1 to 4$", message)
      end
      local ok, message = pcall(function() e.l[1] = nil end)
      assert.is_false(ok)
      assert.truthy(message:find "only the last element of an array can be removed: use debrief.null, or assign a new ")
      assert.equal(text, tostring(e))
    end)

    it("takes any value that is JSON: other entries and parts of this one, too", function()
      assert.equal('{"a":{"x":1.50},"b":{"x":1.50}}', change('{"a":{"x":1.50}}', function(e) e.b = e.a end))
      assert.equal('{"a":{"a":{"x":1}}}', change('{"a":{"x":1}}', function(e) e.a = entry(tostring(e)) end))
      assert.equal('{"a":1.500}', change("{}", function(e) e.a = core.json " 1.500 " end))
      assert.equal('{"a":9223372036854775807,"b":0.1,"c":-0.0}', change("{}", function(e)
        e.a = math.maxinteger
        e.b = 0.1
        e.c = -0.0
      end))
    end)

    it("refuses what JSON cannot hold, and stays what it was", function()
      local e = entry '{"a":1}'
      for message, value in pairs {
        ["a function cannot be written as JSON"] = print, ["a number that is not finite cannot be written"] = 0 / 0,
        ["a number that is not finite at .x[2] cannot"] = { x = { 1, math.huge } },
        ["a table with holes, or with keys that are not strings, cannot"] = { 1, nil, 3 },
        ["a table that is both array and object cannot"] = { 1, a = 2 },
      } do
        local ok, said = pcall(function() e.a = value end)
        assert.is_false(ok)
        assert.truthy(said:find(message, 1, true), said)
      end
      local cycle = {}
      cycle.x = cycle
      assert.is_false(pcall(function() e.a = cycle end))
      assert.is_false(pcall(function() e[1] = 1 end))
      assert.is_false(pcall(function() e.skill = 1 end)) -- would be no entry any more
      assert.is_false(pcall(function() e.attempts = { 1 } end))
      assert.equal('{"a":1}', tostring(e))
    end)

    it("protects session_id and timestamp, of the entry only", function()
      local e = entry '{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z","input":{"session_id":"x"}}'
      for _, name in ipairs { "session_id", "timestamp" } do
        for _, value in ipairs { "s2", false } do
          local ok, message = pcall(function() e[name] = value or nil end)
          assert.is_false(ok)
          assert.equal(name .. " cannot be changed: it says where and when the entry was logged",
            message:match "[%a_]+ cannot.*")
        end
      end
      e.input.session_id = "y"
      e.input.timestamp = 1
      assert.equal('{"session_id":"y","timestamp":1}', tostring(e.input))
    end)

    it("takes values along that were taken before", function()
      local e = entry(SAMPLE)
      local last, x, list = e.attempts[2], e.input.list[3].x, e.input.list
      e.skill = ("long"):rep(100)
      assert.same({ true, 2 }, { last.verified, last.attempt })
      e.input.s = nil
      list[1] = "first"
      x[1] = { deep = true }
      assert.equal('["first",null,{"x":[{"deep":true},false]}]', tostring(list))
      assert.is_true(x[1].deep)
      last.note = "n"
      e.attempts[1].verified = nil
      assert.equal('{"attempt":2,"verified":true,"cost":1.50,"note":"n"}', tostring(last))
      assert.equal(tostring(e.attempts[2]), tostring(last))
      assert.equal(3, #list)
    end)

    it("makes values whose place was replaced or removed raise, for good", function()
      local e = entry(SAMPLE)
      local input, list, attempt = e.input, e.input.list, e.attempts[2]
      e.input = { list = { 1 } }
      e.attempts[2] = nil
      for _, value in ipairs { input, list, attempt } do
        for _ = 1, 2 do
          for _, use in ipairs { tostring, core.table, function(v) return v.x end, function(v) return #v end,
            function(v) v.x = 1 end, pairs } do
            local ok, message = pcall(use, value)
            assert.is_false(ok)
            assert.truthy(message:find "this value was replaced or removed in its entry: read it from the", message)
          end
          e.more = 1
        end
      end
      assert.equal('{"list":[1]}', tostring(e.input))
    end)

    it("follows hundreds of changes of every length", function()
      local e = entry '{"first":0,"keep":{"n":[1,2,3]},"last":0}'
      local keep = e.keep.n
      for i = 1, 400 do
        e.first = ("x"):rep(i * 7 % 50)
        e["m" .. i % 9] = i % 4 > 0 and { i } or nil
        if i % 10 == 0 then keep[1] = ("y"):rep(i % 13) end
        assert.equal(2, keep[2])
      end
      assert.equal(tostring(e.keep.n), tostring(keep))
      assert.same(core.table(e), core.decode(tostring(e)))
    end)

    it("may be done while pairs goes over it: each name once, in order", function()
      local function walk(text, fn)
        local e, keys = entry(text), {}
        for key, value in pairs(e) do
          keys[#keys + 1] = key
          fn(e, key, value)
          assert.is_true(#keys < 20)
        end
        return table.concat(keys, " "), tostring(e)
      end
      local text = '{"a":1,"bb":"[[[[","c":{"x":[1,2]},"d":"\\"\\"\\"","e":null}'
      assert.same({ "a bb c d e", '{"a":"lllll","bb":"lllll","c":"lllll","d":"lllll","e":"lllll"}' },
        { walk(text, function(e, key) e[key] = ("l"):rep(5) end) })
      assert.same({ "a bb c d e", "{}" }, { walk(text, function(e, key) e[key] = nil end) })
      assert.same({ "a c e", "{}" }, { walk('{"a":1 , "b":2, "c":3,"d":4 ,"e":5}', function(e, key)
        e[key] = nil
        e[string.char(key:byte() + 1)] = nil
      end) })
      assert.same({ "a b x", '{"a":1,"b":2,"x":3}' }, { walk('{"a":1,"b":2}', function(e, key)
        if key == "a" then e.x = 3 end
      end) })
      local list = entry '{"l":["a",[1],"c"],"x":1}'
      local seen = {}
      for i, value in pairs(list.l) do
        seen[#seen + 1] = i .. tostring(value)
        list.l[i] = ("z"):rep(i * 5)
        list.x = ("y"):rep(20 - i * 5)
      end
      assert.same({ "1a", "2[1]", "3c" }, seen)
      assert.same({ "a bb c d e", '{"a":0,"bb":0,"c":0,"d":0,"e":0}' }, { walk(text, function(e, key) e[key] = 0 end) })
    end)
  end)

  describe("as a value", function()
    it("is not changed by what happens to a copy, nor the copy by it", function()
      local e = entry(SAMPLE)
      e.extra = { 1 }
      local copy = core.copy(e)
      assert.equal(tostring(e), tostring(copy))
      copy.skill = "copy"
      e.extra[1] = 2
      assert.same({ "aé", "copy" }, { e.skill, copy.skill })
      assert.same({ 2, 1 }, { e.extra[1], copy.extra[1] })
      assert.is_false(pcall(core.copy, e.input))
    end)

    it("may be kept as long as one likes, or only a part of it", function()
      local parts = {}
      for i = 1, 200 do
        local e = entry(('{"i":%d,"l":[{"deep":["%s",%d]}]}'):format(i, ("x"):rep(i), i))
        if i % 2 == 0 then e.l[1].more = ("y"):rep(i) end
        parts[i] = e.l[1].deep
      end
      collectgarbage()
      collectgarbage()
      for _ = 1, 50 do entry(SAMPLE:rep(1)) end
      for i, part in ipairs(parts) do
        assert.equal(("x"):rep(i), part[1])
        assert.equal(i, part[2])
        if i % 3 == 0 then part[2] = -i end
      end
      collectgarbage()
      for i, part in ipairs(parts) do assert.equal(i % 3 == 0 and -i or i, part[2]) end
    end)

    it("is kept from being collected by an iterator over a part of it", function()
      local next_value, state, first = pairs(entry('{"a":{"b":[1,2,3]}}').a.b)
      collectgarbage()
      local sum = 0
      for _, value in next_value, state, first do
        collectgarbage()
        sum = sum + value
      end
      assert.equal(6, sum)
    end)

    it("takes 1.0 for 1, as a table does", function()
      local e = entry '{"attempts":[{"model":"m"}],"l":[7]}'
      assert.equal("m", e.attempts[1.0].model)
      assert.equal(7, e.l[1.0])
      assert.is_nil(e.l[1.5])
      assert.is_nil(e.l[0 / 0])
    end)

    it("is what its iterator goes over, whatever is passed to the iterator", function()
      local next_value = pairs(entry '{"aaaaaaaa":1,"b":2}')
      assert.equal("aaaaaaaa", (next_value(entry '{"x":"yyyyyyyyyyyyyyy"}')))
      assert.same({ "b", 2 }, { next_value(5) })
      assert.is_nil((next_value()))
      assert.is_nil((next_value()))
    end)

    it("ends its ipairs at any index", function()
      local e = entry '{"attempts":[{"attempt":1}],"l":[[1]],"attempts\\u0000":[[7]]}'
      local next_element = core.ipairs(e.l)
      for _, i in ipairs { math.maxinteger, math.mininteger, -1, -2, 1, 2 ^ 53 | 0 } do
        assert.is_nil((next_element(e.l, i)))
        assert.is_nil((next_element(e.attempts, i)))
      end
      assert.equal(7, e["attempts\0"][1][1])
    end)

    it("may be huge: 20 MB of text, 100,000 elements", function()
      local big = ("x"):rep(20 << 20)
      local e = entry('{"big":"' .. big .. '","l":[' .. ("7,"):rep(99999) .. "8]}")
      assert.equal(big, e.big)
      assert.equal(100000, #e.l)
      local sum = 0
      for _, n in ipairs(e.l) do sum = sum + n end
      assert.equal(700001, sum)
      assert.equal(8, e.l[100000])
      e.l[100000] = 9
      assert.equal(9, e.l[100000])
      assert.equal(big, e.big)
    end)

    it("may be as deep as 1,024 levels, and no deeper", function()
      local function nested(n) return '{"x":' .. ("["):rep(n - 1) .. ("]"):rep(n - 1) .. "}" end
      local e = entry(nested(1024))
      local level, depth = e.x, 2
      while level[1] do level, depth = level[1], depth + 1 end
      assert.equal(1024, depth)
      level[1] = "bottom"
      assert.truthy(tostring(e):find '%["bottom"%]')
      assert.is_false(pcall(function() level[1] = core.array {} end))
      assert.is_nil((core.entry(nested(1025))))
    end)

    it("may not be longer than 256 MiB", function()
      local text = (" "):rep((256 << 20) + 1)
      assert.same({ n = 2, nil, "longer than 256 MiB" }, table.pack(core.entry(text)))
    end)
  end)
end)
