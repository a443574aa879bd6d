-- require "debrief" in a stock lua5.4: a log, its sessions, entries and retrospectives.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"
local core = require "debrief.core"

describe("a log", function()
  local scene, log, path
  before_each(function()
    scene = program.scene()
    log = assert(debrief.open(scene:path "log"))
    path = "log/s1.jsonl"
  end)
  after_each(function()
    log:close()
    collectgarbage()
  end)
  teardown(program.clean)

  local T = "2026-01-02T03:04:05Z"
  local LINE = '{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z","skill":"a","final_status":"ok"}\n'

  it("makes its folder at the first append, not when it is opened", function()
    assert.is_nil(core.stat(scene:path "log"))
    assert.equal(1, log:append("s1", { timestamp = T, skill = "a", final_status = "ok" }))
    assert.equal(LINE, scene:read(path))
  end)

  it("appends tables, JSON text and entries, a copy of one its bytes", function()
    local text = '{"session_id":"s1","timestamp":"2026-01-02T03:04:05Z","z":1.50,"a":"\\u00e9"}'
    assert.equal(1, log:append("s1", text))
    assert.equal(2, log:append("s1", (log:entries {}())))
    assert.equal(3, log:append("s1", { skill = "a" }, { sparse = true }))
    assert.equal(text .. "\n" .. text .. '\n{"session_id":"s1","skill":"a"}\n', scene:read(path))
  end)

  it("returns the line that the entry is, whoever else wrote before", function()
    local other = debrief.open(scene:path "log")
    assert.equal(1, log:append("s1", {}))
    assert.equal(2, other:append("s1", {}))
    assert.equal(3, log:append("s1", {}))
    assert.equal(1, log:append("s2", {}))
    assert.equal(4, log:append("s1", {}))
    local whole = scene:read(path)
    scene:write(path, whole .. '\n{"torn')
    assert.equal(7, log:append("s1", {})) -- a blank line and half a line before it
    local long = ("x"):rep(1 << 20)
    assert.equal(10, log:append_batch("s1", { { skill = long }, { skill = long }, { skill = long } }))
    assert.is_true(other:repair("s1").repaired)
    local line = log:append("s1", {}) -- of the new file
    assert.equal(select(2, scene:read(path):gsub("\n", "")), line)
    for _, _, at in log:entries { session = "s1:" .. line } do assert.equal(line, at) end
    other:close()
  end)

  it("returns nil and a message for what the world refuses, and raises for the caller's mistakes", function()
    for message, words in pairs {
      ['session id "../x" is not allowed'] = { "../x", {} }, ["not an entry: not an object"] = { "s1", "[1]" },
      ["the entry is not JSON at byte 1"] = { "s1", "{" },
      ['member "a" occurs twice: keep one'] = { "s1", '{"a":1,"a":1}' },
    } do
      local ok, said = log:append(table.unpack(words))
      assert.is_nil(ok)
      assert.equal(message, said:sub(1, #message))
    end
    assert.has_error(function() log:append("s1", 5) end)
    assert.has_error(function() log:append("s1") end)
    assert.has_error(function() log:append("s1", { skill = 5 }) end)
    assert.is_nil(scene:read(path))
  end)

  it("appends a batch as a whole or not at all, and names the bad entry", function()
    local ok, message, bad, stored = log:append_batch("s1", { {}, '{"skill":"a"}', '{"skill":1}', {} })
    assert.same({ nil, "not an entry: skill is not a string", 3, 0 }, { ok, message, bad, stored })
    assert.is_nil(scene:read(path))
    assert.equal(2, log:append_batch("s1", { { skill = "a" }, '{"skill":"b"}' }))
    assert.is_true(log:append_batch("s1", {}))
    local many = {}
    for i = 1, 5000 do many[i] = { skill = "many", duration_ms = i } end
    assert.equal(2 + #many, log:append_batch("s1", many, { sparse = true }))
    local n = 0
    for entry in log:entries { session = "s1" } do n = n + (entry.duration_ms or 0) end
    assert.equal(5000 * 5001 // 2, n)
  end)

  it("appends once what carries a source key", function()
    local function run(key) return { skill = "a", source = { kind = "k", key = key } } end
    assert.same({ 2, 0, 0 }, { log.handle:append_new("s1", { run "1", run "2" }) })
    local before = scene:read(path)
    assert.same({ 0, 2, 0 }, { log.handle:append_new("s1", { run "2", run "1" }) })
    assert.equal(before, scene:read(path))
    assert.same({ 1, 2, 0 }, { log.handle:append_new("s1", { run "1", run "3", run "3" }) })
  end)

  it("goes over sessions in name order and entries in theirs, with session and line", function()
    for _, id in ipairs { "b", "a", "B-1" } do
      for i = 1, 2 do log:append(id, { skill = id .. i }) end
    end
    scene:write("log/note.txt", "x")
    scene:write("log/.hidden.jsonl", "{}\n")
    local ids, seen = {}, {}
    for id in log:sessions() do ids[#ids + 1] = id end
    assert.same({ "B-1", "a", "b" }, ids)
    for entry, session, line in log:entries() do seen[#seen + 1] = ("%s %s:%d"):format(entry.skill, session, line) end
    assert.same({ "B-11 B-1:1", "B-12 B-1:2", "a1 a:1", "a2 a:2", "b1 b:1", "b2 b:2" }, seen)
    seen = {}
    for entry in log:entries { session = { "b", "a" } } do seen[#seen + 1] = entry.skill end
    assert.same({ "b1", "b2", "a1", "a2" }, seen)
  end)

  it("lists sessions with path, size and time, and what only looks like one", function()
    log:append("b", { skill = "x" })
    scene:write("log/a.jsonl", "{}\n")
    os.execute(("cd %s/log && touch -d @1767323045.5 a.jsonl && ln -s a.jsonl c.jsonl && mkdir d.jsonl"):format(
      program.quote(scene.dir)))
    local list, skipped = log.handle:list()
    assert.same({ session = "a", path = scene:path "log/a.jsonl", size = 3, mtime = 1767323045500000000 }, list[1])
    assert.same({ "b", scene:path "log/b.jsonl", 2 }, { list[2].session, list[2].path, #list })
    assert.same({ { name = "c.jsonl", kind = "a symbolic link" }, { name = "d.jsonl", kind = "a folder" } }, skipped)
    local none, message = debrief.open(scene:path "none").handle:list()
    assert.same({ "nil", "there is no folder " .. scene:path "none" }, { type(none), message })
  end)

  it("refuses a session that is not there, and a folder that is not", function()
    log:append("s1", {})
    assert.has_error(function() log:entries { session = "s2" } end,
      ("no session 's2' in %s: did you mean 's1'?"):format(log.dir))
    local none = debrief.open(scene:path "none")
    assert.has_error(function() none:sessions() end, "there is no folder " .. scene:path "none")
  end)

  it("reports damage, or raises at the first with strict", function()
    scene:write(path, LINE .. "bad\n" .. LINE)
    local found, n = {}, 0
    for _ in log:entries { on_diagnostic = function(d) found[#found + 1] = d end } do n = n + 1 end
    assert.equal(2, n)
    assert.equal(1, #found)
    local d = found[1]
    assert.same({ "bad_json", "s1", 2, #LINE, 3, true, "bad" }, { d.kind, d.session, d.line, d.offset, d.length,
      d.damage,
      d.excerpt })
    assert.equal("integer", math.type(d.offset))
    local entries = log:entries { strict = true }
    assert.truthy(entries())
    local ok, message = pcall(entries)
    assert.is_false(ok)
    assert.truthy(message:find(("%s:2:%d bad_json: "):format(scene:path(path), #LINE), 1, true), message)
  end)

  it("keeps entries that outlive their reader and their log", function()
    log:append("s1", { skill = "a", input = { list = { 1, { x = "kept" } } } })
    local inner
    for entry in log:entries() do inner = entry.input.list[2] end
    log:close()
    collectgarbage()
    assert.equal("kept", inner.x)
  end)

  it("says that it is closed, and closes twice", function()
    log:append("s1", {})
    log:close()
    log:close()
    assert.has_error(function() log:append("s1", {}) end)
    assert.has_error(function() log:sessions() end)
  end)

  it("leaves no file open", function()
    local function open_files() return tonumber(scene:sh("ls /proc/" .. scene.pid .. "/fd | wc -l").out) end
    scene.pid = io.open("/proc/self/stat"):read "n"
    collectgarbage()
    local before = open_files()
    for _ = 1, 20 do
      local other = debrief.open(scene:path "log")
      other:append("s1", {})
      other:entries()()
      core.reader(scene:path(path))
      core.reader(scene:path "nothing")
      pcall(other.append, other, "s1", 5)
    end
    collectgarbage()
    collectgarbage()
    assert.equal(before, open_files())
  end)

  it("runs retrospectives, and shows them in three ways", function()
    for i = 1, 3 do log:append("s" .. i, { skill = "review", final_status = i == 1 and "fail" or "ok",
      timestamp = T }) end
    local report = assert(log:retro("skills,summary", { workers = 1 }))
    assert.equal(3, report.entries)
    assert.equal("integer", math.type(report.entries))
    assert.same({ "skills", "summary" }, { report.reports[1].plugin, report.reports[2].plugin })
    assert.truthy(report:text():find "\n3 entries in 3 sessions\n$", report:text())
    assert.truthy(report:markdown():find "review")
    assert.equal(3, debrief.decode(report:json()).entries)
    assert.equal(report:text(), log:retro("skills,summary", { workers = 2 }):text())
    assert.equal(2, log:retro("skills", { session = { "s1", "s2" } }).entries)
    local nothing, message = log:retro "skils"
    assert.is_nil(nothing)
    assert.truthy(message:find "^no plugin 'skils': did you mean 'skills'%?", message)
    assert.is_nil((log:retro("skills", { opt = { "min=0" } })))
  end)

  it("sets no global", function()
    local r = scene:sh(([[LUA_PATH='%s/lua/?.lua;%s/lua/?/init.lua' LUA_CPATH='%s/lua/?.so' lua5.4 -e '
      local known = {}
      for name in pairs(_G) do known[name] = true end
      local debrief = require "debrief"
      local log = debrief.open "log"
      log:append("s1", {})
      for _ in log:entries() do end
      log:retro("summary"):text()
      for name in pairs(_G) do assert(known[name], name) end']]):format(program.root, program.root, program.build),
      { LD_PRELOAD = os.getenv "LD_PRELOAD", ASAN_OPTIONS = os.getenv "ASAN_OPTIONS" })
    assert.same({ "", "", 0 }, { r.out, r.err, r.status })
  end)
end)

describe("a method", function()
  it("says so when it was called with a dot, and blames the caller", function()
    local scene = program.scene()
    local log = assert(debrief.open(scene:path "sessions"))
    local report = assert(log:retro({ init = function() return {} end, step = function() end,
      finish = function() return { title = "t" } end }, { session = {} }))
    for name, object in pairs { log = log, report = report } do
      for method, called in pairs(getmetatable(object)) do
        if type(called) == "function" and not method:find "^__" then
          for _, self in ipairs { {}, "s1", 1, function() end } do
            local ok, message = pcall(function() object[method](self) end)
            assert.is_false(ok)
            assert.matches(("^tests/spec/log_spec.lua:%%d+: %s%%.%s was called with a dot: write %s:%s"):format(name,
              method, name, method), message)
          end
        end
      end
    end
    log:close()
  end)
end)

describe("session_id", function()
  it("keeps what is an id, and makes a safe one with a hash of anything else", function()
    assert.equal("a.b_C-1", debrief.session_id "a.b_C-1")
    local ids = {}
    for _, text in ipairs { "", "../x", "a/b", "a b", ".hidden", ("i"):rep(300), ("i"):rep(301), "é", "a\0b" } do
      local id = debrief.session_id(text)
      assert.is_true(core.session_id_valid(id), id)
      assert.equal(id, debrief.session_id(text))
      assert.is_nil(ids[id])
      ids[id] = true
    end
    assert.is_false(core.session_id_valid "a\0")
    assert.equal("a-b-", debrief.session_id("a/b"):sub(1, 4))
  end)
end)

describe("time", function()
  it("is integer nanoseconds, nil if there is none or it does not fit", function()
    assert.equal("integer", math.type(debrief.time "1970-01-01T00:00:00Z"))
    assert.equal(0, debrief.time "1970-01-01T00:00:00Z")
    assert.equal(-7200 * 1000000000 + 1, debrief.time "1970-01-01T00:00:00.000000001+02:00")
    assert.equal(5, debrief.time { timestamp = "1970-01-01T00:00:00.000000005Z" })
    assert.equal(5, debrief.time(core.entry '{"timestamp":"1970-01-01T00:00:00.000000005Z"}'))
    for _, value in ipairs { "1600-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "yesterday", "", {}, core.entry "{}",
      core.entry '{"timestamp":null}' } do
      assert.is_nil(debrief.time(value))
    end
  end)
end)
