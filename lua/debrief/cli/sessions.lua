local common = require "debrief.cli.common"
local core = require "debrief.core"
local out = require "debrief.cli.out"
local format = require "debrief.report.format"
local time = require "debrief.time"
local width = require "debrief.width"

local sessions = { summary = "List the sessions of the log.", paged = true }

function sessions.options(_) end

function sessions.run(args)
  local list = common.sessions { dir = args.dir }
  local columns, now = common.terminal(), core.now()
  for _, item in ipairs(list) do
    local stat = core.stat(item.path)
    if columns and stat then
      local when = width.pad(time.relative(stat.mtime, now), 16)
      out.write(("%s  %10s  %s\n"):format(when, format.number(stat.size, "bytes"), item.session))
    else
      out.write(item.session, "\n")
    end
  end
  return 0
end

return sessions
