--- Messages to people, on stderr: one line each, nothing raw from a log, and never too many of a kind.
-- @module debrief.cli.messages
local output = require "debrief.cli.output"
local progress = require "debrief.cli.progress"
local core = require "debrief.core"

local messages = {}

local MOST = 20 -- diagnostics of one file that are printed one by one

-- Replaced where the log is at an address.
function messages.translate(text) return text end

--- What of the log's address could not be read, one text each.
function messages.left_out() return {} end

local function line(text)
  text = messages.translate(text)
  output.close()
  progress.clear()
  io.stderr:write(require "debrief.text.escape"(text, "\n\t"), "\n")
end

--- "debrief: message"
function messages.error(message) line("debrief: " .. message) end

--- Print something worth knowing that is not an error.
function messages.note(message) line("debrief: " .. message) end

--- End the command with a message.
-- @param status exit status, 1 by default
function messages.fail(message, status)
  error({ message = message, status = status or 1 }, 0)
end

-- Made while there is memory.
local OUT_OF_MEMORY = { status = 1, message = "not enough memory; end other programs or raise the limit (ulimit -v), "
  .. "then run the command again" }

--- A message handler: an error that leaves a command is a message of ours ({ message =, status = }), out of memory, or
-- a bug. Lua calls no handler when memory is short: call it with what xpcall returned, too.
function messages.raised(raised)
  if type(raised) == "table" and raised.message then return raised end
  if type(raised) == "string" and raised:find "not enough memory$" then return OUT_OF_MEMORY end
  return { message = core.traceback("this is a bug in debrief: " .. tostring(raised), 2), status = 1 }
end

--- "file:line:byte kind: message [excerpt]"
-- @param d a diagnostic with its path
function messages.place(d)
  if d.sequence then
    return ("%s:%d@%d %s: %s%s"):format(d.path, d.line, d.sequence, d.kind, d.message,
      d.excerpt ~= "" and (" [%s]"):format(d.excerpt) or "")
  end
  local shown = d.excerpt ~= "" and (" [%s]"):format(d.excerpt) or ""
  return messages.translate(("%s:%d:%d %s: %s%s"):format(d.path, d.line, d.offset, d.kind, d.message, shown))
end

-- "-" was standard input, which cannot be read again.
local function where_all_are(path)
  if path == "-" then return "" end
  local shown = messages.translate(path)
  if shown ~= path then return ("; `debrief check %s` names them all"):format(shown:match "[^/]*$") end
  local word = (path:find "/" or path:find "%.jsonl$") and path or "./" .. path
  return ("; `debrief check %s` names them all"):format(require "debrief.text.shell_word"(word))
end

--- Print the diagnostics of reading, file by file.
-- @param list from a reader or a worker: { path =, line =, offset =, kind =, message =, excerpt =, damage =, more = how
--   many others of its file it stands for }
-- @param dropped how many more were not kept
-- @return true when a line was damaged
function messages.diagnostics(list, dropped)
  local counts, damaged = {}, (dropped or 0) > 0
  for _, d in ipairs(list) do
    local n = (counts[d.path] or 0) + 1
    damaged = damaged or d.damage
    if n <= MOST then line(messages.place(d)) end
    if n + (d.more or 0) > MOST and (counts[d.path] or 0) <= MOST then counts[#counts + 1] = d.path end
    counts[d.path] = n + (d.more or 0)
  end
  for _, path in ipairs(counts) do
    line(("%s: and %d more lines like these%s"):format(path, counts[path] - MOST, where_all_are(path)))
  end
  if (dropped or 0) > 0 then line(("debrief: %d more diagnostics than can be kept"):format(dropped)) end
  for _, text in ipairs(messages.left_out()) do
    messages.note(text)
    damaged = true
  end
  return damaged
end

--- Print problems of plugins, each with place and traceback of its first occurrence.
-- @return true when there was one
function messages.problems(list)
  for _, p in ipairs(list) do
    local place = p.session and ("%s%s"):format(p.session, p.line and ":" .. p.line or "") or nil
    local times = p.count > 1 and (" (%d times, the first at %s)"):format(p.count, place or "the end")
      or place and (" (at %s)"):format(place) or ""
    line(("debrief: plugin '%s', %s: %s%s"):format(p.plugin, p.hook, p.message, times))
    if p.traceback and p.traceback:find "\n" then line(p.traceback) end
  end
  return #list > 0
end

--- Print which sessions could not be read at all.
-- @return true when there was one
function messages.failures(list)
  for _, failure in ipairs(list) do messages.error(failure.message) end
  return #list > 0
end

return messages
