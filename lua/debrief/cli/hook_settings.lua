--- The settings files of coding agents: our hooks put in and taken out, every other byte as it was.
-- @module debrief.cli.hook_settings
local core = require "debrief.core"

local settings = {}

local EVENTS = { ["claude-code"] = { "Stop", "SubagentStop", "SessionEnd" }, codex = { "Stop", "SubagentStop" } }
local CONTEXT = { "SessionStart", "UserPromptSubmit" }

--- The file that an agent reads.
-- @param scope "user" or "project"
-- @return its path; or nil and a message
function settings.path(agent, scope)
  local name = agent == "codex" and "hooks.json" or "settings.json"
  local folder = agent == "codex" and ".codex" or ".claude"
  if scope == "project" then return core.absolute "." .. "/" .. folder .. "/" .. name end
  local given = os.getenv(agent == "codex" and "CODEX_HOME" or "CLAUDE_CONFIG_DIR")
  if given and given ~= "" then return given .. "/" .. name end
  local home = os.getenv "HOME"
  if not home or home == "" then return nil, "HOME is not set: there is no telling where the settings are" end
  return home .. "/" .. folder .. "/" .. name
end

-- Is this an entry of a list of hooks that starts us for the agent?
local function is_ours(group, agent)
  if core.type(group) ~= "object" or core.type(group.hooks) ~= "array" then return false end
  for _, hook in ipairs(group.hooks) do
    local command = core.type(hook) == "object" and hook.command
    if type(command) ~= "string" or not command:find("debrief", 1, true)
      or not (command .. " "):find(" hook " .. agent .. " ", 1, true) then return false end
  end
  return #group.hooks > 0
end

-- The elements of a list without ours, as they are written.
local function others(list, agent)
  local out = core.array {}
  for _, group in ipairs(list or {}) do
    if not is_ours(group, agent) then
      out[#out + 1] = core.type(group) == "object" and core.json(core.raw(group)) or group
    end
  end
  return out
end

local function parsed(text, path)
  local entry, message = core.entry(text, true)
  if not entry then return nil, ("%s is not understood: %s; nothing was changed"):format(path, message) end
  local hooks = entry.hooks
  if hooks == nil then return entry end
  if core.type(hooks) ~= "object" then return nil, path .. ": hooks is not an object; nothing was changed" end
  for event, list in pairs(hooks) do
    if core.type(list) ~= "array" then
      return nil, ("%s: hooks.%s is not a list; nothing was changed"):format(path, event)
    end
  end
  return entry
end

-- Set an event's list; one that is empty goes, and so does `hooks` after the last.
local function put(entry, event, list)
  if #list == 0 then
    if entry.hooks and entry.hooks[event] ~= nil then entry.hooks[event] = nil end
    if entry.hooks and #entry.hooks == 0 then entry.hooks = nil end
  elseif entry.hooks then
    entry.hooks[event] = list
  else
    entry.hooks = { [event] = list }
  end
end

--- What a settings file is to be.
-- @param text as it is; "" for no file
-- @param command what the agent is to run; nil: ours is taken out
-- @param with_context true: also for the events that ask for context
-- @return the text; or nil and a message
function settings.changed(text, path, agent, command, with_context)
  local entry, message = parsed(text:find "%S" and text or "{}\n", path)
  if not entry then return nil, message end
  local wanted = {}
  for _, event in ipairs(EVENTS[agent]) do wanted[event] = true end
  for _, event in ipairs(CONTEXT) do wanted[event] = with_context or nil end
  local events = {}
  for event in pairs(entry.hooks or {}) do events[event] = true end
  for event in pairs(wanted) do events[event] = true end
  local names = {}
  for event in pairs(events) do names[#names + 1] = event end
  table.sort(names)
  for _, event in ipairs(names) do
    local before = entry.hooks and entry.hooks[event]
    local list = others(before, agent)
    local had = before ~= nil and #before > #list
    local add = command and wanted[event]
    if add then list[#list + 1] = { hooks = core.array { { type = "command", command = command } } } end
    if had or add then put(entry, event, list) end
  end
  return (tostring(entry):gsub("%s*$", "\n"))
end

--- The difference of two texts, as diff shows it.
function settings.diff(before, after, path)
  local names = { os.tmpname(), os.tmpname() }
  core.save(names[1], before)
  core.save(names[2], after)
  local out = core.run { "diff", "-u", "--label", path, "--label", path .. " (new)", names[1], names[2] }
  for _, name in ipairs(names) do os.remove(name) end
  return out or after
end

return settings
