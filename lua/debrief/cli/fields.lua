local arguments = require "debrief.cli.arguments"
local retro = require "debrief.cli.retro"

local fields = { paged = true }

function fields.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions to look at (default: all)."
  arguments.selection_options(command)
  arguments.strict_option(command)
  arguments.plugin_options(command)
  command:option "-j --jobs":argname "N":convert(arguments.workers):description "Workers (default: all processors)."
  retro.output_options(command)
end

function fields.run(args)
  args.plugin = "fields"
  return retro.run(args)
end

return fields
