--- Reports for a terminal: aligned tables that fit the width, findings with their references.
--
--     Skills
--     ══════
--
--     skill      runs  passed        median
--     ─────────  ────  ────────────  ────────
--     implement    18  12/15 (80 %)  1 m 30 s
--
-- A table that is too wide is made narrower in this order: titles of columns break into lines, then columns of words
-- are cut with "…" (numbers never are), then columns with a priority are dropped, the lowest first, then each row
-- becomes a block of lines.
-- @module debrief.report.text
local colour = require "debrief.text.colour"
local values = require "debrief.text.values"
local escape = require "debrief.text.escape"
local layout = require "debrief.text.table"
local trim = require "debrief.text.trim"
local width = require "debrief.text.width"

local text = {}

local NARROWEST = 10 -- a column of words is not cut below this
local GAP = "  " -- between a finding's value and its text
local PROSE = 80 -- columns of sentences where nothing limits the width
local MOST_REFERENCES = 12 -- of one finding; JSON has all

local function paint(style, line, opts) return opts.color and colour.paint(style, line) or line end

local function space(out)
  if #out > 0 and out[#out] ~= "" then out[#out + 1] = "" end
end

-- ---- Columns -----------------------------------------------------------------------------------------------------

-- The cells of one column as text, with rates aligned at their brackets.
local function column_cells(rows, i, unit)
  local cells, rates, widest_share, marked = {}, {}, 0, false
  for r, row in ipairs(rows) do
    local cell = row[i]
    if type(cell) == "table" and cell.num then
      local fraction, share, few = values.rate(cell, unit)
      cells[r], rates[r] = fraction, share and { share = share, few = few }
      widest_share = math.max(widest_share, share and #share or 0)
      marked = marked or few
    else
      cells[r] = values.scalar(cell, unit)
    end
  end
  for r in ipairs(rows) do
    local tail = marked and " " or ""
    if rates[r] then
      tail = " " .. width.pad(rates[r].share, widest_share, "right") .. (rates[r].few and values.mark or tail)
      cells[r] = cells[r] .. tail
    elseif widest_share > 0 then
      cells[r] = cells[r] .. tail
    end
  end
  return cells, marked
end

-- The columns of a table as debrief.text.table takes them, its rows as texts, and whether a rate of few is among them.
local function lay_out(t)
  local columns, rows, marked = {}, {}, false
  for r in ipairs(t.rows) do rows[r] = {} end
  for i, column in ipairs(t.columns) do
    local cells, few = column_cells(t.rows, i, column.unit)
    for r, cell in ipairs(cells) do rows[r][i] = cell end
    local numeric = values.numeric(t.rows, i)
    local way = numeric and "never" or column.cut or layout.natural_cut(cells)
    local cut = way ~= "never" and (way == "left" and width.cut_left or width.cut)
    columns[i] = { title = values.title(column), align = column.align or (numeric and "right" or "left"),
      least = cut and NARROWEST or nil, cut = cut, drop = column.priority }
    marked = marked or few
  end
  return columns, rows, marked
end

-- ---- Tables ------------------------------------------------------------------------------------------------------

local function as_grid(grid, rows, opts, out)
  local titles, rule = grid:header()
  for _, line in ipairs(titles) do out[#out + 1] = paint("bold", line, opts) end
  out[#out + 1] = paint("dim", rule, opts)
  for _, cells in ipairs(rows) do out[#out + 1] = grid:row(cells) end
end

-- Too many columns for the width: a block of lines for each row. Its cells need no filling.
local function as_blocks(columns, rows, opts, out)
  local function name(title) return paint("dim", title, opts) end
  for r, cells in ipairs(rows) do
    if r > 1 then out[#out + 1] = "" end
    local bare = {}
    for i, cell in ipairs(cells) do
      bare[i] = trim.both(cell)
      if columns[i].cut == false then bare[i] = bare[i]:gsub("  +", " ") end
    end
    for _, line in ipairs(layout.block(columns, bare, opts.width, name)) do out[#out + 1] = line end
  end
end

local function one_table(t, opts, out)
  local columns, rows, marked = lay_out(t)
  if t.title then out[#out + 1] = paint("bold", width.cut(escape(t.title), opts.width), opts) end
  local grid, fits = layout.fit(columns, rows, opts.width)
  if #rows == 0 then
    out[#out + 1] = "(no rows)"
  elseif fits then
    as_grid(grid, rows, opts, out)
  else
    as_blocks(columns, rows, opts, out)
  end
  return marked
end

-- ---- Findings ----------------------------------------------------------------------------------------------------

local function references(finding)
  local out = {}
  for i, reference in ipairs(finding.references) do
    if i > MOST_REFERENCES then
      out[i] = ("and %d more"):format(#finding.references - MOST_REFERENCES)
      break
    end
    out[i] = escape(reference.session) .. ":" .. reference.line .. (i < #finding.references and "," or "")
  end
  return table.concat(out, " ")
end

local function paragraph(s, indent, opts, out, style)
  local room = opts.prose - #indent
  if opts.width == math.huge then room = math.max(room, opts.prose // 2) end
  for _, line in ipairs(width.wrap(s, room)) do
    out[#out + 1] = line == "" and "" or indent .. paint(style, line, opts)
  end
end

local function findings(list, opts, out)
  local shown, column, marked = {}, 1, false
  for i, finding in ipairs(list) do
    local value, few = values.cell(finding.value)
    shown[i] = opts.width == math.huge and value or width.cut(value, math.min(24, opts.width // 2))
    column = math.max(column, width.of(shown[i]))
    marked = marked or few
  end
  local indent = (" "):rep(column) .. GAP
  for i, finding in ipairs(list) do
    local from = #out + 1
    paragraph(escape(finding.explanation, "\n"), indent, opts, out, nil)
    local value = paint("bold", width.pad(shown[i], column, "right"), opts)
    out[from] = value .. out[from]:sub(column + 1)
    paragraph(references(finding), indent, opts, out, "dim")
    space(out)
  end
  return marked
end

-- ---- Charts ------------------------------------------------------------------------------------------------------

local function one_chart(chart, opts, out)
  space(out)
  if chart.title then out[#out + 1] = paint("bold", width.cut(escape(chart.title), opts.prose), opts) end
  for _, line in ipairs(require "debrief.report.bars".lines(chart, opts.width, opts)) do out[#out + 1] = line end
  if chart.note then paragraph(escape(chart.note), "", opts, out, "dim") end
end

-- ---- Reports -----------------------------------------------------------------------------------------------------

local function headline(title, opts, out)
  local widest = 0
  for _, line in ipairs(width.wrap(title, opts.prose)) do
    out[#out + 1] = paint("bold", line, opts)
    widest = math.max(widest, width.of(line))
  end
  out[#out + 1] = paint("bold", ("═"):rep(widest), opts)
end

local function one_report(report, opts, out)
  if #out > 0 then
    space(out)
    out[#out + 1] = ""
  end
  headline(escape(report.title), opts, out)
  local shown = report.text and escape(report.text, "\n") or false
  for _, note in ipairs { values.incomplete(report) or false, values.cut(report) or false, shown } do
    if note then paragraph(note, "", opts, out) end
  end
  local marked = false
  for _, chart in ipairs(report.charts or {}) do
    if opts.charts or chart.text then one_chart(chart, opts, out) end
  end
  for _, t in ipairs(report.tables) do
    space(out)
    marked = one_table(t, opts, out) or marked
  end
  if #report.findings > 0 then
    space(out)
    marked = findings(report.findings, opts, out) or marked
  end
  if marked then
    space(out)
    paragraph(values.footnote, "", opts, out, "dim")
  end
end

--- @param reports an array of checked reports
-- @param counts { entries =, sessions = }
-- @param opts { width = 80, color = false, charts = true: draw all charts, not only those that say so, ascii = true: in
--   ASCII }; a width of math.huge cuts nothing
function text.render(reports, counts, opts)
  opts = opts or {}
  local options = { width = math.max(opts.width or PROSE, 20), color = opts.color or false, charts = opts.charts,
    ascii = opts.ascii }
  options.prose = options.width == math.huge and PROSE or options.width
  local out = {}
  for _, report in ipairs(reports) do one_report(report, options, out) end
  space(out)
  paragraph(values.counts(counts), "", options, out, "dim")
  return table.concat(out, "\n") .. "\n"
end

return text
