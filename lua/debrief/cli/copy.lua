local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local output = require "debrief.cli.output"
local progress = require "debrief.cli.progress"
local values = require "debrief.text.values"

local copy = {
  no_folder = true,
  logs_in = true,
  epilog = [[
FROM and TO are folders or addresses (nats://HOST/NAME). Every session is
copied byte for byte, as many whole lines in a message as fit. Interrupted at
any moment, the same command goes on where it stopped. TO may hold the
beginning of a session; one that differs there is reported and left alone.
The stream is made by `debrief init`.]],
}

function copy.options(command)
  command:argument "FROM":target "from":argname "FROM":description "The log to copy."
  command:argument "TO":target "to":argname "TO":description "Where to."
end

--- Say what a copy left: for `forward`, too.
-- @return the exit status
function copy.report(result)
  for _, one in ipairs(result.too_big) do
    messages.error(("%s:%d: a line of %s, more than a message of the stream may have (max_payload): left out"):format(
      one.session, one.line, values.count(one.size, "byte")))
  end
  for _, id in ipairs(result.rest) do
    messages.note(("%s: its last line has no end: somebody is writing it, or was killed; it stays"):format(id))
  end
  for _, message in ipairs(result.failures) do messages.error(message) end
  if #result.failures > 0 then return 1 end
  return #result.too_big + #result.rest > 0 and 3 or 0
end

local function open(dir, login)
  local log, message, code = core.log(dir, core.is_address(dir) and login or nil)
  if not log then messages.fail(message, code == 1 and 2 or 1) end
  return log
end

function copy.run(args)
  if args.from == args.to then messages.fail("copy: FROM and TO are the same", 2) end
  local from, to = open(args.from, args.login), open(args.to, args.login)
  if core.is_address(args.to) then
    local state, message = core.look(to)
    if not state then messages.fail(message) end
  end
  progress.begin "copy"
  local result, message = require "debrief.transfer.copy".run(from, to, { progress = progress.at })
  progress.finish()
  if not result then messages.fail(message) end
  output.write(("copied %s of %s; %s looked at\n"):format(values.count(result.lines, "line"),
    values.count(result.copied, "session"), values.count(result.sessions, "session")))
  return copy.report(result)
end

return copy
