local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local messages = require "debrief.cli.messages"
local progress = require "debrief.cli.progress"
local rights = require "debrief.plugin.rights"
local values = require "debrief.text.values"

local import = {
  epilog = "Importing is repeatable: an entry that the log already has is not written again, and a file that has not "
    .. "changed since is not read again. If the last turn of a transcript is still open, it is withheld until a later "
    .. "import finds its end. Without a PATH, debrief looks where the agents keep their logs.",
}

local DAY = 86400 * 1000000000

local function age(text)
  if text == "never" then return false end
  local now = core.now()
  local ns = text == "0" and now or text:find "^%d+%s*%a+$" and require "debrief.text.time".parse(text, "since", now)
  if ns and ns <= now then return now - ns end
  return nil, ("--final-after takes an age like 1d or 12h, 0 or never, not '%s'"):format(text)
end

function import.options(command)
  command:argument "PATH":target "words":args "*":argname { "[KIND] PATH", "PATH" }
    :description("Files, folders, or - for standard input; files may be packed (.gz, .zst). KIND is the plugin that "
      .. "reads them (default: for each file, the plugin that recognises it).")
  command:flag "--all":description "Import all logs that are where agents keep them."
  command:flag "--dry-run":target "dry":description "Say what would be stored, and store nothing."
  command:option "--since":argname "TIME":description "Only runs that ended since this time."
  command:flag "--final":description "Import last turns even if they are still open."
  command:option "--final-after":argname "AGE":target "final_after":convert(age)
    :description "Take last turns as over in files that nobody has written to for so long (default: 1d; never)."
  command:flag "--again":description "Read files again that have not changed since they were imported."
  command:option "--opt":argname "KEY=VALUE":count "*":description "Set an option of a plugin."
  command:option "-j --jobs":argname "N":convert(arguments.workers):description "Workers (default: all processors)."
  arguments.run_options(command)
  arguments.isolate_option(command)
end

local function looks_like_file(word)
  return word == "-" or word:find("/", 1, true) or word:find(".", 1, true) or core.stat(word) ~= nil
end

-- ---- Counting -------------------------------------------------------------------------------------------------------

local function size(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n
end

local Total = {}
Total.__index = Total

local function new_total()
  return setmetatable({ stored = 0, known = 0, replaced = 0, longer = {},
    refused = 0, before = 0, files = 0, unchanged = 0, old = 0,
    empty = 0, emitted = {}, withheld = {}, dropped = 0, diagnostics = {}, problems = {}, failures = {}, read = {},
    seen = {}, unknown = {}, damaged = false }, Total)
end

function Total:add(answer)
  for _, key in ipairs { "stored", "known", "replaced", "refused", "before", "dropped" } do
    self[key] = self[key] + answer[key]
  end
  for id, n in pairs(answer.longer or {}) do self.longer[id] = (self.longer[id] or 0) + n end
  for _, message in ipairs(answer.too_big or {}) do self:left_out(message) end
  for _, name in ipairs(answer.withheld) do self.withheld[name] = not self.emitted[name] or nil end
  for _, one in ipairs(answer.entries) do
    for _, key in ipairs(one.keys) do -- open in one file, and ended in another that knows more
      local name = one.session .. " " .. key
      self.emitted[name], self.withheld[name] = true, nil
    end
  end
  for path in pairs(answer.read) do
    if not self.read[path] then self.files = self.files + 1 end
    self.read[path] = true
  end
  for _, d in ipairs(answer.diagnostics) do
    local at = ("%s:%d %s"):format(d.path, d.line, d.message) -- a file may be read twice: by name, and as a sibling
    if not self.seen[at] then self.diagnostics[#self.diagnostics + 1] = d end
    self.seen[at] = true
  end
  if answer.failure then self.failures[#self.failures + 1] = { message = answer.failure } end
end

function Total:add_problems(list) for _, p in ipairs(list or {}) do self.problems[#self.problems + 1] = p end end

-- A file that was not read again.
function Total:add_record(record, file)
  if record.why then return self:leave_out(file, record.why) end
  self.unchanged, self.known = self.unchanged + size(record.files), self.known + record.entries
  for _, name in ipairs(record.withheld) do self.withheld[name] = not self.emitted[name] or nil end
end

-- A file that nobody reads: a failure if the user named it, or if it could not be opened.
function Total:leave_out(file, message)
  if not message then
    self.empty = self.empty + 1
  elseif file.named then
    self.failures[#self.failures + 1] = { message = message }
  elseif not self.unknown[message] then -- the same reason may hold for a folder of files
    self.unknown[#self.unknown + 1], self.unknown[message] = message, true
  end
end

function Total:broken(path, message)
  self.damaged = true
  messages.error(("%s: %s"):format(path, message))
end

function Total:left_out(message)
  self.damaged = true
  messages.error(message)
end

function Total:add_tree(found)
  self.notes = found.notes
  for _, failure in ipairs(found.failures) do self.failures[#self.failures + 1] = failure end
end

local function counted(n, text) return n > 0 and (", %d %s"):format(n, text) or "" end

-- The files, and how many of them were not read.
local function files_of(total)
  local all = total.files + total.unchanged + total.old + total.empty
  return values.count(all, "file")
    .. counted(total.unchanged, "of them unchanged since the last import"):gsub("^, (%d+) of them",
      total.unchanged < all and ", %1 of them" or all == 1 and "," or ", all")
    .. counted(total.old, "last written to before --since") .. counted(total.empty, "empty")
end

local MOST = 3 -- files that nobody reads are named

-- In a stream a run stays as it was imported first.
local function say_longer(total)
  local names = {}
  for id, n in pairs(total.longer) do names[#names + 1] = ("%s (%d)"):format(id, n) end
  if not names[1] then return end
  table.sort(names)
  total.damaged = true
  local more = #names > MOST and (" and %d more"):format(#names - MOST) or ""
  messages.note(("runs that are longer now than when they were imported stay in the stream as they were: session %s%s")
    :format(table.concat(names, ", ", 1, math.min(#names, MOST)), more))
end

local function say_counts(total, args)
  for _, note in ipairs(total.notes or {}) do messages.note(note) end
  for i = 1, math.min(#total.unknown, MOST) do messages.note("passed over: " .. total.unknown[i]) end
  local more = #total.unknown - MOST
  if more > 0 then messages.note(("passed over: %s like that"):format(values.count(more, "more file"))) end
  say_longer(total)
  messages.note(("%s%s %sstored in %s%s%s%s%s%s, from %s"):format(args.dry and "dry run: " or "",
    values.count(total.stored, "entry", "entries"), args.dry and "would be " or "", args.dir,
    counted(total.replaced, "replaced by a longer version"), counted(total.known, "there already"),
    counted(total.refused, "refused"), counted(total.before, "ended before --since"),
    counted(size(total.withheld), "withheld (still open; --final imports them)"), files_of(total)))
end

-- ---- Where agents keep their logs -----------------------------------------------------------------------------------

-- The folder, nil when it is not there.
local function expand(place)
  local missing = false
  local path = place:gsub("^~", "$HOME"):gsub("^%$(%w[%w_]*)", function(name)
    local value = os.getenv(name)
    missing = missing or not value or value == ""
    return value
  end)
  local stat = not missing and core.stat(path)
  return stat and stat.kind == "folder" and path or nil, stat and stat.id
end

-- The folders of an importer that are there, each once.
local function places_of(about)
  local out, known = {}, {}
  for _, place in ipairs(about.places or {}) do
    local path, id = expand(place)
    if path and not known[id] then out[#out + 1], known[id] = path, true end
  end
  return out
end

local function show_place(imports, about, path)
  local files, bytes, newest = imports.files_in(about, path)
  if files == 0 then return end
  local text = ("%-14s %s: %s, %s, last written %s"):format(about.name, path, values.count(files, "file"),
    values.number(bytes, "bytes"), require "debrief.text.time".relative(newest, core.now()))
  require "debrief.cli.output".write(require "debrief.text.escape"(text), "\n")
  return true
end

local function show_places(imports, abouts)
  local any = false
  for _, about in ipairs(abouts) do
    for _, path in ipairs(places_of(about)) do any = show_place(imports, about, path) or any end
  end
  if not any then
    messages.fail("no logs are where agents keep them (`debrief plugins KIND` says where that is): "
      .. "name a file or a folder")
  end
  messages.note "`debrief import --all` imports them, `debrief import KIND` those of one agent"
  return 0
end

-- ---- The command ----------------------------------------------------------------------------------------------------

-- What the words and --all are about: paths, and the importers to use.
local function plan(args, imports)
  local words, kind = { table.unpack(args.words) }, nil
  local first = words[1]
  if first and (not looks_like_file(first) or first:find "%.lua$") then kind = table.remove(words, 1) end
  if args.all and (kind or words[1]) then messages.fail("import: --all goes without a KIND and without a PATH", 2) end
  local abouts = not kind and imports.importers()
  if kind and not words[1] then
    local found = arguments.job_of_plugin(kind, arguments.query { allow = args.allow }, true)
    local _, about = arguments.worker(found)
    words = places_of(about[found.plugins[1].name])
    if not words[1] then
      messages.fail(("import: '%s' is not a file, and no file follows it; where %s keeps its logs there are none")
        :format(kind, kind), 2)
    end
  elseif args.all then
    for _, about in ipairs(abouts) do for _, path in ipairs(places_of(about)) do words[#words + 1] = path end end
    if not words[1] then return show_places(imports, abouts) end
  end
  return nil, words, kind, abouts
end

-- The job of the importers that can be used, and what they say of themselves, by name.
local function job_of(args, kind, all)
  local names, given = kind and { kind } or {}, { query = arguments.query { opt = args.opt, allow = args.allow } }
  for _, about in ipairs(all or {}) do
    local needs = about.needs[1] and not next(rights.of(args.allow, about.name))
    if not needs then names[#names + 1] = about.file end
  end
  given.import, given.isolate = names, args.isolate
  local job = arguments.job(given)
  if not job.isolate and jobs.has_strangers(job) then arguments.isolate_if_possible(job) end
  if kind then return job, arguments.worker(job) end
  local abouts = {}
  for _, about in ipairs(all or {}) do abouts[about.name] = about end
  return job, nil, abouts
end

function import.run(args)
  local imports = require "debrief.run.imports"
  local status, words, kind, all = plan(args, imports)
  if status then return status end
  if not words[1] then return show_places(imports, all) end
  local since
  if args.since then
    local q = arguments.query { since = args.since }
    since = q.since
  end
  local job, worker, abouts = job_of(args, kind, all)
  local total, done, bytes = new_total(), 0, 0
  progress.begin "import"
  local final_after = args.final_after == nil and DAY or args.final_after
  local message = imports.run(words, { job = job, abouts = abouts, worker = worker, kind = kind ~= nil,
    dir = args.dir, final = args.final, final_before = final_after and core.now() - final_after or nil, since = since,
    dry = args.dry, again = args.again, workers = args.jobs, total = total,
    begin = function(sum) bytes = sum end,
    progress = function(n)
      done = done + n
      progress.at(done, bytes)
    end })
  progress.finish()
  if message then messages.fail(message) end
  say_counts(total, args)
  local code = arguments.status(total)
  return code == 0 and total.damaged and 3 or code
end

return import
