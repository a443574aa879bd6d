-- usage: what runs cost, where their logger says: the tokens of `usage` and `cost_usd`, by skill, model, phase, session
-- or day. Tokens that were read from a cache or written to it are not in the input. "Logged" says of how many runs the
-- sums are: a run without numbers is not one that cost nothing. What subagents used is in the sums; they are no runs.
--
-- A table of prices gives a cost to runs that have none: a JSON file with US dollars per million tokens, by model, or
-- by what the names of models begin with (the longest such name wins):
--
--     { "claude-opus-4": { "input": 15, "cached": 1.5, "cache_write": 18.75, "output": 75 } }
--
-- Where there is no price for cached or cache_write, they cost what input costs. Per pass is the whole cost, of failed
-- runs too, over the runs that passed, where every run has a cost.
local debrief = require "debrief"
local agg = debrief.aggregate

local TOKENS = { "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens" }
local MILLION = 1000000

local function number(x) return type(x) == "number" and x or nil end

local function object(x) return debrief.type(x) == "object" and debrief.table(x) or {} end

-- ---- Prices --------------------------------------------------------------------------------------------------------

local function is_price(price)
  if type(price) ~= "table" or not number(price.input) or not number(price.output) then return false end
  for _, dollars in pairs(price) do
    if not number(dollars) or dollars < 0 then return false end
  end
  return true
end

-- The prices of a file by model; or nil and what is wrong.
local function read_prices(text)
  local ok, prices = pcall(debrief.decode, text)
  if not ok or debrief.type(prices) ~= "object" then return nil, "a file with a JSON object of prices by model" end
  for model, price in pairs(prices) do
    if not is_price(price) then
      return nil, ('dollars per million tokens for %s, as { "input": 3, "cached": 0.3, "output": 15 }'):format(model)
    end
  end
  return prices
end

local function has_prices(text)
  local prices, wrong = read_prices(text)
  return prices ~= nil, wrong
end

local function price_of(model, prices)
  local best
  for name in pairs(prices) do
    if model:sub(1, #name) == name and #name > #(best or "") then best = name end
  end
  return prices[best]
end

-- Dollars of tokens.
local function cost_of(tokens, price)
  local rest = { cache_read_tokens = price.cached or price.input, cache_write_tokens = price.cache_write or price.input,
    input_tokens = price.input, output_tokens = price.output }
  local dollars = 0.0
  for _, field in ipairs(TOKENS) do dollars = dollars + (agg.value(tokens[field]) or 0) * rest[field] / MILLION end
  return dollars
end

-- ---- Counting ------------------------------------------------------------------------------------------------------

local function sums()
  local out = {}
  for _, field in ipairs(TOKENS) do out[field] = agg.sum() end
  return out
end

local function add_tokens(row, usage)
  for _, field in ipairs(TOKENS) do agg.add(row[field], number(usage[field])) end
end

local function model_of(entry)
  local last = entry.attempts and entry.attempts[#entry.attempts]
  if entry.model_used or not last or last == debrief.null then return entry.model_used end
  return last.model
end

-- The usage of an entry by the model that its messages were of: an array of { model =, usage = }.
local function parts_of(entry)
  local parts = {}
  for model, usage in pairs(object(entry.usage_by_model)) do
    parts[#parts + 1] = { model = model, usage = type(usage) == "table" and usage or {} }
  end
  return parts[1] and parts or { { model = model_of(entry), usage = object(entry.usage) } }
end

-- Add an entry to a row: `usage` in all, and where it has no cost, `parts` by model.
local function count(row, entry, usage, cost, parts)
  local has_usage = next(usage) ~= nil
  add_tokens(row, usage)
  agg.add(row.cost, cost)
  for _, part in ipairs(cost and {} or parts) do add_tokens(agg.at(row.unpriced, part.model), part.usage) end
  if not cost and not has_usage then row.silent = row.silent + 1 end
  if debrief.subagent(entry) then return end
  agg.add(row.logged, cost ~= nil or has_usage)
  if debrief.passed(entry) then row.passes = row.passes + 1 end
end

-- What the row of an entry is called.
local group_of = {
  skill = debrief.skill,
  phase = function(entry) return entry.phase end,
  session = function(_, ctx) return ctx.session end,
  day = function(entry)
    local at = debrief.time(entry)
    return at and debrief.date("%Y-%m-%d", at)
  end,
}

-- ---- The report ----------------------------------------------------------------------------------------------------

-- The cost of a row and that per pass; the models that have tokens and no price go into `missing`.
local function priced(row, prices, missing)
  local cost, is_whole = agg.value(row.cost), row.silent == 0
  for model, tokens in agg.each(row.unpriced) do
    local price = price_of(model, prices)
    if price then
      cost = (cost or 0) + cost_of(tokens, price)
    else
      is_whole, missing[model ~= "" and model or "(no model)"] = false, true
    end
  end
  return cost, is_whole and cost and row.passes > 0 and cost / row.passes or nil
end

-- The dearest first, by tokens where costs are equal. What has no price counts as costing nothing.
local function weigher(prices)
  return function(row) return (priced(row, prices, {}) or 0) * 1e9 + (agg.value(row.output_tokens) or 0) end
end

-- Days are places on a line, all else has bars, without the sum in the first row.
local function charted(by, kind, title, columns)
  return { type = by == "day" and "line" or kind, title = title, columns = columns, first = 2,
    limit = by ~= "day" and 12 or nil }
end

local function text_of(acc, all, missing, ctx)
  local text = { ("%d of %d runs say what they used."):format(all.logged.num, all.logged.den) }
  if acc.estimated > 0 then text[#text + 1] = ("Estimated by their logger: %d."):format(acc.estimated) end
  if ctx.options.prices then
    local models = {}
    for model in pairs(missing) do models[#models + 1] = model end
    text[#text + 1] = ("Runs with a cost of their own: %d; the cost of others is by the table of prices.")
      :format(all.cost.n)
    if models[1] then text[#text + 1] = ("No price, and not in the cost: %s."):format(table.concat(models, ", ")) end
  end
  return table.concat(text, " ")
end

return {
  name = "usage",
  api = 1,
  summary = "Tokens and cost, where they are logged, by skill, model, phase, session or day",
  options = {
    by = { type = "string", default = "skill", choices = { "skill", "model", "phase", "session", "day" },
      help = "what a row adds up" },
    prices = { type = "file", check = has_prices, help = "JSON of dollars per million tokens by model" },
    limit = { type = "integer", default = 30, min = 1, help = "how many rows to show" },
  },
  split = true,
  retrospective = {
    init = function()
      local row = sums()
      row.logged, row.passes, row.silent, row.cost, row.unpriced = agg.rate(), 0, 0, agg.sum(), agg.by(sums())
      return { estimated = 0, all = agg.by(row), groups = agg.by(row) }
    end,
    step = function(acc, entry, ctx)
      local usage, cost, parts = object(entry.usage), number(entry.cost_usd), parts_of(entry)
      count(agg.at(acc.all, "all"), entry, usage, cost, parts)
      if ctx.options.by ~= "model" then
        count(agg.at(acc.groups, group_of[ctx.options.by](entry, ctx)), entry, usage, cost, parts)
      else
        if #parts > 1 then cost = nil end -- how much of it is each model's is not known
        for _, part in ipairs(parts) do
          count(agg.at(acc.groups, part.model), entry, part.usage, cost, { part })
        end
      end
      if usage.estimated == true then acc.estimated = acc.estimated + 1 end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local all, by, missing = agg.at(acc.all, "all"), ctx.options.by, {}
      if all.logged.num + all.cost.n + all.output_tokens.n == 0 then
        return { title = "Usage", text = "No run has a usage or a cost_usd." }
      end

      local prices = ctx.options.prices and read_prices(ctx.options.prices) or {}
      local tokens, costs, any_cost = {}, {}, false
      local function add(name, row)
        local cost, per_pass = priced(row, prices, missing)
        any_cost = any_cost or cost ~= nil
        costs[#costs + 1] = { name, row.logged, cost, per_pass }
        local cells = { name, row.logged }
        for i, field in ipairs(TOKENS) do cells[2 + i] = agg.value(row[field]) end
        tokens[#tokens + 1] = cells
      end
      add("(all)", all)
      local groups = by == "skill" and debrief.skill_names(acc.groups) or acc.groups
      for name, row in agg.each(groups, by ~= "day" and weigher(prices) or nil) do
        if #tokens <= ctx.options.limit then add(name ~= "" and name or nil, row) end
      end

      local key, logged = { key = by, cut = "never" }, { key = "logged", unit = "of", priority = 1 }
      local tables = { {
        title = "Tokens",
        columns = {
          key, logged,
          { key = "input_tokens", title = "input", unit = "count" },
          { key = "cache_read_tokens", title = "cache read", unit = "count" },
          { key = "cache_write_tokens", title = "cache write", unit = "count", priority = 2 },
          { key = "output_tokens", title = "output", unit = "count" },
        },
        rows = tokens,
        chart = charted(by, "stack", "Tokens", TOKENS),
      } }
      if any_cost then
        tables[2] = {
          title = "Cost",
          columns = { key, logged, { key = "cost_usd", title = "cost", unit = "usd" },
            { key = "usd_per_pass", title = "per pass", unit = "usd" } },
          rows = costs,
          chart = charted(by, "bar", "Cost", { "cost_usd" }),
        }
      end
      return { title = "Usage", text = text_of(acc, all, missing, ctx), tables = tables }
    end,
  },
}
