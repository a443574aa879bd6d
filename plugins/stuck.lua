-- stuck: where runs went in circles: the same skill on the same file (without one: the same input) failing again and
-- again in a session, until it passes or is given up. A loop is told when `times` tries in a row had nearly the same
-- output (a share `alike` of their lines, numbers aside), or when `times` runs failed, whatever they said. A try is an
-- attempt that did not verify; of a run that failed without one, the run.
local debrief = require "debrief"
local agg = debrief.aggregate

local function short(text, most)
  text = text:gsub("\27%[[%d;]*%a", ""):gsub("%s+", " ")
  return #text > most and text:sub(1, most):gsub("[\xc0-\xff][\x80-\xbf]*$", "") .. "…" or text
end

local function try(loop, output, least)
  local lines, n, common, says = {}, 0, 0, "no output"
  for line in output:sub(-8000):gmatch("[^\r\n]+") do
    says = line:find("%a") and line or says
    line = line:gsub("%f[%w]%x*%d%x*%f[%W]", "N"):gsub("%d+", "N")
    if line:find("%a") and not lines[line] then
      lines[line], n, common = true, n + 1, common + (loop.lines[line] and 1 or 0)
    end
  end
  loop.row = common >= (n + loop.n - common) * least and loop.row + 1 or 1 -- the first one is like nothing else
  loop.tries, loop.most, loop.lines, loop.n = loop.tries + 1, math.max(loop.most, loop.row), lines, n
  loop.says = short(says, 160)
end

local function close(acc, key, ending, times)
  local loop = acc.open[key]
  acc.open[key] = nil
  if not loop or (loop.most < times and loop.failed < times) then return end
  acc.found.tries = acc.found.tries + loop.tries
  agg.add(acc.found.loops, loop.tries, { value = loop.tries, references = loop.refs,
    explanation = ('failed tries of %s, %d in a row like "%s". %s'):format(loop.name, loop.most, loop.says, ending) })
end

local function settle(acc, ctx, session) -- the one before is over: what is still open was given up
  acc.session = session
  for key in pairs(acc.open) do close(acc, key, "It did not pass.", ctx.options.times) end
end

return {
  name = "stuck", api = 1, summary = "Loops: the same skill failing at the same thing, again and again",
  options = {
    times = { type = "integer", default = 3, min = 2, help = "how many tries alike, or failed runs, make a loop" },
    alike = { type = "number", default = 0.7, min = 0, max = 1, help = "share of lines in common: nearly the same" },
    limit = { type = "integer", default = 10, min = 1, help = "how many loops to show" },
  },
  retrospective = {
    init = function(ctx) return { open = {}, found = { tries = 0, loops = agg.largest(ctx.options.limit) } } end,
    step = function(acc, entry, ctx)
      if acc.session ~= ctx.session then settle(acc, ctx, ctx.session) end
      local what = entry.file_path or entry.input and tostring(entry.input):sub(1, 300) or "line " .. ctx.line
      local key, outcome, tries = (entry.skill or "") .. "\n" .. what, debrief.outcome(entry), {}
      for _, attempt in ipairs(entry.attempts or {}) do
        local failed = attempt ~= debrief.null and attempt.verified == false
        if failed then tries[#tries + 1] = attempt.runner_output or "" end
      end
      if outcome == "fail" or #tries > 0 then
        local loop = acc.open[key] or { name = (entry.skill or "a run") .. " on " .. short(what, 60),
          tries = 0, failed = 0, row = 0, most = 0, n = 0, lines = {}, refs = {} }
        for i = 1, math.max(#tries, 1) do try(loop, tries[i] or "", ctx.options.alike) end
        loop.failed = loop.failed + (outcome == "ok" and 0 or 1)
        loop.refs[#loop.refs + 1] = { session = ctx.session, line = ctx.line }
        acc.open[key] = loop
      end
      if outcome == "ok" then close(acc, key, "Then it passed.", ctx.options.times) end
    end,
    merge = function(acc, other, ctx)
      settle(other, ctx, other.session)
      settle(acc, ctx, other.session)
      agg.merge(acc.found, other.found)
    end,
    finish = function(acc, ctx)
      settle(acc, ctx)
      local loops, n = agg.value(acc.found.loops)
      return { title = "Stuck", findings = loops,
        text = n > 0 and ("Loops: %d. Failed tries in them: %d."):format(n, acc.found.tries) or "No loops." }
    end,
  },
}
