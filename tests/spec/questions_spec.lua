-- What people ask such a log, each in one line as they type it; one takes a plugin of 15 lines. The log holds planted
-- facts: review fell from 36 of 40 first tries to 12, tdd did not; the same test failed three attempts in a row.
local program = dofile "tests/spec/support/program.lua"

local scene

local PASSED = '{"attempt":1,"model":"m1","output_summary":"done","verified":true,"duration_ms":60000}'
local FAILED = '{"attempt":%d,"model":"%s","output_summary":"no","runner_output":"--- FAIL: test_login\\nexpected 1",'
  .. '"verified":false,"duration_ms":%d}'

local lines = {}

local function week(day, skill, runs, first)
  for i = 1, runs do
    local attempts = PASSED
    if i > first then
      attempts = table.concat({ FAILED:format(1, "m1", 30000), FAILED:format(2, "m2", 60000),
        FAILED:format(3, "m2", 90000) }, ",")
    end
    lines[#lines + 1] = ('{"session_id":"w","timestamp":"2026-%sT%02d:%02d:00Z","skill":"%s",'
      .. '"project_root":"/src/shop","input":"task %d","attempts":[%s],"final_status":"%s","duration_ms":60000,'
      .. '"tools":[{"name":"Bash","target":"make test","duration_ms":%d,"error":%s}]}'):format(day, 10 + i // 60,
      i % 60, skill, #lines + 1, attempts, i > first and "fail" or "ok", 1000 * i, tostring(i > first))
  end
end

local function ask(line)
  local r = scene:sh("TZ=UTC " .. line:gsub("^debrief", '"$DEBRIEF"'))
  assert.equal(0, r.status, r.err)
  return r.out, r.err
end

describe("questions", function()
  setup(function()
    scene = program.scene()
    week("11-03", "review", 40, 36)
    week("11-04", "tdd", 40, 20)
    week("11-10", "review", 40, 12)
    week("11-11", "tdd", 40, 19)
    scene:write("sessions/w.jsonl", table.concat(lines, "\n") .. "\n")
  end)
  teardown(program.clean)

  it("1: which skill's first-try rate fell most between two weeks, and is that more than chance?", function()
    local out = ask "debrief retro compare --opt measure=first_try --opt by=time --opt a=2026-W45 --opt b=2026-W46"
    assert.truthy(out:find("A is better, by -31.3 points", 1, true), out)
    assert.truthy(out:find "review +36/40 %(90 %%%) +12/40 %(30 %%%) +%-60%.00 +%-7%d%.%d+ +%-4%d")
    assert.truthy(out:find "tdd +20/40 %(50 %%%) +19/40 %(48 %%%) +%-2%.50 +%-%d+%.%d+ +%d")
  end)

  it("2: median minutes lost in attempts that never verified, by model", function()
    local out = ask "debrief table --each attempts --by model --where 'verified == false' --show 'median(duration_ms)'"
    assert.truthy(out:find "m1 +30.0 s\nm2 +1 m %d+ s\n", out)
  end)

  it("3: the ten longest gaps between entries of a session", function()
    local out = ask "debrief read --sort -gap_ms -n 10 --fields session,line,gap_ms"
    local n = select(2, out:gsub("\n", ""))
    assert.equal(10, n)
    assert.equal("w\t81\t516000000", out:match "^[^\n]+") -- from 11-04 10:40 to the start of the run of 11-10, 10:00
  end)

  it("4: entries whose output names the same failing test three attempts in a row", function()
    scene:write("same.lua", [[
local debrief = require "debrief"
return {
  name = "same", api = 1, summary = "The same test failed three attempts in a row",
  filter = function(entry)
    local last, times = nil, 0
    for _, attempt in debrief.attempts(entry) do
      local name = (attempt.runner_output or ""):match "FAIL: (%S+)"
      times = name and name == last and times + 1 or name and 1 or 0
      if times == 3 then return true end
      last = name
    end
    return false
  end,
}
]])
    assert.equal(73, select(2, ask("debrief read --filter ./same.lua"):gsub("\n", "")))
    assert.is_true(select(2, program.read(scene:path "same.lua"):gsub("\n", "")) <= 15)
  end)

  it("5: e-mail addresses, or a pattern of our own, out before entries are stored", function()
    ask "debrief append own skill=x message='from eve@example.org, EMP-123456' --enrich redact --opt email=true"
    assert.falsy(ask("debrief read own"):find "eve@")
    ask [[debrief append own2 skill=x message='EMP-123456' --enrich redact --opt 'pattern=EMP-\d{6}']]
    assert.falsy(ask("debrief read own2"):find "EMP%-123456")
  end)

  it("6: pass rate by week and skill as a chart for somebody who does not use terminals", function()
    ask "debrief table w --by week --across skill --show passed --chart line --format html -o rates.html"
    local page = program.read(scene:path "rates.html")
    assert.truthy(page:find "<svg" and page:find("review, 2026-W46: 30 % (n = 40", 1, true))
  end)

  it("7: which tools, commands and files cost the most time and fail most", function()
    local out = ask "debrief table w --each tools --by name,target --sort -time"
    assert.truthy(out:find "Bash +make test +160 +73/160 %(46 %%%) +54 m 40 s", out)
  end)

  it("8: verified attempts as rows, split by session, secrets out", function()
    local _, err = ask "debrief export sft --split train=0.9,test=0.1 -o rows"
    assert.truthy(err:find "87 rows %(train %d+, test %d+%)", err)
  end)

  it("9: all entries of a project between two dates, and one of them opened", function()
    local out = ask "debrief read --project shop --since 2026-11-04 --until 2026-11-10 --fields line,skill"
    assert.equal(80, select(2, out:gsub("\n", "")))
    assert.truthy(ask("debrief read w:41"):find '"skill":"tdd"')
  end)

  it("10: two fortnights of one skill: is it worse, the mix of work taken into account?", function()
    local out = ask("debrief retro compare --skill review --opt by=time --opt a=2026-10-26..2026-11-08 "
      .. "--opt b=2026-11-09..2026-11-22")
    assert.truthy(out:find("A is better, by -60.0 points", 1, true), out)
  end)
end)
