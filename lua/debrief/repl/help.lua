--- What `.help` says. Lines that begin with `  > ` are examples, to be typed as they stand: SESSION in them becomes a
-- session of the log.
-- @module debrief.repl.help
local pretty = require "debrief.pretty"
local width = require "debrief.text.width"

local help = {}

--- The topics, in reading order.
help.topics = { "start", "entries", "filters", "retro", "plugins", "results", "printing", "time", "save", "keys" }

local OVERVIEW = [==[
Type Lua. Values are shown, names stay, and `log` is the open log.

  > .help start                                        a first look
  > log:retro "summary"                                -- what happened, as a report
  > runs = list(log:entries { session = "SESSION" })   -- the entries of a session, as an array
  > runs                                               -- a line each
  > runs[1]                                            -- one of them, all of it
  > runs[1].attempts                                   -- a field of it
]==]

local WITHOUT_LOG = [==[
Type Lua. Values are shown, names stay, and those that were given here are seen. There is no log.
]==]

-- What each command is for, in the order of the overview.
local commands = {
  { "help", ".help TOPIC", "more: " .. table.concat(help.topics, " ") },
  { "plugins", ".plugins", "the plugins there are" },
  { "try", ".try PLUGIN [SESSION[:LINE]]", "what a plugin does with one entry: the one in `_`, else the latest" },
  { "load", ".load FILE", "run a Lua file here" },
  { "save", ".save FILE", "what worked, as a script for `debrief run FILE`" },
  { "format", ".format FORMAT", "how values are shown: " .. table.concat(pretty.formats, " ") },
  { "time", ".time", "how long each line takes, on or off" },
  { "quit", ".quit", "leave" },
}

local function overview(there, log)
  local lines = { log and OVERVIEW or WITHOUT_LOG }
  for _, command in ipairs(commands) do
    if there[command[1]] then lines[#lines + 1] = ("  %-30s %s"):format(command[2], command[3]) end
  end
  return table.concat(lines, "\n")
end

local texts = {}

texts.start = [==[
A first look at a log. The lines behind `>` are to be typed.

  > list(log:sessions())                                   -- which sessions are there?
  > log:retro "summary"                                    -- what happened in all of them?
  > runs = list(log:entries { session = "SESSION" })       -- take one session
  > runs                                                   -- a line for each run
  > function failed(e) return debrief.outcome(e) == "fail" end
  > bad = list(log:entries { session = "SESSION", where = failed })
  > bad                                                    -- the failing ones
  > bad[1]                                                 -- all of the first
  > .try failures SESSION:1                                a plugin on one entry

Then `.save look.lua` writes these lines as a script, and `debrief run look.lua` runs it. Next: .help filters]==]

texts.entries = [==[
An entry is one run of a skill. Its fields are read when they are asked for; what is absent or null is nil.

  > e = list(log:entries { session = "SESSION" })[1]
  > e.skill, e.final_status, e.duration_ms
  > debrief.outcome(e)                        -- ok, fail, skip or unknown, from any words of status
  > #(e.attempts or {})                       -- how many attempts
  > for i, a in ipairs(e.attempts or {}) do print(i, a.model, a.verified) end
  > for name, value in pairs(e) do print(name, value) end
  > debrief.table(e)                          -- a plain table of it
  > e.note = "seen"                           -- changes e here, never the log

`log:append("mine", { skill = "review", final_status = "ok" })` adds an entry to the session `mine`.]==]

texts.filters = [==[
A filter is a function of an entry, or a text with an expression over its fields. `where` takes both.

  > function slow(e) return (e.duration_ms or 0) > 60000 end
  > list(log:entries { session = "SESSION", where = slow })
  > list(log:entries { where = 'skill == "review" and final_status == "ok"' })
  > list(log:entries { where = 'debrief.outcome(entry) == "fail"' })
  > list(log:entries { session = "SESSION", since = "2026-01-01" })
  > slow(list(log:entries { session = "SESSION" })[1])

An absent field is nil, and nil > 60000 is an error: write (e.duration_ms or 0). A filter that is worth
keeping becomes a plugin: .help plugins]==]

texts.retro = [==[
A retrospective goes over all entries and returns a report.

  > log:retro "skills"                                      -- each skill: pass rate, attempts, time
  > log:retro("failures", { session = "SESSION" })          -- of one session
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

  > .plugins                          all there are
  > .try outcome SESSION:1            each hook of it on one entry, and what it changed
  > .try slow limit_ms=1000           with an option

Without SESSION:LINE it takes the entry in `_`, which a line gave last, else the latest of SESSION or of the
log, by time. A plugin that needs a right gets it by --allow PLUGIN:RIGHT at the end.

`.try ./mine.lua` tries a file, which is read anew each time: edit it, try again. This one keeps runs
that took long:

  return {
    name = "mine", api = 1, summary = "Runs over a minute",
    filter = function(entry) return (entry.duration_ms or 0) > 60000 end,
  }]==]

texts.results = [==[
  _             the first value of the last line that gave one
  _1, _2, …     all values of that line
  list(…)       an array of what an iterator gives: list(log:entries {}), list(log:sessions())

  > list(log:entries { session = "SESSION" })
  > #_
  > log:entries { session = "SESSION" }()
  > _.skill, _2, _3                           -- an entry, its session, its line

Names that are assigned stay in this session; `local` at the beginning of a line is left out, so that
they stay, too. Names that are not set here are read from Lua's globals, which do not change.]==]

texts.printing = [==[
An entry is shown as a card, an array of entries as a listing, a report as a report, anything else as
Lua writes it: keys in order, strings in quotes inside tables, 1 and 1.0 apart, null as null. What is
long or deep is cut and counted; a table that occurs again is <table 1>. Control characters are escaped.

  > .format table                     arrays of entries as a table
  > .format json                      everything that can be JSON as JSON
  > .format card                      arrays of entries as cards
  > .format markdown                  reports as Markdown
  > .format text                      as in the beginning
  > print(debrief.pretty({ 1, 1.0, debrief.null }))]==]

texts.time = [==[
  > .time                                            on: how long each line takes; once more: off
  > .time
  > list(log:entries { since = "7d" })               -- the last seven days; also 12h, yesterday
  > e = list(log:entries { session = "SESSION" })[1]
  > debrief.time(e)                                  -- its timestamp in ns since 1970
  > debrief.date("%Y-%m-%d %H:%M", debrief.time(e))  -- in your zone
  > debrief.window("2026-11-01", "2026-11-08")       -- both ends of a window in ns; the end is not in it]==]

texts.save = [==[
`.save FILE` writes what worked so far as a Lua script that `debrief run FILE` runs: statements as they
were typed, expressions inside print. A file that is there already is kept: `.save! FILE` writes over it.
`.load FILE` runs a file here, and the names it sets stay.]==]

texts.keys = [==[
  Tab       completes names, fields of the entry at hand, methods, and, in strings, sessions and plugins
  Ctrl-R    searches what was typed before
  Ctrl-C    stops what runs; at the prompt it forgets a statement that is not finished
  Ctrl-D    leaves, as .quit does

`>>` in place of `>` says that the statement goes on.]==]

local WIDEST = 44 -- columns of an example that has its comment beside those of others

-- An example and what is said of it: two spaces are nowhere in an example.
local EXAMPLE = "^(  > .-)  +(%S.*)$"

-- What is said of examples below each other.
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

-- A line that is too wide: of an example, the comment goes below; of a list, the words.
local function broken(line, columns)
  local code, comment = line:match(EXAMPLE)
  if code and width.of(code) + width.of(comment) + 2 <= columns then return code .. "  " .. comment end
  if code then return code .. "\n      " .. comment end
  local head, tail = line:match "^(  %S.-   +)(.*)$"
  if not head or #head > columns - 20 then return line end
  return head .. table.concat(width.wrap(tail, columns - #head), "\n" .. (" "):rep(#head))
end

--- A text of help, set for so many columns.
function help.fit(text, columns)
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

--- The text of a topic, the overview for nil; nil when there is none.
-- @param there name -> command: the commands of the session
-- @param log true: there is a log
-- @param id a session of it for the examples, or nil
function help.text(topic, there, log, id)
  local text = texts[topic]
  if not topic then text = overview(there, log) end
  if not text then return nil end
  return aligned((text:gsub("\n  > [^\n]*", function(example) return (example:gsub("SESSION", id or "s1")) end)))
end

return help
