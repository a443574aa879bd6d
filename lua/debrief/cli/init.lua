--- The program: words in, exit status out. Everything that prints is here and below.
--
-- Exit status: 0 fine; 1 failed; 2 usage, or a plugin that does not load; 3 finished, but lines could not be read or
-- plugins failed.
-- @module debrief.cli
local argparse = require "argparse"
local core = require "debrief.core"
local nearest = require "debrief.nearest"
local tell = require "debrief.cli.tell"

local COMMANDS = { "append", "read", "retro", "merge", "sessions", "check", "repair", "plugins", "import", "run" }

local EPILOG = [[
A SESSION is an id (s1), or a path (with a '/' or ending in .jsonl) in commands that only read.
The folder is -d DIR, else $DEBRIEF_DIR, else ./sessions.
Exit status: 0 fine, 1 failed, 2 wrong usage or a plugin that does not load,
3 finished, but lines could not be read or plugins failed.]]

-- Help and version leave the parser by an error that is no error; argparse turns it into text, so what it says is kept
-- beside it.
local function leaving(left, text)
  return function()
    left.text = text()
    error("left", 0)
  end
end

local function add_help(parser, left)
  parser:flag "-h --help":description "Show this help and exit."
    :action(leaving(left, function() return parser:get_help() end))
end

-- -d is understood before and behind the command; behind it, it is another target for argparse.
local function add_folder(parser, target)
  parser:option "-d --dir":argname "DIR":target(target)
    :description "The folder of the log (default: $DEBRIEF_DIR or ./sessions)."
end

local function new_parser(left)
  local parser = argparse("debrief", "A session log for agent skill runs, and the place to look back on them.", EPILOG)
  parser:add_help(false)
  parser:help_max_width(80)
  parser:require_command(false)
  parser:command_target "command"
  add_help(parser, left)
  parser:flag "--version":description "Show the version and exit.":action(leaving(left, function()
    return ("debrief %s (%s)"):format(core.version, _VERSION)
  end))
  add_folder(parser, "dir_before")
  local commands = {}
  for _, name in ipairs(COMMANDS) do
    local module = require("debrief.cli." .. name)
    local command = parser:command(name, module.summary, module.epilog)
    command:add_help(false)
    add_help(command, left)
    add_folder(command, "dir_behind")
    module.options(command)
    commands[name] = module
  end
  return parser, commands
end

-- argparse's message, with the nearest command where it names an unknown one.
local function explain(message)
  local name = message:match "^unknown command '([^']*)'"
  local near = name and not message:find "Did you mean" and nearest(name, COMMANDS)
  if near then message = ("unknown command '%s': did you mean '%s'?"):format(name, near) end
  return (message:gsub("%s*\nDid you", ": did you"))
end

local function parse(parser, left, words)
  local ok, parsed, result = pcall(parser.pparse, parser, words)
  if left.text then return nil, left.text, 0 end
  if not ok then error(parsed, 0) end
  if not parsed then return nil, explain(result), 2 end
  return result
end

-- What a command raises: a message of ours ({ message =, status = }), or a bug.
local function handler(raised)
  if type(raised) == "table" and raised.message then return raised end
  return { message = core.traceback("this is a bug in debrief: " .. tostring(raised), 2), status = 1 }
end

--- Run the program.
-- @param words the words typed, [0] being the program's name
-- @return the exit status
return function(words)
  local left = {}
  local parser, commands = new_parser(left)
  local script = commands.run.place(words) -- what is behind it is not for us
  local args, message, status = parse(parser, left, { table.unpack(words, 1, script or #words) })
  if not args then
    if status == 0 then io.stdout:write(message, "\n") else tell.error(message .. " (debrief --help)") end
    return status
  end
  if not args.command then
    io.stderr:write(parser:get_help(), "\n")
    return 2
  end
  args.typed, args.place = words, script
  local dir = os.getenv "DEBRIEF_DIR"
  args.dir = args.dir_behind or args.dir_before or core.host().dir or (dir ~= "" and dir) or "sessions"
  args.dir = args.dir:gsub("(.)/+$", "%1")
  local ok, result = xpcall(commands[args.command].run, handler, args)
  if ok then return result or 0 end
  tell.error(result.message)
  return result.status
end
