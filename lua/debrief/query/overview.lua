--- What is in each session: entries, the first and the last of them by time, outcomes, projects.
-- @module debrief.query.overview
local core = require "debrief.core"
local outcome = require "debrief.entry.outcome"
local readers = require "debrief.query.reader"

local overview = {}

local OUTCOMES = { "ok", "fail", "skip", "unknown" }

local function new_row(item)
  local row = { session = item.session, bytes = item.size, entries = 0, damaged = 0, projects = {}, runs = {} }
  for _, name in ipairs(OUTCOMES) do row[name] = 0 end
  return row
end

local function add(row, entry)
  row.entries = row.entries + 1
  local ended = outcome(entry)
  row[ended] = row[ended] + 1
  local ns, project = core.time(entry), entry.project_root
  if ns and (not row.first or ns < row.first) then row.first, row.first_at = ns, entry.timestamp end
  if ns and (not row.last or ns >= row.last) then row.last, row.last_at = ns, entry.timestamp end
  if not project or project == "" then return end
  if not row.runs[project] then row.projects[#row.projects + 1] = project end
  row.runs[project] = (row.runs[project] or 0) + 1
end

--- Make a row ready to be shown: with its projects in order, and without what counts them.
function overview.finish(row)
  table.sort(row.projects, function(a, b)
    if row.runs[a] ~= row.runs[b] then return row.runs[a] > row.runs[b] end
    return a < b
  end)
  row.runs = nil
end

--- Add to a row what another one, of later entries of the session, has counted. Both are not finished.
function overview.join(row, later)
  for _, name in ipairs { "bytes", "entries", "damaged", table.unpack(OUTCOMES) } do
    row[name] = row[name] + later[name]
  end
  if later.first and (not row.first or later.first < row.first) then
    row.first, row.first_at = later.first, later.first_at
  end
  if later.last and (not row.last or later.last >= row.last) then row.last, row.last_at = later.last, later.last_at end
  for _, project in ipairs(later.projects) do
    if not row.runs[project] then row.projects[#row.projects + 1] = project end
    row.runs[project] = (row.runs[project] or 0) + later.runs[project]
  end
end

--- Look through sessions.
-- @param log of core.log
-- @param items of debrief.query.sessions
-- @param progress function(bytes done), called after each session
-- @param unfinished true: the rows are for overview.join, and then overview.finish
-- @return { { session =, bytes =, entries =, damaged = lines that are not entries, first =, last = (ns; nil without
--   times), first_at =, last_at = (their timestamps), ok =, fail =, skip =, unknown =, projects = paths, the one with
--   most runs first } … }; and an array of { session =, message = } of sessions that could not be read to their end
function overview.of(log, items, progress, unfinished)
  local rows, failures, done = {}, {}, 0
  for i, item in ipairs(items) do
    local row, reader <close> = new_row(item), readers.sessions({ item }, { log = log })
    while true do
      local entry, failure = reader:next()
      if entry then add(row, entry)
      elseif failure then failures[#failures + 1] = failure
      else break end
    end
    local list, dropped = reader:diagnostics()
    for _, d in ipairs(list) do row.damaged = row.damaged + (d.damage and 1 or 0) end
    row.damaged = row.damaged + dropped
    if not unfinished then overview.finish(row) end
    rows[i], done = row, done + item.size
    if progress then progress(done) end
  end
  return rows, failures
end

return overview
