--- The --follow of `debrief read`.
-- @module debrief.cli.follow
local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local show = require "debrief.cli.format"
local messages = require "debrief.cli.messages"
local sessions = require "debrief.query.sessions"

local follow = {}

function follow.options(command)
  command:flag "-f --follow"
    :description "Print new entries as they arrive, in new sessions too; with --last N, the N latest first."
  command:option "--from":argname "WHERE":choices { "start", "end" }
    :description "With --follow: print everything from the start, or only what is new (default: end)."
end

-- The ids that are named, nil for all. One that is not there is waited for.
local function ids_of(args, q)
  local log = arguments.log(args)
  local ids, missing, failure = sessions.to_follow(log, q)
  local log_dir = log:dir()
  log:close()
  if failure then messages.fail(failure.message, failure.code == "earg" and 2 or 1) end
  for _, id in ipairs(missing) do
    messages.note(("waiting for session '%s', which is not in %s yet"):format(id, log_dir))
  end
  if not args.store and not core.stat(args.dir) then messages.note(("waiting for the folder %s"):format(args.dir)) end
  return ids
end

--- Print entries until nobody reads them any more.
function follow.run(args)
  local q = arguments.query(args)
  local worker = arguments.worker(arguments.job { query = q, dir = args.dir, follow = true })
  local given, status = show.manner(args), 0
  given.sessions, given.from_start, given.last = ids_of(args, q), args.from == "start", q.last
  io.stdout:flush()
  repeat
    local met = arguments.ask(worker, "follow", given)
    local damaged, broken = messages.diagnostics(met.diagnostics, met.dropped), messages.problems(met.problems)
    if damaged or broken then status = 3 end
    if met.failure then
      if met.closed or args.strict then messages.fail(met.failure) end
      messages.error(met.failure)
      status = 1
    end
  until met.closed
  return status
end

return follow
