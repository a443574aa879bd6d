--- Plugins: finding them, loading them, checking the table they return.
--
--     find(name)  -> { name, path, text }     in the caller's state: path, $DEBRIEF_PLUGIN_PATH, config folder, bundled
--     load(found) -> plugin                   in a worker's state: the text runs in an environment of its own
-- @module debrief.plugin
local core = require "debrief.core"
local message_of = require "debrief.pretty.raised"
local suggest = require "debrief.text.suggest"
local rights = require "debrief.plugin.rights"
local said = require "debrief.plugin.said"
local escape = require "debrief.text.escape"

local plugin = {}

plugin.API = 1

-- ---- Finding -------------------------------------------------------------------------------------------------------

local LONGEST = 16 << 20 -- bytes of a file that may be a plugin: what has no end, as /dev/zero, is none

local function read(path)
  local text, message = core.slurp(path, LONGEST + 1)
  if not text then return nil, message end
  if #text > LONGEST then return nil, ("%s: more than 16 MiB, that is no plugin"):format(path) end
  return text
end

--- Folders that are searched by name, in order. Never the current folder.
function plugin.folders()
  local folders = {}
  local path = core.host().plugin_path or os.getenv "DEBRIEF_PLUGIN_PATH" or ""
  for folder in path:gmatch "[^:]+" do folders[#folders + 1] = folder end
  local config = os.getenv "XDG_CONFIG_HOME"
  if not config or config == "" then config = os.getenv "HOME" and os.getenv "HOME" .. "/.config" end
  if config then folders[#folders + 1] = config .. "/debrief/plugins" end
  return folders
end

--- Is a plugin bundled, or in a folder where the user keeps plugins?
-- @param path of plugin.find
function plugin.is_vouched(path)
  if core.source(path) and path:find "^plugins/[a-z0-9_]+%.lua$" then return true end
  for _, folder in ipairs(plugin.folders()) do
    if path:match "^(.*)/[^/]+$" == folder then return true end
  end
  return false
end

--- Every plugin there is, the first of a name only: { { name =, path =, bundled = }... } sorted by name.
function plugin.all()
  local seen, out = {}, {}
  local function add(name, path, bundled)
    if name and not seen[name] then
      seen[name] = true
      out[#out + 1] = { name = name, path = path, bundled = bundled }
    end
  end
  for _, folder in ipairs(plugin.folders()) do
    for _, item in ipairs(core.list(folder) or {}) do
      add(item[1]:match "^([a-z][a-z0-9_]*)%.lua$", folder .. "/" .. item[1])
    end
  end
  for _, path in ipairs(core.sources "plugins/") do add(path:match "^plugins/([a-z][a-z0-9_]*)%.lua$", path, true) end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

local function names()
  local out = {}
  for i, item in ipairs(plugin.all()) do out[i] = item.name end
  return out
end

local function not_found(name)
  local _, hint = suggest(name, names())
  return nil, ("no plugin '%s'%s (`debrief plugins` lists them; a path needs a '/': ./%s.lua)"):format(name,
    hint, name)
end

--- Find a plugin by path (with a '/' or ending in .lua) or by name.
-- @return { name =, path =, text = }, or nil and a message
function plugin.find(name)
  if name:find "/" or name:find "%.lua$" then
    local text, message = read(name)
    if not text then return nil, ("plugin %s"):format(message) end
    return { name = name:match "([^/]+)%.lua$" or name:match "[^/]+$", path = name, text = text }
  end
  if not name:find "^[a-z][a-z0-9_]*$" then return not_found(name) end
  for _, folder in ipairs(plugin.folders()) do
    local path = ("%s/%s.lua"):format(folder, name)
    local text = core.stat(path) and read(path)
    if text then return { name = name, path = path, text = text } end
  end
  local path = ("plugins/%s.lua"):format(name)
  local text = core.source(path)
  if not text then return not_found(name) end
  return { name = name, path = path, text = text }
end

-- ---- Options -------------------------------------------------------------------------------------------------------

local shown

local function sorted_keys(t)
  local out = {}
  for key in next, t do out[#out + 1] = tostring(key) end
  table.sort(out)
  return out
end

local function convert(option, value)
  if option.type == "string" then return tostring(value) end
  if option.type == "boolean" then
    if value == true or value == "true" then return true end
    if value == false or value == "false" then return false end
    return nil
  end
  local number = tonumber(value)
  if option.type == "integer" then return number and math.tointeger(number) end
  return number
end

local function in_range(option, value)
  if option.min and value < option.min then return false, ("at least %s"):format(option.min) end
  if option.max and value > option.max then return false, ("at most %s"):format(option.max) end
  if not option.choices then return true end
  for _, choice in ipairs(option.choices) do
    if choice == value then return true end
  end
  local texts = {}
  for i, choice in ipairs(option.choices) do texts[i] = tostring(choice) end
  return false, "one of " .. table.concat(texts, ", "), select(2, suggest(tostring(value), texts))
end

-- Call a plugin's function: true and results, or false, a message, true when it took too long.
local function bounded(fn, ...) return core.bounded(core.host().plugin_time or 0, message_of, fn, ...) end

-- What the plugin's own checks say of its options, all of which have their values.
local function judge(t, values)
  for _, name in ipairs(sorted_keys(t.options or {})) do
    local option = t.options[name]
    if option.check and values[name] ~= nil then
      local called, fine, wanted = bounded(option.check, values[name], values)
      if not called then
        return nil, ("the check of option %s.%s failed: %s"):format(t.name, name, said.line(fine))
      end
      if not fine then
        return nil, ("option %s.%s must be %s, not %s"):format(t.name, name,
          type(wanted) == "string" and escape(wanted) or "another", shown(values[name]))
      end
    end
  end
  return true
end

--- The options of a plugin with defaults, and what the user gave (texts or values) put over them.
-- @return a table, or nil and a message
function plugin.options(t, given)
  local out, declared = {}, t.options or {}
  for name, option in next, declared do out[name] = option.default end
  for name, value in next, given or {} do
    local option = declared[name]
    if not option then
      local near = suggest(name, sorted_keys(declared))
      return nil, ("plugin '%s' has no option '%s'%s"):format(t.name, name, near
        and (": did you mean '%s'?"):format(near)
        or next(declared) and "; it has " .. table.concat(sorted_keys(declared), ", ") or ": it has none")
    end
    local converted = convert(option, value)
    if converted == nil then
      return nil, ("option %s.%s is of type %s: '%s' is not"):format(t.name, name, option.type, tostring(value))
    end
    local ok, wanted, hint = in_range(option, converted)
    if not ok then
      return nil, ("option %s.%s must be %s, not %s%s"):format(t.name, name, wanted, tostring(value), hint or "")
    end
    out[name] = converted
  end
  local ok, message = judge(t, out)
  if not ok then return nil, message end
  return out
end

-- ---- Checking what the file returned -------------------------------------------------------------------------------

local function is_function(value) return type(value) == "function", "a function" end
local function is_boolean(value) return type(value) == "boolean", "true or false" end
local function is_table(value) return type(value) == "table", "a table" end

local function is_name(value)
  return type(value) == "string" and value:find "^[a-z][a-z0-9_]*$" ~= nil, "a name like slow_runs: [a-z][a-z0-9_]*"
end

local function is_scalar(value)
  return type(value) == "string" or type(value) == "number" or type(value) == "boolean", "a string, number or boolean"
end

local function is_line(value)
  return type(value) == "string" and value ~= "" and not value:find "\n", "one line of text"
end

local function is_on_error(value)
  return value == "store" or value == "refuse", '"store" or "refuse"'
end

local keys = {
  plugin = {
    name = is_name, api = function(v) return v == plugin.API, "1" end, summary = is_line, options = is_table,
    split = is_boolean, needs = is_table, match = is_table, enrich = is_function, filter = is_function,
    on_error = is_on_error, retrospective = is_table, export = is_function, import = is_table,
  },
  retrospective = { init = is_function, step = is_function, merge = is_function, finish = is_function },
  import = { detect = is_function, open = is_function },
  option = { type = function(v)
    return v == "integer" or v == "number" or v == "string" or v == "boolean", "integer, number, string or boolean"
  end, default = is_scalar, min = function(v) return type(v) == "number", "a number" end,
    max = function(v) return type(v) == "number", "a number" end, help = is_line,
    choices = is_table, check = is_function },
}

local required = { plugin = { "name", "api" }, retrospective = { "init", "step", "finish" }, import = { "open" },
  option = { "type" } }

-- A wrong value as a message shows it.
function shown(value)
  if type(value) == "string" then return ("'%s'"):format(escape(value)) end
  local kind = core.type(value)
  return is_scalar(value) and tostring(value) or (kind:find "^[aeiou]" and "an " or "a ") .. kind
end

-- Are all keys of `t` known and of their type? Returns nil and a message for the first that is not.
local function check_keys(t, kind, where)
  for _, key in ipairs(sorted_keys(t)) do
    local check = keys[kind][key]
    if not check then
      local near = suggest(key, sorted_keys(keys[kind]))
      return nil, ("%s: unknown key '%s'%s"):format(where, key, near and (": did you mean '%s'?"):format(near)
        or "; known are " .. table.concat(sorted_keys(keys[kind]), ", "))
    end
    local ok, wanted = check(t[key])
    if not ok then return nil, ("%s: %s must be %s, not %s"):format(where, key, wanted, shown(t[key])) end
  end
  for _, key in ipairs(required[kind]) do
    if t[key] == nil then return nil, ("%s: %s is missing"):format(where, key) end
  end
  return true
end

local function check_match(match, where)
  for field, wanted in next, match do
    local list = type(wanted) == "table" and wanted or { wanted }
    local fine = type(field) == "string" and #list > 0
    for _, value in ipairs(list) do
      fine = fine and (type(value) == "string" or type(value) == "number" or type(value) == "boolean")
    end
    if not fine then
      return nil, ("%s: match.%s must be a string, number or boolean, or a list of them"):format(where, tostring(field))
    end
  end
  return true
end

local function check_option(option, at)
  local ok, message = check_keys(option, "option", at)
  if not ok then return nil, message end
  local numeric = option.type == "integer" or option.type == "number"
  if not numeric and (option.min or option.max) then return nil, at .. ": min and max are for numbers" end
  for _, choice in ipairs(option.choices or {}) do
    if convert(option, choice) ~= choice then
      return nil, ("%s: the choice %s is not of type %s"):format(at, shown(choice), option.type)
    end
  end
  if option.default == nil then return true end
  local value, wanted = convert(option, option.default), "of type " .. option.type
  ok = value == option.default and math.type(value) == math.type(option.default)
  if ok then ok, wanted = in_range(option, value) end
  if not ok then return nil, ("%s: default must be %s, not %s"):format(at, wanted, shown(option.default)) end
  return true
end

local function check(t, found)
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
  for _, part in ipairs { "retrospective", "import" } do
    if t[part] then
      ok, message = check_keys(t[part], part, where .. ": " .. part)
      if not ok then return nil, message end
    end
  end
  for name, option in next, t.options or {} do
    local at = ("%s: options.%s"):format(where, tostring(name))
    if type(option) ~= "table" then return nil, at .. " must be a table: { type = …, default = … }" end
    ok, message = check_option(option, at)
    if not ok then return nil, message end
  end
  if t.needs then
    ok, message = rights.check(t.needs, where)
    if not ok then return nil, message end
  end
  if t.match then return check_match(t.match, where) end
  return true
end

-- ---- Loading -------------------------------------------------------------------------------------------------------

-- The names of the parameters that are entries in the hooks of a text: enrich(entry), filter(entry), step(acc, entry) …
local ENTRY_PARAMETER = { enrich = 1, filter = 1, export = 1, step = 2 }

--- The fields of entries that a plugin's text names, as far as reading it tells: `entry.skill`, by the names its hooks
-- give the entry. Fields that a function further away reads are not seen.
-- @param text the plugin's source
-- @param match its match table, or nil
-- @return array of names, sorted
function plugin.fields(text, match)
  local seen, out = {}, {}
  for field in next, match or {} do seen[field] = true end
  for hook, position in next, ENTRY_PARAMETER do
    for list in text:gmatch("%f[%w_]" .. hook .. "%s*=%s*function%s*(%b())") do
      local parameters = {}
      for name in list:gmatch "[%a_][%w_]*" do parameters[#parameters + 1] = name end
      local entry = parameters[position] or "\0"
      for field in text:gmatch("%f[%w_]" .. entry .. "%.([%a_][%w_]*)") do seen[field] = true end
      if text:find("%f[%w_]attempts%(" .. entry .. "%)") then seen.attempts = true end
    end
  end
  for field in next, seen do out[#out + 1] = field end
  table.sort(out)
  return out
end

-- What a plugin returned, copied without metamethods, so that what it changes later changes nothing. As deep as the
-- contract goes: option -> choices.
local MOST_ITEMS, LEVELS = 100000, 4

local function copied(value, levels, left)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in next, value do
    left.items = left.items - 1
    if left.items < 0 or levels == 0 then break end
    out[key] = copied(item, levels - 1, left)
  end
  return out
end

--- Run a plugin's text in an environment of its own and check what it returns. In worker states.
-- @param found what find returned
-- @param log function(level, text)
-- @return the plugin's table, or nil and a message
function plugin.load(found, log)
  local environment = require "debrief.plugin.sandbox".environment(log, found.allow)
  local chunk, message = load(found.text, "@" .. found.path, "t", environment)
  if not chunk then return nil, "plugin does not load: " .. said.line(message) end
  local ok, result, late = bounded(chunk)
  if not ok then
    local where = late and found.path .. ": loading it " or ""
    return nil, "plugin does not load: " .. said.line(where .. result)
  end
  local left = { items = MOST_ITEMS }
  result = copied(result, LEVELS, left)
  if left.items < 0 then
    return nil, ("plugin does not load: %s: its table has more than %d items"):format(found.path, MOST_ITEMS)
  end
  ok, message = check(result, found)
  if not ok then return nil, "plugin does not load: " .. said.line(message) end
  ok, message = rights.judge(result, found.allow or {}, found.shown)
  if not ok then return nil, message end
  return result
end

return plugin
