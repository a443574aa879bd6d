--- One Lua expression in a text that a user wrote: is it one, and if not, where does it go wrong?
-- @module debrief.text.expression
local width = require "debrief.text.width"

local expression = {}

--- The expression as a chunk that returns its value. An expression cannot end it early: see `check`.
function expression.chunk(text) return "return (" .. text .. "\n)" end

-- The byte at which the token begins that a text goes wrong with: what stands before it could still be completed.
local function place(text)
  local at = 1
  for n = #text - 1, 1, -1 do
    local ok, message = load("return (" .. text:sub(1, n), "=where", "t")
    if ok or message:find "near <eof>$" then
      at = n + 1
      break
    end
  end
  while at > 1 and text:find("^[%w_][%w_]", at - 1) do at = at - 1 end
  return at
end

local hints = {
  { "^=", "`==` compares" }, { "^!=", "`~=` is not equal" }, { "^!", "`not` negates" }, { "^&", "write `and`" },
  { "^|", "write `or`" }, { "^[%a_]", "between two of them goes `and` or `or`, and text in quotes" },
  { "^[\128-\255]", 'any name is reached by entry["name"]' },
}

local function hint(rest)
  for _, pair in ipairs(hints) do
    if rest:find(pair[1]) then return (" (%s)"):format(pair[2]) end
  end
  return ""
end

-- The line of the text that byte `at` is on, and a mark below that byte.
local function pointed(text, at)
  local from = #(text:sub(1, at - 1):match "^.*\n" or "")
  local line = text:match("^[^\n]*", from + 1)
  local before = line:sub(1, at - from - 1):gsub("\t", " ")
  return ("\n  %s\n  %s^"):format(line:gsub("\t", " "), (" "):rep(width.of(before)))
end

local function explain(text, message)
  if not text:find "%S" then return "the expression is empty" end
  local _, open = load("return (" .. text, "=where", "t")
  if open and open:find "near <eof>$" and not open:find "unfinished" then
    return "the expression ends too early" .. pointed(text, #text + 1)
  end
  local at = place(text)
  local rest = text:sub(at)
  local what = message:match " near (.*)$" or ""
  if rest:find "^[\128-\255]" then what = ("'%s'"):format(rest:match "^[\128-\255]+") end
  if not message:find "expected" then return message:gsub("^where:%d+: ", "") .. pointed(text, at) end
  return ("unexpected %s%s%s"):format(what, hint(rest), pointed(text, at))
end

--- The text with the inside of its quotes blanked, every byte at its place.
function expression.masked(text)
  local blank = text:gsub("\\.", "  ")
  return (blank:gsub([=[(["'])(.-)%1]=], function(quote, inside) return quote .. (" "):rep(#inside) .. quote end))
end

--- The parts of a text between its `and`, wherever those stand.
-- @return an array of texts
function expression.conjuncts(text)
  local parts, bare, at = {}, expression.masked(text), 1
  while true do
    local from, to = bare:find("%f[%w_]and%f[^%w_]", at)
    parts[#parts + 1] = text:sub(at, (from or 0) - 1)
    if not from then return parts end
    at = to + 1
  end
end

--- Is the text one expression?
-- @return true; or nil and a message that shows the place
function expression.check(text)
  local ok, message = load(expression.chunk(text), "=where", "t", {})
  if not ok then return nil, explain(text, message) end
  ok, message = load("return " .. text .. "\n", "=where", "t", {})
  if not ok then return nil, explain(text, message) end
  return true
end

return expression
