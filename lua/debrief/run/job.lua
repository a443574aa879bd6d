--- A job: plugins with their options and rights, and what they are asked about, as plain data for worker states.
-- @module debrief.run.job
local core = require "debrief.core"
local find = require "debrief.plugin.find"
local query = require "debrief.query"
local rights = require "debrief.plugin.rights"
local said = require "debrief.plugin.said"
local suggest = require "debrief.text.suggest"
local virtual = require "debrief.entry.virtual"

local job = {}

--- Find plugins and put the user's options to them.
-- @param names an array of names or paths
-- @param options "plugin.key" or "key" -> text
-- @return an array for worker.setup, or nil and a message
function job.find_all(names, into)
  local out = {}
  for i, name in ipairs(names or {}) do
    local found, message = find.plugin(name)
    if not found then return nil, message end
    if into[found.name] and into[found.name].path ~= found.path then
      return nil, ("two plugins are called '%s': %s and %s"):format(found.name, into[found.name].path, found.path)
    end
    if not into[found.name] then
      into[found.name] = found
      into[#into + 1] = found
    end
    out[i] = found.name
  end
  return out
end

-- "slow.limit_ms=5" or, with one plugin, "limit_ms=5", given to the plugin it is for.
local function give_option(text, plugins, main)
  local key, value = text:match "^([%w_.]+)=(.*)$"
  if not key then return nil, ("--opt '%s': write plugin.key=value"):format(text) end
  local name, option = key:match "^([^.]+)%.(.+)$"
  if not name and #main == 1 then name, option = main[1], key end
  if not name then return nil, ("--opt '%s': with more than one plugin, write plugin.key=value"):format(text) end
  local found = plugins[name]
  if not found then
    local near, hint = suggest(name, main)
    return nil, ("--opt '%s': no plugin '%s' is used here%s"):format(text, name,
      near and hint or (" (%s)"):format(table.concat(main, ", ")))
  end
  found.options = found.options or {}
  found.options[option] = value
  return true
end

-- Options go to the plugin they name, or to the only one: of the retrospectives, else of all.
local function set_options(texts, plugins, retro)
  if #plugins == 0 and #texts > 0 then return nil, ("--opt '%s': no plugin is used here"):format(texts[1]) end
  local main = {}
  for i, found in ipairs(#retro > 0 and {} or plugins) do main[i] = found.name end
  for _, text in ipairs(texts) do
    local ok, message = give_option(text, plugins, #retro > 0 and retro or main)
    if not ok then return nil, message end
  end
  return true
end

-- Does a plugin, or what it is asked, name the field that readers compute only on request?
local function needs_gaps(found)
  if virtual.needs_gaps(found.text) then return true end
  for _, value in next, found.options or {} do
    if virtual.needs_gaps(tostring(value)) then return true end
  end
  return false
end

--- The folder that workers read of a log: of one at an address, what was brought from there. The log must be open, and
-- stay so as long as they do.
-- @param follow true: it is to get what comes, too
-- @return the folder, and the log at the address; or nil and a message
function job.folder(dir, follow)
  if not core.is_address(dir) then return dir end
  local log, message = core.log(dir)
  if not log then return nil, message end
  local folder, why = log:folder(follow, not follow)
  return folder, folder and log or why
end

-- The log that is kept up to date for a job, and then for its worker, as long as there is that.
local live = setmetatable({}, { __mode = "k" })

--- A job for worker states.
-- @param given { query = of debrief.query, retro =, import =, export = arrays of names or paths, dir =, final =,
--   shown = true when the plugins are only described, isolate = true to run them in a process of their own,
--   follow = true when what comes is read, too }
-- @return the job; or nil, a message, and "eio" when the log could not be read
function job.new(given)
  local plugins, q = {}, given.query
  local dir, log = job.folder(given.dir, given.follow)
  if given.dir and not dir then return nil, log, "eio" end
  local made = { dir = dir, final = given.final or false, now = q.now, query = query.plain(q),
    isolate = given.isolate or false }
  local uses = { retro = given.retro, enrich = q.enrich, filter = q.filter, import = given.import,
    export = given.export }
  for _, use in ipairs { "retro", "export", "enrich", "filter", "import" } do
    local found, message = job.find_all(uses[use], plugins)
    if not found then return nil, message end
    made[use] = found
  end
  if #made.retro == 0 and given.retro then return nil, "no plugin is named: `debrief plugins` lists them" end
  local ok, message = set_options(q.opt, plugins, given.export and made.export or made.retro)
  if ok then ok, message = rights.grant(q.allow, plugins) end
  if not ok then return nil, message end
  if given.follow then live[made] = log end
  for _, found in ipairs(plugins) do made.query.gaps = made.query.gaps or needs_gaps(found) end
  made.plugins = {}
  for i, found in ipairs(plugins) do
    made.plugins[i] = { name = found.name, path = found.path, text = found.text, options = found.options or {},
      allow = found.allow or {}, shown = given.shown or false }
  end
  return made
end

--- Are the job's plugins strangers: neither bundled, nor in a folder where the user keeps plugins, nor given a right?
-- In a build with a sanitizer, which has no isolated processes, nobody is.
function job.has_strangers(made)
  if not core.isolates then return false end
  for _, found in ipairs(made.plugins) do
    if not find.is_vouched(found.path) and not next(found.allow) then return true end
  end
  return false
end

--- A worker with the job's plugins loaded.
-- @return worker, about | nil, message, name of the plugin at fault
function job.worker(made)
  local worker, why
  if made.isolate then worker, why = require "debrief.run.isolate".worker(made.query, made.dir)
  else worker = core.worker() end
  if not worker then return nil, why end
  live[worker] = live[made]
  local about, message = job.ask(worker, "setup", made)
  if not about then return nil, message end
  if about.message then return nil, about.message, about.plugin end
  return worker, about.plugins
end

--- What a worker answers when its state is full, in words that say so.
function job.explained(message) return said.full(message) or message end

--- Call a worker's function with a value; packs and unpacks.
function job.ask(worker, name, value)
  local packed, message = worker:call(name, core.pack(value))
  if not packed then return nil, job.explained(message) end
  return core.unpack(packed)
end

--- The sessions with only the lines of their latest entries that the query keeps.
-- @param last how many entries in all
-- @return items as debrief.query.sessions has them; or nil and a message
function job.narrowed(worker, sessions, last)
  local found, message = job.ask(worker, "latest", { sessions = sessions, last = last })
  if not found then return nil, message end
  local lines, out = {}, {}
  for _, place in ipairs(found.places) do
    lines[place.path] = lines[place.path] or {}
    table.insert(lines[place.path], place.line)
  end
  for _, item in ipairs(sessions) do
    if lines[item.path] then
      table.sort(lines[item.path])
      item.lines = lines[item.path]
      out[#out + 1] = item
    end
  end
  return out
end

--- A job for one plugin, whatever hooks it has.
-- @param name a name or path
-- @param q whose options and rights it gets
-- @param shown true: it is only described, so rights it needs may be missing
-- @return the job, or nil and a message
function job.of_plugin(name, q, shown)
  local made, message = job.new { query = q, import = { name }, shown = shown }
  if not made then return nil, message end
  made.import = {} -- it may have no import hook
  return made
end

-- What plugins say of themselves, as worker.describe_all returns it. One state is made for all of them: a state takes
-- longer to make than a plugin to load.
local function describe(plugins)
  local worker = core.worker()
  local answers, message = job.ask(worker, "describe_all", { plugins = plugins })
  worker:close()
  if answers then return answers end
  if #plugins == 1 then return { { fault = message } } end
  answers = {} -- one has taken the memory of all: each by itself
  for i, one in ipairs(plugins) do answers[i] = describe({ one })[1] end
  return answers
end

--- What every plugin there is says of itself, by name; and the messages of those that do not load.
function job.all_plugins()
  local plugins, list, messages = {}, {}, {}
  for _, item in ipairs(find.all()) do
    local found, message = find.plugin(item.bundled and item.name or item.path)
    if found then found.shown, plugins[#plugins + 1] = true, found else messages[#messages + 1] = message end
  end
  for _, answer in ipairs(describe(plugins)) do
    if answer.about then list[#list + 1] = answer.about else messages[#messages + 1] = answer.fault end
  end
  return list, messages
end

return job
