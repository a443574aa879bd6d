--- The files beside an imported one that its plugin may read: those that it declares, and no others.
--
--     import = { siblings = { "{name}/subagents/**.jsonl" }, … }     of in/abc.jsonl: below in/abc/subagents
--
-- A pattern is a path beneath the folder of the file: `*` is any part of a name, `**` any part of a path, `{name}` the
-- name of the file without its extension. Links are not followed, and only regular files are found.
-- @module debrief.import.siblings
local core = require "debrief.core"
local glob = require "debrief.import.glob"

local siblings = {}

local FILES, DEPTH = 300000, 32 -- that are looked at; folders within folders

--- Check the key `import.siblings` of a plugin.
-- @return true, or nil and a message
function siblings.check(list, where)
  if glob.are_patterns(list) then return true end
  return nil, ('%s: import.siblings must be a list of paths beneath the file\'s folder: { "*.jsonl", "{name}/**" }')
    :format(where)
end

--- Folders as they are now: list(path) as core.list, is_folder(path) for what is no link.
siblings.disk = { list = core.list }

function siblings.disk.is_folder(path)
  local stat = core.stat(path)
  return stat ~= nil and stat.kind == "folder" and not stat.is_link
end

--- The folder of a path.
function siblings.folder_of(path) return (core.split_path(path)) or "." end

-- The full path of a name relative to the folder of a file.
local function full(path, name)
  local folder = siblings.folder_of(path)
  return folder == "." and not path:find "/" and name or folder .. "/" .. name
end

-- ---- Files ----------------------------------------------------------------------------------------------------------

-- Every regular file below a folder, by its path relative to the first one.
local function add_below(disk, folder, prefix, depth, out)
  for _, item in ipairs(disk.list(folder) or {}) do
    if #out >= FILES then return end
    if item[3] == "file" then out[#out + 1] = prefix .. item[1] end
    if item[3] == "folder" and depth < DEPTH then
      add_below(disk, folder .. "/" .. item[1], prefix .. item[1] .. "/", depth + 1, out)
    end
  end
end

-- The files that a pattern may match: those below the folder that it names before its first star. Most folders with
-- foreign logs hold many more.
local function candidates(disk, folder, pattern, name)
  local start, prefix = pattern:match "^([^*]*)/" or "", ""
  for part in start:gmatch "[^/]+" do
    part = part == "{name}" and name or part:gsub("{name}", function() return name end)
    folder, prefix = folder .. "/" .. part, prefix .. part .. "/"
    if not disk.is_folder(folder) then return {} end
  end
  local out = {}
  add_below(disk, folder, prefix, 1, out)
  return out
end

--- The siblings of a file.
-- @param path of the file
-- @param patterns as siblings.check accepts them
-- @param disk what lists folders, as debrief.import.tree returns it for those that it has looked into; nil: they are
--   read
-- @return array of { path =, name = relative to the file's folder }, sorted by name; and true if there are more files
--   than are looked at
function siblings.of(path, patterns, disk)
  disk = disk or siblings.disk
  local folder, base, name = core.split_path(path)
  local found, out, most = { [base] = true }, {}, 0
  folder = folder or "."
  for _, pattern in ipairs(patterns) do
    local list = candidates(disk, folder, pattern, name)
    local test = list[1] and glob.compiled(pattern, name)
    most = math.max(most, #list)
    for _, one in ipairs(list) do
      if not found[one] and glob.matches(test, one) then
        found[one] = true
        out[#out + 1] = { path = full(path, one), name = one }
      end
    end
  end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out, most >= FILES
end

return siblings
