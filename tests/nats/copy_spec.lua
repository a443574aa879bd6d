-- Sessions between folders and streams: `debrief copy`, `debrief forward`, and --spool of append and record.
local nats = dofile "tests/nats/servers.lua"
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"
local figure = dofile "tests/torture/figure.lua"

local KILLS = os.getenv "TORTURE" and 500 or 6
local random = math.random

-- Sessions of `folder`, with `count` lines each, some of them no entries.
local function fill(scene, folder, sessions, count)
  for i = 1, sessions do
    local lines = {}
    for n = 1, count do
      lines[n] = ('{"session_id":"s.%d","skill":"a","n":%d,"text":"%s"}\n'):format(i, n, ("x"):rep(random(300)))
    end
    lines[#lines + 1] = "no entry\n"
    scene:write(("%s/s.%d.jsonl"):format(folder, i), table.concat(lines))
  end
end

-- { [line] = how often it is there }, over all sessions.
local function count_lines(scene, folder)
  local seen = {}
  for line in scene:sh("cat " .. folder .. "/*.jsonl").out:gmatch "[^\n]+" do seen[line] = (seen[line] or 0) + 1 end
  return seen
end

local function lost_and_twice(expected, seen)
  local lost, twice = 0, 0
  for line, n in pairs(expected) do
    lost = lost + ((seen[line] or 0) < n and 1 or 0)
    twice = twice + ((seen[line] or 0) > n and 1 or 0)
  end
  return lost, twice
end

describe("a log in a stream", function()
  local s, scene
  local names = 0

  local function it_with_server(name, f)
    it(name, function()
      if not s then return pending(nats.MISSING) end
      scene = program.scene()
      f()
    end)
  end

  local function run(...) return scene:run { ... } end

  -- A fresh stream.
  local function stream()
    names = names + 1
    local url = s:url("t" .. names)
    assert.equal(0, run("init", url).status)
    return url, "t" .. names
  end

  local function bring_back(url)
    scene:sh "rm -rf back"
    local r = run("copy", url, "back")
    assert.equal("", r.err)
    assert.equal(0, r.status)
  end

  -- Run a command again and again, killed after at most so many ms.
  local function kill_often(words, most)
    local line = { '"$DEBRIEF"' }
    for _, word in ipairs(words) do line[#line + 1] = program.quote(word) end
    for _ = 1, KILLS do
      scene:sh(("timeout -s KILL %.3f %s"):format((5 + random(most)) / 1000, table.concat(line, " ")))
    end
  end

  setup(function()
    math.randomseed(os.time())
    if nats.available() then s = nats.start { max_payload = 4096 } end
  end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  describe("copy", function()
    it_with_server("goes both ways and between streams, byte for byte", function()
      fill(scene, "a", 5, 40)
      local one, two = stream(), stream()
      assert.equal("copied 205 lines of 5 sessions; 5 sessions looked at\n", run("copy", "a", one).out)
      assert.equal("copied 205 lines of 5 sessions; 5 sessions looked at\n", run("copy", one, two).out)
      assert.equal("copied 0 lines of 0 sessions; 5 sessions looked at\n", run("copy", "a", two).out)
      bring_back(two)
      assert.equal("", scene:sh("diff -r a back").out)
    end)

    it_with_server("goes on where it was killed, each line once", function()
      fill(scene, "a", 20, 60)
      local url = stream()
      kill_often({ "copy", "a", url }, 100)
      assert.equal(0, run("copy", "a", url).status)
      kill_often({ "copy", url, "back" }, 100)
      assert.equal(0, run("copy", url, "back").status)
      local same = scene:sh("diff -r a back").out
      figure("a log in a stream", "copies killed, both ways", ("%d, %s"):format(2 * KILLS, same == "" and "same bytes"
        or "DIFFERENT"), "same bytes", same == "")
      assert.equal("", same)
    end)

    it_with_server("names a line that does not fit, and goes on", function()
      local long = ('{"text":"%s"}\n'):format(("x"):rep(5000))
      scene:write("a/s1.jsonl", '{"n":1}\n' .. long .. '{"n":2}\n')
      local url = stream()
      for _, out in ipairs { "copied 2 lines of 1 session; 1 session looked at\n",
        "copied 0 lines of 0 sessions; 1 session looked at\n" } do
        local r = run("copy", "a", url)
        assert.equal(3, r.status)
        assert.equal(out, r.out)
        assert.equal("debrief: s1:2: a line of 5012 bytes, more than a message of the stream may have (max_payload): "
          .. "left out\n", r.err)
      end
      bring_back(url)
      assert.equal('{"n":1}\n{"n":2}\n', scene:read "back/s1.jsonl")
    end)

    it_with_server("leaves a session alone that goes on otherwise, and a line without end", function()
      local url = stream()
      scene:write("a/s1.jsonl", '{"n":1}\n{"n":2}\n')
      scene:write("a/s2.jsonl", '{"n":1}\n{"n":')
      scene:write("b/s1.jsonl", '{"n":1}\n{"n":3}\n')
      local r = run("copy", "a", url)
      assert.equal(3, r.status)
      assert.equal("debrief: s2: its last line has no end: somebody is writing it, or was killed; it stays\n", r.err)
      r = run("copy", "b", url)
      assert.equal(1, r.status)
      assert.equal("debrief: session s1 is there already, and from line 2 on it is another: nothing of it was copied\n",
        r.err)
      bring_back(url)
      assert.equal('{"n":1}\n{"n":2}\n', scene:read "back/s1.jsonl")
      assert.equal('{"n":1}\n', scene:read "back/s2.jsonl")
      assert.equal(1, run("copy", "b", "back").status)
      assert.equal(2, run("copy", "b", "b").status)
      r = run("copy", "a", s:url "none")
      assert.equal(1, r.status)
      assert.truthy(r.err:find("debrief init", 1, true), r.err)
    end)
  end)

  describe("forward", function()
    it_with_server("brings each line over once, wherever it was killed and whatever else writes", function()
      fill(scene, "a", 10, 60)
      local url = stream()
      local others = KILLS * 2
      local writing = [[i=0; while [ $i -lt %d ]; do i=$((i + 1))
        "$DEBRIEF" append -d %s s.$((i %% 10 + 1)) skill=other n:=$i || echo $i; done >others 2>&1 &]]
      scene:sh(writing:format(others, url))
      kill_often({ "forward", "a", url }, 100)
      nats.wait_for("the other writers", function()
        return scene:sh(('"$DEBRIEF" read -d %s --skill other | wc -l'):format(url)).out == others .. "\n"
      end)
      assert.equal("", scene:read "others")
      assert.equal(0, run("forward", "a", url).status)
      assert.equal("forwarded 0 lines of 0 sessions\n", run("forward", "a", url).out)
      bring_back(url)
      local lost, twice = lost_and_twice(count_lines(scene, "a"), count_lines(scene, "back"))
      figure("a log in a stream", "forwards killed beside other writers", ("%d: %d lost, %d twice"):format(KILLS, lost,
        twice), "0 lost, 0 twice", lost + twice == 0)
      assert.equal(0, lost)
      assert.equal(0, twice)
    end)

    it_with_server("finds what was sent and not noted, after the servers have forgotten it", function()
      local url, name = stream()
      local config = s:request("$JS.API.STREAM.INFO." .. name).config
      config.duplicate_window = 2000000000
      assert.truthy(s:request("$JS.API.STREAM.UPDATE." .. name, cjson.encode(config)).config)
      fill(scene, "a", 1, 30)
      assert.equal(0, run("forward", "a", url).status)
      local notes = scene:sh("ls a/.forwarded-*").out:gsub("\n", "")
      local origin = scene:read(notes):match "^origin %x+\n"
      scene:write(notes, origin) -- killed before the first note, after all was sent
      assert.equal(0, run("append", "-d", url, "s.1", "skill=other").status)
      local sent = os.time()
      scene:write("a/s.1.jsonl", scene:read "a/s.1.jsonl" .. '{"n":"last"}\n')
      nats.wait_for("the window to be over", function() return os.time() > sent + 2 end)
      assert.equal("forwarded 1 line of 1 session\n", run("forward", "a", url).out)
      bring_back(url)
      local lost, twice = lost_and_twice(count_lines(scene, "a"), count_lines(scene, "back"))
      assert.equal(0, lost)
      assert.equal(0, twice)
    end)

    it_with_server("takes a session that was removed and begun again as another", function()
      local url = stream()
      scene:write("a/s1.jsonl", '{"n":1}\n{"n":2}\n')
      assert.equal(0, run("forward", "a", url).status)
      scene:write("a/s1.jsonl", '{"n":3}\n')
      assert.equal("forwarded 1 line of 1 session\n", run("forward", "a", url).out)
      scene:write("a/s1.jsonl", '{"n":3')
      local r = run("forward", "a", url)
      assert.equal(3, r.status)
      bring_back(url)
      assert.equal('{"n":1}\n{"n":2}\n{"n":3}\n', scene:read "back/s1.jsonl")
    end)

    it_with_server("follows, and waits for a server that is away", function()
      local url = stream()
      scene:sh(('mkdir a; "$DEBRIEF" forward a %s --follow --timeout 1s >out 2>err & echo $! >pid'):format(url))
      local function wait_until_there(n)
        nats.wait_for(n .. " entries", function() return run("read", "-d", url).out:find(('"n":%d}'):format(n)) end)
      end
      assert.equal(0, run("append", "-d", "a", "s1", "n:=1").status)
      wait_until_there(1)
      s:kill(1)
      assert.equal(0, run("append", "-d", "a", "s1", "n:=2").status)
      s:run(1)
      assert.equal(0, run("append", "-d", "a", "s1", "n:=3").status)
      wait_until_there(3)
      scene:sh "kill $(cat pid)"
      bring_back(url)
      assert.equal(scene:read "a/s1.jsonl", scene:read "back/s1.jsonl")
    end)
  end)

  describe("--spool", function()
    it_with_server("keeps entries while there is no connection", function()
      local url = stream()
      assert.equal("", run("append", "-d", url, "--spool", "kept", "s1", "n:=1").err)
      s:stop(1)
      local r = run("append", "-d", url, "--timeout", "300ms", "--spool", "kept", "s1", "n:=2")
      assert.equal(0, r.status)
      assert.truthy(r.err:find("; kept in kept: debrief forward kept " .. url, 1, true), r.err)
      r = run("--timeout", "300ms", "-d", url, "record", "s1", "--spool", "kept", "--", "sh", "-c", "exit 7")
      assert.equal(7, r.status)
      assert.truthy(r.err:find("; kept in kept", 1, true), r.err)
      assert.equal(1, run("append", "-d", url, "--timeout", "300ms", "s1", "n:=9").status)
      s:run(1)
      assert.equal("", run("append", "-d", url, "--spool", "kept", "s1", "n:=3").err) -- brings the others, too
      bring_back(url)
      assert.equal(scene:read "kept/s1.jsonl", scene:read "back/s1.jsonl")
      assert.equal(4, select(2, scene:read("back/s1.jsonl"):gsub("\n", "")))
      assert.equal(2, run("append", "-d", "a", "--spool", "kept", "s1", "n:=1").status)
    end)
  end)
end)
