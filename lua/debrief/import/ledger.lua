--- What was imported into a log, so that a file which has not changed since is not read again.
--
-- A file of JSON lines in the folder of the log, one line per foreign file. It may be deleted at any time: then
-- everything is read once more, and nothing is stored twice. A record counts only while everything that it was made of
-- is as it was: the file and its siblings (size, times, inode, last bytes), the plugin, and the sessions that hold the
-- entries.
-- @module debrief.import.ledger
local core = require "debrief.core"

local ledger = {}

local NAME = ".imported"
local VERSION = 1

local Ledger = {}
Ledger.__index = Ledger

local function is_record(value)
  if type(value) ~= "table" or value.v ~= VERSION or math.type(value.entries) ~= "integer" then return false end
  for _, key in ipairs { "files", "sessions", "withheld" } do
    if type(value[key]) ~= "table" then return false end
  end
  for _, size in next, value.sessions do if math.type(size) ~= "integer" then return false end end
  return type(value.path) == "string" and type(value.by) == "string"
end

--- The ledger of a log; empty if the file is missing or cannot be read.
function ledger.open(dir)
  local self = setmetatable({ dir = dir, records = {}, changed = false }, Ledger)
  local text, at = core.slurp(dir .. "/" .. NAME) or "", 1
  while at <= #text do
    local last = text:find("\n", at, true) or #text + 1
    local ok, record = pcall(core.decode, text:sub(at, last - 1))
    if ok and is_record(record) then self:put(record) end
    at = last + 1
  end
  self.changed = false
  return self
end

--- Remember a file that was imported.
-- @param record { path =, by = a text that names the plugin and its version, files = fingerprints by path,
--   sessions = sizes by id, entries = how many, withheld = names of runs that were still open }
function Ledger:put(record)
  record.v = VERSION
  self.records[record.path], self.changed = record, true
end

--- Forget a file.
function Ledger:drop(path)
  if not self.records[path] then return end
  self.records[path], self.changed = nil, true
end

local function are_sessions_there(self, sessions)
  for id, size in next, sessions do
    local stat = core.stat(("%s/%s.jsonl"):format(self.dir, id))
    if not stat or stat.size < size then return false end
  end
  return true
end

--- The record of a file that has not changed since, or nil.
-- @param path of the file
-- @param files fingerprints by path, of the file and its siblings
function Ledger:find(path, files)
  local record = self.records[path]
  if not record then return nil end
  for at, print in next, files do
    if record.files[at] ~= print then return nil end
  end
  for at in next, record.files do
    if not files[at] then return nil end
  end
  return are_sessions_there(self, record.sessions) and record or nil
end

--- The record of a path, whether the file has changed or not; or nil.
function Ledger:record(path) return self.records[path] end

--- Write it, if it has changed. Failing is no failure of the import: the next one only takes longer.
function Ledger:save()
  if not self.changed then return end
  local lines = {}
  for _, record in next, self.records do lines[#lines + 1] = core.encode(record) end
  table.sort(lines)
  lines[#lines + 1] = ""
  core.save(self.dir .. "/" .. NAME, table.concat(lines, "\n"))
  self.changed = false
end

return ledger
