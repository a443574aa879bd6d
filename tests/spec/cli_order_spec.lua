-- read --sort, --reverse, --limit, --width and -f --last: the order of entries, how many, and how wide.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"

local scene, log

local lines = {
  '{"session_id":"a","timestamp":"2026-01-02T10:00:00+05:00","skill":"b","n":3}',
  '{"session_id":"a","timestamp":"2026-01-02T06:00:00Z","skill":"a","n":"x"}',
  '{"session_id":"a","skill":"a","n":1.5}',
  '{"session_id":"a","timestamp":"2026-01-01T10:00:00Z","skill":"c"}',
  '{"session_id":"a","skill":"a","n":true,"attempts":[{"model":"m"},{"model":"k"}]}',
}

-- The lines that `read` prints, as "a:1 a:2 …".
local function read(...)
  local r = scene:run { "read", "--fields", "session,line", ... }
  assert.same({ 0, "" }, { r.status, r.err })
  return (r.out:gsub("\t", ":"):gsub("\n", " "):gsub(" $", ""))
end

local function entries(q)
  local out = {}
  for _, session, line in log:entries(q) do out[#out + 1] = ("%s:%d"):format(session, line) end
  return table.concat(out, " ")
end

describe("the order of entries", function()
  setup(function()
    scene = program.scene()
    scene:write("sessions/a.jsonl", table.concat(lines, "\n") .. "\n")
    scene:write("sessions/b.jsonl", '{"session_id":"b","timestamp":"2026-01-03T00:00:00Z","skill":"a","n":2}\n')
    log = debrief.open(scene:path "sessions")
  end)
  teardown(function()
    log:close()
    program.clean()
  end)

  it("takes the largest numbers there are", function()
    for _, n in ipairs { "9223372036854775807", "4611686018427387904", "4611686018427387903" } do
      assert.equal("a:1 a:2 a:3 a:4 a:5", read("a", "--last", n))
      assert.equal("a:1 a:2 a:3 a:4 a:5", read("a", "--sort", "line", "--limit", n))
      assert.equal("a:1 a:2 a:3 a:4 a:5", read("a", "--limit", n))
    end
    local sorts, sort = 0, table.sort
    local kept = require "debrief.query.latest".new(math.maxinteger // 2 + 1, true)
    finally(function() rawset(table, "sort", sort) end)
    rawset(table, "sort", function(...)
      sorts = sorts + 1
      return sort(...)
    end)
    for i = 1, 200 do kept.add(i, "a", i) end
    assert.equal(0, sorts)
    assert.equal(200, #kept.list())
  end)

  local cases = {
    { "numbers before texts before truths, nothing last", { sort = "n" }, { "--sort", "n" },
      "a:3 b:1 a:1 a:2 a:5 a:4" },
    { "downwards, nothing last all the same", { sort = "-n" }, { "--sort", "-n" }, "a:5 a:2 a:1 b:1 a:3 a:4" },
    { "moments, not their texts", { sort = "timestamp" }, { "--sort=timestamp" }, "a:4 a:1 a:2 b:1 a:3 a:5" },
    { "several keys, equals as they stand", { sort = "skill,-timestamp" }, { "--sort", "skill,-timestamp" },
      "b:1 a:2 a:3 a:5 a:1 a:4" },
    { "a way into an entry", { sort = "attempts.-1.model", limit = 2 }, { "--sort", "attempts.-1.model", "-n", "2" },
      "a:5 a:1" },
    { "places", { sort = { "-session", "-line" }, limit = 2 }, { "--sort", "-session,-line", "--limit", "2" },
      "b:1 a:5" },
    { "turned around", { reverse = true }, { "--reverse" }, "b:1 a:5 a:4 a:3 a:2 a:1" },
    { "sorted and turned around", { sort = "n", reverse = true }, { "--sort", "n", "--reverse" },
      "a:5 a:2 a:1 b:1 a:3 a:4" },
    { "the first ones", { limit = 2 }, { "-n2" }, "a:1 a:2" },
    { "the first ones of a selection", { limit = 2, skill = "a" }, { "-n", "2", "--skill", "a" }, "a:2 a:3" },
    { "of the latest", { last = 3, sort = "skill" }, { "--last", "3", "--sort", "skill" }, "a:2 b:1 a:1" },
    { "the first of the latest", { last = 3, limit = 1 }, { "--last", "3", "-n", "1" }, "a:1" },
    { "the latest first", { last = 2, reverse = true }, { "--last", "2", "--reverse" }, "b:1 a:2" },
  }

  for _, case in ipairs(cases) do
    it("is the same in the program and in scripts: " .. case[1], function()
      assert.equal(case[4], read(table.unpack(case[3])))
      assert.equal(case[4], entries(case[2]))
    end)
  end

  it("is the same in an isolated process, and after plugins", function()
    scene:write("two.lua", [[return { name = "two", api = 1, filter = function(e) return e.n ~= nil end }]])
    assert.equal("a:5 a:2 a:1", read("--filter", "./two.lua", "--sort", "-n", "-n", "3"))
    assert.equal("a:5 a:2", entries { filter = scene:path "two.lua", sort = "-n", limit = 2 })
    if program.sanitized or scene:run({ "read", "--isolate" }).status ~= 0 then return end
    assert.equal("a:5 a:2", read("--isolate", "--sort=-n", "-n2"))
  end)

  it("keeps whole lines as they are", function()
    assert.equal(lines[1] .. "\n", scene:run({ "read", "-n", "1" }).out)
    assert.equal(lines[4] .. "\n", scene:run({ "read", "--sort", "-skill", "-n", "1" }).out)
  end)

  it("keeps no more than it needs of many entries", function()
    local many = {}
    for i = 1, 1000 do many[i] = ('{"session_id":"m","n":%d}'):format(i * 7919 % 1000) end
    scene:write("m.jsonl", table.concat(many, "\n") .. "\n")
    local r = scene:run { "read", "./m.jsonl", "--sort", "-n", "-n", "3", "--fields", "n" }
    assert.equal("999\n998\n997\n", r.out)
  end)

  it("names the nearest field to one that no entry has", function()
    local r = scene:run { "read", "--sort", "skil", "-n", "1" }
    assert.same({ 0, "debrief: no entry has a field 'skil': did you mean 'skill'?\n" }, { r.status, r.err })
  end)

  it("is refused in one sentence for wrong use", function()
    for words, message in pairs {
      ["--sort"] = "option '--sort' requires an argument (debrief --help)",
      ["--sort ,"] = "--sort: ',' has an empty name: write them as skill,-duration_ms (debrief --help)",
      ["--sort skill,-"] = "--sort: 'skill,-' has an empty name: write them as skill,-duration_ms (debrief --help)",
      ["-n 0"] = "--limit takes a number from 1 on, not '0' (debrief --help)",
      ["-w 5"] = "--width takes 20 columns or more, not '5' (debrief --help)",
      ["-f --sort n"] = "--sort does not go with --follow",
      ["-f -n 3"] = "--limit does not go with --follow: --last N shows the latest entries first",
      ["-f --last 1 --from end"] = "--from and --last both say where to begin: use one of them",
    } do
      local list = { "read" }
      for word in words:gmatch "%S+" do list[#list + 1] = word end
      local r = scene:run(list)
      assert.same({ 2, "debrief: " .. message .. "\n" }, { r.status, r.err })
    end
    assert.has_error(function() log:entries { sort = 5 } end, "sort must be a field, as in \"-duration_ms\"")
    assert.has_error(function() log:entries { limit = 0 } end, "limit must be an integer from 1 on, not 0")
    assert.has_error(function() log:entries { reverse = "yes" } end, "reverse must be true or false, not yes")
  end)

  it("is as wide as --width says", function()
    local function widest(...)
      local r, most = scene:run { "read", "--format", "list", ... }, 0
      for line in r.out:gmatch "[^\n]+" do most = math.max(most, utf8.len(line)) end
      return most
    end
    assert.truthy(widest("-w", "40") <= 40)
    assert.truthy(widest("--width=200") > 40)
  end)

  it("of a follower begins with the latest", function()
    local r = scene:sh [[
      mkfifo out; "$DEBRIEF" read -f --last 2 --fields session,line >out & pid=$!
      { read -r one; read -r two; "$DEBRIEF" append c skill=new; read -r three; kill $pid
        echo "$one $two $three"; } <out]]
    assert.equal("a\t2 b\t1 c\t1\n", r.out)
  end)
end)
