--- The program: words in, exit status out. Everything that prints is here and below.
--
-- Exit status: 0 fine; 1 failed; 2 usage, or a plugin that does not load; 3 finished, but lines could not be read or
-- plugins failed; 130 interrupted.
-- @module debrief.cli
local core = require "debrief.core"
local messages = require "debrief.cli.messages"
local output = require "debrief.cli.output"
local progress = require "debrief.cli.progress"

-- The version of the program, and of the Lua it is linked with.
local function version() return ("debrief %s (%s)"):format(core.version, core.lua) end

local function has(words, word)
  for _, one in ipairs(words) do if one == word then return true end end
  return false
end

-- Where the script of `run` or `repl`, or the command of `record` is, and the last word of ours: the words after it are
-- not ours.
local function script_of(words)
  local place = has(words, "run") and require "debrief.cli.run".place(words)
    or has(words, "repl") and require "debrief.cli.repl".place(words) or nil
  if place or not has(words, "record") then return place, place end
  return require "debrief.cli.record".place(words)
end

local function folder_of(args)
  local dir = os.getenv "DEBRIEF_DIR"
  local given = args.dir_after or args.dir_before or core.host().dir or (dir ~= "" and dir) or "sessions"
  return (given:gsub("(.)/+$", "%1"))
end

-- Print what the words ask for instead of a command.
local function answer(text, words)
  output.setup(has(words, "--no-pager"))
  output.write(text, "\n")
  return 0
end

-- Options that say how to log in at an address, of which a start without one knows nothing.
local function has_login(words)
  for _, word in ipairs(words) do
    if word:find "^%-%-tls%-" or word:find "^%-%-creds" or word:find "^%-%-timeout" then return true end
  end
  return false
end

local function dispatch(words)
  if words[1] == "--version" then return answer(version(), words) end
  local login
  if has_login(words) then
    local rest, message
    rest, login, message = require "debrief.cli.address".take(words)
    if not rest then messages.fail(message .. " (debrief --help)", 2) end
    words = rest
  end
  local script, last = script_of(words)
  local known = { table.unpack(words, 1, last or #words) }
  local grammar = require "debrief.cli.parser".new(version)
  local args, mistake = grammar:parse(known)
  if grammar.left then return answer(grammar.left, known) end
  local module = args and grammar.modules[args.command]
  local missing = output.setup(not (module and module.paged) or has(known, "--no-pager"))
  if mistake then
    messages.error(mistake .. " (debrief --help)")
    return 2
  end
  if not module then
    io.stderr:write(grammar:help(), "\n")
    return 2
  end
  if missing then messages.note(missing) end
  args.parser, args.typed, args.place, args.dir = grammar, words, script, folder_of(args)
  args.login = login
  if core.is_address(args.dir) and not module.no_folder then require "debrief.cli.address".open(args, login)
  elseif login and next(login) and not module.logs_in then
    messages.fail("--creds, --tls-ca, --tls-cert, --tls-key and --timeout are for a log at an address "
      .. "(-d nats://HOST/NAME)", 2)
  end
  if args.plugin_time or args.plugin_memory then require "debrief.cli.arguments".limit(args) end
  return module.run(args) or 0
end

-- The exit status when nobody read all of the output; nil: it was read, or there was none.
local function is_cut()
  local write = package.loaded["debrief.text.write"]
  return write and write.cut and write.CUT
end

--- Run the program.
-- @param words the words typed, [0] being the program's name
-- @return the exit status
return function(words)
  local ok, result = xpcall(dispatch, messages.raised, words)
  progress.finish()
  local closed, problem = xpcall(output.close, messages.raised)
  if not ok then
    result = messages.raised(result)
    messages.error(result.message)
    return result.status
  end
  if closed then return result == 0 and is_cut() or result end
  problem = messages.raised(problem)
  messages.error(problem.message)
  return math.max(result, problem.status)
end
