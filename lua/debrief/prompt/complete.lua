--- What a word at the cursor may become. Looks at values and calls nothing: no function, no metamethod but those of
-- entries and of debrief.host, which are ours.
--
--     log:en                 methods and fields, of what the names before lead to
--     e.attempts[1].         the members an entry really has
--     session = "ha          names inside strings: sessions, plugins
--     .try skills ha         commands and their arguments
-- @module debrief.prompt.complete
local core = require "debrief.core"
local sorted_keys = require "debrief.text.keys".sorted
local syntax = require "debrief.prompt.syntax"
local inspect = require "debrief.pretty.inspect"

local complete = {}

local LOOKS, LEVELS = 20000, 10 -- keys to look at; tables in a chain of __index
local NEAR = 1000 -- bytes before the cursor that are looked at closely: patterns are slow on long texts

local metatable_of = inspect.metatable

local reserved, keywords = inspect.reserved, sorted_keys(inspect.reserved)

-- The table in which Lua looks next for what `v` does not have.
local function index_table(v)
  local mt = metatable_of(v)
  local index = type(mt) == "table" and rawget(mt, "__index")
  return type(index) == "table" and index or nil
end

-- Entries and debrief.host: looking at their members runs no code of a user.
local function is_open(v) return inspect.is_view(v) or rawequal(v, core.values) end

local function step(v, key)
  if is_open(v) then
    local ok, item = pcall(function() return v[key] end)
    return ok and item or nil
  end
  local t = type(v) == "table" and v or index_table(v)
  for _ = 1, LEVELS do
    if not t then return nil end
    local item = rawget(t, key)
    if item ~= nil then return item end
    t = index_table(t)
  end
end

-- ---- Ways to a value ------------------------------------------------------------------------------------------------

-- The last part of a way at the end of `text`: its key, where it begins, and whether it stands in brackets.
local function last_part(text)
  local from, key = text:match "()([%a_][%w_]*)%s*$"
  if from then return key, from, false end
  from, key = text:match "()%[%s*(%-?%d+)%s*%]%s*$"
  if from then return math.tointeger(tonumber(key)), from, true end
  from, key = text:match "()%[%s*[\"']([^\"'\\]*)[\"']%s*%]%s*$"
  return key, from, true
end

-- The keys of the path at the end of the text, from the first name on; nil if there is no path.
local function way(text)
  local keys = {}
  for _ = 1, 50 do
    local key, from, indexed = last_part(text)
    if key == nil then return nil end
    table.insert(keys, 1, key)
    text = text:sub(1, from - 1)
    local dotted = text:find "%.%s*$" and not text:find "%.%.%s*$"
    if dotted then text = text:gsub("%.%s*$", "")
    elseif text:find ":%s*$" then return nil
    elseif not indexed then return keys end
  end
end

local function resolve(text, env)
  local keys = way(text)
  if not keys then return nil end
  local v = env
  for _, key in ipairs(keys) do
    if v == nil then return nil end
    v = step(v, key)
  end
  return v
end

-- ---- Candidates -----------------------------------------------------------------------------------------------------

local function collector(word)
  local seen, out = {}, {}
  local function add(text)
    local fits = type(text) == "string" and text:sub(1, #word) == word and not text:find "[%c\127]"
      and (word ~= "" or text:sub(1, 2) ~= "__")
    if fits and not seen[text] then
      seen[text] = true
      out[#out + 1] = text
    end
  end
  local function all(list) for _, text in ipairs(list or {}) do add(text) end end
  local function sorted()
    table.sort(out)
    return out
  end
  return add, all, sorted
end

local function is_name(key) return type(key) == "string" and key:find "^[%a_][%w_]*$" ~= nil end

-- Call each(key, item) for every key of a value that can be seen without calling anything.
local function each_key(v, each)
  if is_open(v) then
    pcall(function() for key, item in pairs(v) do each(key, item) end end)
    return
  end
  local t, looks = type(v) == "table" and v or index_table(v), 0
  for _ = 1, LEVELS do
    if not t then return end
    for key, item in next, t do
      looks = looks + 1
      if looks > LOOKS then return end
      each(key, item)
    end
    t = index_table(t)
  end
end

local function in_code(before, env)
  local word = before:match "[%w_]*$"
  local head = before:sub(1, #before - #word)
  local add, all, sorted = collector(word)
  local mark = head:match "([.:])%s*$"
  if mark and not head:find "%.%.%s*$" then
    local v = resolve(head:gsub("[.:]%s*$", ""), env)
    if v ~= nil then
      each_key(v, function(key, item)
        if is_name(key) and not reserved[key] and (mark == "." or type(item) == "function") then add(key) end
      end)
    end
  elseif not word:find "^%d" and (word ~= "" or not head:find "%S") then
    each_key(env, function(key) if is_name(key) then add(key) end end)
    all(keywords)
  end
  return word, sorted()
end

-- What stands before a string, and what belongs into it.
local strings = {
  { "%f[%w_]session%s*=%s*$", "sessions" }, { "%f[%w_]session%s*=%s*{[^{}]*$", "sessions" },
  { ":append%s*%(?%s*$", "sessions" }, { ":append_batch%s*%(?%s*$", "sessions" },
  { ":check%s*%(?%s*$", "sessions" }, { ":repair%s*%(?%s*$", "sessions" },
  { ":retro%s*%(?%s*$", "plugins" }, { "enrich%s*=%s*{[^{}]*$", "plugins" }, { "filter%s*=%s*{[^{}]*$", "plugins" },
  { "require%s*%(?%s*$", "modules" },
}

-- A text as it stands in a string that `quote` opens: what a log calls a field must not end the string. Nil: it cannot.
local function written(text, quote)
  if type(text) ~= "string" then return nil end
  if quote == "[" then return not text:find("]", 1, true) and text or nil end
  return (text:gsub("[\\" .. quote .. "]", "\\%0"))
end

local function in_string(before, quote, text, env, sources)
  local indexed = before:match "^(.*)%[%s*$"
  if indexed then
    local add, _, sorted = collector(text)
    local v = resolve(indexed, env)
    if v ~= nil then each_key(v, function(key) add(written(key, quote)) end) end
    return text, sorted()
  end
  for _, one in ipairs(strings) do
    local source = before:find(one[1]) and sources[one[2]]
    if source then
      local word = one[2] == "plugins" and text:match "[^,]*$" or text
      local add, _, sorted = collector(word)
      for _, item in ipairs(source(word) or {}) do add(written(item, quote)) end
      return word, sorted()
    end
  end
  return text, {}
end

local function in_command(before, commands, sources)
  local name, rest = before:match "^%s*%.(%S+)%s+(.*)$"
  if not name then
    local word = before:match "%S*$"
    local add, _, sorted = collector(word)
    for command in next, commands do add("." .. command) end
    return word, sorted()
  end
  local command = commands[name:gsub("!$", "")]
  local words = command and command.words or {}
  local word, count = rest:match "%S*$", select(2, rest:gsub("%S+%s", ""))
  if words[1] == "files" then word, count = rest, 0 end -- the name of a file may have blanks in it
  local _, all, sorted = collector(word)
  local wanted = words[math.min(count + 1, #words)]
  if type(wanted) == "table" then all(wanted)
  elseif wanted and sources[wanted] then all(sources[wanted](word)) end
  return word, sorted()
end

--- @param line the line at the prompt
-- @param point how many bytes of it are before the cursor
-- @param about { pending = text of the lines before, env = the globals, commands = name -> { words = for each argument
--   a source or an array of texts; the last one is used for all that follow }, sources = name -> function(word) ->
--   array of texts }
-- @return the byte at which the word begins, from 1, and the candidates for it, sorted
function complete.at(line, point, about)
  local before = line:sub(1, point)
  local word, found
  if about.pending == "" and before:find "^%s*%.%a*!?" and not before:find "^%s*%.%d" then
    if #before > NEAR then return point + 1, {} end
    word, found = in_command(before, about.commands, about.sources)
  else
    local text = about.pending .. before
    local kind, head, inside = syntax.inside(text)
    if kind == "comment" then return #before + 1, {} end
    if kind == "string" and #inside > NEAR then return #before + 1, {} end
    if kind == "string" then
      local quote = text:sub(#head + 1, #head + 1)
      word, found = in_string(head:sub(-NEAR), quote, inside, about.env, about.sources)
    else word, found = in_code(text:sub(-NEAR), about.env) end
  end
  return #before - #word + 1, found
end

return complete
