--- An expression as Lua text in which comparisons are calls, so that one with an absent field can be nil.
--
--     duration_ms > 60000 and skill ~= "tdd"   ->   _ops.lt(60000,duration_ms) and _ops.ne(skill,"tdd")
--     phase == nil                             ->   phase == nil     (asks whether it is absent)
--
-- The text must be an expression that Lua accepts (debrief.text.expression).
-- @module debrief.text.translate

local OPS = { ["<"] = "lt", ["<="] = "le", [">"] = "gt", [">="] = "ge", ["=="] = "eq", ["~="] = "ne" }
local CLOSING = { ["("] = ")", ["["] = "]", ["{"] = "}" }

-- ---- Tokens ---------------------------------------------------------------------------------------------------------

-- Where the string in quotes that begins at `at` ends.
local function quoted(text, at)
  local quote, i = text:sub(at, at), at + 1
  while text:sub(i, i) ~= quote do i = i + (text:sub(i, i) == "\\" and 2 or 1) end
  return i
end

-- The token at `at`, past blanks and comments: its text, kind ("name", "text" or "sign"), and where the next begins.
local function token(text, at)
  while true do
    at = text:match("^%s*()", at)
    local level = text:match("^%-%-%[(=*)%[", at)
    if level then at = select(2, text:find("]" .. level .. "]", at, true)) + 1
    elseif text:find("^%-%-", at) then at = text:find("\n", at, true) or #text + 1
    else break end
  end
  if at > #text then return nil, nil, at end
  local name = text:match("^[%a_\128-\255][%w_\128-\255]*", at)
  if name then return name, "name", at + #name end
  local number = text:match("^%.?%d[%w.]*", at)
  while number and number:find "^0[xX]" == nil and number:find "[eE]$" and text:find("^[+-]", at + #number) do
    number = number .. text:match("^[+-]%w*", at + #number)
  end
  if number then return number, "text", at + #number end
  local first = text:sub(at, at)
  if first == '"' or first == "'" then
    local stop = quoted(text, at)
    return text:sub(at, stop), "text", stop + 1
  end
  local long = text:match("^%[(=*)%[", at)
  if long then
    local stop = select(2, text:find("]" .. long .. "]", at, true))
    return text:sub(at, stop), "text", stop + 1
  end
  local sign = text:match("^%.%.%.?", at) or text:match("^[<>=~]=", at) or text:match("^//", at)
    or text:match("^<<", at) or text:match("^>>", at) or first
  return sign, "sign", at + #sign
end

-- ---- Rewriting ------------------------------------------------------------------------------------------------------

local either -- or, and, comparisons

-- What stands between two brackets, up to the closing one: expressions with "," ";" and "=" between them.
local function inside(s, closing)
  local out = {}
  while s.token ~= closing do
    if s.kind == "sign" and (s.token == "," or s.token == ";" or s.token == "=") then
      out[#out + 1] = s.token
      s.next()
    else
      out[#out + 1] = either(s)
    end
  end
  s.next()
  return table.concat(out)
end

local WORDS = { ["nil"] = true, ["true"] = true, ["false"] = true, ["not"] = true }
local ENDS = { [","] = true, [";"] = true, ["="] = true, [")"] = true, ["]"] = true, ["}"] = true }
local JOINS = { ["and"] = true, ["or"] = true }

-- Everything that binds closer than a comparison, as it stands.
local function operand(s)
  local out = {}
  while s.token and not (s.kind == "name" and JOINS[s.token])
    and not (s.kind == "sign" and (OPS[s.token] or ENDS[s.token])) do
    local text, kind, before = s.token, s.kind, out[#out]
    if kind == "name" and before ~= "." and before ~= ":" and not WORDS[text] then s.names[#s.names + 1] = text end
    if kind == "name" and text == "function" then error({ message = "a function cannot be written here" }, 0) end
    s.next()
    if kind == "sign" and CLOSING[text] then text = text .. inside(s, CLOSING[text]) .. CLOSING[text] end
    out[#out + 1] = text
  end
  return table.concat(out, " ")
end

local function comparison(s)
  local left = operand(s)
  while s.kind == "sign" and OPS[s.token] do
    local sign = s.token
    s.next()
    local right = operand(s)
    if left == "nil" or right == "nil" then left = ("(%s %s %s)"):format(left, sign, right)
    else left = ("_ops.%s(%s,%s)"):format(OPS[sign], left, right) end
  end
  return left
end

function either(s)
  local out = { comparison(s) }
  while s.kind == "name" and JOINS[s.token] do
    out[#out + 1] = s.token
    s.next()
    out[#out + 1] = comparison(s)
  end
  return table.concat(out, " ")
end

-- `not a == b` compares what `not a` is.
local operations = {
  lt = function(a, b) if a ~= nil and b ~= nil then return a < b end end,
  le = function(a, b) if a ~= nil and b ~= nil then return a <= b end end,
  gt = function(a, b) if a ~= nil and b ~= nil then return a > b end end,
  ge = function(a, b) if a ~= nil and b ~= nil then return a >= b end end,
  eq = function(a, b) if a ~= nil and b ~= nil then return a == b end end,
  ne = function(a, b) if a ~= nil and b ~= nil then return a ~= b end end,
}

--- @param text an expression that Lua accepts
-- @return the Lua text of an expression that needs `_ops` = the second result, and the names in it; or nil and a
--   message
local function translate(text)
  local s = { at = 1, names = {} }
  function s.next() s.token, s.kind, s.at = token(text, s.at) end
  s.next()
  local ok, result = pcall(either, s)
  if ok then return result, operations, s.names end
  return nil, type(result) == "table" and result.message or result
end

return translate
