--- Output to a terminal, through a pager if it is longer than the screen.
--
--     write, write …      held while it fits the screen; printed at the end
--     write               one row more: the pager starts and gets everything; the user can leave it at any time
--
-- Without a command nothing is held: all text goes to the descriptor.
-- @module debrief.text.pager
local core = require "debrief.core"
local terminal = require "debrief.text.terminal"
local width = require "debrief.text.width"
local write = require "debrief.text.write"

local pager = {}
pager.__index = pager

local NOT_FOUND, NOT_RUN = 127, 126 -- exit statuses of sh

-- As in git: colours pass, and short text stays on the screen.
local PREPARE = 'export LESS="${LESS-FRX}" LV="${LV--c}"\n'

-- Rows of the screen that a text takes; colour codes take no columns.
local function rows_of(text, columns)
  local rows = 0
  for line in text:gmatch "([^\n]*)\n?" do
    rows = rows + math.max(1, (width.of((line:gsub("\27%[[%d;]*m", ""))) + columns - 1) // columns)
  end
  return rows
end

--- @param given { fd =, command = what sh starts as the pager, or nil, rows =, columns = of the screen }
function pager.new(given)
  return setmetatable({ fd = given.fd, command = given.command, left = (given.rows or 0) - 1, -- one is the prompt's
    columns = given.columns, held = given.command and {} or nil }, pager)
end

local function start(self)
  local held = table.concat(self.held)
  self.held = nil
  self.program = core.pager(PREPARE .. self.command)
  return self:write(held)
end

--- Write a text.
-- @return what debrief.text.write.outcome returns
function pager:write(text)
  if self.program then return write.outcome(self.program:write(text)) end
  if not self.held then return write.to(self.fd, text) end
  self.held[#self.held + 1] = text
  self.left = self.left - rows_of(text, self.columns)
  if self.left < 0 then return start(self) end
  return true
end

--- Print what is held, or wait until the user leaves the pager.
-- @return what `write` returns
function pager:close()
  local held, program = self.held, self.program
  self.held, self.program = nil, nil
  if held and #held > 0 then return write.to(self.fd, table.concat(held)) end
  local status = program and program:close()
  if status ~= NOT_FOUND and status ~= NOT_RUN then return true end
  return nil, ("the pager '%s' did not run; --no-pager prints without one"):format(self.command)
end

pager.__close = pager.close

--- The command of the user's pager.
-- @return nil if no pager should be used; or nil and a message if the one in $PAGER does not exist
function pager.command()
  if terminal.is_dumb() then return nil end
  local command = os.getenv "PAGER"
  local words = command or "less"
  if not words:find "%S" or words:match "^%s*(%S+)%s*$" == "cat" then return nil end
  local name = words:match "^%s*([%w_./+-]+)%f[%s\0]"
  if not name then return words end -- the shell's business
  for folder in ((name:find "/" and "" or os.getenv "PATH" or "") .. ":"):gmatch "([^:]*):" do
    local stat = core.stat(name:find "/" and name or folder .. "/" .. name)
    if stat and stat.kind == "file" then return words end
  end
  return nil, command and ("the pager '%s' in $PAGER does not exist"):format(name) or nil
end

return pager
