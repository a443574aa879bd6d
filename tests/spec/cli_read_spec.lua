-- debrief read and sessions: every kind of damage with its place, and what is printed where.
local program = dofile "tests/spec/support/program.lua"

local scene

local function line(skill) return ('{"session_id":"s1","skill":"%s"}'):format(skill) end
local A, B = line "a", line "b"
local AT = "sessions/s1.jsonl"

-- kind, bytes of the file, entries read, diagnostics, status; A is 31 bytes long
local damage = {
  { "torn_tail", A .. "\n" .. '{"session_id":"s1","sk', { A },
    '2:32 torn_tail: the last line was cut short [{"session_id":"s1","sk]', 3 },
  { "glued", B .. "\n" .. A .. B .. "\n" .. A .. "\n", { B, A, B, A },
    "2:32 glued: several records on one line [" .. A .. B .. "]", 3 },
  { "spliced", B .. "\n" .. '{"session_id":"s1","sk' .. A .. "\n" .. B .. "\n", { B, A, B },
    '2:32 spliced: a cut record and a whole one on one line [{"session_id":"s1","sk' .. A .. "]", 3 },
  { "nul_run", "\0\0" .. A .. "\n" .. B .. "\n", { A, B },
    "1:0 nul_run: NUL bytes in the line, as a power cut leaves them [\\x00\\x00" .. A .. "]", 3 },
  { "nul_run alone", A .. "\n\0\0\0", { A },
    "2:32 nul_run: NUL bytes in the line, as a power cut leaves them [\\x00\\x00\\x00]", 3 },
  { "bad_json", A .. "\n" .. '{"skill":}' .. "\n" .. B .. "\n", { A, B },
    "2:32 bad_json: expected a value, at byte 10 of the line [}]", 3 },
  { "bad_entry", "[1]\n" .. A .. "\n" .. '{"skill":3}' .. "\n", { A },
    "1:0 bad_entry: not an object, at byte 1 of the line [[1]]\n" .. AT
      .. ":3:36 bad_entry: skill is not a string, at byte 10 of the line [3}]", 3 },
  { "bad_utf8", A .. "\n" .. line "\xff\xc3" .. "\n", { A, line "\\ufffd\\ufffd" },
    '2:32 bad_utf8: bytes that are not UTF-8; shown as U+FFFD [{"session_id":"s1","skill":"\\xff\\xc3"}]', 0 },
  { "duplicate_key", '{"session_id":"s1","a":1,"a":2}\n', { '{"session_id":"s1","a":1,"a":2}' },
    '1:0 duplicate_key: a member is there twice; the last one counts [{"session_id":"s1","a":1,"a":2}]', 0 },
}

describe("read", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  for _, case in ipairs(damage) do
    local kind, bytes, entries, said, status = table.unpack(case)
    local expected = table.concat(entries, "\n") .. "\n"

    it("reads around " .. kind .. ", names it at file:line:byte, and leaves the file alone", function()
      scene:write(AT, bytes)
      local r = scene:run { "read", "s1" }
      assert.equal(expected, r.out)
      assert.equal(AT .. ":" .. said .. "\n", r.err)
      assert.equal(status, r.status)
      local by_path = scene:run { "read", AT }
      assert.same({ r.out, r.err, r.status }, { by_path.out, by_path.err, by_path.status })
      assert.equal(bytes, scene:read(AT))
    end)

    it("with --strict " .. (status == 3 and "stops at " or "reads past ") .. kind, function()
      scene:write(AT, bytes)
      local r = scene:run { "read", "--strict", "s1" }
      if status == 0 then
        assert.same({ expected, 0 }, { r.out, r.status })
      else
        assert.equal(1, r.status)
        assert.equal("debrief: " .. AT .. ":" .. said:gsub(" ?%[.*", ""), (r.err:gsub("\n$", "")))
        assert.equal(expected:sub(1, #r.out), r.out)
        local first = tonumber(said:match "^%d+")
        assert.equal(first - 1, select(2, r.out:gsub("\n", "")))
      end
    end)

    it("says the same of " .. kind .. " when plugins or a listing need each entry", function()
      scene:write(AT, bytes)
      scene:write("p.lua", 'return { name = "p", api = 1, filter = function() return true end }')
      local r = scene:run { "read", "--filter", "./p.lua", "s1" }
      assert.same({ expected, AT .. ":" .. said .. "\n", status }, { r.out, r.err, r.status })
      r = scene:run { "read", "--format", "list", "s1" }
      assert.same({ AT .. ":" .. said .. "\n", status }, { r.err, r.status })
      assert.equal(#entries, select(2, r.out:gsub("\n", "")))
    end)
  end

  it("calls an unterminated tail in_progress while the lock is held, and ends with 0", function()
    scene:write(AT, A .. "\n" .. '{"session_id"')
    local r = scene:sh('flock -x sessions/s1.jsonl sh -c \'"$DEBRIEF" read s1\'')
    assert.same({ A .. "\n", AT .. ":2:32 in_progress: the last line is still being written [{\"session_id\"]\n", 0 },
      { r.out, r.err, r.status })
  end)

  it("takes a whole entry without newline, a byte-order mark, CRLF and blank lines without a word", function()
    scene:write(AT, "\xef\xbb\xbf" .. A .. "\r\n\n  \t\n" .. B)
    local r = scene:run { "read", "s1" }
    assert.same({ A .. "\n" .. B .. "\n", "", 0 }, { r.out, r.err, r.status })
  end)

  it("takes an empty file as an empty session", function()
    scene:write(AT, "")
    local r = scene:run { "read", "s1" }
    assert.same({ "", "", 0 }, { r.out, r.err, r.status })
  end)

  it("passes over a line past 256 MiB in little memory, and says how long it is", function()
    local r = scene:sh([[mkdir sessions
      printf '{"session_id":"s1","skill":"a"}\n{"input":"' >sessions/s1.jsonl
      truncate -s +268435456 sessions/s1.jsonl; printf '"}\n{"session_id":"s1","skill":"b"}\n' >>sessions/s1.jsonl
      ($LIMIT; "$DEBRIEF" read s1); status=$?; rm sessions/s1.jsonl; exit $status]], {
      LIMIT = program.sanitized and "true" or "ulimit -v 700000" })
    assert.same({ A .. "\n" .. B .. "\n", 3 }, { r.out, r.status })
    assert.equal(AT .. ":2:32 oversize: the line has 268435468 bytes, the limit is 268435456\n",
      (r.err:gsub(" %[.*%]", "")))
  end)

  it("counts the time of reading as no plugin's", function()
    scene:write(AT, A .. "\n" .. ("x\n"):rep(500000) .. B .. "\n")
    for _, words in ipairs { { "--where", 'skill == "b"' }, { "--last", "1" },
      { "--fields", "skill", "--last", "1" } } do
      local r = scene:run { "read", "s1", "--plugin-time", "0.1", table.unpack(words) }
      assert.truthy(r.out == B .. "\n" or r.out == "b\n", r.out)
      assert.falsy(r.err:find "took more than", r.err)
    end
  end)

  it("prints 20 diagnostics of a file one by one, and counts the others", function()
    scene:write(AT, ("x\n"):rep(25) .. A .. "\n")
    scene:write("sessions/s2.jsonl", "y\n")
    local r = scene:run { "read" }
    local lines = {}
    for text in r.err:gmatch "[^\n]+" do lines[#lines + 1] = text end
    assert.equal(22, #lines)
    assert.equal(AT .. ":20:38 bad_json: expected a value, at byte 1 of the line [x]", lines[20])
    assert.equal("sessions/s2.jsonl:1:0 bad_json: expected a value, at byte 1 of the line [y]", lines[21])
    assert.equal(AT .. ": and 5 more lines like these; `debrief check sessions/s1.jsonl` names them all", lines[22])
    assert.equal(3, r.status)
  end)

  it("shows control characters of a log escaped, wherever they come out", function()
    scene:write(AT, "\27[2J\xc2\x9b" .. A .. "\n" .. '{"session_id":"s1","skill":"\\u001b[31m\\u202eab\\nc"}\n')
    local r = scene:run { "read", "--format", "list" }
    assert.falsy((r.out .. r.err):find "[\27\x9b]")
    assert.falsy(r.out:find("\u{202e}", 1, true))
    assert.truthy(r.out:find("\\x1b[31m", 1, true), r.out)
    assert.truthy(r.err:find("[\\x1b[2J\\xc2\\x9b", 1, true), r.err)
  end)

  it("ends quietly when nobody reads any more", function()
    scene:write(AT, (A .. "\n"):rep(100000))
    scene:write("p.lua", 'return { name = "p", api = 1, filter = function() return true end }')
    for _, options in ipairs { "", "--format list", "--filter ./p.lua" } do
      local r = scene:sh(('{ "$DEBRIEF" read %s; echo $? >status; } | head -n 1 >out'):format(options))
      assert.equal("", r.err)
      assert.truthy(scene:read("out"):find "\n$")
      assert.truthy(scene:read "status" == "0\n" or scene:read "status" == "141\n", scene:read "status")
    end
    local ignoring = scene:sh [[trap '' PIPE; { "$DEBRIEF" read; echo $? >status; } | head -n 1 >out]]
    assert.same({ "", "141\n" }, { ignoring.err, scene:read "status" })
  end)

  it("fails when its output cannot be written", function()
    scene:write(AT, A .. "\n")
    for _, options in ipairs { "read", "read --format list", "retro summary", "sessions", "plugins", "--help" } do
      local r = scene:sh(('"$DEBRIEF" %s >/dev/full'):format(options))
      assert.equal(1, r.status, options)
      assert.truthy(r.err:find "^debrief: cannot write.*: No space left on device\n$", options .. ": " .. r.err)
    end
  end)

  describe("of something that does not exist", function()
    before_each(function()
      scene:write("sessions/nightly.jsonl", A .. "\n")
      scene:write("sessions/oncall.jsonl", A .. "\n")
    end)

    local function fails(message, ...)
      local r = scene:run { ... }
      assert.same({ "debrief: " .. message .. "\n", "", 1 }, { r.err, r.out, r.status })
    end

    it("names the nearest session", function()
      fails("no session 'nigthly' in sessions: did you mean 'nightly'?", "read", "nigthly")
      fails("no session 'zzz' in sessions; `debrief -d sessions sessions` lists them", "read", "oncall", "zzz")
      fails("no session 'on' in sessions: did you mean 'oncall'?", "retro", "summary", "on")
    end)

    it("names the nearest folder, or says how to name one", function()
      fails("there is no folder sesions: did you mean 'sessions'?", "read", "-d", "sesions")
      fails("there is no folder sesions: did you mean 'sessions'?", "-d", "sesions/", "sessions")
      fails("there is no folder qqqqqqqqq; -d DIR or $DEBRIEF_DIR names another", "retro", "summary", "-d", "qqqqqqqqq")
    end)

    it("names a path that does not exist", function()
      fails("./x.jsonl: No such file or directory", "read", "./x.jsonl")
      fails("x.jsonl: No such file or directory", "read", "x.jsonl")
    end)

    it("says what stands in place of a session", function()
      scene:sh "cd sessions && mkdir dir.jsonl && mkfifo fifo.jsonl && ln -s ../outside link.jsonl"
      local tail = ", not a regular file: move it away or use another session id"
      fails("sessions/dir.jsonl is a folder" .. tail, "read", "dir")
      fails("sessions/fifo.jsonl is a FIFO" .. tail, "read", "fifo")
      fails("sessions/link.jsonl is a symbolic link" .. tail, "retro", "summary", "link")
      fails("./sessions is a folder, not a file of entries (-d ./sessions reads the log in it)", "read", "./sessions")
      fails("sessions/fifo.jsonl is a device, FIFO or socket, not a file of entries", "read", "sessions/fifo.jsonl")
      local r = scene:run { "read" }
      assert.same({ A .. "\n" .. A .. "\n", [[
debrief: dir.jsonl is a folder, not a regular file: it is not read
debrief: fifo.jsonl is a FIFO, not a regular file: it is not read
debrief: link.jsonl is a symbolic link, not a regular file: it is not read
]], 0 }, { r.out, r.err, r.status })
    end)

    it("refuses what is no session id", function()
      local r = scene:run { "read", "" }
      assert.equal(1, r.status)
      assert.truthy(r.err:find '^debrief: session id "" is not allowed: ', r.err)
    end)
  end)

  it("prints sessions in name order, and those named in the order named", function()
    for _, id in ipairs { "b", "a", "a-1", "B" } do
      scene:write("sessions/" .. id .. ".jsonl", ('{"skill":"%s"}\n'):format(id))
    end
    assert.equal('{"skill":"B"}\n{"skill":"a"}\n{"skill":"a-1"}\n{"skill":"b"}\n', scene:run({ "read" }).out)
    assert.equal('{"skill":"b"}\n{"skill":"B"}\n', scene:run({ "read", "b", "B" }).out)
    assert.equal("B\na\na-1\nb\n", scene:run({ "sessions" }).out)
    assert.equal("a\na-1\n", scene:run({ "sessions", "a*" }).out)
  end)

  it("shows what is in each session", function()
    scene:write("sessions/a.jsonl", '{"skill":"x","final_status":"ok","timestamp":"2026-01-02T10:00:00+05:00",'
      .. '"project_root":"/srv/tides"}\n{"skill":"x","final_status":"failed","timestamp":"2026-01-02T06:00:00Z",'
      .. '"project_root":"/srv/tides"}\nx\n{"skill":"x","project_root":"/srv/quay"}\n')
    scene:write("sessions/b.jsonl", "")
    local r = scene:run { "sessions", "--json" }
    assert.equal(3, r.status)
    assert.equal("debrief: 1 damaged line: `debrief check` names it\n", r.err)
    assert.equal('[{"session":"a","entries":3,"first":"2026-01-02T10:00:00+05:00","last":"2026-01-02T06:00:00Z",'
      .. '"ok":1,"fail":1,"skip":0,"unknown":1,"projects":["/srv/tides","/srv/quay"],"damaged":1,"bytes":'
      .. #scene:read "sessions/a.jsonl" .. '},\n{"session":"b","entries":0,"first":null,"last":null,"ok":0,"fail":0,'
      .. '"skip":0,"unknown":0,"projects":[],"damaged":0,"bytes":0}]\n', r.out)
  end)

  it("enriches and filters what it prints, and nothing on disk", function()
    local bytes = A .. "\n" .. B .. "\n"
    scene:write(AT, bytes)
    scene:write("e.lua", 'return { name = "e", api = 1, enrich = function(entry) entry.n = #entry.skill end }')
    scene:write("f.lua", 'return { name = "f", api = 1, match = { n = 1, skill = { "b", "c" } } }')
    local r = scene:run { "read", "--enrich", "./e.lua", "--filter", "./f.lua" }
    assert.same({ '{"session_id":"s1","skill":"b","n":1}\n', "", 0 }, { r.out, r.err, r.status })
    assert.equal(bytes, scene:read(AT))
  end)

  describe("on a terminal", function()
    local function terminal(command, env) -- what the terminal shows, stdout and stderr together
      local r = scene:sh("script -qec " .. program.quote("stty cols 100; " .. command) .. " /dev/null </dev/null", env)
      if r.status == 127 then return nil end
      return r.out:gsub("\r\n", "\n"), r.status
    end
    local RUN = '{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z","skill":"review","final_status":"fail",'
      .. '"attempts":[{"attempt":1,"model":"m","output_summary":"no\\u001b[1m"},{"attempt":2}],"duration_ms":61000}\n'

    it("prints a readable listing, coloured unless NO_COLOR is set", function()
      scene:write(AT, RUN)
      local out = terminal('"$DEBRIEF" read', { TERM = "xterm" })
      if not out then return pending "no script(1) here" end
      assert.truthy(out:find("\27[31mFAIL\27[0m", 1, true), out)
      for _, env in ipairs { { TERM = "xterm", NO_COLOR = "1" }, { TERM = "dumb" }, { TERM = "" } } do
        out = terminal('"$DEBRIEF" read', env)
        assert.falsy(out:find "\27", out)
        assert.truthy(out:find "^s1:1 +2026%-01%-02 03:04 +review +FAIL +×2 +", out)
      end
      assert.truthy(terminal('"$DEBRIEF" read', { TERM = "xterm", NO_COLOR = "" }):find("\27[31m", 1, true))
    end)

    it("prints JSON when it is asked to, and lists sessions with times and outcomes", function()
      scene:write(AT, RUN)
      local out = terminal '"$DEBRIEF" read --format jsonl'
      if not out then return pending "no script(1) here" end
      assert.equal(RUN, out)
      local listing = terminal '"$DEBRIEF" sessions'
      assert.truthy(listing:find "^session  entries  first +last +ok  fail", listing)
      assert.truthy(listing:find "\ns1 +1  2026%-01%-02 03:04  2026%-01%-02 03:04 +%- +1", listing)
    end)

    it("puts no colour into a file or a pipe", function()
      scene:write(AT, RUN)
      assert.falsy(scene:run({ "read", "--format", "list", env = { TERM = "xterm" } }).out:find "\27")
    end)
  end)
end)
