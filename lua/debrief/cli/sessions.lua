local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local notes = require "debrief.query.notes"
local output = require "debrief.cli.output"
local layout = require "debrief.text.table"
local time = require "debrief.text.time"
local values = require "debrief.text.values"

local sessions = { paged = true }

function sessions.options(_) end

-- On a terminal: when each was last written to, and its size.
local function listing(list)
  local now, rows = core.now(), {}
  for i, item in ipairs(list) do
    rows[i] = { time.relative(item.mtime, now), values.number(item.size, "bytes"), item.session }
  end
  local columns = { { width = 16 }, { width = 10, align = "right" }, {} }
  return layout.fit(columns, rows, math.huge), rows
end

function sessions.run(args)
  local q = arguments.query {}
  local list = arguments.sessions(args, q)
  for _, note in ipairs(notes.of({}, q)) do messages.note(note) end
  if not core.terminal(1) then
    for _, item in ipairs(list) do output.write(item.session, "\n") end
    return 0
  end
  local grid, rows = listing(list)
  for _, cells in ipairs(rows) do output.write(grid:row(cells), "\n") end
  return 0
end

return sessions
