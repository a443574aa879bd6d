--- The prompt with everything it can do, and a console to hold it.
--
--     local prompt = repl.new { log = log, write = function(text, is_error) … end }
--     prompt:feed "log:retro 'skills'"
--
-- In scripts and plugins, `debrief.repl { name = value }` opens one where they stand.
-- @module debrief.repl
local base = require "debrief.prompt.commands"
local core = require "debrief.core"
local consoles = require "debrief.prompt.console"
local find = require "debrief.plugin.find"
local jobs = require "debrief.run.job"
local escape = require "debrief.text.escape"
local layout = require "debrief.text.table"
local save = require "debrief.prompt.save"
local prompts = require "debrief.prompt"
local try = require "debrief.repl.try"
local values = require "debrief.text.values"

local repl = {}

-- ---- Commands that need files and plugins ---------------------------------------------------------------------------

local commands = {}
for name, command in next, base do commands[name] = command end

local function fail(prompt, message)
  prompt:report(message)
  return "error"
end

commands.try = { words = { "plugins", "places" }, run = try.run }

commands.plugins = { run = function(prompt)
  local list, messages = jobs.all_plugins()
  local rows, out = {}, {}
  for i, it in ipairs(list) do rows[i] = { it.name, table.concat(it.hooks, ","), escape(it.summary) } end
  local grid = layout.fit({ {}, {}, { rest = 20, wrap = true } }, rows, prompt.width() or math.huge)
  for i, cells in ipairs(rows) do out[i] = grid:row(cells) end
  prompt:say(table.concat(out, "\n"))
  for _, message in ipairs(messages) do prompt:report(message) end
end }

commands.load = { words = { "files" }, run = function(prompt, path)
  if path == "" then return fail(prompt, "write .load FILE") end
  local f, message = loadfile(path, "t", prompt.env)
  if not f then return fail(prompt, message) end
  if not prompt:run(f) then return "error" end
  prompt.worked[#prompt.worked + 1] = { file = path }
end }

commands.save = { words = { "files" }, bang = true, run = function(prompt, path, over)
  if path == "" then return fail(prompt, "write .save FILE") end
  if #prompt.worked == 0 then return fail(prompt, "there is nothing to save: no statement has worked yet") end
  if not over and core.stat(path) then
    return fail(prompt, ("%s exists already: .save! %s replaces it"):format(path, path))
  end
  local file, message = io.open(path, "w")
  local ok
  if file then
    ok, message = file:write(save.script(prompt.worked, prompt.given))
    local closed, problem = file:close()
    ok, message = ok and closed, message or problem
  end
  if not ok then return fail(prompt, message) end
  prompt:say(("%s has %s: debrief run %s"):format(escape(path), values.count(#prompt.worked, "statement"),
    escape(path)))
end }

-- ---- What completes arguments ---------------------------------------------------------------------------------------

-- Files and folders whose names begin with the word.
local function files(word)
  local folder, out = word:match "^.*/" or "", {}
  for _, item in ipairs(core.list(folder == "" and "." or folder) or {}) do
    if item[1]:sub(1, 1) ~= "." or word:sub(#folder + 1, #folder + 1) == "." then
      out[#out + 1] = folder .. item[1] .. (item[2] and "/" or "")
    end
  end
  return out
end

local function plugins(word)
  if word:find "/" then return files(word) end
  local out = {}
  for i, item in ipairs(find.all()) do out[i] = item.name end
  return out
end

local function sources(log)
  local function sessions()
    local handle = log and log.handle
    return handle and handle:sessions() or {}
  end
  return { sessions = sessions, places = sessions, plugins = plugins, files = files,
    modules = function() return { "cjson", "debrief" } end }
end

-- ---- Prompts --------------------------------------------------------------------------------------------------------

--- A new prompt.
-- @param opts { log = log or nil, env = table of names it sees at once, library = what `debrief` is in it,
--   write = function(text, is_error), width = function() -> columns or nil, color =, format = of debrief.pretty }
-- @return a prompt with feed(line) -> "more" | "done" | "error" | "quit", mark(), reset(), text(),
--   complete(line, point) -> from, words; and `last`, the last value: see debrief.prompt
function repl.new(opts)
  local given = {}
  for key, value in next, opts do given[key] = value end
  given.commands, given.sources, given.cjson = commands, sources(opts.log), require "cjson"
  return prompts.new(given)
end

--- Read and run until the input ends: see debrief.prompt.console.
repl.run = consoles.run

--- The host's console, or one without line editing over the streams of the program.
repl.console = consoles.find

-- The open log, if there is one: a script may call something else `log`.
local function log_in(names)
  for _, one in ipairs { names and names.log or false, rawget(_G, "log") or false } do
    if type(one) == "table" and type(rawget(one, "handle")) == "userdata" then return one end
  end
end

--- A prompt in a script: `debrief.repl { entry = entry }` opens one that sees these names.
-- @param library what `debrief` is in it
-- @param names name -> value
-- @return the last value when it is left
function repl.open(library, names)
  local console = consoles.find()
  local prompt = repl.new { library = library, env = names, log = log_in(names), write = console.write,
    width = console.width, color = console.color }
  return consoles.run(prompt, console)
end

return repl
