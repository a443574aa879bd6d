-- failures: what failed runs have in common, grouped by the first line of their last output that names trouble, without
-- its numbers and paths (debrief.failure). With of=attempts it is the failed attempts that are grouped: those of runs
-- that passed in the end too.
local debrief = require "debrief"
local agg = debrief.aggregate

-- What the last attempt that has output says first.
local function failure_of(entry)
  local output
  for _, attempt in debrief.attempts(entry) do
    if (attempt.runner_output or "") ~= "" then output = attempt.runner_output end
  end
  return debrief.failure(output)
end

local function add(acc, failure, entry, ctx)
  local group = agg.at(acc.groups, failure)
  group.times = group.times + 1
  agg.add(group.passed, debrief.passed(entry) == true)
  agg.add(group.skills, debrief.skill(entry) or "no skill")
  agg.add(group.refs, { session = ctx.session, line = ctx.line })
end

-- Failed attempts, each in the group of its output; how many a run has, and whether it passed in spite of them.
local function add_attempts(acc, entry, ctx)
  local failed = 0
  for _, attempt in debrief.attempts(entry) do
    if attempt.verified == false then
      failed = failed + 1
      if ctx.options.of == "attempts" then add(acc, debrief.failure(attempt.runner_output), entry, ctx) end
    end
  end
  if failed > 0 then
    acc.attempts = acc.attempts + failed
    agg.add(acc.recovered, debrief.passed(entry) == true)
  end
end

local function heading(acc, of, groups)
  local in_groups = ("in %d %s"):format(groups, groups == 1 and "group" or "groups")
  if of == "attempts" then
    return ("Failed attempts: %d, %s. Runs that had them: %d, of which %d passed in the end."):format(acc.attempts,
      in_groups, acc.recovered.den, acc.recovered.num)
  end
  local text = ("%d of %d decided runs failed, %s."):format(acc.failed.num, acc.failed.den, in_groups)
  if acc.recovered.num == 0 then return text end
  return text .. (" %d passed after failed attempts: see of=attempts."):format(acc.recovered.num)
end

return {
  name = "failures",
  api = 1,
  summary = "Failed runs, or attempts, grouped by what their output says first",
  options = {
    of = { type = "string", default = "runs", choices = { "runs", "attempts" }, help = "what is grouped" },
    limit = { type = "integer", default = 10, min = 1, help = "how many groups to show" },
  },
  split = true,
  retrospective = {
    init = function()
      return {
        failed = agg.rate(), attempts = 0, recovered = agg.rate(), skills = agg.by(agg.count()),
        groups = agg.by { times = 0, passed = agg.rate(), skills = agg.top(), refs = agg.list(100) },
      }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      agg.add(acc.skills, debrief.skill(entry))
      add_attempts(acc, entry, ctx)
      local passed = debrief.passed(entry)
      if passed == nil then return end
      agg.add(acc.failed, not passed)
      if not passed and ctx.options.of == "runs" then add(acc, failure_of(entry), entry, ctx) end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local findings, groups, name_of = {}, 0, debrief.skill_namer(acc.skills)
      for failure, group in agg.each(acc.groups, "times") do
        groups = groups + 1
        if groups <= ctx.options.limit then
          local skills = {}
          for i, item in ipairs(agg.top_items(group.skills, 3)) do
            skills[i] = name_of(item.key) .. " " .. item.count
          end
          local ending = ctx.options.of == "attempts" and ("; passed in the end: %d"):format(group.passed.num) or ""
          findings[groups] = {
            value = group.times,
            explanation = ("%s (%s%s)"):format(failure, table.concat(skills, ", "), ending),
            references = agg.value(group.refs),
          }
        end
      end

      local text = heading(acc, ctx.options.of, groups)
      if groups > #findings then text = text .. (" The first %d:"):format(#findings) end
      return { title = "Failures", text = text, findings = findings }
    end,
  },
}
