-- debrief record: what is stored of a command, what the command sees of its terminal, and that nothing of a run is
-- lost, whoever dies.
local cjson = require "cjson"
local program = dofile "tests/spec/support/program.lua"

local scene

local function environment() return { XDG_STATE_HOME = scene.dir .. "/state", CAT = "cat" } end

local function record(...)
  local words = { "record", ... }
  words.env = environment()
  if type(words[#words]) == "table" then words.stdin = table.remove(words).stdin end
  return scene:run(words)
end

local function sh(command)
  return scene:sh("export XDG_STATE_HOME=$PWD/state; " .. command)
end

local function entries(session)
  local out = {}
  for line in (scene:read("sessions/" .. (session or "s1") .. ".jsonl") or ""):gmatch "[^\n]+" do
    out[#out + 1] = cjson.decode(line)
  end
  return out
end

-- The only entry of the session, and its last attempt.
local function stored()
  local list = entries()
  assert.equal(1, #list)
  return list[1], list[1].attempts and list[1].attempts[#list[1].attempts]
end

local function states() return sh("find state -name '*.run' 2>/dev/null | wc -l").out:match "%d+" end

before_each(function() scene = program.scene() end)
teardown(program.clean)

describe("record", function()
  it("stores how a command ended, and passes everything on", function()
    local r = record("s1", "--skill", "fix", "--phase", "p", "--model", "m", "--input", '{"pr":7}', "--", "sh", "-c",
      "cat; echo out; echo err >&2; exit 3", { stdin = "in\n" })
    assert.same({ 3, "in\nout\n", "err\n" }, { r.status, r.out, r.err })
    local e, a = stored()
    assert.same({ "fix", "p", "m", "fail", 7, scene:sh("pwd -P").out:gsub("\n", ""), 1, "m", 3, "in\nout\nerr\n" },
      { e.skill, e.phase, e.model_used, e.final_status, e.input.pr, e.project_root, a.attempt, a.model, a.exit_status,
        a.runner_output })
    assert.same({ nil, nil, "sh -c 'cat; echo out; echo err >&2; exit 3'" }, { a.verified, a.checks, e.command })
    assert.truthy(e.duration_ms >= 0 and a.duration_ms >= 0)
    assert.equal("0", states())
  end)

  it("returns the status of what ended by a signal, or could not be started", function()
    assert.equal(128 + 9, record("s1", "--", "sh", "-c", "kill -9 $$").status)
    local _, a = stored()
    assert.same({ nil, 9 }, { a.exit_status, a.signal })
    local r = record("s2", "--", "./no-such-program")
    assert.equal(127, r.status)
    assert.truthy(r.err:find("./no-such-program: No such file or directory", 1, true))
    assert.equal(127, entries("s2")[1].attempts[1].exit_status)
    assert.equal(126, record("s3", "--", ".").status)
  end)

  it("lets a check decide, which runs only after success", function()
    for _, case in ipairs {
      { "true", "test -e .", 0, "ok", true, "test", true }, { "true", "exit 4", 4, "fail", false, "test", true },
      { "false", "echo checked", 1, "fail", false },
      { "true", "eslint . || exit 5", 5, "fail", nil, "lint" }, { "true", "no-such-check", 127, "fail", nil, "test" },
    } do
      scene:sh "rm -rf sessions"
      local r = record("s1", "--check", case[2], "--", case[1])
      local e, a = stored()
      local check = a.checks and a.checks[1] or {}
      if case[6] then
        assert.same({ case[6], case[2], case[7], "exit" }, { check.kind, check.command, check.decides, check.source })
      end
      assert.same({ case[3], case[4], case[5] }, { r.status, e.final_status, a.verified }, case[2])
    end
    record("s4", "--check", "true", "--check-kind", "build", "--", "true")
    local a = entries("s4")[1].attempts[1]
    assert.same({ nil, "build", true }, { a.verified, a.checks[1].kind, a.checks[1].passed })
  end)

  it("tries again while an attempt fails, and hands on what the one before printed", function()
    local r = record("s1", "--attempts", "5", "--check", "test -e done", "--", "sh", "-c", [[
      echo "attempt $DEBRIEF_ATTEMPT after ${DEBRIEF_LAST_OUTPUT:+$(head -1 "$DEBRIEF_LAST_OUTPUT")}"
      [ $DEBRIEF_ATTEMPT != 3 ] || touch done]])
    assert.same({ 0, "attempt 1 after \nattempt 2 after attempt 1 after \n"
      .. "attempt 3 after attempt 2 after attempt 1 after \n" }, { r.status, r.out })
    local e = stored()
    local verified = {}
    for i, a in ipairs(e.attempts) do verified[i] = ("%s%d"):format(a.verified, a.attempt) end
    assert.same({ "ok", "false1 false2 true3" }, { e.final_status, table.concat(verified, " ") })
    assert.equal("0", sh("find state -type f | wc -l").out:match "%d+")
  end)

  it("ends the whole group when the time is over, and says so", function()
    local command = "sleep 61.5 & echo $!; trap '' TERM; wait; exec sleep 61.5"
    local r = record("s1", "--timeout", "200ms", "--", "sh", "-c", command)
    local e = stored()
    assert.same({ 128 + 9, "timeout" }, { r.status, e.final_status })
    assert.equal("gone\n", scene:sh("kill -0 " .. r.out:match "%d+" .. " 2>/dev/null || echo gone").out)
    assert.equal(124, record("s2", "--timeout", "100ms", "--", "sh", "-c", "trap 'exit 0' TERM; sleep 9 & wait").status)
    assert.equal(2, record("s2", "--timeout", "soon", "--", "true").status)
  end)

  it("does not wait for what the command leaves running", function()
    local r = sh "$DEBRIEF record s1 -- sh -c 'sleep 30 & echo $!; echo started'"
    sh("kill " .. r.out:match "%d+")
    assert.equal("ok", stored().final_status)
    assert.truthy(stored().duration_ms < 20000)
  end)

  it("neither waits for one that forks away, nor ends it with the time of the others", function()
    local daemon = "setsid sh -c 'echo $$ >pid; exec sleep 60' & until [ -s pid ]; do :; done; "
    for _, case in ipairs { { "echo up", 0, "ok" }, { "exec sleep 61", 143, "timeout" } } do
      local r = record("s1", "--timeout", "300ms", "--", "sh", "-c", daemon .. case[1])
      local list = entries()
      assert.same({ case[2], case[3] }, { r.status, list[#list].final_status })
      assert.equal("", scene:sh("kill $(cat pid) && rm pid").err)
    end
  end)

  it("tells a command that was killed from one that failed", function()
    local r = sh [[mkfifo go; $DEBRIEF record s1 --attempts 2 -- sh -c 'echo "try $DEBRIEF_ATTEMPT"
      [ $DEBRIEF_ATTEMPT = 2 ] || { echo $$ >go; exec sleep 60; }' & read pid <go; kill -9 $pid; wait $!; echo $?]]
    assert.equal("try 1\ntry 2\n0\n", r.out)
    local e = stored()
    assert.same({ "ok", 9, "try 1\n", 0, "try 2\n" }, { e.final_status, e.attempts[1].signal,
      e.attempts[1].runner_output, e.attempts[2].exit_status, e.attempts[2].runner_output })
  end)

  it("passes signals on, tries no more, and calls the run aborted", function()
    local r = sh [[mkfifo go; $DEBRIEF record s1 --attempts 3 -- sh -c 'echo up >go; sleep 30' & read x <go
      kill -TERM $!; wait $!; echo $?]]
    local e, a = stored()
    assert.same({ "143\n", "aborted", 15, 1 }, { r.out, e.final_status, a.signal, #e.attempts })
    r = sh [[mkfifo go2; $DEBRIEF record s2 -- sh -c 'trap "echo bye; exit 0" HUP
      echo up >go2; sleep 30 & wait' & read x <go2
      kill -HUP $!; wait $!; echo $?]]
    assert.same({ "bye\n0\n", "ok" }, { r.out, entries("s2")[1].final_status })
  end)

  it("keeps the end of each stream, whole characters, no escape sequences, and says what is missing", function()
    record("s1", "--", "sh", "-c", [[printf '\033[1mbold\033[0m \033]0;title\007x\r\n']])
    assert.equal("bold x\n", select(2, stored()).runner_output)
    record("s2", "--", "sh", "-c", [[echo first >&2; i=0; while [ $i -lt 9000 ]; do echo "$i äöü"; i=$((i+1)); done]])
    local text = entries("s2")[1].attempts[1].runner_output
    assert.truthy(text:find("^%[[%d,]+ bytes before this are left out%]\n"), text:sub(1, 100))
    assert.truthy(text:find("8999 äöü\n$") and text:find("\nfirst\n", 1, true), text:sub(1, 200))
    assert.truthy(utf8.len(text) and #text < 65536 + 100)
    record("s3", "--", "head", "-c", "150000", "/dev/urandom")
    assert.truthy(#entries("s3")[1].attempts[1].runner_output > 60000)
    assert.equal(0, scene:run({ "check" }).status)
  end)

  it("takes no memory for what it does not keep", function()
    if program.sanitized then return end
    local bytes = os.getenv "TORTURE" and "1000000000" or "100000000"
    local r = sh("( ulimit -v 200000; $DEBRIEF record s1 -- head -c " .. bytes .. " /dev/zero | wc -c )")
    assert.equal(bytes, r.out:match "%d+")
    assert.equal("ok", stored().final_status)
    bytes = os.getenv "TORTURE" and bytes or "20000000"
    r = sh("( ulimit -v 200000; $DEBRIEF record s2 -- sh -c 'head -c " .. bytes .. " /dev/urandom >&2' ) 2>&1 | wc -c")
    assert.equal(bytes, r.out:match "%d+")
  end)

  it("lets the command see that nobody reads its output", function()
    local r = sh "{ $DEBRIEF record s1 -- yes; echo $? >status; } | head -1"
    assert.equal("y\n", r.out)
    assert.same({ "141\n", 13 }, { scene:read "status", select(2, stored()).signal })
  end)

  it("gives the command a terminal only where all three are one", function()
    if not os.execute "command -v script >/dev/null" then return pending "no script" end
    local test = "sh -c 'for i in 0 1 2; do [ -t $i ] && echo yes$i || echo no$i; done'"
    local function plain(text) return (text:gsub("\r", ""):gsub("%^@", ""):gsub("%z", "")) end -- what script types
    local function seen(words)
      scene:write("t.sh", "$DEBRIEF record s1 -- " .. test .. words)
      return plain(sh("script -qec 'sh t.sh' /dev/null </dev/null").out)
    end
    assert.truthy(seen(""):find "yes0\nyes1\nyes2")
    assert.truthy(seen(" | cat"):find "yes0\nno1\nno2")
    assert.truthy(plain(entries()[1].attempts[1].runner_output):find "yes0\nyes1\nyes2\n$")
  end)

  it("stores what enrichers make of it, and nothing else while it runs", function()
    local r = sh [[$DEBRIEF record s1 --enrich redact --input '"ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"' -- sh -c \
      'echo ghp_0123456789abcdefghijklmnopqrstuvwxyzAB; cat state/debrief/runs/*/*.run']]
    assert.equal(0, r.status, r.err)
    assert.falsy(r.out:gsub("^ghp_%w+", ""):find("ghp_0123456789abcdefghijklmnopqrstuvwxyzAB'", 1, true) == 1)
    local e, a = stored()
    assert.falsy((cjson.encode(e.input) .. a.runner_output):find("ghp_0123", 1, true))
    assert.falsy(r.out:match("\"input\":(%b\"\")"):find "ghp_0123")
  end)

  it("says what is wrong with its words, and runs nothing", function()
    for _, words in ipairs {
      { "s1" }, { "--", "touch", "x" }, { "a/b", "--", "touch", "x" }, { "s1", "--input", "{", "--", "touch", "x" },
      { "s1", "--input", "@none", "--", "touch", "x" }, { "s1", "--attempts", "0", "--", "touch", "x" },
      { "s1", "--enrich", "nosuch", "--", "touch", "x" },
    } do
      assert.equal(2, record(table.unpack(words)).status, table.concat(words, " "))
    end
    assert.falsy(scene:read "x")
    assert.equal(0, record("s1", "--input", '"a"', "--", "sh", "-c", "echo --check -h $0", "--version").status)
  end)
end)

describe("a recorder that dies", function()
  -- Start one that has done an attempt and runs the next, and kill it.
  local function killed(session)
    sh(([[mkfifo go.%s; $DEBRIEF record %s --skill fix --attempts 2 --check 'exit 1' -- sh -c \
      'echo try $DEBRIEF_ATTEMPT; [ $DEBRIEF_ATTEMPT = 1 ] || { echo $PPID $$ >go.%s
      exec sleep 30; }' >out &
      read pid command <go.%s; kill -9 $pid; wait; kill $command; mkdir -p sessions]])
      :format(session, session, session, session))
  end

  local function check_aborted(list)
    assert.equal(1, #list)
    local e = list[1]
    assert.same({ "aborted", "fix", 1, false, "try 1\n" },
      { e.final_status, e.skill, #e.attempts, e.attempts[1].verified, e.attempts[1].runner_output })
  end

  it("leaves a run that check reports and --recover stores, once", function()
    killed "s1"
    assert.equal(0, #entries())
    local r = scene:run { "check", env = environment() }
    assert.truthy(r.err:find("s1: a run of fix that began at .* was not finished, and its recorder is gone"), r.err)
    r = record "--recover"
    assert.same({ 0, "debrief: stored 1 run that its recorder had not stored\n" }, { r.status, r.err })
    check_aborted(entries())
    assert.equal("debrief: no run was left unfinished\n", record("--recover").err)
    check_aborted(entries())
  end)

  it("leaves a run that the next record or append of the log stores", function()
    killed "s1"
    assert.equal(0, scene:run({ "append", "s2", "skill=a", env = environment() }).status)
    check_aborted(entries())
    killed "s3"
    record("s2", "--", "true")
    check_aborted(entries "s3")
    killed "s4"
    assert.equal(0, scene:run({ "-d", "other", "append", "s2", "skill=a", env = environment() }).status)
    assert.equal(0, #entries "s4")
  end)

  it("leaves alone the runs of those that live", function()
    sh [[mkfifo go end; $DEBRIEF record s1 -- sh -c 'echo up >go; read x <end' & read x <go
      $DEBRIEF record --recover; $DEBRIEF check; echo done >end; wait]]
    assert.equal("ok", stored().final_status)
  end)

  it("leaves one entry, whenever it is killed", function()
    local runs = os.getenv "TORTURE" and 300 or 6
    record("first", "--", "true")
    for i = 1, runs do
      local id = "k" .. i
      sh(([[$DEBRIEF record %s --attempts 2 --check 'test $DEBRIEF_ATTEMPT = 2' -- echo >/dev/null &
        sleep 0.0%02d; kill -9 $!; wait]]):format(id, i * 7 % 100))
    end
    assert.equal(0, record("--recover").status)
    for i = 1, runs do
      local list = entries("k" .. i)
      local status = list[1] and list[1].final_status or "killed before it began"
      assert.truthy(#list <= 1 and (not list[1] or status == "aborted" or status == "ok"), status)
    end
    assert.equal("0", states())
    assert.equal(0, scene:run({ "check", env = environment() }).status)
  end)

  it("keeps a run that a full disk refuses, and stores it when there is room", function()
    if sh("unshare -m true").status ~= 0 then return pending "no file system of its own" end
    local r = sh [[mkdir small; unshare -m sh -c '
      mount -t tmpfs -o size=64k none small && $DEBRIEF -d small append s1 skill=first || exit 9
      dd if=/dev/zero of=small/fill bs=1k 2>/dev/null
      $DEBRIEF -d small record s1 -- sh -c "head -c 60000 /dev/zero | tr \\\\0 x"; echo "status $?"
      rm small/fill; $DEBRIEF -d small record --recover; $DEBRIEF -d small read s1 --fields skill,final_status']]
    assert.truthy(r.out:find "status 1\nfirst\t\n\tok\n$", r.out:sub(-200) .. r.err)
    assert.truthy(r.err:find "No space left on device", r.err)
    assert.truthy(r.err:find("the run is kept: debrief record --recover stores it", 1, true), r.err)
  end)

  it("keeps what cannot be stored until it can", function()
    -- a full disk
    local r = sh [[mkdir sessions; : >sessions/s1.jsonl; (ulimit -f 0; $DEBRIEF record s1 -- true); echo $?]]
    assert.equal("1\n", r.out)
    sh "rm -rf sessions; mkdir -p sessions/s1.jsonl"
    r = record("s1", "--", "echo", "kept")
    assert.equal(1, r.status)
    assert.truthy(r.err:find("the run is kept: debrief record --recover stores it", 1, true), r.err)
    assert.equal(1, record("--recover").status)
    sh "rm -rf sessions"
    assert.equal(0, record("--recover").status)
    local e, a = stored()
    assert.same({ "ok", "kept\n" }, { e.final_status, a.runner_output })
  end)
end)

describe("log:record", function()
  local function run(text)
    scene:write("t.lua", text)
    local r = sh "$DEBRIEF run t.lua"
    assert.equal(0, r.status, r.err)
    return r.out
  end

  it("runs a command as the program does", function()
    assert.equal("hi\n3 fail 1\n", run [[
      print(log:record { session = "s1", skill = "fix", phase = "p", command = { "sh", "-c", "echo hi; exit 3" },
        timeout = "1m" })]]:gsub("\t", " "))
    local e, a = stored()
    assert.same({ "fix", "p", 3, "sh -c 'echo hi; exit 3'" }, { e.skill, e.phase, a.exit_status, e.command })
  end)

  it("without a command returns a run, which survives the script", function()
    run [[
      local run = log:record { session = "s1", skill = "fix", model = "m" }
      run:attempt { verified = false, runner_output = "no" }
      run:attempt { verified = true }
      assert(run:finish() == 1)
      run = log:record { session = "s2", skill = "fix" }
      run:attempt { verified = false }
      assert(not run:attempt { verified = "maybe" })]]
    local e, a = stored()
    assert.same({ "ok", 2, true, "m" }, { e.final_status, #e.attempts, a.verified, a.model })
    assert.equal(0, #entries "s2")
    assert.equal(0, record("--recover").status)
    assert.same({ "aborted", 1 }, { entries("s2")[1].final_status, #entries("s2")[1].attempts })
  end)
end)
