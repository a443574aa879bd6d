--- `--where EXPR`: a Lua expression over the fields of an entry, as a filter.
--
--     skill == "review" and (duration_ms or 0) > 60000     a name is a field, else a virtual field
--                                    (debrief.entry.virtual), else a global of the sandbox, else nil
--     entry["end"] ~= nil                                  `entry` is the entry itself, `debrief` the library
--
-- An expression that names known fields only, as most do, runs with the entry itself as its environment: each name
-- costs one look into the entry. Any other runs in an environment that also finds globals and remembers names no entry
-- had.
-- @module debrief.query.where
local asked = require "debrief.entry.asked"
local expression = require "debrief.text.expression"
local sandbox = require "debrief.plugin.sandbox"
local virtual = require "debrief.entry.virtual"

local where = {}

local WORDS = { ["and"] = true, ["or"] = true, ["not"] = true, ["nil"] = true, ["true"] = true, ["false"] = true }

--- Is the text one expression? See debrief.text.expression.
where.check = expression.check

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
      if virtual.has(name) then return virtual.value(entry, name) end
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
    local run = assert(load("local _ENV = ... " .. expression.chunk(text), "=where", "t", {}))
    return function(entry) return run(entry) and true or false end, state
  end
  local env, set = environment(state, log)
  local run = assert(load(expression.chunk(text), "=where", "t", env))
  return function(entry)
    set(entry)
    return run() and true or false
  end, state
end

-- The text with the inside of its quotes blanked, every byte at its place.
local function masked(text)
  local blank = text:gsub("\\.", "  ")
  return (blank:gsub([=[(["'])(.-)%1]=], function(quote, inside) return quote .. (" "):rep(#inside) .. quote end))
end

--- The expression with quotes around a text that lacks them: `skill == review` compares two fields, and where no entry
-- has the second one, a text was meant.
-- @param text the expression
-- @param names those that no entry had: name -> true
-- @return the expression as it was meant, and the text; nil where there is no such text
function where.quoted(text, names)
  local bare, at = masked(text), 1
  while true do
    local from, to, word = bare:find("[=~]=%s*()[%a_]", at)
    if not from then return nil end
    local last = select(2, bare:find("^[%w_-]*[%w_]", word)) -- claude-sonnet-4 is a text, not two subtractions
    local first = bare:match("^[%w_]+", word)
    if names[first] and not bare:find("^%s*[%.%[%(:]", last + 1) then
      local value = text:sub(word, last)
      return text:sub(1, word - 1) .. '"' .. value .. '"' .. text:sub(last + 1), value
    end
    at = to
  end
end

--- What a runtime error says, in the words of the expression.
function where.message(message)
  message = message:gsub("^where:%d+: ", ""):gsub("%(global '([^']*)'%)", "(field '%1')")
  return message .. (message:find "nil" and "; an absent field is nil: write (duration_ms or 0)" or "")
end

return where
