local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local following = require "debrief.cli.follow"
local show = require "debrief.cli.format"
local messages = require "debrief.cli.messages"
local order = require "debrief.query.order"
local selectors = require "debrief.query.selectors"
local values = require "debrief.text.values"
local write = require "debrief.text.write"

local read = { paged = true }

local function sort_keys(text)
  local keys, message = order.parse(text)
  return keys, message and "--sort: " .. message
end

function read.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions, patterns or SESSION:LINE (default: all, in name order)."
  arguments.selection_options(command)
  command:option "--line":argname "N":convert(arguments.count_from_one "--line")
    :description "Only line N of the given session, as SESSION:N does."
  local sort = command:option "--sort":argname "FIELDS":convert(sort_keys)
    :description "Sort by these fields, with - before one downwards: -duration_ms, or skill,-timestamp."
  sort._takes_dash = true
  command:flag "--reverse":description "Turn the order around."
  command:option "-n --limit":argname "N":convert(arguments.count_from_one "--limit")
    :description "Only the first N entries of what is selected and sorted."
  show.options(command)
  arguments.strict_option(command)
  following.options(command)
  arguments.plugin_options(command)
end

-- Which entries are copied as they are, for core.copy_sessions; nil: Lua is to look at them.
local function sieve_of(q, manner)
  local is_plain = manner.format == "jsonl" and not (manner.safe or manner.fields or order.has(manner))
    and not (q.last or q.line or q.why or q.gaps) and #q.enrich + #q.filter + #q.opt + #q.allow == 0
  if not is_plain then return nil end
  local match, test = selectors.of(q)
  if test then return nil end
  local sieve = { since = q.since, ["until"] = q["until"], match = match and core.match(match) }
  if q.where then
    local expressions = require "debrief.query.where"
    sieve.condition = expressions.condition(q.where)
    if not sieve.condition or not expressions.is_free(q.where) then return nil end
  end
  return sieve
end

-- What was met of the items before item `last`.
local function before(list, last)
  local out = {}
  for _, one in ipairs(list) do if not last or one.item < last then out[#out + 1] = one end end
  return out
end

-- Without plugins and formats nothing needs Lua: entries go from the reader to the descriptor, on several threads.
local function copy(args, sessions, sieve)
  local log = core.log(args.dir)
  sieve.fd, sieve.threads, sieve.strict = 1, core.cores(), args.strict or false
  local diagnostics, dropped, failures, code, met = core.copy_sessions(log, sessions, sieve)
  log:close()
  diagnostics, failures = before(diagnostics, met.unsure), before(failures, met.unsure)
  local written, failure = write.outcome(not code, code and core.strerror(code), code)
  write.cut = write.cut or written == false
  if failure then failures[#failures + 1] = { message = failure } end
  for _, d in ipairs(diagnostics) do d.path = sessions[d.item].path end
  return { diagnostics = diagnostics, dropped = dropped, problems = {}, failures = failures, untimed = met.untimed,
    kept = met.kept }, not code and met.unsure, met.copied
end

-- Without the sessions that are too old for the window.
local function in_window(items)
  local out = {}
  for _, item in ipairs(items) do if not item.old then out[#out + 1] = item end end
  return out
end

local function has_lines(items)
  for _, item in ipairs(items) do if item.lines then return true end end
  return false
end

local function check(args)
  if args.line and (#args.session ~= 1 or args.last) then
    messages.fail(args.last and "--line selects one line, --last the latest entries: use one of them"
      or "--line goes with one session: debrief read SESSION --line N", 2)
  end
  if args.follow and args.isolate then messages.fail("--isolate does not go with --follow", 2) end
  if args.from and not args.follow then messages.fail("--from is for --follow", 2) end
  if args.from and args.last then messages.fail("--from and --last both say where to begin: use one of them", 2) end
  for _, name in ipairs { "line", "since", "until", "sort", "reverse", "why" } do
    if args.follow and args[name] then messages.fail(("--%s does not go with --follow"):format(name), 2) end
  end
  if args.follow and args.limit then
    messages.fail("--limit does not go with --follow: --last N shows the latest entries first", 2)
  end
  if args.follow and arguments.format(args) == "json" then
    messages.fail("--format json is one array, which --follow never ends: use jsonl", 2)
  end
end

-- Where only some lines of a session are read, keep only the diagnostics of those; a session that has nothing on them
-- is an error.
local function only_lines(items, result)
  local wanted, kept, seen = {}, {}, result.seen
  for _, item in ipairs(items) do
    wanted[item.path] = item.lines and {}
    for _, line in ipairs(item.lines or {}) do wanted[item.path][line] = true end
  end
  for _, d in ipairs(result.diagnostics) do
    if not wanted[d.path] or wanted[d.path][d.line] then kept[#kept + 1] = d end
    if wanted[d.path] and wanted[d.path][d.line] then seen[d.path] = true end
  end
  result.diagnostics, result.dropped = kept, 0
  for _, item in ipairs(items) do
    if item.lines and not item.old and not seen[item.path] and #result.failures == 0 then
      local word = (" or %s:"):format(item.session)
      messages.fail(("there is no entry %s:%s"):format(item.session, table.concat(item.lines, word)))
    end
  end
end

-- Entries of an isolated worker, which cannot print: they are printed here.
local function print_here(worker, manner)
  local problems = {}
  local reader <close> = require "debrief.run.remote".reader(worker, { sessions = manner.sessions, last = manner.last,
    on_problem = function(problem) problems[#problems + 1] = problem end })
  local out <close> = require "debrief.text.pager".new(manner.pager or manner)
  manner.out = out
  local printer, failures, seen = require "debrief.entry.printer".new(manner), {}, {}
  local add, done = order.chain({ sort = manner.sort, reverse = manner.reverse, limit = manner.limit }, printer.add,
    printer.asked)
  while true do
    local entry, line, session = reader:next()
    if not entry and not line then break end
    if not entry then failures[#failures + 1] = line
    elseif add(entry, session, line) == false then break end
  end
  done()
  local _, failure = printer.close()
  if failure then failures[#failures + 1] = { message = failure } end
  local diagnostics, dropped = reader:diagnostics()
  for _, item in ipairs(manner.sessions) do seen[item.path] = true end
  return { diagnostics = diagnostics, dropped = dropped, problems = problems, failures = failures,
    shown = printer.count, left = printer.left, seen = seen, names = printer.asked.state }
end

-- Through a worker, with plugins, expressions and formats.
local function through_worker(args, q, manner, items)
  local worker = arguments.worker(arguments.job { query = q, dir = args.dir, isolate = args.isolate })
  items = items or arguments.sessions(args, q)
  manner.sessions, manner.last, manner.place = items, q.last, read.place(items)
  local result
  if args.isolate then result = print_here(worker, manner) else result = arguments.ask(worker, "read", manner) end
  if has_lines(items) then only_lines(items, result) end
  return result, items
end

-- Of an entry that the sieve is unsure of Lua decides, and of all after it.
local function go_on(args, q, manner, items, result, copied)
  manner.skip = copied
  local more = through_worker(args, q, manner, items)
  for _, name in ipairs { "diagnostics", "failures" } do
    table.move(more[name], 1, #more[name], #result[name] + 1, result[name])
  end
  result.dropped, result.untimed = result.dropped + more.dropped, result.untimed + (more.untimed or 0)
  result.problems, result.names, result.cut = more.problems, more.names, more.cut
  result.kept = result.kept - copied + more.kept
end

local function print_plainly(args, q, manner, sieve, items)
  local result, unsure, copied = copy(args, items, sieve)
  if unsure then go_on(args, q, manner, table.move(items, unsure, #items, 1, {}), result, copied) end
  if result.cut then write.cut = true end
  return arguments.status(result, q)
end

-- Is a field shown or sorted by that readers compute only on request?
local function needs_gaps(args)
  local asked = { args.fields or "" }
  for i, key in ipairs(args.sort or {}) do asked[i + 1] = key.field end
  return require "debrief.entry.virtual".needs_gaps(table.concat(asked, ","))
end

-- A way into an array that leads nowhere would print blanks without a word.
local function warn_of_places(fields)
  for name in (fields or ""):gmatch "[^,]+" do
    local first, rest = name:match "^(.-)%.[0*](%f[.\0].*)$"
    if first then
      messages.note(("--fields '%s': places in an array count from 1 (%s.1%s) or back from its end (%s.-1%s)")
        :format(name, first, rest, first, rest))
    end
  end
end

function read.run(args)
  check(args)
  warn_of_places(args.fields)
  if args.follow then return following.run(args) end
  local manner, q = show.manner(args), arguments.query(args)
  manner.sort, manner.reverse, manner.limit = args.sort, args.reverse, args.limit
  q.gaps = needs_gaps(args)
  io.stdout:flush()
  local sieve, items = not args.isolate and sieve_of(q, manner), nil
  if sieve then
    items = arguments.sessions(args, q)
    if not has_lines(items) then return print_plainly(args, q, manner, sieve, in_window(items)) end
  end
  local result
  result, items = through_worker(args, q, manner, items)
  local status = arguments.status(result, q)
  if manner.format == "list" and manner.safe then
    local more = result.left and ", and more: the pager was left before the end"
      or result.shown == 0 and not q.why and #items > 0 and "; --why says which condition leaves out what" or ""
    messages.note(("%s of %s%s"):format(values.count(result.shown, "entry", "entries"), values.count(#items, "session"),
      more))
  end
  if result.cut then write.cut = true end
  return status
end

-- Columns for session:line.
function read.place(sessions)
  local longest = 0
  for _, item in ipairs(sessions) do longest = math.max(longest, #item.session) end
  return math.min(longest + 5, 42)
end

return read
