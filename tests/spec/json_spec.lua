-- debrief.encode, decode and json: exact, with lua-cjson as a second opinion. And entries written from Lua tables: the
-- vectors, byte for byte.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"
local cjson = require "cjson"

describe("encode", function()
  it("writes scalars, and floats so that they come back as floats", function()
    for text, value in pairs {
      ["1"] = 1, ["-0.0"] = -0.0, ["1.0"] = 1.0, ["0.1"] = 0.1, ["9223372036854775807"] = math.maxinteger,
      ["-9223372036854775808"] = math.mininteger, ["1e+300"] = 1e300, ["true"] = true, ['""'] = "",
      ["null"] = core.null, ["[]"] = core.array {}, ["{}"] = {}, ['[1,"a",[]]'] = { 1, "a", core.array {} },
    } do
      local written = core.encode(value)
      if text == "1e+300" then
        assert.equal(1e300, core.decode(written))
      else
        assert.equal(text, written)
      end
    end
    assert.equal("null", core.encode(nil))
  end)

  it("writes members by name in byte order", function()
    assert.equal('{"":0,"A":1,"a":2,"aa":3,"b":4,"é":5}', core.encode { b = 4, aa = 3, ["é"] = 5, a = 2, A = 1,
      [""] = 0 })
  end)

  it("escapes as the log does, and bad UTF-8 as \\ufffd", function()
    assert.equal('"\\"\\\\/\\u003c\\u003e\\u0026\\u2028\\n\\r\\t\\u0008\\u0000\127"',
      core.encode "\"\\/<>&\u{2028}\n\r\t\b\0\127")
    assert.equal([["a\ufffdb\ufffd"]], core.encode "a\xffb\xc3")
  end)

  it("refuses what JSON cannot hold, and says where", function()
    local cycle = {}
    cycle.a = { cycle }
    for message, value in pairs {
      ["a function cannot be written as JSON"] = print,
      ["a thread at .a[2].b cannot be written as JSON"] = { a = { 1, { b = coroutine.create(print) } } },
      ["a number that is not finite at [1] cannot be written as JSON"] = { 0 / 0 },
      ["a table with holes, or with keys that are not strings, at .x cannot"] = { x = { [2] = 1 } },
      ["a table with holes, or with keys that are not strings, cannot"] = { [1.5] = 1 },
      ["a table that is both array and object cannot"] = { 1, b = 1 },
      ["a userdata cannot be written as JSON"] = io.stdout,
      ["a table that contains itself, or more than 1,024 levels, at …"] = cycle,
    } do
      local ok, said = pcall(core.encode, value)
      assert.is_false(ok)
      assert.equal(message, said:sub(1, #message))
    end
    assert.is_false(pcall(core.encode))
  end)
end)

describe("decode", function()
  it("keeps integers, floats, null and empty arrays apart", function()
    local t = core.decode ' [1, 1.0, -0, 1e2, null, [], {}, 9223372036854775807, 9223372036854775808] '
    local kinds = {}
    for i = 1, #t do kinds[i] = math.type(t[i]) or core.type(t[i]) end
    assert.same({ "integer", "float", "float", "float", "null", "array", "object", "integer", "float" }, kinds)
    assert.equal('{"a":[],"b":{},"c":[null]}', core.encode(core.decode '{"c":[null],"b":{},"a":[]}'))
  end)

  it("says what is no JSON, and at which byte", function()
    for text, message in pairs {
      [""] = "the text ends where a value is expected, at byte 1", ["[1,]"] = "expected a value, at byte 4",
      ["{'a':1}"] = "expected", ["[1] x"] = "at byte 5", ["NaN"] = "at byte 1", ["0x10"] = "at byte 2",
      ["01"] = "a number must not start with 0, at byte 1",
      ["1."] = "at byte 3", ['"a'] = "at byte 3", ['"\1"'] = "at byte 2",
      ["\xef\xbb\xbf1"] = "at byte 1", ["nul"] = "at byte 1", ['"\\x"'] = "at byte",
    } do
      local value, said = core.decode(text)
      assert.is_nil(value)
      assert.truthy(said:find(message, 1, true), text .. ": " .. said)
    end
    assert.is_nil((core.decode(("["):rep(1025) .. ("]"):rep(1025))))
    assert.truthy(core.decode(("["):rep(1024) .. ("]"):rep(1024)))
  end)
end)

describe("json", function()
  it("checks and compacts, and changes no other byte", function()
    local text = core.json ' {"b" : 1.50 , "a":[ 1e5, "\\u00e9<é" ] } '
    assert.equal('{"b":1.50,"a":[1e5,"\\u00e9<é"]}', tostring(text))
    assert.equal('{"x":{"b":1.50,"a":[1e5,"\\u00e9<é"]}}', core.encode { x = text })
    assert.same({ nil, "expected a value, at byte 2" }, { core.json "[}" })
  end)
end)

describe("random JSON", function()
  local random = math.random
  local function text_of(n)
    local out = {}
    local ranges = { { 32, 126 }, { 160, 0xd7ff }, { 0x10000, 0x10ffff } }
    for i = 1, random(0, n) do out[i] = utf8.char(random(table.unpack(ranges[random(3)]))) end
    return table.concat(out)
  end
  local function value(depth)
    local kind = random(depth > 3 and 5 or 7)
    if kind == 1 then return random(2) == 1 end
    if kind == 2 then return random(-1000000, 1000000) end
    if kind == 3 then return random(-1000, 1000) + 1 / 128 end
    if kind == 4 then return text_of(12) end
    if kind == 5 then return cjson.null end
    local t = {}
    for i = 1, random(4) do t[kind == 6 and i or text_of(5) .. i] = value(depth + 1) end
    return t
  end

  it("is read by cjson as it was written here, and the other way round", function()
    math.randomseed(20260503)
    cjson.encode_number_precision(14)
    for _ = 1, 300 do
      local v = value(0)
      local text = core.encode(v)
      assert.same(v, cjson.decode("[" .. text .. "]")[1])
      local back = core.decode(cjson.encode { v })[1]
      assert.same(v, back)
      assert.equal(text, core.encode(back))
      assert.equal(text, core.encode(core.decode(text)))
      local e = core.entry('{"input":' .. text .. "}")
      assert.equal('{"input":' .. text .. "}", tostring(e))
      assert.same(v, core.table(e).input == nil and cjson.null or core.decode(core.raw(e, "input")))
      local inner = core.json(text)
      assert.equal(text, tostring(inner))
    end
  end)
end)

describe("an entry from a Lua table", function()
  local function line(t, sparse) return assert(core.line("s1", t, sparse)) end
  local T = "2026-01-02T03:04:05.060Z"
  local HEAD = '{"session_id":"s1","timestamp":"2026-01-02T03:04:05.06Z",'

  it("is written as the original does, unknown fields sorted after them", function()
    assert.equal(HEAD
      .. '"skill":"a\\u003cb","input":{"k":[1,2.5]},"attempts":[{"attempt":1,"model":"","verified":false,'
      .. '"a":1,"z":null}],"final_status":"","duration_ms":5,"a":[],"z":1.50}',
      line { timestamp = T, skill = "a<b", z = core.json "1.50", a = core.array {}, duration_ms = 5.0,
        input = { k = { 1, 2.5 } }, attempts = { { z = core.null, attempt = 1, a = 1 } } })
  end)

  it("is written sparsely with what was given only", function()
    assert.equal('{"session_id":"s1"}', line({}, true))
    assert.equal('{"session_id":"s1","skill":"a","attempts":[{"model":"m"},{"verified":false}],"duration_ms":0}',
      line({ skill = "a", duration_ms = 0, attempts = { { model = "m" }, { verified = false } } }, true))
    assert.equal('{"session_id":"s1","attempts":[]}', line({ attempts = {} }, true))
    assert.equal('{"session_id":"s1","timestamp":"2026-01-02T03:04:05.06Z"}', line({ timestamp = T }, true))
  end)

  it("takes nanoseconds for a timestamp, an entry's attempts, and names with NUL", function()
    assert.equal('{"session_id":"s1","timestamp":"1970-01-01T00:00:01.5Z"}', line({ timestamp = 1500000000 }, true))
    assert.equal('{"session_id":"s1","timestamp":"1969-12-31T23:59:59.999999999Z"}', line({ timestamp = -1 }, true))
    local e = core.entry '{"attempts":[{"attempt":1,"x":1.5},{"attempt":2}]}'
    assert.equal('{"session_id":"s1","attempts":[{"attempt":1,"x":1.5},{"attempt":2}]}',
      line({ attempts = e.attempts }, true))
    assert.equal('{"session_id":"s1","attempts":[{"attempt":2}]}', line({ attempts = { e.attempts[2] } }, true))
    assert.equal('{"session_id":"s1","skill\\u0000":1}', line({ ["skill\0"] = 1 }, true))
  end)

  it("raises for a field of another type, naming it", function()
    for message, t in pairs {
      ["skill must be a string, not number"] = { skill = 1 },
      ["duration_ms must be an integer, not number"] = { duration_ms = 1.5 },
      ["duration_ms must be an integer, not string"] = { duration_ms = "5" },
      ["attempts must be an array of tables, not string"] = { attempts = "x" },
      ["attempts[] must be a table, not number"] = { attempts = { 1 } },
      ["attempts[].verified must be true or false, not string"] = { attempts = { { verified = "yes" } } },
      ["attempts[].model must be a string, not boolean"] = { attempts = { { model = true } } },
      ["timestamp must be an RFC 3339 string or integer nanoseconds, not number"] = { timestamp = 1.5 },
      ["timestamp 'x' is not RFC 3339 (2026-05-03T10:00:00Z)"] = { timestamp = "x" },
      ["an entry is a table, an entry or JSON text, not number"] = 5,
      ["a function at .f cannot be written as JSON"] = { f = print },
    } do
      local ok, said = pcall(core.line, "s1", t)
      assert.is_false(ok)
      assert.equal(message, said)
    end
    assert.same({ nil,
      'session_id is "x", but the entry goes to session "s1": append it to "x", or leave session_id out' },
      { core.line("s1", { session_id = "x" }) })
  end)

  it("is each of the vectors, byte for byte", function()
    local folder = program.root .. "/tests/data/vectors"
    local input = assert(program.read(folder .. "/append-in.jsonl"))
    local expected = {}
    for text in program.read(folder .. "/append-out.jsonl"):gmatch "[^\n]+" do expected[#expected + 1] = text end
    local n = 0
    for text in input:gmatch "[^\n]+" do
      n = n + 1
      local fields = assert(core.entry(text))
      local t = core.table(fields)
      local raw = core.raw(fields, "input")
      t.input = raw and core.json(raw)
      assert.equal(expected[n], assert(core.line(t.session_id, t)), ("vector %d"):format(n))
    end
    assert.same({ 240, 240 }, { n, #expected })
  end)
end)
