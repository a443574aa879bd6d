--- Candidates for the last word of a command line, for the completions of shells.
-- @module debrief.cli.complete
local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local asked = require "debrief.entry.asked"
local escape = require "debrief.text.escape"

local complete = {}

local FILE, FOLDER = { text = ":file", is = "" }, { text = ":folder", is = "" }
local MOST = 500 -- sessions that are offered
local QUICK = 200 -- ms for a plugin to load: somebody waits at a prompt

-- What the plugins say of themselves, of those that load quickly.
local function known_plugins()
  core.limit { plugin_time = QUICK }
  return (arguments.all_plugins())
end

-- ---- The words before it -------------------------------------------------------------------------------------------

-- bash passes words as they are typed, cut at = and :. Returns whole words, and how much of the last one the shell
-- keeps itself.
local function whole(words)
  local out, kept, joined = {}, 0, false
  for i, word in ipairs(words) do
    local plain = word:gsub("\\(.)", "%1")
    local quote = plain:match "^['\"]"
    if quote then plain = plain:sub(2):gsub(quote .. "$", "") end
    local is_break = word:find "^[=:]+$" ~= nil
    if i > 1 and (is_break or joined) then
      kept = is_break and #out[#out] + #plain or #out[#out]
      out[#out] = out[#out] .. plain
    else
      out[#out + 1], kept = plain, 0
    end
    joined = is_break
  end
  return out, kept
end

-- Take note of a word before the last one.
local function take(line, option, value)
  local name = option._argname
  if name == "DIR" then line.dir = value:gsub("^~%f[/\0]", os.getenv "HOME" or "~") end
  if name == "PLUGIN" then
    for plugin in value:gmatch "[^,]+" do line.plugins[#line.plugins + 1] = plugin end
  end
end

local function positional(grammar, line, word)
  if not line.command then
    line.command = grammar:command(word)
    line.lost = not line.command
    return
  end
  line.count = line.count + 1
  if line.command._name == "retro" and line.count == 1 then
    for name in word:gmatch "[^,]+" do line.plugins[#line.plugins + 1] = name end
  end
end

-- What is known from the words before the last one: { command =, count = of its arguments so far, dir =, plugins =
-- named ones, waiting = the option whose value comes next, plain = true after --, lost = true if they make no sense }
local function walk(grammar, words)
  local dir = os.getenv "DEBRIEF_DIR"
  local line = { count = 0, plugins = {}, dir = dir ~= "" and dir or "sessions" }
  for i = 1, #words - 1 do
    local word = words[i]
    if line.waiting then
      take(line, line.waiting, word)
      line.waiting = nil
    elseif word == "--" then
      line.plain = true
    elseif line.plain or not word:find "^%-." then
      positional(grammar, line, word)
    else
      local name, value = word:match "^(%-%-[^=]*)=(.*)$"
      local option = grammar:option(line.command, name or word)
      if option and value then take(line, option, value) end
      if option and not value and option._maxargs > 0 then line.waiting = option end
    end
  end
  return line
end

-- ---- What there is --------------------------------------------------------------------------------------------------

local function is_path(text) return text:find "[/~]" or text:find "^%." end

-- The first sentence of a description.
local function short(text) return (text:match "^(.-)[.;] " or text:gsub("%.$", "")) end

local function sessions(line, _, text)
  if is_path(text) then return { FILE } end
  local log = core.log(line.dir)
  local ids, out = log and log:sessions() or {}, {}
  if log then log:close() end
  for _, id in ipairs(ids) do
    if #out < MOST and id:sub(1, #text) == text then out[#out + 1] = { text = id, is = "session" } end
  end
  return out
end

-- Plugins with a hook (nil: any); in a list with commas, those that are not in it yet.
local function plugins(hook, many)
  return function(_, _, text)
    if is_path(text) then return { FILE } end
    local before, out = many and text:match "^.*," or "", {}
    for _, about in ipairs(known_plugins()) do
      local fits = not hook
      for _, one in ipairs(about.hooks) do fits = fits or one == hook end
      if fits and not ("," .. before):find("," .. about.name .. ",", 1, true) then
        out[#out + 1] = { text = before .. about.name, is = escape(about.summary) }
      end
    end
    return out
  end
end

local function rights()
  local out = {}
  for _, about in ipairs(known_plugins()) do
    for _, right in ipairs(about.needs) do
      out[#out + 1] = { text = about.name .. ":" .. right, is = escape(about.summary) }
    end
  end
  return out
end

-- plugin.key= and, after that, the known values.
local function plugin_options(line)
  local out, used = {}, {}
  for _, name in ipairs(line.plugins) do used[name] = true end
  for _, about in ipairs(known_plugins()) do
    for _, option in ipairs(used[about.name] and about.options or {}) do
      local key = ("%s.%s="):format(about.name, option.name)
      out[#out + 1] = { text = key, is = escape(option.help) }
      for _, choice in ipairs(option.choices or option.type == "boolean" and { "true", "false" } or {}) do
        out[#out + 1] = { text = key .. tostring(choice), is = escape(option.help) }
      end
    end
  end
  return out
end

local function sorted_fields()
  local out = {}
  for name in pairs(asked.known) do out[#out + 1] = name end
  table.sort(out)
  return out
end

-- Fields, also after others with commas and, to sort by them, after a dash.
local function fields(_, _, text)
  local before = text:match "^.*,%-?" or text:match "^%-?"
  local out = { { text = before .. "session", is = "place" }, { text = before .. "line", is = "place" } }
  for _, name in ipairs(sorted_fields()) do out[#out + 1] = { text = before .. name, is = "field" } end
  return out
end

local function entry_words()
  local out = { FILE }
  for _, name in ipairs(sorted_fields()) do out[#out + 1] = { text = name .. "=", is = "field" } end
  return out
end

local function words_of(list, what)
  return function()
    local out = {}
    for i, word in ipairs(list) do out[i] = { text = word, is = what } end
    return out
  end
end

local function importers(line, element, text)
  local out = line.count == 0 and plugins "import"(line, element, text) or {}
  out[#out + 1] = text ~= "" and FILE or #out == 0 and FILE or nil
  return out
end

local times = words_of({ "now", "today", "yesterday", "1h", "12h", "1d", "7d", "30d" }, "time")

-- By command and name of the value, or by the name alone.
local values = {
  DIR = function() return { FOLDER } end,
  FILE = function() return { FILE } end,
  SCRIPT = function() return { FILE } end,
  ARG = function() return { FILE } end,
  SESSION = sessions,
  TIME = times,
  OUTCOME = words_of({ "ok", "fail", "skip", "unknown" }, "outcome"),
  NAMES = fields,
  FIELDS = fields,
  PLUGIN = plugins(),
  ["PLUGIN[,PLUGIN...]"] = plugins("retrospective", true),
  ["merge PLUGIN"] = plugins "retrospective",
  ["--filter PLUGIN"] = plugins("filter", true),
  ["--enrich PLUGIN"] = plugins("enrich", true),
  ["PLUGIN:RIGHT"] = rights,
  ["KEY=VALUE"] = plugin_options,
  ["FILE | KEY=VALUE"] = entry_words,
  ["import PATH"] = importers,
}

local function commands(grammar)
  local out = {}
  for i, one in ipairs(grammar.commands) do out[i] = { text = one.name, is = short(one.summary) } end
  return out
end

local function values_of(grammar, line, element, text)
  if element._argname == "COMMAND" then return commands(grammar) end
  if element._choices then return words_of(element._choices, (element._argname or element._name):lower())() end
  local name = element._argname or element._name
  name = type(name) == "table" and name[#name] or name
  local option = element._aliases and element._aliases[#element._aliases] or line.command._name
  local list = values[option .. " " .. name] or values[name]
  return list and list(line, element, text) or {}
end

-- ---- The last word --------------------------------------------------------------------------------------------------

local function options(grammar, line)
  local out = {}
  for _, one in ipairs(line.command and { line.command } or { grammar.root }) do
    for _, option in ipairs(one._options) do
      for _, alias in ipairs(option._aliases) do out[#out + 1] = { text = alias, is = short(option._description) } end
    end
  end
  return out
end

local function all(grammar, line, text)
  if line.waiting then return values_of(grammar, line, line.waiting, text) end
  local name, value = text:match "^(%-%-[^=]*=)(.*)$"
  local option = not line.plain and name and grammar:option(line.command, name:sub(1, -2))
  if option and option._maxargs > 0 then
    local list = values_of(grammar, line, option, value)
    for i, one in ipairs(list) do list[i] = one.text:find "^:" and one or { text = name .. one.text, is = one.is } end
    return list
  end
  if not line.plain and text:find "^%-" then return options(grammar, line) end
  if line.lost then return {} end
  if not line.command then return commands(grammar) end
  local list = line.command._arguments
  local last = list[#list]
  local element = list[line.count + 1] or last and last._maxargs == math.huge and last
  return element and values_of(grammar, line, element, text) or {}
end

-- A word that means itself in every shell: others come from plugins and names of files, and are not offered.
local function is_plain(text) return not text:find "[^%w_.,:=/@%%+-]" end

--- @param grammar the program's words: debrief.cli.parser
-- @param words a command line without its first word; the last one, which may be empty, is completed
-- @param bash true: words as bash passes them
-- @return { { text =, is = description } ... }; the texts :file and :folder stand for names of files and folders
function complete.of(grammar, words, bash)
  local kept, out = 0, {}
  if bash then words, kept = whole(words) end
  local text = words[#words]
  for _, one in ipairs(all(grammar, walk(grammar, words), text)) do
    if one.text:find "^:" then
      out[#out + 1] = one
    elseif one.text:sub(1, #text) == text and is_plain(one.text:sub(#text + 1)) then
      out[#out + 1] = { text = one.text:sub(kept + 1), is = one.is }
    end
  end
  return out
end

return complete
