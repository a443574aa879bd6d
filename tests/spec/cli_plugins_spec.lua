-- debrief plugins: the list, and one of them shown.
local program = dofile "tests/spec/support/program.lua"

describe("plugins", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("lists every bundled plugin by name, with hooks and summary", function()
    local r = scene:run { "plugins" }
    assert.same({ "", 0 }, { r.err, r.status })
    local names, files = {}, {}
    for name, hooks, summary in r.out:gmatch "([^\n ]+) +([^\n ]+) +([^\n]+)\n" do
      names[#names + 1] = name
      assert.truthy(hooks:find "^[a-z,]+$", hooks)
      assert.truthy(#summary > 10, summary)
    end
    local pipe = assert(io.popen "ls plugins | sed -n 's/[.]lua$//p' | LC_ALL=C sort")
    for name in pipe:lines() do files[#files + 1] = name end
    pipe:close()
    assert.same(files, names)
  end)

  it("waits for no file in a plugin folder, nor do completions", function()
    scene:write("mine/good.lua",
      "return { name = 'good', api = 1, summary = 'fine', filter = function() return true end }")
    scene:write("mine/loop.lua", "while true do end")
    scene:write("mine/zloop.lua", "('a'):rep(3000):find(('.-'):rep(5) .. 'b')")
    local labels = {} -- the compiler compares each with all before it
    for i = 1, 30000 do labels[i] = ("::l%d:: do end"):format(i) end
    scene:write("mine/labels.lua", ("do %s end\n"):format(table.concat(labels)):rep(20))
    scene:sh "mkfifo mine/fifo.lua; mkdir mine/folder.lua; ln -s /dev/zero mine/zero.lua; ln -s loop mine/dangling.lua"
    local env = { DEBRIEF_PLUGIN_PATH = "mine" }
    local r = scene:sh("timeout -s KILL 60 $DEBRIEF plugins --plugin-time=0.1", env)
    assert.equal(3, r.status)
    assert.truthy(r.out:find "\ngood +filter +fine\n", r.out)
    for _, name in ipairs { "loop", "zloop", "labels" } do
      local line = ("plugin does not load: mine/%s.lua: loading it took more than 100 ms\n"):format(name)
      assert.truthy(r.err:find(line, 1, true), r.err)
    end
    r = scene:sh("timeout -s KILL 60 $DEBRIEF read --filter fifo", env)
    assert.truthy(r.status == 2 and r.err:find "no plugin 'fifo'", r.err)
    r = scene:sh("timeout -s KILL 60 $DEBRIEF completion zsh -- read --filter goo", env)
    assert.same({ "good\tfine\n", "", 0 }, { r.out, r.err, r.status })
  end)

  it("lists what does not load as an error, and the others all the same", function()
    scene:write("mine/bad.lua", "return {")
    scene:write("mine/good.lua",
      "return { name = 'good', api = 1, summary = 'fine', filter = function() return true end }")
    scene:write("mine/abuse.lua", [[
      for _, library in ipairs { string, table, math } do for name in pairs(library) do library[name] = nil end end
      pairs, ipairs, type = nil, nil, nil
      return { name = "abuse", api = 1, summary = ("x"):rep(3), filter = function() return true end }]])
    scene:write("mine/bug.lua", "error 'boom'")
    scene:write("mine/README.md", "no plugin")
    scene:write("mine/Not-one.lua", "no plugin")
    local r = scene:run { "plugins", env = { DEBRIEF_PLUGIN_PATH = "mine" } }
    assert.equal("debrief: plugin does not load: mine/bad.lua:1: unexpected symbol near <eof>\n"
      .. "debrief: plugin does not load: mine/bug.lua:1: boom\n", r.err)
    assert.equal(3, r.status)
    assert.truthy(r.out:find "^abuse +filter +xxx\n", r.out)
    assert.truthy(r.out:find "\ngood +filter +fine\n", r.out)
    assert.truthy(r.out:find "\nsummary ", r.out)
  end)

  it("folds summaries on a terminal, and lines them up", function()
    local r = scene:sh([[script -qec 'stty cols 60; "$DEBRIEF" plugins' /dev/null </dev/null]])
    if r.status == 127 then return pending "no script(1) here" end
    local left = r.out:match("\n(slow +%S+ +)")
    assert.truthy(r.out:find("\n" .. left .. "Runs that", 1, true), r.out)
    for line in r.out:gmatch "[^\r\n]+" do assert.truthy(utf8.len(line) <= 60, line) end
    for indent in r.out:gmatch "\n( +)%S" do assert.equal(#left, #indent) end
  end)

  it("shows one: where it comes from, its hooks and options", function()
    scene:write("p.lua", [[return { name = "p", api = 1, summary = "What p does",
      options = { limit = { type = "integer", default = 3, min = 1, max = 9, help = "how many" },
        off = { type = "boolean" }, by = { type = "string", default = "", choices = { "", "day" } } },
      enrich = function() end, filter = function() return true end }]])
    local r = scene:run { "plugins", "./p.lua" }
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(r.out:find("p: What p does\n", 1, true), r.out)
    assert.truthy(r.out:find("./p.lua\n", 1, true), r.out)
    assert.truthy(r.out:find("\nhooks: enrich, filter\n", 1, true), r.out)
    assert.truthy(r.out:find "limit +integer, default 3, at least 1, at most 9\n +how many\n", r.out)
    assert.truthy(r.out:find "off +boolean\n$", r.out)
    assert.truthy(r.out:find 'by +string, default "", one of "", day\n', r.out)
  end)

  it("names the fields that its text and match name", function()
    scene:write("f.lua", [[return { name = "f", api = 1, match = { kind = "x" }, enrich = function(e) e.a = e.b end,
      retrospective = { init = function() return {} end, step = function(acc, entry, ctx) acc.n = entry.c end,
        finish = function(acc) return { title = acc.d } end } }]])
    local r = scene:run { "plugins", "./f.lua" }
    assert.truthy(r.out:find("\nfields it names: a, b, c, kind\n", 1, true), r.out)
    scene:write("a.lua", [[return { name = "a", api = 1,
      filter = function(run) for _ in require "debrief".attempts(run) do return true end return false end }]])
    assert.truthy(scene:run({ "plugins", "./a.lua" }).out:find("\nfields it names: attempts\n", 1, true))
  end)

  describe("--check", function()
    local function checked(text, ...)
      for i = 1, 4 do scene:write(("sessions/s%d.jsonl"):format(i), ('{"skill":"a"}\n{"skill":"b"}\n'):rep(i)) end
      scene:write("p.lua", text)
      return scene:run { "plugins", "--check", "./p.lua", ... }
    end

    local RETRO = [[local debrief, seen = require "debrief", {}
      return { name = "p", api = 1, retrospective = { init = function() return { n = 0 } end,
        step = function(acc, entry) %s end, merge = function(acc, other) acc.n = acc.n + other.n end,
        finish = function(acc) return { title = tostring(acc.n) } end } }]]

    it("finds state of a retrospective that is not in its accumulator", function()
      if program.sanitized then return pending "an isolated process has no room for a sanitizer" end
      for _, more in ipairs { {}, { "--isolate" } } do
        local r = checked(RETRO:format "if not seen[entry.skill] then acc.n = acc.n + 1 end seen[entry.skill] = true",
          table.unpack(more))
        assert.same({ 1, "" }, { r.status, r.err })
        assert.truthy(r.out:find("p: it keeps state outside of its accumulator, so its results change with -j: "
          .. "report.title is 2 in one run, 6 in fresh states\n", 1, true), r.out)
      end
      local r = checked(RETRO:format "acc.n = acc.n + 1")
      assert.equal(0, r.status)
      assert.truthy(r.out:find("p: 3 pieces, each in a fresh state, have the same result\n", 1, true), r.out)
    end)

    it("finds state of filters and enrichers", function()
      for _, hook in ipairs { "filter = function() n = n + 1 return n % 3 == 0 end",
        "enrich = function(entry) n = n + 1 entry.n = n end" } do
        local r = checked(("local n = 0 return { name = 'p', api = 1, %s }"):format(hook))
        assert.equal(1, r.status)
        assert.truthy(r.out:find("p: it keeps state outside of its hooks, so its results change with -j: what becomes "
          .. "of entry ", 1, true), r.out)
      end
      assert.equal(0, checked("return { name = 'p', api = 1, filter = function(e) return e.skill == 'a' end }").status)
    end)

    it("finds reports that differ from run to run", function()
      local r = checked((RETRO:format "acc.n = acc.n + 1":gsub("tostring%(acc.n%)", "tostring({})")))
      assert.equal(1, r.status)
      assert.truthy(r.out:find("two runs over the same entries differ: report.title is table: ", 1, true)
        or r.out:find("the law of merge is broken", 1, true), r.out)
    end)

    it("says what it could not test", function()
      checked(RETRO:format "acc.n = acc.n + 1")
      scene:sh "rm sessions/s[234].jsonl"
      local r = scene:run { "plugins", "--check", "./p.lua" }
      assert.equal("p: loads; hooks: retrospective\np: 2 entries of 1 session: no errors\n"
        .. "p: the law of merge was not tested: that takes entries in two sessions\n", r.out)
    end)
  end)

  describe("--check of an importer", function()
    local LOG = [[
{"id":"a1","host":"web-1","task":"deploy"}
{"id":"a2","host":"web-1","task":"rollback"}
{"id":"a3","host":"web-2","task":"deploy","open":true}
]]

    -- An importer with something in its loop, before it, and on file level.
    local function importer(loop, before, file, detect)
      return ([[local debrief = require "debrief"
        local cjson = require "cjson"
        %s
        return { name = "deploys", api = 1, import = { files = { "deploy*.jsonl" },
          detect = function(path, head) %s end,
          open = function(source, emit, ctx)
            %s
            for line, number in source:lines() do
              local entry = { session_id = debrief.session_id(line.host), skill = line.task,
                source = { kind = "deploys", key = line.id } }
              %s
              emit(entry, { open = line.open })
            end
          end } }]]):format(file or "", detect or "return head:find '\"task\"' ~= nil", before or "", loop or "")
    end

    local function checked(text, ...)
      scene:write("deploys.lua", text)
      scene:write("deploy.jsonl", LOG)
      return scene:run { "plugins", "--check", "./deploys.lua", ... }
    end

    it("runs it whole, again, with --final and cut", function()
      local expected = "deploys: loads; hooks: import\n"
        .. "deploys: deploy.jsonl: 3 entries in 2 sessions, 1 of them withheld without --final\n"
        .. "deploys: deploy.jsonl: the same entries in fresh states, and when it is read again\n"
        .. "deploys: deploy.jsonl, cut in 4 places: no errors, and no other keys\n"
      local r = checked(importer(), "deploy.jsonl")
      assert.same({ expected, "", 0 }, { r.out, r.err, r.status })
      if not program.sanitized then
        r = checked(importer(), "deploy.jsonl", "--isolate")
        assert.same({ expected, "", 0 }, { r.out, r.err, r.status })
      end
      scene:sh "gzip -k deploy.jsonl"
      r = checked(importer(), "deploy.jsonl.gz")
      assert.same({ expected, "", 0 }, { r.out, r.err, r.status })
    end)

    it("reports each fault with the hook and the line", function()
      local function finds(want, ...)
        local r = checked(importer(...), "deploy.jsonl")
        assert.equal(1, r.status, r.err)
        assert.truthy((r.out .. r.err):find(want, 1, true), r.out .. r.err)
      end
      finds("deploys: import.detect: it does not recognise deploy.jsonl, which looks like JSON lines that begin with "
        .. "an object with host, id, task\n", nil, nil, nil, "return false")
      finds("plugin 'deploys', detect: ./deploys.lua:5: attempt to", nil, nil, nil, "return head.x.y")
      finds("plugin 'deploys', import: ./deploys.lua:11: attempt to index a nil value (field 'x') (at deploy.jsonl:2)",
        "if number == 2 then line.x.y = 1 end")
      finds("import.open: deploy.jsonl:2: emit: duration_ms is string, not integer: left out\n",
        "if number == 2 then entry.duration_ms = '5' end")
      finds("import.open: deploy.jsonl:2: key 'same' of session web-1 is used twice, the first time at deploy.jsonl:1: "
        .. "only one of the two entries is stored\n", "entry.source.key = 'same'")
      finds("import.open: it keeps state outside of open, so what it emits depends on the files before: "
        .. "deploy.jsonl:1: the entry with key '1' of session web-1 is in one of them only\n",
        "n = n + 1 if n > 3 then return end entry.source.key = tostring(n)", nil, "local n = 0")
      finds("import.open: it keeps state outside of open", "entry.phase = tostring(seen[line.id]) seen[line.id] = true",
        nil, "local seen = {}")
      finds("import.open: two runs over the same file differ (math.random, or the order of next?): "
        .. "deploy.jsonl:1: the entry with key 'a1' of session web-1 has ",
        "entry.phase = tostring(math.random(1 << 40))")
      finds("import.open: deploy.jsonl:1: the entry with key 'a1' of session web-1 is missing with --final",
        "if ctx.final and number == 1 then entry.source.key = 'b1' end")
      finds("import.open: deploy.jsonl: the error comes when the file ends after ", nil,
        "for line in source:read():gmatch '[^\\n]+' do cjson.decode(line) end")
      finds("and the whole file has no such key: it must not change as a file grows",
        "entry.source.key = 'of-' .. size .. line.id", "local size = #source:read()")
      finds("import.open: deploy.jsonl: no entry was stored, so nothing else could be checked", "do return end")
    end)

    it("says what it could not try", function()
      local r = checked(importer())
      assert.same({ "deploys: loads; hooks: import\n"
        .. "deploys: its import was not run: name files for that (deploy*.jsonl)\n", "", 0 },
        { r.out, r.err, r.status })
      r = checked(importer(), "absent.jsonl")
      assert.same({ 1, "debrief: absent.jsonl: No such file or directory\n" }, { r.status, r.err })
      r = checked(importer(), ".")
      assert.same({ 2, "debrief: plugins --check: name files, not folders or -\n" }, { r.status, r.err })
      r = scene:run { "plugins", "./deploys.lua", "deploy.jsonl" }
      assert.same({ 2, "debrief: plugins: a FILE goes with --check\n" }, { r.status, r.err })
      r = scene:run { "plugins", "--check", "summary", "deploy.jsonl" }
      assert.same({ 2, "debrief: plugins --check: summary has no import hook, so it reads no deploy.jsonl\n" },
        { r.status, r.err })
      scene:sh [[sqlite3 notes.db 'create table notes(id text); insert into notes values ("n1")']]
      scene:write("rows.lua", [[return { name = "rows", api = 1, import = { open = function(source, emit)
        for row in source:rows "select id from notes" do
          emit { session_id = "notes", source = { kind = "rows", key = row.id } }
        end
      end } }]])
      r = scene:run { "plugins", "--check", "./rows.lua", "notes.db" }
      assert.same({ "rows: loads; hooks: import\n"
        .. "rows: it has no import.detect, so it reads files only if the user names it as the KIND\n"
        .. "rows: notes.db: 1 entry in 1 session, 0 of them withheld without --final\n"
        .. "rows: notes.db: the same entries in fresh states, and when it is read again\n"
        .. "rows: notes.db was not tried cut: it is not a text\n", "", 0 }, { r.out, r.err, r.status })
    end)
  end)

  it("calls a match alone a filter, which --check tries", function()
    scene:write("m.lua", [[return { name = "m", api = 1, match = { skill = "a" } }]])
    local r = scene:run { "plugins", "./m.lua" }
    assert.same({ "m\nfile: ./m.lua\nhooks: filter\nfields it names: skill\n", "", 0 }, { r.out, r.err, r.status })
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n')
    r = scene:run { "plugins", "--check", "./m.lua" }
    assert.equal("m: loads; hooks: filter\nm: 1 entry of 1 session: no errors\n", r.out)
  end)

  it("fails with 2 for one that does not exist or does not load", function()
    local r = scene:run { "plugins", "sumary" }
    assert.equal(2, r.status)
    assert.truthy(r.err:find "^debrief: no plugin 'sumary': did you mean 'summary'%?", r.err)
    scene:write("p.lua", "return 1")
    r = scene:run { "plugins", "./p.lua" }
    assert.same({ "debrief: plugin does not load: ./p.lua: a plugin returns a table, this one returned number\n",
      "", 2 },
      { r.err, r.out, r.status })
  end)

  it("prints the source of a plugin, to copy", function()
    local r = scene:run { "plugins", "skills", "--source" }
    assert.same({ 0, program.read "plugins/skills.lua", "" }, { r.status, r.out, r.err })
    for words, message in pairs { ["--source"] = "plugins --source: name a plugin",
      ["skills --source --check"] = "plugins: --source and --check do not go together" } do
      r = scene:sh('"$DEBRIEF" plugins ' .. words)
      assert.same({ 2, "debrief: " .. message .. "\n", "" }, { r.status, r.err, r.out })
    end
    assert.equal(2, scene:run({ "plugins", "nosuch", "--source" }).status)
  end)
end)
