local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local output = require "debrief.cli.output"
local time = require "debrief.text.time"

local init = {
  no_folder = true,
  logs_in = true,
  epilog = [[
Makes the stream of a log at an address, nats://HOST[:PORT][,HOST...]/NAME, and
two for `debrief work`, NAME-work and NAME-done.
Nothing else makes it: append and read report that it does not exist. A folder needs no
init. With --replicas 3 an entry is stored when two of three servers have it.
A stream that is there already stays as it is.
Every command takes, after -d ADDRESS or in its place: --creds FILE (or
$NATS_CREDS), --tls-ca FILE, --tls-cert FILE and --tls-key FILE to log in, and
--timeout TIME, for which an append tries again (default 30s). For run, repl and
record they stand before the command.]],
}

function init.options(command)
  command:argument "ADDRESS":target "address":argname "ADDRESS":args "?"
    :description "The address (default: -d or $DEBRIEF_DIR)."
  command:option "-d --dir":argname "DIR":target "dir_after":description "The address, as for other commands."
  command:option "--replicas":argname "N":convert(function(text)
    local n = math.tointeger(tonumber(text))
    if n and n >= 1 and n <= 5 then return n end
    return nil, ("--replicas takes 1 to 5, not '%s'"):format(text)
  end):description "How many servers hold each entry: 1, 3 or 5 (default: 1)."
  command:option "--max-age":argname "TIME":convert(function(text)
    local ns = time.duration(text)
    if ns and ns >= 3600000 then return ns * 1000000 end
    return nil, ("--max-age takes a length of time from 1h on, like 90d, not '%s'"):format(text)
  end):description "Remove entries that are older (default: never)."
end

-- What `debrief work` and --on workers use.
local function make_queue(args)
  local queue, message = core.queue(args.login.dir, args.login.options)
  local ok
  if queue then
    ok, message = queue:make()
    queue:close()
  end
  if not ok then messages.note("the streams for `debrief work` are not there: " .. message) end
end

function init.run(args)
  local dir = args.address or args.dir
  if not core.is_address(dir) then
    messages.fail(("init is for a log at an address (nats://HOST/NAME), and '%s' is a folder, which needs none"):format(
      dir), 2)
  end
  args.dir = dir
  require "debrief.cli.address".open(args, args.login)
  local made, message, code = args.store:make { replicas = args.replicas or 1, max_age = args.max_age or 0 }
  if made == nil then messages.fail(message, code == 1 and 2 or 1) end
  make_queue(args)
  output.write(made and "made " or "there already: ", args.dir, "\n")
  return 0
end

return init
