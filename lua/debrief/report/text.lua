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
-- are cut with "…" (numbers never are), then each row becomes a block of lines.
-- @module debrief.report.text
local format = require "debrief.text.values"
local escape = require "debrief.text.escape"
local width = require "debrief.text.width"

local text = {}

local gap = "  "
local narrowest = 12       -- a column of words is not cut below this
local most_references = 12 -- of one finding; JSON has all

local styles = { bold = "\27[1m", dim = "\27[2m" }

local function paint(style, line, opts)
  if not opts.color or not style or line == "" then return line end
  return styles[style] .. line .. "\27[0m"
end

local function space(out)
  if #out > 0 and out[#out] ~= "" then out[#out + 1] = "" end
end

-- ---- Columns -----------------------------------------------------------------------------------------------------

-- The cells of one column as text of its own alignment, rates set so that their brackets stand below each other.
local function column_cells(rows, i, unit)
  local cells, rates, widest_share, marked = {}, {}, 0, false
  for r, row in ipairs(rows) do
    local cell = row[i]
    if type(cell) == "table" and cell.num then
      local fraction, share, few = format.rate(cell)
      cells[r], rates[r] = fraction, share and { share = share, few = few }
      widest_share = math.max(widest_share, share and #share or 0)
      marked = marked or few
    else
      cells[r] = format.scalar(cell, unit)
    end
  end
  for r in ipairs(rows) do
    local tail = marked and " " or ""
    if rates[r] then
      tail = " " .. width.pad(rates[r].share, widest_share, "right") .. (rates[r].few and format.mark or tail)
      cells[r] = cells[r] .. tail
    elseif widest_share > 0 then
      cells[r] = cells[r] .. tail
    end
  end
  return cells, marked
end

local function lay_out(t)
  local columns, marked = {}, false
  for i, column in ipairs(t.columns) do
    local cells, few = column_cells(t.rows, i, column.unit)
    local numeric = format.numeric(t.rows, i)
    local body = 1
    for _, cell in ipairs(cells) do body = math.max(body, width.of(cell)) end
    columns[i] = {
      title = { format.title(column) }, cells = cells, body = body, numeric = numeric,
      align = column.align or (numeric and "right" or "left"),
    }
    marked = marked or few
  end
  return columns, marked
end

local function fit_title(column)
  column.width = column.body
  for _, line in ipairs(column.title) do column.width = math.max(column.width, width.of(line)) end
end

local function total(columns)
  local sum = #gap * (#columns - 1)
  for _, column in ipairs(columns) do sum = sum + column.width end
  return sum
end

-- Titles in lines as short as their longest word or their column's cells allow.
local function break_titles(columns)
  for _, column in ipairs(columns) do
    local least = column.body
    for word in column.title[1]:gmatch("%S+") do least = math.max(least, width.of(word)) end
    column.title = width.wrap(column.title[1], least)
    fit_title(column)
  end
end

-- Take from the widest column of words until all fits. False when there is nothing left to take.
local function cut_words(columns, limit)
  local over = total(columns) - limit
  while over > 0 do
    local widest
    for _, column in ipairs(columns) do
      if not column.numeric and column.width > narrowest and (not widest or column.width > widest.width) then
        widest = column
      end
    end
    if not widest then return false end
    widest.width = widest.width - 1
    over = over - 1
  end
  return true
end

local function fit(columns, limit)
  for _, column in ipairs(columns) do fit_title(column) end
  if total(columns) <= limit then return true end
  break_titles(columns)
  return total(columns) <= limit or cut_words(columns, limit)
end

-- ---- Tables ------------------------------------------------------------------------------------------------------

local function join(parts)
  return (table.concat(parts, gap):gsub("%s+$", ""))
end

local function header(columns, opts, out)
  local lines = 1
  for _, column in ipairs(columns) do lines = math.max(lines, #column.title) end
  for n = 1, lines do
    local parts = {}
    for i, column in ipairs(columns) do
      local line = column.title[n - lines + #column.title] or ""
      parts[i] = width.pad(width.cut(line, column.width), column.width, column.align)
    end
    out[#out + 1] = paint("bold", join(parts), opts)
  end
  local rule = {}
  for i, column in ipairs(columns) do rule[i] = ("─"):rep(column.width) end
  out[#out + 1] = paint("dim", table.concat(rule, gap), opts)
end

local function as_grid(columns, t, opts, out)
  header(columns, opts, out)
  for r in ipairs(t.rows) do
    local parts = {}
    for i, column in ipairs(columns) do
      parts[i] = width.pad(width.cut(column.cells[r], column.width), column.width, column.align)
    end
    out[#out + 1] = join(parts)
  end
end

-- Too many columns for the width: a block of lines for each row.
local function as_blocks(columns, t, opts, out)
  local names = 0
  for _, column in ipairs(t.columns) do names = math.max(names, width.of(format.title(column))) end
  names = math.min(names, math.max(opts.width // 2 - #gap, 1))
  for r in ipairs(t.rows) do
    if r > 1 then out[#out + 1] = "" end
    for i, column in ipairs(columns) do
      local name = width.pad(width.cut(format.title(t.columns[i]), names), names)
      local cell = column.cells[r]:match("^%s*(.-)%s*$")
      if column.numeric then
        cell = cell:gsub("  +", " ")
      else
        cell = width.cut(cell, math.max(opts.width - names - #gap, 1))
      end
      out[#out + 1] = paint("dim", name, opts) .. gap .. cell
    end
  end
end

local function one_table(t, opts, out)
  local columns, marked = lay_out(t)
  if t.title then out[#out + 1] = paint("bold", width.cut(escape(t.title), opts.width), opts) end
  if #t.rows == 0 then
    out[#out + 1] = "(no rows)"
  elseif fit(columns, opts.width) then
    as_grid(columns, t, opts, out)
  else
    as_blocks(columns, t, opts, out)
  end
  return marked
end

-- ---- Findings ----------------------------------------------------------------------------------------------------

local function references(finding)
  local out = {}
  for i, reference in ipairs(finding.references) do
    if i > most_references then
      out[i] = ("and %d more"):format(#finding.references - most_references)
      break
    end
    out[i] = escape(reference.session) .. ":" .. reference.line .. (i < #finding.references and "," or "")
  end
  return table.concat(out, " ")
end

local function paragraph(s, indent, opts, out, style)
  for _, line in ipairs(width.wrap(s, opts.width - #indent)) do
    out[#out + 1] = line == "" and "" or indent .. paint(style, line, opts)
  end
end

local function findings(list, opts, out)
  local values, column, marked = {}, 1, false
  for i, finding in ipairs(list) do
    local value, few = format.cell(finding.value)
    values[i] = width.cut(value, math.min(24, opts.width // 2))
    column = math.max(column, width.of(values[i]))
    marked = marked or few
  end
  local indent = (" "):rep(column) .. gap
  for i, finding in ipairs(list) do
    local from = #out + 1
    paragraph(escape(finding.explanation, "\n"), indent, opts, out, nil)
    local value = paint("bold", width.pad(values[i], column, "right"), opts)
    out[from] = value .. out[from]:sub(column + 1)
    paragraph(references(finding), indent, opts, out, "dim")
    space(out)
  end
  return marked
end

-- ---- Reports -----------------------------------------------------------------------------------------------------

local function headline(title, opts, out)
  local widest = 0
  for _, line in ipairs(width.wrap(title, opts.width)) do
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
  for _, note in ipairs { format.incomplete(report) or false, report.text and escape(report.text, "\n") or false } do
    if note then paragraph(note, "", opts, out) end
  end
  local marked = false
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
    paragraph(format.footnote, "", opts, out, "dim")
  end
end

--- @param reports an array of checked reports
-- @param counts { entries =, sessions = }
-- @param opts { width = 80, color = false }
function text.render(reports, counts, opts)
  local options = { width = math.max(opts and opts.width or 80, 20), color = opts and opts.color or false }
  local out = {}
  for _, report in ipairs(reports) do one_report(report, options, out) end
  space(out)
  paragraph(format.counts(counts), "", options, out, "dim")
  return table.concat(out, "\n") .. "\n"
end

return text
