-- log:follow and debrief read --follow: what is new, once, and what is said about it.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"
local core = require "debrief.core"

local scene, log

local function append(session, skill) assert(log:append(session, { skill = skill })) end

-- "session/skill@line …" of all that a follower gives.
local function given(...)
  local out = {}
  for entry, session, line in ... do out[#out + 1] = ("%s/%s@%d"):format(session, entry.skill, line) end
  return table.concat(out, " ")
end

local function open_files() return #core.list "/proc/self/fd" end

describe("log:follow", function()
  before_each(function()
    scene = program.scene()
    log = debrief.open(scene:path "sessions")
  end)
  after_each(function() log:close() end)
  teardown(program.clean)

  it("begins with existing entries if asked to", function()
    append("s1", "a")
    append("s2", "b")
    assert.equal("s1/a@1 s2/b@1", given(log:follow { from = "start", timeout = 0 }))
  end)

  it("begins with the latest if asked to, then goes on", function()
    for i = 1, 5 do log:append(i % 2 == 0 and "s1" or "s2", { skill = "k" .. i,
      timestamp = ("2026-01-0%dT00:00:00Z"):format(i) }) end
    scene:write("odd.lua", [[return { name = "odd", api = 1, filter = function(e) return e.skill ~= "k5" end }]])
    for _, case in ipairs { { {}, "s1/k4@2 s2/k5@3 s1/k6@3" },
      { { filter = scene:path "odd.lua" }, "s2/k3@2 s1/k4@2 s1/k6@3" },
      { { skill = "k?" , where = 'skill ~= "k4"' }, "s2/k3@2 s2/k5@3 s1/k6@3" } } do
      local q = { last = 2, timeout = 0 }
      for key, value in pairs(case[1]) do q[key] = value end
      local next_entry, _, _, closing = log:follow(q)
      local out = {}
      for _ = 1, 2 do
        local entry, session, line = next_entry()
        out[#out + 1] = ("%s/%s@%d"):format(session, entry.skill, line)
      end
      local before = scene:read "sessions/s1.jsonl"
      append("s1", "k6")
      out[#out + 1] = given(next_entry, nil, nil, closing)
      assert.equal(case[2], table.concat(out, " "))
      scene:write("sessions/s1.jsonl", before)
    end
    assert.equal("", given(log:follow { session = "none", last = 3, timeout = 0 }))
    assert.has_error(function() log:follow { last = 1, from = "end" } end,
      "from and last both say where to begin: use one of them")
  end)

  it("begins with what is new, and with new sessions from their start", function()
    append("s1", "a")
    local next_entry, _, _, closing = log:follow { timeout = 0 }
    append("s1", "b")
    append("s2", "c")
    assert.equal("s1/b@2 s2/c@1", given(next_entry, nil, nil, closing))
  end)

  it("follows only the given sessions", function()
    local one, _, _, closing = log:follow { session = "s1", from = "start", timeout = 0 }
    local two, _, _, closing_two = log:follow { session = { "s1", "s3" }, from = "start", timeout = 0 }
    for i = 1, 3 do append("s" .. i, "a") end
    assert.equal("s1/a@1", given(one, nil, nil, closing))
    assert.equal("s1/a@1 s3/a@1", given(two, nil, nil, closing_two))
  end)

  it("waits for what another process appends, in a folder that does not exist yet", function()
    local seen
    local iterator, _, _, closing = log:follow { session = "s1", timeout = 30 }
    os.execute(("(%s -d %s append s1 skill=late) >/dev/null 2>&1 &"):format(program.quote(program.path),
      program.quote(scene:path "sessions")))
    for entry, session, line in iterator, nil, nil, closing do
      seen = { entry.skill, session, line }
      if seen then break end
    end
    assert.same({ "late", "s1", 1 }, seen)
  end)

  it("returns a last entry without a newline when its time is over", function()
    scene:write("sessions/s1.jsonl", '{"skill":"a"}\n{"skill":"b"}')
    assert.equal("s1/a@1 s1/b@2", given(log:follow { from = "start", timeout = 0 }))
    scene:write("sessions/s1.jsonl", '{"skill":"a"}\n{"skill":')
    assert.equal("s1/a@1", given(log:follow { from = "start", timeout = 0 }))
  end)

  it("reports damage and files that were replaced", function()
    local found = {}
    local function report(d) found[#found + 1] = ("%s:%d %s %s"):format(d.session, d.line, d.kind, d.damage) end
    scene:write("sessions/s1.jsonl", 'x\n{"skill":"a"}\n')
    local iterator, _, _, closing = log:follow { from = "start", timeout = 0, on_diagnostic = report }
    assert.equal("a", iterator().skill)
    scene:write("sessions/s1.jsonl", '{"skill":"b"}\n{"skill":"c"}\n{"skill":"d"}\n')
    assert.equal("s1/b@1 s1/c@2 s1/d@3", given(iterator, nil, nil, closing))
    assert.same({ "s1:1 bad_json true", "s1:2 truncated false" }, found)
  end)

  it("raises at damage when it is strict", function()
    scene:write("sessions/s1.jsonl", '{"skill":"a"}\nx\n')
    local iterator = log:follow { from = "start", timeout = 0, strict = true }
    assert.equal("a", iterator().skill)
    local ok, message = pcall(iterator)
    assert.is_false(ok)
    assert.truthy(message:find("s1.jsonl:2:14 bad_json", 1, true), message)
  end)

  it("refuses what it does not understand", function()
    local _, message = pcall(function() log:follow { from = "middle" } end)
    assert.truthy(message:find 'follow_spec.lua:%d+: from must be "start" or "end", not "middle"$', message)
    _, message = pcall(function() log:follow { session = "../x" } end)
    assert.truthy(message:find 'follow_spec.lua:%d+: only session ids can be followed, and ../x is a path', message)
    assert.is_false(pcall(log.follow, log, { session = { 1, {} } }))
  end)

  it("leaves nothing open after a loop that ends early", function()
    append("s1", "a")
    for _ = 1, 3 do collectgarbage() end
    collectgarbage "stop" -- it would close what was forgotten
    local before = open_files()
    for entry in log:follow { from = "start" } do if entry then break end end
    for _ in log:follow { from = "start", timeout = 0 } do end -- luacheck: ignore 542
    local after = open_files()
    collectgarbage "restart"
    assert.equal(before, after)
  end)
end)

describe("read --follow", function()
  before_each(function()
    scene = program.scene()
    log = debrief.open(scene:path "sessions")
  end)
  after_each(function() log:close() end)
  teardown(program.clean)

  -- Follow in the background while `script` runs, once it was said what is waited for; it can say `until_lines N`.
  -- Prints how the follower ended.
  local function follow(words, script)
    return scene:sh(([[
      until_lines() { while [ "$(wc -l <out)" -lt "$1" ]; do sleep 0.01; done; }
      : >out
      env --default-signal=INT "$DEBRIEF" read --follow %s >out 2>err &
      pid=$!
      while ! [ -s err ]; do sleep 0.01; done
      %s
      kill -INT $pid
      wait $pid; echo $?]]):format(words, script))
  end

  it("prints entries as they come, of several sessions, until it is interrupted", function()
    local r = follow("--from start", [["$DEBRIEF" append s1 skill=a; until_lines 1
      "$DEBRIEF" append s2 skill=b; "$DEBRIEF" append s1 skill=c; until_lines 3]])
    assert.equal("130\n", r.out)
    local text = scene:read "out":gsub('"timestamp":"[^"]*",', "")
    assert.equal([[{"session_id":"s1","skill":"a","final_status":""}
{"session_id":"s2","skill":"b","final_status":""}
{"session_id":"s1","skill":"c","final_status":""}
]], text)
    assert.equal("debrief: waiting for the folder sessions\n", scene:read "err")
  end)

  it("ends quietly when nobody reads any more, without another entry", function()
    append("s1", "a")
    local r = scene:sh '{ "$DEBRIEF" read --follow --from start; echo $? >status; } | head -1'
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find('"skill":"a"', 1, true))
    assert.equal("0\n", scene:read "status")
  end)

  it("reports damage as it comes, and ends with 3", function()
    scene:write("sessions/s1.jsonl", '{"skill":"a"}\nx\n{"skill":"b"}\n')
    local r = scene:sh '{ "$DEBRIEF" read --follow --from start; echo $? >status; } | head -2'
    assert.equal("sessions/s1.jsonl:2:14 bad_json: expected a value, at byte 1 of the line [x]\n", r.err)
    assert.equal('{"skill":"a"}\n{"skill":"b"}\n', r.out)
    assert.equal("3\n", scene:read "status")
    r = scene:run { "read", "--follow", "--from", "start", "--strict" }
    assert.same({ '{"skill":"a"}\n', 1 }, { r.out, r.status })
  end)

  it("runs plugins, and reports each error once", function()
    scene:write("odd.lua", [[return { name = "odd", api = 1,
      enrich = function(entry) entry.twice = entry.duration_ms * 2 end,
      filter = function(entry) return entry.twice > 2 end }]])
    scene:write("sessions/s1.jsonl", '{"duration_ms":1}\n{"duration_ms":2}\n{"skill":"none"}\n{}\n{"duration_ms":3}\n')
    local r = scene:sh([[
      { "$DEBRIEF" read --follow --from start --enrich ./odd.lua --filter ./odd.lua; echo $? >status; } | head -2]])
    assert.equal('{"duration_ms":2,"twice":4}\n{"duration_ms":3,"twice":6}\n', r.out)
    local _, times = r.err:gsub("plugin 'odd', enrich", "")
    assert.equal(1, times)
    assert.equal("3\n", scene:read "status")
  end)

  it("prints a listing when it is asked to", function()
    scene:write("sessions/s1.jsonl", '{"skill":"a","timestamp":"2026-01-02T03:04:05Z","final_status":"ok"}\n')
    local r = scene:sh '"$DEBRIEF" read --follow --from start --format list | head -1'
    assert.truthy(r.out:find "^s1:1 +2026%-01%-02 03:04  a +ok", r.out)
  end)

  it("takes ids and no paths, and says what it waits for", function()
    local r = scene:run { "read", "--follow", "./x.jsonl" }
    assert.same({ "debrief: only session ids can be followed, and ./x.jsonl is a path (-d DIR names the folder)\n", 2 },
      { r.err, r.status })
    r = scene:run { "read", "--from", "end" }
    assert.same({ "debrief: --from is for --follow\n", 2 }, { r.err, r.status })
    append("s1", "a")
    r = follow("--from start s9", '"$DEBRIEF" append s9 skill=b; until_lines 1')
    assert.equal("130\n", r.out)
    assert.equal("debrief: waiting for session 's9', which is not in sessions yet\n", scene:read "err")
  end)
end)
