--- The calls of tools of a run, as importers log them: `tools = [{ name, target, duration_ms, error }]`.
-- @module debrief.entry.tools
local core = require "debrief.core"

-- What tools are called in small letters, by what their target is. write_stdin goes on with a command.
local KINDS = {}
for kind, names in pairs {
  command = "bash shell exec_command write_stdin local_shell local_shell_call run_shell_command"
    .. " run_terminal_cmd execute_command",
  edit = "edit multiedit notebookedit write create apply_patch edit_file write_file create_file str_replace replace"
    .. " str_replace_editor str_replace_based_edit_tool",
} do
  for name in names:gmatch "%S+" do KINDS[name] = kind end
end

local function text(value) return type(value) == "string" and value ~= "" and value or nil end

-- Other tools work on a file if that is what their target looks like.
local function kind_of(name, target)
  local kind = KINDS[name:lower()]
  if kind or not target then return kind end
  return target:find "^%S*/%S*$" and not target:find "://" and "file" or nil
end

local function nothing() end

--- The calls of an entry, in order: `for i, call in tools(entry) do`. What is not a call is passed over.
-- @param entry an entry, or a plain table of one
-- @return an iterator of the place and { name =, target = or nil, kind = "command", "edit", "file" (that is read,
--   searched or the like) or nil, failed = boolean, duration_ms = or nil }
local function tools(entry)
  local list = entry.tools
  if core.type(list) ~= "array" then return nothing end
  local i = 0
  return function()
    local call
    repeat
      i = i + 1
      call = list[i]
      if call == nil then return nil end
    until core.type(call) == "object"
    local name, target, ms = text(call.name) or "unnamed", text(call.target), call.duration_ms
    return i, { name = name, target = target, kind = kind_of(name, target), failed = call.error == true,
      duration_ms = type(ms) == "number" and ms or nil }
  end
end

return tools
