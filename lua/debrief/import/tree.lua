--- The files that an import is about: those that are named, and in the folders that are named those whose names fit.
--
-- Links are followed, each file and folder is taken once however many names it has; what is left out is noted.
-- @module debrief.import.tree
local core = require "debrief.core"
local siblings = require "debrief.import.siblings"

local tree = {}

local DEPTH = 64 -- folders within folders
local PACKED = { gz = "gzip", zst = "zstd" }

--- A path without the ending of a packed file, and the program that unpacks it: "a.jsonl.gz" -> "a.jsonl", "gzip".
function tree.plain(path)
  local length = path:sub(-3) == ".gz" and 3 or path:sub(-4) == ".zst" and 4
  if not length or #path == length then return path, nil end
  return path:sub(1, -length - 1), PACKED[path:sub(1 - length)]
end

local function note(self, format, ...) self.notes[#self.notes + 1] = format:format(...) end

local function add_file(self, path, named, plain, program)
  if self.known[path] then return end
  self.known[path] = true
  if not plain then plain, program = tree.plain(path) end
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
  local plain, program
  if not item[2] then
    plain, program = tree.plain(path)
    if not self.fits(plain) then return end
  end
  if item[3] == "dangling" then return note(self, "%s is a link to nothing: passed over", path) end
  if item[3] == "file" then return add_file(self, path, false, plain, program) end
  self.links[#self.links + 1] = { path = path, depth = depth }
end

function add_folder(self, path, depth)
  self.folders[#self.folders + 1] = path
  if depth > DEPTH then return note(self, "%s: more than %d folders within folders: passed over", path, DEPTH) end
  local items, message = core.list(path)
  if not items then
    self.failures[#self.failures + 1] = { message = message }
    return
  end
  self.items[path:match "^(.+)/$" or path] = items
  local prefix, by_name, files, folders = path:find "/$" and path or path .. "/", {}, {}, {}
  for _, item in ipairs(items) do
    local list = item[3] == "folder" and folders or files
    list[#list + 1], by_name[item[1]] = item[1], item
  end
  for _, list in ipairs { files, folders } do -- SESSION.jsonl before SESSION/
    table.sort(list)
    for _, name in ipairs(list) do add_item(self, prefix .. name, by_name[name], depth) end
  end
end

-- What files and folders are, under whatever name.
local function add_ids(self)
  local function add(path)
    local stat = core.stat(path)
    if stat then self.ids[stat.id] = true end
  end
  for _, file in ipairs(self.files) do add(file.at) end
  for _, path in ipairs(self.folders) do add(path) end
end

local function add_links(self)
  while self.links[1] do
    local links = self.links
    self.links = {}
    add_ids(self)
    for _, link in ipairs(links) do
      local stat = core.stat(link.path)
      local kind = stat and stat.kind
      if kind == "folder" and self.ids[stat.id] then
        note(self, "%s is a link to a folder that is read by its own name: passed over", link.path)
      elseif kind == "folder" then
        self.ids[stat.id] = true
        add_folder(self, link.path, link.depth + 1)
      elseif kind == "file" then
        if not is_there(self, stat) then add_file(self, link.path, false) end
      elseif stat then
        note(self, "%s is not a regular file: passed over", link.path)
      end
    end
  end
end

-- What debrief.import.siblings asks, from the folders that were listed: each is looked at once.
local function disk_of(listed)
  return {
    list = function(path) return listed[path] or siblings.disk.list(path) end,
    is_folder = function(path)
      if listed[path] then return true end
      return not listed[siblings.folder_of(path)] and siblings.disk.is_folder(path)
    end,
  }
end

--- List the files of an import.
-- @param paths as the user named them; "-" is standard input
-- @param fits function(path) -> true for a file in a folder that is to be imported; the path is without .gz or .zst
-- @return { files = { { path = without .gz or .zst, at = path, program = that unpacks it or nil, named = true }… },
--   notes = texts, failures = { { message = }… }, disk = of debrief.import.siblings }; or nil and a message: a path
--   that is named is not there
function tree.files(paths, fits)
  local self = { files = {}, notes = {}, failures = {}, links = {}, folders = {}, items = {}, known = {}, ids = {},
    fits = fits }
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
  return { files = self.files, notes = self.notes, failures = self.failures, disk = disk_of(self.items) }
end

--- Which files lie in a folder that is called like another one of them: in/abc.jsonl and in/abc/sub/x.jsonl. They may
-- be its siblings, and are looked at after it.
-- @param files of tree.files
-- @return file -> the file it may belong to
function tree.owners(files)
  local stems, out = {}, {}
  for _, file in ipairs(files) do
    local folder, name, stem = core.split_path(file.path)
    if stem ~= name then
      local path = folder and folder .. "/" .. stem or stem
      stems[path] = stems[path] or file
    end
  end
  local known = {} -- folder -> the file that it or one above it belongs to; false: no file
  local function owner_of(folder)
    if not folder or folder == "" then return false end
    if known[folder] == nil then known[folder] = stems[folder] or owner_of((core.split_path(folder))) end
    return known[folder]
  end
  for _, file in ipairs(files) do out[file] = owner_of((core.split_path(file.path))) or nil end
  return out
end

return tree
