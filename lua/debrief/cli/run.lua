local core = require "debrief.core"
local tell = require "debrief.cli.tell"

local run = { summary = "Run a Lua script, with `debrief`, `cjson` and an open `log` at hand.",
  epilog = "What follows SCRIPT is the script's own, options too. It finds it in `arg` and `...`." }

function run.options(command)
  command:argument "SCRIPT":target "script":description "The script, - for standard input."
  command:argument "ARG":target "rest":args "*":argname "ARG":description "For the script."
end

-- The place of the first word that is no option, from `at` on. -d takes a word with it, -- ends the options.
local function first_plain(words, at)
  while words[at] do
    local word = words[at]
    if word == "--" then return at + 1 end
    if word == "-" or word:sub(1, 1) ~= "-" then return at end
    at = at + ((word == "-d" or word == "--dir") and 2 or 1)
  end
  return at
end

--- Where the script is among the words of the program, so that what is behind it is left to it. Nil: it is another
-- command, or there is no script.
function run.place(words)
  local command = first_plain(words, 1)
  if words[command] ~= "run" then return nil end
  local script = first_plain(words, command + 1)
  return words[script] and script
end

-- As lua does: the script at 0, its words behind, what is before it at negative places.
local function arg_of(words, place)
  local arg = {}
  for i = 0, #words do arg[i - place] = words[i] end
  return arg
end

-- The message of anything that was raised, with the script's part of the traceback.
local function handler(raised)
  local mt = getmetatable(raised)
  local says = type(raised) == "string" or type(raised) == "number" or type(mt) == "table" and mt.__tostring
  local text = says and tostring(raised) or ("(error object is a %s value)"):format(type(raised))
  local traceback = core.traceback(text, 2)
  return (traceback:gsub("\n[^\n]*%[C%]: in function 'xpcall'.*", ""))
end

function run.run(args)
  local debrief = require "debrief"
  local chunk, message = loadfile(args.script ~= "-" and args.script or nil)
  if not chunk then tell.fail(message) end
  local log
  log, message = debrief.open(args.dir)
  if not log then tell.fail(message) end
  local arg = arg_of(args.typed, args.place)
  _G.debrief, _G.cjson, _G.log, _G.arg = debrief, require "cjson", log, arg
  local ok, traceback = xpcall(chunk, handler, table.unpack(arg))
  log:close()
  if not ok then tell.fail(traceback) end
  return 0
end

return run
