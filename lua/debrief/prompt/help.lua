--- The text of `.help`. Lines that begin with `  > ` are examples that can be typed as they are; SESSION in them is
-- replaced by a session of the log.
-- @module debrief.prompt.help
local pretty = require "debrief.pretty"
local layout = require "debrief.text.table"
local width = require "debrief.text.width"

local help = {}

--- The topics, in reading order.
help.topics = { "start", "entries", "filters", "retro", "plugins", "results", "printing", "time", "save", "keys" }

local OVERVIEW = [==[
Type Lua. Values are shown, names are kept, and `log` is the open log.

  > .help start                                        a first look
  > log:retro "summary"                                -- what happened, as a report
  > runs = list(log:entries { session = "SESSION" })   -- the entries of a session, as an array
  > runs                                               -- one line per entry
  > runs[1]                                            -- one entry in full
  > runs[1].attempts                                   -- one of its fields
]==]

local WITHOUT_LOG = [==[
Type Lua. Values are shown, names are kept, and the names that were passed in are visible. There is no log.
]==]

-- What each command is for, in the order of the overview.
local commands = {
  { "help", ".help TOPIC", "about: " .. table.concat(help.topics, " ") },
  { "plugins", ".plugins", "list the plugins" },
  { "try", ".try PLUGIN [SESSION[:LINE]]", "try a plugin on one entry: the one in `_`, else the latest" },
  { "load", ".load FILE", "run a Lua file here" },
  { "save", ".save FILE", "save what worked as a script for `debrief run FILE`" },
  { "format", ".format FORMAT", "show values as: " .. table.concat(pretty.formats, " ") },
  { "time", ".time", "show how long each line takes: on or off" },
  { "quit", ".quit", "leave the prompt" },
}

local function overview(about)
  local lines, rows = { about.log and OVERVIEW or WITHOUT_LOG }, {}
  for _, command in ipairs(commands) do
    if about.commands[command[1]] then rows[#rows + 1] = { command[2], command[3] } end
  end
  local grid = layout.fit({ { width = 29 }, { rest = 20, wrap = true } }, rows, about.columns - 2)
  for _, cells in ipairs(rows) do lines[#lines + 1] = "  " .. grid:row(cells):gsub("\n", "\n  ") end
  return table.concat(lines, "\n")
end

local texts = {}

texts.start = [==[
A first look at a log. Type the lines after `>`.

  > list(log:sessions())                                   -- which sessions are there?
  > log:retro "summary"                                    -- what happened in all of them?
  > runs = list(log:entries { session = "SESSION" })       -- take one session
  > runs                                                   -- one line per run
  > function failed(e) return debrief.outcome(e) == "fail" end
  > bad = list(log:entries { session = "SESSION", where = failed })
  > bad                                                    -- those that failed
  > bad[1]                                                 -- the first one in full
  > .try failures SESSION:1                                a plugin on one entry

Then `.save look.lua` writes these lines as a script, and `debrief run look.lua` runs it. Next: .help filters]==]

texts.entries = [==[
An entry is one run of a skill. A field is decoded when you read it; a missing or null field is nil.

  > e = list(log:entries { session = "SESSION" })[1]
  > e.skill, e.final_status, e.duration_ms
  > debrief.outcome(e)                        -- ok, fail, skip or unknown, whatever words the status uses
  > #(e.attempts or {})                       -- how many attempts
  > for i, a in ipairs(e.attempts or {}) do print(i, a.model, a.verified) end
  > for name, value in pairs(e) do print(name, value) end
  > debrief.table(e)                          -- the entry as a plain table
  > e.note = "seen"                           -- changes e here, never the log

`log:append("mine", { skill = "review", final_status = "ok" })` adds an entry to the session `mine`.]==]

texts.filters = [==[
A filter is a function of an entry, or an expression over its fields as text. `where` takes both.

  > function slow(e) return (e.duration_ms or 0) > 60000 end
  > list(log:entries { session = "SESSION", where = slow })
  > list(log:entries { where = 'skill == "review" and final_status == "ok"' })
  > list(log:entries { where = 'debrief.outcome(entry) == "fail"' })
  > list(log:entries { session = "SESSION", since = "2026-01-01" })
  > slow(list(log:entries { session = "SESSION" })[1])

A missing field is nil, and nil > 60000 is an error: write (e.duration_ms or 0). To keep a filter, make it a
plugin: .help plugins]==]

texts.retro = [==[
A retrospective looks at all entries and returns a report.

  > log:retro "skills"                                      -- each skill: pass rate, attempts, time
  > log:retro("failures", { session = "SESSION" })          -- for one session
  > log:retro("skills,slow", { since = "90d", opt = { "slow.limit_ms=60000" } })
  > r = log:retro "summary"
  > r.entries, r.sessions                                   -- what it looked at
  > r:markdown()                                            -- the report as Markdown

Your own, without a plugin:

  > function init() return { n = 0 } end
  > function step(acc, e) acc.n = acc.n + #(e.attempts or {}) end
  > function finish(acc) return { title = acc.n .. " attempts" } end
  > log:retro { init = init, step = step, finish = finish }]==]

texts.plugins = [==[
A plugin is a Lua file that returns a table with hooks: enrich, filter, retrospective, import.

  > .plugins                          list them
  > .try outcome SESSION:1            run each hook on one entry, and show what it changed
  > .try slow limit_ms=1000           the same with an option

Without SESSION:LINE, `.try` takes the entry in `_`, the value of the last line, or else the latest entry of
SESSION or of the log, by time. A plugin that needs a right gets it with --allow PLUGIN:RIGHT at the end.

`.try ./mine.lua` tries a file and reads it again each time: edit it and try again. This one keeps long
runs:

  return {
    name = "mine", api = 1, summary = "Runs over a minute",
    filter = function(entry) return (entry.duration_ms or 0) > 60000 end,
  }]==]

texts.results = [==[
  _             the first value of the last line that had one
  _1, _2, …     all values of that line
  list(…)       an array of what an iterator returns: list(log:entries {}), list(log:sessions())

  > list(log:entries { session = "SESSION" })
  > #_
  > log:entries { session = "SESSION" }()
  > _.skill, _2, _3                           -- an entry, its session, its line

Names that you assign are kept until you leave; `local` at the beginning of a line is ignored, so those names
are kept too. Other names are read from Lua's globals, which do not change.]==]

texts.printing = [==[
An entry is shown as a card, an array of entries as a listing, a report as a report, anything else as
Lua would write it: keys in order, strings inside tables in quotes, 1 and 1.0 distinct, null as null. Long
and deep values are cut, and the rest is counted; a table that occurs again is <table 1>. Control characters
are escaped.

  > .format table                     arrays of entries as a table
  > .format json                      as JSON, whatever can be JSON
  > .format card                      arrays of entries as cards
  > .format markdown                  reports as Markdown
  > .format text                      the default
  > print(debrief.pretty({ 1, 1.0, debrief.null }))]==]

texts.time = [==[
  > .time                                            show how long each line takes; again: off
  > .time
  > list(log:entries { since = "7d" })               -- the last seven days; also 12h, yesterday
  > e = list(log:entries { session = "SESSION" })[1]
  > debrief.time(e)                                  -- its timestamp in ns since 1970
  > debrief.date("%Y-%m-%d %H:%M", debrief.time(e))  -- in your zone
  > debrief.window("2026-11-01", "2026-11-08")       -- a window in ns, without its end]==]

texts.save = [==[
`.save FILE` writes what worked so far as a Lua script for `debrief run FILE`: statements as they were
typed, expressions inside print. It does not replace an existing file; `.save! FILE` does. `.load FILE` runs a
file here, and the names it sets are kept.]==]

texts.keys = [==[
  Tab       completes names, fields of an entry, methods, and, in strings, sessions and plugins
  Ctrl-R    searches earlier statements
  Ctrl-C    stops what is running; at the prompt, discards an unfinished statement
  Ctrl-D    leaves, as .quit does

The prompt `>>` instead of `>` means that the statement continues.]==]

local WIDEST = 44 -- columns; the comments of wider examples are not aligned with the others

-- An example and its comment: no example has two spaces in a row.
local EXAMPLE = "^(  > .-)  +(%S.*)$"

-- Put the comments of examples below each other.
local function aligned(text)
  local column, out = 0, {}
  for line in text:gmatch "[^\n]+" do
    local code = line:match(EXAMPLE)
    if code and #code <= WIDEST then column = math.max(column, #code) end
  end
  for line in (text .. "\n"):gmatch "(.-)\n" do
    local code, comment = line:match(EXAMPLE)
    out[#out + 1] = code and width.pad(code, column) .. "  " .. comment or line
  end
  return table.concat(out, "\n")
end

-- A line that is too wide: the comment of an example moves to the next line, the words of a list are wrapped.
local function broken(line, columns)
  local code, comment = line:match(EXAMPLE)
  if code and width.of(code) + width.of(comment) + 2 <= columns then return code .. "  " .. comment end
  if code then return code .. "\n      " .. comment end
  local head, tail = line:match "^(  %S.-   +)(.*)$"
  if not head or #head > columns - 20 then return line end
  return head .. table.concat(width.wrap(tail, columns - #head), "\n" .. (" "):rep(#head))
end

-- A help text, wrapped to so many columns.
local function fitted(text, columns)
  local out, paragraph = {}, {}
  local function set()
    local lines = #paragraph > 0 and width.wrap(table.concat(paragraph, " "), columns) or {}
    table.move(lines, 1, #lines, #out + 1, out)
    paragraph = {}
  end
  for line in (text .. "\n"):gmatch "(.-)\n" do
    if line:find "^%S" then
      paragraph[#paragraph + 1] = line
    else
      set()
      out[#out + 1] = width.of(line) > columns and broken(line, columns) or line
    end
  end
  set()
  return table.concat(out, "\n")
end

--- The text of a topic, or the overview for nil; nil for an unknown topic.
-- @param about { commands = name -> command, those of the prompt, log = true: there is one, session = one of it for the
--   examples, or nil, columns = how wide the text may be }
function help.text(topic, about)
  local text = texts[topic]
  if not topic then text = overview(about) end
  if not text then return nil end
  local session = about.session or "s1"
  text = text:gsub("\n  > [^\n]*", function(example) return (example:gsub("SESSION", session)) end)
  return fitted(aligned(text), about.columns)
end

return help
