-- --why: if nothing is selected, which condition left nothing, and what would fit.
local program = dofile "tests/spec/support/program.lua"
local screen = dofile "tests/spec/support/screen.lua"

local scene

local function entry(n, skill, more)
  return ('{"timestamp":"2026-01-0%dT10:00:00Z","skill":"%s","final_status":"%s"%s}'):format(n, skill,
    n % 2 == 0 and "ok" or "fail", more or "")
end

local function why(...)
  local r = scene:run { ... }
  return r.err, r
end

describe("--why", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/a.jsonl", table.concat({ entry(1, "review", ',"phase":"red","project_root":"/w/tides"'),
      entry(2, "review", ',"duration_ms":5,"model_used":"oak"'), entry(3, "debug", ',"duration_ms":7') }, "\n") .. "\n")
    scene:write("sessions/b.jsonl", entry(4, "debug", ',"attempts":[{"model":"elm"}]') .. "\n"
      .. '{"skill":"debug","final_status":"ok"}\n')
  end)
  teardown(function()
    screen.clean()
    program.clean()
  end)

  it("counts what fits each condition, names what would fit, and what to leave out", function()
    local err, r = why("read", "--skill", "reveiw", "--outcome", "fail", "--why")
    assert.same({ 0, "" }, { r.status, r.out })
    assert.equal("debrief: why: 5 entries, and of these fit\n"
      .. "  --skill reveiw  0: did you mean 'review'? The log has debug 3, review 2\n"
      .. "  --outcome fail  2\n"
      .. "  there would be 2 without --skill reveiw\n", err)
  end)

  it("knows the times, phases, models and projects of the log", function()
    local err = why("read", "--since", "2026-02-01", "--until", "2026-02-02", "--phase", "blue", "--model", "ok",
      "--project", "zzzzzz", "--grep", "zebra", "--why")
    assert.equal("debrief: 1 entry has no timestamp between 1678 and 2261 and is in no window\n"
      .. "debrief: why: 5 entries, and of these fit\n"
      .. "  --since 2026-02-01  0: times are from 2026-01-01 10:00 to 2026-01-04 10:00, and 1 without one\n"
      .. "  --until 2026-02-02  4\n"
      .. "  --phase blue        0: the log has red 1\n"
      .. "  --project zzzzzz    0: the log has tides 1\n"
      .. "  --model ok          0: did you mean 'oak'? The log has elm 1, oak 1\n"
      .. "  --grep zebra        0\n"
      .. "  every entry fails two of them or more\n", err)
  end)

  it("tests expressions, filters and what a retrospective takes itself, on enriched entries", function()
    scene:write("grow.lua", [[return { name = "grow", api = 1, enrich = function(entry) entry.size = 9 end }]])
    scene:write("odd.lua", [[return { name = "odd", api = 1, match = { skill = "debug" },
      filter = function(entry, ctx) return ctx.line % 2 == 1 end }]])
    local err = why("read", "--enrich", "./grow.lua", "--filter", "./odd.lua", "--where",
      "size == 9 and duration_ms == 5", "--why")
    assert.equal("debrief: why: 5 entries, and of these fit\n"
      .. "  --where 'size == 9 and duration_ms == 5'  1\n"
      .. "  --filter ./odd.lua                        2\n"
      .. "  there would be 2 without --where 'size == 9 and duration_ms == 5', 1 without --filter ./odd.lua\n", err)
    scene:write("mine.lua", [[return { name = "mine", api = 1, match = { final_status = "skip" }, retrospective = {
      init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end,
      merge = function(acc, other) acc.n = acc.n + other.n end,
      finish = function() return { title = "Mine" } end } }]])
    assert.truthy(why("retro", "./mine.lua", "--skill", "debug", "--why"):find(
      "  --skill debug  3\n  plugin mine    0\n  there would be 3 without plugin mine\n", 1, true))
    if not program.sanitized then
      assert.truthy(why("read", "a", "--filter", "./odd.lua", "--phase", "x", "--isolate", "--why"):find(
        "  a                   3\n  --phase x           0: the log has red 1\n  --filter ./odd.lua  2\n"
        .. "  there would be 1 without --phase x\n", 1, true))
    end
  end)

  it("leaves out what a filter raises, and asks one no more that takes too long", function()
    scene:write("bad.lua", [[return { name = "bad", api = 1, filter = function(entry, ctx)
      if ctx.line == 1 then error "no" end
      while ctx.line == 2 do end
      return true
    end }]])
    local err, r = why("read", "--filter", "./bad.lua", "--where", "duration_ms > 6 and phase", "--plugin-time", "0.1",
      "--why")
    assert.equal(3, r.status)
    assert.truthy(err:find("  --where 'duration_ms > 6 and phase'  0\n"
      .. "  --filter ./bad.lua                   0\n", 1, true), err)
  end)

  it("looks into the sessions that were not named", function()
    assert.equal("debrief: why: 5 entries, and of these fit\n"
      .. "  a:3          1\n"
      .. "  --model elm  1\n"
      .. "  there would be 1 without a:3, 1 without --model elm\n"
      .. "  in other sessions: b\n", (why("read", "a:3", "--model", "elm", "--why")))
  end)

  it("is silent where there is something, and changes no exit status", function()
    for _, words in ipairs { { "read", "a" }, { "table" }, { "retro", "skills" }, { "fields" } } do
      words[#words + 1] = "--why"
      local err, r = why(table.unpack(words))
      assert.same({ 0, "" }, { r.status, err })
      assert.truthy(#r.out > 0)
    end
    local err, r = why("export", "csv", "--skill", "x", "--why")
    assert.equal(3, r.status)
    assert.truthy(err:find("debrief: 0 rows of 0 entries\ndebrief: why: 5 entries", 1, true))
    err, r = why("export", "sft", "--skill", "debug", "--why")
    assert.equal(3, r.status)
    assert.truthy(err:find("left out 3: no input", 1, true) and err:find("  all of them together: 3\n", 1, true), err)
    err, r = why("table", "--skill", "x", "--why")
    assert.equal(0, r.status)
    assert.truthy(err:find("  --skill x  0: the log has debug 3, review 2\n  there would be 5 without", 1, true), err)
    assert.equal(2, select(2, why("read", "--follow", "--why")).status)
    err = why("read", "--skill", "x")
    assert.equal("debrief: no entry has the skill 'x'\n", err)
  end)

  it("is offered on a terminal", function()
    if not screen.available() then return pending "no tmux here" end
    local t = screen.start(scene, 'exec "$DEBRIEF" read --outcome skip', { columns = 90 })
    assert.equal(0, t:ended())
    assert.truthy(t:text():find("0 entries of 2 sessions; --why says which condition leaves out what", 1, true))
  end)

  it("shows no text of a log raw, and does not count a damaged line", function()
    scene:write("sessions/c.jsonl", entry(5, "\\u001b[2J") .. "\n{broken\n")
    local err = why("read", "--skill", "x", "--why")
    assert.falsy(err:find("\27", 1, true))
    assert.truthy(err:find("6 entries, and of these fit", 1, true), err)
  end)
end)
