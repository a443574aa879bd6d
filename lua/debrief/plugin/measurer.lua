--- `debrief.measure`: one for each plugin, for a plugin must not reach what another one, or an earlier run, was given.
-- @module debrief.plugin.measurer
local core = require "debrief.core"
local plain = require "debrief.retro.aggregate.plain"
local single = require "debrief.measure.single"

local measurer = {}

--- What expressions see besides fields: nothing of it is shared.
-- @param library debrief.plugin.library
function measurer.globals(library)
  return { math = plain.copy(math), string = plain.copy(string), utf8 = plain.copy(utf8), tostring = tostring,
    tonumber = tonumber, type = type, ipairs = core.ipairs, select = select, debrief = plain.copy(library) }
end

--- A function(text) -> a measure of debrief.measure.single, or nil and a message. Plugins ask for the same one at each
-- entry, so it keeps the last.
function measurer.new(library)
  local last, found
  return function(text)
    if last ~= text then
      local measure, message = single.of(text, measurer.globals(library))
      if not measure then return nil, message end
      last, found = text, measure
    end
    return plain.copy(found)
  end
end

return measurer
