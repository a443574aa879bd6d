--- Reports: checked, and shown as text, Markdown or JSON.
-- @module debrief.report
local plain = require "debrief.retro.aggregate.plain"

local report = {}

--- Check what a retrospective's finish returned: see debrief.report.check.
function report.check(value, plugin) return require "debrief.report.check".report(value, plugin) end

--- The formats `render` knows.
report.formats = { "text", "markdown", "json", "csv", "tsv", "html", "junit" }

local SEPARATED = { csv = true, tsv = true }

--- Show checked reports. `counts` is { entries =, sessions = }; `opts` is { width =, color =, diagnostics = { … },
-- gates = what junit takes }. A width of math.huge cuts nothing, and wraps sentences where people read them.
-- @return a string that ends in a newline; or nil and a message for a format that does not exist
function report.render(format, reports, counts, opts)
  for _, name in ipairs(report.formats) do
    if name == format and SEPARATED[name] then return require "debrief.report.separated".render(name, reports) end
    if name == format and name == "junit" then
      return require "debrief.report.junit".render(reports, opts and opts.gates)
    end
    if name == format then return require("debrief.report." .. name).render(reports, counts, opts or {}) end
  end
  return nil, ("there is no format %q: use %s"):format(tostring(format), table.concat(report.formats, ", "))
end

--- A copy of a checked report in which no table occurs twice, so that it can travel between states.
report.copy = plain.copy

return report
