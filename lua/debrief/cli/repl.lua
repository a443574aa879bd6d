local core = require "debrief.core"
local script = require "debrief.cli.script"
local messages = require "debrief.cli.messages"
local values = require "debrief.text.values"

local command = {
  epilog = "If standard input is not a terminal, it is run as a script. -e and -l are processed in the order given. "
    .. "With -e or SCRIPT there is no prompt, unless -i is given. .help explains the prompt; Ctrl-D or .quit leaves." }

-- Add to what is done before the prompt, in the order given.
local function note(kind)
  return function(args, _, word)
    args.first = args.first or {}
    args.first[#args.first + 1] = { kind = kind, word = word }
  end
end

function command.options(parser)
  parser:option "-e":argname "CODE":count "*":action(note "code"):description "Run this Lua first."
  parser:option "-l":argname "MODULE":count "*":action(note "module")
    :description "Require this module first, as a global of the same name, or of NAME with NAME=MODULE."
  parser:flag "-i":target "interactive":description "Open a prompt after -e and SCRIPT."
  script.options(parser)
  parser:argument "SCRIPT":target "script":args "?":argname "SCRIPT"
    :description "Run this Lua script (-: standard input)."
  parser:argument "ARG":target "rest":args "*":argname "ARG":description "Arguments of the script."
end

--- Where the script is among the words of the program: see debrief.cli.script.
function command.place(words) return script.place(words, "repl", { ["-e"] = true, ["-l"] = true }) end

local function call(f, ...)
  local ok, result, status = script.call(f, ...)
  if not ok then messages.fail(result, status) end
  return result
end

local function compiled(chunk, message)
  if not chunk then messages.fail(message) end
  return chunk
end

-- -e and -l, in the environment that the prompt will have.
local function run_first(list, env)
  for _, one in ipairs(list or {}) do
    if one.kind == "code" then
      call(compiled(load(one.word, "=(command line)", "t", env)))
    else
      local name, module = one.word:match "^([^=]+)=(.+)$"
      env[name or one.word:match "^[^-]*"] = call(require, module or one.word)
    end
  end
end

-- A prompt on the host's console, or on plain streams.
local function run_prompt(repl, prompt, console, log)
  if select(2, repl.console()) then
    local ids = log.handle:sessions()
    prompt:say(("debrief %s, log %s%s. Type Lua, or .help."):format(core.version, log.dir,
      ids and (" (%s)"):format(values.count(#ids, "session")) or ""))
  end
  local ok, message = pcall(repl.run, prompt, console)
  if not ok then messages.fail(tostring(message)) end
end

local function new_prompt(args, repl, console, log)
  local prompt = repl.new { log = log, library = require "debrief", write = console.write, width = console.width,
    color = console.color }
  prompt.env.arg = script.arg(args.typed, args.place or 0)
  return prompt
end

-- In scripts, print writes to standard output; at the prompt, to the console.
local function run_script(path, prompt, ...)
  local shown = prompt.env.print
  prompt.env.print = nil
  call(compiled(loadfile(path ~= "-" and path or nil, "t", prompt.env)), ...)
  prompt.env.print = shown
end

function command.run(args)
  local repl = require "debrief.repl"
  local log, message = require "debrief".open(args.dir)
  if not log then messages.fail(message) end
  local console, attended = repl.console()
  require "debrief.run.script".keep_numbers()
  local prompt = new_prompt(args, repl, console, log)
  local shown = prompt.env.print
  prompt.env.print = nil
  run_first(args.first, prompt.env)
  prompt.env.print = shown
  local has_code = false
  for _, one in ipairs(args.first or {}) do has_code = has_code or one.kind == "code" end
  if args.script then run_script(args.script, prompt, table.unpack(prompt.env.arg)) end
  if args.interactive or attended and not (args.script or has_code) then
    run_prompt(repl, prompt, console, log)
  elseif not (args.script or has_code) then
    run_script("-", prompt)
  end
  log:close()
  return 0
end

return command
