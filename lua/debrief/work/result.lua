--- Is it what debrief.run.worker's `chunk` returns? Whoever may answer may answer anything, and what is merged must
-- have its shape.
-- @module debrief.work.result
local core = require "debrief.core"

local result = {}

local DIAGNOSTIC = { path = "string", line = "integer", offset = "integer", kind = "string", message = "string",
  excerpt = "string" }
local PROBLEM = { plugin = "string", hook = "string", message = "string", count = "integer" }
local DIAGNOSTIC_MAY, PROBLEM_MAY = { more = "integer", sequence = "integer" },
  { session = "string", line = "integer", traceback = "string" }

local function is(value, kind) return (kind == "integer" and math.type(value) or type(value)) == kind end

local function has(value, must, may)
  if type(value) ~= "table" then return false end
  for name, kind in pairs(must) do
    if not is(value[name], kind) then return false end
  end
  for name, kind in pairs(may) do
    if value[name] ~= nil and not is(value[name], kind) then return false end
  end
  return true
end

-- An array of values that pass the test, `count` of them if that is given.
local function is_list(value, test, count)
  if type(value) ~= "table" then return false end
  local n = 0
  for _ in pairs(value) do n = n + 1 end
  if n ~= #value or count and n ~= count then return false end
  for _, item in ipairs(value) do
    if not test(item) then return false end
  end
  return true
end

local function is_diagnostic(value) return has(value, DIAGNOSTIC, DIAGNOSTIC_MAY) end
local function is_problem(value) return has(value, PROBLEM, PROBLEM_MAY) end
local function is_failure(value) return has(value, { message = "string" }, {}) end
local function is_integer(value) return math.type(value) == "integer" end
local function is_boolean(value) return type(value) == "boolean" end
local function is_acc(value)
  return value == false or type(value) == "string" and #value > 0 and pcall(core.unpack, value)
end

local function has_names(names)
  if names == nil then return true end
  if not has(names, { asked = "table", fields = "table" }, {}) then return false end
  for name, had in pairs(names.asked) do
    if type(name) ~= "string" or type(had) ~= "boolean" then return false end
  end
  for name in pairs(names.fields) do
    if type(name) ~= "string" then return false end
  end
  return true
end

--- @param value plain data
-- @param count how many retrospectives it is of
function result.is(value, count)
  if not has(value, { entries = "integer", kept = "integer", dropped = "integer", untimed = "integer",
    seen = "table" }, {}) then
    return false
  end
  return is_list(value.accs, is_acc, count) and is_list(value.errors, is_integer, count)
    and is_list(value.late, is_boolean, count) and is_list(value.diagnostics, is_diagnostic)
    and is_list(value.failures, is_failure) and is_list(value.problems, is_problem) and has_names(value.names)
end

return result
