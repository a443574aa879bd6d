local arguments = require "debrief.cli.arguments"
local retro = require "debrief.cli.retro"
local messages = require "debrief.cli.messages"

local merge = {
  paged = true,
  epilog = "`debrief retro PLUGIN --partial -o FILE` writes a partial result. They are merged in the order given, and "
    .. "must come from the same version of the plugin with the same options. No code in them is run.",
}

function merge.options(command)
  command:argument "PLUGIN":target "plugin":argname "PLUGIN":description "The retrospective, by name or path."
  command:argument "FILE":target "files":args "+":argname "FILE":description "Partial results; - is standard input."
  arguments.run_options(command)
  retro.output_options(command)
end

local function read_lines(files)
  local lines = {}
  for _, name in ipairs(files) do
    local file, message = io.stdin, nil
    if name ~= "-" then file, message = io.open(name, "rb") end
    if not file then messages.fail("cannot read " .. message) end
    local number = 0
    for text in file:lines() do
      number = number + 1
      if text:find "%S" then lines[#lines + 1] = { place = ("%s:%d"):format(name, number), text = text } end
    end
    if name ~= "-" then file:close() end
  end
  if #lines == 0 then messages.fail "there is no partial result in the input" end
  return lines
end

local function finish(args)
  local lines = read_lines(args.files)
  arguments.worker(arguments.job { query = arguments.query(args), retro = { args.plugin } }):close()
  local result, message = require "debrief.retro.partial".merge(args.plugin, lines, args.allow)
  if not result then messages.fail(message) end
  retro.show(args, result)
  return result
end

function merge.run(args)
  arguments.format(args)
  return arguments.status(arguments.guard(retro.interrupted, finish, args))
end

return merge
