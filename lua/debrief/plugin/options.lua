--- The options of a plugin: declared by it, set by the user.
--
--     options = { limit = { type = "integer", default = 10, min = 1 } }      --opt limit=5  ->  { limit = 5 }
-- @module debrief.plugin.options
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local keys = require "debrief.text.keys"
local message_of = require "debrief.pretty.raised"
local said = require "debrief.plugin.said"
local suggest = require "debrief.text.suggest"

local options = {}

--- A wrong value as a message shows it.
function options.shown(value)
  local kind = core.type(value)
  if kind == "string" then return ("'%s'"):format(escape(value)) end
  if kind == "number" or kind == "boolean" then return tostring(value) end
  return (kind:find "^[aeiou]" and "an " or "a ") .. kind
end

local MOST_BYTES = 16 << 20 -- of a file that is named for an option

local function read(path)
  local text, message = core.slurp(path, MOST_BYTES + 1)
  if text and #text > MOST_BYTES then return nil, path .. ": more than 16 MiB" end
  return text, message
end

-- What an option that is a length of time, as its name says, has for a text such as "1 m 30 s".
local function length_of(value, name)
  local unit = name and name:match "_(m?s)$"
  local ms = unit and type(value) == "string" and require "debrief.text.time".duration(value)
  return ms and (unit == "s" and ms / 1000 or ms)
end

--- A value as one of the option's type: texts become numbers and booleans, the name of a file its text. Nil when it is
-- not one, and the reason if it is not just its type.
-- @param name of the option; one that ends in _ms or _s also takes "90 s" or "1 m 30 s"
function options.convert(option, value, name)
  if option.type == "string" then return tostring(value) end
  if option.type == "file" then return read(tostring(value)) end
  if option.type == "boolean" then
    if value == true or value == "true" then return true end
    if value == false or value == "false" then return false end
    return nil
  end
  local number = tonumber(value) or length_of(value, name)
  if option.type == "integer" then return number and math.tointeger(number) end
  return number
end

--- Is a value of the option's type one that it may have?
-- @return true; or false, what it must be, and a hint that begins with ':', if there is one
function options.allows(option, value)
  if option.min and value < option.min then return false, ("at least %s"):format(option.min) end
  if option.max and value > option.max then return false, ("at most %s"):format(option.max) end
  if not option.choices then return true end
  local texts = {}
  for i, choice in ipairs(option.choices) do
    if choice == value then return true end
    texts[i] = tostring(choice)
  end
  return false, "one of " .. table.concat(texts, ", "), select(2, suggest(tostring(value), texts))
end

local function unknown(t, name, declared)
  local names = keys.sorted(declared)
  local near, hint = suggest(name, names)
  local what = near and hint or #names > 0 and "; it has " .. table.concat(names, ", ") or ": it has none"
  return ("plugin '%s' has no option '%s'%s"):format(t.name, name, what)
end

local function checked(t, name, option, value)
  local converted, why = options.convert(option, value, name)
  if converted == nil then
    if why then return nil, ("option %s.%s: %s"):format(t.name, name, why) end
    return nil, ("option %s.%s is of type %s: '%s' is not"):format(t.name, name, option.type, tostring(value))
  end
  local ok, wanted, hint = options.allows(option, converted)
  if not ok then
    return nil, ("option %s.%s must be %s, not %s%s"):format(t.name, name, wanted, tostring(value), hint or "")
  end
  return converted
end

-- What the plugin's own checks say of its options, all of which have their values.
local function run_checks(t, values, declared, given)
  for _, name in ipairs(keys.sorted(declared)) do
    local check = declared[name].check
    if check and values[name] ~= nil then
      local called, fine, wanted = core.bounded(core.host().plugin_time or 0, message_of, check, values[name], values)
      if not called then
        return nil, ("the check of option %s.%s failed: %s"):format(t.name, name, said.line(fine))
      end
      if not fine then
        return nil, ("option %s.%s must be %s, not %s"):format(t.name, name,
          type(wanted) == "string" and escape(wanted) or "another",
          options.shown(declared[name].type == "file" and given[name] or values[name]))
      end
    end
  end
  return true
end

--- The values of a plugin's options: the user's settings, else the defaults.
-- @param t the plugin's table, which debrief.plugin.contract accepts
-- @param given name -> text or value, or nil
-- @return name -> value, or nil and a message
function options.values(t, given)
  local out, declared = {}, t.options or {}
  for name, option in next, declared do out[name] = option.default end
  for name, value in next, given or {} do
    if not declared[name] then return nil, unknown(t, name, declared) end
    local converted, message = checked(t, name, declared[name], value)
    if converted == nil then return nil, message end
    out[name] = converted
  end
  local ok, message = run_checks(t, out, declared, given)
  if not ok then return nil, message end
  return out
end

return options
