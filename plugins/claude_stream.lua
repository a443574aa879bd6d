-- What `claude -p --output-format stream-json` and `--output-format json` print, kept in a file. One entry for each
-- prompt (from one result to the next), and for each run of a skill in it.
--
-- Quirks: the prompt itself and the times of day are not in it. Counts of tokens on replies are those when the reply
-- began, so tokens and cost are taken from the result, and only if the prompt is one run; of several results of one
-- session in one file they are what was added since the result before. A "success" only means that the model came to
-- an end: it is kept in `source` and not made a status. With `--verbose`, json is an array of all events.
local debrief = require "debrief"
local transcripts = debrief.transcript
local blocks, text, count = transcripts.blocks, transcripts.text, transcripts.count
local object, word = transcripts.object, transcripts.word
local amount = transcripts.amount

local EDITS = { Edit = "file_path", MultiEdit = "file_path", NotebookEdit = "notebook_path", Write = "file_path" }
local TARGETS = { Read = "file_path", LS = "path", Grep = "path", Glob = "path", Task = "subagent_type",
  Agent = "subagent_type", WebFetch = "url" }

-- The first fields of an entry.
local function first_fields(self, agent, key, skill, input)
  return {
    session_id = debrief.session_id(self.id or self.file), project_root = self.cwd, skill = skill, input = input,
    source = { kind = "claude_stream", key = key, agent_id = agent ~= "" and agent or nil },
  }
end

local function running(self, turn, agent)
  if turn:is_running() then return end
  local key = agent ~= "" and agent or "prompt-" .. self.prompts + 1
  turn:prompt(first_fields(self, agent, key))
end

-- ---- Replies and tools ---------------------------------------------------------------------------------------------

local function tool_call(self, turn, agent, call)
  local input, name, id = object(call.input), word(call.name), word(call.id)
  local path, target = EDITS[name], TARGETS[name] and word(input[TARGETS[name]])
  if name == "WebFetch" then target = target and target:match "^%a+://([^/]+)" end
  local tool = { name = name, target = target, edit = path and (word(input[path]) or true),
    shell = name == "Bash" and word(input.command) or nil }
  local skill = name == "Skill" and (word(input.skill) or word(input.command))
  if skill then
    tool.target, tool.skill = skill, first_fields(self, agent, id or skill, skill, call.input)
    tool.skill.trigger = "model"
  end
  turn:call(id, tool)
end

-- 0 is reported as is_error = false, another status as "Exit code N" in the output.
local function exit_status(block, result, output)
  if block.is_error == true then return count(output:match "^Exit code (%d+)") end
  local unknown = result.interrupted == true or word(result.backgroundTaskId) or word(result.returnCodeInterpretation)
  return block.is_error == false and not unknown and 0 or nil
end

local events = {}

function events.assistant(self, event, at)
  local message, agent = object(event.message), word(event.parent_tool_use_id) or ""
  local turn, model = self.transcript:agent(agent), word(message.model)
  running(self, turn, agent)
  turn:reply { at = at, text = text(message.content), model = model ~= "<synthetic>" and model or nil }
  for _, call in ipairs(blocks(message.content, "tool_use")) do tool_call(self, turn, agent, call) end
end

function events.user(self, event, at)
  local content, agent = object(event.message).content, word(event.parent_tool_use_id) or ""
  local results, turn = blocks(content, "tool_result"), self.transcript:agent(agent)
  for _, block in ipairs(results) do
    local result, output = object(event.tool_use_result), text(block.content)
    self.transcript:result(word(block.tool_use_id), {
      at = at, failed = block.is_error == true, output = output, exit_status = exit_status(block, result, output),
      refused = output:find "^The user doesn't want" ~= nil or output:find "^<tool_use_error>" ~= nil,
    })
    self.transcript:agent(word(block.tool_use_id) or "none"):close() -- a subagent whose caller has its result
  end
  local said = text(content)
  if results[1] or said == "" or event.isSynthetic == true then return end
  if agent == "" and not turn:is_running() then -- a prompt that was printed again
    turn:prompt(first_fields(self, agent, "prompt-" .. self.prompts + 1, nil, transcripts.input(content)), at)
  elseif agent ~= "" then
    turn:prompt(first_fields(self, agent, agent, nil, transcripts.input(content)), at)
  end
end

function events.system(self, event)
  if event.subtype == "init" then
    self.id, self.cwd = word(event.session_id) or self.id, word(event.cwd) or self.cwd
  end
end

-- ---- Results -------------------------------------------------------------------------------------------------------

local COUNTS = {
  input_tokens = { "inputTokens", "input_tokens" }, output_tokens = { "outputTokens", "output_tokens" },
  cache_read_tokens = { "cacheReadInputTokens", "cache_read_input_tokens" },
  cache_write_tokens = { "cacheCreationInputTokens", "cache_creation_input_tokens" },
}

local function counts_of(usage)
  local counts = {}
  for name, theirs in pairs(COUNTS) do counts[name] = count(usage[theirs[1]]) or count(usage[theirs[2]]) end
  return counts
end

-- All that a result counts: { cost =, [model or ""] = counts }.
local function total_of(event)
  local total = { cost = amount(event.total_cost_usd) or amount(event.cost_usd), models = {} }
  for model, usage in pairs(object(event.modelUsage)) do total.models[model] = counts_of(object(usage)) end
  if next(total.models) == nil then total.models[""] = counts_of(object(event.usage)) end
  return total
end

-- Does each count go on from the one before?
local function goes_on(total, before)
  if not before or (total.cost or 0) < (before.cost or 0) then return false end
  for model, counts in pairs(before.models) do
    for name, n in pairs(counts) do
      if ((total.models[model] or {})[name] or -1) < n then return false end
    end
  end
  return true
end

local function minus(total, before)
  local cost = total.cost and total.cost - (before.cost or 0)
  local out = { cost = cost, models = {} }
  for model, counts in pairs(total.models) do
    local known, added, any = before.models[model] or {}, {}, false
    for name, n in pairs(counts) do
      added[name] = n - (known[name] or 0)
      any = any or added[name] > 0
    end
    if any then out.models[model] = added end
  end
  return out
end

local function used(self, event, turn)
  local total, id = total_of(event), self.id or ""
  local spent = goes_on(total, self.totals[id]) and minus(total, self.totals[id]) or total
  self.totals[id] = total
  if not turn:is_one_run() then return nil end
  for model, usage in pairs(spent.models) do
    turn:tokens { message = ("result %d %s"):format(self.prompts, model), model = model ~= "" and model or nil,
      usage = usage }
  end
  return spent.cost
end

local function only_model(event)
  local found, n = nil, 0
  for model in pairs(object(event.modelUsage)) do found, n = model, n + 1 end
  return n == 1 and word(found) or nil
end

function events.result(self, event, at)
  local turn, subtype = self.transcript:agent "", word(event.subtype)
  self.id = word(event.session_id) or self.id
  local alone = not turn:is_running()
  running(self, turn, "")
  local failed = event.is_error == true or subtype and subtype:find "^error" ~= nil
  local said = word(event.result) or word(transcripts.array(event.errors)[1])
  local cost = used(self, event, turn)
  turn:reply { at = at, text = said, model = alone and only_model(event) or nil, status = failed and "error" or nil,
    cost = cost }
  turn:note { result = subtype }
  turn:took(count(event.duration_ms))
  self.prompts = self.prompts + 1
  turn:close()
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

local function open(source, emit)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  local self = { transcript = transcript, prompts = 0, totals = {},
    file = source.path:match "([^/]+)%.[^./]*$" or source.path:match "[^/]*$" }
  local first, _, more = source:document()
  local function each(event)
    local at, problem = transcripts.time(event.timestamp)
    if problem then source:report(problem) end
    self.id = self.id or word(event.session_id)
    local one = events[event.type]
    if one then one(self, event, at) end
  end
  if first and more == false then -- a result, perhaps over several lines
    each(first)
  elseif first then
    for event in source:lines() do each(event) end
  else
    for event in source:values() do each(event) end
  end
  transcript:finish()
end

local TYPES = { system = "subtype", result = "subtype", assistant = "parent_tool_use_id", user = "parent_tool_use_id",
  stream_event = "event", rate_limit_event = "rate_limit_info" }

local function detect(_, head)
  if not head:find('"session_id"', 1, true) then return false end
  local outline = transcripts.outline(head)
  local first = type(outline[1]) == "table" and outline[1] or outline
  local wanted = TYPES[first.type]
  return type(first.session_id) == "string" and wanted ~= nil and first[wanted] ~= nil
end

return {
  name = "claude_stream",
  api = 1,
  summary = "What `claude -p` prints as JSON: prompts with cost, status and duration",
  import = {
    detect = detect, open = open,
    files = { "*.jsonl" },
  },
}
