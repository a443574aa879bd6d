--- What a plugin says, brought to one line of bounded length: it may come from a log, or be made to look like ours.
-- @module debrief.plugin.said
local core = require "debrief.core"

local said = {}

local LONGEST = 4096 -- bytes of a message
local MOST = 1000 -- messages of a state

local NO_MEMORY, OVER_LIMIT = "not enough memory", "not enough memory for plugins" -- the second from another state

local LEVELS = { error = true, warn = true, warning = true, info = true, debug = true, trace = true }

--- A message without line ends, of at most 4 KiB.
function said.line(text)
  if #text > LONGEST then text = text:sub(1, LONGEST):gsub("[\xC0-\xFF][\x80-\xBF]*$", "") .. "…" end
  if not text:find "[\r\n]" then return text end
  return (text:gsub("[\r\n]", { ["\n"] = "\\n", ["\r"] = "\\r" }))
end

--- The message for a plugin that needed more memory than it may use, or than there is; nil if something else was
-- raised.
function said.full(raised)
  if raised ~= NO_MEMORY and raised ~= OVER_LIMIT then return nil end
  local limit = core.host().plugin_memory
  if limit and (raised == OVER_LIMIT or core.over_limit()) then
    return ("%s: plugins may use %d bytes here"):format(NO_MEMORY, limit)
  end
  return NO_MEMORY .. ": the system gave this process no more (see ulimit -v)"
end

--- A level of ctx.log: one of those that there are, "info" for anything else.
function said.level(level) return LEVELS[level] and level or "info" end

--- A counter of messages. It returns the message while there are few enough, once a note, then nil.
function said.counter()
  local n = 0
  return function(name, text)
    n = n + 1
    if n <= MOST then return ("%s: %s"):format(name, said.line(text)) end
    if n == MOST + 1 then return ("%s: more than %d messages: the rest is not shown"):format(name, MOST) end
  end
end

return said
