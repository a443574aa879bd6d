local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local jobs = require "debrief.run.job"
local find = require "debrief.plugin.find"
local progress = require "debrief.cli.progress"
local rights = require "debrief.plugin.rights"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"

local import = {
  epilog = "Importing is repeatable: an entry that the log already has is not written again. If the last turn of a "
    .. "transcript is still open, it is withheld until a later import finds its end, or until --final is given.",
}

function import.options(command)
  command:argument "FILE":target "words":args "+":argname { "[KIND] FILE", "FILE" }
    :description("Files, or folders with *.jsonl files in them; KIND is the plugin that reads them (default: for "
      .. "each file, the plugin that recognises it).")
  command:flag "--final":description "Import last turns even if they are still open."
  command:option "--opt":argname "KEY=VALUE":count "*":description "Set an option of a plugin."
  arguments.run_options(command)
  arguments.isolate_option(command)
end

local function looks_like_file(word)
  return word:find("/", 1, true) or word:find(".", 1, true) or core.stat(word) ~= nil
end

-- All import plugins there are: those that load, with the rights they are given.
local function importers(allow)
  local out = {}
  for _, item in ipairs(find.all()) do
    local job = arguments.job { query = arguments.query { allow = rights.of(allow, item.name) },
      import = { item.bundled and item.name or item.path } }
    local worker = require "debrief.run.job".worker(job)
    if worker then
      out[#out + 1] = item.bundled and item.name or item.path
      worker:close()
    end
  end
  return out
end

-- Files as named; folders stand for the *.jsonl files below them.
local function expand(path, out)
  local stat, message = core.stat(path)
  if not stat then messages.fail(message) end
  if stat.kind == "file" then
    out[#out + 1] = path
    return out
  end
  if stat.kind ~= "folder" then messages.fail(("%s is neither file nor folder"):format(path)) end
  local items = core.list(path) or {}
  table.sort(items, function(a, b) return a[1] < b[1] end)
  for _, item in ipairs(items) do
    local full = path:gsub("/+$", "") .. "/" .. item[1]
    if item[2] then expand(full, out) elseif item[1]:find "%.jsonl$" then out[#out + 1] = full end
  end
  return out
end

local function add(total, answer)
  for _, key in ipairs { "stored", "known", "replaced", "refused", "dropped" } do
    total[key] = total[key] + answer[key]
  end
  for _, name in ipairs(answer.withheld) do total.withheld[name] = not total.emitted[name] or nil end
  for _, name in ipairs(answer.emitted) do -- open in one file, and ended in another that knows more
    total.emitted[name], total.withheld[name] = true, nil
  end
  for path in pairs(answer.read) do total.read[path] = true end
  for _, d in ipairs(answer.diagnostics) do
    local at = ("%s:%d"):format(d.path, d.line) -- a file may be read twice: by name, and as a sibling
    if not total.seen[at] then total.diagnostics[#total.diagnostics + 1] = d end
    total.seen[at] = true
  end
  for _, p in ipairs(answer.problems) do total.problems[#total.problems + 1] = p end
  if answer.failure then total.failures[#total.failures + 1] = { message = answer.failure } end
end

local function size(t)
  local n = 0
  for _ in pairs(t) do n = n + 1 end
  return n
end

local function tell_counts(total, dir)
  messages.note(("%s stored in %s%s%s, from %s"):format(values.count(total.stored, "entry", "entries"), dir,
    (total.replaced > 0 and (", %d replaced by a longer version"):format(total.replaced) or "")
      .. (total.known > 0 and (", %d there already"):format(total.known) or "")
      .. (total.refused > 0 and (", %d refused"):format(total.refused) or ""),
    next(total.withheld) and (", %d withheld (still open; --final imports them)"):format(size(total.withheld)) or "",
    values.count(size(total.read), "file")))
end

-- The plugin that reads the file: the one named, or the one that knows it.
local function reader_of(readers, kind, path, total)
  if kind then return readers[1] end
  local why
  for _, reader in ipairs(readers) do
    local answer = arguments.ask(reader.worker, "detect", { path = path })
    for _, p in ipairs(answer.problems or {}) do total.problems[#total.problems + 1] = p end
    if answer.name then return reader end
    why = why or answer.message
  end
  why = why or ("no import plugin knows %s: name one (debrief import KIND FILE)"):format(path)
  total.failures[#total.failures + 1] = { message = why }
end

-- One worker per import plugin: what one of them does to its state reaches no other.
local function readers_of(job)
  local out = {}
  for i, found in ipairs(job.plugins) do
    local own = {}
    for key, value in pairs(job) do own[key] = value end
    own.plugins, own.import = { found }, { found.name }
    out[i] = { name = found.name, worker = arguments.worker(own) }
  end
  return out
end

function import.run(args)
  local words, kind = args.words, nil
  if not looks_like_file(words[1]) or (#words > 1 and words[1]:find "%.lua$") then kind = table.remove(words, 1) end
  if #words == 0 then messages.fail(("import: '%s' is not a file, and no file follows it"):format(kind), 2) end
  local job = arguments.job { query = arguments.query(args), dir = args.dir,
    import = kind and { kind } or importers(args.allow), final = args.final,
    isolate = args.isolate }
  if not job.isolate and jobs.has_strangers(job) then arguments.isolate_if_possible(job) end
  local readers = readers_of(job)
  local files = {}
  for _, word in ipairs(words) do expand(word, files) end
  local total = { stored = 0, known = 0, replaced = 0, refused = 0, emitted = {}, withheld = {}, dropped = 0,
    diagnostics = {}, problems = {},
    failures = {}, read = {}, seen = {} }
  local sizes, done = {}, 0
  for i, path in ipairs(files) do sizes[i] = { path = path } end
  local all = arguments.bytes(sizes)
  progress.begin "import"
  for i, path in ipairs(files) do
    local reader = reader_of(readers, kind, path, total)
    if reader then
      add(total, arguments.ask(reader.worker, "import", { name = reader.name, path = path, dir = args.dir }))
    end
    done = done + sizes[i].size
    progress.at(done, all)
  end
  progress.finish()
  tell_counts(total, args.dir)
  return arguments.status(total)
end

return import
