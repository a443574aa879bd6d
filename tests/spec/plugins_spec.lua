local support = dofile "tests/spec/support/plugins.lua"
local cjson = require "cjson"

local bundled = { "summary", "skills", "failures" }

-- Entries of a golden case. The decoder knows floats only; whole numbers become the integers that entries have.
local function integers(value)
  if type(value) == "number" then return math.tointeger(value) or value end
  if type(value) ~= "table" then return value end
  local out = {}
  for key, item in pairs(value) do out[key] = integers(item) end
  return out
end

local function read(path)
  local file = assert(io.open(path))
  local text = file:read("a")
  file:close()
  return text
end

local function golden_entries()
  local entries = {}
  for line in read("tests/data/reports/week.entries.jsonl"):gmatch("[^\n]+") do
    entries[#entries + 1] = integers(cjson.decode(line))
  end
  return entries
end

local outputs = {
  "--- FAIL: TestAdd (0.01s)\n", "error: cannot open /a/b.yaml\n", "", "E   AssertionError: assert 3 == 5\n",
  "\xff\xfe?\n",
}

local function made_up_entries(n, seed)
  local random, entries = support.random(seed), {}
  local statuses = { "pass", "ok", "fail", "error", "skipped", "", "running" }
  for i = 1, n do
    local attempts = {}
    for j = 1, random(4) - 1 do
      attempts[j] = {
        attempt = j, model = "m" .. random(3), verified = ({ true, false })[random(3)],
        runner_output = outputs[random(6)], duration_ms = random(2) == 1 and random(90000) or nil,
      }
    end
    if random(40) == 1 then attempts[#attempts + 1] = support.core.null end
    entries[i] = {
      session_id = "s" .. (i // 50), line = i % 50 + 1, skill = random(30) > 1 and "skill " .. random(12) or nil,
      at = random(10) > 1 and random(1 << 40) or nil, attempts = random(10) > 1 and attempts or nil,
      final_status = statuses[random(7)], duration_ms = random(5) > 1 and random(900000) or nil,
    }
  end
  return entries
end

describe("bundled retrospectives", function()
  for _, name in ipairs(bundled) do
    local plugin = support.load("plugins/" .. name .. ".lua")

    it(name .. " is named like its file", function()
      assert.equal(name, plugin.name)
      assert.equal(1, plugin.api)
    end)

    it(name .. " returns the same bytes however the log was cut", function()
      for seed, n in ipairs { 1, 7, 60, 400 } do
        local entries, random = made_up_entries(n, seed), support.random(seed)
        local expected = support.show("json", support.run(plugin, entries))
        for _ = 1, 12 do
          local cuts = {}
          for i = 1, n do
            if random(1 + n // 6) == 1 then cuts[#cuts + 1] = i end
          end
          assert.equal(expected, support.show("json", support.run(plugin, entries, nil, cuts)))
        end
      end
    end)

    it(name .. " has a report for a log without entries", function()
      for _, format in ipairs { "text", "markdown", "json" } do
        assert.is_string(support.show(format, support.run(plugin, {})))
      end
      local one, three = support.run(plugin, {}), support.run(plugin, {}, nil, { 0, 0 })
      assert.equal(support.show("json", one), support.show("json", three))
    end)

    it(name .. " reports the golden week", function()
      local checked = support.run(plugin, golden_entries())
      for format, extension in pairs { text = "txt", markdown = "md", json = "json" } do
        local path = ("tests/data/reports/week.%s.%s"):format(name, extension)
        local got = require("debrief.report").render(format, { checked }, { entries = 11, sessions = 2 })
        if os.getenv("UPDATE_GOLDEN") then assert(io.open(path, "w")):write(got):close() end
        assert.equal(read(path), got)
      end
    end)
  end

  it("skills counts an attempt's time as lost only when the log says that it did not verify", function()
    local plugin = support.load("plugins/skills.lua")
    local function lost(...)
      local entry = { session_id = "s", skill = "a", attempts = { ... }, duration_ms = 500 }
      local report = support.run(plugin, { entry })
      return { report.tables[2].rows[1][6], tonumber(report.text:match "have no time: (%d+)") }
    end
    assert.same({ 500 }, lost({ verified = false }))
    assert.same({ 70 }, lost({ verified = false, duration_ms = 70 }))
    assert.same({ 70, 1 }, lost({ verified = false, duration_ms = 70 }, { verified = false }))
    assert.same({ nil, 1 }, lost({ verified = false }, { verified = true }))
    assert.same({ 0 }, lost({ verified = true }))
    assert.same({}, lost({ duration_ms = 3 }))
    assert.same({}, lost())
  end)

  it("skills leaves out skills with fewer runs than min, and says so", function()
    local plugin = support.load("plugins/skills.lua")
    local checked = support.run(plugin, golden_entries(), { min = 3 })
    assert.equal(3, #checked.tables[1].rows)
    assert.matches("Skills left out, with fewer runs: 1%.", checked.text)
  end)

  describe("failures", function()
    local plugin = support.load("plugins/failures.lua")

    local function line_of(output)
      local entry = { session_id = "s", skill = "a", final_status = "fail", attempts = { { runner_output = output } } }
      return (support.run(plugin, { entry }).findings[1].explanation:gsub(" %(a 1%)$", ""))
    end

    it("takes the first line that names trouble, past noise", function()
      for output, line in pairs {
        ["Running 3 tests\n\n10% done\nok pkg/a\nE   assert 1 == 2\nerror: later"] = "E assert N == N",
        ["=== RUN   TestError\n--- PASS: TestError\n--- FAIL: TestB (0.02s)"] = "--- FAIL: TestB (N.Ns)",
        ["Traceback (most recent call last):\n  File \"/a/b.py\", line 3\nValueError: bad"] = "ValueError: bad",
        ["==== FAILURES ====\n____ test_x ____\nexpected 1"] = "expected N",
        ["0 errors, 0 failed\nno errors\npanic: nil map"] = "panic: nil map",
        ["first words\nsecond words"] = "first words",
        ["\n \n----\n"] = "(nothing meaningful)",
        [""] = "(no output)",
        ["10%\r50%\rfailed at step 4\r\n"] = "failed at step N",
        ["Exit code 1\nProcess exited with code 2\nno rule"] = "no rule",
        ["Exit code 1"] = "(nothing meaningful)",
        ["2 tests failed:\n(fail) evals > runs"] = "(fail) evals > runs",
        ["diff --git a/x b/x\nindex 1a2..3b4 100644\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-error: old\n+error: new\n" ..
          " error here\nfatal: no patch"] = "fatal: no patch",
        ["- expected 1\n+ received 2\nassert.equal failed"] = "assert.equal failed",
        ["  1) test fails to mount (A)\n     ** (RuntimeError) no key\n"] = "** (RuntimeError) no key",
        ["error: undefined function get/2 in a/b/2"] = "error: undefined function get/N in N",
      } do
        assert.equal(line, line_of(output))
      end
    end)

    it("makes equal failures equal", function()
      for line, variants in pairs {
        ["error: no file x.c:N:N"] = { "error: no file /a/b/x.c:3:4", "\27[31merror:\27[0m no file  x.c:12:1" },
        ["error: id HEX"] = {
          "error: id 0x7ffe12", "error: id deadbeef01", "error: id 1b4e28ba-2fa1-11d2-883f-b9a761bde3fb",
        },
        ["timeout after Ns"] = { "2026-01-02T03:04:05.123Z timeout after 30s", "[12:00:01] timeout after 5s" },
      } do
        for _, variant in ipairs(variants) do assert.equal(line, line_of(variant)) end
      end
    end)

    it("keeps a long line short and whole characters in it", function()
      local line = line_of("error " .. ("é"):rep(400))
      assert.is_truthy(utf8.len(line))
      assert.is_true(utf8.len(line) < 210)
    end)

    it("groups failed attempts of runs that passed in the end too", function()
      local function attempt(verified, output) return { verified = verified, runner_output = output } end
      local log = {
        { session_id = "s", line = 1, skill = "a", attempts = { attempt(false, "error 1"), attempt(false, "no rule"),
          attempt(true, "fine") } },
        { session_id = "s", line = 2, skill = "b", attempts = { attempt(false, "error 2"), attempt(nil, "error 3") } },
        { session_id = "s", line = 3, skill = "b", final_status = "ok", attempts = { attempt(true, "error 4") } },
      }
      local checked = support.run(plugin, log, { of = "attempts" })
      assert.equal("Failed attempts: 3, in 2 groups. Runs that had them: 2, of which 1 passed in the end.",
        checked.text)
      assert.same({ { value = 2, explanation = "error N (a 1, b 1; passed in the end: 1)",
        references = { { session = "s", line = 1 }, { session = "s", line = 2 } } },
        { value = 1, explanation = "no rule (a 1; passed in the end: 1)",
          references = { { session = "s", line = 1 } } },
      }, checked.findings)
      assert.equal("0 of 2 decided runs failed, in 0 groups. 1 passed after failed attempts: see of=attempts.",
        support.run(plugin, log).text)
    end)

    it("takes the output of the last attempt that has one, and cites every run", function()
      local one, two = { runner_output = "error one" }, { runner_output = "error two" }
      local checked = support.run(plugin, {
        { session_id = "s", line = 4, skill = "a", final_status = "fail", attempts = { one, two, {} } },
        { session_id = "s", line = 9, skill = "a", final_status = "fail", attempts = { two } },
      })
      assert.same({ { value = 2, explanation = "error two (a 2)",
        references = { { session = "s", line = 4 }, { session = "s", line = 9 } } } }, checked.findings)
    end)

    it("shows no more groups than its limit, and says how many there are", function()
      local checked = support.run(plugin, golden_entries(), { limit = 1 })
      assert.equal(1, #checked.findings)
      assert.matches("in 3 groups%..*The first 1:", checked.text)
    end)
  end)
end)
