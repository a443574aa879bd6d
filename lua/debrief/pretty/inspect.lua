--- Any Lua value as text for people: keys sorted, bounded in every direction, nothing in it called.
--
--     { 1, 1.0, "a\n", null, name = "x", more = <1>{ self = <table 1> } }
--
-- A table that fits is shown on one line, any other with one item per line. A table that occurs again is numbered where
-- it is shown first: <1>{…}, and <table 1> after that. Omitted items are counted. Metamethods of tables are not called:
-- one that loops would never return.
-- @module debrief.pretty.inspect
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local before = require "debrief.text.keys".before
local width = require "debrief.text.width"

local inspect = {}

local ITEMS, DEPTH, NODES = 40, 5, 250 -- of a table; levels; of all tables together
local STRING, KEEP = 300, 4096 -- bytes of a nested string; keys at which only the first in order are kept

local getinfo = debug and debug.getinfo
local status = coroutine and coroutine.status

--- The metatable of a value, also where a script has hidden it. In states without `debug`: as getmetatable returns it.
inspect.metatable = debug and debug.getmetatable or getmetatable
local metatable_of = inspect.metatable

--- The keywords of Lua: word -> true.
inspect.reserved = {}
local reserved = inspect.reserved
for word in ("and break do else elseif end false for function goto if in local nil not or repeat return then true "
  .. "until while"):gmatch "%S+" do
  reserved[word] = true
end

-- ---- Scalars --------------------------------------------------------------------------------------------------------

-- A float with as many digits as it needs to be itself.
local function float(x)
  if x ~= x then return "nan" end
  if x == math.huge or x == -math.huge then return x > 0 and "inf" or "-inf" end
  for digits = 14, 17 do
    local text = ("%." .. digits .. "g"):format(x)
    if tonumber(text) == x then return text:find "[.e]" and text or text .. ".0" end
  end
end

-- The start of a text, ended between two characters.
local function start(text, most)
  while most > 0 and text:find("^[\128-\191]", most + 1) do most = most - 1 end
  return text:sub(1, most)
end

--- A string in quotes, escaped; a long one is cut.
function inspect.quoted(text)
  local cut = #text > STRING and start(text, STRING) or text
  local rest = cut ~= text and ("… %d more bytes"):format(#text - #cut) or ""
  return '"' .. escape((cut:gsub('[\\"]', "\\%0"))) .. '"' .. rest
end

local function function_text(f)
  local info = getinfo and getinfo(f, "S")
  if not info then return "function" end
  if info.what == "C" then return "function <C>" end
  return ("function <%s:%d>"):format(escape(info.short_src), info.linedefined)
end

-- Userdata says what it is, when that is said in C.
local function userdata_text(v)
  local mt = metatable_of(v)
  local says = type(mt) == "table" and rawget(mt, "__tostring")
  local info = type(says) == "function" and getinfo and getinfo(says, "S")
  if says and (not info or info.what ~= "C") then return "userdata" end
  local ok, text = pcall(tostring, v)
  return ok and escape(start(text, STRING)) or "userdata"
end

local scalars = {
  ["nil"] = function() return "nil" end,
  boolean = tostring,
  string = inspect.quoted,
  ["function"] = function_text,
  userdata = userdata_text,
  number = function(v) return math.type(v) == "integer" and tostring(v) or float(v) end,
  thread = function(v) return status and ("thread <%s>"):format(status(v)) or "thread" end,
}

local function scalar(v)
  if v == core.null then return "null" end
  return scalars[type(v)](v)
end

-- ---- Keys -----------------------------------------------------------------------------------------------------------

-- The first `most` keys in order that are not 1 to `length`, and how many there are.
local function keys_of(t, length, most)
  local keys, count = {}, 0
  for key in next, t do
    if math.type(key) ~= "integer" or key < 1 or key > length then
      count = count + 1
      keys[#keys + 1] = key
      if #keys >= KEEP then
        table.sort(keys, before)
        for i = #keys, most + 1, -1 do keys[i] = nil end
      end
    end
  end
  table.sort(keys, before)
  for i = #keys, most + 1, -1 do keys[i] = nil end
  return keys, count
end

local function key_text(key)
  if type(key) == "string" and key:find "^[%a_][%w_]*$" and not reserved[key] then return key .. " = " end
  return ("[%s] = "):format(type(key) == "table" and "table" or scalar(key))
end

-- ---- From a value to a tree -----------------------------------------------------------------------------------------

-- A node is a text, or { items = { { key =, node = }... }, more = items left out, label =, number = }.
local build

local function add(state, node, key, item, depth)
  state.left = state.left - 1
  node.items[#node.items + 1] = { key = key, node = build(state, item, depth + 1) }
end

local function of_table(state, t, depth)
  local mt = metatable_of(t)
  local name = type(mt) == "table" and rawget(mt, "__name")
  local node = { items = {}, label = type(name) == "string" and escape(start(name, 40)) .. " " or "" }
  state.seen[t] = node
  local length = rawlen(t)
  local keys, others = keys_of(t, length, ITEMS)
  local most = depth >= DEPTH and 0 or ITEMS
  for i = 1, math.min(length, most) do
    if state.left <= 0 then break end
    add(state, node, nil, rawget(t, i), depth)
  end
  for _, key in ipairs(keys) do
    if state.left <= 0 or #node.items >= most then break end
    add(state, node, key_text(key), rawget(t, key), depth)
  end
  node.more = length + others - #node.items
  return node
end

-- Part of an entry: its members in their own order.
local function of_view(state, view, depth)
  local node = { items = {}, label = "" }
  local keyed, count, most = core.type(view) == "object", #view, depth >= DEPTH and 0 or ITEMS
  for key, item in pairs(view) do
    if state.left <= 0 or #node.items >= most then break end
    add(state, node, keyed and key_text(key) or nil, item, depth)
  end
  node.more = count - #node.items
  return node
end

local function is_view(v)
  if type(v) ~= "userdata" then return false end
  local there, kind = pcall(core.type, v) -- of a part that was replaced in its entry, even the type is gone
  return not there or kind == "object" or kind == "array"
end

function build(state, v, depth)
  if is_view(v) then
    local ok, node = pcall(of_view, state, v, depth)
    return ok and node or "<replaced in its entry>"
  end
  if type(v) ~= "table" then return scalar(v) end
  local seen = state.seen[v]
  if not seen then return of_table(state, v, depth) end
  if not seen.number then
    state.numbers = state.numbers + 1
    seen.number = state.numbers
  end
  return ("<table %d>"):format(seen.number)
end

-- ---- From a tree to lines -------------------------------------------------------------------------------------------

local function opening(node) return (node.number and ("<%d>"):format(node.number) or "") .. node.label end

local function left_out(node) return ("… %d more"):format(node.more) end

-- The node on one line; nil when that takes more than `room` columns.
local function flat(node, room)
  if type(node) == "string" then return width.of(node) <= room and node or nil end
  local parts, used = {}, width.of(opening(node)) + 4
  for i, item in ipairs(node.items) do
    local text = flat(item.node, room - used)
    if not text then return nil end
    parts[i] = (item.key or "") .. text
    used = used + width.of(parts[i]) + 2
    if used > room then return nil end
  end
  if node.more > 0 then parts[#parts + 1] = left_out(node) end
  local inside = table.concat(parts, ", ")
  local text = opening(node) .. (inside == "" and "{}" or "{ " .. inside .. " }")
  return width.of(text) <= room and text or nil
end

local lines

-- Items without keys that are short stand side by side.
local function fill(node, indent, room, out)
  local line = indent
  for _, item in ipairs(node.items) do
    if line ~= indent and width.of(line) + width.of(item.node) + 2 > room then
      out[#out + 1] = line:gsub(" $", "")
      line = indent
    end
    line = line .. item.node .. ", "
  end
  out[#out + 1] = line:gsub(" $", "")
end

local function all_short(node)
  for _, item in ipairs(node.items) do
    if item.key or type(item.node) ~= "string" or #item.node > 20 then return false end
  end
  return #node.items > 0
end

-- The node after `head`, followed by `tail`.
function lines(node, head, indent, tail, room, out)
  local text = flat(node, room - width.of(head) - #tail)
  if text or type(node) == "string" then
    out[#out + 1] = head .. (text or node) .. tail
    return
  end
  out[#out + 1] = head .. opening(node) .. "{"
  local deeper = indent .. "  "
  if all_short(node) then
    fill(node, deeper, room, out)
  else
    for _, item in ipairs(node.items) do lines(item.node, deeper .. (item.key or ""), deeper, ",", room, out) end
  end
  if node.more > 0 then out[#out + 1] = deeper .. left_out(node) end
  out[#out + 1] = indent .. "}" .. tail
end

--- The value as text.
-- @param columns how wide a line should be
-- @return lines without a final newline
function inspect.text(v, columns)
  local out = {}
  lines(build({ seen = {}, numbers = 0, left = NODES }, v, 0), "", "", "", columns, out)
  return table.concat(out, "\n")
end

--- Is it an entry or a part of one?
inspect.is_view = is_view

--- The start of a text, ended between two characters.
inspect.start = start

return inspect
