-- Independent trials of cases, each judged by a scorer: results of tau-bench (an array of { task_id, trial, reward,
-- traj }), of tau2-bench (an object with `simulations`), and logs of Inspect as JSON (samples x epochs). One entry per
-- trial. Trials of one case have the same `input`, and `input.task` names the case.
--
-- Quirks: tau-bench has no times, and names its model only in the name of the file. A reward may be null: no verdict.
-- Inspect's scores are C or I, a number, or true and false; what is neither 0 nor 1 (partial credit) is no verdict and
-- stands in source.scores. Its times are those of the sample, `working_time` without waiting for others. Its .eval
-- files are archives: `inspect log convert --to json` makes JSON of them.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count, object, array, word = transcripts.count, transcripts.object, transcripts.array, transcripts.word
local words = transcripts.words

local SUMMARY_BYTES = 2000
local VERDICTS = { C = true, I = false, N = false, [true] = true, [false] = false }

local function scalar(value) return word(value) or math.type(value) and ("%.14g"):format(value) or nil end

local function number(value) return math.type(value) and value >= 0 and value < 1e12 and value or nil end

local function milliseconds(seconds)
  local n = number(seconds)
  return n and math.floor(n * 1000 + 0.5) or nil
end

-- A time, but not one without a zone: it may be hours away from what it says.
local function stamp(value)
  if not word(value) then return nil end
  return (value:find "[Zz]%s*$" or value:find "[+-]%d%d:?%d%d%s*$") and value or nil
end

-- The last words of the model, and the tools that it called.
local function said(messages)
  local last, tools, by_id = nil, {}, {}
  for _, item in ipairs(array(messages)) do
    local message = object(item)
    if message.role == "assistant" then
      local text = words(message.content)
      if text:find "%S" then last = text end
      for _, called in ipairs(array(message.tool_calls)) do
        local call = object(called)
        local name = word(call["function"]) or word(object(call["function"]).name) or word(call.name)
        tools[#tools + 1] = { name = name or "unknown" }
        if word(call.id) then by_id[call.id] = tools[#tools] end
      end
    elseif message.role == "tool" and by_id[word(message.tool_call_id) or word(message.id)] then
      local tool = by_id[word(message.tool_call_id) or word(message.id)]
      tool.error = (word(object(message.error).message) or message.error == true) and true or nil
    end
  end
  if last and #last > SUMMARY_BYTES then
    last = last:sub(1, SUMMARY_BYTES):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "…"
  end
  return last, tools[1] and tools or nil
end

local function verdict(value)
  if VERDICTS[value] ~= nil then return VERDICTS[value] end
  local n = math.type(value) and value
  if n and math.abs(n - 1) < 1e-6 then return true elseif n == 0 then return false end
end

-- ---- tau-bench -----------------------------------------------------------------------------------------------------

-- "gpt-4o-airline.json", "tool-calling-gpt-4o-0.0_range_0--1_user-….json"
local function model_in(name)
  for _, strategy in ipairs { "tool%-calling", "act", "react", "few%-shot" } do
    local model = name:match("^" .. strategy .. "%-(.+)%-[%d.]+_range_")
    if model then return model end
  end
  return name:match "^(.+)%-airline$" or name:match "^(.+)%-retail$"
end

local function tau(self, trial, index)
  local task, number_of, task_info = scalar(trial.task_id), count(trial.trial), object(object(trial.info).task)
  local reward = trial.reward
  if reward == nil then reward = object(trial.reward_info).reward end
  local last, tools = said(trial.traj or trial.messages)
  local passed = verdict(reward)
  self.emit {
    session_id = debrief.session_id(self.session), timestamp = stamp(trial.end_time),
    input = { suite = self.suite, task = task, prompt = word(task_info.instruction) },
    attempts = { { attempt = 1, model = self.model, output_summary = last, verified = passed } },
    model_used = self.model, duration_ms = milliseconds(trial.duration), cost_usd = number(trial.agent_cost),
    tools = tools,
    source = { kind = "trials", key = task and ("%s/%s"):format(task, number_of or "element " .. index)
      or "element " .. index, trial = number_of, reward = number(reward), ended = word(trial.termination_reason) },
  }
end

local function read_tau2(self, source)
  local info = object(source:document("simulations", "tasks").info)
  self.model = word(object(info.agent_info).llm) or word(info.llm)
  self.suite = word(object(info.environment_info).domain_name)
  for trial, index in source:values "simulations" do tau(self, trial, index) end
end

-- ---- Inspect -------------------------------------------------------------------------------------------------------

-- True if all scorers passed it, false if one did not, nil if one of the others says neither.
local function judged(scores)
  local values, lines, failed, unclear = {}, {}, false, false
  for name, item in pairs(scores) do
    local score = object(item)
    local passed = verdict(score.value)
    failed, unclear = failed or passed == false, unclear or passed == nil
    values[name] = scalar(score.value) or type(score.value) == "boolean" and tostring(score.value) or nil
    lines[#lines + 1] = ("%s: %s%s"):format(name, values[name] or "no value",
      word(score.explanation) and ": " .. score.explanation or "")
  end
  local passed = nil
  if failed then passed = false elseif lines[1] and not unclear then passed = true end
  return passed, values, lines
end

local function usage_of(usages)
  local by_model, sum, n = {}, {}, 0
  for model, item in pairs(usages) do
    local usage = object(item)
    by_model[model] = { input_tokens = count(usage.input_tokens), output_tokens = count(usage.output_tokens),
      cache_read_tokens = count(usage.input_tokens_cache_read),
      cache_write_tokens = count(usage.input_tokens_cache_write) }
    for name, tokens in pairs(by_model[model]) do sum[name] = (sum[name] or 0) + tokens end
    n = n + 1
  end
  return n > 0 and sum or nil, n > 1 and by_model or nil
end

local function inspect(self, sample, index)
  local id, epoch, output = scalar(sample.id), count(sample.epoch), object(sample.output)
  local passed, values, lines = judged(object(sample.scores))
  local last, tools = said(sample.messages)
  local problem = word(object(sample.error).message)
  if problem then passed = nil end
  local usage, by_model = usage_of(object(sample.model_usage))
  self.emit {
    session_id = debrief.session_id(self.session), timestamp = stamp(sample.completed_at),
    input = { suite = self.suite, task = id, prompt = words(sample.input) },
    attempts = { { attempt = 1, model = self.model, verified = passed,
      output_summary = last or word(output.completion), runner_output = problem or table.concat(lines, "\n") } },
    final_status = problem and "error" or nil, model_used = self.model,
    duration_ms = milliseconds(sample.working_time), wall_ms = milliseconds(sample.total_time),
    usage = usage, usage_by_model = by_model, tools = tools,
    source = { kind = "trials", key = id and ("%s/%s"):format(id, epoch or "element " .. index) or "element " .. index,
      trial = epoch, scores = next(values) and values or nil, limit = word(object(sample.limit).type) },
  }
end

local function read_inspect(self, source)
  local eval = object(source:document("samples", "logging", "reductions").eval)
  self.model, self.suite = word(eval.model), word(eval.task)
  self.session = word(eval.eval_id) or word(eval.run_id) or self.session
  for sample, index in source:values "samples" do inspect(self, sample, index) end
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

local function is_tau(first)
  return first.task_id ~= nil and first.trial ~= nil and (first.reward ~= nil or first.reward_info ~= nil)
end

-- "tau", "tau2", "inspect", or nil
local function format_of(head)
  local outline = transcripts.outline(head)
  local first, simulations, eval = outline[1], outline.simulations, outline.eval
  if type(first) == "table" and is_tau(first) then return "tau" end
  local simulation = type(simulations) == "table" and simulations[1]
  if type(simulation) == "table" and is_tau(simulation) then return "tau2" end
  if type(eval) == "table" and eval.task and eval.model and outline.status ~= nil then return "inspect" end
end

local function open(source, emit)
  local name = source.path:match "([^/]+)%.[^./]*$" or source.path
  local self = { source = source, emit = emit, session = name, model = model_in(name),
    suite = name:match "airline" or name:match "retail" or name:match "telecom" }
  local head = source:head()
  if head:sub(1, 2) == "PK" then
    error(source.path .. ": an .eval file is an archive: make JSON of it with `inspect log convert --to json`", 0)
  end
  local format = format_of(head) or format_of(source:head(1 << 24))
  if format == "inspect" then
    read_inspect(self, source)
  elseif format == "tau2" then
    read_tau2(self, source)
  else
    for trial, index in source:values() do tau(self, trial, index) end
  end
end

local function detect(path, head)
  if head:sub(1, 4) == "PK\3\4" then return path:find "%.eval$" ~= nil end
  if not (head:find('"task_id"', 1, true) or head:find('"eval"', 1, true)) then return false end
  return format_of(head) ~= nil
end

return {
  name = "trials",
  api = 1,
  summary = "Trials of cases (tau-bench, tau2-bench, Inspect), verified by their scorer",
  import = {
    detect = detect, open = open,
    files = { "results*.json", "*trials*.json", "logs/*.json" },
  },
}
