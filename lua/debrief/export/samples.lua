--- What an entry says of its attempts that a training row may be made of: `debrief.samples(entry, options)`.
--
--     { prompt = "fix the login", attempts = { { number = 1, text = …, error = …, verdict = false, check = "…" } } }
--
-- The prompt is what the first attempt saw. A later one saw the former outputs and errors, too: its `prompt` has them.
-- A verdict rests on a test that ran; a build, lint or type check is a weak one, and counts only where weak ones are
-- asked for. `verified` without any check is the caller's own word. An attempt that broke off (a time limit, a crash, a
-- signal, someone called it off) was not judged.
-- @module debrief.export.samples
local attempts_of = require "debrief.entry.attempts"
local core = require "debrief.core"
local path = require "debrief.entry.path"

local samples = {}

local function text(value) return type(value) == "string" and value ~= "" and value or nil end

-- ---- The prompt -----------------------------------------------------------------------------------------------------

-- An object with one text in it is that text; all else is its JSON.
local function prompt_text(value)
  if value == nil or value == core.null then return nil end
  if type(value) == "string" then return text(value) end
  if core.type(value) == "object" then
    local only, count = nil, 0
    for _, part in pairs(value) do
      count = count + 1
      only = text(part)
    end
    if count == 0 then return nil end
    if count == 1 and only then return only end
  end
  return type(value) == "userdata" and tostring(value) or core.encode(value)
end

--- The prompt of an entry.
-- @param way a way into the entry, "input" by default
function samples.prompt(entry, way) return prompt_text(path.get(entry, way or "input")) end

-- What a retry saw: the task, and what came of every attempt before it.
local function retry_prompt(prompt, before)
  local parts = { prompt }
  for _, one in ipairs(before) do
    parts[#parts + 1] = ("Attempt %d:\n%s"):format(one.number, one.text or "(its output is not in the log)")
    if one.error then parts[#parts + 1] = ("What came of it:\n%s"):format(one.error) end
  end
  return table.concat(parts, "\n\n")
end

-- ---- Verdicts -------------------------------------------------------------------------------------------------------

local BROKEN_OFF = { timeout = true, timed_out = true, crash = true, crashed = true, aborted = true, interrupted = true,
  cancelled = true, canceled = true }

local function member(value, key)
  if core.type(value) == "object" then return value[key] end
end

-- The result of the checks of one kind ("test", or all others): true, false, nil where none says; and what ran last.
local function result_of(checks, weak)
  local passed, command
  for i = 1, #checks do
    local one = checks[i]
    if (member(one, "kind") ~= "test") == weak and type(member(one, "passed")) == "boolean" then
      passed = passed ~= false and one.passed
      command = text(member(one, "command")) or member(one, "kind")
    end
  end
  return passed, command
end

-- The verdict on an attempt, what it rests on, and whether that is a weak check; or nil and why there is none.
local function judge(attempt, weak)
  local checks = attempt.checks
  if core.type(checks) == "array" and #checks > 0 then
    local passed, command = result_of(checks, false)
    if passed ~= nil then return passed, command, false end
    passed, command = result_of(checks, true)
    if passed == nil then return nil, "no check of it has a result" end
    if not weak then return nil, "only weak checks (--weak takes them)" end
    return passed, command, true
  end
  if type(attempt.verified) == "boolean" then return attempt.verified, "none", false end
  return nil, "nothing says whether it is verified"
end

local function broke_off(attempt, entry, is_last)
  if attempt.signal ~= nil and attempt.signal ~= core.null then return true end
  local status = is_last and text(entry.final_status)
  return status and BROKEN_OFF[status:lower():gsub("[%s-]", "_")] or false
end

-- ---- Samples --------------------------------------------------------------------------------------------------------

--- What the attempts of an entry are worth.
-- @param options { prompt = a way into the entry, weak = true: weak checks decide }
-- @return { prompt =, attempts = array of { number =, prompt = what it saw, text = its output, error = what the checks
--   printed, verdict = true, false or nil, why = why it has none, check = what the verdict rests on ("none": the
--   caller's word), weak = boolean, retry = boolean, model = } }; or nil and why the entry cannot be used
function samples.of(entry, options)
  options = options or {}
  local prompt = samples.prompt(entry, options.prompt)
  if not prompt then return nil, ("no %s, which would be the prompt"):format(options.prompt or "input") end
  local list, count = {}, 0
  for _ in attempts_of(entry) do count = count + 1 end
  if count == 0 then return nil, "no attempts" end
  for number, attempt in attempts_of(entry) do
    local one = { number = number, text = text(attempt.output_summary), error = text(attempt.runner_output),
      model = text(attempt.model) or text(entry.model_used), retry = #list > 0 }
    one.prompt = one.retry and retry_prompt(prompt, list) or prompt
    if broke_off(attempt, entry, #list + 1 == count) then one.why = "broke off before it was judged"
    else
      local verdict, check, weak = judge(attempt, options.weak)
      one.verdict, one.weak = verdict, weak or false
      if verdict == nil then one.why = check else one.check = check end
    end
    list[#list + 1] = one
  end
  return { prompt = prompt, attempts = list }
end

--- Where a row comes from: goes into it as `provenance`.
-- @param one an attempt of samples.of
-- @param ctx of the hook
function samples.provenance(one, ctx)
  return { entry = ("%s:%d"):format(ctx.session, ctx.line), attempt = one.number, model = one.model, check = one.check,
    weak = one.weak and true or nil, text = "summary" }
end

--- The attempts of an entry that a row may be made of: each has an output and a verdict, and is no retry unless
-- `ctx.options.retries` says so. Why others are left out goes to ctx.skip.
-- @param ctx of the hook
-- @return an array of attempts as samples.of has them
function samples.judged(entry, ctx)
  local sample, why = samples.of(entry, ctx.options)
  if not sample then
    ctx.skip(why)
    return {}
  end
  local out = {}
  for _, one in ipairs(sample.attempts) do
    if one.retry and not ctx.options.retries then ctx.skip "retries, which saw the former error (--allow-retries)"
    elseif not one.text then ctx.skip "attempts without an output"
    elseif one.verdict == nil then ctx.skip("attempts: " .. one.why)
    else out[#out + 1] = one end
  end
  return out
end

-- ---- Pairs ----------------------------------------------------------------------------------------------------------

-- The first attempt at the same prompt, in this part of the split, that was judged the other way.
local function partner(one, ctx)
  local of = ctx.state[ctx.part] or {}
  ctx.state[ctx.part] = of
  local known = of[one.prompt] or {}
  of[one.prompt] = known
  local found = known[not one.verdict]
  known[one.verdict] = known[one.verdict] or { text = one.text, from = samples.provenance(one, ctx) }
  return found
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
  local sample, why = samples.of(entry, ctx.options)
  if not sample then return ctx.skip(why) end
  for _, one in ipairs(sample.attempts) do
    if not one.text then ctx.skip "attempts without an output"
    elseif one.verdict == nil then ctx.skip("attempts: " .. one.why)
    elseif one.retry and not ctx.options.retry_pairs then
      ctx.skip "retries, which saw the former error (--allow-retry-pairs)"
    else
      local other
      if one.retry then other = former(sample, one) else other = partner(one, ctx) end
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
