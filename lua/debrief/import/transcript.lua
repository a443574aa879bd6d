--- From transcripts of agents to entries: an importer reports what happened, this file decides what a run is.
--
--   prompt   skill           prompt          a turn goes from prompt to prompt
--   |- run --|---- run ------|- run ---      a skill that starts in it begins another run: one run, one entry
--            edit edit test test edit test   tools
--            |--- attempt 1 ---|-- 2 ---|    edits and the checks after them, until the next edit
--
-- A run without edits is one attempt. An edit begins another attempt once tests ran or another check failed. `verified`
-- follows from tests (debrief.import.verdict), by their exit status or, where a shell line hides it, by the summary
-- that
-- the runner printed. The times of a run are those of its records: a gap in which a person was asked, or one longer
-- than
-- any command may run, is not active time.
--
-- Every decision depends on what came before, never on where the transcript ends: a longer copy of a growing transcript
-- makes the same entries again, the last of them perhaps longer. Only the last turn of each agent is open, until
-- something ends it.
--
-- One piece, though long: a call, its result and a prompt each change turns, runs and attempts.
--
-- Plugins hold transcripts and turns, which are plain tables: the tables of methods are not reached through them.
-- @module debrief.import.transcript
local checks = require "debrief.import.checks"
local content = require "debrief.import.content"
local core = require "debrief.core"
local once = require "debrief.import.once"
local shell = require "debrief.import.shell"
local stamps = require "debrief.import.stamps"
local summaries = require "debrief.import.summaries"
local values = require "debrief.import.values"
local verdict = require "debrief.import.verdict"

local transcript = {}

local methods = {} -- of transcripts
local turn_methods = {}
local TRANSCRIPT = { __index = methods, __name = "transcript", __metatable = false }
local TURN = { __index = turn_methods, __name = "turn", __metatable = false }

local SUMMARY_BYTES = 2000 -- of an attempt's output_summary: room for a closing message
local COMMAND_BYTES = 200 -- of a check's command
local BACK_NS = 60000000000 -- a minute: records of one moment are not always written in order
local MOST_CHECKS = 200 -- different checks of one attempt
local MOST_NS = 600000000000 -- 10 minutes: the longest that agents let a command run; a longer gap is a pause

transcript.time = stamps.read
transcript.outline = values.outline
for name, guard in pairs(content) do transcript[name] = guard end

-- ---- Checks ---------------------------------------------------------------------------------------------------------

-- Statuses that say that a command was not found, cannot be run, ran out of time or was stopped by a signal.
local function tells_nothing(status, runner)
  if status == 124 or status == 126 or status == 127 or status > 128 then return true end
  return runner == "pytest" and (status == 4 or status == 5) -- wrong usage, and nothing collected
end

-- "cd: no/such: No such file or directory": what was to run in that folder did not run.
local function could_not_enter(output)
  local at = output:find("cd: ", 1, true)
  if not at then return false end
  local line = output:sub(at, at + 400):match "^[^\n]*":lower()
  return line:find("no such file", 1, true) or line:find("not a directory", 1, true) or line:find("can't cd", 1, true)
    or line:find("permission denied", 1, true)
end

-- May a filter after the command have removed lines other than those at the beginning?
local function is_filtered(commands, i)
  while commands[i].operator:find "^|&?$" and commands[i + 1] do
    i = i + 1
    local name = shell.name(commands[i])
    if name ~= "tail" and name ~= "tee" and name ~= "cat" then return true end
  end
  return false
end

local function words_of(command)
  local text = table.concat(command.words, " ", 1, math.min(#command.words, COMMAND_BYTES)):gsub("%s+", " ")
  return #text > COMMAND_BYTES and text:sub(1, COMMAND_BYTES):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "…" or text
end

-- What one command of a line showed: a result for debrief.import.verdict, nil when it did not run.
local function result_of(commands, i, check, output)
  local command = commands[i]
  local status = command.status
  local result = { command = words_of(command), output = output }
  if status and status ~= 0 and (tells_nothing(status, check.runner) or could_not_enter(output)) then return nil end
  if status then
    result.passed, result.exit_status, result.source = status == 0, status, "exit"
  elseif check.kind == "test" and not command.file then
    result.passed = summaries.verdict(output, check.family, is_filtered(commands, i))
    result.source = result.passed ~= nil and "output" or nil
  end
  return result
end

local function shorten(text)
  if #text <= SUMMARY_BYTES then return text end
  return (text:sub(1, SUMMARY_BYTES):gsub("[\xC0-\xFF][\x80-\xBF]*$", "")) .. "…"
end

-- ---- Transcripts and turns ------------------------------------------------------------------------------------------

--- A transcript, to be filled from its beginning. Times (`at`) are integer ns or nil.
-- @param emit function(entry, { open = true or false }), called with each run, in the order in which their turns end
-- @param report function(text), called with what an entry cannot say, such as a negative time; or nil
-- @param saved what `rest` made of the beginning of the transcript, of which only what follows is read; or nil
function transcript.new(emit, report, saved)
  local self = setmetatable({ emit = emit, report = report or function() end, turns = {}, agents = {}, calls = {},
    runs_by_message = {}, said = once.new(saved and saved.known) }, TRANSCRIPT)
  for _, agent in ipairs(saved and saved.agents or {}) do self:agent(agent.name).returned_at = agent.returned_at end
  for _, call in ipairs(saved and saved.calls or {}) do
    self.calls[call.id] = { over = true, shell = call.shell, record = { name = call.name } }
  end
  return self
end

--- Was this said before? False once for each key: a record that is there again is a copy.
function methods:is_copy(key) return once.is_copy(self.said, key) end

--- How much was said so far, for `rest`.
function methods:mark() return self.said.n end

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

local MOST_AGENTS, MOST_CALLS = 64, 100 -- with more of them, a transcript is never at rest

-- The calls that still wait for a result; nil: too many, or one of a skill, which will begin a run.
local function waiting(calls)
  local list = {}
  for id, call in next, calls do
    if call.skill or #list >= MOST_CALLS then return nil end
    list[#list + 1] = { id = id, name = call.record and call.record.name, shell = call.shell and true or nil }
  end
  return list
end

local function has_turn(turn) return (turn.runs[1] or turn.prompted or turn.commanded) ~= nil end

--- A prompt of a person to the main agent has begun a turn: if nothing else is under way, a later import can begin at
-- the record of the prompt, with what this one knows.
-- @param mark of before the record
-- @return function() -> plain data for transcript.new; nil: something is under way
function methods:rest(mark)
  local calls, names = waiting(self.calls), {}
  if not calls or #self.agents > MOST_AGENTS then return nil end
  for i, name in ipairs(self.agents) do
    if name ~= "" and has_turn(self.turns[name]) then return nil end
    names[i] = name
  end
  return function()
    local agents = {}
    for i, name in ipairs(names) do agents[i] = { name = name, returned_at = self.turns[name].returned_at } end
    return { known = once.hashes(self.said, mark), calls = calls, agents = agents }
  end
end

--- The end of the transcript: what is left in each agent's turn is open, unless something has ended it.
function methods:finish()
  for _, name in ipairs(self.agents) do
    local turn = self.turns[name]
    local run = turn.runs[#turn.runs]
    local has_returned = run and run.last and turn.returned_at and run.last <= turn.returned_at
    turn:close(not (has_returned or turn.ended))
  end
end

-- ---- Time -----------------------------------------------------------------------------------------------------------

-- Something happened in the run. The time since what happened before is active, unless a person was waited for.
local function touch(run, at, waited)
  if not at then return end
  run.first = run.first or at
  if run.seen then
    local gap = at - run.seen
    if gap < -BACK_NS then run.backwards = true end
    if gap > 0 and gap <= MOST_NS and not waited then
      run.active = run.active + gap
      run.attempt_active = run.attempt_active + gap
    end
  end
  run.seen, run.last = at, math.max(run.last or at, at)
end

local function end_attempt(run)
  local attempts = run.entry.attempts
  if run.attempt_active > 0 then attempts[#attempts].duration_ms = run.attempt_active // 1000000 end
  run.attempt_active = 0
end

--- The agent says that the turn has ended, and, if `ms` is given, how long it was active. More may follow: another
-- machine's message goes on with it, a person's begins the next.
function turn_methods:took(ms)
  self.ended = true
  local run = self.runs[#self.runs]
  if not run then return end
  run.seen = nil
  if #self.runs == 1 and ms then run.own_ms = (run.own_ms or 0) + ms else run.own_ms = nil end
end

--- Is the turn one run so far, so that what is counted for the turn is counted for the run?
function turn_methods:is_one_run() return #self.runs <= 1 end

--- More about where the last run comes from.
-- @param fields for its `source`
function turn_methods:note(fields)
  local run = self.runs[#self.runs]
  if not run then return end
  for name, value in pairs(fields) do run.entry.source[name] = value end
end

--- A person was waited for until `at`, as at a prompt for permission: that time is not active.
function turn_methods:waited(at)
  local run = self.runs[#self.runs]
  if run then touch(run, at, true) end
end

-- ---- Runs -----------------------------------------------------------------------------------------------------------

--- A prompt of a person ends the turn. `fields` begin the entry of the next run, which exists only if the agent
-- replies: session_id, skill, input, project_root, trigger, source. Its timestamp is set when it ends.
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

-- `skill` is the bare name, `source.plugin` where it comes from.
local function name_skill(run, full)
  local entry = run.entry
  local plugin, name = full:match "^(.*):([^:]+)$"
  run.full_skill, entry.skill = full, name or full
  if plugin and type(entry.source) == "table" then entry.source.plugin = plugin end
end

local function begin(turn, fields, at)
  fields.attempts = { { attempt = 1 } }
  local run = { entry = fields, messages = {}, results = {}, tools = {}, first = at, last = at, seen = at, active = 0,
    attempt_active = 0 }
  if fields.skill then name_skill(run, fields.skill) end
  turn.runs[#turn.runs + 1] = run
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

-- "plugin:name" is also called "name".
local function is_same_skill(a, b) return a == b or a:match ":(.*)" == b or b:match ":(.*)" == a end

local function skill_of(run) return run and (run.full_skill or run.entry.skill) end

local function start_skill(turn, fields, at, fresh)
  local run = current(turn)
  local skill = skill_of(run)
  if not run or run.called or not fresh or skill and not is_same_skill(skill, fields.skill) then
    if skill and fields.trigger == "model" then fields.trigger = "nested" end
    begin(turn, fields, at)
    run = turn.runs[#turn.runs]
  elseif not skill then -- what was only said before the skill belongs to it
    run.entry.input, run.entry.trigger = fields.input or run.entry.input, fields.trigger
    name_skill(run, fields.skill)
  end
  run.replied = true
  return run
end

local function has_acted(turn)
  local run = current(turn)
  return run ~= nil and run.acted or false
end

--- A skill starts: the rest of the turn, until the next one, is a run of `fields.skill`.
function turn_methods:skill(fields, at)
  start_skill(self, fields, at, not has_acted(self)).called = true
end

--- A reply is marked with the skill it belongs to: nothing happens if that is the one that runs.
function turn_methods:attribute(fields, at)
  local skill = skill_of(current(self))
  if not (skill and is_same_skill(skill, fields.skill)) then start_skill(self, fields, at, not has_acted(self)) end
end

-- ---- Replies --------------------------------------------------------------------------------------------------------

-- Usage counts for the run in which its message began; of several reports on one message, the largest of each count.
local function add_usage(turn, run, reply)
  local owners = turn.transcript.runs_by_message
  local id = reply.message or {}
  if not owners[id] then
    if type(id) == "string" and turn.transcript:is_copy("\0usage " .. id) then return end -- of a run that is over
    owners[id] = run
  end
  local messages = owners[id].messages
  local known = messages[id]
  if not known then
    known = { model = reply.model, usage = {} }
    messages[id], messages[#messages + 1] = known, id
  end
  for name, count in pairs(reply.usage) do
    known.usage[name] = math.max(known.usage[name] or 0, count)
  end
end

--- The model replied. The last words of an attempt are its output_summary (if another attempt follows: those before a
-- check that failed, or the first ones after one that passed), and `status` is the final_status if nothing follows.
-- @param reply { at =, text =, model =, status =, message = an id, usage = integers by name, cost = US dollars of this
--   reply }, each of which may be nil
function turn_methods:reply(reply)
  local run = current(self)
  local entry, attempt = run.entry, run.entry.attempts[#run.entry.attempts]
  self.ended = false
  touch(run, reply.at)
  run.replied, entry.final_status = true, reply.status
  if reply.model then attempt.model, entry.model_used = reply.model, reply.model end
  if reply.cost then entry.cost_usd = (entry.cost_usd or 0) + reply.cost end
  if reply.text and reply.text:find "%S" then
    attempt.output_summary = shorten(reply.text)
    if run.reports then run.said, run.reports = attempt.output_summary, false end
  end
  if reply.usage and next(reply.usage) then add_usage(self, run, reply) end
end

--- Tokens that a message of the turn used, where the transcript reports them apart from it; nothing else happens.
-- @param reply { message = an id, model =, usage =, cost = }
function turn_methods:tokens(reply)
  local run = self.runs[#self.runs] or self:is_running() and current(self)
  if run and next(reply.usage) then add_usage(self, run, reply) end
  if run and reply.cost then run.entry.cost_usd = (run.entry.cost_usd or 0) + reply.cost end
end

-- ---- Tools ----------------------------------------------------------------------------------------------------------

--- The model calls a tool.
-- @param tool { name =, target = what it works on, edit = path, shell = line, skill = the fields of a run that begins
--   if the call is not refused, asks = true for a tool that asks a person, at = }, each of which may be nil
function turn_methods:call(id, tool)
  local run = current(self)
  local record
  local commands = tool.shell and shell.commands(tool.shell)
  if tool.name then
    local target = tool.target or tool.edit or commands and shell.title(commands)
    record = { name = tool.name, target = type(target) == "string" and shorten(target) or nil }
    run.tools[#run.tools + 1] = record
  end
  if id then
    self.transcript.calls[id] = { run = run, turn = self, edit = tool.edit, shell = tool.shell, commands = commands,
      record = record, skill = tool.skill, fresh = not run.acted, asks = tool.asks, at = tool.at }
  end
  if not tool.skill then run.acted = true end
end

-- The next attempt begins. The words of the last one end with its checks: run.said, or false for none. What was said
-- later is of the new one.
local function begin_attempt(run)
  local attempts = run.entry.attempts
  local last, new = attempts[#attempts], { attempt = #attempts + 1, model = run.entry.model_used }
  end_attempt(run)
  if run.said ~= nil then
    if last.output_summary ~= (run.said or nil) then new.output_summary = last.output_summary end
    last.output_summary = run.said or nil
  end
  attempts[#attempts + 1] = new
end

local function edited(run, path)
  if run.tested then begin_attempt(run) end
  run.edited, run.tested, run.results, run.said, run.reports = true, false, {}, nil, false
  if type(path) == "string" then run.entry.file_path = path end
end

local function checked(run, check, result)
  local attempt = run.entry.attempts[#run.entry.attempts]
  if check.kind == "test" or result.passed == false then run.tested = true end
  if result.passed ~= nil then
    run.said, run.reports = attempt.output_summary or false, result.passed -- the next words say that it passed
  end
  verdict.add(run.results, check, result)
  attempt.verified, attempt.runner_output = verdict.conclude(run.results)
  attempt.checks = verdict.list(run.results)
end

-- The edits and checks of a shell line, in their order.
local function ran(run, commands, status, output)
  shell.statuses(commands, status)
  for i, command in ipairs(commands) do
    local path, check = checks.edits(command), checks.identify(command.words)
    local failed = command.status and command.status ~= 0
    if (path or check and check.edit) and not (failed and (path or tells_nothing(command.status))) then
      edited(run, path)
    elseif check and check.kind and run.edited and #run.results < MOST_CHECKS then
      local result = result_of(commands, i, check, output)
      if result then checked(run, check, result) end
    end
  end
end

--- Which call waits for a result of this id?
-- @return the name of its tool, and its shell line; nil where it has none
function methods:called(id)
  local call = id ~= nil and self.calls[id]
  if call then return call.record and call.record.name, call.shell end
end

--- A tool returned its result.
-- @param result { at =, failed = true when it did not do its work, refused = true when it was not run, output =,
--   exit_status = of a shell line, nil when the transcript does not say; passed = the same as true (0) or false;
--   duration_ms = where the transcript says it }
function methods:result(id, result)
  local call = id ~= nil and self.calls[id]
  if not call then return end
  self.calls[id] = nil
  if call.over then return end -- its run was stored
  local run, record = call.run, call.record
  touch(run, result.at, result.refused or call.asks)
  if record then
    record.error = (result.failed or result.refused) and true or nil
    if call.at and result.at and result.at >= call.at and not (result.refused or call.asks) then
      record.duration_ms = (result.at - call.at) // 1000000
    end
    record.duration_ms = result.duration_ms or record.duration_ms
  end
  if result.refused then return end
  if call.skill then
    if not result.failed then start_skill(call.turn, call.skill, call.at, call.fresh).called = true end
    return
  end
  if call.edit and not result.failed then edited(run, call.edit) end
  if not call.shell then return end
  local status = result.exit_status
  if status == nil and result.passed ~= nil then status = result.passed and 0 or 1 end
  ran(run, call.commands, status, result.output or "")
end

-- ---- The end --------------------------------------------------------------------------------------------------------

--- The user stopped the model.
function turn_methods:interrupt(at)
  local run = self.runs[#self.runs]
  if run and not self.commanded then
    touch(run, at)
    run.entry.final_status = "interrupted"
  end
  self:close()
end

local function add_to(usage, counts)
  for name, count in pairs(counts) do usage[name] = (usage[name] or 0) + count end
end

-- All of a run's usage; and by model, if more than one was used.
local function add_up_usage(entry, messages)
  local by_model, models = {}, 0
  for _, id in ipairs(messages) do
    local message = messages[id]
    entry.usage = entry.usage or {}
    add_to(entry.usage, message.usage)
    if message.model then
      if not by_model[message.model] then by_model[message.model], models = {}, models + 1 end
      add_to(by_model[message.model], message.usage)
    end
  end
  if models > 1 then entry.usage_by_model = by_model end
end

local function add_up_time(run, report)
  local entry = run.entry
  end_attempt(run)
  if run.last then entry.timestamp = core.timestamp(run.last) end
  if run.first and run.last then
    if run.backwards then report "times go back by more than a minute: such steps are not in the run's duration" end
    entry.duration_ms = run.own_ms or run.active // 1000000
    entry.wall_ms = math.max((run.last - run.first) // 1000000, entry.duration_ms)
  else
    entry.duration_ms = run.own_ms
  end
end

--- The turn is over: emit its runs. Without a reply there is no run.
function turn_methods:close(open)
  local runs = self.runs
  self.runs, self.prompted, self.commanded, self.ended = {}, nil, nil, false
  for _, run in ipairs(runs) do
    add_up_usage(run.entry, run.messages)
    add_up_time(run, self.transcript.report)
    if run.tools[1] then run.entry.tools = run.tools end
    if run.replied then self.transcript.emit(run.entry, { open = open or false }) end
  end
end

return transcript
