local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local progress = require "debrief.cli.progress"
local messages = require "debrief.cli.messages"
local words = require "debrief.cli.entry_words"

local append = {
  epilog = [[
Entries are JSON objects, one per line, from FILEs or standard input; or one entry is made of KEY=VALUE words:
  debrief append s1 skill=review final_status=ok input:='{"pr":7}' \
    --attempt 'model=m verified=true'
KEY=VALUE is text, or a number if the field is one; KEY:=JSON is any JSON.
@FILE as a value is what is in the file, @- standard input; '@…' itself is
KEY:='"@…"'. With - for SESSION each entry goes to its own session_id.
All or nothing: if one line is bad, it is reported and nothing is stored.
The exit status is 0 if and only if everything was stored.]],
}

local MOST = 512 << 20 -- bytes that are kept in memory until all is checked
local BATCH = 8 << 20 -- bytes that --stream stores at once

function append.options(command)
  command:argument "SESSION":target "id":argname "SESSION"
    :description "The session's id; - for the session_id of each entry."
  command:argument "FILE | KEY=VALUE":target "words":args "*":argname "FILE | KEY=VALUE"
    :description "Files of entries, or the fields of one entry (default: standard input)."
  command:option "--attempt":argname "WORDS":count "*":description "An attempt of the entry: KEY=VALUE words in quotes."
  command:option "--attempt-json":argname "JSON":target "attempt":count "*"
    :action(function(args, target, text)
      args[target] = args[target] or {}
      table.insert(args[target], { json = text })
    end):description "The same as JSON; @FILE reads it from a file."
  command:flag "--sparse":description "Write only the fields that are given, and the timestamp: nothing is claimed."
  command:flag "--sync":description "Return only once the entries would survive a power cut."
  command:flag "--stream":description "Store entries as they arrive, at each pause, instead of all or nothing."
  command:option "--spool":argname "DIR"
    :description "Keep the entries in this folder, and bring them to the stream from there, now or by `forward`."
  command:option "--enrich":argname "PLUGIN":count "*":description "Run this plugin's enrich; what it adds is stored."
  command:option "--opt":argname "KEY=VALUE":count "*":description "An option of a plugin: plugin.key=value."
  arguments.run_options(command)
  arguments.isolate_option(command)
end

-- ---- Enriching -----------------------------------------------------------------------------------------------------

-- A function that enriches one JSON text, or nil without plugins.
local function enricher(args, problems)
  if #args.enrich + #args.opt + #args.allow == 0 then return nil end
  local job = arguments.job { query = arguments.query { enrich = args.enrich, opt = args.opt, allow = args.allow },
    isolate = args.isolate }
  if #args.enrich == 0 then return nil end
  local worker = arguments.worker(job)
  return function(text, place, line, session)
    local answer = arguments.ask(worker, "enrich", { text = text, session = session, line = line })
    for _, p in ipairs(answer.problems or {}) do problems[#problems + 1] = p end
    if answer.refused then
      messages.problems(problems)
      messages.fail(("%s: %s; nothing was stored"):format(place, answer.refused))
    end
    return answer.text
  end
end

-- ---- Warnings ----------------------------------------------------------------------------------------------------

-- Half of a surrogate pair in a JSON text (\ud83d alone); nil if there is none.
local function lone_half(text)
  if not text:find "\\u[dD][89a-fA-F]" then return nil end
  local at = text:find("\\", 1, true)
  while at do
    local code = tonumber(text:match("^u(%x%x%x%x)", at + 1) or "0", 16)
    local length = code == 0 and 2 or 6
    if code >= 0xd800 and code <= 0xdfff then
      if code > 0xdbff or not text:find("^\\u[dD][c-fC-F]%x%x", at + 6) then return text:sub(at, at + 5) end
      length = 12
    end
    at = text:find("\\", at + length, true)
  end
end

-- @param halves what was found so far: { n = lines, place =, half = of the first }
local function look_at(halves, text, place)
  local half = lone_half(text)
  if half then halves.n, halves.place, halves.half = (halves.n or 0) + 1, halves.place or place, halves.half or half end
end

local function warn_of(halves)
  if not halves.n then return end
  local more = halves.n > 1 and (" (and %d more)"):format(halves.n - 1) or ""
  messages.note(("%s%s: %s is half of a character: it is stored as it is, but jq and other readers refuse such a line")
    :format(halves.place, more, halves.half))
end

-- ---- Input ---------------------------------------------------------------------------------------------------------

-- Bytes of the files; nil when one of them is standard input, whose size nobody knows.
local function bytes_of(names)
  local items = {}
  for i, name in ipairs(names) do
    if name == "-" then return nil end
    items[i] = { path = name }
  end
  return arguments.bytes(items)
end

-- The lines of standard input; `pause` is called whenever no more of it is there for now.
local function arriving_lines(pause)
  local parts, text, at, over, more = {}, "", 1, false, true
  return function()
    while true do
      local last = text:find("\n", at, true)
      if last or over then
        parts[#parts + 1] = text:sub(at, last and last - 1)
        local line = table.concat(parts)
        parts, at = {}, last and last + 1 or #text + 1
        if last or line ~= "" then return line end
        return nil
      end
      parts[#parts + 1] = text:sub(at)
      if not more then pause() end
      text, more = core.read(0, 65536)
      if not text then return nil, more end
      at, over = 1, text == ""
    end
  end
end

-- Calls each(text, place, line) for every line that is not blank; and pause(), if given, whenever no more of standard
-- input is there for now.
local function each_line(names, each, pause)
  if #names == 0 then names = { "-" } end
  local done, all = 0, bytes_of(names)
  local typed = not all and core.terminal(0) -- whoever types knows how far it is
  if not typed then progress.begin "append" end
  for _, name in ipairs(names) do
    local file, message = io.stdin, nil
    if name ~= "-" then file, message = io.open(name, "rb") end
    if not file then messages.fail(("cannot read %s; nothing was stored"):format(message)) end
    local shown, number = name == "-" and "standard input" or name, 0
    local next_line = name == "-" and pause and arriving_lines(pause) or function() return file:read "l" end
    while true do
      local line, why = next_line()
      if not line and why then messages.fail(("cannot read %s: %s; nothing was stored"):format(shown, why)) end
      if not line then break end
      number, done = number + 1, done + #line + 1
      progress.at(done, all)
      if number == 1 then line = line:gsub("^\xef\xbb\xbf", "") end
      if line:find "%S" then each(line, ("%s:%d"):format(shown, number), number) end
    end
    if name ~= "-" then file:close() end
  end
  progress.finish()
end

-- ---- What is said of it ------------------------------------------------------------------------------------------

local LOOKS = 1000 -- entries whose fields are looked at

-- A function that looks at an entry's fields, and the slips that it found so far. What looks closer is loaded only when
-- there is something to look at.
local function speller()
  local looks, found = 0, {}
  return function(entry)
    looks = looks + 1
    if entry and looks <= LOOKS and words.has_unknown(entry) then require "debrief.entry.misspelt"(entry, found) end
  end, found
end

local function warn(found)
  for _, one in ipairs(found) do
    messages.note(("unknown field '%s' was stored as it is: did you mean '%s'?"):format(one.name, one.near))
  end
end

-- Whoever types wants to know where it went; a script has the exit status.
local function say_stored(id, count, line)
  if not core.terminal(2) then return end
  local place = math.type(line) and ("%s:%d"):format(id, line) or id
  messages.note(count == 1 and "stored " .. place or ("stored %d entries, the last as %s"):format(count, place))
end

local function refuse(place, message, stored)
  local kept = stored > 0 and ("; %d entries before it are stored"):format(stored) or "; nothing was stored"
  messages.fail(("%s: %s%s"):format(place or "the entries", message, kept))
end

-- What to say when the entries are in the file and only the sync failed: appending them again would store them twice.
local WRITTEN = "; it is in the file now: do not append it again, though a power cut may still take it"

-- Append a batch; `places[i]` is where entry i came from, `before` how many are stored already. Returns the last line.
local function store(log, id, batch, places, before)
  local line, message, bad, stored, written, doubtful = log:append_batch(id, batch)
  if line then return line end
  if written then messages.fail(message .. WRITTEN) end
  local there = before + (stored or 0)
  if (doubtful or 0) > 0 then
    messages.fail(("%s; %d entries are stored for certain, and %d of those from %s on may be: look at the end of "
      .. "session %s before you append them again"):format(message, there, doubtful, places[stored + 1], id))
  end
  if (stored or 0) > 0 then
    messages.fail(("%s; %d entries are stored: append the rest from %s on"):format(message, there, places[stored + 1]))
  end
  refuse(places[bad], message, there)
end

-- The session of an entry: the one that is named, or its own.
local function session_of(args, entry, place, stored)
  if args.id ~= "-" then return args.id end
  local id = entry and entry.session_id
  if type(id) == "string" and core.session_id_valid(id) then return id end
  refuse(place, id == nil and "there is no session_id, which SESSION - asks for"
    or ("session_id %s is not one: %s would be"):format(tostring(id), core.session_id(tostring(id))), stored)
end

-- Entries that wait to be stored, by session, in the order of the first of each.
local function new_waiting() return { list = {}, by_id = {}, n = 0, bytes = 0 } end

local function add(waiting, id, text, place)
  local one = waiting.by_id[id]
  if not one then
    one = { id = id, batch = {}, places = {} }
    waiting.by_id[id], waiting.list[#waiting.list + 1] = one, one
  end
  one.batch[#one.batch + 1], one.places[#one.places + 1] = text, place
  waiting.n, waiting.bytes = waiting.n + 1, waiting.bytes + #text
end

local function from_lines(args, log)
  local problems = {}
  local enrich = enricher(args, problems)
  local waiting, bytes, stored = new_waiting(), 0, 0
  local look, found = speller()
  local last, last_id
  local function flush()
    for _, one in ipairs(waiting.list) do
      last, last_id = store(log, one.id, one.batch, one.places, stored), one.id
      stored = stored + #one.batch
    end
    waiting = new_waiting()
  end
  each_line(args.words, function(text, place, line)
    bytes = bytes + #text
    local entry, damage = core.entry(text)
    if not entry and args.id == "-" then refuse(place, damage, stored) end
    look(entry)
    if bytes > MOST and not args.stream then
      messages.fail "the input is larger than 512 MiB: use --stream, which stores as it goes; nothing was stored"
    end
    local id = session_of(args, entry, place, stored)
    if enrich or args.id == "-" then -- of several sessions none is stored where one entry is bad
      local whole, message = core.line(id, text)
      if not whole then refuse(place, message, stored) end
      text = enrich and enrich(whole, place, line, id) or text
    end
    look_at(args.halves, text, place)
    add(waiting, id, text, place)
    if args.stream and waiting.bytes >= BATCH then flush() end
  end, args.stream and flush or nil)
  if waiting.n == 0 and stored == 0 then messages.fail "no entries in the input; nothing was stored" end
  flush()
  warn(found)
  say_stored(last_id, stored, last)
  return problems
end

-- ---- One entry from words ------------------------------------------------------------------------------------------

-- Call a function that returns nil and a message, and raises where a field of the entry has another type.
local function checked(f, ...)
  local fine, result, message, written, doubtful = pcall(f, ...)
  if not fine then messages.fail(result .. "; nothing was stored", 2) end
  if not result then messages.fail(message .. (written and WRITTEN or doubtful and "" or "; nothing was stored")) end
  return result
end

local function from_words(args, log)
  local problems = {}
  local enrich = enricher(args, problems)
  local entry, mistake = words.entry(args.words, args.attempt)
  if not entry then messages.fail(mistake .. "; nothing was stored", 2) end
  local look, found = speller()
  look(entry)
  local id, sparse = session_of(args, entry, "the entry", 0), args.sparse or false
  if sparse then entry.timestamp = entry.timestamp or core.timestamp(core.now()) end
  if enrich then entry = enrich(checked(core.line, id, entry, sparse), "the entry", nil, id) end
  look_at(args.halves, checked(core.line, id, entry, sparse), "the entry")
  local line = checked(log.append, log, id, entry, sparse)
  warn(found)
  say_stored(id, 1, line)
  return problems
end

local function has_pairs(list)
  local pairs_seen, files = 0, 0
  for _, word in ipairs(list) do
    if words.is_pair(word) then pairs_seen = pairs_seen + 1 else files = files + 1 end
  end
  if pairs_seen > 0 and files > 0 then
    messages.fail("append: files and key=value words do not go together (a file whose name has a '=' is ./NAME)", 2)
  end
  return pairs_seen > 0
end

function append.run(args)
  if args.spool then require "debrief.cli.spool".begin(args) end
  local log, message = core.log(args.dir, { sync = args.sync and 1 or 0 })
  if not log then messages.fail(message) end
  for _, problem in ipairs((select(2, require "debrief.record.state".recover(args.dir)))) do messages.error(problem) end
  args.halves = {}
  local single = has_pairs(args.words) or #args.attempt > 0
  local problems = (single and from_words or from_lines)(args, log)
  local left = args.spool and require "debrief.cli.spool".finish(args, log)
  log:close()
  warn_of(args.halves)
  return messages.problems(problems) and 3 or left or 0
end

return append
