--- A prompt: lines in, text out, and the names that were set. It does no input or output itself.
--
--     feed "for i = 1, 2 do"  -> "more"       mark() -> ">> "
--     feed "print(i) end"     -> "done"       write("1\n"), write("2\n")
--
-- A line is tried as an expression first, whose values are shown, then as a statement. Names are kept in the prompt's
-- own environment; other names are read from the globals. No input makes feed raise.
-- @module debrief.prompt
local complete = require "debrief.prompt.complete"
local core = require "debrief.core"
local keys = require "debrief.text.keys"
local list = require "debrief.entry.collect"
local suggest = require "debrief.text.suggest"
local pretty = require "debrief.pretty"
local raised_message = require "debrief.pretty.raised"
local escape = require "debrief.text.escape"
local trim = require "debrief.text.trim"
local syntax = require "debrief.prompt.syntax"

local Prompt = {}
Prompt.__index = Prompt

local WIDTH, FRAMES, MESSAGE = 100, 10, 2000 -- columns; lines of a traceback; bytes of a message

-- ---- The environment ------------------------------------------------------------------------------------------------

-- print of the prompt: to where it writes, and nothing raw from a log.
local function printer(prompt)
  return function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    prompt:say(escape(table.concat(words, "\t"), "\n\t"))
  end
end

local function environment(prompt, opts)
  local env = {}
  for name, value in next, opts.env or {} do env[name] = value end
  local library = opts.library
  env._G, env.print, env.list = env._G or env, env.print or printer(prompt), env.list or list.collect
  env.log, env.debrief, env.cjson = env.log or opts.log, env.debrief or library, env.cjson or opts.cjson
  return setmetatable(env, { __index = opts.globals or _G })
end

-- ---- Writing --------------------------------------------------------------------------------------------------------

--- Write lines.
function Prompt:say(text) self.write(text .. "\n", false) end

--- Write lines about something that went wrong.
function Prompt:report(text) self.write(escape(text, "\n\t") .. "\n", true) end

--- A value as the prompt shows values.
function Prompt:text_of(value)
  return pretty.text(value, { width = self.width() or WIDTH, color = self.color, format = self.format })
end

-- Several values: side by side when each is one line.
local function joined(prompt, values)
  local texts, mark = {}, "\t"
  for i = 1, values.n do
    texts[i] = prompt:text_of(values[i])
    if texts[i]:find "\n" then mark = "\n" end
  end
  return table.concat(texts, mark)
end

local ITERATOR = "^%s*[%w_.]+:(%a+)%f[%A]"

-- The values to show: for what log:entries returns at each step, the entry, whose place is then known.
local function shown_of(values)
  if values.n ~= 3 then return values end
  list.put(values[1], values[2], values[3])
  return list.place(values[1]) and { values[1], n = 1 } or values
end

local function show(prompt, values, text)
  local method = type(values[1]) == "function" and text:match(ITERATOR)
  if method ~= "entries" and method ~= "sessions" then return prompt:say(joined(prompt, values)) end
  prompt:say(("an iterator: list(%s) collects its values"):format(escape(trim.both(text))))
end

-- ---- Running --------------------------------------------------------------------------------------------------------

local function handler(raised) return { raised = raised, traceback = core.traceback(nil, 2) } end

-- The frames above the prompt's own; nil if they add nothing to the message.
local function frames(traceback)
  local out, shown = {}, 0
  for line in traceback:gmatch "\n([^\n]+)" do
    if line:find "debrief/prompt/init%.lua:" then break end
    out[#out + 1] = line
  end
  if out[#out] and out[#out]:find "^%s*%[C%]" then out[#out] = nil end -- what called for us
  if out[#out] and out[#out]:find "tail calls" then out[#out] = nil end
  for _, line in ipairs(out) do if not line:find "^%s*%[C%]" then shown = shown + 1 end end
  if shown < 2 then return nil end
  for i = #out, FRAMES + 1, -1 do
    out[i] = nil
    out[FRAMES] = "\t…"
  end
  return "stack traceback:\n" .. table.concat(out, "\n")
end

-- An error object's __tostring may loop: Ctrl-C ends that, too.
local function guarded(f, ...) return core.guard(handler, f, ...) end

local function message_of(raised)
  local text = raised_message(raised, guarded)
  return #text > MESSAGE and text:sub(1, MESSAGE) .. "…" or text
end

-- What core.guard caught, and what it says of an interrupt.
local function report_error(prompt, caught, how)
  local placed = type(caught) == "table" and caught.traceback ~= nil
  local message, traceback = how, nil
  if placed then
    message, traceback = message or message_of(caught.raised), frames(caught.traceback)
  end
  message = message or message_of(caught)
  prompt:report(traceback and message .. "\n" .. traceback or message)
end

-- Call f(...) for the user. Returns its results, or nil after reporting its error.
local function call(prompt, f, ...)
  local result = table.pack(core.guard(handler, f, ...))
  if result[1] then return table.move(result, 2, result.n, 1, { n = result.n - 1 }) end
  report_error(prompt, result[2], result[3])
end

--- Run a function as a line is run: its values are shown and kept as _, _1, _2 …
-- @return true, or false if it failed, which is reported; how many values it returned; and how many were shown
function Prompt:run(f, text)
  local from, shown = core.now(), nil
  local values = call(self, f)
  if values and values.n > 0 then
    for i = 1, math.max(values.n, self.kept) do rawset(self.env, "_" .. i, values[i]) end
    self.kept, self.last = values.n, values[1]
    rawset(self.env, "_", values[1])
    shown = shown_of(values)
    if not call(self, show, self, shown, text or "") then values = nil end
  end
  if self.timing then self:say(("(%.1f ms)"):format((core.now() - from) / 1e6)) end
  return values ~= nil, values and values.n or 0, shown and shown.n or 0
end

-- ---- Lines ----------------------------------------------------------------------------------------------------------

local function command(self, line)
  local name, bang, argument = line:match "^%s*%.(%a+)(!?)(.*)$"
  local found = self.commands[name]
  if not found or bang == "!" and not found.bang then
    local near = suggest(name, keys.sorted(self.commands))
    self:report(("no command .%s%s%s"):format(name, bang, near and (": did you mean .%s?"):format(near)
      or "; .help lists them"))
    return "error"
  end
  local values = call(self, found.run, self, trim.both(argument), bang == "!")
  return values and (values[1] or "done") or "error"
end

-- Words that people type at any prompt, and the commands they are here.
local words = { help = ".help", ["?"] = ".help", exit = ".quit", quit = ".quit" }

-- The command that a line such as `help`, `? topic`, `exit` or `quit()` is; nil if it is not one, or if a name of the
-- user's own is meant.
local function plain_command(self, line)
  local word, rest = trim.both(line):match "^(%a+)%s*(.*)$"
  if not word then word, rest = trim.both(line):match "^(%?)%s*(.*)$" end
  local known = words[word]
  if not known or rawget(self.env, word) ~= nil or not self.commands[known:sub(2)] then return nil end
  if rest == "" or rest:find "^%(%s*%)$" then return known end
  return known == ".help" and rest:find "^%.?%a+$" and known .. " " .. rest or nil
end

-- A text is remembered before it runs: it may never come back.
local function finish(self, text)
  self.finished = text
  if self.remember and not self.pasting and text:find "%S" then self.remember(text) end
end

local function statement(self, text)
  local f, kind = syntax.compile(text, self.env)
  if not f and not kind then return "more" end
  finish(self, text)
  if not f then
    self:report(message_of(kind))
    return "error"
  end
  local ok, count, shown = self:run(f, text)
  if not ok then return "error" end
  if text:find "%S" then self.worked[#self.worked + 1] = { text = text, values = count, shown = shown } end
  return "done"
end

-- Lines that came at once and are not one statement, as when several are pasted: one by one.
local function each_line(self, text)
  local status
  finish(self, text)
  self.pasting = true
  for line in (text .. "\n"):gmatch "(.-)\n" do
    status = self:feed(line)
    if status == "error" or status == "quit" then break end
  end
  self.pasting, self.finished = false, text
  return status
end

-- Handles what can only stand at the beginning: commands, and words that newcomers type. Nil: it is Lua.
local function first(self, line)
  local is_command = line:find "^%s*%.%a" ~= nil
  if line:find "\n" then
    local f, problem = syntax.compile(line, self.env)
    return (is_command or not f and problem) and each_line(self, line) or nil
  end
  if is_command then
    finish(self, line)
    return command(self, line)
  end
  local meant = plain_command(self, line)
  if not meant then return nil end
  finish(self, line)
  return command(self, meant)
end

local function feed(self, line)
  local done = #self.lines == 0 and first(self, line)
  if done then return done end
  self.lines[#self.lines + 1] = line
  local text = table.concat(self.lines, "\n")
  local status = statement(self, text)
  if status ~= "more" then self.lines = {} end
  return status
end

--- Take one line.
-- @return "more" if the statement continues, "done", "error" (it was reported), or "quit"
function Prompt:feed(line)
  local ok, status = pcall(feed, self, tostring(line))
  if ok then return status end
  self.lines, self.pasting = {}, false
  local failed = "the prompt itself failed, and goes on: "
  if not pcall(self.report, self, failed .. tostring(status)) then
    pcall(self.write, failed .. "a script removed a library function that it needs\n", true)
  end
  return "error"
end

--- What stands before the next line: "> ", or ">> " when the statement goes on.
function Prompt:mark() return self.name .. (#self.lines == 0 and "> " or ">> ") end

--- Forget a statement that is not finished.
function Prompt:reset() self.lines = {} end

--- The end of the input: reports an unfinished statement.
function Prompt:close()
  if #self.lines > 0 then self:report "the last statement is not finished, and was not run" end
  self.lines = {}
end

--- The whole statement or command that was finished last, as it was typed.
function Prompt:text() return self.finished end

--- What the word at the cursor may become. Calls nothing of the user's, and never raises.
-- @param line the line at the prompt
-- @param point how many bytes of it are before the cursor
-- @return the byte at which the word begins; and an array of words that can replace it, sorted
function Prompt:complete(line, point)
  local pending = #self.lines > 0 and table.concat(self.lines, "\n") .. "\n" or ""
  local ok, from, found = pcall(complete.at, line, point, { pending = pending, env = self.env,
    commands = self.commands, sources = self.sources })
  if ok then return from, found end
  return (math.tointeger(point) or 0) + 1, {}
end

--- A new prompt.
-- @param opts { log =, env = table of names it sees at once, library = what `debrief` is, cjson =, globals = where
--   other names are read (default _G), write = function(text, is_error), width = function() -> columns or
--   nil, color =, format = of debrief.pretty, commands =, sources = as debrief.prompt.complete takes them,
--   name = what each mark begins with, "" by default }
local function new(opts)
  local prompt = setmetatable({ log = opts.log, write = opts.write, width = opts.width or function() end,
    name = escape((opts.name or ""):sub(1, 64)),
    color = opts.color or false, format = opts.format or "text", timing = false, commands = opts.commands or {},
    sources = opts.sources or {}, given = {}, lines = {}, finished = "", worked = {}, kept = 0 }, Prompt)
  for name in next, opts.env or {} do prompt.given[name] = true end
  prompt.env = environment(prompt, opts)
  return prompt
end

return { new = new }
