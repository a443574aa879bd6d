-- debrief repair: what is kept, what is left out, where the copy is, and what is said about it.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"

local scene

local A, B = '{"session_id":"s1","skill":"a"}', '{"session_id":"s1","skill":"b"}'

-- The time in the copy's name is left out of what is compared.
local function stable(text) return (text:gsub("%.broken%-%d%d%d%d%d%d%d%dT%d%d%d%d%d%dZ", ".broken-TIME")) end

local function repair(...)
  local r = scene:run { "repair", ... }
  return stable(r.out), stable(r.err), r.status
end

describe("repair", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("keeps what can be read, says what is left out, and where the copy is", function()
    local before = A .. "\n{x}\n" .. A .. B .. '\n{"to'
    scene:write("sessions/s1.jsonl", before)
    assert.same({ [[
sessions/s1.jsonl: 3 entries kept, 2 of them from damaged lines
sessions/s1.jsonl.broken-TIME:2:32 bad_json: 3 bytes left out
sessions/s1.jsonl.broken-TIME:4:99 torn_tail: 4 bytes left out
sessions/s1.jsonl.broken-TIME: the session as it was
]], "", 0 }, { repair "s1" })
    assert.equal(A .. "\n" .. A .. "\n" .. B .. "\n", scene:read "sessions/s1.jsonl")
    assert.equal(before, scene:sh("cat sessions/s1.jsonl.broken-*").out)
    assert.equal("600\n600\n", scene:sh("chmod 600 sessions/s1.jsonl; stat -c %a sessions/*").out)
  end)

  it("lists the first 10,000 pieces that are left out", function()
    scene:write("sessions/s1.jsonl", ("x\n"):rep(10002))
    local out = repair "s1"
    assert.equal(10003, select(2, out:gsub("\n", "\n")))
    assert.truthy(out:find("broken-TIME:10000:19998 bad_json: 1 byte left out\n"
      .. "sessions/s1.jsonl.broken-TIME: 2 pieces more left out\n", 1, true))
  end)

  it("leaves only what check finds sound and sessions lists", function()
    scene:write("sessions/s1.jsonl", "\0\0" .. A .. '\n{"cut' .. B .. "\n[]\n\n" .. A)
    repair "s1"
    assert.equal("1 session, 3 lines, 3 entries, 96 bytes: no damage\n", scene:run({ "check" }).out)
    assert.equal("s1\n", scene:run({ "sessions" }).out)
    assert.equal("s1.jsonl\ns1.jsonl.broken-TIME\n", stable(scene:sh("ls -A sessions").out))
  end)

  it("leaves a session without damage alone", function()
    local text = A .. '\n\n{"a":"\xff"}'
    scene:write("sessions/s1.jsonl", text)
    local inode = scene:sh("stat -c %i sessions/s1.jsonl").out
    assert.same({ "sessions/s1.jsonl: no damage, nothing was changed (2 entries)\n", "", 0 }, { repair "s1" })
    assert.equal(inode, scene:sh("stat -c %i sessions/s1.jsonl").out)
    assert.equal(text, scene:read "sessions/s1.jsonl")
    assert.equal("s1.jsonl\n", scene:sh("ls -A sessions").out)
  end)

  it("says what is no session", function()
    scene:write("sessions/login.jsonl", "{x}\n")
    assert.same({ "", "debrief: no session 'logni' in sessions: did you mean 'login'?\n", 1 }, { repair "logni" })
    assert.same({ "", "debrief: repair wants a session id, not a path: debrief -d FOLDER repair ID "
      .. "(got 'sessions/login.jsonl')\n", 2 }, { repair "sessions/login.jsonl" })
    assert.equal(2, select(3, repair()))
    assert.equal("{x}\n", scene:read "sessions/login.jsonl")
  end)

  it("says why it could not, and that nothing happened", function()
    scene:write("sessions/s1.jsonl", "{x}\n")
    scene:sh "ln sessions/s1.jsonl other"
    assert.same({ "", "debrief: sessions/s1.jsonl has 2 names (hard links), and writers could not tell that it was "
      .. "replaced: remove the others, then repair again\n", 1 }, { repair "s1" })
    assert.equal("s1.jsonl\n", scene:sh("ls -A sessions").out)
  end)
end)

describe("log:repair", function()
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("returns what it did", function()
    scene:write("sessions/s1.jsonl", A .. "\n{x}\n")
    local log <close> = assert(debrief.open(scene:path "sessions"))
    local result = log:repair "s1"
    assert.equal("{x}", scene:read(result.copy:sub(#scene.dir + 2)):sub(33, 35))
    result.copy = nil
    assert.same({ repaired = true, entries = 1, salvaged = 0,
      left_out = { { kind = "bad_json", line = 2, offset = 32, length = 3 } } }, result)
    assert.equal("integer", math.type(result.left_out[1].offset))
    assert.same({ repaired = false, entries = 1, salvaged = 0, left_out = {} }, log:repair "s1")
    assert(log:append("s1", { skill = "c" }))
    assert.equal(2, log:check("s1").entries)
  end)

  it("returns nil and a message", function()
    scene:write("sessions/s1.jsonl", "")
    local log <close> = assert(debrief.open(scene:path "sessions"))
    assert.same({ nil, ("there is no session %s/s2.jsonl"):format(scene:path "sessions"), nil }, { log:repair "s2" })
  end)
end)
