--- The chunks of a job on the queue, and the answers of workers: what core.crew makes, over other machines.
-- @module debrief.work.crew
local abandoned = require "debrief.work.abandoned"
local core = require "debrief.core"
local result = require "debrief.work.result"
local values = require "debrief.text.values"
local wire = require "debrief.work.wire"

local crew = {}

local SECOND, MS = 1000000000, 1000000
local SILENCE = 3 * SECOND -- without an answer to announcements, after which a worker is gone
local READING = 600 * SECOND -- a worker that brings its copy of the log up to date says nothing for so long
local FAILURES = 3 -- of a chunk, after which it is given up
local ROUND = SECOND // 5 -- for which one kind of message is looked at, however many there are
local MOST = 4096 -- workers that are known at a time
local NOTES = 20 -- of trouble that are shown
local PIECES = 1 << 20 -- of an answer
local TEXT = 2000 -- bytes of what a worker says to people

local Crew = {}
Crew.__index = Crew

-- ---- The job -------------------------------------------------------------------------------------------------------

-- The servers forget a consumer that nobody uses, and everything after a day; see debrief.work.abandoned, too.
local function remind(self)
  self.reminded = core.now()
  if self.queue:next(self.name .. ".job.1", 1) == false then
    return nil, "the job is not on the queue any more: it was there for a day, or this process did not run for an "
      .. "hour; ask again"
  end
  self.queue:offer(self.name, wire.PATIENCE)
  return true
end

local function announce(self)
  self.said = core.now()
  if self.said - self.reminded > wire.REMIND * SECOND then
    local ok, message = remind(self)
    if not ok then return nil, message end
  end
  return self.queue:say("job", self.announcement)
end

-- The streams of the queue are made by the first who needs them, if `debrief init` has not.
local function offer(self)
  local ok, message = self.queue:offer(self.name, wire.PATIENCE)
  if ok or not message:find("there is no stream", 1, true) then return ok, message end
  ok, message = self.queue:make()
  if not ok then return nil, message end
  return self.queue:offer(self.name, wire.PATIENCE)
end

local function put_chunk(self, n, packed)
  local text = "C" .. packed
  if #text > self.queue:room() then
    local pieces, message = wire.put(self.queue, packed, function(i) return ("%s.in.%d.%d"):format(self.name, n, i) end)
    if not pieces then return nil, message end
    text = "P" .. pieces
  end
  local key = ("%s.%d"):format(self.name, n)
  return self.queue:put("work", key, text, key)
end

-- Should a worker bring the whole log, rather than the sessions of its chunks one by one? That takes longer for small
-- ones.
local function is_whole(chunks)
  local sessions, bytes = 0, 0
  for _, chunk in ipairs(chunks) do sessions, bytes = sessions + #chunk.sessions, bytes + chunk.bytes end
  return bytes < sessions * wire.SMALL
end

-- Nothing of a path of this machine: the worker has its own folder, in which the session must begin as here.
local function portable(self, packed)
  local chunk = core.unpack(packed)
  for _, item in ipairs(chunk.sessions) do
    item.head, item.head_size = wire.head(self.log, item.session)
    item.path = nil
  end
  return core.pack(chunk)
end

local function begin(self, given)
  local zone, zone_name = wire.zone()
  local ok, message = offer(self)
  if not ok then return nil, message end
  local job, plugins = {}, {}
  for key, value in pairs(given.job) do job[key] = value end
  for i, plugin in ipairs(job.plugins) do
    plugins[i] = { name = plugin.name, path = plugin.path, text = plugin.text, options = plugin.options,
      allow = plugin.allow, shown = false, hash = core.hash(plugin.text) }
  end
  job.plugins = plugins
  local text = core.pack { job = job, dir = given.job.dir, zone = zone, zone_name = zone_name,
    limits = wire.limits(), patience = wire.PATIENCE, whole = is_whole(given.chunks) }
  local pieces
  pieces, message = wire.put(self.queue, text, function(i) return ("%s.job.%d"):format(self.name, i) end)
  if not pieces then return nil, message end
  self.announcement = core.encode { job = self.name, pieces = pieces, wire = wire.VERSION, version = core.version }
  ok, message = self.queue:listen("to." .. self.name)
  if not ok then return nil, message end
  self.watch = abandoned.watch(self.queue, self.name)
  return announce(self)
end

--- Put a job on the queue.
-- @param given { address =, options = of core.queue, job = plain, chunks = of debrief.retro.chunks, note =
--   function(text) for what is unusual }
-- @return a crew, and what takes the job off the queue again when it is closed; or nil and a message
function crew.new(given)
  local queue, message = core.queue(given.address, given.options or {})
  if not queue then return nil, message end
  local self = setmetatable({ queue = queue, log = assert(core.log(given.job.dir)), name = wire.name(), at = 0,
    count = 0, note = given.note,
    begun = core.now(), reminded = core.now(), workers = {}, refusals = {}, notes = 0, told = {}, met = {},
    retros = #given.job.retro }, Crew)
  local ok
  ok, message = begin(self, given)
  if not ok then
    queue:close()
    return nil, message
  end
  return self, queue
end

--- Put the chunks on the queue.
function Crew:start(_, list)
  for n, packed in ipairs(list) do
    local ok, message = put_chunk(self, n, portable(self, packed))
    if not ok then
      self.broken = message
      return
    end
    if core.now() - self.said > SECOND then announce(self) end
  end
  self.count = #list
end

-- ---- Workers -------------------------------------------------------------------------------------------------------

-- Texts of workers, for people.
local function shown(said, text)
  local host = type(said.host) == "string" and said.host:sub(1, 64) or "?"
  return ("%s: %s"):format(host, type(text) == "string" and text:sub(1, TEXT) or "?")
end

local function note_trouble(self, text)
  if self.told[text] or self.notes == NOTES then return end
  self.told[text], self.notes = true, self.notes + 1
  self.note(text)
end

local function is_known(self, name) return self.workers[name] ~= nil or self.refusals[name] ~= nil end

local function count_known(self)
  local count = 0
  for _, list in ipairs { self.workers, self.refusals } do
    for _ in pairs(list) do count = count + 1 end
  end
  return count
end

-- Anyone may answer, by any number of names.
local function note_answer(self, text)
  local said = wire.decode(text)
  if not (said and wire.is_name(said.worker)) then return end
  if not is_known(self, said.worker) then
    self.full = self.full or count_known(self) >= MOST
    if self.full then return end
  end
  if said.trouble then
    note_trouble(self, shown(said, said.trouble))
  elseif said.refusal then
    self.refused_at = next(self.refusals) and self.refused_at or core.now()
    self.refusals[said.worker] = shown(said, said.refusal)
    self.workers[said.worker], self.met[said.worker] = nil, nil
  else
    self.workers[said.worker], self.met[said.worker] = core.now() + (said.reading and READING or 0), true
    self.refusals[said.worker] = nil
  end
end

-- One refusal, for people: the first by name, so that it is the same each time.
local function refused(self)
  local list = {}
  for _, text in pairs(self.refusals) do list[#list + 1] = text end
  table.sort(list)
  local more = #list > 1 and (" (and %d more)"):format(#list - 1) or ""
  return list[1] and list[1] .. more
end

local function is_anyone_there(self)
  local now = core.now()
  if self.fed and now - self.fed < SILENCE then return true end
  for name, seen in pairs(self.workers) do
    if now - seen < SILENCE then return true end
    self.workers[name], self.full = nil, false
  end
  return false
end

-- Nobody has answered for a while: say so once. Raises nothing; returns what ends the waiting: all refuse, for a while,
-- too, since a worker that heard something wrong of the job looks again.
local function look_after(self)
  local now, alone = core.now(), wire.ALONE * MS
  if now - self.begun < alone or is_anyone_there(self) then
    self.lonely = self.lonely and not next(self.workers)
    return nil
  end
  local why = refused(self)
  if why and not next(self.met) then
    return now - self.refused_at > alone and "no worker takes this job: " .. why or nil
  end
  if self.lonely then return nil end
  self.lonely = true
  self.note(("no worker answers: `debrief work %s` starts one, on any machine; waiting"):format(self.queue:shown()))
end

-- ---- Answers -------------------------------------------------------------------------------------------------------

-- The text of an answer whose pieces are all there.
local function whole(self, attempt, list)
  local texts = {}
  for i = 1, list.pieces do
    local key = ("%s.out.%d.%s.%d.%d"):format(self.name, self.at, attempt, i, list.pieces)
    local data, message = self.queue:next(key, list[i])
    if not data then return nil, message or "an answer has gone while it was read" end
    texts[i] = data
  end
  return table.concat(texts)
end

-- Note a piece. Returns the answer once it is whole; false until then; nil, message. Of one in several pieces only the
-- places are kept, for anyone may answer, with any number of pieces.
local function note_piece(self, data, sequence, key)
  local attempt, i, pieces = key:match "%.out%.%d+%.(%x+%-%d+)%.(%d+)%.(%d+)$"
  i, pieces = math.tointeger(tonumber(i)), math.tointeger(tonumber(pieces))
  if not (attempt and i and pieces and i >= 1 and i <= pieces and pieces <= PIECES) then return false end
  if pieces == 1 then return data end
  local list = self.parts[attempt] or { count = 0, pieces = pieces }
  self.parts[attempt] = list
  if list.pieces ~= pieces or list[i] then return false end
  list[i], list.count = sequence, list.count + 1
  return list.count == pieces and whole(self, attempt, list)
end

-- Look for an answer to the chunk that is next. Returns it as it was put; false: there is none yet; nil, message.
local function collect(self)
  local key, ends = ("%s.out.%d.>"):format(self.name, self.at), core.now() + ROUND
  repeat
    local data, sequence, found = self.queue:next(key, self.sequence)
    if data == nil then return nil, sequence end
    self.more = data ~= false
    if not data then return false end
    self.sequence = sequence + 1
    local answer, message = note_piece(self, data, sequence, found)
    if answer or answer == nil then return answer, message end
  until core.now() > ends
  return false
end

-- An answer as what `take` returns; nothing: go on. After a failure the chunk goes to a worker again; one that was
-- answered with nonsense is off the queue already.
local function judge(self, answer)
  local kind, text = answer:sub(1, 1), answer:sub(2)
  local fine = kind == "R" and result.is(wire.unpack(text), self.retros)
  if fine then return text end
  self.failed = self.failed + 1
  if kind == "F" and self.failed < FAILURES then return nil end
  self.queue:purge("work", ("%s.%d"):format(self.name, self.at))
  return false, kind == "F" and text:sub(1, TEXT) or "the answer of a worker is damaged"
end

-- After a while in which nothing was announced, because servers were away, the silence is no worker's.
local function forgive(self)
  local now = core.now()
  if now - self.said < 2 * SECOND then return end
  for name, seen in pairs(self.workers) do self.workers[name] = math.max(seen, now) end
end

local function end_watch(self)
  local count = self.watch:remove()
  self.watch = nil
  if count == 0 then return end
  self.note(("took %s off the queue that nobody had waited for in an hour"):format(values.count(count, "job")))
end

local function listen(self, ms)
  local text, message, key = self.queue:hear(ms)
  local ends = core.now() + ROUND
  while text do
    if key ~= "p.job" then note_answer(self, text)
    elseif self.watch then self.watch:hear(text) end
    if core.now() > ends then break end
    text, message, key = self.queue:hear(0)
  end
  return text, message
end

-- Listen until something may have changed.
local function wait(self)
  forgive(self)
  local text, message = listen(self, self.more and 0 or 200)
  if self.watch and self.watch:is_over() then end_watch(self) end
  if text == nil then return message end
  if core.now() - self.said > SECOND then
    local ok
    ok, message = announce(self)
    if not ok then return message end
  end
  return look_after(self)
end

--- The result of the next chunk, in the order of the list.
-- @return packed; false and why, for a chunk that workers could not do; nil and a message; or nothing: that was all
function Crew:take()
  if self.broken then return nil, self.broken end
  if self.at == self.count then return nil end
  self.at, self.parts, self.sequence, self.failed = self.at + 1, {}, 1, 0
  while true do
    local answer, message = collect(self)
    if answer == nil then return nil, message end
    if answer then
      self.fed = core.now()
      local packed, reason = judge(self, answer)
      if packed ~= nil then return packed, reason end
    else
      message = wait(self)
      if message then return nil, message end
    end
  end
end

--- Take the job off the queue.
function Crew:close()
  self.log:close()
  self.queue:close()
end

return crew
