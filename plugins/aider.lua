-- Results of aider's benchmark: RUN/LANGUAGE/exercises/practice/CASE/.aider.results.json. One entry per file: its
-- attempts are the tries, of which each saw the errors of the one before, verified by the unit tests of the exercise.
--
-- Quirks: no file says when it was; the duration is that of the model, without the tests. The time, tokens and cost are
-- those of all tries together. The prompt and the answers are elsewhere (.aider.chat.history.md).
local debrief = require "debrief"
local transcripts = debrief.transcript
local count, array, word = transcripts.count, transcripts.array, transcripts.word
local amount = transcripts.amount

local function attempts_of(result, model)
  local attempts = {}
  for i, outcome in ipairs(array(result.tests_outcomes)) do
    local verified = nil
    if type(outcome) == "boolean" then verified = outcome end
    attempts[i] = { attempt = i, model = model, verified = verified }
  end
  if not attempts[1] then attempts[1] = { attempt = 1, model = model } end -- nothing was tested
  return attempts
end

-- The run and the language that the folders name; older runs have no folder for the language.
local function place_of(folder)
  local above = folder:match "^(.*)/[^/]+$" or ""
  local run, language = above:match "([^/]+)/([^/]+)/exercises/practice$"
  return run or above:match "[^/]+$", language
end

local function usage_of(result)
  local input, output = count(result.prompt_tokens), count(result.completion_tokens)
  return (input or output) and { input_tokens = input, output_tokens = output } or nil
end

local function open(source, emit)
  local result = source:document()
  local folder = word(result.testdir) or source.path:match "^(.*)/[^/]*$" or source.path
  local run, language = place_of(folder)
  local case, model = word(result.testcase) or folder:match "[^/]+$", word(result.model)
  local seconds = amount(result.duration)
  local task = language and language .. "/" .. case or case
  emit {
    session_id = debrief.session_id(run or "aider"), input = { task = task }, attempts = attempts_of(result, model),
    model_used = model, duration_ms = seconds and math.floor(seconds * 1000 + 0.5), usage = usage_of(result),
    cost_usd = amount(result.cost),
    source = { kind = "aider", key = task, edit_format = word(result.edit_format), commit = word(result.commit_hash),
      test_timeouts = count(result.test_timeouts) },
  }
end

local function detect(_, head)
  if not head:find('"tests_outcomes"', 1, true) then return false end
  local first = transcripts.outline(head)
  return first.tests_outcomes ~= nil and (first.testcase ~= nil or first.testdir ~= nil)
end

return {
  name = "aider",
  api = 1,
  summary = "Results of aider's benchmark: tries with their tests",
  import = {
    detect = detect, open = open,
    files = { ".aider.results.json" },
  },
}
