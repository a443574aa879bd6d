--- How many columns of a terminal a text takes, and cutting and padding by columns.
--
-- Wide characters (East Asian, emoji) take two, combining marks none; characters of ambiguous width one. A character
-- with a U+FE0F after it is shown as an emoji, takes two, and is never cut between them; the same with the colour of a
-- skin after it. The text is taken as it would be printed: pass it through `debrief.text.escape` first. A byte that is
-- not UTF-8 counts as one column.
-- @module debrief.text.width
local trim = require "debrief.text.trim"
local unicode = require "debrief.text.unicode"

local within = unicode.within

local width = {}

local EMOJI_STYLE = "\u{fe0f}"
local SKIN = "\xf0\x9f\x8f[\xbb-\xbf]" -- U+1F3FB to U+1F3FF

local function of_code(code)
  if code < 0x300 then return 1 end
  if within(unicode.zero, code) then return 0 end
  return within(unicode.wide, code) and 2 or 1
end

-- Characters with their widths: `for from, to, columns in characters(text)`.
local function characters(text)
  local at = 1
  return function()
    if at > #text then return nil end
    local from = at
    local valid, code = pcall(utf8.codepoint, text, from)
    if not valid then
      at = from + 1
      return from, from, 1
    end
    at = utf8.offset(text, 2, from)
    if text:sub(at, at + #EMOJI_STYLE - 1) == EMOJI_STYLE and within(unicode.emoji, code) then
      at = at + #EMOJI_STYLE
      return from, at - 1, 2
    end
    if within(unicode.skin, code) and text:find("^" .. SKIN, at) then
      at = at + 4
      return from, at - 1, 2
    end
    return from, at - 1, of_code(code)
  end
end

--- Columns of a text without line breaks.
function width.of(text)
  if not text:find("[\128-\255]") then return #text end
  local total = 0
  local pairs_up = text:find(EMOJI_STYLE, 1, true) or text:find(SKIN)
  if utf8.len(text) and not pairs_up then -- faster than what follows, which takes any bytes
    for _, code in utf8.codes(text) do total = total + of_code(code) end
    return total
  end
  for _, _, columns in characters(text) do total = total + columns end
  return total
end

-- The longest start of the text that fits into `columns`, as an index and its width.
local function fitting(text, columns)
  local last, used = 0, 0
  for _, to, w in characters(text) do
    if used + w > columns then break end
    last, used = to, used + w
  end
  return last, used
end

--- The text, cut to at most `columns`, with "…" instead of what was cut off.
function width.cut(text, columns)
  if width.of(text) <= columns then return text end
  if columns < 1 then return "" end
  return text:sub(1, (fitting(text, columns - 1))) .. "…"
end

--- The text, cut to its last `columns`, with "…" instead of what was cut off: for paths, whose end says most.
function width.cut_left(text, columns)
  local excess = width.of(text) - columns
  if excess <= 0 then return text end
  if columns < 1 then return "" end
  for from, _, w in characters(text) do
    if excess < 0 then return "…" .. text:sub(from) end
    excess = excess - w
  end
  return "…"
end

--- The text filled with spaces to `columns`; align is "left" (default), "right" or "center".
function width.pad(text, columns, align)
  local missing = columns - width.of(text)
  if missing <= 0 then return text end
  if align == "right" then return (" "):rep(missing) .. text end
  if align == "center" then return (" "):rep(missing // 2) .. text .. (" "):rep(missing - missing // 2) end
  return text .. (" "):rep(missing)
end

-- A word that is longer than a line, in pieces that each fill one: all but the last become lines. Returns the last and
-- its width.
local function split(word, columns, lines)
  local from, used = 1, 0
  for at, _, w in characters(word) do
    if used + w > columns and used > 0 then
      lines[#lines + 1] = word:sub(from, at - 1)
      from, used = at, 0
    end
    used = used + w
  end
  return word:sub(from), used
end

-- The words of one line, wrapped into lines of at most `columns`.
local function refill(paragraph, columns, lines)
  local line, used = {}, 0
  for word in paragraph:gmatch("%S+") do
    local taken = width.of(word)
    if line[1] and used + 1 + taken <= columns then
      used = used + 1 + taken
    else
      if line[1] then lines[#lines + 1] = table.concat(line, " ") end
      if taken > columns then word, taken = split(word, columns, lines) end
      line, used = {}, taken
    end
    line[#line + 1] = word
  end
  lines[#lines + 1] = table.concat(line, " ")
end

--- The text as lines of at most `columns`, broken at spaces (and inside words that are longer than a line). Line breaks
-- in the text stay, and so do lines that fit, with their spaces.
function width.wrap(text, columns)
  columns = math.max(columns, 2)
  local lines = {}
  for paragraph in (text .. "\n"):gmatch("(.-)\n") do
    paragraph = trim.right(paragraph)
    if width.of(paragraph) <= columns then lines[#lines + 1] = paragraph else refill(paragraph, columns, lines) end
  end
  return lines
end

return width
