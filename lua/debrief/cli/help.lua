local nearest = require "debrief.nearest"
local out = require "debrief.cli.out"
local parser = require "debrief.cli.parser"
local tell = require "debrief.cli.tell"

local help = { summary = "Show the help of a command.", paged = true, no_folder = true }

function help.options(command)
  command:argument "COMMAND":target "name":args "?":argname "COMMAND":description "A command (default: the program)."
end

function help.run(args)
  local command = not args.name and args.parser or parser.command(args.parser, args.name)
  if not command then
    local _, hint = nearest(args.name, parser.names(args.parser))
    tell.fail(("unknown command '%s'%s (debrief --help)"):format(args.name, hint), 2)
  end
  out.write(command:get_help(), "\n")
  return 0
end

return help
