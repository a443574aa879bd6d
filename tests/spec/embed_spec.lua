-- The examples of tests/embed: built against the installed tree as their first lines say, run, and looked at.
-- UNDER is what they run under: `make valgrind` sets it.
local program = dofile "tests/spec/support/program.lua"
local installed = dofile "tests/spec/support/installed.lua"

local under = os.getenv "UNDER" or ""
local strict = "-std=gnu11 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -g "

describe("the example", function()
  local tree
  setup(function() tree = installed.tree() end)
  before_each(function() tree:must "rm -rf sessions" end)
  teardown(installed.clean)

  -- Build the example with the very command of its head comment; warnings are errors.
  local function build(name)
    local source = program.read("tests/embed/" .. name .. ".c")
    local command = source:match "\n %*     cc ([^\n]+)\n"
    assert(command, name .. ".c does not say how to build it")
    tree.scene:write(name .. ".c", source)
    tree:must("$CC " .. strict .. command)
  end

  -- Run it; `input` is its standard input. Returns output and exit status.
  local function run(command, input)
    tree.scene:write(".in", input or "")
    return tree:sh(under .. " " .. command .. " <.in")
  end

  describe("minimal", function()
    setup(function() build "minimal" end)

    it("appends and reads back", function()
      local r = run "./minimal"
      assert.equal("1 implement ok\n2 review error\n", r.out)
      assert.equal(0, r.status)
    end)

    it("goes on after a damaged line, and names it", function()
      tree.scene:write("sessions/s1.jsonl", '{"skill":"old"}\n{"cut":\n')
      local r = run "./minimal"
      assert.equal(0, r.status, r.out)
      assert.truthy(r.out:find "s1.jsonl:2: [^\n]+\n", r.out)
      assert.truthy(r.out:find "\n3 implement ok\n4 review error\n", r.out)
    end)

    it("says what went wrong", function()
      tree.scene:write("sessions/s1.jsonl/not-a-file", "")
      local r = run "./minimal"
      assert.equal(1, r.status)
      assert.truthy(r.out:find "minimal: [^\n]*s1.jsonl[^\n]*\n$", r.out)
    end)
  end)

  describe("event_loop", function()
    setup(function() build "event_loop" end)

    it("shows what it appends itself", function()
      local r = run("./event_loop", "s1 implement ok\nnonsense\ns2 review fail\ns1 debug ok\nno newline")
      assert.equal(0, r.status, r.out)
      local seen = {}
      for line in r.out:gmatch "[^\n]+" do seen[line] = true end
      assert.same({ ["s1:1 implement ok"] = true, ["s2:1 review fail"] = true, ["s1:2 debug ok"] = true,
        ["event_loop: not SESSION SKILL STATUS: nonsense"] = true }, seen)
    end)

    -- Each step waits for the line before it.
    it("shows what other processes append, without being asked", function()
      local r = tree:sh(([[mkfifo in out; %s ./event_loop <in >out & exec 3>in 4<out
        echo "s1 begin ok" >&3; read -r a <&4; echo "$a"
        "$DEBRIEF" append s1 skill=other final_status=ok; read -r a <&4; echo "$a"
        exec 3>&-; wait $!; echo $?; cat <&4]]):format(under))
      assert.equal("s1:1 begin ok\ns1:2 other ok\n0\n", r.out)
    end)
  end)

  describe("threads", function()
    setup(function() build "threads" end)

    it("appends and looks back in eight threads, and loses nothing", function()
      local r = run "./threads"
      assert.equal("8 hosts appended 25 runs each, 0 failed\n", r.out)
      assert.equal(0, r.status)
      local seen, n = {}, 0
      for line in io.lines(tree.scene:path "sessions/team.jsonl") do
        local worker, number = line:match '"input":{"worker":(%d),"run":(%d+)},'
        assert(worker and not seen[worker .. "." .. number], line)
        seen[worker .. "." .. number], n = true, n + 1
      end
      assert.equal(200, n)
    end)

    it("says what went wrong in each", function()
      tree.scene:write("sessions/team.jsonl/not-a-file", "")
      local r = run "./threads"
      assert.equal(1, r.status)
      assert.truthy(r.out:find "8 hosts appended 25 runs each, 8 failed\n", r.out)
      assert.equal(8, select(2, r.out:gsub("threads: [^\n]*team.jsonl", "")))
    end)
  end)

  describe("callbacks", function()
    setup(function() build "callbacks" end)

    it("lends Lua its functions, and ends what takes too long", function()
      if installed.sanitizer:find "thread" then return pending "ThreadSanitizer holds signals back" end
      local r = run "./callbacks"
      assert.equal([[
{"cents":80,"within":false}
failed: eval:1: cost: no price for this model
stopped after 1 s
failed: not enough memory
"the host goes on"
0 bytes were not given back
]], r.out)
      assert.equal(0, r.status)
    end)
  end)

  describe("supervisor", function()
    setup(function() build "supervisor" end)

    it("retries, writes down, and hands over what happened before", function()
      local token = "gh" .. "p_0123456789abcdefghijABCDEFGHIJ012345"
      local flaky = ([['test -f n || { touch n; echo "token %s"; false; }']]):format(token)
      local r = run("./supervisor sessions nightly 'true first' " .. flaky
        .. [[ 'echo "$HISTORY" | tail -n 2; printf "\033[2J"; exit 3' 'true last']])
      assert.equal(0, r.status, r.out)
      local parts = {}
      for part in (r.out .. "\n"):gmatch "(.-)\n\n" do
        parts[#parts + 1] = part:gsub("%d%d%d%d%-%d%d%-%d%d %d%d:%d%d", "TIME")
      end
      assert.equal("== true first\nNo earlier runs.\n-> ok after 1", parts[1])
      assert.truthy(parts[2]:find "\nEarlier runs, oldest first:\n%- TIME true: ok\n%-> ok after 2$", parts[2])
      assert.truthy(parts[3]:find "\n%- TIME test: ok after 2 attempts\n", parts[3])
      assert.truthy(parts[3]:find "%-> error after 3$", parts[3])
      assert.truthy(parts[4]:find "\n%- TIME echo: fail after 3 attempts\n", parts[4])
      assert.truthy(r.out:find "\n\nAttempts\n.*\n4 entries in 1 session\n$", r.out)
      assert.falsy(r.out:find "\27")
      local text = tree.scene:read "sessions/nightly.jsonl"
      assert.truthy(text:find('"runner_output":"token [REDACTED:github]\\n"', 1, true), text)
      assert.truthy(text:find "%- %d+%-%d+%-%d+ %d+:%d+ test: ok after 2 attempts") -- the third command had it
    end)

    it("says how it is called, and what went wrong", function()
      assert.equal(2, run("./supervisor").status)
      local r = run "./supervisor sessions ../x true"
      assert.equal(1, r.status)
      assert.truthy(r.out:find "supervisor: [^\n]*%.%./x", r.out)
    end)
  end)

  describe("attach", function()
    setup(function() build "attach" end)

    it("shares the program's own state, and leaves it", function()
      local r = run "./attach"
      assert.equal('{"again":["deploy: error"],"last":"deploy"}\nok\n', r.out)
      assert.equal(0, r.status)
    end)

    it("says what went wrong", function()
      tree.scene:write("sessions/s1.jsonl/not-a-file", "")
      local r = run "./attach"
      assert.equal(1, r.status)
      assert.truthy(r.out:find "attach: [^\n]*s1.jsonl[^\n]*\n", r.out)
    end)
  end)

  -- Bindings of other languages: skipped where the language is not there, and in builds with a sanitizer, whose runtime
  -- the other program would have to bring.
  local function other_language(command, files)
    if installed.sanitizer ~= "" then return "a build with a sanitizer" end
    if tree:sh(command).status ~= 0 then return command:match "%S+" .. " is not here" end
    for _, file in ipairs(files) do
      tree.scene:write(file:match "[^/]+$", program.read("tests/embed/" .. file))
    end
  end

  describe("in Python", function()
    local missing
    setup(function() missing = other_language("python3 --version", { "python/debrief.py", "python/watch.py" }) end)

    it("asks for a table, and shows what fails as it comes", function()
      if missing then return pending(missing) end
      for _, status in ipairs { "ok", "error" } do
        tree:must('"$DEBRIEF" append a skill=review final_status=' .. status)
      end
      local r = tree:sh [[mkfifo seen; python3 watch.py sessions 2 >seen 2>&1 & exec 4<seen
        read -r a <&4; read -r b <&4; echo "$a"; echo "$b"
        "$DEBRIEF" append a skill=deploy final_status=ok; "$DEBRIEF" append a skill=deploy final_status=error
        read -r a <&4; echo "$a"; "$DEBRIEF" append b skill=docs final_status=fail; cat <&4; wait $!; echo $?; rm seen]]
      assert.equal("review: 2 runs, 1 passed\nwatching\na:4 deploy failed\nb:1 docs failed\nPass rate\n0\n", r.out)
    end)

    it("raises what debrief refuses", function()
      if missing then return pending(missing) end
      tree.scene:write("refused.py", [[
import debrief
with debrief.Host("sessions") as host, debrief.Host("sessions", time_limit_ms=50) as limited:
    host.append("s1", {"skill": "a"}, enrich="redact")
    assert [entry["skill"] for _, _, entry in host.entries(skill=["a*"])] == ["a"]
    assert host.eval("{1, 2}") == [1, 2]
    for call in (lambda: host.retro("sumary"), lambda: host.append("../x", {}), lambda: host.table(show="rums"),
                 lambda: limited.eval("(function() while true do end end)()"), lambda: host.entries(where="(")):
        try:
            call()
            print("not refused")
        except debrief.Error as error:
            print(error.code, error)
]])
      local r = tree:sh "python3 refused.py"
      local lines = {}
      for line in r.out:gmatch "[^\n]+" do lines[#lines + 1] = line end
      assert.equal(5, #lines, r.out)
      for i, part in ipairs { "did you mean 'summary'", "../x", "show: ", "the 50 ms that", "where" } do
        assert(lines[i]:find(part, 1, true), lines[i])
      end
    end)
  end)

  describe("in Go", function()
    local missing
    setup(function() missing = other_language("go version", { "go/watch.go" }) end)

    it("asks, follows, and ends what takes too long", function()
      if missing then return pending(missing) end
      tree:must "GO111MODULE=off GOPROXY=off GOFLAGS= go build -o watch_go watch.go"
      local r = run "./watch_go sessions"
      assert.equal(0, r.status, r.out)
      assert.equal("skill,runs,passed,passed.num,passed.den\nreview,3,0.6666666666666666,2,3\n"
        .. "debrief_eval: ended after the 200 ms that debrief_config.time_limit_ms allows a call\n"
        .. 'go:4 {"session_id":"go","timestamp":"TIME","final_status":"error","skill":"deploy"}\n',
        (r.out:gsub("\r", ""):gsub('"timestamp":"[^"]*"', '"timestamp":"TIME"')))
      assert.equal(2, run("./watch_go").status)
    end)
  end)
end)
