--- The functions of this room by name, as plugins see them: `debrief.statistics.stratified(strata)`. The module of each
-- is loaded when it is called: most runs of the program need none.
--
--     wilson newcombe stratified heterogeneity paired          debrief.statistics.rates
--     ratio_of_medians difference_of_means median_of_pairs     debrief.statistics.numbers
--     step slope holm                                          debrief.statistics.change
-- @module debrief.statistics
local statistics = {}

local function rate(name)
  statistics[name] = function(...) return require "debrief.statistics.rates"[name](...) end
end

local function number(name)
  statistics[name] = function(...) return require "debrief.statistics.numbers"[name](...) end
end

local function of_series(name)
  statistics[name] = function(...) return require "debrief.statistics.change"[name](...) end
end

for _, name in ipairs { "wilson", "newcombe", "stratified", "heterogeneity", "paired" } do rate(name) end
for _, name in ipairs { "ratio_of_medians", "difference_of_means", "median_of_pairs" } do number(name) end
for _, name in ipairs { "step", "slope", "holm" } do of_series(name) end

return statistics
