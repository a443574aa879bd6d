-- debrief mcp: every line that it prints is a message of the protocol, whatever it is sent.
local cjson = require "cjson"
local program = dofile "tests/spec/support/program.lua"

local scene

-- ---- The protocol's schema, as far as it concerns a server with tools -----------------------------------------------

local TEXT, OBJECT, FLAG, COUNT = { is = "string" }, { is = "object" }, { is = "boolean" }, { is = "integer" }
local ID = { any = { TEXT, { is = "number" } } }
local IMPLEMENTATION = { is = "object", needs = { "name", "version" }, has = { name = TEXT, version = TEXT,
  title = TEXT } }
local TOOL = { is = "object", needs = { "name", "inputSchema" }, has = { name = TEXT, description = TEXT,
  inputSchema = { is = "object", needs = { "type" }, has = { type = { only = { "object" } },
    properties = { of = OBJECT }, required = { each = TEXT } } },
  annotations = { is = "object", has = { readOnlyHint = FLAG, destructiveHint = FLAG, openWorldHint = FLAG } } } }
local CACHED = { ttlMs = COUNT, cacheScope = { only = { "public", "private" } } }
local RESULTS = { -- by a member that only this result has
  protocolVersion = { needs = { "protocolVersion", "capabilities", "serverInfo" },
    has = { protocolVersion = TEXT, capabilities = OBJECT, serverInfo = IMPLEMENTATION, instructions = TEXT } },
  supportedVersions = { needs = { "supportedVersions", "capabilities", "resultType", "ttlMs", "cacheScope" },
    has = { supportedVersions = { each = TEXT }, capabilities = OBJECT, instructions = TEXT, ttlMs = CACHED.ttlMs,
      cacheScope = CACHED.cacheScope } },
  tools = { needs = { "tools" }, has = { tools = { each = TOOL }, ttlMs = COUNT, cacheScope = CACHED.cacheScope } },
  content = { needs = { "content" }, has = { isError = FLAG, content = { each = { is = "object",
    needs = { "type", "text" }, has = { type = { only = { "text" } }, text = TEXT } } } } },
}
local ERROR = { is = "object", needs = { "code", "message" }, has = { code = COUNT, message = TEXT } }
local COMMON = { _meta = OBJECT, resultType = { only = { "complete" } } }

local function is_kind(value, kind)
  if kind == "object" then return type(value) == "table" and value[1] == nil end
  if kind == "integer" then return type(value) == "number" and value % 1 == 0 end
  return type(value) == kind
end

-- What is wrong with a value, or nil.
local function wrong(value, schema, place)
  if schema.is and not is_kind(value, schema.is) then return place .. " is not of type " .. schema.is end
  for _, name in ipairs(schema.needs or {}) do if value[name] == nil then return place .. " lacks " .. name end end
  for name, part in pairs(schema.has or {}) do
    local fault = value[name] ~= nil and wrong(value[name], part, place .. "." .. name)
    if fault then return fault end
  end
  for key, one in pairs(schema.each and value or schema.of and value or {}) do
    if schema.each and type(key) ~= "number" then return place .. " is not an array" end
    local fault = wrong(one, schema.each or schema.of, ("%s[%s]"):format(place, key))
    if fault then return fault end
  end
  for i, part in ipairs(schema.any or {}) do
    if not wrong(value, part, place) then break end
    if i == #schema.any then return place .. " fits nothing" end
  end
  for i, one in ipairs(schema.only or {}) do
    if one == value then break end
    if i == #schema.only then return place .. " is " .. tostring(value) end
  end
end

local function fault_of(message)
  local fault = wrong(message, { is = "object", needs = { "jsonrpc" }, has = { jsonrpc = { only = { "2.0" } }, id = ID,
    error = ERROR, result = OBJECT } }, "message")
  if fault then return fault end
  if (message.error == nil) == (message.result == nil) then return "an answer has a result or an error" end
  if message.error then return nil end
  if message.id == nil then return "a result has an id" end
  local schema = {}
  for name, one in pairs(RESULTS) do if message.result[name] ~= nil then schema = one end end
  return wrong(message.result, { needs = schema.needs, has = schema.has }, "result")
    or wrong(message.result, { has = COMMON }, "result")
end

-- ---- Talking --------------------------------------------------------------------------------------------------------

local function line(id, method, params)
  return cjson.encode { jsonrpc = "2.0", id = id, method = method, params = params }
end

local function call(id, name, arguments) return line(id, "tools/call", { name = name, arguments = arguments }) end

-- What comes of some lines: the answers, each of which fits the schema, and by id.
local function talk(lines)
  local r = scene:run { "-d", "log", "mcp", stdin = table.concat(lines, "\n") .. "\n" }
  assert.same({ 0, "" }, { r.status, r.err })
  local answers, by_id = {}, {}
  for text in r.out:gmatch "([^\n]*)\n" do
    local value = cjson.decode(text)
    for _, message in ipairs(value[1] and value or { value }) do
      assert.is_nil(fault_of(message), text)
      if message.id ~= nil then by_id[message.id] = message end
    end
    answers[#answers + 1] = value
  end
  return answers, by_id, r.out
end

local function log()
  scene:write("log/s1.jsonl", '{"session_id":"s1","skill":"fix","final_status":"ok","attempts":[{"verified":true}]}\n'
    .. '{"session_id":"s1","skill":"review","final_status":"fail"}\n')
end

local function text_of(message, i) return message.result.content[i or 1].text end

before_each(function() scene = program.scene() end)
teardown(program.clean)

describe("mcp", function()
  it("answers with what the commands print", function()
    log()
    local _, by_id = talk { line(0, "initialize", { protocolVersion = "2025-06-18", capabilities = {} }),
      line(nil, "notifications/initialized"), line(1, "tools/list"),
      call("r", "read", { sessions = { "s1" }, fields = "session,line,skill", sort = "-line" }),
      call("t", "table", { by = "skill", show = "runs", sort = "-runs", outcome = { "ok" } }),
      call("o", "retro", { plugin = "skills,failures", sessions = { "s*" }, last = 1 }),
      call("h", "history", { skill = "fix", since = cjson.null }), call("a", "read") }
    assert.equal("2025-06-18", by_id[0].result.protocolVersion)
    assert.equal(5, #by_id[1].result.tools)
    for id, words in pairs {
      r = { "read", "s1", "--json", "--fields", "session,line,skill", "--sort", "-line" },
      t = { "table", "--json", "--by", "skill", "--show", "runs", "--outcome", "ok" },
      o = { "retro", "skills,failures", "s*", "--last", "1", "--json" },
      h = { "retro", "history", "--skill", "fix", "--json" }, a = { "read", "--json" },
    } do
      local r = scene:run { "-d", "log", table.unpack(words) }
      assert.equal(r.out, text_of(by_id[id]), id)
      assert.is_false(by_id[id].result.isError)
      assert.is_nil(by_id[id].result.resultType)
    end
  end)

  it("stores how a run ended", function()
    local _, by_id = talk { call(1, "record", { session = "s1", skill = "fix", input = { n = 1 }, attempts = {
      { attempt = 1, verified = true } }, more = "kept" }), call(2, "record", { session = "../x", skill = "fix" }),
      call(3, "record", { session = "s1", skill = 7 }), call(4, "record", { skill = "fix" }),
      call(5, "record", { session = "s1", skill = "docs" }), call(6, "read", { fields = "line,skill" }) }
    assert.same({ session = "s1", line = 1 }, cjson.decode(text_of(by_id[1])))
    for id, message in pairs { [2] = "session id", [3] = "skill must be a string", [4] = "session is missing" } do
      assert.truthy(by_id[id].result.isError and text_of(by_id[id]):find(message, 1, true), text_of(by_id[id]))
    end
    assert.same({ { line = 1, skill = "fix" }, { line = 2, skill = "docs" } }, cjson.decode(text_of(by_id[6])))
    local entry = cjson.decode(scene:read("log/s1.jsonl"):match "[^\n]+")
    assert.same({ "kept", 1, nil }, { entry.more, entry.input.n, entry.final_status })
    assert.truthy(entry.timestamp)
  end)

  it("says in the answer what is wrong with a call, and what was left out", function()
    scene:write("log/s1.jsonl", '{"session_id":"s1","skill":"fix"}\n{"session_id"\n')
    scene:write("log/s2.jsonl", ('{"session_id":"s2","skill":"big","x":"%s"}\n'):format(("x"):rep(1 << 20)))
    scene:write("secret.jsonl", '{"session_id":"secret"}\n')
    local _, by_id = talk { call(1, "read", { sesions = { "s1" } }), call(2, "read", { last = "3" }),
      call(3, "read", { skill = { 7 } }), call(4, "retro", {}), call(5, "retro", { plugin = "./x.lua" }),
      call(6, "read", { sessions = { "./secret.jsonl" } }), call(7, "read", { sessions = { "s9" } }),
      call(8, "read", { where = "(" }), call(9, "read", { sessions = { "-o" } }), call(10, "read", { grep = "a\0b" }),
      call(11, "read", { sessions = { "s1" } }), call(12, "retro", { plugin = "nosuch" }),
      call(13, "read", { sessions = { "s2" } }), call(14, "read", { sessions = { "s2" }, fields = "skill" }) }
    for id, message in ipairs { "unknown argument 'sesions': did you mean 'sessions'?", "last must be of type integer",
      "skill must be an array of strings", "plugin is missing", "there is no report './x.lua'",
      "'./secret.jsonl' is not the name of a session", "no session 's9'", "where", "-o", "zero byte",
    } do
      assert.is_true(by_id[id].result.isError, id)
      assert.truthy(text_of(by_id[id]):find(message, 1, true), text_of(by_id[id]))
    end
    assert.is_false(by_id[11].result.isError)
    assert.truthy(text_of(by_id[11], 2):find("torn_tail", 1, true) or text_of(by_id[11], 2):find("s1.jsonl:2", 1, true))
    assert.is_true(by_id[12].result.isError)
    assert.truthy(text_of(by_id[13]):find "larger than 1048576 bytes: select less")
    assert.same({ { skill = "big" } }, cjson.decode(text_of(by_id[14])))
  end)

  it("agrees on a revision, or offers the latest that has a handshake", function()
    for asked, agreed in pairs { ["2024-11-05"] = "2024-11-05", ["2025-03-26"] = "2025-03-26",
      ["2025-11-25"] = "2025-11-25", ["1999-01-01"] = "2025-11-25", ["2026-07-28"] = "2025-11-25", [""] = "2025-11-25" }
    do
      local _, by_id = talk { line(1, "initialize", { protocolVersion = asked }) }
      assert.equal(agreed, by_id[1].result.protocolVersion)
    end
    local _, by_id = talk { line(1, "initialize", { protocolVersion = 7 }), line(2, "initialize") }
    assert.same({ -32602, -32602 }, { by_id[1].error.code, by_id[2].error.code })
  end)

  it("serves requests that name their revision themselves", function()
    local function modern(version) return { _meta = { ["io.modelcontextprotocol/protocolVersion"] = version,
      ["io.modelcontextprotocol/clientCapabilities"] = {} } } end
    local with = modern "2026-07-28"
    with.name, with.arguments = "table", {}
    local _, by_id = talk { line(1, "server/discover", modern "2026-07-28"), line(2, "tools/list", modern "2026-07-28"),
      line(3, "tools/call", with), line(4, "tools/list", modern "2099-01-01"), line(5, "server/discover") }
    for _, id in ipairs { 1, 2, 3, 5 } do assert.equal("complete", by_id[id].result.resultType) end
    assert.equal("2026-07-28", by_id[1].result.supportedVersions[1])
    assert.truthy(by_id[2].result.ttlMs and by_id[3].result.ttlMs == nil)
    assert.same({ -32022, "2099-01-01", "2026-07-28" },
      { by_id[4].error.code, by_id[4].error.data.requested, by_id[4].error.data.supported[1] })
  end)

  it("refuses what is no request, by the rules of JSON-RPC", function()
    for text, code in pairs {
      ["nonsense"] = -32700, ["{"] = -32700, ["\0"] = -32700, [("["):rep(100000)] = -32700, ['"text"'] = -32600,
      ["7"] = -32600, ["null"] = -32600, ["[]"] = -32600, ['[{"jsonrpc":"2.0","id":1,"method":"ping"}]'] = -32600,
      ["{}"] = -32600, ['{"jsonrpc":"1.0","id":1,"method":"ping"}'] = -32600,
      ['{"jsonrpc":"2.0","id":null,"method":"ping"}'] = -32600, ['{"jsonrpc":"2.0","id":{},"method":"ping"}'] = -32600,
      ['{"jsonrpc":"2.0","id":true,"method":"ping"}'] = -32600, ['{"jsonrpc":"2.0","id":[1],"method":"ping"}'] = -32600,
      ['{"jsonrpc":"2.0","id":1,"method":7}'] = -32600, ['{"jsonrpc":"2.0","id":1}'] = -32600,
      ['{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call"}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"none"}}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"read","arguments":[1]}}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"tools/list","params":{"cursor":"x"}}'] = -32602,
      ['{"jsonrpc":"2.0","id":1,"method":"resources/list"}'] = -32601,
      [("x"):rep(5 << 20)] = -32600,
    } do
      local answers = talk { text, line("after", "ping") }
      assert.same({ 2, code, {} }, { #answers, answers[1].error and answers[1].error.code, answers[2].result },
        text:sub(1, 80))
    end
    for _, text in ipairs { "", "  ", '{"jsonrpc":"2.0","method":"ping"}', line(nil, "none", 7),
      '{"jsonrpc":"2.0","id":9,"result":{}}', '{"jsonrpc":"2.0","error":{}}', line(nil, "notifications/cancelled"),
      line(nil, "notifications/cancelled", { requestId = {} })
    } do
      assert.equal(1, #talk { text, line("after", "ping") }, text)
    end
  end)

  it("returns ids as they came", function()
    local ids = { '"a\\u0000b"', '""', "-1", "1.50", "12345678901234567890", "1e400", '"\\ud83d"' }
    local lines = {}
    for i, id in ipairs(ids) do lines[i] = ('{"jsonrpc":"2.0","id":%s,"method":"ping"}'):format(id) end
    local r = scene:run { "mcp", stdin = table.concat(lines, "\n") }
    for i, id in ipairs(ids) do
      assert.truthy(r.out:find(('"id":%s,'):format(id), 1, true), lines[i])
    end
  end)

  it("answers batches where they are a part of the revision", function()
    local start = line(0, "initialize", { protocolVersion = "2025-03-26" })
    local batch = ("[%s,%s,7,%s]"):format(call(1, "table", { by = "skill" }), line(nil, "notifications/initialized"),
      line(2, "ping"))
    local answers, by_id = talk { start, batch, ("[%s]"):format(line(nil, "notifications/x")) }
    assert.same({ 2, 3 }, { #answers, #answers[2] })
    assert.truthy(by_id[1].result.content and by_id[2].result)
  end)

  it("goes on answering while a call runs, and ends one that is cancelled", function()
    scene:write("log/s1.jsonl", ('{"session_id":"s1"}\n'):rep(1200)) -- half a minute for this plugin:
    scene:write("plugins/slow.lua", [[return { name = "slow", api = 1, retrospective = {
      init = function() return {} end, step = function() for _ = 1, 1e7 do end end,
      finish = function() return { title = "Slow" } end } }]])
    local r = scene:sh(([[export DEBRIEF_PLUGIN_PATH=$PWD/plugins
      mkfifo in out; "$DEBRIEF" -d log mcp <in >out & exec 3>in 4<out
      echo '%s' >&3; echo '%s' >&3; read -r a <&4; echo '%s' >&3; read -r b <&4
      echo '%s' >&3; echo '%s' >&3; echo '%s' >&3; echo '%s' >&3; read -r c <&4
      exec 3>&-; cat <&4; wait $!; echo "$?$a$b$c"]]):format(
      call(1, "retro", { plugin = "slow" }), line(2, "ping"), line(3, "ping"),
      call(5, "read"), line(nil, "notifications/cancelled", { requestId = 5 }),
      line(nil, "notifications/cancelled", { requestId = 1, reason = "enough" }), line(4, "ping")))
    assert.equal("0" .. ('{"id":%d,"jsonrpc":"2.0","result":{}}'):rep(3):format(2, 3, 4) .. "\n", r.out)
  end)

  it("ends when nobody reads its answers", function()
    local r = scene:sh(([[{ yes '%s' | "$DEBRIEF" mcp; echo $? >status; } | head -n 1
      { trap '' PIPE; yes '%s' | "$DEBRIEF" mcp 2>err; echo $? >>status; } | head -n 1]]):format(line(1, "ping"),
      line(1, "ping")))
    assert.equal(2, select(2, r.out:gsub('"result":{}', "")))
    assert.equal("141\n141\n", scene:read "status")
    assert.equal("", scene:read "err")
  end)

  it("takes no memory for a line that never ends", function()
    if program.sanitized then return end
    local r = scene:sh(([[ulimit -v 200000
      { head -c 400000000 /dev/zero; echo; echo '%s'; } | "$DEBRIEF" mcp]]):format(line(1, "ping")))
    assert.truthy(r.out:find("4194304 bytes at most", 1, true) and r.out:find('"result":{}', 1, true), r.out .. r.err)
  end)

  it("survives damaged messages of every kind", function()
    local seed = os.time()
    math.randomseed(seed)
    local whole = { line(1, "initialize", { protocolVersion = "2025-11-25" }), line("x", "tools/list"),
      line(3, "tools/call", { name = "none", arguments = {} }), line(nil, "notifications/cancelled", { requestId = 3 }),
      line(4, "tools/call", { name = "record", arguments = { session = "s1", attempts = { { verified = true } } } }) }
    local lines, parts = {}, { "{", "}", "[", "]", ",", '"', ":", "null", "1e999", "\\", "\xff", "\0", "-", '"id":',
      "true" }
    for i = 1, 400 do
      local text = whole[math.random(#whole)]
      for _ = 1, math.random(3) do
        local at, with = math.random(#text), parts[math.random(#parts)]
        text = text:sub(1, at - 1) .. with .. text:sub(at + math.random(0, 4))
      end
      lines[i] = text
    end
    lines[#lines + 1] = line("last", "ping")
    local r = scene:run { "-d", "log", "mcp", stdin = table.concat(lines, "\n") .. "\n" }
    assert.equal(0, r.status, seed .. r.err)
    for text in r.out:gmatch "[^\n]+" do
      assert.is_nil(fault_of(cjson.decode(text)), seed .. text)
    end
    assert.truthy(r.out:find('"id":"last"', 1, true), seed)
  end)

  it("talks to the client of the protocol's own package", function()
    local modules = os.getenv "MODULES"
    if not modules or not os.execute("test -d " .. program.quote(modules .. "/@modelcontextprotocol/client")) then
      return pending "@modelcontextprotocol/client is not installed: make check"
    end
    local r = scene:sh(("MODULES=%s node %s/tests/mcp/talk.mjs $DEBRIEF log"):format(program.quote(modules),
      program.quote(program.root)))
    assert.equal("legacy 2025-11-25 history,read,record,retro,table 1 fix table true -32602 cancelled 5 0\n"
      .. "auto 2026-07-28 history,read,record,retro,table 1 fix table true -32602 cancelled 5 0\n", r.out .. r.err)
  end)
end)
