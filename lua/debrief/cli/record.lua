local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"

local record = {
  epilog = [[
Runs the command and appends one entry: how it ended, how long it took, and the
end of what it printed, for each attempt:
  debrief record s1 --skill fix --check 'make test' -- ./agent.sh "fix the build"
Its input and output pass through unchanged, and its exit status is returned,
or that of the check where it is 0. --check runs after a command that ended
with 0, and decides `verified`; without it nothing is claimed. With --attempts
it is tried again while it or its check fails: DEBRIEF_ATTEMPT is the number of
the attempt, DEBRIEF_LAST_OUTPUT a file with the output of the one before.
On a terminal the command leads a session on a terminal of its own, so that
Ctrl-C, Ctrl-Z and its size work; the system hangs that up when the command
ends. What is to go on after it needs its own session: setsid server &
A run whose recorder dies is stored by the next record or append of that log, or
by --recover, with final_status "aborted".]],
}

local function duration(text)
  local ms = require "debrief.text.time".duration(text)
  if ms and ms > 0 then return ms end
  return nil, ("--timeout takes a length of time like 90s, 10m or 1h30m, not '%s'"):format(text)
end

function record.options(command)
  command:argument "SESSION":target "id":args "?":argname "SESSION":description "The session's id."
  command:argument "COMMAND":target "words":args "*":argname { "-- COMMAND", "ARG" }
    :description "The command, after --."
  command:option "--skill":description "The skill that runs."
  command:option "--phase":description "The phase that it is part of."
  command:option "--model":description "The model that runs."
  command:option "--input":argname "JSON":description "What the run is given, as JSON; @FILE reads it from a file."
  command:option "--attempts":argname "N":convert(arguments.count_from_one "--attempts")
    :description "Try again while an attempt fails, at most so often in all (default: 1)."
  command:option "--timeout":argname "TIME":target "timeout_ms":convert(duration)
    :description "End an attempt, or its check, that takes longer: 90s, 10m (default: no limit)."
  command:option "--check":argname "CMD":description "A line for sh that decides whether an attempt is verified."
  command:option "--check-kind":argname "KIND":target "check_kind":choices { "test", "build", "lint", "typecheck" }
    :description "What the check is: only a test verifies (default: by its command, else test)."
  command:option "--spool":argname "DIR"
    :description "Keep the entry in this folder, and bring it to the stream from there, now or by `forward`."
  command:option "--enrich":argname "PLUGIN":count "*":description "Run this plugin's enrich; what it adds is stored."
  command:option "--opt":argname "KEY=VALUE":count "*":description "An option of a plugin: plugin.key=value."
  command:flag "--recover":description "Store the runs whose recorder has died, and run nothing."
  arguments.run_options(command)
  arguments.isolate_option(command)
end

--- Where the command begins among the words of the program: after the first --. Nil: it is another command.
function record.place(words)
  local at = require "debrief.cli.script".place(words, "record")
  if not at then return nil end
  for i = 1, #words do
    if words[i] == "--" then return i, i - 1 end
  end
end

-- What --input says, as checked JSON; ends the program where it is not.
local function input_of(text)
  if not text then return nil end
  local shown, json = "--input", text
  if text:sub(1, 1) == "@" then
    local message
    shown = text:sub(2)
    json, message = core.slurp(shown)
    if not json then messages.fail("--input: " .. message, 2) end
  end
  local value, message = core.json(json)
  if not value then
    messages.fail(("%s is not JSON: %s; a text is '\"…\"'"):format(shown, message), 2)
  end
  return value
end

-- A function that enriches the JSON text of an entry, and the problems that plugins had; nil without plugins.
local function enricher(args)
  if #args.enrich + #args.opt + #args.allow == 0 then return nil, {} end
  local problems, last = {}, {}
  local job = arguments.job { query = arguments.query { enrich = args.enrich, opt = args.opt, allow = args.allow },
    isolate = args.isolate }
  if #args.enrich == 0 then return nil, problems end
  local worker = arguments.worker(job)
  return function(text)
    if text == last.text then return last.enriched end
    local answer = arguments.ask(worker, "enrich", { text = text, session = args.id, line = 1 })
    for _, p in ipairs(answer.problems or {}) do problems[#problems + 1] = p end
    if answer.refused then return nil, answer.refused end
    last = { text = text, enriched = answer.text }
    return answer.text
  end, problems
end

-- Store what recorders left that died; says so.
local function recover(args)
  local stored, problems = require "debrief.record.state".recover(args.dir)
  for _, message in ipairs(problems) do messages.error(message) end
  if stored > 0 then
    messages.note(("stored %s that its recorder had not stored"):format(values.count(stored, "run")))
  elseif args.recover and #problems == 0 then
    messages.note "no run was left unfinished"
  end
  return #problems == 0
end

local function fields_of(args, words)
  return { skill = args.skill, phase = args.phase, model = args.model, input = input_of(args.input),
    project_root = core.absolute ".", command = require "debrief.record.command".line(words) }
end

function record.run(args)
  if args.spool then require "debrief.cli.spool".begin(args) end
  local words = args.place and table.move(args.typed, args.place + 1, #args.typed, 1, {}) or args.words
  if args.recover then return recover(args) and 0 or 1 end
  if not args.id then messages.fail("record: which session? debrief record SESSION -- COMMAND", 2) end
  if not words[1] then messages.fail("record: which command? debrief record SESSION -- COMMAND", 2) end
  local log, message = core.log(args.dir)
  if not log then messages.fail(message) end
  recover(args)
  local fields = fields_of(args, words)
  local enrich, plugin_problems = enricher(args)
  local run
  run, message = require "debrief.record.run".begin(log, args.id, fields, enrich)
  if not run then messages.fail(message .. "; nothing was run", 2) end
  if run.state.problem then
    messages.note("if this recorder dies, the run is lost: " .. run.state.problem)
  end
  local final, status, problems = require "debrief.record.command".run(run, words, args)
  for _, problem in ipairs(problems) do messages.error(problem) end
  local line
  line, message = run:finish(final)
  if line and args.spool then require "debrief.cli.spool".finish(args, log) end
  log:close()
  if not line then
    messages.error(message .. (run.state.problem and "; the run is lost"
      or "; the run is kept: debrief record --recover stores it once that is fixed"))
    return status ~= 0 and status or 1
  end
  messages.problems(plugin_problems)
  return status
end

return record
