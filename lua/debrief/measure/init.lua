--- Tables of measures: `debrief table`, debrief.table and the plugin `table`.
--
--     retrospective = debrief.table { by = "skill", show = "runs, passed, p50(duration_ms)", sort = "-runs" }
--
-- The same definition has the same answer at every door.
-- @module debrief.measure
local agg = require "debrief.retro.aggregate"
local asked = require "debrief.entry.asked"
local attempts = require "debrief.entry.attempts"
local charts = require "debrief.measure.charts"
local core = require "debrief.core"
local define = require "debrief.measure.define"
local groups = require "debrief.measure.groups"
local period = require "debrief.text.period"
local skill = require "debrief.entry.skill"
local subagent = require "debrief.entry.subagent"
local tally = require "debrief.measure.tally"

local measure = {}

--- The keys of a definition.
measure.keys = define.keys

-- ---- Counting -------------------------------------------------------------------------------------------------------

local function message_of(raised)
  local text = type(raised) == "table" and raised.message or tostring(raised)
  text = text:gsub("^%[?[%w_ \"./-]*%]?:%d+: ", ""):gsub("^aggregate%.add %(%w+%): ", "")
  return (text:gsub("%(global '([^']*)'%)", "(field '%1')"))
end

local function note(acc, what, raised) agg.add(acc.errors, ("%s: %s"):format(what, message_of(raised))) end

-- The keys of an item; one that cannot be computed is absent.
local function keys_of(t, acc, item, entry, keys)
  for i, group in ipairs(t.by) do
    local ok, key
    if group.way == "skill" then ok, key = true, skill.key(entry)
    else ok, key = pcall(group.of, item, entry) end
    if not ok then note(acc, group.key, key) key = nil end
    if core.type(key) == "object" or core.type(key) == "array" then
      note(acc, group.key, "an " .. core.type(key) .. " is no group")
      key = nil
    end
    keys[i] = key
  end
end

-- Add an item to the cells of a row; `again`: the row has counted this entry before.
local function add_cells(t, acc, row, item, entry, again)
  if not again then row.runs = row.runs + 1 end
  for i, column in ipairs(t.show) do
    if not (again and column.run) then
      local ok, raised = pcall(column.add, row.cells[i], item, entry)
      if not ok then note(acc, column.key, raised) end
    end
  end
end

local function across_of(t, acc, row, item, entry)
  local ok, key = pcall(t.across.of, item, entry)
  if not ok then note(acc, t.across.key, key) key = nil end
  return agg.at(row.across, key)
end

-- Does an item hold what `where` asks? One that cannot be judged is left out.
local function wanted(t, acc, item, entry)
  if not t.where then return true end
  local ok, answer = pcall(t.where, item, entry)
  if not ok then note(acc, "where", answer) end
  return ok and answer
end

local function count(t, acc, item, entry, seen)
  if not wanted(t, acc, item, entry) then return end
  local keys = {}
  keys_of(t, acc, item, entry, keys)
  local row = groups.at(acc.groups, keys, #t.by)
  add_cells(t, acc, row, item, entry, seen[row])
  seen[row] = true
  if not t.across then return end
  local part = across_of(t, acc, row, item, entry)
  add_cells(t, acc, part, item, entry, seen[part])
  seen[part] = true
end

-- The items of an entry that are objects.
local function items_of(t, entry)
  if t.each == "attempts" then return attempts(entry) end
  local list, i = entry.tools, 0
  if core.type(list) ~= "array" then return function() end end
  return function()
    repeat i = i + 1 until list[i] == nil or core.type(list[i]) == "object"
    return list[i] ~= nil and i or nil, list[i]
  end
end

local function step(t, acc, entry)
  local seen = {}
  acc.entries = acc.entries + 1
  if subagent(entry) then acc.subagents = acc.subagents + 1 end
  local ns = t.dated and core.time(entry)
  if ns then
    acc.first = math.min(acc.first or ns, ns)
    acc.last = math.max(acc.last or ns, ns)
  end
  if not t.each then return count(t, acc, nil, entry, seen) end
  for _, item in items_of(t, entry) do count(t, acc, item, entry, seen) end
end

local function merge(acc, other)
  acc.entries, acc.subagents = acc.entries + other.entries, acc.subagents + other.subagents
  if other.first then
    acc.first = math.min(acc.first or other.first, other.first)
    acc.last = math.max(acc.last or other.last, other.last)
  end
  agg.merge(acc.groups, other.groups)
  agg.merge(acc.errors, other.errors)
  asked.merge(acc.asked, other.asked)
end

-- ---- Showing --------------------------------------------------------------------------------------------------------

local function shown_key(key) return key ~= "" and key or nil end

-- Cells of a row for its columns, which are those of `show` or, for each key of `across`, these.
local function put_cells(t, cells, row, total, keys)
  if not keys then
    for i, column in ipairs(t.show) do cells[#t.by + i] = column.cell(row.cells[i], total.cells[i]) end
    return
  end
  local at = #t.by
  for _, key in ipairs(keys) do
    local part, whole = row.across.groups[key], total.across.groups[key]
    for i, column in ipairs(t.show) do
      at = at + 1
      if part then cells[at] = column.cell(part.cells[i], whole.cells[i]) end
    end
  end
end

local function rows_of(t, list, total, keys)
  local rows = {}
  for i, one in ipairs(list) do
    local cells = {}
    for k in ipairs(t.by) do cells[k] = one.keys and shown_key(one.keys[k]) end
    if one.others then cells[1] = "(others)" end
    put_cells(t, cells, one.row, total, keys)
    rows[i] = cells
  end
  return rows
end

local LONG = 48 -- bytes of a key that may be cut

-- Keys are never cut, but for whole texts, such as prompts.
local function key_columns(t, rows)
  local columns = {}
  for i, group in ipairs(t.by) do
    local longest = 0
    for _, cells in ipairs(rows) do
      if type(cells[i]) == "string" then longest = math.max(longest, #cells[i]) end
    end
    columns[i] = { key = group.key, title = group.key, cut = longest <= LONG and "never" or nil }
  end
  return columns
end

local function columns_of(t, keys, rows)
  local columns = key_columns(t, rows)
  if not keys then
    for _, column in ipairs(t.show) do
      columns[#columns + 1] = { key = column.key, title = column.title, unit = column.unit }
    end
    return columns
  end
  for at, key in ipairs(keys) do
    local name = key == "" and "-" or tostring(key)
    for _, column in ipairs(t.show) do
      local title = #t.show == 1 and name or name .. " " .. column.title
      columns[#columns + 1] = { key = ("%s %s"):format(name, column.key), title = title, unit = column.unit,
        priority = at }
    end
  end
  return columns
end

local TITLES = { runs = "Runs", attempts = "Attempts", tools = "Calls of tools" }

local function title_of(t)
  local keys = {}
  for i, group in ipairs(t.by) do keys[i] = group.key end
  local title = ("%s by %s"):format(TITLES[t.each or "runs"], table.concat(keys, " and "))
  return t.across and ("%s, across %s"):format(title, t.across.key) or title
end

local function plural(n, one, many) return ("%d %s"):format(n, n == 1 and one or many or one .. "s") end

local MOST_ERRORS = 3 -- that are shown one by one

local function text_of(t, acc, list, total, left_out)
  local lines, others = {}, #list > 0 and list[#list].others
  if total.runs == 0 then lines[1] = acc.entries == 0 and "No entries." or "No entry is in any group." end
  if acc.subagents > 0 then
    lines[#lines + 1] = ("%s of %d are subagents' parts of other runs: --where 'not subagent' leaves them out.")
      :format(plural(acc.subagents, "run"), acc.entries)
  end
  if others then lines[#lines + 1] = ("(others) adds up %d rows."):format(others) end
  if left_out > 0 then
    lines[#lines + 1] = ("Left out, with fewer than %d runs: %s."):format(t.min, plural(left_out, "row"))
  end
  local errors, all = agg.top_items(acc.errors), 0
  for i, one in ipairs(errors) do
    all = all + one.count
    if i <= MOST_ERRORS then lines[#lines + 1] = ("Not computed %s: %s"):format(plural(one.count, "time"), one.key) end
  end
  if #errors > MOST_ERRORS then lines[#lines + 1] = ("Not computed in all: %d times."):format(all) end
  for _, one in ipairs(asked.unknown(acc.asked)) do
    lines[#lines + 1] = ("No entry has a field '%s'%s"):format(one.name,
      one.near and (": did you mean '%s'?"):format(one.near) or ".")
  end
  return lines[1] and table.concat(lines, "\n") or nil
end

local function finish(t, acc)
  local list, total, left_out = groups.rows(t, acc.groups)
  local keys
  if t.across then
    local kind = period.formats[t.across.way] and acc.first and t.across.way
    keys = groups.across(t, total, kind and period.list(kind, acc.first, acc.last))
  end
  local rows = rows_of(t, list, total, keys)
  return { title = title_of(t), text = text_of(t, acc, list, total, left_out),
    charts = t.chart and charts.of(t, acc, list, total, keys) or nil,
    tables = { { columns = columns_of(t, keys, rows), rows = rows } } }
end

-- ---- Making ---------------------------------------------------------------------------------------------------------

local steps = setmetatable({}, { __mode = "k" }) -- the step of a table -> function(ctx) -> its tally, or nil

--- Is this `step` one of a table? Then its steps need no neighbours.
function measure.is_step(f) return steps[f] ~= nil end

--- What counts the table of a `step` in C (debrief.measure.tally).
-- @return a tally; nil if the step is not one of a table, or C cannot count it
function measure.tally(f, ctx)
  local make = steps[f]
  return make and make(ctx) or nil
end

--- Is the definition right?
-- @return true; or nil, the key at fault, and what is wrong with it
function measure.check(given, globals)
  local t, key, message = define.of(given, globals)
  if not t then return nil, key, message end
  return true
end

--- A definition as a retrospective: { init =, step =, merge =, finish = }.
-- @param given the definition, see debrief.measure.define
-- @param globals what expressions see besides fields
-- @return it; or nil and a message
function measure.new(given, globals)
  local t, key, message = define.of(given, globals)
  if not t then return nil, key == "table" and message or ("%s: %s"):format(key, message) end
  local retrospective = {
    init = function()
      return { entries = 0, subagents = 0, groups = groups.new(t), errors = agg.top(100), asked = t.names.state }
    end,
    step = function(acc, entry) step(t, acc, entry) end,
    merge = merge,
    finish = function(acc) return finish(t, acc) end,
  }
  local own
  steps[retrospective.step] = function()
    if own == nil then own = tally.of(t) or false end
    return own
  end
  return retrospective
end

--- A table whose definition depends on the options of a run.
-- @param new function(ctx) -> retrospective of `new`; called once for the options of a run
function measure.of_context(new)
  local made, options
  local function of(ctx)
    if options ~= ctx.options then made, options = new(ctx), ctx.options end
    return made
  end
  local retrospective = {
    init = function(ctx) return of(ctx).init() end,
    step = function(acc, entry, ctx) return of(ctx).step(acc, entry) end,
    merge = function(acc, other, ctx) return of(ctx).merge(acc, other) end,
    finish = function(acc, ctx) return of(ctx).finish(acc) end,
  }
  steps[retrospective.step] = function(ctx) return measure.tally(of(ctx).step, ctx) end
  return retrospective
end

return measure
