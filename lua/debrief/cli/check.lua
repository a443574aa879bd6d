local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local output = require "debrief.cli.output"
local progress = require "debrief.cli.progress"
local escape = require "debrief.text.escape"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"

local check = {
  paged = true,
  epilog = [[
Prints FILE:LINE:BYTE KIND for each damaged line, each last line that is still
being written, and each warning (invalid UTF-8, a duplicate member), then the
totals. Changes nothing: to remove the damage, use `debrief repair`. A PATH may
also be a log that an importer reads: then what an import leaves out is printed.
Exit status: 0 no damage, 1 something could not be read, 3 damaged lines.]],
}

function check.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions, lines of them, or paths of files, to check (default: all, in name order)."
end

local function say(text) output.write(escape(text), "\n") end

local function add(total, counts)
  for _, key in ipairs { "bytes", "lines", "entries", "damaged" } do total[key] = total[key] + counts[key] end
  for kind, n in pairs(counts.found) do total.found[kind] = (total.found[kind] or 0) + n end
end

local GROWING = "in_progress" -- the kind that says that a line is still being written

-- How many of the kinds that are wanted were found, and "1 glued, 2 torn_tail".
local function listed(found, is_wanted)
  local names, sum = {}, 0
  for kind in pairs(found) do
    if is_wanted(kind) then names[#names + 1] = kind end
  end
  table.sort(names)
  for i, kind in ipairs(names) do
    sum = sum + found[kind]
    names[i] = ("%d %s"):format(found[kind], kind)
  end
  return sum, table.concat(names, ", ")
end

-- "2 sessions, 10 lines, 8 entries, 900 bytes: 1 damaged line (1 torn_tail)"
local function totals(total)
  local damage, growing = total.is_damage, total.found[GROWING] or 0
  local _, kinds = listed(total.found, function(kind) return damage[kind] end)
  local warnings, warned = listed(total.found, function(kind) return not damage[kind] and kind ~= GROWING end)
  local parts = { total.damaged == 0 and "no damage"
    or ("%s (%s)"):format(values.count(total.damaged, "damaged line"), kinds) }
  if warnings > 0 then parts[2] = ("%s (%s)"):format(values.count(warnings, "warning"), warned) end
  if growing > 0 then parts[#parts + 1] = values.count(growing, "line") .. " still being written" end
  return ("%s, %s, %s, %s: %s"):format(values.count(total.sessions, "session"),
    values.count(total.lines, "line"), values.count(total.entries, "entry", "entries"),
    values.count(total.bytes, "byte"), table.concat(parts, ", "))
end

-- ---- Foreign logs ---------------------------------------------------------------------------------------------------

-- "in.jsonl: claude_code makes 8 entries of it: 3 damaged lines (3 bad_entry), 12 fields or records left out"
local function said_of(item, answer, damaged, kinds, left_out)
  local entries = 0
  for _, one in ipairs(answer.entries) do entries = entries + #one.lines end
  local parts = { damaged == 0 and "no damage" or ("%s (%s)"):format(values.count(damaged, "damaged line"), kinds) }
  if left_out > 0 then parts[2] = values.count(left_out, "field or record", "fields or records") .. " left out" end
  return ("%s: %s makes %s of it: %s"):format(item.path, answer.by, values.count(entries, "entry", "entries"),
    table.concat(parts, ", "))
end

-- What an import leaves out of a file. True if it is one that an importer reads, and how many of its lines are damaged.
local function check_foreign(examine, item)
  local answer, message = examine(item.path)
  if not answer then return message and messages.fail(message) end
  local found, left_out, is_damage = {}, 0, {}
  for _, d in ipairs(answer.diagnostics) do
    say(messages.place(d))
    if d.kind == "left_out" then left_out = left_out + 1
    else found[d.kind], is_damage[d.kind] = (found[d.kind] or 0) + 1, d.damage end
  end
  local damaged, kinds = listed(found, function(kind) return is_damage[kind] end)
  say(said_of(item, answer, damaged, kinds, left_out))
  return true, damaged
end

-- The items that no importer reads, and how many damaged lines the others have.
local function check_all_foreign(items)
  local rest, damaged, examine, problems = {}, 0, nil, nil
  for _, item in ipairs(items) do
    local is_foreign, n
    if item.is_path and not require "debrief.import.looks".is_session(item.path) then
      if not examine then examine, problems = require "debrief.run.imports".examiner() end
      is_foreign, n = check_foreign(examine, item)
    end
    if is_foreign then damaged = damaged + n else rest[#rest + 1] = item end
  end
  return rest, damaged, messages.problems(problems or {})
end

-- ---- The command ----------------------------------------------------------------------------------------------------

-- Of a session of which only some lines are named, only what is found on those counts.
local function only_lines(item, tell_of)
  local wanted, found, damaged = {}, {}, {}
  for _, line in ipairs(item.lines) do wanted[line] = true end
  local function tell_some(d)
    if not wanted[d.line] then return end
    found[d.kind] = (found[d.kind] or 0) + 1
    if d.damage then damaged[d.line] = true end
    tell_of(d)
  end
  return tell_some, function(counts)
    counts.found, counts.damaged = found, 0
    for _ in pairs(damaged) do counts.damaged = counts.damaged + 1 end
  end
end

local function check_item(log, item, tell_of)
  local adjust
  if item.lines then tell_of, adjust = only_lines(item, tell_of) end
  local counts, message
  if item.is_path then counts, message = core.check_path(item.path, tell_of)
  else counts, message = core.check(log, item.session, tell_of) end
  if counts and adjust then adjust(counts) end
  return counts, message
end

function check.run(args)
  local sessions = arguments.sessions(args, arguments.query(args))
  local log = core.log(args.dir)
  local total = { sessions = 0, bytes = 0, lines = 0, entries = 0, damaged = 0, found = {}, is_damage = {} }
  local named = #sessions
  local rest, foreign_damaged, broken = check_all_foreign(sessions)
  sessions = rest
  local failures, done, all = {}, 0, arguments.bytes(sessions)
  progress.begin "check"
  for _, item in ipairs(sessions) do
    local counts, message = check_item(log, item, function(d)
      d.path = item.path
      total.is_damage[d.kind] = d.damage
      say(messages.place(d))
    end)
    done = done + item.size
    progress.at(done, all)
    if counts then
      total.sessions = total.sessions + 1
      add(total, counts)
    else
      failures[#failures + 1] = { message = message }
    end
  end
  progress.finish()
  log:close()
  for _, run in ipairs(require "debrief.record.state".dead(args.dir)) do
    messages.note(("%s: a run%s that began at %s was not finished, and its recorder is gone: debrief record --recover")
      :format(run.session, run.skill and " of " .. run.skill or "", run.at))
  end
  local left_out = messages.left_out()
  for _, text in ipairs(left_out) do say(text) end
  if #sessions > 0 or named == 0 then say(totals(total)) end
  if messages.failures(failures) then return 1 end
  return (total.damaged + foreign_damaged + #left_out > 0 or broken) and 3 or 0
end

return check
