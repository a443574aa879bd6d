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
local core = require "debrief.core"
local expression = require "debrief.text.expression"
local sandbox = require "debrief.plugin.sandbox"
local virtual = require "debrief.entry.virtual"
local words = require "debrief.entry.status_words"

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

-- ---- In C ---------------------------------------------------------------------------------------------------------

--- The expression as a condition in C (src/lua/condition.h), which readers test before there is an entry.
-- @param text an expression that where.check accepts
-- @return the condition; nil if the expression is more than comparisons of fields with constants
function where.condition(text)
  local globals, def = sandbox.environment(), { words = words, ways = {}, terms = {} }
  local terms = require "debrief.measure.value".terms(text)
  for i, term in ipairs(terms or {}) do
    local name = term.way.text
    local is_global = name == "debrief" or rawget(globals, name) ~= nil
    -- a way would raise where its first part is nothing
    if name:find(".", 1, true) or is_global and not term.way.expected then return nil end
    def.ways[i] = term.way
    def.terms[i] = { way = i, sign = term.sign, constant = term.constant }
  end
  return terms and core.condition(def) or nil
end

local ORDERS = { ["<"] = true, ["<="] = true, [">"] = true, [">="] = true }

--- Can the condition be tested by several threads, without a Lua state? Not where texts are put in order, which depends
-- on the locale, nor where a name may be a mistake: that is seen over all entries.
-- @param text an expression that where.check accepts
function where.is_free(text)
  for _, term in ipairs(require "debrief.measure.value".terms(text) or {}) do
    if not term.way.expected or ORDERS[term.sign] and type(term.constant) == "string" then return false end
  end
  return true
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
local masked = expression.masked

-- Where the words stand that are compared with something and may be texts without quotes: { first byte, last byte, the
-- name that Lua sees }.
local function bare_words(text)
  local bare, out, at = masked(text), {}, 1
  while true do
    local _, to, from = bare:find("[=~]=%s*()[%a_]", at)
    if not from then return out end
    local last = select(2, bare:find("^[%w_-]*[%w_]", from)) -- claude-sonnet-4 is a text, not two subtractions
    if not bare:find("^%s*[%.%[%(:]", last + 1) then out[#out + 1] = { from, last, bare:match("^[%w_]+", from) } end
    at = to
  end
end

--- The expression with quotes around texts that lack them: `skill == review` compares two fields, and where no entry
-- has the second one, a text was meant.
-- @param text the expression
-- @param names those that no entry had: name -> true
-- @return the expression as it was meant, and the first such text; nil where there is none
function where.quoted(text, names)
  local out, at, first = {}, 1, nil
  for _, word in ipairs(bare_words(text)) do
    local from, last, name = table.unpack(word)
    -- after a comparison that is false, the names in others were never asked for
    local is_text = names[name] or first and not (asked.known[name] or virtual.has(name) or WORDS[name])
    if is_text then
      first = first or text:sub(from, last)
      out[#out + 1] = text:sub(at, from - 1) .. '"' .. text:sub(from, last) .. '"'
      at = last + 1
    end
  end
  return first and table.concat(out) .. text:sub(at), first
end

--- What a runtime error says, in the words of the expression.
function where.message(message)
  message = message:gsub("^where:%d+: ", ""):gsub("%(global '([^']*)'%)", "(field '%1')")
  return message .. (message:find "nil" and "; an absent field is nil: write (duration_ms or 0)" or "")
end

return where
