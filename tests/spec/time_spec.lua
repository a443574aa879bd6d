-- Times as people write them, in zones whose days have 23, 24 and 25 hours. Each answer comes from a process of its
-- own: the C library reads TZ once.
local program = dofile "tests/spec/support/program.lua"

-- "from .. to" of each text, or why it is not a time.
local ask = [[
local core, time = require "debrief.core", require "debrief.text.time"
local now = core.time(arg[1])
local function shown(ns)
  local part = ns % 1000000000
  return core.date("%F %T", ns) .. (part > 0 and ("+%d"):format(part) or "") .. core.date(" %z", ns)
end
for i = 2, #arg do
  local from, message = time.parse(arg[i], "since", now)
  if not from then
    print(message)
  else
    local to = time.parse(arg[i], "until", now)
    assert(math.type(from) == "integer" and math.type(to) == "integer")
    print(from == to and shown(from) or shown(from) .. " .. " .. shown(to))
  end
end]]

local MONDAY = "2026-10-26T10:00:00.123456789Z" -- the day after Berlin's clocks went back

-- zone, now, { text, what it names }...
local cases = {
  { "Europe/Berlin", MONDAY,
    { "now", "2026-10-26 11:00:00+123456789 +0100" },
    { "12h", "2026-10-25 23:00:00+123456789 +0100" },
    { "36h", "2026-10-25 00:00:00+123456789 +0200" }, -- 25 hours of Sunday and 11 of Monday
    { "30m", "2026-10-26 10:30:00+123456789 +0100" },
    { "90 seconds ago", "2026-10-26 10:58:30+123456789 +0100" },
    { "1d", "2026-10-25 11:00:00+123456789 +0100" },
    { "2d", "2026-10-24 11:00:00+123456789 +0200" }, -- at the same time of day: 49 hours
    { "7d", "2026-10-19 11:00:00+123456789 +0200" },
    { "2w", "2026-10-12 11:00:00+123456789 +0200" },
    { "3 months ago", "2026-07-26 11:00:00+123456789 +0200" },
    { "1y", "2025-10-26 11:00:00+123456789 +0100" },
    { "today", "2026-10-26 00:00:00 +0100 .. 2026-10-27 00:00:00 +0100" },
    { "yesterday", "2026-10-25 00:00:00 +0200 .. 2026-10-26 00:00:00 +0100" },
    { "Tomorrow", "2026-10-27 00:00:00 +0100 .. 2026-10-28 00:00:00 +0100" },
    { "last week", "2026-10-19 00:00:00 +0200 .. 2026-10-26 00:00:00 +0100" },
    { "this week", "2026-10-26 00:00:00 +0100 .. 2026-11-02 00:00:00 +0100" },
    { "last month", "2026-09-01 00:00:00 +0200 .. 2026-10-01 00:00:00 +0200" },
    { "this year", "2026-01-01 00:00:00 +0100 .. 2027-01-01 00:00:00 +0100" },
    { "monday", "2026-10-26 00:00:00 +0100 .. 2026-10-27 00:00:00 +0100" },
    { "last Monday", "2026-10-19 00:00:00 +0200 .. 2026-10-20 00:00:00 +0200" },
    { "tue", "2026-10-20 00:00:00 +0200 .. 2026-10-21 00:00:00 +0200" },
    { "2026-03-29", "2026-03-29 00:00:00 +0100 .. 2026-03-30 00:00:00 +0200" },
    { "2026-10", "2026-10-01 00:00:00 +0200 .. 2026-11-01 00:00:00 +0100" },
    { "2024-02-29", "2024-02-29 00:00:00 +0100 .. 2024-03-01 00:00:00 +0100" },
    { "2026-11-01T10:00", "2026-11-01 10:00:00 +0100" },
    { " 2026-11-01 10:00:05.25 ", "2026-11-01 10:00:05+250000000 +0100" },
    { "yesterday 18:30", "2026-10-25 18:30:00 +0100" },
    { "2026-10-25T02:30", "2026-10-25 02:30:00 +0200 .. 2026-10-25 02:30:00 +0100" }, -- clocks show it twice
    { "2026-11-01T10:00:00Z", "2026-11-01 11:00:00 +0100" },
    { "2026-11-01T10:00+05:30", "2026-11-01 05:30:00 +0100" },
    { "2026-11-01T10:00:00.5-07:00", "2026-11-01 18:00:00+500000000 +0100" } },
  -- what tables show: weeks, lengths of time, times of day
  { "Europe/Berlin", MONDAY,
    { "2026-W44", "2026-10-26 00:00:00 +0100 .. 2026-11-02 00:00:00 +0100" },
    { "2026-w13", "2026-03-23 00:00:00 +0100 .. 2026-03-30 00:00:00 +0200" },
    { "2026-W01", "2025-12-29 00:00:00 +0100 .. 2026-01-05 00:00:00 +0100" },
    { "2026-W53", "2026-12-28 00:00:00 +0100 .. 2027-01-04 00:00:00 +0100" },
    { "2025-W01", "2024-12-30 00:00:00 +0100 .. 2025-01-06 00:00:00 +0100" },
    { "1 m 30 s", "2026-10-26 10:58:30+123456789 +0100" },
    { "2 h 05 m", "2026-10-26 08:55:00+123456789 +0100" },
    { "1 d 01 h", "2026-10-25 10:00:00+123456789 +0100" },
    { "1.5h", "2026-10-26 09:30:00+123456789 +0100" },
    { "38.8 s", "2026-10-26 10:59:21+323456789 +0100" },
    { "250 ms", "2026-10-26 10:59:59+873456789 +0100" },
    { "12 min ago", "2026-10-26 10:48:00+123456789 +0100" },
    { "just now", "2026-10-26 11:00:00+123456789 +0100" },
    { "today 03:10", "2026-10-26 03:10:00 +0100" },
    { "10:30", "2026-10-26 10:30:00 +0100" } },
  { "Europe/Berlin", "2026-03-31T08:00:00Z",
    { "1 month", "2026-02-28 10:00:00 +0100" }, -- no 31st of February
    { "last sunday", "2026-03-29 00:00:00 +0100 .. 2026-03-30 00:00:00 +0200" },
    { "last week", "2026-03-23 00:00:00 +0100 .. 2026-03-30 00:00:00 +0200" } },
  { "America/New_York", "2026-11-02T12:00:00Z",
    { "yesterday", "2026-11-01 00:00:00 -0400 .. 2026-11-02 00:00:00 -0500" },
    { "2026-03-08", "2026-03-08 00:00:00 -0500 .. 2026-03-09 00:00:00 -0400" },
    { "2026-11-01 01:30", "2026-11-01 01:30:00 -0400 .. 2026-11-01 01:30:00 -0500" },
    { "last month", "2026-10-01 00:00:00 -0400 .. 2026-11-01 00:00:00 -0400" } },
  { "Asia/Kolkata", "2026-10-25T18:29:59Z", -- a second before midnight there
    { "today", "2026-10-25 00:00:00 +0530 .. 2026-10-26 00:00:00 +0530" },
    { "1h", "2026-10-25 22:59:59 +0530" } },
  { "Asia/Kolkata", "2026-10-25T18:30:00Z",
    { "today", "2026-10-26 00:00:00 +0530 .. 2026-10-27 00:00:00 +0530" } },
  { "UTC", "2026-01-01T00:00:00Z",
    { "yesterday", "2025-12-31 00:00:00 +0000 .. 2026-01-01 00:00:00 +0000" },
    { "this week", "2025-12-29 00:00:00 +0000 .. 2026-01-05 00:00:00 +0000" },
    { "last year", "2025-01-01 00:00:00 +0000 .. 2026-01-01 00:00:00 +0000" },
    { "2261", "2261-01-01 00:00:00 +0000 .. 2262-01-01 00:00:00 +0000" },
    { "1969-12-31T23:59:59.5Z", "1969-12-31 23:59:59+500000000 +0000" } },
  -- midnight that is not there, and midnight that is there twice
  { "Africa/Cairo", "2026-05-01T00:00:00Z",
    { "2026-04-24", "2026-04-24 01:00:00 +0300 .. 2026-04-25 00:00:00 +0300" },
    { "2026-04-23", "2026-04-23 00:00:00 +0200 .. 2026-04-24 01:00:00 +0300" } },
  { "America/Havana", "2026-05-01T00:00:00Z",
    { "2026-11-01", "2026-11-01 00:00:00 -0400 .. 2026-11-02 00:00:00 -0500" } },
}

local examples = "write one of: 2026-11-01, 2026-11-01T10:00, 2026-W45, 18:00, 7d, 12h, 30m, now, yesterday, "
  .. "last week, monday, 2026-11-01T10:00:00Z"

-- text, and what is said of it before the examples
local refused = {
  { "lst week", "'lst week' is not a time that is understood: did you mean 'last week'?" },
  { "6M", "'6M' is not a time that is understood" }, -- months or minutes: not guessed
  { "7 parsecs", "'7 parsecs' is not a time that is understood" },
  { "", "'' is not a time that is understood" },
  { "2026-02-30", "'2026-02-30' is not a day of the calendar" },
  { "2026-13-01", "'2026-13-01' is not a day of the calendar" },
  { "2026-11-01T25:00", "'2026-11-01T25:00' has no time of day that clocks show" },
  { "2026-11-01T10:60", "'2026-11-01T10:60' has no time of day that clocks show" },
  { "2026-11-01T10:00:0", "'2026-11-01T10:00:0' is not a time that is understood" },
  { "25:00", "'25:00' has no time of day that clocks show" },
  { "2025-W53", "'2025-W53' is not a time that is understood" }, -- that year has 52
  { "2026-W00", "'2026-W00' is not a time that is understood" },
  { "1.5d", "'1.5d' is not a time that is understood" },
  { "1 h 30", "'1 h 30' is not a time that is understood" },
  { "last week 10:00", "'last week 10:00' is not a time that is understood" },
  { "1600-01-01", "'1600-01-01' is outside of the years 1678 to 2261" },
  { "99999999999999999999d", "'99999999999999999999d' is too long ago" },
  { "9999999h", "'9999999h' is too long ago" },
}

describe("time", function()
  local scene
  before_each(function()
    scene = program.scene()
    scene:write("ask.lua", ask)
  end)
  teardown(program.clean)

  local function answers(zone, now, list)
    local words = {}
    for i, case in ipairs(list) do words[i] = program.quote(case[1]) end
    local r = scene:sh(('TZ=%s "$DEBRIEF" run ask.lua %s %s'):format(zone, now, table.concat(words, " ")))
    assert.same({ "", 0 }, { r.err, r.status })
    local out = {}
    for line in r.out:gmatch "[^\n]+" do out[#out + 1] = line end
    return out
  end

  for _, case in ipairs(cases) do
    local zone, now = case[1], case[2]
    it(("understands %d forms in %s at %s"):format(#case - 2, zone, now), function()
      local list = { table.unpack(case, 3) }
      local out = answers(zone, now, list)
      for i, pair in ipairs(list) do assert.same(pair, { pair[1], out[i] }) end
      assert.equal(#list, #out)
    end)
  end

  it("says what it does not understand, with examples", function()
    local out = answers("UTC", MONDAY, refused)
    for i, pair in ipairs(refused) do
      assert.equal(pair[2] .. (pair[2]:find "%?$" and "" or "; " .. examples), out[i])
    end
  end)

  it("finds the start and the end of each day of ten years next to each other, whatever clocks do", function()
    scene:write("days.lua", [[
      local core, time = require "debrief.core", require "debrief.text.time"
      local seen, last = {}, nil
      for year = 2020, 2029 do
        for day = 1, 366 do
          local noon = core.mktime(year, 1, day, 12, 0, 0)
          local date = core.date("%F", noon)
          local from, to = time.window(date, date, noon)
          assert(not last or day == 1 or from == last, date)
          assert(core.date("%F", from) == date and core.date("%F", from - 1) < date, date)
          assert(core.date("%F", to - 1) == date and core.date("%F", to) > date, date)
          last = to
          local hours = (to - from) // 3600000000000
          seen[hours] = (seen[hours] or 0) + 1
        end
      end
      print(seen[23], seen[24], seen[25])]])
    local hours = {}
    for _, zone in ipairs { "UTC", "Europe/Berlin", "Asia/Beirut", "America/Havana", "Asia/Kolkata" } do
      local r = scene:sh(('TZ=%s "$DEBRIEF" run days.lua'):format(zone))
      assert.equal("", r.err)
      hours[zone] = r.out:gsub("\n", "")
    end
    assert.equal("nil\t3660\tnil", hours.UTC)
    assert.equal("nil\t3660\tnil", hours["Asia/Kolkata"])
    assert.equal("10\t3640\t10", hours["Europe/Berlin"])
    assert.equal("10\t3640\t10", hours["America/Havana"])
    assert.truthy(hours["Asia/Beirut"]:find "^%d+\t%d+\t%d+$")
  end)

  it("takes times of day from the past, and an end after its beginning", function()
    scene:write("w.lua", [[
      local debrief = require "debrief"
      local now = debrief.time "2026-10-26T12:00:00Z"
      for _, pair in ipairs { { "09:00", "11:00" }, { "18:00" }, { "22:00", "06:00" }, { "11:00", "13:30" },
        { "yesterday", "06:00" }, { "13:00", "13:00" }, { "2026-W43", "2026-W43" } } do
        local from, to = debrief.window(pair[1], pair[2], now)
        print(debrief.date("%d %R", from), to < math.maxinteger and debrief.date("%d %R", to) or "-")
      end]])
    local r = scene:sh [["$DEBRIEF" run w.lua]]
    assert.same({ "26 09:00\t26 11:00\n25 18:00\t-\n25 22:00\t26 06:00\n26 11:00\t26 13:30\n25 00:00\t26 06:00\n"
      .. "25 13:00\t26 13:00\n19 00:00\t26 00:00\n", "" }, { r.out, r.err })
  end)

  it("understands every length of time as it is shown", function()
    local time, values = require "debrief.text.time", require "debrief.text.values"
    for _, ms in ipairs { 0, 1, 999, 1500, 59900, 60000, 90000, 3599000, 3600000, 7500000, 86340000, 86400000,
      190800000 } do
      assert.equal(ms, time.duration(values.number(ms, "ms")))
    end
    for _, text in ipairs { "", "5", "soon", "1 month", "1 h 30", "-1 s" } do assert.is_nil(time.duration(text)) end
  end)

  it("makes half-open windows for scripts, and refuses empty ones", function()
    scene:write("w.lua", [[
      local debrief = require "debrief"
      local now = debrief.time "2026-10-26T10:00:00Z"
      local function show(...) print(debrief.date("%F %T", (...)), debrief.date("%F %T", (select(2, ...)))) end
      show(debrief.window("last week", "last week", now))
      show(debrief.window(now - 1, now, now))
      print(debrief.window(nil, nil, now))
      print(select(2, debrief.window("today", "yesterday", now)))
      print(select(2, debrief.window("today", "now", debrief.time "2026-10-26T00:00:00Z")))
      print((select(2, debrief.window("x", nil, now)):match "^[^;]*"))
      print((select(2, debrief.window(nil, {}, now))))]])
    local r = scene:sh [["$DEBRIEF" run w.lua]]
    assert.equal("", r.err)
    assert.equal(table.concat({ "2026-10-19 00:00:00\t2026-10-26 00:00:00", "2026-10-26 09:59:59\t2026-10-26 10:00:00",
      "-9223372036854775808\t9223372036854775807",
      "the window is empty: since 'today' (2026-10-26 00:00:00) is not before until 'yesterday' (2026-10-26 00:00:00)",
      "the window is empty: since 'today' (2026-10-26 00:00:00) is not before until 'now' (2026-10-26 00:00:00)",
      "since: 'x' is not a time that is understood",
      "until: a time is a text or an integer of nanoseconds, not a table", "" }, "\n"), r.out)
  end)
end)
