-- The importer of pi: a made-up session, and, where the corpora are, tokens and cost counted again.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"

local CORPORA = os.getenv "CORPORA" or "../shared/corpora"

teardown(program.clean)

local function imported(paths)
  local scene, entries = program.scene(), {}
  local words = { "-d", "log", "import", "--final" }
  for _, path in ipairs(paths) do words[#words + 1] = path end
  local r = scene:run(words)
  for line in scene:run({ "-d", "log", "read" }).out:gmatch "[^\n]+" do entries[#entries + 1] = cjson.decode(line) end
  return entries, r
end

local function session(records)
  local scene, lines = program.scene(), {}
  for i, record in ipairs(records) do
    record.timestamp = os.date("!2026-11-02T%H:%M:%S.000Z", 32400 + 10 * i)
    lines[i] = cjson.encode(record)
  end
  return scene:write("x.jsonl", table.concat(lines, "\n") .. "\n")
end

local function says(content, stop, usage)
  return { type = "message", message = { role = "assistant", content = content, model = "claude-opus-4-5",
    stopReason = stop, usage = usage } }
end

local function result(id, name, said, failed)
  return { type = "message", message = { role = "toolResult", toolCallId = id, toolName = name, isError = failed,
    content = { { type = "text", text = said } } } }
end

local function prompt(said)
  return { type = "message", message = { role = "user", content = { { type = "text", text = said } } } }
end

describe("pi", function()
  it("makes turns with attempts, skills, tokens and cost", function()
    local entries, r = imported { session {
      { type = "session", id = "ffae836b", cwd = "/w/app", thinkingLevel = "off" },
      prompt "fix the mast",
      says({ { type = "toolCall", id = "c1", name = "edit", arguments = { path = "a.c" } },
        { type = "toolCall", id = "c2", name = "bash", arguments = { command = "npm test" } } }, "toolUse",
        { input = 10, output = 5, cacheRead = 100, cacheWrite = 7, cost = { total = 0.25 } }),
      result("c1", "edit", "edited", false),
      result("c2", "bash", "1 failing\n\nCommand exited with code 1", true),
      says({ { type = "text", text = "It fails." } }, "stop", { input = 1, output = 2, cost = { total = 0.5 } }),
      prompt "use the skill",
      says({ { type = "toolCall", id = "c3", name = "read", arguments = { path = "/h/skills/ship/SKILL.md" } } },
        "toolUse"),
      result("c3", "read", "---", false),
      says({ { type = "text", text = "Half" } }, "aborted"),
    } }
    assert.same({ 2, 0 }, { #entries, r.status }, r.err)
    local fixed, shipped = entries[1], entries[2]
    assert.same({ "ffae836b", "fix the mast", "/w/app", "claude-opus-4-5", "a.c", 0.75 }, { fixed.session_id,
      fixed.input, fixed.project_root, fixed.model_used, fixed.file_path, fixed.cost_usd })
    assert.same({ input_tokens = 11, output_tokens = 7, cache_read_tokens = 100, cache_write_tokens = 7 }, fixed.usage)
    assert.same({ false, "It fails." }, { fixed.attempts[1].verified, fixed.attempts[1].output_summary })
    assert.same({ "ship", "model", "interrupted" }, { shipped.skill, shipped.trigger, shipped.final_status })
  end)

  it("loses no entry for odd values", function()
    local entries, r = imported { session {
      { type = "session", id = 5, cwd = {}, version = 3 }, prompt "go", says("text", 5, { cost = 7, input = "x" }),
      says({ 5, { type = "toolCall", arguments = "x" } }, "stop"), result({}, 5, 7, "yes"), { type = "message" },
      says({ { type = "text", text = "Done." } }, "stop"),
    } }
    assert.same({ 1, 0 }, { #entries, r.status }, r.err)
    assert.equal("Done.", entries[1].attempts[1].output_summary)
  end)
end)

describe("pi-sessions", function()
  it("has all tokens and the whole cost", function()
    local paths, wanted, sum = {}, { 0, 0, 0, 0, 0 }, { 0, 0, 0, 0, 0 }
    for path in io.popen("ls " .. CORPORA .. "/pi-sessions/*.jsonl 2>/dev/null"):lines() do paths[#paths + 1] = path end
    if not paths[1] then return pending("no " .. CORPORA .. "/pi-sessions") end
    local function add(to, ...) for i, n in ipairs { ... } do to[i] = to[i] + n end end
    for i, path in ipairs(paths) do
      paths[i] = path:sub(1, 1) == "/" and path or program.root .. "/" .. path
      for line in io.lines(path) do
        local message = cjson.decode(line).message
        local usage = message and message.role == "assistant" and message.usage
        if usage then add(wanted, usage.input, usage.output, usage.cacheRead, usage.cacheWrite, usage.cost.total) end
      end
    end
    for _, e in ipairs(imported(paths)) do
      add(sum, e.usage.input_tokens, e.usage.output_tokens, e.usage.cache_read_tokens, e.usage.cache_write_tokens,
        e.cost_usd)
    end
    assert.is_true(math.abs(wanted[5] - sum[5]) < 1e-6)
    wanted[5], sum[5] = nil, nil
    assert.same(wanted, sum)
  end)
end)
