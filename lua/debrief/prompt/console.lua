--- A prompt and a console together: lines are read, fed and remembered until the input ends.
-- @module debrief.prompt.console
local core = require "debrief.core"
local write = require "debrief.text.write"

local consoles = {}

--- A console without line editing: lines from standard input; prompts only when that is a terminal. Nil where scripts
-- have no io.
function consoles.plain()
  if not io then return nil end
  local asked, open, failure = core.terminal(0) ~= nil, true, nil
  -- What a script has written through io comes before what is written past it.
  local function put(text, is_error)
    pcall(function() io.output():flush() end) -- a script may have closed it
    local written, message = write.to(is_error and 2 or 1, text)
    if not written and not is_error then open, failure = false, failure or message end
  end
  return {
    read = function(mark)
      if asked then put(mark) end
      if failure then error(failure, 0) end
      return open and io.read "l" or nil
    end,
    write = put, remember = function() end, width = function() return core.terminal(1) end, color = false,
  }
end

--- The host's console, else a plain one; nil if there is neither. And whether it is interactive.
function consoles.find()
  local console = core.console()
  if console then return console, true end
  return consoles.plain(), core.terminal(0) ~= nil
end

--- Read from a console and feed a prompt until the input ends or the user leaves.
-- @param console { read = function(mark, complete) -> line, nil at the end, false when interrupted, write =,
--   remember = function(text), width =, color = }
-- @return the last value
function consoles.run(prompt, console)
  local function complete(line, point) return prompt:complete(line, point) end
  prompt.remember = console.remember
  while true do
    local line = console.read(prompt:mark(), complete)
    if line == nil then break end
    local status
    if line then status = prompt:feed(line) else prompt:reset() end
    if status == "quit" then return prompt.last end
  end
  prompt:close()
  return prompt.last
end

return consoles
