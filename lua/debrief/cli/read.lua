local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local following = require "debrief.cli.follow"
local selection = require "debrief.query.selection"
local show = require "debrief.cli.format"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"
local write = require "debrief.text.write"

local read = { paged = true }

-- Converts the value of an option that counts from 1.
local function count(option)
  return function(text)
    local n = math.tointeger(tonumber(text))
    if not n or n < 1 then return nil, ("%s takes a number from 1 on, not '%s'"):format(option, text) end
    return n
  end
end

function read.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions to read (default: all, in name order)."
  arguments.selection_options(command)
  command:option "--last":argname "N":convert(count "--last")
    :description "Only the N latest entries, by time."
  command:option "--line":argname "N":convert(count "--line")
    :description "Only line N of the given session."
  show.options(command)
  command:flag "--strict":description "Stop at the first line that is not an entry."
  following.options(command)
  arguments.plugin_options(command)
end

-- Without plugins and formats nothing needs Lua: entries go from the reader to the descriptor.
local function copy(args, sessions)
  local log = core.log(args.dir)
  local diagnostics, dropped, failures, code = core.copy_sessions(log, sessions, 1, core.cores(), args.strict or false)
  log:close()
  local _, failure = write.outcome(not code, code and core.strerror(code), code)
  if failure then failures[#failures + 1] = { message = failure } end
  for _, d in ipairs(diagnostics) do d.path = sessions[d.item].path end
  return { diagnostics = diagnostics, dropped = dropped, problems = {}, failures = failures }
end

-- Can entries go from the reader to the descriptor as they are?
local function is_plain(args, manner)
  return manner.format == "jsonl" and not (manner.safe or manner.fields or args.last or args.line or args.where
    or args.since or args["until"]) and #args.enrich + #args.filter + #args.opt + #args.allow == 0
end

local function check(args)
  if args.line and (#args.session ~= 1 or args.last) then
    messages.fail(args.last and "--line names one line, --last many: give one of them"
      or "--line goes with one session: debrief read SESSION --line N", 2)
  end
  if args.from and not args.follow then messages.fail("--from is for --follow", 2) end
  for _, name in ipairs { "last", "line", "since", "until" } do
    if args.follow and args[name] then messages.fail(("--%s does not go with --follow"):format(name), 2) end
  end
  if args.follow and args.format == "json" then
    messages.fail("--format json is one array, which --follow never ends: use jsonl", 2)
  end
end

-- Of a read of one line only what was met there is told.
local function only_line(args, result)
  local there = {}
  for _, d in ipairs(result.diagnostics) do if d.line == args.line then there[#there + 1] = d end end
  result.diagnostics, result.dropped = there, 0
  if result.entries == 0 and #there == 0 and #result.failures == 0 then
    messages.fail(("%s has no entry on line %d"):format(args.session[1], args.line))
  end
end

function read.run(args)
  check(args)
  if args.follow then return following.run(args) end
  local manner = show.manner(args)
  io.stdout:flush()
  if is_plain(args, manner) then return arguments.status(copy(args, arguments.sessions(args))) end
  local job = arguments.job { dir = args.dir, strict = args.strict, enrich = args.enrich, filter = args.filter,
    opt = args.opt, allow = args.allow, where = args.where, since = args.since, ["until"] = args["until"],
    line = args.line }
  local worker, sessions = arguments.worker(job), arguments.sessions(args)
  selection.mark_old(job.selection, sessions)
  manner.sessions, manner.last, manner.place = sessions, args.last, read.place(sessions)
  local result = arguments.ask(worker, "read", manner)
  if args.line then only_line(args, result) end
  local status = arguments.status(result)
  if manner.format == "list" and manner.safe then
    messages.note(("%s of %s"):format(values.count(result.shown, "entry", "entries"),
      values.count(#sessions, "session")))
  end
  return status
end

-- Columns for session:line.
function read.place(sessions)
  local longest = 0
  for _, item in ipairs(sessions) do longest = math.max(longest, #item.session) end
  return math.min(longest + 5, 42)
end

return read
