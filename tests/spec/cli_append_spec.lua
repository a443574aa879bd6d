-- debrief append: what is stored, what is refused, and what is said about it.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local scene

-- Refused: the message, the status, and not one byte in the log.
local function refused(words, message, status)
  local before = scene:read "sessions/s1.jsonl"
  local r = scene:run(words)
  assert.equal(message, r.err)
  assert.equal("", r.out)
  assert.equal(status or 1, r.status)
  assert.equal(before, scene:read "sessions/s1.jsonl")
end

local STORED = '{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z","skill":"a"}\n'

describe("append", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("warns of half a character, which other readers refuse, and stores it", function()
    local whole = '{"skill":"\\ud83d\\ude00 \\\\ud83d"}\n'
    local r = scene:run { "append", "s1", stdin = whole .. '{"skill":"x\\ud83d"}\n{"a":"\\udE00"}\n' }
    assert.same({ "debrief: standard input:2 (and 1 more): \\ud83d is half of a character: it is stored as it is, but "
      .. "jq and other readers refuse such a line\n", 0 }, { r.err, r.status })
    r = scene:run { "append", "s1", 'input:="\\udc00"' }
    assert.truthy(r.err:find("debrief: the entry: \\udc00 is half of a character", 1, true), r.err)
    assert.same({ "", 0 }, { scene:run({ "append", "s1", "skill=\\ud83d" }).err, r.status })
  end)

  it("stores the lines of standard input as they are, compacted, with session and time filled in", function()
    local r = scene:run { "append", "s1",
      stdin = '{"skill" : "a", "n":1.50}\n\n  {"session_id":"s1","timestamp":"2026-01-02T03:04:05Z"}\r\n{}' }
    assert.same({ "", "", 0 }, { r.out, r.err, r.status })
    local text = scene:read "sessions/s1.jsonl"
    local time, rest = text:match '^{"session_id":"s1","timestamp":"(.-)",(.-)\n'
    assert.truthy(time:find "^%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d:%d%d[.%d]*Z$", time)
    assert.equal('"skill":"a","n":1.50}', rest)
    assert.equal(3, select(2, text:gsub("\n", "")))
    assert.truthy(text:find('\n{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z"}\n', 1, true), text)
  end)

  it("makes files of mode 0600 in a folder of mode 0700", function()
    scene:run { "append", "s1", "skill=a" }
    assert.equal("700\n600\n", scene:sh("stat -c %a sessions sessions/s1.jsonl").out)
  end)

  it("stores files in the order given, - being standard input", function()
    scene:write("a.jsonl", '{"skill":"a"}\n')
    scene:write("b.jsonl", '\xef\xbb\xbf{"skill":"b"}')
    local r = scene:run { "append", "s1", "b.jsonl", "-", "a.jsonl", stdin = '{"skill":"in"}' }
    assert.equal(0, r.status, r.err)
    local skills = {}
    for skill in scene:read("sessions/s1.jsonl"):gmatch '"skill":"(%w+)"' do skills[#skills + 1] = skill end
    assert.same({ "b", "in", "a" }, skills)
  end)

  describe("refuses as a whole", function()
    before_each(function() scene:write("sessions/s1.jsonl", STORED) end)

    local inputs = {
      { "[1]", "standard input:1: not an entry: not an object" },
      { "42", "standard input:1: not an entry: not an object" },
      { "null", "standard input:1: not an entry: not an object" },
      { '"text"', "standard input:1: not an entry: not an object" },
      { '{"skill":"a"}\n\n{"skill":7}', "standard input:3: not an entry: skill is not a string" },
      { '{"skill":"a"}\n{"skill":',
        "standard input:2: the entry is not JSON at byte 9: the text ends where a value is expected" },
      { '{"skill":"a"} {}', "standard input:1: byte 14 follows the entry: append one entry at a time" },
      { '{"a":1,"a":2}', 'standard input:1: member "a" occurs twice: keep one' },
      { '{"attempts":[{"model":"a","model":"b"}]}',
        'standard input:1: member "model" of an attempt occurs twice: keep one' },
      { '{}\n{"session_id":"s2"}', 'standard input:2: session_id is "s2", but the entry goes to session "s1": '
        .. 'append it to "s2", or leave session_id out' },
      { "", "no entries in the input" },
      { "\n \n", "no entries in the input" },
    }
    for _, case in ipairs(inputs) do
      it("the input " .. ("%q"):format(case[1]), function()
        refused({ "append", "s1", stdin = case[1] }, "debrief: " .. case[2] .. "; nothing was stored\n")
      end)
    end

    it("a bad line of the second file, naming file and line", function()
      scene:write("a.jsonl", '{"skill":"a"}\n')
      scene:write("b.jsonl", '{"skill":"b"}\n{"duration_ms":1.5}\n')
      refused({ "append", "s1", "a.jsonl", "b.jsonl" },
        "debrief: b.jsonl:2: not an entry: duration_ms is not a 64-bit integer; nothing was stored\n")
    end)

    it("a file that is not there, and one that is a folder", function()
      refused({ "append", "s1", "no.jsonl" },
        "debrief: cannot read no.jsonl: No such file or directory; nothing was stored\n")
      scene:sh "mkdir folder"
      refused({ "append", "s1", "folder" }, "debrief: cannot read folder: Is a directory; nothing was stored\n")
    end)

    it("nesting of more than 1,024 levels, and takes 1,024", function()
      local function nested(n) return '{"input":' .. ("["):rep(n) .. ("]"):rep(n) .. "}\n" end
      local r = scene:run { "append", "s1", stdin = nested(1024) }
      assert.equal(1, r.status)
      assert.equal(STORED, scene:read "sessions/s1.jsonl")
      assert.truthy(r.err:find("^debrief: standard input:1: .*1,?024 levels.*; nothing was stored\n$"), r.err)
      assert.equal(0, scene:run({ "append", "s1", stdin = nested(1023) }).status)
    end)
  end)

  describe("refuses the session id", function()
    for _, id in ipairs { "../x", "a/b", "", ("i"):rep(300), ".hidden", "a b", "a\n", "é" } do
      it(("%q"):format(#id > 40 and id:sub(1, 5) .. "…" or id), function()
        local r = scene:run { "append", "--", id, "skill=a" }
        assert.truthy(r.err:find '^debrief: session id ".*" is not allowed: use letters, digits, ', r.err)
        assert.truthy(r.err:find "%(debrief.session_id%(text%) makes one%); nothing was stored\n$", r.err)
        assert.equal(1, r.status)
        assert.equal("", scene:sh("ls -A | grep -v '^[.]\\(in\\|out\\|err\\)$'").out)
      end)
    end

    it("but takes one of 128 characters", function()
      assert.equal(0, scene:run({ "append", ("i"):rep(128), "skill=a" }).status)
    end)
  end)

  describe("leaves alone", function()
    local function unsafe(make, kind)
      scene:sh("mkdir sessions && " .. make)
      local listing = scene:sh("ls -l sessions").out
      local r = scene:run { "append", "s1", "skill=a" }
      assert.equal(("debrief: sessions/s1.jsonl is %s, not a regular file: move it away or use another session id; "
        .. "nothing was stored\n"):format(kind), r.err)
      assert.equal(1, r.status)
      assert.equal(listing, scene:sh("ls -l sessions").out)
    end

    it("a folder in place of a session", function() unsafe("mkdir sessions/s1.jsonl", "a folder") end)
    it("a FIFO in place of a session", function() unsafe("mkfifo sessions/s1.jsonl", "a FIFO") end)
    it("a symbolic link out of the folder", function()
      scene:write("outside", "x\n")
      unsafe("ln -s ../outside sessions/s1.jsonl", "a symbolic link")
      assert.equal("x\n", scene:read "outside")
    end)
    it("a symbolic link to nothing", function() unsafe("ln -s nowhere sessions/s1.jsonl", "a symbolic link") end)
  end)

  it("says which file may not be read or written", function()
    scene:write("sessions/s1.jsonl", STORED)
    scene:write("in.jsonl", "{}\n")
    if not scene:unprivileged() then return pending "setpriv cannot drop root here" end
    local function denied(words, message)
      local r = scene:unprivileged(words)
      assert.equal(message, r.err)
      assert.equal(1, r.status)
      assert.equal(STORED, scene:read "sessions/s1.jsonl")
    end
    denied("append s1 in.jsonl", "debrief: cannot read in.jsonl: Permission denied; nothing was stored\n")
    denied("append s1 skill=a", "debrief: cannot open sessions/s1.jsonl: Permission denied; nothing was stored\n")
    denied("append s2 skill=a", "debrief: cannot open sessions/s2.jsonl: Permission denied; nothing was stored\n")
    denied("read s1", "debrief: cannot open sessions/s1.jsonl: Permission denied\n")
    denied("read sessions/s1.jsonl", "debrief: cannot open sessions/s1.jsonl: Permission denied\n")
  end)

  it("says that the path of the log is no folder", function()
    scene:write("sessions", "x")
    local r = scene:run { "append", "s1", "skill=a" }
    assert.equal("debrief: sessions is not a folder: the path of a log names one; nothing was stored\n", r.err)
    assert.equal(1, r.status)
    assert.equal("x", scene:read "sessions")
  end)

  it("heals a torn tail before the next entry, and keeps every byte of it", function()
    local torn = STORED .. '{"session_id":"s1","sk'
    scene:write("sessions/s1.jsonl", torn)
    assert.equal(0, scene:run({ "append", "s1", stdin = STORED }).status)
    assert.equal(torn .. "\n" .. STORED, scene:read "sessions/s1.jsonl")
  end)

  it("stores the same when the standard files are closed, and nothing that is printed", function()
    scene:write("s.lua", 'log:append("s1", { skill = "b" }) print "in the log?" io.stderr:write "or this?"')
    scene:sh [["$DEBRIEF" append s1 skill=a <&- >&- 2>&-; "$DEBRIEF" run s.lua <&- >&- 2>&-]]
    assert.equal('{"skill":"a"}{"skill":"b"}', (scene:read("sessions/s1.jsonl"):gsub(
      '{"session_id":"s1","timestamp":"[^"]*",("skill":".").-}\n', "{%1}")))
  end)

  it("fails when no space is left, and says how much is stored", function()
    local r = scene:sh [[
      unshare -m true 2>/dev/null || exit 77
      unshare -m sh -c 'mkdir m && mount -t tmpfs -o size=64k t m || exit 77
        head -c 40000 /dev/zero | tr "\0" x >m/fill
        "$DEBRIEF" -d m append s1 skill=first || exit 78
        cp m/s1.jsonl before
        head -c 60000 /dev/zero | tr "\0" y >big
        "$DEBRIEF" -d m append s1 "skill=$(cat big)" 2>message; echo $? >status
        head -c $(stat -c %s before) m/s1.jsonl >after
        rm m/fill; "$DEBRIEF" -d m append s1 skill=last && "$DEBRIEF" -d m read s1 >read 2>/dev/null; exit 0']]
    if r.status == 77 then return pending "no mount namespace here" end
    assert.equal(0, r.status, r.err)
    assert.equal("1\n", scene:read "status")
    local message = scene:read "message"
    assert.truthy(message:find "^debrief: .*No space left on device.*; nothing was stored\n$", message)
    assert.equal(scene:read "before", scene:read "after")
    local skills = {}
    for skill in scene:read("read"):gmatch '"skill":"(%w-)"' do skills[#skills + 1] = skill:sub(1, 10) end
    assert.same({ "first", "last" }, skills)
  end)

  it("says so when a limit on file sizes stops it", function()
    local r = scene:sh [[ulimit -f 1; "$DEBRIEF" append s1 "skill=$(head -c 2000 /dev/zero | tr '\0' x)"]]
    assert.truthy(r.err:find("File too large.*raise the limit on file sizes %(ulimit %-f%)"), r.err)
    assert.equal(1, r.status)
  end)

  it("takes a line of 20 MB, or of 100 in the long form, and reads it back", function()
    local r = scene:sh [[
      { printf '{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z","skill":"'
        head -c $([ -n "$TORTURE" ] && echo 100000000 || echo 20000000) /dev/zero | tr '\0' x; printf '"}\n'; } >big
      "$DEBRIEF" append s1 big && cmp big sessions/s1.jsonl &&
      "$DEBRIEF" read s1 | cmp big - && rm big sessions/s1.jsonl]]
    assert.same({ "", "", 0 }, { r.out, r.err, r.status })
  end)

  it("takes a line with a long run of spaces in no time", function()
    scene:write("in.jsonl", '{"input":"' .. (" "):rep(4000000) .. '"}\n')
    assert.equal(0, scene:run({ "append", "s1", "in.jsonl" }).status)
  end)

  it("warns of a field that is probably a slip of the pen, and of nothing that may be meant", function()
    local r = scene:run { "append", "s1", "skil=review", "--attempt", "verifed=true" }
    assert.same({ 0, "debrief: unknown field 'skil' was stored as it is: did you mean 'skill'?\n"
      .. "debrief: unknown field 'verifed' was stored as it is: did you mean 'verified'?\n" }, { r.status, r.err })
    r = scene:run { "append", "s1", stdin = '{"modle_used":"m"}\n{"modle_used":"m","duration":1}\n' }
    assert.same({ 0, "debrief: unknown field 'modle_used' was stored as it is: did you mean 'model_used'?\n"
      .. "debrief: unknown field 'duration' was stored as it is: did you mean 'duration_ms'?\n" }, { r.status, r.err })
    r = scene:run { "append", "s1", stdin = '{"tags":[],"score":1,"scope":1,"run":2,"title":"x","price":1,"phase":"a",'
      .. '"phases":2,"attempts":[null,{"tokens":5,"case":"x"}]}\n' }
    assert.same({ 0, "" }, { r.status, r.err })
    scene:write("adds.lua", [[return { name = "adds", api = 1, enrich = function(e) e.skil = 1 end }]])
    assert.equal("", scene:run({ "append", "s1", "n=1", "--enrich", "./adds.lua" }).err)
  end)

  it("says on a terminal what it stored", function()
    local r = scene:sh [[script -qec '"$DEBRIEF" append login skill=a; "$DEBRIEF" append login in.jsonl' /dev/null]]
    if r.status == 127 then return pending "no script(1) here" end
    assert.truthy(r.out:find "^debrief: stored login:1\r\n", r.out)
    scene:write("in.jsonl", "{}\n{}\n")
    r = scene:sh [[script -qec '"$DEBRIEF" append login in.jsonl' /dev/null]]
    assert.equal("debrief: stored 2 entries, the last as login:3\r\n", r.out)
  end)

  describe("of key=value words", function()
    local function stored(...)
      local r = scene:run { "append", "s1", "timestamp=2026-01-02T03:04:05Z", ... }
      assert.same({ "", 0 }, { r.err, r.status })
      return (scene:read("sessions/s1.jsonl"):gsub('^{"session_id":"s1","timestamp":"2026%-01%-02T03:04:05Z",', "{"))
    end

    it("types known fields, and keeps JSON as it is given", function()
      assert.equal('{"skill":"007","input":{"pr":1.50},"final_status":"","duration_ms":7,"list":[1,{}],'
        .. '"note":"a=b","price":1.50,"tokens":"12"}\n',
        stored("skill=007", 'input:={"pr": 1.50}', "duration_ms=7", "tokens=12", "price:=1.50", "list:=[1, {}]",
          "note=a=b"))
    end)

    it("takes input=text as a JSON string, and input:=null", function()
      assert.equal('{"skill":"","input":"{}","final_status":""}\n', stored "input={}")
    end)

    it("takes attempts, numbered, with words quoted as in a shell", function()
      assert.equal('{"skill":"a","attempts":[{"attempt":1,"model":"m 1","verified":false},{"attempt":7,"model":"",'
        .. '"runner_output":"it\'s \\"x\\"","verified":true,"price":0.10}],"final_status":""}\n',
        stored("skill=a", "--attempt", "model='m 1'", "--attempt",
          [[attempt=7 runner_output="it's \"x\"" verified=true price:=0.10]]))
    end)

    it("takes attempts as JSON", function()
      assert.equal('{"skill":"","attempts":[{"attempt":1,"model":"m","verified":true}],"final_status":""}\n',
        stored 'attempts:=[{"attempt":1,"model":"m","verified":true}]')
    end)

    it("refuses what is not of the field's type, as usage", function()
      scene:write("sessions/s1.jsonl", STORED)
      for message, words in pairs {
        ["duration_ms=1.5: expected an integer"] = { "duration_ms=1.5" },
        ["duration_ms=0x10: expected an integer"] = { "duration_ms=0x10" },
        ["skill must be a string, not number"] = { "skill:=1" },
        ["attempts must be an array of tables, not number"] = { "attempts:=1" },
        ["attempts[] must be a table, not number"] = { "attempts:=[1]" },
        ["skill is given twice"] = { "skill=a", "skill:=\"b\"" },
        ["input:={: the text ends inside an object, at byte 2"] = { "input:={" },
        ["--attempt: verified=yes: expected true or false"] = { "--attempt", "verified=yes" },
        ["--attempt: 'x' is not key=value"] = { "--attempt", "x" },
        ["a ' is not closed in: model='x"] = { "--attempt", "model='x" },
        ["timestamp 'yesterday' is not RFC 3339 (2026-05-03T10:00:00Z)"] = { "timestamp=yesterday" },
      } do
        refused({ "append", "s1", table.unpack(words) }, ("debrief: %s; nothing was stored\n"):format(message), 2)
      end
      refused({ "append", "s1", "session_id=s2" }, 'debrief: session_id is "s2", but the entry goes to session "s1": '
        .. 'append it to "s2", or leave session_id out; nothing was stored\n', 1)
    end)

    it("does not mix with files", function()
      local r = scene:run { "append", "s1", "skill=a", "file.jsonl" }
      assert.equal(2, r.status)
      assert.truthy(r.err:find("^debrief: append: files and key=value words do not go together"), r.err)
    end)
  end)

  it("with --stream stores what comes before a bad line, and says from where to go on", function()
    local filler = ('{"input":"%s"}\n'):format(("x"):rep(1 << 20))
    scene:write("in.jsonl", filler:rep(9) .. "{\n")
    local r = scene:run { "append", "--stream", "s1", "in.jsonl" }
    assert.equal(1, r.status)
    assert.equal("debrief: in.jsonl:10: the entry is not JSON at byte 1: the text ends inside an object; "
      .. "8 entries before it are stored\n", r.err)
    assert.equal(8, select(2, scene:read("sessions/s1.jsonl"):gsub("\n", "")))
  end)

  it("with --sync syncs the session and its folder before it returns", function()
    local strace = "ASAN_OPTIONS=detect_leaks=0 strace -f -e trace=fsync,fdatasync -o trace " -- no leak check under it
    local r = scene:sh(strace .. '"$DEBRIEF" append s1 skill=a --sync')
    if r.status == 127 then return pending "no strace" end
    assert.equal(0, r.status, r.err)
    assert.truthy(scene:read("trace"):find "fdatasync%(%d+%) += 0")
    assert.truthy(scene:read("trace"):find "fsync%(%d+%) += 0")
    scene:sh(strace .. '"$DEBRIEF" append s1 skill=a')
    assert.falsy(scene:read("trace"):find "sync")
  end)

  it("understands -d before and after the command, and $DEBRIEF_DIR", function()
    scene:run { "-d", "a", "append", "s1", "skill=a" }
    scene:run { "append", "-d", "b/c/", "s1", "skill=a" }
    scene:run { "append", "s1", "skill=a", env = { DEBRIEF_DIR = "d" } }
    scene:run { "-d", "e", "append", "s1", "skill=a", env = { DEBRIEF_DIR = "d" } }
    for _, dir in ipairs { "a", "b/c", "d", "e" } do
      assert.equal(1, select(2, scene:read(dir .. "/s1.jsonl"):gsub("\n", "")), dir)
    end
  end)

  describe("with --enrich", function()
    local function plugin(body) scene:write("p.lua", 'return { name = "p", api = 1, ' .. body .. " }\n") end

    it("stores what the plugin adds, and shows it the whole entry", function()
      plugin [[enrich = function(entry, ctx)
        assert(entry.session_id == ctx.session and require "debrief".time(entry))
        entry.slow = (entry.duration_ms or 0) > 5
        entry.skill = "b"
      end]]
      local r = scene:run { "append", "s1", "--enrich", "./p.lua", "duration_ms=6", "timestamp=2026-01-02T03:04:05Z" }
      assert.same({ "", 0 }, { r.err, r.status })
      r = scene:run { "append", "s1", "--enrich", "./p.lua", stdin = '{"x": 1.50}' }
      assert.same({ "", 0 }, { r.err, r.status })
      local first, second = scene:read("sessions/s1.jsonl"):match "^(.-)\n(.-)\n$"
      assert.equal('{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z","skill":"b","final_status":"",'
        .. '"duration_ms":6,"slow":true}', first)
      assert.equal('"x":1.50,"slow":false,"skill":"b"}', second:match '"x".*')
    end)

    it("stores the entry as it was when the plugin fails, says so, and ends with 3", function()
      plugin [[enrich = function(entry) entry.half = 1 error "no idea" end]]
      local r = scene:run { "append", "s1", "--enrich", "./p.lua", stdin = STORED .. STORED }
      assert.equal(3, r.status)
      assert.equal(STORED .. STORED, scene:read "sessions/s1.jsonl")
      assert.truthy(r.err:find("debrief: plugin 'p', enrich: ./p.lua:1: no idea", 1, true), r.err)
      assert.truthy(r.err:find("(at s1:1)", 1, true), r.err)
    end)

    it("stores nothing when a plugin that refuses fails", function()
      plugin [[on_error = "refuse", enrich = function(entry) if entry.skill == "b" then error "no idea" end end]]
      local r = scene:run { "append", "s1", "--enrich", "./p.lua", stdin = '{"skill":"a"}\n{"skill":"b"}\n' }
      assert.equal(1, r.status)
      assert.is_nil(scene:read "sessions/s1.jsonl")
      local refusal = "debrief: standard input:2: plugin 'p' refuses it; nothing was stored\n"
      assert.truthy(r.err:find(refusal, 1, true), r.err)
      assert.truthy(r.err:find("./p.lua:1: no idea", 1, true), r.err)
    end)

    it("checks lines before the plugin sees them, and names them the same way", function()
      plugin "enrich = function() end"
      refused({ "append", "s1", "--enrich", "./p.lua", stdin = "{}\n[1]" },
        "debrief: standard input:2: not an entry: not an object; nothing was stored\n")
    end)
  end)

  it("says that entries are stored when only their sync failed", function()
    if program.sanitized or scene:sh("strace -qq true").status ~= 0 then return pending "strace does not work here" end
    scene:write("in.jsonl", '{"skill":"a"}\n{"skill":"b"}\n')
    local strace = "strace -f -qq -e trace=fdatasync -e inject=fdatasync:error=EIO:when=1 "
    for _, words in ipairs { "in.jsonl", "skill=a" } do
      local r = scene:sh(strace .. "$DEBRIEF append --sync s1 " .. words)
      assert.equal(1, r.status)
      assert.truthy(r.err:find("it is in the file now: do not append it again", 1, true), r.err)
      assert.is_nil(r.err:find("nothing was stored", 1, true))
    end
    local _, lines = scene:read("sessions/s1.jsonl"):gsub("\n", "")
    assert.equal(3, lines)
  end)

  it("lists every option it knows after a mistyped one", function()
    local r = scene:run { "append", "--sinc", "s1", "skill=a" }
    assert.equal("debrief: unknown option '--sinc': did you mean '--sync'? (debrief --help)\n", r.err)
    assert.equal(2, r.status)
    refused({ "append", "s1", "skill=a", "--opt", "x=1" }, "debrief: --opt 'x=1': no plugin is used here\n", 2)
    refused({ "append" }, "debrief: missing argument 'SESSION' (debrief --help)\n", 2)
  end)

  it("loses nothing of four appenders at once", function()
    scene:write("run.sh", [[
      for w in 1 2 3 4; do
        (for i in 1 2 3 4 5 6 7 8 9 10; do "$DEBRIEF" append s1 skill=$w duration_ms=$i || exit 1; done) &
      done
      wait]])
    assert.equal(0, scene:sh("sh run.sh").status)
    local next_of = { 1, 1, 1, 1 }
    for line in scene:read("sessions/s1.jsonl"):gmatch "[^\n]+" do
      local entry = cjson.decode(line)
      local w = tonumber(entry.skill)
      assert.equal(next_of[w], entry.duration_ms)
      next_of[w] = next_of[w] + 1
    end
    assert.same({ 11, 11, 11, 11 }, next_of)
  end)
end)

describe("append, for scripts", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  local function stored(session) return scene:read("sessions/" .. session .. ".jsonl") or "" end

  it("takes values from files and from standard input, byte for byte but for what is not UTF-8", function()
    scene:write("out.txt", "one 'two' \"three\"\n\0b\255\n")
    scene:write("in.json", '{"a":[1,2.50]}\n')
    local r = scene:run { "append", "s1", "skill=a", "message=@-", "input:=@in.json", "--attempt",
      "verified=true runner_output=@out.txt", "--attempt-json", '{"model":"m","x":[1,2.50]}', "--attempt-json",
      "@in.json", stdin = "typed\n" }
    assert.equal(0, r.status, r.err)
    local line = stored "s1"
    assert.truthy(line:find('"runner_output":"one \'two\' \\"three\\"\\n\\u0000b\\ufffd\\n"', 1, true), line)
    for _, part in ipairs { '"message":"typed\\n"', '"input":{"a":[1,2.50]}', '"x":[1,2.50]}', '"attempt":3,',
      '"a":[1,2.50]}' } do
      assert.truthy(line:find(part, 1, true), part)
    end
    for words, message in pairs {
      ["skill=@none"] = "skill=@none: none: No such file or directory", ["input:=@out.txt"] = "input:=@out.txt: ",
    } do
      r = scene:run { "append", "s1", words }
      assert.equal(2, r.status)
      assert.truthy(r.err:find(message, 1, true) and r.err:find("nothing was stored", 1, true), r.err)
    end
    r = scene:run { "append", "s1", "skill=@-", "phase=@-" }
    assert.truthy(r.err:find("standard input can be read only once", 1, true), r.err)
    r = scene:run { "append", "s1", "--attempt-json", "[]" }
    assert.truthy(r.status == 2 and r.err:find("--attempt-json []: ", 1, true), r.err)
    assert.equal(line, stored "s1")
  end)

  it("claims nothing with --sparse, and keeps the time", function()
    scene:run { "append", "s1", "skill=a", "--attempt", "model=m", "--sparse" }
    assert.equal('"skill":"a","attempts":[{"attempt":1,"model":"m"}]}\n',
      stored("s1"):match '^{"session_id":"s1","timestamp":"[^"]+",(.*)$')
  end)

  it("with - stores each entry in its own session, all or nothing", function()
    local r = scene:run { "append", "-",
      stdin = '{"session_id":"a","n":1}\n{"session_id":"b","n":2}\n{"session_id":"a","n":3}\n' }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.same({ 2, 1 }, { select(2, stored("a"):gsub("\n", "")), select(2, stored("b"):gsub("\n", "")) })
    for input, message in pairs {
      ['{"session_id":"c"}\n{"n":1}\n'] = "standard input:2: there is no session_id, which SESSION - asks for",
      ['{"session_id":"c"}\n{"session_id":"x/y"}\n'] = "standard input:2: session_id x/y is not one",
      ['{"session_id":"c"}\n{"session_id":"d","skill":7}\n'] = "standard input:2: ",
      ['{"session_id":"c"}\n{"session_id":'] = "standard input:2: ",
    } do
      r = scene:run { "append", "-", stdin = input }
      assert.equal(1, r.status, input)
      assert.truthy(r.err:find(message, 1, true) and r.err:find("nothing was stored", 1, true), r.err)
      assert.equal("", stored "c")
    end
    assert.equal(0, scene:run({ "append", "-", "session_id=e", "skill=a" }).status)
    assert.truthy(stored("e"):find '"skill":"a"')
    assert.equal(1, scene:run({ "append", "-", "skill=a" }).status)
  end)

  it("with --stream stores at every pause of its input", function()
    local r = scene:sh [[mkfifo in; "$DEBRIEF" append s1 --stream <in & exec 3>in
      wait_for() { i=0; while [ "$(cat sessions/s1.jsonl 2>/dev/null | wc -l)" != $1 ]; do
        i=$((i+1)); [ $i -lt 400 ] || exit 1; sleep 0.02; done; }
      echo '{"n":1}' >&3; wait_for 1; printf '{"n":2}\n{"n":' >&3; wait_for 2; echo '3}' >&3; wait_for 3
      printf '{"n":4}' >&3; exec 3>&-; wait; wait_for 4; echo "at last"]]
    assert.equal("at last\n", r.out)
    local text = ("x"):rep(100000)
    r = scene:run { "append", "s2", "--stream", stdin = '{"a":"' .. text .. '"}\n{"b":"' .. text .. '"}\n' }
    assert.equal(0, r.status)
    assert.equal(2, select(2, stored("s2"):gsub("x\"}\n", "")))
  end)
end)

describe("a script", function()
  teardown(program.clean)

  it("has the time, a clock, and other programs", function()
    scene = program.scene()
    scene:write("t.lua", [[
      local debrief = require "debrief"
      local now, began = debrief.now(), debrief.clock()
      assert(debrief.date("%Y", now) >= "2024" and debrief.clock() >= began and math.type(began) == "integer")
      print(debrief.run { "sh", "-c", "echo hi; exit 3" })]])
    assert.equal("hi\n\t3\tfalse\n", scene:run({ "run", "t.lua" }).out)
  end)
end)
