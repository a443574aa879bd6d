--- The user's scripts: finding them among the words, running them, messages when they fail.
-- @module debrief.cli.script
local guard = require "debrief.run.script".guard

local script = {}

-- The place of the first word from `at` on that is not an option; -- ends the options.
local function first_plain(words, at, takes)
  while words[at] do
    local word = words[at]
    if word == "--" then return at + 1 end
    if word == "-" or word:sub(1, 1) ~= "-" then return at end
    at = at + (takes[word] and 2 or 1)
  end
  return at
end

--- Options of commands that run scripts: the limits of plugins, which scripts may run, too.
function script.options(command) require "debrief.cli.arguments".limit_options(command) end

--- Where the script is among the words of the program: the words after it are its own.
-- @param command the command that runs scripts
-- @param takes option -> true: options that take a value, in addition to -d
-- @return the place; nil if it is another command, or there is no script
function script.place(words, command, takes)
  local folder = { ["-d"] = true, ["--dir"] = true }
  local at = first_plain(words, 1, folder)
  if words[at] ~= command then return nil end
  for option in pairs(takes or {}) do folder[option] = true end
  folder["--plugin-time"], folder["--plugin-memory"] = true, true
  local place = first_plain(words, at + 1, folder)
  return words[place] and place
end

--- `arg` as lua sets it: the script at 0, its arguments after it, everything before it at negative indexes.
function script.arg(words, place)
  local arg = {}
  for i = 0, #words do arg[i - place] = words[i] end
  return arg
end

--- Call a function of the user, which Ctrl-C can end.
-- @return true and its first result; or false, the message with a traceback, and the exit status
function script.call(f, ...)
  local ok, raised, interrupted = guard(f, ...)
  if ok then return true, raised end
  return false, raised.message .. "\n" .. raised.traceback, interrupted and 130 or 1
end

return script
