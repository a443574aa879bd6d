--- Text from a log, made safe to show: nothing in it moves the cursor, turns the text around or hides.
--
-- Escaped are: C0 controls and DEL (`\x1b`, `\n`, `\t`), bytes that are not UTF-8 (`\xff`), C1 controls, bidi controls,
-- zero-width and other invisible characters, line and paragraph separators (`\u{202e}`). All other text stays as it is,
-- its backslashes too. A terminal, a file and a pipe get the same.
-- @module debrief.text.escape

local short = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

-- First and last of each run of code points that are escaped, above ASCII.
local hidden = {
  0x80, 0x9f, 0xad, 0xad, 0x61c, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180e, 0x200b, 0x200f, 0x2028, 0x202e,
  0x2060, 0x206f, 0x3164, 0x3164, 0xfeff, 0xfeff, 0xffa0, 0xffa0, 0xfff0, 0xfffb, 0xe0000, 0xe0fff,
}

local function is_hidden(code)
  for i = 1, #hidden, 2 do
    if code <= hidden[i + 1] then return code >= hidden[i] end
  end
  return false
end

local function escape_byte(byte)
  return short[byte] or ("\\x%02x"):format(byte:byte())
end

local function escape_code(char)
  local code = utf8.codepoint(char)
  return is_hidden(code) and ("\\u{%x}"):format(code) or nil
end

-- One stretch of UTF-8 and the bytes that are not, in turn.
local function escape_high(text)
  local out, from = {}, 1
  while from <= #text do
    local length, bad = utf8.len(text, from)
    local stretch = text:sub(from, length and #text or bad - 1)
    out[#out + 1] = stretch:gsub("[\xc2-\xf4][\x80-\xbf]*", escape_code)
    if length then break end
    out[#out + 1] = escape_byte(text:sub(bad, bad))
    from = bad + 1
  end
  return table.concat(out)
end

--- @param text a string
-- @param keep the control characters to leave, of "\n" and "\t"; by default none
-- @return the text, safe to print
local function escape(text, keep)
  if not text:find("[\0-\31\127-\255]") then return text end
  keep = keep or ""
  text = text:gsub("[\0-\31\127]", function(byte)
    if keep:find(byte, 1, true) and short[byte] then return nil end
    return escape_byte(byte)
  end)
  if not text:find("[\128-\255]") then return text end
  return escape_high(text)
end

return escape
