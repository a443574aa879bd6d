--- A long text as one short line: for findings, tables and prompts.
--
--     short("\n=====\n\27[31mno such file\27[0m\nmore", 10)      no such f…
-- @module debrief.text.short
local core = require "debrief.core"

-- Beyond ASCII, without signs: punctuation, arrows, boxes (U+2000 to U+2FFF), emoji.
local OTHER_LETTERS = "[\xc3-\xe1\xe3-\xef][\x80-\xbf]"

local LOOKS = 1 << 16 -- bytes of a text that are looked at

-- The first line with a word in it, of any script; without one, the first with a letter or digit.
local function telling_line(text)
  if not text:find "[\r\n\27]" then return text end
  local other
  for line in text:gmatch "[^\r\n]+" do
    line = line:gsub("\27%[[%d;]*%a", "") -- colours
    if line:find "%a%a" or line:find(OTHER_LETTERS) then return line end
    other = other or line:find "%w" and line
  end
  return other or text:match "[^\r\n]+" or ""
end

-- At most n characters, "…" for what was cut off.
local function cut(text, n)
  local past = utf8.offset(text, n + 1)
  if not past or past > #text then return text end
  return text:sub(1, utf8.offset(text, n) - 1) .. "…"
end

--- The first line of a text that says something, without colours, control characters and spaces around it.
-- @param value a text; nil is "", and any other value is taken as tostring shows it: a part of an entry as its JSON
-- @param n how many characters it may have, "…" for what was cut off included; 80 by default
-- @return one line of text
local function short(value, n)
  n = n or 80
  if math.type(n) ~= "integer" or n < 1 then error("short: the length is an integer from 1 on", 2) end
  if value == nil or value == core.null then return "" end
  local line = telling_line(tostring(value):sub(1, math.max(LOOKS, 4 * n)))
  if line:find "%c" then line = line:gsub("%c", " ") end
  local from = line:find "[^%s\x80-\xbf]"
  return from and cut(line:match(".*%S", from), n) or ""
end

return short
