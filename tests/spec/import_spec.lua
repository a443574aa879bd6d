-- The import plugins, through the program: over tests/data always, over the corpora where they are ($CORPORA). What is
-- stored is counted again here, by other means: lua-cjson over the lines of the files.
local cjson = require "cjson"

local PROGRAM = os.getenv "DEBRIEF" or (os.getenv "BUILD" or "build") .. "/debrief"
local CORPORA = os.getenv "CORPORA" or "../shared/corpora"
local DAMAGED, WEB, MIDDLE = "6f0c2a94-3b1d-4e57-9a86-d2c41f7705be", "b71d9c05-8e2f-4d36-a0c4-5592e83fd1ac",
  "e05a7f38-41c6-4b92-8d17-0c6be2f94a63"

local function quote(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

local function sh(command) -- output, exit status
  local pipe = assert(io.popen(command .. "; printf '\\n%d' $?"))
  local output, status = pipe:read("a"):match "^(.*)\n(%d+)$"
  pipe:close()
  return output, math.tointeger(tonumber(status))
end

local function works() return select(2, sh(quote(PROGRAM) .. " --version >/dev/null 2>&1")) == 0 end

local function files(pattern) -- names by a shell pattern or a find command
  local names = {}
  for name in sh(pattern:find "^find " and pattern .. " | sort" or "ls -d " .. pattern .. " 2>/dev/null")
    :gmatch "[^\n]+" do names[#names + 1] = name end
  return names
end

local dirs = {}
local function new_dir()
  local dir = sh("mktemp -d"):match "%S+"
  dirs[#dirs + 1] = dir
  return dir
end

local function import(dir, names, arguments)
  local list = {}
  for i, name in ipairs(names) do list[i] = quote(name) end
  local command = ("%s import %s %s -d %s 2>&1"):format(quote(PROGRAM), arguments or "", table.concat(list, " "), dir)
  return sh(command)
end

local function entries(dir)
  local list = {}
  for line in sh(("%s read -d %s 2>/dev/null"):format(quote(PROGRAM), dir)):gmatch "[^\n]+" do
    list[#list + 1] = cjson.decode(line)
  end
  return list
end

local function imported(names, arguments)
  local dir = new_dir()
  local output, status = import(dir, names, arguments)
  return entries(dir), status, output, dir
end

local function find(list, field, value)
  local found = {}
  for _, e in ipairs(list) do if e[field] == value then found[#found + 1] = e end end
  return found
end

local function verdicts(entry) -- "-" where nothing is claimed
  local out = {}
  for i, attempt in ipairs(entry.attempts) do
    out[i] = attempt.verified == nil and "-" or tostring(attempt.verified)
  end
  return table.concat(out, " ")
end

-- The objects of a file: one a line, but two that are glued are two, and what follows a cut one counts.
local function objects(name)
  local list = {}
  for line in io.lines(name) do
    for part in (line:gsub('}{"', '}\n{"') .. "\n"):gmatch "([^\n]+)\n" do
      local ok, object = pcall(cjson.decode, part)
      if not ok then ok, object = pcall(cjson.decode, part:match '^.+({"parentUuid".*)$' or "") end
      if ok and type(object) == "table" then list[#list + 1] = object end
    end
  end
  return list
end

local FIELDS = { input_tokens = "input_tokens", output_tokens = "output_tokens",
  cache_read_tokens = "cache_read_input_tokens", cache_write_tokens = "cache_creation_input_tokens" }

local function recounted(list) -- of each message the report with the most output tokens
  local largest, sum = {}, {}
  for _, object in ipairs(list) do
    local message = object.type == "assistant" and object.message
    if message and message.model ~= "<synthetic>" then
      local known = largest[message.id]
      if not known or message.usage.output_tokens > known.output_tokens then largest[message.id] = message.usage end
    end
  end
  for ours, theirs in pairs(FIELDS) do
    sum[ours] = 0
    for _, usage in pairs(largest) do sum[ours] = sum[ours] + (usage[theirs] or 0) end
  end
  return sum
end

local function summed(list)
  local sum = {}
  for ours in pairs(FIELDS) do
    sum[ours] = 0
    for _, e in ipairs(list) do sum[ours] = sum[ours] + (e.usage and e.usage[ours] or 0) end
  end
  return sum
end

local function each_block(list, each)
  for _, object in ipairs(list) do
    local content = type(object.message) == "table" and object.message.content
    for _, block in ipairs(type(content) == "table" and content or {}) do each(block) end
  end
end

local function skill_calls(list) -- bare name -> number of Skill tool calls that were not refused
  local count, refused = {}, {}
  each_block(list, function(block)
    if block.type == "tool_result" and block.is_error == true then refused[block.tool_use_id] = true end
  end)
  each_block(list, function(block)
    if block.type == "tool_use" and block.name == "Skill" and not refused[block.id] then
      local name = block.input.skill:match "[^:]+$"
      count[name] = (count[name] or 0) + 1
    end
  end)
  return count
end

local function skill_entries(list) -- the same from the entries: a Skill call is kept as the input
  local count = {}
  for _, e in ipairs(list) do
    if type(e.input) == "table" and e.input.skill then count[e.skill] = (count[e.skill] or 0) + 1 end
  end
  return count
end

local function all_objects(names)
  local list = {}
  for _, name in ipairs(names) do
    for _, object in ipairs(objects(name)) do list[#list + 1] = object end
  end
  return list
end

local function checked(name, run, folder)
  it(name, function()
    if not works() then return pending(PROGRAM .. " does not run") end
    if folder and not files(CORPORA .. "/" .. folder)[1] then return pending("no " .. CORPORA .. "/" .. folder) end
    run(folder and CORPORA .. "/" .. folder)
  end)
end

teardown(function() for _, dir in ipairs(dirs) do sh("rm -rf " .. quote(dir)) end end)

describe("claude_code", function()
  local function sample(id) return "tests/data/claude/" .. id .. ".jsonl" end

  checked("makes one entry of each skill run and of each turn without a skill", function()
    local list = imported({ sample(DAMAGED) }, "claude_code")
    local skills = {}
    for i, e in ipairs(list) do skills[i] = e.skill or "-" end
    assert.same({ "-", "debug", "-", "-", "commit", "-", "-" }, skills)
    assert.same({ debug = 1, commit = 1 }, skill_entries(list))
    for _, e in ipairs(list) do
      assert.equal(DAMAGED, e.session_id)
      assert.equal("claude_code", e.source.kind)
      assert.equal("/home/ada/src/harbor", e.project_root)
    end
  end)

  checked("takes attempts from edits and tests, and claims only what an exit status says", function()
    local debug = find(imported({ sample(DAMAGED) }, "claude_code"), "skill", "debug")[1]
    assert.equal("false false true", verdicts(debug))
    assert.truthy(debug.attempts[2].runner_output:find("test_spring_tide_offset", 1, true))
    assert.truthy(debug.attempts[3].output_summary:find("all 31 tests pass", 1, true))
    assert.equal("/home/ada/src/harbor/harbor/tides.py", debug.file_path)
    assert.equal("claude-opus-4-5", debug.model_used)
    assert.is_nil(debug.final_status)
    assert.same({ skill = "debug", args = "spring tide one hour late" }, debug.input)

    local piped = find(imported({ sample(WEB) }, "claude_code"), "skill", "implement")[1]
    assert.equal("false true -", verdicts(piped)) -- by the summaries of the runner
    assert.truthy(piped.attempts[1].runner_output:find("1 failed", 1, true))
  end)

  checked("leaves out what the transcript does not say", function()
    local dir = select(4, imported({ sample(DAMAGED) }, "claude_code"))
    for line in sh(("%s read -d %s"):format(quote(PROGRAM), dir)):gmatch "[^\n]+" do
      assert.is_nil(line:find('"verified":null', 1, true))
      assert.is_nil(line:find('"phase"', 1, true))
      assert.is_nil(line:find('"final_status":""', 1, true))
      assert.is_nil(line:find('"skill":""', 1, true))
    end
  end)

  checked("says interrupted and error where the transcript does", function()
    local list = imported({ sample(DAMAGED), sample(WEB) }, "claude_code")
    local interrupted, failed = find(list, "final_status", "interrupted"), find(list, "final_status", "error")
    assert.equal(1, #interrupted)
    assert.equal("-", verdicts(interrupted[1]))
    assert.is_nil(interrupted[1].attempts[1].runner_output) -- the tests were refused
    assert.equal(1, #failed)
    assert.is_nil(failed[1].model_used)
    assert.is_nil(failed[1].usage)
  end)

  checked("takes skills from answered commands and from attributionSkill, and no built-in commands", function()
    local list = imported({ sample(WEB) }, "claude_code")
    local skills = {}
    for i, e in ipairs(list) do skills[i] = e.skill or "-" end
    assert.same({ "triage", "implement", "review", "-", "-" }, skills)
    assert.equal("Do that.", list[2].input)
    assert.truthy(list[1].input:find("#212 map does not load", 1, true))
  end)

  checked("reads a transcript that begins in the middle, and goes on over a compaction", function()
    local list = imported({ sample(MIDDLE) }, "claude_code")
    assert.equal(2, #list)
    assert.is_nil(list[1].input)
    assert.equal("false true -", verdicts(list[1]))
    assert.equal("false false", verdicts(list[2]))
  end)

  checked("withholds a turn that is still open, unless the file is said to be final", function()
    local list, _, _, dir = imported({ sample(DAMAGED) }, "claude_code")
    import(dir, { sample(DAMAGED) }, "--final claude_code")
    local final = entries(dir)
    assert.equal(#list + 1, #final)
    assert.equal("Not a new command, an option of `harbor table`: --calendar.", final[#final].input)
    assert.equal("false", verdicts(final[#final]))
  end)

  checked("reports the damaged line with its place, and loses nothing of the record after it", function()
    local list, status, output = imported({ sample(DAMAGED) }, "--final claude_code")
    assert.equal(3, status)
    assert.truthy(output:find(DAMAGED .. ".jsonl:50:", 1, true), output)
    assert.equal("Committed as 4be10c7.", find(list, "skill", "commit")[1].attempts[1].output_summary)
  end)

  checked("imports the subagents beside a transcript once, into its session, whichever way they are named", function()
    local agent = "tests/data/claude/" .. DAMAGED .. "/subagents/agent-a4c19e2.jsonl"
    local list = imported({ agent, sample(DAMAGED), agent }, "--final claude_code")
    local found = {}
    for _, e in ipairs(list) do if e.source.agent_id then found[#found + 1] = e end end
    assert.equal(1, #found)
    assert.equal(DAMAGED, found[1].session_id)
    assert.equal("claude-haiku-4-5", found[1].model_used)
    assert.same(recounted(all_objects { sample(DAMAGED), agent }), summed(list))
  end)

  checked("adds nothing when the same files are imported again", function()
    local names = files "tests/data/claude/*.jsonl"
    local list, _, _, dir = imported(names)
    import(dir, names)
    assert.same(list, entries(dir))
  end)

  checked("stores the same entries however a transcript grew before", function()
    local whole = entries(select(4, imported({ sample(WEB) }, "claude_code")))
    local dir, lines = new_dir(), {}
    for line in io.lines(sample(WEB)) do
      lines[#lines + 1] = line
      local file = assert(io.open(dir .. "/" .. WEB .. ".jsonl", "w"))
      assert(file:write(table.concat(lines, "\n"), "\n"))
      assert(file:close())
      if #lines % 4 == 0 or #lines > 45 then import(dir .. "/log", { dir .. "/" .. WEB .. ".jsonl" }, "claude_code") end
    end
    assert.same(whole, entries(dir .. "/log"))
  end)

  checked("counts the tokens of claude-entire-a as it is counted here and by another program", function(folder)
    local compared, agreed = 0, 0
    for _, name in ipairs(files(folder .. "/*/*/*/full.jsonl")) do
      local list = imported({ name }, "--final claude_code")
      local lines = objects(name)
      assert.same(recounted(lines), summed(list), name)
      assert.same(skill_calls(lines), skill_entries(list), name)
      local file = assert(io.open((name:gsub("full.jsonl$", "metadata.json"))))
      local metadata = cjson.decode(file:read "a")
      file:close()
      local theirs = metadata.token_usage
      if theirs then
        local start, tail = metadata.checkpoint_transcript_start or 0, new_dir() .. "/full.jsonl"
        sh(("tail -n +%d %s > %s"):format(start + 1, quote(name), tail))
        local sum = summed((imported({ tail }, "--final claude_code")))
        compared = compared + 1
        if sum.input_tokens == theirs.input_tokens and sum.output_tokens == theirs.output_tokens
          and sum.cache_read_tokens == theirs.cache_read_tokens
          and sum.cache_write_tokens == theirs.cache_creation_tokens then agreed = agreed + 1 end
      end
    end
    assert.same({ 11, 11 }, { compared, agreed })
  end, "claude-entire-a")

  checked("stores the growing session fdd24234 once, snapshot by snapshot", function(folder)
    local dir, last = new_dir(), nil
    for _, snapshot in ipairs { "ce/258fedd6ee", "04/4ed289c318", "d3/8f8f80fa82", "57/f1f346970c", "dd/4dd63ec25c" } do
      last = folder .. "/" .. snapshot .. "/1/full.jsonl"
      import(dir, { last }, "claude_code")
    end
    assert.same((imported({ last }, "claude_code")), entries(dir))
    import(dir, { last }, "--final claude_code")
    assert.same(recounted(objects(last)), summed(entries(dir)))
  end, "claude-entire-a")

  checked("claims no file of another agent", function(folder)
    for _, name in ipairs { "51/3fab7adf0b", "c9/45f262e88d" } do -- Gemini documents, though named .jsonl
      local list, status, output = imported { folder .. "/" .. name .. "/0/full.jsonl" }
      assert.same({ "gemini", 0 }, { list[1].source.kind, status }, output)
    end
  end, "claude-entire-a")

  checked("accounts for every token and skill of claude-spotter, subagents too", function(folder)
    local names = files("find " .. quote(folder) .. " -name '*.jsonl'")
    local list, all = imported(names, "--final claude_code"), all_objects(names)
    assert.same(recounted(all), summed(list))
    assert.same({ ["hex-docs-search"] = 1 }, skill_calls(all)) -- handgemacht:commit failed before it began
    assert.same(skill_calls(all), skill_entries(list))
    assert.equal(1, #find(list, "skill", "create-beads"))
  end, "claude-spotter")
end)

describe("skill_eval", function()
  local function check(names)
    local list = imported(names, "skill_eval")
    local runs, expected, actual = all_objects(names), {}, {}
    assert.equal(#runs, #list)
    for _, run in ipairs(runs) do
      local verified = run.assertions[1] and true or "-"
      for _, assertion in ipairs(run.assertions) do verified = verified and assertion.passed end
      local key = tostring(verified) .. " after " .. math.tointeger(run.attempts)
      expected[key] = (expected[key] or 0) + 1
    end
    for _, e in ipairs(list) do
      local verified = e.attempts[#e.attempts].verified
      local key = (verified == nil and "-" or tostring(verified)) .. " after " .. #e.attempts
      actual[key] = (actual[key] or 0) + 1
      local day, clock = e.source.run:match "^(%d+)T(%d+)Z"
      assert.equal(day and clock and day .. clock, e.timestamp and e.timestamp:gsub("[-:TZ]", ""))
      assert.equal(e.phase == "baseline" or nil, e.source.control)
    end
    assert.same(expected, actual)
    return list
  end

  checked("makes one entry of each run, verified by its assertions", function()
    local list = check(files "find tests/data/skill_eval -name runs.jsonl")
    assert.equal(12, #list)
    assert.equal("20261030T141522Z-7c0e41da", list[1].session_id)
    assert.equal(6, #find(list, "skill", "commit-message"))
    assert.equal("2026-10-30T14:15:22Z", list[1].timestamp)
    assert.equal(1, #find(list, "final_status", "error"))
    assert.is_nil(list[1].final_status) -- "success" says that the model answered, not that it was right
    assert.truthy(find(list, "phase", "baseline")[1].attempts[1].runner_output:find("FAILED verdict", 1, true))
  end)

  checked("adds nothing when the same runs are imported again", function()
    local names = files "find tests/data/skill_eval -name runs.jsonl"
    local list, _, _, dir = imported(names)
    import(dir, names)
    assert.equal(12, #list)
    assert.equal(12, #entries(dir))
  end)

  checked("reads all of skill-eval-runs", function(folder)
    assert.equal(1836, #check(files("find " .. quote(folder) .. " -name runs.jsonl")))
  end, "skill-eval-runs")
end)

describe("tests/data/sessions", function()
  checked("is a log that reads without a diagnostic", function()
    local output, status = sh(quote(PROGRAM) .. " read -d tests/data/sessions --strict")
    assert.equal(0, status)
    assert.equal(58, select(2, output:gsub("[^\n]+", "")))
  end)
end)
