--- `debrief plugins --check PLUGIN [FILE…]`: load a plugin, run it on real entries, test the law of merge, and whether
-- it keeps state that other workers would not have; run an importer on files.
-- @module debrief.cli.plugins_check
local arguments = require "debrief.cli.arguments"
local output = require "debrief.cli.output"
local escape = require "debrief.text.escape"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"

local trial = {}

local SEEDS = { 1, 7, 42 } -- one random split each

local function say(format, ...) output.write(escape(format:format(...)), "\n") end

-- The hooks to run: its retrospective, else its enrich and filter.
local function roles(job, about)
  local name, has = about.name, {}
  for _, hook in ipairs(about.hooks) do has[hook] = true end
  if has.retrospective then
    job.retro = { name }
  else
    job.enrich, job.filter = has.enrich and { name } or {}, has.filter and { name } or {}
  end
  return has
end

-- Every run in a fresh state.
local function run(job, sessions, given)
  local worker = arguments.worker(job)
  given = given or {}
  given.sessions = sessions
  local result = arguments.ask(worker, "trial", given)
  worker:close()
  return result
end

local function close(a, b)
  if a == b then return true end
  if type(a) ~= "number" or type(b) ~= "number" then return false end
  if a ~= a and b ~= b then return true end
  return math.abs(a - b) <= 1e-9 * math.max(math.abs(a), math.abs(b))
end

-- The first place where two reports differ beyond rounding, and what it is in each; nil: nowhere.
local function difference(a, b, place, one, other)
  if type(a) ~= "table" or type(b) ~= "table" then
    if not close(a, b) then return ("%s is %s in one %s, %s %s"):format(place, tostring(a), one, tostring(b), other) end
    return nil
  end
  local keys = {}
  for key in pairs(a) do keys[#keys + 1] = key end
  for key in pairs(b) do if a[key] == nil then keys[#keys + 1] = key end end
  table.sort(keys, function(x, y) return tostring(x) < tostring(y) end)
  for _, key in ipairs(keys) do
    local at = math.type(key) and ("%s[%d]"):format(place, key) or ("%s.%s"):format(place, key)
    local found = difference(a[key], b[key], at, one, other)
    if found then return found end
  end
end

-- Run in pieces and compare. Returns false when the law does not hold.
local function check_merge(job, sessions, whole, name)
  local counts, most = {}, 1
  for i, seed in ipairs(SEEDS) do
    local pieces = run(job, sessions, { seed = seed })
    if messages.problems(pieces.problems) then return false end
    local wrong = difference(whole.report, pieces.report, "report", "run", "merged")
    if wrong then
      say("%s: the law of merge is broken: %s (in %d pieces)", name, wrong, pieces.pieces)
      return false
    end
    counts[i] = pieces.pieces
    most = math.max(most, pieces.pieces)
  end
  if most == 1 then
    say("%s: the law of merge was not tested: that takes entries in two sessions", name)
  else
    say("%s: the law of merge holds in %s pieces", name, table.concat(counts, ", "))
  end
  return true
end

-- ---- State ----------------------------------------------------------------------------------------------------------

local KEPT = "%s: it keeps state outside of its %s, so its results change with -j: %s"

-- The pieces, each run in a state of its own; nil if one of them failed.
local function run_apart(job, sessions)
  local list, i = {}, 0
  repeat
    i = i + 1
    local piece = run(job, sessions, { piece = i })
    if messages.problems(piece.problems) then return nil end
    list[i] = piece
  until i >= piece.pieces
  return list
end

-- Where two lists of answers differ; nil: nowhere.
local function other_answer(whole, pieces)
  local at = 0
  for _, piece in ipairs(pieces) do
    for _, answer in ipairs(piece.answers) do
      at = at + 1
      if answer ~= whole.answers[at] then return at end
    end
  end
end

-- Does the plugin do the same in fresh states? False if not.
local function check_state(job, sessions, whole, name)
  local again = run(job, sessions)
  if messages.problems(again.problems) then return false end
  local wrong = whole.report and difference(whole.report, again.report, "report", "run", "in the next")
  if wrong then
    say("%s: two runs over the same entries differ: %s (math.random, or the order of next?)", name, wrong)
    return false
  end
  local pieces = run_apart(job, sessions)
  if not pieces then return false end
  if #pieces < 2 then return true end
  if not whole.report then
    local at = other_answer(whole, pieces)
    if at then
      say(KEPT, name, "hooks", ("what becomes of entry %d depends on the entries before it"):format(at))
      return false
    end
  else
    local accs = {}
    for i, piece in ipairs(pieces) do accs[i] = piece.acc end
    local merged = run(job, sessions, { accs = accs })
    if messages.problems(merged.problems) then return false end
    wrong = difference(whole.report, merged.report, "report", "run", "in fresh states")
    if wrong then
      say(KEPT, name, "accumulator", wrong)
      return false
    end
  end
  say("%s: %d pieces, each in a fresh state, have the same result", name, #pieces)
  return true
end

-- ---- Importers ------------------------------------------------------------------------------------------------------

-- Run an importer on a file. False if that found a fault.
local function check_file(job, about, file)
  local result, message = require "debrief.run.import_trial".run(job, about, file)
  if not result then messages.fail(message) end
  for _, text in ipairs(result.said) do say("%s", text) end
  for _, text in ipairs(result.faults) do say("%s", text) end
  local broken = messages.problems(result.problems)
  messages.diagnostics(result.diagnostics, result.dropped)
  return not broken and #result.faults == 0
end

local function check_importer(job, about, paths)
  if not paths[1] then
    say("%s: its import was not run: name files for that (%s)", about.name,
      table.concat(about.files or { "*.jsonl" }, ", "))
    return true
  end
  local found, message = require "debrief.import.tree".files(paths, function() return false end)
  if not found then messages.fail(message) end
  if #found.files < #paths then messages.fail("plugins --check: name files, not folders or -", 2) end
  local fine = true
  job.import = { about.name }
  for _, file in ipairs(found.files) do fine = check_file(job, about, file) and fine end
  return fine
end

-- ---- The command ----------------------------------------------------------------------------------------------------

--- Check one plugin. @return the exit status
function trial.run(args)
  local job = arguments.job_of_plugin(args.name, arguments.query { allow = args.allow })
  job.dir, job.isolate = args.dir, args.isolate or false
  local worker, all = arguments.worker(job)
  worker:close()
  local about = all[job.plugins[1].name]
  local has = roles(job, about)
  say("%s: loads; hooks: %s", about.name, table.concat(about.hooks, ", "))
  if args.files[1] and not has.import then
    messages.fail(("plugins --check: %s has no import hook, so it reads no %s"):format(about.name, args.files[1]), 2)
  end
  if has.import and not check_importer(job, about, args.files) then return 1 end
  if not (has.retrospective or has.enrich or has.filter) then return 0 end
  local sessions = arguments.sessions(args, arguments.query {})
  local whole = run(job, sessions)
  local broken = messages.problems(whole.problems)
  say("%s: %s of %s: %s", about.name, values.count(whole.entries, "entry", "entries"),
    values.count(#sessions, "session"), broken and "failed" or "no errors")
  if broken then return 1 end
  if has.retrospective and not about.merge then
    say("%s: has no merge, so it runs on one worker", about.name)
    return 0
  end
  if has.retrospective and not check_merge(job, sessions, whole, about.name) then return 1 end
  return check_state(job, sessions, whole, about.name) and 0 or 1
end

return trial
