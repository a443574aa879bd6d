--- Every command of the program: its name, its summary, and its module, which is loaded when the command is used.
-- In the order of the help.
--
-- A module returns { options = function(command) that declares them for argparse, run = function(args) -> exit status,
-- epilog = text below the help, paged = true: its output may go through a pager, no_folder = true: it reads no log }.
-- @module debrief.cli.commands
return {
  { name = "append", summary = "Append entries to a session.",
    load = function() return require "debrief.cli.append" end },
  { name = "read", summary = "Print entries: JSON lines, or a listing on a terminal.",
    load = function() return require "debrief.cli.read" end },
  { name = "table", summary = "Count runs in groups: any question in one line.",
    load = function() return require "debrief.cli.table" end },
  { name = "fields", summary = "List the fields that entries have, and those that are computed.",
    load = function() return require "debrief.cli.fields" end },
  { name = "retro", summary = "Run retrospectives over the log and print their reports.",
    load = function() return require "debrief.cli.retro" end },
  { name = "merge", summary = "Make one report from partial results of several runs or machines.",
    load = function() return require "debrief.cli.merge" end },
  { name = "sessions", summary = "List the sessions of the log.",
    load = function() return require "debrief.cli.sessions" end },
  { name = "check", summary = "Report every damaged line of sessions.",
    load = function() return require "debrief.cli.check" end },
  { name = "repair", summary = "Replace a damaged session by one without the damage.",
    load = function() return require "debrief.cli.repair" end },
  { name = "plugins", summary = "List the plugins, or show or check one.",
    load = function() return require "debrief.cli.plugins" end },
  { name = "import", summary = "Import logs of other programs.",
    load = function() return require "debrief.cli.import" end },
  { name = "run", summary = "Run a Lua script with `debrief`, `cjson` and an open `log`.",
    load = function() return require "debrief.cli.run" end },
  { name = "repl", summary = "Open a prompt for Lua with `debrief` and an open `log`.",
    load = function() return require "debrief.cli.repl" end },
  { name = "completion", summary = "Print the completion script for a shell.",
    load = function() return require "debrief.cli.completion" end },
  { name = "help", summary = "Show the help of a command.",
    load = function() return require "debrief.cli.help" end },
}
