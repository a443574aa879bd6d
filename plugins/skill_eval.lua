-- Runs of skill evaluations: RUN/runs.jsonl, one line for each time a model answered a fixture. One entry a line.
--
-- A run passed if all its assertions did; without assertions nothing is claimed. The file's `outcome` says only whether
-- the model answered at all, so a "success" is kept in `source` and not made a status. Of the attempts the file gives
-- the number and the last answer. It gives no time of day: the entries have no timestamp.
local debrief = require "debrief"

-- One line for each assertion, as a test runner would print it, and whether all of them passed.
local function judge(assertions)
  local verified, lines = nil, {}
  for i, assertion in ipairs(assertions) do
    verified = verified ~= false and assertion.passed == true
    lines[i] = ("%s %s: expected %s, got %s"):format(assertion.passed and "passed" or "FAILED", assertion.kind,
      assertion.expected_value or assertion.pattern, assertion.extracted or "nothing")
  end
  return verified, lines[1] and table.concat(lines, "\n")
end

local function attempts_of(line)
  local attempts = {}
  for i = 1, math.max(line.attempts or 1, 1) do attempts[i] = { attempt = i } end
  local last = attempts[#attempts]
  last.model, last.output_summary = line.model_id, line.raw_response
  last.verified, last.runner_output = judge(line.assertions or {})
  return attempts
end

local function open(source, emit)
  local run = source.path:match "([^/]+)/[^/]+$" or source.path
  for line in source:lines() do
    local prompt = line.prompt_ref or "" -- skills/NAME/SKILL.md, agents/NAME.shared.md, or <baseline>: no skill at all
    emit {
      session_id = debrief.session_id(run),
      skill = prompt:match "([^/]+)/SKILL%.md$" or prompt:match "([^/<>]+)%.shared%.md$",
      phase = line.variant,
      input = { fixture_id = line.fixture_id, fixture_sha = line.fixture_sha,
        prompt_ref = line.prompt_ref, prompt_sha = line.prompt_sha },
      attempts = attempts_of(line),
      final_status = line.outcome ~= "success" and line.outcome or nil,
      model_used = line.model_id,
      duration_ms = line.latency_ms and math.floor(line.latency_ms + 0.5),
      usage = line.tokens_in and { input_tokens = line.tokens_in, output_tokens = line.tokens_out,
        estimated = line.tokens_estimated },
      source = { kind = "skill_eval", run = run, outcome = line.outcome, error_category = line.error_category,
        key = ("%s/%s/%s/%s"):format(line.fixture_id, line.variant, line.model_id, line.run_index) },
    }
  end
end

return {
  name = "skill_eval",
  api = 1,
  summary = "Runs of skill evaluations (runs.jsonl), verified by their assertions",
  import = {
    detect = function(_, head) return head:find '"fixture_id"%s*:' ~= nil and head:find '"run_index"%s*:' ~= nil end,
    open = open,
  },
}
