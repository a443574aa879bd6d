-- The program as a whole: words, help, version, exit statuses.
local program = dofile "tests/spec/support/program.lua"

local COMMANDS = { "append", "record", "hook", "read", "retro", "merge", "sessions", "check", "repair", "plugins",
  "import", "run", "explain", "skill", "completion", "help" }

describe("the program", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("shows its version, and help for itself and every command, on stdout", function()
    local r = scene:run { "--version" }
    assert.same({ "debrief 0.1.0 (Lua 5.4.4)\n", "", 0 }, { r.out, r.err, r.status })
    for _, option in ipairs { "--help", "-h" } do
      r = scene:run { option }
      assert.same({ "", 0 }, { r.err, r.status })
      for _, name in ipairs(COMMANDS) do
        assert.truthy(r.out:find("\n   " .. name .. " "), r.out)
      end
    end
    for _, name in ipairs(COMMANDS) do
      local help = scene:run { name, "--help" }
      assert.same({ "", 0 }, { help.err, help.status })
      assert.truthy(help.out:find("^Usage: debrief " .. name), help.out)
      assert.falsy(help.out:find "lua/debrief", help.out)
      assert.equal(help.out, scene:run({ "-d", "x", name, "-h" }).out)
      assert.equal(help.out, scene:run({ "help", name }).out)
    end
  end)

  it("explains its analyses, a screen and with sources each", function()
    local list = scene:run { "explain" }
    assert.same({ 0, "" }, { list.status, list.err })
    local n = 0
    for topic in list.out:gmatch "([%w-]+)  [^\n]*\n" do
      n = n + 1
      local r = scene:run { "explain", topic }
      assert.same({ 0, "" }, { r.status, r.err })
      assert.truthy(select(2, r.out:gsub("\n", "\n")) < 32 and r.out:find "%d%d%d%d%)? ?%d*", topic)
      for line in r.out:gmatch "[^\n]+" do assert.is_true(#line <= 80, line) end
    end
    assert.equal(5, n)
    local wrong = scene:run { "explain", "comparr" }
    assert.same({ "", 2 }, { wrong.out, wrong.status })
    assert.truthy(wrong.err:find("compare", 1, true), wrong.err)
  end)

  it("loads no command but the one it was asked for", function()
    scene:sh(("mkdir copy && cp -r %s/lua %s/plugins copy"):format(program.root, program.root))
    for _, name in ipairs { "repl", table.unpack(COMMANDS) } do
      scene:write("copy/lua/debrief/cli/" .. name .. ".lua", ("error 'loaded %s'"):format(name))
    end
    local env = { DEBRIEF_LUA_DIR = scene:path "copy" }
    for _, words in ipairs { { "--version" }, { "--help" }, { "-d", "x", "-h" } } do
      words.env = nil
      local bare = scene:run(words)
      words.env = env
      assert.same(bare, scene:run(words))
    end
    for _, name in ipairs { "append", "completion", "read" } do
      scene:sh(("cp %s/lua/debrief/cli/%s.lua copy/lua/debrief/cli"):format(program.root, name))
    end
    for _, words in ipairs { { "append", "s", "skill=a", "final_status=ok" }, { "read", "s" },
      { "completion", "bash", "--", "" }, { "completion", "zsh", "--", "read", "-" } } do
      words.env = env
      local r = scene:run(words)
      assert.same({ 0, "" }, { r.status, r.err })
    end
    local r = scene:run { "retro", "summary", env = env }
    assert.truthy(r.err:find("loaded retro", 1, true), r.err)
  end)

  it("loads for an append what it uses, and less for the version", function()
    scene:sh(("mkdir copy && cp -r %s/lua copy"):format(program.root))
    local env = { DEBRIEF_LUA_DIR = scene:path "copy" }
    local function keep(names) -- the only modules that can be loaded
      scene:sh "find copy -name '*.lua' | while read -r file; do echo \"error [[$file was loaded]]\" >$file; done"
      for name in names:gmatch "%S+" do
        local path = ("lua/debrief/%s.lua"):format(name)
        scene:write("copy/" .. path, assert(program.read(program.root .. "/" .. path)))
      end
    end
    local program_itself = "cli/init cli/messages cli/output cli/progress "
    keep(program_itself .. "text/write")
    assert.same(scene:run { "--version" }, scene:run { "--version", env = env })
    keep(program_itself .. "cli/commands cli/parser cli/arguments cli/append cli/entry_words record/state")
    local r = scene:run { "append", "s", "skill=a", "input:={}", "--attempt", "verified=true", env = env }
    assert.same({ 0, "" }, { r.status, r.err })
  end)

  it("keeps help within 80 columns", function()
    for _, words in ipairs { "", table.unpack(COMMANDS) } do
      for line in scene:sh('"$DEBRIEF" help ' .. words).out:gmatch "[^\n]+" do assert(utf8.len(line) <= 80, line) end
    end
  end)

  it("without words shows its usage on stderr, and ends with 2", function()
    local r = scene:run {}
    assert.same({ "", 2 }, { r.out, r.status })
    assert.truthy(r.err:find "^Usage: debrief ", r.err)
  end)

  it("names the nearest command and option", function()
    for words, message in pairs {
      ["red"] = "unknown command 'red': did you mean 'read'?",
      ["appendd s1"] = "unknown command 'appendd': did you mean 'append'?",
      ["retrospective x"] = "unknown command 'retrospective'",
      ["zzz"] = "unknown command 'zzz'",
      ["read --strikt"] = "unknown option '--strikt': did you mean '--strict'?",
      ["read --zzz"] = "unknown option '--zzz'",
      ["--dri x read"] = "unknown option '--dri': did you mean '--dir'?",
      ["read -d"] = "option '-d' requires an argument",
      ["read --format xml"] = "--format takes jsonl, json, list, table, csv, tsv or card, "
        .. "not 'xml' (",
      ["read --format=jsno"] = "--format takes jsonl, json, list, table, csv, tsv or card, not 'jsno': did you mean "
        .. "'json'?",
      ["read --follow --from strat"] = "--from takes start or end, not 'strat': did you mean 'start'?",
      ["retro summary --fromat text"] = "unknown option '--fromat': did you mean '--format'?",
      ["retro trend --opt every=wek -d ."] = "option trend.every must be one of day, week, month, not wek: did you "
        .. "mean 'week'?",
      ["retro trend --opt tend.by=week"] = "--opt 'tend.by=week': no plugin 'tend' is used here: did you mean 'trend'?",
      ["retro trend --opt yb=week"] = "plugin 'trend' has no option 'yb': did you mean 'by'?",
      ["read --filter faild"] = "no plugin 'faild': did you mean 'failed'? (",
      ["read --enrich git --allow gti:process"] = "--allow 'gti:process': no plugin 'gti' is used here: "
        .. "did you mean 'git'?",
      ["help raed"] = "unknown command 'raed': did you mean 'read'?",
      ["plugins --no-pagre"] = "unknown option '--no-pagre': did you mean '--no-pager'?",
      ["repair s1 s2"] = "too many arguments",
      ["merge"] = "missing argument 'PLUGIN'",
    } do
      local r = scene:sh('"$DEBRIEF" ' .. words)
      assert.equal("debrief: " .. message, r.err:sub(1, #message + 9))
      assert.equal(1, select(2, r.err:gsub("\n", "")), r.err)
      assert.same({ "", 2 }, { r.out, r.status })
    end
  end)

  it("starts in a folder it may not read, and without HOME", function()
    local r = scene:sh 'env -i "$DEBRIEF" plugins'
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find "\nsummary ", r.out)
  end)

  it("never sends text of the user's raw to the terminal", function()
    for _, words in ipairs { { "\27[2J" }, { "read", "\27[2J" }, { "read", "--\27[2J" }, { "-d", "\27[2J", "read" },
      { "retro", "\27[2J" }, { "append", "\27[2J" }, { "append", "s1", "\27[2J" }, { "import", "\27[2J.jsonl" },
      { "retro", "summary", "--opt", "\27[2J=1" }, { "append", "s1", "duration_ms=\27[2J" } } do
      local r = scene:run(words)
      assert.is_true(r.status == 1 or r.status == 2)
      assert.falsy((r.err .. r.out):find "\27", table.concat(words, " "))
    end
  end)

  it("says that memory is short, however short it is", function()
    if program.sanitized then return pending "a sanitizer needs more before it begins" end
    local line = [[for k in $(seq 4800 200 9000); do
      (ulimit -v $k; "$DEBRIEF" retro summary,skills s1 -j2 2>&1 >/dev/null)
      status=$?; [ $status -lt 128 ] || echo "died of $status at $k"
    done]]
    scene:run { "append", "s1", "skill=a" }
    local r, short = scene:sh(line), 0
    for text in r.out:gmatch "[^\n]+" do
      if text:find "^debrief: not enough memory" then short = short + 1 end
      for _, bad in ipairs { "traceback", "a bug in", "nil value", "died of" } do
        assert.falsy(text:find(bad), r.out)
      end
    end
    assert(short > 1, r.out)
  end)

  it("says whether a plugin's limit or the process ran out of memory", function()
    if program.sanitized then return pending "a sanitizer needs more before it begins" end
    scene:write("big.lua", [[return { name = "big", api = 1, filter = function()
      local t = {}
      while true do t[#t + 1] = ("x"):rep(1 << 20) .. #t end
    end }]])
    scene:run { "append", "s1", "skill=a" }
    local line = [[ulimit -v %s; "$DEBRIEF" read s1 --filter ./big.lua --plugin-memory=%s --plugin-time 60 2>&1]]
    for _, case in ipairs {
      { "120000", "1000", "the system gave this process no more (see ulimit -v)" },
      { "unlimited", "10", "plugins may use 10485760 bytes here" },
    } do
      local r = scene:sh(line:format(case[1], case[2]))
      assert.equal(3, r.status)
      assert.truthy(r.out:find("plugin 'big', filter: not enough memory: " .. case[3], 1, true), r.out)
    end
  end)

  it("calls nothing a bug that a user can do", function()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1"}\n')
    for _, words in ipairs { { "read", "s1", "s1" }, { "read", "sessions/s1.jsonl" }, { "retro", "summary", "s1",
      "s1" },
      { "retro", "summary,summary" }, { "append", "s1", "=" }, { "append", "s1", "a=" }, { "append", "s1", "a:=" },
      { "append", "s1", "--attempt", "" }, { "append", "s1", "timestamp:=5" }, { "append", "s1", "input:=1" },
      { "append", "s1", "session_id:=1" }, { "append", "s1", "duration_ms:=1e3" }, { "append", "s1", "skill=\xff" },
      { "append", "s1", "attempts:={}" }, { "append", "s1", "--attempt", "a=1", 'attempts:=[{"attempt":1}]' },
      { "append", "s1", "attempts:=null", "--attempt", "model=m" },
      { "append", "s1", "duration_ms=99999999999999999999" }, { "append", "s1", "--enrich", "" }, { "plugins", "" },
      { "plugins", "/" }, { "retro", "/" }, { "retro", "./" }, { "retro", ".lua" }, { "import", "" }, { "import", "x" },
      { "import", "sessions" }, { "import", "claude_code" }, { "import", "claude_code", "none" }, { "-d", "", "read" },
      { "-d", "/", "sessions" }, { "-d", "/dev/null", "read" }, { "-d", "/dev/null", "append", "s1", "a=1" },
      { "read", "/dev/null" }, { "read", "/" }, { "retro", "summary", "-o", "" }, { "retro", "summary", "-o", "/" } } do
      local r = scene:run(words)
      assert(not r.err:find "bug in debrief" and not r.err:find "stack traceback", table.concat(words,
        " ") .. ": " .. r.err)
      assert(r.status >= 0 and r.status <= 3, r.status)
      assert((r.status == 0) == (r.err == "") or words[1] == "import", table.concat(words,
        " ") .. ": " .. r.status .. r.err)
    end
  end)
end)
