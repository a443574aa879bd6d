local script = require "debrief.cli.script"
local messages = require "debrief.cli.messages"

local run = {
  epilog = "Everything after SCRIPT, options too, is passed to the script, in `arg` and `...`." }

function run.options(command)
  command:argument "SCRIPT":target "script":argname "SCRIPT":description "The script (-: standard input)."
  command:argument "ARG":target "rest":args "*":argname "ARG":description "Arguments of the script."
  script.options(command)
end

--- Where the script is among the words of the program: see debrief.cli.script.
function run.place(words) return script.place(words, "run") end

function run.run(args)
  local debrief = require "debrief"
  local chunk, message = loadfile(args.script ~= "-" and args.script or nil, "t")
  if not chunk then messages.fail(message) end
  local log
  log, message = debrief.open(args.dir)
  if not log then messages.fail(message) end
  local arg = script.arg(args.typed, args.place)
  require "debrief.run.script".keep_numbers()
  _G.debrief, _G.cjson, _G.log, _G.arg = debrief, require "cjson", log, arg
  local ok, traceback, status = script.call(chunk, table.unpack(arg))
  log:close()
  if not ok then messages.fail(traceback, status) end
  return 0
end

return run
