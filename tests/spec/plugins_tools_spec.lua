-- The retrospective `tools`: counted again by hand.
local support = dofile "tests/spec/support/plugins.lua"


describe("tools", function()
  local plugin = support.load "plugins/tools.lua"

  it("counts calls, failures and time by tool and by target", function()
    local report = support.run(plugin, {
      { tools = { { name = "Bash", target = "npm test", duration_ms = 900, error = true },
        { name = "Bash", target = "npm test", duration_ms = 100 },
        { name = "Edit", target = "a.c", duration_ms = 5 } } },
      { tools = { { name = "Bash", target = "git status" }, { name = "WebSearch" } } },
      { skill = "x" },
    })
    assert.equal("2 of 3 runs say which tools they called.", report.text)
    local names, targets = {}, {}
    local function shown(row) return ("%s %d %s"):format(row[1], row[2], tostring(row[4])) end
    for i, row in ipairs(report.tables[1].rows) do names[i] = shown(row) end
    for i, row in ipairs(report.tables[2].rows) do targets[i] = shown(row) end
    assert.same({ "Bash 3 1000", "Edit 1 5", "WebSearch 1 nil" }, names)
    assert.same({ "Bash: npm test 2 1000", "Edit: a.c 1 5", "Bash: git status 1 nil" }, targets)
    local text = support.show("text", report)
    assert.truthy(text:find("Bash           3  1/3", 1, true) or text:find("Bash%s+3%s+1/3"), text)
  end)

  it("passes over what is no list of tools", function()
    local report = support.run(plugin, { { tools = "x" }, { tools = { 5, "y", { name = 7, target = {} } } }, {} })
    assert.equal("1 of 3 runs say which tools they called.", report.text)
    assert.equal("unnamed", report.tables[1].rows[1][1])
  end)
end)
