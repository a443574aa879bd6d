-- skill, phase, model, project, outcome and grep: what they select, the same at every door.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"
local core = require "debrief.core"
local query = require "debrief.query"
local selectors = require "debrief.query.selectors"

-- Does the query select the entry with these members (JSON without the braces)?
local function selects(given, members)
  local q = assert(query.new(given))
  local match, test = selectors.of(q)
  local entry = core.entry("{" .. members .. "}")
  return (not match or core.matches(core.match(match), entry)) and (not test or test(entry))
end

local function refusal(given)
  local q, message = query.new(given)
  assert.is_nil(q)
  return message
end

describe("a selection", function()
  it("by skill takes its name, one of several, a pattern, and plugin:name", function()
    assert.is_true(selects({ skill = "review" }, '"skill":"review"'))
    assert.is_false(selects({ skill = "review" }, '"skill":"reviews"'))
    assert.is_false(selects({ skill = "review" }, '"phase":"review"'))
    assert.is_true(selects({ skill = "debug, review" }, '"skill":"review"'))
    assert.is_true(selects({ skill = { "debug", "rev*" } }, '"skill":"review"'))
    assert.is_true(selects({ skill = "r?view" }, '"skill":"review"'))
    local own = '"skill":"review","source":{"plugin":"tools"}'
    assert.is_true(selects({ skill = "review" }, own))
    assert.is_true(selects({ skill = "tools:review" }, own))
    assert.is_true(selects({ skill = "tools:*" }, own))
    assert.is_false(selects({ skill = "team:review" }, own))
    assert.is_true(selects({ skill = "tools:review" }, '"skill":"tools:review"'))
    assert.is_false(selects({ skill = "tools:review" }, '"skill":"review","source":"tools"'))
  end)

  it("by model takes that of the entry or of any attempt", function()
    local entry = '"model_used":"fir-4","attempts":[null,{"model":"oak-9"},{"attempt":2}]'
    assert.is_true(selects({ model = "fir-4" }, entry))
    assert.is_true(selects({ model = "oak-9" }, entry))
    assert.is_true(selects({ model = "oak*" }, entry))
    assert.is_false(selects({ model = "oak" }, entry))
    assert.is_false(selects({ model = "oak" }, '"skill":"oak"'))
  end)

  it("by project takes the path, its last part, or a pattern of either", function()
    local entry = '"project_root":"/srv/code/harbor-tides/"'
    for _, project in ipairs { "/srv/code/harbor-tides", "/srv/code/harbor-tides/", "harbor-tides", "harbor-*",
      "/srv/*" } do
      assert.is_true(selects({ project = project }, entry), project)
    end
    for _, project in ipairs { "harbor", "code", "/srv", "tides" } do
      assert.is_false(selects({ project = project }, entry), project)
    end
    assert.is_true(selects({ project = "a,b" }, '"project_root":"/srv/a,b"'))
    assert.is_true(selects({ project = "/" }, '"project_root":"/"'))
  end)

  it("by outcome reads every word of status, and attempts where there is none", function()
    assert.is_true(selects({ outcome = "ok" }, '"final_status":"Passed"'))
    assert.is_true(selects({ outcome = { "fail", "skip" } }, '"final_status":"aborted"'))
    assert.is_true(selects({ outcome = "fail" }, '"attempts":[{"verified":false}]'))
    assert.is_true(selects({ outcome = "unknown" }, '"skill":"review"'))
    assert.is_false(selects({ outcome = "ok" }, '"final_status":"failed"'))
  end)

  it("by grep finds a text in strings at any depth, in names and numbers not", function()
    local entry = '"skill":"review","input":{"task":["Port the CSV reader"],"pr":1207},'
      .. '"note":"a \\"b\\" \\u003ci\\u003e"'
    for _, text in ipairs { "csv reader", "CSV", "review", 'a "b"', "<i>", "Port" } do
      assert.is_true(selects({ grep = text }, entry), text)
    end
    for _, text in ipairs { "Csv", "1207", "task", "skill", "csv  reader", "%a" } do
      assert.is_false(selects({ grep = text }, entry), text)
    end
    assert.is_true(selects({ grep = "é" }, '"note":"caf\\u00e9"'))
    assert.is_true(selects({ grep = "fé" }, '"note":"café"'))
    assert.is_true(selects({ grep = "tide" }, '"note":"\\u0074ide"'))
    assert.is_true(selects({ grep = { "nothing", "a, b" } }, '"note":"a, b"'))
    assert.is_false(selects({ grep = "a, b" }, '"note":"a","more":"b"'))
  end)

  it("asks for all keys", function()
    local entry = '"skill":"review","phase":"check","final_status":"failed"'
    assert.is_true(selects({ skill = "review", phase = { "plan", "check" }, outcome = "fail" }, entry))
    assert.is_false(selects({ skill = "review", phase = "plan" }, entry))
    assert.is_false(selects({ skill = "review", phase = "check", outcome = "ok" }, entry))
  end)

  it("is refused for a value that cannot be", function()
    assert.equal("outcome is ok, fail, skip or unknown, not 'failed': did you mean 'fail'?",
      refusal { outcome = "failed" })
    assert.equal("outcome is ok, fail, skip or unknown, not 'success': did you mean 'ok'?",
      refusal { outcome = "success" })
    assert.equal("outcome is ok, fail, skip or unknown, not 'unknow': did you mean 'unknown'?",
      refusal { outcome = { "ok", "unknow" } })
    assert.equal("grep is empty: name one, or leave it out", refusal { grep = "" })
    assert.equal("skill is empty: name one, or leave it out", refusal { skill = {} })
    assert.equal("model[1] must be a text, not number", refusal { model = { 4 } })
    assert.equal("phase must be a text or an array of texts, not number", refusal { phase = 4 })
  end)
end)

describe("the same selection", function()
  local scene, log

  setup(function()
    scene = program.scene()
    log = debrief.open(scene:path "sessions")
    local function add(id, skill, status, more)
      local entry = more or {}
      entry.skill, entry.final_status = skill, status
      entry.timestamp = ("2026-10-%02dT12:00:00Z"):format(#skill)
      log:append(id, entry)
    end
    add("a", "review", "ok", { project_root = "/srv/tides", model_used = "fir" })
    add("a", "debug", "fail", { phase = "fix", attempts = { { model = "oak" } } })
    add("b", "review", "error", { input = { task = "Port the reader" } })
    add("b", "quay-review", "ok")
    scene:write("turn.lua", [[return { name = "turn", api = 1, enrich = function(e) e.skill = e.skill .. "!" end }]])
    scene:write("matching.lua", [[return { name = "matching", api = 1, match = { final_status = "ok" },
      retrospective = { init = function() return {} end,
      step = function(acc, e, ctx) acc[#acc + 1] = ctx.session .. ":" .. ctx.line end,
      merge = function(a, b) table.move(b, 1, #b, #a + 1, a) end,
      finish = function(acc) return { title = "matching", text = table.concat(acc, " ") } end } }]])
    scene:write("places.lua", (scene:read "matching.lua":gsub('"matching"', '"places"'):gsub("match = {.-},", "")))
  end)

  teardown(function()
    log:close()
    program.clean()
  end)

  local function places(iterator, ...)
    local out = {}
    for _, session, line in iterator, ... do out[#out + 1] = ("%s:%d"):format(session, line) end
    table.sort(out)
    return table.concat(out, " ")
  end

  local function by_read(words)
    local r = scene:run { "read", "--fields", "session,line", table.unpack(words) }
    assert.same({ 0, "" }, { r.status, r.err })
    return (r.out:gsub("\t", ":"):gsub("\n", " "):gsub(" $", ""))
  end

  local cases = {
    { { skill = "review" }, { "--skill", "review" }, "a:1 b:1" },
    { { skill = { "debug", "quay-*" } }, { "--skill", "debug,quay-*" }, "a:2 b:2" },
    { { skill = "*review", outcome = "ok" }, { "--skill", "*review", "--outcome", "ok" }, "a:1 b:2" },
    { { phase = "fix" }, { "--phase", "fix" }, "a:2" },
    { { model = { "fir", "oak" } }, { "--model", "fir", "--model", "oak" }, "a:1 a:2" },
    { { project = "tides" }, { "--project", "tides" }, "a:1" },
    { { grep = "port" }, { "--grep", "port" }, "b:1" },
    { { skill = "review", last = 1 }, { "--skill", "review", "--last", "1" }, "b:1" },
    { { skill = "review", where = 'final_status == "ok"' }, { "--skill", "review", "--where", 'final_status == "ok"' },
      "a:1" },
  }

  for _, case in ipairs(cases) do
    local given, words, expected = table.unpack(case)

    it("finds the same entries at every door: " .. table.concat(words, " "), function()
      assert.equal(expected, places(log:entries(given)))
      assert.equal(expected, log:retro(scene:path "places.lua", given).reports[1].text)
      assert.equal(expected, by_read(words))
      if given.last then return end
      local q = { from = "start", timeout = 0 }
      for key, value in pairs(given) do q[key] = value end
      assert.equal(expected, places(log:follow(q)))
    end)
  end

  it("is made of what enrichers set", function()
    local enrich = scene:path "turn.lua"
    assert.equal("a:1 b:1", places(log:entries { enrich = enrich, skill = "review!" }))
    assert.equal("", places(log:entries { enrich = enrich, skill = "review" }))
    assert.equal("b:1", places(log:entries { enrich = enrich, skill = "review!",
      where = function(entry) return entry.final_status == "error" end }))
  end)

  it("goes together with the match of a retrospective, and counts the entries that were read", function()
    local report = log:retro(scene:path "matching.lua", { skill = "review" })
    assert.same({ "a:1", 4 }, { report.reports[1].text, report.entries })
    scene:write("same.lua", (scene:read "matching.lua":gsub('"matching"', '"same"')
      :gsub('final_status = "ok"', 'skill = { "review", "debug" }')))
    report = log:retro(scene:path "same.lua", { skill = { "debug", "quay-review" } })
    assert.equal("a:2", report.reports[1].text)
  end)

  it("is not copied past where nothing else is asked for", function()
    local r = scene:run { "read", "--skill", "debug" }
    assert.equal(1, select(2, r.out:gsub("\n", "")))
    r = scene:run { "read", "--outcome", "failed" }
    assert.same({ 2, "debrief: outcome is ok, fail, skip or unknown, not 'failed': did you mean 'fail'?\n" },
      { r.status, r.err })
  end)

  it("that finds nothing names the nearest of what there is", function()
    for _, case in ipairs {
      { "no entry has the skill 'reveiw': did you mean 'review'?", "--skill", "reveiw" },
      { "no entry has the skill 'x*'", "--skill", "x*" },
      { "no entry has the phase 'fixx': did you mean 'fix'?", "--phase", "fixx" },
      { "no entry has the model 'oka': did you mean 'oak'?", "--model", "oka", "--skill", "debug" },
      { "no entry has the project 'tide': did you mean 'tides'?", "--project", "tide" },
    } do
      for _, command in ipairs { { "read" }, { "retro", "skills" }, { "retro", "summary,skills" },
        program.sanitized and { "read" } or { "read", "--isolate" } } do
        local r = scene:run(table.move(case, 2, #case, #command + 1, { table.unpack(command) }))
        assert.same({ 0, "debrief: " .. case[1] .. "\n" }, { r.status, r.err })
      end
    end
    assert.equal("", scene:run({ "read", "--skill", "debug", "--outcome", "ok" }).err) -- both are there
    assert.equal("", scene:run({ "read", "--project", "/srv/tides/", "--outcome", "skip" }).err)
  end)
end)
