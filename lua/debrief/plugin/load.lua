--- Loading a plugin: its text runs in its own environment, and the result is checked. In worker states.
-- @module debrief.plugin.load
local core = require "debrief.core"
local contract = require "debrief.plugin.contract"
local message_of = require "debrief.pretty.raised"
local rights = require "debrief.plugin.rights"
local said = require "debrief.plugin.said"
local sandbox = require "debrief.plugin.sandbox"

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

-- Run the chunk within the plugin's time. The table it returned, or nil and a message.
local function run(chunk, path)
  local ok, result, late = core.bounded(core.host().plugin_time or 0, message_of, chunk)
  if not ok then
    local full = said.full(result)
    return nil, (late and path .. ": loading it " or full and path .. ": " or "") .. (full or result)
  end
  local left = { items = MOST_ITEMS }
  result = copied(result, LEVELS, left)
  if left.items < 0 then return nil, ("%s: its table has more than %d items"):format(path, MOST_ITEMS) end
  return result
end

--- Load a plugin.
-- @param found what debrief.plugin.find returned; allow = right -> true, its rights; shown = true when it is only
--   described, so rights that it needs may be missing
-- @param log function(level, text) that its print goes to
-- @return the plugin's table, or nil and a message
local function load_plugin(found, log)
  local environment = sandbox.environment(log, found.allow)
  local chunk, message = load(found.text, "@" .. found.path, "t", environment)
  if not chunk then return nil, "plugin does not load: " .. said.line(message) end
  local result, ok
  result, message = run(chunk, found.path)
  if message then return nil, "plugin does not load: " .. said.line(message) end
  ok, message = contract.check(result, found)
  if not ok then return nil, "plugin does not load: " .. said.line(message) end
  ok, message = rights.judge(result, found.allow or {}, found.shown)
  if not ok then return nil, message end
  return result
end

return load_plugin
