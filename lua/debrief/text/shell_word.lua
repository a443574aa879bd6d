--- A word of a command that a message offers, as a shell takes it: it can be pasted.
-- @module debrief.text.shell_word

--- @param text a path or name
-- @return it, in quotes if it needs them
return function(text)
  if text ~= "" and not text:find "[^%w%._/+,:=@-]" then return text end
  return "'" .. text:gsub("'", [['\'']]) .. "'"
end
