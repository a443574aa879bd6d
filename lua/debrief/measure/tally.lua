--- Tables counted in C (src/lua/tally.h): what they need of a definition, and what comes back.
--
--     tally = tally.of(t)    source:tally(tally.counter, …)    tally:absorb(acc)
--
-- C knows ways, virtual fields and comparisons with a constant. It counts what the steps of the table would count, and
-- leaves to them what it is unsure of.
-- @module debrief.measure.tally
local agg = require "debrief.retro.aggregate"
local core = require "debrief.core"
local groups = require "debrief.measure.groups"
local value = require "debrief.measure.value"
local words = require "debrief.entry.status_words"

local tally = {}

local Tally = {}
Tally.__index = Tally

-- What the columns with a name count, and of which aggregate they are.
local NAMED = {
  runs = { "one", "count" }, passed = { "passed", "rate" }, first_try = { "first_try", "rate" },
  attempts = { "attempts", "count" }, verified = { "claims", "rate" }, lost = { "lost", "sum" },
  cost = { "cost", "sum" }, tokens = { "tokens", "sum" },
}

-- The definition for C while it is made.
local function new_definition(t)
  return { each = t.each, across = t.across ~= nil, dated = t.dated, words = words, ways = {}, keys = {}, columns = {},
    at = {} }
end

-- What debrief.measure.value.plain says of a text, as a term of the definition.
local function term(def, plain)
  local name = plain.way.text
  if not def.at[name] then
    def.ways[#def.ways + 1] = plain.way
    def.at[name] = #def.ways
  end
  return { way = def.at[name], sign = plain.sign, constant = plain.constant }
end

-- A text as a term; nil if C does not know it.
local function term_of(def, text, each)
  local plain = value.plain(text, each)
  return plain and term(def, plain)
end

local function add_condition(def, text, each)
  local terms = value.terms(text, each)
  def.where = terms and {}
  for i, plain in ipairs(terms or {}) do def.where[i] = term(def, plain) end
  return terms ~= nil
end

local function add_key(def, group, each)
  local key = group.way ~= "skill" and term_of(def, group.text, each)
  def.keys[#def.keys + 1] = key or false
  return key or group.way == "skill"
end

local function add_column(def, column, each)
  local named = column.name and NAMED[column.name]
  local out = { run = column.run, kind = column.kind }
  if named then out.source, out.kind = named[1], named[2]
  elseif column.inner == "" then out.source = "one"
  else
    out.source, out.truth, out.term = "term", column.kind == "count", term_of(def, column.inner, each)
    if not out.term then return false end
  end
  def.columns[#def.columns + 1] = out
  return true
end

local function definition_of(t)
  local def, each = new_definition(t), t.each
  for _, group in ipairs(t.by) do
    if not add_key(def, group, each) then return nil end
  end
  -- the one across is never the key of a skill: groups merge skills of one name, columns do not
  if t.across then
    local key = term_of(def, t.across.text, each)
    if not key then return nil end
    def.keys[#def.keys + 1] = key
  end
  for _, column in ipairs(t.show) do
    if not add_column(def, column, each) then return nil end
  end
  if t.condition and not add_condition(def, t.condition, each) then return nil end
  return def
end

--- The tally of a table.
-- @param t of debrief.measure.define
-- @return { counter = for source:tally, absorb = }; nil if C cannot count such a table
function tally.of(t)
  local def = definition_of(t)
  local counter = def and core.tally(def)
  if not counter then return nil end
  return setmetatable({ counter = counter, t = t }, Tally)
end

local function put(row, counted)
  row.runs = row.runs + counted.runs
  for i, state in ipairs(counted.cells) do agg.merge(row.cells[i], state) end
end

-- A row that is new becomes what was counted.
local function put_at(state, counted, depth)
  local last, key = groups.at(state, counted.keys, depth - 1), counted.keys[depth]
  local row = last.groups[key]
  if row then put(row, counted) else last.groups[key] = { runs = counted.runs, cells = counted.cells } end
end

--- Add what was counted to the accumulator of the table, and forget it.
-- @return how many entries that were
function Tally:absorb(acc)
  local counted, depth = self.counter:take(), #self.t.by
  acc.entries, acc.subagents = acc.entries + counted.entries, acc.subagents + counted.subagents
  if counted.first then
    acc.first = math.min(acc.first or counted.first, counted.first)
    acc.last = math.max(acc.last or counted.last, counted.last)
  end
  for _, row in ipairs(counted.rows) do
    if self.t.across then put(groups.at(acc.groups, row.keys, depth), row) else put_at(acc.groups, row, depth) end
  end
  for _, part in ipairs(counted.parts) do
    put(agg.at(groups.at(acc.groups, part.keys, depth).across, part.keys[depth + 1]), part)
  end
  for _, name in ipairs(counted.hits) do self.t.names:hit(name) end
  return counted.entries
end

return tally
