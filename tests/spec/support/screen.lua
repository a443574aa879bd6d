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

-- Between tmux and the command, to tell how it ended: tmux forgets that now and then. Ctrl-C is for the command only.
local RUNNER = [[
  local _, how, number = os.execute(os.getenv "SCREEN_COMMAND")
  local file = assert(io.open(os.getenv "SCREEN_ENDED", "w"))
  file:write(how, " ", number, "\n")
  file:close()]]

local running = {}

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end

local function output(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return text
end

-- One call of tmux; its server is this screen's own. Always in UTF-8, whatever the locale of the tests is.
function Screen:tmux(words)
  return output(("env -u TMUX -u LD_PRELOAD LC_ALL=C.UTF-8 tmux -u -S %s %s 2>&1"):format(quote(self.socket), words))
end

--- Can screens be had here?
function screen.available()
  return output "tmux -V 2>&1":find "^tmux " ~= nil
end

--- Start a shell command on a screen.
-- @param scene of program.scene(): the folder, and where the server's socket is
-- @param command for sh; $DEBRIEF is the program
-- @param opts { columns = 80, rows = 24, env = more variables, false takes one away; term = "screen" }
function screen.start(scene, command, opts)
  opts = opts or {}
  local self = setmetatable({ socket = ("%s/.tmux%d"):format(scene.dir, #running + 1) }, Screen)
  running[#running + 1] = self
  local words = { "cd", quote(scene.dir), "&& exec env -u TMUX -u TMUX_PANE -u LESS",
    scene:variables(opts.env), "SCREEN_ENDED=" .. quote(self.socket .. ".ended"), "SCREEN_COMMAND=" .. quote(command),
    "lua5.4 -e", quote(RUNNER) }
  self:tmux(("-f /dev/null set -g remain-on-exit on \\; set -g remain-on-exit-format '' \\; set -g status off \\; "
    .. "set -g default-terminal %s \\; set -s escape-time 0 \\; set -s exit-empty off \\; "
    .. "new-session -d -x %d -y %d %s"):format(opts.term or "screen", opts.columns or 80, opts.rows or 24,
    quote(table.concat(words, " "))))
  return self
end

--- What is on the screen, a line a row, without spaces at the ends and empty rows at the bottom.
-- @param colours true: with the escape sequences of colours
function Screen:text(colours)
  local text = self:tmux("capture-pane -p" .. (colours and " -e" or "")):gsub(" +\n", "\n")
  return (text:gsub("\n+$", "\n"))
end

local function until_time(self, seconds, what, holds)
  local limit = os.time() + (seconds or SECONDS)
  repeat
    local found = holds()
    if found then return found end
    os.execute "sleep 0.02"
  until os.time() > limit
  error(("%s did not come; the screen:\n%s"):format(what, self:text()), 3)
end

--- Wait until a Lua pattern is on the screen. @return the screen's text
function Screen:wait(pattern, seconds)
  return until_time(self, seconds, ("'%s'"):format(pattern), function()
    local text = self:text()
    return text:find(pattern) and text
  end)
end

--- Wait until something holds. @param holds function(text of the screen)
function Screen:wait_for(what, holds, seconds)
  return until_time(self, seconds, what, function() return holds(self:text()) end)
end

--- Press keys, by tmux's names: "Enter", "C-c", "Up", "a".
function Screen:keys(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = quote(word) end
  self:tmux("send-keys " .. table.concat(words, " "))
end

--- Type a text as it is.
function Screen:type(text) self:tmux("send-keys -l " .. quote(text)) end

--- Paste a text, bracketed when the program asked for that.
function Screen:paste(text)
  self:tmux("set-buffer " .. quote(text) .. " \\; paste-buffer -p")
end

function Screen:resize(columns, rows) self:tmux(("resize-window -x %d -y %d"):format(columns, rows)) end

--- Wait for the end of the command. @return its exit status, or minus the signal that ended it
function Screen:ended(seconds)
  local shown = until_time(self, seconds, "the end", function()
    local file = io.open(self.socket .. ".ended")
    local text = file and file:read "a" or ""
    if file then file:close() end
    return text:match "^(.*)\n$"
  end)
  local how, number = shown:match "^(%a+) (%d+)$"
  return how == "exit" and tonumber(number) or -tonumber(number)
end

--- End the server, and with it what still runs on the screen.
function Screen:close() self:tmux "kill-server" end

--- Close every screen.
function screen.clean()
  for _, one in ipairs(running) do one:close() end
  running = {}
end

return screen
