-- pass_rate: the signal for a router: how often each skill passed in a window of time, one row a skill:
-- skill, window, pass, fail, skip, total, pass_rate. The rate is pass / (pass + fail), and no data (null in JSON) when
-- nothing was decided; total counts every run, those with an unknown outcome too.
--
-- A window ends now and is half-open: 7d holds what began at most seven days ago. Runs without a time are in none.
local debrief = require "debrief"
local agg = debrief.aggregate

local SECONDS = { m = 60, h = 3600, d = 86400, w = 604800 }

local function window_ns(text) -- nil for all
  local n, unit = text:match("^(%d+)([mhdw])$")
  return n and #n < 6 and tonumber(n) * SECONDS[unit] * 1000000000 or nil
end

local function is_window(text)
  return text == "all" or window_ns(text) ~= nil, "all, or a number with m, h, d or w, as in 7d"
end

return {
  name = "pass_rate", api = 1, summary = "Pass rate per skill in a window of time, for routers", split = true,
  options = { window = { type = "string", default = "all", check = is_window,
    help = "how far back: 90m, 12h, 7d, 4w or all" } },
  retrospective = {
    init = function()
      return { outside = 0, untimed = 0, skills = agg.by { pass = 0, fail = 0, skip = 0, total = 0 } }
    end,
    step = function(acc, entry, ctx)
      local window, at = window_ns(ctx.options.window), debrief.time(entry)
      if window and not at then
        acc.untimed = acc.untimed + 1
      elseif window and (at < ctx.now - window or at >= ctx.now) then
        acc.outside = acc.outside + 1
      else
        local row, outcome = agg.at(acc.skills, entry.skill), debrief.outcome(entry)
        row.total = row.total + 1
        if outcome == "ok" then row.pass = row.pass + 1 end
        if outcome == "fail" or outcome == "skip" then row[outcome] = row[outcome] + 1 end
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local rows = agg.rows(acc.skills, function(skill, row)
        local rate = agg.rate(row.pass, row.pass + row.fail)
        return { skill, ctx.options.window, row.pass, row.fail, row.skip, row.total, rate }
      end)
      local text = acc.outside > 0 and ("Runs outside of the window: %d."):format(acc.outside) or nil
      if acc.untimed > 0 then
        text = ("%sRuns without a time, in no window: %d."):format(text and text .. " " or "", acc.untimed)
      end
      return { title = "Pass rate", text = text, tables = { { rows = rows, columns = { "skill",
        "window", "pass", "fail", "skip", "total", { key = "pass_rate", title = "pass rate" } } } } }
    end,
  },
}
