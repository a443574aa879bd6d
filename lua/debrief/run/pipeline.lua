--- The way of an entry through the hooks, inside one worker state.
--
--     match -> enrich* -> filter* -> kept entry -> each retrospective: its own enrich -> match -> filter -> step
--
-- The first match is that of the query, tested by the reader.
--
-- Hooks run in one protected loop for many entries. When one raises, the loop ends, the error is noted with its place,
-- and the loop starts again after that hook: so the protection costs nothing per entry.
-- @module debrief.run.pipeline
local core = require "debrief.core"
local measure = require "debrief.measure"
local message_of = require "debrief.pretty.raised"
local said = require "debrief.plugin.said"

local pipeline = {}

pipeline.failed = false -- has code of a plugin, in this state, ever raised an error?
pipeline.MOST_ERRORS = 100 -- of a retrospective, which then stops
pipeline.MOST_MESSAGES = 10 -- different ones of a hook that are kept

local MOST_LEFT = 100 -- entries of a session that a tally leaves alone before it is not asked again

local Pipeline = {}
Pipeline.__index = Pipeline

--- A pipeline over loaded plugins.
-- @param hooks { enrich = {plugin...}, filter = {plugin...}, retro = {plugin...} }, each { table =, path =, ctx = };
--   and match = what core.match takes, or nil: the reader passes over all other entries
function pipeline.new(hooks)
  for _, name in ipairs { "enrich", "filter", "retro" } do
    for _, hook in ipairs(hooks[name]) do
      hook.match = hook.match or hook.table.match and core.match(hook.table.match)
    end
  end
  return setmetatable({ wanted = hooks.match, match = hooks.match and core.match(hooks.match), enrich = hooks.enrich,
    filter = hooks.filter, retro = hooks.retro, problems = {}, order = {}, distinct = {}, entries = 0, kept = 0 },
    Pipeline)
end

-- ---- Errors -----------------------------------------------------------------------------------------------------

-- Note an error. Equal messages of one hook are counted, the first one's place is kept; past MOST_MESSAGES different
-- ones the rest is counted together.
function Pipeline:note(name, hook, message, traceback)
  message = said.line(message)
  local of_hook = name .. "\0" .. hook .. "\0"
  local key, distinct = of_hook .. message, self.distinct[of_hook] or 0
  if not self.problems[key] then
    if distinct >= pipeline.MOST_MESSAGES then
      key, message, traceback = of_hook, "more errors, with other messages", nil
    end
    self.distinct[of_hook] = distinct + 1
  end
  local problem = self.problems[key]
  if problem then
    problem.count = problem.count + 1
    return
  end
  problem = { plugin = name, hook = hook, message = message, traceback = traceback, session = self.session,
    line = self.line, count = 1 }
  self.problems[key] = problem
  self.order[#self.order + 1] = problem
end

-- Does a message say nothing of its place? error(message, 0) is for the user, not for the plugin's author.
local function is_for_user(raised) return type(raised) == "string" and not raised:find ":%d+: " end

-- The handler of xpcall: runs where the error was raised.
local function handler(raised)
  return { message = message_of(raised), traceback = is_for_user(raised) and "" or core.traceback(nil, 2) }
end

--- What was raised, as { message =, traceback = }. For want of memory Lua calls no handler.
function pipeline.failure(raised)
  if type(raised) == "table" then return raised end
  local full = said.full(raised)
  return { message = full or tostring(raised), traceback = "", memory = full ~= nil }
end

-- Only the plugin's own part of a traceback: what is below is ours, and so are functions that it called. Nil if there
-- is no such part.
local function own_part(traceback)
  local lines, own = {}, false
  for line in traceback:gmatch "[^\n]+" do
    if line:find "debrief/run/pipeline" or line:find "%[C%]: in function 'debrief.core.bounded'" then break end
    if not line:find "lua/debrief/[%w_/]+%.lua:" then
      lines[#lines + 1] = line
      own = own or #lines > 1 and not line:find "^%s*%[C%]"
    end
  end
  return own and table.concat(lines, "\n") or nil
end

-- Milliseconds of CPU time for one call of a hook; 0 for no limit.
local function budget(hook)
  return (core.host().plugin_time or 0) * (hook == "finish" and 10 or 1)
end

--- An xpcall that a plugin's code cannot outlast: true and results, or false, { message =, traceback =, late = }.
function pipeline.bounded(hook, fn, ...)
  local result = table.pack(core.bounded(budget(hook), handler, fn, ...))
  if result[1] then return table.unpack(result, 1, result.n) end
  pipeline.failed = true
  local why = pipeline.failure(result[2])
  why.late = result[3]
  return false, why
end

--- Call one hook outside of the loop; on an error note it and return nothing.
-- @return true and the hook's results, or false
function Pipeline:call(name, hook, fn, ...)
  local result = table.pack(pipeline.bounded(hook, fn, ...))
  if result[1] then return table.unpack(result, 1, result.n) end
  local why = result[2]
  self:note(name, hook, why.message, own_part(why.traceback))
  return false
end

-- ---- Stages -----------------------------------------------------------------------------------------------------

local function filter_error(value)
  return ("filter returned %s, not true or false%s"):format(value == nil and "nil" or core.type(value),
    value == nil and " (did you forget return?)" or "")
end

local function run_filter(p, entry)
  local keep = p.table.filter(entry, p.ctx)
  if keep ~= true and keep ~= false then error(p.path .. ": " .. filter_error(keep), 0) end
  return keep
end

-- The global chain over s.entry, from s.at on. False: dropped.
function Pipeline:chain(s)
  local enrich, filter = self.enrich, self.filter
  while s.at <= #enrich do
    local p = enrich[s.at]
    s.at, s.running, s.hook = s.at + 1, p, "enrich"
    core.progress()
    p.ctx.session, p.ctx.line = self.session, self.line
    local copy = core.copy(s.entry)
    p.table.enrich(copy, p.ctx)
    core.freeze(copy) -- the plugin may have kept it
    s.entry = copy
  end
  while s.at <= #enrich + #filter do
    local p = filter[s.at - #enrich]
    s.at, s.running, s.hook = s.at + 1, p, "filter"
    core.progress()
    p.ctx.session, p.ctx.line = self.session, self.line
    if p.match and not core.matches(p.match, s.entry) then return false end
    if p.table.filter and not (p.judged and s.held) and not run_filter(p, s.entry) then return false end
  end
  s.running = nil
  return true
end

-- One retrospective's own enrich, match, filter and step.
local function step(p, entry, s)
  local t, ctx = p.table, p.ctx
  s.running = p
  core.progress()
  if t.enrich then
    s.hook = "enrich"
    local copy = core.copy(entry)
    t.enrich(copy, ctx)
    core.freeze(copy)
    entry = copy
  end
  if p.match and not core.matches(p.match, entry) then return end
  if t.filter then
    s.hook = "filter"
    if not run_filter(p, entry) then return end
  end
  s.hook = "step"
  local acc = t.retrospective.step(p.acc, entry, ctx)
  if acc ~= nil then p.acc = acc end
end

-- Everything that is left to do with s.entry.
function Pipeline:finish_entry(s)
  if not s.chained then
    if not self:chain(s) then
      s.entry = nil
      return
    end
    s.chained = true
    self.kept = self.kept + 1
    if s.sink and core.ours(s.sink, s.entry, self.session, self.line) == false then self.over = true end
  end
  local retro = self.retro
  while s.next_retro <= #retro do
    local p = retro[s.next_retro]
    s.next_retro = s.next_retro + 1
    if not p.stopped then
      local ctx = p.ctx
      ctx.session, ctx.line = self.session, self.line
      step(p, s.entry, s)
    end
  end
  s.entry, s.running = nil, nil
end

-- Read and run until the reader has no more. Returns nil, or the failure of a session, after which reading can go on.
function Pipeline:loop(s)
  local reader = s.reader
  if s.entry then self:finish_entry(s) end
  while not self.over do
    local entry, line, session, held = reader:next(self.match)
    if not entry then return line end
    self.line, self.session, s.held = line, session, held
    s.entry, s.at, s.chained, s.next_retro, s.running = entry, 1, false, 1, nil
    self:finish_entry(s)
  end
end

-- Is a step to see this entry? Not one that the query's expression leaves out, where its condition did not judge that.
local function is_wanted(self, s, p, entry)
  local filter = self.filter[1]
  if not filter then return true end
  s.entry, s.chained, s.running, s.hook = entry, false, filter, "filter"
  local keep = run_filter(filter, entry)
  s.entry, s.chained, s.running, s.hook = nil, true, p, "step"
  return keep
end

-- What sources return: an entry, its line, where that begins, whether it was salvaged, whether the condition is unsure
-- of it; or nil, a message, code, line, offset.

-- Steps over one session. Returns false and what the source returned instead of an entry, or true when the
-- retrospective has stopped.
local function step_source(self, s, p, source)
  local next_entry, step_entry, acc, ctx, match = source.next, p.table.retrospective.step, p.acc, p.ctx, self.both
  local unjudged = #self.filter > 0 and not s.reader.judges
  while not p.stopped do
    local entry, line, code, at, last = next_entry(source, match)
    if not entry then return false, line, code, at, last end
    self.line, ctx.line = line, line
    if not (unjudged or last) or is_wanted(self, s, p, entry) then
      self.met = self.met + 1
      local made = step_entry(acc, entry, ctx)
      if made ~= nil then acc, p.acc = made, made end
    end
  end
  return true
end

local function absorb(self, p)
  if p.tally and p.acc ~= nil then self.met = self.met + p.tally:absorb(p.acc) end
end

-- The same with a tally: entries that it leaves alone are stepped over here, after what it has counted so far. Where
-- it leaves many, it counts no more.
local function tally_source(self, s, p, source, session)
  local counter, step_entry, ctx, left = p.tally.counter, p.table.retrospective.step, p.ctx, 0
  while not p.stopped do
    local entry, line, code, at, last = source:tally(counter, self.both, session)
    if entry == nil then return false, line, code, at, last end
    absorb(self, p)
    if entry ~= true then
      self.line, ctx.line, left = line, line, left + 1
      if left > MOST_LEFT then p.tally = false end
      if not last or is_wanted(self, s, p, entry) then
        self.met = self.met + 1
        p.acc = step_entry(p.acc, entry, ctx) or p.acc
      end
      if not p.tally then return step_source(self, s, p, source) end
    end
  end
  return true
end

-- The same for one retrospective that has nothing but steps: most of what is asked, and then each call counts, so the
-- sources that the reader reads are asked directly. `match` is tested by them, before there is an entry.
function Pipeline:step_loop(s)
  local reader, p = s.reader, self.retro[1]
  s.chained, s.running, s.hook = true, p, "step"
  if p.tally == nil then p.tally = measure.tally(p.table.retrospective.step, p.ctx) or false end
  while not p.stopped do
    local source, session = reader:source()
    if not source then
      absorb(self, p)
      return session
    end
    self.session, p.ctx.session = session, session
    local by_tally = p.tally and source.tally and (#self.filter == 0 or reader.judges)
    local take = by_tally and tally_source or step_source
    local stopped, message, code, at, offset = take(self, s, p, source, session)
    local failure = not stopped and reader:ended(message, code, at, offset)
    if failure then
      absorb(self, p)
      return failure
    end
  end
  while true do -- after too many errors the rest is only counted
    local entry, failure = reader:next()
    if not entry then return failure end
  end
end

-- What a retrospective's match and that of the query ask for together: a matcher, nil for nothing; and false when one
-- cannot say both.
local function both(p, wanted)
  if not wanted then return p.match, true end
  local all = {}
  for name, value in next, wanted do all[name] = value end
  for name, value in next, p.table.match or {} do
    if all[name] ~= nil then return nil, false end
    all[name] = value
  end
  return core.match(all), true
end

-- Is step_loop enough?
function Pipeline:only_steps(s)
  local t = #self.retro == 1 and self.retro[1].table
  local filters = #self.filter
  local only_where = filters == 0 or filters == 1 and self.filter[1].judged
  if not t or #self.enrich > 0 or not only_where or s.sink or t.enrich or t.filter then return false end
  local possible
  self.both, possible = both(self.retro[1], self.wanted)
  return possible
end

-- After an error: count it, and decide where to go on. Returns false when the error is not a plugin's.
function Pipeline:recover(s, raised)
  local p = s.running
  if not p then return false end
  if raised.memory then p.acc, p.stopped = nil, s.chained end -- first of all make room
  local none = raised.late and s.chained and ": there is no report" or ""
  self:note(p.table.name, s.hook, raised.message .. none, own_part(raised.traceback))
  s.running = nil
  p.errors = (p.errors or 0) + 1
  if raised.late then -- once is enough: it would take as long for every entry
    p.errors, p.late = pipeline.MOST_ERRORS, true
    if not s.chained then return false end
  end
  if s.chained and p.errors >= pipeline.MOST_ERRORS then p.stopped = true end
  -- a filter said neither yes nor no, or what refuses could not do its work (redact): the entry goes no further
  local refuses = s.hook == "enrich" and p.table.on_error == "refuse"
  if not s.chained and (s.hook == "filter" or refuses) then s.entry = nil end
  return true
end

-- A reader without memory may not come any further: has memory run out twice at the same entry?
function Pipeline:is_stuck(s, raised)
  local stuck = raised.memory and s.full_line == self.line and s.full_session == self.session
  if raised.memory then s.full_line, s.full_session = self.line, self.session end
  return stuck
end

--- Run every entry of a reader through the pipeline.
-- @param reader of debrief.query.reader
-- @param sink function(entry, session, line), called for every kept entry; false: it wants no more for now, and a later
--   call goes on; may be nil
-- @param strict stop at the first session that could not be read to its end
-- @return array of failures: sessions that could not be read to their end
function Pipeline:run(reader, sink, strict)
  local s, failures = { reader = reader, sink = sink }, {}
  self.session, self.line, self.over, self.met = nil, nil, false, 0
  s.stepping = self:only_steps(s)
  local loop, before = s.stepping and self.step_loop or self.loop, reader:counts().entries
  while true do
    local ok, result = pipeline.bounded("step", loop, self, s)
    if not ok then
      local blamed = s.running
      if not self:recover(s, result) or self:is_stuck(s, result) then
        if not (result.late and blamed) then
          local traceback = result.traceback ~= "" and "\n" .. result.traceback or ""
          failures[#failures + 1] = { session = self.session, message = result.message .. traceback }
        end
        break
      end
    elseif not result then break
    else
      failures[#failures + 1] = result
      if strict then break end
    end
  end
  local entries = reader:counts().entries - before
  self.entries = self.entries + entries
  if s.stepping then -- with a match: some, or none
    local kept = #self.filter > 0 and self.met or entries
    self.kept = self.kept + (self.wanted and math.min(self.met, 1) or kept)
  end
  return failures
end

return pipeline
