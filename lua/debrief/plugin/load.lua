--- Loading a plugin: its text runs in an environment of its own, and what it returns is checked. In worker states.
-- @module debrief.plugin.load
local contract = require "debrief.plugin.contract"
local message_of = require "debrief.pretty.raised"
local rights = require "debrief.plugin.rights"
local sandbox = require "debrief.plugin.sandbox"

--- Load a plugin.
-- @param found what debrief.plugin.find returned; allow = right -> true, its rights; shown = true when it is only
--   described, so rights that it needs may be missing
-- @param log function(level, text) that its print goes to
-- @return the plugin's table, or nil and a message
local function load_plugin(found, log)
  local environment = sandbox.environment(log, found.allow)
  local chunk, message = load(found.text, "@" .. found.path, "t", environment)
  if not chunk then return nil, "plugin does not load: " .. message end
  local ok, result = pcall(chunk)
  if not ok then return nil, "plugin does not load: " .. message_of(result) end
  ok, message = contract.check(result, found)
  if not ok then return nil, "plugin does not load: " .. message end
  ok, message = rights.judge(result, found.allow or {}, found.shown)
  if not ok then return nil, message end
  return result
end

return load_plugin
