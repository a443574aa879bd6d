--- The values of a JSON document, one at a time, so that an array of any length needs the memory of one element.
--
--     {"info": {…}, "messages": [ {…}, {…}, {…} ]}
--      from ^-- kept ---|              | at: the next byte
--
-- The scanner passes over text without building anything: an element is checked when it is made an entry.
-- @module debrief.import.values
local core = require "debrief.core"
local place = require "debrief.entry.place"

local values = {}

local CHUNK = 1 << 20
local MOST = 1 << 28 -- bytes of one element, as of one line
local MOST_KEPT = 1 << 26 -- bytes of the members that `document` keeps
local DEPTH = 4 -- of an outline

local find, byte, sub = string.find, string.byte, string.sub

local Scanner = {}
Scanner.__index = Scanner

--- @param read function(n) -> about n more bytes; nil or "" at the end; nil and a message when reading failed
function values.scanner(read)
  return setmetatable({ read = read, text = "", at = 1, offset = 0, from = nil, failure = nil }, Scanner)
end

--- The scanner of a text.
function values.of_text(text)
  return values.scanner(function()
    local all = text
    text = nil
    return all
  end)
end

-- More text, without what was passed and is not kept. The more is kept, the more is read at once.
local function fill(self)
  local from = self.from or self.at
  local more, message = self.read(math.max(CHUNK, #self.text - from + 1))
  self.failure = self.failure or message
  if not more or more == "" then return false end
  self.text, self.offset = sub(self.text, from) .. more, self.offset + from - 1
  self.at = self.at - from + 1
  if self.from then self.from = 1 end
  return true
end

-- The first byte of the next token, which is not passed; nil at the end.
local function peek(self)
  while true do
    local at = find(self.text, "[^ \t\r\n]", self.at)
    if at then
      self.at = at
      return sub(self.text, at, at)
    end
    self.at = #self.text + 1
    if not fill(self) then return nil end
  end
end

local function pass_string(self)
  self.at = self.at + 1
  while true do
    local at = find(self.text, '["\\]', self.at)
    if not at then
      self.at = #self.text + 1
      if not fill(self) then return false end
    elseif byte(self.text, at) == 34 then
      self.at = at + 1
      return true
    elseif at < #self.text then
      self.at = at + 2
    else
      self.at = at
      if not fill(self) then return false end
    end
  end
end

local function too_long(self)
  if self.from and self.at - self.from > MOST then self.from, self.oversize = nil, true end
end

local function pass_container(self)
  local depth = 0
  while true do
    local at = find(self.text, '["{}%[%]]', self.at)
    if not at then
      self.at = #self.text + 1
      too_long(self)
      if not fill(self) then return false end
    else
      self.at = at
      local c = byte(self.text, at)
      if c == 34 then
        if not pass_string(self) then return false end
      else
        self.at = at + 1
        depth = depth + ((c == 123 or c == 91) and 1 or -1)
        if depth == 0 then return true end
      end
    end
  end
end

local function pass_scalar(self)
  local any = false
  while true do
    local at = find(self.text, "[ \t\r\n,:%[%]{}\"]", self.at)
    any = any or (at or #self.text + 1) > self.at
    self.at = at or #self.text + 1
    if at or not fill(self) then return any end
  end
end

-- Pass over one value. False where the text ends in it, or where none begins.
local function pass(self)
  local c = peek(self)
  if c == nil then return false end
  if c == '"' then return pass_string(self) end
  if c == "{" or c == "[" then return pass_container(self) end
  return pass_scalar(self)
end

-- Pass over one value and return its text; nil where it is cut, "" where it is too long.
local function take(self)
  if not peek(self) then return nil end
  self.from, self.oversize = self.at, false
  local whole = pass(self)
  local text = self.from and sub(self.text, self.from, self.at - 1) or ""
  self.from = nil
  return whole and text or nil
end

local function problem(self, what)
  self.wrong = self.failure or ("%s, at byte %d"):format(what, self.offset + self.at)
  return nil
end

-- The next member of an object: its name, with the value not passed yet. Nil at its end, and when it is damaged.
local function next_member(self)
  local c = peek(self)
  if c == "," then
    self.at = self.at + 1
    c = peek(self)
  end
  if c == "}" then return nil end
  if c ~= '"' then return problem(self, c and "an object has no name here" or "the document ends here") end
  local name = take(self)
  if not name or peek(self) ~= ":" then return problem(self, "the document ends here") end
  self.at = self.at + 1
  local ok, key = pcall(core.decode, name)
  return ok and type(key) == "string" and key or name
end

-- ---- Elements ------------------------------------------------------------------------------------------------------

-- Move to the first element. False where there is none.
local function enter(self, member)
  local c = peek(self)
  if not member then
    self.is_array = c == "["
    if self.is_array then self.at = self.at + 1 end
    return c ~= nil
  end
  if c ~= "{" then return false end
  self.at = self.at + 1
  for name in next_member, self do
    if name == member and peek(self) == "[" then
      self.is_array, self.at = true, self.at + 1
      return true
    end
    if not pass(self) then
      problem(self, "the document ends here")
      return false
    end
  end
  return false
end

--- The elements of an array: of the document's, or of the array that is its member of this name. A document that is
-- not an array is an element itself, and so is each that follows it.
-- @return function() -> text of the next element, nil at the end; after that self.wrong says what was wrong, if it was
function Scanner:elements(member)
  local inside, over = enter(self, member), false
  return function()
    if over or not inside then return nil end
    local c = peek(self)
    if c == "," and self.is_array then
      self.at = self.at + 1
      c = peek(self)
    end
    if c == nil or c == "]" and self.is_array then
      over = true
      return c == nil and self.is_array and problem(self, "the document ends before its array does") or nil
    end
    local text = take(self)
    if not text then
      over = true
      return problem(self, "the document is cut or is not JSON")
    end
    return text
  end
end

--- The text of an object without some of its members, which are passed over.
-- @param left_out set of names
-- @return { text = nil for an array, message = what was wrong, passed = set of the names that were left out, more =
--   true if something follows the object, false if nothing does, nil if that is not known }
function Scanner:document(left_out)
  local out, parts, size = { passed = {} }, {}, 0
  local c = peek(self)
  if c ~= "{" then
    out.message = self.failure or c ~= "[" and "the document is not a JSON object" or nil
    return out
  end
  self.at = self.at + 1
  for name in next_member, self do
    local text = ""
    if left_out[name] then
      out.passed[name] = true
      if not pass(self) then text = problem(self, "the document ends here") end
    else
      text = take(self) or problem(self, "the document ends here")
      parts[#parts + 1] = text and core.encode(name) .. ":" .. text
    end
    size = size + #(text or "")
    if size > MOST_KEPT then self.wrong = "the document is too large without the members that are left out" end
    if self.wrong then break end
  end
  out.text, out.message = "{" .. table.concat(parts, ",") .. "}", self.wrong
  if self.wrong then return out end
  self.at = self.at + 1
  out.more = peek(self) ~= nil
  return out
end

-- ---- Outlines ------------------------------------------------------------------------------------------------------

local outline_of

local function outline_of_object(self, depth)
  local members = {}
  self.at = self.at + 1
  for name in next_member, self do
    local value, whole = outline_of(self, depth + 1)
    members[name] = value
    if not whole then return members, false end
  end
  if peek(self) ~= "}" then return members, false end
  self.at = self.at + 1
  return members, true
end

-- What a value is; scalars themselves. And whether all of it was there.
function outline_of(self, depth)
  local c = peek(self)
  if c == "{" and depth <= DEPTH then return outline_of_object(self, depth) end
  if c == "[" and depth <= DEPTH then
    local start, first, whole = self.at, nil, true
    self.at = self.at + 1
    if peek(self) == "{" then first, whole = outline_of_object(self, depth + 1) end
    if not whole then return { first }, false end
    self.at = start
    return { first }, pass(self)
  end
  if c == "{" or c == "[" then return {}, pass(self) end
  local text = c and take(self)
  local ok, value = pcall(core.decode, text or "null")
  return ok and value ~= core.null and value, text ~= nil
end

--- What a JSON text begins with, for telling one format from another, also when it is cut.
-- @return of an object, its members so far: scalars as they are (false for null), objects as tables of their members,
--   arrays as tables with the outline of their first object at 1; of an array such a table; {} for anything else
function values.outline(text)
  local self = values.of_text(text)
  local c = peek(self)
  if c ~= "{" and c ~= "[" then return {} end
  return (outline_of(self, c == "[" and 0 or 1))
end

-- ---- Files ---------------------------------------------------------------------------------------------------------

--- The scanner of a file, which is read in pieces.
function values.of_file(path)
  local offset = 0
  return values.scanner(function(n)
    local text, message = core.slurp(path, n, offset)
    offset = offset + #(text or "")
    return text, message
  end)
end

local Reader = {}
Reader.__index = Reader

--- A reader of elements, as core.reader is one of lines: next, diagnostics, close. An element that is not an object is
-- passed over and reported.
function values.reader(scanner, member)
  local elements = scanner:elements(member)
  return setmetatable({ scanner = scanner, elements = elements, n = 0, found = {}, dropped = 0 }, Reader)
end

local function note(self, kind, message, damage)
  if #self.found >= 1000 then
    self.dropped = self.dropped + 1
    return
  end
  self.found[#self.found + 1] = { line = math.max(self.n, 1), offset = 1, kind = kind, message = message, excerpt = "",
    damage = damage }
end

-- The text of the next object, without newlines.
local function next_text(self)
  while true do
    local text = self.elements()
    if not text then
      if self.scanner.wrong then note(self, "bad_json", self.scanner.wrong, true) end
      self.scanner.wrong = nil
      return nil
    end
    self.n = self.n + 1
    if sub(text, 1, 1) == "{" then return (text:gsub("[\r\n]", " ")) end
    note(self, "bad_entry", text == "" and ("element %d is longer than 256 MiB"):format(self.n)
      or ("element %d is not an object"):format(self.n), true)
  end
end

function Reader:next()
  while true do
    local text = next_text(self)
    if not text then return nil, self.scanner.failure end
    local entry, message = core.entry(text, true)
    if entry then return entry, self.n end
    note(self, "bad_json", ("element %d: %s"):format(self.n, message), true)
  end
end

--- At least so many bytes of elements, as a reader of lines returns them.
function Reader:batch(most)
  local texts, places, bytes = {}, {}, 0
  while bytes < most do
    local entry, n = self:next()
    if not entry then return table.concat(texts), table.concat(places), true, nil, n end
    texts[#texts + 1] = tostring(entry) .. "\n"
    places[#places + 1] = place.pack(nil, n, "")
    bytes = bytes + #texts[#texts]
  end
  return table.concat(texts), table.concat(places), false
end

function Reader:diagnostics()
  local found, dropped = self.found, self.dropped
  self.found, self.dropped = {}, 0
  return found, dropped
end

function Reader.close() end

return values
