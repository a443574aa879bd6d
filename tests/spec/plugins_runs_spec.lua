-- What a run is to the bundled retrospectives: of which skill, decided by what, and whose.
local support = dofile "tests/spec/support/plugins.lua"
local core = require "debrief.core"
local debrief = require "debrief.plugin.library"

local function run(name, tables, options)
  return support.run(support.load("plugins/" .. name .. ".lua"), support.entries(tables), options)
end

local function of_plugin(skill, plugin, status, agent)
  return { skill = skill, final_status = status or "ok", duration_ms = 5,
    source = { kind = "k", key = "1", plugin = plugin, agent_id = agent } }
end

-- The first cells of the rows of a table.
local function names(report, i)
  local out = {}
  for n, row in ipairs(report.tables[i].rows) do out[n] = tostring(row[1]) end
  return out
end

local function text(report) return support.show("text", report, { width = 80 }) end

describe("skills of plugins", function()
  local shared = { of_plugin("review", "tools"), of_plugin("review", "team"), of_plugin("review"), of_plugin "ship" }

  it("are named with the plugin where two of them share a name, else without", function()
    for name, i in pairs { summary = 2, skills = 1, pass_rate = 1 } do
      local found = names(run(name, shared), i)
      table.sort(found)
      assert.same({ "review", "ship", "team:review", "tools:review" }, found)
      assert.same({ "review" }, names(run(name, { shared[1], shared[3] }), i))
    end
  end)

  it("are keys to count by, and no part of a skill's own name is taken for a plugin", function()
    for line, key in pairs {
      ['{"skill":"a","source":{"plugin":"p"}}'] = ":p:a", ['{"skill":"db:migrate"}'] = "db:migrate",
      ['{"skill":"a","source":{"plugin":""}}'] = "a", ['{"skill":"a","source":"p"}'] = "a",
      ['{"skill":"a","source":{"plugin":3}}'] = "a", ['{"skill":"a:b","source":{"plugin":"p"}}'] = ":p:a:b",
    } do
      assert.equal(key, debrief.skill(core.entry(line)))
    end
    assert.is_nil(debrief.skill(core.entry '{"source":{"plugin":"p"}}'))

    local by = debrief.aggregate.by(debrief.aggregate.count())
    for _, key in ipairs { ":p:a:b", "db:migrate", ":p:x", ":q:x", "x" } do debrief.aggregate.add(by, key) end
    local named, name_of = debrief.skill_names(by), debrief.skill_namer(by)
    local found = {}
    for name in debrief.aggregate.each(named) do found[#found + 1] = name end
    assert.same({ "a:b", "db:migrate", "p:x", "q:x", "x" }, found)
    assert.same({ "p:x", "a:b", "new" }, { name_of ":p:x", name_of ":p:a:b", name_of "new" })
  end)
end)

describe("undecided runs", function()
  local function checked(kind, passed)
    return { skill = "a", attempts = { { checks = { { kind = kind, passed = passed } } } } }
  end
  local log = { { skill = "a", final_status = "ok" }, checked("build", true), checked("lint", false),
    checked("typecheck", true), checked("test", true), { skill = "a" }, { final_status = "skip" } }

  it("stand beside every pass rate, and those with only weak checks apart, never as verified", function()
    local summary, skills = run("summary", log), run("skills", log)
    assert.matches("Undecided, with only weak checks %(build, lint, type check%): 3, whose checks passed in 2%.",
      summary.text)
    assert.matches("7  2/2 %(100 %%%)%*     5 of 7", text(summary))
    assert.matches("a%s+6  2/2 %(100 %%%)%*     4 of 6", text(skills))
    assert.same({ { "a", { num = 2, den = 3 } } }, skills.tables[3].rows)
    local models = names(summary, 3)
    assert.same({ "nil" }, models)
    assert.same({ num = 0, den = 0 }, summary.tables[3].rows[1][3])
  end)

  it("of evaluations that are there to compare with are left out of the summary, and counted", function()
    local control = { final_status = "fail", attempts = { { model = "m", verified = false } },
      source = { control = true } }
    local summary = run("summary", { { skill = "a", final_status = "ok" }, control, control })
    assert.matches("1  1/1 %(100 %%%)%*     0 of 1", text(summary))
    assert.truthy(summary.text:find("Control runs of evaluations, which have no skill on purpose, are left out: 2.", 1,
      true))
    assert.equal(2, #summary.tables)
    assert.is_nil(run("summary", { { skill = "a" } }).text:find "Control")
  end)

  it("without a skill are a sentence and no row", function()
    assert.matches("Without a skill: 1 run, passed %-, undecided 1 of 1, active %-%.", run("summary", log).text)
    assert.same({ "a" }, names(run("summary", log), 2))
    assert.same({ "a" }, names(run("skills", log), 1))
    assert.equal(1, #run("summary", { { final_status = "ok" } }).tables)
    assert.is_nil(run("summary", { { skill = "a" } }).text:find "Without")
  end)
end)

describe("a subagent's run", function()
  local function log(with_subagents)
    local out = {}
    for i = 1, 12 do
      local status, at = i % 3 == 0 and "fail" or "ok", ("2026-01-%02dT10:00:00Z"):format(i)
      local fields = of_plugin("review", "tools", status)
      fields.at, fields.phase, fields.line, fields.input = at, "plan", i, { task = i % 2 }
      fields.attempts = { { model = "m", verified = status == "ok", runner_output = "error: x", output_summary = "s" } }
      out[#out + 1] = fields
    end
    for i = 1, with_subagents and 9 or 0 do
      local fields = of_plugin("review", "tools", i % 2 == 0 and "fail" or "ok", "agent" .. i)
      fields.at, fields.phase, fields.line, fields.input = "2026-01-20T10:00:00Z", "plan", 20 + i, { task = i % 2 }
      fields.attempts = { { model = "m", verified = i % 2 == 1, runner_output = "error: y", output_summary = "s" } }
      fields.duration_ms = 999999
      out[#out + 1] = fields
    end
    return out
  end

  for _, name in ipairs { "attempts", "compare", "failures", "history", "lessons", "pass_rate", "phases", "slow",
    "stuck", "timeline", "trend" } do
    it("is not one more run to " .. name, function()
      local options = name == "stuck" and { times = 2 } or nil
      assert.equal(text(run(name, log(false), options)), text(run(name, log(true), options)))
    end)
  end

  it("is counted apart by summary and skills, and its attempts are a model's", function()
    local summary, skills, models = run("summary", log(true)), run("skills", log(true)), run("models", log(true))
    assert.matches("Runs by subagents, which are part of these: 9%.", summary.text)
    assert.same({ "review", 12, { num = 8, den = 12 }, { num = 0, den = 12 }, 60 }, summary.tables[2].rows[1])
    assert.equal(21, summary.tables[1].rows[1][7])
    assert.same({ "review", 12, { num = 8, den = 12 } }, { table.unpack(skills.tables[1].rows[1], 1, 3) })
    assert.same({ "review", 12, 9 }, skills.tables[3].rows[1])
    assert.same({ "m", 21, { num = 13, den = 21 }, { num = 13, den = 21 }, { num = 8, den = 12 } },
      models.tables[1].rows[1])
  end)
end)
