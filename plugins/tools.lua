-- tools: which tools were called, which of them fail, and where their time goes: by tool, by command and by file. The
-- calls of subagents are among them.
local debrief = require "debrief"
local agg = debrief.aggregate

local function count(row, call)
  row.calls = row.calls + 1
  agg.add(row.failed, call.failed)
  agg.add(row.time, call.duration_ms)
end

-- Most time first, then most calls.
local function weight(row) return (agg.value(row.time) or 0) + row.calls * 1e-9 end

local function cells(name, row) return { name, row.calls, row.failed, agg.value(row.time) } end

return {
  name = "tools",
  api = 1,
  summary = "Calls of tools: how many, how many failed, their time, by tool, command, file",
  options = { limit = { type = "integer", default = 10, min = 1, help = "how many rows to list in each table" } },
  split = true,
  retrospective = {
    init = function()
      local function by() return agg.by { calls = 0, failed = agg.rate(), time = agg.sum() } end
      return { runs = 0, logged = 0, calls = agg.rate(), tools = by(), commands = by(), files = by(), others = by() }
    end,
    step = function(acc, entry)
      local is_logged, is_run = false, not debrief.subagent(entry)
      for _, call in debrief.tools(entry) do
        is_logged = true
        agg.add(acc.calls, call.failed)
        count(agg.at(acc.tools, call.name), call)
        if call.kind == "command" and call.target then
          count(agg.at(acc.commands, call.target), call)
        elseif call.kind and call.target then -- is edited, read or the like
          count(agg.at(acc.files, call.target), call)
        elseif call.target then
          count(agg.at(acc.others, ("%s: %s"):format(call.name, call.target)), call)
        end
      end
      if is_run then acc.runs = acc.runs + 1 end
      if is_run and is_logged then acc.logged = acc.logged + 1 end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local tables, time = {}, { key = "duration_ms", title = "time", unit = "ms" }
      local function add(title, key, by, cut, charted)
        local rows, n = agg.rows(by, cells, weight, ctx.options.limit)
        if n == 0 then return end
        local chart
        if charted then chart = { type = "bar", title = charted, limit = 10, columns = { "failed" } } end
        tables[#tables + 1] = { title = ("%s (%d), most time first"):format(title, n),
          columns = { { key = key, cut = cut }, "calls", "failed", time }, rows = rows, chart = chart }
      end
      add("By tool", "tool", acc.tools, "never", "Failed calls, by tool")
      add("By command", "command", acc.commands, "never")
      add("By file", "file", acc.files, "left")
      add("By other targets", "target", acc.others)
      return {
        title = "Tools",
        text = ("%d of %d runs say which tools they called. %d of %d calls failed."):format(acc.logged, acc.runs,
          acc.calls.num, acc.calls.den),
        tables = tables,
      }
    end,
  },
}
