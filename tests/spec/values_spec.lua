-- What an importer reads besides lines: the elements of a JSON array, one at a time, and rows of a database; isolated
-- or not.
local importers = dofile "tests/spec/support/importers.lua"
local program = importers.program
local values = require "debrief.import.values"

local CASES = { -- text, member, its elements, what is wrong
  { '[1, {"a":"]\\"}"}, [2,[3]], "x" , null]', nil, '1|{"a":"]\\"}"}|[2,[3]]|"x"|null' },
  { ' {"a":1} {"b":[1,2]}\n', nil, '{"a":1}|{"b":[1,2]}' },
  { '{"x":{"y":[1]},"m\\u0065":[{"q":1},2 ],"z":3}', "me", '{"q":1}|2' },
  { '{"x":1.25e3}', "me", "" }, { '{"me":null,"x":1}', "me", "" }, { "[]", nil, "" }, { "", nil, "" },
  { '{"x":1,"me":[1,2', "me", "1|2", "the document ends before its array does, at byte 17" },
  { '[{"x":1},{"y\\', nil, '{"x":1}', "the document is cut or is not JSON, at byte %d+" },
  { "[", nil, "", "the document ends before its array does, at byte 2" },
  { "[1 , }]", nil, "1", "the document is cut or is not JSON, at byte 6" },
  { "{1:2}", "me", "", "an object has no name here, at byte 2" },
}

-- A scanner that gets a text in pieces.
local function in_pieces(text, n)
  local at = 1
  return values.scanner(function()
    at = at + n
    return text:sub(at - n, at - 1)
  end)
end

describe("elements of a JSON document", function()
  it("are found wherever the text is cut into pieces", function()
    for n = 1, 12 do
      for _, case in ipairs(CASES) do
        local scanner, found = in_pieces(case[1], n), {}
        for text in scanner:elements(case[2]) do found[#found + 1] = text end
        assert.equal(case[3], table.concat(found, "|"), case[1])
        assert.equal(case[4] ~= nil, scanner.wrong ~= nil, case[1])
        assert(not case[4] or scanner.wrong:find("^" .. case[4] .. "$"), scanner.wrong)
      end
    end
  end)

  it("take the memory of one, not of the array", function()
    local element, left = '{"text":"' .. ("x"):rep(1000) .. '"}', 20000
    local scanner = values.scanner(function()
      left = left - 1
      return left == 19999 and "[" .. element or left > 0 and "," .. element or left == 0 and "]" or nil
    end)
    local most, n = 0, 0
    collectgarbage()
    local before = collectgarbage "count"
    for _ in scanner:elements() do
      n = n + 1
      if n % 1000 == 0 then
        collectgarbage()
        most = math.max(most, collectgarbage "count" - before)
      end
    end
    assert.equal(19999, n)
    assert(most < 2000, most) -- kB, of 20 MB
  end)

  it("are left out of a document with the rest of it", function()
    for n = 1, 12 do
      local out = in_pieces('{"a":[1,{"b":2}],"big":[[1],2],"c":{"d":"}"}}', n):document { big = true }
      assert.same({ text = '{"a":[1,{"b":2}],"c":{"d":"}"}}', passed = { big = true }, more = false }, out)
      assert.is_true(in_pieces('{"a":1}\n{"b":2}', n):document({}).more)
      out = in_pieces('{"a":1,"big":[1,', n):document { big = true }
      assert.same({ '{"a":1}', nil }, { out.text, out.more })
      assert.truthy(out.message:find "^the document ends here")
      assert.equal("the document is not a JSON object", in_pieces("1", n):document({}).message)
      assert.same({ passed = {} }, in_pieces(" [1]", n):document {})
    end
  end)
end)

describe("an outline", function()
  it("shows the members that a cut text begins with", function()
    local outline = values.outline('{"a":1,"b":[3,{"k":1}],"l":[{"k":"v","n":{"o":{"p":1}}}],"c":null,'
      .. '"d":{"e":"f","g":[1')
    assert.same({ a = 1, b = {}, l = { { k = "v", n = { o = {} } } }, c = false, d = { e = "f", g = {} } }, outline)
    assert.same({ { { type = "system" } }, {}, {}, {} }, { values.outline '[{"type":"system"},{"type":"result"}]',
      values.outline "", values.outline "5", values.outline "{" })
  end)
end)

-- ---- Plugins -------------------------------------------------------------------------------------------------------

local scene

-- What a plugin with this body saw, in lines, isolated or not: the same.
local function seen(body, file)
  scene:write("p.lua", ([[return { name = "p", api = 1, import = { open = function(source, emit)
    local n = 0
    local function seen(...)
      n = n + 1
      local words = table.pack(...)
      for i = 1, words.n do words[i] = tostring(words[i]) end
      emit { session_id = "s", skill = table.concat(words, " "), source = { kind = "k", key = tostring(n) } }
    end
    %s
  end } }]]):format(body))
  local answers = {}
  for i, words in ipairs { { "p" }, { "--isolate", "./p.lua" } } do
    if i == 1 or not program.sanitized then -- an isolated process has no room for a sanitizer
      scene:sh "rm -rf log"
      words.env = { DEBRIEF_PLUGIN_PATH = i == 1 and scene.dir or "" }
      table.move(words, 1, #words, 4)
      words[1], words[2], words[3] = "-d", "log", "import"
      words[#words + 1] = file
      local r = scene:run(words)
      answers[i] = { scene:run({ "-d", "log", "read", "--fields", "skill" }).out, (r.err:gsub("%./p%.lua", "p.lua")
        :gsub("[^%s<]*/p%.lua", "p.lua")), r.status }
    end
  end
  if answers[2] then assert.same(answers[1], answers[2]) end
  return table.unpack(answers[1])
end

describe("a source", function()
  setup(function() scene = program.scene() end)
  teardown(program.clean)

  it("has the values of a document, and reports those that are no objects", function()
    scene:write("d.json", '{"a":1,"list":[{"x":"a\\nb"},\n {"y":\n2}, 3, {"z":}]}\n')
    local out, err, status = seen([[
      local document, out, more = source:document "list"
      seen(document.a, document.list, out.list, more)
      for value, n in source:values "list" do seen(n, value) end]], "d.json")
    scene:write("a.json", "[1]")
    assert.equal("nil\n", (seen("seen((source:document()))", "a.json")))
    assert.equal('1 nil true false\n1 {"x":"a\\\\nb"}\n2 {"y": 2}\n', out)
    assert.truthy(err:find("d.json:3:1 bad_entry: element 3 is not an object", 1, true), err)
    assert.truthy(err:find("d.json:4:1 bad_json: element 4: ", 1, true), err)
    assert.equal(3, status)
  end)

  it("reads a large array", function()
    local lines = {}
    for i = 1, 20000 do lines[i] = ('{"n":%d,"text":"%s"}'):format(i, ("y"):rep(100)) end
    scene:write("d.json", "[" .. table.concat(lines, ",\n") .. "]")
    local out = seen("local n, sum = 0, 0; for v in source:values() do n, sum = n + 1, sum + v.n end seen(n, sum)",
      "d.json")
    assert.equal("20000 200010000\n", out)
  end)

  it("has the rows of a database, which nothing can change", function()
    if not os.execute "command -v sqlite3 >/dev/null" then return pending "sqlite3 is not installed" end
    scene:write("t.sql", [[create table t(a, b); insert into t values (1, 'x'), (2, '{"q":7}'), (3, null);]])
    scene:sh "sqlite3 t.db <t.sql"
    local out, err = seen([[for row, n in source:rows "SELECT a, b FROM t ORDER BY a" do seen(n, row.a, row.b) end
      for _ in source:rows "select a from t where a > 9" do seen "none" end]], "t.db")
    assert.equal('1 1 x\n2 2 {"q":7}\n3 3 nil\n', out, err)
    local before = scene:sh("rm -rf log; ls; md5sum t.db").out
    for query, message in pairs {
      ["DELETE FROM t"] = "the query must begin with SELECT",
      [".shell touch made"] = "the query must begin with SELECT",
      ["SELECT 1; DELETE FROM t"] = "readonly",
      ["SELECT 1; ATTACH 'other.db' AS o"] = "safe",
      ["SELECT writefile('made', 'x')"] = "safe",
      ["SELECT readfile('/etc/passwd')"] = "safe",
      ["SELECT load_extension('x')"] = "safe",
      ["SELECT c FROM t"] = "no such column",
      ["SELECT 1\n.shell touch made"] = "syntax error",
    } do
      out, err = seen(("for row in source:rows(%q) do seen(row) end"):format(query), "t.db")
      assert.truthy(err:find(message, 1, true), query .. ": " .. err)
      assert.equal("", out)
    end
    assert.equal(before, (scene:sh("rm -rf log; ls; md5sum t.db").out))
  end)

  it("says what to install where sqlite3 is missing", function()
    scene:write("t.db", "SQLite format 3\0")
    scene:write("p.lua", [[return { name = "p", api = 1, import = { open = function(source)
      for _ in source:rows "SELECT 1" do end end } }]])
    local r = scene:run { "-d", "log", "import", "p", "t.db",
      env = { DEBRIEF_PLUGIN_PATH = scene.dir, PATH = "/nowhere" } }
    assert.truthy(r.err:find("t.db: to read a database, install the program sqlite3", 1, true), r.err)
  end)
end)
