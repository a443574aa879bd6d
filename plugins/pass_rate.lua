-- pass_rate: the signal for a router: how often each skill passed in a window of time, one row per skill:
-- skill, window, pass, fail, skip, total, pass_rate. The rate is pass / (pass + fail), and no data (null in JSON) when
-- nothing was decided; total counts every run, those with an unknown outcome too.
--
-- A window ends now (or with --until) and is half-open: 7d holds what ended at most seven days ago. With --since it is
-- the time since then, and `window` makes it shorter. Runs without a time are in no window.
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

-- From when on runs count, and until when; nil for no limit.
local function window_of(ctx)
  local length, to = window_ns(ctx.options.window), ctx["until"]
  if to == math.maxinteger then to = nil end
  local from = ctx.since ~= math.mininteger and ctx.since or nil
  if length then
    to = to or ctx.now
    from = math.max(from or math.mininteger, to - length)
  end
  return from, to
end

-- The window as a row says it: all, 7d, or both ends where --since or --until had a say.
local function window_text(acc, ctx)
  local since, ending = agg.value(acc.since), agg.value(acc["until"])
  if not since and not ending then return ctx.options.window end
  local function edge(ns) return ns and debrief.date("%Y-%m-%d %H:%M", ns):gsub(" 00:00$", "") or "" end
  local text = edge(since) .. ".." .. edge(ending)
  return ctx.options.window == "all" and text or ctx.options.window .. " of " .. text
end

return {
  name = "pass_rate",
  api = 1,
  summary = "Pass rate per skill in a window of time, for routers",
  options = {
    window = { type = "string", default = "all", check = is_window,
      help = "how far back: 90m, 12h, 7d, 4w or all (of --since)" },
  },
  split = true,
  retrospective = {
    init = function(ctx)
      local since, ending = agg.min(), agg.max() -- as they were asked for
      if ctx.since ~= math.mininteger then agg.add(since, ctx.since) end
      if ctx["until"] ~= math.maxinteger then agg.add(ending, ctx["until"]) end
      return { since = since, ["until"] = ending, outside = 0, untimed = 0,
        skills = agg.by { pass = 0, fail = 0, skip = 0, total = 0 } }
    end,
    step = function(acc, entry, ctx)
      if debrief.subagent(entry) then return end -- a part of another run
      local from, to = window_of(ctx)
      local at = debrief.time(entry)
      if (from or to) and not at then
        acc.untimed = acc.untimed + 1
      elseif from and at < from or to and at >= to then
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
      local window = window_text(acc, ctx)
      local rows = agg.rows(debrief.skill_names(acc.skills), function(name, skill)
        local rate = agg.rate(skill.pass, skill.pass + skill.fail)
        return { name, window, skill.pass, skill.fail, skill.skip, skill.total, rate }
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
