-- `debrief read` has two ways to the same lines: past Lua, on several threads, and through a worker's Lua, where
-- `--limit` sends it. Random logs, odd and damaged ones too, read both ways.
local program = dofile "tests/spec/support/program.lua"

teardown(program.clean)

local ROUNDS = tonumber(os.getenv "ROUNDS") or 6

local function one(list) return list[math.random(#list)] end

local VALUES = { skill = { '"review"', '"debug"', '"r\\u0065view"', "null", '"\xff"', '"a:b"' },
  final_status = { '"ok"', '"fail"', '"OK"', '"f\\u0061il"', '""' }, duration_ms = { "0", "60001", "70000", "null" },
  timestamp = { '"2026-03-01T12:00:00Z"', '"2026-03-09T12:00:00.5+02:00"', '"1600-01-01T00:00:00Z"', "null" },
  phase = { '"plan"', '"act"' }, attempts = { '[{"attempt":1,"verified":true}]', "[null]", "[]" } }
local DAMAGE = { "{x", "[1]", '{"skill":3}', "", "\0\0", '{"skill":"review"}{"skill":"debug"}',
  '{"session_id":"s1","sk{"session_id":"s1","skill":"debug"}', '{"skill":"review","skill":"debug"}' }

local function entry(sparse)
  local parts = { '"session_id":"s1"' }
  for _, name in ipairs { "timestamp", "skill", "phase", "attempts", "final_status", "duration_ms" } do
    local value = sparse and VALUES[name][1] or one(VALUES[name])
    if math.random(4) > 1 then parts[#parts + 1] = ('"%s":%s'):format(name, value) end
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

-- Some logs are as they should be, with one session that is not: what is read before it stays read.
local function log(scene, sessions)
  local odd = math.random(0, sessions)
  for i = 1, sessions do
    local lines = {}
    for n = 1, math.random(0, 30) do
      lines[n] = i == odd and math.random(9) == 1 and one(DAMAGE) or entry(i ~= odd)
    end
    scene:write(("sessions/s%02d.jsonl"):format(i), table.concat(lines, "\n") .. (math.random(5) > 1 and "\n" or ""))
  end
end

local QUESTIONS = { { "--where", 'skill == "review"' }, { "--where", 'final_status == "fail" and skill == "debug"' },
  { "--where", "duration_ms > 60000" }, { "--where", 'skill ~= "review" and not phase' }, { "--where", 'skill < "m"' },
  { "--where", 'session == "s03" and line > 4' }, { "--where", 'outcome == "ok"' }, { "--where", "attempt_count == 1" },
  { "--where", 'day == "2026-03-01"' }, { "--where", 'tier == "x"' }, { "--where", 'skill == review' },
  { "--where", 'skill:find "e"' }, { "--since", "2026-03-01" }, { "--until", "2026-03-05", "--skill", "review" },
  { "--skill", "debug", "--where", 'phase == "plan"' }, { "--phase", "plan", "--phase", "act" },
  { "--outcome", "fail" },
  { "s02", "s05", "--where", 'skill == "debug"' }, { "--strict", "--where", 'skill == "debug"' }, {} }

describe("read", function()
  it("finds the same lines, diagnostics and notes with and without Lua", function()
    for round = 1, ROUNDS do
      local scene = program.scene()
      math.randomseed(round)
      log(scene, round % 2 == 0 and 7 or 90)
      for _, words in ipairs(QUESTIONS) do
        local command = table.move(words, 1, #words, 2, { "read" })
        local plain = scene:run(command)
        command[#command + 1], command[#command + 2] = "--limit", "1000000"
        local through_lua = scene:run(command)
        local told = ("round %d: %s"):format(round, table.concat(words, " "))
        assert.equal(through_lua.out, plain.out, told)
        assert.equal(through_lua.err, plain.err, told)
        assert.equal(through_lua.status, plain.status, told)
      end
    end
  end)

  it("reads on in Lua from the entry that the condition is unsure of", function()
    local scene = program.scene()
    for i = 1, 90 do
      scene:write(("sessions/s%02d.jsonl"):format(i), ('{"session_id":"s%02d","skill":"a"}\n'):format(i):rep(3))
    end
    scene:write("sessions/s40.jsonl", '{"skill":"a"}\n{x\n{"skill":"a"}\n{"skill":"\\u0061"}\n'
      .. '{"skill":"b"}\n{"skill":"a"}\n')
    local r = scene:run { "read", "--where", 'skill == "a"' }
    local _, lines = r.out:gsub("\n", "")
    assert.equal(89 * 3 + 4, lines)
    assert.equal(3, r.status)
    assert.equal(1, select(2, r.err:gsub("bad_json", "")))
    assert.equal(4, select(2, r.out:gsub('\n{"skill"', "")))
  end)
end)
