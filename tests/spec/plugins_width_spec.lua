-- The bundled retrospectives in 80 columns: no table falls apart into blocks, and what it is about is shown whole.
local support = dofile "tests/spec/support/plugins.lua"
local width = require "debrief.text.width"

local SKILL, MODEL = "some-plugin:review-of-changes", "claude-haiku-4-5-20251001"
local SESSION = "258c7280-ae70-4798-800f-63464d01a85d"

local function log()
  local out = {}
  for i = 1, 400 do
    local long = i % 10 == 0
    out[i] = {
      session_id = SESSION, line = 1000 + i, skill = i % 3 > 0 and SKILL or "ship", phase = "implementation",
      at = ("2026-01-%02dT10:00:00Z"):format(i % 28 + 1), model_used = MODEL, duration_ms = long and 99999999 or 90000,
      final_status = ({ "ok", "fail" })[i % 5], input = { task = i % 40 }, cost_usd = 12.5,
      attempts = { { model = MODEL, verified = false, duration_ms = 654321, runner_output = "error: x" },
        { model = "gpt-5.3-codex-spark", verified = i % 4 > 0, duration_ms = 7654321 },
        { checks = { { kind = "build", passed = true } } } },
      usage = { input_tokens = 1234567, output_tokens = 234567, cache_read_tokens = 123456789,
        cache_write_tokens = 12345678 },
      tools = { { name = "Bash", target = "pnpm --filter web test", duration_ms = 65432, error = true },
        { name = "Edit", target = "/home/someone/projects/a-long-name/of/a/folder/lib/spotter/live_test.exs",
          duration_ms = 100 } },
    }
  end
  return support.entries(out)
end

describe("in 80 columns", function()
  local entries = log()
  for name, keys in pairs {
    summary = { SKILL, MODEL }, skills = { SKILL }, failures = { "error: x" }, attempts = { SKILL }, lessons = {},
    stuck = {}, tools = { "Bash", "pnpm --filter web test", "live_test.exs" }, usage = { SKILL },
    slow = { SKILL, SESSION .. ":1" }, phases = { "implementation" }, fields = { "attempts.N.checks.N.passed" },
    table = { SKILL },
    models = { MODEL }, pass_rate = { SKILL }, compare = { SKILL }, trend = { SKILL },
    timeline = { SESSION .. ":1391" },
  } do
    it(name .. " has whole tables with whole keys", function()
      local report = support.run(support.load("plugins/" .. name .. ".lua"), entries)
      local text = support.show("text", report, { width = 80 })
      for line in text:gmatch "[^\n]+" do assert.is_true(width.of(line) <= 80, line) end
      local rules = select(2, ("\n" .. text):gsub("\n─[─ ]*", ""))
      assert.equal(#report.tables, rules, text)
      for _, key in ipairs(keys) do assert.is_truthy(text:find(key, 1, true), key .. "\n" .. text) end
    end)
  end
end)
