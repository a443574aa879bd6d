-- A log at an address: what the program does with a stream of NATS JetStream.
local program = dofile "tests/spec/support/program.lua"
local nats = dofile "tests/nats/servers.lua"

describe("a log at an address", function()
  local scene, s, url
  setup(function() if nats.available() then s = nats.start() end end)
  before_each(function() scene = program.scene() end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  local made = 0
  -- A stream of its own for each test.
  local function fresh(...)
    made = made + 1
    url = s:url("log" .. made)
    local r = scene:run { "init", url, ... }
    assert.same({ 0, "" }, { r.status, r.err })
  end

  local function run(words) return nats.run(scene, url, words) end

  local function must(words)
    local r = run(words)
    assert.same({ 0, "" }, { r.status, r.err })
    return r.out
  end

  local function here(name, body)
    it(name, function()
      if not s then return pending(nats.MISSING) end
      body()
    end)
  end

  local ENTRY = '{"session_id":"%s","timestamp":"2026-11-01T10:00:00Z","skill":"%s","final_status":"ok"}\n'

  here("is made once, and only by init", function()
    fresh()
    assert.equal("there already: " .. url .. "\n", scene:run({ "init", url }).out)
    local r = scene:run { "init", url, "--max-age", "90d" }
    assert.same({ 2, true }, { r.status, r.err:find("it is another: replicas 1, age limit 0 s", 1, true) ~= nil })
    url = s:url "nobody"
    for _, words in ipairs { { "append", "s1", "skill=a", "final_status=ok" }, { "read" } } do
      r = run(words)
      assert.equal(1, r.status)
      assert.truthy(r.err:find("there is no stream nobody (`debrief init " .. url .. "` makes it)", 1, true), r.err)
    end
  end)

  here("answers as a folder does", function()
    fresh()
    local lines = {}
    for i = 1, 300 do lines[i] = ENTRY:format("s." .. i % 7, "k" .. i % 3) end
    scene:write("in.jsonl", table.concat(lines))
    must { "append", "-", "in.jsonl" }
    scene:run { "-d", "folder", "append", "-", "in.jsonl" }
    for _, words in ipairs { { "read" }, { "sessions" }, { "read", "s.3", "--last", "2" }, { "retro", "skills" },
      { "retro", "skills", "-j2", "--json" }, { "table", "--by", "skill", "--show", "runs" }, { "fields" }, { "check" },
      { "read", "--where", "skill == 'k1'", "--fields", "session,line" } } do
      local folder, stream = { "-d", "folder" }, {}
      for i, word in ipairs(words) do folder[#folder + 1], stream[i] = word, word end
      assert.equal(scene:run(folder).out, must(stream), table.concat(words, " "))
    end
    assert.equal("", scene:sh("ls -d ${TMPDIR:-/tmp}/debrief-log-*/lock 2>/dev/null").out)
  end)

  here("names places by the message, and reads them", function()
    fresh()
    must { "append", "s1", "skill=a", "final_status=ok" }
    must { "append", "s2", "skill=b", "final_status=ok" }
    must { "append", "s1", "skill=c", "final_status=ok" }
    assert.truthy(must({ "read", "s1@3" }):find '"skill":"c"')
    assert.truthy(must({ "read", "s1:2@3" }):find '"skill":"c"')
    local r = run { "read", "s1@2" }
    assert.same({ 1, "debrief: there is no message 2 of session 's1' in " .. url .. "\n" }, { r.status, r.err })
  end)

  here("is a log for every command", function()
    fresh()
    must { "record", "r1", "--skill", "test", "--", "true" }
    local input = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"record","arguments":{"session":"m1",'
      .. '"skill":"x"}}}\n{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"read","arguments":{}}}\n'
    local answers = run({ "mcp", stdin = input }).out
    assert.truthy(answers:find('\\"session\\":\\"m1\\"', 1, true) or answers:find("m1", 1, true), answers)
    assert.truthy(answers:find("r1", 1, true), answers)
    local r = run { "repl", stdin = "for id in log:sessions() do print(id) end\n" }
    assert.same({ 0, "m1\nr1\n" }, { r.status, r.out }, r.err)
    must { "report", "-o", "page.html" }
    assert.falsy(scene:read("page.html"):find "debrief%-log%-")
    r = run { "export", "sft" }
    assert.same({ 3, true }, { r.status, r.err:find("0 rows of 2 entries", 1, true) ~= nil })
    must { "retro", "skills", "--partial", "-o", "one.partial" }
    assert.truthy(scene:run({ "merge", "skills", "one.partial" }).out:find "2 entries in 2 sessions")
    r = run { "hook", "--context", "history", stdin = '{"hook_event_name":"SessionStart","cwd":"/p"}' }
    assert.same({ 0, "" }, { r.status, r.err })
  end)

  here("lists sessions by what is new, and forgets when the stream does", function()
    fresh()
    local env = { XDG_CACHE_HOME = scene:path "cache" }
    local function list(...)
      local r = run { "sessions", env = env, ... }
      assert.same({ 0, "" }, { r.status, r.err })
      return r.out
    end
    scene:write("in.jsonl", ENTRY:format("s1", "a") .. ENTRY:format("s2", "b"))
    must { "append", "-", "in.jsonl" }
    assert.equal("s1\ns2\n", list())
    local name = scene:sh("ls cache/debrief").out
    assert.truthy(name:find "^sessions%-%x+\n$", name)
    scene:write("in.jsonl", ENTRY:format("s1", "a") .. ENTRY:format("s0", "c"))
    must { "append", "-", "in.jsonl" }
    assert.equal("s0\ns1\ns2\n", list())
    local json = list "--json"
    scene:sh "rm -r cache"
    assert.equal(list "--json", json)
    assert.truthy(json:find('"session":"s1","entries":2,', 1, true), json)
    scene:sh "echo broken >cache/debrief/*"
    assert.equal(json, list "--json")
  end)

  here("refuses what is not for a stream, and says why", function()
    fresh()
    must { "append", "s1", "skill=a", "final_status=ok" }
    local r = run { "repair", "s1" }
    assert.same({ 1, true }, { r.status, r.err:find("what is in a stream is never changed", 1, true) ~= nil })
    r = run { "append", "s1", "skill=a", "final_status=ok", "--sync" }
    assert.same({ 1, true }, { r.status, r.err:find("--sync is for folders", 1, true) ~= nil })
    r = scene:run { "--creds", "x", "read" }
    assert.same({ 2, true }, { r.status, r.err:find("are for a log at an address", 1, true) ~= nil })
  end)

  here("takes an import, which only appends, and each run once", function()
    fresh()
    scene:write("toy.lua", [[return { name = "toy", api = 1, import = { open = function(source, emit)
      for line in source:lines() do
        emit({ session_id = "s1", timestamp = line.at, source = { kind = "toy", key = line.run } },
          { open = line.open })
      end
    end } }]])
    local lines = {}
    for i = 1, 2000 do lines[i] = ('{"run":"%d","at":"2026-11-01T10:00:00Z"}'):format(i) end
    scene:write("in.jsonl", table.concat(lines, "\n") .. '\n{"run":"open","open":true}\n')
    local command = ('"$DEBRIEF" -d %s import ./toy.lua in.jsonl'):format(url)
    local r = scene:sh(("%s & %s & %s & wait"):format(command, command, command)) -- they see each other's runs
    local stored, known = 0, 0
    for n in r.err:gmatch "(%d+) entr%w+ stored" do stored = stored + n end
    for n in r.err:gmatch "(%d+) there already" do known = known + n end
    assert.same({ 2000, 4000, "" }, { stored, known, r.out }, r.err)
    assert.equal(2000, select(2, must({ "read" }):gsub("\n", "\n")))
    assert.truthy(r.err:find("withheld (still open", 1, true), r.err)
    scene:write("in.jsonl", '{"run":"7","at":"2026-11-01T11:00:00Z"}\n{"run":"new","at":"2026-11-01T11:00:00Z"}\n')
    r = run { "import", "./toy.lua", "in.jsonl" }
    assert.equal(3, r.status, r.err)
    assert.truthy(r.err:find("runs that are longer now than when they were imported stay in the stream as they were: "
      .. "session s1 (1)", 1, true), r.err)
    assert.truthy(r.err:find("1 entry stored", 1, true), r.err)
  end)

  here("is a log for scripts", function()
    fresh()
    scene:write("script.lua", [[
      local log = assert(debrief.open(arg[1]))
      assert(log:append("s1", { skill = "a", final_status = "ok" }))
      assert(log:append_batch("s1", { { skill = "b" }, { skill = "c" } }))
      for entry, session, line in log:entries() do print(entry.skill, session, line) end
      print(log:retro("skills").entries)
      log:append("s2", { skill = "d" })
      for id in log:sessions() do print(id) end
    ]])
    local r = scene:run { "run", "script.lua", url }
    assert.same({ 0, "", "a\ts1\t1\nb\ts1\t2\nc\ts1\t3\n3\ns1\ns2\n" }, { r.status, r.err, r.out })
  end)
end)
