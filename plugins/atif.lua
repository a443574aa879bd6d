-- ATIF, the trajectory format of Harbor that other agents' logs are converted to (trajectory.json, version 1.4 to 1.7).
-- One entry for each run of a skill (a call of a tool named skill), and for each turn or part of a turn without one. A
-- turn goes from a user's step to the next.
--
-- Quirks: prompt_tokens includes the cached ones. Steps that are copied from another trajectory (is_copied_context) are
-- left out. There is no exit status, so `verified` rests on what test runners print. Rewards are kept by Harbor, in
-- another file.
--
-- `debrief export atif` writes one trajectory per run, each on a line (version 1.7). An attempt is a step of the agent,
-- what its checks printed the observation. Which attempt a tool was called in is not in a log, so calls are a step
-- before the attempts; a run's tokens are those of a step only where there is one step. Other fields are in `extra`.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count, object, array, word = transcripts.count, transcripts.object, transcripts.array, transcripts.word
local amount = transcripts.amount
local words = transcripts.words

-- Names that agents give to their tools, in lower case.
local EDITS = { edit = true, multiedit = true, write = true, write_file = true, replace = true, create = true,
  apply_patch = true, str_replace_editor = true, str_replace_based_edit_tool = true }
local SHELLS = { bash = true, shell = true, execute_bash = true, run_shell_command = true, bash_command = true,
  exec_command = true, terminal = true }
local NO_EDIT = { view = true, undo_edit = true }

-- The first fields of an entry.
local function first_fields(self, key, skill, input)
  return {
    session_id = debrief.session_id(self.id), skill = skill, input = input,
    source = { kind = "atif", key = key, agent = self.agent },
  }
end

local function path_of(arguments)
  return word(arguments.file_path) or word(arguments.path) or word(arguments.filePath) or word(arguments.filename)
end

local function tool_call(self, call, key, at)
  local arguments, name, id = object(call.arguments), word(call.function_name), word(call.tool_call_id)
  local kind = (name or ""):lower()
  local tool = { name = name, at = at }
  if SHELLS[kind] then
    tool.shell = word(arguments.command) or word(arguments.cmd) or word(arguments.keystrokes)
  elseif EDITS[kind] and not NO_EDIT[arguments.command] then
    tool.edit = path_of(arguments) or true
  else
    tool.target = path_of(arguments) or word(arguments.url) or word(arguments.query)
  end
  local skill = kind == "skill" and (word(arguments.skill) or word(arguments.name) or word(arguments.command))
  if skill then
    tool.target, tool.skill = skill, first_fields(self, id or key .. " skill", skill, call.arguments)
    tool.skill.trigger = "model"
  end
  self.turn:call(id, tool)
end

local function usage_of(metrics)
  local input, cached = count(metrics.prompt_tokens), count(metrics.cached_tokens)
  return { input_tokens = input and input - math.min(cached or 0, input), cache_read_tokens = cached,
    output_tokens = count(metrics.completion_tokens) }
end

local sources = {}

function sources.user(self, step, key, at)
  self.turn:prompt(first_fields(self, key, nil, words(step.message)), at)
end

function sources.agent(self, step, key, at)
  local metrics, calls = object(step.metrics), array(step.tool_calls)
  if not self.turn:is_running() then self.turn:prompt(first_fields(self, key), at) end
  self.turn:reply { at = at, text = words(step.message), model = word(step.model_name) or self.model, message = key,
    usage = usage_of(metrics), cost = amount(metrics.cost_usd) }
  for _, call in ipairs(calls) do tool_call(self, object(call), key, at) end
  for i, item in ipairs(array(object(step.observation).results)) do
    local result = object(item)
    local id = word(result.source_call_id) or word(object(calls[i]).tool_call_id)
    self.transcript:result(id, { output = words(result.content) })
  end
end

local function open(source, emit)
  local document = source:document("steps", "final_metrics")
  local transcript, agent = transcripts.new(emit, function(problem) source:report(problem) end), object(document.agent)
  local self = { transcript = transcript, turn = transcript:agent "", agent = word(agent.name),
    model = word(agent.model_name), id = word(document.session_id) or word(document.trajectory_id)
      or source.path:match "([^/]+)%.[^./]*$" or source.path }
  for step, index in source:values "steps" do
    local at, problem = transcripts.time(step.timestamp)
    if problem then source:report(problem) end
    local one = step.is_copied_context ~= true and sources[step.source]
    if one then one(self, step, ("step %s"):format(count(step.step_id) or "at " .. index), at) end
  end
  self.turn:close() -- a trajectory is written when it is over
end

local function detect(_, head)
  if not (head:find('"steps"', 1, true) and head:find('"agent"', 1, true)) then return false end
  local first = transcripts.outline(head)
  local version, agent = word(first.schema_version), first.agent
  return type(agent) == "table" and type(first.steps) == "table"
    and (version ~= nil and version:find "^ATIF" ~= nil or agent.name ~= nil and first.session_id ~= nil)
end

-- ---- Export ---------------------------------------------------------------------------------------------------------

local PLACED = { session_id = true, timestamp = true, input = true, attempts = true, tools = true }
local PLACED_OF_ATTEMPT = { output_summary = true, runner_output = true, model = true }

-- The members that have no place of their own; nil for none.
local function others(value, placed)
  local out
  for name, item in pairs(debrief.table(value)) do
    if not placed[name] then
      out = out or {}
      out[name] = item
    end
  end
  return out
end

local function calls_step(entry)
  local calls, failed = {}, {}
  for _, call in debrief.tools(entry) do
    local id = "call-" .. #calls + 1
    calls[#calls + 1] = { tool_call_id = id, function_name = call.name,
      arguments = call.target and { target = call.target } or debrief.json "{}" }
    if call.failed then failed[#failed + 1] = id end
  end
  if #calls == 0 then return nil end
  return { source = "agent", message = "", model_name = word(entry.model_used), tool_calls = calls,
    extra = failed[1] and { failed = failed } or nil }
end

local function attempt_step(entry, attempt)
  local output = word(attempt.runner_output)
  return { source = "agent", message = word(attempt.output_summary) or "",
    model_name = word(attempt.model) or word(entry.model_used),
    observation = output and { results = { { content = output } } } or nil,
    extra = others(attempt, PLACED_OF_ATTEMPT) }
end

-- Tokens and cost of a run; prompt tokens include cached ones. Nil if nothing is known of them.
local function metrics_of(entry)
  local usage = object(entry.usage)
  local input, cached, written = count(usage.input_tokens), count(usage.cache_read_tokens),
    count(usage.cache_write_tokens)
  local prompt = (input or cached or written) and (input or 0) + (cached or 0) + (written or 0)
  local metrics = { prompt_tokens = prompt or nil, completion_tokens = count(usage.output_tokens),
    cached_tokens = cached, cost_usd = amount(entry.cost_usd) }
  return next(metrics) and metrics or nil
end

local function steps_of(entry)
  local steps, prompt = {}, debrief.prompt(entry)
  if prompt then steps[1] = { source = "user", message = prompt } end
  local first = #steps + 1
  steps[first] = calls_step(entry)
  for _, attempt in debrief.attempts(entry) do
    if debrief.type(attempt) == "object" then steps[#steps + 1] = attempt_step(entry, attempt) end
  end
  if #steps == first then steps[first].metrics = metrics_of(entry) end
  for i, step in ipairs(steps) do step.step_id = i end
  if steps[1] and debrief.time(entry) then steps[1].timestamp = entry.timestamp end
  return steps
end

local function export(entry, emit, ctx)
  local steps, source, total = steps_of(entry), object(entry.source), metrics_of(entry) or {}
  if #steps == 0 then return ctx.skip "neither an input nor attempts" end
  emit { schema_version = "ATIF-v1.7", session_id = ctx.session,
    trajectory_id = ("%s:%d"):format(ctx.session, ctx.line),
    agent = { name = word(source.agent) or word(source.kind) or "unknown", version = word(source.version) or "unknown",
      model_name = word(entry.model_used) },
    steps = steps, notes = "Made from a session log: messages of the agent are summaries of what it put out.",
    final_metrics = { total_prompt_tokens = total.prompt_tokens, total_completion_tokens = total.completion_tokens,
      total_cached_tokens = total.cached_tokens, total_cost_usd = total.cost_usd, total_steps = #steps },
    extra = others(entry, PLACED) }
end

return {
  name = "atif",
  api = 1,
  summary = "Trajectories in ATIF, the format of Harbor: skill runs and turns",
  export = export,
  import = {
    detect = detect, open = open,
    files = { "trajectory*.json" },
  },
}
