-- Claude Code transcripts: ~/.claude/projects/*/SESSION.jsonl, with the files of its subagents in SESSION/subagents.
-- One entry for each run of a skill (a Skill call that was not refused, an answered <command-name>, attributionSkill),
-- and for each turn or part of a turn without one. A turn ends at the next prompt of a person or an interrupt; a
-- subagent's also at end_turn, or when its caller has its result. Attempts and `verified` are made as
-- debrief.transcript says.
--
-- Quirks: one reply is several records with one message id, and each has the usage of the reply as far as it was known:
-- the largest of each field counts, once. (Programs that add up all records count a fifth more, and up to 3.7 times as
-- much: in a session with 31 replies in 41 records, 252 input and 3,921 output tokens instead of 158 and 3,860. To
-- compare with them: --opt usage=record.)
-- A compaction, a resume and a fork write earlier records again: the same uuid, or the same reply (message id, request
-- id, time, content) under a new one, is a copy; what `forkedFrom` names belongs to the session it names. Before
-- agentId (1.0), subagents stand between the main agent's records, and only parentUuid shows whose each is.
local debrief = require "debrief"
local transcripts = debrief.transcript
local parts, text, count = transcripts.parts, transcripts.text, transcripts.count
local object, word = transcripts.object, transcripts.word
local members = debrief.members

-- The tools that edit a file, and the input that names it; others, and what they work on; those that ask a person.
local EDITS = { Edit = "file_path", MultiEdit = "file_path", NotebookEdit = "notebook_path", Write = "file_path" }
local TARGETS = { Read = "file_path", LS = "path", Grep = "path", Glob = "path", Task = "subagent_type",
  Agent = "subagent_type", WebFetch = "url" }
local AGENTS = { Task = true, Agent = true }
local ASKING = { AskUserQuestion = true, ExitPlanMode = true }

local NONE = {}

local function file_name(source) return source.path:match "([^/]+)%.jsonl$" or source.path end

local function usage_of(message)
  local input, output, read, write = members(object(message.usage), "input_tokens", "output_tokens",
    "cache_read_input_tokens", "cache_creation_input_tokens")
  return { input_tokens = count(input), output_tokens = count(output), cache_read_tokens = count(read),
    cache_write_tokens = count(write) }
end

-- ---- Lines of the user ---------------------------------------------------------------------------------------------

-- The exit status of a shell line, nil where the transcript does not say: 0 is reported as is_error = false, another
-- as "Exit code N" in the output.
local function exit_status(failed, result, output)
  if failed then return math.tointeger(tonumber((output:match "^Exit code (%d+)"))) end
  local unknown = result.interrupted == true or word(result.backgroundTaskId) or word(result.returnCodeInterpretation)
  return failed == false and not unknown and 0 or nil
end

-- What a tool printed may be long, and is looked into only where it says something: of commands, failures, subagents.
local function tool_result(transcript, block, line, at)
  local id, failed = members(block, "tool_use_id", "is_error")
  id = word(id)
  local name, shell = transcript:called(id)
  local result = { at = at, failed = failed == true }
  if failed or shell then
    result.output = text(block.content)
    result.refused = result.output:find "^The user doesn't want" ~= nil or result.output:find "^<tool_use_error>" ~= nil
  end
  local details = (shell or AGENTS[name]) and object(line.toolUseResult)
  if shell then result.exit_status = exit_status(failed, details, result.output) end
  transcript:result(id, result)
  if AGENTS[name] and word(details.agentId) and details.status == "completed" then
    transcript:returned(details.agentId, at)
  end
end

-- Is this from a program: a task that has ended, a teammate, a hook?
local function is_machine(line, said)
  local kind = word(object(line.origin).kind)
  return kind and kind ~= "human" or line.promptSource == "system" or said:find "^<task%-notification"
    or said:find "^<teammate%-message" or said:find "^%a+ hook feedback" or said:find "^%[SYSTEM NOTIFICATION"
end

-- Returns true for a prompt of a person that begins a turn.
local function prompt(turn, fields, line, content, said, at)
  if is_machine(line, said) then return end
  if said:find "^%[Request interrupted by user" then return turn:interrupt(at) end
  if said:find "^<local%-command%-" or said:find "^<bash%-" then return turn:dismiss() end -- no model replies to these
  fields.input = transcripts.input(content)
  fields.skill = said:find "^<command%-" and word(said:match "<command%-name>/?([^<]+)") or nil
  if fields.skill then
    fields.trigger = "user"
    turn:command(fields, at)
    return false
  end
  turn:prompt(fields, at)
  return true
end

-- ---- Lines of the model --------------------------------------------------------------------------------------------

local function tool_call(turn, call, new, at)
  local id, name, given = members(call, "id", "name", "input")
  local input = object(given)
  id, name = word(id), word(name)
  local path, target = EDITS[name], TARGETS[name] and word(input[TARGETS[name]])
  if name == "WebFetch" then target = target and target:match "^%a+://([^/]+)" end
  local tool = { name = name, at = at, target = target, asks = ASKING[name],
    edit = path and (word(input[path]) or true), shell = name == "Bash" and word(input.command) or nil }
  local skill = name == "Skill" and (word(input.skill) or word(input.command))
  if skill then
    tool.target, tool.skill = skill, new(id, skill, given)
    tool.skill.trigger = "model"
  end
  turn:call(id, tool)
end

-- What a reply says, in short: two records of the same reply that say the same are copies.
local function digest(said, by_kind)
  local list = { #said .. " " .. said:sub(1, 40) }
  for _, call in ipairs(by_kind.tool_use or NONE) do list[#list + 1] = tostring(call.id) end
  return table.concat(list, " ")
end

local function is_copied_reply(transcript, id, request, time, said, by_kind)
  if not (id and request and word(time)) then return false end
  return transcript:is_copy(table.concat({ id, request, time, digest(said, by_kind) }, " "))
end

-- @param message { id =, request =, model =, usage =, stop = }, of any type but the first two
local function reply(turn, line, message, said, calls, number, new, at)
  local is_synthetic = message.model == "<synthetic>"
  if is_synthetic and said:find "^No response requested" then return end
  local model = not is_synthetic and word(message.model) or nil -- a synthetic one is an API error, in its own words
  if not turn:is_running() then turn:prompt(new(), at) end -- a transcript may begin in the middle of a turn
  local skill, is_error = members(line, "attributionSkill", "isApiErrorMessage")
  if word(skill) then turn:attribute(new(nil, skill), at) end
  local id = message.id and message.id .. " " .. (message.request or "after " .. turn.asked)
  if not id or turn.transcript.by_record then id = "record " .. (word(line.uuid) or number) end
  turn:reply {
    at = at, text = said, model = model, usage = model and usage_of(message), message = id,
    status = is_error == true and "error" or nil,
  }
  for _, call in ipairs(calls) do tool_call(turn, call, new, at) end
  if message.stop == "end_turn" and said ~= "" and line.isSidechain == true then turn:close() end
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

-- The records that say what happened, and those that may be the parents of such. Most others report progress.
local TELLING = { user = true, assistant = true, system = true }
local WANTED = { { type = { "user", "assistant", "system" } }, { isSidechain = true } }

-- Another import can begin at a prompt to the main agent. A sidechain in the same file is known by its first record.
local function keep(source, transcript, agents, asked, mark)
  local saved = next(agents) == nil and transcript:rest(mark)
  if saved then source:keep(function() return { asked = asked, transcript = saved() } end) end
end

local function record(source, transcript, agents, line, number)
  local mark = transcript:mark()
  local is, uuid, message, time, request = members(line, "type", "uuid", "message", "timestamp", "requestId")
  local content, id, model, usage, stop = members(message, "content", "id", "model", "usage", "stop_reason")
  local said, by_kind = parts(content)
  id, request = word(id), word(request)
  if word(uuid) and transcript:is_copy(uuid) then return end
  if is == "assistant" and is_copied_reply(transcript, id, request, time, said, by_kind) then return end
  local at, problem = transcripts.time(time)
  if problem then source:report(problem) end
  local agent = agent_of(agents, line)
  local turn, results = transcript:agent(agent), by_kind.tool_result or NONE
  turn.asked = turn.asked or 0

  -- The first fields of an entry that begins at this line.
  local function new(key, skill, input)
    local fork = object(line.forkedFrom)
    return {
      session_id = debrief.session_id(word(fork.sessionId) or word(line.sessionId) or file_name(source)),
      project_root = word(line.cwd), skill = skill, input = input,
      source = { kind = "claude_code", agent_id = agent ~= "" and agent or nil,
        key = key or word(fork.messageUuid) or word(line.uuid) or "line-" .. number },
    }
  end

  for _, block in ipairs(results) do tool_result(transcript, block, line, at) end
  if line.subtype == "turn_duration" then
    turn:took(count(line.durationMs))
  elseif is == "assistant" then
    reply(turn, line, { id = id, request = request, model = model, usage = usage, stop = stop }, said,
      by_kind.tool_use or NONE, number, new, at)
  elseif is == "user" then
    turn.asked = turn.asked + 1
    if not (results[1] or line.isMeta == true or line.isCompactSummary == true) then
      local begins = prompt(turn, new(), line, content, said, at)
      if begins and agent == "" then keep(source, transcript, agents, turn.asked - 1, mark) end
    end
  end
end

local function read(source, transcript)
  local agents = {}
  for line, number in source:lines(WANTED) do
    if TELLING[line.type] then record(source, transcript, agents, line, number) else agent_of(agents, line) end
  end
end

local function open(source, emit, ctx)
  local kept = source:resume() or NONE
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end, kept.transcript)
  transcript.by_record = ctx.options.usage == "record"
  if kept.asked then transcript:agent("").asked = kept.asked end
  read(source, transcript)
  for _, file in ipairs(source:siblings()) do read(file, transcript) end
  transcript:finish()
end

-- Is there a member of this name? A pattern would be tried at every byte.
local function has_member(head, name)
  local from, to = head:find(name, 1, true)
  while from do
    if head:find("^%s*:", to + 1) and head:sub(math.max(from - 20, 1), from - 1):find "[{,]%s*$" then return true end
    from, to = head:find(name, to + 1, true)
  end
  return false
end

-- The first records may be long ones of other types: a queued prompt, snapshots of files.
local function detect(_, head)
  return has_member(head, '"isSidechain"')
    or head:find '^%s*{%s*"type"%s*:%s*"queue%-operation"' and head:find '"sessionId"%s*:' ~= nil
    or head:find '^%s*{%s*"type"%s*:%s*"file%-history%-snapshot"' ~= nil
    or head:find '^%s*{[^\n]*"leafUuid"' ~= nil -- nothing but summaries of other files
end

return {
  name = "claude_code",
  api = 1,
  summary = "Claude Code transcripts: skill runs and turns, with their attempts",
  options = {
    usage = { type = "string", default = "reply", choices = { "reply", "record" },
      help = "count the tokens of a reply once, or of each record of it, as programs do that add up lines" },
  },
  import = {
    detect = detect, open = open, files = { "*.jsonl" }, siblings = { "{name}/subagents/**.jsonl" },
    places = { "$CLAUDE_CONFIG_DIR/projects", "~/.claude/projects", "~/.config/claude/projects" },
  },
}
