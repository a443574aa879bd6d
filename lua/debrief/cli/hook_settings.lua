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

-- ---- JSON as it is written ------------------------------------------------------------------------------------------
-- The text is valid JSON. Places are those of the brackets of objects and arrays; every other byte stays as it is.

local function string_end(text, at)
  repeat
    at = text:find('["\\]', at + 1)
    local is_end = text:sub(at, at) == '"'
    if not is_end then at = at + 1 end
  until is_end
  return at
end

local function value_end(text, at)
  local depth, char = 0, text:sub(at, at)
  if char == '"' then return string_end(text, at) end
  if not char:find "[%[{]" then return text:find("[%s,%]}]", at) - 1 end
  repeat
    at = text:find('["%[%]{}]', at)
    char = text:sub(at, at)
    if char == '"' then at = string_end(text, at)
    elseif char == "[" or char == "{" then depth = depth + 1
    else depth = depth - 1 end
    at = at + 1
  until depth == 0
  return at - 1
end

-- The members or elements of what is at a bracket: { from =, to =, key =, value = where the value begins }, and where
-- the other bracket is.
local function items_of(text, at)
  local list, is_object, i = {}, text:sub(at, at) == "{", text:find("%S", at + 1)
  while not text:find("^[%]}]", i) do
    local item = { from = i, value = i }
    if is_object then
      local stop = string_end(text, i)
      item.key, item.value = core.decode(text:sub(i, stop)), text:find("[^%s:]", stop + 1)
    end
    item.to = value_end(text, item.value)
    list[#list + 1], i = item, text:find("[^%s,]", item.to + 1)
  end
  return list, i
end

local function member(text, at, key)
  for i, item in ipairs((items_of(text, at))) do if item.key == key then return item, i end end
end

-- What the file indents by; nil: it is all on one line.
local function unit_of(text)
  return text:match '\n([ \t]+)"' or (text:find "^%s*{%s*}" or text:find "\n%s*[^%s]") and "  " or nil
end

-- Add an item at the end of what is at a bracket: on a line of its own, where the others have one.
-- @param write function(indent, unit) -> its text, on one line for nil
local function add(text, at, write)
  local list, close = items_of(text, at)
  local last, unit, own = list[#list], unit_of(text), text:sub(1, at):match "([ \t]*)[^\n]*$"
  if last and not text:sub(at, close):find "\n" then unit = nil end
  local indent = unit and (last and text:sub(1, list[1].from - 1):match "\n([ \t]*)$" or own .. unit)
  local item = write(indent, unit)
  if last then
    return ("%s%s%s%s"):format(text:sub(1, last.to), indent and ",\n" .. indent or ", ", item, text:sub(last.to + 1))
  end
  if indent then item = ("\n%s%s\n%s"):format(indent, item, own) end
  return text:sub(1, at) .. item .. text:sub(close)
end

local function remove(text, at, i)
  local list, close = items_of(text, at)
  if #list == 1 then return text:sub(1, at) .. text:sub(close) end
  if i == 1 then return text:sub(1, list[1].from - 1) .. text:sub(list[2].from) end
  return text:sub(1, list[i - 1].to) .. text:sub(list[i].to + 1)
end

-- What `add` writes: a member whose value is an object or array with one item in it.
local function wrapped(key, open, inner, close)
  return function(indent, unit)
    local head = core.encode(key) .. ": " .. open
    if not indent then return head .. inner(nil) .. close end
    return ("%s\n%s%s\n%s%s"):format(head, indent .. unit, inner(indent .. unit, unit), indent, close)
  end
end

-- ---- Hooks ----------------------------------------------------------------------------------------------------------

-- What starts us, as an element of the list of an event.
local function group_of(command)
  return function(indent, unit)
    local text = core.encode(command)
    if not indent then return ('{"hooks": [{"type": "command", "command": %s}]}'):format(text) end
    return ('{@1"hooks": [@2{@3"type": "command",@3"command": %s@2}@1]@0}'):gsub("@(%d)", function(depth)
      return "\n" .. indent .. unit:rep(tonumber(depth))
    end):format(text)
  end
end

-- Does an element of a list of hooks start us for the agent, and nothing else?
local function is_ours(group, agent)
  if core.type(group) ~= "object" or core.type(group.hooks) ~= "array" then return false end
  for _, hook in ipairs(group.hooks) do
    local command = core.type(hook) == "object" and hook.command
    if type(command) ~= "string" or not command:find("debrief", 1, true)
      or not (command .. " "):find(" hook " .. agent .. " ", 1, true) then return false end
  end
  return #group.hooks > 0
end

local function check(text, path)
  local entry, message = core.entry(text, true)
  if not entry then return ("%s is not understood: %s; nothing was changed"):format(path, message) end
  local hooks = entry.hooks
  if hooks == nil then return nil end
  if core.type(hooks) ~= "object" then return path .. ": hooks is not an object; nothing was changed" end
  for event, list in pairs(hooks) do
    if core.type(list) ~= "array" then
      return ("%s: hooks.%s is not a list; nothing was changed"):format(path, event)
    end
  end
end

-- Without what starts us at an event; what is empty then goes as well.
local function without(text, event, agent)
  local root = text:find "{"
  local hooks, of_root = member(text, root, "hooks")
  local list, of_hooks = nil, nil
  if hooks then list, of_hooks = member(text, hooks.value, event) end
  local items = list and items_of(text, list.value) or {}
  for i = #items, 1, -1 do
    if is_ours(core.decode(text:sub(items[i].from, items[i].to)), agent) then text = remove(text, list.value, i) end
  end
  if not items[1] or text:find("^%[%s*%]", list.value) == nil then return text end
  text = remove(text, hooks.value, of_hooks)
  if text:find("^{%s*}", hooks.value) then text = remove(text, root, of_root) end
  return text
end

local function with(text, event, command)
  local root, group = text:find "{", group_of(command)
  local hooks = member(text, root, "hooks")
  local list = hooks and member(text, hooks.value, event)
  if list then return add(text, list.value, group) end
  local written = wrapped(event, "[", group, "]")
  if hooks then return add(text, hooks.value, written) end
  return add(text, root, wrapped("hooks", "{", written, "}"))
end

--- What a settings file is to be.
-- @param text as it is; "" for no file
-- @param command what the agent is to run; nil: ours is taken out
-- @param with_context true: also for the events that ask for context
-- @return the text; or nil and a message
function settings.changed(text, path, agent, command, with_context)
  text = text:find "%S" and text or "{}\n"
  local message = check(text, path)
  if message then return nil, message end
  local hooks = member(text, text:find "{", "hooks")
  for _, item in ipairs(hooks and items_of(text, hooks.value) or {}) do text = without(text, item.key, agent) end
  for _, list in ipairs(command and { EVENTS[agent], with_context and CONTEXT or nil } or {}) do
    for _, event in ipairs(list) do text = with(text, event, command) end
  end
  return text
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
