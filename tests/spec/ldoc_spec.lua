-- Every function that a script or plugin can call says what it does: an LDoc comment (---) ends right above it.
dofile "tests/spec/support/program.lua"
local debrief = require "debrief"

-- The sources, as arrays of lines.
local sources = {}

local function line_of(path, number)
  if not sources[path] then
    sources[path] = {}
    for line in io.lines(path) do table.insert(sources[path], line) end
  end
  return sources[path][number]
end

-- Is the comment right above line `number` one of LDoc?
local function is_described(path, number)
  repeat
    number = number - 1
    local line = line_of(path, number)
    if line:find "^%s*%-%-%-[^-]" then return true end
  until not line:find "^%s*%-%-"
  return false
end

-- "open" for each Lua function of `t` that has no comment of its own; `names` counts what was looked at.
local function undescribed(t, names)
  local out = {}
  for name, value in pairs(t) do
    if type(value) == "function" and type(name) == "string" and not name:find "^__" then
      local info = debug.getinfo(value, "S")
      names[#names + 1] = name
      if info.what == "Lua" and not is_described(info.source:sub(2), info.linedefined) then
        out[#out + 1] = ("%s (%s:%d)"):format(name, info.short_src, info.linedefined)
      end
    end
  end
  table.sort(out)
  return out
end

describe("a description", function()
  -- of `transcript` plugins and scripts have functions that load the module
  for name, module in pairs { aggregate = debrief.aggregate, transcript = require "debrief.import.transcript" } do
    it("stands above every function of debrief." .. name, function()
      local names = {}
      assert.same({}, undescribed(module, names))
      assert.is_true(#names > 3)
    end)
  end

  it("stands above every method of a log and of a report", function()
    local log, names = assert(debrief.open "nowhere"), {}
    assert.same({}, undescribed(getmetatable(log), names))
    local nothing = { init = function() return {} end, step = function() end,
      finish = function() return { title = "t" } end }
    assert.same({}, undescribed(getmetatable(assert(log:retro(nothing, { session = {} }))), names))
    assert.is_true(#names >= 12)
  end)

  it("stands above every member of debrief", function()
    local path = "lua/debrief/plugin/library.lua"
    local missing, number = {}, 1
    while not line_of(path, number):find "^local library = {" do number = number + 1 end
    local first = number
    while line_of(path, number) ~= "}" do
      local name = line_of(path, number):match "^  ([%w_]+) ="
      if name and not is_described(path, number) then missing[#missing + 1] = name end
      number = number + 1
    end
    assert.same({}, missing)
    assert.is_true(number > first + 30)
    local names = {}
    assert.same({}, undescribed({ open = debrief.open, repl = debrief.repl }, names))
  end)
end)
