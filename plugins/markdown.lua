-- markdown: each run as a card, for issues, reviews and prompts. Exports what is there, judged or not. Texts of the log
-- are blocks of code, so that nothing in them is markup.
local debrief = require "debrief"

local HEAD = { session_id = true, timestamp = true, skill = true, attempts = true }

local function quote(text) return (debrief.short(text, 200):gsub("[\\`*_{}%[%]<>#|~&@$!^]", "\\%0")) end

-- A value under its name: short ones in the line, others as a block.
local function add(out, name, value)
  if value == nil or value == debrief.null then return end
  local text = type(value) == "string" and value or debrief.encode(value)
  if text == "" then return end
  if type(value) ~= "table" and #text <= 80 and not text:find "[\r\n]" then
    out[#out + 1] = ("* %s: %s"):format(quote(name), quote(text))
    return
  end
  local block = "    " .. text:gsub("\r\n?", "\n"):gsub("\n+$", ""):gsub("\n", "\n    ")
  out[#out + 1] = ("\n%s:\n\n%s\n"):format(quote(name), block)
end

local function add_members(out, object, passed_over)
  for name, value in pairs(object) do
    if not passed_over[name] then add(out, name, value) end
  end
end

local function card(row)
  local out = { ("## %s %s: %s\n"):format(quote(row.at), quote(row.skill), row.outcome) }
  add(out, "timestamp", row.entry.timestamp)
  add_members(out, row.entry, HEAD)
  for i, attempt in debrief.attempts(row.entry) do
    out[#out + 1] = ("\n### Attempt %d\n"):format(i)
    if debrief.type(attempt) == "object" then add_members(out, attempt, { attempt = true })
    else add(out, "value", attempt) end
  end
  return table.concat(out, "\n"):gsub("\n\n\n+", "\n\n") .. "\n\n"
end

return {
  name = "markdown",
  api = 1,
  summary = "Each run as a card in Markdown, for issues and reviews",
  export = function(entry, emit, ctx)
    local skill = type(entry.skill) == "string" and entry.skill or "-"
    emit({ at = ("%s:%d"):format(ctx.session, ctx.line), skill = skill, outcome = debrief.outcome(entry),
      entry = debrief.table(entry) }, nil, card)
  end,
}
