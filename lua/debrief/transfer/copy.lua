--- All sessions of a log to another.
--
--     copy(from, to, { progress = function(bytes) }) -> result | nil, message
--
-- result: sessions = how many were looked at, copied = to how many of them lines were added, lines = how many lines,
-- too_big = { { session =, line =, size = } … }: lines that the target takes not, rest = { ids } of sessions whose last
-- line has no end yet, failures = { messages }: what went wrong with single sessions.
-- @module debrief.transfer.copy
local core = require "debrief.core"

local EARG = 1 -- code of a session that is another one

-- The number of the line at a byte.
local function line_at(path, byte)
  local file <close> = io.open(path, "rb")
  local line, left = 1, byte
  while file and left > 0 do
    local block = file:read(math.min(left, 1 << 16))
    if not block then break end
    line = line + select(2, block:gsub("\n", ""))
    left = left - #block
  end
  return line
end

--- One session. Calls after(state) for each step.
-- @param state { id =, path =, … } for debrief.core.send
-- @return how many lines were added; or nil, a message and its code
local function send(to, state, result, after)
  local lines = 0
  repeat
    local ok, message, code = core.send(to, state)
    if not ok then return nil, message, code end
    lines = lines + state.lines
    if state.too_big > 0 then
      table.insert(result.too_big, { session = state.id, line = line_at(state.path, state.too_big_at),
        size = state.too_big })
    end
    after(state)
  until state.done
  if state.rest > 0 then table.insert(result.rest, state.id) end
  return lines
end

local copy = { send = send }

function copy.new_result() return { sessions = 0, copied = 0, lines = 0, too_big = {}, rest = {}, failures = {} } end

function copy.run(from, to, given)
  local folder, message = from:folder() -- with a file for each session
  local list
  if folder then list, message = from:list() end
  if not list then return nil, message end
  local result, done = copy.new_result(), 0
  for _, item in ipairs(list) do
    local last = 0
    local lines, why, code = send(to, { id = item.session, path = item.path }, result, function(state)
      given.progress(done + state.offset)
      last = state.offset
    end)
    if not lines and code ~= EARG then return nil, why, result end
    result.sessions = result.sessions + 1
    result.lines = result.lines + (lines or 0)
    if (lines or 0) > 0 then result.copied = result.copied + 1 end
    if not lines then table.insert(result.failures, why) end
    done = done + last
  end
  return result
end

return copy
