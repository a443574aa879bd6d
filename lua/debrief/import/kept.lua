--- What an importer knows at the last place of a growing file at which it can go on, so that only the rest is read.
--
--     | head |          ...          | before | open turn, new records ...
--      hashed                         hashed ^at, on line `line`: reading begins here, with `state`
--
-- The place and the hashes are in the file's record of the ledger, the state in a file of its own, named by the hash of
-- the path, for it may be large. Whatever does not fit (a shorter file, another inode, other bytes, a missing or half
-- written state) means that the file is read from its beginning, which is right as well.
-- @module debrief.import.kept
local core = require "debrief.core"

local kept = {}

local FOLDER = ".kept"
local LOOK = 4096 -- bytes of the head, and before the place, that must be the same
local MOST = 4 << 20 -- bytes of a state: with more of it, reading all takes no longer
local OLD = 30 * 86400 * 1000000000 -- ns after which the state of a file that no longer grows is removed

local function path_of(dir, path) return ("%s/%s/%s"):format(dir, FOLDER, core.hash(path)) end

-- "device.inode" of a fingerprint
local function id_of(print) return print:match "^%x+%.%x+%.%x+%.(%x+%.%x+)%." end

-- The hashes of the bytes before a place; nil: they cannot be read.
local function hashes_of(path, at)
  local file <close> = io.open(path, "rb")
  local head = file and file:read(math.min(at, LOOK))
  if not head or not file:seek("set", math.max(at - LOOK, 0)) then return nil end
  local before = file:read(math.min(at, LOOK))
  return before and core.hash(head) .. core.hash(before)
end

local function is_whole(place)
  return type(place) == "table" and math.type(place.at) == "integer" and place.at > 0
    and math.type(place.line) == "integer" and math.type(place.entries) == "integer"
end

--- Where and with what to go on.
-- @param dir of the log
-- @param file { path =, at = where it is read, print =, size = }
-- @param place of the ledger's record, as `save` returned it
-- @return { at = bytes, line =, entries = how many came before, state = packed }; or nil: from the beginning
function kept.load(dir, file, place)
  if not is_whole(place) or file.at ~= file.path or file.size < place.at or place.id ~= id_of(file.print) then
    return nil
  end
  local state = core.slurp(path_of(dir, file.path))
  if not state or core.hash(state) ~= place.state or hashes_of(file.at, place.at) ~= place.hashes then return nil end
  return { at = place.at, line = place.line, entries = place.entries, state = state }
end

local function remove_old(folder)
  for _, item in ipairs(core.list(folder) or {}) do
    local path = folder .. "/" .. item[1]
    local stat = core.stat(path)
    if stat and stat.kind == "file" and stat.mtime < core.now() - OLD then os.remove(path) end
  end
end

--- Keep what an import leaves for the next one.
-- @param from { at =, line =, entries =, state = } of the importer
-- @return what the ledger's record is to hold; nil: nothing was kept
function kept.save(dir, file, from)
  local path = path_of(dir, file.path)
  local hashes = #from.state <= MOST and file.at == file.path and from.at > 0 and hashes_of(file.at, from.at)
  if not hashes then return nil end
  if not core.stat(path) then
    core.make_folders(path)
    remove_old(dir .. "/" .. FOLDER)
  end
  if not core.save(path, from.state) then return nil end
  return { at = from.at, line = from.line, entries = from.entries, id = id_of(file.print), hashes = hashes,
    state = core.hash(from.state) }
end

--- Forget it.
function kept.drop(dir, path) os.remove(path_of(dir, path)) end

return kept
