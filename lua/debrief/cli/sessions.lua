local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local output = require "debrief.cli.output"
local format = require "debrief.text.values"
local time = require "debrief.text.time"
local width = require "debrief.text.width"

local sessions = { summary = "List the sessions of the log.", paged = true }

function sessions.options(_) end

function sessions.run(args)
  local list = arguments.sessions { dir = args.dir }
  local columns, now = arguments.terminal(), core.now()
  for _, item in ipairs(list) do
    local stat = core.stat(item.path)
    if columns and stat then
      local when = width.pad(time.relative(stat.mtime, now), 16)
      output.write(("%s  %10s  %s\n"):format(when, format.number(stat.size, "bytes"), item.session))
    else
      output.write(item.session, "\n")
    end
  end
  return 0
end

return sessions
