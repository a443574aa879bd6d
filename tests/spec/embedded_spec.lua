-- The Lua sources are inside the program: it needs no file of ours, and DEBRIEF_LUA_DIR puts a working copy in their
-- place.
local program = dofile "tests/spec/support/program.lua"

local scene

describe("the built-in sources", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n')
  end)
  teardown(program.clean)

  it("are the files of lua/ and plugins/, but for comments and indentation in lua/", function()
    local core = require "debrief.core"
    local n = 0
    local pipe = assert(io.popen "find lua plugins -name '*.lua' -o -name '*.css' -o -name '*.js'")
    for path in pipe:lines() do
      n = n + 1
      local text, built_in = program.read(path), core.source(path)
      local short = text:gsub("%f[^\n\0][ ]*%-%-[^\n]*", "") -- lines that are comments are empty
      local bare = path:find "^lua/" and (built_in == short or built_in == short:gsub("%f[^\n\0] +", "")
        or built_in == text:gsub("%f[^\n\0] +", ""))
      if not bare then assert.equal(text, built_in, path) end
    end
    pipe:close()
    assert.equal(n + 1, #core.sources "")
    assert.truthy(core.source("lua/debrief/cli/argparse.lua"):find("The MIT License", 1, true))
    assert.is_nil(core.source "lua/debrief/nothing.lua")
  end)

  it("are all that the program needs: no file of Lua code is opened", function()
    local strace = "ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=open,openat -o trace " -- no leak check under it
    local r = scene:sh(strace .. '"$DEBRIEF" retro summary,skills -j 2')
    if r.status == 127 then return pending "no strace" end
    assert.equal(0, r.status, r.err)
    assert.is_nil(scene:read("trace"):match '"([^"]*%.lua)"[^\n]*= %d')
  end)

  it("are what runs, whatever lies in the current folder or in LUA_PATH", function()
    for _, name in ipairs { "argparse", "debrief", "debrief/cli", "debrief/cli/argparse" } do
      scene:write(name .. ".lua", "io.stderr:write 'executed'; os.exit(9)")
    end
    for _, path in ipairs { false, "./?.lua", scene:path "?.lua" .. ";;" } do
      local r = scene:run { "append", "s2", "skill=b", env = { LUA_PATH = path } }
      assert.equal(0, r.status, r.err)
      assert.equal("", r.err)
    end
    assert.equal(3, select(2, scene:read("sessions/s2.jsonl"):gsub("\n", "")))
  end)

  -- The line of --version, changed in the bytecode, shows whether that ran, or the text, which is packed.
  describe("run from bytecode", function()
    local LINE, CODE = "debrief %s (%s)", "bytecode %s %s."
    local CONSTANT = "\x04" .. string.char(0x80 | #LINE + 1) -- how bytecode begins a short string

    local function plain(text) return (text:gsub("%p", "%%%0")) end

    -- What a copy of the program prints, with more of its bytes changed.
    local function version(pattern, to)
      local bytes = program.read(program.path)
      local n
      bytes, n = bytes:gsub(CONSTANT .. plain(LINE), function() return CONSTANT .. CODE end)
      assert.equal(1, n)
      if pattern then
        bytes, n = bytes:gsub(pattern, to)
        assert.truthy(n > 0)
      end
      assert.equal(#program.read(program.path), #bytes)
      scene:write("patched", bytes)
      local r = scene:sh "chmod +x patched && ./patched --version && ./patched append s2 skill=b"
      assert.equal("", r.err)
      assert.equal(0, r.status)
      return r.out:match "^%a+"
    end

    it("in the Lua that made it", function() assert.equal("bytecode", version()) end)

    it("but from their text in another release", function()
      assert.equal("debrief", version("(Lua 5%.4%.)%d(  Copyright)", "%1x%2"))
    end)

    it("and on a machine with other sizes", function()
      assert.equal("debrief", version("(\27Lua\x54\0\x19\x93\r\n\x1a\n.)..", "%1\4\4"))
    end)
  end)

  describe("with DEBRIEF_LUA_DIR", function()
    local copy
    before_each(function()
      copy = scene:path "copy"
      scene:sh(("mkdir copy && cp -r %s/lua %s/plugins copy"):format(program.root, program.root))
    end)

    it("give way to the working copy, for plugins and in workers, too", function()
      local function patch(path, from, to)
        local text = scene:read(path)
        local at, stop = text:find(from, 1, true)
        assert.truthy(at, path)
        scene:write(path, text:sub(1, at - 1) .. to .. text:sub(stop + 1))
      end
      patch("copy/lua/debrief/cli/retro.lua", "function retro.run(args)",
        'function retro.run(args) print "patched command"')
      patch("copy/lua/debrief/run/worker.lua", "function worker.setup(given)",
        'function worker.setup(given) core.log_text("info", "patched worker")')
      patch("copy/plugins/skills.lua", 'summary = "', 'summary = "patched: ')
      scene:write("copy/plugins/extra.lua", [[return { name = "extra", api = 1, summary = "only here",
        retrospective = { init = function() return {} end, step = function() end,
        finish = function() return { title = "Extra" } end } }]])
      local env = { DEBRIEF_LUA_DIR = copy }
      local r = scene:run { "retro", "extra", "-j", "1", env = env }
      assert.equal(0, r.status, r.err)
      assert.truthy(r.out:find "^patched command\nExtra\n", r.out)
      assert.truthy(r.err:find "info: patched worker\n", r.err)
      assert.truthy(scene:run({ "plugins", env = env }).out:find "\nextra +retrospective +only here\n")
      assert.truthy(scene:run({ "plugins", env = env }).out:find "\nskills +retrospective +patched: ")
      assert.falsy(scene:run({ "plugins" }).out:find "patched")
    end)

    it("name the file and line of a mistake in it", function()
      scene:write("copy/lua/debrief/cli/read.lua", "local x = 1\nlocal = 2\n")
      local r = scene:run { "read", env = { DEBRIEF_LUA_DIR = copy } }
      assert.equal(1, r.status)
      assert.truthy(r.err:find(copy .. "/lua/debrief/cli/read.lua:2: <name> expected near '='", 1, true), r.err)
    end)

    it("say so if the folder does not exist", function()
      local r = scene:run { "read", env = { DEBRIEF_LUA_DIR = scene:path "none" } }
      assert.equal(1, r.status)
      assert.truthy(r.err:find "module 'debrief.cli' not found", r.err)
    end)
  end)
end)
