--- `--on workers`: the chunks of a command on the queue beside a log with an address.
-- @module debrief.cli.workers
local messages = require "debrief.cli.messages"

local workers = {}

--- Declare --on.
function workers.option(command)
  command:option "--on":argname "WORKERS":choices { "workers" }
    :description "Let workers of other machines do it (`debrief work`); needs a log with an address."
end

--- Leave with status 2 where the words ask for what workers cannot do.
function workers.check(args)
  if not args.on then return end
  if not args.store then
    messages.fail("--on workers needs a log with an address (-d nats://HOST/NAME); a folder that several machines see "
      .. "is divided with --partial and `debrief merge`", 2)
  end
  if args.isolate then
    messages.fail("--isolate starts a process on this machine: with --on workers plugins run in the reduced "
      .. "environment of each worker", 2)
  end
end

-- Only what is in the log can be read elsewhere.
local function check_items(items)
  for _, item in ipairs(items) do
    if item.is_path then
      messages.fail(("--on workers: %s is a file of this machine; name sessions of the log"):format(item.path), 2)
    end
  end
end

--- What debrief.retro takes as `on`, for the words of a command; nil for this machine.
-- @param items of the query
function workers.of(args, items)
  if not args.on then return nil end
  check_items(items)
  return function(job, chunks)
    return require "debrief.work.crew".new { address = args.login.dir, options = args.login.options, job = job,
      chunks = chunks, note = messages.note }
  end
end

return workers
