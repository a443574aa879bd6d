-- stuck: where runs went in circles, in each session. A loop is the same skill on the same file (without one: the
-- same input) failing until it passes or is given up: `times` tries in a row with the same failure, or `times` runs
-- that failed, whatever they said. A row is `times` failures one after the other, whatever they are about, before
-- something passes. A try is an attempt that did not verify; of a run that failed without one, the run. A failure has
-- the name that `failures` gives it (debrief.failure).
local debrief = require "debrief"
local agg = debrief.aggregate

local function one_line(text, n) return debrief.short(text:gsub("%s+", " "), n) end

-- The tries of a run in their order: what each failure is called, false for one that passed.
local function tries_of(entry)
  local tries, failed, outcome = {}, 0, debrief.outcome(entry)
  for _, attempt in debrief.attempts(entry) do
    if attempt.verified == false then failed = failed + 1 end
    if attempt.verified ~= nil then
      tries[#tries + 1] = not attempt.verified and debrief.failure(attempt.runner_output)
    end
  end
  if outcome == "fail" and failed == 0 then tries[#tries + 1] = debrief.failure(nil) end
  if outcome == "ok" and tries[#tries] ~= false then tries[#tries + 1] = false end
  return tries, outcome
end

-- What a run is about, for people and as a key: runs of the same skill on the same subject may be a loop.
local function subject_of(entry, ctx)
  local subject = entry.file_path or entry.input and tostring(entry.input):sub(1, 300) or "line " .. ctx.line
  local shown = entry.file_path and subject:match "[^/]*/?[^/]+$" or subject -- of a path its end
  return ("%s on %s"):format(entry.skill or "a run", one_line(shown, 61)), (entry.skill or "") .. "\n" .. subject
end

-- A series of failures: how many tries, about what, in how many runs, and how many in a row had the same name.
local function new_series() return { tries = 0, about = agg.top(100), runs = 0, row = 0, most = 0, refs = {} } end

local function add_try(series, name, about, is_failed_run, ctx)
  series.row = name == series.last and series.row + 1 or 1
  if series.row > series.most then series.most, series.name = series.row, name end
  series.tries, series.last = series.tries + 1, name
  agg.add(series.about, about)
  if series.line == ctx.line then return end -- the same run
  series.line = ctx.line
  series.refs[#series.refs + 1] = { session = ctx.session, line = ctx.line }
  if is_failed_run then series.runs = series.runs + 1 end
end

local function is_loop(series, times) return series.most >= times or series.runs >= times end

-- 'a on x.c, b on y.c, 3 in a row with "no rule for N"'
local function describe(series)
  local subjects = agg.top_items(series.about)
  local names = {}
  for i = 1, math.min(#subjects, 3) do names[i] = subjects[i].key end
  if #subjects > 3 then names[4] = ("%d more"):format(#subjects - 3) end
  local times = series.most > 1 and ("%d in a row"):format(series.most) or "the last"
  local name = one_line(series.most > 1 and series.name or series.last, 161)
  return ('%s, %s with "%s".'):format(table.concat(names, ", "), times, name)
end

local function report(acc, series, what, ending)
  agg.add(acc.found, series.tries, {
    value = series.tries, references = series.refs,
    explanation = ("%s of %s %s"):format(what, describe(series), ending),
  })
end

local function close_loop(acc, key, ending, times)
  local loop = acc.loops[key]
  acc.loops[key] = nil
  if loop and is_loop(loop, times) then
    acc.looped = acc.looped + loop.tries
    report(acc, loop, "failed tries", ending)
  end
end

-- A row on one subject is not reported once more if it is a loop.
local function close_row(acc, ending, times)
  local row = acc.row
  acc.row = new_series()
  local is_known = is_loop(row, times) and #agg.top_items(row.about) == 1
  if row.tries >= times and not is_known then report(acc, row, "failures in a row,", ending) end
end

-- The session is over: what is still open was given up.
local function close_all(acc, ctx)
  for key in pairs(acc.loops) do close_loop(acc, key, "It did not pass.", ctx.options.times) end
  close_row(acc, "Nothing passed after them.", ctx.options.times)
end

return {
  name = "stuck",
  api = 1,
  summary = "Loops: the same skill failing at the same thing, again and again",
  options = {
    times = { type = "integer", default = 3, min = 2, help = "how many failures or failed runs are a loop" },
    limit = { type = "integer", default = 10, min = 1, help = "how many loops and rows to show" },
  },
  retrospective = {
    init = function(ctx)
      return { loops = {}, row = new_series(), looped = 0, found = agg.largest(ctx.options.limit) }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      if acc.session ~= ctx.session then
        close_all(acc, ctx)
        acc.session = ctx.session
      end

      local times, tries, outcome = ctx.options.times, tries_of(entry)
      local about, key = subject_of(entry, ctx)
      for _, name in ipairs(tries) do
        if name then
          acc.loops[key] = acc.loops[key] or new_series()
          add_try(acc.loops[key], name, about, outcome ~= "ok", ctx)
          add_try(acc.row, name, about, outcome ~= "ok", ctx)
        else
          close_loop(acc, key, "Then it passed.", times)
          close_row(acc, "Then one passed.", times)
        end
      end
    end,
    merge = function(acc, other, ctx) -- a session is never cut, so nothing goes on from one part to the next
      close_all(other, ctx)
      close_all(acc, ctx)
      acc.session = other.session
      acc.looped = acc.looped + other.looped
      agg.merge(acc.found, other.found)
    end,
    finish = function(acc, ctx)
      close_all(acc, ctx)
      local found, n = agg.value(acc.found)
      local text = "No loops."
      if n > 0 then text = ("Loops and rows of failures: %d. Failed tries in loops: %d."):format(n, acc.looped) end
      return { title = "Stuck", text = text, findings = found }
    end,
  },
}
