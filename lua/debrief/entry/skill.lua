--- Which skill a run is of. An agent's plugins may have skills of the same name, so the plugin (`source.plugin`) is
-- part of what distinguishes them, and is shown only where a name alone would be ambiguous.
--
--     key(entry)    "review", or ":tools:review" if the entry names the plugin; nil without a skill
--     names(by)     "review"; "tools:review" and "team:review" where two plugins have a review
--
-- That is known only at the end of a log: retrospectives count by key, and turn keys into names when they finish. A run
-- that names no plugin belongs to the only plugin with such a skill; where there are several, it has a row of its own.
-- @module debrief.entry.skill
local aggregate = require "debrief.retro.aggregate"
local core = require "debrief.core"

local skill = {}

local function name_and_plugin(key)
  local plugin, name = key:match "^:(.-):(.*)$"
  return name or key, plugin
end

--- The skill of an entry as a key to count by.
-- @return a text, nil if the entry has no skill
function skill.key(entry)
  local name, source = entry.skill, entry.source
  if source == nil then return name end
  local plugin = name and core.type(source) == "object" and source.plugin
  return type(plugin) == "string" and plugin ~= "" and (":%s:%s"):format(plugin, name) or name
end

--- The names of some keys.
-- @param by a state of aggregate.by with all the keys of a log
-- @return function(key) -> name
function skill.namer(by)
  local plugins = {}
  for key in aggregate.each(by) do
    local name, plugin = name_and_plugin(key)
    plugins[name] = (plugins[name] or 0) + (plugin and 1 or 0)
  end
  return function(key)
    local name, plugin = name_and_plugin(key)
    return plugin and plugins[name] and plugins[name] > 1 and plugin .. ":" .. name or name
  end
end

--- What was counted by key, by name.
-- @param by a state of aggregate.by, which is not changed
-- @return a state like it with the names of skills as keys
function skill.names(by)
  local named, name_of = aggregate.by(by.row), skill.namer(by)
  for key, row in aggregate.each(by) do aggregate.merge(aggregate.at(named, name_of(key)), row) end
  return named
end

return skill
