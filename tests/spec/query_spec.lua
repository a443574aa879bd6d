-- One query table at every door: what it takes, what it refuses, and that scripts, plugins and the program agree.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"
local query = require "debrief.query"

local function refusal(given, door)
  local q, message = query.new(given, door)
  assert.is_nil(q)
  return message
end

describe("a query", function()
  it("names the nearest key to one it does not know", function()
    assert.equal("unknown key 'sesion': did you mean 'session'?", refusal { sesion = "s1" })
    assert.equal("unknown key 'sice': did you mean 'since'?", refusal { sice = "1d" })
    assert.truthy(refusal { zzzzzz = 1 }:find "unknown key 'zzzzzz'; known are allow, before, enrich, ")
    assert.truthy(refusal { [1] = "s1" }:find "unknown key '1'")
    assert.equal("unknown key 'worker': did you mean 'workers'?", refusal({ worker = 1 }, { "workers" }))
    assert.is_table(query.new({ workers = 1 }, { "workers" }))
  end)

  it("takes one text, several with commas, or an array for each list", function()
    for _, key in ipairs { "session", "sessions", "enrich", "filter", "allow", "opt" } do
      local name = key == "session" and "sessions" or key
      assert.same({ "a" }, query.new({ [key] = "a" })[name])
      assert.same({ "a", "b" }, query.new({ [key] = "a, b" })[name])
      assert.same({ "a", "b" }, query.new({ [key] = { "a", "b" } })[name])
    end
    assert.same({ "limit=5", "on=true" }, query.new({ opt = { on = true, limit = 5 } }).opt)
    assert.same({}, query.new({ sessions = {} }).sessions)
    assert.is_nil(query.new({}).sessions)
  end)

  it("says of a wrong value what it must be", function()
    assert.equal("session must be a text or an array of texts, not number", refusal { session = 5 })
    assert.equal("filter[2] must be a text, not boolean", refusal { filter = { "a", true } })
    assert.equal("sessions is empty: name one, or leave it out", refusal { sessions = "" })
    assert.equal("line must be an integer from 1 on, not 0", refusal { line = 0 })
    assert.equal("last must be an integer from 1 on, not 1.5", refusal { last = 1.5 })
    assert.equal("strict must be true or false, not string", refusal { strict = "yes" })
    assert.equal("where must be an expression or a function, not number", refusal { where = 1 })
    assert.truthy(refusal { where = "skill =" }:find "^where: ")
    assert.truthy(refusal { since = "soonish" }:find "^since: 'soonish'")
    assert.equal("line selects one line, last the latest entries: use one of them", refusal { line = 1, last = 2 })
    assert.equal("until and before mean the same: use one of them", refusal { ["until"] = "1d", before = "1d" })
    assert.equal("sessions and session mean the same: use one of them", refusal { sessions = "a", session = "b" })
  end)

  it("takes before for until, which is a word of Lua's", function()
    local a, b = query.new { before = "2026-11-01" }, query.new { ["until"] = "2026-11-01" }
    assert.equal(a["until"], b["until"])
  end)
end)

describe("the same query", function()
  local scene, log

  setup(function()
    scene = program.scene()
    log = debrief.open(scene:path "sessions")
    for day = 1, 3 do
      for _, id in ipairs { "quay-a", "quay-b", "tides" } do
        log:append(id, { skill = day == 2 and "debug" or "review", duration_ms = day * 1000,
          timestamp = ("2026-10-%02dT12:00:00Z"):format(day * 2 + (id == "tides" and 1 or 0)) })
      end
    end
    scene:write("slow.lua", [[return { name = "slow", api = 1, filter = function(e) return e.duration_ms > 1000 end,
      options = { x = { type = "integer" } } }]])
    scene:write("mark.lua", [[return { name = "mark", api = 1, enrich = function(e) e.mark = e.skill end }]])
    scene:write("places.lua", [[return { name = "places", api = 1, retrospective = {
      init = function() return {} end,
      step = function(acc, e, ctx) acc[#acc + 1] = ctx.session .. ":" .. ctx.line end,
      merge = function(a, b) table.move(b, 1, #b, #a + 1, a) end,
      finish = function(acc) return { title = "places", text = table.concat(acc, " ") } end } }]])
  end)

  teardown(function()
    log:close()
    program.clean()
  end)

  -- What the three doors say to a query, each as "quay-a:1 quay-a:2 …", or as its message.
  local function by_entries(q)
    local ok, places = pcall(function()
      local out = {}
      for _, session, line in log:entries(q) do out[#out + 1] = ("%s:%d"):format(session, line) end
      return table.concat(out, " ")
    end)
    return ok and places or (places:gsub("^[^ ]*: ", ""))
  end

  local function by_retro(q)
    local report, message = log:retro(scene:path "places.lua", q)
    if not report then return message end
    return report.reports[1].text or ""
  end

  local function by_program(words, command)
    local run = { table.unpack(command) }
    for _, word in ipairs(words) do run[#run + 1] = word end
    local r = scene:run(run)
    return r
  end

  local function by_read(words)
    local r = by_program(words, { "read", "--fields", "session,line" })
    if r.status ~= 0 then return (r.err:gsub("^debrief: ", ""):gsub("\n$", "")) end
    return (r.out:gsub("\t", ":"):gsub("\n", " "):gsub(" $", ""))
  end

  local cases = {
    { "all", {}, {}, "quay-a:1 quay-a:2 quay-a:3 quay-b:1 quay-b:2 quay-b:3 tides:1 tides:2 tides:3" },
    { "a session", { session = "tides" }, { "tides" }, "tides:1 tides:2 tides:3" },
    { "a pattern", { session = "quay-*" }, { "quay-*" }, "quay-a:1 quay-a:2 quay-a:3 quay-b:1 quay-b:2 quay-b:3" },
    { "a line", { session = "tides:2" }, { "tides:2" }, "tides:2" },
    { "lines of a session", { session = { "tides:3", "tides:1" } }, { "tides:3", "tides:1" }, "tides:1 tides:3" },
    { "a session twice", { session = { "tides", "tides" } }, { "tides", "tides" }, "tides:1 tides:2 tides:3" },
    { "a line and the whole", { session = { "tides:1", "tid*" } }, { "tides:1", "tid*" }, "tides:1 tides:2 tides:3" },
    { "a window", { since = "2026-10-04", before = "2026-10-04" }, { "--since", "2026-10-04", "--until",
      "2026-10-04" }, "quay-a:2 quay-b:2" },
    { "an expression", { where = 'skill == "debug"' }, { "--where", 'skill == "debug"' },
      "quay-a:2 quay-b:2 tides:2" },
    { "the latest", { last = 2 }, { "--last", "2" }, "quay-b:3 tides:3" },
    { "the latest of a filter", { last = 1, where = 'skill == "debug"' }, { "--last", "1", "--where",
      'skill == "debug"' }, "tides:2" },
    { "a filter", { filter = "./slow.lua", session = "tides" }, { "--filter", "./slow.lua", "tides" },
      "tides:2 tides:3" },
    { "an enricher", { enrich = "./mark.lua", where = 'mark == "debug"' }, { "--enrich", "./mark.lua", "--where",
      'mark == "debug"' }, "quay-a:2 quay-b:2 tides:2" },
    { "a filter and the latest", { filter = "./slow.lua", last = 2 }, { "--filter", "./slow.lua", "--last", "2" },
      "quay-b:3 tides:3" },
  }

  local function here(q)
    local out = {}
    for key, value in pairs(q) do
      out[key] = (key == "filter" or key == "enrich") and scene:path((value:gsub("^%./", ""))) or value
    end
    return out
  end

  for _, case in ipairs(cases) do
    it("finds the same entries at every door: " .. case[1], function()
      local q = here(case[2])
      assert.equal(case[4], by_entries(q))
      assert.equal(case[4], by_retro(q))
      assert.equal(case[4], by_read(case[3]))
    end)
  end

  it("names a session that does not exist in the same words everywhere", function()
    local function wanted(dir) return ("no session 'tidse' in %s: did you mean 'tides'?"):format(dir) end
    assert.equal(wanted(log.dir), by_entries { session = "tidse" })
    assert.equal(wanted(log.dir), by_retro { session = "tidse" })
    assert.equal(wanted "sessions", by_read { "tidse" })
    local r = scene:run { "retro", "./places.lua", "tidse" }
    assert.same({ 1, "debrief: " .. wanted "sessions" .. "\n" }, { r.status, r.err })
    assert.equal("no session matches 'x-*' in sessions", by_read { "x-*" })
  end)

  it("is refused for a key that no door knows, blaming the caller's line", function()
    for _, call in ipairs {
      function() log:entries { sesion = "tides" } end,
      function() log:follow { sesion = "tides" } end,
      function() log:retro("skills", { sesion = "tides" }) end,
    } do
      local ok, message = pcall(call)
      assert.is_false(ok)
      assert.truthy(message:find "query_spec.lua:%d+: unknown key 'sesion': did you mean 'session'%?", message)
    end
    assert.is_false(pcall(log.entries, log, { workers = 2 }))
    assert.is_false(pcall(log.entries, log, { from = "start" }))
  end)

  it("reaches followers: expressions, filters and enrichers", function()
    local function follow(q)
      q.from, q.timeout = "start", 0
      local out = {}
      for entry, session, line in log:follow(q) do
        out[#out + 1] = ("%s:%d:%s"):format(session, line, entry.mark or entry.skill)
      end
      table.sort(out)
      return table.concat(out, " ")
    end
    assert.equal("tides:2:debug", follow { session = "tides", where = 'skill == "debug"' })
    assert.equal("tides:2:debug", follow { session = "tides", where = function(e) return e.skill == "debug" end })
    assert.equal("tides:2:debug tides:3:review", follow { session = "tides", filter = scene:path "slow.lua" })
    assert.equal("tides:2:debug", follow { session = "tides", enrich = scene:path "mark.lua",
      where = 'mark == "debug"' })
    assert.has_error(function() log:follow { since = "1d" } end,
      "since does not go with follow: new entries come as they are written")
  end)

  it("passes options to plugins of log:entries, and reports their errors", function()
    scene:write("bad.lua", [[return { name = "bad", api = 1, filter = function(e) return e.nothing.at_all end }]])
    local problems = {}
    for _ in log:entries { filter = scene:path "bad.lua", on_problem = function(p) problems[#problems + 1] = p end } do
      error "the filter lets nothing pass"
    end
    assert.same({ "bad", "filter", 9 }, { problems[1].plugin, problems[1].hook, problems[1].count })
    local ok, message = pcall(log.entries, log, { filter = scene:path "slow.lua", opt = "y=1" })
    assert.is_false(ok)
    assert.truthy(message:find "plugin 'slow' has no option 'y'")
  end)

  it("counts the sessions of the latest entries in a report", function()
    local report = log:retro("summary", { last = 2 })
    assert.same({ 2, 2 }, { report.entries, report.sessions })
  end)

  it("runs an inline retrospective over it", function()
    local t = { init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end,
      finish = function(acc) return { title = tostring(acc.n) } end }
    assert.equal("3", log:retro(t, { session = "quay-*", filter = scene:path "slow.lua",
      where = 'skill == "review" or session_id == "quay-a"' }).reports[1].title)
    assert.equal("no session 'nosuch' in " .. log.dir, (select(2, log:retro(t, { session = "nosuch" })):match "^[^;]+"))
  end)

  it("takes a path, and a line of it, where a command or a script reads", function()
    scene:write("other.jsonl", '{"skill":"x"}\n{"skill":"y"}\n')
    assert.equal("other:2", by_read { "./other.jsonl:2" })
    assert.equal("other:1 other:2", by_entries { session = scene:path "other.jsonl" })
    assert.equal("other:2", by_read { "other.jsonl:2" })
    assert.equal("other:2", by_read { "./other.jsonl:2:14" }) -- as a diagnostic names it
    local r = scene:run { "read", "tides:9" }
    assert.same({ 1, "debrief: there is no entry tides:9\n" }, { r.status, r.err })
    for _, place in ipairs { "tides:0", "tides:99999999999999999999", "./other.jsonl:0" } do
      r = scene:run { "read", place }
      assert.equal(1, r.status)
      assert.truthy(r.err:find "^debrief: there is no entry [^ ]+:[09]+\n$", r.err)
    end
  end)

  it("reports files that a listing or a window leaves out, and why", function()
    local s = program.scene()
    s:write("sessions/a.jsonl", '{"skill":"x","timestamp":"2026-10-01T00:00:00Z"}\n')
    s:write("sessions/b.jsonl", '{"skill":"y","timestamp":"2020-01-01T00:00:00Z"}\n')
    s:sh "ln -s a.jsonl sessions/link.jsonl; mkfifo sessions/pipe.jsonl; touch -d 2020-01-02 sessions/b.jsonl"
    local names = { "link.jsonl is a symbolic link, not a regular file: it is not read",
      "pipe.jsonl is a FIFO, not a regular file: it is not read" }
    for _, words in ipairs { { "read" }, { "sessions" }, { "retro", "summary" },
      { "read", "--since", "2025-01-01" } } do
      local r = s:run(words)
      assert.equal(0, r.status)
      for _, text in ipairs(names) do assert.truthy(r.err:find(text, 1, true), r.err) end
    end
    local r = s:run { "read", "--since", "2025-01-01" }
    assert.truthy(r.err:find("1 session was not opened: last written to more than a day before the window", 1, true),
      r.err)
    assert.same({ 0, "" }, { s:run({ "read", "a" }).status, s:run({ "read", "a" }).err })
  end)

  it("matches session patterns in little time, whatever is written", function()
    local s = program.scene()
    s:write("sessions/" .. ("a"):rep(128) .. ".jsonl", '{"skill":"x"}\n')
    local r = s:run { "read", ("*a"):rep(60) .. "b" }
    assert.equal(1, r.status)
    assert.equal('{"skill":"x"}\n', s:run({ "read", ("*a"):rep(60) .. "*?" }).out)
  end)
end)
