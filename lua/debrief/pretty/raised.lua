--- What was raised, as a message of one line.
--
--     error "no such skill"      no such skill
--     error { code = 7 }         error object: { code = 7 }
--     error(setmetatable({}, { __tostring = function() return "no such skill" end }))      no such skill
-- @module debrief.pretty.raised
local metatable_of = debug and debug.getmetatable or getmetatable

-- What an error object says of itself; nil when it says nothing, or cannot.
local function own_text(raised, protect)
  local metatable = metatable_of(raised)
  if type(metatable) ~= "table" or rawget(metatable, "__tostring") == nil then return nil end
  local ok, text = protect(tostring, raised)
  return ok and text or nil
end

-- Loaded when it is needed, which is hardly ever: every worker loads this file.
local function shown(raised) return require "debrief.pretty.inspect".text(raised, math.huge) end

--- The message of anything that was raised.
-- @param protect what an object's __tostring is called with: pcall (the default), or a function like it
local function message(raised, protect)
  if type(raised) == "string" or type(raised) == "number" then return tostring(raised) end
  return own_text(raised, protect or pcall) or "error object: " .. shown(raised)
end

return message
