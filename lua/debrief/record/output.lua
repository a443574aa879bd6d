--- What a command printed, as the text of an entry.
-- @module debrief.record.output
local output = {}

-- Sequences that steer a terminal (ECMA-48): CSI, OSC and other strings up to BEL or ST, character sets, two bytes.
local SEQUENCES = {
  "\27%[[0-?]*[ -/]*[@-~]", "\27[%]PX^_][^\7\27]*\7", "\27[%]PX^_][^\7\27]*\27\\", "\27[ -/]+[0-~]", "\27[0-Z\\^-~]",
}

--- The text without what steers terminals, with "\n" at the ends of lines.
function output.plain(text)
  if text:find("\27", 1, true) then
    for _, sequence in ipairs(SEQUENCES) do text = text:gsub(sequence, "") end
  end
  return (text:gsub("\r\n", "\n"))
end

local function grouped(n)
  local text = ("%d"):format(n)
  repeat
    local more
    text, more = text:gsub("^(%d+)(%d%d%d)", "%1,%2")
  until more == 0
  return text
end

--- The output of an attempt: its last bytes, with a note of what is missing before them; nil for nothing.
function output.of(text, cut)
  if text == "" and cut == 0 then return nil end
  local note = cut > 0 and ("[%s bytes before this are left out]\n"):format(grouped(cut)) or ""
  return note .. output.plain(text)
end

return output
