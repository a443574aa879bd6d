local arguments = require "debrief.cli.arguments"
local output = require "debrief.cli.output"
local fields_of = require "debrief.plugin.fields"
local rights = require "debrief.plugin.rights"
local messages = require "debrief.cli.messages"
local escape = require "debrief.text.escape"

local plugins = {
  paged = true,
  epilog = "Plugins are given by path (./x.lua) or by name. Names are searched in $DEBRIEF_PLUGIN_PATH, "
    .. "~/.config/debrief/plugins and the bundled plugins, never in the current folder.",
}

function plugins.options(command)
  command:argument "PLUGIN":target "name":args "?":argname "PLUGIN"
    :description "Show this plugin: its hooks, options and needs."
  command:argument "FILE":target "files":args "*"
    :description "With --check, for an importer: the foreign logs to run it on."
  arguments.run_options(command)
  arguments.isolate_option(command)
  command:flag "--source":description "Print its source, to copy: debrief plugins skills --source >mine.lua"
  command:flag "--check"
    :description "Run it on the entries of the log, and test the law of merge; run an importer on each FILE."
end

-- One line, which may hold what a plugin's author wrote.
local function say(format, ...) output.write(escape(format:format(...)), "\n") end

local function shown(value) return value == "" and '""' or tostring(value) end

-- What a value must be, after its type.
local function bounds(option)
  local list = {}
  if option.choices then
    for i, choice in ipairs(option.choices) do list[i] = shown(choice) end
    return ", one of " .. table.concat(list, ", ")
  end
  if option.min then list[1] = (", at least %s"):format(option.min) end
  if option.max then list[#list + 1] = (", at most %s"):format(option.max) end
  return table.concat(list)
end

local function show_option(option)
  local default = option.default ~= nil and ", default " .. shown(option.default) or ""
  say("  %-16s %s%s%s", option.name, option.type, default, bounds(option))
  if option.help ~= "" then say("  %-16s %s", "", option.help) end
end

local function show(name, allow)
  local job = arguments.job_of_plugin(name, arguments.query { allow = allow }, true)
  local found = job.plugins[1]
  local _, about = arguments.worker(job)
  local it = about[found.name]
  local place = found.path == ("plugins/%s.lua"):format(name) and "bundled" or found.path
  say("%s%s", it.name, it.summary ~= "" and ": " .. it.summary or "")
  say("file: %s", place)
  say("hooks: %s", table.concat(it.hooks, ", "))
  local fields = fields_of(found.text, it.match or nil)
  if #fields > 0 then say("fields it names: %s", table.concat(fields, ", ")) end
  if it.places then say("logs are looked for in: %s", table.concat(it.places, ", ")) end
  if it.files then say("files in folders: %s", table.concat(it.files, ", ")) end
  if it.siblings then say("reads beside a file: %s", table.concat(it.siblings, ", ")) end
  for _, right in ipairs(it.needs) do say("needs: %s", rights.explain(it.name, right)) end
  if #it.options > 0 then say "options (--opt key=value):" end
  for _, option in ipairs(it.options) do show_option(option) end
  return 0
end

local function show_all(list)
  local rows = {}
  for i, it in ipairs(list) do
    local needs = #it.needs > 0 and (" (needs %s)"):format(table.concat(it.needs, ", ")) or ""
    rows[i] = { it.name, table.concat(it.hooks, ","), it.summary .. needs }
  end
  arguments.list(rows)
end

-- The source as it is, but on a terminal with nothing that it would obey.
local function show_source(name)
  local found, message = require "debrief.plugin.find".plugin(name)
  if not found then messages.fail(message, 2) end
  output.write(arguments.terminal() and escape(found.text, "\n\t") or found.text)
  return 0
end

function plugins.run(args)
  if args.source and not args.name then messages.fail("plugins --source: name a plugin", 2) end
  if args.source and args.check then messages.fail("plugins: --source and --check do not go together", 2) end
  if args.source then return show_source(args.name) end
  if args.check then
    if not args.name then messages.fail("plugins --check: name a plugin", 2) end
    return require "debrief.cli.plugins_check".run(args)
  end
  if args.files[1] then messages.fail("plugins: a FILE goes with --check", 2) end
  if args.name then return show(args.name, args.allow) end
  if #args.allow > 0 then messages.fail("plugins: --allow goes with the name of a plugin", 2) end
  local list, faults = arguments.all_plugins()
  for _, fault in ipairs(faults) do messages.error(fault) end
  show_all(list)
  return #faults > 0 and 3 or 0
end

return plugins
