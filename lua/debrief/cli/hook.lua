local arguments = require "debrief.cli.arguments"
local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local shell_word = require "debrief.text.shell_word"
local state = require "debrief.record.state"

local hook = {
  epilog = [[
Reads the JSON that coding agents give their hooks on standard input, and
stores what is new in the transcript: at Stop and SubagentStop the turns that
are over, at SessionEnd all. It never disturbs the agent: the exit status is 0,
and problems go into hook.log in ${XDG_STATE_HOME:-~/.local/state}/debrief.
Without -d and DEBRIEF_DIR the log is the folder `log` there, not ./sessions.
  debrief hook --install claude-code          shows what would change
  debrief hook --install claude-code --yes    changes it, with a copy beside]],
}

local AGENTS = { "claude-code", "codex" }
local KINDS = { ["claude-code"] = "claude_code", codex = "codex" }
local MOST_LOG = 1 << 20 -- bytes of hook.log after which a new one begins
local CONTEXT_EVENTS = { SessionStart = true, UserPromptSubmit = true }

function hook.options(command)
  command:argument "AGENT":target "agent":args "?":choices(AGENTS):argname "AGENT"
    :description "Whose hook it is: claude-code or codex (default: as the transcript looks)."
  command:option "--context":argname "PLUGINS"
    :description "Also answer SessionStart and UserPromptSubmit with these reports (history,lessons) of the project."
  command:option "--budget":argname "N":convert(arguments.count_from_one "--budget")
    :description "Bytes of the context at most, shared by its reports (default: 4000)."
  command:option "--install":argname "AGENT":choices(AGENTS):description "Show the change to the agent's settings."
  command:option "--uninstall":argname "AGENT":choices(AGENTS):description "Show how to take it out again."
  command:flag "--project":description "Of this project (default: of the user)."
  command:flag "--user":description "Of the user."
  command:flag "--yes":description "Make the change."
end

-- ---- Settings -------------------------------------------------------------------------------------------------------

local function is_given(args)
  local dir = os.getenv "DEBRIEF_DIR"
  return args.dir_after or args.dir_before or dir ~= nil and dir ~= ""
end

-- What the agent runs: whole paths, for it runs in any folder.
local function command_of(args, agent)
  local words = { core.absolute "/proc/self/exe" }
  if is_given(args) then table.move({ "-d", core.absolute(args.dir) }, 1, 2, 2, words) end
  table.move({ "hook", agent }, 1, 2, #words + 1, words)
  if args.context then table.move({ "--context", args.context }, 1, 2, #words + 1, words) end
  if args.budget then table.move({ "--budget", tostring(args.budget) }, 1, 2, #words + 1, words) end
  for i, word in ipairs(words) do words[i] = shell_word(word) end
  return table.concat(words, " ")
end

-- Show the change of a settings file, or make it.
local function change(args)
  local settings, agent = require "debrief.cli.hook_settings", args.install or args.uninstall
  local path, message = settings.path(agent, args.project and "project" or "user")
  if not path then messages.fail(message) end
  local before, after = core.slurp(path) or ""
  after, message = settings.changed(before, path, agent, args.install and command_of(args, agent), args.context)
  if not after then messages.fail(message) end
  if after == before or args.uninstall and before == "" then
    messages.note(path .. (args.install and " has the hooks already" or " has no hook of ours"))
    return 0
  end
  io.write(settings.diff(before, after, path))
  if not args.yes then
    messages.note "nothing was changed: --yes makes the change"
    return 0
  end
  local saved
  if before ~= "" then
    saved, message = core.save(path .. ".before-debrief", before)
    if not saved then messages.fail(message) end
  else
    core.make_folders(path)
  end
  saved, message = core.save(path, after)
  if not saved then messages.fail(message) end
  messages.note("changed " .. path .. (before ~= "" and "; it was copied to " .. path .. ".before-debrief" or ""))
  return 0
end

-- ---- Events ---------------------------------------------------------------------------------------------------------

local function log_of(args)
  if is_given(args) then return args.dir end
  local home = state.home()
  return home and home .. "/log"
end

-- Counts nothing: what goes wrong is noted.
local function listener(problems)
  local function note(text) problems[#problems + 1] = text end
  return {
    emitted = {}, old = 0,
    broken = function(_, path, message) note(path .. ": " .. message) end,
    add_problems = function(_, list) for _, p in ipairs(list or {}) do note(p.plugin .. ": " .. p.message) end end,
    add = function(_, answer) if answer.failure then note(answer.failure) end end,
    add_record = function() end, add_tree = function() end,
    leave_out = function(_, _, message) if message then note(message) end end,
  }
end

local function import(args, event, dir, problems)
  local path = event.transcript_path
  if type(path) ~= "string" or not core.stat(path) then return end
  local agent = args.agent or path:find("/.codex/", 1, true) and "codex" or "claude-code"
  local query = require "debrief.query"
  local job, message = require "debrief.run.job".new { import = { KINDS[agent] }, query = query.new {} }
  if not job then return problems(message) end
  local worker, abouts = arguments.worker(job)
  local found = {}
  local final = event.hook_event_name == "SessionEnd"
  message = require "debrief.run.imports".run({ path }, { job = job, abouts = abouts, kind = true, dir = dir,
    final = final, keeps = true, worker = worker, workers = 1, total = listener(found), begin = function() end,
    progress = function() end })
  found[#found + 1] = message
  for _, text in ipairs(found) do problems(text) end
end

-- A report on the last month of a project, and of the skill where it has runs of that; nil: there is nothing to say.
local function report_of(log, name, event, most, problems)
  local skill = type(event.prompt) == "string" and event.prompt:match "^%s*/([%w_:.-]+)" or nil
  local project = os.getenv "CLAUDE_PROJECT_DIR"
  if not project or project == "" then project = type(event.cwd) == "string" and event.cwd or nil end
  local opt = name == "history" and { ("history.budget=%d"):format(math.max(200, math.min(most, 16000))) } or nil
  local report, message
  repeat
    report, message = log:retro(name, { project = project, skill = skill, since = "30d", opt = opt })
    local is_over = not skill or not report or report.kept > 0
    skill = nil
  until is_over
  if not report then return problems(message) end
  return report.kept > 0 and report:markdown() or nil
end

-- The context of a project and skill. Each report has its share of the budget, and what those before it left; one that
-- is longer is cut at a line.
local function context(args, event, dir, problems)
  local log = (core.is_address(dir) or core.stat(dir)) and require "debrief".open(dir)
  if not log then return nil end
  local names, texts, left = {}, {}, args.budget or 4000
  for name in args.context:gmatch "[^,%s]+" do names[#names + 1] = name end
  for i, name in ipairs(names) do
    local share = left // (#names - i + 1)
    local text, most = nil, share
    for _ = 1, name == "history" and 3 or 1 do -- it leaves out the oldest runs, but counts characters of less text
      text = report_of(log, name, event, most, problems) or ""
      if #text <= share then break end
      most = most - (#text - share)
    end
    if #text > share then text = text:sub(1, share):match "^(.*\n)" or "" end
    texts[i], left = text, left - #text
  end
  local whole = table.concat(texts)
  return whole:find "%S" and whole or nil
end

local function handle(args, problems)
  local dir = log_of(args)
  if not dir then return problems "neither -d, DEBRIEF_DIR, XDG_STATE_HOME nor HOME says where the log is" end
  local ok, event = pcall(core.decode, io.read "a" or "")
  if not ok or type(event) ~= "table" then return problems "standard input is no hook's JSON" end
  if CONTEXT_EVENTS[event.hook_event_name] then
    local text = args.context and context(args, event, dir, problems)
    if text then
      io.write(core.encode { hookSpecificOutput = { hookEventName = event.hook_event_name, additionalContext = text } },
        "\n")
    end
    return
  end
  local lock = not core.is_address(dir) and core.lock(dir .. "/.hook") -- hooks that come at once queue
  import(args, event, dir, problems)
  if lock then lock:close() end
end

function hook.run(args)
  if args.install or args.uninstall then return change(args) end
  local found = {}
  local fine, problem = xpcall(handle, messages.raised, args, function(text) found[#found + 1] = text end)
  if not fine then found[#found + 1] = messages.raised(problem).message end
  local home = state.home()
  if found[1] and home then
    local path = home .. "/hook.log"
    core.make_folders(path)
    if (core.size(path) or 0) > MOST_LOG then os.rename(path, path .. ".old") end
    local file = io.open(path, "a")
    for _, text in ipairs(file and found or {}) do
      file:write(core.timestamp(core.now()), " ", (tostring(text):gsub("%c", " ")), "\n")
    end
    if file then file:close() end
  end
  return 0
end

return hook
