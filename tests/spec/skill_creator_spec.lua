-- The importer of skill-creator's evaluations: made-up benchmarks and gradings.
local importers = dofile "tests/spec/support/importers.lua"
local samples = dofile "tests/spec/support/samples.lua"
local cjson = importers.cjson

teardown(importers.program.clean)

describe("skill_creator", function()
  it("takes an entry from each run of a benchmark", function()
    local records, write = samples.skill_creator()
    local e, result = importers.of("skill_creator"):entries(write(records))
    assert.same({}, result.diagnostics)
    assert.equal(3, #e)
    assert.same({ "pdf", "with_skill", true, "claude-sonnet-4", 42500, 3800, "2026-01-15T10:30:00Z" }, { e[1].skill,
      e[1].phase, e[1].attempts[1].verified, e[1].model_used, e[1].duration_ms, e[1].source.tokens, e[1].timestamp })
    assert.same({ false, "passed claim 1: seen 1\nFAILED claim 2: seen 2", "eval-1/with_skill/run-2" },
      { e[2].attempts[1].verified, e[2].attempts[1].runner_output, e[2].source.key })
    assert.same(e[1].input, e[3].input)
    assert.same({ nil, "without_skill" }, { e[3].skill, e[3].phase })
    assert.same({ nil, "Ocean" }, { e[1].usage, e[1].input.task })
  end)

  it("takes a run from a grading, and its name from the folders", function()
    local importer = importers.of "skill_creator"
    local records, write = samples.skill_creator__grading()
    local folder = "pdf-workspace/iteration-1/eval-1/with_skill/run-2/"
    importer.scene:write(folder .. "timing.json", '{"total_tokens":84852,"duration_ms":23332}')
    local e = importer:entries(write(records), folder .. "grading.json")
    assert.equal(1, #e)
    assert.same({ "pdf", "with_skill", false, 23332, 84852, "eval-1", "eval-1/with_skill/run-2", 2 }, { e[1].skill,
      e[1].phase, e[1].attempts[1].verified, e[1].duration_ms, e[1].source.tokens, e[1].input.task, e[1].source.key,
      e[1].source.trial })
    local from_benchmark = importer:entries(cjson.encode { metadata = { skill_name = "pdf" }, runs = { { eval_id = 1,
      configuration = "with_skill", run_number = 2, result = { passed = 2, total = 2 } } } },
      "pdf-workspace/iteration-1/benchmark.json")
    assert.same({ e[1].session_id, e[1].source.key, true }, { from_benchmark[1].session_id,
      from_benchmark[1].source.key, from_benchmark[1].attempts[1].verified })
  end)

  it("loses at most the entry that an odd field belongs to", function()
    importers.mutate("skill_creator", function()
      local records, write = samples.skill_creator()
      local first = table.remove(records, 1)
      return records, function(list) return write { first, table.unpack(list) } end
    end, 300)
  end)
end)
