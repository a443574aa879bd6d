-- The importers of benchmarks and trajectories: aider, SWE-agent, mini-swe-agent and ATIF; made up, and real ones of
-- SWE-agent where the corpora are.
local importers = dofile "tests/spec/support/importers.lua"
local samples = dofile "tests/spec/support/samples.lua"
local cjson = importers.cjson

teardown(importers.program.clean)

local function entries_of(name, make, ...)
  local records, write = (make or samples[name])()
  for _, change in ipairs { ... } do change(records) end
  return importers.of(name):entries(write(records))
end

local function verdicts(e)
  local out = {}
  for i, attempt in ipairs(e.attempts) do out[i] = tostring(attempt.verified) end
  return table.concat(out, " ")
end

-- The mutations are of all records, or of those after the first: what a file has only once may lose all of it.
local function mutate(name, sample, times, all)
  importers.mutate(name, function()
    local records, write = samples[sample]()
    if all then return records, write end
    local first = table.remove(records, 1)
    return records, function(list) return write { first, table.unpack(list) } end
  end, times)
end

describe("aider", function()
  it("takes the tries of a case as attempts", function()
    local e, result = entries_of "aider"
    assert.same({}, result.diagnostics)
    assert.equal(1, #e)
    assert.same({ "2026-01-02--gpt5", "python/bowling", "false true", "gpt-5", 12500, 0.25, "diff" }, { e[1].session_id,
      e[1].input.task, verdicts(e[1]), e[1].model_used, e[1].duration_ms, e[1].cost_usd, e[1].source.edit_format })
    assert.same({ input_tokens = 5000, output_tokens = 700 }, e[1].usage)
    assert.is_nil(e[1].timestamp)
  end)

  it("claims nothing where nothing was tested", function()
    local e = entries_of("aider", nil, function(records)
      records[1].tests_outcomes = setmetatable({}, cjson.empty_array_mt)
    end)
    assert.equal("nil", verdicts(e[1]))
  end)

  it("loses no entry for odd values", function() mutate("aider", "aider", 200, true) end)
end)

describe("swe_agent", function()
  it("makes a run with attempts of a trajectory", function()
    local e, result = entries_of "swe_agent"
    assert.same({}, result.diagnostics)
    assert.equal(1, #e)
    assert.same({ "run-1", "mast__1", "Fix the mast", "gpt-4o", "/repo/hull.py", 0.5, "submitted" }, { e[1].session_id,
      e[1].source.key, e[1].input, e[1].model_used, e[1].file_path, e[1].cost_usd, e[1].source.exit_status })
    assert.same({ input_tokens = 1000, output_tokens = 50 }, e[1].usage)
    assert.equal("false true", verdicts(e[1]))
    assert.equal("output", e[1].attempts[1].checks[1].source)
    assert.same({ 6, "edit", "/repo/mast.py", 500 }, { #e[1].tools, e[1].tools[2].name, e[1].tools[2].target,
      e[1].tools[3].duration_ms })
    assert.same({ nil, nil }, { e[1].final_status, e[1].timestamp })
  end)

  it("reads mini-swe-agent, also where commands and status are in the text", function()
    local e, result = entries_of("swe_agent", samples.swe_agent__mini)
    assert.same({}, result.diagnostics)
    assert.equal(1, #e)
    assert.same({ "run-2", "Fix the mast", "gpt-5-mini", 0.3, 9000, "Submitted" }, { e[1].session_id, e[1].input,
      e[1].model_used, e[1].cost_usd, e[1].duration_ms, e[1].source.exit_status })
    assert.same({ input_tokens = 180, cache_read_tokens = 120, output_tokens = 30 }, e[1].usage)
    assert.equal("false true", verdicts(e[1]))
    local plain = entries_of("swe_agent", samples.swe_agent__mini, function(records)
      for _, message in ipairs(records) do
        local extra = message.extra or {}
        if extra.actions then message.content = "I do.\n```bash\n" .. extra.actions[1].command .. "\n```" end
        if extra.returncode then message.content = ("<returncode>%d</returncode>"):format(extra.returncode) end
        message.extra = nil
      end
    end)
    assert.equal("false true", verdicts(plain[1]))
  end)

  it("loses no entry for odd values", function()
    mutate("swe_agent", "swe_agent", 200)
    mutate("swe_agent", "swe_agent__mini", 200)
  end)

  it("reads the trajectories of SWE-agent itself, with their cost", function()
    local paths = importers.files "sweagent-traj/*/*/*/*/*.traj sweagent-traj/*/*/*/*/*/*.traj"
    if not paths[1] then return pending("no " .. importers.corpora .. "/sweagent-traj") end
    local cost, tokens, all_cost, all_tokens = 0, 0, 0, 0
    local importer = importers.of "swe_agent"
    for _, path in ipairs(paths) do
      local e, result = importer:read(path)
      local document = cjson.decode(importers.program.read(path))
      assert.same({}, result.diagnostics, path)
      assert.equal(1, #e, path)
      assert.equal(document.info.exit_status, e[1].source.exit_status)
      assert.truthy(#e[1].tools <= #document.trajectory and e[1].input)
      local stats = document.info.model_stats
      cost, tokens = cost + (e[1].cost_usd or 0), tokens + ((e[1].usage or {}).input_tokens or 0)
      all_cost, all_tokens = all_cost + stats.instance_cost, all_tokens + stats.tokens_sent
    end
    assert.same({ all_cost, all_tokens }, { cost, tokens })
    assert.truthy(#paths > 10 and tokens > 100000, #paths .. " " .. tokens)
  end)
end)

describe("atif", function()
  it("makes turns with attempts, skills, tokens and cost", function()
    local e, result = entries_of "atif"
    assert.same({}, result.diagnostics)
    assert.equal(2, #e)
    assert.same({ "5e55", "fix the mast", "claude-opus-4-5", "hull.c", 0.75, "claude-code", 30000 }, { e[1].session_id,
      e[1].input, e[1].model_used, e[1].file_path, e[1].cost_usd, e[1].source.agent, e[1].duration_ms })
    assert.same({ input_tokens = 180, cache_read_tokens = 120, output_tokens = 30 }, e[1].usage)
    assert.same({ "false true", "Fixed." }, { verdicts(e[1]), e[1].attempts[2].output_summary })
    assert.same({ "ship", "model", "claude-haiku-4-5" }, { e[2].skill, e[2].trigger, e[2].model_used })
  end)

  it("loses at most the entry that an odd field belongs to", function() mutate("atif", "atif", 300) end)
end)
