-- What is longer than the screen goes through a pager: on a real terminal.
local program = dofile "tests/spec/support/program.lua"
local screen = dofile "tests/spec/support/screen.lua"

local function entries(n, more)
  local lines = {}
  for i = 1, n do
    lines[i] = ('{"session_id":"s1","timestamp":"2026-10-19T09:%02d:00Z","skill":"skill%d","final_status":"ok"%s}')
      :format(i % 60, i, more or "")
  end
  return table.concat(lines, "\n") .. "\n"
end

describe("the pager", function()
  local scene

  setup(function()
    if not screen.available() then return pending "no tmux here" end
  end)
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", entries(100))
    -- a pager that keeps what it gets, and says when it has begun and ended
    scene:write("keep", "#!/bin/sh\necho BEGUN\ncat > kept\necho ENDED\n")
    scene:sh "chmod +x keep"
  end)
  after_each(screen.clean)
  teardown(program.clean)

  local function start(words, opts)
    opts = opts or {}
    opts.env = opts.env or { PAGER = "./keep" }
    return screen.start(scene, 'exec "$DEBRIEF" ' .. words, opts)
  end

  it("gets all of a listing that is longer than the screen, with its colours", function()
    local t = start "read"
    assert.equal(0, t:ended())
    assert.truthy(t:text():find "BEGUN\nENDED\ndebrief: 100 entries of 1 session")
    local kept = scene:read "kept"
    assert.equal(100, select(2, kept:gsub("\n", "")))
    assert.truthy(kept:find("\27[32mok", 1, true))
  end)

  it("is not started for what fits the screen", function()
    for words, status in pairs { ["read --last 20"] = 0, ["sessions"] = 0, ["retro summary"] = 0, ["help help"] = 0 } do
      local t = start(words, { rows = 30 })
      assert.equal(status, t:ended())
      assert.falsy(t:text():find "BEGUN", words)
      assert(#t:text() > 20, words)
      t:close()
    end
  end)

  it("is started by the first row too many, long lines counted by their rows", function()
    for rows, paged in pairs { [11] = false, [10] = true } do
      local t = start("read --last 10 --fields skill,final_status --format tsv", { rows = rows })
      assert.equal(0, t:ended())
      assert.equal(paged, t:text():find "BEGUN" ~= nil)
      t:close()
    end
    scene:write("sessions/s1.jsonl", entries(1, (',"note":"%s"'):format(("x"):rep(2000))))
    local t = start("read --format jsonl", { rows = 20 })
    assert.equal(0, t:ended())
    assert.truthy(t:text():find "BEGUN")
  end)

  it("takes what every command prints, help as well", function()
    for _, words in ipairs { "read", "retro summary,timeline", "plugins", "check", "sessions", "--help", "read --help",
      "help read", "plugins summary" } do
      scene:sh "rm -f kept"
      for _, id in ipairs { "s2", "s3" } do scene:write(("sessions/%s.jsonl"):format(id), entries(2) .. "{broken\n") end
      local t = start(words, { rows = 3 })
      t:ended()
      assert(scene:read "kept", words)
      t:close()
    end
  end)

  it("is switched off by --no-pager, PAGER=cat, an empty PAGER, a dumb terminal and --follow", function()
    for _, case in ipairs { { "read --no-pager" }, { "--no-pager read" }, { "--help --no-pager" },
      { "--no-pager help" }, { "read", { PAGER = "cat" } }, { "read", { PAGER = "" } }, { "run print.lua" },
      { "read > file" },
      { "read", { PAGER = "./keep", TERM = "dumb" } } } do
      scene:write("print.lua", "for i = 1, 100 do print(i) end")
      local t = start(case[1], { env = case[2] })
      assert.equal(0, t:ended())
      assert.falsy(t:text():find "BEGUN", case[1])
      t:close()
    end
    local t = start "read --follow --from start"
    t:wait "skill100"
    t:keys "C-c"
    t:ended()
    assert.is_nil(scene:read "kept")
  end)

  it("says that the pager of the user does not exist, and prints without it", function()
    local t = start("read --last 30", { env = { PAGER = "nosuchpager -x" }, rows = 50 })
    assert.equal(0, t:ended())
    assert.truthy(t:text():find "debrief: the pager 'nosuchpager' in $PAGER does not exist\n")
    assert.truthy(t:text():find "skill100")
    t:close()
    t = start("read", { env = { PAGER = "X=1 nosuchpager" } })
    assert.equal(1, t:ended())
    assert.truthy(t:text():find "debrief: the pager 'X=1 nosuchpager' did not run; %-%-no%-pager prints without one")
  end)

  it("begins before everything was read, and ends the command quietly when the user leaves it", function()
    -- more than a pipe holds: whoever read on to the end would never come here
    scene:write("sessions/s1.jsonl", entries(20000))
    scene:write("head", "#!/bin/sh\nhead -n 1\necho LEFT\n")
    scene:sh "chmod +x head"
    local t = start("read", { env = { PAGER = "./head" } })
    assert.equal(0, t:ended())
    assert.truthy(t:text():find("LEFT\ndebrief: %d+ entries of 1 session, and more: "
      .. "the pager was left before the end\n"))
    assert.falsy(t:text():find "20000 entries")
  end)

  it("lets messages wait until it has ended, and keeps the status of damaged lines", function()
    scene:write("sessions/s1.jsonl", entries(100) .. "{broken\n")
    scene:write("loud.lua", [[return { name = "loud", api = 1,
      filter = function(entry) if entry.skill == "skill90" then print "ninety" end return true end }]])
    local t = start("read --filter ./loud.lua")
    assert.equal(3, t:ended())
    local text = t:text()
    assert.truthy(text:find "^BEGUN\nENDED\n", text)
    assert.truthy(text:find "loud: ninety", text)
    assert.truthy(text:find "s1.jsonl:101:%d+ torn_tail" or text:find "s1.jsonl:101:%d+ bad_json", text)
    t:close()
    t = start "retro timeline"
    assert.equal(3, t:ended())
    assert.truthy(t:text():find "^BEGUN\nENDED\n[^\n]*s1.jsonl:101")
  end)

  it("shows less with colours, and less lets go of the terminal", function()
    if scene:sh("command -v less").status ~= 0 then return pending "no less here" end
    local t = start("read", { env = { PAGER = false } })
    t:wait "\n:\n$"
    assert.truthy(t:text():find "skill1 ")
    assert.truthy(t:text(true):find "\27%[32mok")
    t:keys "C-c" -- is for less, which forgets the keys it has not read yet
    t:wait_for("the last entry", function(text)
      t:keys "G"
      return text:find "skill100 "
    end)
    t:keys "q"
    assert.equal(0, t:ended())
    assert.truthy(t:text():find "skill100 [^\n]*\ndebrief: 100 entries of 1 session\n$")
  end)

  it("leaves less alone with Ctrl-C, however often it comes and whatever the command is", function()
    if scene:sh("command -v less").status ~= 0 then return pending "no less here" end
    for _, words in ipairs { "retro timeline --opt limit=200", "check", "plugins" } do
      scene:write("sessions/s1.jsonl", entries(100) .. ("{broken\n"):rep(100) .. entries(1))
      local t = start(words, { env = { PAGER = false }, rows = 8 })
      t:wait "\n:\n$"
      t:keys("C-c", "C-c", "C-c")
      t:wait_for("the end of the output", function(text)
        t:keys "G"
        return text:find "%(END%)"
      end)
      t:keys "q"
      local status = t:ended()
      assert.equal(words == "plugins" and 0 or 3, status)
      t:close()
    end
  end)

  local evil = [[\u001b[2J\u001b]52;c;aGFjaw==\u0007\u009b31m\u202eabc\u0000]]

  local function assert_harmless(text, words)
    text = text:gsub("\27%[[%d;]*m", ""):gsub("\27%[K", "")
    assert.falsy(text:find "[\0-\8\11\12\14-\31\127]", words)
    assert.falsy(text:find "\xc2[\x80-\x9f]", words)
    assert.falsy(text:find "\u{202e}", words)
  end

  local function write_evil()
    scene:write("sessions/s1.jsonl", entries(1, "") .. ('{"session_id":"s1","skill":"%s","final_status":"%s",'
      .. '"attempts":[{"attempt":1,"model":"%s","verified":false,"runner_output":"%s"}]}\n'):format(evil, evil, evil,
      evil))
    scene:write("sessions/s2.jsonl", entries(40) .. ('{broken \27]52;c;eA==\7\27[31m\n'):rep(6))
  end

  it("changes nothing on the screen for what a log holds", function()
    write_evil()
    for _, words in ipairs { "read", "read --format card", "read --fields skill,final_status", "read --format jsonl",
      "retro failures,summary,timeline", "check", "read --format tsv", "read --format json" } do
      scene:sh "rm -f kept"
      local t = start(words, { rows = 6, columns = 70 })
      local status = t:ended()
      assert.is_true(status == 0 or status == 3)
      assert_harmless(assert(scene:read "kept", words), words)
      t:close()
    end
  end)

  it("is not needed for that", function()
    write_evil()
    for _, words in ipairs { "read", "read s1 --line 2", "read --fields skill,final_status,attempts", "sessions",
      "retro failures,summary,timeline", "check", "read --follow --from start",
      "read --follow --from start --format card", "read --follow --from start --fields skill,attempts.1.model" } do
      local follows = words:find "follow"
      local command = ("\"$DEBRIEF\" %s%s"):format(words, follows and "" or " --no-pager")
      local t = screen.start(scene, "exec script -qec " .. program.quote(command) .. " raw", { columns = 70 })
      if follows then
        t:wait "skill40"
        t:keys "C-c"
      end
      t:ended()
      local raw = scene:read("raw"):gsub("^Script started[^\n]*\n", ""):gsub("%^C", "")
      assert(#raw > 100, words)
      assert_harmless(raw, words)
      t:close()
    end
  end)
end)
