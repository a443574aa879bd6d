-- Ctrl-C: what ends, with which status, and what is left over.
local program = dofile "tests/spec/support/program.lua"

local LOOP = "while true do end"
local SLOW = [[return { name = "slow", api = 1, retrospective = { init = function() return {} end,
  step = function() print "begun" while true do end end, merge = function() end, finish = function() return {} end },
  enrich = function() print "begun" while true do end end }]]

local scene

-- Start the program with `words`, send SIGINT when `sign` stands in .log, its output; a second one when it is to be
-- twice. A shell starts what stands before & with SIGINT ignored: env takes that back.
local function interrupted(words, sign, twice)
  local r = scene:sh(([[
    env --default-signal=INT "$DEBRIEF" %s </dev/null >.log 2>&1 & pid=$!
    wait_for() { n=0; until eval "$1"; do n=$((n+1)); [ $n -lt 400 ] || { kill -9 $pid; exit 99; }; sleep 0.02; done; }
    wait_for "grep -q %s .log"
    kill -INT $pid
    %s
    wait $pid]]):format(words, sign, twice and "sleep 0.2; kill -0 $pid && kill -INT $pid" or ""))
  r.log = scene:read ".log"
  return r
end

describe("Ctrl-C", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1"}\n')
    scene:write("slow.lua", SLOW)
  end)
  teardown(program.clean)

  it("ends a script with a short traceback", function()
    scene:write("s.lua", "io.stderr:write 'begun' io.write 'said' local function f() " .. LOOP .. " end pcall(f) f()")
    local r = interrupted("run s.lua", "begun")
    assert.equal(130, r.status)
    assert.equal("begundebrief: interrupted\nstack traceback:\n\ts.lua:1: in main chunk\nsaid",
      (r.log:gsub("\t[^\n]*local 'f'\n", "")))
  end)

  it("lets a script's files be whole, and its log closed", function()
    scene:write("s.lua", [[
      local out = io.open("out", "w") out:write "text"
      log:append("s2", { skill = "a" }) io.stderr:write "begun"
      for _ in log:follow { session = "s2" } do end]])
    assert.equal(130, interrupted("run s.lua", "begun").status)
    assert.equal("text", scene:read "out")
    assert.truthy(scene:read "sessions/s2.jsonl":find '"skill":"a"')
  end)

  it("ends a retrospective without a report, with one worker and with two", function()
    for jobs = 1, 2 do
      local r = interrupted("retro ./slow.lua -j" .. jobs, "begun")
      assert.same({ 130, "info: slow: begun\ndebrief: interrupted: there is no report\n" }, { r.status, r.log })
    end
  end)

  it("keeps what -o had", function()
    scene:write("out", "old\n")
    assert.equal(130, interrupted("retro ./slow.lua -o out", "begun").status)
    assert.equal("old\n", scene:read "out")
  end)

  it("ends the program when it comes again and what runs cannot be stopped", function()
    -- Lua calls no hooks in a finalizer; just before a pattern that takes for ever it still would
    scene:write("s.lua", "setmetatable({}, { __gc = function() io.stderr:write 'begun' " .. LOOP
      .. " end }) collectgarbage()")
    local r = interrupted("run s.lua", "begun", true)
    assert.same({ 130, "begun" }, { r.status, r.log })
  end)

  it("ends other commands at once, as it does programs that know nothing of it", function()
    local r = interrupted("append s1 a=1 --enrich ./slow.lua", "begun")
    assert.equal(130, r.status)
    assert.equal('{"session_id":"s1"}\n', scene:read "sessions/s1.jsonl")
    assert.equal(130, interrupted("read --follow --from start", "s1").status)
  end)

  it("is left alone where it was ignored", function()
    scene:write("s.lua", "local n = 0 io.stderr:write 'begun' while not io.open 'go' do n = n + 1 end print 'whole'")
    local r = scene:sh [[
      "$DEBRIEF" run s.lua </dev/null >.log 2>&1 & pid=$!
      until grep -q begun .log; do sleep 0.02; done
      kill -INT $pid; sleep 0.1; touch go; wait $pid]]
    assert.same({ 0, "begunwhole\n" }, { r.status, scene:read ".log" })
  end)
end)
