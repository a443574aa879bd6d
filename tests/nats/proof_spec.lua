-- Nothing that was acknowledged is lost and nothing is there twice, whatever dies: servers, a network, writers.
-- The long form (TORTURE) has the figures of the table in build-torture/torture.md.
local nats = dofile "tests/nats/servers.lua"
local program = dofile "tests/spec/support/program.lua"
local figure = dofile "tests/torture/figure.lua"

local LONG = os.getenv "TORTURE" ~= nil
local NODE_KILLS = LONG and 20 or 1
local WRITER_KILLS = LONG and 500 or 6
local ENTRIES = LONG and 20000 or 200
local WRITERS = LONG and 8 or 3

-- Append some for each line of standard input; what was acknowledged goes to a file of its own, and what was refused.
local WRITER = [[
local id, generation = arg[1], arg[2]
local acks <close> = assert(io.open("acks-" .. id, "a"))
local n = 0
for _ in io.lines() do
  for _ = 1, 10 do
    n = n + 1
    local name = id .. "." .. generation .. "." .. n
    local ok, message = log:append(id, { skill = "write", name = name })
    acks:write(ok and name or "refused " .. name .. ": " .. tostring(message), "\n")
    acks:flush()
  end
end
]]

describe("entries of a log in a stream", function()
  local scene

  local function it_with_servers(name, f)
    it(name, function()
      if not nats.available() then return pending(nats.MISSING) end
      scene = program.scene()
      scene:write("writer.lua", WRITER)
      local result = f()
      nats.clean()
      return result
    end)
  end

  setup(function() math.randomseed(os.time()) end)
  teardown(function()
    if scene then scene:write("stop", "") end
    nats.clean()
    program.clean()
  end)

  -- A shell that starts the writers and stays as long as they do; `each` is the line that runs writer $w, for which
  -- `beat` writes a line every tenth of a second until there is a file `stop`.
  local function start_writers(each)
    local numbers = table.concat({ 1, 2, 3, 4, 5, 6, 7, 8 }, " ", 1, WRITERS)
    scene:write("writers.sh", ([[
beat() { while [ ! -e stop ]; do echo; sleep 0.1; done; }
for w in %s; do { %s; } & done
wait
touch over
]]):format(numbers, each))
    scene:sh "exec setsid bash writers.sh </dev/null >written 2>&1 &"
  end

  local function acknowledged()
    return tonumber(scene:sh("cat acks-* 2>/dev/null | grep -vc refused").out) or 0
  end

  -- { lost =, twice =, acknowledged =, refused = } once the writers have ended.
  local function verdict(url)
    scene:write("stop", "")
    nats.wait_for("the writers", function() return scene:read "over" end, 120)
    local there = {}
    local r = scene:run { "read", "-d", url, "--fields", "name", "--format", "tsv" }
    assert.equal(0, r.status, r.err)
    for name in r.out:gmatch "[^\n]+" do there[name] = (there[name] or 0) + 1 end
    local out = { lost = 0, twice = 0, acknowledged = 0, refused = "" }
    for _, n in pairs(there) do out.twice = out.twice + (n > 1 and 1 or 0) end
    for line in scene:sh("cat acks-*").out:gmatch "[^\n]+" do
      if line:find "^refused" then
        out.refused = line
      else
        out.acknowledged = out.acknowledged + 1
        out.lost = out.lost + (there[line] and 0 or 1)
      end
    end
    return out
  end

  local function judge(what, v, least)
    figure("a log in a stream", what, ("%d acknowledged, %d lost, %d twice"):format(v.acknowledged, v.lost, v.twice),
      "0 lost, 0 twice", v.lost + v.twice == 0)
    assert.equal(0, v.lost)
    assert.equal(0, v.twice)
    assert.equal("", v.refused)
    assert(v.acknowledged >= least, v.acknowledged)
  end

  local function make(s)
    local url = s:url "proof"
    assert.equal(0, scene:run { "init", url, "--replicas", tostring(#s.nodes) }.status)
    return url
  end

  -- The leader, and the other two.
  local function victim(s, turn)
    local leader = s:leader "proof" or 1
    return turn % 2 == 1 and leader or (leader + turn // 2) % 3 + 1
  end

  local function wait_for_progress(more)
    local before = acknowledged()
    nats.wait_for("entries to go on", function() return acknowledged() >= before + more end, 60)
  end

  it_with_servers("survive the death of servers, and a cut network", function()
    local cut = LONG and nats.can_cut()
    local s = nats.start { size = 3, cut = cut }
    local url = make(s)
    start_writers(('beat | "$DEBRIEF" -d %s run writer.lua w$w 0'):format(url))
    wait_for_progress(50)
    for turn = 1, NODE_KILLS do
      local number = victim(s, turn)
      s:kill(number)
      wait_for_progress(ENTRIES // NODE_KILLS // 2)
      s:run(number)
      s:wait_current(120)
    end
    if cut then
      s:cut()
      wait_for_progress(100)
      s:join()
      s:wait_current(120)
    end
    nats.wait_for("enough entries", function() return acknowledged() >= ENTRIES end, 300)
    local what = "%d writers, servers killed %d times" .. (cut and ", one cut off" or "")
    judge(what:format(WRITERS, NODE_KILLS), verdict(url), ENTRIES)
    if LONG and not cut then return pending "no right to make network namespaces" end
  end)

  it_with_servers("survive the death of writers", function()
    local s = nats.start()
    local url = make(s)
    local rounds = math.ceil(WRITER_KILLS / WRITERS)
    start_writers(([[i=0; while [ $i -lt %d ]; do i=$((i + 1))
      yes | timeout -s KILL 0.$((RANDOM %% 600 + 400)) "$DEBRIEF" -d %s run writer.lua w$w $i
    done; echo | "$DEBRIEF" -d %s run writer.lua w$w last]]):format(rounds, url, url))
    nats.wait_for("the kills", function() return scene:read "over" end, 600)
    judge(("%d writers, killed %d times"):format(WRITERS, rounds * WRITERS), verdict(url), 10 * WRITERS)
  end)
end)
