--- Colours and styles of a terminal.
-- @module debrief.text.colour

local colour = {}

local STYLES = {
  bold = "\27[1m", dim = "\27[2m",
  c1 = "\27[36m", c2 = "\27[33m", c3 = "\27[32m", c4 = "\27[35m", c5 = "\27[34m", c6 = "\27[31m", -- series of charts
  ok = "\27[32m", fail = "\27[31m", skip = "\27[33m", -- outcomes; unknown has no colour
}

--- A text in a style.
-- @param style its name; with an unknown name the text stays as it is
function colour.paint(style, text)
  local code = STYLES[style]
  return code and text ~= "" and code .. text .. "\27[0m" or text
end

return colour
