--- Why a selection selects nothing: values that no entry has, and what may have been meant.
-- @module debrief.query.missed
local attempts_of = require "debrief.entry.attempts"
local core = require "debrief.core"
local keys = require "debrief.text.keys"
local patterns = require "debrief.text.pattern"
local readers = require "debrief.query.reader"
local suggest = require "debrief.text.suggest"

local MOST = 100000 -- entries that are looked at; of a longer log nothing is said

local NAMES = { "skill", "phase", "model", "project" }

local function add(set, value)
  if type(value) == "string" and value ~= "" then set[value] = true end
end

local collect = {}

function collect.skill(entry, set)
  local name, source = entry.skill, entry.source
  add(set, name)
  local plugin = core.type(source) == "object" and source.plugin
  if name and type(plugin) == "string" then add(set, plugin .. ":" .. name) end
end

function collect.phase(entry, set) add(set, entry.phase) end

function collect.model(entry, set)
  add(set, entry.model_used)
  for _, attempt in attempts_of(entry) do add(set, attempt.model) end
end

function collect.project(entry, set)
  local root = entry.project_root
  root = root and root:gsub("(.)/+$", "%1")
  add(set, root)
  add(set, root and root:match "[^/]*$")
end

-- Does one of the values fit one of these?
local function fits(values, set)
  for _, value in ipairs(values) do
    if set[(value:gsub("(.)/+$", "%1"))] then return true end
    for known in pairs(patterns.is(value) and set or {}) do
      if patterns.matches(known, value) then return true end
    end
  end
  return false
end

--- Look for what no entry of some sessions has.
-- @param log of core.log
-- @param items of debrief.query.sessions
-- @param q of debrief.query, which selected nothing
-- @return an array of texts such as "no entry has the skill 'reveiw': did you mean 'review'?"
local function missed(log, items, q)
  local sets, n, out = {}, 0, {}
  for _, key in ipairs(NAMES) do sets[key] = q[key] and {} end
  if not next(sets) then return out end
  local reader <close> = readers.sessions(items, { log = log })
  for entry in function() return (reader:next()) end do
    n = n + 1
    if n > MOST then return out end
    for key, set in next, sets do collect[key](entry, set) end
  end
  for _, key in ipairs(NAMES) do
    local set = sets[key]
    if set and not fits(q[key], set) then
      local value = q[key][1]
      local _, hint = suggest(value, keys.sorted(set))
      out[#out + 1] = ("no entry has the %s '%s'%s"):format(key, value, hint)
    end
  end
  return out
end

return missed
