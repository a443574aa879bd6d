--- Reports as one HTML file that needs nothing else: no network, no font, one small script without which everything is
-- still there. Charts are SVG with the tables of their numbers; light and dark as the system is, and for paper. Nothing
-- from a log becomes markup, and credentials are taken out.
-- @module debrief.report.html
local cards = require "debrief.report.cards"
local core = require "debrief.core"
local svg = require "debrief.report.svg"
local escape = require "debrief.text.escape"
local values = require "debrief.text.values"

local html = {}

-- SHA-256 in base64 of page.css and page.js: the policy of the page lets no other style and script in.
-- tests/spec/html_spec.lua computes them again.
local STYLE_HASH = "SbZTifIuzPetn669jjjx0n5XB35f6ugJs0ayw4Wl3Es="
local SCRIPT_HASH = "Fn/Gn231y2+yyO5rhPrieWzlM8WrkHUfnb3u3TP70WE="

local MOST_REFERENCES = 12 -- of one finding that are shown without unfolding
local MOST_DIAGNOSTICS = 20
local LONG = 24 -- bytes of a cell

local text = svg.text

-- Texts of several lines: each line is one.
local function paragraphs(s, out)
  for part in (escape(s, "\n") .. "\n"):gmatch "(.-)\n" do
    if part:find "%S" then out[#out + 1] = "<p>" .. text(part) .. "</p>" end
  end
end

-- A copy without credentials.
local function cleaned(value)
  if type(value) == "string" then return (core.redact(value)) end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in next, value do out[key] = cleaned(item) end
  return out
end

-- ---- Places ---------------------------------------------------------------------------------------------------------

-- "session:line", as a link if the entry is in the page.
local function place(session, line, page)
  local name = ("%s:%d"):format(session, line)
  local id = page.ids[name]
  if not id then return "<code>" .. text(name) .. "</code>" end
  return ('<a href="#%s">%s</a>'):format(id, text(name))
end

-- ---- Tables ---------------------------------------------------------------------------------------------------------

-- What the script sorts by where it cannot read it from the text: numbers with units, rates.
local function sort_value(cell, shown)
  local v = type(cell) == "number" and cell
    or type(cell) == "table" and cell.num and cell.den > 0 and cell.num / cell.den
  if not v or v - v ~= 0 or shown == tostring(v) then return "" end
  return (' data-v="%.6g"'):format(v)
end

local function header(titles, numeric, out)
  local parts = {}
  for i, title in ipairs(titles) do
    parts[i] = ('<th scope="col"%s>%s</th>'):format(numeric[i] and ' class="r"' or "", title)
  end
  out[#out + 1] = "<thead><tr>" .. table.concat(parts) .. "</tr></thead><tbody>"
end

-- A frame that scrolls where the screen is narrow, also with the keyboard.
local function open_table(name, out)
  out[#out + 1] = ('<div class="wide" tabindex="0" role="group" aria-label="%s"><table>'):format(text(name))
end

local function close_table(out) out[#out + 1] = "</tbody></table></div>" end

local function one_cell(cell, column, numeric, page)
  if type(cell) == "table" and cell.spark then return "<td>" .. svg.spark(cell.spark) .. "</td>", false end
  local shown, few = values.cell(cell, column.unit)
  local session, line = nil, nil
  if column.key == "entry" and type(cell) == "string" then session, line = cell:match "^(.+):(%d+)$" end
  local class = numeric and ' class="r"' or #shown > LONG and ' class="l"' or "" -- long ones wrap
  return ("<td%s%s>%s</td>"):format(class, sort_value(cell, shown),
    session and place(session, math.tointeger(line) or 0, page) or text(shown)), few
end

-- A table of one row without a title: its figures, large.
local function tiles(t, out)
  local marked = false
  out[#out + 1] = '<dl class="tiles">'
  for i, column in ipairs(t.columns) do
    local shown, few = values.cell(t.rows[1][i], column.unit)
    out[#out + 1] = ("<div><dt>%s</dt><dd>%s</dd></div>"):format(text(values.title(column)), text(shown))
    marked = marked or few
  end
  out[#out + 1] = "</dl>"
  return marked
end

-- `charted` is the title of the chart above it.
local function one_table(t, name, charted, page, out)
  local marked, numeric, titles = false, {}, {}
  if #t.rows == 1 and not t.title and #t.columns > 2 then return tiles(t, out) end
  for i, column in ipairs(t.columns) do
    local is_number = values.numeric(t.rows, i) and (i > 1 or t.rows[1] and t.rows[1][1] ~= nil)
    numeric[i] = (column.align or is_number and "right") == "right"
    titles[i] = text(values.title(column))
  end
  if t.title and t.title ~= charted then out[#out + 1] = "<h3>" .. text(t.title) .. "</h3>" end
  if #t.rows == 0 then
    out[#out + 1] = '<p class="soft">No rows.</p>'
    return false
  end
  open_table(t.title or name, out)
  header(titles, numeric, out)
  for _, cells in ipairs(t.rows) do
    local shown = {}
    for i, column in ipairs(t.columns) do
      local few
      shown[i], few = one_cell(cells[i], column, numeric[i], page)
      marked = marked or few
    end
    out[#out + 1] = "<tr>" .. table.concat(shown) .. "</tr>"
  end
  close_table(out)
  return marked
end

-- ---- Charts ---------------------------------------------------------------------------------------------------------

-- The numbers of a chart, for readers who cannot see it.
local function numbers(chart, out)
  local titles, numeric = { text(chart.x.title or (chart.x.type == "time" and "time" or "")) }, { false }
  for i, one in ipairs(chart.series) do titles[i + 1], numeric[i + 1] = text(one.name), true end
  if titles[1] == "" then titles[1] = "place" end
  out[#out + 1] = "<details><summary>The numbers</summary>"
  open_table(chart.title or "The numbers", out)
  header(titles, numeric, out)
  for i in ipairs(chart.x.values) do
    local cells = {}
    for s, one in ipairs(chart.series) do
      local v, n = one.values[i], one.n and one.n[i]
      cells[s] = v and ('<td class="r" data-v="%.6g">%s</td>'):format(v, text(svg.show(v, chart.unit)
        .. (n and (" of %.0f"):format(n) or ""))) or '<td class="r">-</td>'
    end
    out[#out + 1] = ("<tr><td>%s</td>%s</tr>"):format(text(svg.place(chart.x, i)), table.concat(cells))
  end
  close_table(out)
  out[#out + 1] = "</details>"
end

local function one_chart(chart, out)
  out[#out + 1] = "<figure>"
  if chart.title then out[#out + 1] = "<figcaption>" .. text(chart.title) .. "</figcaption>" end
  out[#out + 1] = svg.render(chart)
  if chart.note then out[#out + 1] = '<p class="soft">' .. text(chart.note) .. "</p>" end
  out[#out + 1] = "</figure>"
  if not chart.of then numbers(chart, out) end
end

-- ---- Reports --------------------------------------------------------------------------------------------------------

local function references(list, page)
  local shown, more = {}, {}
  for i, reference in ipairs(list) do
    local to = i <= MOST_REFERENCES and shown or more
    to[#to + 1] = place(reference.session, reference.line, page)
  end
  local rest = more[1] and ("<details><summary>and %d more</summary>%s</details>"):format(#more,
    table.concat(more, ", ")) or ""
  return table.concat(shown, ", ") .. rest
end

local function findings(list, page, out)
  local marked = false
  out[#out + 1] = '<ul class="findings">'
  for _, finding in ipairs(list) do
    local value, few = values.cell(finding.value)
    out[#out + 1] = ('<li><strong>%s</strong> %s <div class="soft">%s</div></li>'):format(text(value),
      text(finding.explanation:gsub("%s*\n%s*", " ")), references(finding.references, page))
    marked = marked or few
  end
  out[#out + 1] = "</ul>"
  return marked
end

-- `alone`: its title is that of the page.
local function one_report(report, i, alone, page, out)
  local marked, charts_of = false, {}
  out[#out + 1] = ('<section id="r%d">%s'):format(i, alone and "" or "<h2>" .. text(report.title) .. "</h2>")
  for _, note in ipairs { values.incomplete(report) or false, values.cut(report) or false } do
    if note then out[#out + 1] = '<p class="note">' .. text(note) .. "</p>" end
  end
  if report.text then paragraphs(report.text, out) end
  for _, chart in ipairs(report.charts or {}) do
    if chart.of then charts_of[chart.of] = chart else one_chart(chart, out) end
  end
  for at, t in ipairs(report.tables) do
    local chart = charts_of[at]
    if chart then one_chart(chart, out) end
    marked = one_table(t, report.title, chart and chart.title, page, out) or marked
  end
  if #report.findings > 0 then marked = findings(report.findings, page, out) or marked end
  if marked then out[#out + 1] = '<p class="soft">' .. text(values.footnote) .. "</p>" end
  out[#out + 1] = "</section>"
end

-- ---- The page -------------------------------------------------------------------------------------------------------

-- Titles of the sections, to go there.
local function contents(reports, has_entries, out)
  if #reports < 2 then return end
  out[#out + 1] = '<nav aria-label="Sections"><ul>'
  for i, report in ipairs(reports) do
    out[#out + 1] = ('<li><a href="#r%d">%s</a></li>'):format(i, text(report.title))
  end
  if has_entries then out[#out + 1] = '<li><a href="#entries">Entries</a></li>' end
  out[#out + 1] = "</ul></nav>"
end

local function head(counts, opts, out)
  out[#out + 1] = '<dl class="head">'
  local function row(name, value) out[#out + 1] = ("<dt>%s</dt><dd>%s</dd>"):format(text(name), text(value)) end
  for _, one in ipairs(opts.head or {}) do row(one[1], one[2]) end
  row("Read", values.counts(counts))
  out[#out + 1] = "</dl>"
  for _, note in ipairs(opts.notes or {}) do out[#out + 1] = '<p class="note">' .. text(note) .. "</p>" end
end

local function place_of(d)
  if type(d) ~= "table" then return tostring(d) end
  local where = ("%s:%s:%s"):format(tostring(d.path or d.session or d.plugin), tostring(d.line), tostring(d.offset))
  return ("%s %s: %s"):format(where, tostring(d.kind), tostring(d.message))
end

local function problem_of(p)
  if not p.plugin then return tostring(p.message) end
  return ("Plugin %s, %s: %s%s"):format(tostring(p.plugin), tostring(p.hook), tostring(p.message),
    (p.count or 1) > 1 and (" (%d times)"):format(p.count) or "")
end

-- What went wrong, with how much of it is shown.
local function faults(title, list, all, shown, one, out)
  if all == 0 then return end
  local some = math.min(#list, MOST_DIAGNOSTICS)
  out[#out + 1] = ("<h2>%s</h2><p>%s</p><ul>"):format(title,
    some < all and ("%d of %s"):format(some, values.count(all, one)) or values.count(all, one))
  for i = 1, some do out[#out + 1] = "<li>" .. text(shown(list[i])) .. "</li>" end
  out[#out + 1] = "</ul>"
end

local function foot(opts, out)
  local list, all = opts.diagnostics or {}, opts.dropped or 0
  for _, d in ipairs(list) do all = all + 1 + (type(d) == "table" and d.more or 0) end
  out[#out + 1] = "<footer>"
  faults("Damage", list, all, place_of, "line", out)
  faults("Problems", opts.problems or {}, #(opts.problems or {}), problem_of, "problem", out)
  out[#out + 1] = ("<p>Made by debrief %s. %s</p></footer>"):format(text(core.version),
    opts.keep_secrets and "Credentials were not taken out." or "Credentials were taken out where they were known.")
end

local function policy()
  return ("default-src 'none'; style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'")
    :format(STYLE_HASH, SCRIPT_HASH)
end

--- @param reports an array of checked reports
-- @param counts { entries =, sessions = }
-- @param opts { title =, head = { { name, text }… }, notes = texts below it, diagnostics =, dropped =, problems =,
--   entries = what debrief.report.cards takes, keep_secrets = true: leave credentials in all of it }
function html.render(reports, counts, opts)
  opts = opts or {}
  if not opts.keep_secrets then
    reports = cleaned(reports)
    opts = { title = cleaned(opts.title), head = cleaned(opts.head), notes = cleaned(opts.notes),
      diagnostics = cleaned(opts.diagnostics), problems = cleaned(opts.problems), dropped = opts.dropped,
      entries = opts.entries }
  end
  local titles = {}
  for i, report in ipairs(reports) do titles[i] = report.title end
  local title = text(opts.title or table.concat(titles, ", "))
  local out = { "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
    '<meta http-equiv="Content-Security-Policy" content="' .. policy() .. '">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">', "<title>" .. title .. "</title>",
    "<style>" .. core.source "lua/debrief/report/page.css" .. "</style></head><body><main>",
    "<h1>" .. title .. "</h1>" }
  local page = cards.render(opts.entries, opts.keep_secrets)
  head(counts, opts, out)
  contents(reports, page.html ~= "", out)
  for i, report in ipairs(reports) do one_report(report, i, #reports == 1 and not opts.title, page, out) end
  out[#out + 1] = page.html .. "</main>"
  foot(opts, out)
  out[#out + 1] = "<script>" .. core.source "lua/debrief/report/page.js" .. "</script></body></html>"
  return table.concat(out, "\n") .. "\n"
end

return html
