-- debrief read and retro: windows of time, the latest entries, one line.
local program = dofile "tests/spec/support/program.lua"

local function line(time, skill, session)
  local timestamp = time and ('"timestamp":"%s",'):format(time) or ""
  return ('{"session_id":"%s",%s"skill":"%s"}\n'):format(session or "s1", timestamp, skill)
end

-- Berlin's Sunday of 25 hours, on the edges of it, in several zones.
local EDGES = {
  line("2026-10-24T21:59:59.999999999Z", "before"), line("2026-10-25T00:00:00+02:00", "first"),
  line("2026-10-25T02:30:00+01:00", "twice"), line(nil, "timeless"), line("2026-10-25T22:59:59.999999999Z", "last"),
  line("2026-10-25T23:00:00Z", "after"), line("0001-01-01T00:00:00Z", "zero"),
  line("2026-10-25T18:00:00\\u005a", "escaped"),
}

local COUNT = [[return { name = "count", api = 1, split = true, retrospective = {
  init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end,
  merge = function(acc, other) acc.n = acc.n + other.n end,
  finish = function(acc) return { title = "n = " .. acc.n } end } }]]

describe("a window", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  local function skills(words)
    local r = scene:run(words)
    local out = {}
    for skill in r.out:gmatch '"skill":"([^"]*)"' do out[#out + 1] = skill end
    return table.concat(out, " "), r
  end

  local BERLIN = { TZ = "Europe/Berlin" }
  local NOTE = "debrief: 2 entries have no timestamp between 1678 and 2261 and are in no window\n"

  -- words, skills that are in it
  local cases = {
    { { "--since", "2026-10-25", "--until", "2026-10-25" }, "first twice last escaped" },
    { { "--since", "2026-10-25" }, "first twice last after escaped" },
    { { "--until", "2026-10-25" }, "before first twice last escaped" },
    { { "--since", "2026-10-25T02:30", "--until", "2026-10-25" }, "twice last escaped" },
    { { "--since", "2026-10-25T00:00:00.000000001+02:00", "--until", "2026-10-25T02:30:00+01:00" }, "" },
    { { "--since=2026-10-25T00:00:00+02:00", "--until=2026-10-25T00:00:00.000000001+02:00" }, "first" },
    { { "--since", "2026-10-19", "--until", "2026-10-24" }, "before" },
  }
  for _, case in ipairs(cases) do
    it("is half-open, in the user's zone: " .. table.concat(case[1], " "), function()
      scene:write("sessions/s1.jsonl", table.concat(EDGES))
      local words = { "read", env = BERLIN, table.unpack(case[1]) }
      local found, r = skills(words)
      assert.same({ case[2], NOTE, 0 }, { found, r.err, r.status })
    end)
  end

  it("prints the bytes of the entries as they were", function()
    scene:write("sessions/s1.jsonl", table.concat(EDGES))
    local r = scene:run { "read", "--since", "2026-10-25T23:00:00Z" }
    assert.equal(EDGES[6], r.out)
  end)

  it("counts in retro only what is in it, for every number of workers", function()
    scene:write("count.lua", COUNT)
    scene:write("sessions/s1.jsonl", table.concat(EDGES))
    scene:write("sessions/s2.jsonl", line("2020-01-01T00:00:00Z", "old", "s2"))
    for _, jobs in ipairs { "1", "2", "5" } do
      local r = scene:run { "retro", "count.lua", "--since", "2026-10-25", "--until", "2026-10-25", "-j", jobs,
        env = BERLIN }
      assert.same({ "n = 4\n═════\n\n4 entries in 1 session\n", NOTE, 0 }, { r.out, r.err, r.status })
    end
    local r = scene:run { "retro", "count.lua", "--since", "2026-10-26", "--format", "json" }
    assert.equal('{"entries":0,"sessions":0,"untimed":2,"reports":[{"plugin":"count","title":"n = 0","tables":[],'
      .. '"findings":[]}],"diagnostics":[]}\n', r.out)
    r = scene:run { "retro", "count.lua", "--format", "json" }
    assert.truthy(r.out:find('{"entries":9,"sessions":2,"reports"', 1, true))
  end)

  it("is the same with a plugin's match, enrich and filter", function()
    scene:write("sessions/s1.jsonl", table.concat(EDGES))
    scene:write("m.lua", [[return { name = "m", api = 1, match = { skill = { "first", "before", "timeless" } },
      retrospective = { init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end,
      finish = function(acc) return { title = "n = " .. acc.n } end } }]])
    local r = scene:run { "retro", "m.lua", "--since", "2026-10-25", env = BERLIN }
    assert.same({ "n = 1\n═════\n\n5 entries in 1 session\n", NOTE }, { r.out, r.err })
  end)

  it("understands times that are counted from now", function()
    local core = require "debrief.core"
    local function ago(hours)
      local ns = core.now() - hours * 3600000000000
      return os.date("!%Y-%m-%dT%H:%M:%SZ", ns // 1000000000)
    end
    scene:write("sessions/s1.jsonl", line(ago(200), "a") .. line(ago(100), "b") .. line(ago(1), "c"))
    assert.equal("b c", (skills { "read", "--since", "7d" }))
    assert.equal("c", (skills { "read", "--since", "2 hours ago" }))
    assert.equal("a", (skills { "read", "--until", "7d" }))
    assert.equal("a b c", (skills { "read", "--until", "now" }))
  end)

  it("does not open sessions that were last written a day and more before it", function()
    local damaged = "no json\n" .. line("2026-10-25T12:00:00Z", "late")
    scene:write("sessions/s1.jsonl", damaged)
    scene:write("count.lua", COUNT)
    scene:write("s.lua", [[
      for e in require "debrief".open "sessions":entries { since = "2026-10-25" } do print(e.skill) end]])
    for _, case in ipairs { { "2026-10-23 23:59:59 UTC", "", 0 }, { "2026-10-24 00:00:00 UTC", "late", 3 } } do
      assert(os.execute(("touch -d '%s' %s"):format(case[1], scene:path "sessions/s1.jsonl")))
      local found, r = skills { "read", "--since", "2026-10-25" }
      assert.same({ case[2], case[3] }, { found, r.status })
      found, r = skills { "read", "--since", "2026-10-25", "sessions/s1.jsonl" }
      assert.same({ case[2], case[3] }, { found, r.status })
      r = scene:run { "retro", "count.lua", "--since", "2026-10-25" }
      assert.same({ case[3] == 3, case[3] }, { r.out:find "n = 1" ~= nil, r.status })
      r = scene:sh [["$DEBRIEF" run s.lua]]
      assert.equal(case[2] == "" and "" or case[2] .. "\n", r.out)
    end
    assert(os.execute("touch -d '2020-01-01' " .. scene:path "sessions/s1.jsonl"))
    assert.equal("late", (skills { "read", "--until", "2026-10-25" })) -- an end says nothing of the file
  end)

  it("is refused when it is not understood or empty, with status 2", function()
    scene:write("sessions/s1.jsonl", "")
    scene:write("count.lua", COUNT)
    for _, words in ipairs { { "read" }, { "retro", "count.lua" } } do
      local n = #words
      words[n + 1], words[n + 2] = "--since", "lst week"
      local r = scene:run(words)
      assert.equal("debrief: since: 'lst week' is not a time that is understood: did you mean 'last week'?\n", r.err)
      assert.equal(2, r.status)
      words[n + 2], words[n + 3], words[n + 4] = "2026-10-26", "--until", "2026-10-25"
      r = scene:run(words)
      assert.equal("debrief: the window is empty: since '2026-10-26' (2026-10-26 00:00:00) is not before "
        .. "until '2026-10-25' (2026-10-26 00:00:00)\n", r.err)
      assert.equal(2, r.status)
    end
  end)
end)

describe("read --last", function()
  local scene
  before_each(function()
    scene = program.scene()
    scene:write("sessions/a.jsonl", line("2026-10-03T00:00:00Z", "a3", "a") .. line("2026-10-01T00:00:00Z", "a1", "a")
      .. line(nil, "a-", "a") .. line("2026-10-05T02:00:00+02:00", "a5", "a"))
    scene:write("sessions/b.jsonl", line(nil, "b-", "b") .. line("2026-10-02T00:00:00Z", "b2", "b")
      .. line("2026-10-05T00:00:00Z", "b5", "b") .. line("2026-10-04T00:00:00Z", "b4", "b"))
  end)
  teardown(program.clean)

  local function skills(words)
    local r = scene:run(words)
    assert.same({ "", 0 }, { r.err, r.status })
    return (r.out:gsub('.-"skill":"([^"]*)".-\n', "%1 "):gsub(" $", ""))
  end

  it("prints the latest of all sessions, oldest first; those without time only if there are too few others", function()
    assert.equal("b5", skills { "read", "--last", "1" })
    assert.equal("a3 b4 a5 b5", skills { "read", "--last", "4" })
    assert.equal("a1 b2 a3 b4 a5 b5", skills { "read", "--last", "6" })
    assert.equal("a1 b2 a3 b4 a5 b5 b-", skills { "read", "--last", "7" })
    assert.equal("a1 b2 a3 b4 a5 b5 a- b-", skills { "read", "--last", "99" })
    assert.equal("a3 b4", skills { "read", "--last", "2", "--where", "not skill:find '5'" })
  end)

  it("prints the last lines of one session, as they stand there", function()
    assert.equal("a- a5", skills { "read", "a", "--last", "2" })
    assert.equal("a3 a1 a- a5", skills { "read", "a", "--last", "9" })
    assert.equal("a3 a1", skills { "read", "a", "--last", "2", "--where", "timestamp and not skill:find '5'" })
    assert.equal("a1", skills { "read", "sessions/a.jsonl", "--last", "2", "--where", "line < 3", "-n", "1",
      "--reverse" })
    scene:sh "rm sessions/b.jsonl"
    assert.equal("a- a5", skills { "read", "--last", "2" })
    local out = {}
    local log = require("debrief").open(scene.dir .. "/sessions")
    for entry, _, at in log:entries { last = 3 } do out[#out + 1] = entry.skill .. at end
    assert.equal("a12 a-3 a54", table.concat(out, " "))
  end)

  it("reads a long session from its end, with the right lines", function()
    local out, long = {}, ("x"):rep(700)
    for i = 1, 3000 do
      out[i] = ('{"session_id":"l","timestamp":"2026-10-01T00:00:00Z","skill":"x%d","input":"%s"}\n'):format(i, long)
    end
    out[10] = "damage\n"
    scene:write("sessions/l.jsonl", table.concat(out))
    assert.equal("x2999 x3000", skills { "read", "l", "--last", "2" })
    assert.equal("x2500", skills { "read", "l", "--last", "1", "--where", "skill == 'x2500'" })
    local r = scene:run { "read", "l", "--last", "2", "--fields", "line,skill" }
    assert.same({ "2999\tx2999\n3000\tx3000\n", "", 0 }, { r.out, r.err, r.status })
    scene:write("sessions/l.jsonl", table.concat(out) .. "more damage\n")
    r = scene:run { "read", "l", "--last", "1" }
    assert.equal(3, r.status)
    assert.truthy(r.err:find("l.jsonl:3001:", 1, true), r.err)
    assert.falsy(r.err:find "l.jsonl:10:")
    r = scene:run { "read", "l", "--last", "3000" }
    assert.truthy(r.err:find("l.jsonl:10:", 1, true), r.err)
    r = scene:run { "read", "l", "--last", "1", "--strict" }
    assert.truthy(r.err:find("l.jsonl:10:", 1, true), r.err)
    assert.truthy(r.out:find '"skill":"x9"', r.out)
    assert.not_equal(0, r.status)
  end)

  it("says that no entry has a field only when it has looked at all of them", function()
    local text = ('{"session_id":"l","skill":"x","input":"%s"}\n'):format(("x"):rep(700))
    scene:write("sessions/l.jsonl", '{"session_id":"l","early":1}\n' .. text:rep(300))
    local words = { "read", "l", "--last", "1", "--fields", "line", "--where", "early == 1 or skill == 'x'" }
    assert.same({ "301\n", "" }, { scene:run(words).out, scene:run(words).err })
    words[#words] = "earli == 1 or skill == 'x'"
    assert.truthy(scene:run(words).err:find("no entry has a field 'earli'", 1, true))
  end)

  it("keeps no more than it needs of many", function()
    local out = {}
    for i = 1, 20000 do
      local time = ("2026-10-%02dT%02d:%02d:%02dZ"):format(1 + i * 7919 % 30, i % 24, i % 60, i * 31 % 60)
      out[i] = line(time, "x" .. i, "c")
    end
    scene:write("sessions/c.jsonl", table.concat(out))
    local all = skills { "read", "c", "--last", "20000" }
    local last = {}
    for skill in all:gmatch "%S+" do last[#last + 1] = skill end
    assert.equal(20000, #last)
    for _, n in ipairs { 1, 63, 64, 65, 500 } do
      assert.equal(table.concat(last, " ", 20001 - n), skills { "read", "c", "--last", tostring(n) })
    end
  end)

  it("refuses what is no number from 1 on", function()
    for _, n in ipairs { "0", "-1", "x", "1.5" } do
      local r = scene:run { "read", "--last=" .. n }
      assert.same({ ("debrief: --last takes a number from 1 on, not '%s' (debrief --help)\n"):format(n), 2 },
        { r.err, r.status })
    end
  end)
end)

describe("read --line", function()
  local scene
  local A, B = line("2026-10-25T00:00:00Z", "a"), line("2026-10-25T00:00:00Z", "b")
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", A .. "broken\n" .. B .. "\n" .. A:gsub("\n", "") .. B .. "also broken\n")
  end)
  teardown(program.clean)

  it("prints that line as it is, and reports nothing about others", function()
    local r = scene:run { "read", "s1", "--line", "3" }
    assert.same({ B, "", 0 }, { r.out, r.err, r.status })
    r = scene:run { "read", "sessions/s1.jsonl", "--line", "1" }
    assert.same({ A, "", 0 }, { r.out, r.err, r.status })
  end)

  it("prints every entry of a line, and its damage", function()
    local r = scene:run { "read", "s1", "--line", "5" }
    assert.same({ A .. B, 3 }, { r.out, r.status })
    assert.truthy(r.err:find "^sessions/s1.jsonl:5:%d+ glued: several records on one line")
    assert.equal(1, select(2, r.err:gsub("\n", "")))
    r = scene:run { "read", "s1", "--line", "2" }
    assert.same({ "", 3 }, { r.out, r.status })
    assert.truthy(r.err:find "^sessions/s1.jsonl:2:%d+ bad_json")
  end)

  it("says that the line has no entry", function()
    for _, n in ipairs { "4", "99" } do
      local r = scene:run { "read", "s1", "--line", n }
      assert.same({ "", ("debrief: there is no entry s1:%s\n"):format(n), 1 }, { r.out, r.err, r.status })
    end
  end)

  it("wants one session, and no --last beside it", function()
    scene:write("sessions/s2.jsonl", A)
    for _, words in ipairs { { "read" }, { "read", "s1", "s2" } } do
      table.move({ "--line", "1" }, 1, 2, #words + 1, words)
      local r = scene:run(words)
      assert.same({ "debrief: --line goes with one session: debrief read SESSION --line N\n", 2 }, { r.err, r.status })
    end
    local r = scene:run { "read", "s1", "--line", "1", "--last", "1" }
    local message = "debrief: --line selects one line, --last the latest entries: use one of them\n"
    assert.same({ message, 2 }, { r.err, r.status })
    for _, option in ipairs { "--since", "--until", "--line" } do
      r = scene:run { "read", "s1", "--follow", option, "1" }
      assert.equal(2, r.status)
      assert.truthy(r.err:find(option, 1, true))
    end
  end)

  it("shows what a finding cites", function()
    scene:write("sessions/s3.jsonl", line("2026-10-25T00:00:00Z", "x", "s3"):gsub("}\n", "")
      .. ',"final_status":"error","attempts":[{"attempt":1,"model":"m","runner_output":"FAIL: y","verified":false}]}\n')
    local r = scene:run { "retro", "failures", "s3" }
    local session, number = r.out:match "(s3):(%d+)"
    r = scene:run { "read", session, "--line", number }
    assert.truthy(r.out:find "FAIL: y")
  end)
end)
