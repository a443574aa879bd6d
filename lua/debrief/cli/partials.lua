--- Files of partial results, as `retro --partial` writes them.
-- @module debrief.cli.partials
local messages = require "debrief.cli.messages"

local partials = {}

--- Their lines, or leave with status 1.
-- @param files names; - is standard input
-- @return array of { place = "FILE:1", text = }
function partials.lines(files)
  local lines = {}
  for _, name in ipairs(files) do
    local file, message = io.stdin, nil
    if name ~= "-" then file, message = io.open(name, "rb") end
    if not file then messages.fail("cannot read " .. message) end
    local number = 0
    for text in file:lines() do
      number = number + 1
      if text:find "%S" then lines[#lines + 1] = { place = ("%s:%d"):format(name, number), text = text } end
    end
    if name ~= "-" then file:close() end
  end
  if #lines == 0 then messages.fail "there is no partial result in the input" end
  return lines
end

return partials
