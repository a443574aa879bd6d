-- Claude Code transcripts: ~/.claude/projects/*/SESSION.jsonl, with the files of its subagents in SESSION/subagents.
-- One entry for each run of a skill (a Skill call, an answered <command-name>, attributionSkill), and for each turn or
-- part of a turn without one. A turn ends at the next prompt, an interrupt or turn_duration; a subagent's also at
-- end_turn, or when its caller has its result. Attempts and `verified` are made as debrief.transcript says.
local debrief = require "debrief"
local blocks, text = debrief.transcript.blocks, debrief.transcript.text

local EDITS = { Edit = "file_path", MultiEdit = "file_path", NotebookEdit = "notebook_path", Write = "file_path" }
local USAGE = { input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cache_read_input_tokens", cache_write_tokens = "cache_creation_input_tokens" }

local function object(value) return debrief.type(value) == "object" and value or {} end

local function result(transcript, block, line, at) -- an exit status is told by is_error = false, or as "Exit code N"
  local told, output, passed = object(line.toolUseResult), text(block.content), nil
  if output:find "^The user doesn't want" or output:find "^<tool_use_error>" then return end -- it was not run
  local untold = told.interrupted or told.backgroundTaskId or told.returnCodeInterpretation
  if block.is_error == false and not untold then passed = true end
  if block.is_error and output:find "^Exit code %d" then passed = false end
  transcript:result(block.tool_use_id, { at = at, failed = block.is_error, passed = passed, output = output })
  if told.agentId and told.status == "completed" then transcript:returned(told.agentId, at) end
end

local function prompt(turn, fields, content, at)
  local said = text(content)
  if said:find "^%[Request interrupted by user" then return turn:interrupt(at) end
  if said:find "^<local%-command%-" or said:find "^<bash%-" then return turn:dismiss() end -- no model replies to these
  fields.input, fields.skill = content, said:find "^<command%-" and said:match "<command%-name>/?([^<]+)" or nil
  if fields.skill then turn:command(fields, at) else turn:prompt(fields, at) end
end

local function reply(turn, new, line, message, at)
  local said, usage = text(message.content), {}
  local model = message.model ~= "<synthetic>" and message.model or nil -- not a model's: an API error, in its own words
  for ours, theirs in pairs(USAGE) do usage[ours] = object(message.usage)[theirs] end
  if not turn:is_running() then turn:prompt(new(), at) end -- a transcript may begin in the middle of a turn
  if line.attributionSkill then turn:attribute(new(nil, line.attributionSkill), at) end
  turn:reply { at = at, text = said, model = model, message = message.id or line.uuid, usage = model and usage,
    status = line.isApiErrorMessage and "error" or nil }
  for _, call in ipairs(blocks(message.content, "tool_use")) do
    local input = object(call.input)
    if call.name == "Skill" and input.skill then turn:skill(new(call.id, input.skill, call.input), at)
    else turn:call(call.id, { edit = input[EDITS[call.name] or ""], shell = call.name == "Bash" and input.command }) end
  end
  if line.isSidechain and message.stop_reason == "end_turn" and said ~= "" then turn:close() end
end

local function read(source, transcript)
  for line, number in source:lines() do
    local message, key, at = object(line.message), line.uuid or "line-" .. number, debrief.time(line)
    local agent = line.isSidechain and (line.agentId or "sidechain") or nil
    local turn, results = transcript:agent(agent or ""), blocks(message.content, "tool_result")
    local function new(id, skill, input)
      local session = line.sessionId or source.path:match "([^/]+)%.jsonl$" or source.path
      return { session_id = debrief.session_id(session), timestamp = line.timestamp, project_root = line.cwd,
        skill = skill, input = input, source = { kind = "claude_code", key = id or key, agent_id = agent } }
    end
    for _, block in ipairs(results) do result(transcript, block, line, at) end
    if line.subtype == "turn_duration" then turn:close()
    elseif line.type == "assistant" then reply(turn, new, line, message, at)
    elseif line.type == "user" and not (results[1] or line.isMeta or line.isCompactSummary) then
      prompt(turn, new(), message.content, at)
    end
  end
end

local function open(source, emit)
  local transcript, name = debrief.transcript.new(emit), source.path:match "([^/]+)%.jsonl$" or source.path
  read(source, transcript)
  local subagents = "^" .. name:gsub("%p", "%%%0") .. "/subagents/.*%.jsonl$"
  for _, file in ipairs(source:siblings(subagents)) do read(file, transcript) end
  transcript:finish()
end

return {
  name = "claude_code", api = 1, summary = "Claude Code transcripts: skill runs and turns, with their attempts",
  import = { open = open, detect = function(_, head) return head:find '[{,]%s*"isSidechain"%s*:' ~= nil end },
}
