-- Feeds the lines of standard input to a session and prints what a terminal would show. For `debrief run`, so that it
-- is the program's own session, in the time zone the spec chooses.
local repl = require "debrief.repl"

local session = repl.new {
  log = log, library = debrief, width = function() return 100 end, -- luacheck: ignore
  write = function(text) io.write(text) end,
}
for line in io.lines() do
  io.write(session:prompt(), line, "\n")
  if session:feed(line) == "quit" then break end
end
session:close()
