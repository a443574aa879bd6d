--- Times as people write them, in the user's zone, as integer nanoseconds since 1970.
--
--     since yesterday, until yesterday:     |<-- [from, to) -->|      a window is half-open
--                                     00:00 ^            00:00 ^ of today: 23, 24 or 25 hours later
--
-- A time names a moment (now, 12h, 2026-11-01T10:00) or a span (2026-11-01, 2026-W45, last week): `since` takes its
-- start, `until` its end. Days and weeks ago are counted by the calendar, to the same time of day; hours and less are
-- exact. A time of day is today's; for `since` the latest that is past; for `until` after a time of day, the next one.
-- @module debrief.text.time
local core = require "debrief.core"
local suggest = require "debrief.text.suggest"
local trim = require "debrief.text.trim"

local time = {}

local SECOND = 1000000000
local FIRST, LAST = math.mininteger, math.maxinteger -- what a window without since or until begins and ends with

local LONGEST = 100 -- characters of a time

local EXAMPLES = "2026-11-01, 2026-11-01T10:00, 2026-W45, 18:00, 7d, 12h, 30m, now, yesterday, last week, "
  .. "monday, 2026-11-01T10:00:00Z"

local weekdays = { "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday" }
local day_words = { today = 0, yesterday = -1, tomorrow = 1 }
local words = { "now", "today", "yesterday", "tomorrow" }
for _, period in ipairs { "week", "month", "year" } do
  words[#words + 1] = "this " .. period
  words[#words + 1] = "last " .. period
end
for i, name in ipairs(weekdays) do
  words[#words + 1] = name
  words[#words + 1] = "last " .. name
  weekdays[name], weekdays[name:sub(1, 3)] = i, i
end

-- ---- The calendar ---------------------------------------------------------------------------------------------------

-- Is the local date of a moment (ns) before this one?
local function before(ns, year, month, day)
  local t = core.localtime(ns)
  if t.year ~= year then return t.year < year end
  if t.month ~= month then return t.month < month end
  return t.day < day
end

-- The first moment of a day, parts normalised: midnight. Where clocks jump over that or show it twice it is
-- searched for: the first second that has the date.
local function day_start(year, month, day)
  local noon = core.mktime(year, month, day, 12, 0, 0)
  if not noon then return nil end
  local date = core.localtime(noon)
  year, month, day = date.year, date.month, date.day
  local start = core.mktime(year, month, day, 0, 0, 0)
  if not start then return nil end
  if not before(start, year, month, day) and before(start - SECOND, year, month, day) then return start end
  local low, high = noon // SECOND - 36 * 3600, noon // SECOND
  while high - low > 1 do
    local middle = (low + high) // 2
    if before(middle * SECOND, year, month, day) then low = middle else high = middle end
  end
  return high * SECOND
end

local function day_span(year, month, day)
  return day_start(year, month, day), day_start(year, month, day + 1)
end

local function month_span(year, month) return day_start(year, month, 1), day_start(year, month + 1, 1) end

-- The week that the calendar of ISO 8601 calls YEAR-Wn; nil where the year has no such week.
local function iso_week_span(year, n)
  local fourth = core.mktime(year, 1, 4, 12, 0, 0) -- is in week 1
  if not fourth or n < 1 then return nil end
  local monday = 4 - core.localtime(fourth).weekday + 1 + 7 * (n - 1)
  local thursday = core.mktime(year, 1, monday + 3, 12, 0, 0)
  if not thursday or core.localtime(thursday).year ~= year then return nil end
  return day_start(year, 1, monday), day_start(year, 1, monday + 7)
end

local function year_span(year) return day_start(year, 1, 1), day_start(year + 1, 1, 1) end

local function week_span(t, weeks)
  local monday = t.day - t.weekday + 1 + 7 * weeks
  return day_start(t.year, t.month, monday), day_start(t.year, t.month, monday + 7)
end

-- Does the calendar have this day?
local function is_date(year, month, day)
  local noon = month >= 1 and month <= 12 and core.mktime(year, month, day, 12, 0, 0)
  local t = noon and core.localtime(noon)
  return t and t.day == day and t.month == month and t.year == year
end

-- ---- Forms ----------------------------------------------------------------------------------------------------------

local seconds_of = { ms = 0.001, s = 1, sec = 1, second = 1, m = 60, min = 60, minute = 60, h = 3600, hour = 3600 }
local days_of = { d = 1, day = 1, w = 7, week = 7 }
local months_of = { month = 1, y = 12, year = 12 }

-- The same day and time some months earlier; the last day of the month where it has no such day.
local function months_ago(t, n)
  local last = core.mktime(t.year, t.month - n + 1, 0, 12, 0, 0)
  if not last then return nil end
  return core.mktime(t.year, t.month - n, math.min(t.day, core.localtime(last).day), t.hour, t.minute, t.second)
end

-- "3 d 04 h", "90 minutes" as { { 3, "d" }, { 4, "h" } }, units without their plural; nil if it is anything else.
local function parts_of(text)
  local parts, at = {}, 1
  while at <= #text do
    local count, unit, past = text:match("^(%d+%.?%d*)%s*(%a+)%s*()", at)
    if not count then return nil end
    unit = (seconds_of[unit] or days_of[unit] or months_of[unit]) and unit or unit:match "^(%a%a%a+)s$"
    local is_part = count:find(".", 1, true) and not seconds_of[unit] -- a part of a day or month is no time of day
    if is_part or not (seconds_of[unit] or days_of[unit] or months_of[unit]) then return nil end
    parts[#parts + 1], at = { #count < 10 and tonumber(count) or 999999999, unit }, past
  end
  return parts[1] and parts
end

-- Parts added up: months, days, and ns; nil for ns that are too many.
local function sums_of(parts)
  local months, days, ns = 0, 0, 0
  for _, part in ipairs(parts) do
    local n, unit = part[1], part[2]
    if months_of[unit] then months = months + n * months_of[unit]
    elseif days_of[unit] then days = days + n * days_of[unit]
    elseif n * seconds_of[unit] >= 9.2e9 then return months, days, nil
    else ns = ns + math.floor(n * seconds_of[unit] * SECOND + 0.5) end
  end
  return months, days, ns >= 0 and ns < 9.2e18 and ns or nil
end

-- "7d", "12 hours ago", "3 d 04 h": months and days by the calendar, to the same time of day, then what is less.
local function ago(text, now)
  local parts = parts_of((text:gsub("%s+ago$", "")))
  if not parts then return nil end
  local months, days, ns = sums_of(parts)
  local moment = now
  if not ns or days >= 1000000 or months >= 10000 then return nil, "is too long ago" end
  if months > 0 then moment = months_ago(core.localtime(moment), months) end
  if moment and days > 0 then
    local t = core.localtime(moment)
    moment = core.mktime(t.year, t.month, t.day - days, t.hour, t.minute, t.second)
  end
  if not moment then return nil, "is too long ago" end
  if months + days > 0 then moment = moment + now % SECOND end
  if ns > 0 and moment < math.mininteger + ns then return nil, "is too long ago" end
  return moment - ns
end

-- A time of day on a date. Where clocks show it twice, the first moment and the last.
local function clock_span(year, month, day, clock)
  local hour, minute, rest = clock:match "^(%d%d?):(%d%d)(.*)$"
  local second, fraction = (rest or ""):match "^:(%d%d)%.?(%d*)$"
  if not hour or rest ~= "" and not second then return nil end
  hour, minute, second = tonumber(hour), tonumber(minute), tonumber(second or 0)
  if hour > 23 or minute > 59 or second > 59 then return nil, "has no time of day that clocks show" end
  local part = tonumber(((fraction or "") .. "000000000"):sub(1, 9))
  local moment = core.mktime(year, month, day, hour, minute, second)
  if not moment then return nil end
  local first, last = moment, moment
  for _, step in ipairs { -3600, -1800, 1800, 3600 } do
    local other = moment + step * SECOND
    local t = core.localtime(other)
    if t.day == core.localtime(moment).day and t.hour == hour and t.minute == minute then
      first, last = math.min(first, other), math.max(last, other)
    end
  end
  return first + part, last + part
end

-- Year, month and day of "2026-11-01", "yesterday", "monday", "last monday".
local function date_of(text, t)
  local year, month, day = text:match "^(%d%d%d%d)%-(%d%d)%-(%d%d)$"
  if year then
    year, month, day = tonumber(year), tonumber(month), tonumber(day)
    if year < 1678 or year > 2261 then return nil, "is outside of the years 1678 to 2261" end
    if not is_date(year, month, day) then return nil, "is not a day of the calendar" end
    return year, month, day
  end
  if day_words[text] then return t.year, t.month, t.day + day_words[text] end
  local last, name = text:match "^(last%s+)(%a+)$"
  local weekday = weekdays[name or text]
  if math.type(weekday) ~= "integer" then return nil end
  local back = (t.weekday - weekday) % 7
  return t.year, t.month, t.day - (last and back == 0 and 7 or back)
end

local function period(text, t)
  local which, what = text:match "^(%a+)%s+(%a+)$"
  local back = which == "this" and 0 or which == "last" and 1
  if back and what == "week" then return week_span(t, -back) end
  if back and what == "month" then return month_span(t.year, t.month - back) end
  if back and what == "year" then return year_span(t.year - back) end
  local of, week = text:match "^(%d%d%d%d)%-?w(%d%d)$"
  if of then return iso_week_span(tonumber(of), tonumber(week)) end
  local year, month = text:match "^(%d%d%d%d)%-(%d%d)$"
  month = tonumber(month)
  if month and month >= 1 and month <= 12 then return month_span(tonumber(year), month) end
  if text:find "^%d%d%d%d$" then return year_span(tonumber(text)) end
end

-- "2026-11-01", "2026-11-01T10:00", "yesterday 18:30"
local function day(text, t)
  local head, clock = text:match "^(.-)[T%s]+(%d%d?:.*)$"
  local year, month, number = date_of((head or text):lower(), t)
  if not year then return nil, month end
  if clock then return clock_span(year, month, number, clock) end
  return day_span(year, month, number)
end

-- From and to of what a text names; nil, and for a text that is nearly understood what is wrong with it.
local function span(text, now)
  local exact = text:gsub("^(%d%d%d%d%-%d%d%-%d%dT%d%d:%d%d)([Z+-])", "%1:00%2")
  local moment = core.time(exact)
  if moment then return moment, moment end
  if text:lower() == "now" or text:lower() == "just now" then return now, now end
  local why
  moment, why = ago(text, now)
  if moment or why then return moment, moment or why end
  local t = core.localtime(now)
  local from, to = period(text:lower(), t)
  if from then return from, to end
  return day(text, t)
end

-- ---- A time of day --------------------------------------------------------------------------------------------------

local function is_clock(text) return type(text) == "string" and text:find "^%s*%d%d?:%d%d[%d:.]*%s*$" ~= nil end

local function clock_on(text, ns)
  local t = core.localtime(ns)
  return clock_span(t.year, t.month, t.day, text)
end

-- "18:00": today, or yesterday where a window would begin with what is yet to come.
local function clock(text, edge, now)
  local from, to = clock_on(text, now)
  if from and edge ~= "until" and from > now then return clock_on(text, span("yesterday", now)) end
  return from, to
end

-- The first such time after a moment.
local function clock_after(text, moment)
  local from, to = clock_on(text, moment)
  if from and to <= moment then
    local t = core.localtime(moment)
    from, to = clock_on(text, day_start(t.year, t.month, t.day + 1))
  end
  return from and to
end

-- ---- Showing --------------------------------------------------------------------------------------------------------

local MINUTE, HOUR = 60 * SECOND, 3600 * SECOND

--- A time as people say it, in at most 16 columns: "just now", "12 min ago", "3 h ago" up to 12 hours, then
-- "today 03:10", "yesterday 14:02", and "2026-10-19 11:12" for all that is older or yet to come.
-- @param now nil: always the last form
function time.relative(ns, now)
  local passed = now and now - ns
  if passed and passed >= 0 and ns > 0 then
    if passed < MINUTE then return "just now" end
    if passed < HOUR then return ("%d min ago"):format(passed // MINUTE) end
    if passed < 12 * HOUR then return ("%d h ago"):format(passed // HOUR) end
    for _, word in ipairs { "today", "yesterday" } do
      local from, to = span(word, now)
      if ns >= from and ns < to then return word .. core.date(" %H:%M", ns) end
    end
  end
  return core.date("%Y-%m-%d %H:%M", ns)
end

-- ---- Asking ---------------------------------------------------------------------------------------------------------

local function not_understood(text, why)
  local near, hint
  if not why and not text:find "%d" then near, hint = suggest(text:lower(), words) end
  if near then return ("'%s' is not a time that is understood%s"):format(text, hint) end
  return ("'%s' %s; write one of: %s"):format(text, why or "is not a time that is understood", EXAMPLES)
end

--- What a time names.
-- @param text a text, or a moment as an integer (ns)
-- @param edge "since" (the start of a span) or "until" (its end)
-- @param now the moment that "7d" and "today" count from, ns
-- @return ns; or nil and a message with examples
function time.parse(text, edge, now)
  if math.type(text) == "integer" then return text end
  if type(text) ~= "string" then return nil, "a time is a text or an integer of nanoseconds, not a " .. type(text) end
  text = trim.both(text)
  if #text > LONGEST then return nil, ("a time of %d characters is not understood"):format(#text) end
  local from, to
  if is_clock(text) then from, to = clock(text, edge, now) else from, to = span(text, now) end
  if from and to then return edge == "until" and to or from end
  return nil, not_understood(text, to)
end

--- How long "1 m 30 s" or "2h" is, in ms; nil for what is no length of time.
function time.duration(text)
  local parts = #text <= LONGEST and parts_of(trim.both(text))
  if not parts then return nil end
  local months, days, ns = sums_of(parts)
  if months > 0 or not ns or days >= 100000 then return nil end
  local ms = days * 86400000 + ns / 1000000
  return math.tointeger(ms) or ms
end

local function shown(ns) return core.date("%Y-%m-%d %H:%M:%S", ns) end

--- A window of time: `from <= t and t < to`.
-- @param since where it begins: a text or ns; nil: at the first moment there is
-- @param ending where it ends, the span that it names included; nil: never
-- @param now the moment that relative times count from, ns; nil: now
-- @return from, to (ns); or nil and a message
function time.window(since, ending, now)
  now = now or core.now()
  local from, to, message = FIRST, LAST, nil
  if since ~= nil then from, message = time.parse(since, "since", now) end
  if not from then return nil, "since: " .. message end
  if ending ~= nil then to, message = time.parse(ending, "until", now) end
  if not to then return nil, "until: " .. message end
  if is_clock(since) and is_clock(ending) then to = clock_after(trim.both(ending), from) or to end
  if from < to then return from, to end
  return nil, ("the window is empty: since '%s' (%s) is not before until '%s' (%s)"):format(since, shown(from), ending,
    shown(to))
end

return time
