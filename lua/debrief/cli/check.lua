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
totals. Changes nothing: to remove the damage, use `debrief repair`.
Exit status: 0 no damage, 1 something could not be read, 3 damaged lines.]],
}

function check.options(command)
  command:argument "SESSION":target "session":args "*":argname "SESSION"
    :description "Sessions to check (default: all, in name order)."
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

local function check_item(log, item, tell_of)
  if item.is_path then return core.check_path(item.path, tell_of) end
  return core.check(log, item.session, tell_of)
end

function check.run(args)
  local sessions = arguments.sessions(args, arguments.query(args))
  local log = core.log(args.dir)
  local total = { sessions = 0, bytes = 0, lines = 0, entries = 0, damaged = 0, found = {}, is_damage = {} }
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
  say(totals(total))
  return messages.failures(failures) and 1 or total.damaged > 0 and 3 or 0
end

return check
