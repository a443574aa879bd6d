--- Reports as a page: what is asked for with it, what its head says, and opening it.
-- @module debrief.cli.page
local core = require "debrief.core"
local messages = require "debrief.cli.messages"

local page = {}

--- Declare the options of pages with entries.
function page.options(command)
  command:option "--entries":argname "WHICH":choices { "cited", "all", "none" }
    :description "Entries in an HTML page: those that it cites (default), all, or none."
  command:flag "--no-redact":description "Leave credentials in an HTML page."
end

--- Declare --open.
function page.open_option(command)
  command:flag "--open":description "Open the page in a browser (xdg-open)."
end

local MINUTE = "%Y-%m-%d %H:%M"

local function window_of(q)
  local function edge(ns) return ns and ns > math.mininteger and ns < math.maxinteger and core.date(MINUTE, ns) end
  local from, to = edge(q.since), edge(q["until"])
  local text = from and "from " .. from or "from the beginning"
  text = ("%s %s"):format(text, to and "until before " .. to or "until " .. core.date(MINUTE, q.now))
  return q.last and ("the latest %d entries, %s"):format(q.last, text) or text
end

local function command_of(args)
  local word, words = require "debrief.text.shell_word", { "debrief" }
  for i, typed in ipairs(args.typed or {}) do words[i + 1] = word(typed) end
  return table.concat(words, " ")
end

-- The entries of a page, and what closes their reader.
local function entries_of(args, result, asked)
  local which = args.entries or "cited"
  if which == "none" or not asked then return nil end
  local cited = require "debrief.retro.cited"
  if which == "all" then
    local list, reader = cited.all(asked.job, asked.items)
    return { list = list, all = result.kept or result.entries }, reader
  end
  local places = cited.places(result.reports)
  if #places == 0 then return nil end
  return { list = cited.read(asked.job, places, asked.items), all = #places, cited = true }
end

--- What debrief.report.html takes besides reports.
-- @param asked { query =, job =, items = }, nil where there is no log
-- @return it, and what is to be closed after it was used
function page.of(args, result, asked)
  local q, head = asked and asked.query, { { "Command", command_of(args) } }
  if q then
    head[2], head[3] = { "Log", args.dir }, { "Window", window_of(q) }
    head[4] = { "Made", core.date(MINUTE, q.now) }
  end
  local entries, reader = entries_of(args, result, asked)
  local problems = table.move(result.problems, 1, #result.problems, 1, {})
  table.move(result.failures or {}, 1, #(result.failures or {}), #problems + 1, problems)
  return { title = args.title, head = head, notes = args.notes, diagnostics = result.diagnostics,
    dropped = result.dropped, problems = problems, keep_secrets = args.no_redact, entries = entries }, reader
end

--- Do the options of a command fit together? Leaves with status 2 if not.
function page.check(args, format)
  if args.open and (format ~= "html" or not args.output) then
    messages.fail("--open needs a page to open: --format html -o FILE", 2)
  end
  if (args.entries or args.no_redact) and format ~= "html" then
    messages.fail(("%s is for pages: --format html"):format(args.entries and "--entries" or "--no-redact"), 2)
  end
end

local function is_there(program)
  for folder in (os.getenv "PATH" or ""):gmatch "[^:]+" do
    local stat = core.stat(folder .. "/" .. program)
    if stat and stat.kind == "file" then return true end
  end
  return false
end

--- Open a file in a browser.
-- @return false, after a message, if that cannot be done here
function page.open(path)
  if not is_there "xdg-open" then
    messages.error(("cannot open %s: there is no xdg-open here; open the file in a browser"):format(path))
    return false
  end
  local word = path:find "^%-" and "./" .. path or path
  os.execute(("xdg-open '%s' >/dev/null 2>&1 </dev/null &"):format(word:gsub("'", [['\'']])))
  return true
end

return page
