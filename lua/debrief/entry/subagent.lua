--- Who ran an entry: the agent that a person talks to, or a subagent that it called for a part of its work.
-- @module debrief.entry.subagent
local core = require "debrief.core"

--- The subagent that ran an entry (`source.agent_id`, as importers write it). What it did is part of its caller's run:
-- its tokens and calls of tools count, but it is not one more run of the skill, and its time is in its caller's.
-- @param entry an entry, or a plain table of one
-- @return its id, nil if the entry is a run of its own
local function subagent(entry)
  local source = entry.source
  if source == nil then return nil end
  local id = core.type(source) == "object" and source.agent_id
  return type(id) == "string" and id ~= "" and id or nil
end

return subagent
