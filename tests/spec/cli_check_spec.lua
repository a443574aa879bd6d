-- debrief check: every damaged line with its place, the totals, and the exit status.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"

local scene

local A, B = '{"session_id":"s1","skill":"a"}', '{"session_id":"s1","skill":"b"}'

local function check(...)
  local r = scene:run { "check", ... }
  return r.out, r.err, r.status
end

describe("check", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("finds nothing in a sound log", function()
    scene:write("sessions/s1.jsonl", A .. "\n" .. B)
    scene:write("sessions/s2.jsonl", "")
    assert.same({ "2 sessions, 2 lines, 2 entries, 63 bytes: no damage\n", "", 0 }, { check() })
  end)

  it("names every damaged line with kind and place, session by session, and exits 3", function()
    scene:write("sessions/s1.jsonl", A .. "\n{x}\n" .. A .. '{"n":1}\n{"cut' .. A .. "\n")
    scene:write("sessions/s2.jsonl", '\0\0\n[]\n{"to')
    local text = scene:read "sessions/s1.jsonl"
    assert.same({ [=[
sessions/s1.jsonl:2:32 bad_json: expected a member name, at byte 2 of the line [x}]
sessions/s1.jsonl:3:36 glued: several records on one line [{"session_id":"s1","skill":"a"}{"n":1}]
sessions/s1.jsonl:4:75 spliced: a cut record and a whole one on one line [{"cut{"session_id":"s1","skill":"a"}]
sessions/s2.jsonl:1:0 nul_run: NUL bytes in the line, as a power cut leaves them [\x00\x00]
sessions/s2.jsonl:2:3 bad_entry: not an object, at byte 1 of the line [[]]
sessions/s2.jsonl:3:6 torn_tail: the last line was cut short [{"to]
2 sessions, 7 lines, 4 entries, 122 bytes: 6 damaged lines ]=]
      .. "(1 bad_entry, 1 bad_json, 1 glued, 1 nul_run, 1 spliced, 1 torn_tail)\n", "", 3 }, { check() })
    assert.equal(text, scene:read "sessions/s1.jsonl")
  end)

  it("names warnings, which are no damage", function()
    scene:write("sessions/s1.jsonl", '{"a":"\xff"}\n{"b":1,"b":2}\n')
    assert.same({ [[
sessions/s1.jsonl:1:0 bad_utf8: bytes that are not UTF-8; shown as U+FFFD [{"a":"\xff"}]
sessions/s1.jsonl:2:10 duplicate_key: a member is there twice; the last one counts [{"b":1,"b":2}]
1 session, 2 lines, 2 entries, 24 bytes: no damage, 2 warnings (1 bad_utf8, 1 duplicate_key)
]], "", 0 }, { check() })
  end)

  it("names a tail that is still being written, which is no damage", function()
    scene:write("sessions/s1.jsonl", A .. '\n{"half')
    local r = scene:sh [[flock -x sessions/s1.jsonl "$DEBRIEF" check]]
    assert.same({ [[
sessions/s1.jsonl:2:32 in_progress: the last line is still being written [{"half]
1 session, 2 lines, 1 entry, 38 bytes: no damage, 1 line still being written
]], "", 0 }, { r.out, r.err, r.status })
  end)

  it("checks the sessions that are named, and files by their path", function()
    scene:write("sessions/s1.jsonl", "{x}\n")
    scene:write("sessions/s2.jsonl", A .. "\n")
    scene:write("other.jsonl", "{y}\n")
    assert.equal("1 session, 1 line, 1 entry, 32 bytes: no damage\n", (check "s2"))
    assert.truthy((check("s2", "other.jsonl")):find "^other.jsonl:1:0 bad_json: .*\n2 sessions, 2 lines, 1 entry, ")
  end)

  it("shows nothing raw, whatever a file is called and holds", function()
    scene:write("a\27[2J.jsonl", "\27]0;x\7\n")
    local out = check "a\27[2J.jsonl"
    assert.falsy(out:find "[\27\7]")
    assert.truthy(out:find("a\\x1b[2J.jsonl:1:0 bad_json: ", 1, true), out)
  end)

  it("names every line of very many, in little memory", function()
    scene:write("many.jsonl", ("{x}\n"):rep(30000))
    local r = scene:sh [[
      limit() { ulimit -v 200000; } # a sanitizer needs more before it begins
      (limit; "$DEBRIEF" --version >/dev/null 2>&1) && limit
      "$DEBRIEF" check ./many.jsonl]]
    assert.equal(30001, select(2, r.out:gsub("\n", "")), r.err)
    assert.truthy(r.out:find("\n./many.jsonl:30000:119996 bad_json: ", 1, true))
    assert.equal(3, r.status)
  end)

  it("goes on after a session that cannot be read, and exits 1", function()
    scene:write("sessions/s1.jsonl", A .. "\n")
    scene:write("sessions/s2.jsonl", "{x}\n")
    scene:write("in.jsonl", "")
    if not scene:unprivileged() then return pending "cannot drop root here" end
    scene:sh "cp sessions/s2.jsonl readable.jsonl && chmod 644 readable.jsonl"
    local r = scene:unprivileged "check sessions/s1.jsonl readable.jsonl"
    assert.equal("debrief: cannot open sessions/s1.jsonl: Permission denied\n", r.err)
    assert.truthy(r.out:find("^readable.jsonl:1:0 bad_json: .*\n1 session, 1 line, 0 entries, 4 bytes: "
      .. "1 damaged line %(1 bad_json%)\n$"), r.out)
    assert.equal(1, r.status)
  end)

  it("says what does not exist", function()
    scene:write("sessions/login.jsonl", A .. "\n")
    assert.same({ "", "debrief: no session 'logni' in sessions: did you mean 'login'?\n", 1 }, { check "logni" })
    assert.same({ "", "debrief: no.jsonl: No such file or directory\n", 1 }, { check "no.jsonl" })
  end)

  it("ends quietly when nobody reads on, and fails when it cannot write", function()
    scene:write("sessions/s1.jsonl", ("{x}\n"):rep(20000))
    local r = scene:sh [[{ trap "" PIPE; "$DEBRIEF" check; echo $? >status; } | head -n 1]]
    assert.equal("", r.err)
    assert.equal("3\n", scene:read "status")
    scene:write("sessions/s1.jsonl", (A .. "\n"):rep(20000))
    scene:write("many.lua", "for i = 1, 100000 do print(i) end")
    for words, status in pairs { check = "0\n", ["retro skills"] = "0\n", read = "141\n", ["run many.lua"] = "141\n",
      ["read --where true"] = "141\n", ["read --fields skill"] = "141\n" } do -- the first two have less to say
      r = scene:sh(([[{ trap "" PIPE; "$DEBRIEF" %s; echo $? >status; } | head -n 1]]):format(words))
      assert.same({ "", status }, { r.err, scene:read "status" }, words)
    end
    r = scene:sh [["$DEBRIEF" check >/dev/full]]
    assert.same({ "debrief: cannot write: No space left on device\n", 1 }, { r.err, r.status })
  end)
end)

describe("log:check", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  local function open(text)
    scene:write("sessions/s1.jsonl", text)
    return assert(debrief.open(scene:path "sessions"))
  end

  it("counts, and calls with each diagnostic", function()
    local log <close> = open(A .. '\n{x}\n\n{"a":"\xff"}\n')
    local found = {}
    local counts = log:check("s1", function(d) found[#found + 1] = ("%s %d %s"):format(d.kind, d.line, d.damage) end)
    assert.same({ bytes = 47, lines = 4, blank = 1, entries = 2, damaged = 1,
      found = { bad_json = 1, bad_utf8 = 1 } }, counts)
    assert.same({ "bad_json 2 true", "bad_utf8 4 false" }, found)
    assert.equal("integer", math.type(counts.found.bad_json))
    assert.same(counts, log:check "s1")
  end)

  it("lets an error of the function out, and can be called again", function()
    local log <close> = open "{x}\n{y}\n"
    local calls = 0
    local ok, message = pcall(log.check, log, "s1", function()
      calls = calls + 1
      error({ "mine" })
    end)
    assert.same({ false, { "mine" }, 1 }, { ok, message, calls })
    assert.equal(2, log:check("s1").damaged)
  end)

  it("returns nil and a message, and raises for a wrong call", function()
    local log = open ""
    local counts, message = log:check "../s1"
    assert.is_nil(counts)
    assert.truthy(message:find "^session id")
    assert.has_error(function() log:check("s1", 7) end)
    log:close()
    assert.has_error(function() log:check "s1" end, "this log is closed")
  end)
end)
