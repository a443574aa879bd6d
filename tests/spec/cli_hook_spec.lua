-- debrief hook: what coding agents do is stored as they do it, and they are never disturbed.
local cjson = require "cjson"
local program = dofile "tests/spec/support/program.lua"
local transcripts = dofile "tests/spec/support/claude_transcript.lua"

local scene

local function environment()
  return { XDG_STATE_HOME = scene.dir .. "/state", HOME = scene.dir .. "/home", DEBRIEF_DIR = "",
    CLAUDE_CONFIG_DIR = "", CODEX_HOME = "" }
end

local function run(words, stdin)
  words.env, words.stdin = environment(), stdin
  return scene:run(words)
end

local function fire(event, path, more)
  local given = { hook_event_name = event, transcript_path = path, session_id = "x", cwd = scene.dir }
  for key, value in pairs(more or {}) do given[key] = value end
  return run({ "hook", "claude-code" }, cjson.encode(given))
end

local function sample()
  local t = transcripts.new "aaaa1111-0000-4000-8000-000000000001"
  for turn = 1, 3 do
    t:user("do " .. turn)
    t:edit("e" .. turn)
    t:bash("b" .. turn, "make test", "ran", turn % 2)
    t:say("Done.", { stop = "end_turn" })
    t:done()
  end
  local lines = {}
  for i, record in ipairs(t.records) do lines[i] = cjson.encode(record) .. "\n" end
  return lines
end

local function session(dir) return scene:read(dir .. "/aaaa1111-0000-4000-8000-000000000001.jsonl") or "" end

before_each(function() scene = program.scene() end)
teardown(program.clean)

describe("hook", function()
  it("stores turns as they end, and ends with what one import makes", function()
    local lines, path = sample(), scene:path "p/aaaa1111-0000-4000-8000-000000000001.jsonl"
    for i = 3, #lines, 4 do
      scene:write("p/aaaa1111-0000-4000-8000-000000000001.jsonl", table.concat(lines, "", 1, i)
        .. lines[#lines]:sub(1, 9))
      local r = fire("Stop", path)
      assert.same({ 0, "", "" }, { r.status, r.out, r.err })
    end
    scene:write("p/aaaa1111-0000-4000-8000-000000000001.jsonl", table.concat(lines))
    assert.equal(0, fire("SessionEnd", path).status)
    run { "-d", "once", "import", "claude_code", "--final", "p" }
    assert.equal(3, select(2, session("once"):gsub("\n", "")))
    assert.equal(session "once", session "state/debrief/log")
    assert.falsy(scene:read "state/debrief/hook.log")
  end)

  it("lets hooks that come at once queue, and survives one that is killed", function()
    local lines, path = sample(), "p/aaaa1111-0000-4000-8000-000000000001.jsonl"
    for _, upto in ipairs { 9, 14, 20, #lines } do
      scene:write(path, table.concat(lines, "", 1, upto))
      scene:write("event", cjson.encode { hook_event_name = upto == #lines and "SessionEnd" or "Stop",
        transcript_path = scene:path(path) })
      scene:sh [[export XDG_STATE_HOME=$PWD/state
        $DEBRIEF -d log hook <event & sleep 0.0$(($$ % 5)); kill -9 $!
        for i in 1 2 3; do $DEBRIEF -d log hook <event & done; wait]]
    end
    run { "-d", "once", "import", "claude_code", "--final", "p" }
    assert.equal(session "once", session "log")
  end)

  it("never disturbs the agent, and notes what went wrong", function()
    for _, input in ipairs { "", "{", "[]", "null", '{"hook_event_name":"Stop"}',
      '{"hook_event_name":"Stop","transcript_path":"/none"}', '{"hook_event_name":7,"transcript_path":{}}' } do
      local r = run({ "hook", "claude-code" }, input)
      assert.same({ 0, "", "" }, { r.status, r.out, r.err }, input)
    end
    assert.truthy(scene:read("state/debrief/hook.log"):find "Z standard input is no hook's JSON\n")
    scene:write("other.jsonl", '{"a":1}\n')
    assert.same({ 0, "" }, { fire("Stop", scene:path "other.jsonl").status, "" })
    assert.truthy(scene:read("state/debrief/hook.log"):find "does not recognise")
    scene:write("state/debrief/hook.log", ("x"):rep((1 << 20) + 1))
    fire("Stop", scene:path "other.jsonl")
    assert.truthy(#scene:read "state/debrief/hook.log" < 1000 and scene:read("state/debrief/hook.log.old"):find "x")
    assert.equal("", scene:sh("ls -d sessions 2>/dev/null").out)
  end)

  it("gives the next run what is known of its project", function()
    scene:write("p/aaaa1111-0000-4000-8000-000000000001.jsonl", table.concat(sample()))
    run { "-d", "log", "append", "s1", "skill=fix", "project_root=" .. scene.dir, "final_status=fail" }
    local event = cjson.encode { hook_event_name = "UserPromptSubmit", cwd = scene.dir }
    local r = run({ "-d", "log", "hook", "--context", "history", "--budget", "500" }, event)
    local answer = cjson.decode(r.out).hookSpecificOutput
    assert.equal("UserPromptSubmit", answer.hookEventName)
    assert.truthy(answer.additionalContext:find "fix" and #answer.additionalContext <= 500, r.out)
    assert.equal("", run({ "-d", "log", "hook" }, event).out)
    assert.equal("", run({ "-d", "none", "hook", "--context", "history" }, event).out)
  end)

  it("gives it what is known of the skill that is asked for, each report within its share", function()
    for i = 1, 40 do
      run { "-d", "log", "append", "s" .. i % 2, "skill=" .. (i % 2 == 0 and "fix" or "review"), "final_status=fail",
        "project_root=" .. scene.dir, "input=öäü number " .. i }
    end
    run { "-d", "log", "append", "s1", "skill=deploy", "project_root=/elsewhere", "final_status=ok" }
    local function context(given, ...)
      given.hook_event_name = "UserPromptSubmit"
      local r = run({ "-d", "log", "hook", ... }, cjson.encode(given))
      assert.equal("", r.err)
      return r.out == "" and "" or cjson.decode(r.out).hookSpecificOutput.additionalContext
    end
    local text = context({ cwd = scene.dir, prompt = "/fix it" }, "--context", "history,failures")
    assert.truthy(text:find " fix: fail" and text:find "# Failures" and not text:find " review: ", text)
    assert.truthy(context({ cwd = scene.dir, prompt = "/fix" }, "--context", "history"):find "number 40")
    for _, budget in ipairs { 600, 900, 1500 } do
      text = context({ cwd = scene.dir, prompt = "do" }, "--context", "history,failures", "--budget", tostring(budget))
      assert.truthy(#text <= budget and text:find "# History" and text:find "number 40", text)
    end
    assert.truthy(context({ cwd = scene.dir, prompt = "/unknown" }, "--context", "history"):find " review: ")
    assert.equal("", context({ cwd = "/none" }, "--context", "history,failures"))
    context({ cwd = scene.dir }, "--context", "nosuch")
    assert.truthy(scene:read("state/debrief/hook.log"):find "nosuch")
  end)
end)

describe("hook --install", function()
  local SETTINGS = '{\n  "model": "opus",\n'
    .. '  "hooks": {\n    "Stop": [{"hooks":[{"type":"command","command":"x"}]}]\n  },\n'
    .. '  "n": 1.50\n}\n'

  it("shows the change, makes it with --yes, keeps what is there, and takes exactly that out", function()
    scene:write("home/.claude/settings.json", SETTINGS)
    local r = run { "hook", "--install", "claude-code" }
    assert.equal(SETTINGS, scene:read "home/.claude/settings.json")
    assert.truthy(r.out:find('+++ ', 1, true) and r.err:find("nothing was changed: --yes", 1, true), r.out .. r.err)
    r = run { "-d", "my log", "hook", "--install", "claude-code", "--yes" }
    assert.equal(0, r.status, r.err)
    local made = cjson.decode(scene:read "home/.claude/settings.json")
    assert.same({ "opus", 1.5, 2, 1, 1 }, { made.model, made.n, #made.hooks.Stop, #made.hooks.SubagentStop,
      #made.hooks.SessionEnd })
    local here = scene:sh("pwd -P").out:gsub("\n", "")
    assert.equal(("%s -d '%s/my log' hook claude-code"):format(program.path, here), made.hooks.Stop[2].hooks[1].command)
    assert.equal(SETTINGS, scene:read "home/.claude/settings.json.before-debrief")
    assert.truthy(run({ "-d", "my log", "hook", "--install", "claude-code", "--yes" }).err:find "has the hooks already")
    assert.equal(0, run({ "hook", "--uninstall", "claude-code", "--yes" }).status)
    assert.equal(SETTINGS, scene:read "home/.claude/settings.json")
  end)

  it("makes a missing file, of the project or of another agent", function()
    assert.equal(0, run({ "hook", "--install", "codex", "--project", "--yes", "--context", "history" }).status)
    local made = cjson.decode(scene:read ".codex/hooks.json").hooks
    assert.truthy(made.Stop and made.SessionStart and made.UserPromptSubmit and not made.SessionEnd)
    assert.truthy(made.Stop[1].hooks[1].command:find(" hook codex --context history", 1, true))
    run { "hook", "--uninstall", "codex", "--project", "--yes" }
    assert.same({}, cjson.decode(scene:read ".codex/hooks.json"))
  end)

  it("writes as the file is written, and takes every byte of that out again", function()
    for _, text in ipairs {
      '{"model":"opus"}', '{"a":"x{[\\"]}","hooks":{"Stop":[{"hooks":[]}]},"b":[1,{}]}\n',
      '{\n\t"a": {},\n\t"b": []\n}\n',
      '{\n    "hooks": {\n        "Stop": [\n            {\n                "hooks": []\n            },\n            7'
        .. '\n        ]\n    }\n}', '\n{ "a" : 1 ,\n "hooks" : { "PreToolUse" : [ ] } }\n', '{\r\n  "a": 1\r\n}\r\n',
      '{\n  "hooks": {"Stop": [1], "Notification": [2]}\n}\n',
    } do
      scene:write("home/.claude/settings.json", text)
      local r = run { "hook", "--install", "claude-code", "--context", "history", "--budget", "7", "--yes" }
      assert.equal(0, r.status, r.err)
      local made = scene:read "home/.claude/settings.json"
      local ours = cjson.decode(made).hooks
      for _, event in ipairs { "Stop", "SubagentStop", "SessionEnd", "SessionStart", "UserPromptSubmit" } do
        assert.truthy(ours[event][#ours[event]].hooks[1].command:find " %-%-context history %-%-budget 7$", made)
      end
      local lines = text:find '\n%s+"' and not text:find '"hooks" ?: {[^\n]'
      assert.equal(lines or false, made:find '\n%s+"command": ' ~= nil, made)
      assert.equal(0, run({ "hook", "--install", "claude-code", "--yes" }).status)
      assert.equal(0, run({ "hook", "--uninstall", "claude-code", "--yes" }).status)
      assert.equal(text, scene:read "home/.claude/settings.json")
    end
  end)

  it("leaves every byte of any file as it was", function()
    local settings, core = require "debrief.cli.hook_settings", require "debrief.core"
    local seed = os.time()
    math.randomseed(seed)
    local random = math.random
    local function space() return ({ "", "", " ", "\n", "\n  ", "\n\t\t", "\r\n " })[random(7)] end
    local value
    local function list(open, close, item)
      local parts = {}
      for i = 1, random(0, 3) do parts[i] = space() .. item(i) .. space() end
      return open .. table.concat(parts, ",") .. (parts[1] and "" or space()) .. close
    end
    local function member(name) return ('"%s"%s:%s%s'):format(name, space(), space(), value(1)) end
    function value(depth)
      local kind = random(depth > 0 and 6 or 4)
      if kind < 5 then return ({ '"a\\"]},{ \\\\"', "-1.50e3", "null", '"hooks"' })[kind] end
      if kind == 5 then return list("[", "]", function() return value(depth - 1) end) end
      return list("{", "}", function(i) return member("k" .. i) end)
    end
    local function hooks()
      local parts = {}
      for _, event in ipairs { "Stop", "PreToolUse", "SessionStart" } do
        if random(2) == 1 then
          parts[#parts + 1] = ('%s"%s"%s:[%s%s]%s'):format(space(), event, space(), space(), value(2), space())
        end
      end
      return parts[1] and { ('"hooks"%s:%s{%s}'):format(space(), space(), table.concat(parts, ",")) } or {}
    end
    for _ = 1, 300 do
      local members = random(2) == 1 and hooks() or {}
      for i = 1, random(0, 2) do table.insert(members, random(#members + 1), member("m" .. i)) end
      for i, text in ipairs(members) do members[i] = space() .. text .. space() end
      local text = members[1] and space() .. "{" .. table.concat(members, ",") .. "}" .. space() or "{}"
      local made = assert(settings.changed(text, "f", "claude-code", "/x/debrief hook claude-code", random(2) == 1))
      local again = assert(settings.changed(made, "f", "claude-code", "/x/debrief hook claude-code", random(2) == 1))
      for _, one in ipairs { made, again } do
        local stop = assert(core.decode(one)).hooks.Stop
        assert.equal("/x/debrief hook claude-code", stop[#stop].hooks[1].command, seed)
        assert.equal(text, (settings.changed(one, "f", "claude-code")), seed)
      end
    end
  end)

  it("refuses files that it does not understand", function()
    for text, message in pairs {
      ["{ // comment\n}"] = "is not understood", ['{"hooks":[]}'] = "hooks is not an object",
      ['{"hooks":{"Stop":{}}}'] = "hooks.Stop is not a list",
    } do
      scene:write("home/.claude/settings.json", text)
      local r = run { "hook", "--install", "claude-code", "--yes" }
      assert.equal(1, r.status)
      assert.truthy(r.err:find(message, 1, true) and r.err:find("nothing was changed", 1, true), r.err)
      assert.equal(text, scene:read "home/.claude/settings.json")
    end
  end)
end)

describe("skill", function()
  it("prints a SKILL.md whose commands work", function()
    local text = run({ "skill" }).out
    assert.truthy(text:find "^%-%-%-\nname: debrief\ndescription: ")
    scene:write("p/aaaa1111-0000-4000-8000-000000000001.jsonl", table.concat(sample()))
    run { "import", "claude_code", "--final", "p" }
    local commands = 0
    for block in text:gmatch "```sh\n(.-)```" do
      for line in block:gmatch "[^\n]+" do
        local r = scene:sh("export XDG_STATE_HOME=$PWD/state SESSION=s1; " .. line:gsub("^debrief", "$DEBRIEF"))
        assert.same({ 0, "" }, { r.status, r.err }, line)
        commands = commands + 1
      end
    end
    assert.equal(12, commands)
    local known = scene:run({ "help" }).out
    for name in text:gmatch "`debrief (%a+)" do assert.truthy(known:find("\n   " .. name .. " ", 1, true), name) end
  end)
end)
