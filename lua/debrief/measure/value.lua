--- A value of an entry that a user names: a field or a way into it, a virtual field, a comparison, or any expression.
--
--     duration_ms    attempts.-1.model    week    duration_ms > 60000    skill:match "^[^-]+"
--
-- One level down (attempts, calls of tools) names are those of the item, then those of its entry; but what every item
-- may have, as duration_ms, is never that of the entry: `entry.duration_ms` is.
--
-- A comparison with an absent field is nil.
-- @module debrief.measure.value
local asked = require "debrief.entry.asked"
local core = require "debrief.core"
local expression = require "debrief.text.expression"
local path = require "debrief.entry.path"
local translate = require "debrief.text.translate"
local trim = require "debrief.text.trim"
local virtual = require "debrief.entry.virtual"

local value = {}

local NAME = "^[%a_][%w_]*$" -- a "-" would subtract: entry.input["a-b"] reaches such a name

-- Names that are no fields where they stand alone.
local WORDS = { ["nil"] = true, ["true"] = true, ["false"] = true, ["not"] = true, entry = true, item = true }

--- Is the text a way into an entry, as `input.task` and `attempts.-1.model` are?
function value.is_way(text)
  local first = text:match "^([^.]+)"
  if not first or not first:find(NAME) or WORDS[first] then return false end
  for part in (text .. "."):gmatch "([^.]*)%." do
    if not (part:find(NAME) or part:find "^%-?%d+$") then return false end
  end
  return true
end

-- ---- Items ----------------------------------------------------------------------------------------------------------

local function set_of(names)
  local set = {}
  for name in names:gmatch "%S+" do set[name] = true end
  return set
end

-- Names that are never looked for in the entry of an item.
local OWN = {
  attempts = set_of "attempt model output_summary runner_output verified duration_ms checks usage cost_usd verdict",
  tools = set_of "name target duration_ms error failed",
}

local absent = {
  -- The model of a run, and its time if it had one attempt, are those of its attempts.
  attempts = function(item, entry, name)
    if name == "model" then return entry.model_used end
    if name == "duration_ms" then return virtual.attempt_ms(item, entry) end
  end,
  tools = function(item, _, name)
    if name == "error" or name == "failed" then return item.error == true end
  end,
}

--- What the name of an item's own field means where the item does not have it.
-- @return true if it is such a name, and the value or nil
local function own(each, item, entry, name)
  if not (item and OWN[each][name]) then return false end
  return true, absent[each](item, entry, name)
end

-- ---- Ways -----------------------------------------------------------------------------------------------------------

-- Note what was asked for, so that a misspelt name can be reported.
local function noted(found, name, item, entry, names)
  if found ~= nil then names:hit(name) return found end
  local first = name:match "^[^.]+"
  if virtual.has(name) or entry[first] ~= nil or item and item[first] ~= nil then return end
  names:miss(name, entry)
end

local function way_of(name, names, each)
  return function(item, entry)
    local found, is_own
    if item then found = path.find(item, name) end
    if found == nil then is_own, found = own(each, item, entry, name) end
    if is_own then return found end
    if found == nil then found = path.get(entry, name) end
    return noted(found, name, item, entry, names)
  end
end

-- ---- Comparisons ----------------------------------------------------------------------------------------------------

local LITERALS = { ["true"] = true, ["false"] = false }

-- A number, a text in quotes without escapes, true or false; the second result says that it is one.
local function literal(text)
  if LITERALS[text] ~= nil then return LITERALS[text], true end
  local quoted = text:match [[^"([^"\]*)"$]] or text:match [[^'([^'\]*)'$]]
  if quoted then return quoted, true end
  local number = text:find "^%-?[%d.]" and tonumber(text)
  return number, number ~= nil and number ~= false
end

local compare = {
  ["=="] = function(a, b) return a == b end, ["~="] = function(a, b) return a ~= b end,
  ["<"] = function(a, b) return a < b end, ["<="] = function(a, b) return a <= b end,
  [">"] = function(a, b) return a > b end, [">="] = function(a, b) return a >= b end,
}

--- A comparison of a way with a constant, as { way =, sign =, constant = }; nil if the text is something else.
function value.comparison(text)
  local way, sign, rest = text:match "^([%w_.-]+)%s*([<>=~]=?)%s*(.-)$"
  if not way or not compare[sign] or not value.is_way(way) then return nil end
  local constant, is_literal = literal(rest)
  if is_literal then return { way = way, sign = sign, constant = constant } end
end

local function comparison_of(found, names, each)
  local get, test, constant = way_of(found.way, names, each), compare[found.sign], found.constant
  return function(item, entry)
    local x = get(item, entry)
    if x ~= nil then return test(x, constant) end
  end
end

-- ---- Expressions ----------------------------------------------------------------------------------------------------

local function environment(names, globals, operations, each)
  local item, entry
  local env = setmetatable({}, {
    __index = function(_, name)
      if name == "_ops" then return operations end
      if name == "entry" then return entry end
      if name == "item" then return item end
      local found, is_own
      if item then found = item[name] end
      if found == nil or found == core.null then is_own, found = own(each, item, entry, name) end
      if is_own then return found end
      if found == nil then found = entry[name] end
      if found == core.null then found = nil end
      if found ~= nil then names:hit(name) return found end
      if virtual.has(name) then return virtual.value(entry, name) end
      found = globals[name]
      if found == nil then names:miss(name, entry) end
      return found
    end,
    __newindex = function(_, name) error(("an expression cannot assign to '%s'"):format(tostring(name)), 2) end,
  })
  return env, function(i, e) item, entry = i, e end
end

local function expression_of(text, names, globals, each)
  local ok, message = expression.check(text)
  if not ok then return nil, message end
  local translated, operations = translate(text)
  if not translated then return nil, operations end
  local env, set = environment(names, globals, operations, each)
  local run = assert(load(expression.chunk(translated), "=expression", "t", env))
  return function(item, entry)
    set(item, entry)
    return (run())
  end
end

--- @param text what the user wrote
-- @param context { names = debrief.entry.asked, which notes what was asked for; globals = what an expression sees
--   besides fields; each = "attempts", "tools" or nil: what the items are }
-- @return function(item or nil, entry) -> value, which may raise; or nil and a message
function value.of(text, context)
  text = trim.both(text)
  local names, each = context.names, context.each
  if value.is_way(text) then return way_of(text, names, each) end
  local found = value.comparison(text)
  if found then return comparison_of(found, names, each) end
  return expression_of(text, names, context.globals, each)
end

local EXPECTED = setmetatable({}, { __index = function(_, name)
  return asked.known[name] or virtual.has(name)
end })

--- What a text is, as the tally in C reads it (debrief.measure.tally): a way, or a comparison of one with a constant.
-- @return { way = { text =, own =, expected =, virtual = }, sign =, constant = }; nil if it is an expression
function value.plain(text, each)
  text = trim.both(text)
  local found = value.is_way(text) and { way = text } or value.comparison(text)
  if not found then return nil end
  local name = found.way
  return { sign = found.sign, constant = found.constant, way = { text = name, virtual = virtual.has(name),
    own = each ~= nil and OWN[each][name] or false, expected = EXPECTED[name] or false } }
end

--- What a text is that says what must hold: comparisons, `name` and `not name`, with `and` between them.
-- @return an array of what `plain` returns, with the sign "not" for `not name`; nil if it is anything else
function value.terms(text, each)
  local terms = {}
  for i, part in ipairs(expression.conjuncts(text)) do
    local rest = part:match "^%s*not%s+(.*)$"
    local term = value.plain(rest or part, each)
    if not term or rest and term.sign then return nil end
    term.sign = rest and "not" or term.sign
    terms[i] = term
  end
  return terms
end

--- A new record of names for `of`.
value.names = asked.new

return value
