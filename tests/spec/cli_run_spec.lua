-- debrief run: what a script finds, what is its own, and how it ends.
local program = dofile "tests/spec/support/program.lua"

local scene

local function run_text(text, ...)
  scene:write("s.lua", text)
  return scene:run { "run", "s.lua", ... }
end

describe("run", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("shows with debrief.pretty what a function returns, also if that is more than one value", function()
    local r = run_text [[print(debrief.pretty(debrief.window "2026-11-01"))]]
    assert.same({ "1793491200000000000\n", "", 0 }, { r.out, r.err, r.status })
  end)

  it("writes numbers with a dot in every locale that a script sets", function()
    local made = scene:sh "mkdir locales && localedef -i de_DE -f UTF-8 ./locales/de_DE.UTF-8"
    local there = made.status ~= 127 and scene:read "locales/de_DE.UTF-8/LC_NUMERIC"
    if not there then return pending "no locale to be had" end
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a","cost_usd":1.5}\n')
    scene:write("l.lua", [[
      assert(os.setlocale "de_DE.UTF-8" == "de_DE.UTF-8")
      print(os.setlocale(nil, "time"), os.setlocale(nil, "numeric"), 0.5)
      print(log:retro("usage"):text())]])
    local r = scene:sh("$DEBRIEF run l.lua", { LOCPATH = scene:path "locales" })
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find "^de_DE.UTF%-8\tC\t0.5\n" and r.out:find("$1.50", 1, true), r.out)
  end)

  it("passes debrief, cjson and an open log to a script, as globals and by require", function()
    local r = run_text [[
      assert(debrief == require "debrief" and cjson == require "cjson" and io and os and package and coroutine)
      assert(log:append("s1", { skill = "a" }))
      for entry, session, line in log:entries() do print(session, line, entry.skill, cjson.encode { x = "y" }) end]]
    assert.same({ 's1\t1\ta\t{"x":"y"}\n', "", 0 }, { r.out, r.err, r.status })
    assert.truthy(scene:read "sessions/s1.jsonl")
  end)

  it("opens the log of -d, before and after the command", function()
    local text = "print(log.dir)"
    scene:write("s.lua", text)
    assert.equal("x\n", scene:run({ "-d", "x", "run", "s.lua" }).out)
    assert.equal("y\n", scene:run({ "run", "-d", "y", "s.lua" }).out)
    assert.equal("z\n", scene:run({ "run", "s.lua", env = { DEBRIEF_DIR = "z" } }).out)
  end)

  it("passes every word after the script to it", function()
    local text = "print(#arg, arg[0], arg[-1], table.concat({ ... }, ' '))"
    local r = run_text(text, "-d", "x", "--help", "--", "-", "a b")
    assert.same({ "6\ts.lua\trun\t-d x --help -- - a b\n", "", 0 }, { r.out, r.err, r.status })
    scene:write("-odd.lua", "print(arg[0], arg[-1], ...)")
    assert.equal("-odd.lua\t--\t--version\n", scene:run({ "run", "--", "-odd.lua", "--version" }).out)
    assert.truthy(scene:run({ "run", "--help" }).out:find "^Usage: debrief run")
  end)

  it("reads a script from standard input", function()
    local r = scene:run { "run", "-", "a", "-b", stdin = "#!/usr/bin/env lua\nprint(arg[0], ...)" }
    assert.same({ "-\ta\t-b\n", "", 0 }, { r.out, r.err, r.status })
  end)

  it("reports an error with the script's own traceback, and exits with 1", function()
    local r = run_text "local function f()\n  error 'boom'\nend\nf()"
    assert.same({ "", 1 }, { r.out, r.status })
    assert.equal([[debrief: s.lua:2: boom
stack traceback:
	[C]: in function 'error'
	s.lua:2: in local 'f'
	s.lua:4: in main chunk
]], r.err)
  end)

  it("reports errors that are not text", function()
    local function first(text) return run_text(text).err:match "^[^\n]*" end
    assert.equal("debrief: error object: {}", first "error {}")
    assert.equal("debrief: error object: nil", first "error()")
    assert.equal("debrief: 7", first "error(7)")
    assert.equal("debrief: mine", first "error(setmetatable({}, { __tostring = function() return 'mine' end }))")
    assert.equal("debrief: a\\x1b[31mb", (first "error('a\\27[31mb', 0)"))
  end)

  it("reports a syntax error, and a script that does not exist", function()
    local r = run_text "x = = 1"
    assert.same({ "debrief: s.lua:1: unexpected symbol near '='\n", 1 }, { r.err, r.status })
    r = scene:run { "run", "none.lua" }
    assert.same({ "debrief: cannot open none.lua: No such file or directory\n", 1 }, { r.err, r.status })
    r = scene:run { "run" }
    assert.same({ "debrief: missing argument 'SCRIPT' (debrief --help)\n", 2 }, { r.err, r.status })
  end)

  it("exits as the script says with os.exit, and ignores what it returns", function()
    assert.equal(7, run_text("io.write 'x' os.exit(7)").status)
    assert.equal("x", scene:run({ "run", "s.lua" }).out)
    assert.equal(0, run_text("return 5").status)
    assert.equal(1, run_text("os.exit(false)").status)
    assert.equal(0, run_text("io.write 'y' os.exit(true, true)").status)
  end)

  it("fails when what it prints cannot be written, without a word when nobody reads any more", function()
    for _, text in ipairs { "print 'lost'", "io.write(('x'):rep(100000))", "io.write 'lost'" } do
      scene:write("s.lua", text)
      for _, command in ipairs { "run s.lua >/dev/full", "run s.lua >&-", "repl s.lua >/dev/full" } do
        local r = scene:sh('"$DEBRIEF" ' .. command)
        assert.same({ 1, "debrief: cannot write: " }, { r.status, r.err:sub(1, 23) }, command .. ": " .. text)
      end
      for _, trap in ipairs { "", "trap '' PIPE; " } do
        local r = scene:sh("mkfifo pipe; " .. trap .. 'exec 3<>pipe 4>pipe 3<&-; "$DEBRIEF" run s.lua >&4 4>&-; st=$?; '
          .. "rm pipe; exit $st")
        assert.same({ 141, "" }, { r.status, r.err }, trap .. text)
      end
    end
  end)

  it("refuses bytecode, as a file, at the prompt and on standard input", function()
    local code = string.dump(load "print 'ran'")
    scene:write("b.luac", code)
    for _, words in ipairs { { "run", "b.luac" }, { "repl", "b.luac" }, { "run", "-", stdin = code },
      { "repl", "-e", "assert(true)", "b.luac" }, { "repl", stdin = code } } do
      local r = scene:run(words)
      assert.same({ 1, "" }, { r.status, r.out })
      assert.truthy(r.err:find "attempt to load a binary chunk", r.err)
    end
    local r = scene:run { "repl", "-i", stdin = ".load b.luac\n" }
    assert.truthy((r.out .. r.err):find "attempt to load a binary chunk", r.out .. r.err)
  end)
end)
