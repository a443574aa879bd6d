--- How `debrief read` shows entries: formats, fields, the terminal.
-- @module debrief.cli.format
local fields = require "debrief.entry.fields"
local arguments = require "debrief.cli.arguments"
local output = require "debrief.cli.output"
local core = require "debrief.core"
local messages = require "debrief.cli.messages"

local show = {}

local FORMATS = { "jsonl", "json", "list", "table", "csv", "tsv", "card" }

function show.options(command)
  command:option "--fields":argname "NAMES"
    :description "Only these fields: skill,input.spec,attempts.-1.model; session and line say where it is."
  arguments.width_option(command)
  arguments.format_options(command, FORMATS, "jsonl: one line of JSON per entry; json: one array; list: one readable "
    .. "line per entry; table; csv, tsv: fields between commas, tabs; card: the whole entry. Default: jsonl, with "
    .. "--fields tsv; on a terminal list, with --fields table, with --line card.")
end

local function format_of(args, terminal)
  local given = arguments.format(args)
  if given then return given end
  if args.fields then return terminal and "table" or "tsv" end
  if not terminal then return "jsonl" end
  local one_line = args.line or #args.session == 1 and args.session[1]:find ":%d+$"
  return one_line and "card" or "list"
end

--- What debrief.entry.printer's printer takes, for the options of a command.
function show.manner(args)
  local width, color = arguments.terminal()
  local manner = { fd = 1, format = format_of(args, width ~= nil), width = args.width or width or math.huge,
    color = color, safe = width ~= nil, place = 20, pager = not args.follow and output.given() or nil,
    now = width and not args.follow and core.now() or nil } -- what is followed stays on the screen, and gets older
  if args.fields then
    local message
    manner.fields, message = fields.parse(args.fields)
    if not manner.fields then messages.fail("--fields " .. message, 2) end
    if manner.format == "list" or manner.format == "card" then
      messages.fail(("--fields goes with table, csv, tsv, jsonl and json, not with %s"):format(manner.format), 2)
    end
  end
  return manner
end

return show
