--- Many foreign files into a log: which plugin reads each, on how many workers, and what is stored.
--
--     files -> unchanged since the last import: nothing to do
--           -> detect: which importer?  -> its workers (one state each; no two importers share one) -> entries
--           -> stored here, in the order of the files, whatever the order in which workers end
--
-- One piece, though long: a file goes through all of this, and each step adds to what is known of it.
-- @module debrief.run.imports
local core = require "debrief.core"
local find = require "debrief.plugin.find"
local jobs = require "debrief.run.job"
local query = require "debrief.query"
local kept = require "debrief.import.kept"
local ledger = require "debrief.import.ledger"
local looks = require "debrief.import.looks"
local siblings = require "debrief.import.siblings"
local glob = require "debrief.import.glob"
local tree = require "debrief.import.tree"

local imports = {}

local BIG = 1 << 20 -- bytes of files for which a second worker is worth its start
local MOST_WRONG = 3 -- files in folders for which the right importer is looked for if the user named a wrong one
local MOST_UNPACKED = 16 -- files at once: each takes a descriptor, and room in the temporary folder
local ANY = { "*.jsonl" } -- names of files of importers that say nothing of them

-- ---- Importers ------------------------------------------------------------------------------------------------------

local Reader = {} -- one importer
Reader.__index = Reader

local function job_for(self, found)
  local made = {}
  for key, value in pairs(self.job) do made[key] = value end
  made.plugins, made.import = { found }, { found.name }
  return made
end

-- The one worker that detects, and that imports where one is enough; nil and why: it cannot be used here.
function Reader:worker()
  if not self.made and not self.fault then
    self.made, self.fault = jobs.worker(self.job)
  end
  return self.made, self.fault
end

local function patterns_of(list)
  local out = {}
  for i, pattern in ipairs(list or ANY) do
    out[i] = { whole = glob.compiled(pattern:find "/" and "**/" .. pattern or pattern), by_path = pattern:find "/" }
  end
  return out
end

--- Does the name of a file fit the plugin's?
function Reader:fits(path)
  local _, name = core.split_path(path)
  for _, pattern in ipairs(self.patterns) do
    if glob.matches(pattern.whole, pattern.by_path and "/" .. path or name) then return true end
  end
  return false
end

--- Does the plugin name the path of a file, not only its name?
function Reader:names(path)
  for _, pattern in ipairs(self.patterns) do
    if pattern.by_path and glob.matches(pattern.whole, "/" .. path) then return true end
  end
  return false
end

-- Everything that decides what a plugin makes of a file, as a text.
local function mark_of(found, version)
  return ("%s %s %s %s"):format(found.name, version, core.hash(found.text), core.encode(found.options or {}))
end

-- The importers of the job, in its order.
local function readers_of(self, abouts)
  local out = {}
  for _, found in ipairs(self.job.plugins) do
    local about = abouts[found.name]
    out[#out + 1] = setmetatable({ name = found.name, job = job_for(self, found), about = about,
      patterns = patterns_of(about.files), mark = mark_of(found, core.version) }, Reader)
  end
  return out
end

--- The importers there are: what each says of itself, with `file`, the word that finds it.
function imports.importers()
  local words, out = {}, {}
  for _, item in ipairs(find.all()) do words[item.name] = item.bundled and item.name or item.path end
  for _, about in ipairs((jobs.all_plugins())) do
    for _, hook in ipairs(about.hooks) do
      if hook == "import" then
        about.file = words[about.name]
        out[#out + 1] = about
      end
    end
  end
  return out
end

-- ---- One file -------------------------------------------------------------------------------------------------------

-- Standard input and packed files are unpacked where they can be read again and again.
local function open(self, file)
  if not (file.program or file.path == "-") then return true end
  local spool, status
  if file.path == "-" then spool, status = core.spool(nil)
  else spool, status = core.spool(file.at, file.program, "-dc") end
  if not spool then
    if file.program and status:find("^" .. file.program) then
      status = ("%s cannot be unpacked: %s (is %s installed?)"):format(file.at, status, file.program)
    end
    return nil, status
  end
  if status ~= 0 and spool:size() == 0 then
    return nil, ("%s cannot be unpacked: %s ended with status %d"):format(file.at, file.program, status)
  end
  if status ~= 0 then
    self.total:broken(file.at, ("%s ended with status %d: only what it could unpack is read")
      :format(file.program, status))
  end
  file.packed = file.program and file.at
  file.spool, file.at, self.unpacked = spool, spool:path(), self.unpacked + 1
  return true
end

-- What was found in a packed file is called by the name of that.
local function name_packed(file, answer)
  for _, d in ipairs(file.packed and answer.diagnostics or {}) do
    if d.path == file.path then d.path = file.packed end
  end
end

local function close(self, file)
  if not file.spool then return end
  file.spool:close()
  file.spool, self.unpacked = nil, self.unpacked - 1
end

-- Fingerprints of a file and of the siblings that an importer declares, and the time of the last change to them; nil:
-- there is no telling (standard input).
local function prints_of(self, file, patterns)
  if not file.print then return nil end
  local out, newest = { [file.path] = file.print }, file.mtime
  for _, one in ipairs(patterns and siblings.of(file.path, patterns, self.disk) or {}) do
    local print, _, mtime = core.fingerprint(one.path, self.ledger:mark(file.path, one.path))
    if print then out[one.path], newest = print, math.max(newest, mtime) end
  end
  return out, newest
end

-- Is the file old enough for its last turns to be over?
local function is_final(self, newest)
  return self.how.final or newest ~= nil and self.how.final_before ~= nil and newest < self.how.final_before
end

-- Was all of a file stored that this import would store?
local function covers(record, since) return not record.since or since ~= nil and since >= record.since end

-- The record of a file that need not be read again.
local function unchanged(self, file)
  local record = not self.how.again and self.ledger:record(file.path)
  if not record or not covers(record, self.how.since) then return nil end
  local reader = record.name and self.by_name[record.name]
  if record.by ~= (reader and reader.mark or self.marks) then return nil end
  local prints, newest = prints_of(self, file, reader and reader.about.siblings)
  if not prints or #record.withheld > 0 and is_final(self, newest) and not record.final then return nil end
  return self.ledger:find(file.path, prints)
end

-- Where to go on in a file that has grown since it was imported, and with which importer; nil: at its beginning.
local function grown(self, file)
  local record = not (self.how.again or self.how.since) and self.ledger:record(file.path)
  local reader = record and record.kept and not record.since and self.by_name[record.name]
  if not reader or record.by ~= reader.mark or reader.job.isolate then return nil end
  if not self.ledger:is_stored(record) then return nil end
  local from = kept.load(self.how.dir, file, record.kept)
  return from, from and reader
end

local function ask(self, reader, name, value)
  local worker, message = reader:worker()
  if not worker then return nil, message end
  local answer
  answer, message = jobs.ask(worker, name, value)
  if answer then self.total:add_problems(answer.problems) end
  return answer, message
end

-- Nil and a message: it cannot be known. An importer that cannot be used here recognises nothing.
local function detects(self, reader, file)
  if not reader:worker() then return false end
  local answer, message = ask(self, reader, "detect", { path = file.path, at = file.at })
  if not answer or answer.message then return nil, message or answer.message end
  return answer.name ~= nil, nil, answer.why
end

-- The importers in the order in which they are asked: those whose file names fit come first, and files that lie in a
-- folder are shown to no others.
local function candidates(self, file)
  local first, rest = {}, {}
  for _, reader in ipairs(self.readers) do
    local list = reader:fits(file.path) and first or rest
    if reader.about.detects then list[#list + 1] = reader end
  end
  if file.named then table.move(rest, 1, #rest, #first + 1, first) end
  return first
end

local function recognise(self, file)
  local reason
  for _, reader in ipairs(candidates(self, file)) do
    local yes, message, why = detects(self, reader, file)
    if message then return nil, message end
    if yes then return reader end
    reason = reason or why
  end
  return nil, reason
end

-- All importers that need no rights, as a set like `self`; nil if there is none.
local function all_readers(self)
  local names, abouts = {}, {}
  for _, about in ipairs(imports.importers()) do
    if not about.needs[1] then names[#names + 1], abouts[about.name] = about.file, about end
  end
  local made = jobs.new { import = names, query = query.new {} }
  if not made then return nil end
  local set = { how = self.how, job = made, total = self.total }
  set.readers = readers_of(set, abouts)
  return set
end

-- Which importer would have been the right one for a file that the user's KIND does not recognise? Nil: none, or it is
-- one of many files in a folder, of which only the first are named in messages.
local function right_one(self, file)
  self.wrong = (self.wrong or 0) + 1
  if not file.named and self.wrong > MOST_WRONG then return nil end
  if self.others == nil then self.others = all_readers(self) or false end
  local reader = self.others and recognise(self.others, file)
  return reader and { name = reader.name, word = reader.about.file } or nil
end

-- The importer that reads a file; nil and a message: none does; nil: there is nothing in it to read.
local function reader_of(self, file)
  if looks.is_empty(file) then return nil end
  local only = self.how.kind and self.readers[1]
  if only and not only.about.detects then return only end
  local reader, message = recognise(self, file)
  if reader or message then return reader, message end
  return nil, looks.unknown(file, self.how.kind, self.readers, self.how.kind and right_one(self, file))
end

-- ---- Storing --------------------------------------------------------------------------------------------------------

-- Without those that an earlier file of a dry run had: nothing is stored that would make them known.
local function not_seen(total, one)
  local lines = {}
  for i, key in ipairs(one.keys) do
    if not total.emitted[one.session .. " " .. key] then lines[#lines + 1] = one.lines[i] end
  end
  return lines, #one.lines - #lines
end

local function store_session(self, one, counts)
  local lines, again = one.lines, 0
  if self.how.dry then lines, again = not_seen(self.total, one) end
  local stored, known, replaced, longer, too_big
  if not self.log then stored, known, replaced = #lines, 0, 0 -- a dry run, and there is no log yet
  elseif self.how.dry then stored, known, replaced = self.log:count_new(one.session, lines)
  else stored, known, replaced, longer, too_big = self.log:append_new(one.session, lines) end
  if not stored then return nil, known end
  counts.stored, counts.known = counts.stored + stored, counts.known + known + again
  counts.replaced = counts.replaced + replaced
  if too_big then counts.too_big[#counts.too_big + 1] = too_big end
  if (longer or 0) > 0 then counts.longer[one.session] = (counts.longer[one.session] or 0) + longer end
  return true
end

local function store(self, answer)
  answer.stored, answer.known, answer.replaced, answer.longer, answer.too_big = 0, 0, 0, {}, {}
  if not self.log and not self.how.dry and #answer.entries > 0 then
    local message
    self.log, message = core.log(self.how.dir)
    if not self.log then return message end
  end
  for _, one in ipairs(answer.entries) do
    local ok, message = store_session(self, one, answer)
    if not ok then return message end
  end
end

-- Remember a file, unless it is worth being read again: it was damaged, or a part of it was not stored.
local function remember(self, file, answer, reader)
  if not self.ledger.dir or self.how.dry or not file.prints then return end
  if answer.failure or answer.problems[1] or answer.refused > 0 then return end
  for _, d in ipairs(answer.diagnostics) do if d.damage then return end end
  local sessions, place = {}, nil
  for id, size in pairs(answer.resumed and file.record.sessions or {}) do sessions[id] = size end
  for _, one in ipairs(answer.entries) do
    sessions[one.session] = core.size(("%s/%s.jsonl"):format(self.how.dir, one.session)) or 0
  end
  if answer.kept and answer.before == 0 then place = kept.save(self.how.dir, file, answer.kept) end
  self.ledger:put { path = file.path, name = reader.name, by = reader.mark, files = file.prints, sessions = sessions,
    entries = answer.emitted, withheld = answer.withheld, final = file.final, kept = place,
    since = answer.before > 0 and self.how.since or nil }
end

local function finish(self, file, answer, reader)
  file.record = self.ledger:record(file.path)
  if not answer.resumed then self.ledger:drop(file.path) end -- what was kept holds, even if this is not remembered
  answer.failure = answer.failure or store(self, answer)
  remember(self, file, answer, reader)
  name_packed(file, answer)
  self.total:add(answer)
  for path in pairs(answer.read) do self.read[path] = true end
  close(self, file)
  self.how.progress(file.size)
end

-- ---- Many files -----------------------------------------------------------------------------------------------------

local function task_of(self, reader, file)
  return { name = reader.name, path = file.path, at = file.at, final = file.final, since = self.how.since,
    from = file.from, keeps = self.how.keeps or file.from ~= nil }
end

-- One after the other, in the worker that detects.
local function import_alone(self, reader, files)
  for _, file in ipairs(files) do
    local answer, message = ask(self, reader, "import", task_of(self, reader, file))
    if not answer then return message end
    finish(self, file, answer, reader)
  end
end

-- On several workers, whose results come in the order of the files.
local function import_together(self, reader, files, workers)
  local tasks = {}
  for i, file in ipairs(files) do tasks[i] = core.pack(task_of(self, reader, file)) end
  local crew <close> = core.crew(math.min(workers, #files), core.pack(reader.job))
  crew:start("import", tasks)
  for _, file in ipairs(files) do
    local packed, message = crew:take()
    if not packed then return jobs.explained(message or "a worker has ended early") end
    local answer = core.unpack(packed)
    self.total:add_problems(answer.problems)
    finish(self, file, answer, reader)
  end
end

local function import_all(self, reader, files)
  local bytes, workers = 0, self.how.workers or core.cores()
  for _, file in ipairs(files) do bytes = bytes + file.size end
  if workers == 1 or #files == 1 or reader.job.isolate or not self.how.workers and bytes < BIG then
    return import_alone(self, reader, files)
  end
  return import_together(self, reader, files, workers)
end

-- Is there anything to do for a file? Then it is put to the others of its importer.
local function sort_in(self, file, groups)
  local record = file.print and unchanged(self, file)
  if record then
    self.total:add_record(record, file)
  elseif self.how.since and file.mtime and file.mtime < self.how.since then
    self.total.old = self.total.old + 1
  else
    local ok, message = open(self, file)
    local reader
    if ok and file.print then file.from, reader = grown(self, file) end
    if ok and not reader then reader, message = reader_of(self, file) end
    if reader then
      local newest
      file.prints, newest = prints_of(self, file, reader.about.siblings)
      file.final = is_final(self, newest)
      groups[reader] = groups[reader] or {}
      table.insert(groups[reader], file)
      return
    end
    close(self, file)
    self.total:leave_out(file, message)
    if message and not self.how.dry and not file.named then
      self.ledger:put { path = file.path, name = false, by = self.marks, files = prints_of(self, file), sessions = {},
        entries = 0, withheld = {}, why = message }
    end
  end
  self.how.progress(file.size)
end

-- Import the files of each importer, and forget the groups.
local function import_groups(self, groups)
  for _, reader in ipairs(self.readers) do
    local message = groups[reader] and import_all(self, reader, groups[reader])
    if message then return message end
    groups[reader] = nil
  end
end

-- @return nil, or why it all ended early
local function import_files(self, files)
  local groups, message = {}, nil
  for _, file in ipairs(files) do
    sort_in(self, file, groups)
    if self.unpacked >= MOST_UNPACKED then message = import_groups(self, groups) end
    if message then return message end
  end
  return import_groups(self, groups)
end

-- file -> the one it may belong to: by tree.owners, or as a sibling of a file whose path an importer names ("log/top").
local function owners_of(self, files)
  local owners, by_path = tree.owners(files), {}
  for _, reader in ipairs(self.readers) do
    for _, file in ipairs(reader.about.siblings and files or {}) do
      local list = reader:names(file.path) and siblings.of(file.path, reader.about.siblings, self.disk)
      for _, one in ipairs(list or {}) do by_path[one.path] = file end
    end
  end
  for _, file in ipairs(next(by_path) and files or {}) do owners[file] = owners[file] or by_path[file.path] end
  return owners
end

-- Files that may be siblings of others come after them, and only if no importer has read them as such. A file whose
-- sibling is new or has changed is read again.
local function in_turn(self, files)
  local owners, first, later = owners_of(self, files), {}, {}
  for _, file in ipairs(files) do
    local list = owners[file] and not file.named and later or first
    list[#list + 1] = file
  end
  local message = import_files(self, first)
  if message then return message end
  local rest = {}
  for _, file in ipairs(later) do
    local record = self.ledger:record(owners[file].path)
    if self.read[file.path] or record and record.files[file.path] then self.how.progress(file.size)
    else rest[#rest + 1] = file end
  end
  return import_files(self, rest)
end

--- The files of an importer below a folder: how many, their bytes, and when the last of them was written to (ns).
function imports.files_in(about, path)
  local reader = setmetatable({ patterns = patterns_of(about.files) }, Reader)
  local found = tree.files({ path }, function(name) return reader:fits(name) end)
  local bytes, newest = 0, 0
  for _, file in ipairs(found and found.files or {}) do
    local stat = core.stat(file.at)
    if stat then bytes, newest = bytes + stat.size, math.max(newest, stat.mtime) end
  end
  return found and #found.files or 0, bytes, newest
end

--- What an import makes of single files, storing nothing, with the importers that need no rights.
-- @return function(path) -> what debrief.import.run returns, with all diagnostics, and by = the name of the importer;
--   nil: nobody reads it; or nil and a message: it cannot be known. And the problems of plugins, which come meanwhile.
function imports.examiner()
  local problems = {}
  local total = { broken = function() end,
    add_problems = function(_, list) table.move(list or {}, 1, #(list or {}), #problems + 1, problems) end }
  local self = assert(all_readers { how = {}, total = total })
  self.unpacked = 0
  return function(path)
    local found, message = tree.files({ path }, function() return false end)
    local file = found and found.files[1]
    if not file then return nil, message end
    local reader, answer
    if open(self, file) then reader, message = reader_of(self, file) end
    if reader then
      answer, message = ask(self, reader, "import",
        { name = reader.name, path = file.path, at = file.at, final = true, all = true })
    end
    close(self, file)
    if not answer then return nil, reader and message or nil end
    name_packed(file, answer)
    answer.by = reader.name
    return answer
  end, problems
end

--- Import files.
-- @param paths of files and folders
-- @param how { job = with the importers as its plugins, abouts = name -> what each says of itself, kind = true if the
--   user has named the importer, dir =, final =, final_before = ns, since = ns, dry =, again =,
--   keeps = true: the next import of a file that grows goes on where this one ends, worker = one that has loaded the
--   only importer, or nil, workers = number or nil,
--   total = what counts, progress = function(bytes done), begin = function(bytes in all) }
-- @return nil, or why it all ended early
function imports.run(paths, how)
  local self, bytes = { how = how, job = how.job, total = how.total, read = {}, by_name = {}, unpacked = 0 }, 0
  self.readers = readers_of(self, how.abouts)
  local marks = {}
  for i, reader in ipairs(self.readers) do self.by_name[reader.name], marks[i] = reader, reader.mark end
  self.marks = core.hash(table.concat(marks, "\n"))
  if not self.readers[2] then self.readers[1].made = how.worker end
  local found, message = tree.files(paths, function(path)
    for _, reader in ipairs(self.readers) do if reader:fits(path) then return true end end
    return false
  end)
  if not found then return message end
  how.total:add_tree(found)
  self.disk = found.disk
  local is_folder = not core.is_address(how.dir)
  self.ledger = ledger.open(is_folder and how.dir or nil)
  if not is_folder or core.stat(how.dir) then self.log = core.log(how.dir) end
  for _, file in ipairs(found.files) do
    file.print, file.size, file.mtime = core.fingerprint(file.at, self.ledger:mark(file.path))
    file.size = file.print and file.size or 0
    bytes = bytes + file.size
  end
  how.begin(bytes)
  message = in_turn(self, found.files)
  if not how.dry then self.ledger:save() end
  if self.log then self.log:close() end
  return message
end

return imports
