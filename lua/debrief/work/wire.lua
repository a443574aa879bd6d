--- What travels between the one who asks and the workers.
--
--     said   job             { job =, pieces =, wire =, version = }, every second; over: the name of a job that ended
--            to.JOB          of a worker: { worker =, host =, refusal = text or nil, done = chunk or nil }
--            status          a question; to.NAME: the answer
--     rest   JOB.job.I       the pieces of the job
--            JOB.in.N.I      the pieces of a chunk that is larger than a message
--            JOB.out.N.ATTEMPT.I.PIECES   those of an answer: "R" and a result, or "F" and the reason for its absence
--     work   JOB.N           a chunk: "C" and its bytes, or "P" and the number of its pieces
--
-- @module debrief.work.wire
local core = require "debrief.core"

local wire = {
  VERSION = 1,
  PATIENCE = 4000, -- ms without a sign of life, after which a chunk is another worker's; tests make it small
  SMALL = 128 * 1024, -- bytes of a session, on average, below which a worker reads the whole log
  ALONE = 3000, -- ms without a worker, after which that is said; tests make it small
  REMIND = 300, -- s until the queue is reminded of a job that goes on; tests make it small
  ABANDONED = 3600, -- s; see debrief.work.abandoned; tests make these two small
  LISTEN = 10,
}

local SAID = 16 << 10 -- bytes of what is said, at most
local MOST = 256 << 20 -- bytes of a text in pieces that a worker reads

--- Is it a name as the next function makes them? Anyone may announce and answer.
function wire.is_name(name) return type(name) == "string" and #name <= 32 and name:find "^%x+$" ~= nil end

--- A name that no other job or worker has.
function wire.name()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return (file:read(8):gsub(".", function(byte) return ("%02x"):format(byte:byte()) end))
end

--- The name of this machine.
function wire.host()
  local file <close> = io.open "/proc/sys/kernel/hostname"
  return file and file:read "l" or "?"
end

--- How many messages a text takes.
function wire.pieces(queue, text) return math.max(1, (#text + queue:room() - 1) // queue:room()) end

--- Keep a text in pieces that all can read.
-- @param key_of function(i, pieces) -> the key of a piece
-- @return how many; or nil and a message
function wire.put(queue, text, key_of)
  local room, pieces = queue:room(), wire.pieces(queue, text)
  for i = 1, pieces do
    local key = key_of(i, pieces)
    local ok, message = queue:put("rest", key, text:sub((i - 1) * room + 1, i * room), key)
    if not ok then return nil, message end
  end
  return pieces
end

--- Read it.
-- @param key with a dot at its end, before the number of a piece
-- @return the text; or nil and a message
function wire.get(queue, key, pieces)
  local parts, size = {}, 0
  for i = 1, pieces do
    local part, message = queue:next(key .. i, 1)
    if not part then return nil, message or "a part of the job is gone" end
    parts[i], size = part, size + #part
    if size > MOST then return nil, "the job is too large" end
  end
  return table.concat(parts)
end

--- Plain data of somebody else's; nil when it is damaged.
function wire.unpack(text)
  local ok, value = pcall(core.unpack, text)
  return ok and value or nil
end

--- What is said, as text; and nil for what is not an object, or too long.
function wire.decode(text)
  if #text > SAID then return nil end
  local ok, value = pcall(core.decode, text)
  return ok and type(value) == "table" and value or nil
end

--- How the clock of this process differs from universal time, now and through the years: days and weeks of reports are
-- those of the process that reads.
function wire.zone()
  local parts = {}
  for year = 1970, 2040, 5 do
    for _, month in ipairs { 1, 7 } do
      parts[#parts + 1] = core.date("%z", core.time(("%d-%02d-01T00:00:00Z"):format(year, month)))
    end
  end
  return core.hash(table.concat(parts)), os.getenv "TZ" or core.date("%Z", core.now())
end

--- The limits of plugins in this process: ms and bytes, 0 for none.
function wire.limits()
  local host = core.host()
  return { time = host.plugin_time or 0, memory = host.plugin_memory or 0 }
end

local HEAD = 256 -- bytes; a line begins with its session and its time

--- How a session begins. Entries that are too old go from the beginning of a stream: then it begins with others.
-- @param log of debrief.core
-- @param id session id
-- @param most bytes to look at, or nil
-- @return a hash, and of how many bytes it is; nil if the session cannot be read
function wire.head(log, id, most)
  local text = log:beginning(id, most or HEAD)
  return text and core.hash(text), text and #text
end

return wire
