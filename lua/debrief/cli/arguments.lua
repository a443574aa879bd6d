--- What several commands share: naming sessions, options of plugins, terminals.
-- @module debrief.cli.arguments
local core = require "debrief.core"
local suggest = require "debrief.text.suggest"
local messages = require "debrief.cli.messages"
local terminal = require "debrief.text.terminal"

local arguments = {}

--- Is this word a path, and no session id?
function arguments.is_path(name) return name:find("/", 1, true) or name:find "%.jsonl$" end

local function path_item(path)
  local stat, message = core.stat(path)
  if not stat then messages.fail(message) end
  if stat.kind == "folder" then
    messages.fail(("%s is a folder, not a file of entries (-d %s reads the log in it)"):format(path, path))
  end
  if stat.kind ~= "file" then messages.fail(("%s is a device, FIFO or socket, not a file of entries"):format(path)) end
  return { session = path:match "([^/]+)%.jsonl$" or path:match "[^/]+$", path = path, is_path = true }
end

local function no_session(dir, name, ids)
  local reader, message = core.log(dir):reader(name)
  if not reader then messages.fail(message) end -- no id, or something else than a file stands there
  local near = suggest(name, ids)
  local hint = near and (": did you mean '%s'?"):format(near) or ("; `debrief -d %s sessions` lists them"):format(dir)
  messages.fail(("no session '%s' in %s%s"):format(name, dir, hint))
end

-- The ids of the log; a folder that is not there ends the command with the nearest name beside it.
local function ids_of(dir)
  local log, message = core.log(dir)
  if not log then messages.fail(message) end
  local ids
  ids, message = log:sessions()
  log:close()
  if ids then return ids end
  local parent, name = dir:match "^(.*)/([^/]+)/*$"
  local names = {}
  for _, item in ipairs(core.list(parent or ".") or {}) do if item[2] then names[#names + 1] = item[1] end end
  local near = not core.stat(dir) and suggest(name or dir, names)
  messages.fail(message .. (near and (": did you mean '%s'?"):format((parent and parent .. "/" or "") .. near)
    or not core.stat(dir) and "; -d DIR or $DEBRIEF_DIR names another" or ""))
end

--- The sessions a command is about: those named, or all of the log.
-- @return array of { session =, path =, is_path = }
function arguments.sessions(args)
  local out, ids, there = {}, nil, {}
  local function item(id) return { session = id, path = ("%s/%s.jsonl"):format(args.dir, id), is_path = false } end
  for i, name in ipairs(args.session or {}) do
    if arguments.is_path(name) then
      out[i] = path_item(name)
    else
      if not ids then
        ids = ids_of(args.dir)
        for _, id in ipairs(ids) do there[id] = true end
      end
      if not there[name] then no_session(args.dir, name, ids) end
      out[i] = item(name)
    end
  end
  if #out > 0 then return out end
  for i, id in ipairs(ids_of(args.dir)) do out[i] = item(id) end
  return out
end

--- Declare --allow.
function arguments.allow_option(command)
  command:option "--allow":argname "PLUGIN:RIGHT":count "*"
    :description "Give a plugin a right it needs (`debrief plugins PLUGIN` lists them)."
end

--- Declare the options of commands that run plugins.
function arguments.plugin_options(command)
  command:option "--enrich":argname "PLUGIN":count "*"
    :description "Run the enrich hook of this plugin on every entry first."
  command:option "--filter":argname "PLUGIN":count "*"
    :description "Keep only entries that the filter of this plugin keeps."
  command:option "--opt":argname "KEY=VALUE":count "*"
    :description "Set an option of a plugin: plugin.key=value, or key=value with one plugin."
  arguments.allow_option(command)
end

--- Declare the options that say which entries a command is about.
function arguments.selection_options(command)
  command:option "--where":argname "EXPR"
    :description [[Only entries for which this Lua expression holds: 'skill == "review" and duration_ms > 60000'.]]
  command:option "--since":argname "TIME"
    :description "Only entries since this time: 7d, 12h, 2026-11-01, yesterday, last week, RFC 3339."
  command:option "--until":argname "TIME"
    :description "Only entries before this time; for a day or week, before its end."
end

--- Make a job, or leave with status 2.
function arguments.job(given)
  local job, message = require "debrief.retro".job(given)
  if not job then messages.fail(message, 2) end
  return job
end

--- A worker with the job's plugins, or leave with status 2.
function arguments.worker(job)
  local worker, about = require "debrief.retro".worker(job)
  if not worker then messages.fail(about, 2) end
  return worker, about
end

--- Call a worker; a failure of ours leaves the command.
function arguments.ask(worker, name, value)
  local answer, message = require "debrief.retro".ask(worker, name, value)
  if not answer then messages.fail(message) end
  return answer
end

--- What every plugin there is says of itself, by name; and the messages of those that do not load.
function arguments.all_plugins()
  return require "debrief.retro".all_plugins()
end

--- Call a function that Ctrl-C ends, and with it the command.
-- @param told what is said then
-- @return its result
function arguments.guard(told, f, ...)
  local ok, result, interrupted = core.guard(messages.raised, f, ...)
  if ok then return result end
  if interrupted then messages.fail(told, 130) end
  error(result, 0)
end

--- Columns of the terminal that stdout is, or nil; and whether to use colour on it.
function arguments.terminal()
  return (core.terminal(1)), terminal.has_color(1)
end

--- Status of a finished run: 3 when lines were damaged or plugins failed.
function arguments.status(result)
  local damaged = messages.diagnostics(result.diagnostics, result.dropped)
  local broken = messages.problems(result.problems)
  local failed = messages.failures(result.failures or {})
  for _, note in ipairs(require "debrief.query.selection".notes(result)) do messages.note(note) end
  return failed and 1 or (damaged or broken) and 3 or 0
end

--- Bytes of files, for progress: puts `bytes` into each item.
-- @param items an array of { path = }
-- @return their sum
function arguments.bytes(items)
  local sum = 0
  for _, item in ipairs(items) do
    local stat = core.stat(item.path)
    item.bytes = stat and stat.size or 0
    sum = sum + item.bytes
  end
  return sum
end

return arguments
