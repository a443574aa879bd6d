--- What worked at a prompt, as a script.
--
--     bad = list(log:entries { where = failed })     as it was typed
--     bad[1]                                         print(pretty((bad[1])))
-- @module debrief.prompt.save
local syntax = require "debrief.prompt.syntax"

local save = {}

local SHOW = [==[local function show(...)
  for i = 1, select("#", ...) do print(pretty((select(i, ...)))) end
end]==]

local function mentions(text, name) return text:find("%f[%w_]" .. name .. "%f[^%w_]") ~= nil end

-- Does anything look at the values of statement `at`, before others take their place?
local function looked_at(worked, at, name)
  for i = at + 1, #worked do
    if worked[i].text and mentions(worked[i].text, name) then return true end
    if worked[i].file or worked[i].values > 0 then return false end
  end
  return false
end

-- The expression without the `;` that may end it, and without the `=` it may begin with.
local function bare(text)
  return (text:gsub("^%s*=", ""):match "^.*[^;%s]")
end

local function line_of(worked, at)
  local one = worked[at]
  if one.file then return ("dofile(%q)"):format(one.file) end
  if one.values == 0 and syntax.is_statement(one.text) then return one.text end
  local text = bare(one.text)
  if text:find "%-%-" then text = text .. "\n" end -- a comment must not hide the bracket
  local counted = looked_at(worked, at, "_%d+")
  if not counted and not looked_at(worked, at, "_") then
    return (one.shown > 1 and [==[show(%s)]==] or [==[print(pretty((%s)))]==]):format(text)
  end
  local names = {}
  for i = 1, counted and one.values or 1 do names[i] = "_" .. i end
  local all = table.concat(names, ", ")
  return ([==[%s = %s
_ = _1
%s]==]):format(all, text, one.shown > 1 and counted and ([==[show(%s)]==]):format(all) or [==[print(pretty(_))]==])
end

--- The text of a script.
-- @param worked { { text =, values = how many it returned } or { file = }... }
-- @param given name -> true: names that the prompt was given, which a script does not have
function save.script(worked, given)
  local lines, names = {}, {}
  for i = 1, #worked do lines[i] = line_of(worked, i) end
  local text = table.concat(lines, "\n") .. "\n"
  local head = {}
  if text:find "pretty%(" or text:find "show%(" then head[#head + 1] = "local pretty = debrief.pretty" end
  if text:find("show(", 1, true) then head[#head + 1] = SHOW end
  if mentions(text, "list") then head[#head + 1] = "local list = debrief.list" end
  for name in next, given do
    if mentions(text, name) then names[#names + 1] = name end
  end
  table.sort(names)
  if #names > 0 then table.insert(head, 1, "-- set these first: " .. table.concat(names, ", ")) end
  return table.concat(head, "\n") .. (#head > 0 and "\n\n" or "") .. text
end

return save
