--- The contract (api 1): is the table that a file returns a plugin? plugins/README.md describes it.
-- @module debrief.plugin.contract
local core = require "debrief.core"
local key_order = require "debrief.text.keys"
local options = require "debrief.plugin.options"
local glob = require "debrief.import.glob"
local siblings = require "debrief.import.siblings"
local rights = require "debrief.plugin.rights"
local suggest = require "debrief.text.suggest"

local contract = {}

contract.API = 1

-- ---- Kinds of values: is it one, and what must it be? ---------------------------------------------------------------

local function is_function(value) return type(value) == "function", "a function" end
local function is_boolean(value) return type(value) == "boolean", "true or false" end
local function is_table(value) return type(value) == "table", "a table" end
local function is_list(value)
  local n = 0
  if type(value) == "table" then for _ in next, value do n = n + 1 end end
  return type(value) == "table" and n == #value, "a list"
end

local function is_number(value) return type(value) == "number", "a number" end
local function is_api(value) return value == contract.API, tostring(contract.API) end
local function is_on_error(value) return value == "store" or value == "refuse", '"store" or "refuse"' end

local function is_name(value)
  return type(value) == "string" and value:find "^[a-z][a-z0-9_]*$" ~= nil, "a name like slow_runs: [a-z][a-z0-9_]*"
end

local function is_scalar(value)
  return type(value) == "string" or type(value) == "number" or type(value) == "boolean", "a string, number or boolean"
end

local function is_line(value)
  return type(value) == "string" and value ~= "" and not value:find "\n", "one line of text"
end

local function is_type(value)
  return value == "integer" or value == "number" or value == "string" or value == "boolean" or value == "file",
    "integer, number, string, boolean or file"
end

-- ---- Keys -----------------------------------------------------------------------------------------------------------

local keys = {
  plugin = {
    name = is_name, api = is_api, summary = is_line, options = is_table, split = is_boolean, needs = is_table,
    match = is_table, enrich = is_function, filter = is_function, on_error = is_on_error, retrospective = is_table,
    export = is_function, import = is_table,
  },
  retrospective = { init = is_function, step = is_function, merge = is_function, finish = is_function },
  import = { detect = is_function, open = is_function, siblings = is_table, files = is_table, places = is_list },
  option = {
    type = is_type, default = is_scalar, min = is_number, max = is_number, choices = is_list, check = is_function,
    help = is_line,
  },
}

local required = {
  plugin = { "name", "api" }, retrospective = { "init", "step", "finish" }, import = { "open" }, option = { "type" },
}

-- A key in a message: anything may be one.
local function named(key)
  local kind = type(key)
  return (kind == "string" or kind == "number" or kind == "boolean") and tostring(key) or "(a " .. kind .. ")"
end

local function unknown_key(key, kind)
  local known = key_order.sorted(keys[kind])
  local near, hint = suggest(named(key), known)
  return ("unknown key '%s'%s"):format(named(key), near and hint or "; known are " .. table.concat(known, ", "))
end

-- Are all keys of `t` known and of their kind, and are those that must be there?
-- @return true, or nil and a message about the first that is not
local function check_keys(t, kind, where)
  for _, key in ipairs(key_order.sorted(t)) do
    local check = keys[kind][key]
    if not check then return nil, ("%s: %s"):format(where, unknown_key(key, kind)) end
    local ok, wanted = check(t[key])
    if not ok then return nil, ("%s: %s must be %s, not %s"):format(where, key, wanted, options.shown(t[key])) end
  end
  for _, key in ipairs(required[kind]) do
    if t[key] == nil then return nil, ("%s: %s is missing"):format(where, key) end
  end
  return true
end

-- ---- Parts ----------------------------------------------------------------------------------------------------------

local function check_match(match, where)
  for field, wanted in next, match do
    local list = type(wanted) == "table" and wanted or { wanted }
    local fine = type(field) == "string" and #list > 0
    for _, value in ipairs(list) do fine = fine and is_scalar(value) end
    if not fine then
      return nil, ("%s: match.%s must be a string, number or boolean, or a list of them"):format(where, named(field))
    end
  end
  return true
end

local function check_default(option, at)
  local value, wanted = options.convert(option, option.default), "of type " .. option.type
  local ok = value == option.default and math.type(value) == math.type(option.default)
  if ok then ok, wanted = options.allows(option, value) end
  if not ok then return nil, ("%s: default must be %s, not %s"):format(at, wanted, options.shown(option.default)) end
  return true
end

local function check_option(option, at)
  if type(option) ~= "table" then return nil, at .. " must be a table: { type = …, default = … }" end
  local ok, message = check_keys(option, "option", at)
  if not ok then return nil, message end
  local is_numeric = option.type == "integer" or option.type == "number"
  if not is_numeric and (option.min or option.max) then return nil, at .. ": min and max are for numbers" end
  if option.type == "file" and (option.default ~= nil or option.choices) then
    return nil, at .. ": only the user names a file: no default, no choices"
  end
  for _, choice in ipairs(option.choices or {}) do
    if options.convert(option, choice) ~= choice then
      return nil, ("%s: the choice %s is not of type %s"):format(at, options.shown(choice), option.type)
    end
  end
  if option.default == nil then return true end
  return check_default(option, at)
end

local function check_options(declared, where)
  for name, option in next, declared do
    local fine, wanted = is_name(name) -- shells complete it
    if not fine then
      return nil, ("%s: the name of an option must be %s, not %s"):format(where, wanted, options.shown(name))
    end
    local ok, message = check_option(option, ("%s: options.%s"):format(where, name))
    if not ok then return nil, message end
  end
  return true
end

-- A folder that begins at the home folder or at one that a variable of the environment names.
local function is_place(text)
  return type(text) == "string" and #text < 256 and text:find "^[~$][%w_]*/[%g ]+$" ~= nil
    and not text:find("..", 1, true)
end

local function check_import(part, where)
  local ok, message = check_keys(part, "import", where .. ": import")
  if ok and part.siblings then ok, message = siblings.check(part.siblings, where) end
  if ok and part.files and not glob.are_patterns(part.files) then
    return nil, ('%s: import.files must be a list of names of files: { "rollout-*.jsonl", "log/*.json" }'):format(where)
  end
  for _, place in ipairs(ok and part.places or {}) do
    if not is_place(place) then
      return nil, ('%s: import.places must be a list of folders: { "~/.agent/logs", "$AGENT_HOME/logs" }'):format(where)
    end
  end
  return ok, message
end

-- What the parts of a plugin are checked with.
local parts = {
  { "retrospective", function(part, where) return check_keys(part, "retrospective", where .. ": retrospective") end },
  { "import", check_import },
  { "options", check_options },
  { "needs", rights.check },
  { "match", check_match },
}

--- Check what a plugin file returned.
-- @param t any value
-- @param found what debrief.plugin.find returned: its path is named in messages
-- @return true, or nil and a message
function contract.check(t, found)
  local where = found.path
  if type(t) ~= "table" then
    return nil, ("%s: a plugin returns a table, this one returned %s%s"):format(where, core.type(t),
      t == nil and " (is the `return` missing?)" or "")
  end
  local ok, message = check_keys(t, "plugin", where)
  if not ok then return nil, message end
  if t.name ~= found.name then
    return nil, ("%s: name is '%s', but the file is called %s.lua: make them equal"):format(where, t.name, found.name)
  end
  for _, part in ipairs(parts) do
    local name, check = part[1], part[2]
    if t[name] ~= nil then
      ok, message = check(t[name], where)
      if not ok then return nil, message end
    end
  end
  return true
end

return contract
