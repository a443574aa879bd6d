-- lessons: what is worth remembering. Contradictions: the same skill on the same input passed, and failed later.
-- Doubtful claims: a status that the last attempt denies, and failures without a word of output. What worked after
-- failing: in a later attempt, with what changed, or in a later run on the same input. Runs that passed at once are
-- routine and left out; that nothing is new is a result. The runs of an input are ordered by time, else as logged.
local debrief = require "debrief"
local agg = debrief.aggregate

local LONGEST = 101 -- characters of a text in a finding

local function short(text) return debrief.short(text or "nothing", LONGEST) end

-- The history of an entry's attempts: how many failed before one verified, the last of those and the one that did,
-- what the very last says of itself, and whether any has output.
local function read(entry)
  local seen, n = { failed = 0, has_output = false }, #(entry.attempts or {})
  for i, attempt in debrief.attempts(entry) do
    local verified = attempt.verified
    if verified == false and not seen.good then
      seen.failed = seen.failed + 1
      seen.bad = attempt
    end
    if verified then seen.good = seen.good or attempt end
    if i == n then seen.last = verified end
    if (attempt.runner_output or "") ~= "" then seen.has_output = true end
  end
  return seen
end

-- What worked after failing; nil when nothing did.
local function recovered(seen)
  if not seen.good or not seen.bad then return nil end
  local from, to, change = seen.bad.model, seen.good.model, ""
  if from and to and from ~= to then change = (", %s for %s"):format(to, from) end
  return ("attempt %d%s. Failed: %s. Worked: %s"):format(seen.failed + 1, change, short(seen.bad.runner_output),
    short(seen.good.output_summary))
end

-- Why the claim of an entry is doubtful; nil when it is not.
local function doubt(passed, seen)
  if passed == true and seen.last == false then return "claims to have passed, its last attempt did not verify" end
  if passed == false and seen.last then return "claims to have failed, its last attempt did verify" end
  if passed == false and not seen.has_output then return "failed without a word of output" end
end

-- Sorts by time, and within a time as logged.
local function order_of(entry, run) return ("%020d %s %09d"):format(debrief.time(entry) or 0, run.session, run.line) end

-- The runs on one input, where some passed and some failed: a contradiction when one failed right after one passed.
local function compare_runs(input, contradictions, later)
  local passed, failed = input.passed.num, input.passed.den - input.passed.num
  if passed == 0 or failed == 0 then return end
  local runs, kind = agg.value(input.runs), later
  table.sort(runs, function(a, b) return a.order < b.order end)
  for i = 2, #runs do
    if runs[i - 1].passed and not runs[i].passed then kind = contradictions end
  end
  agg.add(kind, math.min(passed, failed), {
    explanation = ("%s: passed %d×, failed %d×"):format(agg.value(input.what), passed, failed), references = runs,
  })
end

return {
  name = "lessons",
  api = 1,
  summary = "What worked after failing, contradictions, doubtful claims",
  options = { limit = { type = "integer", default = 5, min = 1, help = "how many findings of each kind" } },
  split = true,
  retrospective = {
    init = function(ctx)
      return {
        routine = agg.rate(), doubtful = agg.list(ctx.options.limit), worked = agg.largest(ctx.options.limit),
        inputs = agg.by { what = agg.first(), passed = agg.rate(), runs = agg.list(50) },
      }
    end,
    step = function(acc, entry, ctx)
      local seen, skill, passed = read(entry), entry.skill or "a run", debrief.passed(entry)
      local run = { session = ctx.session, line = ctx.line }

      local doubtful, worked = doubt(passed, seen), recovered(seen)
      if doubtful then
        agg.add(acc.doubtful, { explanation = skill .. ": " .. doubtful, references = { run } })
      elseif worked then
        agg.add(acc.worked, seen.failed, { explanation = skill .. ": " .. worked, references = { run } })
      end
      agg.add(acc.routine, passed == true and not doubtful and not worked)

      if entry.input == nil or passed == nil then return end
      local text = tostring(entry.input)
      local hash = debrief.session_id(text .. " ") -- the space is not of an id, so a hash is part of it
      local input = agg.at(acc.inputs, skill .. "\n" .. hash)
      run.passed, run.order = passed, order_of(entry, run)
      agg.add(input.what, skill .. " on " .. short(text))
      agg.add(input.passed, passed)
      agg.add(input.runs, run)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local contradictions, later = agg.largest(ctx.options.limit), agg.largest(ctx.options.limit)
      for _, input in agg.each(acc.inputs) do compare_runs(input, contradictions, later) end

      local findings, found = {}, {}
      local function add(name, kind)
        local list, n = agg.value(kind)
        found[#found + 1] = name .. " " .. n
        for _, finding in ipairs(list) do
          finding.value = name
          findings[#findings + 1] = finding
        end
      end
      add("contradiction", contradictions)
      add("doubtful", acc.doubtful)
      add("worked later", later)
      add("worked", acc.worked)

      local text = ("%d of %d runs passed at once and are left out."):format(acc.routine.num, acc.routine.den)
      text = text .. (findings[1] and " Found: " .. table.concat(found, ", ") .. "." or " Nothing new.")
      return { title = "Lessons", text = text, findings = findings }
    end,
  },
}
