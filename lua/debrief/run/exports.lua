--- Rows of an export plugin inside a worker, some at a time.
--
--     export(entry, emit, ctx)      emit(row, once, text_of): rows with an equal `once` are written once, the first;
--                                   `once`, or its first item, is the prompt: each is in one part of a split only;
--                                   text_of(row) makes the text of a row, after credentials were taken out; without
--                                   it a row is a line of JSON
--                                   ctx.skip(reason): why a row was not made of something, counted
--                                   ctx.part: the part of the split that this session is in; ctx.state: its own table
--                                   ctx.summaries = true: the outputs in the rows are summaries
--
-- A session is in one part, the same every time: which one, its name alone decides.
-- @module debrief.run.exports
local core = require "debrief.core"

local escape = require "debrief.text.escape"

local exports = {}

local MOST_BYTES = 1 << 18 -- of one batch
local MOST_REASONS = 50 -- different ones that are counted apart

-- A number from 0 to 1 for a name, the same everywhere. The hash is mixed (the finalizer of MurmurHash3), for it keeps
-- near names together.
local function evenly(name)
  local h = tonumber(core.hash(name), 16)
  h = (h ~ (h >> 33)) * 0xff51afd7ed558ccd
  h = (h ~ (h >> 33)) * 0xc4ceb9fe1a85ec53
  return ((h ~ (h >> 33)) >> 11) / (1 << 53)
end

--- The part that a session is in.
-- @param parts array of { name =, share = of 1 }
function exports.part(parts, session)
  local place, sum = evenly(session), 0
  for _, part in ipairs(parts) do
    sum = sum + part.share
    if place < sum then return part.name end
  end
  return parts[#parts].name
end

--- Begin.
-- @param given { name = of the plugin, hook =, ctx =, pipeline =, reader =, redact = boolean, parts = array of parts }
function exports.new(given)
  local s = { rows = {}, bytes = 0, seen = {}, reasons = {}, reason_count = 0, reported = 0, entries = 0, made = 0 }
  for key, value in pairs(given) do s[key] = value end
  s.ctx.state = {}
  function s.ctx.skip(reason)
    reason = tostring(reason)
    local known = s.reasons[reason]
    if not known then
      if s.reason_count >= MOST_REASONS then reason = "other reasons" end
      s.reason_count = s.reason_count + 1
      known = s.reasons[reason] or { times = 0, entries = 0 }
      s.reasons[reason] = known
    end
    known.times = known.times + 1
    if known.last ~= s.entries then known.entries, known.last = known.entries + 1, s.entries end
  end
  return s
end

local function hash(value) return core.hash(type(value) == "string" and value or core.encode(value)) end

-- Why a row is not written again: one with an equal `once` is there, or its prompt is in another part. Credentials are
-- no difference.
local function repeated(s, once)
  if once == nil then return nil end
  if s.redact then once = core.redact(once) end
  local key = hash(once)
  if s.seen[key] then return "rows that are there already" end
  local prompt = #s.parts > 1 and "prompt " .. (type(once) == "table" and once[1] ~= nil and hash(once[1]) or key)
  if prompt and (s.seen[prompt] or s.ctx.part) ~= s.ctx.part then return "prompts that another part has" end
  s.seen[key] = true
  if prompt then s.seen[prompt] = s.ctx.part end
end

-- A text is shown on terminals, too, so nothing in it may move the cursor; CRLF is the line end of a CSV.
local function safe(text)
  if type(text) ~= "string" then error("the text of a row must be a string, not " .. core.type(text), 3) end
  local lines = (text .. "\r\n"):gsub("(.-)\r\n", function(line) return escape(line, "\n\t") .. "\r\n" end)
  lines = lines:sub(1, -3)
  return lines:sub(-1) == "\n" and lines or lines .. "\n"
end

local function emitter(s)
  return function(row, once, text_of)
    if core.type(row) ~= "object" then error("emit takes a table of columns, not " .. core.type(row), 2) end
    local why = repeated(s, once)
    if why then return s.ctx.skip(why) end
    if s.redact then row = core.redact(row) end
    local text = text_of and safe(text_of(row)) or core.encode(row) .. "\n"
    s.rows[#s.rows + 1] = { text, s.ctx.part }
    s.bytes, s.made = s.bytes + #text, s.made + 1
  end
end

local function export_entry(s, emit, entry, session, line)
  s.entries = s.entries + 1
  s.ctx.session, s.ctx.line, s.ctx.part = session, line, exports.part(s.parts, session)
  s.pipeline:call(s.name, "export", s.hook, entry, emit, s.ctx)
  return s.bytes < MOST_BYTES
end

--- Go on until there are rows enough.
-- @return { rows = array of { text with its line end, name of the part }, ended =, failures =, diagnostics =,
--   dropped =, problems = (new ones); at the end entries =, made = (rows), reasons = { reason -> {
--   times =, entries = how many it was said of } }, untimed =, summaries = are outputs summaries? }
function exports.run(s)
  s.rows, s.bytes = {}, 0
  local emit = emitter(s)
  local failures = s.pipeline:run(s.reader, function(...) return export_entry(s, emit, ...) end, false)
  local out = { rows = s.rows, ended = not s.pipeline.over, failures = failures, problems = {} }
  out.diagnostics, out.dropped = s.reader:diagnostics()
  table.move(s.pipeline.order, s.reported + 1, #s.pipeline.order, 1, out.problems)
  s.reported = #s.pipeline.order
  if out.ended then
    out.entries, out.made, out.reasons, out.summaries = s.entries, s.made, s.reasons, s.ctx.summaries
    out.untimed = s.reader:counts().untimed
    s.reader:close()
  end
  return out
end

return exports
