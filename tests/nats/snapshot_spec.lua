-- The folder that a stream is read into: small sessions in its pack, larger ones in files; and a disk that is full.
local program = dofile "tests/spec/support/program.lua"
local nats = dofile "tests/nats/servers.lua"

-- grow.lua ADDRESS: one handle, which sees what is appended in rounds: "ok", or what differs.
local GROW = [[
local core, debrief = require "debrief.core", require "debrief"
local log, raw = assert(debrief.open(arg[1])), core.log(arg[1])
local texts, lines, sequences, sequence, seed = {}, {}, {}, 0, 4711

local function random(most)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % most + 1
end

local function add(id, count, size)
  local list = {}
  for i = 1, count do
    list[i] = ('{"session_id":"%s","timestamp":"2026-11-01T10:00:00Z","n":%d,"text":"%s"}'):format(id,
      (lines[id] or 0) + i, ("x"):rep(random(size)))
  end
  assert(raw:append_batch(id, list))
  sequence = sequence + 1
  sequences[id] = sequences[id] or {}
  for i = 1, count do sequences[id][(lines[id] or 0) + i] = sequence end
  texts[id], lines[id] = (texts[id] or "") .. table.concat(list, "\n") .. "\n", (lines[id] or 0) + count
end

local function check(round, whole)
  local seen = {}
  for entry, id, line in log:entries() do
    seen[id] = (seen[id] or 0) + 1
    assert(entry.n == seen[id] and line == seen[id], ("round %d: %s:%d is %s"):format(round, id, line, entry.n))
  end
  for id, count in pairs(lines) do assert(seen[id] == count, ("round %d: %s has %s"):format(round, id, seen[id])) end
  for _, item in ipairs(assert(raw:list())) do
    assert(item.size == #texts[item.session], ("round %d: size of %s"):format(round, item.session))
    local file <close> = io.open(item.path)
    assert(file or not whole, "there is no " .. item.path)
    if file then assert(file:read "a" == texts[item.session], ("round %d: file of %s"):format(round, item.session)) end
  end
  for id, list in pairs(sequences) do
    local line = random(#list)
    assert(raw:sequence(id, line) == list[line], ("round %d: message of %s:%d"):format(round, id, line))
    local first = line
    while first > 1 and list[first - 1] == list[line] do first = first - 1 end
    assert(raw:line(id, list[line]) == first, ("round %d: line of message %d"):format(round, list[line]))
  end
end

for round = 1, 9 do
  for i = 1, 30 do
    if round == 1 or random(3) == 1 then add("s" .. i, random(5), i % 6 == 0 and 20000 or 700) end
  end
  for _ = 1, 80 do add("busy", 1, 10) end -- more messages than a look back passes
  check(round)
  if round == 6 then check(round, assert(raw:folder())) end
end
print "ok"
]]

-- A follower on a disk of its own, which is full for a while: full.sh ADDRESS.
local FULL = [[
mkdir small && mount -t tmpfs -o size=700k none small || exit 77
TMPDIR=$PWD/small "$DEBRIEF" read -d "$1" --follow --from start >out 2>err & follower=$!
until [ -s out ]; do sleep 0.1; done
dd if=/dev/zero of=small/fill bs=1k count=600 2>/dev/null
"$DEBRIEF" -d "$1" append - more.jsonl
until [ -s err ]; do sleep 0.1; done
rm small/fill
until [ "$(wc -l <out)" -ge 101 ]; do sleep 0.1; done
sleep 1
kill $follower
wait $follower
true
]]

-- A handle whose disk is full for a while: half.sh ADDRESS. Nothing that reads may see the half of a message.
local HALF = [[
mkdir small && mount -t tmpfs -o size=1m none small || exit 77
TMPDIR=$PWD/small exec "$DEBRIEF" run half.lua "$1"
]]

local HALF_LUA = [[
local core = require "debrief.core"
local raw = core.log(arg[1])

local function count()
  local reader <close> = assert(raw:reader "s1")
  local seen = 0
  while reader:next() do seen = seen + 1 end
  return seen, #(reader:diagnostics())
end

assert(raw:append_batch("s1", { '{"session_id":"s1","text":"' .. ("x"):rep(100000) .. '"}' }))
assert(raw:list())
print(count())
local fill <close> = assert(io.open("small/fill", "w"))
fill:write(("x"):rep(700000))
fill:flush()
assert(raw:append_batch("s1", { '{"session_id":"s1","text":"' .. ("y"):rep(400000) .. '"}' }))
print((raw:list()))
print(count())
os.remove "small/fill"
fill:close()
assert(raw:list())
print(count())
]]

-- end.lua ADDRESS: of each session more is on its way than was asked for, and is not waited for. While a subscription
-- was destroyed at once, every other run ended in a crash or never.
local ENDS = [[
local core, text = require "debrief.core", ("x"):rep(900000)
local log = core.log(arg[1])
local line = '{"session_id":"s%d","timestamp":"2026-11-01T10:00:00Z","n":%d,"text":"%s"}'
for s = 1, 16 do
  for i = 1, 6 do assert(log:append_batch("s" .. s, { line:format(s, i, text) })) end
end
for _ = 1, 12 do
  local queue = assert(core.queue(arg[1], {}))
  assert(queue:folder())
  for s = 1, 16 do
    repeat
      local size, message = queue:bring("s" .. s, 2500000, 200)
      assert(size ~= nil, message)
    until size
  end
  queue:close()
end
print "ok"
]]

describe("what a stream is read into", function()
  local scene, s
  setup(function() if nats.available() then s = nats.start() end end)
  before_each(function() scene = program.scene() end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  local function here(what, body)
    it(what, function()
      if not s then return pending(nats.MISSING) end
      return body()
    end)
  end

  here("has what was appended, in small sessions and in large ones", function()
    local url = s:url "grow"
    assert.equal(0, scene:run({ "init", url }).status)
    scene:write("grow.lua", GROW)
    local r = scene:run { "run", "grow.lua", url }
    assert.same({ "ok\n", "", 0 }, { r.out, r.err, r.status })
  end)

  here("may end while more is on its way", function()
    local url = s:url "ends"
    assert.equal(0, scene:run({ "init", url }).status)
    scene:write("end.lua", ENDS)
    local r = scene:sh(([["$DEBRIEF" run end.lua %s]]):format(url))
    assert.same({ "ok\n", "", 0 }, { r.out, r.err, r.status })
  end)

  here("goes when a signal ends the program", function()
    local url = s:url "ended"
    assert.equal(0, scene:run({ "init", url }).status)
    assert.equal(0, nats.run(scene, url, { "append", "s1", "skill=a" }).status)
    scene:sh "mkdir tmp"
    for name, status in pairs { INT = 130, TERM = 143, HUP = 129 } do
      local r = scene:sh(([[
        rm -f out
        TMPDIR=$PWD/tmp env --default-signal=INT "$DEBRIEF" read -d %s --follow --from start >out & reader=$!
        until [ -s out ]; do sleep 0.1; done
        ls -A tmp
        kill -%s $reader
        wait $reader
        echo $?
        ls -A tmp]]):format(url, name))
      assert.truthy(r.out:find("^debrief%-log%-%w+\n" .. status .. "\n$"), r.out)
    end
  end)

  -- The status and what is left of $TMPDIR when system call number `at` of a kind comes with a signal.
  local function killed(url, call, signal, at, words)
    local r = scene:sh(([[
      mkdir -p tmp
      TMPDIR=$PWD/tmp strace -f -o trace -e trace=%s -e inject=%s:signal=%s:when=%d %s </dev/null >/dev/null 2>err
      echo $?
      ls -A tmp]]):format(call, call, signal, at, words:format(url)))
    local status, left = r.out:match "^(%d+)\n(.*)$"
    return tonumber(status), left
  end

  local function can_trace() return not program.sanitized and scene:sh("strace true").status == 0 end

  here("goes when a signal comes while it is removed", function()
    if not can_trace() then return pending "no strace" end
    local url = s:url "removed"
    assert.equal(0, scene:run({ "init", url }).status)
    assert.equal(0, nats.run(scene, url, { "append", "s1", "skill=a" }).status)
    for signal, status in pairs { TERM = 143, HUP = 129 } do
      for at = 1, 4 do
        assert.same({ status, "" }, { killed(url, "unlinkat", signal, at, [["$DEBRIEF" -d %s read]]) })
      end
    end
  end)

  here("is found by the next process when its own is killed while a signal ends it", function()
    if not can_trace() then return pending "no strace" end
    local url = s:url "found"
    assert.equal(0, scene:run({ "init", url }).status)
    assert.equal(0, nats.run(scene, url, { "append", "s1", "skill=a" }).status)
    scene:write("end.lua", [[
      for _ in require "debrief".open(arg[1]):entries() do
        os.execute "kill -TERM $PPID"
        while true do end
      end]])
    for at = 1, 4 do
      local status, left = killed(url, "unlinkat", "KILL", at, [[sh -c '"$DEBRIEF" run end.lua %s']])
      assert.same({ 137, true }, { status, left:find "^debrief%-log%-" ~= nil })
      local r = scene:sh(([[TMPDIR=$PWD/tmp "$DEBRIEF" -d %s read >/dev/null; ls -A tmp]]):format(url))
      assert.equal("", r.out, "at " .. at)
    end
  end)

  here("makes no file for each small session", function()
    local url, lines = s:url "small", {}
    assert.equal(0, scene:run({ "init", url }).status)
    for i = 1, 200 do lines[i] = ('{"session_id":"s%d","skill":"a"}'):format(i) end
    scene:write("in.jsonl", table.concat(lines, "\n") .. "\n")
    assert.equal(0, nats.run(scene, url, { "append", "-", "in.jsonl" }).status)
    scene:write("mark.lua", [[return { name = "mark", api = 1, summary = "M",
      enrich = function(entry) entry.skill = "b" end }]])
    local function files(words)
      local r = scene:sh(('strace -f -e trace=openat,openat2 -o trace "$DEBRIEF" -d %s %s | wc -l'):format(url, words))
      if r.err:find "not found" then return nil end
      return r.out, select(2, scene:read("trace"):gsub("%.jsonl\"[^\n]*O_CREAT", ""))
    end
    if not files "read" then return pending "strace is not installed" end
    local asked = { read = 200, ["read --last 150"] = 150, ["table --by session --csv"] = 201 }
    -- With a sanitizer in it, an isolated worker cannot be traced.
    if not program.sanitized then asked["read --isolate --enrich ./mark.lua"] = 200 end
    for words, rows in pairs(asked) do
      local out, made = files(words)
      assert.same({ rows, 0 }, { tonumber(out), made }, words)
    end
  end)

  here("is filled when its disk has room again, and a follower says that it waits", function()
    if scene:sh("unshare -m true").status ~= 0 then return pending "no file system of its own" end
    local url, lines = s:url "full", {}
    assert.equal(0, scene:run({ "init", url }).status)
    assert.equal(0, nats.run(scene, url, { "append", "s0", "skill=first" }).status)
    for i = 1, 100 do
      lines[i] = ('{"session_id":"s%d","n":%d,"text":"%s"}'):format(i % 3, i, ("x"):rep(3000))
    end
    scene:write("more.jsonl", table.concat(lines, "\n") .. "\n")
    scene:write("full.sh", FULL)
    local r = scene:sh(("timeout 100 unshare -m sh full.sh %s 2>&1"):format(url))
    if r.status == 77 then return pending "no tmpfs" end
    assert.equal(0, r.status, r.out)
    local numbers, count = {}, 0
    for n in scene:read("out"):gmatch '"n":(%d+)' do numbers[n], count = true, count + 1 end
    assert.equal(100, count)
    for i = 1, 100 do assert.is_true(numbers[tostring(i)]) end
    assert.equal(("debrief: what comes cannot be written to %s ($TMPDIR names another place), and waits: "
      .. "No space left on device\n"):format(url), scene:read "err")
  end)

  here("never shows half a message when its disk is full", function()
    if scene:sh("unshare -m true").status ~= 0 then return pending "no file system of its own" end
    local url = s:url "half"
    assert.equal(0, scene:run({ "init", url }).status)
    scene:write("half.lua", HALF_LUA)
    scene:write("half.sh", HALF)
    local r = scene:sh(("unshare -m sh half.sh %s"):format(url))
    if r.status == 77 then return pending "no tmpfs" end
    assert.same({ "1\t0\nnil\n1\t0\n2\t0\n", "", 0 }, { r.out, r.err, r.status })
  end)

  here("is compared with when sessions are copied to a log that was read", function()
    local url = s:url "sent"
    assert.equal(0, scene:run({ "init", url }).status)
    assert.equal(0, nats.run(scene, url, { "append", "s1", "skill=a" }).status)
    s:request("sent.e.empty", "")
    scene:write("in/empty.jsonl", '{"session_id":"empty","skill":"b"}\n')
    scene:write("send.lua", [[
      local core = require "debrief.core"
      local to = core.log(arg[1])
      for _, item in ipairs(assert(to:list())) do print(item.session) end
      local from <close> = assert(io.open "s1.jsonl")
      local text = from:read "a"
      print(core.send(to, { id = "s1", path = "s1.jsonl" }))
      print(core.send(to, { id = "empty", path = "in/empty.jsonl" }))
      print(core.send(to, { id = "empty", path = "in/empty.jsonl" }))
      local reader <close> = assert(to:reader "s1")
      print(reader:next() ~= nil, reader:next(), text ~= "")]])
    assert.equal(0, scene:sh(('"$DEBRIEF" -d %s read s1 >s1.jsonl'):format(url)).status)
    local r = scene:run { "run", "send.lua", url }
    assert.same({ "s1\ntrue\ntrue\ntrue\ntrue\tnil\ttrue\n", "", 0 }, { r.out, r.err, r.status })
  end)
end)
