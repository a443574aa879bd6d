-- Claude Code transcripts: ~/.claude/projects/*/SESSION.jsonl, with the files of its subagents in SESSION/subagents.
-- One entry for each run of a skill (a Skill call that was not refused, an answered <command-name>,
-- attributionSkill), and
-- for each turn or part of a turn without one. A turn ends at the next prompt of a person or an interrupt; a subagent's
-- also at end_turn, or when its caller has its result. Attempts and `verified` are made as debrief.transcript says.
--
-- Quirks: one reply is several records with one message id. A compaction, a resume and a fork write earlier records
-- again: the same uuid, or the same reply (message id, request id, time, content) under a new one, is a copy; what
-- `forkedFrom` names belongs to the session it names. Before agentId (1.0), subagents stand between the main agent's
-- records, and only parentUuid shows whose each is.
local debrief = require "debrief"
local transcripts = debrief.transcript
local blocks, text, count = transcripts.blocks, transcripts.text, transcripts.count
local object, word = transcripts.object, transcripts.word

-- The tools that edit a file, and the input that names it; others, and what they work on; those that ask a person.
local EDITS = { Edit = "file_path", MultiEdit = "file_path", NotebookEdit = "notebook_path", Write = "file_path" }
local TARGETS = { Read = "file_path", LS = "path", Grep = "path", Glob = "path", Task = "subagent_type",
  Agent = "subagent_type", WebFetch = "url" }
local ASKING = { AskUserQuestion = true, ExitPlanMode = true }

local function file_name(source) return source.path:match "([^/]+)%.jsonl$" or source.path end

local function usage_of(message)
  local usage = object(message.usage)
  return {
    input_tokens = count(usage.input_tokens), output_tokens = count(usage.output_tokens),
    cache_read_tokens = count(usage.cache_read_input_tokens),
    cache_write_tokens = count(usage.cache_creation_input_tokens),
  }
end

-- ---- Lines of the user ---------------------------------------------------------------------------------------------

-- The exit status of a shell line, nil where the transcript does not say: 0 is reported as is_error = false, another
-- as "Exit code N" in the output.
local function exit_status(block, result, output)
  if block.is_error == true then return math.tointeger(tonumber((output:match "^Exit code (%d+)"))) end
  local unknown = result.interrupted == true or word(result.backgroundTaskId) or word(result.returnCodeInterpretation)
  return block.is_error == false and not unknown and 0 or nil
end

local function tool_result(transcript, block, line, at)
  local result, output = object(line.toolUseResult), text(block.content)
  transcript:result(word(block.tool_use_id), {
    at = at, failed = block.is_error == true, output = output, exit_status = exit_status(block, result, output),
    refused = output:find "^The user doesn't want" ~= nil or output:find "^<tool_use_error>" ~= nil,
  })
  if word(result.agentId) and result.status == "completed" then transcript:returned(result.agentId, at) end
end

-- Is this from a program: a task that has ended, a teammate, a hook?
local function is_machine(line, said)
  local kind = word(object(line.origin).kind)
  return kind and kind ~= "human" or line.promptSource == "system" or said:find "^<task%-notification"
    or said:find "^<teammate%-message" or said:find "^%a+ hook feedback" or said:find "^%[SYSTEM NOTIFICATION"
end

local function prompt(turn, fields, line, content, at)
  local said = text(content)
  if is_machine(line, said) then return end
  if said:find "^%[Request interrupted by user" then return turn:interrupt(at) end
  if said:find "^<local%-command%-" or said:find "^<bash%-" then return turn:dismiss() end -- no model replies to these
  fields.input = transcripts.input(content)
  fields.skill = said:find "^<command%-" and word(said:match "<command%-name>/?([^<]+)") or nil
  if fields.skill then
    fields.trigger = "user"
    turn:command(fields, at)
  else
    turn:prompt(fields, at)
  end
end

-- ---- Lines of the model --------------------------------------------------------------------------------------------

local function tool_call(turn, call, new, at)
  local input, name = object(call.input), word(call.name)
  local path, target = EDITS[name], TARGETS[name] and word(input[TARGETS[name]])
  if name == "WebFetch" then target = target and target:match "^%a+://([^/]+)" end
  local tool = { name = name, at = at, target = target, asks = ASKING[name],
    edit = path and (word(input[path]) or true), shell = name == "Bash" and word(input.command) or nil }
  local skill = name == "Skill" and (word(input.skill) or word(input.command))
  if skill then
    tool.target, tool.skill = skill, new(word(call.id), skill, call.input)
    tool.skill.trigger = "model"
  end
  turn:call(word(call.id), tool)
end

-- What a reply says, in short: two records of the same reply that say the same are copies.
local function digest(message)
  local parts = {}
  for i, block in ipairs(debrief.type(message.content) == "array" and message.content or {}) do
    local item = object(block)
    local said = word(item.text) or word(item.thinking) or ""
    parts[i] = ("%s %s %d %s"):format(tostring(item.type), tostring(item.id), #said, said:sub(1, 40))
  end
  return table.concat(parts, "\n")
end

local function is_copy(transcript, line, message)
  if word(line.uuid) and transcript:is_copy("uuid " .. line.uuid) then return true end
  local id, request, at = word(message.id), word(line.requestId), word(line.timestamp)
  if line.type ~= "assistant" or not (id and request and at) then return false end
  return transcript:is_copy(table.concat({ "reply", id, request, at, digest(message) }, " "))
end

local function reply(turn, line, message, number, new, at)
  local said, is_synthetic = text(message.content), message.model == "<synthetic>"
  if is_synthetic and said:find "^No response requested" then return end
  local model = not is_synthetic and word(message.model) or nil -- a synthetic one is an API error, in its own words
  if not turn:is_running() then turn:prompt(new(), at) end -- a transcript may begin in the middle of a turn
  if word(line.attributionSkill) then turn:attribute(new(nil, line.attributionSkill), at) end
  local id = word(message.id)
  turn:reply {
    at = at, text = said, model = model, usage = model and usage_of(message),
    message = id and id .. " " .. (word(line.requestId) or "after " .. turn.asked) or "record " .. number,
    status = line.isApiErrorMessage == true and "error" or nil,
  }
  for _, call in ipairs(blocks(message.content, "tool_use")) do tool_call(turn, call, new, at) end
  if line.isSidechain == true and message.stop_reason == "end_turn" and said ~= "" then turn:close() end
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

-- The agent that wrote a record, "" for the main one. Without agentId a chain of parents leads to its first record.
local function agent_of(agents, line)
  if line.isSidechain ~= true then return "" end
  local uuid = word(line.uuid)
  local agent = word(line.agentId) or agents[word(line.parentUuid)] or "sidechain-" .. (uuid or "")
  if uuid then agents[uuid] = agent end
  return agent
end

local function read(source, transcript)
  local agents = {}
  for line, number in source:lines() do
    local message, fork = object(line.message), object(line.forkedFrom)
    if not is_copy(transcript, line, message) then
      local at, problem = transcripts.time(line.timestamp)
      if problem then source:report(problem) end
      local agent = agent_of(agents, line)
      local turn, results = transcript:agent(agent), blocks(message.content, "tool_result")
      turn.asked = turn.asked or 0

      -- The first fields of an entry that begins at this line.
      local function new(id, skill, input)
        return {
          session_id = debrief.session_id(word(fork.sessionId) or word(line.sessionId) or file_name(source)),
          project_root = word(line.cwd), skill = skill, input = input,
          source = { kind = "claude_code", agent_id = agent ~= "" and agent or nil,
            key = id or word(fork.messageUuid) or word(line.uuid) or "line-" .. number },
        }
      end

      for _, block in ipairs(results) do tool_result(transcript, block, line, at) end
      if line.subtype == "turn_duration" then
        turn:took(count(line.durationMs))
      elseif line.type == "assistant" then
        reply(turn, line, message, number, new, at)
      elseif line.type == "user" then
        turn.asked = turn.asked + 1
        if not (results[1] or line.isMeta == true or line.isCompactSummary == true) then
          prompt(turn, new(), line, message.content, at)
        end
      end
    end
  end
end

local function open(source, emit)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  read(source, transcript)
  for _, file in ipairs(source:siblings()) do read(file, transcript) end
  transcript:finish()
end

-- The first records may be long ones of other types: a queued prompt, snapshots of files.
local function detect(_, head)
  return head:find '[{,]%s*"isSidechain"%s*:' ~= nil
    or head:find '^%s*{%s*"type"%s*:%s*"queue%-operation"' and head:find '"sessionId"%s*:' ~= nil
    or head:find '^%s*{%s*"type"%s*:%s*"file%-history%-snapshot"' ~= nil
    or head:find '^%s*{[^\n]*"leafUuid"' ~= nil -- nothing but summaries of other files
end

return {
  name = "claude_code",
  api = 1,
  summary = "Claude Code transcripts: skill runs and turns, with their attempts",
  import = {
    detect = detect, open = open, files = { "*.jsonl" }, siblings = { "{name}/subagents/**.jsonl" },
    places = { "$CLAUDE_CONFIG_DIR/projects", "~/.claude/projects", "~/.config/claude/projects" },
  },
}
