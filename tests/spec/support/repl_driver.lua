-- Feeds the lines of standard input to a prompt and prints what a terminal would show. For `debrief run`, so that it
-- is the program's own prompt, in the time zone the spec chooses.
local repl = require "debrief.repl"

local prompt = repl.new {
  log = log, library = debrief, width = function() return 100 end, -- luacheck: ignore
  write = function(text) io.write(text) end,
}
for line in io.lines() do
  io.write(prompt:mark(), line, "\n")
  if prompt:feed(line) == "quit" then break end
end
prompt:close()
