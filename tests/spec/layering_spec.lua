-- The house: a file includes or requires only what lies below it or before it on its own floor. No cycles, and no long
-- file without a reason.
local program = dofile "tests/spec/support/program.lua"

local function files(pattern)
  local names = {}
  local pipe = assert(io.popen("find " .. pattern .. " | LC_ALL=C sort"))
  for name in pipe:lines() do names[#names + 1] = name end
  pipe:close()
  assert(#names > 0, pattern)
  return names
end

-- What a C file includes with quotes or with <debrief/...>, as paths from the root.
local function includes(path)
  local out, folder = {}, path:match "^(.*)/"
  for name in program.read(path):gmatch '\n#include "([^"]+)"' do
    local from = folder
    while name:sub(1, 3) == "../" do from, name = from:match "^(.*)/", name:sub(4) end
    out[#out + 1] = from .. "/" .. name
  end
  for name in program.read(path):gmatch "#include <debrief/([^>]+)>" do out[#out + 1] = "public/" .. name end
  return out
end

local function requires(path)
  local out, text = {}, program.read(path):gsub("%-%-[^\n]*", "")
  for name in text:gmatch "require%s*%(?%s*[\"']([^\"']+)[\"']" do out[#out + 1] = name end
  return out
end

-- The comment that a file begins with.
local function head(text)
  local c = text:match "^/%*.-%*/"
  if c then return c end
  local lines = {}
  for line in text:gmatch "[^\n]*" do
    if not line:find "^%-%-" then break end
    lines[#lines + 1] = line
  end
  return table.concat(lines, "\n")
end

-- The rows of the table in a README by the names of files in its first column: `read` stands for read.c and read.h.
local function rows_of(readme)
  local rows, row = {}, 0
  for column in program.read(readme):gmatch "\n(|[^|\n]+)|" do
    row = row + 1
    for name in column:gmatch "`([^`]+)`" do
      for _, file in ipairs(name:find "%." and { name } or { name .. ".c", name .. ".h" }) do rows[file] = row end
    end
  end
  assert(row > 2, readme)
  return rows
end

-- Raise when `edges` (name -> array of names) has a cycle, naming it.
local function no_cycle(edges)
  local state = {}
  local function visit(name, way)
    assert(state[name] ~= "open", "a cycle: " .. table.concat(way, " -> ") .. " -> " .. name)
    if state[name] then return end
    state[name] = "open"
    way[#way + 1] = name
    for _, to in ipairs(edges[name] or {}) do visit(to, way) end
    way[#way] = nil
    state[name] = "done"
  end
  for name in pairs(edges) do visit(name, {}) end
end

describe("the layering of C", function()
  local allowed = {
    ["src/log"] = { "src/log/", "public/log.h" },
    ["src/secrets"] = { "src/log/", "src/secrets/" },
    ["src/nats"] = { "src/log/", "src/nats/", "public/log.h", "public/nats.h" },
    ["src/lua"] = { "src/log/", "src/secrets/", "src/lua/", "public/" },
    ["src/host"] = { "src/log/", "src/lua/", "src/host/", "public/" },
    ["src/program"] = { "public/", "src/program/" },
  }

  for folder, below in pairs(allowed) do
    it(folder .. " includes only what lies below it", function()
      for _, path in ipairs(files(folder .. " -maxdepth 1 -name '*.[ch]'")) do
        for _, name in ipairs(includes(path)) do
          local fine = false
          for _, prefix in ipairs(below) do fine = fine or name:sub(1, #prefix) == prefix end
          assert(fine, path .. " includes " .. name)
        end
      end
    end)
  end

  for folder in pairs(allowed) do
    it(folder .. " lists every file in its README, each after what it includes", function()
      local readme = folder .. "/README.md"
      local rows = rows_of(readme)
      for _, path in ipairs(files(folder .. " -maxdepth 1 -name '*.[ch]' -o -path '" .. folder .. "/*.def'")) do
        local row = rows[path:sub(#folder + 2)]
        assert(row, readme .. " does not list " .. path)
        for _, name in ipairs(includes(path)) do
          local other = name:sub(1, #folder + 1) == folder .. "/" and rows[name:sub(#folder + 2)]
          assert(not other or other <= row, ("%s includes %s, which %s lists after it"):format(path, name, readme))
        end
      end
    end)
  end

  it("src/log, src/secrets, src/nats and the program know no Lua", function()
    for _, path in ipairs(files "src/log src/secrets src/nats src/program -name '*.[ch]'") do
      local lua = program.read(path):match "#include <(la?u[ax][^>]*)>"
      assert(not lua, path .. " includes " .. tostring(lua))
    end
    local pipe = assert(io.popen("nm -u " .. program.build .. "/libdebrief-log.a"))
    local symbols = pipe:read "a"
    pipe:close()
    assert.truthy(symbols:find "fdatasync")
    assert.falsy(symbols:find " luaL?_")
  end)

  it("no two headers include each other", function()
    local edges = {}
    for _, path in ipairs(files "src -name '*.h'") do edges[path] = includes(path) end
    no_cycle(edges)
  end)

  -- A file is as long as its subject; but whoever opens a long one should read why it is not two.
  it("a file of more than 500 lines says at its head why it is one piece", function()
    for _, path in ipairs(files "src lua -name '*.[chl]*'") do
      local text = program.read(path)
      local lines = select(2, text:gsub("\n", ""))
      assert(lines <= 500 or head(text):find "[Oo]ne piece", ("%s has %d lines, and no word on why it is one piece")
        :format(path, lines))
    end
  end)
end)

describe("the layering of Lua", function()
  local function module_of(path)
    return (path:gsub("^lua/", ""):gsub("%.lua$", ""):gsub("/init$", ""):gsub("/", "."))
  end

  local edges = {}
  for _, path in ipairs(files "lua -name '*.lua'") do edges[module_of(path)] = requires(path) end
  for name, list in pairs(edges) do -- require("debrief.report." .. format): every module of that name
    local all = {}
    for _, to in ipairs(list) do
      if to:find "%.$" then
        for other in pairs(edges) do if other:sub(1, #to) == to then all[#all + 1] = other end end
      else
        all[#all + 1] = to
      end
    end
    edges[name] = all
  end

  -- What a README's first table lists in its first column, in order: names in backticks, or links.
  local function listed(path)
    local names, rows = {}, program.read(path):match "\n|%-[^\n]*\n(.-)\n\n"
    for cell in ("\n" .. assert(rows, path .. " has no table")):gmatch "\n| ([^|]*) |" do
      for name in cell:gmatch "[`%[]([%w_/]+)[`%]]" do names[#names + 1] = name end
    end
    return names
  end

  -- The modules in reading order: rooms as lua/debrief/README.md lists them, files as the README of each room does.
  local function reading_order()
    local modules = {}
    for _, room in ipairs(listed "lua/debrief/README.md") do
      local prefix = "debrief." .. room:gsub("/", ".")
      local readme = ("lua/debrief/%s/README.md"):format(room)
      if room == "init" then
        modules[#modules + 1] = "debrief"
      elseif not io.open(readme) then
        modules[#modules + 1] = prefix
      else
        for _, name in ipairs(listed(readme)) do
          modules[#modules + 1] = name == "init" and prefix or ("%s.%s"):format(prefix, name)
        end
      end
    end
    return modules
  end

  it("lists every file once in the README of its room, and every room in lua/debrief/README.md", function()
    local at = {}
    for i, name in ipairs(reading_order()) do
      assert(edges[name], "a README lists " .. name .. ", and there is no such module")
      assert(not at[name], "two READMEs, or one twice, list " .. name)
      at[name] = i
    end
    for name in pairs(edges) do assert(at[name], name .. " is in no README") end
  end)

  it("requires only what the READMEs list before it", function()
    local order, at = reading_order(), {}
    for i, name in ipairs(order) do at[name] = i end
    for i, name in ipairs(order) do
      for _, to in ipairs(edges[name]) do
        assert(not at[to] or at[to] < i, ("%s requires %s, which the READMEs list after it"):format(name, to))
      end
    end
  end)

  it("requires only what there is", function()
    assert.truthy(edges["debrief.cli"] and edges["debrief.report.text"])
    local known = { ["debrief.core"] = true, cjson = true, ["debrief.cli.argparse"] = true }
    for name, list in pairs(edges) do
      for _, to in ipairs(list) do assert(known[to] or edges[to], name .. " requires " .. to) end
    end
  end)

  it("keeps the commands on top: nothing else requires them or prints", function()
    for _, path in ipairs(files "lua -name '*.lua' -not -path '*/cli/*'") do
      for _, name in ipairs(requires(path)) do
        assert(not name:find "^debrief%.cli", path .. " requires " .. name)
      end
      local text = program.read(path):gsub("%[==%[.-%]==%]", ""):gsub("%-%-[^\n]*", "")
      for _, way in ipairs { "%f[%w_]print%s*[%(\"]", "io%.std", "io%.write", "os%.exit" } do
        assert(not text:find(way), path .. " prints or exits: " .. way)
      end
    end
  end)

  it("has no module that sets a global", function()
    for _, path in ipairs(files "lua plugins -name '*.lua'") do
      local pipe = assert(io.popen("luac5.4 -l -l -p " .. path .. " 2>&1 || true"))
      local listing = pipe:read "a"
      pipe:close()
      if not listing:find "main <" then return pending "no luac5.4 here" end
      local name = listing:match 'SETTABUP[^\n]*_ENV "([^"]*)"'
      assert(not name, path .. " sets the global " .. tostring(name))
    end
  end)

  it("plugins require debrief and cjson only", function()
    for _, path in ipairs(files "plugins -name '*.lua'") do
      for _, name in ipairs(requires(path)) do
        assert(name == "debrief" or name == "cjson", path .. " requires " .. name)
      end
    end
  end)
end)
