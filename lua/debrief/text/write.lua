--- Writing to a descriptor. A reader that has gone away ends the writing and is no failure: `debrief read | head`. By
-- default a signal ends the program then; where that is ignored, the program ends as if it had come, without a word.
-- @module debrief.text.write
local core = require "debrief.core"

local write = {}

write.CUT = 128 + 13 -- the exit status when nobody read all of the output: that of SIGPIPE
write.cut = false -- has that happened to this state's standard output?

--- How a write ended.
-- @param ok, message, code what core.write returned, or a write to another program
-- @return true: it is written; false: the reader has gone; nil and a message: it failed
function write.outcome(ok, message, code)
  if ok then return true end
  if code == core.EPIPE then return false end
  return nil, "cannot write: " .. message
end

--- Write a text to a descriptor. Returns what `outcome` returns.
function write.to(fd, text)
  local written, message = write.outcome(core.write(fd, text))
  write.cut = write.cut or written == false and fd == 1
  return written, message
end

return write
