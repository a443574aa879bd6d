local arguments = require "debrief.cli.arguments"
local retro = require "debrief.cli.retro"

local fields = { paged = true }

function fields.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions to look at (default: all)."
  arguments.question_options(command)
  retro.output_options(command)
end

function fields.run(args)
  args.plugin = "fields"
  return retro.run(args)
end

return fields
