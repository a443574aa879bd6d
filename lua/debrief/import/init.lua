--- Running import hooks, inside a worker state: sources in, sparse entries out, each once.
-- @module debrief.import
local core = require "debrief.core"
local rows = require "debrief.import.rows"
local siblings = require "debrief.import.siblings"
local stamps = require "debrief.import.stamps"
local values = require "debrief.import.values"

local import = {}

local MOST_ODD = 1000 -- reports of one file that are kept, unless all are asked for
local DRAIN = 1024 -- records after which a reader's diagnostics are taken if all are asked for: it keeps 10,000

-- Bytes of a file that detect sees: more, as long as nobody knows the file, for it may begin with records of another
-- kind, or with a very long one.
local HEADS = { 65536, 1048576, 16777216 }

--- How files are reached: in this process. An isolated worker asks the process that started it instead
-- (debrief.run.served), by functions of the same names.
import.files = {
  siblings = siblings.of, slurp = core.slurp, reader = function(path) return core.reader(path, { foreign = true }) end,
  values = function(path, member) return values.reader(values.of_file(path), member) end,
  document = function(path, left_out) return values.of_file(path):document(left_out) end,
  rows = rows.read,
}

-- ---- Sources -------------------------------------------------------------------------------------------------------

local new_source

-- What an importer leaves out of an entry, with the line of the foreign log: nothing is damaged by it.
-- @param by_emit true: the plugin did not report it, but emit could not store what it was given
local function report(run, path, line, text, by_emit)
  local odd = run.odd[path] or { n = 0 }
  run.odd[path] = odd
  if odd.n >= MOST_ODD and not run.all then
    odd.last.more = (odd.last.more or 0) + 1
    return
  end
  odd.n, odd.last = odd.n + 1, { path = path, line = line or 1, offset = 1, kind = "left_out", message = tostring(text),
    excerpt = "", damage = false, by_emit = by_emit }
  run.diagnostics[#run.diagnostics + 1] = odd.last
end

-- A source that gets its methods when it is used: there may be a hundred thousand.
local function small_source(run, path)
  return setmetatable({ path = path }, { __metatable = false, __index = function(_, name)
    return new_source(run, path)[name]
  end })
end

-- source:siblings(pattern): those of the declared files whose relative path matches, by default all. Each is a source,
-- with the same siblings.
local function siblings_of(run, path, pattern)
  if not run.declared then
    error('source:siblings: the plugin declares none: import = { siblings = { "{name}/*.jsonl" }, … }', 3)
  end
  local out, list, more = {}, core.ours(run.files.siblings, run.given, run.declared)
  if more then report(run, path, nil, "there are more files beside this one than can be read") end
  for _, one in ipairs(list) do
    local fits = one.path ~= path and (pattern == nil or one.name:find(pattern))
    if fits then out[#out + 1] = small_source(run, one.path) end
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

-- `open` may take a second for each line and each entry, so both are rationed: MOST_PASSES over a file, and an entry
-- for so many bytes that were read.
local MOST_PASSES, BYTES, ENTRIES = 100, 16, 16

-- Where a file is read: one that was packed lies elsewhere.
local function place(run, path) return path == run.given and run.at or path end

local function count_pass(run, path)
  run.passes[path] = (run.passes[path] or 0) + 1
  if run.passes[path] > MOST_PASSES then
    error(("source:lines: this file was opened %d times before"):format(MOST_PASSES), 3) -- called by a tail call
  end
end

-- A matcher for one table of wanted values, or for a list of them of which one must fit; nil for nil.
local function matcher_of(match)
  if match == nil then return nil end
  local made
  for _, one in ipairs(type(match) == "table" and match[1] and match or { match }) do
    if type(one) ~= "table" then error('source:lines wants { member = value, … }, or a list of such tables', 3) end
    made = core.match(one, made)
  end
  return made
end

-- What a reader of lines or values returns, one at a time.
local function each(run, path, reader, message, matcher)
  if not reader then error(message, 0) end
  run.read[path] = true
  local n = 0
  return function()
    if not reader then return nil end -- it ended before
    local entry, line, offset = reader:next(matcher)
    n = n + 1
    if run.all and n % DRAIN == 0 then add_diagnostics(run, reader, path) end
    if entry then
      core.progress()
      run.ration = run.ration + ENTRIES
      run.line, run.lines[path] = line, line
      run.path, run.offset = path, offset
      return entry, line
    end
    add_diagnostics(run, reader, path)
    reader:close()
    reader = nil
    if line then error(line, 0) end
  end
end

-- The object in a file, without the members that are to be left out; nil if it is an array.
local function document(run, path, ...)
  local left_out = {}
  for _, name in ipairs { ... } do left_out[name] = true end
  local out = core.ours(run.files.document, place(run, path), left_out)
  run.read[path] = true
  if not out.text and not out.message then return nil, {} end
  local entry, problem = core.entry(out.text or "{}", true)
  if out.message or problem then report(run, path, nil, out.message or problem) end
  return entry or core.entry("{}", true), out.passed, out.more
end

local function rows_of(run, path, query)
  local text, message = run.files.rows(place(run, path), query)
  return text and values.reader(values.of_text(text)), message
end

-- What an earlier import kept of the given file, of which only what follows is read then; nil: there is nothing.
local function resume(run, path)
  if path ~= run.given or not run.from or run.passes[path] then return nil end
  run.resumed, run.emitted = true, run.from.entries
  return core.unpack(run.from.state)
end

-- Another import may begin at the record that was read last; the last place counts.
local function keep(run, path, state)
  if type(state) ~= "function" then error("source:keep wants a function that returns what is to be kept", 3) end
  if path ~= run.given or path ~= run.path or not (run.keeps and run.offset) then return end
  run.kept = { at = run.offset, line = run.lines[path], entries = run.emitted, state = state }
end

function new_source(run, path)
  return {
    path = path,
    lines = function(_, match)
      local matcher = matcher_of(match)
      count_pass(run, path)
      local reader, message = run.files.reader(place(run, path))
      if reader and run.resumed and path == run.given then
        reader:narrow(run.from.at, math.maxinteger, run.from.line)
      end
      return each(run, path, reader, message, matcher)
    end,
    values = function(_, member)
      count_pass(run, path)
      return each(run, path, core.ours(run.files.values, place(run, path), member))
    end,
    document = function(_, ...)
      count_pass(run, path)
      return document(run, path, ...)
    end,
    rows = function(_, query)
      return each(run, path, core.ours(rows_of, run, path, query))
    end,
    head = function(_, most)
      local text, message = run.files.slurp(place(run, path), math.tointeger(most) or HEADS[1])
      if not text then error(message, 0) end
      run.read[path] = true
      return text
    end,
    read = function()
      count_pass(run, path)
      if run.passes[path] == 1 then core.progress() end -- a small file is as good as a line
      local text, message = run.files.slurp(place(run, path))
      if not text then error(message, 0) end
      run.read[path] = true
      run.ration = run.ration + #text // BYTES
      return text
    end,
    siblings = function(_, pattern)
      local out = siblings_of(run, path, pattern) -- no tail call: its errors name the plugin's line
      return out
    end,
    resume = function() return resume(run, path) end,
    keep = function(_, state) return keep(run, path, state) end,
    report = function(_, text) report(run, path, run.lines[path], text) end,
  }
end

-- ---- Emitting ------------------------------------------------------------------------------------------------------

local wanted = {} -- "entry" | "attempt" -> name of a field -> what core.type and math.type say of it
local TYPES = { string = "string", time = "string", integer = "integer", boolean = "boolean", attempts = "array" }
for _, of in ipairs { "entry", "attempt" } do
  wanted[of] = {}
  for _, field in ipairs(core.fields(of)) do wanted[of][field.name] = TYPES[field.kind] end
end

-- A time that RFC 3339 has another way of writing, or nothing.
local function repair_time(fields, odd)
  local given = fields.timestamp
  if given == nil or given == core.null or type(given) == "string" and core.time(given) then return end
  local ns, problem = stamps.read(given)
  fields.timestamp = ns and core.timestamp(ns) or nil
  if problem then odd(problem .. ": left out") end
end

-- Take out of a table of fields what has another type than the field; a float that is a whole number is made one.
local function drop_odd(fields, of, odd)
  if of == "entry" then repair_time(fields, odd) end
  for name, kind in pairs(wanted[of]) do
    local value = fields[name]
    local is = math.type(value) or core.type(value)
    if kind == "integer" and is == "float" and math.tointeger(value) then
      fields[name], is = math.tointeger(value), "integer"
    end
    if kind == "array" and is == "table" then is = "array" end
    if value ~= nil and value ~= core.null and is ~= kind and not (kind == "array" and is == "object"
      and next(value) == nil)
    then
      fields[name] = nil
      odd(("%s is %s, not %s: left out"):format(name, is, kind))
    end
  end
end

local function without_odd_fields(entry, odd)
  local copy = {}
  for key, value in next, entry do copy[key] = value end
  drop_odd(copy, "entry", odd)
  if type(copy.attempts) ~= "table" then return copy end
  local attempts = core.array {}
  for i, attempt in ipairs(copy.attempts) do
    attempts[i] = attempt
    if type(attempt) == "table" then
      attempts[i] = {}
      for key, value in next, attempt do attempts[i][key] = value end
      drop_odd(attempts[i], "attempt", odd)
    end
  end
  copy.attempts = attempts
  return copy
end

-- The entry as the line that will be written, or nil: this one is refused. Raises in the plugin for what is its own
-- fault.
local function line_of(entry, odd)
  if type(entry) ~= "table" then error("emit wants a table, not " .. core.type(entry), 3) end
  local id, source = entry.session_id, entry.source
  if type(id) ~= "string" or not core.session_id_valid(id) then
    error(("emit: session_id %s is not one: use debrief.session_id(text)"):format(tostring(id)), 3)
  end
  if type(source) ~= "table" or type(source.kind) ~= "string" or type(source.key) ~= "string" then
    error("emit: source = { kind = …, key = … } is missing: it says which entries are there already", 3)
  end
  local fine, text, message = pcall(core.line, id, entry, true)
  if not (fine and text) then fine, text, message = pcall(core.line, id, without_odd_fields(entry, odd), true) end
  if not fine then error("emit: " .. text, 3) end
  if not text then odd("this entry is left out: " .. message) end
  return text
end

-- Did the run end before the moment?
local function is_before(entry, since)
  local ns = type(entry.timestamp) == "string" and core.time(entry.timestamp)
  return ns and ns < since
end

-- Collects what a plugin emits, by session, in the order of the first entry of each.
local function emitter(run, given)
  return function(entry, opts)
    if opts ~= nil and type(opts) ~= "table" then error("emit: the second argument is a table: { open = true }", 2) end
    local text = line_of(entry, function(message) report(run, run.path or run.given, run.line, message, true) end)
    if not text then
      run.refused = run.refused + 1
      return false
    end
    local id = entry.session_id
    local name = id .. " " .. entry.source.key
    if given.since and is_before(entry, given.since) then
      run.before = run.before + 1
      return true
    end
    if opts and opts.open and not given.final then
      run.withheld[#run.withheld + 1] = name
      return true
    end
    run.ration = run.ration - 1
    if run.ration >= 0 then core.progress() end
    local one = run.sessions[id]
    if not one then
      one = { session = id, lines = {}, keys = {}, places = given.places and {} or nil }
      run.sessions[id], run.entries[#run.entries + 1] = one, one
    end
    if one.places then one.places[#one.places + 1] = ("%s:%d"):format(run.path or run.given, run.line or 1) end
    one.lines[#one.lines + 1], one.keys[#one.keys + 1] = text, entry.source.key
    run.emitted = run.emitted + 1
    return true
  end
end

-- ---- Answers -------------------------------------------------------------------------------------------------------

--- Which of some plugins knows a file? The first whose `detect` says so.
-- @param path of the file
-- @param plugins an array of plugins' tables
-- @param files as import.files
-- @param call function(name of the plugin, f, ...) -> true, results of f | false: runs it, and notes its errors
-- @return { name = of the plugin } or { why = the text of one that says why it is not read, or nil } when none does, or
--   { message = } when the file cannot be read
-- @param at where it is read; nil: there
function import.detect(path, plugins, files, call, at)
  local seen, reason = 0, nil
  for _, most in ipairs(HEADS) do
    local head, message = files.slurp(at or path, most)
    if not head then return { message = message } end
    if #head == seen then break end
    seen = #head
    for _, plugin in ipairs(plugins) do
      local detect = plugin.import.detect
      local ok, yes, why = true, false, nil
      if detect then ok, yes, why = call(plugin.name, detect, path, head) end
      if ok and yes then return { name = plugin.name } end
      if ok and type(why) == "string" then reason = reason or why end
    end
  end
  return { why = reason }
end

-- A reader reports its damaged lines when it ends, long after what was left out of the others.
local function sort_by_line(list)
  local order = {}
  for i, d in ipairs(list) do order[d] = i end
  table.sort(list, function(a, b)
    if a.path ~= b.path then return a.path < b.path end
    if a.line ~= b.line then return a.line < b.line end
    return order[a] < order[b]
  end)
end

--- Import one file: what its entries are. The caller stores them.
-- @param given { path =, at = where it is read, nil: there, final = true: last turns are over, since = ns: leave out
--   what ended before, files = as import.files, siblings = the patterns that the plugin declares, or nil,
--   places = true: say where each entry comes from, all = true: keep all diagnostics, from = { at =, line =, entries =,
--   state = packed } of an earlier import to go on from, or nil, keeps = true: say where another one can go on }
-- @param call function(source, emit) -> true or false: runs the plugin's hook, and notes its errors
-- @return { entries = { { session =, lines = JSON texts, keys = the source.key of each, places = "file:line" of each if
--   asked for: what was read last }… }, none when the hook failed, withheld = array of "session key", refused =,
--   before = counts, read = path -> true, line = the last that was read, diagnostics = in the order of the lines (one
--   with more = n stands for so many others of its file that were not kept), dropped =, emitted = how many entries
--   there are with those before `from`, resumed = true: it was gone on from there, kept = { at =, line =, entries =,
--   state = function that returns plain data } if another import can go on }
function import.run(given, call)
  local run = {
    diagnostics = {}, dropped = 0, withheld = {}, sessions = {}, entries = {}, read = {}, files = given.files,
    given = given.path, at = given.at, all = given.all, declared = given.siblings, lines = {}, odd = {},
    refused = 0, before = 0, passes = {}, ration = 0, from = given.from, keeps = given.keeps,
    emitted = 0,
  }
  local done = call(new_source(run, given.path), emitter(run, given))
  sort_by_line(run.diagnostics)
  return {
    entries = done and run.entries or {}, withheld = run.withheld, refused = run.refused, before = run.before,
    read = run.read, line = run.line, diagnostics = run.diagnostics, dropped = run.dropped, emitted = run.emitted,
    resumed = run.resumed, kept = done and run.kept or nil,
  }
end

return import
