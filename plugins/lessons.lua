-- lessons: what is worth remembering. Contradictions: the same skill on the same input passed, and failed later.
-- Doubtful claims: a status that the last attempt denies, and failures without a word of output. What worked after
-- failing: in a later attempt, with what changed, or in a later run on the same input. Runs that passed at once are
-- routine and left out; that nothing is new is a result. The runs of an input are ordered by time, else as logged.
local debrief = require "debrief"
local agg, KINDS = debrief.aggregate, { "contradiction", "doubtful", "worked later", "worked" }

local function short(text) -- its first line with words, without colours
  local line = ((text or ""):sub(1, 1000):match("[^\n]*%a%a[^\n]*") or text or "nothing"):gsub("\27%[[%d;]*%a", "")
  return #line > 100 and line:sub(1, 100):gsub("[\xc0-\xff][\x80-\xbf]*$", "") .. "…" or line
end

local function read(attempts) -- what failed before one verified, and how often; how the last ended; is there output?
  local told = { failed = 0 }
  for _, attempt in ipairs(attempts or {}) do
    attempt = attempt ~= debrief.null and attempt or {}
    told.last, told.output = attempt.verified, told.output or (attempt.runner_output or "") ~= ""
    if not told.good and told.last == false then told.failed, told.bad = told.failed + 1, attempt end
    told.good = told.good or told.last and attempt
  end
  return told
end

local function recovered(told)
  local from, to = told.bad.model, told.good.model
  return ("attempt %d%s. Failed: %s. Worked: %s"):format(told.failed + 1, from and to and from ~= to and
    (", %s for %s"):format(to, from) or "", short(told.bad.runner_output), short(told.good.output_summary))
end

local function doubt(outcome, told)
  if outcome == "ok" and told.last == false then return "claims to have passed, its last attempt did not verify" end
  if outcome == "fail" and told.last then return "claims to have failed, its last attempt did verify" end
  return outcome == "fail" and not told.output and "failed without a word of output" or nil
end

local function compare_runs(input, contradictions, later)
  local runs, found, ok, failed = agg.value(input.runs), later, input.passed.num, input.passed.den - input.passed.num
  table.sort(runs, function(a, b) return a.order < b.order end)
  for i = 2, #runs do if runs[i - 1].ok and not runs[i].ok then found = contradictions end end
  agg.add(found, ok > 0 and failed > 0 and math.min(ok, failed) or nil, { references = runs,
    explanation = ("%s: passed %d×, failed %d×"):format(agg.value(input.what), ok, failed) })
end

return {
  name = "lessons", api = 1, summary = "What worked after failing, contradictions, doubtful claims", split = true,
  options = { limit = { type = "integer", default = 5, min = 1, help = "how many findings of each kind" } },
  retrospective = {
    init = function(ctx)
      return { routine = agg.rate(), doubtful = agg.list(ctx.options.limit), worked = agg.largest(ctx.options.limit),
        inputs = agg.by { what = agg.first(), passed = agg.rate(), runs = agg.list(50) } }
    end,
    step = function(acc, entry, ctx)
      local outcome, told, skill = debrief.outcome(entry), read(entry.attempts), entry.skill or "a run"
      local run, doubtful = { session = ctx.session, line = ctx.line }, doubt(outcome, told)
      local worked = told.good and told.bad and recovered(told)
      local finding = { references = { run }, explanation = ("%s: %s"):format(skill, doubtful or worked) }
      if doubtful then agg.add(acc.doubtful, finding) elseif worked then agg.add(acc.worked, told.failed, finding) end
      agg.add(acc.routine, outcome == "ok" and not doubtful and not worked)
      if entry.input == nil or outcome == "skip" or outcome == "unknown" then return end
      local input = agg.at(acc.inputs, skill .. "\n" .. debrief.session_id(tostring(entry.input) .. " ")) -- a hash
      run.ok, run.order = outcome == "ok", ("%020d %s %09d"):format(debrief.time(entry) or 0, run.session, run.line)
      agg.add(input.what, skill .. " on " .. short(tostring(entry.input)))
      agg.add(input.passed, run.ok)
      agg.add(input.runs, run)
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local contradictions, later, findings = agg.largest(ctx.options.limit), agg.largest(ctx.options.limit), {}
      for _, input in agg.each(acc.inputs) do compare_runs(input, contradictions, later) end
      local text = ("%d of %d runs passed at once and are left out. Found:"):format(acc.routine.num, acc.routine.den)
      for i, kind in ipairs { contradictions, acc.doubtful, later, acc.worked } do
        local list, n = agg.value(kind)
        for _, finding in ipairs(list) do finding.value, findings[#findings + 1] = KINDS[i], finding end
        text = ("%s%s %s %d"):format(text, i > 1 and "," or "", KINDS[i], n)
      end
      text = findings[1] and text .. "." or text:gsub("Found:.*", "Nothing new.")
      return { title = "Lessons", text = text, findings = findings }
    end,
  },
}
