--- Scripts of the user's own: finding them among the words, running them, what is said when they fail.
-- @module debrief.cli.script
local guard = require "debrief.run.script".guard

local script = {}

-- The place of the first word that is no option, from `at` on; -- ends the options.
local function first_plain(words, at, takes)
  while words[at] do
    local word = words[at]
    if word == "--" then return at + 1 end
    if word == "-" or word:sub(1, 1) ~= "-" then return at end
    at = at + (takes[word] and 2 or 1)
  end
  return at
end

--- Where the script is among the words of the program, so that what is behind it is left to it.
-- @param command the command that runs scripts
-- @param takes option -> true: those that take a word with them, besides -d
-- @return the place; nil: it is another command, or there is no script
function script.place(words, command, takes)
  local folder = { ["-d"] = true, ["--dir"] = true }
  local at = first_plain(words, 1, folder)
  if words[at] ~= command then return nil end
  for option in pairs(takes or {}) do folder[option] = true end
  local place = first_plain(words, at + 1, folder)
  return words[place] and place
end

--- As lua does: the script at 0, its words behind, what is before it at negative places.
function script.arg(words, place)
  local arg = {}
  for i = 0, #words do arg[i - place] = words[i] end
  return arg
end

--- Call a function of the user's, which Ctrl-C may end.
-- @return true and its first result; or false, the message with a traceback, and the exit status
function script.call(f, ...)
  local ok, raised, interrupted = guard(f, ...)
  if ok then return true, raised end
  return false, raised.message .. "\n" .. raised.traceback, interrupted and 130 or 1
end

return script
