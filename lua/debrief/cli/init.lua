--- The program: words in, exit status out. Everything that prints is here and below.
--
-- Exit status: 0 fine; 1 failed; 2 usage, or a plugin that does not load; 3 finished, but lines could not be read or
-- plugins failed; 130 interrupted.
-- @module debrief.cli
local commands_of = require "debrief.cli.commands"
local core = require "debrief.core"
local output = require "debrief.cli.output"
local grammar = require "debrief.cli.parser"
local progress = require "debrief.cli.progress"
local messages = require "debrief.cli.messages"

local function parse(parser, left, words)
  local ok, parsed, result = pcall(parser.pparse, parser, words)
  if left.text then return nil, left.text, 0 end
  if not ok then error(parsed, 0) end
  if not parsed then return nil, grammar.explain(parser, result, words), 2 end
  return result
end

local function has(words, word)
  for _, one in ipairs(words) do if one == word then return true end end
  return false
end

local function dispatch(words)
  local left = {}
  local parser, commands = commands_of(left)
  local script = commands.run.place(words) or commands.repl.place(words) -- what is behind it is not for us
  local known = { table.unpack(words, 1, script or #words) }
  local args, message, status = parse(parser, left, known)
  local paged = args and args.command and commands[args.command].paged or left.text
  local no_pager = not paged or has(known, "--no-pager")
  local missing = output.setup(no_pager)
  if not args then
    if status == 0 then output.write(message, "\n") else messages.error(message .. " (debrief --help)") end
    return status
  end
  if not args.command then
    io.stderr:write(parser:get_help(), "\n")
    return 2
  end
  if missing then messages.note(missing) end
  args.parser, args.typed, args.place = parser, words, script
  local dir = os.getenv "DEBRIEF_DIR"
  args.dir = args.dir_behind or args.dir_before or core.host().dir or (dir ~= "" and dir) or "sessions"
  args.dir = args.dir:gsub("(.)/+$", "%1")
  return commands[args.command].run(args) or 0
end

--- Run the program.
-- @param words the words typed, [0] being the program's name
-- @return the exit status
return function(words)
  local ok, result = xpcall(dispatch, messages.raised, words)
  progress.finish()
  local closed, problem = xpcall(output.close, messages.raised)
  if not ok then
    messages.error(result.message)
    return result.status
  end
  if closed then return result end
  messages.error(problem.message)
  return math.max(result, problem.status)
end
