--- Names that the user asked entries for: which of them no entry had, and what may have been meant.
--
--     asked:miss("skil", entry)     asked for and not there    { asked = { skil = false }, fields = { skill = true } }
--     asked:hit("ticket")           there                      { asked = { ticket = true … } … }
--
-- The state is plain data: what several workers met is merged.
-- @module debrief.entry.asked
local core = require "debrief.core"
local suggest = require "debrief.text.suggest"

local asked = {}
asked.__index = asked

--- The members that entries and their known extensions may have. Asking for one of them is never a mistake.
asked.known = {}
for _, field in ipairs(core.fields "entry") do asked.known[field.name] = true end
for _, name in ipairs { "message", "usage", "cost_usd", "source" } do asked.known[name] = true end

local LOOKS = 20 -- entries without a name whose fields are remembered, to find the nearest

function asked.new()
  return setmetatable({ state = { asked = {}, fields = {} }, looks = 0 }, asked)
end

--- An entry does not have the field.
function asked:miss(name, entry)
  if asked.known[name] then return end
  local had = self.state.asked
  if had[name] == nil then had[name] = false end
  if had[name] or self.looks >= LOOKS then return end
  self.looks = self.looks + 1
  for field in pairs(entry) do self.state.fields[field] = true end
end

--- An entry has it.
function asked:hit(name) self.state.asked[name] = true end

--- Add the state of another worker to one.
function asked.merge(into, from)
  for name, had in next, from.asked do into.asked[name] = into.asked[name] or had end
  for field in next, from.fields do into.fields[field] = true end
end

--- What no entry had.
-- @return { { name =, near = the nearest field or nil } … } sorted by name
function asked.unknown(state)
  local fields, out = {}, {}
  for field in next, asked.known do fields[#fields + 1] = field end
  for field in next, state.fields do
    if not asked.known[field] then fields[#fields + 1] = field end
  end
  table.sort(fields)
  for name, had in next, state.asked do
    if not had then out[#out + 1] = { name = name, near = (suggest(name, fields)) } end
  end
  table.sort(out, function(a, b) return a.name < b.name end)
  return out
end

return asked
