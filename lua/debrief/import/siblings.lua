--- The files beside an imported one that its plugin may read: those that it declares, and no others.
--
--     import = { siblings = { "{name}/subagents/**.jsonl" }, … }     of in/abc.jsonl: below in/abc/subagents
--
-- A pattern is a path beneath the folder of the file: `*` is any part of a name, `**` any part of a path, `{name}` the
-- name of the file without its extension. Links are not followed, and only regular files are found.
-- @module debrief.import.siblings
local core = require "debrief.core"

local siblings = {}

local MOST, LONGEST = 16, 256 -- patterns; bytes of one
local FILES, DEPTH = 100000, 32 -- that are looked at; folders within folders

local function is_pattern(text)
  if type(text) ~= "string" or text == "" or #text > LONGEST or text:find "%c" then return false end
  for part in (text .. "/"):gmatch "([^/]*)/" do
    if part == "" or part == "." or part == ".." then return false end
  end
  return true
end

--- Check the key `import.siblings` of a plugin.
-- @return true, or nil and a message
function siblings.check(list, where)
  local fine = #list > 0 and #list <= MOST
  for key, text in next, list do
    fine = fine and math.type(key) == "integer" and key >= 1 and key <= #list and is_pattern(text)
  end
  if fine then return true end
  return nil, ('%s: import.siblings must be a list of paths beneath the file\'s folder: { "*.jsonl", "{name}/**" }')
    :format(where)
end

--- The folder of a path.
function siblings.folder_of(path) return path:match "^(.*)/[^/]*$" or "." end

-- The full path of a name relative to the folder of a file.
local function full(path, name)
  local folder = siblings.folder_of(path)
  return folder == "." and not path:find "/" and name or folder .. "/" .. name
end

-- ---- Patterns -------------------------------------------------------------------------------------------------------

-- A pattern for one file, as an array of its bytes, "*" and "**" among them as themselves; literal stars of the file's
-- name are bytes in a table.
local function compiled(pattern, name)
  local out, at = {}, 1
  while at <= #pattern do
    local token = pattern:match("^{name}", at) or pattern:match("^%*%*?", at) or pattern:sub(at, at)
    at = at + #token
    if token == "{name}" then
      for i = 1, #name do out[#out + 1] = { name:byte(i) } end
    else
      out[#out + 1] = token:find "^%*" and token or { token:byte() }
    end
  end
  return out
end

-- Add place `at` of the pattern, and those after stars, which may stand for nothing.
local function enter(places, pattern, at)
  while not places[at] do
    places[at] = true
    if type(pattern[at]) ~= "string" then return end
    at = at + 1
  end
end

-- Does a path match? All places in the pattern where the path so far can end are followed at once, so no path takes
-- longer than its length times that of the pattern.
local function matches(pattern, path)
  local places = {}
  enter(places, pattern, 1)
  for i = 1, #path do
    local byte, after = path:byte(i), {}
    for at in next, places do
      local token = pattern[at]
      if type(token) == "string" then
        if token == "**" or byte ~= 47 then enter(after, pattern, at) end -- "/"
      elseif token and token[1] == byte then
        enter(after, pattern, at + 1)
      end
    end
    if not next(after) then return false end
    places = after
  end
  return places[#pattern + 1] == true
end

-- ---- Files ----------------------------------------------------------------------------------------------------------

-- Every regular file below a folder, by its path relative to the first one.
local function add_below(folder, prefix, depth, out)
  for _, item in ipairs(core.list(folder) or {}) do
    if #out >= FILES then return end
    if item[3] == "file" then out[#out + 1] = prefix .. item[1] end
    if item[3] == "folder" and depth < DEPTH then
      add_below(folder .. "/" .. item[1], prefix .. item[1] .. "/", depth + 1, out)
    end
  end
end

-- The files that a pattern may match: those below the folder that it names before its first star. Most folders with
-- foreign logs hold many more.
local function candidates(folder, pattern, name)
  local start, prefix = pattern:match "^([^*]*)/" or "", ""
  for part in start:gmatch "[^/]+" do
    part = part:gsub("{name}", function() return name end)
    folder, prefix = folder .. "/" .. part, prefix .. part .. "/"
    local stat = core.stat(folder)
    if not stat or stat.kind ~= "folder" or stat.is_link then return {} end
  end
  local out = {}
  add_below(folder, prefix, 1, out)
  return out
end

--- The siblings of a file.
-- @param path of the file
-- @param patterns as siblings.check accepts them
-- @return array of { path =, name = relative to the file's folder }, sorted by name
function siblings.of(path, patterns)
  local base, found, out = path:match "^.*/(.*)$" or path, {}, {}
  local name = base:match "^(.+)%.[^.]*$" or base
  found[base] = true
  for _, pattern in ipairs(patterns) do
    local test = compiled(pattern, name)
    for _, one in ipairs(candidates(siblings.folder_of(path), pattern, name)) do
      if not found[one] and matches(test, one) then
        found[one] = true
        out[#out + 1] = { path = full(path, one), name = one }
      end
    end
  end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

return siblings
