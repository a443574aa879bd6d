-- What the libraries show to others: names of ours only, sonames, and what they need.
local program = dofile "tests/spec/support/program.lua"

local function output(command)
  local pipe = assert(io.popen("cd " .. program.quote(program.build) .. " && " .. command .. " 2>&1"))
  local text = pipe:read "a"
  assert(pipe:close(), text)
  return text
end

-- Names that a library defines for others; sanitizers and coverage add their own, with two underscores.
local function defined(how, file)
  local names = {}
  for name in output("nm " .. how .. " --defined-only " .. file):gmatch "%x+ %u ([^%s@]+)" do
    if name:sub(1, 2) ~= "__" then names[#names + 1] = name end
  end
  assert(#names > 10, file)
  return names
end

local function undeclared(names, patterns)
  local out = {}
  for _, name in ipairs(names) do
    local fine = false
    for _, pattern in ipairs(patterns) do fine = fine or name:find(pattern) end
    if not fine then out[#out + 1] = name end
  end
  return out
end

-- The functions a public header declares.
local function declared(header)
  local names = {}
  local text = program.read(header):gsub("/%*.-%*/", "")
  for name in text:gmatch "\nDEBRIEF_API [^;(]-([%w_]+)%(" do names[name] = true end
  return names
end

local function needed(file)
  local names = {}
  for name in output("readelf -d " .. file):gmatch "%(NEEDED%)[^\n]*%[(.-)%]" do
    if not name:find "san%.so" then names[#names + 1] = name end
  end
  return names
end

describe("the libraries", function()
  local shared = { ["libdebrief-log.so.0"] = { "src/include/debrief/log.h" },
    ["libdebrief.so.0"] = { "src/include/debrief/log.h", "src/include/debrief/debrief.h" } }

  local has_nats = io.open(program.build .. "/libdebrief-nats.so.0")
  if has_nats then has_nats:close() end

  for file, headers in pairs(shared) do
    it(file .. " exports what its headers declare, and no more", function()
      local public = {}
      for _, header in ipairs(headers) do for name in pairs(declared(header)) do public[name] = true end end
      assert.truthy(public.debrief_log_open)
      for _, name in ipairs(defined("-D", file)) do
        assert(public[name] or name:find "^luaopen_debrief", file .. " exports " .. name)
        public[name] = nil
      end
      assert.is_nil(next(public))
    end)

    it(file .. " says its own name", function()
      assert.truthy(output("readelf -d " .. file):find("Library soname: [" .. file .. "]", 1, true))
    end)
  end

  it("libdebrief-nats exports what its header declares, and needs no library of ours", function()
    if not has_nats then return pending "built with NATS=no" end
    local names = output "nm -D --defined-only libdebrief-nats.so.0 | cut -d' ' -f3 | grep -v ^__ | sort"
    assert.equal("debrief_nats_enable\ndebrief_nats_store\n", names)
    assert.falsy(table.concat(needed "libdebrief-nats.so.0", " "):find "debrief")
    for _, file in ipairs { "libdebrief-log.so.0", "libdebrief.so.0", "debrief", "lua/debrief.so" } do
      assert.falsy(table.concat(needed(file), " "):find "nats", file)
    end
  end)

  for _, file in ipairs { "libdebrief-log.a", "libdebrief.a" } do
    it(file .. " keeps out of everybody's way", function()
      assert.same({}, undeclared(defined("-g", file), { "^debrief_", "^dbf_", "^luaopen_debrief" }))
    end)
  end

  it("libraries can be loaded late, however little room is left for storage of threads", function()
    for _, file in ipairs { "libdebrief-log.so.0", "libdebrief.so.0", "lua/debrief.so" } do
      assert.falsy(output("readelf -d " .. file):find "STATIC_TLS", file)
    end
  end)

  it("libdebrief-log needs no Lua, nor anything but the system's", function()
    for _, name in ipairs(needed "libdebrief-log.so.0") do
      assert(name:find "^libc%.so" or name:find "^ld%-", name)
    end
    assert.falsy(output("nm -u libdebrief-log.a"):find " lua")
  end)

  it("libdebrief links Lua and lua-cjson and holds no copy", function()
    local names = table.concat(needed "libdebrief.so.0", " ")
    assert.truthy(names:find "liblua5.4.so.0" and names:find "liblua5.4%-cjson.so.0", names)
    assert.falsy(output("nm libdebrief.so.0"):find " [TtDd] luaL?_")
  end)
end)
