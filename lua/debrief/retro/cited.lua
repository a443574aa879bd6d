--- The entries that reports cite, read again to be shown beside them.
-- @module debrief.retro.cited
local jobs = require "debrief.run.job"
local remote = require "debrief.run.remote"

local cited = {}

local MOST = 5000 -- places that are read

-- Places in turns, the first of each list before the second of any: where not all have room, each has some.
local function in_turns(lists)
  local out, seen, i, more = {}, {}, 0, true
  while more and #out < MOST do
    i, more = i + 1, false
    for _, list in ipairs(lists) do
      local one = list[i]
      local name = one and one.session .. ":" .. one.line
      if one and not seen[name] then out[#out + 1], seen[name] = one, true end
      more = more or one ~= nil
    end
  end
  return out
end

-- "session:line" in a column `entry`.
local function places_in(t, list)
  for c, column in ipairs(t.columns) do
    for _, row in ipairs(column.key == "entry" and t.rows or {}) do
      local session, line = tostring(row[c]):match "^(.+):(%d+)$"
      if math.tointeger(line) then list[#list + 1] = { session = session, line = math.tointeger(line) } end
    end
  end
end

--- Which entries reports cite: the references of findings, and the column `entry` of tables.
-- @param reports checked
-- @return array of { session =, line = }, each once
function cited.places(reports)
  local lists = {}
  for _, report in ipairs(reports) do
    for _, finding in ipairs(report.findings) do lists[#lists + 1] = finding.references end
    for _, t in ipairs(report.tables) do
      local list = {}
      places_in(t, list)
      if list[1] then lists[#lists + 1] = list end
    end
  end
  return in_turns(lists)
end

-- The items of the sessions with these places, each with its lines. Two sessions of one name cannot be told apart.
local function items_of(places, items)
  local by_name, of, out = {}, {}, {}
  for _, item in ipairs(items) do by_name[item.session] = by_name[item.session] == nil and item or false end
  for _, one in ipairs(places) do
    local item = by_name[one.session]
    if item then
      local part = of[item]
      if not part then
        part = { session = item.session, path = item.path, size = item.size, mtime = item.mtime,
          is_path = item.is_path, lines = {} }
        of[item], out[#out + 1] = part, part
      end
      table.insert(part.lines, one.line)
    end
  end
  for _, item in ipairs(out) do table.sort(item.lines) end
  return out
end

local function reader_of(job, items)
  local worker, message = jobs.worker(job)
  if not worker then return nil, message end
  return remote.reader(worker, { sessions = items, on_problem = function() end })
end

--- Read the entries at these places, as the plugins of the query leave them.
-- @param job of debrief.run.job, with the query that the reports are of
-- @param items of the query, as debrief.query.sessions has them
-- @return an iterator of { session =, line =, entry = } in the order of `places`
function cited.read(job, places, items)
  local found = {}
  local reader <close> = assert(reader_of(job, items_of(places, items)))
  while true do
    local entry, line, session = reader:next()
    if not entry then
      if not line then break end
    else
      found[session .. ":" .. line] = { session = session, line = line, entry = entry }
    end
  end
  local i = 0
  return function()
    repeat
      i = i + 1
      local item = places[i] and found[places[i].session .. ":" .. places[i].line]
      if item then return item end
    until not places[i]
  end
end

--- All entries of the query. The reader ends with the iterator, or when it is closed.
-- @return an iterator of { session =, line =, entry = }; what closes it
function cited.all(job, items)
  local reader = assert(reader_of(job, items))
  return function()
    while true do
      local entry, line, session = reader:next()
      if entry then return { session = session, line = line, entry = entry } end
      if not line then return nil end
    end
  end, reader
end

return cited
