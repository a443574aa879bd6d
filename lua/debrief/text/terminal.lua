--- The abilities of a terminal: the one place that reads TERM and NO_COLOR.
--
-- A terminal is dumb when TERM is unset, empty or "dumb": lines are written to it one after another, nothing else.
-- src/program/terminal.c decides the same way for the prompt.
-- @module debrief.text.terminal
local core = require "debrief.core"

local terminal = {}

function terminal.is_dumb()
  local term = os.getenv "TERM"
  return term == nil or term == "" or term == "dumb"
end

--- May text for this descriptor be coloured?
function terminal.has_color(fd)
  local no_color = os.getenv "NO_COLOR"
  return core.terminal(fd) ~= nil and (no_color == nil or no_color == "") and not terminal.is_dumb()
end

--- Does the locale write UTF-8?
function terminal.is_utf8()
  for _, name in ipairs { "LC_ALL", "LC_CTYPE", "LANG" } do
    local value = os.getenv(name)
    if value and value ~= "" then return value:lower():find "utf%-?8" ~= nil end
  end
  return false
end

--- Can a line be drawn over again on this descriptor?
function terminal.can_redraw(fd) return core.terminal(fd) ~= nil and not terminal.is_dumb() end

return terminal
