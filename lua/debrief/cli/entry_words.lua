--- An entry from words typed in a shell: key=value, key:=JSON.
-- @module debrief.cli.entry_words
local core = require "debrief.core"

local words = {}

-- The kinds of the known fields by name: string, time, integer, boolean, json, attempts.
local function kinds(of)
  local out = {}
  for _, field in ipairs(core.fields(of)) do out[field.name] = field.kind end
  return out
end

local entry_kinds, attempt_kinds = kinds "entry", kinds "attempt"

local function has_other(object, known)
  for name in pairs(object) do
    if not known[name] then return true end
  end
  return false
end

--- Does an entry, or one of its attempts, have a field that the original does not have?
function words.has_unknown(entry)
  if has_other(entry, entry_kinds) then return true end
  for i = 1, core.type(entry.attempts) == "array" and #entry.attempts or 0 do
    local attempt = entry.attempts[i]
    if core.type(attempt) == "object" and has_other(attempt, attempt_kinds) then return true end
  end
  return false
end

--- Is this key=value or key:=JSON?
function words.is_pair(word)
  return word:find "^[%a_][%w_]*:?=" ~= nil
end

local function convert(kind, key, text)
  if kind == "integer" then
    local number = text:find "^%s*[-+]?%d+%s*$" and math.tointeger(tonumber(text))
    if not number then return nil, ("%s=%s: expected an integer"):format(key, text) end
    return number
  end
  if kind == "boolean" then
    if text ~= "true" and text ~= "false" then return nil, ("%s=%s: expected true or false"):format(key, text) end
    return text == "true"
  end
  return text
end

-- Is a value of this kind checked? If not, it stays the JSON text that was given.
local function typed(kind) return kind and kind ~= "json" end

-- The text of a value: "@FILE" stands for what is in the file, "@-" for standard input.
local function text_of(text, files)
  if text:sub(1, 1) ~= "@" then return text end
  local name = text:sub(2)
  if name ~= "-" then return core.slurp(name) end
  if files.stdin then return nil, "standard input can be read only once" end
  files.stdin = true
  return io.read "a"
end

-- Put one pair into t.
local function set(t, known, word, files)
  local key, colon, given = word:match "^([%a_][%w_]*)(:?)=(.*)$"
  if not key then return nil, ("'%s' is not key=value"):format(word) end
  if t[key] ~= nil then return nil, ("%s is given twice"):format(key) end
  local text, message = text_of(given, files)
  if not text then return nil, ("%s%s=%s: %s"):format(key, colon, given, message) end
  local value
  if colon == ":" then
    value, message = core.json(text)
    if not value then return nil, ("%s:=%s: %s"):format(key, given, message) end
    if typed(known[key]) then value = core.decode(text) end
  else
    value, message = convert(known[key], key, text)
    if value == nil then return nil, message end
  end
  t[key] = value
  return true
end

-- Words of a text, with '…' and "…" and backslashes as in a shell.
local function split(text)
  local out, word, quote, at = {}, nil, nil, 1
  while at <= #text do
    local c = text:sub(at, at)
    if c == "\\" and quote ~= "'" then
      at = at + 1
      word = (word or "") .. text:sub(at, at)
    elseif quote then
      if c == quote then quote = nil else word = word .. c end
    elseif c == "'" or c == '"' then
      quote, word = c, word or ""
    elseif c:find "%s" then
      if word then out[#out + 1] = word end
      word = nil
    else
      word = (word or "") .. c
    end
    at = at + 1
  end
  if quote then return nil, ("a %s is not closed in: %s"):format(quote, text) end
  if word then out[#out + 1] = word end
  return out
end

-- An attempt given as JSON: its members, and what is in them as it is written.
local function json_attempt(given, files)
  local text, message = text_of(given, files)
  local object
  if text then object, message = core.entry(text, true) end
  if not object then return nil, ("--attempt-json %s: %s"):format(given, message) end
  local t = core.decode(text)
  for key, value in next, t do
    if type(value) == "table" then t[key] = core.json(core.raw(object, key)) end
  end
  return t
end

local function words_attempt(text, files)
  local list, message = split(text)
  if not list then return nil, message end
  local t = {}
  for _, word in ipairs(list) do
    local ok
    ok, message = set(t, attempt_kinds, word, files)
    if not ok then return nil, "--attempt: " .. message end
  end
  return t
end

local function attempt(given, number, files)
  local t, message
  if type(given) == "table" then t, message = json_attempt(given.json, files)
  else t, message = words_attempt(given, files) end
  if not t then return nil, message end
  t.attempt = t.attempt or number
  return t
end

--- An entry's table from words.
-- @param list key=value words
-- @param attempts texts of --attempt, and { json = text } of --attempt-json
-- @return a table for log:append, or nil and a message
function words.entry(list, attempts)
  local entry, files = {}, {}
  for _, word in ipairs(list) do
    local ok, message = set(entry, entry_kinds, word, files)
    if not ok then return nil, message end
  end
  if entry.attempts and #attempts > 0 then return nil, "attempts is given twice: use --attempt or attempts:=" end
  for number, text in ipairs(attempts) do
    local one, message = attempt(text, number, files)
    if not one then return nil, message end
    entry.attempts = entry.attempts or {}
    entry.attempts[number] = one
  end
  return entry
end

return words
