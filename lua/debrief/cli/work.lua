local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local output = require "debrief.cli.output"

local work = {
  logs_in = true,
  epilog = "A worker waits for `debrief retro`, `table` and `report` with `--on workers` for the same log, and does "
    .. "their chunks until it is ended (Ctrl-C). Plugins come with the question and run in the reduced environment; a "
    .. "right (--allow) is only for a plugin that is installed here with the same text.",
}

function work.options(command)
  command:argument "STORE":target "at":args "?":argname "STORE"
    :description "The log: nats://HOST[:PORT][,HOST...]/NAME (default: -d)."
  command:option "-j --jobs":argname "N":convert(arguments.workers)
    :description "Chunks at once (default: all processors)."
  arguments.run_options(command)
  command:flag "--status":description "Show the workers there are and what is on the queue, and exit."
end

-- The queue; leaves where there is no such log.
local function open(args)
  local queue, message = core.queue(args.login.dir, args.login.options)
  local there
  if queue then there, message = queue:folder() end
  if not there then messages.fail(message) end
  return queue
end

-- ---- Working -------------------------------------------------------------------------------------------------------

-- Notes that come again and again are shown once.
local function noter()
  local last
  return function(text)
    if text ~= last then messages.note(text) end
    last = text
  end
end

local function serve(args, state)
  local queue = open(args)
  local message
  state.worker, message = require "debrief.work.serve".new { queue = queue, slots = args.jobs or core.cores(),
    allow = args.allow or {}, note = noter(), folder = function() return args.store:folder(false, true) end }
  if not state.worker then messages.fail(message) end
  messages.note(("waits for work of %s, %s at once"):format(queue:shown(),
    require "debrief.text.values".count(args.jobs or core.cores(), "chunk")))
  while true do state.worker:step() end
end

-- ---- Status --------------------------------------------------------------------------------------------------------

local function number(value) return math.type(value) == "integer" and ("%d"):format(value) or "?" end

local function show(columns, rows)
  local escape = require "debrief.text.escape"
  for _, row in ipairs(rows) do
    for i, cell in ipairs(row) do row[i] = escape(tostring(cell)) end
  end
  local grid = require "debrief.text.table".fit(columns, rows, (core.terminal(1)) or math.huge)
  local titles, rule = grid:header()
  for _, line in ipairs(titles) do output.write(line, "\n") end
  output.write(rule, "\n")
  for _, row in ipairs(rows) do output.write(grid:row(row), "\n") end
end

local function show_workers(list)
  local rows, values = {}, require "debrief.text.values"
  for i, one in ipairs(list) do
    local bytes = math.type(one.bytes_minute) == "integer" and one.bytes_minute or 0
    rows[i] = { one.host, tostring(one.worker):sub(1, 8), type(one.version) == "string" and one.version or "?",
      ("%s of %s"):format(number(one.busy), number(one.slots)), number(one.done), number(one.failed),
      number(one.chunks_minute), values.number(bytes // 60, "bytes") .. "/s" }
  end
  local right = "right"
  show({ { title = "host" }, { title = "worker" }, { title = "version" }, { title = "busy", align = right },
    { title = "chunks", align = right }, { title = "failed", align = right },
    { title = "in the last minute", align = right }, { title = "rate", align = right } }, rows)
end

local function show_jobs(list, now_working)
  local rows = {}
  for i, one in ipairs(list) do
    rows[i] = { one.name, number(one.waiting), number(one.under_way), number(now_working[one.name] or 0),
      one.announced and "waited for" or "abandoned" }
  end
  local right = "right"
  show({ { title = "job" }, { title = "chunks waiting", align = right }, { title = "under way", align = right },
    { title = "workers", align = right }, { title = "state" } }, rows)
end

local function status(args)
  local found, message = require "debrief.work.status".ask(open(args))
  if not found then messages.fail(message) end
  local at_work = {}
  for _, one in ipairs(found.workers) do
    if type(one.job) == "string" then at_work[one.job] = (at_work[one.job] or 0) + 1 end
  end
  if #found.workers == 0 then output.write("no workers\n") else show_workers(found.workers) end
  output.write("\n")
  if #found.jobs == 0 then output.write("nothing on the queue\n") else show_jobs(found.jobs, at_work) end
  return 0
end

function work.run(args)
  local at = args.at or args.dir
  if not (args.store or core.is_address(at)) then
    messages.fail(("work: %s is a folder; work is for a log with an address: debrief work nats://HOST/NAME"):format(at),
      2)
  end
  if args.at then
    args.dir = at
    require "debrief.cli.address".open(args, args.login and args.login.options or args.login)
  end
  local ok, message = require "debrief.work.refusal".check(args.allow or {})
  if not ok then messages.fail(message, 2) end
  if args.status then return arguments.guard("interrupted", status, args) end
  local state = {}
  local fine, problem, interrupted = core.guard(messages.raised, serve, args, state)
  if state.worker then state.worker:leave() end
  if interrupted then return 130 end
  if not fine then error(problem, 0) end
  return 0
end

return work
