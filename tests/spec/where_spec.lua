-- Expressions over entries: what they see, where they go wrong, and what is said of names.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"
local asked = require "debrief.entry.asked"
local where = require "debrief.query.where"

local function silent() end

local ENTRY = assert(core.entry('{"session_id":"s1","skill":"review","phase":null,"duration_ms":61000,"end":3,'
  .. '"type":"bug","string":"x","ticket":{"nr":41,"labels":["a","b"]},"ok":false,'
  .. '"attempts":[{"attempt":1,"model":"m1","verified":true}]}'))

-- expression, whether it holds for ENTRY
local holds = {
  { 'skill == "review" and (duration_ms or 0) > 60000', true },
  { 'skill == "review" and duration_ms > 61000', false },
  { "skill", true },
  { "phase", false }, -- null is nil
  { "phase == nil and model_used == nil", true },
  { "ok == false", true },
  { "ok", false },
  { "0", true }, -- Lua's truth
  { 'attempts[1].model == "m1" and #attempts == 1', true },
  { 'skill:upper() == "REVIEW"', true },
  { '"a" ..skill == "areview"', true },
  { 'skill == \'it"s\'', false },
  { 'type == "bug"', true }, -- a field comes before the function
  { 'tostring(ticket.nr) == "41"', true },
  { 'string == "x"', true },
  { 'math.type(duration_ms) == "integer"', true },
  { "ticket.labels[2] == 'b'", true },
  { 'entry["end"] == 3', true },
  { 'entry["not there"] == nil', true },
  { "debrief.outcome(entry) == 'ok'", true },
  { "nothing", false },
  { "-- all\n true", true },
  { "[[review]] == skill", true },
  { "(function(t) return t.nr end)(ticket) == 41", true },
  { "#skill == 6 -- six", true },
}

-- text, what is said: everything is shown as it stands, the mark below the place
local wrong = {
  { 'skill = "x"', "unexpected '=' (`==` compares)\n  skill = \"x\"\n        ^" },
  { "a != b", "unexpected '!' (`~=` is not equal)\n  a != b\n    ^" },
  { "a && b", "unexpected '&' (write `and`)\n  a && b\n     ^" },
  { "a || b", "unexpected '|' (write `or`)\n  a || b\n     ^" },
  { "!a", "unexpected '!' (`not` negates)\n  !a\n  ^" },
  { "a == b c", "unexpected 'c' (between two of them goes `and` or `or`, and text in quotes)\n  a == b c\n"
    .. "         ^" },
  { "(a", "the expression ends too early\n  (a\n    ^" },
  { "a or", "the expression ends too early\n  a or\n      ^" },
  { "", "the expression is empty" },
  { " \n", "the expression is empty" },
  { "1) or (2", "the expression ends too early\n  1) or (2\n          ^" },
  { "a, b", "unexpected ','\n  a, b\n   ^" },
  { "a; b", "unexpected ';'\n  a; b\n   ^" },
  { '"abc', "unfinished string near '\"abc'\n  \"abc\n   ^" },
  { "a\nand b c", "unexpected 'c' (between two of them goes `and` or `or`, and text in quotes)\n  and b c\n        ^" },
  { 'a == "日本" b', "unexpected 'b' (between two of them goes `and` or `or`, and text in quotes)\n"
    .. '  a == "日本" b\n              ^' },
  { "1) while true do end return (1", "unexpected 'while' "
    .. "(between two of them goes `and` or `or`, and text in quotes)\n"
    .. "  1) while true do end return (1\n     ^" },
}

describe("an expression", function()
  for _, case in ipairs(holds) do
    it(("%s for this entry: %s"):format(case[2] and "holds" or "does not hold", (case[1]:gsub("\n", " "))), function()
      assert.equal(true, where.check(case[1]))
      assert.equal(case[2], (where.filter(case[1], silent))(ENTRY))
    end)
  end

  for _, case in ipairs(wrong) do
    it(("is refused with its place: %s"):format((case[1]:gsub("\n", " "))), function()
      local ok, message = where.check(case[1])
      assert.is_nil(ok)
      assert.equal(case[2], message)
    end)
  end

  it("has nothing but what plugins have", function()
    for _, name in ipairs { "io", "os", "load", "setmetatable", "debug", "package", "coroutine" } do
      assert.is_false((where.filter(name .. " ~= nil", silent))(ENTRY))
    end
    assert.has_error(function() (where.filter("(function() x = 1 end)()", silent))(ENTRY) end,
      "an expression cannot assign to 'x'")
    assert.has_error(function() (where.filter("debrief.run and debrief.run{'true'}", silent))(ENTRY) end)
  end)

  it("remembers names that no entry had, and the nearest field there was", function()
    local filter, met = where.filter("skil == 'review' or tickt or ticket.nr > 50 or math or phase or usage", silent)
    for _ = 1, 3 do filter(ENTRY) end
    assert.same({ { name = "skil", near = "skill" }, { name = "tickt", near = "ticket" } }, asked.unknown(met.state))
    filter, met = where.filter("ticket or zzzzzz", silent)
    filter(core.entry '{"session_id":"s1"}')
    filter(ENTRY)
    assert.same({ { name = "zzzzzz" } }, asked.unknown(met.state))
  end)

  it("adds up the names of several workers", function()
    local into = { asked = {}, fields = {} }
    asked.merge(into, { asked = { a = false, b = true, tickt = false }, fields = {} })
    asked.merge(into, { asked = { a = true, b = false, tickt = false }, fields = { ticket = true } })
    assert.same({ { name = "tickt", near = "ticket" } }, asked.unknown(into))
  end)

  it("speaks of fields when it fails", function()
    assert.equal("attempt to index a nil value (field 'foo'); an absent field is nil: write (duration_ms or 0)",
      where.message "where:1: attempt to index a nil value (global 'foo')")
    assert.equal("attempt to compare two table values", where.message "where:1: attempt to compare two table values")
  end)
end)

local LINES = [[
{"session_id":"s1","skill":"review","duration_ms":70000}
{"session_id":"s1","skill":"review"}
{"session_id":"s1","skill":"debug","duration_ms":5}
]]

describe("--where", function()
  local scene
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", LINES)
    scene:write("count.lua", [[return { name = "count", api = 1, retrospective = {
      init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end,
      merge = function(acc, other) acc.n = acc.n + other.n end,
      finish = function(acc) return { title = "n = " .. acc.n } end } }]])
    scene:write("mark.lua", [[return { name = "mark", api = 1,
      enrich = function(entry) entry.long = (entry.duration_ms or 0) > 60000 end }]])
  end)
  teardown(program.clean)

  it("keeps the entries of read for which it holds, their bytes as they were", function()
    local r = scene:run { "read", "--where", 'skill == "review" and (duration_ms or 0) > 60000' }
    assert.same({ (LINES:match "^[^\n]*\n"), "", 0 }, { r.out, r.err, r.status })
  end)

  it("sees what enrichers add, and goes before filters", function()
    scene:write("never.lua", [[return { name = "never", api = 1, filter = function(entry)
      if not entry.long then error("should not be asked") end return true end }]])
    local r = scene:run { "read", "--enrich", "./mark.lua", "--where", "long", "--filter", "./never.lua" }
    assert.same({ '{"session_id":"s1","skill":"review","duration_ms":70000,"long":true}\n', "", 0 },
      { r.out, r.err, r.status })
  end)

  it("keeps the entries of retro", function()
    local r = scene:run { "retro", "./count.lua", "--where", 'skill == "review"' }
    assert.same({ "n = 2\n═════\n\n3 entries in 1 session\n", "", 0 }, { r.out, r.err, r.status })
  end)

  it("drops and counts entries for which it fails, and ends with 3", function()
    for _, words in ipairs { { "read" }, { "retro", "./count.lua" } } do
      table.move({ "--where", "duration_ms > 10" }, 1, 2, #words + 1, words)
      local r = scene:run(words)
      assert.equal("debrief: plugin 'where', filter: attempt to compare number with nil; an absent field is nil: "
        .. "write (duration_ms or 0) (at s1:2)\n", r.err)
      assert.equal(3, r.status)
      assert.truthy(r.out:find(words[1] == "read" and "70000" or "n = 1", 1, true))
    end
  end)

  it("reports names that no entry had, with the nearest, and ends with 0", function()
    for _, words in ipairs { { "read" }, { "retro", "./count.lua" } } do
      table.move({ "--where", "skil == 'review'" }, 1, 2, #words + 1, words)
      local r = scene:run(words)
      assert.same({ "debrief: no entry has a field 'skil': did you mean 'skill'?\n", 0 }, { r.err, r.status })
    end
  end)

  it("chooses among entries that are followed, and says where it fails", function()
    local r = scene:sh [[timeout 2 "$DEBRIEF" read --follow --from start --where 'duration_ms > 10' |
      { IFS= read -r first; echo "$first"; }]]
    assert.equal((LINES:match "^[^\n]*\n"), r.out)
    assert.equal("debrief: plugin 'where', filter: attempt to compare number with nil; an absent field is nil: "
      .. "write (duration_ms or 0) (at s1:2)\n", r.err)
  end)

  it("is refused before anything is read, with status 2", function()
    for _, words in ipairs { { "read", "no_such" }, { "retro", "./count.lua", "no_such" } } do
      table.move({ "--where", "skill = 3" }, 1, 2, #words + 1, words)
      local r = scene:run(words)
      assert.same({ "", "debrief: where: unexpected '=' (`==` compares)\n  skill = 3\n        ^\n", 2 },
        { r.out, r.err, r.status })
    end
  end)

  it("is the same for scripts, as a text or a function", function()
    scene:write("s.lua", [[
      local log = require "debrief".open "sessions"
      for _, s, line in log:entries { where = "skill == 'review'" } do print(s, line) end
      for e in log:entries { where = function(e) return e.skill == "debug" end } do print(e.skill) end
      print(log:retro("./count.lua", { where = "duration_ms" }).reports[1].title)
      print(log:retro("./count.lua", { where = "duration_ms <" }))
      print(select(2, pcall(function() for _ in log:entries { where = "duration_ms > 10" } do end end)))]])
    local r = scene:sh [["$DEBRIEF" run s.lua]]
    assert.equal("", r.err)
    assert.equal("s1\t1\ns1\t2\ndebug\nn = 2\n"
      .. "nil\twhere: the expression ends too early\n  duration_ms <\n               ^\n"
      .. "where: attempt to compare number with nil; an absent field is nil: write (duration_ms or 0) (at s1:2)\n",
      r.out)
  end)
end)
