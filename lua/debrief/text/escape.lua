--- Text from a log, made safe to show: nothing in it moves the cursor, turns the text around or hides.
--
-- Escaped are: C0 controls and DEL (`\x1b`, `\n`, `\t`), bytes that are not UTF-8 (`\xff`), C1 controls, bidi controls,
-- zero-width and other invisible characters, variation selectors, line and paragraph separators (`\u{202e}`), and marks
-- that would pile up on one letter. One U+FE0F right after an emoji stays: it only asks for the picture. All other text
-- stays as it is, its backslashes too. A terminal, a file and a pipe get the same.
-- @module debrief.text.escape
local unicode = require "debrief.text.unicode"

local escape = {}

local MOST_MARKS = 4 -- on one letter; writing systems need three

local short = { ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

-- How bytes that are no text, and characters, are written: for people, and inside of JSON.
local forms = {
  text = {
    byte = function(byte) return short[byte] or ("\\x%02x"):format(byte:byte()) end,
    bad = function(byte) return ("\\x%02x"):format(byte:byte()) end,
    code = function(code) return ("\\u{%x}"):format(code) end,
  },
  json = {
    byte = function(byte) return byte == "\r" and " " or ("\\u%04x"):format(byte:byte()) end, -- \r: between tokens
    bad = function() return "\\ufffd" end,
    code = function(code)
      if code < 0x10000 then return ("\\u%04x"):format(code) end
      code = code - 0x10000
      return ("\\u%04x\\u%04x"):format(0xd800 + (code >> 10), 0xdc00 + (code & 0x3ff))
    end,
  },
}

-- Is the U+FE0F at `at` that of an emoji? Digits, # and * are emoji only under a keycap, U+20E3.
local function follows_emoji(text, at)
  local before = at > 1 and utf8.codepoint(text, utf8.offset(text, -1, at))
  return before and unicode.within(unicode.emoji, before) and (before >= 0x80 or text:find("^\u{20e3}", at + 3))
end

-- A stretch of UTF-8.
local function escape_valid(text, form)
  local past, marks = 1, MOST_MARKS -- where the last mark ends, and how many there are; a first one has no letter
  return (text:gsub("()([\xc2-\xf4][\x80-\xbf]*)", function(at, char)
    local code = utf8.codepoint(char)
    if code == 0xfe0f and follows_emoji(text, at) then return nil end
    if unicode.within(unicode.hidden, code) then return form.code(code) end
    if code < 0x300 or not unicode.within(unicode.zero, code) then return nil end
    marks = at == past and marks + 1 or 1
    past = at + #char
    return marks > MOST_MARKS and form.code(code) or nil
  end))
end

-- One stretch of UTF-8 and the bytes that are not, in turn.
local function escape_high(text, form)
  local out, from = {}, 1
  while from <= #text do
    local length, bad = utf8.len(text, from)
    out[#out + 1] = escape_valid(text:sub(from, length and #text or bad - 1), form)
    if length then break end
    out[#out + 1] = form.bad(text:sub(bad, bad))
    from = bad + 1
  end
  return table.concat(out)
end

local function escaped(text, keep, form)
  if not text:find("[\0-\31\127-\255]") then return text end
  text = text:gsub("[\0-\31\127]", function(byte)
    if keep:find(byte, 1, true) and short[byte] then return nil end
    return form.byte(byte)
  end)
  if not text:find("[\128-\255]") then return text end
  return escape_high(text, form)
end

--- Text for people; the module itself can be called for it.
-- @param text a string
-- @param keep the control characters to leave, of "\n" and "\t"; by default none
-- @return the text, safe to print
function escape.text(text, keep) return escaped(text, keep or "", forms.text) end

--- JSON text: what is escaped is so inside of its strings, by `\u`, so it stays the same JSON.
-- @return the text, safe to print
function escape.json(text) return escaped(text, "\n\t", forms.json) end

return setmetatable(escape, { __call = function(_, ...) return escape.text(...) end })
