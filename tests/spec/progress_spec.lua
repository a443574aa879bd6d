-- How far long work is: one line on a terminal's stderr, and nothing of it anywhere else.
local program = dofile "tests/spec/support/program.lua"
local screen = dofile "tests/spec/support/screen.lua"
local progress = require "debrief.cli.progress"

-- A clock that goes 0.2 s with every look, so that any work takes long.
local CLOCK = [[
  local core = require "debrief.core"
  local now = 0
  core.now = function() now = now + 200000000 return now end
]]

describe("progress", function()
  local scene

  before_each(function()
    scene = program.scene()
    for i = 1, 9 do
      scene:write(("sessions/s%d.jsonl"):format(i), ('{"skill":"a","final_status":"ok","note":"%s"}\n'):rep(300)
        :format(table.unpack((function() local t = {} for n = 1, 300 do t[n] = ("x"):rep(4000) end return t end)())))
    end
    scene:write("loud.lua", 'return { name = "loud", api = 1, filter = function() print "hello" return true end }')
  end)
  after_each(screen.clean)
  teardown(program.clean)

  it("shows how far, how fast, and how much longer", function()
    assert.equal("retro  63 %  61.0 MiB/s  1 s left", progress.line("retro", 63999999, 100000000, 1))
    assert.equal("check  0 %  0 B/s", progress.line("check", 0, 1000, 1))
    assert.equal("check  100 %  500 B/s", progress.line("check", 1000, 1000, 2))
    assert.equal("import  1 %  10 B/s  1 m 39 s left", progress.line("import", 10, 1000, 1))
    assert.equal("check  100 %  1000 B/s", progress.line("check", 2000, 1000, 2)) -- the file grew meanwhile
    assert.equal("append  1.0 KiB  512 B/s", progress.line("append", 1024, nil, 2))
    assert.equal("check  0 %  0 B/s", progress.line("check", 0, 0, 2))
  end)

  -- The program run in itself, with the quick clock.
  local function slowly(words)
    scene:write("slow.lua", CLOCK .. [[
      local status = require "debrief.cli" { [0] = "debrief", table.unpack(arg) }
      io.stderr:write("<", status, ">\n") ]])
    return '"$DEBRIEF" run slow.lua ' .. words
  end

  it("is shown by retro, check, import and append, and gone in the end", function()
    if not screen.available() then return pending "no tmux here" end
    scene:sh 'for i in 1 2 3 4 5 6 7 8 9; do cp sessions/s$i.jsonl in$i.jsonl; done'
    scene:write("toy.lua", [[return { name = "toy", api = 1,
      import = { open = function(source) for _ in source:lines() do end end } }]])
    for words, name in pairs { ["retro summary -j1"] = "retro", ["check"] = "check",
      ["append new in1.jsonl"] = "append",
      ["import -j1 ./toy.lua in1.jsonl in2.jsonl in3.jsonl in4.jsonl in5.jsonl"] = "import",
      ["append new2 < in2.jsonl"] = "append" } do
      local t = screen.start(scene, slowly(words) .. " 2>&1 | tee raw", { columns = 60 })
      t:ended()
      t:close()
      assert.falsy(scene:read("raw"):find(name .. "  %d"), "a pipe has none")
      local command = slowly((words:gsub("new", "newer")))
      t = screen.start(scene, "script -qec " .. program.quote(command) .. " raw", { columns = 60 })
      t:wait "<[03]>"
      t:ended()
      local raw = scene:read "raw"
      assert.truthy(raw:find(name .. "  %d[^\n]-/s[^\n]*\27%[K\r"), words .. ": " .. raw:sub(1, 500))
      assert.falsy(t:text():find(name .. "  %d"), t:text())
      t:close()
    end
  end)

  it("is not shown on a dumb terminal, and for work that is done soon", function()
    if not screen.available() then return pending "no tmux here" end
    local command = "script -qec " .. program.quote(slowly "check") .. " raw"
    local t = screen.start(scene, command, { env = { TERM = "dumb" } })
    t:ended()
    assert.falsy(scene:read("raw"):find "\27")
    assert.truthy(scene:read("raw"):find "no damage")
    t:close()
    t = screen.start(scene, [[script -qec '"$DEBRIEF" sessions; "$DEBRIEF" check s1' raw]])
    t:ended()
    assert.falsy(scene:read("raw"):find "\27")
  end)

  it("is not shown to a user who types the entries", function()
    if not screen.available() then return pending "no tmux here" end
    local t = screen.start(scene, "script -qec " .. program.quote("echo begun; " .. slowly "append typed") .. " raw")
    t:wait "begun"
    for _ = 1, 3 do
      t:type '{"skill":"a"}'
      t:keys "Enter"
    end
    t:keys "C-d"
    t:wait "<0>"
    t:ended()
    assert.falsy(scene:read("raw"):find "append  ")
  end)

  it("fits narrow terminals, and leaves nothing beside a message", function()
    if not screen.available() then return pending "no tmux here" end
    scene:write("draw.lua", CLOCK .. [[
      local progress, messages = require "debrief.cli.progress", require "debrief.cli.messages"
      progress.begin "retro"
      for i = 1, 9 do progress.at(i, 10) end
      io.read()
      messages.note "first"
      progress.at(9, 10)
      io.read()
      core.log_text("info", "second")
      io.read()
      progress.at(9, 10)
      progress.finish()
      print "end" ]])
    local t = screen.start(scene, 'stty -echo; "$DEBRIEF" run draw.lua', { columns = 20 })
    t:wait "^retro  90 %%  [^\n]*…\n$"
    t:keys "Enter"
    t:wait "^debrief: first\nretro  90 %%"
    t:keys "Enter"
    t:wait "^debrief: first\ninfo: second\n$"
    t:keys "Enter"
    t:wait "^debrief: first\ninfo: second\nend\n$"
  end)
end)
