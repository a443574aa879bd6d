-- Runs of skill evaluations: RUN/runs.jsonl, one line for each time a model answered a fixture. One entry per line.
--
-- A run passed if all its assertions did; without assertions nothing is claimed. The file's `outcome` says only whether
-- the model answered at all, so a "success" is kept in `source` and not made a status. Of the attempts the file has
-- the number and the last answer. It has no times: all entries have that in the name of the run's folder
-- (20260503T165136Z-84f918a9), when the run began. The runs of the variant "baseline", without a skill, are what others
-- are compared with: `source.control` marks them.
local debrief = require "debrief"

-- Whether all assertions passed, nil without assertions; and one line for each, as a test runner would print it.
local function judge(assertions)
  local verified, lines = nil, {}
  for i, assertion in ipairs(assertions) do
    local passed = assertion.passed == true
    verified = verified ~= false and passed
    lines[i] = ("%s %s: expected %s, got %s"):format(passed and "passed" or "FAILED", assertion.kind,
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

-- skills/NAME/SKILL.md, agents/NAME.shared.md, or <baseline>: no skill at all
local function skill_of(line)
  local prompt = line.prompt_ref or ""
  local stem = prompt:match "^(.+)/SKILL%.md$" or prompt:match "^(.+)%.shared%.md$"
  local name = stem and (stem:match "^.*/(.*)$" or stem)
  return name ~= "" and name or nil
end

-- "20260503T165136Z-84f918a9" -> "2026-05-03T16:51:36Z"; nil for another name
local function began(run)
  local year, month, day, hour, minute, second = run:match "^(%d%d%d%d)(%d%d)(%d%d)T(%d%d)(%d%d)(%d%d)Z"
  local text = year and ("%s-%s-%sT%s:%s:%sZ"):format(year, month, day, hour, minute, second)
  return text and debrief.time(text) and text or nil
end

local function open(source, emit)
  local run = source.path:match "([^/]+)/[^/]+$" or source.path
  local timestamp = began(run)
  for line in source:lines() do
    emit {
      session_id = debrief.session_id(run), timestamp = timestamp,
      skill = skill_of(line),
      phase = line.variant,
      input = {
        fixture_id = line.fixture_id, fixture_sha = line.fixture_sha,
        prompt_ref = line.prompt_ref, prompt_sha = line.prompt_sha,
      },
      attempts = attempts_of(line),
      final_status = line.outcome ~= "success" and line.outcome or nil,
      model_used = line.model_id,
      duration_ms = line.latency_ms and math.floor(line.latency_ms + 0.5),
      usage = line.tokens_in and {
        input_tokens = line.tokens_in, output_tokens = line.tokens_out, estimated = line.tokens_estimated,
      },
      source = {
        kind = "skill_eval",
        key = ("%s/%s/%s/%s"):format(line.fixture_id, line.variant, line.model_id, line.run_index),
        run = run, outcome = line.outcome, error_category = line.error_category,
        control = line.variant == "baseline" or nil,
      },
    }
  end
end

return {
  name = "skill_eval",
  api = 1,
  summary = "Runs of skill evaluations (runs.jsonl), verified by their assertions",
  import = {
    detect = function(_, head) return head:find '"fixture_id"%s*:' ~= nil and head:find '"run_index"%s*:' ~= nil end,
    open = open, files = { "runs*.jsonl" },
  },
}
