-- Plugins in processes of their own: the same answers, and nothing within reach.
local program = dofile "tests/spec/support/program.lua"

-- With a sanitizer in it the isolated process needs more address space than it is given.
local build = assert(io.popen("nm " .. program.quote(program.build .. "/libdebrief-log.a")))
local sanitized = build:read("a"):find "__asan_init" or (os.getenv "LD_PRELOAD" or ""):find "san"
build:close()

local data = program.root .. "/tests/data"

describe("--isolate", function()
  local scene

  setup(function()
    scene = program.scene()
    scene:sh(("cp -r %s sessions"):format(program.quote(data .. "/sessions")))
  end)
  teardown(program.clean)

  if sanitized then return pending "an isolated process has no room for a sanitizer" end
  do
    local r = program.scene():run { "run", "-", stdin = [[local worker, message = require "debrief.core".isolated(5)
      print(worker and "here" or message)]] }
    if r.out:find "cannot isolate" then return pending(r.out) end
  end

  -- The same words with and without it.
  local function both(words)
    local isolated = { table.unpack(words) }
    isolated[#isolated + 1] = "--isolate"
    local a, b = scene:run(words), scene:run(isolated)
    return { a.out, a.err, a.status }, { b.out, b.err, b.status }
  end

  it("gives the same reports, entries and checks", function()
    scene:write("bad.lua", [[return { name = "bad", api = 1, filter = function(e) return e.skill.x.y end }]])
    for _, words in ipairs { { "retro", "summary,failures,trend,skills,lessons", "--format", "json" },
      { "retro", "summary", "--since", "2026-10-01", "--where", "skill == 'debug'" },
      { "retro", "stuck", "--last", "7" },
      { "retro", "summary", "--enrich", "outcome", "--filter", "failed" },
      { "read", "--filter", "failed", "--format", "jsonl" }, { "read", "--filter", "./bad.lua", "--format", "jsonl" },
      { "read", "--enrich", "outcome", "--last", "3", "--fields", "session,line,outcome" },
      { "plugins", "skills", "--check" } } do
      local plain, isolated = both(words)
      assert.same(plain, isolated)
    end
    assert.equal(2, scene:run({ "retro", "summary", "--isolate", "--opt", "x=1" }).status)
    assert.equal(2, scene:run({ "read", "--follow", "--isolate" }).status)
  end)

  it("imports the same, and is the default for an importer that nobody vouches for", function()
    scene:sh(("cp -r %s claude; sed 's/\"claude_code\"/\"theirs\"/g' %s/plugins/claude_code.lua >theirs.lua"):format(
      program.quote(data .. "/claude"), program.quote(program.root)))
    scene:sh "sed -i 's/name = \"claude_code\"/name = \"theirs\"/' theirs.lua"
    local plain = scene:run { "-d", "plain", "import", "claude_code", "claude" }
    local isolated = scene:run { "-d", "isolated", "import", "./theirs.lua", "claude" }
    assert.same({ 3, 3 }, { plain.status, isolated.status }, isolated.err)
    assert.equal("", scene:sh("sed -i s/theirs/claude_code/g isolated/*; diff -r -x .imported plain isolated").out)
    scene:write("theirs.lua", [[return { name = "theirs", api = 1, import = { siblings = { "**" },
      open = function(source, emit)
      local ok, text = pcall(function() return source:read() end)
      emit { session_id = "s", skill = tostring(ok), source = { kind = "k", key = "1" } }
      for _, one in ipairs(source:siblings()) do
        emit { session_id = "s", skill = one.path, source = { kind = "k", key = one.path } }
      end
    end } }]])
    scene:sh "mkdir -p in/sub; echo '{}' >in/a.jsonl; echo '{}' >in/sub/b.jsonl; echo '{}' >c.jsonl"
    assert.equal(0, scene:run({ "-d", "d", "import", "./theirs.lua", "in/a.jsonl" }).status)
    assert.equal("true\nin/sub/b.jsonl\n", scene:run({ "-d", "d", "read", "--fields", "skill" }).out)
  end)

  it("is refused where a part of it is missing; where it is the default, one warning names the part", function()
    scene:write("mine.lua", [=[return { name = "mine", api = 1, import = { open = function(source, emit)
      emit { session_id = "s", skill = "x", source = { kind = "k", key = "1" } } end } }]=])
    scene:write("one.jsonl", "{}\n")
    for part, call in pairs { Landlock = "landlock_create_ruleset", no_new_privs = "prctl:error=EINVAL:when=1" } do
      local strace = ('strace -qq -f -o trace -e inject=%s "$DEBRIEF" -d %s import ./mine.lua one.jsonl'):format(
        call:find ":" and call or call .. ":error=ENOSYS", part)
      if scene:sh("strace -qq -o trace true").status ~= 0 then return pending "no strace here" end
      local missing = "debrief: this system cannot isolate plugins: " .. part .. " is not available"
      local r = scene:sh(strace .. " --isolate")
      assert.truthy(r.status ~= 0 and r.err:find(missing, 1, true), r.err)
      assert.equal("", scene:sh("cat " .. part .. "/*.jsonl 2>/dev/null").out)
      r = scene:sh(strace)
      assert.equal(0, r.status, r.err)
      assert.equal(1, select(2, r.err:gsub("cannot isolate plugins", "")), r.err)
      assert.truthy(r.err:find(missing .. "; plugins run in the reduced environment only", 1, true), r.err)
      assert.equal("s\n", scene:run({ "-d", part, "read", "--fields", "session_id" }).out)
    end
  end)

  it("stores entries through an enricher", function()
    local r = scene:run { "-d", "e", "append", "s", "skill=x", "final_status=error", "--enrich", "outcome",
      "--isolate" }
    assert.equal(0, r.status)
    assert.equal("fail\n", scene:run({ "-d", "e", "read", "--fields", "outcome" }).out)
  end)

  local HARNESS = [[local core = require "debrief.core"
    local worker = core.isolated(1)
    local job = { plugins = { { name = "p", path = "./p.lua", text = text, options = {}, allow = {} } }, query = {},
      enrich = { "p" }, filter = {}, retro = {}, import = {}, dir = "sessions", now = 0 }
    local function ask(name, value, serve)
      local ok, packed, message = pcall(worker.call, worker, name, core.pack(value), serve or error)
      return ok and packed and core.unpack(packed), message or packed
    end]]

  local function harness(plugin, code)
    local text = ("local text = %q\n%s\n%s"):format(plugin, HARNESS, code)
    return scene:run { "run", "-", stdin = text }
  end

  local QUIET = [[return { name = "p", api = 1, enrich = function() end }]]

  it("ends a process that is silent, and says so", function()
    local r = harness([[return { name = "p", api = 1, enrich = function() while true do end end }]], [[
      assert(ask("setup", job))
      print(select(2, ask("enrich", { text = '{"skill":"a"}', session = "s", line = 1 })))
      print(pcall(worker.call, worker, "enrich", ""))]])
    assert.truthy(r.out:find "did not answer for 1 s and was ended", r.out)
    assert.truthy(r.out:find "this worker is closed", r.out)
  end)

  it("has no files, no programs and no new descriptors", function()
    local r = harness(QUIET, [[assert(ask("setup", job))
      local answer = ask("follow", { fd = 1, format = "jsonl" })
      print(answer and answer.failure)
      local pipe = io.popen("pgrep -P $PPID -f debrief-isolated | head -1")
      local pid = pipe:read "n"
      pipe:close()
      for line in io.lines("/proc/" .. pid .. "/status") do
        if line:find "^Seccomp:" or line:find "^NoNewPrivs:" or line:find "^Threads:" then print(line) end
      end
      for line in io.lines("/proc/" .. pid .. "/limits") do
        if line:find "^Max open files" or line:find "^Max file size" then print((line:gsub(" +", " "))) end
      end
      print(#io.popen("ls /proc/" .. pid .. "/fd"):read "a", #io.open("/proc/" .. pid .. "/environ"):read "a")
      worker:close()]])
    assert.truthy(r.out:find "Operation not permitted", r.out .. r.err)
    assert.truthy(r.out:find "NoNewPrivs:\t1" and r.out:find "Seccomp:\t2" and r.out:find "Threads:\t1", r.out)
    assert.truthy(r.out:find "Max open files 0 0" and r.out:find "Max file size 0 0", r.out)
    assert.truthy(r.out:find("\n6\t%d+\n"), r.out) -- 0, 1 and 2
  end)

  it("does not get more memory than it is given", function()
    scene:write("big.lua", [[return { name = "big", api = 1, filter = function()
      local t = {}
      while true do t[#t + 1] = ("x"):rep(1 << 20) .. #t end
    end }]])
    local r = scene:run { "read", "harbor-tides:1", "--filter", "./big.lua", "--isolate", "--plugin-time=30" }
    assert.equal(3, r.status)
    assert.truthy(r.err:find("filter: not enough memory: plugins may use 268435456 bytes here", 1, true), r.err)
  end)

  it("is served nothing but what the call is about", function()
    scene:write("secret.jsonl", '{"secret":1}\n')
    local r = scene:run { "run", "-", stdin = [[
      local core, isolate = require "debrief.core", require "debrief.run.isolate"
      local worker = isolate.worker({}, "sessions")
      local asked
      worker.raw = { call = function(_, _, _, serve) return serve(core.pack(asked)) end, close = function() end }
      local function try(request, given)
        asked = request
        local answer = core.unpack(worker:call("other", core.pack(given)))
        local shown = answer.text or answer.texts or answer.message or answer.failure and answer.failure.message
        print(request.what, request.path, shown == "" and "-" or shown or #answer)
      end
      local given = { path = "in/a.jsonl", name = "p" }
      worker.declared.p = { "sub/*" }
      for _, path in ipairs { "in/a.jsonl", "in/sub/b.jsonl", "secret.jsonl", "in/../secret.jsonl", "/etc/passwd",
        "../x", "inner" } do
        try({ what = "slurp", path = path }, given)
        try({ what = "lines", path = path }, given)
      end
      try({ what = "list", path = "/etc" }, given)
      try({ what = "list", path = "in/.." }, given)
      try({ what = "entries", path = "/etc/passwd" }, {})
      try({ what = "run", path = "x" }, given)]] }
    local out = r.out:gsub("{}\n\n", "{}\n")
    assert.equal([[
slurp	in/a.jsonl	{}
lines	in/a.jsonl	{}
slurp	in/sub/b.jsonl	{}
lines	in/sub/b.jsonl	{}
slurp	secret.jsonl	this file is not the import's
lines	secret.jsonl	this file is not the import's
slurp	in/../secret.jsonl	this file is not the import's
lines	in/../secret.jsonl	this file is not the import's
slurp	/etc/passwd	this file is not the import's
lines	/etc/passwd	this file is not the import's
slurp	../x	this file is not the import's
lines	../x	this file is not the import's
slurp	inner	this file is not the import's
lines	inner	this file is not the import's
list	/etc	0
list	in/..	0
entries	/etc/passwd	-
run	x	0
]], out, r.err)
  end)
end)
