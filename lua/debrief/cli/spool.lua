--- --spool DIR of append and record: entries are kept in a folder, and brought to the stream from there, now or by
-- `debrief forward` once its servers are back. Loaded when the option is used.
-- @module debrief.cli.spool
local core = require "debrief.core"
local messages = require "debrief.cli.messages"

local spool = {}

local PATIENCE = 5000 -- ms for servers that do not answer, unless --timeout says otherwise: entries are safe already

--- The folder takes the place of the log at the address.
-- @param args spool =, dir = the address; gets dir = the folder, address =
function spool.begin(args)
  if not core.is_address(args.dir) then
    messages.fail("--spool keeps entries for a stream: name it with -d nats://HOST/NAME", 2)
  end
  if core.is_address(args.spool) then messages.fail("--spool takes a folder", 2) end
  args.address, args.dir = args.dir, args.spool
end

local function forward(args, log)
  local login = {}
  for key, value in pairs(args.login or {}) do login[key] = value end
  login.timeout_ms = login.timeout_ms or PATIENCE
  local to, message, code = core.log(args.address, login)
  if not to then return nil, message, code end
  local forwarder
  forwarder, message = require "debrief.transfer.forward".new(log, to)
  if not forwarder then return nil, message end
  return forwarder:pass()
end

--- Bring over what the folder holds. What does not reach the stream stays, and is said.
function spool.finish(args, log)
  local result, message = forward(args, log)
  if result then return require "debrief.cli.copy".report(result) end
  messages.note(("%s; kept in %s: debrief forward %s %s"):format(message, args.spool,
    require "debrief.text.shell_word"(args.spool), args.store:dir()))
end

return spool
