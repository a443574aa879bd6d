-- Rights: what a plugin needs, what the user allows, and that nobody else gets it.
local program = dofile "tests/spec/support/program.lua"

local scene

-- A plugin with every hook, each of which runs `echo HOOK`.
local function plugin(name, needs, extra)
  return ([[
    local debrief = require "debrief"
    local run = debrief.run
    local function echo(word) return (run { "echo", word }):sub(1, -2) end
    return { name = %q, api = 1, %s %s
      enrich = function(entry) entry.said = echo "enrich" end,
      filter = function() return echo "filter" == "filter" end,
      retrospective = { init = function() return { text = echo "init" } end, step = function() end,
        finish = function(acc) return { title = "T", text = acc.text } end },
      import = { detect = function() return echo "detect" == "detect" end, open = function(source, emit)
        for _ in source:lines() do end
        emit { session_id = "i1", skill = echo "import", source = { kind = "p", key = "1" } }
      end },
    }]]):format(name, needs and ("needs = { %s },"):format(needs) or "", extra or "")
end

local REFUSED = "debrief: plugin 'p' needs the right process: it can run any program, and that can do all that you "
  .. "can; to allow that: --allow p:process\n"

-- Every command that runs plugins.
local COMMANDS = { "append s1 skill=x --enrich ./p.lua", "read --enrich ./p.lua", "read --filter ./p.lua",
  "retro ./p.lua", "import ./p.lua foreign.jsonl" }

describe("a plugin that needs a right", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n')
    scene:write("foreign.jsonl", "{}\n")
    scene:write("p.lua", plugin("p", '"process"'))
  end)
  teardown(program.clean)

  for _, words in ipairs(COMMANDS) do
    it("does not load without it: " .. words, function()
      local r = scene:sh('"$DEBRIEF" ' .. words)
      assert.same({ REFUSED, "", 2 }, { r.err, r.out, r.status })
      assert.equal('{"session_id":"s1","skill":"a"}\n', scene:read "sessions/s1.jsonl")
      assert.is_nil(scene:read "sessions/i1.jsonl")
    end)

    it("runs with it: " .. words, function()
      local r = scene:sh('"$DEBRIEF" ' .. words .. " --allow p:process")
      assert.equal(0, r.status, r.err)
      local seen = r.out .. scene:read "sessions/s1.jsonl" .. (scene:read "sessions/i1.jsonl" or "")
      local hook = words:match "%-%-(%l+)" or words:match "^import" or "init"
      assert.truthy(hook == "filter" and r.out ~= "" or seen:find(hook, 1, true), seen)
    end)
  end

  it("is shared with no other plugin", function()
    scene:write("q.lua", [[
      local run = require "debrief".run
      return { name = "q", api = 1, retrospective = { init = function() return {} end, step = function() end,
        finish = function() return { title = "T", text = select(2, pcall(run, { "echo" })) } end } }
    ]])
    local r = scene:run { "retro", "./p.lua,./q.lua", "--allow", "p:process", "-j", "1" }
    assert.equal(0, r.status, r.err)
    assert.truthy(r.out:find "\ninit\n", r.out)
    local message = 'debrief.run is for plugins with the right process: needs = { "process" }'
    assert.truthy(r.out:find(message, 1, true), r.out)
  end)

  it("names rights that there are", function()
    for needs, message in pairs {
      ['"proces"'] = "needs: unknown right 'proces': did you mean 'process'?",
      ['"process", "net"'] = "needs: unknown right 'net'; there is: process, repl",
      ["3"] = 'needs must be a list of rights: { "process", "repl" }',
      ["process = true"] = 'needs must be a list of rights: { "process", "repl" }',
    } do
      scene:write("p.lua", plugin("p", needs))
      local r = scene:run { "retro", "./p.lua", "--allow", "p:process" }
      assert.same({ "debrief: plugin does not load: ./p.lua: " .. message .. "\n", "", 2 }, { r.err, r.out, r.status })
    end
    scene:write("p.lua", plugin("p", nil, "needs = 'process',"))
    local message = "debrief: plugin does not load: ./p.lua: needs must be a table, not 'process'\n"
    assert.equal(message, scene:run({ "retro", "./p.lua" }).err)
  end)

  it("may need no right", function()
    scene:write("p.lua", "return { name = 'p', api = 1, needs = {}, filter = function() return true end }")
    assert.equal(0, scene:run({ "read", "--filter", "./p.lua" }).status)
  end)

  it("is listed with it, and shown with the words that allow it", function()
    local r = scene:run { "plugins", "./p.lua" }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find("\nneeds: process: it can run any program, and that can do all that you can; "
      .. "to allow that: --allow p:process\n", 1, true), r.out)
    assert.equal(r.out, scene:run({ "plugins", "./p.lua", "--allow", "p:process" }).out)
    r = scene:run { "plugins", env = { DEBRIEF_PLUGIN_PATH = scene.dir } }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find "\np +[%l,]+ +%(needs process%)\n", r.out)
    assert.truthy(r.out:find "\ngit +enrich +[^\n]+ %(needs process%)\n", r.out)
  end)

  it("needs it to finish partial results, too", function()
    scene:write("p.lua", (plugin("p", '"process"'):gsub("finish =", "merge = function() end, %0")))
    local r = scene:sh '"$DEBRIEF" retro ./p.lua --allow p:process --partial -o part && "$DEBRIEF" merge ./p.lua part'
    assert.same({ REFUSED, "", 2 }, { r.err, r.out, r.status })
    r = scene:run { "merge", "./p.lua", "part", "--allow", "p:process" }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find "\ninit\n", r.out)
  end)

  it("gets it from a script, too", function()
    scene:write("script.lua", ([[
      package.path = "%s/lua/?.lua;%s/lua/?/init.lua;" .. package.path
      package.cpath = "%s/lua/?.so;" .. package.cpath
      local log = require "debrief".open "sessions"
      print(log:retro "./p.lua")
      print(log:retro("./p.lua", { allow = { "p:process" } }).reports[1].text)
      print(log:retro("./p.lua", { allow = { "q:process" } }))]]):format(program.root, program.root, program.build))
    local r = scene:sh("lua5.4 script.lua",
      { LD_PRELOAD = os.getenv "LD_PRELOAD", ASAN_OPTIONS = os.getenv "ASAN_OPTIONS" })
    assert.equal("", r.err)
    assert.equal("nil\t" .. REFUSED:gsub("^debrief: ", "") .. "init\n"
      .. "nil\t--allow 'q:process': no plugin 'q' is used here (p)\n", r.out)
  end)

  describe("is not granted by", function()
    local PLAIN = "return { name = 'p', api = 1, enrich = function() end, filter = function() return true end, "
      .. "import = { detect = function() return true end, open = function() end }, retrospective = { "
      .. "init = function() return {} end, step = function() end, finish = function() return { title = 'T' } end } }"

    local function refused(words, message)
      local r = scene:sh('"$DEBRIEF" ' .. words)
      assert.same({ "debrief: " .. message .. "\n", "", 2 }, { r.err, r.out, r.status })
    end

    for _, words in ipairs(COMMANDS) do
      it("an --allow that is wrong: " .. words, function()
        local used = " is used here (p)"
        refused(words .. " --allow p", "--allow 'p': write plugin:right")
        refused(words .. " --allow :process", "--allow ':process': write plugin:right")
        refused(words .. " --allow process", "--allow 'process': write plugin:right")
        refused(words .. " --allow p:process --allow q:process", "--allow 'q:process': no plugin 'q'" .. used)
        refused(words .. " --allow p:proces",
          "--allow 'p:proces': unknown right 'proces': did you mean 'process'?")
        scene:write("p.lua", PLAIN)
        refused(words .. " --allow p:process",
          "--allow 'p:process': plugin 'p' does not need that right, so it does not get it")
      end)
    end

    it("an --allow without a plugin", function()
      refused("append s1 skill=x --allow p:process", "--allow 'p:process': no plugin 'p' is used here")
      refused("read --allow p:process", "--allow 'p:process': no plugin 'p' is used here")
      refused("plugins --allow p:process", "plugins: --allow goes with the name of a plugin")
      refused("plugins skills --allow skills:process",
        "--allow 'skills:process': plugin 'skills' does not need that right, so it does not get it")
    end)
  end)

  it("is tried by import only when it is allowed", function()
    local env = { DEBRIEF_PLUGIN_PATH = scene.dir }
    local r = scene:run { "import", "foreign.jsonl", env = env }
    assert.equal(1, r.status)
    assert.truthy(r.err:find("debrief: no importer knows foreign.jsonl: it looks like ", 1, true), r.err)
    r = scene:run { "import", "foreign.jsonl", "--allow", "p:process", env = env }
    assert.same({ 0, "debrief: 1 entry stored in sessions, from 1 file\n" }, { r.status, r.err })
  end)
end)
