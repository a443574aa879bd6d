--- How a log is cut into the chunks that workers take.
--
-- Chunks depend on the data alone, so that the result has the same bytes for every number of workers. A chunk is a run
-- of whole sessions, or part of a big one when the plugin says split; a plugin without merge gets one chunk with
-- everything.
-- @module debrief.retro.chunks
local core = require "debrief.core"

local chunks = {}

--- Sizes in bytes: of a chunk; of a session above which it is cut into parts; of a part. Tests make them small.
chunks.sizes = { chunk = 4 << 20, split = 8 << 20, part = 4 << 20 }

-- Every chunk has a result to merge, so a big log is cut into chunks of up to LARGER times the size. MANY are enough
-- for the workers to end at about the same time.
local MANY, LARGER = 32, 4

local function size_of(item)
  if item.size then return item.size end
  local stat = core.stat(item.path)
  return stat and stat.size or 0
end

-- The parts of a session, as items of their own; nil: it cannot be read, and reading it will say why.
local function parts_of(item, log)
  local reader
  if item.is_path then reader = core.reader(item.path) else reader = log:reader(item.session) end
  local parts = reader and reader:cut(chunks.sizes.part)
  if reader then reader:close() end
  if not parts then return nil end
  local out = {}
  for i, part in ipairs(parts) do
    out[i] = { session = item.session, path = item.path, is_path = item.is_path, size = size_of(item), part = part }
  end
  return out
end

-- Sessions with their sizes; big ones cut into parts when all the plugins allow it.
local function pieces(sessions, dir, split)
  local out, log = {}, nil
  for _, item in ipairs(sessions) do
    local size, parts = size_of(item), { item }
    if split and size > chunks.sizes.split and not item.old then
      log = log or assert(core.log(dir))
      parts = parts_of(item, log) or parts
    end
    for _, part in ipairs(parts) do out[#out + 1] = { item = part, size = #parts > 1 and chunks.sizes.part or size } end
  end
  if log then log:close() end
  return out
end

--- Cut the list of sessions into chunks.
-- @param how "whole": one chunk with everything; "sessions": runs of whole sessions; "split": parts of big ones, too
function chunks.of(sessions, dir, how)
  local list, bytes, all = {}, 0, 0
  local found = pieces(sessions, dir, how == "split")
  for _, piece in ipairs(found) do all = all + piece.size end
  local enough = math.max(chunks.sizes.chunk, math.min(all // MANY, LARGER * chunks.sizes.chunk))
  for _, piece in ipairs(found) do
    if #list == 0 or (bytes >= enough and how ~= "whole") then
      list[#list + 1] = { sessions = {}, bytes = 0 }
      bytes = 0
    end
    local last = list[#list]
    last.sessions[#last.sessions + 1] = piece.item
    bytes = bytes + piece.size
    last.bytes = bytes
  end
  return list
end

return chunks
