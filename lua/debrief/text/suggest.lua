--- The nearest of some names, for messages that suggest one.
-- @module debrief.text.suggest

-- Levenshtein's distance, with a neighbouring swap as one step.
local function distance(a, b)
  local before, last = nil, {}
  for j = 0, #b do last[j] = j end
  for i = 1, #a do
    local row = { [0] = i }
    for j = 1, #b do
      local same = a:byte(i) == b:byte(j)
      row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
      if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
        row[j] = math.min(row[j], before[j - 2] + 1)
      end
    end
    before, last = last, row
  end
  return last[#b]
end

--- @param name the word that was typed
-- @param names an array of the known names
-- @return the nearest name, or nil if none is near; and for the end of a message ": did you mean 'NAME'?" or ""
local function suggest(name, names)
  local best, least = nil, math.max(1, #name // 2) + 1
  for _, candidate in ipairs(names) do
    local prefix = #name >= 2 and candidate:sub(1, #name) == name
    local longer = math.abs(#candidate - #name)
    local d = least
    if prefix then d = 1 - 1 / (longer + 1) -- the shortest of those that begin so
    elseif longer < least then d = distance(name:lower(), candidate:lower()) end
    if d < least and d < math.max(#name, #candidate) then best, least = candidate, d end -- some of it is the same
  end
  return best, best and (": did you mean '%s'?"):format(best) or ""
end

return suggest
