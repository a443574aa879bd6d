-- What a terminal shows and what it must not: logs that attack it, colours, dumb terminals, a program without readline;
-- and commands that Ctrl-C ends.
local program = dofile "tests/spec/support/program.lua"
local screen = dofile "tests/spec/support/screen.lua"

local scene

-- Bytes that the program sends to the screen from now on; call the result to get them.
local function record(t)
  t:tmux(("pipe-pane -o 'cat > %s'"):format(scene:path "sent"))
  return function() return scene:read "sent" or "" end
end

local function prompt(opts)
  opts = opts or {}
  local t = screen.start(scene, 'trap : INT; read go; "$DEBRIEF" repl; echo "status $?"',
    { columns = 80, rows = 24, env = opts.env, term = opts.term })
  local sent = record(t)
  t:keys "Enter"
  t:wait "\n>\n$"
  return t, sent
end

local function leave(t)
  t:keys "C-d"
  t:wait "status 0\n"
end

-- A lone byte, a character of C1, what turns text around, titles, the clipboard, colours, the cursor, a bell.
local ATTACK = "\27]0;owned\7\27]2;owned\27\\\27]52;c;b3duZWQ=\7\27[31m\27[8m\27[2J\27[10;10H\27[?1049h\27c"
  .. "\u{9b}31m\u{9d}0;owned\u{9c}\u{202e}evil\u{2066}\u{200b}\r\8\8\a\155\157"

local function attack()
  local json = { skill = ATTACK, final_status = ATTACK, note = ATTACK, project_root = ATTACK, [ATTACK] = ATTACK,
    input = { [ATTACK] = ATTACK },
    attempts = { { attempt = 1, model = ATTACK, verified = false, runner_output = ATTACK } } }
  local function encode(v)
    if type(v) == "string" then
      return '"' .. v:gsub("[%c\\\"]", function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
    elseif type(v) ~= "table" then
      return tostring(v)
    elseif v[1] then
      return "[" .. encode(v[1]) .. "]"
    end
    local members = {}
    for key, value in pairs(v) do members[#members + 1] = encode(key) .. ":" .. encode(value) end
    return "{" .. table.concat(members, ",") .. "}"
  end
  scene:write("sessions/s1.jsonl", encode(json) .. "\n" .. ATTACK:gsub("\n", "") .. "\n")
end

-- Nothing of the attack has worked, and nothing of it was sent as it is: what was are sequences of readline,
-- and colours.
local function unharmed(t, sent)
  assert.equal("no buffer", t:tmux "show-buffer":match "no buffer" or t:tmux "show-buffer")
  assert.falsy(t:tmux "display -p '#{pane_title}'":find "owned")
  assert.equal("0 1\n", t:tmux "display -p '#{alternate_on} #{cursor_flag}'")
  sent = sent:gsub("\27%[%?2004[hl]", ""):gsub("\27%[[%d;]*m", function(c)
    assert.falsy(c:find "31m", 1, true)
    return ""
  end):gsub("\27%[[KCADHJ]", "")
  assert.falsy(sent:find "\27[^%[]", "an escape was sent")
  assert.falsy(sent:find "\27%[%d+;%d+H")
  assert.falsy(sent:find "[\155\157]" and not utf8.len(sent))
  for _, hidden in ipairs { "\u{9b}", "\u{9d}", "\u{202e}", "\u{2066}", "\u{200b}" } do
    assert.falsy(sent:find(hidden, 1, true))
  end
end

describe("a terminal", function()
  if not screen.available() then return pending "no tmux here" end

  before_each(function() scene = program.scene() end)
  after_each(screen.clean)
  teardown(program.clean)

  describe("is safe from a log", function()
    it("at the prompt", function()
      attack()
      local t, sent = prompt { term = "xterm-256color" }
      for _, line in ipairs { "e = list(log:entries())[1]", "e", "e.skill", "e.attempts", "list(log:entries())",
        "log:retro 'failures'", "error(e.note)", "print(e.input)", "log:check()", "{ e.note }", "{ [e.note] = 1 }" } do
        t:type(line)
        t:keys "Enter"
        t:type("'done" .. #line .. "'")
        t:keys "Enter"
        t:wait(("\ndone%d\n>\n$"):format(#line))
      end
      t:type "e."
      t:keys("Tab", "Tab")
      t:wait "skill"
      t:keys "C-c"
      unharmed(t, sent())
      leave(t)
    end)

    it("in what commands show", function()
      attack()
      local t = screen.start(scene, [[read go
        export PAGER=cat; "$DEBRIEF" read s1; "$DEBRIEF" read s1 --format card; "$DEBRIEF" retro summary,failures,skills
        "$DEBRIEF" check; "$DEBRIEF" read s1 --fields skill,note; "$DEBRIEF" read "no$(printf '\033]0;owned\007')"
        echo "status $?"; read go]],
        { term = "xterm-256color" })
      local sent = record(t)
      t:keys "Enter"
      t:wait "status 1\n"
      unharmed(t, sent())
    end)

    it("in candidates for a word", function()
      scene:write("s.lua", [[
        local console = require "debrief.core".console()
        local words = { "good_one", "good_two", "good_\27]0;owned\7", "good_\u{202e}x", "good_\155" }
        while console.read("> ", function() return 1, words end) do end]])
      local t = screen.start(scene, 'read go; "$DEBRIEF" run s.lua; echo "status $?"; read go',
        { term = "xterm-256color" })
      local sent = record(t)
      t:keys "Enter"
      t:wait "\n>\n$"
      t:type "go"
      t:keys "Tab"
      t:wait "> good_\n$"
      t:keys("Tab", "Tab")
      t:wait "\ngood_one +good_two\n> good_\n$"
      t:keys("C-u", "C-d")
      t:wait "status 0\n"
      unharmed(t, sent())
    end)

    it("as far as this can be seen: shown as it is, the same text does harm", function()
      attack()
      local t = screen.start(scene, "read go; tail -n 1 sessions/s1.jsonl; read go", { term = "xterm-256color" })
      local sent = record(t)
      t:keys "Enter"
      t:wait_for("the attack", function() return sent():find "\155" end)
      assert.has_error(function() unharmed(t, sent()) end)
    end)
  end)

  describe("without colours or cursor", function()
    it("gets no colour with NO_COLOR", function()
      local t, sent = prompt { term = "xterm-256color", env = { NO_COLOR = "1" } }
      t:type "{ 1, true, 'x' }\n"
      t:wait "x.-\n>\n$"
      leave(t)
      assert.falsy(sent():find "\27%[[%d;]*m")
    end)

    it("gets no escape sequence at all when it is dumb", function()
      local t, sent = prompt { term = "dumb" }
      t:type "{ 1, true, 'x' }\n"
      t:wait "x.-\n>\n$"
      t:type "if true then\n"
      t:wait "\n>>\n$"
      t:keys "C-c"
      t:wait "\n>\n$"
      t:type "'half"
      t:wait "half"
      t:keys "C-c"
      t:wait "half%^C\n>\n$"
      t:type "6 * 7\n"
      t:wait "\n42\n>\n$"
      leave(t)
      assert.falsy(sent():find "\27")
      assert.is_nil(scene:read "home/.local/state/debrief/history")
    end)
  end)

  it("has a prompt of plain lines where the program was built without readline", function()
    if program.sanitized then return pending "the flags of this build are not known here" end
    local build = scene:path "build"
    local function make(switch) -- in a copy of the build: nothing but the switch changes
      local r = scene:sh(([[cd "$ROOT" && MAKEFLAGS= make -s READLINE=%s BUILD="$COPY" "$COPY/debrief" 2>&1]])
        :format(switch), { ROOT = program.root, COPY = build })
      assert.equal(0, r.status, r.out .. r.err)
      return program.read(build .. "/debrief"):find("libreadline", 1, true) ~= nil
    end
    scene:sh('mkdir build && cd "$FROM" && cp -a src embedded_files.* *.a ' .. program.quote(build),
      { FROM = program.build })
    assert.is_true(make "yes")
    assert.is_false(make "no")
    local t, sent = prompt { env = { DEBRIEF = build .. "/debrief" }, term = "xterm-256color" }
    t:type "6 * 7\n"
    t:wait "\n42\n>\n$"
    t:type "'half"
    t:wait "half"
    t:keys "C-c"
    t:wait "half%^C\n>\n$"
    t:type "io.write 'in\\n' while true do end\n"
    t:wait "\nin\n$"
    t:keys "C-c"
    t:wait "interrupted\n>\n$"
    t:type("#'" .. ("ü"):rep(100) .. "'\n")
    t:wait "\n200\n>\n$"
    leave(t)
    assert.falsy(sent():find "\27%[%?")
  end)

  it("has a prompt of plain lines, and says why, where readline is not installed", function()
    if not program.read(program.path):find("libreadline", 1, true) then return pending "built without readline" end
    local r = scene:sh 'ldd "$DEBRIEF"'
    assert.falsy(r.out:find "readline") -- no other command pays for it
    local soname = program.read(program.path):match "libreadline%.so%.%d+"
    scene:write("lib/" .. soname, "")
    scene:write("plain", ("#!/bin/sh\nLD_LIBRARY_PATH=%s exec %s \"$@\"\n"):format(program.quote(scene:path "lib"),
      program.quote(program.path)))
    scene:sh "chmod +x plain"
    local t, sent = prompt { env = { DEBRIEF = scene:path "plain" }, term = "xterm-256color" }
    assert.truthy(t:text():find("debrief: lines cannot be edited: %S+/" .. soname), t:text())
    t:type "6 * 7\n"
    t:wait "\n42\n>\n$"
    leave(t)
    assert.falsy(sent():find "\27%[%?")
    assert.equal(1, select(2, sent():gsub("cannot be edited", "")))
    assert.is_nil(scene:read "home/.local/state/debrief/history")
  end)

  describe("ends by Ctrl-C", function()
    local function start(command)
      return screen.start(scene,
        ('trap : INT; %s; echo "status $?"; stty -a | grep -o " [-]*icanon"'):format(command), {})
    end

    it("a script, also inside pcall, with status 130", function()
      scene:write("s.lua", "io.write 'in\\n' io.flush() while true do pcall(function() while true do end end) end")
      local t = start '"$DEBRIEF" run s.lua'
      t:wait "in\n"
      t:keys "C-c"
      t:wait "debrief: interrupted.-\nstatus 130\n icanon\n"
    end)

    it("a completion that hangs, and the program when it does not stop", function()
      scene:write("s.lua", [[
        local console = require "debrief.core".console()
        console.read("> ", function() console.write "in\n" while true do end end)
        console.read(">> ", function() console.write "on\n" return ("a"):rep(400):find((".-"):rep(12) .. "b") end)]])
      local t = start [[sh -c 'echo $$ > pid; exec "$DEBRIEF" run s.lua']]
      t:wait "\n?>\n$"
      t:type "a\t"
      t:wait "in\n"
      t:keys "C-c"
      t:type "\n"
      t:wait ">>\n$"
      t:type "b\t"
      t:wait "on\n"
      local pid = tonumber(scene:read "pid")
      local status = ("/proc/%d/status"):format(pid)
      scene:sh("kill -INT " .. pid) -- it is pending now, which cannot be said of a key
      t:wait_for("the signal", function() return program.read(status):find "ShdPnd:%s*0+\n" end)
      t:keys "C-c"
      t:wait "status 130\n icanon\n"
    end)

    it("a retrospective whose plugin does not end, and its progress", function()
      scene:write("sessions/s1.jsonl", '{"skill":"a"}\n')
      scene:write("p.lua", [[return { name = "p", api = 1, retrospective = { init = function() return {} end,
        step = function() print "in" while true do end end, finish = function() return { title = "x" } end } }]])
      local t = start '"$DEBRIEF" retro ./p.lua'
      t:wait "in\n"
      t:keys "C-c"
      t:wait "debrief: interrupted.-\nstatus 130\n icanon\n"
    end)
  end)
end)
