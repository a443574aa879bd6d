--- Writing to a descriptor. A reader that has gone away ends the writing and is not a failure: `debrief read | head`.
-- @module debrief.text.write
local core = require "debrief.core"

local write = {}

--- How a write ended.
-- @param ok, message, code what core.write returned, or a write to another program
-- @return true: it is written; false: the reader has gone; nil and a message: it failed
function write.outcome(ok, message, code)
  if ok then return true end
  if code == core.EPIPE then return false end
  return nil, "cannot write: " .. message
end

--- Write a text to a descriptor. Returns what `outcome` returns.
function write.to(fd, text) return write.outcome(core.write(fd, text)) end

return write
