--- Fields that every entry has without having them: computed wherever a field is named, in `--where`, `--fields`,
-- `--by` and debrief.get. A member that the entry has under the same name comes first.
-- @module debrief.entry.virtual
local attempts = require "debrief.entry.attempts"
local core = require "debrief.core"
local outcome = require "debrief.entry.outcome"
local passed = require "debrief.entry.passed"
local subagent = require "debrief.entry.subagent"

local virtual = {}

local WEEKDAYS = { "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun" }
virtual.weekdays = WEEKDAYS

local function dated(format)
  return function(entry)
    local ns = core.time(entry)
    return ns and core.date(format, ns)
  end
end

local function part(name, names)
  return function(entry)
    local ns = core.time(entry)
    local value = ns and core.localtime(ns)[name]
    return value and names and names[value] or value
  end
end

--- How many attempts an entry has, 0 without any.
function virtual.attempt_count(entry)
  local n = 0
  for _ in attempts(entry) do n = n + 1 end
  return n
end

--- The time of one of the attempts of an entry: its own where it is logged; a single attempt took what its run took.
function virtual.attempt_ms(attempt, entry)
  if type(attempt.duration_ms) == "number" then return attempt.duration_ms end
  return virtual.attempt_count(entry) == 1 and entry.duration_ms or nil
end

-- Did the first attempt verify? Nil when it makes no claim.
local function first_try(entry)
  local step, list, start = attempts(entry)
  local _, attempt = step(list, start)
  if attempt and type(attempt.verified) == "boolean" then return attempt.verified end
end

-- Time in attempts that did not verify: 0 if all did; nil if none makes a claim, or one of them has no time.
local function lost_ms(entry)
  local lost, said = 0, false
  for _, attempt in attempts(entry) do
    said = said or type(attempt.verified) == "boolean"
    if attempt.verified == false then
      local ms = virtual.attempt_ms(attempt, entry)
      if not ms then return nil end
      lost = lost + ms
    end
  end
  return said and lost or nil
end

local function gap_ms(entry)
  local _, _, gap = core.place(entry)
  return gap and (gap + 500000) // 1000000
end

local of = {
  outcome = function(entry) return (outcome(entry)) end,
  passed = function(entry) return (passed(entry)) end,
  first_try = first_try,
  attempt_count = virtual.attempt_count,
  lost_ms = lost_ms,
  session = function(entry) return core.place(entry) or entry.session_id end,
  line = function(entry) return (select(2, core.place(entry))) end,
  day = dated "%Y-%m-%d",
  week = dated "%G-W%V",
  month = dated "%Y-%m",
  hour = part "hour",
  weekday = part("weekday", WEEKDAYS),
  gap_ms = gap_ms,
  subagent = subagent,
}

--- What there is: { name =, type =, help = } in the order of listings.
virtual.list = {
  { name = "outcome", type = "string", help = "ok, fail, skip or unknown" },
  { name = "passed", type = "boolean", help = "true: ok; false: fail; absent: undecided" },
  { name = "first_try", type = "boolean", help = "did the first attempt verify?" },
  { name = "attempt_count", type = "integer", help = "how many attempts it has" },
  { name = "lost_ms", type = "integer", help = "time in attempts that did not verify" },
  { name = "session", type = "string", help = "the session it was read from" },
  { name = "line", type = "integer", help = "its line in that session" },
  { name = "day", type = "string", help = "2026-11-29, in your zone" },
  { name = "week", type = "string", help = "2026-W48, from Monday" },
  { name = "month", type = "string", help = "2026-11" },
  { name = "hour", type = "integer", help = "0 to 23" },
  { name = "weekday", type = "string", help = "Mon to Sun" },
  { name = "gap_ms", type = "integer", help = "time since the line before it ended" },
  { name = "subagent", type = "string", help = "the subagent that ran it, if one did" },
}

--- Is this the name of one?
function virtual.has(name) return of[name] ~= nil end

--- Its value for an entry, or nil.
function virtual.value(entry, name)
  local compute = of[name]
  return compute and compute(entry)
end

--- Does a text name the field that only some readers know (see debrief.query.reader, `gaps`)?
function virtual.needs_gaps(text) return text:find("gap_ms", 1, true) ~= nil end

return virtual
