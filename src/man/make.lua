-- make.lua PAGE VERSION: one of the man pages, as Markdown for lowdown, to standard output.
-- For `debrief run`, in the project's root.

local function slurp(path)
  local file = assert(io.open(path))
  local text = file:read "a"
  file:close()
  return text
end

local out = {}
local function say(...) out[#out + 1] = table.concat { ... } end

local function escape(text) return (text:gsub("[\\`*_{}%[%]<>#~|$]", "\\%0")) end

-- A part of a word list: lowdown's definition list.
local function define(term, text) say(term, "\n\n:   ", (text:gsub("\n", "\n    ")), "\n\n") end

-- ---- Parts of a README ---------------------------------------------------------------------------------------------

-- Calls each(line, is_code) for the lines of a Markdown text.
local function each_line(text, each)
  local code = false
  for line in (text:gsub("\n*$", "\n")):gmatch "([^\n]*)\n" do
    local fence = line:find "^%s*```" ~= nil
    each(line, code or fence)
    if fence then code = not code end
  end
end

-- What is below a heading, up to the next one of its level or above.
local function section(text, heading)
  local level, found, lines = #heading:match "^#+", false, {}
  each_line(text, function(line, is_code)
    local marks = not is_code and line:match "^(#+) "
    if marks and found and #marks <= level then found = nil end
    if found then lines[#lines + 1] = line end
    if line == heading and not is_code then found = true end
  end)
  return table.concat(lines, "\n")
end

local function cells_of(row)
  local cells = {}
  for cell in row:gsub("\\|", "\1"):gmatch "|%s*([^|]-)%s*%f[|]" do cells[#cells + 1] = cell:gsub("\1", "\\|") end
  return cells
end

-- A table as a list of words, for a page has no room for columns; links as their text; headings `up` levels higher.
local function adapt(text, up)
  local head
  each_line(text, function(line, is_code)
    if is_code then
      say(line, "\n")
      return
    end
    line = line:gsub("%[([^%]]+)%]%([^)]+%)", "%1")
    local marks, title = line:match "^(#+) (.*)$"
    if line:find "^|" then
      local cells = cells_of(line)
      if not head then
        head = cells
      elseif not line:find "^|[-|: ]+|$" then
        local more = {}
        for i = 2, #cells - 1 do more[#more + 1] = head[i] .. ": " .. cells[i] end
        define(cells[1] .. (#more > 0 and (" (%s)"):format(table.concat(more, "; ")) or ""), cells[#cells])
      end
      return
    end
    head = nil
    if marks then
      local level = math.max(#marks - up, 1)
      say(("#"):rep(level), " ", level == 1 and title:upper() or title, "\n")
    else
      say(line, "\n")
    end
  end)
  say "\n"
end

local function begin(name, number, volume, what, version)
  say("title: ", name, "\nsection: ", number, "\nvolume: ", volume, "\nsource: debrief ", version, "\ndate: \n\n")
  say("# NAME\n\n", name, " - ", what, "\n\n")
end

-- ---- Pages ----------------------------------------------------------------------------------------------------------

local pages = {}

local function code(text) say("```\n", (text:gsub("\n*$", "\n")), "```\n\n") end

-- One option or argument of a command, as its help has it.
local function element(one)
  local label = table.concat(one:_get_label_lines(), " ")
  define(("**%s**"):format(escape(label)), escape(one:_get_description()))
end

-- Text of an epilog: examples stay as they are.
local function epilog(text)
  local before = false
  for line in ((text or "") .. "\n"):gmatch "([^\n]*)\n" do
    local is_code = (line:find "%S  +%S" or line:find "^  ") ~= nil
    if before ~= is_code then say(is_code and "\n" or "", "```\n", is_code and "" or "\n") end
    say(is_code and line or escape(line), "\n")
    before = is_code
  end
  say(before and "```\n\n" or "\n")
end

pages["debrief.1"] = function(version)
  local readme, program = slurp "README.md", slurp "lua/debrief/cli/README.md"
  local grammar = require "debrief.cli.parser".new()
  for _, name in ipairs(grammar.names()) do grammar:command(name) end
  local root = grammar.root
  local what = root._description:gsub("^A", "a"):gsub("%.$", "")
  begin("debrief", 1, "User Commands", what, version)
  say("# SYNOPSIS\n\n")
  for i, command in ipairs(root._commands) do
    say(i > 1 and "\\\n" or "", "**debrief ", command._name, "** \\[*option*\\]...")
    for _, argument in ipairs(command._arguments) do say(" ", escape(argument:_get_usage())) end
  end
  say "\n\n# DESCRIPTION\n\n"
  adapt(readme:match "^# [^\n]*\n\n(.-\n)\n```", 1)
  adapt(readme:match "\n(A %*%*log%*%* is .-\n)\n%* ", 1)
  epilog(root._epilog)
  say "# OPTIONS\n\n"
  for _, option in ipairs(root._options) do element(option) end
  say "\n# COMMANDS\n\n"
  for _, command in ipairs(root._commands) do
    say("## debrief ", command._name, "\n\n", escape(command._description), "\n\n")
    for _, argument in ipairs(command._arguments) do element(argument) end
    for _, option in ipairs(command._options) do
      if option._aliases[1] ~= "-h" and option._aliases[1] ~= "-d" then element(option) end
    end
    say "\n"
    epilog(command._epilog)
  end
  for _, heading in ipairs { "## Selecting entries", "## On a terminal", "## Environment" } do
    say("# ", heading:sub(4):upper(), "\n\n")
    adapt(section(program, heading), 1)
  end
  say "# KEYS AT THE PROMPT\n\n"
  adapt(section(slurp "lua/debrief/repl/README.md", "## Keys"), 1)
  say("# SEE ALSO\n\n**debrief-plugins**(7), **debrief**(3), **debrief-log**(3), **less**(1), **jq**(1)\n")
end

pages["debrief-plugins.7"] = function(version)
  local readme = slurp "plugins/README.md"
  begin("debrief-plugins", 7, "Miscellaneous", "plugins for debrief, in Lua", version)
  say "# DESCRIPTION\n\n"
  local text = readme:gsub("^# [^\n]*\n", ""):gsub("\nWhat must never be in here:.-\n\n", "\n", 1)
  adapt(text, 1)
  say("# SEE ALSO\n\n**debrief**(1), **lua5.4**(1)\n")
end

-- The text of a comment without its marks.
local function comment_text(block)
  return (block:gsub("^%s*/%*%s?", ""):gsub("%s*%*/%s*$", ""):gsub("\n%s*%* ?", "\n"))
end

-- Paragraphs of a comment; what is indented by four is a drawing.
local function prose(text)
  for line in (text .. "\n"):gmatch "([^\n]*)\n" do
    say(line:find "^    " and line or escape(line), "\n")
  end
  say "\n"
end

local function header_page(name, path, flags)
  return function(version)
    local text = slurp(path)
    local head = comment_text(text:match "^(/%*.-%*/)")
    local what, rest = head:match "^%S+ (.-)%. (.*)$"
    begin(name, 3, "Library Functions", what, version)
    say "# SYNOPSIS\n\n"
    code(("#include <debrief/%s>\n\ncc file.c $(pkg-config --cflags --libs %s)"):format(path:match "[^/]+$", flags))
    say "# DESCRIPTION\n\n"
    prose(rest)
    local body = text:match 'extern "C" {\n#endif\n(.*)\n#ifdef __cplusplus'
    for block in (body .. "\n\n"):gmatch "(.-)\n\n+%f[^\n]" do
      local title = block:match "^%s*/%* %-%-%-%- (.-) %-+ %*/"
      local note, declared = block:match "^%s*(/%*.-%*/)\n?(.*)$"
      if title then
      say("# ", escape(title:upper()), "\n\n")
      elseif not block:find "^%s*#" then
        declared = (note and declared or block):gsub("DEBRIEF_API ", ""):gsub("^%s*\n", "")
        if declared:find "%S" then code(declared) end
        if note then prose(comment_text(note)) end
      end
    end
    say("# SEE ALSO\n\n**debrief**(1), **debrief**(3), **debrief-log**(3), **pkg-config**(1)\n")
  end
end

pages["debrief-log.3"] = header_page("debrief-log", "src/include/debrief/log.h", "debrief-log")
pages["debrief.3"] = header_page("debrief", "src/include/debrief/debrief.h", "debrief")

assert(pages[arg[1]], "no such page")(arg[2])
io.stdout:write(table.concat(out))
