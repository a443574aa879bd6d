local common = require "debrief.cli.common"
local core = require "debrief.core"
local following = require "debrief.cli.follow"
local tell = require "debrief.cli.tell"

local EPIPE = 32 -- nobody reads any more

local read = { summary = "Print entries: JSON lines, or a listing on a terminal." }

function read.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions to read (default: all, in name order)."
  command:option "--format":argname "FORMAT":choices { "jsonl", "list" }
    :description "jsonl: a line of JSON each; list: a readable line each (default on a terminal)."
  command:flag "--strict":description "Stop at the first line that is not an entry."
  following.options(command)
  common.plugin_options(command)
end

-- Without plugins and formats nothing needs Lua: entries go from the reader to the descriptor.
local function copy(args, sessions)
  local log = core.log(args.dir)
  local diagnostics, dropped, failures, code = core.copy_sessions(log, sessions, 1, core.cores(), args.strict or false)
  log:close()
  if code and code ~= EPIPE then
    failures[#failures + 1] = { message = "cannot write the entries: " .. core.strerror(code) }
  end
  for _, d in ipairs(diagnostics) do d.path = sessions[d.item].path end
  return { diagnostics = diagnostics, dropped = dropped, problems = {}, failures = failures }
end

function read.run(args)
  if args.follow then return following.run(args) end
  if args.from then tell.fail("--from is for --follow", 2) end
  local sessions = common.sessions(args)
  local columns, color = common.terminal()
  local format = args.format or (columns and "list" or "jsonl")
  io.stdout:flush()
  if format == "jsonl" and not columns and #args.enrich + #args.filter + #args.opt + #args.allow == 0 then
    return common.status(copy(args, sessions))
  end
  local job = common.job { dir = args.dir, strict = args.strict, enrich = args.enrich, filter = args.filter,
    opt = args.opt, allow = args.allow }
  local worker = common.worker(job)
  local result = common.ask(worker, "read", { sessions = sessions, fd = 1, format = format, width = columns or 200,
    color = color, safe = columns ~= nil, place = format == "list" and read.place(sessions) or 0 })
  local status = common.status(result)
  if format == "list" and columns then
    tell.note(("%s of %s"):format(common.count(result.kept, "entry", "entries"),
      common.count(#sessions, "session", "sessions")))
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
