-- Logs at tls:// addresses: which certificates there are, and one clear message for each that is wrong.
local nats = dofile "tests/nats/servers.lua"
local program = dofile "tests/spec/support/program.lua"

describe("TLS", function()
  local scene
  before_each(function() scene = program.scene() end)
  after_each(nats.clean)
  teardown(program.clean)

  local function test(name, f)
    it(name, function()
      if not nats.available() then return pending(nats.MISSING) end
      f()
    end)
  end

  local function client(tls) return { "--tls-ca", tls.ca, "--tls-cert", tls.cert, "--tls-key", tls.key } end

  -- Every command that connects fails at once: a wait for --timeout would end with the test.
  local function fails(url, options, message)
    local line, more = 'timeout 60 "$DEBRIEF" -d %s --timeout 500s %s %s', {}
    for i, word in ipairs(options) do more[i] = program.quote(word) end
    for _, words in ipairs { "read", "append s1 skill=a", "work -j1", "work --status", "retro skills --on workers" } do
      local r = scene:sh(line:format(url, table.concat(more, " "), words))
      assert.equal(1, r.status, words .. ": " .. r.err)
      local expected = ("debrief: cannot connect to %s: %s"):format(url, message)
      assert.equal(expected, r.err:sub(1, #expected), words)
      assert.equal(1, select(2, r.err:gsub("\n", "")), r.err)
    end
  end

  test("names a certificate that has expired", function()
    local s = nats.start { tls = true, certificate = { days = -1 } }
    fails(s:url "log", { "--tls-ca", s.tls.ca }, "TLS failed: the server's certificate has expired (")
  end)

  test("names a certificate for another host", function()
    local s = nats.start { tls = true, certificate = { names = "DNS:elsewhere.example" } }
    local url = s:url "log":gsub("127%.0%.0%.1", "localhost")
    fails(url, { "--tls-ca", s.tls.ca }, "TLS failed: the server's certificate is for another host (")
    fails(s:url "log", { "--tls-ca", s.tls.ca }, "TLS failed: the server's certificate is for another host (")
  end)

  test("names an unknown authority", function()
    local s = nats.start { tls = true }
    local message = "TLS failed: the authority of the server's certificate is not known here: --tls-ca FILE ("
    fails(s:url "log", {}, message)
    fails(s:url "log", { "--tls-ca", s.tls.other_ca }, message)
    local two = s:url "log":gsub("127%.0%.0%.1(:%d+)", "127.0.0.1%1,localhost%1")
    fails(two, {}, message)
  end)

  test("says that the server wants a client's certificate, or another one", function()
    local s = nats.start { tls = "verify" }
    local two = s:url "log":gsub("127%.0%.0%.1(:%d+)", "127.0.0.1%1,localhost%1")
    for _, url in ipairs { s:url "log", two } do
      fails(url, { "--tls-ca", s.tls.ca }, "the server ended the connection as soon as TLS was made: it may want a "
        .. "client's certificate (--tls-cert, --tls-key)")
      fails(url, { "--tls-ca", s.tls.ca, "--tls-cert", s.tls.other_cert, "--tls-key", s.tls.other_key },
        "the server ended the connection as soon as TLS was made: it may not accept the certificate of --tls-cert")
    end
  end)

  test("protects work, too", function()
    local s = nats.start { tls = "verify" }
    local url, login = s:url "team", table.concat(client(s.tls), " ")
    local r = scene:sh(('"$DEBRIEF" %s init %s'):format(login, url))
    assert.equal(0, r.status, r.err)
    for i = 1, 3 do
      local line = '"$DEBRIEF" -d %s %s append s%d skill=a final_status=ok'
      assert.equal(0, scene:sh(line:format(url, login, i)).status)
    end
    scene:sh(('"$DEBRIEF" work -j1 %s %s >work.log 2>&1 & echo $! >pid'):format(url, login))
    nats.wait_for("the worker", function() return (scene:read "work.log" or ""):find "waits for work" end)
    r = scene:sh(('timeout 60 "$DEBRIEF" -d %s %s retro skills --on workers'):format(url, login))
    assert.equal(0, r.status, r.err)
    assert.truthy(r.out:find "\na +3 ", r.out)
    r = scene:sh(('"$DEBRIEF" work %s %s --status'):format(url, login))
    scene:sh "kill $(cat pid)"
    assert.truthy(r.out:find "nothing on the queue\n$", r.out .. r.err)
  end)
end)
