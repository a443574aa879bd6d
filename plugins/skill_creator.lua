-- Evaluations of a skill by skill-creator: benchmark.json, one entry for each of its runs, and grading.json of one run.
--
-- Quirks: a run without the skill is a run of no skill: `phase` says which it was. It passed if all its expectations
-- did. The tokens are one number, neither input nor output, so they stand in source.tokens. A grading does not say of
-- which skill and run it is; the folders do: SKILL-workspace/ITERATION/EVAL/CONFIGURATION/run-N/grading.json. Times of
-- a grading are in timing.json beside it. The time of day of a benchmark is that of the whole.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count, object, array, word = transcripts.count, transcripts.object, transcripts.array, transcripts.word

local WITH, WITHOUT = "with_skill", "without_skill"

local function milliseconds(seconds)
  return math.type(seconds) and seconds >= 0 and seconds < 1e9 and math.floor(seconds * 1000 + 0.5) or nil
end

-- Whether all expectations were met, nil without any; and one line for each.
local function judged(expectations)
  local passed, lines = nil, {}
  for i, item in ipairs(array(expectations)) do
    local one = object(item)
    passed = passed ~= false and one.passed == true
    lines[i] = ("%s %s%s"):format(one.passed == true and "passed" or "FAILED", word(one.text) or "?",
      word(one.evidence) and ": " .. one.evidence or "")
  end
  return passed, lines[1] and table.concat(lines, "\n") or nil
end

-- What the counts say, where there are no expectations.
local function counted(result)
  local passed, total = count(result.passed), count(result.total)
  if passed and total and total > 0 then return passed == total end
end

local function entry(session, skill, configuration, case, key)
  return {
    session_id = debrief.session_id(session), skill = configuration ~= WITHOUT and skill or nil, phase = configuration,
    input = { task = case }, source = { kind = "skill_creator", key = key,
      control = configuration == WITHOUT or nil }, -- what the runs with the skill are compared with
  }
end

-- The names of the folders around a file, from the outermost.
local function folders(path)
  local names = {}
  for name in path:gmatch "([^/]+)/" do names[#names + 1] = name end
  return names
end

local function workspace_of(names, last)
  local skill = (names[last - 1] or ""):match "^(.+)%-workspace$"
  return skill, skill and names[last - 1] .. " " .. names[last]
end

-- ---- benchmark.json ------------------------------------------------------------------------------------------------

local function read_benchmark(source, emit)
  local about, names = object(source:document "runs".metadata), folders(source.path)
  local skill, at = word(about.skill_name), word(about.timestamp)
  local _, session = workspace_of(names, #names)
  session = session or ("%s %s"):format(skill or "benchmark", at or names[#names] or source.path)
  for item, index in source:values "runs" do
    local run, result = object(item), object(item.result)
    local id = count(run.eval_id) or word(run.eval_id)
    local configuration, number = word(run.configuration), count(run.run_number)
    local one = entry(session, skill, configuration, word(run.eval_name) or id and "eval-" .. id,
      id and number and ("eval-%s/%s/run-%d"):format(id, configuration, number) or "run " .. index)
    local passed, lines = judged(run.expectations)
    if passed == nil then passed = counted(result) end
    one.timestamp, one.model_used = at, word(about.executor_model)
    one.attempts = { { attempt = 1, model = one.model_used, runner_output = lines, verified = passed } }
    one.duration_ms = milliseconds(result.time_seconds)
    one.source.tokens, one.source.trial = count(result.tokens), number
    emit(one)
  end
end

-- ---- grading.json --------------------------------------------------------------------------------------------------

local function timing_of(source, grading)
  for _, file in ipairs(source:siblings()) do
    local timing = file:document()
    if timing then return timing end
  end
  return object(grading.timing)
end

local function read_grading(source, grading, emit)
  local names, timing = folders(source.path), timing_of(source, grading)
  local last = #names
  if not (names[last] or ""):find "^run%-%d+$" then last = last + 1 end -- no folder of its own for each run
  local configuration = names[last - 1]
  local is_known = configuration == WITH or configuration == WITHOUT or (configuration or ""):find "_skill"
  local skill, session = workspace_of(names, last - 3)
  local one = entry(session or table.concat(names, " ", math.max(#names - 3, 1)), skill,
    is_known and configuration or nil, names[last - 2], ("%s/%s/%s"):format(names[last - 2], configuration,
      names[last] or "run-1"))
  local passed, lines = judged(grading.expectations)
  if passed == nil then passed = counted(object(grading.summary)) end
  one.attempts = { { attempt = 1, runner_output = lines, verified = passed } }
  one.timestamp = word(timing.executor_end)
  one.duration_ms = count(timing.duration_ms) or milliseconds(timing.executor_duration_seconds)
  one.source.tokens, one.source.trial = count(timing.total_tokens), count((names[last] or ""):match "^run%-(%d+)$")
  emit(one)
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

local function first_of(list) return type(list) == "table" and type(list[1]) == "table" and list[1] or {} end

local function open(source, emit)
  local document, passed = source:document "runs"
  if passed.runs then
    read_benchmark(source, emit)
  elseif document then
    read_grading(source, document, emit)
  end
end

local function detect(_, head)
  if head:find('"run_summary"', 1, true) or head:find('"evals_run"', 1, true) or head:find('"runs"', 1, true) then
    local outline = transcripts.outline(head)
    local run = first_of(outline.runs)
    if type(outline.metadata) == "table" and outline.metadata.skill_name ~= nil then
      return run.configuration ~= nil and run.result ~= nil
    end
  end
  if not head:find('"expectations"', 1, true) then return false end
  local outline = transcripts.outline(head)
  local one = first_of(outline.expectations)
  return type(outline.summary) == "table" and outline.summary.total ~= nil and one.text ~= nil and one.passed ~= nil
end

return {
  name = "skill_creator",
  api = 1,
  summary = "Evaluations of skill-creator (benchmark.json, grading.json)",
  import = {
    detect = detect, open = open, siblings = { "timing.json" },
    files = { "benchmark.json", "grading.json" },
  },
}
