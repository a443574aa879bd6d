-- debrief repl without a terminal, and debrief.repl in scripts and plugins.
local program = dofile "tests/spec/support/program.lua"
local screen = dofile "tests/spec/support/screen.lua"

local scene

local function repl(words)
  table.insert(words, 1, "repl")
  return scene:run(words)
end

describe("repl", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n{"session_id":"s1","skill":"b"}\n')
  end)
  teardown(program.clean)

  it("runs standard input as a script when that is no terminal", function()
    local r = repl { stdin = "#!/bin/lua\nlocal n = 0\nfor e in log:entries() do\n  n = n + 1\nend\nprint(n, ...)\n" }
    assert.same({ "2\n", "", 0 }, { r.out, r.err, r.status })
    assert.equal("debrief: stdin:1: unexpected symbol near '='\n", repl({ stdin = "x = = 1" }).err)
    r = repl { stdin = "local x\nprint(1)\nx.y = 1" }
    assert.same({ "1\n", 1 }, { r.out, r.status })
    assert.truthy(r.err:find "^debrief: stdin:3: attempt to index a nil value %(local 'x'%)\nstack traceback:\n")
    assert.same({ "", "", 0 }, { repl({}).out, repl({}).err, repl({}).status })
  end)

  it("runs -e and -l in the order given, and then ends", function()
    scene:write("m.lua", "return { x = x or 'unset', said = 7 }")
    local r = repl { "-e", "a = 1", "-l", "m", "-e", "print(a, m.said, debrief.version ~= nil)", stdin = "print 'no'" }
    assert.same({ "1\t7\ttrue\n", "", 0 }, { r.out, r.err, r.status })
    assert.equal("7\n", repl({ "-l", "other=m", "-e", "print(other.said)" }).out)
    assert.equal("2\n", repl({ "-l", "m", stdin = "print(#m + 2)" }).out)
    assert.equal("3\n", repl({ "-eprint(3)" }).out)
  end)

  it("ends with 1 and a traceback when -e, -l or a script fails", function()
    local r = repl { "-e", "local function f() error 'boom' end\nf()", "-e", "print 'not reached'" }
    assert.same({ "", 1 }, { r.out, r.status })
    assert.equal("debrief: (command line):1: boom\nstack traceback:\n\t[C]: in function 'error'\n"
      .. "\t(command line):1: in local 'f'\n\t(command line):2: in main chunk\n", r.err)
    assert.truthy(repl({ "-e", "x = = 1" }).err:find "^debrief: %(command line%):1: unexpected symbol")
    r = repl { "-l", "no_such_module" }
    assert.equal(1, r.status)
    assert.truthy(r.err:find "^debrief: module 'no_such_module' not found")
    r = repl { "no_such.lua" }
    assert.equal(1, r.status)
    assert.truthy(r.err:find "^debrief: cannot open no_such.lua")
  end)

  it("runs a script with the words after it, options too", function()
    scene:write("s.lua", "print(arg[0], #arg, arg[-1], ...)")
    assert.equal("s.lua\t3\trepl\t-i\t--help\t-e\n", repl({ "s.lua", "-i", "--help", "-e" }).out)
    assert.equal("s.lua\t1\ta=1\tx\n", repl({ "-e", "a=1", "s.lua", "x" }).out)
    assert.equal("-\t1\t-\tx\n", repl({ "-", "x", stdin = "print(arg[0], #arg, arg[0], ...)" }).out)
    assert.truthy(repl({ "--help" }).out:find "^Usage: debrief repl")
  end)

  it("asks for lines with -i, after what runs first, and sees its names", function()
    scene:write("s.lua", "from_script = 5")
    local r = repl { "-i", "-e", "a = 1", "s.lua",
      stdin = "a + from_script\nprint(_)\nnil + 1\n(1 +\n2)\n'last'\n.quit\n9" }
    assert.same({ "6\n6\n3\nlast\n", "repl:1: attempt to perform arithmetic on a nil value\n", 0 },
      { r.out, r.err, r.status })
    r = repl { "-i", stdin = "f(" }
    assert.truthy(r.err:find "not finished")
  end)

  it("opens the log of -d, and rejects wrong words", function()
    assert.equal("x\n", repl({ "-d", "x", "-e", "print(log.dir)" }).out)
    assert.equal(2, repl({ "--nosuch" }).status)
    assert.equal(2, repl({ "-e" }).status)
  end)

  it("writes in the order things were written, whoever wrote them", function()
    local r = repl { "-i", stdin = "io.write 'a'; print 'b'; io.write 'c\\n'\n'd'\n" }
    assert.equal("ab\nc\nd\n", r.out)
  end)

  it("shows values after a script has closed what io.write writes to", function()
    assert.equal("1\n", repl({ "-i", stdin = "io.output '/dev/null'; io.close()\n1\n" }).out)
  end)

  it("ends with 1 when what is shown cannot be written", function()
    local r = scene:sh [[printf '1 + 1\nio.stderr:write "on"\n' | "$DEBRIEF" repl -i >/dev/full]]
    assert.same({ 1, "debrief: cannot write: No space left on device\n" }, { r.status, r.err })
  end)
end)

describe("debrief.repl", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n')
  end)
  teardown(function()
    screen.clean()
    program.clean()
  end)

  it("opens a prompt in a script, that sees names and gives the last value back", function()
    scene:write("s.lua", "local value = debrief.repl { n = 20, log = log }\nprint('back', value, n)")
    local r = scene:run { "run", "s.lua", stdin = "n + 1\n_ * 2\n" }
    assert.same({ "21\n42\nback\t42\tnil\n", "", 0 }, { r.out, r.err, r.status })
    r = scene:run { "run", "s.lua", stdin = "error 'x'\nlist(log:sessions())\n.quit\nnot read" }
    assert.equal('{ "s1" }\nback\ttable', r.out:match "^(.-):")
    assert.equal("repl:1: x\n", r.err)
  end)

  it("works in a stock lua5.4, too", function()
    scene:write("s.lua", "print(require 'debrief'.repl { n = 1 })")
    local r = scene:sh(([[printf 'n + 1\n.help nosuch\n' | LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua;;' \
      LUA_CPATH='%s/lua/?.so;;' lua5.4 s.lua]]):format(program.root, program.root, program.build),
      { LD_PRELOAD = os.getenv "LD_PRELOAD", ASAN_OPTIONS = os.getenv "ASAN_OPTIONS" })
    assert.same({ "2\n2\n", 0 }, { r.out, r.status })
    assert.truthy(r.err:find "^no topic 'nosuch'")
  end)

  it("says in a plugin that there is no console if the program has none", function()
    scene:write("p.lua", [[local debrief = require "debrief"
return { name = "p", api = 1, needs = { "repl" }, filter = function(e) debrief.repl { e = e } return true end }]])
    local r = scene:run { "read", "--filter", "./p.lua", "--allow", "p:repl" }
    assert.equal(3, r.status)
    assert.truthy(r.err:find("./p.lua:2: debrief.repl: this program has no console", 1, true), r.err)
    assert.truthy(scene:run({ "read", "--where", "debrief.repl {}" }).err:find "no prompt inside an expression")
  end)

  it("is a right, which a plugin declares and the user allows", function()
    scene:write("p.lua", [[local debrief = require "debrief"
return { name = "p", api = 1, filter = function(e) debrief.repl { e = e } return true end }]])
    local r = scene:run { "read", "--filter", "./p.lua" }
    assert.truthy(r.err:find('./p.lua:2: debrief.repl is for plugins with the right repl: needs = { "repl" }', 1, true),
      r.err)
    scene:write("p.lua", [[return { name = "p", api = 1, needs = { "repl" }, filter = function() return true end }]])
    r = scene:run { "read", "--filter", "./p.lua" }
    assert.same({ 2, "debrief: plugin 'p' needs the right repl: it can open a prompt on your terminal, and what you "
      .. "type there is its; to allow that: --allow p:repl\n" }, { r.status, r.err })
  end)

  it("opens a prompt in a plugin, in its environment and without more than that has", function()
    if not screen.available() then return pending "no tmux here" end
    scene:write("p.lua", [[local debrief = require "debrief"
return { name = "p", api = 1, needs = { "repl" }, filter = function(e, ctx)
  local answer = debrief.repl { e = e, ctx = ctx, own = 40 }
  ctx.log("info", "answered %s", answer)
  return true
end }]])
    local t = screen.start(scene, [["$DEBRIEF" read --format jsonl --filter ./p.lua --allow p:repl]])
    t:wait "^p>"
    local function type_line(text, shown)
      t:type(text)
      t:keys "Enter"
      t:wait(shown)
    end
    type_line("own + 1, e.skill, ctx.line", "\n41%s+a%s+1\n")
    type_line("io", "undeclared global 'io'")
    type_line("x = 'kept'", "x = 'kept'\np>")
    type_line(".try p", "no command .try; .help lists them")
    type_line(".help", "There is%s+no log")
    type_line("x .. ctx.session", "\nkepts1\n")
    type_line(".quit", "info: p: answered kepts1")
    assert.equal(0, t:ended())
  end)

  it("ends the retrospective of several workers with Ctrl-C at a prompt in one of them", function()
    if not screen.available() then return pending "no tmux here" end
    scene:write("p.lua", [[local debrief = require "debrief"
return { name = "p", api = 1, needs = { "repl" }, retrospective = {
  init = function() return {} end, merge = function() end,
  step = function(acc, entry, ctx) if ctx.session == "s1" then debrief.repl { entry = entry } end end,
  finish = function() return { title = "never" } end,
} }]])
    for i = 1, 4 do scene:write(("sessions/s%d.jsonl"):format(i), '{"skill":"a"}\n') end
    local t = screen.start(scene,
      [[trap : INT; "$DEBRIEF" retro ./p.lua -j2 --allow p:repl; echo "status $?"; read end]])
    t:wait "^p>"
    t:type "print 'in' while true do end"
    t:keys "Enter"
    t:wait "\nin\n$"
    t:keys "C-c"
    t:wait "debrief: interrupted: there is no report\nstatus 130\n"
  end)
end)
