-- The way of an entry through the hooks, and what becomes of a hook that fails: through the program.
local program = dofile "tests/spec/support/program.lua"

local scene

local function plugin(name, body) scene:write(name .. ".lua", ("return { name = %q, api = 1, %s }"):format(name,
  body)) end

-- A retrospective whose report's text is what `finish` gives for acc.
local function retrospective(step, finish, init)
  return ([[retrospective = { init = function(ctx) %s end, step = function(acc, entry, ctx) %s end,
    merge = function(acc, other) acc.n = (acc.n or 0) + (other.n or 0) end,
    finish = function(acc, ctx) %s end }]]):format(init or "return { n = 0 }", step,
    finish or [[return { title = "T", text = acc.n .. " steps" }]])
end

local COUNT = retrospective "acc.n = acc.n + 1"

local function run(...) return scene:run { "retro", ... } end

local function text_of(r) return r.out:match "═\n(.-)\n\n%d+ entr" end

describe("the pipeline", function()
  before_each(function()
    scene = program.scene()
    local lines = {}
    for i = 1, 6 do lines[i] = ('{"session_id":"s1","skill":"%s","duration_ms":%d}\n'):format(i % 2 == 0 and "even"
      or "odd", i) end
    scene:write("sessions/s1.jsonl", table.concat(lines))
  end)
  teardown(program.clean)

  it("takes what step and merge return for the accumulator", function()
    scene:write("sessions/s2.jsonl", '{"session_id":"s2"}\n')
    local body = [[retrospective = { init = function() return 0 end,
      step = function(n, entry) %s return n + 1 end, merge = function(a, b) return a + b end,
      finish = function(n) return { title = "T", text = n .. " steps" } end }]]
    plugin("p", body:format 'if entry.duration_ms == 3 then error "no" end')
    assert.truthy(run("./p.lua", "-j", "2").out:find "6 steps")
    plugin("p", body:format "")
    assert.truthy(scene:run({ "plugins", "--check", "./p.lua" }).out:find "the law of merge holds")
    scene:write("inline.lua", [[print(log:retro({ init = function() return 0 end, step = function(n) return n + 1 end,
      finish = function(n) return { title = "T", text = n .. " steps" } end }):text())]])
    assert.truthy(scene:run({ "run", "inline.lua" }).out:find "7 steps")
  end)

  it("lets an entry go no further when an enricher that refuses fails on it", function()
    plugin("p", [[on_error = "refuse", enrich = function(entry)
      if entry.skill == "even" then error "no idea" end
      entry.clean = true
    end]])
    local r = scene:run { "read", "--enrich", "./p.lua" }
    assert.equal(3, r.status)
    local _, clean = r.out:gsub('"clean":true', "")
    local _, lines = r.out:gsub("\n", "")
    assert.same({ 3, 3 }, { clean, lines })
  end)

  it("runs enrich, match and filter of a plugin before its step, and shows others nothing of it", function()
    plugin("p", [[enrich = function(entry) entry.twice = entry.duration_ms * 2 end,
      match = { skill = "even", twice = { 4, 8, 12 } },
      filter = function(entry) return entry.twice > 4 end, ]] .. retrospective "acc.n = acc.n + entry.twice")
    plugin("q", retrospective "acc.n = acc.n + (entry.twice or 0)")
    local r = run "./p.lua,./q.lua"
    assert.same({ "", 0 }, { r.err, r.status })
    assert.equal("20 steps\n\n\nT\n═\n0 steps", text_of(r))
  end)

  it("matches what Lua would find equal: numbers exactly, text as it is shown", function()
    local values = { "9007199254740993", "9007199254740992", "9007199254740993.0", "9223372036854775807",
      "9223372036854775808", "1e2", "100", '"a\255b"', [["a\\ud800b"]], '"ab"' }
    local wanted = { "9007199254740993", "9007199254740992", "9007199254740992.0", "math.maxinteger", "2.0^63", "100",
      "1e2", [["a\u{FFFD}b"]], [["a\xffb"]], [["ab"]] }
    for i, value in ipairs(values) do values[i] = ('{"session_id":"s1","x":%s}\n'):format(value) end
    scene:write("sessions/s1.jsonl", table.concat(values))
    for _, value in ipairs(wanted) do
      local texts = {}
      for i, test in ipairs { "match = { x = %s }", "filter = function(entry) return entry.x == %s end" } do
        plugin("p", test:format(value) .. ", " .. retrospective("acc[#acc + 1] = ctx.line",
          [[return { title = "T", text = table.concat(acc, " ") .. "." }]], "return {}"))
        texts[i] = text_of(run "./p.lua")
      end
      assert.equal(texts[2], texts[1], value)
    end
  end)

  it("matches what the plugin asked for when it was loaded, whatever becomes of its table", function()
    local text = ("x"):rep(60)
    local line = ('{"session_id":"s1","skill":"%s"}\n'):format(text)
    scene:write("sessions/s1.jsonl", line:rep(50))
    scene:write("p.lua", ([[local wanted = { skill = { ("x"):rep(%d) } }
      return { name = "p", api = 1, match = wanted, %s }]]):format(#text, retrospective [[acc.n = acc.n + 1
        wanted.skill = nil
        for i = 1, 2000 do wanted[1] = ("y"):rep(60) .. i end]]))
    assert.equal("50 steps", text_of(run "./p.lua"))
  end)

  it("runs --enrich and --filter first, in the order given", function()
    plugin("a", "enrich = function(entry) entry.way = (entry.way or '') .. 'a' end")
    plugin("b", "enrich = function(entry) entry.way = (entry.way or '') .. 'b' end")
    plugin("f", "filter = function(entry) return entry.way == 'ba' and entry.duration_ms > 4 end")
    plugin("p", COUNT)
    local r = run("./p.lua", "--enrich", "./b.lua", "--enrich", "./a.lua", "--filter", "./f.lua")
    assert.equal("2 steps", text_of(r))
    assert.truthy(r.out:find "\n6 entries in 1 session\n$", r.out)
    assert.equal("0 steps", text_of(run("./p.lua", "--enrich", "./a.lua", "--enrich", "./b.lua", "--filter",
      "./f.lua")))
  end)

  describe("when a hook fails", function()
    it("names plugin, hook, file:line, session and entry line, with a traceback, and goes on", function()
      plugin("p", retrospective "\nif entry.duration_ms == 3 then\nlocal x = nil + 1 end acc.n = acc.n + 1")
      plugin("q", COUNT)
      local r = run "./p.lua,./q.lua"
      assert.equal("debrief: plugin 'p', step: ./p.lua:3: attempt to perform arithmetic on a nil value (at s1:3)\n"
        .. "stack traceback:\n", r.err:match "^.-\n.-\n")
      assert.truthy(r.err:find("\n\t./p.lua:3: in ", 1, true), r.err)
      assert.falsy(r.err:find "pipeline")
      assert.equal(3, r.status)
      assert.equal("Incomplete: the plugin failed on 1 entry, which is not in these figures.\n5 steps\n\n\n"
        .. "T\n═\n6 steps", text_of(r))
    end)

    it("counts equal messages, and keeps the first one's place", function()
      plugin("p", retrospective "if entry.skill == 'even' then error 'no' end acc.n = acc.n + 1")
      local r = run "./p.lua"
      assert.truthy(r.err:find("^debrief: plugin 'p', step: ./p.lua:1: no %(3 times, the first at s1:2%)\n"), r.err)
      assert.equal(1, select(2, r.err:gsub("stack traceback", "")))
    end)

    it("reports ten different messages of a hook, and counts the others", function()
      local lines = {}
      for i = 1, 40 do lines[i] = ('{"session_id":"s1","duration_ms":%d}\n'):format(i) end
      scene:write("sessions/s1.jsonl", table.concat(lines))
      plugin("p", retrospective "error('bad ' .. entry.duration_ms, 0)")
      local r = run "./p.lua"
      assert.equal(11, select(2, r.err:gsub("debrief: plugin 'p', step: ", "")))
      assert.truthy(r.err:find "plugin 'p', step: bad 10 %(at s1:10%)\n", r.err)
      local others = "plugin 'p', step: more errors, with other messages (30 times, the first at s1:11)\n"
      assert.truthy(r.err:find(others, 1, true), r.err)
    end)

    it("stops a retrospective after 100 errors and says so, while others go on", function()
      for session = 1, 3 do
        local lines = {}
        for i = 1, 60 do lines[i] = ('{"session_id":"s%d","duration_ms":%d}\n'):format(session, i) end
        scene:write(("sessions/s%d.jsonl"):format(session), table.concat(lines))
      end
      plugin("p", retrospective "error 'no'")
      plugin("q", COUNT)
      local r = run "./p.lua,./q.lua"
      assert.equal("180 steps", text_of(r))
      assert.truthy(r.err:find("debrief: plugin 'p', step: ./p.lua:1: no (100 times, the first at s1:1)\n", 1,
        true), r.err)
      assert.truthy(r.err:find("debrief: plugin 'p', step: stopped after 100 errors: there is no report\n", 1,
        true), r.err)
      assert.equal(3, r.status)
    end)

    it("says that a filter must return a boolean, and drops the entry", function()
      for returned, message in pairs {
        [""] = "nil, not true or false (did you forget return?)", ["return 1"] = "number, not true or false",
        ["return entry"] = "object, not true or false",
      } do
        plugin("p", ("filter = function(entry) %s end, %s"):format(returned, COUNT))
        local r = run "./p.lua"
        assert.equal("debrief: plugin 'p', filter: ./p.lua: filter returned " .. message
          .. " (6 times, the first at s1:1)\n", r.err)
        assert.truthy(text_of(r):find "failed on 6 entries.*\n0 steps$", r.out)
        assert.equal(3, r.status)
        r = scene:run { "read", "--filter", "./p.lua" }
        assert.same({ "", 3 }, { r.out, r.status })
      end
    end)

    it("goes on with the entry as it was when enrich fails", function()
      plugin("e", "enrich = function(entry) entry.half = 1 if entry.skill == 'odd' then error 'no' end end")
      local r = scene:run { "read", "--enrich", "./e.lua" }
      assert.equal(3, r.status)
      assert.equal('{"session_id":"s1","skill":"odd","duration_ms":1}\n'
        .. '{"session_id":"s1","skill":"even","duration_ms":2,"half":1}\n', r.out:match "^.-\n.-\n")
      assert.truthy(r.err:find("debrief: plugin 'e', enrich: ./e.lua:1: no (3 times, the first at s1:1)\n", 1,
        true), r.err)
    end)

    it("counts errors of --enrich once when retrospectives with and without merge run together", function()
      plugin("e", "enrich = function() error 'no' end")
      plugin("p", COUNT)
      plugin("q", "retrospective = { init = function() return {} end, step = function() end, "
        .. "finish = function() return { title = 'Q' } end }")
      local r = run("./p.lua,./q.lua", "--enrich", "./e.lua")
      assert.truthy(r.err:find("./e.lua:1: no (6 times, the first at s1:1)\n", 1, true), r.err)
    end)

    it("protects session_id and timestamp", function()
      plugin("e", "enrich = function(entry) entry.session_id = 'x' end")
      local r = scene:run { "read", "--enrich", "./e.lua" }
      assert.truthy(r.err:find("./e.lua:1: session_id cannot be changed: it says where and when", 1, true), r.err)
    end)

    it("lets a plugin fail in init, merge and finish by itself", function()
      plugin("q", COUNT)
      for _, case in ipairs {
        { "init", retrospective("", nil, "error { code = 7 }"), 'init: error object: { code = 7 }' },
        { "init", retrospective("", nil, "local x = 1"), "init: ./p.lua: init returned nil (did you forget return?)" },
        { "finish", retrospective("", "error 'fin'"), "finish: ./p.lua:3: fin" },
        { "finish", retrospective("", "local x = 1"),
          "finish: finish must return a report { title =, tables =, findings = }, and returned nothing (did you" },
        { "finish", retrospective("", "return 3"), "finish: finish must return a report" },
        { "finish", retrospective("", "return { title = 'T', tabels = {} }"),
          "finish: the report has the unknown key tabels: a report has title, text, tables, charts and" },
      } do
        plugin("p", case[2])
        local r = run "./p.lua,./q.lua"
        assert.truthy(r.err:find("debrief: plugin 'p', " .. case[3], 1, true), r.err)
        assert.falsy(r.err:find("100 errors", 1, true), r.err)
        assert.falsy(r.err:find("bug in debrief", 1, true), r.err)
        assert.equal("6 steps", text_of(r))
        assert.equal(3, r.status)
      end
    end)

    it("says when merge fails, and returns no partial report", function()
      for _, id in ipairs { "s1", "s2" } do
        scene:write("sessions/" .. id .. ".jsonl",
          ('{"session_id":"%s","input":"%s"}\n'):format(id, ("x"):rep(4400000)))
      end
      plugin("p", "retrospective = { init = function() return {} end, step = function() end, "
        .. "merge = function() error 'cannot' end, finish = function() return { title = 'P' } end }")
      plugin("q", COUNT)
      local r = run "./p.lua,./q.lua"
      assert.truthy(r.err:find("debrief: plugin 'p', merge: ./p.lua:1: cannot", 1, true), r.err)
      assert.equal("2 steps", text_of(r))
      assert.falsy(r.out:find "P\n")
      assert.equal(3, r.status)
    end)

    it("names the place in acc of what is no plain data", function()
      local where = "debrief: plugin 'p', step: "
      local only = ": only booleans, numbers, strings and tables of them can be kept here\n"
      for step, message in pairs {
        ["acc.e = entry"] = "acc.e is an entry or a part of one (debrief.table makes it a table)",
        ["acc.list = { 1, entry.skill, { print } }"] = "acc.list[3][1] is a function",
        ["acc.a = { b = acc }"] = "acc.a.b is a table that occurs twice, or contains itself",
        ["local t = {} acc.a, acc.b = t, t"] = "acc.b is a table that occurs twice, or contains itself",
        ["acc[1.5] = 1"] = "acc[1.5] has a key that is neither a string nor an integer",
        ["acc[true] = 1"] = "acc[true] has a key that is neither a string nor an integer",
        ["acc.x = require 'debrief'.null"] = "acc.x is a userdata",
      } do
        plugin("p", retrospective(step))
        local r = run "./p.lua"
        local said = r.err:gsub("acc%.[ab] is a table that occurs", "acc.b is a table that occurs")
        assert.equal(where .. message .. only, said)
        assert.equal(3, r.status)
      end
    end)

    it("keeps integers, floats and strings of acc as they are on their way", function()
      plugin("p", retrospective("acc.i, acc.f, acc.s = math.mininteger, 2.0, '\\0\\255'",
        [[assert(acc.i == math.mininteger and math.type(acc.i) == "integer" and math.type(acc.f) == "float"
          and acc.s == "\0\255" and acc.inf == 1/0 and acc.nan ~= acc.nan and acc[-1] and acc[""] == false)
        return { title = "T", text = "fine" }]], "return { inf = 1/0, nan = 0/0, [-1] = true, [''] = false }"))
      local r = run "./p.lua"
      assert.same({ "", "fine" }, { r.err, text_of(r) })
    end)
  end)
end)
