--- One run as it happens: begin, attempts, finish. What happened so far survives the recorder (debrief.record.state).
-- @module debrief.record.run
local core = require "debrief.core"
local state = require "debrief.record.state"

local run = {}

local Run = {}
Run.__index = Run
Run.__name = "run"

-- The entry so far as the text that would be stored; or nil and a message.
local function text_of(self)
  self.entry.attempts = self.attempts[1] and self.attempts or nil
  self.entry.model_used = self.attempts[1] and self.model or nil
  local fine, text, message = pcall(core.line, self.session, self.entry, true)
  if not fine then return nil, text end
  if text and self.enrich then text, message = self.enrich(text) end
  return text, message
end

-- Note what is known. What the plugins refuse to store is not kept either.
local function save(self, final)
  local text, message = text_of(self)
  if text then self.state:save(text, final) end
  return text, message
end

--- A run begins.
-- @param log a log of core.log
-- @param session its id
-- @param fields of the entry: skill, phase, model, project_root, input and others, as an entry has them
-- @param enrich function(JSON text of the entry) -> the text to store, or nil and a message; nil: as it is
-- @return the run; or nil and a message
function run.begin(log, session, fields, enrich)
  if not core.session_id_valid(session) then
    return nil, ("'%s' is not a session id: %s would be one"):format(session, core.session_id(session))
  end
  local entry = {}
  for key, value in next, fields do entry[key] = value end
  local model = entry.model or entry.model_used
  entry.model, entry.model_used = nil, model
  local self = setmetatable({ log = log, session = session, entry = entry, model = model, attempts = core.array {},
    began = core.now(), enrich = enrich }, Run)
  self.state = state.begin(log:dir(), session)
  entry.source = { kind = "record", key = self.state.key }
  local fine, message = save(self)
  if not fine then
    self.state:done()
    return nil, message
  end
  return self
end

--- An attempt has ended.
-- @param attempt its fields; `attempt` and `model` are filled in
-- @return true; or nil and a message: a field has another type, and the attempt is left out
function Run:attempt(attempt)
  local one = {}
  for key, value in next, attempt do one[key] = value end
  one.attempt, one.model = one.attempt or #self.attempts + 1, one.model or self.model
  self.attempts[#self.attempts + 1] = one
  local text, message = save(self)
  if text then return true end
  self.attempts[#self.attempts] = nil
  return nil, message
end

-- What the attempts say of the run.
local function status_of(self)
  local last = self.attempts[#self.attempts]
  if not last or last.verified == nil then return "ok" end
  return last.verified and "ok" or "fail"
end

--- The run is over: store its entry.
-- @param final_status nil: what the last attempt says
-- @return the line of the session; or nil and a message: then the run is kept, for whoever recovers it
function Run:finish(final_status)
  local entry = self.entry
  entry.timestamp, entry.duration_ms = core.timestamp(core.now()), entry.duration_ms or
    (core.now() - self.began) // 1000000
  entry.final_status = final_status or status_of(self)
  local text, message = text_of(self)
  local line
  if text then line, message = self.log:append(self.session, text, true) end
  if not line then
    if text then self.state:save(text, true) end
    self.state:leave()
    return nil, message
  end
  self.state:done()
  return line
end

--- Give a run up without an entry of its own: whoever recovers it finds it aborted.
function Run:leave() self.state:leave() end

Run.__close = Run.leave

return run
