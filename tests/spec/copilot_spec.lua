-- The importer of the Copilot CLI: a made-up log, and, where the corpora are, tokens as another program counted them.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local CORPORA = os.getenv "CORPORA" or "../shared/corpora"

teardown(program.clean)

local function imported(lines, options)
  local scene = program.scene()
  scene:write("s/events.jsonl", table.concat(lines, "\n") .. "\n")
  local words = { "-d", "log", "import", "s/events.jsonl" }
  for _, option in ipairs(options or {}) do words[#words + 1] = option end
  local r, entries = scene:run(words), {}
  for line in scene:run({ "-d", "log", "read" }).out:gmatch "[^\n]+" do entries[#entries + 1] = cjson.decode(line) end
  return entries, r
end

-- Events ten seconds apart.
local function recorder()
  local list, at = {}, 32400
  return list, function(kind, data)
    at = at + 10
    list[#list + 1] = cjson.encode { type = kind, data = data, id = "e" .. #list,
      timestamp = os.date("!2026-11-02T%H:%M:%S.000Z", at) }
  end
end

local function start(event) event("session.start", { sessionId = "10fb4666", producer = "copilot-agent",
  context = { cwd = "/w/app" } }) end

describe("copilot", function()
  it("makes turns with attempts, tools and tokens", function()
    local list, event = recorder()
    start(event)
    event("user.message", { content = "fix the mast" })
    event("assistant.message", { messageId = "m1", model = "gpt-5.5", content = "", outputTokens = 30, toolRequests = {
      { toolCallId = "c1", name = "edit", arguments = { path = "a.c" } },
      { toolCallId = "c2", name = "bash", arguments = { command = "make test" } } } })
    event("tool.execution_complete", { toolCallId = "c1", success = true, result = { content = "edited" } })
    event("permission.completed", { requestId = "r" })
    event("tool.execution_complete", { toolCallId = "c2", success = true, result = {
      content = "1 failed\n<exited with exit code 2>" } })
    event("assistant.message", { messageId = "m2", model = "gpt-5.5", content = "It fails.", outputTokens = 5,
      toolRequests = {} })
    event("session.shutdown", { modelMetrics = {
      ["gpt-5.5"] = { usage = { inputTokens = 500, cacheReadTokens = 100 } } } })
    local entries, r = imported(list)
    assert.same({ 1, 0 }, { #entries, r.status }, r.err)
    local e = entries[1]
    assert.same({ "10fb4666", "fix the mast", "/w/app", "gpt-5.5", "a.c", "e1" }, { e.session_id, e.input,
      e.project_root, e.model_used, e.file_path, e.source.key })
    assert.same({ input_tokens = 400, cache_read_tokens = 100, output_tokens = 35 }, e.usage)
    assert.same({ false, "It fails." }, { e.attempts[1].verified, e.attempts[1].output_summary })
    assert.same({ 40000, 50000 }, { e.duration_ms, e.wall_ms }) -- 10 s of it were a question
    assert.equal(2, e.attempts[1].checks[1].exit_status)
  end)

  it("takes skills from their tool, and no input tokens for one of several runs", function()
    local list, event = recorder()
    start(event)
    event("user.message", { content = "ship it" })
    event("assistant.message", { messageId = "m1", content = "", outputTokens = 3, toolRequests = {
      { toolCallId = "c1", name = "skill", arguments = { skill = "tools:ship" } } } })
    event("tool.execution_complete", { toolCallId = "c1", success = true, result = { content = "loaded" } })
    event("assistant.message", { messageId = "m2", content = "Shipped.", outputTokens = 3 })
    event("user.message", { content = "thanks" })
    event("abort", { reason = "user_initiated" })
    event("user.message", { content = "really" })
    event("assistant.message", { messageId = "m3", content = "Yes.", outputTokens = 3 })
    event("session.shutdown", { modelMetrics = { m = { usage = { inputTokens = 500 } } } })
    local entries = imported(list)
    assert.equal(2, #entries)
    assert.same({ "ship", "tools", "model" }, { entries[1].skill, entries[1].source.plugin, entries[1].trigger })
    assert.is_nil(entries[2].usage.input_tokens)
  end)

  it("takes a message of the autopilot for no prompt", function()
    local list, event = recorder()
    start(event)
    event("user.message", { content = "go", transformedContent = "go, now" })
    event("assistant.message", { messageId = "m1", content = "One.", outputTokens = 3 })
    event("user.message", { content = "", transformedContent = "You are not done.", attachments = {} })
    event("assistant.message", { messageId = "m2", content = "Two.", outputTokens = 4 })
    event("session.shutdown", { modelMetrics = { m = { usage = { inputTokens = 500 } } } })
    local entries = imported(list)
    assert.equal(1, #entries)
    assert.same({ input_tokens = 500, output_tokens = 7 }, entries[1].usage)
  end)

  it("loses no entry for odd values", function()
    local list, event = recorder()
    start(event)
    event("user.message", 5)
    event("assistant.message", { content = 7, toolRequests = "x", outputTokens = "many" })
    event("tool.execution_complete", { toolCallId = {}, result = "x", error = 5 })
    event("session.shutdown", { modelMetrics = { a = 1 } })
    list[#list + 1] = '{"type":5,"data":null}'
    local entries, r = imported(list)
    assert.same({ 1, 0 }, { #entries, r.status }, r.err)
  end)
end)

describe("copilot-agentv", function()
  it("has the tokens that another program counted", function()
    local names = io.popen("ls " .. CORPORA .. "/copilot-agentv/*/*/*/metadata.json 2>/dev/null"):read "a"
    if names == "" then return pending("no " .. CORPORA .. "/copilot-agentv") end
    local agreed = 0
    for name in names:gmatch "[^\n]+" do
      local metadata = cjson.decode(program.read(name))
      local wanted, from = metadata.token_usage, metadata.checkpoint_transcript_start
        or metadata.transcript_lines_at_start or 0
      local lines, sum, last, n = {}, 0, nil, 0
      for line in io.lines((name:gsub("metadata.json$", "full.jsonl"))) do
        n = n + 1
        if n == 1 or n > from then lines[#lines + 1] = line end
        local event = n > from and line:find('"assistant.message"', 1, true) and cjson.decode(line)
        sum = sum + (event and event.data.outputTokens or 0)
        if sum == wanted.output_tokens then last = #lines end
      end
      for i = assert(last, name) + 1, #lines do lines[i] = nil end
      local output, input, cached = 0, 0, 0
      for _, e in ipairs(imported(lines, { "--final" })) do
        output, input = output + (e.usage.output_tokens or 0), input + (e.usage.input_tokens or 0)
        cached = cached + (e.usage.cache_read_tokens or 0)
      end
      assert.same({ wanted.output_tokens, wanted.input_tokens, wanted.cache_read_tokens },
        { output, input + cached, cached }, name)
      agreed = agreed + 1
    end
    assert.equal(8, agreed)
  end)
end)
