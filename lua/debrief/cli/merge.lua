local arguments = require "debrief.cli.arguments"
local gates = require "debrief.cli.gates"
local retro = require "debrief.cli.retro"
local messages = require "debrief.cli.messages"
local partials = require "debrief.cli.partials"

local merge = {
  paged = true,
  epilog = "`debrief retro PLUGIN --partial -o FILE` writes a partial result. They are merged in the order given, and "
    .. "must come from the same version of the plugin with the same options. No code in them is run.",
}

function merge.options(command)
  command:argument "PLUGIN":target "plugin":argname "PLUGIN":description "The retrospective, by name or path."
  command:argument "FILE":target "files":args "+":argname "FILE":description "Partial results; - is standard input."
  arguments.run_options(command)
  retro.chart_option(command)
  gates.options(command, true)
  retro.output_options(command)
end

local function finish(args)
  local lines = partials.lines(args.files)
  arguments.worker(arguments.job { query = arguments.query(args), retro = { args.plugin } }):close()
  local result, message = require "debrief.retro.partial".merge(args.plugin, lines, args.allow)
  if not result then messages.fail(message) end
  retro.show(args, result)
  return result
end

function merge.run(args)
  arguments.format(args)
  gates.check(args)
  return arguments.status(arguments.guard(retro.interrupted, finish, args))
end

return merge
