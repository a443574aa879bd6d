--- What is in each session of a log at an address, without reading again what was read before: the rows of
-- debrief.query.overview are kept, with the sequence up to which they are true, in a file of $XDG_CACHE_HOME/debrief.
-- They are forgotten when the stream was made again, or has removed old messages.
-- @module debrief.query.seen
local core = require "debrief.core"
local overview = require "debrief.query.overview"
local sessions = require "debrief.query.sessions"

local seen = {}

local VERSION = 1

-- The file of a stream; nil: there is no place for one.
local function path_of(log)
  local base, home = os.getenv "XDG_CACHE_HOME", os.getenv "HOME"
  base = base and base:sub(1, 1) == "/" and base or home and home ~= "" and home .. "/.cache"
  return base and ("%s/debrief/sessions-%s"):format(base, core.hash(log:dir()))
end

-- What is known of the stream as it is now; nil: nothing.
local function load_rows(path, state)
  local text = path and core.slurp(path)
  local ok, known = pcall(core.unpack, text or "")
  local is_true = ok and type(known) == "table" and known.version == VERSION and known.created == state.created
    and known.first == state.first and known.last <= state.last
  return is_true and known or nil
end

local function save_rows(path, state, rows)
  local text = core.pack { version = VERSION, created = state.created, first = state.first, last = state.reached,
    rows = rows }
  if not core.stat(path) then core.make_folders(path) end
  core.save(path, text) -- failing, the next time only takes longer
end

-- The rows of both, by name.
local function joined(before, new)
  local rows, by_name = {}, {}
  for i, row in ipairs(before) do rows[i], by_name[row.session] = row, row end
  for _, row in ipairs(new) do
    if by_name[row.session] then overview.join(by_name[row.session], row) else rows[#rows + 1] = row end
  end
  table.sort(rows, function(a, b) return a.session < b.session end)
  return rows
end

--- Every session of a log at an address.
-- @param log of core.log, of which nothing was read yet
-- @param progress function(bytes done)
-- @return rows and failures as debrief.query.overview has them; or nil and { message = }
function seen.of(log, progress)
  local state, message = log:state()
  if not state then return nil, { message = message } end
  local path = path_of(log)
  local known = load_rows(path, state)
  if known then log:skip(known.last) end
  local items, failure = sessions.all(log)
  if not items then return nil, failure end
  local rows, failures = overview.of(log, items, progress, true)
  local now = log:state()
  if known and now and now.created == known.created then rows = joined(known.rows, rows) end
  local is_whole = now and now.first == state.first and now.created == state.created and not failures[1]
    and not select(3, log:store())[1]
  if path and is_whole then save_rows(path, now, rows) end
  for _, row in ipairs(rows) do overview.finish(row) end
  return rows, failures
end

return seen
