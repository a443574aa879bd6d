-- Codex: ~/.codex/sessions/YYYY/MM/DD/rollout-*.jsonl (0.39 to 0.142), and the lines that `codex exec --json` prints.
-- One entry for each run of a skill (an injected <skill>, a `$name` that the prompt marks, a read of
-- skills/NAME/SKILL.md), and for each turn or part of a turn without one. A turn goes from a person's message to the
-- next.
--
-- Quirks: every turn is logged twice, as event_msg and as response_item: prompts, tokens and ends are taken from the
-- first, replies and tools from the second. session_meta repeats. Token counts are cumulative, and cached tokens are
-- part of
-- input_tokens. The exit status is a line of text in the output, before 0.45 JSON in a string; a command that goes on
-- is
-- ended by a later write_stdin.
local debrief = require "debrief"
local transcripts = debrief.transcript
local count = transcripts.count
local object, array, word = transcripts.object, transcripts.array, transcripts.word

-- The value of a JSON text, {} for anything else.
local function decoded(text)
  local ok, value = pcall(debrief.decode, word(text) or "{}")
  return ok and object(value) or {}
end

-- ---- Commands ------------------------------------------------------------------------------------------------------

-- A command as the shell gets it: a line, or words, often { "bash", "-lc", line }.
local function line_of(command)
  if word(command) then return command end
  local words = {}
  for i, item in ipairs(array(command)) do words[i] = word(item) or "" end
  if words[3] and words[1]:find "sh$" and words[2]:find "^%-%a*c$" then return words[3] end
  for i, item in ipairs(words) do
    if item:find "[^%w_./:=@%%+,-]" or item == "" then words[i] = "'" .. item:gsub("'", "'\\''") .. "'" end
  end
  return words[1] and table.concat(words, " ") or nil
end

local function patched(text) -- the last file of a patch
  local last
  for path in (word(text) or ""):gmatch "%*%*%* %a+ File: ([^\n]+)" do last = path end
  return last
end

-- What a tool printed, its exit status, and the session of a process that goes on.
local function outcome_of(output)
  local text = transcripts.words(output)
  if text:find "^%s*{" then
    local value = decoded(text)
    local status = count(object(value.metadata).exit_code)
    if status or word(value.output) then return word(value.output) or "", status end
  end
  local head, rest = text:match "^(.-)\nOutput:\n(.*)$"
  head = (head or text):sub(1, 400)
  local status = head:match "Process exited with code (%d+)" or head:match "^Exit code: (%d+)"
  return rest or text, count(status), head:match "running with session ID (%d+)"
end

-- ---- Rollouts ------------------------------------------------------------------------------------------------------

-- The first fields of an entry.
local function first_fields(self, key, skill, input)
  return {
    session_id = debrief.session_id(self.id), project_root = self.cwd, skill = skill, input = input,
    source = { kind = "codex", key = key, agent_id = self.subagent },
  }
end

local function running(self, number, at) -- a file may begin in the middle of a turn
  if not self.turn:is_running() then self.turn:prompt(first_fields(self, "line-" .. number), at) end
end

local function skill_in(prompt) -- what the prompt marks: { "placeholder": "$name" }
  for _, element in ipairs(array(prompt.text_elements)) do
    local name = (word(object(element).placeholder) or ""):match "^%$([%w_:-]+)$"
    if name then return name end
  end
end

-- A copy of a small map of texts; nil: it is large.
local function copied(map)
  local copy, n = {}, 0
  for key, value in pairs(map) do
    n = n + 1
    if n > 100 then return nil end
    copy[key] = value
  end
  return copy
end

-- Another import can begin at a prompt.
local function keep(self, mark)
  local saved, processes = self.transcript:rest(mark), copied(self.processes)
  if not (saved and processes) then return end
  local state = { id = self.id, cwd = self.cwd, subagent = self.subagent, model = self.model, turn_id = self.turn_id,
    messages = self.messages - 1, processes = processes, lines = {}, total = self.total }
  self.source:keep(function()
    state.transcript = saved()
    for _, call in ipairs(state.transcript.calls) do state.lines[call.id] = self.lines[call.id] end
    return state
  end)
end

local function prompted(self, payload, number, at)
  local said, kind = word(payload.message) or "", word(payload.kind)
  if kind and kind ~= "plain" or said:find "^<environment_context>" or said:find "^<user_instructions>"
    or said:find "^<turn_aborted>" then return end
  self.messages = self.messages + 1
  local key = self.turn_id and ("%s %d"):format(self.turn_id, self.messages) or "line-" .. number
  local fields = first_fields(self, key, skill_in(payload), said)
  fields.trigger = fields.skill and "user" or nil
  self.turn:prompt(fields, at)
  keep(self, self.transcript:mark())
end

local COUNTS = { "input_tokens", "cached_input_tokens", "output_tokens" }

-- What was used since the report before: the difference of the totals, for a turn that was aborted reports nothing of
-- its
-- own. The first report of a file, or one whose totals begin again, has only its last counts.
local function used(self, info)
  local total, last, counts = object(info.total_token_usage), object(info.last_token_usage), {}
  local before = self.total or {}
  self.total = {}
  for _, name in ipairs(COUNTS) do
    local now = count(total[name])
    self.total[name] = now
    local since = now and before[name] and now - before[name]
    counts[name] = since and since >= 0 and since or count(last[name])
  end
  return counts
end

local function counted(self, info, number, at)
  local counts = used(self, info)
  local input, cached = counts.input_tokens, counts.cached_input_tokens
  running(self, number, at)
  self.turn:tokens { message = "tokens " .. number, model = self.model, usage = {
    input_tokens = input and input - math.min(cached or 0, input), cache_read_tokens = cached,
    output_tokens = counts.output_tokens,
  } }
end

local events = {}

function events.user_message(self, payload, number, at) prompted(self, payload, number, at) end

function events.token_count(self, payload, number, at)
  if debrief.type(payload.info) == "object" then counted(self, payload.info, number, at) end
end

function events.task_started(self, payload)
  self.turn_id, self.messages = word(payload.turn_id), 0
end

function events.task_complete(self, payload) self.turn:took(count(payload.duration_ms)) end

function events.turn_aborted(self, _, _, at) self.turn:interrupt(at) end

function events.error(self, payload, number, at)
  running(self, number, at)
  self.turn:reply { at = at, text = word(payload.message), status = "error" }
end

local items = {}

function items.message(self, payload, number, at)
  local said = transcripts.words(payload.content)
  if payload.role == "assistant" then
    running(self, number, at)
    self.turn:reply { at = at, text = said, model = self.model, message = word(payload.id) }
  elseif payload.role == "user" and said:find "^<skill>" and self.turn:is_running() then
    local name = word(said:sub(1, 400):match "<name>([^<]+)</name>")
    if name then
      local fields = first_fields(self, "line-" .. number, name)
      fields.trigger = "user"
      self.turn:attribute(fields, at)
    end
  end
end

function items.function_call(self, payload, number, at)
  local id, name, input = word(payload.call_id), word(payload.name), decoded(payload.arguments)
  local tool = { name = name, at = at }
  if name == "exec_command" or name == "shell" or name == "local_shell" or name == "container.exec" then
    tool.shell = line_of(input.cmd) or line_of(input.command)
  elseif name == "write_stdin" then
    tool.shell = self.processes[tostring(count(input.session_id))]
  elseif name == "apply_patch" then
    tool.edit = patched(input.input or input.patch) or true
  end
  local patch = tool.shell and tool.shell:find "^%s*'?apply_patch" and patched(tool.shell)
  if patch then tool.edit, tool.shell = patch, nil end
  local skill = tool.shell and tool.shell:match "skills/([%w_.-]+)/SKILL%.md"
  if skill and name ~= "write_stdin" then
    tool.skill = first_fields(self, id or "line-" .. number, skill)
    tool.skill.trigger = "model"
  end
  running(self, number, at)
  self.turn:call(id, tool)
  self.lines[id or ""] = tool.shell
end

function items.local_shell_call(self, payload, number, at)
  running(self, number, at)
  self.turn:call(word(payload.call_id), { name = "local_shell", at = at,
    shell = line_of(object(payload.action).command) })
end

function items.custom_tool_call(self, payload, number, at)
  local name = word(payload.name)
  running(self, number, at)
  self.turn:call(word(payload.call_id), { name = name, at = at,
    edit = name == "apply_patch" and (patched(payload.input) or true) or nil })
end

function items.web_search_call(self, payload, number, at)
  running(self, number, at)
  self.turn:call(nil, { name = "web_search", target = word(object(payload.action).query), at = at })
end

function items.function_call_output(self, payload, _, at)
  local id = word(payload.call_id)
  local output, status, session = outcome_of(payload.output)
  if session then self.processes[session] = self.lines[id or ""] end
  self.transcript:result(id, { at = at, output = session and "" or output, exit_status = status,
    failed = status ~= nil and status ~= 0, refused = output:find "^exec_command failed.*rejected" ~= nil })
end

items.custom_tool_call_output = items.function_call_output

local function rollout_record(self, line, number, at)
  local payload = object(line.payload)
  local kind = payload.type
  if line.type == "session_meta" then
    self.id = self.id or word(payload.id) or word(payload.session_id)
    self.cwd = self.cwd or word(payload.cwd)
    if debrief.type(payload.source) == "object" and not self.subagent then self.subagent = self.id end
  elseif line.type == "turn_context" then
    self.model, self.cwd = word(payload.model) or self.model, word(payload.cwd) or self.cwd
  elseif line.type == "event_msg" and events[kind] then
    events[kind](self, payload, number, at)
  elseif line.type == "response_item" and items[kind] then
    items[kind](self, payload, number, at)
  end
end

-- ---- codex exec --json ---------------------------------------------------------------------------------------------

-- One item, from its beginning to its end at once: nothing is timed.
local function item_completed(self, item, number)
  local kind, id = item.type, "item-" .. number
  running(self, number)
  if kind == "agent_message" then
    self.turn:reply { text = word(item.text) }
  elseif kind == "command_execution" then
    local status = count(item.exit_code)
    self.turn:call(id, { name = "shell", shell = word(item.command) })
    self.transcript:result(id, { exit_status = status, failed = status ~= nil and status ~= 0,
      output = word(item.aggregated_output) })
  elseif kind == "file_change" then
    for i, change in ipairs(array(item.changes)) do
      self.turn:call(id .. i, { name = "apply_patch", edit = word(object(change).path) or true })
      self.transcript:result(id .. i, { failed = item.status == "failed" })
    end
  elseif kind == "mcp_tool_call" or kind == "web_search" then
    self.turn:call(id, { name = word(item.tool) or kind, target = word(item.query) })
    self.transcript:result(id, { failed = item.status == "failed" })
  end
end

local function exec_record(self, line, number)
  if line.type == "thread.started" then
    self.id = word(line.thread_id) or self.id
  elseif line.type == "turn.started" then
    self.turns = (self.turns or 0) + 1
    self.turn:prompt(first_fields(self, "turn-" .. self.turns))
  elseif line.type == "item.completed" then
    item_completed(self, object(line.item), number)
  elseif line.type == "turn.completed" then
    counted(self, { last_token_usage = line.usage }, number)
    self.turn:took()
  elseif line.type == "turn.failed" then
    running(self, number)
    self.turn:reply { text = word(object(line.error).message), status = "error" }
    self.turn:close()
  end
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

local function open(source, emit)
  local kept = source:resume()
  local reader, record = kept or { messages = 0, processes = {}, lines = {} }, kept and rollout_record
  local transcript = transcripts.new(emit, function(problem) source:report(problem) end, reader.transcript)
  reader.transcript, reader.turn, reader.source = transcript, transcript:agent "", source
  reader.file = source.path:match "([^/]+)%.jsonl$" or source.path
  for line, number in source:lines() do
    local name = word(line.type) or ""
    record = record or (name == "thread.started" or name:find "^turn%." or name:find "^item%.") and exec_record
      or rollout_record
    local at, problem = transcripts.time(line.timestamp)
    if problem then source:report(problem) end
    if not reader.id and name ~= "session_meta" and name ~= "thread.started" then reader.id = reader.file end
    record(reader, line, number, at)
  end
  transcript:finish()
end

local function detect(_, head)
  return head:find '"type"%s*:%s*"session_meta"' ~= nil and head:find '"payload"%s*:' ~= nil
    or head:match("^[^\n]*"):find '"type"%s*:%s*"thread%.started"' ~= nil
end

return {
  name = "codex",
  api = 1,
  summary = "Codex rollouts: skill runs and turns, with their attempts",
  import = {
    detect = detect, open = open, files = { "*.jsonl" },
    places = { "$CODEX_HOME/sessions", "~/.codex/sessions", "~/.codex/archived_sessions" },
  },
}
