--- What foreign logs hold, read with care: a value of a wrong type is as if it were not there.
-- Importers reach these functions as debrief.transcript.
-- @module debrief.import.content
local core = require "debrief.core"

local content = {}

local function indexable(value) -- debrief.null is a userdata too
  return type(value) == "table" or type(value) == "userdata" and value ~= core.null
end

--- The blocks of one type in what a message holds: a text, or a list of blocks that have a type.
function content.blocks(message, kind)
  local found = {}
  for _, block in ipairs(indexable(message) and message or {}) do
    if indexable(block) and block.type == kind then found[#found + 1] = block end
  end
  return found
end

--- What a message holds, in one look: its text, as content.text returns it, and its blocks by their types.
function content.parts(value)
  if type(value) == "string" then return value, {} end
  local by_kind, texts = {}, {}
  for _, block in ipairs(indexable(value) and value or {}) do
    local kind, said = core.members(block, "type", "text")
    if kind == "text" then
      texts[#texts + 1] = tostring(said)
    elseif kind then
      local list = by_kind[kind]
      if list then list[#list + 1] = block else by_kind[kind] = { block } end
    end
  end
  return table.concat(texts, "\n"), by_kind
end

local function size_of(block) -- of a picture or document, in kB
  local source = block.source
  local data = indexable(source) and source.data or block.data
  return type(data) == "string" and (" %d kB"):format((#data * 3 // 4 + 999) // 1000) or ""
end

--- The text of what a message holds, whatever the types of its parts: a text, or all parts that have one.
function content.words(message)
  if type(message) == "string" then return message end
  local texts = {}
  for _, part in ipairs(content.array(message)) do texts[#texts + 1] = content.word(content.object(part).text) end
  return table.concat(texts, "\n")
end

--- An amount of dollars or seconds: a number from 0 on that can be one, else nil.
function content.amount(value) return math.type(value) and value >= 0 and value < 1e9 and value or nil end

--- The value if it is an object, else {}.
function content.object(value) return core.type(value) == "object" and value or {} end

--- The value if it is an array, else {}.
function content.array(value) return core.type(value) == "array" and value or {} end

--- The value if it is a text with something in it, else nil.
function content.word(value) return type(value) == "string" and value ~= "" and value or nil end

--- What a message holds as an entry may keep it: pictures and documents as `[image 415 kB]`.
function content.input(message)
  if core.type(message) ~= "array" then return message end
  local out = core.array {}
  for i, block in ipairs(message) do
    local kind = indexable(block) and block.type
    out[i] = (kind == "image" or kind == "document")
      and { type = "text", text = ("[%s%s]"):format(kind, size_of(block)) } or block
  end
  return out
end

--- A count of a foreign log as an integer: 12, 12.0 and "12" are; nil for anything else and below 0.
function content.count(value)
  if math.type(value) == "integer" then return value >= 0 and value or nil end
  local n = math.tointeger(tonumber(type(value) ~= "userdata" and type(value) ~= "table" and value or nil))
  return n and n >= 0 and n or nil
end

--- The text of what a message holds.
function content.text(message)
  if type(message) == "string" then return message end
  local texts = {}
  for i, block in ipairs(content.blocks(message, "text")) do texts[i] = tostring(block.text) end
  return table.concat(texts, "\n")
end

return content
