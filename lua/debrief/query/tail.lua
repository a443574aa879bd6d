--- The last entries of one session, read from further and further back until there are enough: the beginning of a big
-- session is not read.
-- @module debrief.query.tail
local asked = require "debrief.entry.asked"
local core = require "debrief.core"
local latest = require "debrief.query.latest"

local tail = {}

local START, ENTRY, MORE = 1 << 16, 1 << 10, 8 -- bytes, of an entry, about; how much further the next look goes back

-- Must the lines have their numbers, because hooks can see or the output shows them? All before them is read for that,
-- without looking at it.
local function is_numbered(given, job)
  local shown = given.format ~= "jsonl" or given.fields or given.sort
  return shown or #(job.enrich or {}) + #(job.filter or {}) > 0 or (job.query.where or ""):find "line" ~= nil
end

-- A reader of the item, to look at its file.
local function open(item, dir)
  if item.is_path then return (core.reader(item.path)) end
  local log <close> = assert(core.log(dir))
  return (log:reader(item.session))
end

local function read_back(source, item, n, numbered, read)
  local bytes = math.max(START, n * ENTRY)
  while true do
    local begin, to, line = source:tail(bytes, numbered)
    if not begin then return nil end
    local kept, part = latest.new(n, true), { begin, to, line }
    local met = read({ { session = item.session, path = item.path, is_path = item.is_path, part = part } }, kept.add)
    if begin == 0 then return kept, met end
    local is_enough, names_lines = kept.count() >= n, #met.diagnostics + #met.problems + #met.failures > 0
    if not is_enough then bytes = bytes * MORE
    elseif met.names and #asked.unknown(met.names) > 0 then bytes = math.maxinteger -- "no entry has it": look at all
    elseif names_lines and not numbered then numbered = true
    else return kept, met end
  end
end

--- The last entries of a call that asks for those of one session.
-- @param given { sessions = items, last = how many, format =, fields =, sort = how they are shown }
-- @param job of debrief.run.job
-- @param read function(items, sink(entry, session, line)) -> what was met, a table with diagnostics =, problems =,
--   failures =; called once or more
-- @return debrief.query.latest's list of them, and what was met; nil if all is to be read, as `strict` does: it vouches
--   for all of the session
function tail.last(given, job, read)
  local item = given.last and #given.sessions == 1 and given.sessions[1]
  if not item or item.lines or item.part or item.old or job.query.gaps or job.query.strict then return nil end
  local source = open(item, job.dir)
  if not source then return nil end
  local kept, met = read_back(source, item, given.last, is_numbered(given, job), read)
  source:close()
  return kept, met
end

return tail
