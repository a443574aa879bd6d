local suggest = require "debrief.text.suggest"
local output = require "debrief.cli.output"
local messages = require "debrief.cli.messages"

local help = { paged = true, no_folder = true }

function help.options(command)
  command:argument "COMMAND":target "name":args "?":argname "COMMAND":description "A command (default: the program)."
end

function help.run(args)
  local grammar = args.parser
  local command = args.name and grammar:command(args.name)
  if args.name and not command then
    local _, hint = suggest(args.name, grammar.names())
    messages.fail(("unknown command '%s'%s (debrief --help)"):format(args.name, hint), 2)
  end
  output.write(command and command:get_help() or grammar:help(), "\n")
  return 0
end

return help
