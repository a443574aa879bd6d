--- A run of a command, tried again while it fails.
--
--     command  exit 0 -> check  exit 0 -> verified     an attempt fails when the command or its check does
--     command  exit 1 -> next attempt                  the check is not run
--
-- Without a check nothing is claimed. A check that is a build or lint decides nothing either, nor one that cannot be
-- run. What is no known runner is a test: whoever names a check says that it is one.
-- @module debrief.record.command
local checks = require "debrief.import.checks"
local core = require "debrief.core"
local output = require "debrief.record.output"
local shell = require "debrief.import.shell"
local shell_word = require "debrief.text.shell_word"

local command = {}

command.KINDS = { "test", "build", "lint", "typecheck" }

--- The words of a command as one line for a shell.
function command.line(words)
  local out = {}
  for i, word in ipairs(words) do out[i] = shell_word(word) end
  return table.concat(out, " ")
end

--- The kind of a check by its command line: that of the last runner in it; "test" where none is known.
function command.kind_of(line)
  local kind
  for _, one in ipairs(shell.commands(line)) do
    local check = checks.identify(one.words)
    kind = check and check.kind or kind
  end
  return kind or "test"
end

-- Run words, and what happened as fields of an attempt, with `status` as a shell would return it.
local function attend(words, env, timeout_ms)
  local given = table.move(words, 1, #words, 1, { env = env, timeout_ms = timeout_ms })
  local result, message, status = core.attend(given)
  if not result then
    return { status = status, output = message .. "\n", cut = 0, duration_ms = 0, exit_status = status,
      problem = message }
  end
  result.status = result.exit_status or result.signal and 128 + result.signal or 1
  result.duration_ms = result.duration_ns // 1000000
  return result
end

local function cannot_run(status) return status == 126 or status == 127 end

-- Run the check of an attempt: the check as attempts have it, what it printed, and its status.
local function checked(opts, env)
  local result = attend({ "sh", "-c", opts.check }, env, opts.timeout_ms)
  local kind = opts.check_kind or command.kind_of(opts.check)
  local tells, passed = not cannot_run(result.status), nil
  if tells then passed = result.status == 0 end
  return { kind = kind, command = opts.check, exit_status = result.exit_status, signal = result.signal,
    passed = passed, source = "exit", decides = kind == "test" and tells or nil }, result
end

local function joined(first, check, second)
  if not second then return first end
  return ("%s[check: %s]\n%s"):format(first and (first:find "\n$" and first or first .. "\n") or "", check, second)
end

-- One attempt: its fields, did it fail, and what was returned for the command and for its check.
local function attempt_of(words, opts, env)
  local result = attend(words, env, opts.timeout_ms)
  local attempt = { exit_status = result.exit_status, signal = result.signal, duration_ms = result.duration_ms,
    runner_output = output.of(result.output, result.cut) }
  local failed, check_result = result.status ~= 0 or result.late, nil
  if opts.check and failed then attempt.verified = false end
  if opts.check and not failed and not result.interrupted then
    local check
    check, check_result = checked(opts, env)
    attempt.checks = core.array { check }
    if check.decides then attempt.verified = check_result.status == 0 end
    attempt.runner_output = joined(attempt.runner_output, opts.check, output.of(check_result.output, check_result.cut))
    failed = check_result.status ~= 0 or check_result.late
  end
  return attempt, failed, result, check_result
end

-- How the run ended: final_status, and the exit status to return.
local function ending(failed, result, check_result)
  local last = check_result or result
  local status = last.late and last.status == 0 and 124 or last.status
  local interrupted = result.interrupted or check_result and check_result.interrupted
  if not failed then return "ok", 0 end
  return interrupted and "aborted" or last.late and "timeout" or "fail", status
end

--- Run a command, and note its attempts in a run.
-- @param run of debrief.record.run
-- @param words of the command
-- @param opts { attempts = at most so many, timeout_ms = of each, check = a line for sh, check_kind = what it is }
-- @return the final_status, the exit status to return, and the problems: texts
function command.run(run, words, opts)
  local problems, most = {}, opts.attempts or 1
  local path = run.state:beside "output"
  local final, status
  for i = 1, most do
    local env = { DEBRIEF_ATTEMPT = ("%d"):format(i), DEBRIEF_LAST_OUTPUT = i > 1 and path or false }
    local attempt, failed, result, check_result = attempt_of(words, opts, env)
    run:attempt(attempt)
    final, status = ending(failed, result, check_result)
    problems[#problems + 1] = result.problem
    if check_result and cannot_run(check_result.status) then
      problems[#problems + 1] = ("the check could not be run (status %d), so nothing is claimed: %s"):format(
        check_result.status, opts.check)
    end
    if not failed or result.interrupted or final == "aborted" or result.problem then break end
    if i < most and path then core.save(path, attempt.runner_output or "") end
  end
  if path then os.remove(path) end
  return final, status, problems
end

return command
