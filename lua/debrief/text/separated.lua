--- Values separated by commas (CSV, RFC 4180) or tabs (TSV), one record per line.
--
--     csv   a value with a comma, a quote or a line break stands in quotes, quotes in it doubled; lines end with CRLF
--     tsv   tabs, line breaks and backslashes in a value are written as \t, \n, \r and \\; lines end with LF
--
-- A spreadsheet that opens a CSV runs a text beginning with = + - @ as a formula, which a log can hold. Such a text
-- gets an apostrophe in front, which spreadsheets show as text; a number never does.
-- @module debrief.text.separated
local core = require "debrief.core"

local separated = {}

-- The signs of ASCII, tab and CR, and the wide forms of the signs, which some spreadsheets take for them.
local FORMULA = { "^[=+%-@\t\r]", "^\u{ff1d}", "^\u{ff0b}", "^\u{ff0d}", "^\u{ff20}" }

local NUMBER = "^[+-]?%d+%.?%d*$"

local function is_number(text) return text:find(NUMBER) or text:find "^[+-]?%d+%.?%d*[eE][+-]?%d+$" end

-- The text, with an apostrophe where a spreadsheet would run it.
local function guarded(text)
  for _, formula in ipairs(FORMULA) do
    if text:find(formula) and not is_number(text) then return "'" .. text end
  end
  return text
end

--- A value of a CSV.
-- @param text the value
-- @param is_text true: it comes from a text, and must not become a formula
function separated.csv(text, is_text)
  if is_text then text = guarded(text) end
  if not text:find '[,"\r\n]' then return text end
  return '"' .. text:gsub('"', '""') .. '"'
end

local escapes = { ["\t"] = "\\t", ["\n"] = "\\n", ["\r"] = "\\r", ["\\"] = "\\\\" }

--- A value of a TSV.
function separated.tsv(text) return (text:gsub("[\t\n\r\\]", escapes)) end

--- A record of a CSV, with its end.
-- @param list texts, numbers and booleans
function separated.record(list)
  local out = {}
  for i, value in ipairs(list) do
    out[i] = separated.csv(type(value) == "string" and value or core.encode(value), type(value) == "string")
  end
  return table.concat(out, ",") .. "\r\n"
end

--- What stands between values, and after the last one.
separated.marks = { csv = { ",", "\r\n" }, tsv = { "\t", "\n" } }

return separated
