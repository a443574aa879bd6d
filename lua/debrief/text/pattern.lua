--- Patterns as people type them in a shell: `*` stands for any text, `?` for one byte.
-- @module debrief.text.pattern
local pattern = {}

--- Is there a `*` or `?` in the text?
function pattern.is(text) return text:find "[*?]" ~= nil end

--- Does the text match? Only the last `*` is tried again, so that no pattern takes long.
function pattern.matches(text, wanted)
  local i, j, star, from = 1, 1, nil, nil
  while i <= #text do
    local c = wanted:sub(j, j)
    if c == "*" then star, from, j = j, i, j + 1
    elseif c == "?" or c == text:sub(i, i) then i, j = i + 1, j + 1
    elseif star then from, j = from + 1, star + 1 i = from
    else return false end
  end
  return not wanted:find("[^*]", j)
end

return pattern
