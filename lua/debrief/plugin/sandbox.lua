--- What a plugin sees: its own, reduced environment.
--
-- No io, os, package, debug, load or string.dump; no setmetatable and no coroutine (with a memory cap they crash
-- Debian's Lua 5.4.4); tables of functions are copies; `pairs` visits keys in sorted order; `require` knows debrief and
-- cjson; an undeclared name is an error. Runs inside worker states.
-- @module debrief.plugin.sandbox
local core = require "debrief.core"
local key_order = require "debrief.text.keys"
local guarded = require "debrief.retro.aggregate.guarded"
local measurer = require "debrief.plugin.measurer"
local plain = require "debrief.retro.aggregate.plain"

local sandbox = {}

local function copy(t, without)
  local out = {}
  for key, value in next, t do out[key] = value end
  for _, key in ipairs(without or {}) do out[key] = nil end
  return out
end

-- pairs whose order does not differ from run to run: numbers, then strings, each from small to large.
local function sorted_pairs(t)
  if type(t) ~= "table" then return pairs(t) end
  local keys, i = key_order.sorted(t), 0
  return function()
    local key, value
    repeat
      i = i + 1
      key = keys[i]
      if key == nil then return nil end
      value = rawget(t, key)
    until value ~= nil
    return key, value
  end, t, nil
end

-- Stands where a function is that takes a right.
local function withheld(name, right)
  return function()
    error(("debrief.%s is for plugins with the right %s: needs = { %q }"):format(name, right, right), 2)
  end
end

local function no_prompt() error("debrief.repl: there is no prompt inside an expression", 2) end

-- debrief.repl of a plugin: it sees the plugin's own environment, and needs a console of the host. The prompt begins
-- with the plugin's name: a user must know who asks.
local function opener(library, globals, name)
  return function(names)
    local console = core.console()
    if not console then error("debrief.repl: this program has no console here to open a prompt on", 2) end
    local prompt = require "debrief.prompt".new { library = library, env = names, globals = globals,
      cjson = sandbox.cjson(), commands = require "debrief.prompt.commands", write = console.write,
      width = console.width, color = console.color, name = name }
    return require "debrief.prompt.console".run(prompt, console)
  end
end

--- What `require "debrief"` returns inside a plugin: debrief.plugin.library, with none of its tables shared.
-- @param allow right -> true
-- @param globals the plugin's environment, for debrief.repl; nil if there is none
-- @param name of the plugin
function sandbox.library(allow, globals, name)
  local shared = require "debrief.plugin.library"
  local library = plain.copy(shared)
  guarded(library.aggregate)
  library.measure = measurer.new(shared)
  library.run = allow.process and core.run or withheld("run", "process")
  library.repl = not globals and no_prompt or allow.repl and opener(library, globals, name) or withheld("repl", "repl")
  return library
end

local DEEPEST = 1000 -- levels of JSON that the settings below may ask for

-- The settings of lua-cjson: accepted, and without effect. The encoder here has its own limits.
local SETTINGS = { "encode_sparse_array", "encode_number_precision", "encode_keep_buffer", "encode_invalid_numbers",
  "decode_invalid_numbers", "encode_empty_table_as_object", "decode_array_with_array_mt", "encode_max_depth",
  "decode_max_depth" }

--- What `require "cjson"` returns inside a plugin: the names of lua-cjson over our own encoder and decoder. lua-cjson
-- itself ends the process when memory is short, and overruns its buffer or the stack on big values.
function sandbox.cjson()
  local cjson = { null = core.null, _NAME = "cjson", _VERSION = core.version, new = sandbox.cjson }
  function cjson.encode(...)
    if select("#", ...) ~= 1 then error("cjson.encode: expected 1 argument", 2) end
    return core.encode((...))
  end
  function cjson.decode(text)
    local value, message = core.decode(text)
    if message then error("cjson.decode: " .. message, 2) end
    return value
  end
  for _, name in ipairs(SETTINGS) do
    cjson[name] = function(value)
      if name:find "max_depth$" and (tonumber(value) or 0) > DEEPEST then
        error(("cjson.%s: %d levels at most"):format(name, DEEPEST), 2)
      end
      return value
    end
  end
  return cjson
end

local function requirer(allow, env, plugin)
  local libraries = {}
  return function(name)
    if libraries[name] then return libraries[name] end
    if name == "debrief" then libraries[name] = sandbox.library(allow, env, plugin)
    elseif name == "cjson" then libraries[name] = sandbox.cjson()
    else error(("a plugin can require debrief and cjson, not %q"):format(tostring(name)), 2) end
    return libraries[name]
  end
end

local function printer(log)
  return function(...)
    local words = table.pack(...)
    for i = 1, words.n do words[i] = tostring(words[i]) end
    log("info", table.concat(words, "\t"))
  end
end

-- What Lua has and a plugin does not.
local MISSING = {}
for _, name in ipairs { "io", "os", "package", "debug", "load", "loadstring", "dofile", "loadfile", "setmetatable",
  "getmetatable", "coroutine", "collectgarbage", "rawset", "xpcall", "warn" } do MISSING[name] = true end

local strict = {
  __metatable = false,
  __index = function(_, name)
    local hint = MISSING[name] and "a plugin has no io, os, load, setmetatable or coroutine"
      or "is a `local` missing, or above its declaration?"
    error(("undeclared global '%s' (%s)"):format(tostring(name), hint), 2)
  end,
  __newindex = function(_, name)
    error(("assignment to the undeclared global '%s': write local"):format(tostring(name)), 2)
  end,
}

--- A new environment.
-- @param log function(level, text) that print goes to
-- @param allow right -> true: what it gets beyond what all get (debrief.plugin.rights); nil for nothing
-- @param name of the plugin
function sandbox.environment(log, allow, name)
  local env = {
    assert = assert, error = error, ipairs = core.ipairs, next = next, pairs = sorted_pairs, pcall = pcall,
    select = select, tonumber = tonumber, tostring = tostring, type = type, rawequal = rawequal, rawget = rawget,
    rawlen = rawlen,
    string = copy(string), table = copy(table), utf8 = copy(utf8), math = copy(math, { "randomseed" }),
    print = printer(log), _VERSION = _VERSION,
  }
  env.require = requirer(allow or {}, env, name)
  env._G = env
  return setmetatable(env, strict)
end

return sandbox
