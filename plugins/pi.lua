-- The coding agent pi: ~/.pi/agent/sessions/--path--/*.jsonl. One entry for each run of a skill (a read of
-- skills/NAME/SKILL.md or skill://NAME), and for each turn or part of a turn without one. A turn goes from a person's
-- message to the next.
--
-- Quirks: a session is a tree (version 3): a record names the one before it, and what was left for another branch is in
-- the file, too. It happened and was paid for, so it counts; the records of a parent session are not copied. The exit
-- status is the last line of what bash printed; without one it was 0. Costs are in US dollars.
local debrief = require "debrief"
local transcripts = debrief.transcript
local blocks, count, text = transcripts.blocks, transcripts.count, transcripts.text
local object, word = transcripts.object, transcripts.word
local amount = transcripts.amount

local EDITS = { edit = true, write = true }
local STATUS = { aborted = "interrupted", error = "error" }

-- The first fields of an entry that begins at this record.
local function first_fields(self, record, line, skill, input)
  return {
    session_id = debrief.session_id(self.id or self.file), project_root = self.cwd, skill = skill, input = input,
    source = { kind = "pi", key = word(record.id) or "line-" .. line },
  }
end

local function skill_in(path)
  return path and (path:match "skills/([%w_.-]+)/SKILL%.md$" or path:match "^skill://([%w_.:-]+)")
end

local function tool_call(self, call, record, line, at)
  local input, name = object(call.arguments), word(call.name)
  local path = word(input.path) or word(input.file_path)
  local tool = { name = name, at = at, shell = name == "bash" and word(input.command) or nil }
  if EDITS[name] then tool.edit = path or true else tool.target = path end
  local skill = name == "read" and skill_in(path)
  if skill then
    tool.skill = first_fields(self, record, line, skill)
    tool.skill.source.key, tool.skill.trigger = word(call.id) or tool.skill.source.key, "model"
  end
  self.turn:call(word(call.id), tool)
end

local roles = {}

function roles.user(self, message, record, line, at)
  self.turn:prompt(first_fields(self, record, line, nil, text(message.content)), at)
end

function roles.assistant(self, message, record, line, at)
  local usage, calls = object(message.usage), blocks(message.content, "toolCall")
  if not self.turn:is_running() then self.turn:prompt(first_fields(self, record, line), at) end
  self.turn:reply {
    at = at, text = text(message.content), model = word(message.model), message = word(record.id) or "line-" .. line,
    status = STATUS[message.stopReason], cost = amount(object(usage.cost).total), usage = {
      input_tokens = count(usage.input), output_tokens = count(usage.output),
      cache_read_tokens = count(usage.cacheRead), cache_write_tokens = count(usage.cacheWrite) },
  }
  for _, call in ipairs(calls) do tool_call(self, call, record, line, at) end
  if message.stopReason == "aborted" then self.turn:interrupt(at) elseif not calls[1] then self.turn:took() end
end

function roles.toolResult(self, message, _, _, at)
  local output = text(message.content)
  local status = count(output:sub(-80):match "Command exited with code (%d+)%s*$")
  local failed = message.isError == true
  self.transcript:result(word(message.toolCallId), { at = at, failed = failed, output = output,
    exit_status = status or not failed and 0 or nil })
end

local function open(source, emit)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  local reader = { transcript = transcript, turn = transcript:agent "",
    file = source.path:match "([^/]+)%.jsonl$" or source.path }
  for record, line in source:lines() do
    local at, problem = transcripts.time(record.timestamp)
    if problem then source:report(problem) end
    local message = object(record.message)
    if record.type == "session" then
      reader.id, reader.cwd = reader.id or word(record.id), reader.cwd or word(record.cwd)
    elseif record.type == "message" and roles[message.role] then
      roles[message.role](reader, message, record, line, at)
    end
  end
  transcript:finish()
end

local function detect(_, head)
  local first = head:match "^[^\n]*"
  return first:find '"type"%s*:%s*"session"' ~= nil and first:find '"cwd"%s*:' ~= nil
    and (first:find '"thinkingLevel"' or first:find '"version"') ~= nil
end

return {
  name = "pi",
  api = 1,
  summary = "Sessions of the coding agent pi: skill runs and turns, with their attempts",
  import = {
    detect = detect, open = open, files = { "*.jsonl" },
    places = { "~/.pi/agent/sessions" },
  },
}
