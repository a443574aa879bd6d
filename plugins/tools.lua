-- tools: which tools were called, which of them fail, and where their time goes; by tool, and by what they worked on.
local debrief = require "debrief"
local agg = debrief.aggregate

local function tools_of(entry) return debrief.type(entry.tools) == "array" and entry.tools or {} end

local function text(value) return type(value) == "string" and value or nil end

local function count(acc, call)
  local failed = call.error == true
  acc.calls = acc.calls + 1
  agg.add(acc.failed, failed)
  agg.add(acc.time, call.duration_ms)
end

local ms = { key = "duration_ms", title = "time", unit = "ms" }

return {
  name = "tools",
  api = 1,
  summary = "Calls of tools: how many, how many failed, their time, by tool and target",
  options = { limit = { type = "integer", default = 15, min = 1, help = "how many tools and targets to list" } },
  split = true,
  retrospective = {
    init = function()
      local counts = { calls = 0, failed = agg.rate(), time = agg.sum() }
      return { runs = 0, logged = 0, tools = agg.by(counts), targets = agg.by(counts) }
    end,
    step = function(acc, entry)
      local tools = tools_of(entry)
      acc.runs = acc.runs + 1
      if #tools > 0 then acc.logged = acc.logged + 1 end
      for _, call in ipairs(tools) do
        if debrief.type(call) == "object" then
          local name, target = text(call.name) or "unnamed", text(call.target)
          count(agg.at(acc.tools, name), call)
          if target then count(agg.at(acc.targets, ("%s: %s"):format(name, target)), call) end
        end
      end
    end,
    merge = agg.merge,
    finish = function(acc, ctx)
      local function rows(by, weight)
        return agg.rows(by, function(name, tool)
          return { name, tool.calls, tool.failed, agg.value(tool.time) }
        end, weight, ctx.options.limit)
      end
      local tools, tool_count = rows(acc.tools, "calls")
      local targets, target_count = rows(acc.targets, function(row) return agg.value(row.time) or 0 end)
      return {
        title = "Tools",
        text = ("%d of %d runs say which tools they called."):format(acc.logged, acc.runs),
        tables = {
          { title = ("By tool (%d), most called first"):format(tool_count), columns = { "tool", "calls", "failed", ms },
            rows = tools },
          { title = ("By target (%d), most time first"):format(target_count),
            columns = { "target", "calls", "failed", ms }, rows = targets },
        },
      }
    end,
  },
}
