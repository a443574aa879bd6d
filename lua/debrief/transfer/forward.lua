--- What is kept in a folder to a stream, to which others write, too; each line once, wherever it was stopped.
--
-- A file in the folder notes how much of each session is over. It is written after the stream's acknowledgement, and
-- may miss the last ones: messages say which bytes they hold, so that those are found again (sending.h).
--
--     FOLDER/.forwarded-NAME-MADE    origin 5f0c…         names this folder in the messages
--                                    s1 4096 17 9a3e…     bytes of s1 that are over, in messages up to 17; which file
-- @module debrief.transfer.forward
local core = require "debrief.core"
local copy = require "debrief.transfer.copy"

local Forward = {}
Forward.__index = Forward

local MOST = 1 << 20 -- bytes of the notes before they are written anew

local function read(path)
  local file <close> = io.open(path, "rb")
  return file and file:read "a" or ""
end

local function write(path, mode, text)
  local file, message = io.open(path, mode)
  if not file then return nil, message end
  local ok, why = file:write(text)
  local closed, problem = file:close()
  return ok and closed, why or problem
end

local function random_name()
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return (file:read(8):gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

-- What distinguishes a file from another of the same name: its first line, or the beginning of it.
local function head_of(path)
  local file <close> = io.open(path, "rb")
  local hash = 0xcbf29ce484222325
  for c in (file and file:read(256) or ""):match "^[^\n]*":gmatch "." do hash = (hash ~ c:byte()) * 0x100000001b3 end
  return ("%016x"):format(hash)
end

-- ---- Notes ---------------------------------------------------------------------------------------------------------

local function load_notes(self)
  local text = read(self.path)
  self.size, self.notes = #text, {}
  self.origin = text:match "^origin (%x+)\n"
  for id, offset, sequence, head in text:gmatch "\n(%S+) (%d+) (%d+) (%x+)%f[\n]" do
    self.notes[id] = { offset = math.tointeger(offset), sequence = math.tointeger(sequence), head = head }
  end
end

local function all_notes(self)
  local lines = { "origin " .. self.origin .. "\n" }
  for id, note in pairs(self.notes) do
    lines[#lines + 1] = ("%s %d %d %s\n"):format(id, note.offset, note.sequence, note.head)
  end
  return table.concat(lines)
end

-- Write all of them, into another file that takes the name.
local function write_notes(self)
  local ok, message = write(self.path .. ".new", "wb", all_notes(self))
  if ok then ok, message = os.rename(self.path .. ".new", self.path) end
  return ok, message
end

local function prepare(self)
  load_notes(self)
  if self.origin and self.size < MOST then return true end
  self.origin = self.origin or random_name()
  return write_notes(self)
end

local function note(self, state, head)
  self.notes[state.id] = { offset = state.offset, sequence = state.sequence, head = head }
  return write(self.path, "ab", ("%s %d %d %s\n"):format(state.id, state.offset, state.sequence, head))
end

-- ---- Passes --------------------------------------------------------------------------------------------------------

local function shorter(self, item, noted)
  return ("session %s of %s has %d bytes, and %d of it are in %s already: it was cut; move it away")
    :format(item.session, self.dir, item.size, noted.offset, (select(2, self.to:store())))
end

-- A file that was removed and begun again is another one.
local function send_session(self, item, result)
  local head, noted, failed = head_of(item.path), self.notes[item.session], nil
  if not noted or noted.head ~= head then noted = { offset = 0, sequence = 0, head = head } end
  if item.size < noted.offset then
    table.insert(result.failures, shorter(self, item, noted))
    return 0
  end
  local state = { id = item.session, path = item.path, offset = noted.offset, sequence = noted.sequence,
    origin = self.origin .. head }
  local lines, message = copy.send(self.to, state, result, function(now)
    local ok, why = note(self, now, head)
    failed = failed or not ok and why
  end)
  if lines and failed then return nil, failed end
  return lines, message
end

local function is_over(self, item)
  local noted = self.notes[item.session]
  return item.size == 0 or noted and noted.offset == item.size
end

local function pass(self, result)
  local ok, message = prepare(self)
  if not ok then return nil, message end
  local list, why = self.from:list()
  if not list then return nil, why end
  for _, item in ipairs(list) do
    local lines, failure = 0, nil
    if not is_over(self, item) then lines, failure = send_session(self, item, result) end
    if not lines then return nil, failure end
    result.sessions, result.lines = result.sessions + 1, result.lines + lines
    if lines > 0 then result.copied = result.copied + 1 end
  end
  return result
end

--- Bring over what the folder holds now. One process at a time does: another waits here.
-- @return as debrief.transfer.copy, and nil, message when the stream takes nothing
function Forward:pass()
  local lock, message = core.lock(self.dir .. "/.forwarding")
  if not lock then return nil, message end
  local result, why = pass(self, copy.new_result())
  lock:close()
  return result, why
end

local forward = {}

--- From a folder to the log at an address.
-- @param from the folder's log
-- @param to the log at the address
-- @return an object with pass(); or nil and a message
function forward.new(from, to)
  local state, message = core.look(to)
  if not state then return nil, message end
  local dir = from:dir()
  return setmetatable({ from = from, to = to, dir = dir,
    path = ("%s/.forwarded-%s-%d"):format(dir, (to:store()), state.created) }, Forward)
end

return forward
