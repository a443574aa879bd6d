-- pass_rate: the signal for a router: how often each skill passed in a window of time, one row per skill:
-- skill, window, pass, fail, skip, total, pass_rate. The rate is pass / (pass + fail), and no data (null in JSON) when
-- nothing was decided; total counts every run, those with an unknown outcome too.
--
-- A window ends now and is half-open: 7d holds what began at most seven days ago. Runs without a time are in no window.
local debrief = require "debrief"
local agg = debrief.aggregate

local SECOND = 1000000000
local SECONDS = { m = 60, h = 3600, d = 86400, w = 604800 }

-- How long a window is; nil for all, and for a text that is not a window.
local function window_ns(text)
  local n, unit = text:match "^(%d+)([mhdw])$"
  if n and #n < 6 then return tonumber(n) * SECONDS[unit] * SECOND end
end

local function is_window(text)
  return text == "all" or window_ns(text) ~= nil, "all, or a number with m, h, d or w, as in 7d"
end

return {
  name = "pass_rate",
  api = 1,
  summary = "Pass rate per skill in a window of time, for routers",
  options = {
    window = { type = "string", default = "all", check = is_window, help = "how far back: 90m, 12h, 7d, 4w or all" },
  },
  split = true,
  retrospective = {
    init = function()
      return { outside = 0, untimed = 0, skills = agg.by { pass = 0, fail = 0, skip = 0, total = 0 } }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      local window, at = window_ns(ctx.options.window), debrief.time(entry)
      if window and not at then
        acc.untimed = acc.untimed + 1
      elseif window and (at < ctx.now - window or at >= ctx.now) then
        acc.outside = acc.outside + 1
      else
        local skill, outcome = agg.at(acc.skills, debrief.skill(entry)), debrief.outcome(entry)
        skill.total = skill.total + 1
        if outcome == "ok" then skill.pass = skill.pass + 1 end
        if outcome == "fail" then skill.fail = skill.fail + 1 end
        if outcome == "skip" then skill.skip = skill.skip + 1 end
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local rows = agg.rows(debrief.skill_names(acc.skills), function(name, skill)
        local rate = agg.rate(skill.pass, skill.pass + skill.fail)
        return { name, ctx.options.window, skill.pass, skill.fail, skill.skip, skill.total, rate }
      end)

      local text = {}
      if acc.outside > 0 then text[#text + 1] = ("Runs outside of the window: %d."):format(acc.outside) end
      if acc.untimed > 0 then text[#text + 1] = ("Runs without a time, in no window: %d."):format(acc.untimed) end
      local rate = { key = "pass_rate", title = "pass rate" }
      return {
        title = "Pass rate",
        text = text[1] and table.concat(text, " ") or nil,
        tables = { { columns = { "skill", "window", "pass", "fail", "skip", "total", rate }, rows = rows } },
      }
    end,
  },
}
