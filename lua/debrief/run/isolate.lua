--- Workers in separate processes, for plugins that are not trusted: the interface of core.worker, and the services that
-- an isolated worker cannot do itself, such as reading files.
--
-- Its requests are taken as hostile: it gets the sessions, or the file and its siblings, of the call that it is working
-- on, and nothing else; reports and entries are checked again when they arrive.
-- @module debrief.run.isolate
local core = require "debrief.core"
local readers = require "debrief.query.reader"
local rows = require "debrief.import.rows"
local siblings = require "debrief.import.siblings"
local served = require "debrief.run.served"
local values = require "debrief.import.values"

local isolate = {}

local SECONDS = 20 -- of silence, after which a process is ended: its own budgets end it long before
local FOREVER = 1 << 30

-- A hook may take ten times the time of plugins, and on a busy machine twice that passes meanwhile.
local function patience()
  local time = core.host().plugin_time
  return time and math.max(SECONDS, time * 20 // 1000) or FOREVER
end
local BATCH = 1 << 18 -- bytes of entries at once

local Isolated = {}
Isolated.__index = Isolated

--- @param query the plain query of the job, for readers
-- @param dir the folder of the log
-- @return a worker; or nil and a message that says which part of isolation is missing
function isolate.worker(query, dir)
  local raw, message = core.isolated(patience())
  if not raw then return nil, message end
  return setmetatable({ raw = raw, dir = dir, declared = {}, reading = { dir = dir, strict = query and query.strict,
    since = query and query.since, ["until"] = query and query["until"], gaps = query and query.gaps } }, Isolated)
end

-- ---- What it may ask for -------------------------------------------------------------------------------------------

local serve = {}

-- The sessions of this call, a batch at a time; the first request opens them.
function serve.entries(self)
  self.reader = self.reader or readers.sessions(self.given.sessions or {}, self.reading)
  local reader, out = self.reader, {}
  out.texts, out.places, out.failure, out.ended = reader:batch(BATCH)
  out.diagnostics, out.dropped = reader:diagnostics()
  local counts = reader:counts()
  out.entries, out.untimed, out.seen = counts.entries, counts.untimed, counts.seen
  out.paths = {}
  for _, item in ipairs(self.given.sessions or {}) do out.paths[item.session] = item.path end
  return out
end

-- The files beside the one of this call that its plugin declared before it saw any.
local function siblings_of(self)
  local path, patterns = self.given.path, self.declared[self.given.name]
  if type(path) ~= "string" or not patterns then return {} end
  if not self.found then
    self.found, self.may_read = siblings.of(path, patterns), {}
    for _, one in ipairs(self.found) do self.may_read[one.path] = true end
  end
  return self.found
end

-- May it read this file: the one of this call, or one of its siblings?
local function allowed(self, path)
  if type(path) ~= "string" then return false end
  if path == self.given.path or path == self.given.at then return true end
  siblings_of(self)
  return self.may_read[path] == true
end

-- Lines or values of a foreign log, a batch at a time.
local function serve_batch(self, request, key, open)
  if not allowed(self, request.path) then return { failure = { message = "this file is not the import's" } } end
  local source = self.sources[key]
  if not source then
    local reader, message = open()
    if not reader then return { failure = { message = message } } end
    source = reader
    self.sources[key] = source
  end
  local texts, places, ended, _, message = source:batch(BATCH, "")
  local out = { texts = texts, places = places, ended = ended, failure = message and { message = message } }
  out.diagnostics, out.dropped = source:diagnostics()
  if ended then
    source:close()
    self.sources[key] = nil
  end
  return out
end

function serve.lines(self, request)
  return serve_batch(self, request, request.path, function() return core.reader(request.path, { foreign = true }) end)
end

function serve.values(self, request)
  local member = type(request.member) == "string" and request.member or nil
  return serve_batch(self, request, ("%s\0%s"):format(request.path, member), function()
    return values.reader(values.of_file(request.path), member)
  end)
end

local function serve_text(self, request, read)
  if not allowed(self, request.path) then return { message = "this file is not the import's" } end
  local text, message = read()
  return { text = text, message = message }
end

function serve.document(self, request)
  if not allowed(self, request.path) then return { message = "this file is not the import's" } end
  return values.of_file(request.path):document(type(request.left_out) == "table" and request.left_out or {})
end

-- The program that reads a database runs here, with words that the plugin cannot choose.
function serve.rows(self, request)
  return serve_text(self, request, function() return rows.read(request.path, request.query) end)
end

function serve.slurp(self, request)
  return serve_text(self, request, function() return core.slurp(request.path, request.most) end)
end

function serve.siblings(self) return siblings_of(self) end

-- ---- What it answers -----------------------------------------------------------------------------------------------

local check = {}

-- Reports come as the plugins returned them, and are checked here, where they are shown.
function check.finish(_, answer)
  local report = require "debrief.report"
  for i, one in ipairs(answer.reports) do
    local name = one and type(one.plugin) == "string" and one.plugin or "isolated"
    local checked, message
    if one then checked, message = report.check(served.unpack_null(one.value), name) end
    if checked then checked.incomplete = math.type(one.incomplete) == "integer" and one.incomplete or nil end
    if message then
      answer.problems[#answer.problems + 1] = { plugin = name, hook = "finish", message = message, count = 1 }
    end
    answer.reports[i] = checked and report.copy(checked) or false
  end
  return answer
end

-- What each plugin may read beside a file is known from here on.
function check.setup(self, answer)
  for name, about in pairs(type(answer.plugins) == "table" and answer.plugins or {}) do
    local list = type(about) == "table" and about.siblings
    self.declared[name] = type(list) == "table" and siblings.check(list, name) and list or nil
  end
  return answer
end

local function texts(list)
  local out = {}
  for i, text in ipairs(type(list) == "table" and list or {}) do out[i] = tostring(text) end
  return out
end

local function integer(value) return math.type(value) == "integer" and value or 0 end

local function diagnostics(list)
  local out = {}
  for i, d in ipairs(type(list) == "table" and list or {}) do
    d = type(d) == "table" and d or {}
    out[i] = { path = tostring(d.path), line = integer(d.line), offset = integer(d.offset), kind = tostring(d.kind),
      message = tostring(d.message), excerpt = tostring(d.excerpt), damage = d.damage == true,
      by_emit = d.by_emit == true, more = math.type(d.more) == "integer" and math.max(0, d.more) or nil }
  end
  return out
end

-- What an isolated importer emitted is stored by its caller, which gets nothing but texts and counts. Lines are checked
-- when they are stored.
function check.import(self, answer)
  local entries = {}
  for i, one in ipairs(type(answer.entries) == "table" and answer.entries or {}) do
    one = type(one) == "table" and one or {}
    entries[i] = { session = tostring(one.session), lines = texts(one.lines), keys = texts(one.keys),
      places = self.given.places and texts(one.places) or nil }
    local places = entries[i].places or entries[i].keys
    if #entries[i].lines ~= #entries[i].keys or #places ~= #entries[i].keys then return nil, "its answer is damaged" end
  end
  answer.entries, answer.withheld = entries, texts(answer.withheld)
  for _, key in ipairs { "refused", "before", "dropped" } do answer[key] = integer(answer[key]) end
  answer.diagnostics = diagnostics(answer.diagnostics)
  answer.read = type(answer.read) == "table" and answer.read or {}
  return answer
end

--- Call a function of the worker, as core.worker does.
-- @return packed; or nil and a message
function Isolated:call(name, packed)
  self.given, self.sources, self.found, self.may_read = core.unpack(packed), {}, nil, {}
  local ok, answer, message = pcall(self.raw.call, self.raw, name, packed, function(request)
    local asked = core.unpack(request)
    local one = type(asked) == "table" and serve[asked.what]
    return core.pack(one and one(self, asked) or {})
  end)
  if not ok then answer, message = nil, answer end
  if self.reader then self.reader:close() end
  self.reader = nil
  for _, source in pairs(self.sources) do source:close() end
  if not answer then return nil, "isolated plugin: " .. message end
  if not check[name] then return answer end
  local value
  value, message = check[name](self, core.unpack(answer))
  if not value then return nil, "isolated plugin: " .. message end
  return core.pack(value)
end

function Isolated:close()
  self.raw:close()
  if self.reading.log then self.reading.log:close() end
  self.reading.log = nil
end

Isolated.__close = Isolated.close

return isolate
