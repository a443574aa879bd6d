--- What is known of runs that are going on, so that a recorder that dies leaves no gap.
--
--     {"session":"s1","dir":"/log","at":"…","entry":{"skill":"fix","source":{"kind":"record","key":"…"}}}
--     {"session":"s1","dir":"/log","at":"…","entry":{…,"attempts":[…]}}               after each attempt
--     {"session":"s1","dir":"/log","at":"…","final":true,"entry":{…}}                 if it could not be stored
--
-- One file per run, in a folder per log below ${XDG_STATE_HOME:-~/.local/state}/debrief/runs. Its owner holds a lock;
-- one without an owner becomes an entry with final_status "aborted", which names the same source.key as the entry that
-- its owner would have stored, so that no run is stored twice.
-- @module debrief.record.state
local core = require "debrief.core"

local state = {}

--- The folder of debrief's own files: state, logs of hooks. Nil: neither XDG_STATE_HOME nor HOME says where.
function state.home()
  local base, home = os.getenv "XDG_STATE_HOME", os.getenv "HOME"
  if base and base:sub(1, 1) == "/" then return base .. "/debrief" end
  return home and home ~= "" and home .. "/.local/state/debrief" or nil
end

-- The folder of the runs of a log; nil as state.home.
local function folder_of(dir)
  local home = state.home()
  return home and ("%s/runs/%s"):format(home, core.hash(core.absolute(dir)))
end

local function now() return core.timestamp(core.now()) end

-- ---- Runs that go on ------------------------------------------------------------------------------------------------

local State = {}
State.__index = State

--- A run begins.
-- @param dir the folder of the log
-- @param session its id
-- @return the state, with the key of the run; it is not kept in a file where there is no place for one, and `problem`
--   says why
function state.begin(dir, session)
  local self = setmetatable({ folder = folder_of(dir), session = session, dir = core.absolute(dir) }, State)
  self.key = core.hash(("%d %s %s %s"):format(core.now(), session, tostring({}), tostring(self)))
  if self.folder then
    self.journal, self.problem = core.journal(("%s/%s.run"):format(self.folder, self.key))
  else
    self.problem = "neither XDG_STATE_HOME nor HOME is set"
  end
  return self
end

--- What is known now.
-- @param text the entry so far, as JSON
-- @param final true: it is all there is to know
function State:save(text, final)
  if not self.journal then return end
  self.journal:write(core.encode { session = self.session, dir = self.dir, at = now(), final = final or nil,
    entry = core.json(text) })
end

--- The entry is stored.
function State:done()
  if self.journal then self.journal:remove() end
  self.journal = nil
end

--- Give the file up, for whoever recovers it.
function State:leave()
  if self.journal then self.journal:close() end
  self.journal = nil
end

--- A path beside the file of the run, for what it hands on; nil without a place.
function State:beside(ending) return self.journal and ("%s/%s.%s"):format(self.folder, self.key, ending) end

-- ---- Runs whose recorder has died -----------------------------------------------------------------------------------

local function decoded(line)
  local ok, value = pcall(core.decode, line)
  return ok and type(value) == "table" and value or nil
end

-- What a recorder wrote before it died: its session and the entry of the run; nil: nothing that could be read.
local function entry_of(text)
  local first, last
  for line in text:gmatch "[^\n]+" do
    local record = decoded(line)
    if record and type(record.session) == "string" and type(record.entry) == "table" then
      first, last = first or record, record
    end
  end
  if not last then return nil end
  local entry = last.entry
  if last.final then return last.session, entry end
  local began, ended = core.time(first.at), core.time(last.at)
  entry.final_status, entry.timestamp = "aborted", last.at
  entry.duration_ms = entry.attempts and began and ended and (ended - began) // 1000000 or nil
  return last.session, entry
end

local function runs_in(folder)
  local out = {}
  for _, item in ipairs(folder and core.list(folder) or {}) do
    if item[1]:find "%.run$" then out[#out + 1] = item[1] end
  end
  table.sort(out)
  return out
end

--- The runs of a log whose recorder has died: { { session =, skill =, at = when it began }… }. Nothing is changed.
function state.dead(dir)
  local folder, out = folder_of(dir), {}
  for _, name in ipairs(runs_in(folder)) do
    local journal, text = core.journal_of_dead(folder .. "/" .. name)
    local first = journal and decoded(text:match "^[^\n]*" or "")
    if journal then journal:close() end
    if first and first.entry then
      out[#out + 1] = { session = first.session, skill = first.entry.skill, at = first.at }
    end
  end
  return out
end

--- Store the runs of a log whose recorder has died.
-- @return how many were stored, and the problems: those that could not be stored are kept
function state.recover(dir)
  local folder, stored, problems, log = folder_of(dir), 0, {}, nil
  for _, name in ipairs(runs_in(folder)) do
    local path = folder .. "/" .. name
    local journal, text = core.journal_of_dead(path)
    if journal then
      local session, entry = entry_of(text)
      local message
      if session and not log then log, message = core.log(dir) end
      local new = session and log
      if new then new, message = log:append_new(session, { entry }) end
      if new or not session then
        journal:remove()
        os.remove((path:gsub("%.run$", ".output")))
        stored = stored + (new or 0)
      else
        problems[#problems + 1] = ("a run of session %s that was not finished cannot be stored: %s"):format(session,
          message)
        journal:close()
      end
    end
  end
  if log then log:close() end
  return stored, problems
end

return state
