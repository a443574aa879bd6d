--- The verdict in what a test runner printed, for command lines that hide its exit status.
--
--     ============ 1 failed, 11 passed in 3.21s ============       pytest                 -> false
--     ok  	example/store	0.01s                                     go test                -> true
--
-- Only the lines in which runners sum up count; where some report failures and others successes, failures win. A line
-- that sums up everything is believed also where a filter (grep, head) may have removed others; one that speaks for a
-- part (a Go package, a cargo binary) is then believed only if it reports a failure.
-- @module debrief.import.summaries
local summaries = {}

local function count(text) return text and tonumber(text) or 0 end

-- A line with `failed` failures of a run in which `passed` tests passed. Nil: it says nothing.
local function by_counts(failed, passed)
  if count(failed) > 0 then return false end
  if count(passed) > 0 then return true end
end

-- Each family: functions of a line that return true, false, or nil for "not a summary"; and whether it speaks for a
-- part only.
local families = {}

function families.python(line)
  local rest = line:match "^[=%s]*(%d+ %a.*) in [%d.:]+ ?s" -- pytest: "1 failed, 11 passed, 2 warnings in 3.21s"
  if rest then
    local bad = count(rest:match "%f[%d](%d+) failed") + count(rest:match "%f[%d](%d+) errors?")
    return by_counts(bad, rest:match "%f[%d](%d+) passed")
  end
  if line:find "^FAILED %([%a%d=, ]+%)" then return false end -- unittest
  if line:find "^OK%s*$" or line:find "^OK %([%a%d=, ]+%)" then return true end
end

function families.js(line)
  local rest = line:match "^%s*Tests:?%s+(%d.*)" -- jest "1 failed, 4 passed, 5 total", vitest "1 failed | 4 passed (5)"
  if rest then return by_counts(rest:match "%f[%d](%d+) failed", rest:match "%f[%d](%d+) passed") end
  rest = line:match "^%s*Test Files%s+(%d.*)" or line:match "^%s*Test Suites:%s+(%d.*)"
  if rest then return by_counts(rest:match "%f[%d](%d+) failed", nil) end
  local failed = line:match "^%s*(%d+) failing" or line:match "^[#ℹ ]*fail (%d+)%s*$" or line:match "^%s*(%d+) fail%s*$"
    or line:match "^%s*(%d+) failed%s*$" or line:match "^not ok %d+" and "1"
    or line:match "^%a+ | %d+ passed.* | (%d+) failed"
  if failed and count(failed) > 0 then return false end
  local passed = line:match "^%s*(%d+) passing" or line:match "^[#ℹ ]*pass (%d+)%s*$" or line:match "^%s*(%d+) pass%s*$"
    or line:match "^%s*(%d+) passed %([%d.]+m?s%)" or line:match "^ok | (%d+) passed"
  if passed then return by_counts(0, passed), true end
end

function families.go(line)
  if line:find "^%-%-%- FAIL" or line:find "^FAIL%s" or line == "FAIL" then return false end
  if line:find "^ok%s+%S+%s+[%d.(]" or line == "PASS" then return true, true end
  local passed, failed = line:match "^DONE (%d+) tests.-, (%d+) failures?" -- gotestsum
  if passed then return by_counts(failed, passed) end
  passed = line:match "^DONE (%d+) tests"
  if passed then return by_counts(0, passed) end
end

function families.cargo(line)
  local word, passed, failed = line:match "^test result: (%a+)%. (%d+) passed; (%d+) failed"
  if word then
    if word == "FAILED" or count(failed) > 0 then return false end
    if count(passed) > 0 then return true, true end
    return nil
  end
  if line:find "^error: test failed" or line:find "^error: could not compile" then return false end
  passed = line:match "^%s*Summary %[.-%] +%d+ tests? run: (%d+) passed" -- nextest
  if passed then return by_counts(line:match "%f[%d](%d+) failed", passed) end
end

function families.java(line)
  local run, failures, errors = line:match "Tests run: (%d+), Failures: (%d+), Errors: (%d+)"
  if run then
    if count(failures) + count(errors) > 0 then return false end
    if count(run) > 0 then return true, true end
    return nil
  end
  if line:find "^BUILD FAILED" or line:find "BUILD FAILURE" then return false end
  if line:find "^BUILD SUCCESSFUL" or line:find "BUILD SUCCESS%s*$" then return true end
  local all, failed = line:match "^(%d+) tests completed, (%d+) failed"
  if all then return by_counts(failed, all) end
end

function families.ruby(line)
  local examples, failures = line:match "^(%d+) examples?, (%d+) failures?" -- rspec
  if examples then return by_counts(count(failures) + count(line:match "%f[%d](%d+) errors?"), examples) end
  local runs, failed, errors = line:match "^(%d+) %a+, %d+ assertions, (%d+) failures, (%d+) errors" -- minitest
  if runs then return by_counts(count(failed) + count(errors), runs) end
end

function families.php(line)
  local passed = line:match "^OK %((%d+) tests?"
  if passed then return by_counts(0, passed) end
  if line:find "^FAILURES!" or line:find "^ERRORS!" then return false end
  local rest = line:match "^%s*Tests:%s+(%d.*)" -- pest
  if rest then return by_counts(rest:match "%f[%d](%d+) failed", rest:match "%f[%d](%d+) passed") end
end

function families.ctest(line)
  local failed, all = line:match "%f[%d]%d+%% tests passed, (%d+) tests failed out of (%d+)"
  if all then return by_counts(failed, all) end
end

function families.busted(line)
  local passed, failed, errors = line:match "^(%d+) successe?s? / (%d+) failures? / (%d+) errors?"
  if passed then return by_counts(count(failed) + count(errors), passed) end
end

function families.dotnet(line)
  local failed, passed = line:match "Failed:%s+(%d+), Passed:%s+(%d+)"
  if failed then return by_counts(failed, passed) end
  if line:find "^Test Run Failed" then return false end
  if line:find "^Test Run Successful" then return true end
end

function families.swift(line)
  local run, failed = line:match "Executed (%d+) tests?, with (%d+) failures?"
  if run then return by_counts(failed, run) end
end

function families.mix(line)
  local tests, failed = line:match "^(%d+) tests?, (%d+) failures?"
  if not tests then tests, failed = line:match "^%d+ doctests?, (%d+) tests?, (%d+) failures?" end
  if tests then return by_counts(failed, tests) end
end

function families.bats(line)
  local tests, failed = line:match "^(%d+) tests?, (%d+) failures?"
  if tests then return by_counts(failed, tests) end
  return families.tap(line)
end

function families.tap(line)
  if line:find "^not ok %d" and not line:find "# TODO" and not line:find "# todo" then return false end
  local failed = line:match "^# fail +(%d+)" or line:match "^# failed (%d+)"
  if failed and count(failed) > 0 then return false end
  local passed = line:match "^# pass +(%d+)"
  if passed then return by_counts(0, passed), true end
  if line:find "^All tests successful" then return true end
  if line:find "^Result: FAIL" then return false end
end

local ALL = {}
for name in pairs(families) do ALL[#ALL + 1] = name end
table.sort(ALL)

local MOST = 1048576 -- bytes of an output that are looked at, from its end: that is where runners sum up

--- What a test runner's output says of its run.
-- @param output a text
-- @param family of the runner ("python", "js", "go" …), or nil or "any" where it is not known
-- @param filtered may lines be missing, other than at the beginning?
-- @return true: passed, false: failed, nil: it does not say
function summaries.verdict(output, family, filtered)
  if #output > MOST then output = output:sub(-MOST) end
  if output:find("\27", 1, true) then output = output:gsub("\27%[[%d;]*%a", "") end
  local passed
  for line in output:gmatch "[^\r\n]+" do
    if #line < 500 and line:find "%a" then
      if families[family] then
        local says, part = families[family](line)
        if says == false then return false end
        if says and not (part and filtered) then passed = true end
      else
        for _, name in ipairs(ALL) do
          local says, part = families[name](line)
          if says == false then return false end
          if says and not (part and filtered) then passed = true end
        end
      end
    end
  end
  return passed
end

return summaries
