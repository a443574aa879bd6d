-- The servers that other specs start: that they come, die, come back, and never stay.
local nats = dofile "tests/nats/servers.lua"

local function lines_of(command)
  local pipe <close> = assert(io.popen(command))
  local out = {}
  for line in pipe:lines() do out[#out + 1] = line end
  return out
end

local function runs(pid) -- not a zombie
  local file <close> = io.open("/proc/" .. pid .. "/stat")
  return file ~= nil and file:read "a":match "%) (%a)" ~= "Z"
end

local function it_with_servers(name, f)
  it(name, function()
    if not nats.available() then return pending(nats.MISSING) end
    return f()
  end)
end

describe("servers for tests", function()
  after_each(nats.clean)

  it_with_servers("start one with JetStream, and end it", function()
    local s = nats.start { max_payload = 4096, max_store = 1 << 20 }
    local pid = s.nodes[1].pid
    assert.equal(4096, s:get(1, "/varz").max_payload)
    assert.equal(1 << 20, s:get(1, "/jsz").config.max_storage)
    assert.equal("nats://127.0.0.1:" .. s.nodes[1].port .. "/team", s:url "team")
    s:close()
    assert.is_false(runs(pid))
    assert.is_nil(io.open(s.dir .. "/1.conf"))
  end)

  it_with_servers("start one without JetStream, with TLS and names", function()
    local users = { { user = "w", password = "p", publish = { "a.>" } } }
    local s = nats.start { jetstream = false, tls = "verify", users = users }
    local varz, port = s:get(1, "/varz"), s.nodes[1].port
    assert.is_true(varz.auth_required and varz.tls_required and varz.tls_verify)
    assert.equal("tls://w:p@127.0.0.1:" .. port .. "/team", s:url("team", "w:p"))
    local command = "openssl verify -CAfile %s %s && openssl verify -CAfile %s %s"
    assert.is_true(os.execute((command .. " >/dev/null"):format(s.tls.ca, s.tls.server_cert, s.tls.ca, s.tls.cert)))
  end)

  it_with_servers("end when the test is killed", function()
    local script = [[
      local s = dofile "tests/nats/servers.lua".start()
      print(s.nodes[1].pid)
      print(s.dir)
      io.stdout:flush()
      os.execute "kill -KILL $PPID"]]
    local said = lines_of(("lua5.4 -e '%s' 2>&1"):format(script))
    nats.wait_for("the server to end", function() return not runs(said[1]) end)
    nats.wait_for("the folder to go", function() return not io.open(said[2] .. "/1.conf") end)
  end)

  it_with_servers("bring a node back that was killed, and one that was cut off", function()
    local cut = nats.can_cut()
    local s = nats.start { size = 3, cut = cut }
    local other = s:leader() % 3 + 1 -- the others go on without waiting for an election
    local pid = s.nodes[other].pid
    s:kill(other)
    assert.is_false(runs(pid))
    s:run(other)
    s:wait_current()
    assert.truthy(s:leader())
    if not cut then return pending "no right to make network namespaces" end
    s:cut()
    nats.wait_for("a leader among two", function() return (s:leader() or 3) ~= 3 and not s:get(3, "/varz") end)
    s:join()
    s:wait_current()
    assert.truthy(s:get(3, "/varz"))
  end)
end)
