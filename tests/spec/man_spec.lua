-- The man pages: they read well, and name everything there is.
local program = dofile "tests/spec/support/program.lua"

local PAGES = { "debrief.1", "debrief-plugins.7", "debrief-log.3", "debrief.3" }

describe("the man pages", function()
  local scene, shown, raw = nil, {}, {}

  setup(function()
    scene = program.scene()
    if scene:sh("command -v mandoc").status ~= 0 then return pending "no mandoc here" end
    for _, page in ipairs(PAGES) do
      raw[page] = program.read(program.build .. "/man/" .. page)
      local r = scene:sh("mandoc -T utf8 -O width=400 " .. program.build .. "/man/" .. page)
      shown[page] = r.out:gsub(".\b", "") -- bold and underlined
    end
  end)
  teardown(program.clean)

  it("have no mistake that mandoc finds, no link, and a name", function()
    for _, page in ipairs(PAGES) do
      local r = scene:sh("mandoc -T lint -W error " .. program.build .. "/man/" .. page)
      assert.same({ "", 0 }, { r.out, r.status })
      local name = page:match "^[^.]+":gsub("%-", "%%-")
      assert.truthy(shown[page]:find("\nNAME\n +" .. name .. " %- %l"), shown[page]:sub(1, 200))
      assert.falsy(raw[page]:find "\\fC")
      assert.falsy(shown[page]:find "%]%(", page) -- a link
    end
  end)

  it("debrief(1) has every command, option and summary of the help", function()
    local page, words = shown["debrief.1"], 0
    local help = scene:run({ "--help" }).out
    for name in help:match "\nCommands:\n(.-)\n\n":gmatch "\n? +(%a+)  [^\n]*" do
      assert.truthy(page:find("\n   debrief " .. name .. "\n", 1, true), name)
      local part = (page .. "\n   debrief "):match("\n   debrief " .. name .. "\n(.-)\n   debrief ")
      local options = scene:run({ name, "--help" }).out:match "\nOptions:\n(.*)" or ""
      for label in options:gmatch "\n   (%-[^\n]-)  +%u" do
        words = words + 1
        if not label:find "^%-h" and not label:find "^%-d" then assert.truthy(part:find(label, 1, true), label) end
      end
    end
    assert(words > 40, words)
    local variables = 0
    for _, option in ipairs { "-h, --help", "--version", "-d, --dir DIR", "--no-pager" } do
      assert.truthy(page:match "\nOPTIONS\n(.-)\nCOMMANDS\n":find(option, 1, true), option)
    end
    for name in program.read("lua/debrief/cli/README.md"):match "\n## Environment\n(.*)$":gmatch "\n| `([%u_]+)` |" do
      variables = variables + 1
      assert.truthy(page:match "\nENVIRONMENT(\n.*)$":find("\n +" .. name .. "%f[%s]"), name)
    end
    assert(variables > 4, variables)
    assert.truthy(page:find "Exit status: 0 fine, 1 failed, 2 wrong usage")
  end)

  it("debrief-plugins(7) has every field and hook of a plugin, and every aggregate", function()
    local page = shown["debrief-plugins.7"]
    local source = program.read "lua/debrief/plugin/contract.lua"
    local count = 0
    for name in source:match "\nlocal keys = {.-\n  plugin = (%b{})":gmatch "[{,]%s*([%l_]+) =" do
      count = count + 1
      assert.truthy(page:find("%f[%w_]" .. name .. "%f[^%w_]"), name)
    end
    assert(count > 8, count)
    for name in pairs(require "debrief.retro.aggregate") do
      assert.truthy(page:find("%f[%w_]" .. name .. "%f[^%w_]"), name)
    end
  end)

  it("the third section has every function, type and constant of the headers", function()
    for page, header in pairs { ["debrief-log.3"] = "log.h", ["debrief.3"] = "debrief.h" } do
      local text, count = program.read("src/include/debrief/" .. header), 0
      for name in text:gmatch "\nDEBRIEF_API [^;{]-([%l_]+)%(" do
        count = count + 1
        assert.truthy(shown[page]:find(name .. "(", 1, true), name)
      end
      for name in text:gmatch "typedef %l+ ([%l_]+) {" do
        count = count + 1
        assert.truthy(shown[page]:find("typedef %l+ " .. name .. " {"), name)
      end
      for name in text:gmatch "\n  (DEBRIEF_[%u_]+)" do assert.truthy(shown[page]:find(name, 1, true), name) end
      assert(count > 20, count)
      assert.falsy(shown[page]:find("DEBRIEF_API", 1, true))
    end
  end)
end)
