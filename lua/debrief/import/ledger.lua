--- What was imported into a log, so that a file which has not changed since is not read again.
--
--     "in/a.jsonl"<TAB>{"by":"claude_code …","entries":2,"print":"4979.…","sessions":{"s1":1357}}    one line per file
--
-- A file in the folder of the log. It may be deleted at any time: then everything is read once more, and nothing is
-- stored twice. A record counts only while everything that it was made of is as it was: the file and its siblings
-- (size, times, inode, last bytes), the plugin, and the sessions that hold the entries. A record is decoded when
-- somebody asks for it.
-- @module debrief.import.ledger
local core = require "debrief.core"

local ledger = {}

local NAME = ".imported"
local HEAD = "debrief imported 2\n" -- the version of the format

local Ledger = {}
Ledger.__index = Ledger

--- The ledger of a log; empty if the file is missing or of another version.
-- @param dir its folder; nil: it is at an address, and nothing is remembered
function ledger.open(dir)
  local self = setmetatable({ dir = dir, records = {}, lines = {}, changed = false }, Ledger)
  if not dir then return self end
  local text = core.slurp(dir .. "/" .. NAME) or ""
  if text:sub(1, #HEAD) ~= HEAD then return self end
  local at = #HEAD + 1
  while at <= #text do -- plain searches: a pattern looks at every byte
    local tab, last = text:find("\t", at, true), text:find("\n", at, true) or #text + 1
    if tab and tab < last then self.lines[text:sub(at, tab - 1)] = text:sub(tab + 1, last - 1) end
    at = last + 1
  end
  return self
end

local function is_record(value)
  if type(value) ~= "table" or type(value.by) ~= "string" or math.type(value.entries) ~= "integer" then return false end
  for _, key in ipairs { "files", "sessions", "withheld", "kept" } do
    if value[key] ~= nil and type(value[key]) ~= "table" then return false end
  end
  for _, size in next, value.sessions or {} do if math.type(size) ~= "integer" then return false end end
  return value.print == nil or type(value.print) == "string"
end

--- The record of a path, whether the file has changed or not; or nil.
function Ledger:record(path)
  local record = self.records[path]
  if record ~= nil then return record or nil end
  local line = self.lines[core.encode(path)]
  local ok, value = pcall(core.decode, line or "null")
  record = line and ok and is_record(value) and value or false
  if record then
    record.path, record.sessions, record.withheld = path, record.sessions or {}, record.withheld or {}
    record.files = record.files or {}
    record.files[path] = record.print
  end
  self.records[path] = record
  return record or nil
end

-- A record as it is written: without what is empty or said by its key.
local function line_of(record)
  local line, files = {}, {}
  for key, value in next, record do
    if type(value) ~= "table" or next(value) then line[key] = value end
  end
  for path, print in next, record.files do if path ~= record.path then files[path] = print end end
  line.path, line.print, line.files = nil, record.files[record.path], next(files) and files or nil
  return core.encode(line)
end

--- Remember a file that was imported.
-- @param record { path =, by = a text that names the plugin and its version, files = fingerprints by path,
--   sessions = sizes by id, entries = how many, withheld = names of runs that were still open,
--   kept = of debrief.import.kept, or nil }
function Ledger:put(record)
  self.records[record.path], self.lines[core.encode(record.path)], self.changed = record, line_of(record), true
end

--- Forget a file.
function Ledger:drop(path)
  local key = core.encode(path)
  if not self.lines[key] then return end
  self.records[path], self.lines[key], self.changed = nil, nil, true
end

--- Do the sessions still hold what a record says was stored?
function Ledger:is_stored(record)
  if not self.dir then return false end
  for id, size in next, record.sessions do
    local now = core.size(("%s/%s.jsonl"):format(self.dir, id))
    if not now or now < size then return false end
  end
  return true
end

-- Do two fingerprints differ in nothing but what a new name or mode changes, too?
local function is_same(a, b) return a ~= nil and a:match "^[^/]*" == b:match "^[^/]*" end

--- The record of a file that has not changed since, or nil.
-- @param path of the file
-- @param files fingerprints by path, of the file and its siblings
function Ledger:find(path, files)
  local record, newer = self:record(path), false
  if not record then return nil end
  for at, print in next, files do
    if record.files[at] ~= print then
      if not is_same(record.files[at], print) then return nil end
      newer = true
    end
  end
  for at in next, record.files do
    if not files[at] then return nil end
  end
  if not self:is_stored(record) then return nil end
  if newer then
    record.files = files
    self:put(record)
  end
  return record
end

--- The fingerprint that a record of this file has of another one of its files, by default of itself; or nil.
function Ledger:mark(path, of)
  local record = self:record(path)
  return record and record.files[of or path]
end

--- Write it, if it has changed. Failing is no failure of the import: the next one only takes longer.
function Ledger:save()
  if not self.changed or not self.dir then return end
  local lines = {}
  for key, line in next, self.lines do lines[#lines + 1] = key .. "\t" .. line end
  table.sort(lines)
  lines[#lines + 1] = ""
  core.save(self.dir .. "/" .. NAME, HEAD .. table.concat(lines, "\n"))
  self.changed = false
end

return ledger
