--- Reports as one HTML file that needs nothing else: no script, no network, no font. Charts are SVG, each with the
-- table of its numbers behind it; light and dark as the system is, and for paper. Nothing from a log becomes markup.
-- @module debrief.report.html
local core = require "debrief.core"
local svg = require "debrief.report.svg"
local escape = require "debrief.text.escape"
local values = require "debrief.text.values"

local html = {}

local STYLE = [[
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#59636e;--line:#d1d9e0;--paper:#fff;--card:#f6f8fa;
--c1:#0072b2;--c2:#d55e00;--c3:#009e73;--c4:#a8588a;--c5:#8a6d00;--c6:#2f7fb5;--c7:#4d4d4d;--c8:#b34a00}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9aa4af;--line:#3d444d;--paper:#0d1117;--card:#161b22;
--c1:#56b4e9;--c2:#ff9d5c;--c3:#3ccf9f;--c4:#e29bc8;--c5:#f0e442;--c6:#9ecfff;--c7:#c0c0c0;--c8:#ffb37a}}
*{box-sizing:border-box}
body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);margin:0 auto;padding:1.5rem;
max-width:62rem}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.25rem;margin:2.25rem 0 .5rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.25rem 0 .25rem}p{margin:.25rem 0}.soft,footer{color:var(--soft)}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.5rem 0;font-variant-numeric:tabular-nums}
th,td{padding:.2rem .75rem .2rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line)}
th{font-weight:600;white-space:nowrap}.r{text-align:right;white-space:nowrap}
figure{margin:1rem 0}figcaption{font-weight:600}svg{width:100%;height:auto;max-width:760px;display:block}
svg text{font:12px system-ui,sans-serif;fill:var(--soft)}svg .name{fill:var(--ink)}svg .onheat{fill:var(--paper)}
.grid{stroke:var(--line)}.axis{stroke:var(--soft)}.whisker{stroke:var(--ink);opacity:.7}
.line{fill:none;stroke-width:2}
.heat{fill:var(--c1)}.band{opacity:.13;stroke:none}.dot,.bar,.band{fill:currentColor}
.line,.hollow{stroke:currentColor}
.hollow{fill:var(--paper);stroke-width:1.5}
.c1,.t1{color:var(--c1)}.c2,.t2{color:var(--c2)}.c3,.t3{color:var(--c3)}.c4,.t4{color:var(--c4)}
.c5,.t5{color:var(--c5)}.c6,.t6{color:var(--c6)}.c7,.t7{color:var(--c7)}.c8,.t8{color:var(--c8)}
svg .t1,svg .t2,svg .t3,svg .t4,svg .t5,svg .t6,svg .t7,svg .t8{fill:currentColor}
polyline.c2,polyline.c6{stroke-dasharray:6 3}polyline.c3,polyline.c7{stroke-dasharray:2 3}
polyline.c4,polyline.c8{stroke-dasharray:9 3 2 3}
details{margin:.25rem 0 1rem}summary{cursor:pointer;color:var(--soft)}
li{margin:.4rem 0}code{background:var(--card);padding:0 .25rem}
footer{margin-top:2.5rem;border-top:1px solid var(--line);padding-top:.5rem;font-size:.9rem}
@media print{:root{--ink:#000;--soft:#333;--line:#999;--paper:#fff}body{max-width:none;padding:0}
figure,tr{break-inside:avoid}}
]]

-- Its SHA-256 in base64: the policy of the page lets no other style in. tests/spec/html_spec.lua computes it again.
local STYLE_HASH = "RQIWQAWio0W6ro5PyeG+jinD6JtPWx+HhdT8A39lT0s="

local text = svg.text

-- Texts of several lines: each line is one.
local function paragraphs(s, out)
  for part in (escape(s, "\n") .. "\n"):gmatch "(.-)\n" do
    if part:find "%S" then out[#out + 1] = "<p>" .. text(part) .. "</p>" end
  end
end

-- ---- Tables ---------------------------------------------------------------------------------------------------------

local function row(cells, numeric, tag, out)
  local parts = {}
  for i, cell in ipairs(cells) do
    local scope = tag == "th" and ' scope="col"' or ""
    parts[i] = ("<%s%s%s>%s</%s>"):format(tag, scope, numeric[i] and ' class="r"' or "", cell, tag)
  end
  out[#out + 1] = "<tr>" .. table.concat(parts) .. "</tr>"
end

local function one_table(t, out)
  local marked, numeric, titles = false, {}, {}
  for i, column in ipairs(t.columns) do
    numeric[i] = (column.align or values.numeric(t.rows, i) and "right") == "right"
    titles[i] = text(values.title(column))
  end
  if t.title then out[#out + 1] = "<h3>" .. text(t.title) .. "</h3>" end
  out[#out + 1] = '<div class="wide"><table><thead>'
  row(titles, numeric, "th", out)
  out[#out + 1] = "</thead><tbody>"
  for _, cells in ipairs(t.rows) do
    local shown = {}
    for i, column in ipairs(t.columns) do
      local cell, few = values.cell(cells[i], column.unit)
      shown[i], marked = text(cell), marked or few
    end
    row(shown, numeric, "td", out)
  end
  out[#out + 1] = "</tbody></table></div>"
  return marked
end

-- ---- Charts ---------------------------------------------------------------------------------------------------------

-- The numbers of a chart, for readers who cannot see it.
local function numbers(chart, out)
  local titles, numeric = { text(chart.x.title or "") }, { false }
  for i, one in ipairs(chart.series) do titles[i + 1], numeric[i + 1] = text(one.name), true end
  out[#out + 1] = '<details><summary>The numbers</summary><div class="wide"><table><thead>'
  row(titles, numeric, "th", out)
  out[#out + 1] = "</thead><tbody>"
  for i, x in ipairs(chart.x.values) do
    local cells = { text(x) }
    for s, one in ipairs(chart.series) do
      local v, n = one.values[i], one.n and one.n[i]
      cells[s + 1] = v and text(svg.show(v, chart.unit) .. (n and (" of %d"):format(n) or "")) or "-"
    end
    row(cells, numeric, "td", out)
  end
  out[#out + 1] = "</tbody></table></div></details>"
end

local function one_chart(chart, out)
  out[#out + 1] = "<figure>"
  if chart.title then out[#out + 1] = "<figcaption>" .. text(chart.title) .. "</figcaption>" end
  out[#out + 1] = svg.render(chart)
  if chart.note then out[#out + 1] = '<p class="soft">' .. text(chart.note) .. "</p>" end
  out[#out + 1] = "</figure>"
  numbers(chart, out)
end

-- ---- Reports --------------------------------------------------------------------------------------------------------

local function findings(list, out)
  local marked = false
  out[#out + 1] = "<ul>"
  for _, finding in ipairs(list) do
    local value, few = values.cell(finding.value)
    local references = {}
    for i, reference in ipairs(finding.references) do
      references[i] = ("<code>%s:%d</code>"):format(text(reference.session), reference.line)
    end
    out[#out + 1] = ("<li><strong>%s</strong> %s <span class=\"soft\">%s</span></li>"):format(text(value),
      text(finding.explanation:gsub("%s*\n%s*", " ")), table.concat(references, ", "))
    marked = marked or few
  end
  out[#out + 1] = "</ul>"
  return marked
end

-- `alone`: its title is that of the page.
local function one_report(report, alone, out)
  local marked = false
  out[#out + 1] = "<section>" .. (alone and "" or "<h2>" .. text(report.title) .. "</h2>")
  for _, note in ipairs { values.incomplete(report) or false, values.cut(report) or false } do
    if note then out[#out + 1] = "<p><strong>" .. text(note) .. "</strong></p>" end
  end
  if report.text then paragraphs(report.text, out) end
  for _, chart in ipairs(report.charts or {}) do one_chart(chart, out) end
  for _, t in ipairs(report.tables) do marked = one_table(t, out) or marked end
  if #report.findings > 0 then marked = findings(report.findings, out) or marked end
  if marked then out[#out + 1] = '<p class="soft">' .. text(values.footnote) .. "</p>" end
  out[#out + 1] = "</section>"
end

local function foot(counts, opts, out)
  local about = opts.about and ". " .. opts.about or ""
  out[#out + 1] = "<footer><p>" .. text(values.counts(counts) .. about) .. "</p>"
  local diagnostics = opts.diagnostics or {}
  if #diagnostics > 0 then
    out[#out + 1] = ("<p>Damaged lines: %d; debrief check names them.</p>"):format(#diagnostics)
  end
  out[#out + 1] = ("<p>debrief %s</p></footer>"):format(text(core.version))
end

--- @param reports an array of checked reports
-- @param counts { entries =, sessions = }
-- @param opts { diagnostics =, about = what was asked, when, of which log }
function html.render(reports, counts, opts)
  local titles = {}
  for i, report in ipairs(reports) do titles[i] = report.title end
  local title = text(table.concat(titles, ", "))
  local out = { "<!doctype html>", '<html lang="en"><head><meta charset="utf-8">',
    ('<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src \'sha256-%s\'">'):format(
      STYLE_HASH),
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    "<title>" .. title .. "</title>", "<style>" .. STYLE .. "</style></head><body><main>", "<h1>" .. title .. "</h1>" }
  for _, report in ipairs(reports) do one_report(report, #reports == 1, out) end
  out[#out + 1] = "</main>"
  foot(counts, opts or {}, out)
  out[#out + 1] = "</body></html>"
  return table.concat(out, "\n") .. "\n"
end

return html
