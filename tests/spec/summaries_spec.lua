-- Verdicts in what test runners print.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
local summaries = require "debrief.import.summaries"

describe("the summary of a test runner", function()
  local cases = { -- family, output, verdict
    { "python", "===== 1 failed, 11 passed in 3.21s =====", false }, { "python", "12 passed in 3.21s", true },
    { "python", "== 2 errors in 0.1s ==", false }, { "python", "3 passed, 1 warning in 61.00s (0:01:01)", true },
    { "python", "Ran 3 tests in 0.1s\n\nOK", true }, { "python", "FAILED (failures=1)", false }, { "python",
      "no tests ran in 0.1s" },
    { "js", "Tests:       1 failed, 4 passed, 5 total", false }, { "js", "Tests:       5 passed, 5 total", true },
    { "js", "Test Files  1 failed (1)", false }, { "js", "      Tests  5 passed (5)", true }, { "js",
      "  12 passing (3s)", true },
    { "js", "  12 passing (3s)\n  1 failing", false }, { "js", "# pass 3\n# fail 0", true }, { "js",
      "ℹ pass 3\nℹ fail 1", false },
    { "js", " 3 pass\n 0 fail", true }, { "js", "  1 failed\n    a.spec.ts\n  4 passed (3.1s)", false },
    { "js", "ok | 3 passed | 0 failed (12ms)", true }, { "js", "FAILED | 2 passed | 1 failed (12ms)", false },
    { "go", "ok  \texample/x\t0.01s", true }, { "go", "--- FAIL: TestX (0.00s)\nFAIL", false }, { "go",
      "FAIL\texample/x\t0.01s", false },
    { "go", "ok  \ta\t(cached)\nFAIL\tb [build failed]\nFAIL", false }, { "go", "?   \ta\t[no test files]" },
    { "cargo", "test result: ok. 3 passed; 0 failed; 0 ignored", true },
    { "cargo", "test result: ok. 3 passed; 0 failed\ntest result: FAILED. 2 passed; 1 failed", false },
    { "cargo", "test result: ok. 0 passed; 0 failed" }, { "cargo", "error: could not compile `x`", false },
    { "any", "Tests run: 5, Failures: 0, Errors: 0, Skipped: 0\n[INFO] BUILD SUCCESS", true }, { "any",
      "BUILD FAILED in 3s", false },
    { "ruby", "5 examples, 0 failures", true }, { "ruby", "5 runs, 7 assertions, 1 failures, 0 errors, 0 skips",
      false },
    { "php", "OK (5 tests, 7 assertions)", true }, { "php", "FAILURES!", false },
    { "ctest", "100% tests passed, 0 tests failed out of 5", true }, { "ctest",
      "80% tests passed, 1 tests failed out of 5", false },
    { "busted", "5 successes / 0 failures / 0 errors / 1 pending : 0.1 seconds", true },
    { "dotnet", "Passed!  - Failed:     0, Passed:     3, Skipped:     0", true },
    { "swift", "Executed 5 tests, with 1 failure (0 unexpected)", false }, { "mix", "5 tests, 0 failures", true },
    { "bats", "5 tests, 1 failure", false }, { "tap", "not ok 3 - x", false }, { "tap", "not ok 3 - x # TODO later" },
    { "python", "\27[31m1 failed\27[0m, \27[32m2 passed\27[0m in 0.1s", false }, { nil, "12 passed in 3.21s", true },
    { "python", "compiling: 1 failed attempt in 3 tries" }, { "js", "" },
  }

  it("is its verdict, and a failure wins", function()
    for _, case in ipairs(cases) do
      assert.equal(case[3], summaries.verdict(case[2], case[1]), case[2])
    end
  end)

  it("of a part is not believed where lines may be missing", function()
    assert.is_nil(summaries.verdict("ok  \texample/x\t0.01s", "go", true))
    assert.is_false(summaries.verdict("FAIL\texample/x\t0.01s", "go", true))
    assert.is_true(summaries.verdict("5 passed in 0.1s", "python", true))
  end)
end)
