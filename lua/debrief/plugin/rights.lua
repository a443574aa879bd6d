--- Rights: what a plugin may do beyond its reduced environment.
--
--     needs = { "process" }        the plugin names them
--     --allow git:process          the user grants them, each to one plugin
--
-- A plugin gets the rights that it names and the user grants; without one of them it does not load. Granting a right
-- that it does not name is an error.
-- @module debrief.plugin.rights
local suggest = require "debrief.text.suggest"

local rights = {}

-- What there is, and what it means.
local MEANING = {
  process = "it can run any program, and that can do all that you can",
  repl = "it can open a prompt on your terminal, and what you type there is its",
}
local KNOWN = { "process", "repl" } -- in the order of messages

local function unknown(right)
  local near, hint = suggest(right, KNOWN)
  return ("unknown right '%s'%s"):format(right, near and hint or "; there is: " .. table.concat(KNOWN, ", "))
end

local function names(plugins)
  local out = {}
  for i, found in ipairs(plugins) do out[i] = found.name end
  return out
end

--- Check the key `needs` of a plugin.
-- @param where for messages
-- @return true, or nil and a message
function rights.check(needs, where)
  for key in next, needs do
    if math.type(key) ~= "integer" or key < 1 or key > #needs or type(needs[key]) ~= "string" then
      return nil, ('%s: needs must be a list of rights: { "%s" }'):format(where, table.concat(KNOWN, '", "'))
    end
  end
  for _, right in ipairs(needs) do
    if not MEANING[right] then return nil, ("%s: needs: %s"):format(where, unknown(right)) end
  end
  return true
end

local function grant(text, plugins)
  local name, right = text:match "^([^:]+):([^:]+)$"
  if not name then return nil, ("--allow '%s': write plugin:right"):format(text) end
  if not MEANING[right] then return nil, ("--allow '%s': %s"):format(text, unknown(right)) end
  local found = plugins[name]
  if not found then
    local near, hint = suggest(name, names(plugins))
    return nil, ("--allow '%s': no plugin '%s' is used here%s"):format(text, name,
      near and hint or #plugins > 0 and (" (%s)"):format(table.concat(names(plugins), ", ")) or "")
  end
  found.allow = found.allow or {}
  found.allow[right] = true
  return true
end

--- Grant the rights that the user allows: sets `allow` of the plugins.
-- @param texts array of "plugin:right"
-- @param plugins array of what debrief.plugin.find returned, and name -> the same
-- @return true, or nil and a message
function rights.grant(texts, plugins)
  for _, text in ipairs(texts or {}) do
    local ok, message = grant(text, plugins)
    if not ok then return nil, message end
  end
  return true
end

--- Those of the texts that are about one plugin.
function rights.of(texts, name)
  local out = {}
  for _, text in ipairs(texts) do
    if text:sub(1, #name + 1) == name .. ":" then out[#out + 1] = text end
  end
  return out
end

--- A right, what it means, and how to grant it, for people.
function rights.explain(name, right)
  return ("%s: %s; to allow that: --allow %s:%s"):format(right, MEANING[right], name, right)
end

--- Does a plugin have what it needs, and nothing else?
-- @param t its table
-- @param allow right -> true
-- @param shown it is only shown, not used: what it needs may be missing
-- @return true, or nil and a message
function rights.judge(t, allow, shown)
  local needed = {}
  for _, right in ipairs(t.needs or {}) do
    needed[right] = true
    if not allow[right] and not shown then
      return nil, ("plugin '%s' needs the right %s"):format(t.name, rights.explain(t.name, right))
    end
  end
  for _, right in ipairs(KNOWN) do
    if allow[right] and not needed[right] then
      return nil, ("--allow '%s:%s': plugin '%s' does not need that right, so it does not get it"):format(t.name, right,
        t.name)
    end
  end
  return true
end

return rights
