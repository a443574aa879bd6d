--- The words of the program: its commands and options, their help, and messages about unknown words. The man page and
-- the completions are made from the same parser.
--
-- All commands are known by name and summary; the options of a command are added when it is used, so that a start of
-- the program pays for one command only.
-- @module debrief.cli.parser
local argparse = require "debrief.cli.argparse"
local commands = require "debrief.cli.commands"

local parser = { commands = commands }
parser.__index = parser

local EPILOG = [[
`debrief COMMAND --help` shows the help of a command.
A SESSION is an id (s1), or a path (with a '/' or ending in .jsonl) in commands that only read.
The folder is -d DIR, else $DEBRIEF_DIR, else ./sessions. A DIR that is an address,
nats://HOST[:PORT][,HOST...]/NAME or tls://..., is a stream of NATS: `debrief help init`.
Exit status: 0 fine, 1 failed, 2 wrong usage or a plugin that does not load,
3 finished, but lines could not be read or plugins failed, 4 a gate (--fail-if) failed,
130 interrupted.]]

-- Help and version leave the parser by raising an error; argparse turns that into text, so the answer is kept apart.
local function leaving(self, text)
  return function()
    self.left = text()
    error("left", 0)
  end
end

local function add_help(one, self, help)
  one:flag "-h --help":description "Show this help and exit.":action(leaving(self, help))
end

-- -d is understood before and after the command; after it, it is another target for argparse.
local function add_folder(one, target)
  one:option "-d --dir":argname "DIR":target(target)
    :description "The folder of the log (default: $DEBRIEF_DIR or ./sessions)."
end

local function add_no_pager(one)
  one:flag "--no-pager":description "Never use a pager, even if the output is longer than the screen."
end

-- "-d, --dir DIR" on one line, where argparse would make two.
local function label(option)
  local names, rest = table.concat(option._aliases, ", "), option:_get_argument_list()
  return #rest == 0 and names or names .. " " .. table.concat(rest, " ")
end

local function set_labels(one)
  for _, option in ipairs(one._options) do
    function option._get_label_lines(self) return { label(self) } end
  end
  for _, argument in ipairs(one._arguments) do
    local name = argument._choices and argument._argname -- argparse would show the choices
    if name then function argument._get_label_lines() return { name } end end
  end
end

--- @param version returns the text for --version
-- @return { root = the parser of argparse, modules = name -> module of the commands that were used,
--   left = the text that was asked for (help or the version), once there is one }
function parser.new(version)
  local self = setmetatable({ modules = {}, used = {} }, parser)
  local root = argparse("debrief", "A session log for agent skill runs, and the place to look back on them.", EPILOG)
  root:add_help(false)
  root:help_max_width(80)
  root:require_command(false)
  root:command_target "command"
  self.root = root
  add_help(root, self, function() return self:help() end)
  root:flag "--version":description "Show the version and exit.":action(leaving(self, version))
  add_folder(root, "dir_before")
  add_no_pager(root)
  set_labels(root)
  return self
end

-- A command of argparse with nothing but its name and summary.
local function bare(self, one)
  local command = self.root:command(one.name, one.summary)
  command:add_help(false)
  return command
end

-- Add what the module of a command declares.
local function complete(self, command, module)
  if module.epilog then command:epilog(module.epilog) end
  add_help(command, self, function() return command:get_help() end)
  if not module.no_folder then add_folder(command, "dir_after") end
  module.options(command)
  if module.paged then add_no_pager(command) end
  set_labels(command)
end

local function find(name)
  for _, one in ipairs(commands) do if one.name == name then return one end end
end

--- The command of that name in argparse, with its options; nil if there is no such command.
function parser:command(name)
  local one = not self.used[name] and find(name)
  if one then
    self.used[name], self.modules[name] = bare(self, one), one.load()
    complete(self, self.used[name], self.modules[name])
  end
  return self.used[name]
end

--- The help of the program, which lists all commands.
function parser:help()
  self.root._commands = {}
  for i, one in ipairs(commands) do
    local command = self.used[one.name] or bare(self, one)
    self.root._commands[i] = command
  end
  return self.root:get_help()
end

-- Is this word, an option of a command that is used, followed by a value with a dash?
local function takes_dash(self, word, value)
  if not (word:find "^%-" and value and value:find "^%-[^-]") then return false end
  for _, command in pairs(self.used) do
    local option = self:option(command, word)
    if option and option._takes_dash then return true end
  end
  return false
end

-- "--sort", "-runs" as "--sort=-runs": to argparse a word with a dash is never a value.
local function join_dashes(self, words)
  local out, i = {}, 1
  while i <= #words do
    local word, value = words[i], words[i + 1]
    if word == "--" then return table.move(words, i, #words, #out + 1, out) end
    local dashed = takes_dash(self, word, value)
    out[#out + 1] = dashed and word .. "=" .. value or word
    i = i + (dashed and 2 or 1)
  end
  return out
end

--- Parse words. Only a command that is among them can be the one that is used.
-- @return the arguments; or nil and a message in our words
function parser:parse(words)
  for _, word in ipairs(words) do self:command(word) end
  if not next(self.used) then bare(self, commands[1]) end -- argparse must know that there are commands
  local ok, parsed, result = pcall(self.root.pparse, self.root, join_dashes(self, words))
  if self.left then return nil end
  if not ok then error(parsed, 0) end
  if not parsed then return nil, self:explain(result, words) end
  return result
end

--- The names of all commands, in the order of the help.
function parser.names()
  local names = {}
  for i, one in ipairs(commands) do names[i] = one.name end
  return names
end

--- The option of that name, of the command or of the program itself.
function parser:option(command, name)
  for _, one in ipairs { command or self.root, self.root } do
    for _, option in ipairs(one._options) do
      for _, alias in ipairs(option._aliases) do if alias == name then return option end end
    end
  end
end

-- ---- Unknown words ------------------------------------------------------------------------------------------------

local function options_of(self, command)
  local names = {}
  for _, one in ipairs { command or self.root, self.root } do
    for _, option in ipairs(one._options) do
      for _, alias in ipairs(option._aliases) do names[#names + 1] = #alias > 2 and alias or nil end
    end
  end
  return names
end

-- "jsonl, json or tsv"
local function listed(choices)
  return table.concat(choices, ", ", 1, #choices - 1) .. " or " .. choices[#choices]
end

-- The word that was typed as the value of an option and is not one of its choices.
local function wrong_value(words, name, choices)
  local fine = {}
  for _, choice in ipairs(choices) do fine[choice] = true end
  for i, word in ipairs(words) do
    local value = word == name and words[i + 1] or word:sub(1, #name + 1) == name .. "=" and word:sub(#name + 2)
    if value and not fine[value] then return value end
  end
  return ""
end

-- ": did you mean '…'?", or "" if no name is near
local function hint(name, names) return select(2, require "debrief.text.suggest"(name, names)) end

--- argparse's message in our words, with the nearest known word.
-- @param words that were parsed
function parser:explain(message, words)
  local command
  for _, word in ipairs(words) do command = command or self:command(word) end
  message = message:gsub("%s*\nDid you.*", "")
  local name = message:match "^unknown command '(.*)'$"
  if name then return message .. hint(name, parser.names()) end
  name = message:match "^unknown option '(.*)'$"
  if name then return message .. hint(name, options_of(self, command)) end
  name = message:match "^argument for option '([^']*)' must be one of"
  local option = name and self:option(command, name)
  if option then
    local typed = wrong_value(words, name, option._choices)
    return ("%s takes %s, not '%s'%s"):format(name, listed(option._choices), typed, hint(typed, option._choices))
  end
  return message
end

return parser
