--- Every command of the program, and the parser that knows them all.
-- @module debrief.cli.commands
local parser = require "debrief.cli.parser"

-- In the order of the help.
local COMMANDS = {
  { "append", require "debrief.cli.append" },
  { "read", require "debrief.cli.read" },
  { "retro", require "debrief.cli.retro" },
  { "merge", require "debrief.cli.merge" },
  { "sessions", require "debrief.cli.sessions" },
  { "check", require "debrief.cli.check" },
  { "repair", require "debrief.cli.repair" },
  { "plugins", require "debrief.cli.plugins" },
  { "import", require "debrief.cli.import" },
  { "run", require "debrief.cli.run" },
  { "repl", require "debrief.cli.repl" },
  { "completion", require "debrief.cli.completion" },
  { "help", require "debrief.cli.help" },
}

--- @param left gets `text` when the words ask for help or the version
-- @return the parser, and the modules of the commands by name
return function(left)
  local modules = {}
  for _, pair in ipairs(COMMANDS) do modules[pair[1]] = pair[2] end
  return parser.new(left, COMMANDS), modules
end
