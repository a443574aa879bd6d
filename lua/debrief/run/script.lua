--- Scripts and pieces of code that a user runs in a full state: `debrief run`, and a C program's.
-- @module debrief.run.script
local core = require "debrief.core"
local message_of = require "debrief.pretty.raised"

local script = {}

--- Let os.setlocale change everything but how numbers are written: what a script prints through reports, and what it
-- stores, has a dot in every locale.
function script.keep_numbers()
  local set = os.setlocale
  os.setlocale = function(locale, category) -- luacheck: ignore 122
    local now = set(locale, category)
    if locale ~= nil then set("C", "numeric") end
    return now
  end
end

local function handler(raised)
  local traceback = core.traceback(nil, 2)
  traceback = traceback:gsub("\n[^\n]*%[C%]: in function 'xpcall'.*", "")
  traceback = traceback:gsub("\n[^\n]*%[C%]: in function 'debrief%.core%.guard'.*", "")
  return { message = message_of(raised), traceback = traceback }
end

-- For want of memory Lua calls no handler.
local function outcome(ok, raised, ...)
  if not ok and type(raised) == "string" then raised = { message = raised, traceback = "" } end
  return ok, raised, ...
end

--- Call a function of the user's.
-- @return true and its results; or false and { message =, traceback = }, the traceback without what is ours
function script.call(f, ...) return outcome(xpcall(f, handler, ...)) end

--- The same, and an interrupt ends it.
-- @return as call; if it was interrupted, "interrupted" after that
function script.guard(f, ...) return outcome(core.guard(handler, f, ...)) end

return script
