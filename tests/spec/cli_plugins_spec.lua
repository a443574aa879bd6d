-- debrief plugins: the list, and one of them shown.
local program = dofile "tests/spec/support/program.lua"

describe("plugins", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("lists every bundled plugin by name, with hooks and summary", function()
    local r = scene:run { "plugins" }
    assert.same({ "", 0 }, { r.err, r.status })
    local names, files = {}, {}
    for name, hooks, summary in r.out:gmatch "([^\n ]+) +([^\n ]+) +([^\n]+)\n" do
      names[#names + 1] = name
      assert.truthy(hooks:find "^[a-z,]+$", hooks)
      assert.truthy(#summary > 10, summary)
    end
    local pipe = assert(io.popen "ls plugins | sed -n 's/[.]lua$//p' | LC_ALL=C sort")
    for name in pipe:lines() do files[#files + 1] = name end
    pipe:close()
    assert.same(files, names)
  end)

  it("waits for no file in a plugin folder, nor do completions", function()
    scene:write("mine/good.lua",
      "return { name = 'good', api = 1, summary = 'fine', filter = function() return true end }")
    scene:write("mine/loop.lua", "while true do end")
    scene:write("mine/zloop.lua", "('a'):rep(3000):find(('.-'):rep(5) .. 'b')")
    local labels = {} -- the compiler compares each with all before it
    for i = 1, 30000 do labels[i] = ("::l%d:: do end"):format(i) end
    scene:write("mine/labels.lua", ("do %s end\n"):format(table.concat(labels)):rep(20))
    scene:sh "mkfifo mine/fifo.lua; mkdir mine/folder.lua; ln -s /dev/zero mine/zero.lua; ln -s loop mine/dangling.lua"
    local env = { DEBRIEF_PLUGIN_PATH = "mine" }
    local r = scene:sh("timeout -s KILL 60 $DEBRIEF plugins --plugin-time=0.1", env)
    assert.equal(3, r.status)
    assert.truthy(r.out:find "\ngood +filter +fine\n", r.out)
    for _, name in ipairs { "loop", "zloop", "labels" } do
      local line = ("plugin does not load: mine/%s.lua: loading it took more than 100 ms\n"):format(name)
      assert.truthy(r.err:find(line, 1, true), r.err)
    end
    r = scene:sh("timeout -s KILL 60 $DEBRIEF read --filter fifo", env)
    assert.truthy(r.status == 2 and r.err:find "no plugin 'fifo'", r.err)
    r = scene:sh("timeout -s KILL 60 $DEBRIEF completion zsh -- read --filter goo", env)
    assert.same({ "good\tfine\n", "", 0 }, { r.out, r.err, r.status })
  end)

  it("lists what does not load as an error, and the others all the same", function()
    scene:write("mine/bad.lua", "return {")
    scene:write("mine/good.lua",
      "return { name = 'good', api = 1, summary = 'fine', filter = function() return true end }")
    scene:write("mine/abuse.lua", [[
      for _, library in ipairs { string, table, math } do for name in pairs(library) do library[name] = nil end end
      pairs, ipairs, type = nil, nil, nil
      return { name = "abuse", api = 1, summary = ("x"):rep(3), filter = function() return true end }]])
    scene:write("mine/bug.lua", "error 'boom'")
    scene:write("mine/README.md", "no plugin")
    scene:write("mine/Not-one.lua", "no plugin")
    local r = scene:run { "plugins", env = { DEBRIEF_PLUGIN_PATH = "mine" } }
    assert.equal("debrief: plugin does not load: mine/bad.lua:1: unexpected symbol near <eof>\n"
      .. "debrief: plugin does not load: mine/bug.lua:1: boom\n", r.err)
    assert.equal(3, r.status)
    assert.truthy(r.out:find "^abuse +filter +xxx\n", r.out)
    assert.truthy(r.out:find "\ngood +filter +fine\n", r.out)
    assert.truthy(r.out:find "\nsummary ", r.out)
  end)

  it("folds summaries on a terminal, and lines them up", function()
    local r = scene:sh([[script -qec 'stty cols 60; "$DEBRIEF" plugins' /dev/null </dev/null]])
    if r.status == 127 then return pending "no script(1) here" end
    local left = r.out:match("\n(slow +%S+ +)")
    assert.truthy(r.out:find("\n" .. left .. "Runs that", 1, true), r.out)
    for line in r.out:gmatch "[^\r\n]+" do assert.truthy(utf8.len(line) <= 60, line) end
    for indent in r.out:gmatch "\n( +)%S" do assert.equal(#left, #indent) end
  end)

  it("shows one: where it comes from, its hooks and options", function()
    scene:write("p.lua", [[return { name = "p", api = 1, summary = "What p does",
      options = { limit = { type = "integer", default = 3, min = 1, max = 9, help = "how many" },
        off = { type = "boolean" }, by = { type = "string", default = "", choices = { "", "day" } } },
      enrich = function() end, filter = function() return true end }]])
    local r = scene:run { "plugins", "./p.lua" }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find("p: What p does\n", 1, true), r.out)
    assert.truthy(r.out:find("./p.lua\n", 1, true), r.out)
    assert.truthy(r.out:find("\nhooks: enrich, filter\n", 1, true), r.out)
    assert.truthy(r.out:find "limit +integer, default 3, at least 1, at most 9\n +how many\n", r.out)
    assert.truthy(r.out:find "off +boolean\n$", r.out)
    assert.truthy(r.out:find 'by +string, default "", one of "", day\n', r.out)
  end)

  it("names the fields that its text and match name", function()
    scene:write("f.lua", [[return { name = "f", api = 1, match = { kind = "x" }, enrich = function(e) e.a = e.b end,
      retrospective = { init = function() return {} end, step = function(acc, entry, ctx) acc.n = entry.c end,
        finish = function(acc) return { title = acc.d } end } }]])
    local r = scene:run { "plugins", "./f.lua" }
    assert.truthy(r.out:find("\nfields it names: a, b, c, kind\n", 1, true), r.out)
    scene:write("a.lua", [[return { name = "a", api = 1,
      filter = function(run) for _ in require "debrief".attempts(run) do return true end return false end }]])
    assert.truthy(scene:run({ "plugins", "./a.lua" }).out:find("\nfields it names: attempts\n", 1, true))
  end)

  describe("--check", function()
    local function checked(text, ...)
      for i = 1, 4 do scene:write(("sessions/s%d.jsonl"):format(i), ('{"skill":"a"}\n{"skill":"b"}\n'):rep(i)) end
      scene:write("p.lua", text)
      return scene:run { "plugins", "--check", "./p.lua", ... }
    end

    local RETRO = [[local debrief, seen = require "debrief", {}
      return { name = "p", api = 1, retrospective = { init = function() return { n = 0 } end,
        step = function(acc, entry) %s end, merge = function(acc, other) acc.n = acc.n + other.n end,
        finish = function(acc) return { title = tostring(acc.n) } end } }]]

    it("finds state of a retrospective that is not in its accumulator", function()
      if program.sanitized then return pending "an isolated process has no room for a sanitizer" end
      for _, more in ipairs { {}, { "--isolate" } } do
        local r = checked(RETRO:format "if not seen[entry.skill] then acc.n = acc.n + 1 end seen[entry.skill] = true",
          table.unpack(more))
        assert.same({ 1, "" }, { r.status, r.err })
        assert.truthy(r.out:find("p: it keeps state outside of its accumulator, so its results change with -j: "
          .. "report.title is 2 in one run, 6 in fresh states\n", 1, true), r.out)
      end
      local r = checked(RETRO:format "acc.n = acc.n + 1")
      assert.equal(0, r.status)
      assert.truthy(r.out:find("p: 3 pieces, each in a fresh state, have the same result\n", 1, true), r.out)
    end)

    it("finds state of filters and enrichers", function()
      for _, hook in ipairs { "filter = function() n = n + 1 return n % 3 == 0 end",
        "enrich = function(entry) n = n + 1 entry.n = n end" } do
        local r = checked(("local n = 0 return { name = 'p', api = 1, %s }"):format(hook))
        assert.equal(1, r.status)
        assert.truthy(r.out:find("p: it keeps state outside of its hooks, so its results change with -j: what becomes "
          .. "of entry ", 1, true), r.out)
      end
      assert.equal(0, checked("return { name = 'p', api = 1, filter = function(e) return e.skill == 'a' end }").status)
    end)

    it("finds reports that differ from run to run", function()
      local r = checked((RETRO:format "acc.n = acc.n + 1":gsub("tostring%(acc.n%)", "tostring({})")))
      assert.equal(1, r.status)
      assert.truthy(r.out:find("two runs over the same entries differ: report.title is table: ", 1, true)
        or r.out:find("the law of merge is broken", 1, true), r.out)
    end)

    it("says what it could not test", function()
      checked(RETRO:format "acc.n = acc.n + 1")
      scene:sh "rm sessions/s[234].jsonl"
      local r = scene:run { "plugins", "--check", "./p.lua" }
      assert.equal("p: loads; hooks: retrospective\np: 2 entries of 1 session: no errors\n"
        .. "p: the law of merge was not tested: that takes entries in two sessions\n", r.out)
    end)
  end)

  it("calls a match alone a filter, which --check tries", function()
    scene:write("m.lua", [[return { name = "m", api = 1, match = { skill = "a" } }]])
    local r = scene:run { "plugins", "./m.lua" }
    assert.same({ "m\nfile: ./m.lua\nhooks: filter\nfields it names: skill\n", "", 0 }, { r.out, r.err, r.status })
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n')
    r = scene:run { "plugins", "--check", "./m.lua" }
    assert.equal("m: loads; hooks: filter\nm: 1 entry of 1 session: no errors\n", r.out)
  end)

  it("fails with 2 for one that does not exist or does not load", function()
    local r = scene:run { "plugins", "sumary" }
    assert.equal(2, r.status)
    assert.truthy(r.err:find "^debrief: no plugin 'sumary': did you mean 'summary'%?", r.err)
    scene:write("p.lua", "return 1")
    r = scene:run { "plugins", "./p.lua" }
    assert.same({ "debrief: plugin does not load: ./p.lua: a plugin returns a table, this one returned number\n",
      "", 2 },
      { r.err, r.out, r.status })
  end)
end)
