local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local gates = require "debrief.cli.gates"
local output = require "debrief.cli.output"
local progress = require "debrief.cli.progress"
local report = require "debrief.report"
local messages = require "debrief.cli.messages"

local retro = { paged = true }

function retro.options(command)
  command:argument "PLUGIN":target "plugin":args "?":argname "PLUGIN[,PLUGIN...]"
    :description "Retrospectives, by name or path; without one, they are listed."
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions, patterns or SESSION:LINE (default: all)."
  arguments.question_options(command)
  require "debrief.cli.workers".option(command)
  command:flag "--partial":description "Write partial results for `debrief merge`."
  retro.chart_option(command)
  gates.options(command)
  retro.output_options(command)
  retro.page_options(command)
end

retro.interrupted = "interrupted: there is no report"

--- Write a text to -o FILE or standard output. An interrupt comes before the file is touched or after it was written.
function retro.write(args, text)
  if not args.output then
    output.write(text)
    return
  end
  local ok, message = core.save(args.output, text)
  if not ok then messages.fail("cannot write " .. message) end
end

local function split(names)
  local list = {}
  for name in names:gmatch "[^,]+" do list[#list + 1] = name end
  return list
end

--- Everything up to the reports.
-- @return the result, { query =, job =, items = } of it, the reports of --baseline or nil
function retro.collect(args, q)
  local names = split(args.plugin)
  if #names == 0 then messages.fail("retro: no plugin named (`debrief plugins` lists them)", 2) end
  if args.on then require "debrief.cli.workers".check(args) end
  local job = arguments.job { query = q, retro = names, dir = args.dir, isolate = args.isolate }
  local worker, about = arguments.worker(job)
  local before = args.baseline and gates.baseline(args, names, job.retro, arguments.ask(worker, "options", {}))
  local items = arguments.sessions(args, q)
  progress.begin "retro"
  local result, message = require "debrief.retro".run(job, items, { worker = worker, about = about, last = q.last,
    workers = args.jobs, partial = args.partial, progress = progress.at,
    on = args.on and require "debrief.cli.workers".of(args, items) })
  progress.finish()
  if not result then messages.fail(message) end
  if args.store then require "debrief.cli.address".places(args.store, result.diagnostics) end
  if q.strict and result.failures[1] then messages.fail(result.failures[1].message) end
  return result, { query = q, job = job, items = items }, before
end

local function look_back(args, q)
  local result, asked, before = retro.collect(args, q)
  if args.partial then
    local lines = require "debrief.retro.partial".lines(asked.job, result)
    retro.write(args, #lines > 0 and table.concat(lines, "\n") .. "\n" or "")
  else
    retro.show(args, result, before, asked)
  end
  return result
end

-- The retrospectives there are.
local function list_all()
  local all, faults = arguments.all_plugins()
  for _, fault in ipairs(faults) do messages.error(fault) end
  local list = {}
  for _, about in ipairs(all) do
    for _, hook in ipairs(about.hooks) do
      if hook == "retrospective" then list[#list + 1] = { about.name, about.summary } end
    end
  end
  arguments.list(list)
  return #faults > 0 and 3 or 0
end

function retro.run(args)
  if not args.plugin then return list_all() end
  require "debrief.cli.page".check(args, arguments.format(args))
  gates.check(args)
  local q = arguments.query(args)
  local status = arguments.status(arguments.guard(retro.interrupted, look_back, args, q), q)
  if args.open and not require "debrief.cli.page".open(args.output) then return math.max(status, 1) end
  return status
end

--- Render the reports of a result and write them where args says.
-- @param before reports of an earlier state, or nil
-- @param asked { query =, job =, items = } of the log that the reports are of, or nil
function retro.show(args, result, before, asked)
  if before then
    local ok, message = require "debrief.report.baseline".join(result.reports, before)
    if not ok then messages.fail(("--baseline %s %s"):format(args.baseline, message)) end
  end
  gates.judge(args, result)
  local columns, color = arguments.terminal()
  if args.output then columns, color = nil, false end
  local format = arguments.format(args) or "text"
  local opts = { width = args.width or columns or math.huge, color = color, charts = args.chart ~= nil,
    ascii = not require "debrief.text.terminal".is_utf8(), diagnostics = result.diagnostics, gates = result.gates }
  local reader
  if format == "html" then opts, reader = require "debrief.cli.page".of(args, result, asked) end
  local text = report.render(format, result.reports, result, opts)
  if reader then reader:close() end
  retro.write(args, text)
  local without = (format == "csv" or format == "tsv") and require "debrief.report.separated".without(result.reports)
  if without and without[1] then
    messages.note(("%s has the tables only; the findings of %s are in text, markdown and json"):format(format,
      table.concat(without, ", ")))
  end
end

--- Declare the options of pages.
function retro.page_options(command)
  local page = require "debrief.cli.page"
  page.options(command)
  page.open_option(command)
end

--- Declare --chart.
function retro.chart_option(command) command:flag "--chart":description "Draw the charts of reports in text, too." end

--- Declare the options that say how and where reports are written.
function retro.output_options(command)
  arguments.format_options(command, report.formats, "text, markdown, json, csv, tsv, html or junit (default: text).")
  arguments.width_option(command)
  command:option "-o --output":argname "FILE":description "Write the reports to this file."
end

return retro
