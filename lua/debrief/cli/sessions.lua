local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local notes = require "debrief.query.notes"
local output = require "debrief.cli.output"
local progress = require "debrief.cli.progress"

local sessions = {
  paged = true,
  epilog = "On a terminal each session is shown with its entries, their first and last time, how they ended, and the "
    .. "project; in a file or pipe there are the ids alone, or with --json everything.",
}

function sessions.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions or patterns (default: all)."
  command:flag "--json":target "as_json":description "One array of objects with all that is known."
end

-- The same of a whole log at an address: only what is new there is read.
local function look_at_stream(args)
  progress.begin "sessions"
  local rows, failures = require "debrief.query.seen".of(args.store, function() end)
  progress.finish()
  if not rows then messages.fail(failures.message) end
  local damaged, left = 0, messages.left_out()
  for _, text in ipairs(left) do messages.note(text) end
  for _, row in ipairs(rows) do damaged = damaged + row.damaged end
  return rows, failures, damaged, #left > 0
end

-- What is in the sessions, as debrief.query.overview returns it, and how many lines of them are damaged.
local function look(args, list)
  local overview, log = require "debrief.query.overview", arguments.log(args)
  local all = arguments.bytes(list)
  progress.begin "sessions"
  local rows, failures = overview.of(log, list, function(done) progress.at(done, all) end)
  progress.finish()
  log:close()
  local damaged = 0
  for _, row in ipairs(rows) do damaged = damaged + row.damaged end
  return rows, failures, damaged
end

local function json_of(row)
  local array = core.array(row.projects)
  local parts = {}
  for _, pair in ipairs { { "session", row.session }, { "entries", row.entries }, { "first", row.first_at },
    { "last", row.last_at }, { "ok", row.ok }, { "fail", row.fail }, { "skip", row.skip }, { "unknown", row.unknown },
    { "projects", array }, { "damaged", row.damaged }, { "bytes", row.bytes } } do
    parts[#parts + 1] = ("%s:%s"):format(core.encode(pair[1]), pair[2] == nil and "null" or core.encode(pair[2]))
  end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function print_json(rows)
  local out = {}
  for i, row in ipairs(rows) do out[i] = json_of(row) end
  output.write(require "debrief.text.escape".json("[" .. table.concat(out, ",\n") .. "]"), "\n")
end

-- "tides", or "tides and 2 more".
local function project_of(row)
  local first = row.projects[1]
  if not first then return "-" end
  local name = first:match "([^/]+)/*$" or first
  return #row.projects > 1 and ("%s and %d more"):format(name, #row.projects - 1) or name
end

local function count(n) return n > 0 and ("%d"):format(n) or "-" end

local function print_table(rows, columns)
  local escape, time, width = require "debrief.text.escape", require "debrief.text.time", require "debrief.text.width"
  local now, cells = core.now(), {}
  for i, row in ipairs(rows) do
    cells[i] = { row.session, count(row.entries), row.first and time.relative(row.first, now) or "-",
      row.last and time.relative(row.last, now) or "-", count(row.ok), count(row.fail), count(row.skip),
      count(row.unknown), escape(project_of(row)) }
  end
  local right, never = "right", false
  local grid = require "debrief.text.table".fit({ { title = "session", least = 36 },
    { title = "entries", align = right, cut = never }, { title = "first", cut = never, drop = 4 },
    { title = "last", cut = never }, { title = "ok", align = right, cut = never },
    { title = "fail", align = right, cut = never }, { title = "skip", align = right, cut = never, drop = 2 },
    { title = "unknown", align = right, cut = never, drop = 1 },
    { title = "project", least = 12, cut = width.cut, drop = 3 } }, cells, columns)
  local titles, rule = grid:header()
  for _, line in ipairs(titles) do output.write(line, "\n") end
  output.write(rule, "\n")
  for _, row in ipairs(cells) do output.write(grid:row(row), "\n") end
end

-- The ids of the whole log, without a look at each file; nil: it cannot be listed, or is to be looked at.
local function ids_of(args, q)
  if #args.session > 0 or args.as_json or core.terminal(1) then return nil end
  local log <close> = arguments.log(args)
  local ids, _, skipped = log:sessions()
  if ids then _, skipped = log:list(nil, true) end
  q.skipped = skipped
  return skipped and ids
end

local function show(args, columns, rows, failures, damaged, is_partial)
  if not (columns or args.as_json) then damaged = 0 end
  if args.as_json then print_json(rows)
  elseif columns then if #rows > 0 then print_table(rows, columns) end
  else for _, row in ipairs(rows) do output.write(row.session, "\n") end end
  local failed = messages.failures(failures)
  if damaged > 0 then
    messages.note(("%s: `debrief check` names %s"):format(require "debrief.text.values".count(damaged, "damaged line"),
      damaged == 1 and "it" or "them"))
  end
  return failed and 1 or (damaged > 0 or is_partial) and 3 or 0
end

function sessions.run(args)
  if args.store and #args.session == 0 then return show(args, core.terminal(1), look_at_stream(args)) end
  local q = arguments.query(args)
  local ids = ids_of(args, q)
  if ids then
    for _, note in ipairs(notes.of({}, q)) do messages.note(note) end
    if #ids > 0 then output.write(table.concat(ids, "\n"), "\n") end
    return 0
  end
  local list = arguments.sessions(args, q)
  for _, note in ipairs(notes.of({}, q)) do messages.note(note) end
  local columns = core.terminal(1)
  if not (columns or args.as_json) then -- of some sessions
    for _, item in ipairs(list) do output.write(item.session, "\n") end
    return 0
  end
  return show(args, columns, look(args, list))
end

return sessions
