-- What summary, skills and models count, counted again by jq in one line each: another program, the same numbers.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local CORPORA = os.getenv "CORPORA"

-- How a run ended: its status word, else what its last attempt says.
local OUTCOME = [[def outcome: (.final_status // "" | ascii_downcase) as $s |
  if $s == "" then (.attempts[-1].verified? | if . == true then "ok" elif . == false then "fail" else "unknown" end)
  elif ($s | IN("ok", "pass", "passed", "success")) then "ok"
  elif ($s | IN("error", "fail", "failed", "failure", "timeout")) then "fail"
  elif ($s | IN("skip", "skipped", "interrupted", "aborted", "cancelled")) then "skip" else "unknown" end; ]]

-- `runs` are the inputs without the parts that subagents did.
local RUNS = "def runs: inputs | select(.source.agent_id? == null); "

local function jq(scene, dir, filter)
  filter = program.quote(OUTCOME .. RUNS .. filter)
  local r = scene:sh(("cat %s/*.jsonl | jq -nc %s"):format(program.quote(dir), filter))
  assert.same({ "", 0 }, { r.err, r.status })
  return cjson.decode(r.out)
end

local function reports(scene, dir, names)
  local r = scene:run { "-d", dir, "retro", names, "--format", "json" }
  assert.equal(0, r.status)
  return cjson.decode(r.out)
end

-- The row of a table as { column = cell }.
local function row(t, i)
  local out = {}
  for k, name in ipairs(t.columns) do out[name] = t.rows[i][k] end
  return out
end

local function check(scene, dir)
  local result = reports(scene, dir, "summary,skills,models")
  assert.equal(jq(scene, dir, "[inputs] | length"), result.entries)
  local all = row(result.reports[1].tables[1], 1)
  assert.equal(jq(scene, dir, '[runs | select(outcome == "ok")] | length'), all.passed.num)
  assert.equal(jq(scene, dir, '[runs | select(outcome | IN("ok", "fail"))] | length'), all.passed.den)
  assert.equal(jq(scene, dir, '[runs | select(outcome == "skip")] | length'), all.skip)
  assert.equal(jq(scene, dir, "[inputs | .attempts // [] | length] | add"), all.attempts)
  local runs = jq(scene, dir, 'reduce runs as $e ({}; .[$e.skill // "-"] += 1)')
  local passed = jq(scene, dir, 'reduce (runs | select(outcome == "ok")) as $e ({}; .[$e.skill // "-"] += 1)')
  local skills, seen = result.reports[2].tables[1], runs["-"] or 0 -- those without a skill are no row
  for i = 1, #skills.rows do
    local one = row(skills, i)
    local name = one.skill == cjson.null and "-" or one.skill
    assert.same({ runs[name], passed[name] or 0 }, { one.runs, one.passed ~= cjson.null and one.passed.num or 0 }, name)
    seen = seen + one.runs
  end
  assert.equal(jq(scene, dir, "[runs] | length"), seen)
  local verified = jq(scene, dir, [[reduce (inputs | . as $e | .attempts // [] | .[] | select(.verified == true)
    | (.model // $e.model_used // "-")) as $m ({}; .[$m] += 1)]])
  local models = result.reports[3].tables[1]
  for i = 1, #models.rows do
    local one = row(models, i)
    if one.verified ~= cjson.null then assert.equal(verified[one.model] or 0, one.verified.num, one.model) end
  end
end

describe("jq agrees with the reports", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("on the sample sessions", function() check(scene, program.root .. "/tests/data/sessions") end)

  for _, corpus in ipairs { "skill-eval-runs", "claude-entire-a", "claude-spotter" } do
    it("on " .. corpus, function()
      local there = CORPORA and scene:sh("ls " .. program.quote(CORPORA .. "/" .. corpus)).status == 0
      if not there then return pending("no " .. corpus) end
      scene:run { "import", CORPORA .. "/" .. corpus, "--final", "-d", "log" }
      check(scene, scene:path "log")
    end)
  end
end)
