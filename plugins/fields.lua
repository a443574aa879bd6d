-- fields: what the log holds. Each field of its entries: its type, how many have it, and an example; then those that
-- every entry has without being logged (outcome, week, gap_ms and others). `debrief fields` shows it.
local debrief = require "debrief"
local agg = debrief.aggregate

local LEVELS = 3 -- of objects and arrays that are looked into

local function kind_of(value)
  local kind = debrief.type(value)
  return kind == "number" and math.type(value) == "integer" and "integer" or kind
end

-- Count a value that is called `name`; `of` is what has it: "" for the entry, else an array of objects.
local function look(acc, name, value, of, levels)
  local row, kind = agg.at(acc.fields, name), kind_of(value)
  row.of, row.n = of, row.n + 1
  agg.add(row.types, kind)
  if kind ~= "object" and kind ~= "array" then
    agg.add(row.example, debrief.short(tostring(value), 60))
  elseif kind == "object" and levels > 0 then
    for key, part in pairs(value) do look(acc, name .. "." .. key, part, of, levels - 1) end
  elseif levels > 0 then
    for _, item in ipairs(value) do
      if debrief.type(item) == "object" then
        row.items = row.items + 1
        for key, part in pairs(item) do look(acc, name .. ".N." .. key, part, name, levels - 1) end
      end
    end
  end
end

-- "integer or null", the most frequent first.
local function types(row)
  local out = {}
  for i, item in ipairs(agg.top_items(row.types)) do out[i] = item.key end
  return table.concat(out, " or ")
end

local name, has_it = { key = "field", cut = "never" }, { key = "entries" }

return {
  name = "fields",
  api = 1,
  summary = "What the log holds: each field, its type, how many entries have it, an example",
  split = true,
  retrospective = {
    init = function()
      local row = { n = 0, items = 0, of = "", types = agg.top(), example = agg.first() }
      return { entries = 0, fields = agg.by(row), virtual = agg.by { n = 0 } }
    end,
    step = function(acc, entry)
      acc.entries = acc.entries + 1
      for key, value in pairs(entry) do look(acc, key, value, "", LEVELS) end
      for _, field in ipairs(debrief.virtual_fields) do
        local row = agg.at(acc.virtual, field.name)
        if debrief.get(entry, field.name) ~= nil then row.n = row.n + 1 end
      end
    end,
    merge = function(acc, other)
      acc.entries = acc.entries + other.entries
      for key, row in agg.each(other.fields) do agg.at(acc.fields, key).of = row.of end
      agg.merge(acc.fields, other.fields)
      agg.merge(acc.virtual, other.virtual)
    end,
    finish = function(acc)
      local logged = agg.rows(acc.fields, function(key, row)
        local all = row.of == "" and acc.entries or agg.at(acc.fields, row.of).items
        return { key, types(row), agg.rate(math.min(row.n, all), all), agg.value(row.example) }
      end)
      local computed = {}
      for i, field in ipairs(debrief.virtual_fields) do
        local row = agg.at(acc.virtual, field.name)
        computed[i] = { field.name, field.type, agg.rate(row.n, acc.entries), field.help }
      end
      return {
        title = "Fields",
        text = "Of `list.N.field` the count is of the items of all lists; list.-1.field names that of the last one.",
        tables = {
          { columns = { name, "type", has_it, "example" }, rows = logged },
          { title = "Computed, wherever a field is named",
            columns = { name, "type", has_it, { key = "help", title = "what it is" } }, rows = computed },
        },
      }
    end,
  },
}
