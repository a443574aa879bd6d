--- Dot commands that need nothing but the prompt.
--
--     name -> { run = function(prompt, argument, bang) -> nil, "error" or "quit",
--               words = for each argument what completes it: an array, or the name of a source }
-- @module debrief.prompt.commands
local help = require "debrief.prompt.help"
local suggest = require "debrief.text.suggest"
local pretty = require "debrief.pretty"

local commands = {}

local function first_session(prompt)
  local handle = prompt.log and prompt.log.handle
  local ids = handle and handle:sessions()
  return ids and ids[1]
end

commands.help = { words = { help.topics }, run = function(prompt, topic)
  topic = topic:gsub("^%.", "")
  local text = help.text(topic ~= "" and topic or nil, { commands = prompt.commands, log = prompt.log ~= nil,
    session = first_session(prompt), columns = prompt.width() or 100 })
  if text then return prompt:say(text) end
  prompt:report(("no topic '%s'%s (topics: %s)"):format(topic, select(2, suggest(topic, help.topics)),
    table.concat(help.topics, ", ")))
  return "error"
end }

commands.time = { run = function(prompt)
  prompt.timing = not prompt.timing
  prompt:say(prompt.timing and "the time of each line is shown" or "times are not shown")
end }

commands.format = { words = { pretty.formats }, run = function(prompt, name)
  local all = table.concat(pretty.formats, ", ")
  if name == "" then return prompt:say(("%s (formats: %s)"):format(prompt.format, all)) end
  for _, format in ipairs(pretty.formats) do
    if format == name then
      prompt.format = name
      return
    end
  end
  prompt:report(("no format '%s'%s (formats: %s)"):format(name, select(2, suggest(name, pretty.formats)), all))
  return "error"
end }

commands.quit = { run = function() return "quit" end }

return commands
