--- What a transcript has said, so that what is there again is known as a copy: also from a part that is not read again.
-- @module debrief.import.once
local core = require "debrief.core"

local once = {}

--- A set of what was said.
-- @param old hashes of what was said before, of `once.hashes`; or nil
-- @return { n = how much was said since, … }
function once.new(old) return { n = 0, at = {}, old = old or {} } end

-- The hashes are two digits -> the other digits of each, one after the other.
local function is_old(said, key)
  if next(said.old) == nil then return false end
  local hash = core.hash(key)
  local others = said.old[hash:sub(1, 2)]
  return others ~= nil and others:find(hash:sub(3), 1, true) ~= nil
end

--- Was this said before? False once for each key.
function once.is_copy(said, key)
  if said.at[key] or is_old(said, key) then return true end
  said.n = said.n + 1
  said.at[key] = said.n
  return false
end

--- The hashes of the first n of what was said, and of what was said before.
function once.hashes(said, n)
  local parts, out = {}, {}
  for key, at in next, said.at do
    if at <= n then
      local hash = core.hash(key)
      local first = hash:sub(1, 2)
      parts[first] = parts[first] or { said.old[first] }
      table.insert(parts[first], hash:sub(3))
    end
  end
  for first, others in next, said.old do out[first] = others end
  for first, list in next, parts do out[first] = table.concat(list) end
  return out
end

return once
