-- Gemini CLI: ~/.gemini/tmp/PROJECT/chats/session-*.jsonl, and the one JSON document per session of older versions
-- (*.json). One entry for each run of a skill (a call of activate_skill), and for each turn or part of a turn without
-- one. A turn goes from a person's message to the next.
--
-- Quirks: a message is written again, with the same id, when it grows (tools, results, tokens): the last one wins.
-- `$set` changes the header; the messages in it are the model's context, mostly those that were there before.
-- `$rewindTo` takes back messages: they happened and were paid for, so they count. Cached tokens are part of
-- tokens.input, thoughts are output that is counted apart. A shell tool is a "success" whatever its command returned:
-- the status is the line "Exit Code: N", which newer versions leave out for 0. The time of a tool includes
-- the wait for a person's permission.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count, object, array, word = transcripts.count, transcripts.object, transcripts.array, transcripts.word

local EDITS = { write_file = true, replace = true, edit = true }
local FINAL = { success = true, error = true, cancelled = true }

-- The text of what a message holds, a text or an array of parts; and whether the parts are results of tools.
local function text_of(content)
  if word(content) then return content, false end
  local texts, is_result = {}, false
  for _, part in ipairs(array(content)) do
    local one = object(part)
    texts[#texts + 1] = word(one.text) or word(part)
    is_result = is_result or one.functionResponse ~= nil
  end
  return table.concat(texts, "\n"), is_result
end

-- The first fields of an entry.
local function first_fields(self, key, skill, input)
  local id = self.id or self.file
  return {
    session_id = debrief.session_id(id), project_root = self.cwd, skill = skill, input = input,
    source = { kind = "gemini", key = key, agent_id = self.kind == "subagent" and id or nil },
  }
end

local function running(self, key, at) -- a file may begin in the middle of a turn
  if not self.turn:is_running() then self.turn:prompt(first_fields(self, key), at) end
end

-- ---- Tools ---------------------------------------------------------------------------------------------------------

local function output_of(call)
  local texts = {}
  for _, part in ipairs(array(call.result)) do
    local response = object(object(object(part).functionResponse).response)
    texts[#texts + 1] = word(response.output) or word(response.error)
  end
  return table.concat(texts, "\n")
end

-- The exit status of a shell command; nil where it is not certain.
local function exit_status(output)
  local shown = count(output:match "\nExit Code: (%d+)")
  if shown then return shown end
  local ended = output:find "^Output:" and not output:find "\nExit Code:" and not output:find "\nSignal: %d"
    and not output:find "\nError: "
  return ended and 0 or nil
end

local function tool_call(self, call, key, at)
  local args, name, id = object(call.args), word(call.name), word(call.id)
  local path = word(args.file_path) or word(args.absolute_path)
  local tool = { name = name, at = at, asks = name == "ask_user",
    shell = name == "run_shell_command" and word(args.command) or nil }
  if EDITS[name] then
    tool.edit, tool.at = path or true, nil -- its time is that of a person who looks at the change
  else
    tool.target = path or word(args.path) or word(args.dir_path) or word(args.query) or word(args.pattern)
  end
  local skill = name == "activate_skill" and (word(args.name) or word(args.skill_name))
  if skill then
    tool.skill = first_fields(self, id or key .. "-skill", skill, call.args)
    tool.skill.trigger = "model"
  end
  self.turn:call(id, tool)
end

local function tool_result(self, call, at)
  local output, status = output_of(call), word(call.status)
  local done, problem = transcripts.time(call.timestamp)
  if problem then self.source:report(problem) end
  self.transcript:result(word(call.id), {
    at = done and done ~= at and done or nil, failed = status ~= "success", refused = status == "cancelled",
    output = output, exit_status = call.name == "run_shell_command" and exit_status(output) or nil,
  })
end

-- The tools of a reply: each is called once, however often the reply is written, and has one result.
local function tool_calls(self, message, key, at)
  for i, item in ipairs(array(message.toolCalls)) do
    local call = object(item)
    local id = word(call.id) or ("%s %d"):format(key, i)
    if not self.transcript:is_copy("call " .. id) then tool_call(self, call, key, at) end
    if FINAL[call.status] and not self.transcript:is_copy("result " .. id) then tool_result(self, call, at) end
  end
end

-- ---- Messages ------------------------------------------------------------------------------------------------------

local types = {}

function types.user(self, message, key, at, is_known)
  if is_known then return end
  local said, is_result = text_of(message.content)
  local shown, is_shown_result = text_of(message.displayContent)
  if is_result or is_shown_result then return end -- a result that the program sends, or a request to go on
  self.prompts = self.prompts + 1
  self.turn:prompt(first_fields(self, key, nil, shown ~= "" and shown or said), at)
end

local function usage_of(tokens)
  local input, cached = count(tokens.input), count(tokens.cached)
  local output, thoughts = count(tokens.output), count(tokens.thoughts)
  return {
    input_tokens = input and input - math.min(cached or 0, input) + (count(tokens.tool) or 0),
    cache_read_tokens = cached, output_tokens = output and output + (thoughts or 0), reasoning_tokens = thoughts,
  }
end

function types.gemini(self, message, key, at, is_known)
  local said, usage = text_of(message.content), usage_of(object(message.tokens))
  if is_known and self.prompts_at[key] ~= self.prompts then -- it grew after its turn
    self.turn:tokens { message = key, model = word(message.model), usage = usage }
    return
  end
  self.prompts_at[key] = self.prompts
  running(self, key, at)
  self.turn:reply { at = at, text = said, model = word(message.model), message = key, usage = usage }
  tool_calls(self, message, key, at)
  if said ~= "" and not array(message.toolCalls)[1] then self.turn:took() end -- the answer: a person is next
end

types["error"] = function(self, message, _, at, is_known)
  if not is_known and self.turn:is_running() then
    self.turn:reply { at = at, text = text_of(message.content), status = "error" }
  end
end

function types.info(self, message, _, at, is_known)
  if not is_known and text_of(message.content):find "^Request cancelled" then self.turn:interrupt(at) end
end

local function add(self, message, number)
  local type = types[message.type]
  if not type then return end
  local at, problem = transcripts.time(message.timestamp)
  if problem then self.source:report(problem) end
  local id = word(message.id)
  type(self, message, id or "line-" .. number, at, id ~= nil and self.transcript:is_copy("message " .. id))
end

local function header(self, record)
  local set = object(record["$set"])
  local from = set.sessionId ~= nil and set or record
  self.id, self.kind = self.id or word(from.sessionId), self.kind or word(from.kind)
  self.cwd = self.cwd or word(array(record.directories)[1]) or word(array(set.directories)[1])
  for _, list in ipairs { record.messages or false, set.messages or false } do
    for i, message in ipairs(array(list)) do add(self, object(message), i) end
  end
end

local function open(source, emit)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  local self = { source = source, transcript = transcript, turn = transcript:agent "", prompts = 0, prompts_at = {},
    file = source.path:match "([^/]+)%.jsonl?$" or source.path }
  local first, left_out, more = source:document "messages"
  if more == false or more == nil and left_out.messages then -- one document, whole or cut
    header(self, first)
    for message, number in source:values "messages" do add(self, message, number) end
  else
    for record, number in source:lines() do
      if word(record.type) then add(self, record, number) else header(self, record) end
    end
  end
  transcript:finish()
end

local function detect(_, head)
  if not head:find('"projectHash"', 1, true) then return false end
  local first = transcripts.outline(head)
  return first.sessionId ~= nil and first.projectHash ~= nil
end

return {
  name = "gemini",
  api = 1,
  summary = "Gemini CLI sessions: skill runs and turns, with their attempts",
  import = {
    detect = detect, open = open,
    files = { "session-*.json", "*.jsonl" }, places = { "~/.gemini/tmp" },
  },
}
