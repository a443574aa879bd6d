--- For specs about terminals: a program on a screen of its own (tmux, detached), keys to it, and what is seen.
--
--     local t = screen.start(s, [["$DEBRIEF" read]], { columns = 80, rows = 24, env = { PAGER = "less" } })
--     t:wait "implement"             -- until a Lua pattern is on the screen; fails with the screen when it never is
--     t:keys("C-r", "Enter")         -- once it has begun; names as tmux has them; t:type "text" is the text itself
--     t:resize(40, 10)
--     t:ended()                      -- waits for the end: the exit status, or minus the signal
--     screen.clean()                 -- in teardown: ends every server, also after a failed test
--
-- The command runs in the scene's folder with the variables of Scene:sh. Nothing waits longer than SECONDS.
local screen = {}
local Screen = {}
Screen.__index = Screen

local SECONDS = 20

-- Runs between tmux and the command and stores how the command ended, which tmux sometimes forgets. Ctrl-C reaches only
-- the command. The NUL at the end shows nothing, but is an event to wait for.
local RUNNER = [[
  local _, how, number = os.execute(os.getenv "SCREEN_COMMAND")
  local file = assert(io.open(os.getenv "SCREEN_ENDED", "w"))
  file:write(how, " ", number, "\n")
  file:close()
  io.write "\0"]]

local running = {}

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end

-- A word as tmux's own parser reads it, whatever is in it.
local function tmux_word(text)
  return '"' .. text:gsub("[%c%p ]", function(c) return ("\\%03o"):format(c:byte()) end) .. '"'
end

-- What tmux says next: a line of an answer, or "%output ..." and the like when something happened.
function Screen:line()
  local line = self.events:read "l"
  if not line or line:find "^%%exit" then self.over = true end
  return line or error("tmux has ended", 0)
end

-- One command to the server, which is this screen's own; its answer, or why there is none.
function Screen:tmux(command)
  if self.over then error("tmux has ended", 0) end
  self.commands:write(command, "\n")
  self.commands:flush()
  repeat local line = self:line() until line:find "^%%begin .* 1$"
  local answer = {}
  for line in self.line, self do
    if line:find "^%%end %d+ %d+ 1$" or line:find "^%%error %d+ %d+ 1$" then break end
    answer[#answer + 1] = line
  end
  return table.concat(answer, "\n") .. "\n"
end

--- Can screens be had here?
function screen.available()
  return os.execute "tmux -V >/dev/null 2>&1" == true
end

-- The server is started by a first client, and asked things by a second, in control mode: commands go in by a named
-- pipe, answers and events come out. Always in UTF-8, whatever the locale of the tests is.
local START = [[
  unset TMUX TMUX_PANE LD_PRELOAD LESS; export LC_ALL=C.UTF-8
  mkfifo %s.in
  tmux -u -S %s -f /dev/null set -g remain-on-exit on \; set -g remain-on-exit-format '' \; set -g status off \; \
    set -g default-shell /bin/sh \; set -g default-terminal %s \; set -s escape-time 0 \; set -s exit-empty off \; \
    new-session -d -x %d -y %d %s >&2
  echo $$
  exec tmux -u -S %s -C attach -f ignore-size <%s.in]]

--- Start a shell command on a screen.
-- @param scene of program.scene(): the folder, and where the server's socket is
-- @param command for sh; $DEBRIEF is the program
-- @param opts { columns = 80, rows = 24, env = more variables, false takes one away; term = "screen" }
function screen.start(scene, command, opts)
  opts = opts or {}
  local socket = ("%s/.tmux%d"):format(scene.dir, #running + 1)
  local words = { "cd", quote(scene.dir), "&& unset TMUX TMUX_PANE LESS;", scene:settings(opts.env) .. ";",
    "export SCREEN_ENDED=" .. quote(socket .. ".ended"), "SCREEN_COMMAND=" .. quote(command) .. ";",
    "exec lua5.4 -e", quote(RUNNER) }
  local at = quote(socket)
  local events = assert(io.popen(START:format(at, at, opts.term or "screen", opts.columns or 80, opts.rows or 24,
    quote(table.concat(words, " ")), at, at)))
  local self = setmetatable({ socket = socket, events = events, client = assert(events:read "n") }, Screen)
  running[#running + 1] = self
  self.commands = assert(io.open(socket .. ".in", "w"))
  repeat local line = self:line() until line:find "^%%session%-changed"
  self:tmux 'set -g @now "%S"' -- an event whenever the second changes, so that waiting has an end
  self:tmux 'refresh-client -B "tick::#{T:@now}"'
  return self
end

--- What is on the screen, a line a row, without spaces at the ends and empty rows at the bottom.
-- @param colours true: with the escape sequences of colours
function Screen:text(colours)
  local text = self:tmux("capture-pane -p" .. (colours and " -e" or "")):gsub(" +\n", "\n")
  return (text:gsub("\n+$", "\n"))
end

-- Wait until `holds` is true of the screen, looking again whenever something was written to it.
local function wait_until(self, seconds, what, holds)
  local limit = os.time() + (seconds or SECONDS)
  repeat
    local found = holds()
    if found then return found end
    repeat local line = self:line() until line:find "^%%output" or line:find "^%%subscription"
  until os.time() > limit
  error(("%s did not come; the screen:\n%s"):format(what, self:text()), 3)
end

--- Wait until a Lua pattern is on the screen. @return the screen's text
function Screen:wait(pattern, seconds)
  return wait_until(self, seconds, ("'%s'"):format(pattern), function()
    local text = self:text()
    return text:find(pattern) and text
  end)
end

--- Wait until something holds. @param holds function(text of the screen)
function Screen:wait_for(what, holds, seconds)
  return wait_until(self, seconds, what, function() return holds(self:text()) end)
end

--- Press keys, by tmux's names: "Enter", "C-c", "Up", "a".
function Screen:keys(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = tmux_word(word) end
  self:tmux("send-keys " .. table.concat(words, " "))
end

--- Type a text as it is.
function Screen:type(text) self:tmux("send-keys -l " .. tmux_word(text)) end

--- Paste a text, bracketed when the program asked for that.
function Screen:paste(text)
  self:tmux("set-buffer " .. tmux_word(text))
  self:tmux "paste-buffer -p"
end

function Screen:resize(columns, rows) self:tmux(("resize-window -x %d -y %d"):format(columns, rows)) end

--- Wait for the end of the command. @return its exit status, or minus the signal that ended it
function Screen:ended(seconds)
  local shown = wait_until(self, seconds, "the end", function()
    local file = io.open(self.socket .. ".ended")
    local text = file and file:read "a" or ""
    if file then file:close() end
    return text:match "^(.*)\n$"
  end)
  local how, number = shown:match "^(%a+) (%d+)$"
  return how == "exit" and tonumber(number) or -tonumber(number)
end

--- End the server, and with it what still runs on the screen. The control client goes first: a server that writes a lot
-- to one, or ends while it has one, sometimes crashes.
function Screen:close()
  if self.closed then return end
  self.closed = true
  os.execute(("kill %d; exec tmux -S %s kill-server 2>/dev/null"):format(self.client, quote(self.socket)))
  self.commands:close()
  self.events:close()
end

--- Close every screen.
function screen.clean()
  for _, one in ipairs(running) do one:close() end
  running = {}
end

return screen
