local arguments = require "debrief.cli.arguments"
local messages = require "debrief.cli.messages"
local output = require "debrief.cli.output"
local page = require "debrief.cli.page"
local retro = require "debrief.cli.retro"

local PLUGINS, FILE, WINDOW = "summary,skills,trend,failures,tools", "debrief-report.html", "30d"

local report = {
  epilog = "The page has " .. PLUGINS:gsub(",", ", ") .. ", and needs no network. `debrief retro PLUGIN,... --format "
    .. "html -o FILE` makes one of other reports.",
}

function report.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions, patterns or SESSION:LINE (default: all)."
  arguments.question_options(command)
  require "debrief.cli.workers".option(command)
  page.options(command)
  command:option "-o --output":argname "FILE"
    :description("Write the page to this file, - is standard output (default: " .. FILE .. ").")
  page.open_option(command)
end

-- The name of the folder, for the title.
local function name_of(dir) return dir:match "([^/]+)/*$" or dir end

-- Without a window it is the last 30 days; all of a log that has nothing in them.
local function make(args)
  local is_default = not (args.since or args["until"] or args.last)
  args.since = is_default and WINDOW or args.since
  local result, asked = retro.collect(args, arguments.query(args))
  if is_default and result.entries == 0 then
    args.since, args.notes = nil, { "No entry is of the last 30 days: this is all of the log." }
    result, asked = retro.collect(args, arguments.query(args))
  end
  retro.show(args, result, nil, asked)
  return { result = result, query = asked.query }
end

function report.run(args)
  args.plugin, args.format, args.gates = PLUGINS, "html", {}
  args.title = "Report on " .. name_of(args.dir)
  args.output = args.output or FILE
  if args.output == "-" then args.output = nil end
  if args.open and not args.output then messages.fail("--open needs a file: -o FILE", 2) end
  local made = arguments.guard(retro.interrupted, make, args)
  local status = arguments.status(made.result, made.query)
  if args.output then output.write(args.output, "\n") end
  if args.open and not page.open(args.output) then return math.max(status, 1) end
  return status
end

return report
