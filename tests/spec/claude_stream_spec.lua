-- The importer of what `claude -p` prints.
local importers = dofile "tests/spec/support/importers.lua"
local samples = dofile "tests/spec/support/samples.lua"
local cjson = importers.cjson

teardown(importers.program.clean)

local function entries_of(make, change)
  local records, write = make()
  if change then records = change(records) end
  return importers.of("claude_stream"):entries(write(records))
end

local function summary(e) return e.attempts[#e.attempts].output_summary end

describe("claude_stream", function()
  for _, name in ipairs { "claude_stream", "claude_stream__array" } do
    it("makes a run of each prompt, with cost, tokens and time, from the sample " .. name, function()
      local e, result = entries_of(samples[name])
      assert.same({}, result.diagnostics)
      assert.equal(4, #e)
      assert.same({ "5e551011", "/w/app", "claude-opus-4-5", "hull.c", 0.25, 4000, "success", "prompt-1" },
        { e[1].session_id, e[1].project_root, e[1].model_used, e[1].file_path, e[1].cost_usd, e[1].duration_ms,
          e[1].source.result, e[1].source.key })
      assert.same({ input_tokens = 10, output_tokens = 20, cache_read_tokens = 30, cache_write_tokens = 0 }, e[1].usage)
      assert.same({ false, 2, "Done." }, { e[1].attempts[1].verified, e[1].attempts[1].checks[1].exit_status,
        summary(e[1]) })
      assert.is_nil(e[1].final_status)
      assert.same({ "t4", "look", "Nothing there." }, { e[2].source.agent_id, e[2].input[1].text, summary(e[2]) })
      assert.is_nil(e[2].usage)
      assert.same({ "ship", "tools", "model", 0.5, 20 }, { e[3].skill, e[3].source.plugin, e[3].trigger, e[3].cost_usd,
        e[3].usage.input_tokens })
      assert.same({ "error", "error_max_turns", "too many turns" }, { e[4].final_status, e[4].source.result,
        summary(e[4]) })
      assert.is_nil(e[4].usage)
    end)
  end

  it("makes one run of a lone result, on one line or several", function()
    local e = entries_of(samples.claude_stream__result)
    assert.equal(1, #e)
    assert.same({ "claude-opus-4-5", 0.25, 4000, "Done." }, { e[1].model_used, e[1].cost_usd, e[1].duration_ms,
      summary(e[1]) })
    local records, write = samples.claude_stream__result()
    local pretty = write(records):gsub('([{,])"', '%1\n  "')
    assert.same(e, (importers.of("claude_stream"):entries(pretty, "out.json")))
  end)

  it("counts results that do not go on from the one before for themselves", function()
    local e = entries_of(samples.claude_stream, function(records)
      return { records[1], records[7], records[1], records[7], records[1], records[7] }
    end)
    assert.same({ 0.25, 0.0, 0.0 }, { e[1].cost_usd, e[2].cost_usd, e[3].cost_usd })
    e = entries_of(samples.claude_stream, function(records)
      local less = cjson.decode((cjson.encode(records[7]):gsub('"inputTokens":10', '"inputTokens":9')))
      return { records[1], records[7], records[1], less }
    end)
    assert.same({ 0.25, 9 }, { e[2].cost_usd, e[2].usage.input_tokens })
  end)

  it("loses at most the entry that an odd field belongs to", function()
    importers.mutate("claude_stream", samples.claude_stream, 300)
    importers.mutate("claude_stream", samples.claude_stream__array, 100)
  end)
end)
