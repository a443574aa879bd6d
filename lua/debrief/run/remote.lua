--- A reader over a worker: entries that pass plugins there, a batch at a time, as debrief.query.reader has readers.
-- @module debrief.run.remote
local core = require "debrief.core"
local place = require "debrief.entry.place"
local jobs = require "debrief.run.job"

local remote = {}

local Remote = {}
Remote.__index = Remote

local function log_problem(p)
  core.log_text("error", p.plugin and ("plugin '%s', %s: %s"):format(p.plugin, p.hook, p.message) or p.message)
end

--- @param worker with the plugins of a query; the reader closes it
-- @param given what the first batch takes (debrief.run.entries), and on_problem = function(problem); without it
--   problems go where the host's messages go
function remote.reader(worker, given)
  local first = {}
  for key, value in pairs(given) do first[key] = value end
  first.on_problem = nil
  if first.follow ~= nil then first.wait = 0 end
  return setmetatable({ worker = worker, first = first, on_problem = given.on_problem or log_problem,
    following = first.follow ~= nil, list = {}, dropped = 0, texts = "", places = "", text = 1, place = 1,
    entries = 0 }, Remote)
end

-- The next batch. What a plugin did wrong goes to on_problem.
local function fetch(self, given)
  local answer, message = jobs.ask(self.worker, "entries", self.first or given)
  self.first = nil
  if not answer then answer = { failure = { message = message }, ended = true } end
  self.texts, self.places, self.text, self.place = answer.texts or "", answer.places or "", 1, 1
  self.ended, self.failure = answer.ended, answer.failure
  self.dropped = self.dropped + (answer.dropped or 0)
  for _, d in ipairs(answer.diagnostics or {}) do self.list[#self.list + 1] = d end
  for _, problem in ipairs(answer.problems or {}) do
    self.on_problem(problem)
  end
  for _, note in ipairs(answer.notes or {}) do self.on_problem { message = note, count = 1 } end
  self.is_empty = self.following and self.texts == ""
end

function Remote:next()
  while self.text > #self.texts do
    local failure = self.failure
    self.failure = nil
    if failure then return nil, failure end
    if self.ended or self.is_empty then
      self.is_empty = false
      return nil
    end
    fetch(self, { wait = 0 })
  end
  local stop = self.texts:find("\n", self.text, true)
  local text = self.texts:sub(self.text, stop - 1)
  local entry = assert(core.entry(text, true))
  local line, session, at = place.unpack(entry, self.places, self.place)
  self.text, self.place, self.entries = stop + 1, at, self.entries + 1
  return entry, line, session
end

--- Wait for the next entries of a follower, up to `ms`; nil for ever.
function Remote:wait(ms) fetch(self, { wait = ms }) end

--- Read what is left of a follower, then end.
function Remote:stop() fetch(self, { stop = true }) end

function Remote:diagnostics()
  local list, dropped = self.list, self.dropped
  self.list, self.dropped = {}, 0
  return list, dropped
end

function Remote:counts() return { entries = self.entries, untimed = 0, seen = {} } end

function Remote:close()
  if self.worker.keep then self.worker:keep() else self.worker:close() end
end

Remote.__close = Remote.close

return remote
