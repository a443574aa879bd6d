--- Rows of an SQLite database, through the program sqlite3: read-only, and nothing of it can reach another file.
-- @module debrief.import.rows
local core = require "debrief.core"

local rows = {}

local MOST = 64 << 20 -- bytes that one query may return
local TIME_MS = 60000

-- The database as a URI. Without a log beside it nobody writes to it: then no file is made beside it either.
local function uri(path)
  if path:sub(1, 1) ~= "/" then path = "./" .. path end
  local has_log = core.stat(path .. "-wal") ~= nil
  return "file:" .. path:gsub("[^%w/._~-]", function(c) return ("%%%02X"):format(c:byte()) end)
    .. (has_log and "?mode=ro" or "?mode=ro&immutable=1")
end

--- Run a query.
-- @param query one SELECT
-- @return the rows, a JSON array of objects as text; or nil and a message
function rows.read(path, query)
  if type(query) ~= "string" or not query:find "^%s*[Ss][Ee][Ll][Ee][Cc][Tt]%s" or query:find "%z" then
    return nil, "source:rows: the query must begin with SELECT"
  end
  local output, status, cut = core.run { "sqlite3", "-init", "/dev/null", "-batch", "-bail", "-safe", "-readonly",
    "-json", uri(path), query, timeout_ms = TIME_MS, limit = MOST, stderr = true }
  if not output then
    if not tostring(status):find "No such file" then return nil, status end
    return nil, path .. ": to read a database, install the program sqlite3 (Debian: apt-get install sqlite3)"
  end
  if cut then return nil, ("%s: a query returned more than 64 MiB: select fewer rows at once"):format(path) end
  if status ~= 0 then return nil, ("%s: sqlite3: %s"):format(path, output:sub(-300):gsub("%s+$", "")) end
  return output == "" and "[]" or output
end

return rows
