--- Trying a plugin on real entries, inside a worker state: does it run, and does the law of merge hold?
--
--     entries   1 2 3 4 5 6 7 8 9          one run:   init step step ... finish        -> report
--     pieces    |1 2|3 4 5 6|7 8 9|        in pieces: init steps, packed, merged, ...  -> the same report, or else
--
-- The same for pieces of which each has a state of its own, as the workers of a retrospective have: what a plugin keeps
-- outside of its accumulator is not there. Entries are lent as in a real run: one that is kept raises.
-- @module debrief.run.check
local core = require "debrief.core"
local pipeline = require "debrief.run.pipeline"
local readers = require "debrief.query.reader"
local report = require "debrief.report"

local check = {}

local MOST = 5000 -- entries a trial looks at: the first ones
local APART = 4 -- pieces with a state of their own

-- Up to MOST entries: { { entry =, session =, line = }... }.
local function collect(reader)
  local out = {}
  while #out < MOST do
    local entry, line, session = reader:next()
    if not entry and not line then break end
    if entry then out[#out + 1] = { entry = entry, session = session, line = line } end
  end
  reader:close()
  return out
end

-- Run entries[from..to] through a pipeline.
local function run_range(p, entries, from, to) p:run(readers.list(entries, from, to, true)) end

-- One piece from init on. Returns the packed acc of the only retrospective, or nil when it failed.
local function run_piece(p, entries, from, to)
  local hook = p.retro[1]
  hook.errors, hook.stopped = 0, false
  local ok, acc = p:call(hook.table.name, "init", hook.table.retrospective.init, hook.ctx)
  if not ok then return nil end
  hook.acc = acc
  run_range(p, entries, from, to)
  local packed
  ok, packed = pcall(core.pack, hook.acc, "acc")
  if ok then return packed end
  p:note(hook.table.name, "step", packed)
end

local function finish(p, acc)
  local hook = p.retro[1]
  local name = hook.table.name
  local ok, value = p:call(name, "finish", hook.table.retrospective.finish, acc, hook.ctx)
  if not ok then return nil end
  local checked, message = report.check(value, name)
  if not checked then p:note(name, "finish", message) end
  return checked
end

-- Merge what `next_piece(i)` returns, left to right; nil when something failed.
local function merge_pieces(p, n, next_piece)
  local hook, acc = p.retro[1], nil
  for i = 1, n do
    local packed = next_piece(i)
    if not packed then return nil end
    local other = core.unpack(packed)
    if acc == nil then
      acc = other
    else
      local ok, made = p:call(hook.table.name, "merge", hook.table.retrospective.merge, acc, other, hook.ctx)
      if not ok then return nil end
      if made ~= nil then acc = made end
    end
  end
  return finish(p, acc)
end

-- Where the entries may be cut: anywhere for split, else between sessions. Where chance cuts nowhere, the first place
-- is taken.
local function cut(entries, split, seed)
  local pieces, from, first = {}, 1, nil
  for i = 1, #entries do
    seed = (seed * 1103515245 + 12345) & 0x7fffffff
    local allowed = i == #entries or split or entries[i].session ~= entries[i + 1].session
    if allowed and i < #entries then first = first or i end
    if i == #entries or (allowed and (seed >> 16) % (split and 8 or 2) == 0) then
      pieces[#pieces + 1] = { from, i }
      from = i + 1
    end
  end
  if #pieces == 1 and first then return { { 1, first }, { first + 1, #entries } } end
  return pieces
end

-- At most APART pieces of about one size.
local function cut_evenly(entries, split)
  local pieces, from = {}, 1
  for i = 1, #entries do
    local allowed = split or i < #entries and entries[i].session ~= entries[i + 1].session
    if i == #entries or allowed and i * APART >= (#pieces + 1) * #entries then
      pieces[#pieces + 1] = { from, i }
      from = i + 1
    end
  end
  return pieces
end

-- What enrichers and filters answer: for each entry a hash of what became of it, false if it was dropped.
local function answers(p, entries, from, to)
  local out, places = {}, {}
  for i = from, to do
    out[i - from + 1] = false
    places[entries[i].session .. ":" .. entries[i].line] = i - from + 1
  end
  p:run(readers.list(entries, from, to), function(entry, session, line)
    out[places[session .. ":" .. line]] = core.session_id(tostring(entry) .. " ")
  end)
  return out
end

-- One of the pieces with a state of their own.
local function apart(p, entries, given)
  local hook = p.retro[1]
  local pieces = cut_evenly(entries, not hook or hook.table.split)
  local piece = pieces[given.piece] or { 1, 0 }
  local result = { pieces = #pieces, problems = p.order }
  if hook then result.acc = run_piece(p, entries, piece[1], piece[2])
  else result.answers = answers(p, entries, piece[1], piece[2]) end
  return result
end

--- Run the job's plugins over entries.
-- @param hooks of the job
-- @param given { sessions =, seed = number of the random split, piece = number of a piece to be run alone, accs =
--   packed results of such pieces, to be merged and finished }; without the last three in one piece
-- @param reader the entries
-- @return { entries =, pieces =, problems =, and report =, the packed acc = of a piece, or without a retrospective
--   answers = what became of each entry }
function check.run(hooks, given, reader)
  local p = pipeline.new(hooks)
  if given.accs then
    reader:close()
    local merged = merge_pieces(p, #given.accs, function(i) return given.accs[i] end)
    return { pieces = #given.accs, report = report.copy(merged), problems = p.order }
  end
  local entries = collect(reader)
  if given.piece then return apart(p, entries, given) end
  local result = { entries = #entries, pieces = 1, problems = p.order }
  if #p.retro == 0 then
    result.answers = answers(p, entries, 1, #entries)
    return result
  end
  local t = p.retro[1].table
  local pieces = { { 1, #entries } }
  if given.seed and #entries > 0 then pieces = cut(entries, t.split, given.seed) end
  result.pieces = #pieces
  result.report = report.copy(merge_pieces(p, #pieces, function(i)
    return run_piece(p, entries, pieces[i][1], pieces[i][2])
  end))
  return result
end

-- ---- One entry ------------------------------------------------------------------------------------------------------

-- init, step and finish over one entry; nil when one of them failed.
local function report_of(p, hook, entry)
  local name, t = hook.table.name, hook.table.retrospective
  local ok, acc = p:call(name, "init", t.init, hook.ctx)
  if not ok or not p:call(name, "step", t.step, acc, entry, hook.ctx) then return nil end
  hook.acc = acc
  return report.copy(finish(p, acc))
end

-- The answer of a filter; nil if it failed, which is noted.
local function answer_of(p, hook, entry)
  local ok, answer = p:call(hook.table.name, "filter", hook.table.filter, entry, hook.ctx)
  if ok and type(answer) == "boolean" then return answer end
  if ok then
    p:note(hook.table.name, "filter", ("it must return true or false, and returned %s%s"):format(core.type(answer),
      answer == nil and " (did you forget return?)" or ""))
  end
end

--- Run each hook of a plugin on one entry.
-- @param hook of the plugin
-- @param given { text = the entry, session =, line = }
-- @return { enriched = text, matched = boolean, kept = boolean, report =, problems = }; what the plugin has no hook
--   for, or what failed, is nil. An entry that does not match, or is not kept, has no report.
function check.one(hook, given)
  local entry, message = core.entry(given.text, true)
  if not entry then error(message, 0) end
  local p, t = pipeline.new { enrich = {}, filter = {}, retro = { hook } }, hook.table
  local result = { problems = p.order }
  p.session, p.line, hook.ctx.session, hook.ctx.line = given.session, given.line, given.session, given.line
  if t.enrich then
    local copy = core.copy(entry)
    if p:call(t.name, "enrich", t.enrich, copy, hook.ctx) then
      core.freeze(copy)
      entry, result.enriched = copy, tostring(copy)
    end
  end
  if hook.match then result.matched = core.matches(hook.match, entry) end
  if t.filter then result.kept = answer_of(p, hook, entry) end
  local seen = result.matched ~= false and (not t.filter or result.kept)
  if t.retrospective and seen then result.report = report_of(p, hook, entry) end
  return result
end

return check
