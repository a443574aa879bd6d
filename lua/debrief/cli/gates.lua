--- Gates of reports: `--fail-if`, and `--baseline`, the earlier state that they may compare with.
-- @module debrief.cli.gates
local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local partials = require "debrief.cli.partials"

local gates = {}

--- Declare the options.
-- @param command of the parser
-- @param merging true: there is no --baseline
function gates.options(command, merging)
  local fail_if = command:option "--fail-if":argname "EXPR":count "*"
    :description "Exit 4 if this holds for a row: 'passed < 0.8 and runs >= 20' (a rate has .n, .low, .high)."
  fail_if._takes_dash = true
  if merging then return end
  command:option "--baseline":argname "FILE":description("Show what every number was before, as --partial wrote it; "
    .. "in --fail-if: .before, .change, .worse, .better.")
end

--- Understand them before anything is read, or leave with status 2.
function gates.check(args)
  args.gates = {}
  for i, text in ipairs(args.fail_if or {}) do
    local gate, message = require "debrief.report.gate".new(text)
    if not gate then messages.fail("--fail-if: " .. message, 2) end
    args.gates[i] = gate
  end
  if args.baseline and args.partial then messages.fail("--baseline does not go with --partial", 2) end
  if args.gates[1] and args.partial then messages.fail("--fail-if does not go with --partial: give it to merge", 2) end
end

-- The lines of a file by plugin. Lines that are none are kept under "": merging says what is wrong with them.
local function by_plugin(lines)
  local out = {}
  for _, line in ipairs(lines) do
    local part = core.decode(line.text)
    local name = core.type(part) == "object" and type(part.plugin) == "string" and part.plugin or ""
    out[name] = out[name] or {}
    table.insert(out[name], line)
  end
  return out
end

--- The reports of an earlier state, or leave: 1 for a file that cannot be used.
-- @param names of plugins as the user gave them; found = what they are called, in the same order
-- @param options name -> the values of options in this run, which those of the file must equal
function gates.baseline(args, names, found, options)
  local lines, reports = by_plugin(partials.lines { args.baseline }), {}
  for i, name in ipairs(found) do
    local list = lines[name] or lines[""]
    if not list then messages.fail(("--baseline %s has nothing of '%s'"):format(args.baseline, name)) end
    local result, message = require "debrief.retro.partial".merge(names[i], list, args.allow, options[name])
    if not result then messages.fail("--baseline " .. message) end
    reports[#reports + 1] = result.reports[1]
  end
  return reports
end

--- Judge the reports of a result. What does not hold is named on standard error; sets result.gate_failed and
-- result.gates, for debrief.report.junit.
function gates.judge(args, result)
  result.gates = {}
  for i, gate in ipairs(args.gates or {}) do
    local results, message = gate:judge(result.reports)
    if not results then messages.fail(("--fail-if '%s': %s"):format(gate.text, message), 2) end
    result.gates[i] = { text = gate.text, results = results }
    for _, one in ipairs(results) do
      if one.failed then
        result.gate_failed = true
        messages.note(("gate '%s' fails for %s: %s"):format(gate.text, one.name, one.shown))
      end
    end
  end
end

return gates
