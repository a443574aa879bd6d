--- Text without the blanks around it, in linear time.
--
-- The usual patterns are not linear: `^%s*(.-)%s*$` and `%s+$` try each run of blanks again from each of its positions,
-- so an entry with a megabyte of blanks keeps them busy for an hour.
-- @module debrief.text.trim

local trim = {}

--- The text without blanks at its end.
function trim.right(text) return text:match "^.*%S" or "" end

--- The text without blanks at either end.
function trim.both(text)
  local from = text:find "%S"
  return from and text:match(".*%S", from) or ""
end

return trim
