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

local function ours(name, change)
  local text = program.read(("%s/multi-vct/%s.jsonl"):format(importers.corpora, name))
  return sum((importers.of(name):entries(change and change(text) or text, name .. ".jsonl")))
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

  -- The other program adds up every record, also of one reply. (The one of claude-entire-a does not.)
  it("are those of the other program for claude_code, if each record were a reply of its own", function()
    local t, n = theirs "claude_code", 0
    local all = { t.input_tokens, t.output_tokens, t.cache_read_input_tokens, t.cache_creation_input_tokens }
    assert.same(all, ours("claude_code", function(text)
      return (text:gsub('"id":"msg_', function()
        n = n + 1
        return ('"id":"%d_'):format(n)
      end))
    end))
    assert.same({ 158, 3860, 1093509, 99004 }, ours "claude_code")
  end)
end)
