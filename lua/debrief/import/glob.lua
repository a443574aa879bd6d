--- Patterns of paths: `*` stands for any part of a name, `**` for any part of a path, `{name}` for a name that is given
-- later. Matching takes no longer than the length of the path times that of the pattern.
-- @module debrief.import.glob
local glob = {}

local MOST, LONGEST = 16, 256 -- patterns; bytes of one

local function is_pattern(text)
  if type(text) ~= "string" or text == "" or #text > LONGEST or text:find "%c" then return false end
  for part in (text .. "/"):gmatch "([^/]*)/" do
    if part == "" or part == "." or part == ".." then return false end
  end
  return true
end

--- Is this an array of patterns of relative paths, 1 to 16 of them?
function glob.are_patterns(list)
  local fine = #list > 0 and #list <= MOST
  for key, text in next, list do
    fine = fine and math.type(key) == "integer" and key >= 1 and key <= #list and is_pattern(text)
  end
  return fine
end

-- With one star or none, as most have, a pattern is a beginning and an end.
local function with_one_star(pattern, name)
  local first, star, last = pattern:match "^([^*]*)(%*%*?)([^*]*)$"
  if not first then
    if pattern:find("*", 1, true) then return nil end
    first = pattern
  end
  local function literal(text) return (text:gsub("{name}", function() return name end)) end
  return { first = literal(first), last = star and literal(last), crosses = star == "**" }
end

--- A pattern for glob.matches.
-- @param name what {name} stands for; nil: itself
-- @return an array of its bytes, "*" and "**" among them as themselves; literal stars of the name are bytes in a table.
--   Or, if it has one star or none, { first =, last = what it must begin and end with, crosses = the star passes "/" }
function glob.compiled(pattern, name)
  local short = with_one_star(pattern, name)
  if short then return short end
  local out, at = {}, 1
  while at <= #pattern do
    local token = pattern:match("^{name}", at) or pattern:match("^%*%*?", at) or pattern:sub(at, at)
    at = at + #token
    if token == "{name}" and name then
      for i = 1, #name do out[#out + 1] = { name:byte(i) } end
    else
      out[#out + 1] = token:find "^%*" and token or { token:byte() }
    end
  end
  return out
end

-- Add place `at` of the pattern, and those after stars, which may stand for nothing.
local function enter(places, pattern, at)
  while not places[at] do
    places[at] = true
    if type(pattern[at]) ~= "string" then return end
    at = at + 1
  end
end

--- Does a path match? All places in the pattern where the path so far can end are followed at once, so no path takes
-- longer than its length times that of the pattern.
function glob.matches(pattern, path)
  if pattern.first then
    local first, last = pattern.first, pattern.last
    if not last then return path == first end
    local most = #path - #last
    return most >= #first and path:sub(1, #first) == first and path:sub(most + 1) == last
      and (pattern.crosses or not path:sub(#first + 1, most):find("/", 1, true))
  end
  local places = {}
  enter(places, pattern, 1)
  for i = 1, #path do
    local byte, after = path:byte(i), {}
    for at in next, places do
      local token = pattern[at]
      if type(token) == "string" then
        if token == "**" or byte ~= 47 then enter(after, pattern, at) end -- "/"
      elseif token and token[1] == byte then
        enter(after, pattern, at + 1)
      end
    end
    if not next(after) then return false end
    places = after
  end
  return places[#pattern + 1] == true
end

return glob
