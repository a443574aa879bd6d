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
end)
