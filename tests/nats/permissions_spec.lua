-- The users of src/nats/README.md, as printed: what they may do works, and nothing else does.
local nats = dofile "tests/nats/servers.lua"
local program = dofile "tests/spec/support/program.lua"

local config = program.read "src/nats/README.md":match "\n```conf\n(authorization.-)```\n"

describe("users of a log in a stream", function()
  local s, scene

  setup(function()
    if not nats.available() then return end
    s, scene = nats.start { config = config }, program.scene()
    assert.equal(0, scene:run { "init", s:url("team", "admin:a") }.status)
  end)
  teardown(function()
    nats.clean()
    program.clean()
  end)

  local function it_with_server(name, f)
    it(name, function()
      if not s then return pending(nats.MISSING) end
      f()
    end)
  end

  local function as(who, ...) return scene:run { "--timeout", "500ms", "-d", s:url("team", who), ... } end

  local function is_refused(r)
    assert.equal(1, r.status)
    assert.falsy(r.err:find("w@", 1, true) or r.err:find("r@", 1, true) or r.err:find("k@", 1, true))
  end

  it_with_server("writers append, and read nothing", function()
    assert.equal(0, as("writer:w", "append", "s1", "skill=a", "final_status=ok").status)
    is_refused(as("writer:w", "read"))
    is_refused(as("writer:w", "init", s:url("other", "writer:w")))
  end)

  it_with_server("readers read, and append nothing", function()
    as("admin:a", "append", "s2", "skill=a", "final_status=ok")
    local r = as("reader:r", "read", "s2")
    assert.equal(0, r.status, r.err)
    assert.truthy(r.out:find '"skill":"a"')
    r = as("reader:r", "append", "s2", "skill=a")
    is_refused(r)
    assert.truthy(r.err:find("does not permit it", 1, true), r.err)
  end)

  it_with_server("workers do chunks, and append nothing", function()
    as("admin:a", "append", "s3", "skill=b", "final_status=ok")
    scene:sh(('"$DEBRIEF" work -j1 %s >work.log 2>&1 & echo $! >pid'):format(s:url("team", "worker:k")))
    nats.wait_for("the worker", function() return (scene:read "work.log" or ""):find "waits for work" end)
    local r = scene:run { "-d", s:url("team", "admin:a"), "retro", "skills", "--on", "workers" }
    scene:sh "kill $(cat pid)"
    assert.equal(0, r.status, r.err)
    assert.truthy(r.out:find "\nb +1 ", r.out)
    is_refused(as("worker:k", "append", "s3", "skill=a"))
  end)

  it_with_server("log in with files of credentials", function()
    local signed = nats.start { creds = true }
    local url = signed:url "team"
    local writer = signed.operator:user_creds { publish = { "team.e.*", "$JS.API.STREAM.INFO.team" },
      subscribe = { "_INBOX.>" } }
    local function with(creds, ...) return scene:run { "--creds", creds, "--timeout", "500ms", "-d", url, ... } end
    local r = with(signed.creds, "init", url)
    assert.equal(0, r.status, r.err)
    assert.equal(0, with(writer, "append", "s1", "skill=a").status)
    is_refused(with(writer, "read"))
    r = scene:run { "-d", url, "read", env = { NATS_CREDS = signed.creds } }
    assert.truthy(r.out:find '"skill":"a"', r.err)
    is_refused(scene:run { "-d", url, "--timeout", "500ms", "read" })
  end)
end)
