--- Running import hooks, inside a worker state: sources in, sparse entries out, each once.
-- @module debrief.import
local core = require "debrief.core"

local import = {}

local HEAD = 65536 -- bytes of a file that detect sees

--- How files are reached: in this process. An isolated worker asks the process that started it instead
-- (debrief.run.served), by functions of the same names.
import.files = {
  list = core.list, slurp = core.slurp, reader = function(path) return core.reader(path, { foreign = true }) end,
}

-- ---- Sources -------------------------------------------------------------------------------------------------------

local function folder_of(path) return path:match "^(.*)/[^/]*$" or "." end

-- Every file below `folder`, by its path relative to it, sorted.
local function files_below(files, folder, prefix, out)
  local items = files.list(folder) or {}
  table.sort(items, function(a, b) return a[1] < b[1] end)
  for _, item in ipairs(items) do
    local name = prefix .. item[1]
    if item[2] then files_below(files, folder .. "/" .. item[1], name .. "/", out) else out[#out + 1] = name end
  end
  return out
end

local new_source

-- source:siblings(pattern): the other files of the folder tree whose relative path matches. Each is a source.
local function siblings(run, path, pattern)
  local folder, out = folder_of(path), {}
  for _, name in ipairs(files_below(run.files, folder, "", {})) do
    local full = folder == "." and not path:find "/" and name or folder .. "/" .. name
    if full ~= path and name:find(pattern) then out[#out + 1] = new_source(run, full) end
  end
  return out
end

local function add_diagnostics(run, reader, path)
  local list, dropped = reader:diagnostics()
  run.dropped = run.dropped + dropped
  for _, d in ipairs(list) do
    d.path = path
    run.diagnostics[#run.diagnostics + 1] = d
  end
end

local function lines(run, path)
  local reader, message = run.files.reader(path)
  if not reader then error(message, 0) end
  run.read[path] = true
  return function()
    if not reader then return nil end -- it ended before
    local entry, line = reader:next()
    if entry then
      run.line = line
      return entry, line
    end
    add_diagnostics(run, reader, path)
    reader:close()
    reader = nil
    if line then error(line, 0) end
  end
end

function new_source(run, path)
  return {
    path = path,
    lines = function() return lines(run, path) end,
    read = function()
      local text, message = run.files.slurp(path)
      if not text then error(message, 0) end
      return text
    end,
    siblings = function(_, pattern) return siblings(run, path, pattern) end,
  }
end

-- ---- Emitting ------------------------------------------------------------------------------------------------------

-- The entry as the line that will be written; raises in the plugin for what cannot be written.
local function line_of(entry)
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
    if opts ~= nil and type(opts) ~= "table" then error("emit: the second argument is a table: { open = true }", 2) end
    local text = line_of(entry)
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

--- Which of some plugins knows a file? The first whose `detect` says so.
-- @param path of the file
-- @param plugins an array of plugins' tables
-- @param files as import.files
-- @param call function(name of the plugin, f, ...) -> true, results of f | false: runs it, and notes its errors
-- @return { name = of the plugin } or {} when none does, or { message = } when the file cannot be read
function import.detect(path, plugins, files, call)
  local head, message = files.slurp(path, HEAD)
  if not head then return { message = message } end
  for _, plugin in ipairs(plugins) do
    local detect = plugin.import.detect
    local ok, yes = true, false
    if detect then ok, yes = call(plugin.name, detect, path, head) end
    if ok and yes then return { name = plugin.name } end
  end
  return {}
end

--- Import one file. What was emitted is stored when the hook has returned, and nothing of it when the hook failed.
-- @param given { path =, dir = of the log, nil: it is returned and not stored, final = true: open last turns too,
--   files = as import.files }
-- @param call function(source, emit) -> true or false: runs the plugin's hook, and notes its errors
-- @return { stored =, known =, sessions = counts, emitted =, withheld = arrays of "session key", read = path -> true,
--   line = the last that was read, diagnostics =, dropped =, failure = message when nothing was stored,
--   entries = without a dir { { session =, lines = JSON texts }... } }
function import.run(given, call)
  local run = {
    diagnostics = {}, dropped = 0, withheld = {}, emitted = {}, stored = 0, known = 0, sessions = {}, order = {},
    read = {}, files = given.files,
  }
  local failure, entries
  if call(new_source(run, given.path), emitter(run, given.final)) then
    if given.dir then
      local done, message = store(run, core.log(given.dir))
      if not done then failure = message end
    else
      entries = {}
      for i, id in ipairs(run.order) do entries[i] = { session = id, lines = run.sessions[id] } end
    end
  end
  return {
    stored = run.stored, known = run.known, sessions = #run.order, emitted = run.emitted, withheld = run.withheld,
    read = run.read, line = run.line, diagnostics = run.diagnostics, dropped = run.dropped, failure = failure,
    entries = entries,
  }
end

return import
