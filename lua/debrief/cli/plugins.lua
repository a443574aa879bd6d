local common = require "debrief.cli.common"
local plugin = require "debrief.plugin"
local rights = require "debrief.rights"
local tell = require "debrief.cli.tell"

local plugins = {
  summary = "List the plugins, show one, or check one.",
  epilog = "Plugins are found by path (./x.lua), else in $DEBRIEF_PLUGIN_PATH, in ~/.config/debrief/plugins, and among "
    .. "the bundled ones; never in the current folder.",
}

function plugins.options(command)
  command:argument "PLUGIN":target "name":args "?":argname "PLUGIN"
    :description "Show this plugin: its hooks, options and needs."
  common.allow_option(command)
  command:flag "--check":description "Run it on the entries of the log, and test the law of merge."
end

local function show_option(option)
  local range = ""
  if option.min then range = range .. (", at least %s"):format(option.min) end
  if option.max then range = range .. (", at most %s"):format(option.max) end
  local default = option.default ~= nil and (", default %s"):format(option.default) or ""
  io.stdout:write(("  %-16s %s%s%s\n  %-16s %s\n"):format(option.name, option.type, default, range, "", option.help))
end

local function show(name, allow)
  local job = common.job { import = { name }, allow = allow, shown = true }
  local found = job.plugins[1]
  job.import = {}
  local _, about = common.worker(job)
  local it = about[found.name]
  local place = found.path == ("plugins/%s.lua"):format(name) and "bundled" or found.path
  io.stdout:write(("%s: %s\nfile: %s\nhooks: %s\n"):format(it.name, it.summary, place, table.concat(it.hooks, ", ")))
  for _, right in ipairs(it.needs) do io.stdout:write(("needs: %s\n"):format(rights.explain(it.name, right))) end
  if #it.options > 0 then io.stdout:write "options (--opt key=value):\n" end
  for _, option in ipairs(it.options) do show_option(option) end
  return 0
end

function plugins.run(args)
  if args.check then
    if not args.name then tell.fail("plugins --check: name a plugin", 2) end
    return require "debrief.cli.trial".run(args)
  end
  if args.name then return show(args.name, args.allow) end
  if #args.allow > 0 then tell.fail("plugins: --allow goes with the name of a plugin", 2) end
  local status = 0
  for _, item in ipairs(plugin.all()) do
    local job = common.job { import = { item.bundled and item.name or item.path }, shown = true }
    job.import = {}
    local worker, about = require "debrief.retro".worker(job)
    if worker then
      local it = about[item.name]
      local needs = #it.needs > 0 and (" (needs %s)"):format(table.concat(it.needs, ", ")) or ""
      io.stdout:write(("%-16s %-24s %s%s\n"):format(it.name, table.concat(it.hooks, ","), it.summary, needs))
      worker:close()
    else
      tell.error(about)
      status = 3
    end
  end
  return status
end

return plugins
