--- Fields of an entry that are probably slips of the pen: `skil` where there is no `skill`. They are stored as they
-- are, as all unknown fields, so the writer should hear of them.
-- @module debrief.entry.misspelt
local asked = require "debrief.entry.asked"
local core = require "debrief.core"
local keys = require "debrief.text.keys"
local suggest = require "debrief.text.suggest"

-- Of attempts: the original's, and those that its later versions and importers write.
local of_attempt = { message = true, tier = true, duration_ms = true, warm_start = true, verdict = true,
  feedback = true, usage = true, cost_usd = true, checks = true, tools = true }
for _, field in ipairs(core.fields "attempt") do of_attempt[field.name] = true end

local names_of_entry, names_of_attempt = keys.sorted(asked.known), keys.sorted(of_attempt)

local function look(object, known, names, found)
  for name in pairs(object) do
    local near = type(name) == "string" and not known[name] and not found[name] and suggest.slip(name, names)
    if near and object[near] == nil then
      found[name], found[#found + 1] = near, { name = name, near = near }
    end
  end
end

--- Look for them.
-- @param entry an entry, or a table of one
-- @param found what an earlier call returned: names in it are not looked for again; nil: none
-- @return an array of { name =, near = the known field }
local function misspelt(entry, found)
  found = found or {}
  look(entry, asked.known, names_of_entry, found)
  local attempts = entry.attempts
  for i = 1, core.type(attempts) == "array" and #attempts or 0 do
    if core.type(attempts[i]) == "object" then look(attempts[i], of_attempt, names_of_attempt, found) end
  end
  return found
end

return misspelt
