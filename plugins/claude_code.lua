-- Claude Code transcripts: ~/.claude/projects/*/SESSION.jsonl, with the files of its subagents in SESSION/subagents.
-- One entry for each run of a skill (a Skill call, an answered <command-name>, attributionSkill), and for each turn or
-- part of a turn without one. A turn ends at the next prompt, an interrupt or turn_duration; a subagent's also at
-- end_turn, or when its caller has its result. Attempts and `verified` are made as debrief.transcript says.
local debrief = require "debrief"
local blocks, text = debrief.transcript.blocks, debrief.transcript.text

-- The tools that edit a file, and the input that names it.
local EDITS = { Edit = "file_path", MultiEdit = "file_path", NotebookEdit = "notebook_path", Write = "file_path" }

local function object(value) return debrief.type(value) == "object" and value or {} end

local function file_name(source) return source.path:match "([^/]+)%.jsonl$" or source.path end

local function usage_of(message)
  local usage = object(message.usage)
  return {
    input_tokens = usage.input_tokens, output_tokens = usage.output_tokens,
    cache_read_tokens = usage.cache_read_input_tokens, cache_write_tokens = usage.cache_creation_input_tokens,
  }
end

-- ---- Lines of the user ---------------------------------------------------------------------------------------------

-- Did a tool end with status 0? Nil where the transcript does not say. An exit status is reported as is_error = false,
-- or as "Exit code N" in the output.
local function exit_status_is_zero(block, result, output)
  if block.is_error and output:find "^Exit code %d" then return false end
  local unknown = result.interrupted or result.backgroundTaskId or result.returnCodeInterpretation
  if block.is_error == false and not unknown then return true end
end

local function tool_result(transcript, block, line, at)
  local result, output = object(line.toolUseResult), text(block.content)
  local was_not_run = output:find "^The user doesn't want" or output:find "^<tool_use_error>"
  if was_not_run then return end
  transcript:result(block.tool_use_id, {
    at = at, failed = block.is_error, passed = exit_status_is_zero(block, result, output), output = output,
  })
  if result.agentId and result.status == "completed" then transcript:returned(result.agentId, at) end
end

local function prompt(turn, fields, content, at)
  local said = text(content)
  if said:find "^%[Request interrupted by user" then return turn:interrupt(at) end
  if said:find "^<local%-command%-" or said:find "^<bash%-" then return turn:dismiss() end -- no model replies to these
  fields.input = content
  fields.skill = said:find "^<command%-" and said:match "<command%-name>/?([^<]+)" or nil
  if fields.skill then turn:command(fields, at) else turn:prompt(fields, at) end
end

-- ---- Lines of the model --------------------------------------------------------------------------------------------

local function tool_call(turn, call, new, at)
  local input = object(call.input)
  if call.name == "Skill" and input.skill then
    turn:skill(new(call.id, input.skill, call.input), at)
  else
    local path = EDITS[call.name]
    turn:call(call.id, { edit = path and input[path], shell = call.name == "Bash" and input.command })
  end
end

local function reply(turn, line, message, new, at)
  local said = text(message.content)
  local model = message.model ~= "<synthetic>" and message.model or nil -- that one is an API error, in its own words
  if not turn:is_running() then turn:prompt(new(), at) end -- a transcript may begin in the middle of a turn
  if line.attributionSkill then turn:attribute(new(nil, line.attributionSkill), at) end
  turn:reply {
    at = at, text = said, model = model, message = message.id or line.uuid, usage = model and usage_of(message),
    status = line.isApiErrorMessage and "error" or nil,
  }
  for _, call in ipairs(blocks(message.content, "tool_use")) do tool_call(turn, call, new, at) end
  if line.isSidechain and message.stop_reason == "end_turn" and said ~= "" then turn:close() end
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

local function read(source, transcript)
  for line, number in source:lines() do
    local message, at = object(line.message), debrief.time(line)
    local agent = line.isSidechain and (line.agentId or "sidechain") or nil
    local turn, results = transcript:agent(agent or ""), blocks(message.content, "tool_result")

    -- The first fields of an entry that begins at this line.
    local function new(id, skill, input)
      return {
        session_id = debrief.session_id(line.sessionId or file_name(source)), timestamp = line.timestamp,
        project_root = line.cwd, skill = skill, input = input,
        source = { kind = "claude_code", key = id or line.uuid or "line-" .. number, agent_id = agent },
      }
    end

    for _, block in ipairs(results) do tool_result(transcript, block, line, at) end
    if line.subtype == "turn_duration" then
      turn:close()
    elseif line.type == "assistant" then
      reply(turn, line, message, new, at)
    elseif line.type == "user" and not (results[1] or line.isMeta or line.isCompactSummary) then
      prompt(turn, new(), message.content, at)
    end
  end
end

local function open(source, emit)
  local transcript = debrief.transcript.new(emit)
  read(source, transcript)
  local subagents = "^" .. file_name(source):gsub("%p", "%%%0") .. "/subagents/.*%.jsonl$"
  for _, file in ipairs(source:siblings(subagents)) do read(file, transcript) end
  transcript:finish()
end

return {
  name = "claude_code",
  api = 1,
  summary = "Claude Code transcripts: skill runs and turns, with their attempts",
  import = {
    detect = function(_, head) return head:find '[{,]%s*"isSidechain"%s*:' ~= nil end,
    open = open,
  },
}
