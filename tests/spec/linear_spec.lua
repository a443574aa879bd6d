-- Nothing that a log can hold keeps us busy for longer than its size explains. Long runs of one character, in every
-- field, go through everything that reads texts of entries; eight times as much may take three times eight times as
-- long. A pattern that is quadratic takes 64 times as long, at these sizes seconds instead of milliseconds.
--
-- CPU time, not a clock on the wall; what takes less than FLOOR is not compared; the best of three tries counts.
-- LINEAR_SIZE=8388608 compares 1 MB with 8 MB (half an hour), for a few kinds of text; LINEAR_SIZE=1048576 takes more.
local support = dofile "tests/spec/support/plugins.lua"
local core = support.core
local card = require "debrief.entry.card"
local check = require "debrief.report.check".report
local escape = require "debrief.text.escape"
local outcome = require "debrief.entry.outcome"
local pretty = require "debrief.pretty"
local printer = require "debrief.entry.printer"
local short = require "debrief.text.short"
local checks = require "debrief.import.checks"
local shell = require "debrief.import.shell"
local summaries = require "debrief.import.summaries"
local where = require "debrief.query.where"
local width = require "debrief.text.width"

local SHORT = 1 << 13
local SIZE = tonumber(os.getenv "LINEAR_SIZE") or SHORT
local FLOOR = 0.04 * math.max(1, SIZE / SHORT) -- seconds of CPU time
local FACTOR, TIMES = 8, 3

local RUNS = { " ", "\t", "\r", "\n", "[", "(", ";", '"', "'", "\\", "/", "1", "a", "é", "\u{301}", "\xff", "|", "<",
  "> ", "\n ", "a/", "\1" }
if SIZE == SHORT then RUNS = { " ", "\r", "\n", "[", ";", "\"", "\\", "1", "a", "é" } end
if SIZE > 1 << 20 then RUNS = { " ", "\n", "\\", "a" } end

-- The JSON text of a string, with its bytes as they are.
local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(char) return ESCAPES[char] or ("\\u%04x"):format(char:byte()) end) .. '"'
end

-- As JSON it is at most twice as long as `size` and a quarter: an entry that is full of it must not pass 256 MiB.
local function hostile(run, size)
  local n = size // math.max(#run, (#quoted(run) - 2) // 2)
  return "x" .. run:rep(n) .. "x" .. run:rep(n // 4)
end

local ENTRY = [[{"session_id":"s","timestamp":"2026-11-01T10:00:00Z","skill":@,"phase":@,"project_root":@,"input":@,
  "attempts":[{"attempt":1,"model":@,"output_summary":@,"runner_output":@,"verified":false},
  {"attempt":2,"model":"m","output_summary":@,"runner_output":@,"verified":false}],"final_status":"fail",
  "file_path":@,"model_used":@,"duration_ms":5,"more":@}]]
local DECIDED = [[{"session_id":"s","final_status":@,"attempts":[{"verified":true,"runner_output":@}]}]]

local function entry(form, text)
  local json = quoted(text)
  return assert(core.entry((form:gsub("\n", ""):gsub("@", function() return json end)), true))
end

local function seconds(work, text)
  collectgarbage()
  local before = os.clock()
  work(text)
  return os.clock() - before
end

local function is_linear(work, run)
  local long, brief = hostile(run, SIZE), hostile(run, SIZE // FACTOR)
  local most, least = math.huge, math.huge
  for _ = 1, 3 do
    most = math.min(most, seconds(work, long))
    if most < FLOOR then return true end
    least = math.min(least, seconds(work, brief))
    if most < FACTOR * TIMES * least then return true end
  end
  return false, ("%q: %.3f s, and %.3f s for an eighth of it"):format(run, most, least)
end

local function test(name, work)
  it(name, function()
    for _, run in ipairs(RUNS) do assert(is_linear(work, run)) end
  end)
end

describe("linear time, whatever is in an entry:", function()
  for _, path in ipairs(core.sources "plugins/") do
    local plugin = support.load(path)
    if plugin.retrospective then
      test("retro " .. plugin.name, function(text)
        local report = support.run(plugin, { entry(ENTRY, text), entry(DECIDED, text), entry(ENTRY, text) })
        for _, format in ipairs { "text", "markdown", "json" } do support.show(format, report) end
      end)
    elseif plugin.import then
      test("import " .. plugin.name, function(text)
        local json = quoted(text)
        local lines = {}
        for i, line in ipairs {
          '{"type":"user","uuid":"1","sessionId":@,"isSidechain":false,"message":{"content":@}}',
          '{"type":"assistant","uuid":@,"message":{"id":"m1","model":@,"content":[{"type":"text","text":@},'
            .. '{"type":"tool_use","id":"t0","name":"Edit","input":{"file_path":@}},'
            .. '{"type":"tool_use","id":"t1","name":"Bash","input":{"command":@}}]}}',
          '{"type":"user","uuid":"3","message":{"content":[{"type":"tool_result","tool_use_id":"t0","content":@}]}}',
          '{"type":"user","uuid":"4","message":{"content":[{"type":"tool_result","tool_use_id":"t1","content":@}]}}',
          '{"fixture_id":"f","run_index":1,"variant":@,"prompt_ref":@,"model_id":@,"raw_response":@,"outcome":@,'
            .. '"assertions":[{"kind":@,"expected_value":@,"passed":false}],"error_category":@}',
          '{"type":"user","id":@,"content":@,"displayContent":[{"text":@}],"projectHash":@}',
          '{"task_id":@,"trial":1,"reward":1,"traj":[{"role":"assistant","content":@}],'
            .. '"info":{"task":{"instruction":@}}}',
          '{"type":"gemini","id":"5","content":@,"toolCalls":[{"id":"c","name":"run_shell_command","status":"success",'
            .. '"args":{"command":@},"result":[{"functionResponse":{"response":{"output":@}}}]}]}',
        } do
          lines[i] = assert(core.entry((line:gsub("@", function() return json end)), true))
        end
        local function each()
          local i = 0
          return function()
            i = i + 1
            if lines[i] then return lines[i], i end
          end
        end
        local source = { path = "folder/file.jsonl", siblings = function() return {} end, lines = each, values = each,
          rows = each, head = function() return "" end,
          document = function() return lines[1], {}, true end, report = function() end, resume = function() end,
          keep = function() end }
        if plugin.import.detect then plugin.import.detect(source.path, text) end
        plugin.import.open(source, function() end, { options = {} })
      end)
    elseif plugin.filter then
      test("filter " .. plugin.name, function(text)
        local options = {}
        for name, option in pairs(plugin.options or {}) do options[name] = option.default end
        plugin.filter(entry(ENTRY, text), { options = options })
        plugin.filter(entry(DECIDED, text), { options = options })
      end)
    end
  end

  test("--where outcome", function(text)
    local filter = assert(where.filter("outcome == 'ok'", function() end))
    filter(entry(DECIDED, text), { session = "s", line = 1 })
    outcome(entry(ENTRY, text))
    outcome { final_status = text }
    outcome { final_status = text:sub(2, -2) }
  end)

  for _, format in ipairs { "list", "json", "jsonl", "tsv", "table", "card" } do
    test("read --format " .. format, function(text)
      local one = printer.new { out = { write = function() return true end }, format = format, width = 80, safe = true,
        fields = (format == "tsv" or format == "table") and { "skill", "input", "attempts.1.model" } or nil }
      one.add(entry(ENTRY, text), "s", 1)
      one.add(entry(DECIDED, text), text, 1)
      one.close()
    end)
  end

  test("the prompt", function(text)
    pretty.text(entry(ENTRY, text))
    pretty.text { text, { text } }
    pretty.text(text)
  end)

  test("reports", function(text)
    local column = { key = "b", title = text, unit = text }
    local report = check({ title = text, text = text,
      tables = { { title = text, columns = { "a", column }, rows = { { text, text }, { 1, text } } } },
      findings = { { value = text, explanation = text, references = { { session = text, line = 1 } } } } }, "x")
    for _, format in ipairs { "text", "markdown", "json" } do
      for _, columns in ipairs { 20, 80, 1000 } do support.show(format, report, { width = columns }) end
    end
  end)

  test("texts", function(text)
    short(text)
    short(text:sub(2, -2), 1000000)
    width.wrap(escape(text, "\n"), 80)
    width.wrap(text, 1000000)
    width.cut(text, 80)
    for _, line in ipairs { text, "make " .. text:sub(2), "cd " .. text .. " && pytest " .. text,
      "bash -" .. ("c"):rep(#text) .. "1 ls; pytest ." .. ("/"):rep(#text) .. "x" } do
      local commands = shell.commands(line)
      shell.statuses(commands, 1)
      shell.title(shell.commands(line))
      for _, command in ipairs(commands) do
        checks.identify(command.words)
        checks.edits(command)
      end
    end
    summaries.verdict(text, nil, false)
    summaries.verdict((("1"):rep(480) .. "a\n"):rep(#text // 481), nil, false)
    summaries.verdict(("1 " .. ("1"):rep(460) .. "a in 1s\n"):rep(#text // 471), nil, false)
  end)
end)

describe("linear time, however many parts an entry has:", function()
  local function parts(n, part)
    local out = {}
    for i = 1, n do out[i] = part:gsub("#", i) end
    return table.concat(out, ",")
  end

  for name, form in pairs { members = { '{"x":{%s}}', '"k#":#.5' }, numbers = { '{"x":[%s]}', "1.5" },
    attempts = { '{"attempts":[%s]}', '{"attempt":#,"verified":false,"runner_output":"x"}' },
    checks = { '{"attempts":[{"checks":[%s]}]}', '{"kind":"test","passed":true}' } } do
    it(name, function()
      assert(is_linear(function(text)
        local one = assert(core.entry(form[1]:format(parts(#text // 16, form[2])), true))
        card.text(one, "s", 1, {})
        printer.lines { width = 80 } (one, "s", 1)
        outcome(one)
        pretty.text(one)
      end, "n"))
    end)
  end
end)
