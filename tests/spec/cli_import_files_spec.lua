-- Which files debrief import takes, and what it does not read again. What an importer makes of a file is in
-- cli_import_spec.
local program = dofile "tests/spec/support/program.lua"
local transcripts = dofile "tests/spec/support/claude_transcript.lua"
local cjson = require "cjson"

local scene

local function import(...)
  local words = { "import", ... }
  words.env = { DEBRIEF_PLUGIN_PATH = ".", HOME = scene.dir .. "/home", CLAUDE_CONFIG_DIR = false }
  return scene:run(words)
end

-- An importer for lines {"run":KEY,"in":SESSION,"at":TIME,"open":BOOLEAN}, which also reads what lies in NAME/.
local TOY = [[return { name = "toy", api = 1, import = { siblings = { "{name}/**" }, places = { "~/.toy/logs" },
  detect = function(path, head) return head:find('"run"', 1, true) ~= nil end,
  open = function(source, emit, ctx)
    local function read(file)
      for line in file:lines() do
        emit({ session_id = line["in"] or "s1", skill = line.skill, timestamp = line.at,
          source = { kind = "toy", key = line.run } }, { open = line.open })
      end
    end
    read(source)
    for _, one in ipairs(source:siblings()) do read(one) end
  end } }]]

-- The last line of what import says: its counts.
local function counts(r) return (r.err:match "([^\n]*)\n$" or ""):gsub("^debrief: ", "") end

local function sorted_log(folder)
  return scene:sh(("cat %s/*.jsonl 2>/dev/null | LC_ALL=C sort"):format(folder or "sessions")).out
end

describe("the files of an import", function()
  before_each(function()
    scene = program.scene()
    scene:write("toy.lua", TOY)
  end)
  teardown(program.clean)

  it("are found in folders, each once, and what cannot be one is said", function()
    scene:write("in/a.jsonl", '{"run":"1"}\n')
    scene:write("in/sub/b.jsonl", '{"run":"2"}\n')
    scene:write("other/c.jsonl", '{"run":"3"}\n')
    scene:sh [[cd in; ln -s ../in loop; ln -s ../other linked; ln -s a.jsonl again.jsonl; ln -s none.jsonl dead.jsonl
      ln -s none dead; mkfifo pipe.jsonl; ln -s /dev/zero zero.jsonl]]
    local r = import("in")
    assert.equal([[
debrief: in/dead.jsonl is a link to nothing: passed over
debrief: in/loop is a link to a folder that is read by its own name: passed over
debrief: in/pipe.jsonl is not a regular file: passed over
debrief: in/zero.jsonl is not a regular file: passed over
debrief: 3 entries stored in sessions, from 3 files
]], r.err)
    assert.equal(0, r.status)
    r = import("in/pipe.jsonl")
    assert.truthy(r.err:find("in/pipe.jsonl is neither file nor folder", 1, true), r.err)
    assert.equal(1, r.status)
  end)

  it("may be packed, or come from standard input", function()
    scene:write("a.jsonl", '{"run":"1"}\n{"run":"2"}\n')
    scene:sh "gzip -k a.jsonl; mkdir in; mv a.jsonl.gz in/packed.jsonl.gz"
    assert.equal("2 entries stored in sessions, from 1 file", counts(import("in")))
    assert.equal("0 entries stored in sessions, 2 there already, from 1 file, unchanged since the last import",
      counts(import("in")))
    local r = scene:run { "import", "-d", "piped", "./toy.lua", "-", stdin = '{"run":"3"}\nnot json\n' }
    assert.truthy(r.err:find("-:2:12 bad_json", 1, true), r.err)
    assert.equal(3, r.status)
    assert.truthy(scene:read("piped/s1.jsonl"):find('"key":"3"', 1, true))
    if scene:sh("command -v zstd").status == 0 then
      scene:sh "zstd -q a.jsonl -o z.jsonl.zst"
      assert.equal("2 entries stored in z, from 1 file", counts(import("-d", "z", "z.jsonl.zst")))
    end
  end)

  it("that are packed and damaged give what could be unpacked, or say why nothing", function()
    local lines = {}
    for i = 1, 5000 do lines[i] = ('{"run":"%d","skill":"%d"}\n'):format(i, i * 7919 % 10007) end
    scene:write("a.jsonl", table.concat(lines))
    scene:sh "gzip a.jsonl; head -c 20000 a.jsonl.gz >cut.jsonl.gz; head -c 5 a.jsonl.gz >none.jsonl.gz"
    local r = import("toy", "cut.jsonl.gz")
    assert.truthy(r.err:find("cut.jsonl.gz: gzip ended with status 1: only what it could unpack is read", 1, true),
      r.err)
    assert.equal(3, r.status)
    assert.truthy(select(2, scene:read("sessions/s1.jsonl"):gsub("\n", "")) > 1000)
    r = import("toy", "none.jsonl.gz")
    assert.truthy(r.err:find("none.jsonl.gz cannot be unpacked: gzip ended with status 1", 1, true), r.err)
    assert.equal(1, r.status)
    r = scene:run { "import", "./toy.lua", "a.jsonl.gz", env = { PATH = "/none" } }
    assert.truthy(r.err:find("a.jsonl.gz cannot be unpacked: gzip: No such file or directory (is gzip installed?)", 1,
      true), r.err)
    assert.equal(1, r.status)
  end)

  it("may be packed in any number: only some are unpacked at once", function()
    for i = 1, 60 do scene:write(("in/%d.jsonl"):format(i), ('{"run":"%d"}\n'):format(i)) end
    scene:sh "gzip in/*"
    local r = scene:sh('ulimit -n 40; "$DEBRIEF" import -j2 ./toy.lua in')
    assert.equal("60 entries stored in sessions, from 60 files", counts(r))
  end)

  it("without anything in them are passed over", function()
    scene:write("in/empty.jsonl", "")
    scene:write("in/blank.jsonl", "\n \n")
    scene:write("in/summary.jsonl", '{"type":"summary","summary":"Login","leafUuid":"u1"}\n')
    local r = import("in")
    assert.same({ "0 entries stored in sessions, from 3 files, 2 empty", 0 }, { counts(r), r.status })
  end)

  it("that no importer knows fail when they are named, and are listed when they lie in a folder", function()
    scene:write("in/a.jsonl", '{"run":"1"}\n')
    for i = 1, 5 do scene:write(("in/x%d.jsonl"):format(i), '{"b":1,"a":2}\n') end
    for _ = 1, 2 do
      local r = import("in")
      assert.truthy(r.err:find("passed over: no importer knows in/x3.jsonl: it looks like JSON lines that begin with "
        .. "an object with a, b; there are importers for aider,", 1, true), r.err)
      assert.truthy(r.err:find("passed over: 2 more files like that\n", 1, true), r.err)
      assert.equal(0, r.status)
    end
    assert.equal(1, import("in/x1.jsonl").status)
    for text, like in pairs { ["\0\1"] = "a binary file", ["SQLite format 3\0"] = "an SQLite database",
      ["[1,2]"] = "a JSON array", ["hello"] = "text that is not JSON", ['{"a":\n1}'] = "a JSON object with a",
      ['{"session_id":"s1"}\n'] = "a session of debrief" } do
      scene:write("odd.log", text)
      local r = import("odd.log")
      assert.truthy(r.err:find("odd.log: it looks like " .. like, 1, true), r.err)
    end
  end)

  it("are refused by an importer that does not recognise them, before anything is stored", function()
    scene:write("a.jsonl", '{"x":"1"}\n')
    local r = import("toy", "a.jsonl")
    assert.truthy(r.err:find("toy does not recognise a.jsonl: it looks like JSON lines that begin with an object with "
      .. "x; nor does any other importer\n", 1, true), r.err)
    assert.same({ 1 }, { r.status, scene:read "sessions/s1.jsonl" })
  end)

  it("are refused by a wrong importer with the name of the right one", function()
    scene:write("other.lua", [[return { name = "other", api = 1, import = { open = function() error "asked" end,
      detect = function(path, head) return head:find "OTHER" ~= nil end } }]])
    scene:write("in/a b.jsonl", '{"run":"1"}\n')
    for i = 1, 4 do scene:write(("in/c%d.jsonl"):format(i), '{"run":"2"}\n') end
    local function right(path)
      return " is not a log of other; toy recognises it: debrief import ./toy.lua " .. path .. "\n"
    end
    local r = import("other", "in/a b.jsonl")
    assert.truthy(r.err:find("debrief: in/a b.jsonl" .. right "'in/a b.jsonl'", 1, true), r.err)
    assert.equal(1, r.status)
    r = scene:sh("$DEBRIEF import toy 'in/a b.jsonl'", { DEBRIEF_PLUGIN_PATH = "." })
    assert.same({ "1 entry stored in sessions, from 1 file", 0 }, { counts(r), r.status })
    for _ = 1, 2 do -- the second time nothing is read
      r = import("other", "in")
      assert.truthy(r.err:find("passed over: in/c2.jsonl" .. right "in/c2.jsonl", 1, true), r.err)
      assert.truthy(r.err:find("passed over: 2 more files like that\n", 1, true), r.err)
      assert.equal(0, r.status)
    end
    scene:sh "gzip in/c1.jsonl"
    r = import("other", "in/c1.jsonl.gz")
    assert.truthy(r.err:find("in/c1.jsonl" .. right "in/c1.jsonl.gz", 1, true), r.err)
  end)

  it("name 20 things that were left out, and the command that names them all", function()
    local lines = {}
    for i = 1, 1100 do lines[i] = ('{"run":"%d","skill":%d}\n'):format(i, i) end
    table.insert(lines, 3, "[7]\n")
    local text = table.concat(lines)
    for name, more in pairs { ["in/it's.jsonl"] = [[; `debrief check 'in/it'\''s.jsonl'` names them all]],
      ["a.jsonl"] = "; `debrief check a.jsonl` names them all",
      ["b.jsonl.gz"] = "; `debrief check ./b.jsonl.gz` names them all" } do
      scene:write((name:gsub("%.gz$", "")), text)
      if name:find "%.gz$" then scene:sh "gzip b.jsonl" end
      local r = import("--dry-run", name)
      local said = select(2, r.err:gsub("\n", ""))
      assert.equal(22, said, r.err)
      assert.truthy(r.err:find(("%s: and 1081 more lines like these%s\n"):format(name, more), 1, true), r.err)
      local command = more:match "`debrief (.-)` "
      r = scene:sh('"$DEBRIEF" ' .. command, { DEBRIEF_PLUGIN_PATH = "." })
      assert.same({ "", 3 }, { r.err, r.status })
      for i = 1, 1100 do
        local at = i < 3 and i or i + 1
        local line = ("%s:%d:1 left_out: skill is integer, not string: left out\n"):format(name, at)
        assert.truthy(r.out:find(line, 1, true), at)
      end
      assert.truthy(r.out:find(name .. ":3:" .. #lines[1] * 2 .. " bad_entry: not an object", 1, true), r.out)
      assert.equal(name .. ": toy makes 1100 entries of it: 1 damaged line (1 bad_entry), 1100 fields or records left "
        .. "out", r.out:match "([^\n]*)\n$":gsub("^%./", "")) -- by a path that a session's name cannot be
    end
    local r = scene:sh("cat a.jsonl | $DEBRIEF import --dry-run -", { DEBRIEF_PLUGIN_PATH = "." })
    assert.truthy(r.err:find "more lines like these\n", r.err)
  end)

  it("are found where agents keep them", function()
    local r = import()
    assert.truthy(r.err:find("no logs are where agents keep them", 1, true), r.err)
    assert.equal(1, r.status)
    scene:write("home/.toy/logs/a.jsonl", '{"run":"1"}\n')
    r = import()
    assert.truthy(r.out:find "^toy +/.*/home/.toy/logs: 1 file, 12 B, last written just now\n$", r.out)
    assert.truthy(r.err:find("`debrief import --all` imports them", 1, true), r.err)
    assert.is_nil(scene:read "sessions/s1.jsonl")
    assert.equal("1 entry stored in sessions, from 1 file", counts(import("--all")))
    assert.equal("1 entry stored in kind, from 1 file", counts(import("-d", "kind", "toy")))
    assert.equal(2, import("--all", "toy").status)
  end)

  it("are not stored by a dry run, which counts as an import does", function()
    scene:write("in/a.jsonl", '{"run":"1","at":"2026-11-02T10:00:00Z"}\n{"run":"2"}\n')
    scene:write("in/b.jsonl", '{"run":"2"}\n{"run":"3","open":true}\n')
    local text = "dry run: 2 entries would be stored in sessions, 1 there already, "
      .. "1 withheld (still open; --final imports them), from 2 files"
    assert.equal(text, counts(import("--dry-run", "in")))
    assert.is_nil(scene:read "sessions/s1.jsonl")
    assert.equal("", scene:sh("ls sessions 2>/dev/null").out)
    assert.equal(text:gsub("dry run: ", ""):gsub("would be ", ""), counts(import("in")))
    scene:write("in/a.jsonl", '{"run":"1","at":"2026-11-02T11:00:00Z"}\n{"run":"2"}\n')
    local before = sorted_log()
    assert.truthy(counts(import("--dry-run", "in")):find("0 entries would be stored in sessions, 1 replaced by a "
      .. "longer version, 2 there already", 1, true))
    assert.equal(before, sorted_log())
    assert.truthy(counts(import("in")):find("0 entries stored in sessions, 1 replaced by a longer version, 2 there", 1,
      true))
  end)

  it("are narrowed by --since, and a later import stores the rest", function()
    scene:write("in/a.jsonl", '{"run":"1","at":"2026-11-02T10:00:00Z"}\n{"run":"2","at":"2026-11-20T10:00:00Z"}\n'
      .. '{"run":"3"}\n')
    scene:write("in/old.jsonl", '{"run":"4"}\n')
    scene:sh "touch -d 2026-11-01 in/old.jsonl"
    assert.equal("2 entries stored in sessions, 1 ended before --since, from 2 files, 1 last written to before --since",
      counts(import("--since", "2026-11-10", "in")))
    assert.equal("0 entries stored in sessions, 2 there already, from 2 files, 1 of them unchanged since the last "
      .. "import, 1 last written to before --since", counts(import("--since", "2026-11-10", "in")))
    assert.equal("2 entries stored in sessions, 2 there already, from 2 files", counts(import("in")))
  end)

  it("have their last turns taken as over when nobody has written to them for a day", function()
    scene:write("in/a.jsonl", '{"run":"0"}\n{"run":"1","open":true}\n')
    local withheld = "0 entries stored in sessions, 1 there already, 1 withheld (still open; --final imports them), "
      .. "from 1 file"
    import("in")
    assert.equal(withheld .. ", unchanged since the last import", counts(import("in")))
    scene:sh "touch -d '2 days ago' in/a.jsonl"
    assert.equal(withheld, counts(import("in", "--final-after", "3d")))
    assert.equal(withheld .. ", unchanged since the last import", counts(import("in", "--final-after=never")))
    assert.equal("1 entry stored in sessions, 1 there already, from 1 file", counts(import("in")))
    scene:write("in/b.jsonl", '{"run":"2","open":true}\n')
    assert.equal("1 entry stored in sessions, 2 there already, from 2 files, 1 of them unchanged since the last import",
      counts(import("in", "--final-after", "0")))
    assert.equal(2, import("in", "--final-after", "soon").status)
  end)
end)

describe("a file that was imported", function()
  local UNCHANGED = "0 entries stored in sessions, 2 there already, from 2 files, all unchanged since the last import"

  before_each(function()
    scene = program.scene()
    scene:write("toy.lua", TOY)
    scene:write("in/a.jsonl", '{"run":"1"}\n')
    scene:write("in/b.jsonl", '{"run":"2","in":"s2"}\n')
    import("in")
  end)
  teardown(program.clean)

  it("is not read again", function()
    assert.equal(UNCHANGED, counts(import("in")))
    assert.equal("0 entries stored in sessions, 2 there already, from 2 files", counts(import("in", "--again")))
    scene:write("in/a.jsonl", '{"run":"1"}\n{"run":"9","skill":"' .. ("x"):rep(300) .. '"}\n')
    import("in")
    scene:sh [[cp -p in/a.jsonl a; printf '{"run":"8"' | dd of=in/a.jsonl conv=notrunc 2>/dev/null
      touch -r a in/a.jsonl]]
    assert.equal((UNCHANGED:gsub("2 there", "3 there")), counts(import("in"))) -- a look into it would find another run
  end)

  it("is read when it, its siblings, its importer or what was stored has changed", function()
    local changes = {
      { "echo '{\"run\":\"3\"}' >>in/a.jsonl", 1 },
      { "mkdir in/a; echo '{\"run\":\"4\"}' >in/a/sub.jsonl", 1 },
      { "sleep 0.01; echo '{\"run\":\"5\"}' >>in/a/sub.jsonl", 1 },
      { "echo '{\"run\":\"6\"}' >in/a/sub2.jsonl", 1 },
      { "rm sessions/s2.jsonl", 1 },
      { "rm sessions/s1.jsonl", 5 },
      { "sed -i 's/line.skill/\"x\"/' toy.lua", 0 },
      { "cp -p in/b.jsonl b; sed -i s/2/7/ in/b.jsonl; touch -r b in/b.jsonl", 1 }, -- same size, same time
      { "rm -r sessions/.imported", 0 },
      { "echo nonsense >sessions/.imported", 0 },
      { "echo '{\"v\":1,\"path\":\"in/a.jsonl\",\"by\":\"\",\"entries\":1,\"files\":[],\"sessions\":{},\"withheld\":3}'"
        .. " >sessions/.imported", 0 },
    }
    for _, change in ipairs(changes) do
      scene:sh(change[1])
      local r = import("in")
      assert.equal(("%d"):format(change[2]), counts(r):match "^%d+", change[1] .. "\n" .. r.err)
      assert.falsy(counts(r):find("all unchanged", 1, true), change[1] .. "\n" .. r.err)
      assert.truthy(counts(import("in")):find("all unchanged", 1, true), change[1])
    end
  end)

  it("is not even opened if it was left alone for two seconds", function()
    if program.sanitized or scene:sh("strace -qq true").status ~= 0 then return pending "strace does not work here" end
    local data = program.quote(program.root .. "/tests/data/claude") .. "/[be]*.jsonl" -- a damaged one is read again
    local strace = "strace -qq -f -o trace -e trace=open,openat $DEBRIEF import claude_code " .. data
    local function opened()
      assert.equal(0, scene:sh("rm -f trace; " .. strace).status)
      local n = 0
      for line in scene:read("trace"):gmatch "[^\n]+" do if line:find "data/claude/.*%.jsonl" then n = n + 1 end end
      return n
    end
    assert.truthy(opened() > 0)
    assert.equal(0, opened())
  end)

  it("is read again while it is damaged", function()
    scene:write("in/a.jsonl", '{"run":"1"}\nnot json\n')
    for _ = 1, 2 do assert.equal(3, import("in").status) end
  end)
end)

describe("many files", function()
  teardown(program.clean)

  it("give the same log on any number of workers, in any order, and in two processes at once", function()
    scene = program.scene()
    scene:write("toy.lua", TOY)
    for i = 1, 40 do
      local lines = {}
      for j = 1, 30 do
        lines[j] = ('{"run":"%d","in":"s%d","skill":"%s"}\n'):format(i // 2 * 30 + j, j % 3, ("x"):rep(1000))
      end
      scene:write(("in/%d.jsonl"):format(i), table.concat(lines))
    end
    import("in", "-d", "one", "-j1")
    import("in", "-d", "four", "-j4")
    assert.equal("", scene:sh("diff -r -x .imported one four").out)
    import("-d", "reverse", "toy", table.unpack((function()
      local out = {}
      for i = 40, 1, -1 do out[#out + 1] = ("in/%d.jsonl"):format(i) end
      return out
    end)()))
    assert.equal(sorted_log "one", sorted_log "reverse")
    scene:sh(("export DEBRIEF_PLUGIN_PATH=.; %s import -d two in & %s import -d two in; wait"):format(program.path,
      program.path))
    assert.equal(sorted_log "one", sorted_log "two")
  end)
end)

describe("transcripts that grow", function()
  teardown(program.clean)

  -- Three sessions, of which the last begins with copies of what the first said.
  local function texts()
    local out, first = {}, nil
    for i = 1, 3 do
      local t = transcripts.new(("%d"):rep(4):format(i, i, i, i) .. "1111-0000-4000-8000-000000000001",
        { at = 30000 + i * 4000 })
      if i == 3 then
        for _, record in ipairs(first.records) do
          local copy = transcripts.copy(record)
          copy.sessionId, copy.forkedFrom = t.session, { sessionId = first.session, messageUuid = record.uuid }
          t.records[#t.records + 1] = copy
        end
      end
      for turn = 1, 4 do
        t:user(("do %d of %d"):format(turn, i))
        t:edit(("e%d-%d"):format(i, turn))
        t:bash(("b%d-%d"):format(i, turn), "make test", "ran", turn % 2)
        t:say("Done.", { stop = "end_turn" })
        if turn % 2 == 0 then t:done() end
      end
      first = first or t
      local lines = {}
      for n, record in ipairs(t.records) do lines[n] = cjson.encode(record) .. "\n" end
      out[i] = table.concat(lines)
    end
    return out
  end

  local function sessions(dir)
    return scene:sh("for f in " .. dir .. "/*.jsonl; do echo $f; LC_ALL=C sort $f; done").out:gsub(dir .. "/", "")
  end

  it("give the same sessions as one import, in any order, cut anywhere, by two processes at once", function()
    scene = program.scene()
    local whole = texts()
    for i, text in ipairs(whole) do scene:write(("in/%d.jsonl"):format(i), text) end
    assert.equal(0, import("-d", "once", "claude_code", "--final", "in").status)
    local expected = sessions "once"
    assert.equal(12, select(2, expected:gsub("\n{", "")))
    math.randomseed(7)
    for round = 1, 2 do
      local dir, sizes = "grown" .. round, { 0, 0, 0 }
      for step = 1, 4 do
        for i, text in ipairs(whole) do
          sizes[i] = step == 4 and #text or math.random(sizes[i], math.min(#text, sizes[i] + #text // 3))
          scene:write(("in/%d.jsonl"):format(i), text:sub(1, sizes[i]))
        end
        local at = math.random(0, 2)
        local words = ("in/%d.jsonl "):rep(3):format(at + 1, (at + 1) % 3 + 1, (at + 2) % 3 + 1)
        local final = step == 3 and "--final" or "--final-after never" -- a cut run, and later its longer version
        local command = "$DEBRIEF -d " .. dir .. " import claude_code " .. final .. " " .. words
        scene:sh(command .. " 2>&1 & " .. command .. " 2>&1 & wait")
      end
      assert.equal(0, import("-d", dir, "claude_code", "--final", "in").status)
      assert.equal(expected, sessions(dir), dir)
    end
  end)
end)
