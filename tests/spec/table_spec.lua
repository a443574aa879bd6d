-- Columns side by side, in any width.
dofile "tests/spec/support/plugins.lua"
local layout = require "debrief.text.table"
local width = require "debrief.text.width"

local rows = { { "implement", "12", "a long sentence of words" }, { "tdd", "7", "short" } }

local function columns(changes)
  local out = { { title = "skill", least = 4 }, { title = "how many", align = "right", cut = false },
    { title = "says", least = 6 } }
  for i, more in pairs(changes or {}) do for key, value in pairs(more) do out[i][key] = value end end
  return out
end

local function shown(given, limit, cells)
  local grid, fits = layout.fit(given, cells or rows, limit)
  local lines, rule = grid:header()
  lines[#lines + 1] = rule
  for _, row in ipairs(cells or rows) do lines[#lines + 1] = grid:row(row) end
  return lines, fits
end

describe("a layout of columns", function()
  it("is as wide as its cells and titles where there is room", function()
    for _, limit in ipairs { 45, 80, math.huge } do
      assert.same({ "skill      how many  says", "─────────  ────────  ────────────────────────",
        "implement        12  a long sentence of words", "tdd               7  short" }, (shown(columns(), limit)))
    end
  end)

  it("breaks titles first, then cuts the widest columns, never numbers", function()
    assert.same({ "            how", "skill      many  says", "─────────  ────  ────────────────────────",
      "implement    12  a long sentence of words", "tdd           7  short" }, (shown(columns(), 42)))
    assert.same({ "            how", "skill      many  says", "─────────  ────  ────────────",
      "implement    12  a long sent…", "tdd           7  short" }, (shown(columns(), 29)))
    assert.same({ "        how", "skill  many  says", "─────  ────  ──────", "impl…    12  a lon…",
      "tdd       7  short" }, (shown(columns(), 19)))
  end)

  it("says when it does not fit, and never exceeds a width that it fits", function()
    for limit = 1, 60 do
      local lines, fits = shown(columns(), limit)
      assert.equal(limit >= 18, fits)
      for _, line in ipairs(fits and lines or {}) do assert.is_true(width.of(line) <= limit) end
    end
  end)

  it("drops columns by their rank when cutting is not enough", function()
    local given = columns { [2] = { drop = 2 }, [3] = { drop = 1 } }
    local lines, fits = shown(given, 12)
    assert.is_true(fits)
    assert.same({ "       how", "ski…  many", "────  ────", "imp…    12", "tdd      7" }, lines)
    assert.same({ "ski…", "────", "imp…", "tdd" }, (shown(given, 8)))
  end)

  it("leaves the rest to the last column, or drops it", function()
    local given = columns { [3] = { rest = 10 } }
    local grid = layout.fit(given, rows, 32)
    assert.equal("implement        12  a long sen…", grid:row(rows[1]))
    grid = layout.fit(given, rows, 30)
    assert.equal("implement        12", grid:row(rows[1]))
    assert.equal("implement        12  a long sentence of words", layout.fit(given, rows, math.huge):row(rows[1]))
  end)

  it("wraps the last column below its own beginning", function()
    local given = columns { [3] = { rest = 10, wrap = true } }
    assert.equal("implement        12  a long\n                     sentence of\n                     words",
      layout.fit(given, rows, 32):row(rows[1]))
    assert.equal("implement    12  a long\n                 sentence\n                 of words",
      layout.fit(given, rows, 5):row(rows[1]))
  end)

  it("cuts with the function of the column, and lets what is never cut stick out", function()
    local function from_left(text, room) return width.of(text) <= room and text or "…" .. text:sub(-room + 1) end
    local grid = layout.fit(columns { [3] = { cut = from_left } }, rows, 29)
    assert.equal("implement    12  …ce of words", grid:row(rows[1]))
    assert.equal("tdd        1234567890  short", grid:row { "tdd", "1234567890", "short" })
  end)

  it("paints cells without counting the colours", function()
    local grid = layout.fit(columns(), rows, 80)
    assert.equal("<tdd      >         7  short", grid:row(rows[2], function(at, text)
      return at == 1 and "<" .. text .. ">" or text
    end))
  end)

  it("counts columns of the screen, not bytes", function()
    local wide = { { "実装", "1", "e\u{301}" }, { "abcd", "2", "x" } }
    local lines = shown(columns(), 80, wide)
    assert.equal(width.of(lines[3]), width.of(lines[4]))
    assert.equal("実装          1  e\u{301}", lines[3])
  end)

  it("shows a row as a block of lines", function()
    assert.same({ "skill     implement", "how many  12", "says      a long se…" }, layout.block(columns(), rows[1], 20))
    assert.same({ "<sk…>  imple…", "<ho…>  1234567", "<sa…>  short" },
      layout.block(columns(), { "implement", "1234567", "short" }, 11, function(text) return "<" .. text .. ">" end))
  end)

  it("knows how texts want to be cut: times and places never, paths at their beginning", function()
    for way, list in pairs { never = { { "2026-11-08 11:02" }, { "2026-W46", "-" }, { "2026-11-08", "", "2026-11-09" },
      { "2026-11" }, { "login:4" }, { "258c7280-ae70-4798-800f-63464d01a85d:1391" }, { "2026-01-02T03:04:05Z" } },
      left = { { "/srv/code/tides" }, { "~/a", "./b/c" }, { "-", "../x" } },
      right = { { "review" }, { "2026-11-08", "soon" }, { "/srv/code", "review" }, { "-" }, {}, { "// a comment" },
        { "x: 4" } } } do
      for _, texts in ipairs(list) do assert.equal(way, layout.natural_cut(texts), table.concat(texts, " ")) end
    end
  end)
end)
