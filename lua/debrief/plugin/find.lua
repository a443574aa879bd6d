--- Finding plugins: by path, else by name in $DEBRIEF_PLUGIN_PATH, the user's config folder and the bundled ones.
-- @module debrief.plugin.find
local core = require "debrief.core"
local suggest = require "debrief.text.suggest"

local find = {}

local MOST_BYTES = 16 << 20 -- a larger file is not a plugin, nor is one without an end, such as /dev/zero

local function read(path)
  local text, message = core.slurp(path, MOST_BYTES + 1)
  if not text then return nil, message end
  if #text > MOST_BYTES then return nil, ("%s: more than 16 MiB, which no plugin has"):format(path) end
  return text
end

-- In folders that are searched only files count: opening a pipe would wait for its other end.
local function is_file(path)
  local stat = core.stat(path)
  return stat ~= nil and stat.kind == "file"
end

--- The folders that are searched by name, in order. Never the current folder.
function find.folders()
  local folders = {}
  local path = core.host().plugin_path or os.getenv "DEBRIEF_PLUGIN_PATH" or ""
  for folder in path:gmatch "[^:]+" do folders[#folders + 1] = folder end
  local config = os.getenv "XDG_CONFIG_HOME"
  if not config or config == "" then config = os.getenv "HOME" and os.getenv "HOME" .. "/.config" end
  if config then folders[#folders + 1] = config .. "/debrief/plugins" end
  return folders
end

--- Is a plugin bundled, or in a folder where the user keeps plugins?
-- @param path as find.plugin returned it
function find.is_vouched(path)
  if core.source(path) and path:find "^plugins/[a-z0-9_]+%.lua$" then return true end
  for _, folder in ipairs(find.folders()) do
    if path:match "^(.*)/[^/]+$" == folder then return true end
  end
  return false
end

--- Every plugin there is; of several with one name, the one that `find.plugin` finds.
-- @return { { name =, path =, bundled = true for those of debrief }... } sorted by name
function find.all()
  local seen, out = {}, {}
  local function add(name, path, bundled)
    if name and not seen[name] then
      seen[name] = true
      out[#out + 1] = { name = name, path = path, bundled = bundled }
    end
  end
  for _, folder in ipairs(find.folders()) do
    for _, item in ipairs(core.list(folder) or {}) do
      local name, path = item[1]:match "^([a-z][a-z0-9_]*)%.lua$", folder .. "/" .. item[1]
      if name and is_file(path) then add(name, path) end
    end
  end
  for _, path in ipairs(core.sources "plugins/") do add(path:match "^plugins/([a-z][a-z0-9_]*)%.lua$", path, true) end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

local function not_found(name)
  local names = {}
  for i, item in ipairs(find.all()) do names[i] = item.name end
  local _, hint = suggest(name, names)
  return nil, ("no plugin '%s'%s (`debrief plugins` lists them; a path needs a '/': ./%s.lua)"):format(name, hint, name)
end

local function by_path(path)
  local text, message = read(path)
  if not text then return nil, "plugin " .. message end
  return { name = path:match "([^/]+)%.lua$" or path:match "[^/]+$", path = path, text = text }
end

--- Find a plugin.
-- @param name a path (with a '/' or ending in .lua), or a name
-- @return { name =, path =, text = }, or nil and a message
function find.plugin(name)
  if name:find "/" or name:find "%.lua$" then return by_path(name) end
  if not name:find "^[a-z][a-z0-9_]*$" then return not_found(name) end
  for _, folder in ipairs(find.folders()) do
    local path = ("%s/%s.lua"):format(folder, name)
    local text = is_file(path) and read(path)
    if text then return { name = name, path = path, text = text } end
  end
  local path = ("plugins/%s.lua"):format(name)
  local text = core.source(path)
  if not text then return not_found(name) end
  return { name = name, path = path, text = text }
end

return find
