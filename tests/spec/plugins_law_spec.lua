-- What holds for every bundled plugin: its words, and for every retrospective the law of merge.
local support = dofile "tests/spec/support/plugins.lua"

local function read(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local function names()
  local out = {}
  for _, item in ipairs(assert(support.core.list "plugins")) do out[#out + 1] = item[1]:match "^(.+)%.lua$" end
  table.sort(out)
  return out
end

-- Runs with options that show other ways through a plugin than its defaults do.
local options = {
  attempts = { limit = 2, case = "input.task" }, failures = { of = "attempts" },
  compare = { by = "time", a = "2026-01-01..2026-01-20", b = "2026-01-21..", now = 1 << 60, pair = "input.task" },
  history = { budget = 700 }, lessons = { limit = 2 }, models = { limit = 2 },
  pass_rate = { window = "20d", now = 1769000000000000000 },
  phases = { limit = 2 }, slow = { limit = 3 }, stuck = { times = 2, limit = 3 }, timeline = { limit = 7 },
  trend = { by = "day", last = 5 }, usage = { by = "model", limit = 2 },
}

describe("bundled plugins", function()
  for _, name in ipairs(names()) do
    local text = read("plugins/" .. name .. ".lua")

    it(name .. " is an example to copy: named like its file, and introduced", function()
      local plugin = support.load("plugins/" .. name .. ".lua")
      assert.equal(name, plugin.name)
      assert.equal(1, plugin.api)
      for line in text:gmatch "[^\n]+" do assert.is_true(utf8.len(line) <= 120) end
      assert.equal(1, (text:find("-- " .. name .. ": ", 1, true) or text:find("-- ", 1, true)))
      assert.is_true(#plugin.summary <= 80)
      for _, option in pairs(plugin.options or {}) do assert.is_string(option.help) end
    end)

    local plugin = support.load("plugins/" .. name .. ".lua")
    if plugin.retrospective then
      it(name .. " returns the same bytes however the log was cut", function()
        for seed, n in ipairs { 1, 9, 70, 300 } do
          local entries, random = support.made_up(n, seed), support.random(seed)
          for _, given in ipairs { {}, options[name] } do
            local expected = support.show("json", support.run(plugin, entries, given))
            for _ = 1, 8 do
              local cuts = support.cuts(plugin, entries, random)
              assert.equal(expected, support.show("json", support.run(plugin, entries, given, cuts)))
            end
          end
        end
      end)

      it(name .. " has a report for a log without entries, and for entries without fields", function()
        for _, entries in ipairs { {}, support.entries { {}, {} } } do
          for _, format in ipairs { "text", "markdown", "json" } do
            assert.is_string(support.show(format, support.run(plugin, entries)))
          end
        end
      end)

      it(name .. " fits into 80 columns, and cites entries that there are", function()
        local checked = support.run(plugin, support.made_up(200, 5))
        for line in support.show("text", checked, { width = 80 }):gmatch "[^\n]+" do
          assert.is_true(require("debrief.text.width").of(line) <= 80, line)
        end
        for _, finding in ipairs(checked.findings) do
          for _, at in ipairs(finding.references) do
            assert.is_true(at.line <= 20 and at.session:find "^s1%d%d$" ~= nil)
          end
        end
      end)
    end
  end
end)
