--- `--where EXPR`: a Lua expression over the fields of an entry, as a filter.
--
--     skill == "review" and (duration_ms or 0) > 60000     a name is a field, else a global of the sandbox, else nil
--     entry["end"] ~= nil                                  `entry` is the entry itself, `debrief` the library
--
-- An expression that names known fields only, as most do, runs with the entry itself as its environment: each name
-- costs one look into the entry. Any other runs in an environment that also finds globals and remembers names no entry
-- had.
-- @module debrief.query.where
local asked = require "debrief.entry.asked"
local sandbox = require "debrief.plugin.sandbox"
local width = require "debrief.text.width"

local where = {}

local WORDS = { ["and"] = true, ["or"] = true, ["not"] = true, ["nil"] = true, ["true"] = true, ["false"] = true }

local function chunk(text) return "return (" .. text .. "\n)" end

-- ---- Syntax -----------------------------------------------------------------------------------------------------

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

--- Is the text one expression?
-- @return true; or nil and a message that shows the place
function where.check(text)
  local ok, message = load(chunk(text), "=where", "t", {})
  if not ok then return nil, explain(text, message) end
  ok, message = load("return " .. text .. "\n", "=where", "t", {})
  if not ok then return nil, explain(text, message) end
  return true
end

-- ---- Running ----------------------------------------------------------------------------------------------------

-- Are all names of the text known fields? Says no when it is not sure.
local function only_fields(text)
  if text:find "%-%-" or text:find "%[=*%[" then return false end
  local bare = text:gsub("\\.", ""):gsub([=[(["'])(.-)%1]=], " "):gsub("%.%.+", " ")
  for before, name in bare:gmatch "([%.:]?)%s*%f[%w_]([%a_][%w_]*)" do
    if not (asked.known[name] or before ~= "" or WORDS[name]) then return false end
  end
  return true
end

local function environment(state, log)
  local globals = sandbox.environment(log)
  rawset(globals, "debrief", sandbox.library {})
  local entry
  local env = setmetatable({}, {
    __index = function(_, name)
      if name == "entry" then return entry end
      local value = entry[name]
      if value ~= nil then
        state:hit(name)
        return value
      end
      value = rawget(globals, name)
      if value == nil then state:miss(name, entry) end
      return value
    end,
    __newindex = function(_, name) error(("an expression cannot assign to '%s'"):format(tostring(name)), 2) end,
  })
  return env, function(e) entry = e end
end

--- The expression as a filter.
-- @param text an expression that where.check accepts
-- @param log function(level, text) that print goes to
-- @return function(entry) -> boolean, and the names it asked for (see debrief.entry.asked)
function where.filter(text, log)
  local state = asked.new()
  if only_fields(text) then
    local run = assert(load("local _ENV = ... " .. chunk(text), "=where", "t", {}))
    return function(entry) return run(entry) and true or false end, state
  end
  local env, set = environment(state, log)
  local run = assert(load(chunk(text), "=where", "t", env))
  return function(entry)
    set(entry)
    return run() and true or false
  end, state
end

--- What a runtime error says, in the words of the expression.
function where.message(message)
  message = message:gsub("^where:%d+: ", ""):gsub("%(global '([^']*)'%)", "(field '%1')")
  return message .. (message:find "nil" and "; an absent field is nil: write (duration_ms or 0)" or "")
end

return where
