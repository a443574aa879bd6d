--- The --follow of `debrief read`.
-- @module debrief.cli.follow
local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local show = require "debrief.cli.format"
local messages = require "debrief.cli.messages"

local follow = {}

function follow.options(command)
  command:flag "-f --follow":description "Print new entries as they arrive, in new sessions too, until interrupted."
  command:option "--from":argname "WHERE":choices { "start", "end" }
    :description "With --follow: print everything from the start, or only what is new (default: end)."
end

-- The ids that are named, nil for all. One that is not there is waited for.
local function ids_of(args)
  local there, ids = {}, {}
  local log, message = core.log(args.dir)
  if not log then messages.fail(message) end
  for _, id in ipairs(log:sessions() or {}) do there[id] = true end
  log:close()
  for i, id in ipairs(args.session) do
    if arguments.is_path(id) then
      messages.fail(("--follow takes session ids, and %s is a path (-d DIR names the folder)"):format(id), 2)
    end
    if not core.session_id_valid(id) then messages.fail(("'%s' is not a session id"):format(id)) end
    if not there[id] then messages.note(("waiting for session '%s', which is not in %s yet"):format(id, args.dir)) end
    ids[i] = id
  end
  if not core.stat(args.dir) then messages.note(("waiting for the folder %s"):format(args.dir)) end
  return #ids > 0 and ids or nil
end

--- Print entries until nobody reads them any more.
function follow.run(args)
  local job = arguments.job { dir = args.dir, strict = args.strict, enrich = args.enrich, filter = args.filter,
    opt = args.opt, allow = args.allow, where = args.where }
  local worker = arguments.worker(job)
  local given, status = show.manner(args), 0
  given.sessions, given.from_start = ids_of(args), args.from == "start"
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
