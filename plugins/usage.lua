-- usage: what runs cost, where their logger says: the tokens of `usage` and `cost_usd`, by skill, model, phase, session
-- or day. "Logged" says of how many runs the sums are: a run without numbers is not one that cost nothing. Per pass is
-- the whole cost, of failed runs too, over the runs that passed, where every run has a cost.
local debrief = require "debrief"
local agg = debrief.aggregate

local TOKENS = { "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens" }

local function number(x) return type(x) == "number" and x or nil end

local function group_of(entry, ctx)
  local by, last = ctx.options.by, entry.attempts and entry.attempts[#entry.attempts]
  if by == "session" then return ctx.session end
  if by == "model" then return entry.model_used or (last and last ~= debrief.null and last.model or nil) end
  if by == "day" then return debrief.time(entry) and debrief.date("%Y-%m-%d", debrief.time(entry)) end
  return entry[by]
end

local function cells(name, row)
  local cost = agg.value(row.cost)
  local per_pass = row.passes > 0 and row.cost.n == row.logged.den and cost / row.passes or nil
  local out = { name, row.logged, cost, per_pass }
  for i, field in ipairs(TOKENS) do out[4 + i] = agg.value(row[field]) end
  return out
end

return {
  name = "usage", api = 1, summary = "Tokens and cost, where they are logged, by skill, model, phase, session or day",
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
      local usage = debrief.type(entry.usage) == "object" and entry.usage or {}
      if usage.estimated == true then acc.estimated = acc.estimated + 1 end
      for _, row in ipairs { agg.at(acc.all, "all"), agg.at(acc.groups, group_of(entry, ctx)) } do
        local logged = number(entry.cost_usd) ~= nil
        agg.add(row.cost, number(entry.cost_usd))
        for _, field in ipairs(TOKENS) do
          agg.add(row[field], number(usage[field]))
          logged = logged or number(usage[field]) ~= nil
        end
        agg.add(row.logged, logged)
        if debrief.outcome(entry) == "ok" then row.passes = row.passes + 1 end
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local all, by = agg.at(acc.all, "all"), ctx.options.by
      local rows = agg.rows(acc.groups, cells, by ~= "day" and function(row)
        return (agg.value(row.cost) or 0) * 1e9 + (agg.value(row.output_tokens) or 0)
      end or nil)
      if all.logged.num == 0 then return { title = "Usage", text = "No run has a usage or a cost_usd." } end
      local text = ("%d of %d runs say what they used."):format(all.logged.num, all.logged.den)
      if acc.estimated > 0 then text = ("%s Estimated by their logger: %d."):format(text, acc.estimated) end
      for i = #rows, ctx.options.limit + 1, -1 do rows[i] = nil end
      table.insert(rows, 1, cells("(all)", all))
      return { title = "Usage", text = text, tables = { { rows = rows, columns = { by, "logged",
        { key = "cost_usd", title = "cost", unit = "usd" }, { key = "usd_per_pass", title = "per pass", unit = "usd" },
        { key = TOKENS[1], title = "input" }, { key = TOKENS[2], title = "output" },
        { key = TOKENS[3], title = "cache read" }, { key = TOKENS[4], title = "cache write" } } } } }
    end,
  },
}
