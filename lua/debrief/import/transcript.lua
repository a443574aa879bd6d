--- From transcripts of agents to entries: an importer reports what happened, this file decides what a run is.
--
--   prompt   skill           prompt          a turn goes from prompt to prompt
--   |- run --|---- run ------|- run ---      a skill that starts in it begins another run: one run, one entry
--            edit edit test test edit test   tools
--            |--- attempt 1 ---|-- 2 ---|    edits and the test commands after them, until the next edit
--
-- A run without edits is one attempt. `verified` follows from exit statuses: false once a test command failed, true if
-- all test commands with a known status passed, else absent. The status is unknown if it may be another command's
-- (`test | tail`). Every decision depends on what came before, never on where the transcript ends: a longer copy of a
-- growing transcript makes the same entries again. Only the last turn of each agent is open, until something ends it.
--
-- Plugins hold transcripts and turns, which are plain tables: the tables of methods are not reached through them.
-- @module debrief.import.transcript

local transcript = {}

local methods = {} -- of transcripts
local turn_methods = {}
local TRANSCRIPT = { __index = methods, __name = "transcript", __metatable = false }
local TURN = { __index = turn_methods, __name = "turn", __metatable = false }

local SUMMARY_BYTES = 2000 -- of an attempt's output_summary: room for a closing message

-- ---- Test commands --------------------------------------------------------------------------------------------------

local function set(words)
  local members = {}
  for word in words:gmatch "%S+" do members[word] = true end
  return members
end

-- A test command is one of RUNNERS, or one of TASKS after one or more of TOOLS (`go test`, `npx vitest`), or `make`.
-- Options, numbers and assignments are passed over (`CI=1 timeout 60 cargo -q test`).
local RUNNERS = set [[ava busted ctest eslint flake8 golangci-lint jest luacheck mocha mypy ninja nox phpunit pylint
  pyright pytest rspec ruff shellcheck staticcheck tox tsc unittest vitest]]
local TASKS = set [[build check clippy compile credo dialyzer lint nextest spec test tests typecheck verify vet]]
local TOOLS = set [[bazel bun bundle bunx cargo cmake composer dart deno dotnet env exec flutter go gradle gradlew just
  make mise mix mvn mvnw npm npx pipenv pnpm poetry python python3 rake run sbt sudo swift task time timeout uv yarn
  zig]]

local function is_test(command)
  local tool
  for word in command:gmatch "[^%s()]+" do
    local name = word:match "^.*/([^/]+)$" or word
    if RUNNERS[name] or tool and TASKS[name:match "^%a*"] then return true end
    if not TOOLS[name] and not word:find "^[%d%-]" and not word:find "=" then return false end
    tool = TOOLS[name] and name or tool
  end
  return tool == "make"
end

--- What the exit status of a shell line says of the tests in it. Here-documents and quoted text are not looked into.
-- @return does it run tests; does 0 mean that they passed; does another status mean that they failed
function transcript.test_run(line)
  line = line:gsub("<<.*", ";q"):gsub("\\.", " "):gsub("([\"']).-%1", "q"):gsub(">&%d*", ""):gsub("&>", ">")
  line = (line:match "^.*[^;%s]" or ""):gsub("&&", "\1"):gsub("||", "\2"):gsub("[|;&\n]", "\3")
  local found, passes, last = false, true, false
  for command, operator in line:gmatch "([^\1-\3]+)([\1-\3]?)" do
    last = is_test(command)
    found = found or last
    passes = passes and operator ~= "\2" and not (found and operator == "\3")
  end
  return found, found and passes, passes and last
end

-- ---- Messages -------------------------------------------------------------------------------------------------------

local function indexable(value) -- debrief.null is a userdata too
  return type(value) == "table" or type(value) == "userdata" and getmetatable(value) ~= nil
end

--- The blocks of one type in what a message holds: a text, or a list of blocks that have a type.
function transcript.blocks(content, kind)
  local found = {}
  for _, block in ipairs(indexable(content) and content or {}) do
    if indexable(block) and block.type == kind then found[#found + 1] = block end
  end
  return found
end

--- The text of what a message holds.
function transcript.text(content)
  if type(content) == "string" then return content end
  local texts = {}
  for i, block in ipairs(transcript.blocks(content, "text")) do texts[i] = tostring(block.text) end
  return table.concat(texts, "\n")
end

local function shorten(text)
  if #text <= SUMMARY_BYTES then return text end
  return (text:sub(1, SUMMARY_BYTES):gsub("[\xC0-\xFF][\x80-\xBF]*$", "")) .. "…"
end

-- ---- Transcripts and turns ------------------------------------------------------------------------------------------

--- A transcript, to be filled from its beginning. Times (`at`) are integer ns or nil.
-- @param emit function(entry, { open = true or false }), called with each run, in the order in which their turns end
function transcript.new(emit)
  return setmetatable({ emit = emit, turns = {}, agents = {}, calls = {}, runs_by_message = {} }, TRANSCRIPT)
end

--- The turns of one agent of the transcript; "" is the main one.
function methods:agent(name)
  local turn = self.turns[name]
  if not turn then
    turn = setmetatable({ transcript = self, runs = {} }, TURN)
    self.turns[name], self.agents[#self.agents + 1] = turn, name
  end
  return turn
end

--- The caller of a subagent has its result: what the subagent did until then is not open.
function methods:returned(agent, at)
  self:agent(agent).returned_at = at
end

--- The end of the transcript: what is left in each agent's turn is open.
function methods:finish()
  for _, name in ipairs(self.agents) do
    local turn = self.turns[name]
    local run = turn.runs[#turn.runs]
    local has_returned = run and run.last and turn.returned_at and run.last <= turn.returned_at
    turn:close(not has_returned)
  end
end

--- A prompt ends the turn. `fields` begin the entry of the next run, which exists only if the agent replies:
-- session_id, timestamp, skill, input, project_root, source.
function turn_methods:prompt(fields, at)
  self:close()
  self.prompted = { fields = fields, at = at }
end

--- A prompt that the program may answer itself (then `dismiss` follows): it ends the turn only when the model replies.
function turn_methods:command(fields, at)
  self.commanded = { fields = fields, at = at }
end

--- The program answered the prompt of `command` itself: it begins no turn.
function turn_methods:dismiss()
  self.commanded = nil
end

--- Has the next reply a run to belong to?
function turn_methods:is_running()
  return (self.commanded or self.prompted or self.runs[1]) ~= nil
end

local function begin(turn, fields, at)
  fields.attempts = { { attempt = 1 } }
  turn.runs[#turn.runs + 1] = { entry = fields, messages = {}, first = at, last = at }
end

-- The run that the next reply belongs to; begins it when there was only a prompt so far.
local function current(turn)
  local start = turn.commanded or turn.prompted
  if start then
    turn:close()
    begin(turn, start.fields, start.at)
  end
  return turn.runs[#turn.runs]
end

local function is_same_skill(a, b) -- "plugin:name" is also called "name"
  return a == b or a:match ":(.*)" == b or b:match ":(.*)" == a
end

local function start_skill(turn, fields, at)
  local run = current(turn)
  local skill = run and run.entry.skill
  if not run or run.acted or run.called or skill and not is_same_skill(skill, fields.skill) then
    begin(turn, fields, at)
  elseif not skill then -- what was only said before the skill belongs to it
    run.entry.skill, run.entry.input = fields.skill, fields.input or run.entry.input
  end
  run = turn.runs[#turn.runs]
  run.replied = true
  return run
end

--- The model calls a skill: the rest of the turn, until the next one, is a run of `fields.skill`.
function turn_methods:skill(fields, at)
  start_skill(self, fields, at).called = true
end

--- A reply is marked with the skill it belongs to: nothing happens if that is the one that runs.
function turn_methods:attribute(fields, at)
  local skill = current(self).entry.skill
  if not (skill and is_same_skill(skill, fields.skill)) then start_skill(self, fields, at) end
end

-- Usage counts for the run in which its message began; of several reports on one message, as it grows, the largest.
local function add_usage(turn, run, message, usage)
  local owners = turn.transcript.runs_by_message
  local id = message or {}
  owners[id] = owners[id] or run
  local messages = owners[id].messages
  local known = messages[id]
  if not known then messages[#messages + 1] = id end
  if not known or (usage.output_tokens or 0) > (known.output_tokens or 0) then messages[id] = usage end
end

--- The model replied. The last words of an attempt are its output_summary, and `status` is the final_status if nothing
-- follows.
-- @param reply { at =, text =, model =, status =, message = an id, usage = }, each of which may be nil
function turn_methods:reply(reply)
  local run = current(self)
  local entry, attempt = run.entry, run.entry.attempts[#run.entry.attempts]
  run.replied, run.last, entry.final_status = true, reply.at or run.last, reply.status
  if reply.model then attempt.model, entry.model_used = reply.model, reply.model end
  if reply.text and reply.text:find "%S" then attempt.output_summary = shorten(reply.text) end
  if reply.usage and next(reply.usage) then add_usage(self, run, reply.message, reply.usage) end
end

--- The model calls a tool.
-- @param tool { edit = path } or { shell = line }, or {} for any other
function turn_methods:call(id, tool)
  local run = current(self)
  run.acted = true
  if id then self.transcript.calls[id] = { run = run, edit = tool.edit, shell = tool.shell } end
end

local function edited(run, path)
  local attempts = run.entry.attempts
  if run.tested then attempts[#attempts + 1] = { attempt = #attempts + 1, model = run.entry.model_used } end
  run.edited, run.tested, run.entry.file_path = true, false, path
end

local function tested(run, verified, output)
  local attempt = run.entry.attempts[#run.entry.attempts]
  run.tested = true
  if attempt.verified == nil or attempt.verified and verified ~= nil then
    attempt.verified, attempt.runner_output = verified, output
  end
end

--- A tool returned its result.
-- @param result { at =, failed = true when it did not do its work, output =, passed = of a shell line: true when its
--   exit status was 0, false when it was another, nil when the transcript does not say }
function methods:result(id, result)
  local call = self.calls[id]
  if not call then return end
  self.calls[id] = nil
  local run = call.run
  run.last = result.at or run.last
  if call.edit and not result.failed then edited(run, call.edit) end
  if not (call.shell and run.edited) then return end

  local has_tests, zero_means_passed, other_means_failed = transcript.test_run(call.shell)
  if not has_tests then return end
  local verified
  if result.passed == true and zero_means_passed then verified = true end
  if result.passed == false and other_means_failed then verified = false end
  tested(run, verified, result.output)
end

--- The user stopped the model.
function turn_methods:interrupt(at)
  local run = self.runs[#self.runs]
  if run and not self.commanded then
    run.last, run.entry.final_status = at or run.last, "interrupted"
  end
  self:close()
end

local function add_up_usage(entry, messages)
  for _, id in ipairs(messages) do
    entry.usage = entry.usage or {}
    for name, count in pairs(messages[id]) do entry.usage[name] = (entry.usage[name] or 0) + count end
  end
end

--- The turn is over: emit its runs. Without a reply there is no run.
function turn_methods:close(open)
  local runs = self.runs
  self.runs, self.prompted, self.commanded = {}, nil, nil
  for _, run in ipairs(runs) do
    add_up_usage(run.entry, run.messages)
    if run.first and run.last then run.entry.duration_ms = (run.last - run.first) // 1000000 end
    if run.replied then self.transcript.emit(run.entry, { open = open or false }) end
  end
end

return transcript
