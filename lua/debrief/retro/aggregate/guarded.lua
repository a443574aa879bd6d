--- Makes a table of functions answer for a name that it does not have: a misspelt one would be a call of nil.
-- @module debrief.retro.aggregate.guarded
local plain = require "debrief.retro.aggregate.plain"
local suggest = require "debrief.text.suggest"

--- @param t the functions, which are those of debrief.aggregate
-- @return t
local function guarded(t)
  return setmetatable(t, { __metatable = false, __index = function(_, name)
    local names = plain.keys(t)
    local near, hint = suggest(tostring(name), names)
    error(("debrief.aggregate has no '%s'%s"):format(tostring(name), near and hint
      or "; it has " .. table.concat(names, ", ")), 2)
  end })
end

return guarded
