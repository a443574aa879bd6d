-- stuck: where runs went in circles: the same skill on the same file (without one: the same input) failing again and
-- again in a session, until it passes or is given up. A loop is reported when `times` tries in a row had nearly the
-- same output (a share `alike` of their lines, numbers aside), or when `times` runs failed, whatever they said. A try
-- is an attempt that did not verify; of a run that failed without one, the run.
local debrief = require "debrief"
local agg = debrief.aggregate

local OUTPUT = 8000 -- bytes of an output that are compared, its last ones

local function one_line(text, n) return debrief.short(text:gsub("%s+", " "), n) end

-- A word as all words are that differ only in their numbers: one that is a number or a hash is N.
local function without_number(word)
  if word:find "%d" then return not word:find "%X" and "N" or word:gsub("%d+", "N") end
end

-- An output as a set of lines without their numbers: the set, how many there are, how many of them are in the set
-- `before`, too, and the last line with letters as it is.
local function lines_of(output, before)
  local lines, n, common, last = {}, 0, 0, "no output"
  for line in output:sub(-OUTPUT):gmatch "[^\r\n]+" do
    if line:find "%a" then last = line end
    line = line:gsub("%w+", without_number)
    if line:find "%a" and not lines[line] then
      lines[line] = true
      n = n + 1
      if before[line] then common = common + 1 end
    end
  end
  return lines, n, common, last
end

local function add_try(loop, output, share)
  local lines, n, common, last = lines_of(output, loop.lines)
  local all = n + loop.n - common -- the lines of this try and of the one before, each once
  local is_alike = common >= all * share
  loop.row = is_alike and loop.row + 1 or 1
  loop.most = math.max(loop.most, loop.row)
  loop.tries = loop.tries + 1
  loop.lines, loop.n, loop.says = lines, n, last
end

-- The subject of a run: attempts of the same skill on the same subject may be a loop.
local function subject_of(entry, ctx)
  if entry.file_path then return entry.file_path end
  return entry.input and tostring(entry.input):sub(1, 300) or "line " .. ctx.line
end

local function new_loop(entry, subject)
  local name = ("%s on %s"):format(entry.skill or "a run", one_line(subject, 61))
  return { name = name, tries = 0, failed = 0, row = 0, most = 0, lines = {}, n = 0, refs = {} }
end

-- The series of failures is over: report it if it was a loop.
local function close(acc, key, ending, times)
  local loop = acc.open[key]
  acc.open[key] = nil
  if not loop or (loop.most < times and loop.failed < times) then return end
  acc.found.tries = acc.found.tries + loop.tries
  agg.add(acc.found.loops, loop.tries, {
    value = loop.tries,
    explanation = ('failed tries of %s, %d in a row like "%s". %s'):format(loop.name, loop.most,
      one_line(loop.says, 161), ending),
    references = loop.refs,
  })
end

-- The session is over: what is still open was given up.
local function close_all(acc, ctx)
  for key in pairs(acc.open) do close(acc, key, "It did not pass.", ctx.options.times) end
end

return {
  name = "stuck",
  api = 1,
  summary = "Loops: the same skill failing at the same thing, again and again",
  options = {
    times = { type = "integer", default = 3, min = 2, help = "how many tries alike, or failed runs, make a loop" },
    alike = { type = "number", default = 0.7, min = 0, max = 1, help = "share of lines in common: nearly the same" },
    limit = { type = "integer", default = 10, min = 1, help = "how many loops to show" },
  },
  retrospective = {
    init = function(ctx) return { open = {}, found = { tries = 0, loops = agg.largest(ctx.options.limit) } } end,
    step = function(acc, entry, ctx)
      if acc.session ~= ctx.session then
        close_all(acc, ctx)
        acc.session = ctx.session
      end

      local outcome, subject = debrief.outcome(entry), subject_of(entry, ctx)
      local key, outputs = (entry.skill or "") .. "\n" .. subject, {}
      for _, attempt in debrief.attempts(entry) do
        if attempt.verified == false then outputs[#outputs + 1] = attempt.runner_output or "" end
      end
      if outcome == "fail" and #outputs == 0 then outputs[1] = "" end

      if #outputs > 0 then
        local loop = acc.open[key] or new_loop(entry, subject)
        acc.open[key] = loop
        for _, output in ipairs(outputs) do add_try(loop, output, ctx.options.alike) end
        if outcome ~= "ok" then loop.failed = loop.failed + 1 end
        loop.refs[#loop.refs + 1] = { session = ctx.session, line = ctx.line }
      end
      if outcome == "ok" then close(acc, key, "Then it passed.", ctx.options.times) end
    end,
    merge = function(acc, other, ctx) -- a session is never cut, so nothing goes on from one part to the next
      close_all(other, ctx)
      close_all(acc, ctx)
      acc.session = other.session
      agg.merge(acc.found, other.found)
    end,
    finish = function(acc, ctx)
      close_all(acc, ctx)
      local loops, n = agg.value(acc.found.loops)
      local text = n > 0 and ("Loops: %d. Failed tries in them: %d."):format(n, acc.found.tries) or "No loops."
      return { title = "Stuck", text = text, findings = loops }
    end,
  },
}
