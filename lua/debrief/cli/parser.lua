--- The words of the program: its commands and options, their help, and what is said of words that are none. The man
-- page and the completions are made from the same parser.
-- @module debrief.cli.parser
local argparse = require "debrief.cli.argparse"
local core = require "debrief.core"
local suggest = require "debrief.text.suggest"

local parser = {}

local EPILOG = [[
`debrief COMMAND --help` shows the help of a command.
A SESSION is an id (s1), or a path (with a '/' or ending in .jsonl) in commands that only read.
The folder is -d DIR, else $DEBRIEF_DIR, else ./sessions.
Exit status: 0 fine, 1 failed, 2 wrong usage or a plugin that does not load,
3 finished, but lines could not be read or plugins failed, 130 interrupted.]]

-- Help and version leave the parser by an error that is no error; argparse turns it into text, so what it says is kept
-- beside it.
local function leaving(left, text)
  return function()
    left.text = text()
    error("left", 0)
  end
end

local function add_help(one, left)
  one:flag "-h --help":description "Show this help and exit."
    :action(leaving(left, function() return one:get_help() end))
end

-- -d is understood before and behind the command; behind it, it is another target for argparse.
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

--- The version, of the program and of the Lua it is linked with.
function parser.version() return ("debrief %s (%s)"):format(core.version, core.lua) end

--- @param left gets `text` when the words ask for help or the version
-- @param modules { { name, module } ... } of the commands, in the order of the help
function parser.new(left, modules)
  local root = argparse("debrief", "A session log for agent skill runs, and the place to look back on them.", EPILOG)
  root:add_help(false)
  root:help_max_width(80)
  root:require_command(false)
  root:command_target "command"
  add_help(root, left)
  root:flag "--version":description "Show the version and exit.":action(leaving(left, parser.version))
  add_folder(root, "dir_before")
  add_no_pager(root)
  set_labels(root)
  for _, pair in ipairs(modules) do
    local module = pair[2]
    local command = root:command(pair[1], module.summary, module.epilog)
    command:add_help(false)
    add_help(command, left)
    if not module.no_folder then add_folder(command, "dir_behind") end
    module.options(command)
    if module.paged then add_no_pager(command) end
    set_labels(command)
  end
  return root
end

--- The command of that name, as argparse has it.
function parser.command(root, name)
  for _, command in ipairs(root._commands) do
    if command._name == name then return command end
  end
end

--- The names of all commands, in the order of the help.
function parser.names(root)
  local names = {}
  for i, command in ipairs(root._commands) do names[i] = command._name end
  return names
end

--- The option of that name, of the command or of the program itself.
function parser.option(root, command, name)
  for _, one in ipairs { command or root, root } do
    for _, option in ipairs(one._options) do
      for _, alias in ipairs(option._aliases) do if alias == name then return option end end
    end
  end
end

-- ---- Words that are none -------------------------------------------------------------------------------------------

local function options_of(root, command)
  local names = {}
  for _, one in ipairs { command or root, root } do
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

-- What was typed as the value of an option that is not one of its choices.
local function wrong_value(words, name, choices)
  local fine = {}
  for _, choice in ipairs(choices) do fine[choice] = true end
  for i, word in ipairs(words) do
    local value = word == name and words[i + 1] or word:sub(1, #name + 1) == name .. "=" and word:sub(#name + 2)
    if value and not fine[value] then return value end
  end
  return ""
end

--- argparse's message in our words, with the nearest of what there is.
-- @param words that were parsed
function parser.explain(root, message, words)
  local command
  for _, word in ipairs(words) do command = command or parser.command(root, word) end
  message = message:gsub("%s*\nDid you.*", "")
  local name = message:match "^unknown command '(.*)'$"
  if name then return message .. select(2, suggest(name, parser.names(root))) end
  name = message:match "^unknown option '(.*)'$"
  if name then return message .. select(2, suggest(name, options_of(root, command))) end
  name = message:match "^argument for option '([^']*)' must be one of"
  local option = name and parser.option(root, command, name)
  if option then
    local typed = wrong_value(words, name, option._choices)
    return ("%s takes %s, not '%s'%s"):format(name, listed(option._choices), typed,
      select(2, suggest(typed, option._choices)))
  end
  return message
end

return parser
