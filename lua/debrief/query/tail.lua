--- The last entries of one session, read from further and further back until there are enough: the beginning of a big
-- session is not read.
-- @module debrief.query.tail
local latest = require "debrief.query.latest"

local tail = {}

local START, ENTRY, MORE = 1 << 16, 1 << 10, 8 -- bytes, of an entry, about; how much further the next look goes back

--- @param source of core.reader or a log, for looking at the file only
-- @param n how many entries
-- @param numbered must the lines have their numbers? That means reading all before them, without looking at it
-- @param read function(part as `narrow` takes it, sink(entry, session, line)) -> what was met, a table with
--   diagnostics =, problems =, failures =; called once or more
-- @return debrief.query.latest's list of them, and what was met; or nil and a message
function tail.read(source, n, numbered, read)
  local bytes = math.max(START, n * ENTRY)
  while true do
    local begin, to, line = source:tail(bytes, numbered)
    if not begin then return nil, to end
    local kept = latest.new(n, true)
    local met = read({ begin, to, line }, kept.add)
    local enough, told = begin == 0 or kept.count() >= n, #met.diagnostics + #met.problems + #met.failures > 0
    if enough and (begin == 0 or numbered or not told) then return kept, met end
    if enough then numbered = true else bytes = bytes * MORE end -- what is told names lines
  end
end

return tail
