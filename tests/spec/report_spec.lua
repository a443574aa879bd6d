local support = dofile "tests/spec/support/plugins.lua"
local report = require "debrief.report"
local escape = require "debrief.text.escape"
local width = require "debrief.text.width"

local function check(value) return assert(report.check(value, "p")) end

local function one_table(columns, rows)
  return check { title = "T", tables = { { columns = columns, rows = rows } } }
end

local function contains(text, part) assert.is_truthy(text:find(part, 1, true), text) end

local cite = { { session = "s1", line = 3 } }

describe("report", function()
  it("brings columns and rows into one form", function()
    local time = { key = "ms", title = "time", unit = "ms" }
    local t = one_table({ "skill", time }, { { skill = "a", ms = 1 }, { "b" } }).tables[1]
    assert.same({ { key = "skill", title = "skill" }, { key = "ms", title = "time", unit = "ms" } }, t.columns)
    assert.same({ { "a", 1 }, { "b" } }, t.rows)
  end)

  it("takes null for no data", function()
    local null = support.core.null
    local checked = check { title = "T", text = null, tables = { { columns = { "a" }, rows = { { null } } } } }
    assert.same({ {} }, checked.tables[1].rows)
    assert.is_nil(checked.text)
  end)

  local function row(cell) return { title = "T", tables = { { columns = { "a", "b" }, rows = { cell } } } } end
  local function columns(list) return { title = "T", tables = { { columns = list } } } end
  local function finding(value) return { title = "T", findings = { value } } end

  -- what finish returned -> what the message says
  local defects = {
    { nil, "finish must return a report { title =, tables =, findings = }, and returned nothing (did you forget" },
    { "x", 'returned the string "x"' },
    { {}, "title must be a string that is not empty, and is missing" },
    { { title = "T", table = {} }, "the report has the unknown key table: a report has title, text, tables, charts" },
    { { title = "T", tables = { columns = {} } }, "tables must be an array, and has the key columns" },
    { columns(nil), "tables[1].columns must name at least one column" },
    { columns { "a", "a" }, 'tables[1].columns[2] has the key "a" of column 1' },
    { columns { { unit = "ms" } }, "tables[1].columns[1].key must be a string" },
    { columns { { key = "a", align = "top" } },
      'tables[1].columns[1].align must be "left", "right" or "center", and is the string "top"' },
    { columns { { key = "a", cut = "top" } },
      'tables[1].columns[1].cut must be "left", "right" or "never", and is the string "top"' },
    { columns { { key = "a", priority = 1.5 } },
      "tables[1].columns[1].priority must be an integer, and is 1.5" },
    { row { 1, 2, 3 }, "rows[1] has 3 cells, the table has 2 columns: name the columns that are missing, or drop" },
    { row { c = 1 }, "tables[1].rows[1] has a cell named c, and no column has this key" },
    { row { 1, b = 2 }, "tables[1].rows[1] has cells by number and by key: use one of the two" },
    { row { print }, "tables[1].rows[1][1] is a function: a cell is nil, a boolean" },
    { row { b = { aggregate = "sum", n = 0 } }, "tables[1].rows[1].b is a table" },
    { row { { aggregate = "sum", n = 0 } }, "(ask the aggregate with aggregate.value)" },
    { row { { num = 3, den = 2 } },
      "tables[1].rows[1][1] is a rate with num 3 and den 2: both must be numbers, and 0 <= num <= den" },
    { row { { spark = { 1, "2" } } }, "tables[1].rows[1][1].spark[2] must be a number or nil" },
    { row { io.stdout }, "tables[1].rows[1][1] is part of an entry" },
    { finding { value = 1, explanation = "e" }, "findings[1] cites no entry: set references" },
    { finding { value = 1, references = cite }, "findings[1].explanation must be a string" },
    { finding { value = 1, explanation = "e", references = { { session = "s", line = 0 } } },
      "findings[1].references[1] must name a line from 1, and line is 0: take it from ctx.line" },
  }
  for _, case in ipairs(defects) do
    it("refuses a report: " .. case[2], function()
      local value, message, all = report.check(case[1], "p")
      assert.is_nil(value)
      contains(message, case[2])
      assert.equal(1, #all, table.concat(all, "\n"))
    end)
  end

  local function numbered(n, make)
    local out = {}
    for i = 1, n do out[i] = make and make(i) or i end
    return out
  end

  it("cuts what is too large, and says so in every format", function()
    local rows = numbered(9000, function() return { 1 } end)
    local checked = check { title = ("é"):rep(40000), text = ("x"):rep(65537), tables = {
      { columns = { "a" }, rows = rows }, { columns = { "a" }, rows = rows }, { columns = { "a" }, rows = rows },
      { columns = numbered(300, function(i) return "c" .. i end),
        rows = { numbered(300), { c299 = 1, c2 = ("y"):rep(70000) } } },
    }, findings = { { value = 1, explanation = "e", references = numbered(1001, function(i)
      return { session = "s", line = i }
    end) } } }
    local counts = {}
    for i, t in ipairs(checked.tables) do counts[i] = #t.rows end
    assert.same({ 9000, 1000, 0, 0 }, counts)
    assert.same({ 256, 1000, 65536 + 3, 65536 + 3 },
      { #checked.tables[4].columns, #checked.findings[1].references, #checked.title, #checked.text })
    assert.is_truthy(utf8.len(checked.title))
    local said = { "tables[2] has 9000 rows, of which the first 1000 are shown",
      "tables[3] has 9000 rows, of which the first 0 are shown",
      "tables[4] has 300 columns, of which the first 256 are shown",
      "tables[4] has 2 rows, of which the first 0 are shown",
      "findings[1] has 1001 references, of which the first 1000 are shown",
      "2 texts are longer than 64 KiB, of which the beginnings are shown" }
    assert.same(said, checked.cut)
    checked.title = "T"
    contains(support.show("text", checked), "\nCut: tables[2] has 9000 rows, of which the first 1000 are shown; tab")
    contains(support.show("markdown", checked), "\n**Cut: tables\\[2\\] has 9000 rows")
    contains(support.show("json", checked), ',"cut":["tables[2] has 9000 rows, of which the first 1000 are shown","ta')
    assert.is_nil(check({ title = "T" }).cut)
  end)

  it("cuts rows that have cells by number or by key beyond the last column that is shown", function()
    local checked = check { title = "T", tables = { { columns = numbered(300, function(i) return "c" .. i end),
      rows = { numbered(300), { c299 = 1, c2 = ("y"):rep(70000) } } } } }
    assert.same({ 256, 256, 65536 + 3 }, { #checked.tables[1].columns, #checked.tables[1].rows[1],
      #checked.tables[1].rows[2][2] })
    assert.equal(2, #checked.cut)
  end)

  it("names some of many cuts and defects, and counts the others", function()
    local wide = numbered(20, function() return { columns = numbered(257, function(i) return "c" .. i end) } end)
    local cut = check({ title = "T", tables = wide }).cut
    assert.same({ 11, "10 more parts are too large" }, { #cut, cut[11] })
    local _, message, all = report.check({ title = "T", findings = numbered(5000) }, "p")
    assert.equal(100, #all)
    contains(message, "(and 4999 more)")
    local many = check { title = "T", tables = numbered(1001, function() return { columns = { "a" } } end) }
    assert.equal(1000, #many.tables)
  end)

  it("reports what a table with a metatable raises", function()
    local environment = setmetatable({}, { __index = function(_, key) error("no global " .. key, 0) end })
    contains(select(2, report.check(environment, "p")), "no global title")
    contains(select(2, report.check({ title = "T", tables = { environment } }, "p")), "no global")
  end)

  it("names every defect, and counts them in one message", function()
    local _, message, all = report.check({ title = 1, text = 2, findings = { 3 } }, "p")
    assert.equal(3, #all)
    assert.matches("title must be a string that is not empty, and is 1 %(and 2 more%)$", message)
  end)

  it("refuses a format that does not exist", function()
    assert.same({ nil, 'there is no format "xml": use text, markdown, json, csv, tsv, html, junit' },
      { report.render("xml", {}, {}) })
  end)
end)

describe("safe", function()
  it("escapes controls, except those to keep", function()
    assert.equal("\\x1b[2J\\x00\\x7f\\r\\n\\t", (escape("\27[2J\0\127\r\n\t")))
    assert.equal("\\r\n\\t", (escape("\r\n\t", "\n")))
    assert.equal("\\x1b\n\t", (escape("\27\n\t", "\n\t\27")))
  end)

  it("escapes what hides or turns text, and bytes that are not UTF-8", function()
    assert.equal("a\\u{202e}b\\u{9b}c\\u{200b}\\u{2028}\\u{feff}",
      (escape("a\u{202e}b\u{9b}c\u{200b}\u{2028}\u{feff}")))
    assert.equal("\\u{e0041}\\u{2066}", (escape("\u{e0041}\u{2066}")))
    assert.equal("\\xff\\xc3é\\xed\\xa0\\x80\\xc0\\x80", (escape("\xff\xc3é\xed\xa0\x80\xc0\x80")))
  end)

  it("escapes marks that pile up on one letter, from the fifth on", function()
    local mark = "\u{301}"
    assert.equal("e" .. mark:rep(4) .. "\\u{301}\\u{301}e" .. mark, (escape("e" .. mark:rep(6) .. "e" .. mark)))
  end)

  it("leaves other text as it is", function()
    for _, s in ipairs { "", "plain \\x1b", "naïve café", "テスト", "e\u{301}", "😀" } do assert.equal(s, (escape(s))) end
  end)

  it("leaves the U+FE0F of an emoji, which is then two columns wide and never cut, and no other", function()
    for text, columns in pairs { ["\u{2764}\u{fe0f}"] = 2, ["a \u{26a0}\u{fe0f} b"] = 6, ["1\u{fe0f}\u{20e3}"] = 2,
      ["\u{1f3f7}\u{fe0f}"] = 2, ["\u{2764}\u{fe0f}\u{2764}\u{fe0f}"] = 4, ["\u{1f600}\u{fe0f}"] = 2 } do
      assert.equal(text, (escape(text)))
      assert.equal(text, escape.json(text))
      assert.equal(columns, width.of(text))
    end
    for text, escaped in pairs {
      ["\u{fe0f}"] = "\\u{fe0f}", ["a\u{fe0f}"] = "a\\u{fe0f}", ["1\u{fe0f}2"] = "1\\u{fe0f}2",
      ["\u{2764}\u{fe0f}\u{fe0f}"] = "\u{2764}\u{fe0f}\\u{fe0f}", ["\xff\u{fe0f}"] = "\\xff\\u{fe0f}",
      ["\u{2764}\u{fe0e}"] = "\u{2764}\\u{fe0e}", ["é\u{fe0f}"] = "é\\u{fe0f}" } do
      assert.equal(escaped, (escape(text)))
    end
    assert.equal("\u{2764}\u{fe0f}…", width.cut("\u{2764}\u{fe0f}\u{2764}\u{fe0f}", 3))
    assert.equal("…\u{2764}\u{fe0f}", width.cut_left("\u{2764}\u{fe0f}\u{2764}\u{fe0f}", 3))
    assert.equal("…", width.cut("\u{2764}\u{fe0f}b", 2))
  end)

  it("counts a picture with the colour of a skin as one, two columns wide, and never cuts it", function()
    for text, columns in pairs { ["\u{1f44d}\u{1f3fd}"] = 2, ["a\u{270c}\u{1f3fb}b"] = 4, ["\u{1f3fd}"] = 2,
      ["x\u{1f3fd}"] = 3, ["\u{1f600}\u{1f3ff}"] = 4 } do
      assert.equal(text, (escape(text)))
      assert.equal(columns, width.of(text), text)
    end
    assert.equal("\u{1f44d}\u{1f3fd}…", width.cut("\u{1f44d}\u{1f3fd}\u{1f44d}\u{1f3fd}", 3))
  end)

  it("lets nothing unsafe through, whatever the bytes", function()
    local random, likely = support.random(1), { 0xe2, 0x80, 0xae, 0xc2, 0x9b }
    for _ = 1, 3000 do
      local bytes = {}
      for i = 1, random(12) do bytes[i] = string.char(random(2) == 1 and random(256) - 1 or likely[random(5)]) end
      local out = escape(table.concat(bytes))
      assert.is_nil(out:find("[\0-\31\127]"))
      assert.is_truthy(utf8.len(out))
      for _, code in utf8.codes(out) do
        assert.is_false((code >= 0x80 and code < 0xa0) or (code >= 0x200b and code <= 0x200f)
          or (code >= 0x2028 and code <= 0x202e) or (code >= 0x2060 and code <= 0x206f))
      end
    end
  end)
end)

describe("width", function()
  it("counts columns, not bytes", function()
    local widths = { abc = 3, ["é"] = 1, ["e\u{301}"] = 1, ["テスト"] = 6, ["😀"] = 2, ["한"] = 2, [""] = 0, ["\xff"] = 1 }
    for s, columns in pairs(widths) do assert.equal(columns, width.of(s), s) end
  end)

  it("cuts between characters, never wider than asked", function()
    assert.equal("abc", width.cut("abc", 3))
    assert.equal("a…", width.cut("abc", 2))
    assert.equal("テ…", width.cut("テスト", 4))
    assert.equal("e\u{301}…", width.cut("e\u{301}xy", 2))
    assert.equal("", width.cut("abc", 0))
  end)

  it("wraps at spaces, and inside words that are too long", function()
    assert.same({ "one two", "three", "", "  kept" }, width.wrap("one two three\n\n  kept", 7))
    assert.same({ "abcd", "efgh", "ij k" }, width.wrap("abcdefghij k", 4))
  end)
end)

describe("text", function()
  local function lines(checked, opts)
    local out = {}
    for line in support.show("text", checked, opts):gmatch("([^\n]*)\n") do out[#out + 1] = line end
    return out
  end

  it("aligns numbers right, words left, and shows units as people read them", function()
    local ms, size = { key = "ms", unit = "ms" }, { key = "size", unit = "bytes" }
    local out = lines(one_table({ "skill", ms, size, { key = "k", unit = "k" }, "f" }, {
      { "review", 1200, 1536, 5, 1.0 }, { "テスト", 185000, 12, nil, 0 / 0 }, { nil, 7384000, 5 * 2 ^ 30, 1, 1e20 },
    }))
    assert.same({
      "T",
      "═",
      "",
      "skill         ms     size  k (k)      f",
      "──────  ────────  ───────  ─────  ─────",
      "review     1.2 s  1.5 KiB      5   1.00",
      "テスト  3 m 05 s     12 B      -      -",
      "-       2 h 03 m  5.0 GiB      1  1e+20",
      "",
      "3 entries in 1 session",
    }, out)
  end)

  it("groups the digits of counts, and shows a rate of what there is without a share", function()
    local count, of = { key = "count", unit = "count" }, { key = "open", unit = "of" }
    local rows = {}
    for i, n in ipairs { 0, 999, 1000, 1234567, -1234567, -999 } do rows[i] = { n, { num = i, den = 7 } } end
    local out = lines(one_table({ count, of }, rows))
    assert.same({ "     count    open", "──────────  ──────", "         0  1 of 7", "       999  2 of 7",
      "     1,000  3 of 7",
      " 1,234,567  4 of 7", "-1,234,567  5 of 7", "      -999  6 of 7" }, { table.unpack(out, 4, 11) })
    local show = require("debrief.text.values").show
    assert.same({ "1 of 2", "1/2 (50 %)", "1,000", "2 m 00 s", "-", "-", "a\\n" },
      { show({ num = 1, den = 2 }, "of"), show { num = 1, den = 2 }, show(1000, "count"), show(120000, "ms"), show(nil),
        show { num = 0, den = 0 }, show "a\n" })
  end)

  it("cuts a column at the side that it says, never where it says so, and drops those with a priority first", function()
    local path = { key = "path", cut = "left" }
    local function shown(columns, cells, columns_wide)
      return select(2, table.unpack(lines(one_table(columns, { cells }), { width = columns_wide }), 5))
    end
    assert.equal("…c/a/b/c/file.lua  5", (shown({ path, "n" }, { "src/a/b/c/file.lua", 5 }, 20)))
    assert.equal("a-whole-name  …re/file.lua", (shown({ { key = "k", cut = "never" }, path },
      { "a-whole-name", "some/where/file.lua" }, 26)))
    assert.equal("a-whole-name  other", (shown({ { key = "k", cut = "never" }, { key = "x", priority = 2 }, "b" },
      { "a-whole-name", 123456, "other" }, 20)))
    assert.matches("^…", (shown({ path }, { ("é"):rep(90) }, 20)))
  end)

  it("rounds durations to their unit, never to 60 of one", function()
    local format = require("debrief.text.values")
    local shown = {}
    for i, ms in ipairs { 0, 999, 999.6, 59949, 59950, 3599499, 3599500, 86369999, 86370000, -1500 } do
      shown[i] = format.number(ms, "ms")
    end
    assert.same({ "0 ms", "999 ms", "1.0 s", "59.9 s", "1 m 00 s", "59 m 59 s", "1 h 00 m", "23 h 59 m", "1 d 00 h",
      "-1.5 s" }, shown)
  end)

  it("shows no -0, and of tiny values the first digit that counts", function()
    local number = require("debrief.text.values").number
    local shown = {}
    for i, case in ipairs { { -0.0 }, { -0.00407 }, { 3.2e-9 }, { 0.005 }, { -0.4, "ms" }, { -0.3, "count" },
      { 0.001, "usd" }, { -0.25, "usd" }, { 0, "usd" }, { -0.0, "percent" }, { 0.00407, "percent" } } do
      shown[i] = number(case[1], case[2])
    end
    assert.same({ "0.00", "-0.004", "3e-09", "0.01", "0 ms", "0", "$0.001", "-$0.25", "$0.00", "0.00 %", "0.004 %" },
      shown)
  end)

  it("shows rates with their numbers, marks small ones, and explains the mark once", function()
    local rows = {}
    for i, r in ipairs { { 12, 15 }, { 2, 3 }, { 199, 200 }, { 0, 0 } } do rows[i] = { { num = r[1], den = r[2] } } end
    local out = table.concat(lines(one_table({ "passed" }, rows)), "\n")
    contains(out, "  12/15  (80 %)\n    2/3  (67 %)*\n199/200 (>99 %)\n              -\n\n* fewer than 5")
    assert.equal(1, select(2, out:gsub("fewer than", "")))
  end)

  it("cuts neither times nor places, and paths at their beginning", function()
    local checked = one_table({ "at", "where", "path", "what" }, { { "2026-11-08 11:02",
      "258c7280-ae70-4798-800f:1391", "/home/someone/projects/a-long-name/lib/live_test.exs",
      "a long sentence about all that happened there" } })
    local shown = support.show("text", checked, { width = 90 })
    contains(shown, "2026-11-08 11:02  258c7280-ae70-4798-800f:1391  …")
    contains(shown, "live_test.exs  a long")
  end)

  it("never exceeds the width: titles break, words are cut, then rows become blocks", function()
    local long = ("word "):rep(30) .. ("x"):rep(200)
    local checked = check {
      title = long, text = long,
      tables = { { title = long, columns = { "name", "a long column title", "b" },
        rows = { { long, 123456789, { num = 1, den = 9 } } } } },
      findings = { { value = long, explanation = long .. "\n" .. long, references = cite } },
    }
    for limit = 20, 120, 10 do
      for _, line in ipairs(lines(checked, { width = limit })) do
        assert.is_true(width.of(line) <= limit, limit .. ": " .. line)
      end
    end
  end)

  it("never cuts a number", function()
    local checked = one_table({ "aaa", "bbb" }, { { math.maxinteger, math.mininteger } })
    contains(support.show("text", checked, { width = 30 }), "aaa  9223372036854775807\nbbb  -9223372036854775808")
  end)

  it("cites session:line, and says how many more there are", function()
    local references = {}
    for i = 1, 15 do references[i] = { session = "s", line = i } end
    local finding = { value = 15, explanation = "e", references = references }
    local out = support.show("text", check { title = "T", findings = { finding } })
    contains(out, "15  e\n    s:1, s:2, ")
    contains(out, "s:12, and 3 more")
  end)

  it("draws sparks on a scale that is given", function()
    local rows = { { { spark = { 0.5, 1 }, low = 0, high = 1 } }, { { spark = { 0.5, 1 } } } }
    contains(support.show("text", one_table({ "week" }, rows)), "▅█\n▁█\n")
  end)

  it("draws sparks, and gaps in them", function()
    local rows = { { { spark = { 0, 50, 100 } } }, { { spark = { 1, nil, 1 } } }, { { spark = {} } } }
    contains(support.show("text", one_table({ "week" }, rows)), "▁▅█\n▄·▄\n-\n")
  end)

  it("has colour only when asked, and nothing raw from a log", function()
    local checked = check {
      title = "\27]0;x\7", text = "a\rb",
      tables = { { title = "\u{202e}", columns = { "\27" }, rows = { { "\27[2J\n|" } } } },
      findings = { { value = "\27", explanation = "\27", references = { { session = "\27", line = 1 } } } },
    }
    assert.is_nil(support.show("text", checked):find("[\0-\9\11-\31\127]"))
    assert.is_truthy(support.show("text", checked, { color = true }):find("\27[1m", 1, true))
    for _, format in ipairs { "markdown", "json" } do
      assert.is_nil(support.show(format, checked):find("[\0-\9\11-\31\127]"))
    end
  end)

  it("says that a report is incomplete", function()
    local checked = check { title = "T" }
    checked.incomplete = 2
    contains(support.show("text", checked), "Incomplete: the plugin failed on 2 entries, which are not in these")
    contains(support.show("json", checked), '"incomplete":2')
  end)
end)

describe("markdown", function()
  it("lets no markup out of a log", function()
    local out = support.show("markdown", check {
      title = "<b>*T*", text = "# no\n1. no\n- no\n<script>&amp;",
      tables = { { columns = { "a|b" },
        rows = { { "x|y\\|<i>" }, { "``a`" }, { "@you https://x.y" }, { "plain, (1/2)" }, { "" } } } },
      findings = { { value = 1, explanation = "- [x](y)\n<b>", references = { { session = "a`b", line = 1 } } } },
    })
    assert.equal(table.concat({
      "## \\<b\\>\\*T\\*", "", "\\# no", "1\\. no", "\\- no", "\\<script\\>\\&amp;", "", "| a\\|b |", "| :-- |",
      "| x\\|y\\\\\\|\\<i\\> |", "| ``` ``a` ``` |", "| `@you https://x.y` |", "| plain, (1/2) |", "| - |", "",
      "- **1** \\- \\[x\\](y) \\<b\\> (``a`b:1``)", "", "3 entries in 1 session", "",
    }, "\n"), out)
  end)
end)

describe("json", function()
  it("is one object with its keys in a fixed order", function()
    local checked = check {
      title = "T", tables = { { title = "n", columns = { "a", { key = "b", title = "B" } }, rows = {
        { nil, 1 }, { 1.0, 0 / 0 }, { true, { num = 1, den = 4 } }, { "x", { num = 0, den = 0 } },
        { { spark = { 1, nil, 2 } } },
      } } },
      findings = { { value = math.maxinteger, explanation = "e", references = cite } },
    }
    local diagnostics = { { kind = "bad_json", line = 2, file = "s1.jsonl", zone = "z", byte = 7 }, "odd" }
    assert.equal('{"entries":3,"sessions":1,"reports":[{"plugin":"p","title":"T",'
      .. '"tables":[{"title":"n","columns":["a","b"],"rows":[[null,1],[1.0,null],[true,{"num":1,"den":4,"rate":0.25}],'
      .. '["x",{"num":0,"den":0,"rate":null}],[[1,null,2],null]],'
      .. '"records":[{"a":null,"b":1},{"a":1.0,"b":null},{"a":true,"b":{"num":1,"den":4,"rate":0.25}},'
      .. '{"a":"x","b":{"num":0,"den":0,"rate":null}},{"a":[1,null,2],"b":null}]}],'
      .. '"findings":[{"value":9223372036854775807,"explanation":"e","references":[{"session":"s1","line":3}]}]}],'
      .. '"diagnostics":[{"file":"s1.jsonl","line":2,"byte":7,"kind":"bad_json","zone":"z"},"odd"]}\n',
      support.show("json", checked, { diagnostics = diagnostics }))
  end)

  it("can be read by another decoder, empty arrays as arrays", function()
    assert.equal('{"entries":3,"sessions":1,"reports":[{"plugin":"p","title":"T","tables":[],"findings":[]}],'
      .. '"diagnostics":[]}\n', support.show("json", check { title = "T" }))
    assert.equal("T", require("cjson").decode(support.show("json", check { title = "T" })).reports[1].title)
  end)
end)
