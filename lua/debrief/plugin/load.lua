--- Loading a plugin: its text runs in its own environment, and the result is checked. In worker states.
-- @module debrief.plugin.load
local core = require "debrief.core"
local contract = require "debrief.plugin.contract"
local message_of = require "debrief.pretty.raised"
local rights = require "debrief.plugin.rights"
local said = require "debrief.plugin.said"
local sandbox = require "debrief.plugin.sandbox"

-- What a plugin returned, copied without metamethods, so that what it changes later changes nothing. As deep as the
-- contract goes: option -> choices.
local MOST_ITEMS, LEVELS = 100000, 4

local function copied(value, levels, left)
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in next, value do
    left.items = left.items - 1
    if left.items < 0 or levels == 0 then break end
    out[key] = copied(item, levels - 1, left)
  end
  return out
end

-- A reader of the text for load: between two pieces, the compiler can be stopped.
local PIECE = 4096

local function pieces(text)
  local at = 1 - PIECE
  return function()
    at = at + PIECE
    return at <= #text and text:sub(at, at + PIECE - 1) or nil
  end
end

-- The code of texts that this state has compiled, for a host that asks the same again and again.
local MOST_TEXT, MOST_KNOWN = 1 << 16, 8
local known, count = {}, 0 -- path .. "\0" .. text -> code

local function keep_code(key, chunk)
  if count == MOST_KNOWN then known, count = {}, 0 end
  known[key], count = core.code(chunk), count + 1
end

local function compile_and_run(text, path, environment)
  local key = #text <= MOST_TEXT and path .. "\0" .. text
  local code = known[key]
  local chunk, message = load(code or pieces(text), "@" .. path, code and "b" or "t", environment)
  if not chunk then error(message, 0) end
  if key and not code then keep_code(key, chunk) end
  return chunk()
end

-- A message with the plugin's path before it, unless it has that already.
local function named(message, path, late)
  if late then return path .. ": loading it " .. message end
  return message:sub(1, #path) == path and message or path .. ": " .. message
end

-- Run the text within the plugin's time. The table it returned, or nil and a message.
local function run(text, path, environment)
  local ok, result, late = core.bounded(core.host().plugin_time or 0, message_of, compile_and_run, text, path,
    environment)
  if not ok then return nil, named(said.full(result) or result, path, late) end
  local left = { items = MOST_ITEMS }
  result = copied(result, LEVELS, left)
  if left.items < 0 then return nil, ("%s: its table has more than %d items"):format(path, MOST_ITEMS) end
  return result
end

--- Load a plugin.
-- @param found what debrief.plugin.find returned; allow = right -> true, its rights; shown = true when it is only
--   described, so rights that it needs may be missing
-- @param log function(level, text) that its print goes to
-- @return the plugin's table, or nil and a message
local function load_plugin(found, log)
  local environment = sandbox.environment(log, found.allow, found.name)
  local ok
  local result, message = run(found.text, found.path, environment)
  if message then return nil, "plugin does not load: " .. said.line(message) end
  ok, message = contract.check(result, found)
  if not ok then return nil, "plugin does not load: " .. said.line(message) end
  ok, message = rights.judge(result, found.allow or {}, found.shown)
  if not ok then return nil, message end
  return result
end

return load_plugin
