--- A worker: takes chunks of the jobs that are announced, one job at a time, and answers them.
--
--     announced -> refused, or taken -> the folder is brought up to date -> chunks, as many at once as
--     there are slots, each renewed while it runs -> answer kept -> acknowledged
--
-- Everything happens in `step`, on the caller's thread; the chunks run on those of a crew.
-- @module debrief.work.serve
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local refusal = require "debrief.work.refusal"
local wire = require "debrief.work.wire"

local serve = {}

local SECOND, MS = 1000000000, 1000000
local SILENCE = 5 * SECOND -- without an announcement, after which a job is over
local LONGEST = 600 * SECOND -- of a chunk; then another worker gets it
local ASK = 1000 -- ms that a request for work stays open
local DELIVERIES = 10 -- of a chunk; workers have died of it, one after the other
local LOAD = 200 -- ms that are spent on bringing sessions in one round
local ROUND = SECOND // 10 -- for which messages are looked at in one round, however many there are
local LOOK = SECOND // 5 -- between two looks at the queue for which jobs are there
local RUMOURS = 64 -- jobs that were announced and not looked for yet
local PAUSE = 10 * SECOND -- until a job that this machine could not do is tried again
local AGAIN = '-NAK {"delay":500000000}' -- ns

local Worker = {}
Worker.__index = Worker

--- @param given { queue = of core.queue, slots = how many chunks at once, allow = array of "plugin:right", folder =
--   function() -> a folder with everything that is stored by now; or nil, message, note = function(text) }
-- @return a worker; or nil and a message
function serve.new(given)
  local self = setmetatable({ queue = given.queue, slots = given.slots, allow = given.allow, folder = given.folder,
    note = given.note, name = wire.name(), host = wire.host(), limits = wire.limits(), known = {}, flights = {},
    loading = {}, under_way = 0, asked = {}, attempts = 0, offered = {}, looked = 0, rumours = {},
    rumoured = 0, done = 0, failed = 0, bytes = 0, begun = core.now(), recent = {} }, Worker)
  for _, key in ipairs { "job", "over", "status" } do
    local ok, message = self.queue:listen(key)
    if not ok then return nil, message end
  end
  return self
end

local function say(self, to, what)
  what.worker, what.host = self.name, self.host
  return self.queue:say("to." .. to, core.encode(what))
end

-- ---- Jobs ----------------------------------------------------------------------------------------------------------

-- Read what was announced. Sets why it is refused.
local function load_job(self, job, said)
  job.loaded, job.given = core.now(), nil
  job.refusal = refusal.of_version(said)
  if job.refusal then return end
  local text, message = wire.get(self.queue, job.name .. ".job.", math.tointeger(said.pieces) or 0)
  if not text then
    job.refusal, job.text = message, nil -- and the next announcement is another try
    return
  end
  job.given = wire.unpack(text)
  job.refusal = refusal.of_job(job.given, self.allow, self.limits)
end

-- A job on the queue was announced. Others may have announced it before, and not as it is.
local function heard(self, name, text)
  local job = self.known[name] or { name = name, since = core.now() }
  local again = job.refusal and job.text ~= text and core.now() - job.loaded > SECOND
  job.heard = core.now()
  if not self.known[name] or again then
    self.known[name], job.text = job, text
    load_job(self, job, wire.decode(text))
    if job.refusal then self.note("job refused: " .. job.refusal) end
  end
  say(self, name, { refusal = job.refusal or job.broken })
end

local function forget(self, name)
  self.known[name], self.offered[name] = nil, nil
  if self.current and self.current.name == name then self.current.over = true end
end

-- Look which jobs are on the queue. Anyone may announce jobs, by the thousand, and say that one is over; to put one
-- there is a right.
local function look(self)
  local text, message = self.queue:jobs()
  self.looked = core.now()
  if not text then return self.note(message) end
  self.offered = {}
  for name in text:gmatch "(%S+) %d+ %d+\n" do self.offered[name] = true end
  for name, job in pairs(self.known) do
    if job.doubted and not self.offered[name] then forget(self, name) end
    job.doubted = false
  end
  local rumours = self.rumours
  self.rumours, self.rumoured = {}, 0
  for name, said in pairs(rumours) do
    if self.offered[name] then heard(self, name, said) end
  end
end

local function is_in_doubt(self)
  for _, job in pairs(self.known) do
    if job.doubted then return true end
  end
  return next(self.rumours) ~= nil
end

local hear = {}

function hear.job(self, text)
  local said = wire.decode(text)
  local name = said and said.job
  if not wire.is_name(name) then return end
  if self.known[name] or self.offered[name] then return heard(self, name, text) end
  if self.rumours[name] or self.rumoured == RUMOURS then return end
  self.rumours[name], self.rumoured = text, self.rumoured + 1
end

function hear.over(self, name)
  if self.known[name] then self.known[name].doubted = true end
end

-- Chunks and bytes of the last minute.
local function rate(self)
  local first, chunks, bytes = core.now() - 60 * SECOND, 0, 0
  local kept = {}
  for _, one in ipairs(self.recent) do
    if one.at >= first then kept[#kept + 1], chunks, bytes = one, chunks + 1, bytes + one.bytes end
  end
  self.recent = kept
  return chunks, bytes
end

function hear.status(self, text)
  if not wire.is_name(text) then return end
  local chunks, bytes = rate(self)
  say(self, text, { version = core.version, slots = self.slots, busy = self.under_way + #self.loading, done = self.done,
    failed = self.failed, bytes = self.bytes, seconds = (core.now() - self.begun) // SECOND, chunks_minute = chunks,
    bytes_minute = bytes, job = self.current and self.current.name or nil })
end

-- ---- The current job -----------------------------------------------------------------------------------------------

local function drop_crew(self)
  if self.crew then self.crew:close() end
  self.crew, self.dirty = nil, false
end

local function end_job(self)
  drop_crew(self)
  self.current, self.flights, self.loading, self.under_way, self.asked = nil, {}, {}, 0, {}
end

-- Give back what is under way.
local function give_back(self, how)
  for _, list in ipairs { self.flights, self.loading } do
    for _, flight in pairs(list) do self.queue:answer(flight.reply, how) end
  end
end

-- A crew with the plugins of the job, in this worker's folder.
local function new_crew(self)
  local part = {}
  for key, value in pairs(self.current.given.job) do part[key] = value end
  part.dir = self.current.dir
  self.crew = core.crew(self.slots, core.pack(part))
  self.crew:start("chunk", {}, true, true)
end

-- The job that was announced first, and that is not refused; any other than `but` if there is one.
local function choose(self, but)
  local best
  for _, job in pairs(self.known) do
    local can = not job.refusal and job ~= but and not (job.broken and core.now() < job.again)
    if can and (not best or job.since < best.since) then best = job end
  end
  return best
end

-- Leave a job that this machine cannot do now, to others. It is tried again after a while.
local function give_up(self, job, message)
  job.broken, job.again = message, core.now() + PAUSE
  self.note(message)
  say(self, job.name, { refusal = message })
end

local function take_job(self, job)
  end_job(self)
  job.broken = nil
  say(self, job.name, { reading = true })
  local dir, message
  if job.given.whole then dir, message = self.folder() else dir, message = self.queue:folder() end
  if not dir then return give_up(self, job, message) end
  self.current, job.dir, job.fed = job, dir, core.now()
  say(self, job.name, {})
  core.limit { plugin_time = job.given.limits.time, plugin_memory = job.given.limits.memory }
end

-- ---- Chunks --------------------------------------------------------------------------------------------------------

-- A chunk as it was sent; nil when it is damaged.
local function chunk_of(text)
  local chunk = wire.unpack(text)
  for _, item in ipairs(chunk and type(chunk.sessions) == "table" and chunk.sessions or {}) do
    local id = type(item) == "table" and item.session
    if type(id) ~= "string" or not core.session_id_valid(id) then return nil end
  end
  return chunk
end

-- How many bytes of its session an item needs.
local function needs(item)
  local last = item.part and math.tointeger(item.part[2]) or 0
  return last > 0 and last or math.tointeger(item.size) or 0
end

-- The items are those of this worker's folder from here on. A session may have grown since; one that is shorter is not
-- the one that is meant.
local function place(self, chunk)
  local dir, log <close> = self.current.dir, assert(core.log(self.current.dir))
  for _, item in ipairs(chunk.sessions) do
    item.path, item.is_path = ("%s/%s.jsonl"):format(dir, item.session), false
    local here = log:find(item.session)
    local size, known = needs(item), here and here.size or 0
    if known < size then
      return nil, ("session %s has %d bytes here, and %d where the question was asked: is it the same log?"):format(
        item.session, known, size)
    end
    local asked = math.tointeger(item.head_size)
    if asked and wire.head(log, item.session, asked) ~= item.head then
      return nil, ("session %s does not begin as where the question was asked: its oldest entries went meanwhile "
        .. "(--max-age); ask again"):format(item.session)
    end
    local part = item.part or { 0, 0, 1 }
    if known > size and part[2] == 0 then item.part = { part[1], size, part[3] } end
  end
  return true
end

local function text_of(self, n, message)
  local kind, rest = message:sub(1, 1), message:sub(2)
  if kind == "C" then return rest end
  local pieces = kind == "P" and math.tointeger(tonumber(rest))
  if not pieces then return nil, "the chunk is damaged" end
  return wire.get(self.queue, ("%s.in.%d."):format(self.current.name, n), pieces)
end

-- Texts of a result with this worker's folder in them get the folder of the one who asked instead.
local function moved(value, from, to)
  if type(value) == "string" then
    local at = value:find(from, 1, true)
    return at and value:sub(1, at - 1) .. to .. moved(value:sub(at + #from), from, to) or value
  end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, part in pairs(value) do out[moved(key, from, to)] = moved(part, from, to) end
  return out
end

local function portable(self, packed)
  local from, to = self.current.dir, self.current.given.dir
  if from == to or not packed:find(from, 1, true) then return packed end
  local result = core.unpack(packed)
  for _, name in ipairs { "diagnostics", "failures", "problems", "seen" } do
    result[name] = moved(result[name], from, to)
  end
  return core.pack(result)
end

-- Keep the answer, then acknowledge the chunk or give it back. A job that is over has taken off the queue what it had
-- there; nobody would read an answer, or remove it.
local function answer(self, flight, text, how)
  if self.current.doubted then look(self) end
  if self.current.over then return end
  self.attempts = self.attempts + 1
  local attempt = self.attempts
  local ok, message = wire.put(self.queue, text, function(i, pieces)
    return ("%s.out.%d.%s-%d.%d.%d"):format(self.current.name, flight.n, self.name, attempt, i, pieces)
  end)
  if not ok then
    self.note(message)
    say(self, self.current.name, { trouble = message })
    how = AGAIN
  end
  self.queue:answer(flight.reply, how)
  say(self, self.current.name, { done = flight.n })
end

local function fail(self, flight, message)
  self.failed = self.failed + 1
  answer(self, flight, ("F%s (%s)"):format(message, self.host), AGAIN)
end

-- Give a chunk to the crew.
local function run(self, flight)
  local ok, why = place(self, flight.chunk)
  if not ok then return fail(self, flight, why) end
  if not self.crew then new_crew(self) end
  self.flights[self.crew:add(core.pack(flight.chunk))] = flight
  self.under_way, flight.chunk = self.under_way + 1, nil
end

-- A chunk has come.
local function begin(self, n, message, deliveries, reply)
  local flight = { n = n, reply = reply, begun = core.now(), renewed = core.now() }
  if deliveries > DELIVERIES then
    for _ = 1, 3 do
      answer(self, flight, ("F%d workers took it and neither answered nor gave it back"):format(deliveries - 1), "+ACK")
    end
    return
  end
  local text, why = text_of(self, n, message)
  flight.chunk = text and chunk_of(text)
  if not flight.chunk then return fail(self, flight, why or "the chunk is damaged") end
  flight.bytes = math.tointeger(flight.chunk.bytes) or 0
  if self.current.given.whole then run(self, flight) else table.insert(self.loading, flight) end
end

-- No session can be brought: that is not for want of the chunk.
local function leave_job(self, message)
  local job = self.current
  give_back(self, AGAIN)
  end_job(self)
  give_up(self, job, message)
end

-- Bring the next sessions of chunks that wait for them, for a while.
local function load(self)
  local flight = self.loading[1]
  if not flight then return end
  flight.at = flight.at or 1
  while flight.chunk.sessions[flight.at] do
    local item = flight.chunk.sessions[flight.at]
    local size, message = 0, nil
    if not item.old then size, message = self.queue:bring(item.session, needs(item), LOAD) end
    if size == false then return end
    if not size then return leave_job(self, message) end
    flight.at = flight.at + 1
  end
  table.remove(self.loading, 1)
  run(self, flight)
end

local function end_flight(self, number, packed, message)
  local flight = self.flights[number]
  self.flights[number], self.under_way = nil, self.under_way - 1
  if not packed then
    self.dirty = true -- the state may have been left half-way
    return fail(self, flight, jobs.explained(message))
  end
  self.done, self.bytes = self.done + 1, self.bytes + flight.bytes
  self.recent[#self.recent + 1] = { at = core.now(), bytes = flight.bytes }
  answer(self, flight, "R" .. portable(self, packed), "+ACK")
end

local function renew(self)
  local now, often = core.now(), self.current.given.patience * MS // 4
  for _, list in ipairs { self.flights, self.loading } do
    for _, flight in pairs(list) do
      if now - flight.renewed >= often and now - flight.begun < LONGEST then
        self.queue:answer(flight.reply, "+WPI")
        flight.renewed = now
      end
    end
  end
end

-- Take what is done; waits for it up to `ms`.
local function gather(self, ms)
  local any = false
  while self.under_way > 0 do
    local number, packed, message = self.crew:done(any and 0 or ms)
    if not number then return any end
    any = true
    end_flight(self, number, packed, message)
  end
  if self.dirty then drop_crew(self) end
  return any
end

-- Ask for as many chunks as there are slots for them.
local function ask(self)
  local now, open = core.now(), {}
  for _, until_when in ipairs(self.asked) do
    if until_when > now then open[#open + 1] = until_when end
  end
  self.asked = open
  if self.dirty then return end
  for _ = self.under_way + #self.loading + #open + 1, self.slots do
    self.queue:ask(self.current.name, ASK)
    open[#open + 1] = now + (ASK + 200) * MS
  end
end

-- ---- One round -----------------------------------------------------------------------------------------------------

local function handle(self, data, deliveries, key, reply)
  local job, n = key:match "^w%.(%x+)%.(%d+)$"
  if job then
    if not (self.current and self.current.name == job) then
      self.queue:answer(reply, "-NAK")
      return
    end
    table.remove(self.asked, 1)
    self.current.fed = core.now()
    begin(self, math.tointeger(tonumber(n)), data, deliveries, reply)
    return
  end
  local what = hear[key:match "^p%.(%a+)$" or ""]
  if what then what(self, data) end
end

local function listen(self, ms)
  local data, deliveries, key, reply = self.queue:hear(ms)
  local ends = core.now() + ROUND
  while data do
    handle(self, data, deliveries, key, reply)
    if core.now() > ends then return end
    data, deliveries, key, reply = self.queue:hear(0)
  end
  if data == nil then self.note(deliveries) end
end

-- Jobs that nobody announces any more are over.
local function sweep(self)
  local now = core.now()
  for name, job in pairs(self.known) do
    if now - job.heard > SILENCE then forget(self, name) end
  end
  if now - self.looked > LOOK and is_in_doubt(self) then look(self) end
  if self.current and self.current.over then end_job(self) end
end

--- One round: listens, runs, answers. Returns within about a second.
function Worker:step()
  sweep(self)
  local idle = self.under_way == 0 and #self.loading == 0
  if idle then
    local starved = self.current and core.now() - self.current.fed > 2 * SECOND
    local other = (not self.current or starved) and choose(self, self.current)
    if other then take_job(self, other) end
  end
  if not self.current then return listen(self, is_in_doubt(self) and 50 or 500) end
  ask(self)
  listen(self, idle and 200 or 0)
  if not self.current then return end
  load(self)
  if not self.current then return end
  gather(self, self.loading[1] and 0 or 10)
  renew(self)
end

--- Give back what is under way, at once.
function Worker:leave()
  give_back(self, "-NAK")
  end_job(self)
end

return serve
