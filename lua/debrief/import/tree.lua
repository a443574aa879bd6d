--- The files that an import is about: those that are named, and in the folders that are named those whose names fit.
--
-- Links are followed, each file and folder is taken once however many names it has; what is left out is noted.
-- @module debrief.import.tree
local core = require "debrief.core"

local tree = {}

local DEPTH = 64 -- folders within folders
local PACKED = { gz = "gzip", zst = "zstd" }

--- A path without the ending of a packed file, and the program that unpacks it: "a.jsonl.gz" -> "a.jsonl", "gzip".
function tree.plain(path)
  local name, ending = path:match "^(.+)%.(%w+)$"
  if not PACKED[ending] then return path, nil end
  return name, PACKED[ending]
end

local walk = {}
walk.__index = walk

local function note(self, format, ...) self.notes[#self.notes + 1] = format:format(...) end

local function add_file(self, path, named)
  if self.known[path] then return end
  self.known[path] = true
  local plain, program = tree.plain(path)
  self.files[#self.files + 1] = { path = plain, at = path, program = program, named = named }
end

-- Is this file or folder there under another name?
local function is_there(self, stat)
  local is = self.ids[stat.id] ~= nil
  self.ids[stat.id] = true
  return is
end

local add_folder

-- Links wait until everything else is there: what a link leads to is taken by its own name.
local function add_item(self, path, item, depth)
  if item[3] == "folder" then return add_folder(self, path, depth + 1) end
  if item[3] ~= "folder" and not item[2] and not self.fits(path) then return end
  if item[3] == "dangling" then return note(self, "%s is a link to nothing: passed over", path) end
  if item[3] == "file" then return add_file(self, path, false) end
  self.links[#self.links + 1] = { path = path, depth = depth }
end

function add_folder(self, path, depth)
  local stat = core.stat(path)
  if not stat or is_there(self, stat) then return end
  if depth > DEPTH then return note(self, "%s: more than %d folders within folders: passed over", path, DEPTH) end
  local items, message = core.list(path)
  if not items then
    self.failures[#self.failures + 1] = { message = message }
    return
  end
  table.sort(items, function(a, b)
    local one, other = a[3] == "folder", b[3] == "folder"
    if one ~= other then return other end -- files first: SESSION.jsonl before SESSION/
    return a[1] < b[1]
  end)
  for _, item in ipairs(items) do add_item(self, path:gsub("/+$", "") .. "/" .. item[1], item, depth) end
end

local function add_links(self)
  for _, file in ipairs(self.links[1] and self.files or {}) do
    local stat = core.stat(file.at)
    if stat then self.ids[stat.id] = true end
  end
  while self.links[1] do
    local links = self.links
    self.links = {}
    for _, link in ipairs(links) do
      local stat = core.stat(link.path)
      local kind = stat and stat.kind
      if kind == "folder" and self.ids[stat.id] then
        note(self, "%s is a link to a folder that is read by its own name: passed over", link.path)
      elseif kind == "folder" then
        add_folder(self, link.path, link.depth + 1)
      elseif kind == "file" then
        if not is_there(self, stat) then add_file(self, link.path, false) end
      elseif stat then
        note(self, "%s is not a regular file: passed over", link.path)
      end
    end
  end
end

--- List the files of an import.
-- @param paths as the user named them; "-" is standard input
-- @param fits function(path) -> true for a file in a folder that is to be imported; its path may end in .gz or .zst
-- @return { files = { { path = without .gz or .zst, at = path, program = that unpacks it or nil, named = true }… },
--   notes = texts, failures = { { message = }… } }; or nil and a message: a path that is named is not there
function tree.files(paths, fits)
  local self = setmetatable({ files = {}, notes = {}, failures = {}, links = {}, known = {}, ids = {}, fits = fits }, walk)
  for _, path in ipairs(paths) do
    local stat, message = core.stat(path)
    if path == "-" then
      add_file(self, path, true)
    elseif not stat then
      return nil, message
    elseif stat.kind == "folder" then
      add_folder(self, path, 1)
    elseif stat.kind == "file" then
      add_file(self, path, true)
    else
      return nil, path .. " is neither file nor folder; `debrief import KIND -` reads standard input"
    end
  end
  add_links(self)
  return { files = self.files, notes = self.notes, failures = self.failures }
end

--- Which files lie in a folder that is called like another one of them: in/abc.jsonl and in/abc/sub/x.jsonl. They may be
-- its siblings, and are looked at after it.
-- @param files of tree.files
-- @return file -> the file it may belong to
function tree.owners(files)
  local stems, out = {}, {}
  for _, file in ipairs(files) do
    local stem = file.path:match "^(.+)%.[^./]+$"
    if stem then stems[stem] = stems[stem] or file end
  end
  for _, file in ipairs(files) do
    local folder = file.path:match "^(.+)/[^/]*$"
    while folder and not stems[folder] do folder = folder:match "^(.+)/[^/]*$" end
    out[file] = folder and stems[folder] or nil
  end
  return out
end

return tree
