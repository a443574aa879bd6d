-- GitHub Copilot CLI 1.0: ~/.copilot/session-state/*/events.jsonl. One entry for each run of a skill (a request of the
-- tool `skill`), and for each turn or part of a turn without one. A turn goes from a person's message to the next.
--
-- Quirks: a tool's `success` is no exit status, which stands in the last line of what bash printed, "<exited with exit
-- code N>". Output tokens are counted per message, input tokens only for the session, at its end: an entry has them if
-- it is the session's only one. Copilot counts cached ones among them; here they are apart, as everywhere.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count = transcripts.count
local object, array, word = transcripts.object, transcripts.array, transcripts.word

local EDITS = { edit = true, create = true, str_replace_editor = true, apply_patch = true }

-- The first fields of an entry.
local function first_fields(self, key, skill, input)
  return {
    session_id = debrief.session_id(self.id or self.file), project_root = self.cwd, skill = skill, input = input,
    source = { kind = "copilot", key = key },
  }
end

local function running(self, number, at) -- a file may begin in the middle of a turn
  if not self.turn:is_running() then self.turn:prompt(first_fields(self, "line-" .. number), at) end
end

local function request(self, call, number, at)
  local input, name, id = object(call.arguments), word(call.name), word(call.toolCallId)
  local tool = { name = name, at = at, asks = name == "ask_user",
    shell = name == "bash" and word(input.command) or nil }
  local path = word(input.path) or word(input.file_path)
  if EDITS[name] then tool.edit = path or true else tool.target = path or word(input.url) end
  local skill = name == "skill" and word(input.skill)
  if skill then
    tool.skill = first_fields(self, id or "line-" .. number, skill, call.arguments)
    tool.skill.trigger = "model"
  end
  self.turn:call(id, tool)
end

local events = {}

events["session.start"] = function(self, data)
  self.id = self.id or word(data.sessionId)
  self.cwd = word(object(data.context).cwd) or self.cwd
end

-- In autopilot the program itself tells the model to go on, with a message that has nothing of a person's.
local function is_machine(data)
  return not word(data.content) and word(data.transformedContent) ~= nil and array(data.attachments)[1] == nil
end

events["user.message"] = function(self, data, number, at, line)
  if is_machine(data) then return end
  self.prompts = self.prompts + 1
  self.turn:prompt(first_fields(self, word(line.id) or "line-" .. number, nil, word(data.content)), at)
end

events["assistant.message"] = function(self, data, number, at)
  running(self, number, at)
  self.turn:reply { at = at, text = word(data.content), model = word(data.model), message = word(data.messageId),
    usage = { output_tokens = count(data.outputTokens) } }
  local requests = array(data.toolRequests)
  for _, call in ipairs(requests) do request(self, object(call), number, at) end
  if not requests[1] then self.turn:took() end -- the answer: nothing follows it but a person
end

events["tool.execution_complete"] = function(self, data, _, at)
  local output = word(object(data.result).content) or word(object(data.error).message) or ""
  local status = count(output:sub(-200):match "<exited with exit code (%d+)>%s*$"
    or output:sub(-200):match "exit code (%d+)>?%s*$")
  self.transcript:result(word(data.toolCallId), { at = at, failed = data.success == false, exit_status = status,
    output = output, refused = object(data.error).code == "denied" or object(data.error).code == "rejected" })
end

events["permission.completed"] = function(self, _, _, at) self.turn:waited(at) end

events.abort = function(self, _, _, at) self.turn:interrupt(at) end

events["session.shutdown"] = function(self, data, number)
  if self.prompts == 1 then
    local metrics = object(data.modelMetrics)
    for model, metric in pairs(metrics) do
      local usage = object(object(metric).usage)
      local input, cached = count(usage.inputTokens), count(usage.cacheReadTokens)
      self.turn:tokens { message = ("shutdown %d %s"):format(number, model), model = word(model), usage = {
        input_tokens = input and input - math.min(cached or 0, input), cache_read_tokens = cached,
        cache_write_tokens = count(usage.cacheWriteTokens) } }
    end
  end
  self.turn:took()
end

local function open(source, emit)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  local reader = { transcript = transcript, turn = transcript:agent "", prompts = 0,
    file = source.path:match "([^/]+)/events%.jsonl$" or source.path:match "([^/]+)%.jsonl$" or source.path }
  for line, number in source:lines() do
    local at, problem = transcripts.time(line.timestamp)
    if problem then source:report(problem) end
    local event = events[line.type]
    if event then event(reader, object(line.data), number, at, line) end
  end
  transcript:finish()
end

local function detect(_, head)
  return head:find '"type"%s*:%s*"session%.start"' ~= nil and head:find "[Cc]opilot" ~= nil
end

return {
  name = "copilot",
  api = 1,
  summary = "Copilot CLI event logs: skill runs and turns, with their attempts",
  import = {
    detect = detect, open = open, files = { "*.jsonl" },
    places = { "~/.copilot/session-state" },
  },
}
