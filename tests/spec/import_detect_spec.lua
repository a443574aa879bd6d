-- No two importers know one file: over made-up logs of all of them, and, where the corpora are, over all real ones.
local importers = dofile "tests/spec/support/importers.lua"
local samples = dofile "tests/spec/support/samples.lua"

teardown(importers.program.clean)

local function key_of(sample) return (sample:gsub("__.*", "")) end

-- Folders of the corpora, and how many files each importer knows in them.
local REAL = {
  ["claude-ccl/*.jsonl"] = { claude_code = 4 },
  ["claude-entire-a/*/*/*/full.jsonl"] = { claude_code = 21, gemini = 2 },
  ["claude-spotter/*.jsonl claude-spotter/*/*.jsonl claude-spotter/*/*/*.jsonl"] = { claude_code = 20 },
  ["codex-agentv/*/*/*/full.jsonl"] = { codex = 15 },
  ["copilot-agentv/*/*/*/full.jsonl"] = { copilot = 8 },
  ["multi-agentcmd/*/full/*.json*"] = { claude_code = 5, codex = 5, gemini = 6 },
  ["multi-vct/*.json*"] = { claude_code = 1, codex = 1, copilot = 1, gemini = 1 },
  ["pi-sessions/*.jsonl"] = { pi = 2 },
  ["skill-eval-runs/*/runs/*/runs.jsonl skill-eval-runs/*/*/runs/*/runs.jsonl"] = { skill_eval = 28 },
  ["sweagent-traj/*/*/*.traj sweagent-traj/*/*/*/*.traj sweagent-traj/*/*/*/*/*.traj"] = { swe_agent = 21 },
  ["json-*/* json-*/*/* jsonl-*/*"] = {},
}

describe("detection", function()
  local plugins = importers.all()

  for name, make in pairs(samples) do
    local fine, records, write = pcall(make)
    if fine and type(write) == "function" then
      it("knows the sample " .. name, function()
        local scene, text, path = importers.program.scene(), write(records)
        assert.equal(key_of(name), importers.detect(scene:write(path, text), plugins))
      end)
    end
  end

  for patterns, expected in pairs(REAL) do
    it("knows the files of " .. patterns, function()
      local paths = importers.files(patterns)
      if not paths[1] then return pending("no " .. patterns .. " in " .. importers.corpora) end
      local found = {}
      for _, path in ipairs(paths) do
        local names = not path:find "LICENSE" and importers.is_file(path) and importers.detect(path, plugins) or ""
        assert.falsy(names:find(" ", 1, true), path)
        if names ~= "" then found[names] = (found[names] or 0) + 1 end
      end
      assert.same(expected, found)
    end)
  end
end)
