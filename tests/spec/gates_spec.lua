-- Gates: --fail-if, --baseline and JUnit's XML, as CI uses them.
local program = dofile "tests/spec/support/program.lua"

local scene

local function log(name, runs)
  local lines = {}
  for skill, counts in pairs(runs) do
    for i = 1, counts[1] + counts[2] do
      lines[#lines + 1] = ('{"session_id":"%s","timestamp":"2026-03-02T12:00:00Z","skill":"%s","final_status":"%s",'
        .. '"duration_ms":%d}'):format("s", (skill:gsub('"', '\\"')), i <= counts[1] and "ok" or "fail", 1000 * i)
    end
  end
  table.sort(lines)
  scene:write(name .. "/s.jsonl", table.concat(lines, "\n") .. "\n")
end

local function run(dir, ...)
  local words = { "-d", scene:path(dir), ... }
  return scene:run(words)
end

describe("gates", function()
  setup(function()
    scene = program.scene()
    log("good", { review = { 39, 1 }, tdd = { 18, 2 }, ["a<b&\"c\""] = { 1, 0 } })
    log("bad", { review = { 20, 20 }, tdd = { 17, 3 }, new = { 0, 1 } })
  end)
  teardown(program.clean)

  it("hold with status 0, and fail with status 4 and a line for each row", function()
    local fine = run("good", "table", "--fail-if", "passed < 0.8 and runs >= 20")
    assert.same({ 0, "" }, { fine.status, fine.err })
    local failed = run("bad", "table", "--fail-if", "passed < 0.9 and runs >= 20")
    assert.equal(4, failed.status)
    assert.equal("debrief: gate 'passed < 0.9 and runs >= 20' fails for review: passed 20/40 (50 %), runs 40\n"
      .. "debrief: gate 'passed < 0.9 and runs >= 20' fails for tdd: passed 17/20 (85 %), runs 20\n", failed.err)
    assert.truthy(failed.out:find "Runs by skill")
  end)

  it("know how many a rate rests on, and its interval", function()
    assert.equal(4, run("bad", "table", "--fail-if", "passed.high < 0.7").status)
    assert.equal(0, run("bad", "table", "--fail-if", "passed.high < 0.6").status) -- of 20/40 it is 0.6520
    assert.equal(4, run("bad", "table", "--fail-if", "passed.low > 0.35 and passed.low < 0.36").status)
    assert.equal(4, run("bad", "table", "--fail-if", "passed.n == 1").status)
    assert.equal(4, run("bad", "table", "--fail-if", "1 - passed >= 0.5").status)
  end)

  it("read every retrospective, whose tables about the same things are one", function()
    local failed = run("bad", "retro", "skills", "--fail-if", "passed < 0.6 and median_ms > 15000 and runs > 5")
    assert.equal(4, failed.status)
    assert.truthy(failed.err:find("fails for review: passed 20/40 (50 %), median_ms", 1, true), failed.err)
    assert.equal(4, run("bad", "retro", "summary,skills", "--fail-if", "runs == 61").status) -- summary's
  end)

  it("do not judge what was not decided, or is the rest of a limit", function()
    scene:write("open/s.jsonl", '{"session_id":"s","skill":"a"}\n')
    assert.equal(0, run("open", "table", "--fail-if", "passed < 2").status)
    assert.equal(0, run("bad", "table", "--limit", "1", "--sort", "-runs", "--fail-if", "runs == 21").status)
  end)

  it("say in one line what is wrong with an expression", function()
    for _, case in ipairs {
      { "pased < 1", "--fail-if 'pased < 1': no table has a column 'pased': did you mean 'passed'?" },
      { "passed <", "--fail-if: the expression ends too early" },
      { "passed.x < 1", "a column has n, low, high, before, change, worse and better, not 'x' (row review)" },
      { "skill < 1", "--fail-if 'skill < 1': attempt to compare" },
    } do
      local r = run("bad", "table", "--fail-if", case[1])
      assert.equal(2, r.status)
      assert.truthy(r.err:find(case[2], 1, true), r.err)
    end
    local both = run("bad", "table", "--partial", "--fail-if", "runs > 1")
    assert.same({ 2, "" }, { both.status, both.out })
  end)

  it("compare with an earlier state", function()
    assert.equal(0, run("good", "table", "--partial", "-o", scene:path "base").status)
    local same = run("good", "table", "--baseline", scene:path "base", "--fail-if", "passed.worse or runs.change ~= 0")
    assert.same({ 0, "" }, { same.status, same.err })
    local worse = run("bad", "table", "--baseline", scene:path "base", "--fail-if", "passed.worse")
    assert.equal(4, worse.status)
    assert.equal("debrief: gate 'passed.worse' fails for review: passed 20/40 (50 %)\n", worse.err) -- tdd: by chance
    assert.truthy(worse.out:find 'Only in the baseline: a<b&"c".')
    local change = run("bad", "table", "--baseline", scene:path "base", "--fail-if",
      "passed.change < -0.04 and passed.before > 0.85")
    assert.truthy(change.err:find "fails for tdd")
    local json = run("bad", "table", "--baseline", scene:path "base", "--format", "json")
    assert.truthy(json.out:find('"passed.before"', 1, true))
  end)

  it("refuse an earlier state of something else", function()
    assert.equal(0, run("good", "table", "--by", "skill", "--partial", "-o", scene:path "by").status)
    local r = run("bad", "table", "--by", "phase", "--baseline", scene:path "by")
    assert.equal(1, r.status)
    assert.truthy(r.err:find("was made with other options", 1, true), r.err)
    r = run("bad", "retro", "skills", "--baseline", scene:path "by")
    assert.equal(1, r.status)
    assert.truthy(r.err:find("has nothing of 'skills'", 1, true), r.err)
    r = run("bad", "table", "--baseline", scene:path "nowhere")
    assert.equal(1, r.status)
  end)

  it("judge what merge makes of partial results", function()
    assert.equal(0, run("bad", "table", "--partial", "-o", scene:path "part").status)
    local r = scene:run { "merge", "table", scene:path "part", "--fail-if", "runs < 2" }
    assert.equal(4, r.status)
    assert.equal("debrief: gate 'runs < 2' fails for new: runs 1\n", r.err)
  end)

  it("are written as JUnit's XML, which is well-formed whatever the log holds", function()
    local r = run("good", "table", "--format", "junit", "--fail-if", "runs < 2")
    assert.equal(4, r.status)
    assert.truthy(r.out:find('<testsuite name="Runs by skill" tests="3" failures="1">', 1, true))
    assert.truthy(r.out:find('name="a&lt;b&amp;&quot;c&quot;">\n      <failure message="runs &lt; 2: runs 1"/>', 1,
      true))
    assert.truthy(r.out:find('<testcase classname="debrief.table" name="review"/>', 1, true))
  end)
end)
