-- What goes wrong with a log at an address: one clear message each, and nothing is lost.
local program = dofile "tests/spec/support/program.lua"
local nats = dofile "tests/nats/servers.lua"

describe("a log at an address, where something is wrong:", function()
  local scene, shared
  before_each(function() scene = program.scene() end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  local function here(name, body)
    it(name, function()
      if not nats.available() then return pending(nats.MISSING) end
      body()
    end)
  end

  local made = 0
  -- A server without peculiarities, which tests share, and an address of its own.
  local function plain()
    shared, made = shared or nats.start(), made + 1
    local url = shared:url("log" .. made)
    assert.equal(0, scene:run({ "init", url }).status)
    return shared, url, "log" .. made
  end

  local function run(url, words) return nats.run(scene, url, words) end

  local function says(r, status, text)
    assert.equal(status, r.status, r.err)
    assert.truthy(r.err:find(text, 1, true), r.err)
    assert.equal(1, select(2, r.err:gsub("\n", "\n")), r.err)
  end

  local APPEND = { "append", "s1", "skill=a", "final_status=ok" }

  local function append(url, ...)
    local words = { table.unpack(APPEND) }
    for _, word in ipairs { ... } do words[#words + 1] = word end
    return run(url, words)
  end

  -- A message from a program that is not debrief.
  local function publish(s, subject, text)
    scene:write("pub", ("CONNECT {\"verbose\":false}\r\nPUB %s %d\r\n%s\r\nPING\r\n"):format(subject, #text, text))
    local host, port = s:host(1):match "^(.*):(%d+)$"
    local r = scene:sh(("exec bash -c 'exec 3<>/dev/tcp/%s/%s && cat pub >&3 && grep -m1 PONG <&3'"):format(host, port))
    assert.equal(0, r.status, r.err)
  end

  here("no server", function()
    local s, url = plain()
    s:kill(1)
    says(run(url, { "--timeout", "200ms", "read" }), 1, "cannot connect to " .. url .. ": no server answers there")
    says(append(url, "--timeout=200ms"), 1, "cannot connect to " .. url .. ": no server answers there")
    s:run(1)
  end)

  here("the login", function()
    local s = nats.start { users = { { user = "ann", password = "s3cret" },
      { user = "writer", password = "w", publish = { "log.e.mine", "$JS.API.STREAM.INFO.log" } } } }
    local url = s:url "log"
    says(run(url, { "read" }), 1, "the server refused the login")
    local wrong = run(s:url("log", "ann:wr0ng"), { "read" })
    says(wrong, 1, "the server refused the login")
    assert.falsy(wrong.err:find "wr0ng")
    assert.equal(0, scene:run({ "init", s:url("log", "ann:s3cret") }).status)
    assert.equal(0, append(s:url("log", "ann:s3cret")).status)
    local writer = s:url("log", "writer:w")
    says(run(writer, { "--timeout", "300ms", "append", "other", "skill=a", "final_status=ok" }), 1,
      'Permissions Violation for Publish to "log.e.other"')
    assert.equal(0, run(writer, { "append", "mine", "skill=a", "final_status=ok" }).status)
    says(run(url, { "--creds", "missing.creds", "read" }), 1, "missing.creds")
    local r = scene:sh(([[
      "$DEBRIEF" -d %s read --follow &
      for i in $(seq 500); do grep -q xxxxxxxxxx@ /proc/$!/cmdline && break; sleep 0.01; done
      tr "\\0" " " </proc/$!/cmdline; kill $!]]):format(s:url("log", "ann:s3cret")))
    assert.falsy(r.out:find "s3cret")
    assert.truthy(r.out:find("nats://xxxxxxxxxx@", 1, true), r.out)
  end)

  here("TLS", function()
    local s = nats.start { tls = "verify" }
    local url, tls = s:url "log", s.tls
    local login = { "--tls-ca", tls.ca, "--tls-cert", tls.cert, "--tls-key=" .. tls.key }
    assert.equal(0, scene:run({ "init", url, table.unpack(login) }).status)
    assert.equal(0, append(url, table.unpack(login)).status)
    says(run(url, { "--timeout", "200ms", "read" }), 1, "TLS failed")
    says(run(url, { "--tls-ca", tls.ca, "--timeout", "200ms", "read" }), 1, "cannot connect")
    says(run((url:gsub("^tls", "nats")), { "--timeout", "200ms", "read" }), 1, "TLS failed")
    says(run(url, { "--tls-ca", tls.ca, "--tls-cert", tls.cert, "read" }), 1, "--tls-cert and --tls-key go together")
  end)

  here("no JetStream", function()
    local s = nats.start { jetstream = false }
    local url = s:url "log"
    says(append(url, "--timeout", "1s"), 1, "JetStream")
    says(run(url, { "read", "--timeout", "300ms" }), 1, "JetStream")
    says(scene:run { "init", url }, 1, "JetStream")
  end)

  here("a message that is too large", function()
    local s = nats.start { max_payload = 4096 }
    local url = s:url "log"
    assert.equal(0, scene:run({ "init", url }).status)
    local text = ("x"):rep(5000)
    local r = append(url, "input=" .. text)
    says(r, 1, "more than the 3776 that the server takes at once")
    assert.truthy(r.err:find "5%d%d%d bytes", r.err)
    local lines = {}
    for i = 1, 50 do
      lines[i] = ('{"session_id":"s1","skill":"k%d","final_status":"ok","input":"%s"}'):format(i, ("y"):rep(100))
    end
    scene:write("in.jsonl", table.concat(lines, "\n") .. "\n")
    says(run(url, { "append", "s1", "in.jsonl" }), 1, "max_payload") -- all or nothing
    assert.equal(0, s:stream("log").state.messages)
    for i = 1, 50 do lines[i] = ('{"run":"%d","skill":"%s"}'):format(i, i == 7 and text or ("k"):rep(200)) end
    scene:write("runs.jsonl", table.concat(lines, "\n") .. "\n")
    scene:write("toy.lua", [[return { name = "toy", api = 1, import = { open = function(source, emit)
      for line in source:lines() do
        emit { session_id = "s1", skill = line.skill, source = { kind = "toy", key = line.run } }
      end
    end } }]])
    r = run(url, { "import", "./toy.lua", "runs.jsonl" })
    assert.equal(3, r.status, r.err)
    assert.truthy(r.err:find "session [%w.-]+: an entry of %d+ bytes is left out", r.err)
    assert.truthy(r.err:find "49 entries stored", r.err)
    assert.equal(49, select(2, run(url, { "read" }).out:gsub("\n", "\n")))
    r = run(url, { "import", "./toy.lua", "runs.jsonl" })
    assert.truthy(r.err:find "0 entries stored" and r.err:find "49 there already", r.err)
  end)

  here("a full stream", function()
    local s = nats.start { max_store = 200000 }
    local url = s:url "log"
    assert.equal(0, scene:run({ "init", url }).status)
    scene:write("big", ("x"):rep(60000))
    local last, stored = nil, 0
    for _ = 1, 6 do
      last = append(url, "input=@big", "--timeout", "1s")
      if last.status ~= 0 then break end
      stored = stored + 1
    end
    says(last, 1, "the stream is full")
    assert.equal(stored, select(2, run(url, { "read" }).out:gsub("\n", "\n")))
  end)

  here("what others wrote", function()
    local s, url, name = plain()
    publish(s, name .. ".e.s1", "no json")
    publish(s, name .. ".e.s1", '{"skill":"without a newline"}')
    publish(s, name .. ".e.s1", "")
    publish(s, name .. ".e.%2E%2E", "x")
    publish(s, name .. ".e.a/%2E%2E/b", "x")
    publish(s, name .. ".e.\27[31m", "x")
    publish(s, name .. ".e.-d", "x")
    publish(s, name .. ".e." .. ("n"):rep(200), "x")
    assert.equal(0, append(url).status)
    local r = run(url, { "read" })
    assert.equal(3, r.status)
    assert.equal(2, select(2, r.out:gsub("\n", "\n")), r.out)
    assert.truthy(r.out:find '"skill":"without a newline"', r.out)
    assert.truthy(r.err:find(name .. "/s1:1@1 bad_json", 1, true), r.err)
    assert.truthy(r.err:find("message 4 of subject '" .. name .. ".e.%2E%2E' is of no session", 1, true), r.err)
    assert.truthy(r.err:find("and 2 more messages like these", 1, true), r.err)
    assert.falsy(r.err:find "\27")
    assert.equal(3, run(url, { "check" }).status)
  end)

  here("clocks that are wrong", function()
    local _, url = plain()
    scene:write("in.jsonl", '{"skill":"old","final_status":"ok","timestamp":"1999-01-01T00:00:00Z"}\n'
      .. '{"skill":"new","final_status":"ok","timestamp":"2126-01-01T00:00:00Z"}\n')
    assert.equal(0, run(url, { "append", "s1", "in.jsonl" }).status)
    assert.equal("new\n", run(url, { "read", "--since", "2100-01-01", "--fields", "skill" }).out)
    assert.equal("old\n", run(url, { "read", "--until", "2000-01-01", "--fields", "skill" }).out)
  end)

  here("a server that comes later", function()
    local s, url = plain()
    s:kill(1)
    scene:sh(('"$DEBRIEF" -d %s append s1 skill=late final_status=ok >out 2>&1 & echo $! >pid'):format(url))
    s:run(1)
    scene:sh "while kill -0 $(cat pid) 2>/dev/null; do sleep 0.02; done"
    assert.equal("", scene:read "out")
    assert.equal("late\n", run(url, { "read", "--fields", "skill" }).out)
  end)

  here("no answer for longer than the stream knows what was sent", function()
    made = made + 1
    shared = shared or nats.start()
    local name, url = "log" .. made, shared:url("log" .. made)
    local config = ('{"name":"%s","subjects":["%s.e.*"],"storage":"file","num_replicas":1,'
      .. '"duplicate_window":1000000000}'):format(name, name)
    publish(shared, "$JS.API.STREAM.CREATE." .. name, config)
    nats.wait_for("the stream", function() return shared:stream(name) end)
    assert.equal(0, append(url).status)
    scene:write("wait.lua", [[
      assert(log:append("s2", { skill = "first" }))
      io.open("ready", "w"):close()
      while not io.open "go" do os.execute "sleep 0.02" end
      print(select(2, log:append("s2", { skill = "second" })))]])
    scene:sh(('"$DEBRIEF" -d %s run wait.lua >out 2>&1 & echo $! >pid'):format(url))
    nats.wait_for("the connection", function() return io.open(scene:path "ready") end)
    shared:pause(1)
    scene:sh "touch go; sleep 2.3"
    shared:resume(1)
    scene:sh "while kill -0 $(cat pid) 2>/dev/null; do sleep 0.02; done"
    assert.truthy(scene:read("out"):find "it may be stored all the same", scene:read "out")
    assert.equal("a\nfirst\nsecond\n", run(url, { "read", "--fields", "skill" }).out)
  end)

  here("a follower that is slow, and a server that goes", function()
    local s, url = plain()
    scene:sh(('"$DEBRIEF" -d %s read --follow --from start >out 2>err & echo $! >pid'):format(url))
    local function lines() return select(2, (scene:read "out" or ""):gsub("\n", "\n")) end
    assert.equal(0, append(url).status)
    nats.wait_for("the first entry", function() return lines() == 1 end)
    scene:sh "kill -STOP $(cat pid)"
    local list = {}
    for i = 1, 500 do list[i] = ('{"skill":"k%d","final_status":"ok","input":"%s"}'):format(i, ("z"):rep(900)) end
    scene:write("in.jsonl", table.concat(list, "\n") .. "\n")
    for i = 1, 5 do assert.equal(0, run(url, { "append", "many" .. i, "in.jsonl" }).status) end
    s:kill(1)
    scene:sh "kill -CONT $(cat pid)"
    s:run(1)
    assert.equal(0, append(url).status)
    nats.wait_for("all entries", function() return lines() >= 2502 end)
    scene:sh "kill $(cat pid)"
    assert.equal(2502, lines())
    assert.equal("", scene:read "err")
  end)
end)
