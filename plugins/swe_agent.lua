-- Trajectories of SWE-agent (*.traj) and mini-swe-agent (*.traj.json). One entry per file: one task, from the issue to
-- the submission.
--
-- Quirks: exit_status says how the agent ended ("submitted", "exit_cost"), which is no verdict: it is kept in `source`.
-- SWE-agent does not say the exit status of a command, so `verified` rests on what test runners print. It has no times
-- of day; `execution_time` is that of a command, and a text in some versions. Its model stands in replay_config, if
-- anywhere. mini-swe-agent says returncode, and in version 1 puts commands and output into the text of messages.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count, object, array, word = transcripts.count, transcripts.object, transcripts.array, transcripts.word
local words = transcripts.words

local EDITS = { edit = true, create = true, insert = true, str_replace_editor = true, edit_anthropic = true }
local NO_EDIT = { view = true, undo_edit = true }

local function number(value)
  local n = tonumber(math.type(value) and value or word(value))
  return n and n >= 0 and n < 1e9 and n or nil
end

local function decoded(value)
  if not word(value) then return object(value) end
  local ok, made = pcall(debrief.decode, value)
  return ok and object(made) or {}
end

-- The first fields of the entry.
local function first_fields(self, input)
  return { session_id = debrief.session_id(self.run), input = input, source = { kind = "swe_agent", key = self.name } }
end

-- What both have in `info`.
local function finish(self, info)
  if not self.turn:is_running() then return end -- nobody asked anything
  local stats = object(info.model_stats)
  local calls, cost = count(stats.api_calls), number(stats.instance_cost)
  local sent, received = count(stats.tokens_sent), count(stats.tokens_received)
  local exit_status = word(info.exit_status)
  local failed = exit_status and exit_status:lower():find "error" and "error" or nil
  if calls ~= 0 then -- 0: a person's demonstration, or a replay
    self.turn:tokens { message = "all", model = self.model, cost = cost ~= 0 and cost or nil,
      usage = { input_tokens = sent ~= 0 and sent or nil, output_tokens = received ~= 0 and received or nil } }
  end
  self.turn:reply { status = failed }
  self.turn:note { exit_status = exit_status }
  self.turn:close()
end

-- ---- SWE-agent -----------------------------------------------------------------------------------------------------

-- What the action edits: the file that it names, or the one that is open; nil for any other command.
local function edited(action, state)
  local name, rest = action:match "^%s*(%S+)%s*(.*)$"
  local verb, path = (rest or ""):match "^(%S+)%s*(%S*)"
  if not EDITS[name] then return nil end
  if name == "create" then return verb or true end
  if name == "str_replace_editor" or name == "edit_anthropic" then
    return not NO_EDIT[verb] and (path ~= "" and path or true) or nil
  end
  local opened = word(decoded(state).open_file)
  return opened ~= "n/a" and opened or true
end

local function step(self, one, index)
  local action, seconds = (word(one.action) or ""):gsub("%s+$", ""), number(one.execution_time)
  self.turn:reply { text = word(one.thought) or word(one.response), model = self.model, message = "step " .. index }
  if action == "" then return end
  local edit = edited(action, one.state)
  self.turn:call("step " .. index, { name = action:match "%S+", edit = edit, shell = not edit and action or nil })
  local output = word(one.observation) or ""
  self.transcript:result("step " .. index, { output = output,
    duration_ms = seconds and math.floor(seconds * 1000 + 0.5),
    failed = edit ~= nil and output:find "Your proposed edit has introduced new syntax error" ~= nil })
end

-- The issue: the first message of a user that is not a demonstration.
local function issue_in(source)
  for message in source:values "history" do
    if message.role == "user" and message.is_demo ~= true and message.message_type ~= "demonstration" then
      local text = words(message.content)
      if text ~= "" then return text end
    end
  end
end

local function read_swe_agent(self, source, document)
  local config = decoded(document.replay_config)
  self.model = word(object(object(config.agent).model).name)
  self.turn:prompt(first_fields(self, issue_in(source)))
  for one, index in source:values "trajectory" do step(self, one, index) end
  finish(self, object(document.info))
end

-- ---- mini-swe-agent ------------------------------------------------------------------------------------------------

local function commands_of(message)
  local commands = {}
  for _, action in ipairs(array(object(message.extra).actions)) do
    commands[#commands + 1] = word(object(action).command) or word(action)
  end
  if not commands[1] then commands[1] = words(message.content):match "```bash[^\n]*\n(.-)\n?```" end
  return commands
end

local function usage_of(message)
  local usage = object(object(object(message.extra).response).usage)
  local input, cached = count(usage.prompt_tokens), count(object(usage.prompt_tokens_details).cached_tokens)
  return { input_tokens = input and input - math.min(cached or 0, input), cache_read_tokens = cached,
    output_tokens = count(usage.completion_tokens) }
end

local mini = {}

function mini.assistant(self, message, index, at)
  self.turn:reply { at = at, text = words(message.content), model = self.model, message = "message " .. index,
    usage = usage_of(message) }
  for i, command in ipairs(commands_of(message)) do
    local id = ("%d %d"):format(index, i)
    self.turn:call(id, { name = "bash", shell = command, at = at })
    self.open[#self.open + 1] = id
  end
end

-- An observation: the results of the commands before it, in their order.
local function observation(self, message, at)
  local id, text = table.remove(self.open, 1), words(message.content)
  local status = count(object(message.extra).returncode) or count(text:match "<returncode>(%d+)</returncode>")
  self.transcript:result(id, { at = at, output = text, exit_status = status, failed = status ~= nil and status ~= 0 })
end

function mini.user(self, message, _, at)
  if self.open[1] then
    observation(self, message, at)
  elseif not self.turn:is_running() then
    self.turn:prompt(first_fields(self, words(message.content)), at)
  end
end

function mini.tool(self, message, _, at)
  if self.open[1] then observation(self, message, at) end
end

local function read_mini(self, source, document)
  local info = object(document.info)
  self.model, self.open = word(object(object(info.config).model).model_name), {}
  for message, index in source:values "messages" do
    local at, problem = transcripts.time(object(message.extra).timestamp)
    if problem then source:report(problem) end
    local role = mini[message.role]
    if role == mini.assistant and not self.turn:is_running() then self.turn:prompt(first_fields(self), at) end
    if role then role(self, message, index, at) end
  end
  finish(self, info)
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

-- The task is the name of the file; the run that it is part of is the folder: RUN/TASK.traj or RUN/TASK/TASK.traj.
local function names_of(path)
  local name = path:match "([^/]+)%.traj%.json$" or path:match "([^/]+)%.[^./]*$" or path
  local above, folder = path:match "([^/]+)/([^/]+)/[^/]*$"
  folder = folder or path:match "([^/]+)/[^/]*$"
  return name, folder == name and above or folder or name
end

local function open(source, emit)
  local name, run = names_of(source.path)
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end)
  local self = { transcript = transcript, turn = transcript:agent "", name = name, run = run }
  local document, left_out = source:document("history", "trajectory", "messages")
  if left_out.trajectory then
    read_swe_agent(self, source, document)
  else
    read_mini(self, source, document)
  end
end

local function detect(_, head)
  if head:find('"trajectory_format"', 1, true) or head:find('"mini_version"', 1, true) then
    local first = transcripts.outline(head)
    if word(first.trajectory_format) then return first.trajectory_format:find "^mini%-swe%-agent" ~= nil end
    return type(first.messages) == "table" and type(first.info) == "table" and first.info.mini_version ~= nil
  end
  if not head:find('"trajectory"', 1, true) then return false end
  local list = transcripts.outline(head).trajectory
  local one = type(list) == "table" and type(list[1]) == "table" and list[1] or {}
  return one.action ~= nil and one.observation ~= nil
end

return {
  name = "swe_agent",
  api = 1,
  summary = "Trajectories of SWE-agent and mini-swe-agent: tasks with their attempts",
  import = {
    detect = detect, open = open,
    files = { "*.traj", "*.traj.json" },
  },
}
