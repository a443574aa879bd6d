-- Tokens of one session of each agent, as another program counted them, where the corpora are. Those of Gemini are in
-- gemini_spec, of codex-agentv in codex_spec, of copilot-agentv in copilot_spec, of claude-entire-a in import_spec.
local importers = dofile "tests/spec/support/importers.lua"
local cjson, program = importers.cjson, importers.program

teardown(program.clean)

local NAMES = { "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens" }

local function sum(entries)
  local out = { 0, 0, 0, 0 }
  for _, e in ipairs(entries) do
    for i, name in ipairs(NAMES) do out[i] = out[i] + ((e.usage or {})[name] or 0) end
  end
  return out
end

local function theirs(name)
  local text = program.read(("%s/multi-vct/%s.expected.json"):format(importers.corpora, name))
  if not text then return nil end
  local _, usage = next(cjson.decode(text).records[1].conversationUsage)
  return usage.total_token_usage or usage
end

local function ours(name, options)
  local text = program.read(("%s/multi-vct/%s.jsonl"):format(importers.corpora, name))
  return sum((importers.of(name):entries(text, name .. ".jsonl", options)))
end

describe("tokens of multi-vct", function()
  if not theirs "codex" then return pending("no " .. importers.corpora .. "/multi-vct") end

  it("are those of the other program for codex, where cached tokens are part of the input", function()
    local t = theirs "codex"
    assert.same({ t.input_tokens - t.cached_input_tokens, t.output_tokens, t.cached_input_tokens, 0 }, ours "codex")
  end)

  it("are those of the other program for copilot, where cached tokens are input, reasoning output", function()
    local t = theirs "copilot"
    assert.same({ t.input_tokens - t.cache_read_input_tokens, t.output_tokens + t.reasoning_output_tokens,
      t.cache_read_input_tokens, 0 }, ours "copilot")
  end)

  -- The other program adds up every record, and one reply is several records that all have its usage. So the numbers
  -- differ, and by exactly that: all records are theirs, one for each reply (message id, largest of each field) ours.
  describe("for claude_code", function()
    local FIELDS = { "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens" }
    local t = theirs "claude_code"
    local wanted = { t.input_tokens, t.output_tokens, t.cache_read_input_tokens, t.cache_creation_input_tokens }

    it("are those of the other program with the option that counts as it does", function()
      assert.same(wanted, ours("claude_code", { usage = "record" }))
    end)

    it("are the largest of each reply", function()
      local every, replies, records, count = { 0, 0, 0, 0 }, {}, 0, 0
      for line in io.lines(importers.corpora .. "/multi-vct/claude_code.jsonl") do
        local message = cjson.decode(line).message
        local usage = type(message) == "table" and message.usage and next(message.usage) and message.usage
        for i, name in ipairs(usage and FIELDS or {}) do
          local reply = replies[message.id] or { 0, 0, 0, 0 }
          local n = usage[name] or 0
          every[i], replies[message.id], reply[i] = every[i] + n, reply, math.max(reply[i], n)
        end
        records = records + (usage and 1 or 0)
      end
      local largest = { 0, 0, 0, 0 }
      for _, reply in pairs(replies) do
        count = count + 1
        for i = 1, 4 do largest[i] = largest[i] + reply[i] end
      end
      assert.same({ 41, 31 }, { records, count })
      assert.same(wanted, every)
      assert.same(largest, ours "claude_code")
      assert.same({ 158, 3860, 1093509, 99004 }, largest)
    end)
  end)
end)
