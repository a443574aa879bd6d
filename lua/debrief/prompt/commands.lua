--- Dot commands that need nothing but the session.
--
--     name -> { run = function(session, argument, bang) -> nil, "error" or "quit",
--               words = for each argument what completes it: an array, or the name of a source }
-- @module debrief.prompt.commands
local help = require "debrief.prompt.help"
local suggest = require "debrief.text.suggest"
local pretty = require "debrief.pretty"

local commands = {}

local function first_session(session)
  local handle = session.log and session.log.handle
  local ids = handle and handle:sessions()
  return ids and ids[1]
end

commands.help = { words = { help.topics }, run = function(session, topic)
  topic = topic:gsub("^%.", "")
  local text = help.text(topic ~= "" and topic or nil, session.commands, session.log ~= nil,
    first_session(session))
  if text then return session:say(help.fit(text, session.width() or 100)) end
  session:tell(("no topic '%s'%s (topics: %s)"):format(topic, select(2, suggest(topic, help.topics)),
    table.concat(help.topics, ", ")))
  return "error"
end }

commands.time = { run = function(session)
  session.timing = not session.timing
  session:say(session.timing and "the time of each line is shown" or "times are not shown")
end }

commands.format = { words = { pretty.formats }, run = function(session, name)
  local all = table.concat(pretty.formats, ", ")
  if name == "" then return session:say(("%s (formats: %s)"):format(session.format, all)) end
  for _, format in ipairs(pretty.formats) do
    if format == name then
      session.format = name
      return
    end
  end
  session:tell(("no format '%s'%s (formats: %s)"):format(name, select(2, suggest(name, pretty.formats)), all))
  return "error"
end }

commands.quit = { run = function() return "quit" end }

return commands
