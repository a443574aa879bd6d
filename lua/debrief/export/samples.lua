--- What an entry says of its attempts that a training row may be made of: `debrief.samples(entry, options)`.
--
--     { prompt = "fix the login", attempts = { { number = 1, text = …, error = …, verdict = false, check = "…" } } }
--
-- The prompt is what the first attempt saw. A later one saw the former outputs and errors, too: its `prompt` has them.
-- A later turn of a conversation saw all that was said before, which is not in its entry: it is left out unless asked
-- for, and then its rows say so.
--
-- A verdict rests on a test that ran; a build, lint or type check is a weak one, and counts only where weak ones are
-- asked for. `verified` without any check is the caller's own word. An attempt that broke off (a time limit, a crash, a
-- signal, someone called it off) was not judged, nor was one whose command failed before anything could be checked.
-- @module debrief.export.samples
local attempts_of = require "debrief.entry.attempts"
local core = require "debrief.core"
local path = require "debrief.entry.path"
local subagent = require "debrief.entry.subagent"

local samples = {}

local function text(value) return type(value) == "string" and value ~= "" and value or nil end

-- ---- The prompt -----------------------------------------------------------------------------------------------------

-- An object with one text in it is that text; all else is its JSON. Also returns whether it is JSON, and the member
-- that says that the prompt is elsewhere (prompt_sha and the like, of evaluations).
local function prompt_text(value)
  if value == nil or value == core.null then return nil end
  if type(value) == "string" then return text(value) end
  local only, count, elsewhere = nil, 0, nil
  if core.type(value) == "object" then
    for name, part in pairs(value) do
      count = count + 1
      only = text(part)
      elsewhere = elsewhere or name:find "^prompt_%a+$" and name
    end
    if count == 0 then return nil end
    if count == 1 and only then return only, false, elsewhere end
  end
  return type(value) == "userdata" and tostring(value) or core.encode(value), true, elsewhere
end

--- The prompt of an entry.
-- @param way a way into the entry, "input" by default
-- @return its text, or nil; whether that is the JSON of several values; a member of it that refers to the prompt
function samples.prompt(entry, way) return prompt_text(path.get(entry, way or "input")) end

-- Agents whose sessions are conversations: what is said in one turn is seen in the next.
local CONVERSATIONS = { atif = true, claude_code = true, claude_stream = true, codex = true, copilot = true,
  gemini = true, opencode = true, pi = true }

local LATER_TURN = "later turns, which saw the conversation before them"

-- Is this a turn after the first of a conversation? A subagent begins a conversation of its own.
local function is_later_turn(entry, ctx)
  local source = entry.source
  local kind = core.type(source) == "object" and source.kind
  return ctx.line > 1 and CONVERSATIONS[kind] and not subagent(entry) or false
end

--- The prompt of an entry as a row may have it.
-- @param options { prompt = a way into the entry, turns = true: that of a later turn of a conversation, too; false
--   where the user can ask for that }
-- @param ctx of the hook, for the place of the entry; without it every turn is a first one
-- @return { text =, json = true where it is the JSON of several values, later = true in a later turn }; or nil and a
--   reason
function samples.prompt_of(entry, options, ctx)
  local way = options.prompt or "input"
  local prompt, json, elsewhere = samples.prompt(entry, way)
  if not prompt then return nil, ("no %s, which would be the prompt"):format(way) end
  if elsewhere then return nil, ("%s only refers to the prompt (%s)"):format(way, elsewhere) end
  local later = ctx and is_later_turn(entry, ctx)
  if later and not options.turns then
    return nil, LATER_TURN .. (options.turns == false and " (--allow-turns)" or "")
  end
  return { text = prompt, json = json or nil, later = later or nil }
end

-- What a retry saw: the task, and what came of every attempt before it. Nil if nothing is known of one of those.
local function retry_prompt(prompt, before)
  local parts = { prompt }
  for _, one in ipairs(before) do
    if not (one.text or one.error) then return nil end
    parts[#parts + 1] = ("Attempt %d:\n%s"):format(one.number, one.text or "(its output is not in the log)")
    if one.error then parts[#parts + 1] = ("What came of it:\n%s"):format(one.error) end
  end
  return table.concat(parts, "\n\n")
end

-- ---- Verdicts -------------------------------------------------------------------------------------------------------

local BROKEN_OFF = { timeout = true, timed_out = true, crash = true, crashed = true, aborted = true, interrupted = true,
  cancelled = true, canceled = true, skip = true, skipped = true }

local function member(value, key)
  if core.type(value) == "object" then return value[key] end
end

-- Signals that end a program from outside, and statuses that say so (`timeout`, a shell that found no program): such a
-- check ran to no end.
local ENDED = { [1] = true, [2] = true, [9] = true, [15] = true, [24] = true }
local NO_RESULT = { [124] = true, [126] = true, [127] = true }

-- What a check showed: true, false, or nil.
local function passed_of(check)
  local passed, status, signal = member(check, "passed"), member(check, "exit_status"), member(check, "signal")
  if type(passed) ~= "boolean" then return nil end
  if ENDED[signal] or NO_RESULT[status] or math.type(status) == "integer" and ENDED[status - 128] then return nil end
  return passed
end

-- The result of the checks of one kind ("test", or all others): true, false, nil where none says, or one that did not
-- end might say otherwise; and what ran last.
local function result_of(checks, weak)
  local result, command, open
  for i = 1, #checks do
    local one = checks[i]
    if (member(one, "kind") ~= "test") == weak then
      local passed = passed_of(one)
      if passed == nil then open = true
      elseif result ~= false then
        result = passed
        command = text(member(one, "command")) or member(one, "kind")
      end
    end
  end
  if open and result then return nil, nil, true end
  return result, command, open
end

-- The verdict of checks: see judge.
local function judge_checks(checks, weak)
  local passed, command, open = result_of(checks, false)
  if passed ~= nil then return passed, command, false end
  if open then return nil, "a test of it has no result" end
  passed, command = result_of(checks, true)
  if passed == nil then return nil, "no check of it has a result" end
  if not weak then return nil, "only weak checks (--weak takes them)" end
  return passed, command, true
end

-- The verdict on an attempt, what it rests on, and whether that is a weak check; or nil and why there is none.
local function judge(attempt, weak)
  local checks, claim = attempt.checks, attempt.verified
  local status = attempt.exit_status
  if type(claim) ~= "boolean" then claim = nil end
  if core.type(checks) == "array" and #checks > 0 then
    local passed, rests_on, is_weak = judge_checks(checks, weak)
    if passed ~= nil and claim == not passed then return nil, "its checks say another thing than `verified`" end
    return passed, rests_on, is_weak
  end
  if claim == nil then return nil, "nothing says whether it is verified" end
  if not claim and math.type(status) == "integer" and status ~= 0 then
    return nil, "its command failed, so nothing was checked"
  end
  return claim, "none", false
end

local function broke_off(attempt, entry, is_last)
  if attempt.signal ~= nil and attempt.signal ~= core.null then return true end
  local status = is_last and text(entry.final_status)
  return status and BROKEN_OFF[status:lower():gsub("[%s-]", "_")] or false
end

-- ---- Samples --------------------------------------------------------------------------------------------------------

--- What the attempts of an entry are worth.
-- @param options { weak = true: weak checks decide, and what prompt_of takes }
-- @param ctx of the hook, or nil
-- @return { prompt =, json = true where that is the JSON of several values, later = true in a later turn of a
--   conversation, attempts = array of { number =, of = how many there are, prompt = what it saw (nil where that is not
--   known), text = its output, error = what the checks printed, verdict = true, false or nil, why = why it has none,
--   check = what the verdict rests on ("none": the caller's word), weak =, retry =, json =, later = booleans, model = }
--   }; or nil and why the entry cannot be used
function samples.of(entry, options, ctx)
  options = options or {}
  local prompt, why = samples.prompt_of(entry, options, ctx)
  if not prompt then return nil, why end
  if ctx then ctx.summaries = true end
  local list, count = {}, 0
  for _ in attempts_of(entry) do count = count + 1 end
  if count == 0 then return nil, "no attempts" end
  for number, attempt in attempts_of(entry) do
    local one = { number = number, text = text(attempt.output_summary), error = text(attempt.runner_output),
      model = text(attempt.model) or text(entry.model_used), retry = #list > 0, of = count, json = prompt.json,
      later = prompt.later, prompt = prompt.text }
    if one.retry then one.prompt = retry_prompt(prompt.text, list) end
    if broke_off(attempt, entry, #list + 1 == count) then one.why = "broke off before it was judged"
    else
      local verdict, check, weak = judge(attempt, options.weak)
      one.verdict, one.weak = verdict, weak or false
      if verdict == nil then one.why = check else one.check = check end
    end
    list[#list + 1] = one
  end
  return { prompt = prompt.text, json = prompt.json, later = prompt.later, attempts = list }
end

--- Where a row comes from: goes into it as `provenance`.
-- @param one an attempt of samples.of
-- @param ctx of the hook
function samples.provenance(one, ctx)
  return { entry = ("%s:%d"):format(ctx.session, ctx.line), attempt = one.number,
    attempts = one.of and one.of > 1 and one.of or nil, model = one.model, check = one.check,
    weak = one.weak and true or nil, text = "summary", prompt = one.json and "json" or nil,
    turn = one.later and "later" or nil }
end

--- The attempts of an entry that a row may be made of: each has an output and a verdict, and is no retry unless
-- `ctx.options.retries` says so. Why others are left out goes to ctx.skip.
-- @param ctx of the hook
-- @return an array of attempts as samples.of has them
function samples.judged(entry, ctx)
  local sample, why = samples.of(entry, ctx.options, ctx)
  if not sample then
    ctx.skip(why)
    return {}
  end
  local out = {}
  for _, one in ipairs(sample.attempts) do
    if one.retry and not ctx.options.retries then ctx.skip "retries, which saw the former error (--allow-retries)"
    elseif not one.text then ctx.skip "attempts without an output"
    elseif one.verdict == nil then ctx.skip("attempts: " .. one.why)
    elseif not one.prompt then ctx.skip "retries that saw what is not in the log"
    else out[#out + 1] = one end
  end
  return out
end

-- ---- Pairs ----------------------------------------------------------------------------------------------------------

-- The first attempt at the same prompt, in this part of the split, that was judged the other way. The same words to
-- another skill or in another project are another prompt.
local function partner(one, entry, ctx)
  local of = ctx.state[ctx.part] or { [true] = {}, [false] = {} }
  ctx.state[ctx.part] = of
  local asked = ("s4s4s4"):pack(text(entry.skill) or "", text(entry.project_root) or "", one.prompt)
  local key = core.hash(asked) .. core.hash("again " .. asked) -- prompts may be long, and many
  local same, other = of[one.verdict], of[not one.verdict][key]
  same[key] = same[key] or core.encode { text = one.text, from = samples.provenance(one, ctx) }
  return other and core.decode(other)
end

-- What a retry saw: the latest attempt before it that was judged the other way.
local function former(sample, one)
  for i = #sample.attempts, 1, -1 do
    local other = sample.attempts[i]
    if other.number < one.number and other.verdict == not one.verdict and other.text then return other end
  end
end

-- The two of a pair, the better one first, and where they come from.
local function ordered(one, other, ctx)
  local mine, theirs = samples.provenance(one, ctx), other.from or samples.provenance(other, ctx)
  local from = { chosen = mine, rejected = theirs, retry = one.retry or nil }
  if one.verdict then return one, other, from end
  from.chosen, from.rejected = theirs, mine
  return other, one, from
end

--- Pairs of a verified and a failed attempt that saw the same prompt, as this entry completes them. A retry saw the
-- former error, so it is paired, with what it saw, only if `ctx.options.retry_pairs` says so. ctx.state
-- remembers attempts.
-- @param emit_pair function(prompt, chosen text, rejected text, provenance)
function samples.pairs(entry, ctx, emit_pair)
  local sample, why = samples.of(entry, ctx.options, ctx)
  if not sample then return ctx.skip(why) end
  for _, one in ipairs(sample.attempts) do
    if not one.text then ctx.skip "attempts without an output"
    elseif one.verdict == nil then ctx.skip("attempts: " .. one.why)
    elseif one.retry and not ctx.options.retry_pairs then
      ctx.skip "retries, which saw the former error (--allow-retry-pairs)"
    else
      local other
      if one.retry then other = former(sample, one) else other = partner(one, entry, ctx) end
      if not other then
        ctx.skip "attempts without another one of the same prompt that was judged the other way"
      else
        local chosen, rejected, from = ordered(one, other, ctx)
        emit_pair(sample.prompt, chosen.text, rejected.text, from)
      end
    end
  end
end

return samples
