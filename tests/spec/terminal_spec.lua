-- The prompt in a terminal: src/program/terminal.c, editor.c, keyboard.c, history.c, seen on a screen of tmux.
local program = dofile "tests/spec/support/program.lua"
local screen = dofile "tests/spec/support/screen.lua"

local scene

local function line_of(skill) return ('{"skill":"%s","final_status":"ok"}\n'):format(skill) end

-- Is this what stands in the last rows? Rows end without spaces, so "\n>" is a prompt where nothing was typed.
local function ends(text, tail) return ("\n" .. text):sub(-#tail - 2) == "\n" .. tail .. "\n" end

-- A prompt, as a shell command; how it ends, and whether the terminal is as it was, is shown after it.
local function start(opts)
  opts = opts or {}
  local command = ('trap : INT; %s"$DEBRIEF" repl; echo "status $?"; stty -a | grep -o " [-]*icanon"'):format(
    opts.before or "")
  local t = screen.start(scene, command, { columns = 80, rows = opts.rows or 24, env = opts.env, term = opts.term })
  function t:rests(tail) return self:wait_for(tail or ">", function(text) return ends(text, tail or ">") end) end
  function t:enter(text, tail) -- a line, when it is shown Enter, and then what stands at the end of the screen
    self:type(text)
    local typed = text:gsub(" +$", "")
    self:wait_for("what was typed", function(shown) return shown:gsub("\n", ""):sub(-#typed) == typed end)
    self:keys "Enter"
    return self:rests(tail)
  end
  t:rests()
  return t
end

local function left(t, status)
  t:wait(("status %d\n icanon\n"):format(status))
  assert.equal(0, t:ended())
end

local own_pid = "sh -c 'echo $$ > pid; exec \"$@\"' - " -- in front of the program: its id in a file

local function history() return scene:read "home/.local/state/debrief/history" end

describe("the prompt in a terminal", function()
  if not screen.available() then return pending "no tmux here" end
  if not program.read(program.path):find("libreadline", 1, true) then return pending "built without readline" end

  before_each(function()
    scene = program.scene()
    scene:write("sessions/login.jsonl", line_of "implement")
    scene:write("sessions/mail.jsonl", line_of "review")
  end)
  after_each(screen.clean)
  teardown(program.clean)

  describe("reads", function()
    it("statements of one line and of several, and leaves at Ctrl-D", function()
      local t = start()
      t:enter("6 * 7", "42\n>")
      t:enter("for i = 1, 2 do", ">>")
      t:enter("  print('n' .. i)", ">>")
      t:enter("end", "n1\nn2\n>")
      t:enter("'größe' .. #'ü'", 'größe2\n>')
      t:keys "C-d"
      left(t, 0)
      assert.truthy(t:text():find("\n>\nstatus 0\n", 1, true)) -- one newline, no more
    end)

    it("an unfinished statement's end", function()
      local t = start()
      t:enter("if x then", ">>")
      t:keys "C-d"
      left(t, 0)
    end)

    it("what was pasted as one statement, or line by line", function()
      local t = start()
      t:paste "t = {\n  1,\n\t2,\n}\nfor _, v in ipairs(t) do\n  print('v' .. v)\nend"
      t:wait "\nend\n"
      t:keys "Enter"
      t:rests "v1\nv2\n>"
      t:paste "a = 20\na + 1"
      t:wait "a %+ 1"
      t:keys "Enter"
      t:rests "21\n>"
      assert.equal("t = {\n\t  1,\n\t\t2,\n\t}\n\tfor _, v in ipairs(t) do\n\t  print('v' .. v)\n\tend\n"
        .. "a = 20\n\ta + 1\n", history())
    end)

    it("on when the window changes, at the prompt and while something runs", function()
      local t = start()
      local function edit() -- an editor that thinks the screen is wider finds no way back to the first row
        t:type(("x"):rep(60) .. "'")
        t:wait("x\nx+'\n$")
        t:keys "Home"
        t:type "#'"
        t:wait_for("the line", function(shown) return shown:gsub("\n", ""):find("> #'" .. ("x"):rep(60) .. "'$") end)
        t:keys "Enter"
        t:rests "60\n>"
      end
      t:type " "
      t:keys "BSpace"
      t:resize(40, 20)
      edit()
      t:enter("core = require 'debrief.core'")
      t:enter("io.write 'in\\n' repeat until core.terminal(1) == 30", "in")
      t:resize(30, 20)
      t:rests()
      edit()
    end)

    it("the words of ~/.inputrc that are for debrief", function()
      scene:write("home/.inputrc", '$if debrief\n"\\C-o": "6 * 7"\n$endif\n$if other\n"\\C-o": "1"\n$endif\n')
      local t = start()
      t:keys("C-o", "Enter")
      t:rests "42\n>"
    end)
  end)

  describe("completes", function()
    local t
    local function complete(text, whole)
      t:type(text)
      t:keys "Tab"
      t:rests("> " .. whole)
      t:keys("C-u")
      t:rests()
    end

    it("globals, fields, methods, sessions, plugins and commands, without a space after them", function()
      t = start()
      t:enter("some_name = { inner_field = 1 }")
      t:enter("entry = list(log:entries())[1]")
      complete("some_n", "some_name")
      complete("some_name.in", "some_name.inner_field")
      complete("x = some_name.in", "x = some_name.inner_field")
      complete("log:append_b", "log:append_batch")
      complete("entry.final", "entry.final_status")
      complete('log:entries { session = "lo', 'log:entries { session = "login')
      complete("log:retro 'pass", "log:retro 'pass_rate")
      complete(".plu", ".plugins")
      t:type "print(some_nx)"
      t:keys("Left", "Left", "Tab") -- in the middle of a line
      t:rests "> print(some_namex)"
    end)

    it("lists what there is, no more than the screen has room for", function()
      t = start { rows = 12 }
      t:enter("for i = 100, 499 do _G['many_' .. i] = i end")
      t:type "string.re"
      t:keys("Tab", "Tab")
      t:rests "> string.re\nrep      reverse\n> string.re"
      t:keys "C-u"
      t:type "many_"
      t:keys("Tab", "Tab")
      local text = t:wait_for("a list", function(text) return text:find "and %d+ more\n> many_\n$" end) and t:text()
      assert.truthy(text:find("many_100  many_10", 1, true))
      t:type "45"
      t:keys("Tab", "Tab")
      t:wait "many_451 +many_453"
    end)

    it("indents after blanks, and does nothing where nothing fits", function()
      t = start()
      t:enter("if true then", ">>")
      t:type " "
      t:keys "Tab"
      t:type "print('in')"
      t:rests(">>    print('in')")
      t:enter(" end", "in\n>")
      complete("no_such_thing_", "no_such_thing_")
    end)
  end)

  describe("remembers", function()
    it("statements of an earlier run, whole, for Up and Ctrl-R", function()
      local t = start()
      t:enter("first = 'one'")
      t:enter("for i = 1, 1 do", ">>")
      t:enter("  print('loop ' .. i)", ">>")
      t:enter("end", "loop 1\n>")
      t:enter("first", 'one\n>')
      t:keys "C-d"
      left(t, 0)
      t = start()
      t:keys("Up", "Up")
      t:rests "> for i = 1, 1 do\n  print('loop ' .. i)\nend"
      t:keys "Enter"
      t:rests "loop 1\n>"
      t:keys "C-r"
      t:type "'on"
      t:wait "first = 'one'"
      t:keys "Enter"
      t:rests()
      t:enter("first", 'one\n>')
    end)

    it("every statement at once, in a file for nobody else; not the same twice, nothing after a space", function()
      scene:write("home/.local/state/debrief/history", "old")
      scene:sh "chmod 755 home/.local/state/debrief; chmod 644 home/.local/state/debrief/history"
      local t = start()
      t:enter("x = 1")
      t:enter("x = 1")
      t:enter(" x = 'secret'")
      t:enter("x = = 2")
      t:enter(".time")
      assert.equal("old\nx = 1\nx = = 2\n.time\n", history())
      local modes = scene:sh "stat -c %a home/.local/state/debrief home/.local/state/debrief/history"
      assert.equal("700\n600\n", modes.out)
    end)

    it("through a link, without changing the mode of what it leads to", function()
      scene:write("elsewhere/history", "old\n")
      scene:sh [[mkdir -p home/.local/state/debrief; chmod 755 elsewhere; chmod 644 elsewhere/history
        ln -s ../../../../elsewhere/history home/.local/state/debrief/history]]
      local t = start()
      t:enter("x = 1")
      assert.equal("old\nx = 1\n", scene:read "elsewhere/history")
      assert.equal("755\n644\n", scene:sh("stat -c %a elsewhere elsewhere/history").out)
    end)

    it("what two prompts run at once", function()
      local a, b = start(), start()
      for i = 1, 5 do
        a:enter("a = " .. i)
        b:enter("b = " .. i)
      end
      local seen = {}
      for line in history():gmatch "[^\n]+" do seen[#seen + 1] = line end
      assert.equal(10, #seen)
      table.sort(seen)
      assert.equal("a = 1 b = 5", seen[1] .. " " .. seen[10])
    end)

    it("no more than the latest ten thousand", function()
      local lines = {}
      for i = 1, 12000 do lines[i] = ("x = %d\n\t+ 0\n"):format(i) end
      scene:write("state/debrief/history", table.concat(lines))
      local t = start { env = { XDG_STATE_HOME = scene:path "state" } }
      t:keys "Up"
      t:rests "> x = 12000\n+ 0"
      t:keys "C-c"
      t:rests()
      t:enter "last = 1"
      local text = scene:read "state/debrief/history"
      assert.equal("x = 2001\n\t+ 0\n", text:match "^[^\n]*\n[^\n]*\n")
      assert.equal("x = 12000\n\t+ 0\nlast = 1\n", text:match "([^\n]*\n[^\n]*\n[^\n]*\n)$")
      assert.equal("history\n", scene:sh("ls state/debrief").out)
    end)

    it("nothing where there is no place for it, and says so once", function()
      local t = start { before = "env -u HOME " }
      assert.truthy(t:text():find("debrief: no history is kept: HOME is not set\n", 1, true))
      t:enter("x = 1")
      t:enter("x", "1\n>")
      t:keys "Up"
      t:rests "> x"
      assert.equal(1, select(2, t:text():gsub("no history", "")))
      scene:write("home", "a file")
      t = start()
      assert.truthy(t:text():gsub("\n", ""):find "no history is kept: .*/home.*: Not a directory")
    end)
  end)

  describe("at Ctrl-C", function()
    it("forgets a line and an unfinished statement", function()
      local t = start()
      t:type "print('never"
      t:wait "never"
      t:keys "C-c"
      t:rests("> print('never^C\n>")
      t:enter("if true then", ">>")
      t:keys "C-c"
      t:rests ">> ^C\n>"
      t:keys "C-r"
      t:wait "reverse%-i%-search"
      t:keys "C-c"
      t:rests()
      t:enter("6 * 7", "42\n>")
    end)

    it("stops what runs, in a coroutine and inside pcall too, and keeps the rest", function()
      local t = start()
      t:enter("kept, n = 1, 0")
      for i, loop in ipairs {
        "n = n + 1; io.write('in ', n, '\\n') while true do end",
        "n = n + 1; coroutine.wrap(function() io.write('in ', n, '\\n') while true do end end)()",
        "n = n + 1; io.write('in ', n, '\\n') while true do pcall(function() while true do end end) end",
        "n = n + 1; io.write('in ', n, '\\n') repeat until false",
        "n = n + 1; io.write('in ', n, '\\n') for line in log:follow() do end",
      } do
        t:type(loop)
        t:keys "Enter"
        t:wait(("\nin %d\n$"):format(i))
        t:keys "C-c"
        t:wait(("\nin %d\n%%^C\ninterrupted\n[^>]*>\n$"):format(i))
      end
      t:enter("kept + n", "6\n>")
      t:keys "C-d"
      left(t, 0)
    end)

    it("stops a long text that is being printed", function()
      local t = start()
      t:enter("lines = {}; for i = 1, 1e6 do lines[i] = 'at ' .. i end; big = table.concat(lines, '\\n')")
      t:type "print(big)\n"
      t:wait "at %d%d%d%d"
      t:keys "C-c"
      local shown = t:wait "\ninterrupted\n[^>]*>\n$"
      assert.falsy(shown:find "at 1000000\n")
      t:enter("#lines", "1000000\n>")
    end)

    it("ends the program when it comes again, and what runs does not stop", function()
      local t = start { before = own_pid }
      t:type "io.write 'in\\n'; ('a'):rep(400):find(('.-'):rep(12) .. 'b')"
      t:keys "Enter"
      t:wait "\nin\n$"
      local pid = tonumber(scene:read "pid")
      local function ticks()
        local fields = program.read(("/proc/%d/stat"):format(pid)):match "%) %S+ (.*)"
        return tonumber(fields:match(("%S+ "):rep(10) .. "(%d+)"))
      end
      local before = ticks() -- of CPU time: what comes too early stops it before the search begins
      t:wait_for("the search", function() return ticks() > before + 5 end)
      t:keys "C-c"
      t:wait "%^C"
      local status = ("/proc/%d/status"):format(pid)
      t:wait_for("the signal", function() return program.read(status):find "ShdPnd:%s*0+\n" end) -- or two would be one
      t:keys "C-c"
      left(t, 130)
      assert.equal("io.write 'in\\n'; ('a'):rep(400):find(('.-'):rep(12) .. 'b')\n", history())
    end)

    it("never ends the prompt by a bad moment", function()
      local t = start { before = own_pid }
      local storm = ("kill -INT %d || break; sleep 0.003; "):format(tonumber(scene:read "pid"))
      local pipe = io.popen("for i in $(seq 150); do " .. storm .. "done", "r")
      for _ = 1, 20 do t:type "x = (x or 0) + 1\n" end
      pipe:close()
      local status = ("/proc/%d/status"):format(tonumber(scene:read "pid"))
      local function is_quiet() -- it waits for a key: what is typed while it deals with a signal may be dropped
        local text = program.read(status)
        return text:find "State:%s+S" and text:find "ShdPnd:%s*0+\n"
      end
      t:wait_for("the last signal", is_quiet)
      t:keys("C-c")
      t:rests()
      t:wait_for("the key", is_quiet)
      t:enter("'still ' .. 'here'", "still here\n>")
    end)

    it("is left with the terminal as it was, when a signal ends it", function()
      for signal, status in pairs { TERM = 143, HUP = 129 } do
        local t = start { before = own_pid }
        t:type "half a line"
        t:wait "half a line"
        scene:sh(("kill -%s %d"):format(signal, tonumber(scene:read "pid")))
        left(t, status)
      end
    end)

    it("ends when its terminal is gone, also while something runs", function()
      for _, text in ipairs { "'half a line", "io.write 'in\\n' while true do end\n" } do
        local t = start { before = own_pid }
        t:type(text)
        t:wait(text:find "half" and "half a line" or "\nin\n$")
        local status = ("/proc/%d/status"):format(tonumber(scene:read "pid"))
        t:close()
        local limit = os.time() + 20
        repeat local there = program.read(status) until not there or os.time() > limit
        assert.is_nil(program.read(status))
      end
    end)

    it("stops and goes on at Ctrl-Z and fg", function()
      local t = screen.start(scene, "PS1='$ ' bash --norc --noprofile -i", {})
      t:wait "%$\n$"
      t:type '"$DEBRIEF" repl\n'
      t:wait "\n>\n$"
      t:type "20 +"
      t:wait "20 %+"
      t:keys "C-z"
      t:wait "Stopped"
      t:type "stty -a | grep -o '[-]*icanon'\n"
      t:wait "\nicanon\n"
      t:type "fg\n"
      t:wait "> 20 %+\n$"
      t:type " 1\n"
      t:wait "\n21\n>\n$"
    end)
  end)
end)
