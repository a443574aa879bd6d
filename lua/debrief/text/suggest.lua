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

--- Is a name most likely a slip of the pen for a known one? `suggest` answers whoever typed an unknown word and has to
-- be helped; this is for names that may well be meant. Nearer: one slip, two in eight letters, or a beginning.
-- @return the known name, or nil
local function slip(name, names)
  local near = suggest(name, names)
  if not near then return nil end
  if #name >= 4 and near:sub(1, #name) == name or #near >= 4 and name:sub(1, #near) == near and #name - #near < 3 then
    return near
  end
  return distance(name:lower(), near:lower()) <= (#name >= 8 and 2 or 1) and near or nil
end

return setmetatable({ slip = slip }, { __call = function(_, ...) return suggest(...) end })
