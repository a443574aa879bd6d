-- lessons: what is worth remembering. Contradictions: the same skill on the same input passed, and failed later.
-- Doubtful claims: a status that the last attempt denies, and failures without a word of output. What worked after
-- failing: in a later attempt, with what had failed, and the files edited and commands run until then (the last words
-- of the run where that is not known), or in a later run on the same input. Runs that passed at once are left out; that
-- nothing is new is a result. The runs of an input are ordered by time, else as logged.
local debrief = require "debrief"
local agg = debrief.aggregate

local LONGEST = 101 -- characters of a text in a finding
local MOST = 3 -- failures and files that are named

local function short(text) return debrief.short(text, LONGEST) end

-- "a, b, c and 2 more", each once.
local function listed(texts, separator)
  local names, known = {}, {}
  for _, text in ipairs(texts) do
    if not known[text] then names[#names + 1] = text end
    known[text] = true
  end
  local more = #names > MOST and (" and %d more"):format(#names - MOST) or ""
  return table.concat(names, separator, 1, math.min(#names, MOST)) .. more
end

-- The longest series of failed attempts of an entry that was followed by one that verified; what the very last attempt
-- says of itself; and whether any has output.
local function read(entry)
  local seen, n, series = { failures = {} }, #(entry.attempts or {}), nil
  for i, attempt in debrief.attempts(entry) do
    if attempt.verified == false then
      if not series or series.good then series = { failures = {}, commands = {} } end
      series.failures[#series.failures + 1] = short(debrief.failure(attempt.runner_output))
      series.bad = attempt
      for _, check in ipairs(debrief.type(attempt.checks) == "array" and attempt.checks or {}) do
        if debrief.type(check) == "object" then series.commands[#series.commands + 1] = tostring(check.command) end
      end
    elseif attempt.verified and series and not series.good then
      series.good, series.number, series.is_last = attempt, i, i == n
      if #series.failures > #seen.failures then seen.recovered, seen.failures = series, series.failures end
    end
    if i == n then seen.last = attempt.verified end
    if (attempt.runner_output or "") ~= "" then seen.has_output = true end
  end
  return seen
end

-- Is one of the commands that a call names, as in "make && make test", one of these?
local function is_check(call, commands)
  local line = call.kind == "command" and call.target or ""
  for name in (line:gsub(" [&|][&|] ", "; ") .. "; "):gmatch "(.-); " do
    for _, command in ipairs(name ~= "" and commands or {}) do
      if command:sub(1, #name) == name then return true end
    end
  end
  return false
end

-- What was done after a check had failed, until it passed: the files that were edited and the commands that were run.
-- Of several checks, the one that failed most often.
local function changes(entry, commands)
  local most, best, failing, times, done = 0, { files = {}, ran = {} }, nil, 0, nil
  for _, call in debrief.tools(entry) do
    if call.failed and is_check(call, commands) then
      if failing ~= call.target then failing, times, done = call.target, 0, { files = {}, ran = {} } end
      times = times + 1
    elseif failing and call.target == failing then
      if times > most then most, best = times, done end
      failing = nil
    elseif failing and call.target and not call.failed then
      if call.kind == "edit" then done.files[#done.files + 1] = call.target:match "[^/]*$" end
      if call.kind == "command" and not is_check(call, commands) then done.ran[#done.ran + 1] = call.target end
    end
  end
  return best
end

-- "edited a.c and b.c; ran npm install"; nil if nothing is known.
local function changed(entry, commands)
  local done, parts = changes(entry, commands), {}
  if done.files[1] then parts[1] = "edited " .. listed(done.files, ", ") end
  if done.ran[1] then parts[#parts + 1] = "ran " .. listed(done.ran, ", ") end
  return parts[1] and table.concat(parts, "; ") or nil
end

-- What worked after failing; nil when nothing did.
local function recovered(entry, series)
  if not series then return nil end
  local from, to, text = series.bad.model, series.good.model, ("attempt %d"):format(series.number)
  if from and to and from ~= to then text = ("%s, %s for %s"):format(text, to, from) end
  text = ("%s. Failed: %s."):format(text, listed(series.failures, "; then "))
  local what, said = changed(entry, series.commands), series.is_last and series.good.output_summary
  if what then return ("%s Worked: %s."):format(text, what) end
  return said and ("%s It says: %s"):format(text, short(said)) or text
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
      if debrief.subagent(entry) then return end -- a part of another run
      local seen, skill, passed = read(entry), entry.skill or "a run", debrief.passed(entry)
      local run = { session = ctx.session, line = ctx.line }

      local doubtful, worked = doubt(passed, seen), recovered(entry, seen.recovered)
      if doubtful then
        agg.add(acc.doubtful, { explanation = skill .. ": " .. doubtful, references = { run } })
      elseif worked then
        agg.add(acc.worked, #seen.failures, { explanation = skill .. ": " .. worked, references = { run } })
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
