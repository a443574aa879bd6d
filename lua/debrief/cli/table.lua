local arguments = require "debrief.cli.arguments"
local gates = require "debrief.cli.gates"
local messages = require "debrief.cli.messages"
local retro = require "debrief.cli.retro"

local OPTIONS = { "by", "across", "each", "show", "sort", "limit", "min", "chart" }

local table_command = {
  paged = true,
  epilog = [[
Fields: members (skill, input.task, attempts.-1.model), or outcome passed first_try attempt_count lost_ms session line
day week month hour weekday gap_ms subagent. `debrief fields` lists what the log has.
Columns: runs passed first_try attempts verified lost cost tokens, and count rate sum mean min max p1 to p99 median
distinct first last share, as in p90(duration_ms), rate(duration_ms > 60000) or slow=rate(duration_ms > 60000).]],
}

function table_command.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions to look at (default: all)."
  command:option "--by":argname "FIELD,..."
    :description "A row for each value: fields, or NAME=EXPRESSION (default: skill; with --each model or name)."
  command:option "--across":argname "FIELD":description "Columns for each value of this field."
  command:option "--each":argname "LIST":choices { "attempts", "tools" }
    :description "Count attempts or calls of tools, not runs: names are then those of each."
  command:option "--show":argname "COLUMN,..."
    :description "What is counted (default: runs, passed, first_try, median(duration_ms); with --each others)."
  local sort = command:option "--sort":argname "COLUMN":description "Order of the rows; -COLUMN for the largest first."
  sort._takes_dash = true
  command:option "-n --limit":argname "N":convert(arguments.count_from_one "--limit")
    :description "Only so many rows, and one for all others."
  command:option "--min":argname "N":convert(arguments.count_from_one "--min")
    :description "Leave out rows with fewer runs."
  command:option "--chart":argname "TYPE":choices { "line", "bar", "stack", "heat" }
    :description "Draw each column: as lines, bars, stacked bars or a heat map."
  arguments.question_options(command)
  require "debrief.cli.workers".option(command)
  command:flag "--partial":description "Write a partial result for `debrief merge table`."
  gates.options(command)
  retro.output_options(command)
  retro.page_options(command)
end

function table_command.run(args)
  local definition, opt = {}, {}
  for _, name in ipairs(OPTIONS) do definition[name] = args[name] end
  if args.each then definition.where, args.where = args.where, nil end -- of each, not of its run
  local ok, key, message = require "debrief.measure".check(definition, {})
  if not ok then messages.fail(("--%s: %s"):format(key, message), 2) end
  for name, value in next, definition do opt[#opt + 1] = ("table.%s=%s"):format(name, value) end
  table.sort(opt)
  args.plugin, args.opt = "table", table.move(args.opt or {}, 1, #(args.opt or {}), #opt + 1, opt)
  return retro.run(args)
end

return table_command
