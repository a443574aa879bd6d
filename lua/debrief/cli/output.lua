--- The output of commands: to standard output, through a pager if that is a terminal and the screen is too small.
-- Messages on stderr wait for it (`debrief.cli.messages` closes it), so that none lands in the pager's screen.
-- @module debrief.cli.output
local core = require "debrief.core"
local progress = require "debrief.cli.progress"

local output = {}

local PIECE = 1 << 16 -- bytes that are collected for one write; a terminal sees each line

local given = { fd = 1 }
local waiting, bytes = {}, 0
local open, left -- the open pager; true once the reader has gone

--- Say how this command prints. Until then, and without a terminal, no pager is used.
-- @param no_pager true: use none
-- @return a message if the user's pager does not exist
function output.setup(no_pager)
  local columns, rows = core.terminal(1)
  given, open, waiting, bytes, left = { fd = 1, columns = columns, rows = rows }, nil, {}, 0, false
  if not columns or no_pager then return nil end
  local command, message = require "debrief.text.pager".command()
  given.command = command
  return message
end

--- What debrief.pager.new takes, as plain data: for a worker that prints itself.
function output.given() return given end

-- `written` is false if the reader has gone, nil if writing failed.
local function check(written, message)
  if written == nil then error({ message = message, status = 1 }, 0) end
  return written
end

-- The pager is loaded only if one may be used.
local function put(text)
  if not given.command then return require "debrief.text.write".to(given.fd, text) end
  open = open or require "debrief.text.pager".new(given)
  return open:write(text)
end

local function flush()
  if bytes == 0 or left then return end
  local text = table.concat(waiting)
  waiting, bytes = {}, 0
  if given.columns then progress.clear() end
  left = not check(put(text))
end

--- Print texts.
function output.write(...)
  if left then return end
  for _, text in ipairs { ... } do
    waiting[#waiting + 1] = text
    bytes = bytes + #text
  end
  if given.columns or bytes >= PIECE then flush() end
end

--- Print what was collected, and wait until the user has left the pager.
function output.close()
  flush()
  local one = open
  open = nil
  if one then check(one:close()) end
end

return output
