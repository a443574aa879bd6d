--- Reports as Markdown (GitHub's): tables, findings as a list. Nothing from a log becomes markup.
--
-- Words that hold more than letters, digits and harmless signs are shown as code, the fence longer than any run of
-- backticks inside; in running text every sign that Markdown reads is escaped. `<` and `&` never reach a browser raw.
-- @module debrief.report.markdown
local values = require "debrief.text.values"
local escape = require "debrief.text.escape"

local markdown = {}

local function quote(s)
  return (s:gsub("[\\`*_{}%[%]<>#|~&@$!^]", "\\%0"))
end

-- A line of running text: no sign at its start makes it a heading, a list, a rule or code.
local function line(s)
  s = quote(s:gsub("^%s+", ""))
  return (s:gsub("^([-+=:])", "\\%1"):gsub("^(%d+)([.)])", "%1\\%2"))
end

local function code(s)
  local longest = 0
  for run in s:gmatch("`+") do longest = math.max(longest, #run) end
  local fence = ("`"):rep(longest + 1)
  local pad = (s:find("^[` ]") or s:find("[` ]$")) and " " or ""
  return fence .. pad .. s .. pad .. fence
end

-- Text inside a table or a list. In a table a `|` ends the cell even inside code, and before Markdown sees the rest, so
-- text with one is escaped instead.
local function inline(s)
  if s:find("|", 1, true) then return quote(s) end
  local harmless = not s:find("[^%w \128-\255.,:;/%%()+'\"?-]") and not s:find("://") and not s:find("www.", 1, true)
  return harmless and s or code(s)
end

local function cell(item, unit)
  if type(item) == "string" and item ~= "" then return inline(escape(item)), false end
  local shown, few = values.cell(item, unit)
  return (shown:gsub("[*<>]", "\\%0")), few
end

local rules = { left = ":--", right = "--:", center = ":-:" }

local function row(cells)
  return "| " .. table.concat(cells, " | ") .. " |"
end

local function one_table(t, out)
  local titles, marks, marked = {}, {}, false
  for i, column in ipairs(t.columns) do
    titles[i] = quote(values.title(column))
    marks[i] = rules[column.align or (values.numeric(t.rows, i) and "right" or "left")]
  end
  if t.title then out[#out + 1] = "### " .. quote(escape(t.title)) .. "\n" end
  out[#out + 1] = row(titles)
  out[#out + 1] = row(marks)
  for _, cells in ipairs(t.rows) do
    local shown = {}
    for i, column in ipairs(t.columns) do
      local few
      shown[i], few = cell(cells[i], column.unit)
      marked = marked or few
    end
    out[#out + 1] = row(shown)
  end
  out[#out + 1] = ""
  return marked
end

local function explanation(s)
  local lines = {}
  for part in (escape(s, "\n") .. "\n"):gmatch("(.-)\n") do
    if part:find("%S") then lines[#lines + 1] = line(part) end
  end
  return table.concat(lines, " ")
end

local function findings(list, out)
  local marked = false
  for _, finding in ipairs(list) do
    local value, few = cell(finding.value)
    local references = {}
    for i, reference in ipairs(finding.references) do
      references[i] = code(escape(reference.session) .. ":" .. reference.line)
    end
    out[#out + 1] = ("- **%s** %s (%s)"):format(value, explanation(finding.explanation), table.concat(references, ", "))
    marked = marked or few
  end
  out[#out + 1] = ""
  return marked
end

local function paragraphs(s, out)
  for part in (escape(s, "\n") .. "\n"):gmatch("(.-)\n") do out[#out + 1] = line(part) end
  out[#out + 1] = ""
end

local function one_report(report, out)
  local marked = false
  out[#out + 1] = "## " .. quote(escape(report.title)) .. "\n"
  for _, note in ipairs { values.incomplete(report) or false, values.cut(report) or false } do
    if note then out[#out + 1] = "**" .. quote(note) .. "**\n" end
  end
  if report.text then paragraphs(report.text, out) end
  for _, t in ipairs(report.tables) do marked = one_table(t, out) or marked end
  if #report.findings > 0 then marked = findings(report.findings, out) or marked end
  if marked then out[#out + 1] = quote(values.footnote) .. "\n" end
end

--- @param reports an array of checked reports
-- @param counts { entries =, sessions = }
function markdown.render(reports, counts)
  local out = {}
  for _, report in ipairs(reports) do one_report(report, out) end
  out[#out + 1] = values.counts(counts)
  return table.concat(out, "\n") .. "\n"
end

return markdown
