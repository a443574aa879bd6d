--- What was typed, as Lua: an expression, a statement, or the beginning of one.
-- @module debrief.prompt.syntax
local syntax = {}

local NAME = "=repl"

-- Could more lines complete it? A short string continues only after a backslash.
local function unfinished(text, message)
  if not message:find "near <eof>$" then return false end
  return not message:find "unfinished string near" or text:find "\\z?%s*$" ~= nil
end

-- `local x = 1` without `local`, so that the next line still knows x; nil when the text does not begin so.
local function without_local(text)
  local body = text:match "^%s*local%s+(function%s.*)$"
  if body then return body end
  body = text:match "^%s*local%s+([%a_].*)$"
  local names, rest = (body or ""):match "^([%w_%s,]+)(.*)$"
  if not names or names:find "^%s*function%f[%W]" then return nil end
  if rest:find "^=[^=]" then return body end
  return rest:find "^;?$" and names .. " = nil" or nil
end

-- Which of two messages helps more: that for the text as an expression, or as a statement.
local function better(text, expression, statement)
  local first = text:match "^%s*([%a_][%w_]*)" or text:match "^%s*(%S)"
  local near = statement:match "unexpected symbol near '(.*)'$"
  return near and first and near:sub(1, #first) == first and expression or statement
end

local MOST_ENDS = 100 -- lines at the end of a block that may be one expression

-- A block of statements whose last lines are a call, so that it returns what that returns; nil: it has no such end.
-- Lines that could go on with the one before are left alone.
local function with_value(text)
  local at, n = #text, 0
  while at > 0 and n < MOST_ENDS do
    while at > 0 and text:byte(at) ~= 10 do at = at - 1 end
    local head, tail = text:sub(1, at - 1), text:sub(at + 1)
    if at > 0 and tail:find "^%s*[%a_]" and load("return " .. tail, NAME, "t") and load(head, NAME, "t") then
      return head .. "\nreturn " .. tail
    end
    at, n = at - 1, n + 1
  end
end

--- Compile what was typed: as an expression first, then as a statement.
-- @param env its globals
-- @return the function and "expression" or "statement"; nil and a message; or nil alone when it is not finished
function syntax.compile(text, env)
  local equals = text:match "^%s*=(.*)$" -- as in older versions of lua
  local expression, message = load("return " .. (equals or text), NAME, "t", env)
  if expression then return expression, "expression" end
  local open = unfinished(text, message)
  local block = text:find "\n" and with_value(text)
  if block then
    local f = load(without_local(block) or block, NAME, "t", env) or load(block, NAME, "t", env)
    if f then return f, "statement" end
  end
  local statement, problem = load(without_local(text) or text, NAME, "t", env)
  if not statement then statement, problem = load(text, NAME, "t", env) end
  if statement then return statement, "statement" end
  if open or unfinished(text, problem) then return nil end
  return nil, better(text, message, problem)
end

--- Is the text a whole statement, as it stands?
function syntax.is_statement(text) return load(text, NAME, "t") ~= nil end

-- ---- Where the cursor is --------------------------------------------------------------------------------------------

-- The end of a string or comment in long brackets that opens at `at`; nil when it is open.
local function long_end(text, at, level)
  local _, stop = text:find("]" .. level .. "]", at, true)
  return stop and stop + 1
end

-- The place after a short string that begins at `at`; nil if it is still open at the end of the text.
local function short_end(text, at)
  local quote = text:sub(at, at)
  at = at + 1
  while true do
    at = text:find("[\\\n" .. quote .. "]", at)
    if not at then return nil end
    local c = text:sub(at, at)
    if c == quote then return at + 1 end
    if c == "\n" then return at end -- unfinished: the line ends it
    at = at + 2
    if at > #text + 1 then return nil end
  end
end

-- The place after the string or comment at `at`, nil if it is still open; and where the inside of a string begins.
local function skip(text, at)
  local comment = text:find("^%-%-", at)
  local level = text:match(comment and "^%-%-%[(=*)%[" or "^%[(=*)%[", at)
  if level then
    local inside = at + #level + (comment and 4 or 2)
    return long_end(text, inside, level), not comment and inside or nil
  end
  if comment then
    local line = text:find("\n", at, true)
    return line, nil
  end
  return short_end(text, at), at + 1
end

--- What the end of a text is inside of.
-- @return "code"; "comment"; or "string", the text before the string and what stands in it so far
function syntax.inside(text)
  local at = 1
  while true do
    local from = text:find("[\"'%-%[]", at)
    if not from then return "code" end
    if text:find("^[\"']", from) or text:find("^%-%-", from) or text:find("^%[=*%[", from) then
      local after, inside = skip(text, from)
      if not after then
        if not inside then return "comment" end
        return "string", text:sub(1, from - 1), text:sub(inside)
      end
      at = after
    else
      at = from + 1
    end
  end
end

return syntax
