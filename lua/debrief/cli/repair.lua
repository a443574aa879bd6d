local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local output = require "debrief.cli.output"
local sessions = require "debrief.query.sessions"
local escape = require "debrief.text.escape"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"

local repair = {
  epilog = [[
The session is replaced by a file with every readable entry, one per line. The
file as it was stays in the same folder, as SESSION.jsonl.broken-TIME. What is
left out is listed as FILE:LINE:BYTE KIND, places in that copy (the first 10,000
are). A session without damage is not touched. Other processes can go on
appending. Needs free space for one more file of the same size.]],
}

function repair.options(command)
  command:argument "SESSION":target "session":argname "SESSION":description "The session to repair: an id."
end

local function say(text) output.write(escape(text), "\n") end

local function tell_repair(path, result)
  local salvaged = result.salvaged > 0 and (", %d of them from damaged lines"):format(result.salvaged) or ""
  say(("%s: %s kept%s"):format(path, values.count(result.entries, "entry", "entries"), salvaged))
  for _, item in ipairs(result.left_out) do
    say(("%s:%d:%d %s: %s left out"):format(result.copy, item.line, item.offset, item.kind,
      values.count(item.length, "byte")))
  end
  local more = result.left_out_more
  if more then say(("%s: %s more left out"):format(result.copy, values.count(more, "piece"))) end
  say(("%s: the session as it was"):format(result.copy))
end

function repair.run(args)
  if sessions.is_path(args.session) then
    messages.fail(("repair wants a session id, not a path: debrief -d FOLDER repair ID (got '%s')"):format(
      args.session), 2)
  end
  if args.store then
    messages.fail(("repair: %s is a stream, and what is in a stream is never changed"):format(args.store:dir()))
  end
  local item = arguments.sessions(args, arguments.query { session = { args.session } })[1]
  if item.lines then
    messages.fail(("repair replaces a whole session: debrief repair %s (got '%s')"):format(item.session,
      args.session), 2)
  end
  local log = core.log(args.dir)
  local result, message, done = core.repair(log, item.session)
  log:close()
  if not result and not done then messages.fail(message) end
  if done or result.repaired then
    tell_repair(item.path, done or result)
  else
    say(("%s: no damage, nothing was changed (%s)"):format(item.path,
      values.count(result.entries, "entry", "entries")))
  end
  if done then messages.fail(message) end
  return 0
end

return repair
