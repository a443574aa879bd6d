-- debrief retro: the same bytes for every number of workers, and the forms of its output.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local scene

-- Sessions of very different sizes, some damaged: 60 of them, 4 MB in all, so that there are several chunks.
local function write_log()
  local random, skills = 12345, { "review", "debug", "implement", "commit" }
  local function next_random(n)
    random = (random * 1103515245 + 12345) % 2147483648
    return random // 65536 % n
  end
  for session = 1, 60 do
    local lines = {}
    for i = 1, session % 9 == 0 and 400 or 12 do
      local verified = next_random(3) > 0
      lines[i] = ('{"session_id":"s%02d","timestamp":"2026-01-%02dT0%d:00:00Z","skill":"%s","attempts":[{"attempt":1,'
        .. '"model":"m%d","runner_output":"error: %s %d","verified":%s}],"final_status":"%s",'
        .. '"duration_ms":%d}\n'):format(
        session, i % 28 + 1, session % 10, skills[next_random(4) + 1], next_random(3), ("xy "):rep(next_random(500)),
        next_random(9), verified, verified and "ok" or "fail", next_random(100000))
    end
    if session % 7 == 0 then lines[3] = "damaged\n" end
    scene:write(("sessions/s%02d.jsonl"):format(session), table.concat(lines))
  end
end

describe("retro", function()
  setup(function()
    scene = program.scene()
    write_log()
    scene:write("sum.lua", [[return { name = "sum", api = 1, retrospective = {
      init = function() return { sum = 0.0, order = {} } end,
      step = function(acc, entry, ctx)
        acc.sum = acc.sum + (entry.duration_ms or 0) / 7
        acc.last = ctx.session .. ":" .. ctx.line
      end,
      merge = function(acc, other) acc.sum = acc.sum + other.sum acc.last = other.last or acc.last end,
      finish = function(acc) return { title = "Sum", text = ("%.17g %s"):format(acc.sum, acc.last) } end } }]])
    scene:write("whole.lua", [[return { name = "whole", api = 1, retrospective = {
      init = function() return { n = 0, sessions = 0 } end,
      step = function(acc, entry, ctx)
        acc.n = acc.n + 1
        if ctx.session == acc.last then return end
        assert(not acc.last or ctx.session > acc.last or ctx.session == "s01")
        acc.last, acc.sessions = ctx.session, acc.sessions + 1
      end,
      finish = function(acc) return { title = "Whole", text = ("%d in %d"):format(acc.n, acc.sessions) } end } }]])
  end)
  teardown(program.clean)

  for _, format in ipairs { "text", "markdown", "json" } do
    it("counts the entries below a report whose init failed", function()
    for i = 1, 3 do scene:write(("failing/f%d.jsonl"):format(i), '{"skill":"a"}\n{"skill":"b"}\n') end
    scene:write("bad.lua", [[return { name = "bad", api = 1, retrospective = { init = function() error "x" end,
      step = function() end, finish = function() return { title = "t" } end } }]])
    for _, jobs in ipairs { "-j1", "-j2" } do
      local r = scene:run { "-d", "failing", "retro", "./bad.lua", jobs }
      assert.equal("6 entries in 3 sessions\n", r.out:match "[^\n]*\n$")
      assert.equal(3, r.status)
    end
  end)

  it("prints the same bytes whatever -j is, as " .. format, function()
      local first
      for _, jobs in ipairs { "1", "2", "5" } do
        local r = scene:run { "retro", "summary,skills,failures,./sum.lua,./whole.lua", "-j", jobs, "--format", format }
        assert.equal(3, r.status)
        first = first or r
        assert.equal(first.out, r.out)
        assert.equal(first.err, r.err)
      end
      assert.equal(8, select(2, first.err:gsub("sessions/s%d%d.jsonl:3:%d+ bad_json: ", "")))
    end)
  end

  it("runs a plugin without merge over all sessions in name order, in one piece", function()
    local r = scene:run { "retro", "./whole.lua", "-j", "2" }
    assert.truthy(r.out:find(("═\n%d in 60\n"):format(6 * 400 + 54 * 12 - 8)), r.out)
    assert.falsy(r.err:find "plugin", r.err)
  end)

  it("prints one JSON object, keys in their order, with every diagnostic", function()
    local r = scene:run { "retro", "summary,./sum.lua", "--format", "json" }
    local start = '{"entries":3040,"sessions":60,"reports":[{"plugin":"summary","title":"Summary",'
    assert.equal(start, r.out:sub(1, #start))
    local object = cjson.decode(r.out)
    assert.equal(2, #object.reports)
    assert.equal(8, #object.diagnostics)
    assert.equal("\n", r.out:match "}(%s*)$")
  end)

  it("takes the sessions named, ids and paths", function()
    local r = scene:run { "retro", "./whole.lua", "s02", "sessions/s01.jsonl" }
    assert.truthy(r.out:find "\n24 in 2\n", r.out)
    assert.truthy(r.out:find "\n24 entries in 2 sessions\n$", r.out)
  end)

  it("writes to a file with -o, the same bytes, and nothing to the screen", function()
    local expected = scene:run({ "retro", "skills", "s01" }).out
    local r = scene:run { "retro", "skills", "s01", "-o", "report.txt" }
    assert.same({ "", "", 0 }, { r.out, r.err, r.status })
    assert.equal(expected, scene:read "report.txt")
    r = scene:run { "retro", "skills", "s01", "-o", "none/report.txt" }
    assert.same({ "debrief: cannot write none/report.txt: No such file or directory\n", 1 }, { r.err, r.status })
    r = scene:run { "retro", "skills", "s01", "-o", "/dev/full" }
    assert.same({ "debrief: cannot write /dev/full: No space left on device\n", 1 }, { r.err, r.status })
  end)

  it("works where no thread can be started", function()
    local strace = "ASAN_OPTIONS=detect_leaks=0 strace -qq -f -o trace -e trace=clone,clone3 " ..
      "-e inject=clone,clone3:error=EAGAIN "
    if scene:sh(strace .. "true").status ~= 0 then return pending "no strace here" end
    local expected = scene:run { "retro", "skills", "-j1" }
    local r = scene:sh(strace .. '"$DEBRIEF" retro skills -j4')
    assert.same({ expected.out, expected.err, expected.status }, { r.out, r.err, r.status })
    assert.truthy(scene:read("trace"):find "EAGAIN")
  end)

  it("keeps the file that -o names when the new one can not be written, and its mode when it can", function()
    local words = " retro summary,skills,failures,attempts --format json -o report.txt"
    local limited = ("trap '' XFSZ; ulimit -f 1; exec %s%s"):format(program.quote(program.path), words)
    scene:write("report.txt", "old\n")
    scene:sh "chmod 640 report.txt; ln -sf report.txt link.txt"
    local r = scene:sh(limited)
    assert.same({ "debrief: cannot write report.txt: File too large\n", 1 }, { r.err, r.status })
    assert.equal("old\n", scene:read "report.txt")
    assert.equal(0, scene:run({ "retro", "summary", "s01", "-o", "link.txt" }).status)
    assert.truthy(scene:read("report.txt"):find "^Summary")
    assert.equal("640\n", scene:sh("stat -c %a report.txt").out)
    scene:sh "rm report.txt link.txt"
    assert.equal(1, scene:sh(limited).status)
    assert.equal("", scene:sh("ls | grep report || true").out)
  end)

  it("writes a new file for its owner only, and through no link where anybody may put one", function()
    scene:sh "mkdir shared; chmod 1777 shared; echo mine >mine.txt; ln -s ../mine.txt shared/report.txt"
    assert.equal(0, scene:run({ "retro", "summary", "s01", "-o", "shared/new.txt" }).status)
    assert.equal("600\n", scene:sh("stat -c %a shared/new.txt").out)
    local r = scene:run { "retro", "summary", "s01", "-o", "shared/report.txt" }
    assert.same({ 1, "debrief: cannot write shared/report.txt: Too many levels of symbolic links\n" },
      { r.status, r.err })
    assert.equal("mine\n", scene:read "mine.txt")
    assert.equal("../mine.txt\n", scene:sh("readlink shared/report.txt").out) -- it stays
    -- a partial result holds what the log does
    scene:sh "umask 000; rm shared/new.txt; exec \"$DEBRIEF\" retro summary s01 --partial -o shared/new.txt"
    assert.equal("600\n", scene:sh("stat -c %a shared/new.txt").out)
    r = scene:run { "retro", "summary", "s01", "--partial", "-o", "shared/report.txt" }
    assert.same({ 1, "mine\n", "../mine.txt\n" },
      { r.status, scene:read "mine.txt", scene:sh("readlink shared/report.txt").out })
  end)

  it("has a report for a log without entries, and without sessions", function()
    local empty = program.scene()
    empty:sh "mkdir sessions"
    for _, bytes in ipairs { "", "\n\n" } do
      for _, name in ipairs { "summary", "skills", "failures" } do
        for _, format in ipairs { "text", "json", "markdown" } do
          local r = empty:run { "retro", name, "--format", format }
          assert.same({ "", 0 }, { r.err, r.status }, name)
          assert.truthy(#r.out > 10)
        end
      end
      empty:write("sessions/s1.jsonl", bytes)
    end
    local r = empty:run { "retro", "summary", "-j", "2" }
    assert.truthy(r.out:find "\n0 entries in 1 session\n$", r.out)
  end)

  it("fails, but reports on what it read, if a session cannot be read", function()
    local other = program.scene()
    other:write("sessions/s1.jsonl", '{"skill":"a"}\n')
    other:write("sessions/s2.jsonl", '{"skill":"b"}\n')
    other:write("in.jsonl", "")
    if not other:unprivileged() then return pending "setpriv cannot drop root here" end
    other:sh "chmod 000 sessions/s2.jsonl"
    local r = other:unprivileged "retro summary -j1"
    assert.equal(1, r.status)
    assert.truthy(r.err:find("debrief: cannot open sessions/s2.jsonl: Permission denied\n", 1, true), r.err)
  end)

  it("lists the retrospectives where none is named", function()
    local r = scene:sh '"$DEBRIEF" retro'
    assert.same({ 0, "" }, { r.status, r.err })
    assert.truthy(r.out:find("\nskills +Each skill: pass rate"), r.out)
    assert.falsy(r.out:find "redact")
  end)

  it("ends with a hint where a text of --where lacks its quotes", function()
    local small = program.scene()
    small:write("sessions/s01.jsonl", scene:read "sessions/s01.jsonl")
    for expression, meant in pairs {
      ["skill == review and final_status == ok and phase ~= nil and skill ~= phase"] =
        "review': a text stands in quotes: "
        .. 'skill == "review" and final_status == "ok" and phase ~= nil and skill ~= phase',
      ["skill == review"] = 'review\': a text stands in quotes: skill == "review"',
      ["model_used ~= claude-sonnet-4 or skill == 'a'"] =
        'claude-sonnet-4\': a text stands in quotes: model_used ~= "claude-sonnet-4" or skill == \'a\'',
      ["'x == y' ~= skill and skill == reviw"] =
        'reviw\': a text stands in quotes: \'x == y\' ~= skill and skill == "reviw"',
    } do
      local words = { "--where", expression }
      for _, command in ipairs { { "read" }, { "retro", "skills" } } do
        local r = small:run(table.move(words, 1, 2, #command + 1, command))
        assert.same({ 2, "debrief: where: no entry has a field '" .. meant },
          { r.status, r.err:match "([^\n]*)\n$" })
      end
    end
    for _, expression in ipairs { "skill == nosuch.field", "nosuch == 3", "skill == nosuch(1)", "nosuch",
      "skill == session_id" } do
      local r = small:run { "read", "--where", expression }
      assert.falsy(r.err:find "in quotes", expression)
    end
  end)

  it("refuses as usage what names no plugin or no number of workers", function()
    for words, message in pairs {
      ["retro ,"] = "retro: no plugin named (`debrief plugins` lists them)",
      ["retro skills -j 0"] = "-j takes 1 to 256 workers, not '0' (debrief --help)",
      ["retro skills -j 257"] = "-j takes 1 to 256 workers, not '257' (debrief --help)",
      ["retro skills -j two"] = "-j takes 1 to 256 workers, not 'two' (debrief --help)",
      ["retro skills --format yaml"] = "--format takes text, markdown, json, csv, tsv, html or junit, "
        .. "not 'yaml': did you mean 'html'? (debrief --help)",
      ["retro skill"] = "no plugin 'skill': did you mean 'skills'? (`debrief plugins` lists them; a path "
        .. "needs a '/': ./skill.lua)",
    } do
      local r = scene:sh('"$DEBRIEF" ' .. words)
      assert.same({ "debrief: " .. message .. "\n", "", 2 }, { r.err, r.out, r.status })
    end
  end)

  it("counts all entries, also when the retrospectives of one pass have stopped", function()
    scene:write("fails.lua", [[return { name = "fails", api = 1, retrospective = { init = function() return {} end,
      step = function() error "no" end, merge = function() end, finish = function() return {} end } }]])
    local r = scene:run { "retro", "./whole.lua", "-j", "1" }
    local both = scene:run { "retro", "./fails.lua,./whole.lua", "-j", "2" }
    assert.equal(r.out, both.out)
    assert.truthy(both.err:find("plugin 'fails', step: stopped after 100 errors", 1, true), both.err)
  end)
end)
