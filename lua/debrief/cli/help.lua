local suggest = require "debrief.text.suggest"
local output = require "debrief.cli.output"
local parser = require "debrief.cli.parser"
local messages = require "debrief.cli.messages"

local help = { summary = "Show the help of a command.", paged = true, no_folder = true }

function help.options(command)
  command:argument "COMMAND":target "name":args "?":argname "COMMAND":description "A command (default: the program)."
end

function help.run(args)
  local command = not args.name and args.parser or parser.command(args.parser, args.name)
  if not command then
    local _, hint = suggest(args.name, parser.names(args.parser))
    messages.fail(("unknown command '%s'%s (debrief --help)"):format(args.name, hint), 2)
  end
  output.write(command:get_help(), "\n")
  return 0
end

return help
