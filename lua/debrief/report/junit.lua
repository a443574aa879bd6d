--- What gates found, as JUnit's XML, which CI systems show: a suite for each report, a case for each row.
-- @module debrief.report.junit
local escape = require "debrief.text.escape"
local records = require "debrief.report.records"

local junit = {}

local entities = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;", ["\n"] = "&#10;",
  ["\t"] = "&#9;" }

local function attribute(text) return (escape(text):gsub('[&<>"\n\t]', entities)) end

-- What failed of a row: row -> array of messages.
local function failures_of(report, gates)
  local out = {}
  for _, one in ipairs(gates) do
    for _, result in ipairs(one.results) do
      if result.plugin == report.plugin and result.failed then
        out[result.name] = out[result.name] or {}
        table.insert(out[result.name], ("%s: %s"):format(one.text, result.shown))
      end
    end
  end
  return out
end

local function suite(report, gates)
  local lines, failed, rows = {}, 0, records.of(report)
  local failures = failures_of(report, gates)
  for _, record in ipairs(rows) do
    local messages = failures[record.name]
    local head = ('    <testcase classname="debrief.%s" name="%s"'):format(attribute(report.plugin or "report"),
      attribute(record.name))
    if messages then
      failed = failed + 1
      lines[#lines + 1] = head .. ">"
      for _, message in ipairs(messages) do
        lines[#lines + 1] = ('      <failure message="%s"/>'):format(attribute(message))
      end
      lines[#lines + 1] = "    </testcase>"
    else
      lines[#lines + 1] = head .. "/>"
    end
  end
  table.insert(lines, 1, ('  <testsuite name="%s" tests="%d" failures="%d">'):format(attribute(report.title), #rows,
    failed))
  lines[#lines + 1] = "  </testsuite>"
  return table.concat(lines, "\n")
end

--- @param reports an array of checked reports
-- @param gates array of { text = the expression, results = of gate:judge }
function junit.render(reports, gates)
  local out = { '<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>" }
  for _, report in ipairs(reports) do out[#out + 1] = suite(report, gates or {}) end
  out[#out + 1] = "</testsuites>"
  return table.concat(out, "\n") .. "\n"
end

return junit
