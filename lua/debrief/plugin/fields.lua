--- Which fields of entries does a plugin name? As far as reading its text shows, for `debrief plugins NAME`.
-- @module debrief.plugin.fields

-- Which parameter of a hook is the entry: enrich(entry), filter(entry), step(acc, entry) …
local ENTRY_PARAMETER = { enrich = 1, filter = 1, export = 1, step = 2 }

-- What the hook's function calls its entry, for each `hook = function(…)` of the text.
local function entry_names(text, hook, position)
  local names = {}
  for list in text:gmatch("%f[%w_]" .. hook .. "%s*=%s*function%s*(%b())") do
    local parameters = {}
    for name in list:gmatch "[%a_][%w_]*" do parameters[#parameters + 1] = name end
    names[#names + 1] = parameters[position]
  end
  return names
end

--- The fields of entries that a plugin's text names: `entry.skill`, by the names its hooks use for the entry. Fields
-- that are read by a function with another name for it are not seen.
-- @param text the plugin's source
-- @param match its match table, or nil
-- @return array of names, sorted
local function fields(text, match)
  local seen, out = {}, {}
  for field in next, match or {} do seen[field] = true end
  for hook, position in next, ENTRY_PARAMETER do
    for _, entry in ipairs(entry_names(text, hook, position)) do
      for field in text:gmatch("%f[%w_]" .. entry .. "%.([%a_][%w_]*)") do seen[field] = true end
      if text:find("%f[%w_]attempts%(" .. entry .. "%)") then seen.attempts = true end
    end
  end
  for field in next, seen do out[#out + 1] = field end
  table.sort(out)
  return out
end

return fields
