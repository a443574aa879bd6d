--- Trying an importer on a file: what would go wrong when many such files are imported, again and again, as they grow.
--
--     detect                does it recognise the file?
--     whole, fresh, again   the file in a state, in another one, and a second time in the first: the same entries?
--     final                 with --final: what was stored or withheld before, each key once
--     cut                   the file as it was when less of it was written: no error, and no key that it loses later
-- @module debrief.run.import_trial
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local looks = require "debrief.import.looks"

local trial = {}

local MOST = 20 -- faults of emit that are named

local Trial = {}
Trial.__index = Trial

-- What the plugin did wrong: where, then what.
local function fault(self, text, ...)
  self.faults[#self.faults + 1] = ("%s: import.%s: "):format(self.name, self.hook) .. text:format(...)
end

local function say(self, text, ...) self.said[#self.said + 1] = ("%s: "):format(self.name) .. text:format(...) end

-- Ask a worker; nil when a hook failed or the worker did.
local function ask(self, worker, what, given)
  self.hook = what == "detect" and "detect" or "open"
  local answer, message = jobs.ask(worker, what, given)
  if not answer then return fault(self, "%s", message) end
  if answer.message then return fault(self, "%s", answer.message) end
  for _, problem in ipairs(answer.problems) do self.problems[#self.problems + 1] = problem end
  return not answer.problems[1] and answer or nil
end

local function import(self, worker, final, at)
  return ask(self, worker, "import", { name = self.name, path = self.file.path, at = at or self.at, final = final,
    places = true })
end

-- Entries one after the other: { { key = session and key, line = JSON text, place = where in the foreign log }… }.
local function flat(answer)
  local out = {}
  for _, one in ipairs(answer.entries) do
    for i, line in ipairs(one.lines) do
      out[#out + 1] = { session = one.session, key = one.keys[i], line = line, place = one.places[i] }
    end
  end
  return out
end

local function named(entry) return ("key '%s' of session %s"):format(entry.key, entry.session) end

local function id_of(entry) return entry.session .. " " .. entry.key end

-- What two texts have where they begin to differ.
local function around(a, b)
  local at = 1
  while a:byte(at) == b:byte(at) do at = at + 1 end
  at = math.max(1, at - 20)
  return a:sub(at, at + 59), b:sub(at, at + 59)
end

-- The first entry that differs, in words; nil: all are the same.
local function difference(a, b)
  local one, other = flat(a), flat(b)
  for i = 1, math.max(#one, #other) do
    local x, y = one[i], other[i]
    if not (x and y) then
      return ("%s: the entry with %s is in one of them only"):format((x or y).place, named(x or y))
    end
    if x.line ~= y.line then
      return ("%s: the entry with %s has %s in one, %s in the other"):format(x.place, named(x), around(x.line, y.line))
    end
  end
end

-- ---- The checks -----------------------------------------------------------------------------------------------------

local function recognises(self, worker)
  if not self.about.detects then
    say(self, "it has no import.detect, so it reads files only if the user names it as the KIND")
    return true
  end
  local answer = ask(self, worker, "detect", { path = self.file.path, at = self.at })
  if answer and not answer.name then
    fault(self, "it does not recognise %s, which looks like %s", self.file.path, looks.like(self.at))
  end
  return answer and answer.name
end

-- What emit could not store is a fault of the plugin; what else was found in the file is not.
local function check_accepted(self, answer)
  local others, n = {}, 0
  for _, d in ipairs(answer.diagnostics) do
    if d.by_emit then n = n + 1 else others[#others + 1] = d end
    if d.by_emit and n <= MOST then fault(self, "%s:%d: emit: %s", d.path, d.line, d.message) end
  end
  if n > MOST then fault(self, "emit left something out of %d more entries", n - MOST) end
  self.diagnostics, self.dropped = others, answer.dropped
end

local function check_same(self, whole, fresh, again)
  local wrong = difference(whole, fresh)
  if wrong then
    return fault(self, "two runs over the same file differ (math.random, or the order of next?): %s", wrong)
  end
  wrong = difference(whole, again)
  if wrong then
    fault(self, "it keeps state outside of open, so what it emits depends on the files before: %s", wrong)
  end
end

-- Keys -> the entries of a --final import; each key must be there once.
local function check_keys(self, final)
  local known = {}
  for _, entry in ipairs(flat(final)) do
    local id = id_of(entry)
    local before = known[id]
    known[id] = before or entry
    if before then
      fault(self, "%s: %s is used twice, the first time at %s: only one of the two entries is stored", entry.place,
        named(entry), before.place)
    end
  end
  return known
end

-- Does --final import all that is imported without it, and what was withheld?
local function check_final(self, whole, known)
  for _, entry in ipairs(flat(whole)) do
    if not known[id_of(entry)] then
      fault(self, "%s: the entry with %s is missing with --final", entry.place, named(entry))
    end
  end
  for _, id in ipairs(whole.withheld) do
    if not known[id] then
      fault(self, "%s: the open entry with key '%s' of session %s is missing with --final", self.file.path,
        id:match "^%S+ (.*)$", id:match "^%S+")
    end
  end
end

-- How many bytes of the file are left at each cut: in the last line, and earlier.
local function cuts_of(size)
  local out = {}
  for _, n in ipairs { size - 3, size * 3 // 4, size // 2, size // 4 } do
    if n > 0 and n ~= out[#out] then out[#out + 1] = n end
  end
  return out
end

-- Import the first bytes of the file. False if the rest need not be tried.
local function check_cut(self, worker, n, known)
  local spool <close>, status = core.spool(self.at, "head", "-c", tostring(n))
  if not spool then return fault(self, "%s cannot be cut: %s", self.file.path, status) end
  local answer = import(self, worker, false, spool:path())
  if not answer then
    fault(self, "%s: the error comes when the file ends after %d of its bytes, as one does that is being written",
      self.file.path, n)
    return false
  end
  for _, entry in ipairs(flat(answer)) do
    if not known[id_of(entry)] then
      fault(self, "%s: %s is stored when the file ends after %d of its bytes, and the whole file has no such key: "
        .. "it must not change as a file grows", entry.place, named(entry), n)
      return false
    end
  end
  return true
end

local function check_cuts(self, worker, known)
  local stat, head = core.stat(self.at), core.slurp(self.at, 65536) or ""
  if head:find "\0" then return say(self, "%s was not tried cut: it is not a text", self.file.path) end
  local cuts = cuts_of(stat and stat.size or 0)
  for _, n in ipairs(cuts) do
    if not check_cut(self, worker, n, known) then return end
  end
  say(self, "%s, cut in %d places: no errors, and no other keys", self.file.path, #cuts)
end

local function counted(self, final, whole)
  local entries, sessions = #flat(final), #final.entries
  say(self, "%s: %d %s in %d %s, %d of them withheld without --final", self.file.path, entries,
    entries == 1 and "entry" or "entries", sessions, sessions == 1 and "session" or "sessions", #whole.withheld)
end

local function check(self, one, other)
  if not recognises(self, one) then return end
  local whole = import(self, one, false)
  local fresh = whole and import(self, other, false)
  local again = fresh and import(self, one, false)
  local final = again and import(self, other, true)
  if not final then return end
  check_accepted(self, final)
  check_same(self, whole, fresh, again)
  if #flat(final) == 0 then
    return fault(self, "%s: no entry was stored, so nothing else could be checked", self.file.path)
  end
  counted(self, final, whole)
  local known = check_keys(self, final)
  check_final(self, whole, known)
  if not self.faults[1] then
    say(self, "%s: the same entries in fresh states, and when it is read again", self.file.path)
    check_cuts(self, other, known)
  end
end

--- Try an importer on a file.
-- @param made a job with the importer as its only plugin
-- @param about what the plugin says of itself
-- @param file one of debrief.import.tree
-- @return { said = what was found, faults = what the plugin does wrong, problems = of hooks, diagnostics =,
--   dropped = }; or nil and why it could not be tried
function trial.run(made, about, file)
  local spool <close> = file.program and core.spool(file.at, file.program, "-dc") or nil
  if file.program and not (spool and spool:size() > 0) then
    return nil, ("%s cannot be unpacked by %s"):format(file.at, file.program)
  end
  local one <close>, message = jobs.worker(made)
  if not one then return nil, message end
  local other <close> = assert(jobs.worker(made))
  local self = setmetatable({ name = about.name, about = about, file = file, at = spool and spool:path() or file.at,
    said = {}, faults = {}, problems = {}, diagnostics = {}, dropped = 0 }, Trial)
  check(self, one, other)
  return self
end

return trial
