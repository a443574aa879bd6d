-- debrief import as a command: which plugin reads a file, what is refused, what is counted. What the bundled import
-- plugins make of real files is in import_spec.lua.
local program = dofile "tests/spec/support/program.lua"

local scene

-- An import plugin for lines {"run":KEY,"in":SESSION}; `body` runs for each before emit.
local function plugin(body, name)
  scene:write((name or "toy") .. ".lua", ([[return { name = "%s", api = 1, import = {
    detect = function(path, head) return head:find('"run"', 1, true) ~= nil end,
    open = function(source, emit, ctx)
      for line, number in source:lines() do
        local entry = { session_id = line["in"] or "s1", skill = line.skill, source = { kind = "toy", key = line.run } }
        %s
        emit(entry, { open = line.open })
      end
    end } }]]):format(name or "toy", body or ""))
end

local function import(...)
  local words = { "import", ... }
  words.env = { DEBRIEF_PLUGIN_PATH = "." }
  return scene:run(words)
end

describe("import", function()
  before_each(function()
    scene = program.scene()
    plugin()
  end)
  teardown(program.clean)

  it("gives an importer its time for each line and each entry, once", function()
    scene = program.scene()
    local template = [=[return { name = "slow", api = 1, import = { open = function(source, emit)
      local function work() for _ = 1, 2e7 do end end
      %s
    end } }]=]
    local function run(body)
      scene:write("slow.lua", template:format(body))
      scene:write("in.jsonl", '{"a":1}\n')
      return scene:run { "-d", "log", "import", "./slow.lua", "in.jsonl", "--plugin-time=0.5" }
    end
    local r = run [=[for _ in source:lines() do
      for i = 1, 12 do work() emit { session_id = "s", source = { kind = "k", key = tostring(i) } } end end]=]
    assert.same({ "debrief: 12 entries stored in log, from 1 file\n", 0 }, { r.err, r.status })
    r = run [=[while true do emit { session_id = "s", source = { kind = "k", key = "1" } } end]=]
    assert.truthy(r.err:find "'slow', import: .*took more than 500 ms", r.err)
    r = run [=[while true do for _ in source:lines() do end end]=]
    assert.truthy(r.err:find("./slow.lua:3: source:lines: this file was opened 100 times before", 1, true), r.err)
  end)

  it("stores sparse entries in their sessions, once", function()
    scene:write("log.jsonl", '{"run":"1","skill":"a"}\n{"run":"2","in":"s2"}\n{"run":"3"}\n')
    local r = import("./toy.lua", "log.jsonl")
    assert.same({ "", 0 }, { r.out, r.status })
    assert.equal("debrief: 3 entries stored in sessions, from 1 file\n", r.err)
    assert.equal('{"session_id":"s1","skill":"a","source":{"key":"1","kind":"toy"}}\n'
      .. '{"session_id":"s1","source":{"key":"3","kind":"toy"}}\n', scene:read "sessions/s1.jsonl")
    local before = scene:sh("cat sessions/*").out
    r = import("log.jsonl")
    assert.equal("debrief: 0 entries stored in sessions, 3 there already, from 1 file, unchanged since the last "
      .. "import\n", r.err)
    assert.equal(before, scene:sh("cat sessions/*").out)
  end)

  it("withholds what is open, until --final", function()
    scene:write("log.jsonl", '{"run":"1"}\n{"run":"2","open":true}\n')
    assert.equal("debrief: 1 entry stored in sessions, 1 withheld (still open; --final imports them), from 1 file\n",
      import("toy", "log.jsonl").err)
    assert.equal("debrief: 1 entry stored in sessions, 1 there already, from 1 file\n",
      import("--final", "toy", "log.jsonl").err)
  end)

  it("counts as withheld what is open in every file that has it", function()
    for _, order in ipairs { { "open", "ended" }, { "ended", "open" } } do
      scene:write("in/1.jsonl", ('{"run":"1"%s}\n'):format(order[1] == "open" and ',"open":true' or ""))
      scene:write("in/2.jsonl", ('{"run":"1"%s}\n'):format(order[2] == "open" and ',"open":true' or ""))
      local r = import("toy", "in", "-d", order[1])
      assert.equal(("debrief: 1 entry stored in %s, from 2 files\n"):format(order[1]), r.err)
    end
  end)

  it("takes the files below a folder, and reports every damaged line with its place", function()
    scene:write("in/a/1.jsonl", '{"run":"1"}\nnot json\n{"run":"2"}\n')
    scene:write("in/b.jsonl", '{"run":"3"}\n{"run":"4"')
    scene:write("in/note.txt", "x")
    local r = import("toy", "in")
    assert.equal("in/b.jsonl:2:12 torn_tail: the last line was cut short []\n"
      .. "in/a/1.jsonl:2:12 bad_json: expected a value, at byte 1 of the line [not json]\n",
      (r.err:gsub("debrief: [^\n]+\n", ""):gsub("torn_tail: the last line was cut short [^\n]*",
        "torn_tail: the last line was cut short []")))
    assert.truthy(r.err:find("debrief: 3 entries stored in sessions, from 2 files\n", 1, true), r.err)
    assert.equal(3, r.status)
  end)

  it("fails for a file that no plugin knows, and still imports the others", function()
    scene:write("a.jsonl", '{"x":1}\n')
    scene:write("b.jsonl", '{"run":"1"}\n')
    local r = import("a.jsonl", "b.jsonl")
    assert.equal(1, r.status)
    assert.truthy(r.err:find("debrief: no importer knows a.jsonl: it looks like JSON lines that begin with an object "
      .. "with x; there are importers for aider, atif,", 1, true), r.err)
    assert.truthy(scene:read "sessions/s1.jsonl")
  end)

  it("stores nothing of a file whose plugin fails, and says where", function()
    plugin "if number == 2 then error 'what is this?' end"
    scene:write("a.jsonl", '{"run":"1"}\n{"run":"2"}\n')
    scene:write("b.jsonl", '{"run":"3"}\n')
    local r = import("toy", "a.jsonl", "b.jsonl")
    assert.truthy(r.err:find("debrief: plugin 'toy', import: ./toy.lua:6: what is this? (at a.jsonl:2)", 1, true),
      r.err)
    assert.equal(3, r.status)
    assert.equal('{"session_id":"s1","source":{"key":"3","kind":"toy"}}\n', scene:read "sessions/s1.jsonl")
  end)

  it("refuses what emit cannot store, naming the plugin's line", function()
    for body, message in pairs {
      ["entry.session_id = 'a/b'"] = "emit: session_id a/b is not one: use debrief.session_id(text)",
      ["entry.session_id = nil"] = "emit: session_id nil is not one: use debrief.session_id(text)",
      ["entry.source = nil"] = "emit: source = { kind = …, key = … } is missing: it says which entries are there",
      ["entry.source.key = 7"] = "emit: source = { kind = …, key = … } is missing: it says which entries are there",
      ["entry.input = print"] = "emit: a function cannot be written as JSON",
      ["entry = 5"] = "emit wants a table, not number",
    } do
      plugin(body)
      scene:write("a.jsonl", '{"run":"1"}\n')
      local r = import("toy", "a.jsonl")
      assert.truthy(r.err:find("debrief: plugin 'toy', import: ./toy.lua:7: " .. message, 1, true), r.err)
      assert.equal(3, r.status)
      assert.is_nil(scene:read "sessions/s1.jsonl")
    end
  end)

  it("leaves a field out that has the wrong type, and says so with the line it stands on", function()
    for body, message in pairs {
      ["entry.skill = 5"] = "skill is integer, not string: left out",
      ["entry.timestamp = 'x'"] = "the timestamp is not a time: 'x': left out",
      ["entry.attempts = { { attempt = 1, verified = 'yes' } }"] = "verified is string, not boolean: left out",
    } do
      plugin(body)
      scene:write("a.jsonl", '{"run":"1","phase":"p"}\n{"run":"2","phase":"p"}\n')
      local r = import("toy", "a.jsonl")
      assert.truthy(r.err:find("a.jsonl:2:1 left_out: " .. message, 1, true), r.err)
      assert.equal(0, r.status)
      local _, lines = scene:read("sessions/s1.jsonl"):gsub("\n", "")
      assert.equal(2, lines)
    end
  end)

  it("makes whole numbers and times of what can mean only one", function()
    plugin "entry.duration_ms, entry.timestamp = 12.0, '2026-11-02 10:00:00Z'"
    scene:write("a.jsonl", '{"run":"1"}\n')
    assert.equal(0, import("toy", "a.jsonl").status)
    assert.truthy(scene:read("sessions/s1.jsonl"):find('"timestamp":"2026-11-02T10:00:00Z","duration_ms":12,', 1, true))
  end)

  it("stores what was emitted, whatever the plugin does to its table later", function()
    plugin "emit(entry) entry.skill, entry.source.key = 'changed', 'other'"
    scene:write("a.jsonl", '{"run":"1","skill":"first"}\n')
    import("toy", "a.jsonl")
    assert.truthy(scene:read("sessions/s1.jsonl"):find '"skill":"first","source":{"key":"1"')
  end)

  it("refuses files and plugins that are not there", function()
    for message, words in pairs {
      ["none.jsonl: No such file or directory"] = { { "none.jsonl" }, 1 },
      ["./none.lua: No such file or directory"] = { { "./none.lua", "a.jsonl" }, 2 },
      ["no plugin 'toyy': did you mean 'toy'?"] = { { "toyy", "a.jsonl" }, 2 },
      ["'toy' is not a file, and no file follows it"] = { { "toy" }, 2 },
      ["plugin 'skills' has no import hook"] = { { "skills", "a.jsonl" }, 2 },
    } do
      scene:write("a.jsonl", '{"run":"1"}\n')
      local r = import(table.unpack(words[1]))
      assert.truthy(r.err:find(message, 1, true), r.err)
      assert.equal(words[2], r.status)
      assert.is_nil(scene:read "sessions/s1.jsonl")
    end
  end)
end)
