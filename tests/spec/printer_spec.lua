-- How entries look on terminals of any width, with text of any width in them.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"
local fields = require "debrief.entry.fields"
local printer = require "debrief.entry.printer"
local asked = require "debrief.entry.asked"
local time = require "debrief.text.time"
local width = require "debrief.text.width"

local NOW = time.parse("2026-11-22T13:00", "since", core.now())
local MINUTE, HOUR = 60 * 1000000000, 3600 * 1000000000

local EVIL = [[\u001b[2J\u001b]52;c;aGFjaw==\u0007\u009b31m\u202eabc\u200b\n]]

local function plain(text) return (text:gsub("\27%[[%d;]*m", "")) end

describe("times as people say them", function()
  it("are relative for half a day, then name the day, then are a date", function()
    for passed, text in pairs { [0] = "just now", [MINUTE - 1] = "just now", [MINUTE] = "1 min ago",
      [59 * MINUTE] = "59 min ago", [HOUR] = "1 h ago", [12 * HOUR - 1] = "11 h ago", [12 * HOUR] = "today 01:00",
      [13 * HOUR + 1] = "yesterday 23:59", [37 * HOUR] = "yesterday 00:00", [37 * HOUR + 1] = "2026-11-20 23:59",
      [-1] = "2026-11-22 13:00", [-HOUR] = "2026-11-22 14:00", [NOW] = "1970-01-01 00:00" } do
      if passed ~= NOW or os.date("%z", 0) == "+0000" then assert.equal(text, time.relative(NOW - passed, NOW)) end
      assert(width.of(text) <= 16)
    end
    assert.equal("2026-11-22 13:00", time.relative(NOW, nil))
  end)
end)

describe("a line of the listing", function()
  local function line(text, opts)
    opts.now = NOW
    return printer.lines(opts)(assert(core.entry(text)), opts.session or "s1", opts.line or 7)
  end

  it("fits terminals of every width, whatever is in the entry", function()
    local long = ("実装"):rep(30)
    for _, text in ipairs { "{}", ('{"skill":"%s","final_status":"ok","duration_ms":123456789,"attempts":[{},{},'
      .. '{"output_summary":"%s"}]}'):format(long, long),
      ('{"skill":"%s","timestamp":"2026-11-22T12:00:00Z"}'):format(EVIL) } do
      for columns_there = 26, 160 do
        local shown = line(text, { width = columns_there, place = 42, color = true, session = ("x"):rep(60),
          line = 123456 })
        assert(width.of(plain(shown)) <= columns_there, columns_there .. ": " .. shown)
        assert.falsy(plain(shown):find "[\0-\31\127]")
        assert.truthy(shown:find("…:123456", 1, true), shown)
      end
    end
  end)

  it("keeps its columns in line, wide characters or not", function()
    local at
    for _, skill in ipairs { "a", "実装", "e\u{301}", ("x"):rep(40) } do
      local shown = line(('{"skill":"%s","final_status":"fail"}'):format(skill), { width = 100, place = 20 })
      local before = width.of(shown:match "^(.*)FAIL")
      at = at or before
      assert.equal(at, before)
    end
  end)

  it("drops the least important columns on narrow terminals", function()
    local text = ('{"skill":"tdd","timestamp":"%s","final_status":"fail","duration_ms":9000,"attempts":[{},{}]}')
      :format(os.date("!%Y-%m-%dT%H:%M:%SZ", (NOW - 2 * MINUTE) // 1000000000))
    assert.equal("s1:7        2 min ago         tdd       FAIL   ×2      9.0 s", line(text, { width = 60, place = 10 }))
    assert.equal("s1:7        2 min ago         tdd       FAIL", (line(text, { width = 44, place = 10 })))
    assert.equal("s1:7        tdd       FAIL", (line(text, { width = 30, place = 20 })))
    -- the place, which people paste, is whole before anything else is there
    local id = "258c7280-ae70-4798-800f-63464d01a85d"
    local shown = line(text, { width = 80, place = 42, session = id, line = 1391 })
    assert.equal(id .. ":1391   2 min ago         tdd       FAIL", shown)
    shown = line(text, { width = 72, place = 42, session = id, line = 1391 })
    assert.equal(id .. ":1391   tdd       FAIL", shown:sub(1, 60))
  end)
end)

describe("a table of fields", function()
  local function shown(names, limit, ...)
    local add, rest = fields.table(names, asked.new(), limit)
    local out = {}
    for i, text in ipairs { ... } do out[#out + 1] = add(assert(core.entry(text)), "s1", i) end
    out[#out + 1] = rest()
    return table.concat(out, "\n")
  end

  it("fits the terminal: wide columns shrink, then entries become blocks", function()
    local text = ('{"skill":"%s","phase":"%s","file_path":"%s","message":"%s"}')
      :format(("実装"):rep(9), EVIL, ("p"):rep(50), "m")
    local names = { "skill", "phase", "file_path", "message", "final_status", "line" }
    for limit = 20, 120 do
      local out = shown(names, limit, text, "{}")
      for line in out:gmatch "[^\n]+" do assert(width.of(line) <= limit, limit .. ": " .. line) end
      assert.falsy(out:find "[\0-\9\11-\31\127]")
      assert.falsy(out:find "\u{202e}")
      assert.equal(limit < 53, out:find "^skill +実" ~= nil, limit .. "\n" .. out)
    end
  end)
end)
teardown(program.clean)
