-- usage: what runs cost, where their logger says: the tokens of `usage` and `cost_usd`, by skill, model, phase, session
-- or day. "Logged" says of how many runs the sums are: a run without numbers is not one that cost nothing. Per pass is
-- the whole cost, of failed runs too, over the runs that passed, where every run has a cost.
local debrief = require "debrief"
local agg = debrief.aggregate

local TOKENS = { "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens" }

local function number(x) return type(x) == "number" and x or nil end

-- What the row of a run is called.
local group_of = {
  skill = function(entry) return entry.skill end,
  phase = function(entry) return entry.phase end,
  session = function(_, ctx) return ctx.session end,
  day = function(entry)
    local at = debrief.time(entry)
    return at and debrief.date("%Y-%m-%d", at)
  end,
  model = function(entry)
    local last = entry.attempts and entry.attempts[#entry.attempts]
    if entry.model_used or not last or last == debrief.null then return entry.model_used end
    return last.model
  end,
}

-- Add a run to a row.
local function count(row, entry)
  local usage, cost = debrief.type(entry.usage) == "object" and entry.usage or {}, number(entry.cost_usd)
  local logged = cost ~= nil
  agg.add(row.cost, cost)
  for _, field in ipairs(TOKENS) do
    local tokens = number(usage[field])
    agg.add(row[field], tokens)
    logged = logged or tokens ~= nil
  end
  agg.add(row.logged, logged)
  if debrief.passed(entry) then row.passes = row.passes + 1 end
end

local function cells(name, row)
  local cost, every_run_has_one = agg.value(row.cost), row.cost.n == row.logged.den
  local per_pass = row.passes > 0 and every_run_has_one and cost / row.passes or nil
  local out = { name, row.logged, cost, per_pass }
  for i, field in ipairs(TOKENS) do out[4 + i] = agg.value(row[field]) end
  return out
end

-- The dearest first, by tokens where costs are equal.
local function weight(row) return (agg.value(row.cost) or 0) * 1e9 + (agg.value(row.output_tokens) or 0) end

return {
  name = "usage",
  api = 1,
  summary = "Tokens and cost, where they are logged, by skill, model, phase, session or day",
  options = {
    by = { type = "string", default = "skill", choices = { "skill", "model", "phase", "session", "day" },
      help = "what a row adds up" },
    limit = { type = "integer", default = 30, min = 1, help = "how many rows to show" },
  },
  split = true,
  retrospective = {
    init = function()
      local row = { logged = agg.rate(), passes = 0, cost = agg.sum() }
      for _, field in ipairs(TOKENS) do row[field] = agg.sum() end
      return { estimated = 0, all = agg.by(row), groups = agg.by(row) }
    end,
    step = function(acc, entry, ctx)
      count(agg.at(acc.all, "all"), entry)
      count(agg.at(acc.groups, group_of[ctx.options.by](entry, ctx)), entry)
      local usage = entry.usage
      if debrief.type(usage) == "object" and usage.estimated == true then acc.estimated = acc.estimated + 1 end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local all, by = agg.at(acc.all, "all"), ctx.options.by
      if all.logged.num == 0 then return { title = "Usage", text = "No run has a usage or a cost_usd." } end

      local in_order_of_days = by == "day"
      local rows = agg.rows(acc.groups, cells, not in_order_of_days and weight or nil, ctx.options.limit)
      table.insert(rows, 1, cells("(all)", all))

      local text = ("%d of %d runs say what they used."):format(all.logged.num, all.logged.den)
      if acc.estimated > 0 then text = text .. (" Estimated by their logger: %d."):format(acc.estimated) end
      local columns = {
        by, "logged",
        { key = "cost_usd", title = "cost", unit = "usd" },
        { key = "usd_per_pass", title = "per pass", unit = "usd" },
        { key = "input_tokens", title = "input" },
        { key = "output_tokens", title = "output" },
        { key = "cache_read_tokens", title = "cache read" },
        { key = "cache_write_tokens", title = "cache write" },
      }
      return { title = "Usage", text = text, tables = { { columns = columns, rows = rows } } }
    end,
  },
}
