--- Gates: `--fail-if 'passed < 0.8 and runs >= 20'`, an expression over the columns of a report's rows, by key.
--
--     passed        of a rate its share, and nothing where nothing was decided
--     passed.n      how many were decided; .low and .high: the 95 % interval (Wilson 1927)
--     passed.before with an earlier state: what it was; .change: by how much it grew; .worse, .better: whether a rate
--                   fell or grew by more than chance explains (its 95 % interval of the difference, Newcombe 1998)
--
-- A comparison with what is absent does not hold. A table without the columns that are named is not judged.
-- @module debrief.report.gate
local agg = require "debrief.retro.aggregate"
local expression = require "debrief.text.expression"
local records = require "debrief.report.records"
local suggest = require "debrief.text.suggest"
local translate = require "debrief.text.translate"
local values = require "debrief.text.values"

local gate = {}
gate.__index = gate

-- ---- Values ---------------------------------------------------------------------------------------------------------

-- The number that a cell is compared as; texts and truths are themselves.
local function plain(x)
  if type(x) ~= "table" then return x end
  local cell = x.cell
  if type(cell) ~= "table" then return cell end
  return cell.den > 0 and cell.num / cell.den or nil
end

local function is_rate(cell) return type(cell) == "table" and cell.num ~= nil end

local function difference(value, which)
  local before = value.before
  if before == nil or not is_rate(value.cell) or not is_rate(before) then return nil end
  local _, low, high = agg.difference(before, value.cell)
  if not low then return nil end
  if which == "worse" then return high < 0 end
  return low > 0
end

local parts = {
  n = function(value) return is_rate(value.cell) and value.cell.den or nil end,
  low = function(value) return is_rate(value.cell) and (agg.wilson(value.cell)) or nil end,
  high = function(value) return is_rate(value.cell) and select(2, agg.wilson(value.cell)) or nil end,
  before = function(value) return plain { cell = value.before } end,
  change = function(value)
    local now, before = plain(value), plain { cell = value.before }
    return type(now) == "number" and type(before) == "number" and now - before or nil
  end,
  worse = function(value) return difference(value, "worse") end,
  better = function(value) return difference(value, "better") end,
}

local Value = {}

function Value.__index(value, name)
  local part = parts[name]
  if not part then error(("a column has n, low, high, before, change, worse and better, not '%s'"):format(name), 0) end
  return part { cell = rawget(value, "cell"), before = rawget(value, "earlier") }
end

for name, compute in pairs {
  __add = function(a, b) return a + b end, __sub = function(a, b) return a - b end,
  __mul = function(a, b) return a * b end, __div = function(a, b) return a / b end,
  __mod = function(a, b) return a % b end, __pow = function(a, b) return a ^ b end,
  __idiv = function(a, b) return a // b end, __concat = function(a, b) return a .. b end,
} do Value[name] = function(a, b) return compute(plain(a), plain(b)) end end
function Value.__unm(a) return -plain(a) end

-- ---- Expressions ----------------------------------------------------------------------------------------------------

-- Comparisons of plain numbers, texts and truths.
local function over_plain(operations)
  local out = {}
  for name, compare in pairs(operations) do out[name] = function(a, b) return compare(plain(a), plain(b)) end end
  return out
end

local GLOBALS = { math = math, tostring = tostring, tonumber = tonumber, ["true"] = true, ["false"] = false }

local function environment(operations)
  local record
  local env = setmetatable({}, {
    __index = function(_, name)
      if name == "_ops" then return operations end
      if name == "row" then return record.row end
      local value = record.row[name]
      if value == nil and not record.columns[name] then value = GLOBALS[name] end
      return value
    end,
    __newindex = function(_, name) error(("a gate cannot assign to '%s'"):format(tostring(name)), 0) end,
  })
  return env, function(one) record = one end
end

--- Understand an expression.
-- @return a gate; or nil and a message
function gate.new(text)
  local ok, message = expression.check(text)
  if not ok then return nil, message end
  local translated, operations, names = translate(text)
  if not translated then return nil, operations end
  local env, set = environment(over_plain(operations))
  local wanted = {}
  for _, name in ipairs(names) do
    if not GLOBALS[name] and name ~= "row" and name ~= "nil" then wanted[#wanted + 1] = name end
  end
  return setmetatable({ text = text, names = wanted, set = set,
    run = assert(load(expression.chunk(translated), "=gate", "t", env)) }, gate)
end

-- ---- Judging --------------------------------------------------------------------------------------------------------

-- A record as an expression sees it.
local function seen(record)
  local row = {}
  for _, key in ipairs(record.keys) do
    local cell = record.cells[key]
    if is_rate(cell) and cell.den == 0 then cell = nil end
    if type(cell) == "table" and not is_rate(cell) then cell = nil end -- a curve
    local earlier = record.cells[key .. ".before"]
    if type(cell) == "number" and not record.columns[key .. ".before"] then
      row[key] = cell -- with all that Lua does with numbers
    elseif type(cell) == "number" or is_rate(cell) then
      row[key] = setmetatable({ cell = cell, earlier = earlier }, Value)
    else
      row[key] = cell
    end
  end
  return { row = row, columns = record.columns }
end

local function has_all(record, names)
  for _, name in ipairs(names) do
    if not record.columns[name] then return false end
  end
  return true
end

-- "passed 12/20 (60 %), runs 20": the columns that the gate names.
local function shown(self, record)
  local out = {}
  for _, name in ipairs(self.names) do out[#out + 1] = ("%s %s"):format(name, values.show(record.cells[name])) end
  return table.concat(out, ", ")
end

local function unknown(self, reports)
  local keys, known = {}, {}
  for _, report in ipairs(reports) do
    for _, t in ipairs(report.tables) do
      for _, column in ipairs(t.columns) do
        if not known[column.key] then keys[#keys + 1], known[column.key] = column.key, true end
      end
    end
  end
  for _, name in ipairs(self.names) do
    if not known[name] then
      local near, hint = suggest(name, keys)
      return ("no table has a column '%s'%s"):format(name, near and hint or "; there are " .. table.concat(keys, ", "))
    end
  end
  return "no table has all of these columns: " .. table.concat(self.names, ", ")
end

--- Judge the rows of reports.
-- @param reports checked reports, which baseline.join may have joined with earlier ones
-- @return array of { plugin =, name = of the row, failed = boolean, shown = text of the columns it names }; or nil and
--   a message when no table has the columns, or the expression fails
function gate:judge(reports)
  local out, judged, rows = {}, false, false
  for _, report in ipairs(reports) do
    for _, t in ipairs(report.tables) do
      local columns = {}
      for _, column in ipairs(t.columns) do columns[column.key] = true end
      judged, rows = judged or has_all({ columns = columns }, self.names), rows or #t.rows > 0
    end
    for _, record in ipairs(records.of(report)) do
      if has_all(record, self.names) and record.name ~= records.OTHERS then
        judged = true
        self.set(seen(record))
        local ok, answer = pcall(self.run)
        if not ok then
          return nil, ("%s (row %s)"):format(tostring(answer):gsub("^[^ ]*:%d+: ", ""), record.name)
        end
        out[#out + 1] = { plugin = report.plugin, name = record.name, failed = answer and true or false,
          shown = shown(self, record) }
      end
    end
  end
  if not judged then return nil, unknown(self, reports) end
  return out
end

return gate
