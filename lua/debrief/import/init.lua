--- Running import hooks, inside a worker state: sources in, sparse entries out, each once.
-- @module debrief.import
local core = require "debrief.core"
local pipeline = require "debrief.run.pipeline"
local served = require "debrief.run.served"

local importer = {}

local HEAD = 65536 -- bytes of a file that detect sees

-- Files are read here, or for an isolated worker by the process that started it.
local function folder_items(path) return served.needed() and served.list(path) or core.list(path) end
local function slurp(...)
  if served.needed() then return served.slurp(...) end
  return core.slurp(...)
end
local function open(path)
  if served.needed() then return served.reader(path) end
  return core.reader(path, { foreign = true })
end

-- ---- Sources -------------------------------------------------------------------------------------------------------

local function folder_of(path) return path:match "^(.*)/[^/]*$" or "." end

-- Every file below `folder`, by its path relative to it, sorted.
local function files_below(folder, prefix, out)
  local items = folder_items(folder) or {}
  table.sort(items, function(a, b) return a[1] < b[1] end)
  for _, item in ipairs(items) do
    local name = prefix .. item[1]
    if item[2] then files_below(folder .. "/" .. item[1], name .. "/", out) else out[#out + 1] = name end
  end
  return out
end

local new_source

-- source:siblings(pattern): the other files of the folder tree whose relative path matches. Each is a source.
local function siblings(run, path, pattern)
  local folder, out = folder_of(path), {}
  for _, name in ipairs(files_below(folder, "", {})) do
    local full = folder == "." and not path:find "/" and name or folder .. "/" .. name
    if full ~= path and name:find(pattern) then out[#out + 1] = new_source(run, full) end
  end
  return out
end

local function drain(run, reader, path)
  local list, dropped = reader:diagnostics()
  run.dropped = run.dropped + dropped
  for _, d in ipairs(list) do
    d.path = path
    run.diagnostics[#run.diagnostics + 1] = d
  end
end

local function lines(run, path)
  local reader, message = open(path)
  if not reader then error(message, 0) end
  run.read[path] = true
  return function()
    local entry, line = reader:next()
    if entry then
      run.line = line
      return entry, line
    end
    drain(run, reader, path)
    reader:close()
    if line then error(line, 0) end
  end
end

function new_source(run, path)
  return {
    path = path,
    lines = function() return lines(run, path) end,
    read = function()
      local text, message = slurp(path)
      if not text then error(message, 0) end
      return text
    end,
    siblings = function(_, pattern) return siblings(run, path, pattern) end,
  }
end

-- ---- Emitting ------------------------------------------------------------------------------------------------------

-- The entry as the line that will be written; raises in the plugin for what cannot be.
local function check_entry(entry)
  if type(entry) ~= "table" then error("emit wants a table, not " .. core.type(entry), 3) end
  local id, source = entry.session_id, entry.source
  if type(id) ~= "string" or not core.session_id_valid(id) then
    error(("emit: session_id %s is not one: use debrief.session_id(text)"):format(tostring(id)), 3)
  end
  if type(source) ~= "table" or type(source.kind) ~= "string" or type(source.key) ~= "string" then
    error("emit: source = { kind = …, key = … } is missing: it says which entries are there already", 3)
  end
  local fine, text, message = pcall(core.line, id, entry, true)
  if not text then error("emit: " .. message, 3) end
  if not fine then error("emit: " .. text, 3) end
  return text
end

-- Collects what a plugin emits, by session, in the order of the first entry of each.
local function emitter(run, final)
  return function(entry, opts)
    local text = check_entry(entry)
    local id = entry.session_id
    local name = id .. " " .. entry.source.key
    if opts and opts.open and not final then
      run.withheld[#run.withheld + 1] = name
      return
    end
    run.emitted[#run.emitted + 1] = name
    local list = run.sessions[id]
    if not list then
      list = {}
      run.sessions[id] = list
      run.order[#run.order + 1] = id
    end
    list[#list + 1] = text
  end
end

local function store(run, log)
  for _, id in ipairs(run.order) do
    local stored, known = log:append_new(id, run.sessions[id])
    if not stored then return nil, known end
    run.stored, run.known = run.stored + stored, run.known + known
  end
  return true
end

-- ---- Answers -------------------------------------------------------------------------------------------------------

--- Which import plugin knows a file?
-- @param given { path = }
-- @return { name = } or {} when none does, or { message = } when it cannot be read
function importer.detect(job, given, loaded)
  local head, message = slurp(given.path, HEAD)
  if not head then return { message = message } end
  for _, name in ipairs(job.import) do
    local detect = loaded[name].table.import.detect
    local ok, yes = pcall(detect or function() return false end, given.path, head)
    if ok and yes then return { name = name } end
  end
  return {}
end

--- Import one file.
-- @param given { name = plugin, path =, dir = }
-- @return { stored =, known =, sessions = counts, emitted =, withheld = arrays of "session key", diagnostics =,
--   problems =, failure = message when nothing was stored }
function importer.run(job, given, loaded, context)
  local plugin = loaded[given.name].table
  local run = { diagnostics = {}, dropped = 0, withheld = {}, emitted = {}, stored = 0, known = 0, sessions = {},
    order = {}, read = {} }
  local p = pipeline.new { enrich = {}, filter = {}, retro = {} }
  p.session = given.path
  local ok = p:call(given.name, "import", plugin.import.open, new_source(run, given.path), emitter(run, job.final),
    context(given.name))
  local result = { diagnostics = run.diagnostics, dropped = run.dropped, problems = p.order, withheld = run.withheld,
    emitted = run.emitted }
  if ok and served.needed() then
    result.entries = {}
    for i, id in ipairs(run.order) do result.entries[i] = { session = id, lines = run.sessions[id] } end
  elseif ok then
    local done, message = store(run, core.log(given.dir))
    if not done then result.failure = message end
  end
  if p.order[1] then p.order[1].line = run.line end
  result.stored, result.known, result.sessions, result.read = run.stored, run.known, #run.order, run.read
  return result
end

return importer
