-- The importer of trials: made-up results of tau-bench, tau2-bench and Inspect.
local importers = dofile "tests/spec/support/importers.lua"
local samples = dofile "tests/spec/support/samples.lua"

teardown(importers.program.clean)

local function entries_of(make)
  local records, write = make()
  return importers.of("trials"):entries(write(records))
end

local function verdicts(entries)
  local out = {}
  for i, e in ipairs(entries) do out[i] = tostring(e.attempts[1].verified) end
  return table.concat(out, " ")
end

describe("trials", function()
  it("takes one entry from each trial of tau-bench, with the reward as verdict", function()
    local e, result = entries_of(samples.trials)
    assert.same({}, result.diagnostics)
    assert.equal("true false nil true", verdicts(e))
    assert.same({ "Cancelled.", "gpt-4o", 1, "0/1" }, { e[2].attempts[1].output_summary, e[2].model_used,
      e[2].source.trial, e[2].source.key })
    assert.same(e[1].input, e[2].input)
    assert.same({ task = "0", prompt = "Cancel trip 0" }, e[1].input)
    assert.same({ { name = "get_trip" } }, e[1].tools)
    assert.same({ nil, nil, nil }, { e[1].timestamp, e[1].duration_ms, e[1].final_status })
    assert.equal("tool-calling-gpt-4o-0.0_range_0--1_user-gpt-4o-llm_0522", e[1].session_id)
  end)

  it("takes model, time and cost of tau2-bench, but no time without a zone", function()
    local e, result = entries_of(samples.trials__tau2)
    assert.same({}, result.diagnostics)
    assert.equal("true false", verdicts(e))
    assert.same({ "gpt-4.1", 60500, 0.25, "airline", "user_stop" }, { e[1].model_used, e[1].duration_ms, e[1].cost_usd,
      e[1].input.suite, e[1].source.ended })
    assert.is_nil(e[1].timestamp)
  end)

  it("takes samples and epochs of Inspect, with their scores", function()
    local e, result = entries_of(samples.trials__inspect)
    assert.same({}, result.diagnostics)
    assert.equal("true false nil true nil", verdicts(e))
    assert.same({ "ev1", "openai/gpt-5", 3250, 5500, "2026-11-02T10:00:05Z", 2 }, { e[1].session_id,
      e[1].model_used, e[1].duration_ms, e[1].wall_ms, e[1].timestamp, e[2].source.trial })
    assert.same({ suite = "sums", task = "a", prompt = "Add a" }, e[2].input)
    assert.same({ match = "0.5" }, e[3].source.scores)
    assert.equal("match: I: says I", e[2].attempts[1].runner_output)
    assert.same({ input_tokens = 10, output_tokens = 5, cache_read_tokens = 2 }, e[1].usage)
    assert.same({ judge = { input_tokens = 2 }, ["openai/gpt-5"] = { input_tokens = 1 } }, e[4].usage_by_model)
    assert.same({ "error", "boom" }, { e[5].final_status, e[5].attempts[1].runner_output })
    assert.same({ { name = "bash", error = true } }, e[1].tools)
  end)

  it("says how to make JSON of an .eval file", function()
    local importer = importers.of "trials"
    local path = importer.scene:write("log.eval", "PK\3\4…")
    assert.equal("trials", importers.detect(path, importers.all()))
    local fine, message = pcall(importer.read, importer, path)
    assert.is_false(fine)
    assert.truthy(message:find("inspect log convert --to json", 1, true))
  end)

  it("loses at most the entry that an odd field belongs to", function()
    for _, name in ipairs { "trials", "trials__tau2", "trials__inspect" } do
      importers.mutate("trials", function()
        local records, write = samples[name]()
        if name == "trials" then return records, write end
        local first = table.remove(records, 1)
        return records, function(list) return write { first, table.unpack(list) } end
      end, 200)
    end
  end)
end)
