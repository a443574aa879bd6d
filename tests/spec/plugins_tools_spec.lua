-- The retrospective `tools`: counted again by hand.
local support = dofile "tests/spec/support/plugins.lua"


describe("tools", function()
  local plugin = support.load "plugins/tools.lua"

  it("counts calls, failures and time by tool, by command and by file", function()
    local report = support.run(plugin, {
      { tools = { { name = "Bash", target = "npm test", duration_ms = 900, error = true },
        { name = "exec_command", target = "npm test", duration_ms = 100 },
        { name = "Edit", target = "a.c", duration_ms = 5 }, { name = "Read", target = "src/a.c", duration_ms = 6 } } },
      { tools = { { name = "Bash", target = "git status" }, { name = "WebSearch" },
        { name = "Task", target = "Plan", duration_ms = 3 } }, source = { agent_id = "a" } },
      { skill = "x" },
    })
    assert.equal("1 of 2 runs say which tools they called. 1 of 7 calls failed.", report.text)
    local function shown(i)
      local out = { report.tables[i].title }
      for _, row in ipairs(report.tables[i].rows) do
        out[#out + 1] = ("%s %d %d/%d %s"):format(row[1], row[2], row[3].num, row[3].den, tostring(row[4]))
      end
      return out
    end
    assert.same({ "By tool (6), most time first", "Bash 2 1/2 900", "exec_command 1 0/1 100", "Read 1 0/1 6",
      "Edit 1 0/1 5", "Task 1 0/1 3", "WebSearch 1 0/1 nil" }, shown(1))
    assert.same({ "By command (2), most time first", "npm test 2 1/2 1000", "git status 1 0/1 nil" }, shown(2))
    assert.same({ "By file (2), most time first", "src/a.c 1 0/1 6", "a.c 1 0/1 5" }, shown(3))
    assert.same({ "By other targets (1), most time first", "Task: Plan 1 0/1 3" }, shown(4))
    assert.equal(1, #support.run(plugin, { { tools = { { name = "WebSearch" } } } }).tables)
  end)

  it("keeps the name of a file whose path is too long", function()
    local path = "/" .. ("folder/"):rep(20) .. "the_file_test.exs"
    local text = support.show("text", support.run(plugin, { { tools = { { name = "Write", target = path } } } }),
      { width = 80 })
    assert.matches("…%S*/the_file_test.exs ", text)
  end)

  it("passes over what is no list of tools", function()
    local report = support.run(plugin, { { tools = "x" }, { tools = { 5, "y", { name = 7, target = {} } } }, {} })
    assert.equal("1 of 3 runs say which tools they called. 0 of 1 calls failed.", report.text)
    assert.equal("unnamed", report.tables[1].rows[1][1])
  end)
end)
