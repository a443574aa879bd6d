--- Which files a query is about: names, patterns, SESSION:LINE and paths, resolved here only.
--
--     { "login", "quay-*", "week:4", "old/s1.jsonl" }
--       -> { { session = "login", path =, size =, mtime =, is_path = false }, …,
--            { session = "week", lines = { 4 }, … } }
--
-- The folder is listed once at most; size (bytes) and mtime (ns) are from that look.
-- @module debrief.query.sessions
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local patterns = require "debrief.text.pattern"
local suggest = require "debrief.text.suggest"

local sessions = {}

local DAY = 86400 * 1000000000

--- Is this word a path, and not the name of a session?
function sessions.is_path(name) return name:find("/", 1, true) ~= nil or name:find "%.jsonl:?[%d:]*$" ~= nil end

local function fail(code, message) return nil, { code = code, message = message } end

-- ---- The folder ----------------------------------------------------------------------------------------------------

-- Why a folder cannot be listed, with the nearest name.
local function no_folder(dir, message, code)
  if core.is_address(dir) then return fail(code, message) end
  local parent, name = dir:match "^(.*)/([^/]+)/*$"
  if core.stat(dir) then return fail(code, message) end
  local folders = {}
  for _, item in ipairs(core.list(parent or ".") or {}) do
    if item[2] then folders[#folders + 1] = item[1] end
  end
  local near = suggest(name or dir, folders)
  if near then near = (": did you mean '%s'?"):format((parent and parent .. "/" or "") .. near) end
  return fail(code, message .. (near or "; -d DIR or $DEBRIEF_DIR names another"))
end

--- Every session of the log.
-- @param log of core.log
-- @param oldest ns: leave out those last written to before; or nil
-- @return array of { session =, path =, size =, mtime =, is_path = false } in name order, array of { name =, kind = }
--   for what is named like a session and is not a regular file, and how many were left out; or nil, { code =, message =
--   }
function sessions.all(log, oldest)
  local list, skipped, code = log:list(oldest)
  if not list then return no_folder(log:dir(), skipped, code) end
  for _, item in ipairs(list) do item.is_path = false end
  return list, skipped, code
end

-- When a file was last written to that a window may need, ns; nil: any. Clocks differ by less than a day; those of the
-- machines that share a stream may differ by more, and its files were written here.
local function oldest_of(q)
  return not q.is_stream and q.since and q.since >= math.mininteger + DAY and q.since - DAY or nil
end

-- ---- Names ---------------------------------------------------------------------------------------------------------

-- A line number; 0 and what no integer holds name no line.
local function line_of(session, digits)
  local line = math.tointeger(tonumber(digits))
  if line and line > 0 then return line end
  return fail("enoent", ("there is no entry %s:%s"):format(escape(session), digits))
end

-- A path, PATH:LINE, or PATH:LINE:BYTE, as diagnostics name a place.
local function by_path(name)
  local path, line = name, nil
  local stat, message = core.stat(path)
  if not stat then
    local shorter, digits = name:match "^(.+%.jsonl):(%d+):%d+$"
    if not shorter then shorter, digits = name:match "^(.+):(%d+)$" end
    local other = shorter and core.stat(shorter)
    if other then
      path, stat, line, message = shorter, other, line_of(shorter, digits)
      if not line then return nil, message end
    end
  end
  if not stat then return fail("enoent", message) end
  if stat.kind == "folder" then
    return fail("earg", ("%s is a folder, not a file of entries (-d %s reads the log in it)"):format(path, path))
  end
  if stat.kind ~= "file" then
    return fail("earg", ("%s is a device, FIFO or socket, not a file of entries"):format(path))
  end
  return { session = path:match "([^/]+)%.jsonl$" or path:match "[^/]+$", path = path, size = stat.size,
    mtime = stat.mtime, is_path = true }, line
end

-- The message for a session that does not exist. A name that is not an id, or is not that of a file, is refused in the
-- words of the log.
local function no_session(log, name)
  local reader, message, code = log:reader(name)
  if not reader then return fail(code, message) end
  reader:close()
  local list, failure = sessions.all(log)
  if not list then return nil, failure end
  local ids = {}
  for i, item in ipairs(list) do ids[i] = item.session end
  local near, hint = suggest(name, ids)
  return fail("enoent", ("no session '%s' in %s%s"):format(escape(name), log:dir(), near and hint
    or ("; `debrief -d %s sessions` lists them"):format(log:dir())))
end

-- Adds items, each file once; a line of a session that is selected as a whole adds nothing.
local function collector(extra_line)
  local out, by = {}, {}
  return out, function(item, line)
    line = line or extra_line
    local known = by[item.path]
    if not known then
      item.lines = line and { line } or nil
      by[item.path], out[#out + 1] = item, item
    elseif known.lines and line then
      known.lines[#known.lines + 1] = line
    else
      known.lines = nil
    end
  end
end

local function add_matching(log, pattern, add, missing)
  local list, failure = sessions.all(log)
  if not list then return nil, failure end
  local found = false
  for _, item in ipairs(list) do
    if patterns.matches(item.session, pattern) then
      found = true
      add(item)
    end
  end
  if found or missing == "empty" then return true end
  return fail("enoent", ("no session matches '%s' in %s"):format(escape(pattern), log:dir()))
end

-- SESSION@SEQUENCE is a message of a stream: all of its lines. SESSION:LINE@SEQUENCE, as diagnostics name a place, is
-- one of them; once lines before it have expired it has another number, and the whole message is taken.
local function add_message(log, id, line, digits, add)
  local item = log:find(id)
  if not item then return no_session(log, id) end
  local first = log:line(id, math.tointeger(digits) or 0)
  if not first then
    return fail("enoent", ("there is no message %s of session '%s' in %s"):format(digits, escape(id), log:dir()))
  end
  local sequence = log:sequence(id, first)
  item.is_path = false
  if line and log:sequence(id, line) == sequence then first, sequence = line, nil end
  repeat
    add(item, first)
    first = first + 1
  until not sequence or log:sequence(id, first) ~= sequence
  return true
end

-- A place as messages show it, without the name of the log.
local function without_name(log, name)
  local own = log:store()
  local rest = own and name:sub(1, #own + 1) == own .. "/" and name:sub(#own + 2)
  return rest and not sessions.is_path(rest) and rest or name
end

local function add_named(log, name, add, missing)
  if log:store() then
    local id, line, digits = name:match "^([^:@]*):?(%d*)@(%d+)$"
    if id then return add_message(log, id, math.tointeger(line), digits, add) end
  end
  local id, digits = name:match "^(.-):(%d+)$"
  local item = log:find(id or name)
  if item then
    local line, failure
    if id then line, failure = line_of(id, digits) end
    if failure then return nil, failure end
    item.is_path = false
    add(item, line)
    return true
  end
  if missing == "empty" and core.session_id_valid(id or name) then return true end
  return no_session(log, id or name)
end

--- The files of a query.
-- @param log of core.log
-- @param q of debrief.query; gets skipped = array of { name =, kind = } and old = number of sessions, both left out
-- @param opts { paths = false to take no paths, missing = "empty" when a session that does not exist is simply empty }
-- @return array of items, those of a session named twice once: { session =, path =, size =, mtime =, is_path =, lines =
--   sorted line numbers or nil for all, old = true when the window leaves out all of it }; or nil and a failure:
--   { code =, message = }
function sessions.of(log, q, opts)
  opts = opts or {}
  local out, add = collector(q.line)
  q.old, q.is_stream = nil, log:store() ~= nil
  if not q.sessions then
    local list, skipped, old = sessions.all(log, oldest_of(q))
    if not list then return nil, skipped end
    for _, item in ipairs(list) do add(item) end
    q.skipped, q.old = skipped, oldest_of(q) and old
  end
  for _, given in ipairs(q.sessions or {}) do
    local ok, failure, item
    local name = without_name(log, given)
    if opts.paths ~= false and sessions.is_path(name) then
      local line
      item, line = by_path(name)
      ok, failure = item ~= nil, line
      if item then add(item, line) end
    elseif patterns.is(name) then ok, failure = add_matching(log, name, add, opts.missing)
    else ok, failure = add_named(log, name, add, opts.missing) end
    if not ok then return nil, failure end
  end
  for _, item in ipairs(out) do
    if item.lines then table.sort(item.lines) end
  end
  sessions.mark_old(out, q)
  return out
end

--- Mark the sessions that do not have to be opened: the file was last written before the window began, so every entry
-- in it was. Those of a whole log are not listed at all, but counted.
function sessions.mark_old(items, q)
  local oldest = oldest_of(q)
  if not oldest then return end
  q.old = q.old or 0
  for _, item in ipairs(items) do
    item.old = item.mtime ~= nil and item.mtime < oldest
    if item.old then q.old = q.old + 1 end
  end
end

--- The ids of a query for a follower, which waits for what does not exist yet.
-- @return array of ids, or nil for all that there are and will be; the ids among them that are not there yet; or
--   nil, nil, { code =, message = }
function sessions.to_follow(log, q)
  if not q.sessions then return nil, {} end
  local out, missing = {}, {}
  for i, name in ipairs(q.sessions) do
    if sessions.is_path(name) then
      return nil, nil, { code = "earg",
        message = ("only session ids can be followed, and %s is a path (-d DIR names the folder)"):format(name) }
    end
    if name:find ":%d+$" and core.session_id_valid(name:match "^(.*):") then
      return nil, nil, { code = "earg", message = ("%s is one entry, and only sessions can be followed (%s)"):format(
        name, name:match "^(.*):") }
    end
    if not core.session_id_valid(name) then
      return nil, nil, { code = "eid", message = ("'%s' is not a session id"):format(escape(name)) }
    end
    if not log:find(name) then missing[#missing + 1] = name end
    out[i] = name
  end
  return out, missing
end

return sessions
