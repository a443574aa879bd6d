--- The questions people ask most, without an expression: skill, phase, model, project, outcome, grep.
--
--     { skill = { "review", "quay-*" }, outcome = { "fail" } }     one of these skills, and it failed
--
-- Each key has an array of values, of which one must fit; all keys must. `*` and `?` in a value make it a pattern,
-- except in outcome and grep. A skill is named as it is in the log, or as `plugin:name`; a model is the entry's or that
-- of any attempt; a project is the whole path or its last part. grep finds a text in the strings of the entry, at any
-- depth, not in the names of members; without a capital letter in it, it finds both cases (A to Z).
--
-- What is an equality of a plain member is left to the matcher in C, which looks at the line before there is an entry.
-- @module debrief.query.selectors
local attempts_of = require "debrief.entry.attempts"
local core = require "debrief.core"
local outcome = require "debrief.entry.outcome"
local patterns = require "debrief.text.pattern"
local suggest = require "debrief.text.suggest"

local selectors = {}

--- The keys, in the order in which they are tested: cheap ones first.
selectors.keys = { "skill", "phase", "outcome", "project", "model", "grep" }

--- What an outcome may be.
selectors.outcomes = { "ok", "fail", "skip", "unknown" }

-- ---- Checking -------------------------------------------------------------------------------------------------------

local function check_outcome(word)
  for _, known in ipairs(selectors.outcomes) do if known == word then return true end end
  local near = outcome { final_status = word }
  local hint = near ~= "unknown" and (": did you mean '%s'?"):format(near)
    or select(2, suggest(word, selectors.outcomes))
  return nil, ("outcome is ok, fail, skip or unknown, not '%s'%s"):format(word, hint)
end

--- Are the values of a key possible ones?
-- @param values an array of texts
-- @return true; or nil and a message
function selectors.check(key, values)
  for _, value in ipairs(values) do
    local ok, message = true, nil
    if value == "" then ok, message = nil, ("%s is empty: name one, or leave it out"):format(key)
    elseif key == "outcome" then ok, message = check_outcome(value) end
    if not ok then return nil, message end
  end
  return true
end

-- ---- Names ----------------------------------------------------------------------------------------------------------

-- A function that says whether a text is one of the values, or matches a pattern among them.
local function one_of(values)
  local literal, globs = {}, {}
  for _, value in ipairs(values) do
    if patterns.is(value) then globs[#globs + 1] = value else literal[value] = true end
  end
  return function(text)
    if literal[text] then return true end
    for _, glob in ipairs(globs) do if patterns.matches(text, glob) then return true end end
    return false
  end
end

local tests = {}

function tests.phase(values)
  local fits = one_of(values)
  return function(entry) return entry.phase ~= nil and fits(entry.phase) end
end

function tests.skill(values)
  local fits = one_of(values)
  return function(entry)
    local name, source = entry.skill, entry.source
    if name == nil then return false end
    if fits(name) then return true end
    local plugin = core.type(source) == "object" and source.plugin
    return type(plugin) == "string" and fits(plugin .. ":" .. name)
  end
end

function tests.outcome(values)
  local fits = one_of(values)
  return function(entry) return fits((outcome(entry))) end
end

function tests.project(values)
  for i, value in ipairs(values) do values[i] = value:gsub("(.)/+$", "%1") end
  local fits = one_of(values)
  return function(entry)
    local root = entry.project_root
    if root == nil then return false end
    root = root:gsub("(.)/+$", "%1")
    return fits(root) or fits(root:match "[^/]*$")
  end
end

function tests.model(values)
  local fits = one_of(values)
  return function(entry)
    if entry.model_used ~= nil and fits(entry.model_used) then return true end
    for _, attempt in attempts_of(entry) do
      if attempt.model ~= nil and fits(attempt.model) then return true end
    end
    return false
  end
end

-- ---- Text -----------------------------------------------------------------------------------------------------------

-- Has a string of the value the text? `same` brings a string into the case of the text.
local function has_text(value, text, same)
  if type(value) == "string" then return same(value):find(text, 1, true) ~= nil end
  if type(value) ~= "table" then return false end
  for _, part in next, value do
    if has_text(part, text, same) then return true end
  end
  return false
end

local function as_it_is(text) return text end

-- One text of grep. Most entries have it nowhere in their line: that is seen there, unless the text or the line has
-- something that JSON may write in several ways.
local function grep(text)
  local same = text:find "%u" and as_it_is or string.lower
  local plain = not text:find '[%c"\\/<>&\128-\255]'
  return function(entry)
    if plain then
      local line = tostring(entry)
      if not line:find("\\u", 1, true) and not same(line):find(text, 1, true) then return false end
    end
    return has_text(core.table(entry), text, same)
  end
end

function tests.grep(values)
  local list = {}
  for i, value in ipairs(values) do list[i] = grep(value) end
  return function(entry)
    for _, test in ipairs(list) do if test(entry) then return true end end
    return false
  end
end

-- ---- Whole selections -----------------------------------------------------------------------------------------------

-- Can the matcher compare the values of this key?
local function is_equality(key, values)
  if key ~= "skill" and key ~= "phase" then return false end
  for _, value in ipairs(values) do
    if patterns.is(value) or key == "skill" and value:find(":", 1, true) then return false end
  end
  return true
end

--- A test for the values of one key, on the entry alone.
-- @return function(entry) -> boolean
function selectors.test(key, values) return tests[key](table.move(values, 1, #values, 1, {})) end

--- Does a query select by any of these keys?
function selectors.has(q)
  for _, key in ipairs(selectors.keys) do if q[key] then return true end end
  return false
end

--- What a query selects, in the two ways in which it is tested.
-- @param q of debrief.query, or its plain part
-- @return what core.match takes, or nil; and a function(entry) -> boolean for the rest, or nil
function selectors.of(q)
  local match, list = nil, {}
  for _, key in ipairs(selectors.keys) do
    local values = q[key]
    if values and is_equality(key, values) then
      match = match or {}
      match[key] = values
    elseif values then
      list[#list + 1] = selectors.test(key, values)
    end
  end
  if #list < 2 then return match, list[1] end
  return match, function(entry)
    for _, test in ipairs(list) do if not test(entry) then return false end end
    return true
  end
end

return selectors
