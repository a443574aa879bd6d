--- What commands print: to standard output, through a pager when that is a terminal and the screen is too small for it.
-- What goes to stderr waits for it (`debrief.cli.messages` closes it), so that no message lands in a pager's screen.
-- @module debrief.cli.output
local core = require "debrief.core"
local progress = require "debrief.cli.progress"

local output = {}

local PIECE = 1 << 16 -- bytes that wait to be written at once; a terminal sees each line

local given = { fd = 1 }
local waiting, bytes = {}, 0
local open, left -- the open pager; nobody reads any more

--- Say how this command prints. Until then, and without a terminal, no pager is used.
-- @param no_pager true: none is wanted
-- @return a message when the pager that the user wants is not there
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

-- `written` is false when nobody reads any more, nil when it failed.
local function check(written, message)
  if written == nil then error({ message = message, status = 1 }, 0) end
  return written
end

-- A pager is loaded only where there may be one.
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

--- Print what waits, and wait until the user has left the pager.
function output.close()
  flush()
  local one = open
  open = nil
  if one then check(one:close()) end
end

return output
