local core = require "debrief.core"
local copy = require "debrief.cli.copy"
local messages = require "debrief.cli.messages"
local output = require "debrief.cli.output"
local values = require "debrief.text.values"

local forward = {
  no_folder = true,
  logs_in = true,
  epilog = [[
DIR is what `append --spool DIR` and `record --spool DIR` keep, or any folder
that grows. Each line reaches the stream once, wherever forward was stopped;
others may write to the same sessions. What was sent stays in DIR and is noted
there, in .forwarded-*: remove a session's file once forward has nothing to
bring over.]],
}

local PAUSE = 2000 -- ms to wait for new entries, and for servers that are not there

function forward.options(command)
  command:argument "DIR":target "from":argname "DIR":description "The folder."
  command:argument "ADDRESS":target "to":argname "ADDRESS":description "The stream: nats://HOST[:PORT]/NAME."
  command:flag "--follow -f":description "Go on: bring over what comes, and wait for servers that are away."
end

local function open(dir, login)
  local log, message, code = core.log(dir, login)
  if not log then messages.fail(message, code == 1 and 2 or 1) end
  return log
end

local function say(result)
  output.write(("forwarded %s of %s\n"):format(values.count(result.lines, "line"),
    values.count(result.copied, "session")))
  io.stdout:flush()
end

-- One pass. Returns the result, or nil and a message.
local function pass(state)
  local message
  if not state.forward then
    state.forward, message = require "debrief.transfer.forward".new(state.from, state.to)
    if not state.forward then return nil, message end
  end
  return state.forward:pass()
end

-- Passes for ever: each when something was written, or the servers are back.
local function follow(state, ids)
  local follower = assert(core.follow(state.from, ids))
  local told
  while true do
    local result, message = pass(state)
    if not result and message ~= told then messages.note(message .. "; trying again") end
    told = not result and message or nil
    if result and result.lines > 0 then say(result) end
    if result then copy.report(result) end
    if follower:wait(PAUSE, 1) == "closed" then return 0 end
    repeat local entry = follower:next() until not entry
  end
end

function forward.run(args)
  if core.is_address(args.from) then messages.fail("forward: DIR is a folder; between addresses: debrief copy", 2) end
  if not core.is_address(args.to) then
    messages.fail(("forward: '%s' is no address (nats://HOST/NAME); between folders: debrief copy"):format(args.to), 2)
  end
  local state = { from = open(args.from), to = open(args.to, args.login) }
  if args.follow then return follow(state) end
  local result, message = pass(state)
  if not result then messages.fail(message) end
  say(result)
  return copy.report(result)
end

return forward
