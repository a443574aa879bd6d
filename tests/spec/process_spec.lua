-- debrief.core.run: another program run to its end. From a stock lua5.4, where a test needs a host of its own in one.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"

local run = core.run

-- The output of a shell script that ends well.
local function sh(script, more)
  local job = { "sh", "-c", script }
  for key, value in pairs(more or {}) do job[key] = value end
  local output, status = run(job)
  assert.same({ 0 }, { status }, output)
  return output
end

-- Is the process gone, or a zombie that is no child of this one? Waits a little: to die takes time.
local function is_dead(pid)
  for _ = 1, 200 do
    local stat = program.read("/proc/" .. pid .. "/stat")
    if not stat or stat:find "%) Z " then return true end
    os.execute "sleep 0.01"
  end
  return false
end

-- The processes that ended and wait for this one to ask.
local function zombies()
  local own, out = program.read("/proc/self/stat"):match "%d+", {}
  for _, item in ipairs(core.list "/proc") do
    local status = item[1]:find "^%d+$" and program.read("/proc/" .. item[1] .. "/status") or ""
    if status:find "\nState:%s+Z" and status:match "\nPPid:%s+(%d+)" == own then out[#out + 1] = status end
  end
  return out
end

local function seconds_of(fn)
  local from = core.now()
  fn()
  return (core.now() - from) / 1e9
end

describe("run", function()
  teardown(program.clean)

  it("returns output and exit status", function()
    assert.same({ "a\n", 0, false }, { run { "echo", "a" } })
    assert.same({ "", 3, false }, { run { "sh", "-c", "exit 3" } })
    assert.same({ "\0\xff", 0, false }, { run { "printf", [[\000\377]] } })
  end)

  it("returns 128 plus the number of the signal that ended the program", function()
    assert.same({ "a\n", 128 + 15, false }, { run { "sh", "-c", "echo a; kill -TERM $$" } })
    assert.same({ "", 128 + 9, false }, { run { "sh", "-c", "kill -KILL $$" } })
  end)

  it("has no shell: words arrive as they are", function()
    assert.equal("<a b><$HOME><*><'><><;>", (run { "printf", "<%s>", "a b", "$HOME", "*", "'", "", ";" }))
  end)

  it("runs the program with an empty standard input", function()
    assert.same({ "", 0, false }, { run { "cat" } })
  end)

  it("drops what the program says on standard error, or has it in the output", function()
    assert.equal("a\n", sh "echo a; echo b >&2")
    assert.equal("a\nb\nc\n", sh("echo a; echo b >&2; echo c", { stderr = true }))
    assert.same({ "a\n", 0, false, "b\n" }, { run { "sh", "-c", "echo a; echo b >&2", stderr = "apart" } })
    local said = select(4, run { "sh", "-c", "head -c 100000 /dev/zero >&2", stderr = "apart" })
    assert.equal(65536, #said)
  end)

  it("keeps the first bytes up to the limit, says that there were more, and waits for the end", function()
    for limit, expected in pairs { [0] = "", [1] = "a", [5] = "abcde" } do
      local output, status, cut = run { "sh", "-c", "printf abcdef; head -c 5000000 /dev/zero; exit 4", limit = limit }
      assert.same({ expected, 4, true }, { output, status, cut })
    end
    assert.same({ "abcdef", 0, false }, { run { "printf", "abcdef", limit = 6 } })
    assert.same({ 1 << 20, 0, true }, (function(output, ...) return { #output, ... } end)(
      run { "head", "-c", "1048577", "/dev/zero" }))
    assert.equal(3000000, #(run { "head", "-c", "3000000", "/dev/zero", limit = 3000000 }))
  end)

  describe("when the time is over", function()
    it("kills the program and says so", function()
      for _, words in ipairs { { "sleep", "100" }, { "yes" },
        { "sh", "-c", "trap '' TERM INT; exec sleep 100" }, { "sh", "-c", "yes & yes & yes & yes & wait" },
        { "sh", "-c", "exec >&- 2>&-; exec sleep 100" }, { "sh", "-c", "kill -STOP $$" } } do
        words.timeout_ms = 100
        local output, message
        local seconds = seconds_of(function() output, message = run(words) end)
        assert.same({ nil, words[1] .. " had not ended after 100 ms, and was killed" }, { output, message })
        assert(seconds > 0.09 and seconds < 5, seconds)
      end
    end)

    it("kills all that the program had started", function()
      local scene = program.scene()
      local script = "sh -c 'sleep 100 & echo $! $$; wait' > pids & wait"
      assert.is_nil((run { "sh", "-c", script, cwd = scene.dir, timeout_ms = 300 }))
      local child, grandchild = scene:read("pids"):match "(%d+) (%d+)"
      assert.is_true(is_dead(child))
      assert.is_true(is_dead(grandchild))
    end)
  end)

  it("does not wait for processes that the program leaves running, and kills them", function()
    local output
    local seconds = seconds_of(function() output = sh "sleep 100 & echo $!" end)
    assert(seconds < 4, seconds)
    assert.is_true(is_dead(output:match "%d+"))
  end)

  it("says what cannot be run, and why", function()
    local scene = program.scene()
    scene:write("text", "no program")
    for message, job in pairs {
      ["cannot run nope-nope: No such file or directory"] = { "nope-nope" },
      ["cannot run ./nope: No such file or directory"] = { "./nope" },
      ["cannot run ./text: Permission denied"] = { "./text", cwd = scene.dir },
      ["cannot run ls: /nope/nope: No such file or directory"] = { "ls", cwd = "/nope/nope" },
      ["cannot run ls: /dev/null: Not a directory"] = { "ls", cwd = "/dev/null" },
      ["cannot run : No such file or directory"] = { "" },
    } do
      assert.same({ nil, message }, { run(job) })
    end
  end)

  it("runs in a folder, and looks for a program with a / from there on", function()
    local scene = program.scene()
    os.execute("cp /bin/pwd " .. program.quote(scene:path "where"))
    assert.equal(scene.dir .. "\n", (run { "pwd", cwd = scene.dir }))
    assert.equal(scene.dir .. "\n", (run { "./where", cwd = scene.dir }))
  end)

  it("adds variables to those there are, and takes some away", function()
    local function env(variables) return (run { "env", env = variables }) end
    local all = "\n" .. env {}
    assert.equal(env(nil), env {})
    assert.truthy(all:find "\nPATH=")
    local changed = "\n" .. env { HOME = false, PATH = "/x", DEBRIEF_SPEC = "a=b" }
    assert.truthy(changed:find "\nPATH=/x\n")
    assert.truthy(changed:find "\nDEBRIEF_SPEC=a=b\n")
    assert.falsy(changed:find "\nHOME=")
    assert.equal(1, select(2, changed:gsub("\nPATH=", "")))
  end)

  it("refuses what it does not understand", function()
    for message, job in pairs {
      ["run: unknown key 'timeout'; known are cwd, timeout_ms, limit, env, stderr, heard"] = { "ls", timeout = 3 },
      ["run: unknown key '3'; known are cwd, timeout_ms, limit, env, stderr, heard"] = { "ls", [3] = "x" },
      ["no program is named"] = {},
      ["run: a word must be a string, not a number"] = { "sleep", 3 },
      ["run: a word has a zero byte"] = { "ls", "a\0b" },
      ["run: cwd must be a string, not a boolean"] = { "ls", cwd = true },
      ["run: timeout_ms must be an integer from 1 to 2147483647"] = { "ls", timeout_ms = 0 },
      ["run: limit must be an integer from 0 to 2147483647"] = { "ls", limit = 1.5 },
      ["run: a value in env must be a string, not a boolean"] = { "ls", env = { A = true } },
      ["run: a name in env must be a string, not a number"] = { "ls", env = { "A=1" } },
      ["run: env cannot have the name 'A=B'"] = { "ls", env = { ["A=B"] = "x" } },
    } do
      local ok, raised = pcall(run, job)
      assert.is_false(ok)
      assert.truthy(raised:find(message, 1, true), raised)
    end
    assert.is_false((pcall(run, "ls")))
  end)

  it("hands the program no descriptor but three, not even a careless host's", function()
    local careless = assert(io.open "Makefile")
    assert.equal("0\n1\n2\n3\n", (run { "ls", "/proc/self/fd", cwd = "/" })) -- 3 is the folder that ls reads
    careless:close()
  end)

  it("leaves no descriptor, process or zombie, however it went", function()
    local function descriptors() return #core.list "/proc/self/fd" end
    local before = descriptors()
    for _ = 1, 30 do
      local pid = sh "echo $$":match "%d+"
      assert.is_nil(core.stat("/proc/" .. pid))
      run { "nope-nope" }
      run { "ls", cwd = "/nope" }
      run { "yes", timeout_ms = 1, stderr = "apart" }
      run { "echo", "abc", stderr = "apart" }
      run { "nope-nope", stderr = "apart" }
      run { "echo", "abc", limit = 1 }
      pcall(run, { "ls", env = { A = true } })
    end
    assert.equal(before, descriptors())
    assert.same({}, zombies())
  end)

  it("leaves no descriptor of a copy of its output that is collected, or leaves its block", function()
    local function descriptors() return #core.list "/proc/self/fd" end
    local before = descriptors()
    for _ = 1, 5 do core.spool("Makefile", "head", "-c", "5") end
    do
      local spool <close> = core.spool("Makefile", "head", "-c", "5")
      assert.equal(5, spool:size())
    end
    collectgarbage()
    assert.equal(before, descriptors())
  end)

  describe("in a host", function()
    local scene
    before_each(function() scene = program.scene() end)

    -- A lua5.4 started by `shell`, in which "$HOST" is the script; what it returns is written to a file.
    local function host(shell, script, wrap)
      scene:write("host.lua", ([[
        package.cpath = %q .. "/lua/?.so;" .. package.cpath
        local run = require "debrief.core".run
        local results = table.pack((function() %s end)())
        local file = assert(io.open("result", "w"))
        for i = 1, results.n do file:write(tostring(results[i]), "|") end
        file:close()]]):format(program.build, script))
      scene:sh(shell .. (" exec %s lua5.4 host.lua"):format(wrap or ""),
        { LD_PRELOAD = os.getenv "LD_PRELOAD", ASAN_OPTIONS = os.getenv "ASAN_OPTIONS" })
      return scene:read "result"
    end

    it("that ignores signals, runs the program with the usual ones", function()
      local script = "return run { 'sh', '-c', 'kill -PIPE $$; echo alive' }"
      assert.equal("|141|false|", host("trap '' PIPE TERM;", script))
    end)

    it("that ignores the end of its children, says that there is no status", function()
      local script = [[return run { "sh", "-c", "exit 3" }]]
      assert.equal("nil|sh has no status: this process does not wait for its children (SIGCHLD)|",
        host("", script, "env --ignore-signal=CHLD"))
    end)

    it("that has closed its standard descriptors, works all the same", function()
      for _, closed in ipairs { "<&-", ">&-", "2>&-", "<&- >&-", ">&- 2>&-", "<&- >&- 2>&-" } do
        assert.equal("a\nb\n/\n|0|false|", host("exec " .. closed .. ";",
          "return run { 'sh', '-c', 'cat; echo a; echo b >&2; pwd', cwd = '/', stderr = true }"))
      end
    end)

    it("that hears of its standard input, reads it meanwhile, and may end the program", function()
      local script = [[
        local core, seen = require "debrief.core", ""
        local output, status = run { "sh", "-c", "sleep %s", stderr = "apart", heard = function()
          seen = seen .. core.read(0, 1)
          return %s
        end }
        return output, status, seen]]
      for _, case in ipairs { { 30, "seen == 'ab' or nil", "nil|sh was stopped|ab|" },
        { 0.1, "seen ~= 'abc' and nil", "|0|abc|" },
        { 30, "{} .. 1", "nil|sh was stopped|a|" },
      } do
        assert.equal(case[3], host("printf abc |", script:format(case[1], case[2])))
      end
    end)

    it("that is stopped and goes on, is not disturbed", function()
      assert.equal("done\n|0|false|", host("",
        [[return run { "sh", "-c", "kill -STOP $PPID; sleep 0.1; kill -CONT $PPID; sleep 0.1; echo done" }]]))
    end)

    it("without pidfd, looks again and again", function()
      local strace = "strace -qq -o trace -e trace=pidfd_open -e inject=pidfd_open:error=ENOSYS"
      if scene:sh(strace .. " true").status ~= 0 then return pending "no strace here" end
      local script = "return run { 'sh', '-c', 'echo a; exec >&-; sleep 0.1', timeout_ms = 20000 }"
      local seconds = seconds_of(function() assert.equal("a\n|0|false|", host("", script, strace)) end)
      assert(seconds < 10, seconds)
      assert.truthy(scene:read("trace"):find "ENOSYS")
      assert.equal("nil|sleep had not ended after 60 ms, and was killed|",
        host("", [[return run { "sleep", "9", timeout_ms = 60 }]], strace))
    end)
  end)

  it("runs in many workers at once", function()
    local scene = program.scene()
    local filler = ('"%s"'):format(("x"):rep(400000))
    for session = 1, 8 do
      local lines = {}
      for line = 1, 4 do
        lines[line] = ('{"session_id":"s%d","skill":"%d-%d","input":%s}\n'):format(session, session, line, filler)
      end
      scene:write(("sessions/s%d.jsonl"):format(session), table.concat(lines))
    end
    scene:write("p.lua", [[
      local debrief = require "debrief"
      return { name = "p", api = 1, needs = { "process" }, retrospective = { init = function() return { text = "" } end,
        step = function(acc, entry)
          for i = 1, 4 do
            local output, status = debrief.run { "sh", "-c", 'echo "$0"; exit $1', entry.skill, tostring(i) }
            acc.text = acc.text .. output:sub(1, -2) .. ":" .. status .. " "
          end
          assert(not debrief.run { "sleep", "9", timeout_ms = 20 })
        end,
        merge = function(acc, other) acc.text = acc.text .. other.text end,
        finish = function(acc) return { title = "T", text = acc.text } end } }]])
    local expected = {}
    for n = 0, 127 do expected[n + 1] = ("%d-%d:%d "):format(n // 16 + 1, n // 4 % 4 + 1, n % 4 + 1) end
    local r = scene:run { "retro", "./p.lua", "--allow", "p:process", "-j", "8", "--format", "json" }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.equal(table.concat(expected), core.decode(r.out).reports[1].text)
  end)
end)
