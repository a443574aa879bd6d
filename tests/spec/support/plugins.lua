--- For specs of plugins and reports: runs a plugin over plain tables, in an environment reduced as the real one is, cut
-- into chunks as the spec likes. Requiring this file also makes lua/ and the C core found.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
package.cpath = (os.getenv "BUILD" or "build") .. "/lua/?.so;" .. package.cpath

local core = require "debrief.core"
local report = require "debrief.report"

local support = { core = core }

local function sorted_pairs(t)
  if type(t) ~= "table" then return pairs(t) end
  local keys, i = {}, 0
  for key in next, t do keys[#keys + 1] = key end
  table.sort(keys, function(a, b)
    if type(a) ~= type(b) then return type(a) == "number" end
    return a < b
  end)
  return function()
    i = i + 1
    return keys[i], t[keys[i]]
  end
end

local function copy(t)
  local out = {}
  for key, value in next, t do out[key] = value end
  return out
end

-- What `require "debrief"` gives a plugin. Plain tables stand in for entries too: their time is the field `at`. Times
-- are shown in UTC, whatever the zone of the machine.
local debrief = require("debrief.plugin.sandbox").library {}
function debrief.time(entry)
  if type(entry) == "table" then return entry.at end
  return core.time(entry)
end
function debrief.date(format, ns) return os.date("!" .. format, ns // 1000000000) end

local function environment()
  local env = {
    ipairs = ipairs, pairs = sorted_pairs, next = next, select = select, type = type, tostring = tostring,
    tonumber = tonumber, error = error, assert = assert, pcall = pcall,
    string = copy(string), table = copy(table), math = copy(math), utf8 = copy(utf8),
    require = function(name)
      if name == "debrief" then return debrief end
      error("a plugin may require only debrief and cjson, not " .. name, 2)
    end,
  }
  return setmetatable(env, {
    __index = function(_, name) error("undeclared global " .. tostring(name), 2) end,
    __newindex = function(_, name) error("undeclared global " .. tostring(name), 2) end,
  })
end

--- Load a plugin file as a plugin is loaded.
function support.load(path)
  return assert(loadfile(path, "t", environment()))()
end

local function context(plugin, options)
  local ctx = { options = {}, now = 0, log = function() end }
  for name, option in next, plugin.options or {} do ctx.options[name] = option.default end
  for name, value in next, options or {} do ctx.options[name] = value end
  ctx.now, ctx.since, ctx["until"] = ctx.options.now or 0, ctx.options.since, ctx.options["until"]
  ctx.options.now, ctx.options.since, ctx.options["until"] = nil, nil, nil
  return ctx
end

--- An accumulator as it comes from another worker: a copy, and an error for what is not plain data.
function support.travel(value, seen)
  if type(value) ~= "table" then
    local kind = type(value)
    assert(kind == "boolean" or kind == "number" or kind == "string", "acc holds a " .. kind)
    return value
  end
  seen = seen or {}
  assert(not getmetatable(value), "acc holds a metatable")
  assert(not seen[value], "acc holds a part twice")
  seen[value] = true
  local out = {}
  for key, item in next, value do
    assert(type(key) == "string" or math.type(key) == "integer", "acc has a key that is a " .. type(key))
    out[key] = support.travel(item, seen)
  end
  return out
end

local function step_all(plugin, ctx, entries, from, to)
  local acc = plugin.retrospective.init(ctx)
  for i = from, to do
    ctx.session, ctx.line = entries[i].session_id, entries[i].line or i
    plugin.retrospective.step(acc, entries[i], ctx)
  end
  return support.travel(acc)
end

--- Run a plugin over entries. `cuts` are the indexes after which a new chunk begins; each chunk travels, and they are
-- merged from left to right.
-- @return the checked report
function support.run(plugin, entries, options, cuts)
  local ctx = context(plugin, options)
  local acc, from = nil, 1
  for _, to in ipairs(cuts or {}) do
    local chunk = step_all(plugin, ctx, entries, from, to)
    if acc then plugin.retrospective.merge(acc, chunk, ctx) else acc = chunk end
    from = to + 1
  end
  local chunk = step_all(plugin, ctx, entries, from, #entries)
  if acc then plugin.retrospective.merge(acc, chunk, ctx) else acc = chunk end
  return assert(report.check(plugin.retrospective.finish(support.travel(acc), ctx), plugin.name))
end

--- Entries as a plugin gets them, from tables. `at` is a time as text; a line number that is not given is the index.
function support.entries(tables)
  local out = {}
  for i, t in ipairs(tables) do
    local fields = copy(t)
    fields.session_id, fields.line, fields.timestamp, fields.at = t.session_id or "s", t.line or i, t.at, nil
    out[i] = assert(core.entry(core.encode(fields)))
  end
  return out
end

local outputs = { "--- FAIL: TestAdd (0.01s)\nFAIL\n", "error: cannot open /a/b.yaml\n", "", "E   3 == 5\n1 failed\n" }
local statuses = { "pass", "ok", "fail", "error", "skipped", "", "running" }

local function made_up_attempts(random)
  local attempts = {}
  for j = 1, random(5) - 1 do
    attempts[j] = { attempt = j, model = "m" .. random(3), verified = ({ true, false, false })[random(4)],
      output_summary = random(3) == 1 and "what " .. random(9) .. " says" or nil, runner_output = outputs[random(6)],
      duration_ms = random(2) == 1 and random(90000) or nil }
  end
  if random(20) == 1 then attempts[#attempts + 1] = core.null end
  return core.array(attempts)
end

--- Made-up entries with all that plugins look at, in sessions of 20; a field may be missing.
function support.made_up(n, seed)
  local random, tables = support.random(seed), {}
  local function maybe(value) return random(8) > 1 and value or nil end
  for i = 1, n do
    local time = os.date("!%Y-%m-%dT%H:%M:%SZ", 1767225600 + random(40 * 86400))
    tables[i] = {
      session_id = "s" .. (100 + i // 20), line = i % 20 + 1, at = maybe(time), final_status = statuses[random(7)],
      skill = maybe("skill " .. random(5)), phase = maybe("phase " .. random(3)), model_used = maybe("m" .. random(3)),
      attempts = maybe(made_up_attempts(random)), duration_ms = maybe(random(900000)),
      file_path = maybe("f" .. random(3)), input = maybe { task = "t" .. random(6) },
      cost_usd = maybe(random(1000) / 7), usage = maybe { input_tokens = random(9000), output_tokens = random(900) },
    }
  end
  return support.entries(tables)
end

--- Cuts for `run`: anywhere when the plugin says split, else only between sessions.
function support.cuts(plugin, entries, random)
  local cuts = {}
  for i = 1, #entries - 1 do
    local between = entries[i].session_id ~= entries[i + 1].session_id
    if (plugin.split or between) and random(1 + #entries // (plugin.split and 6 or 60)) == 1 then
      cuts[#cuts + 1] = i
    end
  end
  return cuts
end

--- A report in a format.
function support.show(format, checked, opts)
  return report.render(format, { checked }, { entries = 3, sessions = 1 }, opts)
end

--- Deterministic pseudo-random numbers: `random(n)` gives 1 to n, the same in every run.
function support.random(seed)
  local state = seed
  return function(n)
    state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
    return (state >> 33) % n + 1
  end
end

return support
