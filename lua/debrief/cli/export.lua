local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local messages = require "debrief.cli.messages"
local output = require "debrief.cli.output"
local values = require "debrief.text.values"

local export = {
  epilog = "Rows for training are JSON, one per line. Such a row is made of an attempt that something judged; its "
    .. "prompt is what that attempt saw. What is left out is counted by reason. csv, "
    .. "parquet, markdown, atif and otlp have every run.",
}

function export.options(command)
  command:argument "KIND":target "plugin":args "?":argname "KIND"
    :description "The form of the rows, a plugin by name or path (without one: which there are)."
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions to export (default: all)."
  arguments.selection_options(command)
  command:option "--split":argname "NAME=SHARE,..."
    :description "Put each session into one of these parts, the same every time: train=0.9,test=0.1."
  command:option "-o --output":argname "PATH"
    :description "Write to this file; with --split to this folder, NAME.jsonl (.csv, .md, .parquet) for each part."
  command:option "--to":argname "URL"
    :description "Send spans of otlp to this collector (http://127.0.0.1:4318) with curl instead of writing them."
  command:flag "--allow-retries":description "Rows of retries, whose prompts hold the former outputs and errors."
  command:flag "--allow-retry-pairs":description "Pairs of a retry and the failed attempt that it saw."
  command:flag "--allow-turns":description "Rows of later turns of conversations, without what was said before them."
  command:flag "--weak":description "Builds, lints and type checks decide, too."
  command:flag "--no-redact":description "Leave credentials in the rows."
  arguments.strict_option(command)
  arguments.plugin_options(command)
end

-- ---- Parts ----------------------------------------------------------------------------------------------------------

local function parts_of(args)
  if not args.split then return { { name = "rows", share = 1 } } end
  if not args.output then messages.fail("--split needs a folder: -o DIR", 2) end
  local parts, sum, seen = {}, 0, {}
  for item in (args.split .. ","):gmatch "([^,]*)," do
    local name, share = item:match "^%s*([%w_-]+)%s*=%s*(%S+)%s*$"
    share = tonumber(share)
    if not share or share <= 0 or share > 1 or seen[name] then
      messages.fail(("--split '%s': write names with shares above 0, as train=0.9,test=0.1"):format(args.split), 2)
    end
    parts[#parts + 1], sum, seen[name] = { name = name, share = share }, sum + share, true
  end
  if math.abs(sum - 1) > 1e-9 then
    messages.fail(("--split '%s': the shares make %g, not 1"):format(args.split, sum), 2)
  end
  return parts
end

-- A file that gets its name when all is written. As private as a session: core.save makes it.
-- @param convert function(path) -> true, or nil and a message: makes another file of what was written; may be nil
local function open_file(path, convert)
  local part, file = path .. ".part", nil
  local saved, message = core.save(part, "")
  if saved then file, message = io.open(part, "r+b") end
  if not file then messages.fail("cannot write " .. message) end
  local out = {}
  function out.write(text)
    local ok, why = file:write(text)
    if not ok then
      out.drop()
      messages.fail(("cannot write %s: %s"):format(path, why))
    end
  end
  function out.keep()
    local ok, why = file:close()
    if ok and convert then ok, why = convert(part) end
    if ok then ok, why = os.rename(part, path) end
    if not ok then
      os.remove(part)
      messages.fail(("cannot write %s: %s"):format(path, why))
    end
  end
  function out.drop()
    file:close()
    os.remove(part)
  end
  return out
end

local function columns_of(worker)
  local columns, seen = {}, {}
  for name in arguments.ask(worker, "options", {}).parquet.columns:gmatch "[^,]+" do
    name = name:match "^%s*(.-)%s*$"
    if name ~= "" and not seen[name] then
      seen[name] = true
      columns[#columns + 1] = name
    end
  end
  return columns
end

-- A file of rows that DuckDB makes another file of. Without rows there is none.
local function open_parquet(path, worker, way)
  local parquet = require "debrief.export.parquet"
  local rows, count = parquet.rows(columns_of(worker)), 0
  local out
  out = open_file(path, function(from)
    local made = from .. ".parquet"
    local ok, why = parquet.write(way, rows, from, made)
    if ok then return os.rename(made, from) end
    os.remove(made)
    return nil, why
  end)
  local write, keep = out.write, out.keep
  function out.write(text)
    count = count + 1
    rows.add(text)
    write(text)
  end
  function out.keep()
    if count > 0 then return keep() end
    out.drop()
    messages.note(("no row, so no %s"):format(path))
  end
  return out
end

-- Is there what writes the file, and a name for it?
local function check_parquet(args)
  if args.plugin ~= "parquet" then return end
  if not args.output then messages.fail("parquet is no text: write 'debrief export parquet -o FILE.parquet'", 2) end
  local way, message = require "debrief.export.parquet".way()
  if not way then messages.fail(message) end
  return way
end

local MOST_BYTES = 1 << 20 -- of a request

-- Requests of spans go to a collector by curl, many in one.
local function open_sender(url)
  local body, bytes, sent = {}, 0, 0
  local sender = { drop = function() end }
  local function send()
    if #body == 0 then return end
    local path = os.tmpname() -- mode 0600
    local file = assert(io.open(path, "wb"))
    local ok, why = file:write('{"resourceSpans":[', table.concat(body, ","), "]}")
    ok = file:close() and ok
    local out, status = nil, why
    if ok then
      out, status = core.run { "curl", "-sS", "--fail", "--max-time", "30", "-o", "/dev/null", "-H",
        "Content-Type: application/json", "--data-binary", "@" .. path, url, timeout_ms = 40000, stderr = true }
    end
    os.remove(path)
    if out and status == 0 then
      body, bytes, sent = {}, 0, sent + #body
      return
    end
    why = escape((out or tostring(status)):gsub("%s+$", ""))
    if not out and why:find "No such file" then why = "the program curl is not installed" end
    messages.fail(("cannot send to %s: %s; %s sent before"):format(url, why, values.count(sent, "row")))
  end
  function sender.write(text)
    body[#body + 1], bytes = text:match '^{"resourceSpans":%[(.*)%]}\n$', bytes + #text
    if bytes > MOST_BYTES then send() end
  end
  sender.keep = send
  return sender
end

local function check_target(args)
  if not args.to then return end
  if args.plugin ~= "otlp" then messages.fail("--to sends spans: write 'debrief export otlp --to URL'", 2) end
  if args.output then messages.fail("--to and -o: choose one", 2) end
  if not args.to:find "^https?://[^%s]+$" then
    messages.fail(("--to '%s': write the address of a collector, as http://127.0.0.1:4318"):format(args.to), 2)
  end
  if not args.to:find "/v1/traces$" then args.to = args.to:gsub("/+$", "") .. "/v1/traces" end
end

local ENDINGS = { csv = "csv", markdown = "md", parquet = "parquet" } -- of bundled plugins that write no JSON

local function open_outputs(args, parts, worker, way)
  local files = {}
  local function open(path) return way and open_parquet(path, worker, way) or open_file(path) end
  if args.to then
    files.rows = open_sender(args.to)
  elseif not args.output then
    files.rows = { write = function(text) output.write(text) end, keep = function() end, drop = function() end }
  elseif not args.split then
    files.rows = open(args.output)
  else
    local stat, ending = core.stat(args.output), ENDINGS[args.plugin] or "jsonl"
    if not stat then os.execute(("mkdir -p '%s'"):format(args.output:gsub("'", "'\\''"))) end
    for _, part in ipairs(parts) do
      files[part.name] = open(("%s/%s.%s"):format(args.output, part.name, ending))
    end
  end
  return files
end

-- ---- Running --------------------------------------------------------------------------------------------------------

local function add_all(to, from) table.move(from, 1, #from, #to + 1, to) end

-- All rows of a worker into files. Returns what was met.
local function write_rows(worker, given, files)
  local sum = { diagnostics = {}, dropped = 0, problems = {}, failures = {}, counts = {} }
  repeat
    local batch = arguments.ask(worker, "export", given)
    for _, row in ipairs(batch.rows) do
      files[row[2]].write(row[1])
      sum.counts[row[2]] = (sum.counts[row[2]] or 0) + 1
    end
    add_all(sum.diagnostics, batch.diagnostics)
    add_all(sum.problems, batch.problems)
    add_all(sum.failures, batch.failures)
    sum.dropped = sum.dropped + batch.dropped
    sum.entries, sum.made, sum.reasons = batch.entries, batch.made, batch.reasons
    sum.untimed, sum.names, sum.summaries = batch.untimed, batch.names, batch.summaries
  until batch.ended
  return sum
end

local function run(args, q, parts, way)
  local job = arguments.job { query = q, export = { args.plugin }, dir = args.dir, isolate = args.isolate }
  local worker <close> = arguments.worker(job)
  local items = arguments.sessions(args, q)
  if q.last then
    local message
    items, message = require "debrief.run.job".narrowed(worker, items, q.last)
    if not items then messages.fail(message) end
  end
  local files = open_outputs(args, parts, worker, way)
  local ok, result = pcall(write_rows, worker, { sessions = items, redact = not args.no_redact, parts = parts }, files)
  for _, file in pairs(files) do if ok then file.keep() else file.drop() end end
  if not ok then error(result, 0) end
  return result
end

-- What became of the entries, on standard error.
local function report(args, parts, result)
  local rows = values.count(result.made, "row")
  if args.split then
    local each = {}
    for i, part in ipairs(parts) do each[i] = ("%s %d"):format(part.name, result.counts[part.name] or 0) end
    rows = ("%s (%s)"):format(rows, table.concat(each, ", "))
  end
  messages.note(("%s of %s"):format(rows, values.count(result.entries, "entry", "entries")))
  local reasons = {}
  for reason, met in pairs(result.reasons) do
    reasons[#reasons + 1] = { reason = reason, count = met.times, entries = met.entries }
  end
  table.sort(reasons, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.reason < b.reason
  end)
  for _, one in ipairs(reasons) do
    local of = one.entries < one.count and (" in %s"):format(values.count(one.entries, "entry", "entries")) or ""
    messages.note(("left out %d%s: %s"):format(one.count, of, one.reason))
  end
  if result.summaries and result.made > 0 then
    messages.note "outputs in the rows are summaries (output_summary), not all that the model wrote"
  end
  if args.no_redact then messages.note "credentials were NOT taken out (--no-redact)" end
end

-- The kinds there are.
local function list()
  for _, about in ipairs(arguments.all_plugins()) do
    for _, hook in ipairs(about.hooks) do
      if hook == "export" then output.write(("%-12s %s\n"):format(about.name, about.summary)) end
    end
  end
  return 0
end

function export.run(args)
  if not args.plugin then return list() end
  check_target(args)
  local parts, way = parts_of(args), check_parquet(args)
  args.opt = table.move(args.opt or {}, 1, #(args.opt or {}), 1, {})
  for flag, name in pairs { allow_retries = "retries", allow_retry_pairs = "retry_pairs", allow_turns = "turns",
    weak = "weak" } do
    if args[flag] then table.insert(args.opt, name .. "=true") end
  end
  local q = arguments.query(args)
  q.gaps = true
  local result = arguments.guard("interrupted: nothing is written", run, args, q, parts, way)
  report(args, parts, result)
  local status = arguments.status(result, q)
  if status == 0 and result.made == 0 then status = 3 end
  return status
end

return export
