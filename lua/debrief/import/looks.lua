--- What a file looks like, for messages about files that no importer reads.
-- @module debrief.import.looks
local core = require "debrief.core"

local shell_word = require "debrief.text.shell_word"

local looks = {}

local HEAD = 65536
local MOST = 6 -- names of fields that are listed

--- Has the file nothing in it but blanks?
-- @param file { at =, size = bytes, or nil }
function looks.is_empty(file)
  if (file.size or 0) >= HEAD then return false end
  local head = core.slurp(file.at, HEAD)
  return head ~= nil and #head < HEAD and not head:find "[^%s]"
end

local function keys_of(object)
  local names = {}
  for key in pairs(object) do names[#names + 1] = key end
  table.sort(names)
  local more = #names > MOST and ", …" or ""
  return #names == 0 and "without fields" or "with " .. table.concat(names, ", ", 1, math.min(#names, MOST)) .. more
end

local function decoded(text)
  local ok, value = pcall(core.decode, text)
  if ok and type(value) == "table" then return value end
end

local OURS = { "skill", "attempts", "final_status", "timestamp" }

--- Does a file begin with an entry of ours? If so, no importer need be asked.
function looks.is_session(at)
  local record = decoded((core.slurp(at, HEAD) or ""):match "^%s*([^\n]*)")
  if not record or type(record.session_id) ~= "string" or record.type ~= nil then return false end
  for _, name in ipairs(OURS) do if record[name] ~= nil then return true end end
  return false
end

--- What is in a file, in a few words: "JSON lines that begin with an object with payload, timestamp, type".
function looks.like(at)
  local head, message = core.slurp(at, HEAD)
  if not head then return message end
  if head:find "^%s*$" then return "an empty file" end
  if head:find "^SQLite format 3%z" then return "an SQLite database" end
  if head:find "%z" then return "a binary file" end
  local first = head:match "^%s*([^\n]*)"
  local record = decoded(first)
  if record and record.session_id ~= nil then return "a session of debrief (`debrief read FILE` reads it)" end
  if record and first:find "^{" then return "JSON lines that begin with an object " .. keys_of(record) end
  if head:find "^%s*%[" then return "a JSON array" end
  local whole = #head < HEAD and decoded(head)
  if whole then return "a JSON object " .. keys_of(whole) end
  if head:find "^%s*{" then return "a JSON object" end
  return "text that is not JSON"
end

--- Why nobody reads a file.
-- @param file { path =, at = }
-- @param kind true: the user named the importer
-- @param readers the importers, with their names; of which the user's is the first
-- @param right the importer that does recognise it, if the user named another: { name =, word = that finds it }
function looks.unknown(file, kind, readers, right)
  if right then
    return ("%s is not a log of %s; %s recognises it: debrief import %s %s"):format(file.path, readers[1].name,
      right.name, shell_word(right.word), shell_word(file.packed or file.path))
  end
  if kind then
    return ("%s does not recognise %s: it looks like %s%s"):format(readers[1].name, file.path, looks.like(file.at),
      file.named and "; nor does any other importer" or "")
  end
  local names = {}
  for i, reader in ipairs(readers) do names[i] = reader.name end
  table.sort(names)
  return ("no importer knows %s: it looks like %s; there are importers for %s"):format(file.path, looks.like(file.at),
    table.concat(names, ", "))
end

return looks
