--- A shell line as the commands in it, and what the exit status of the line says of each.
--
--     cd web && CI=1 npm test 2>&1 | tail -5; echo $?
--     {cd web}"&&" {CI=1 npm test}"|"  {tail -5}";"  {echo $?}""     words, and the operator after them
--
-- Quotes, here-documents, comments, groups and `sh -c '…'` are understood; what a substitution ($(…), `…`) runs is not
-- looked into. Where `if`, `for`, `while` or `case` decide what runs, no status is known. In linear time.
-- @module debrief.import.shell
local set = require "debrief.import.runners".set

local shell = {}

local byte, match = string.byte, string.match

local SHELLS = set "sh bash zsh dash ash"
local OPENING = set "then do else { ! time" -- a command follows these on the same line
local DECIDING = set "if elif for while until case select function"
local NAMING = set "for case select function" -- no command follows these, but a name
local CLOSING = set "fi done esac } ]]"

local MOST = 200 -- commands of a line that are looked at: more is a program, not a command line

--- The last part of a path.
function shell.base(word) return word:match "^.*[/\\]([^/\\]+)$" or word end

local SPACE = { [9] = true, [10] = true, [11] = true, [12] = true, [13] = true, [32] = true }

local PLAIN = {}
for char in ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-./~'\"$"):gmatch "." do PLAIN[char] = true end

-- ---- Words ----------------------------------------------------------------------------------------------------------

-- The end of a substitution that begins with "(" at `at`: past the ")" that belongs to it, quotes passed over.
local function past_parentheses(line, at)
  local depth = 0
  while true do
    local from, _, char = line:find("([()'\"\\`])", at)
    if not from then return #line + 1 end
    at = from + 1
    if char == "\\" then at = at + 1
    elseif char == "(" then depth = depth + 1
    elseif char == ")" then
      depth = depth - 1
      if depth == 0 then return at end
    elseif char == "'" then at = (line:find("'", at, true) or #line) + 1
    elseif char == "`" then at = (line:find("`", at, true) or #line) + 1
    end
  end
end

-- A text in double quotes, from after the first: its value, and where the line goes on.
local function double_quoted(line, at)
  local parts = {}
  while true do
    local from, _, char = line:find("([\"\\$`])", at)
    if not from then return table.concat(parts) .. line:sub(at), #line + 1 end
    parts[#parts + 1] = line:sub(at, from - 1)
    if char == '"' then return table.concat(parts), from + 1 end
    if char == "\\" then
      parts[#parts + 1], at = line:sub(from + 1, from + 1), from + 2
    else
      local past = from + 1
      if char == "`" then past = (line:find("`", past, true) or #line) + 1
      elseif line:sub(past, past) == "(" then past = past_parentheses(line, past) end
      parts[#parts + 1], at = line:sub(from, past - 1), past
    end
  end
end

-- The word that begins at `at`: its value without quotes, and where the line goes on.
local function word_at(line, at)
  local whole, after = line:match("^([^%s'\"\\$`|&;<>()]+)()", at)
  if whole and (after > #line or line:find("^%s", after)) then return whole, after end -- as most are
  local parts = {}
  while at <= #line do
    local plain = line:match("^[^%s'\"\\$`|&;<>()]+", at)
    if plain then
      parts[#parts + 1], at = plain, at + #plain
    else
      local char = line:sub(at, at)
      if char == "'" then
        local last = line:find("'", at + 1, true) or #line + 1
        parts[#parts + 1], at = line:sub(at + 1, last - 1), last + 1
      elseif char == '"' then
        parts[#parts + 1], at = double_quoted(line, at + 1)
      elseif char == "\\" then
        parts[#parts + 1], at = line:sub(at + 1, at + 1), at + 2
      elseif char == "`" then
        local past = (line:find("`", at + 1, true) or #line) + 1
        parts[#parts + 1], at = line:sub(at, past - 1), past
      elseif char == "$" then
        local past = at + 1
        if line:sub(past, past) == "(" then past = past_parentheses(line, past) end
        parts[#parts + 1], at = line:sub(at, past - 1), past
      elseif (char == "<" or char == ">") and line:sub(at + 1, at + 1) == "(" then
        local past = past_parentheses(line, at + 1)
        parts[#parts + 1], at = line:sub(at, past - 1), past
      else
        break
      end
    end
  end
  return table.concat(parts), at
end

-- ---- Commands -------------------------------------------------------------------------------------------------------

local OPERATORS = set "&& || |& ;;"

local function operator_at(line, at)
  local two = line:sub(at, at + 1)
  if OPERATORS[two] then return two end
  return line:match("^[|;&\n]", at)
end

local parse

-- The commands of one shell that another command starts: `bash -lc 'pytest -q'`. Nil: it is not that.
local function nested(words, level)
  local first = 1
  while words[first] and words[first]:find "^[%w_]+=" do first = first + 1 end
  local name = words[first] and shell.base(words[first])
  if not SHELLS[name] or level > 3 then return nil end
  for i = first + 1, #words - 1 do
    if words[i]:find "^%-%a+$" and words[i]:find("c", 1, true) then return parse(words[i + 1], level + 1) end
    if not words[i]:find "^%-" then return nil end
  end
end

-- Add a command that has ended with `operator`; a bare keyword is not a command.
local function add(state, operator)
  local words, file = state.words, state.file
  state.words, state.file, state.reads = {}, nil, nil
  local first = 1
  while OPENING[words[first]] or DECIDING[words[first]] do
    if DECIDING[words[first]] then state.decided = true end
    first = NAMING[words[first]] and #words + 1 or first + 1
  end
  if CLOSING[words[first]] then first = first + 1 end
  if first > 1 then words = table.move(words, first, #words, 1, {}) end
  local list = state.list
  if not words[1] then -- ")" or "fi" before the operator: it connects the group, as its last command
    if list[1] and operator ~= "" and not (operator == "\n" and list[#list].operator ~= "") then
      list[#list].operator = operator
    end
    return
  end
  if words[1] == "set" then
    for _, word in ipairs(words) do
      if word == "pipefail" then state.pipefail = true end
      if word:find "^%-%a*e" then state.errexit = true end
    end
  end
  local inner = nested(words, state.level)
  if inner and inner[1] then
    for _, command in ipairs(inner) do list[#list + 1] = command end
    list[#list].operator, list[#list].file = operator, file or list[#list].file
  else
    list[#list + 1] = { words = words, operator = operator, file = file }
  end
end

-- A redirection at `at`: where the line goes on. A here-document's delimiter is remembered, its body comes later.
local function redirect(state, line, at, sign)
  local past = at + #sign
  if sign == "<<" or sign == "<<-" then
    local delimiter
    delimiter, past = word_at(line, line:find("[^ \t]", past) or past)
    state.documents[#state.documents + 1] = delimiter
    return past
  end
  if sign:find "&$" and line:find("^[%d%-]", past) then return past + 1 end
  local file
  file, past = word_at(line, line:find("[^ \t]", past) or past)
  if sign:find ">" and not sign:find "^2" then state.file = file end
  return past
end

local function skip_documents(state, line, at)
  for _, delimiter in ipairs(state.documents) do
    while at <= #line do
      local last = line:find("\n", at, true) or #line + 1
      local text = line:sub(at, last - 1):gsub("^\t+", "")
      at = last + 1
      if text == delimiter then break end
    end
  end
  state.documents = {}
  return at
end

-- A word without quotes and operators, as most are: the word, and where the line goes on; nil for anything else.
local function plain_word(line, at)
  local word, past = match(line, "^[ \t\r]*([%a_./~-][^%s'\"\\$`|&;<>()]*)()", at)
  if word and SPACE[byte(line, past) or 32] then return word, past end
end

function parse(line, level)
  local state = { list = {}, words = {}, documents = {}, level = level }
  local at = 1
  while true do
    local plain, after = plain_word(line, at)
    while plain do
      state.words[#state.words + 1], at = plain, after
      plain, after = plain_word(line, at)
    end
    at = line:find("[^ \t\r]", at)
    if not at or #state.list >= MOST then break end
    local char = line:sub(at, at)
    local is_plain = PLAIN[char] or false -- no operator and no redirection begins with it
    local operator = not is_plain and operator_at(line, at)
    local sign = not is_plain and (line:match("^%d*>>?[|&]?", at) or line:match("^&>>?", at)
      or line:match("^<<<", at) or line:match("^<<%-?", at) or line:match("^<[&>]?", at))
    if is_plain then
      state.words[#state.words + 1], at = word_at(line, at)
    elseif char == "#" then
      at = line:find("\n", at, true) or #line + 1
    elseif line:find("^\\\n", at) then
      at = at + 2
    elseif sign and line:sub(at + 1, at + 1) ~= "(" then
      at = redirect(state, line, at, sign)
    elseif operator then
      add(state, operator == ";;" and ";" or operator)
      at = at + #operator
      if operator == "\n" then at = skip_documents(state, line, at) end
    elseif char == "(" or char == ")" then
      if state.words[1] then add(state, "") end
      state.open = char == "("
      at = at + 1
    else
      local word, past = word_at(line, at)
      state.words[#state.words + 1] = word
      at = past > at and past or at + 1
    end
  end
  if state.words[1] or state.list[1] and state.list[#state.list].operator ~= "" then add(state, "") end
  for _, command in ipairs(state.list) do
    command.decided = command.decided or state.decided or nil
    command.pipefail = command.pipefail or state.pipefail or nil
    command.errexit = command.errexit or state.errexit or nil
  end
  return state.list
end

--- The commands of a shell line, in order.
-- @return an array of { words =, operator = what follows: "&&", "||", "|", ";", "&", "\n" or "" at the end,
--   file = where its output goes, decided = true where another command decides whether it runs }
function shell.commands(line) return parse(line, 1) end

-- ---- Statuses -------------------------------------------------------------------------------------------------------

local LIGHT = set "cd pushd popd export source . set unset echo printf true mkdir sleep umask ulimit nvm eval pwd"
local RUNNING = set "run exec x dlx compose"
local FILTERS = set "tail head tee grep egrep rg sed awk cut sort uniq cat less more wc tr column jq strings ts"

--- The name of a command's program, without its folder and the assignments before it.
function shell.name(command)
  for _, word in ipairs(command.words) do
    if not word:find "^[%w_]+=" then return shell.base(word) end
  end
end

local MOST_TITLES = 3 -- commands of a line that are named

-- A command in a word or two: "git status", but "npm run test" and "npx vitest".
local function title_of(command)
  local title, at = shell.name(command), 1
  while command.words[at] and command.words[at]:find "^[%w_]+=" do at = at + 1 end
  for i = at + 1, at + 2 do
    local word = command.words[i]
    if not word or not word:find "^%a[%w_:.-]*$" or #word > 40 then break end
    title = title .. " " .. word
    if not RUNNING[word] then break end
  end
  return title
end

-- What stands between the titles of commands.
local function joint(operator)
  return (operator == "&&" or operator == "||") and (" %s "):format(operator) or "; "
end

--- What a line is about, in a few words: its commands that do more than `cd`, each once, without what only filters the
-- output of another, such as "npm test" or "git add && git commit".
-- @param commands of shell.commands
function shell.title(commands)
  local titles, known = {}, {}
  for i, command in ipairs(commands) do
    local before = commands[i - 1] and commands[i - 1].operator or ""
    local name = shell.name(command)
    if name and not LIGHT[name] and not before:find "^|&?$" then
      local title = title_of(command)
      if not known[title] and #titles == MOST_TITLES then return table.concat(titles) .. joint(before) .. "…" end
      if not known[title] then titles[#titles + 1] = (titles[1] and joint(before) or "") .. title end
      known[title] = true
    end
  end
  return titles[1] and table.concat(titles) or commands[1] and title_of(commands[1]) or nil
end

-- The pipelines of the and-or list that decides the status of the line: arrays of commands; and has it a `||`?
local function last_list(commands)
  local pipelines, pipeline, alternatives = {}, {}, false
  for i, command in ipairs(commands) do
    pipeline[#pipeline + 1] = command
    local operator = command.operator
    if operator ~= "|" and operator ~= "|&" then
      pipelines[#pipelines + 1], pipeline = pipeline, {}
      if operator == "||" then alternatives = true end
      local ends = operator == ";" or operator == "\n" or operator == "&" or operator == ""
      if ends and i < #commands and not (command.errexit and operator ~= "&") then
        pipelines, alternatives = {}, false
      end
    end
  end
  return pipelines, alternatives
end

local function mark(pipeline, status)
  local last = pipeline[#pipeline]
  if not last.pipefail or #pipeline == 1 then
    last.status = status
    return
  end
  local suspects = {}
  for _, command in ipairs(pipeline) do
    if status == 0 then command.status = 0 elseif not FILTERS[shell.name(command)] then suspects[#suspects + 1] =
      command end
  end
  if #suspects == 1 then suspects[1].status = status end
end

--- Note in each command the exit status that it must have had, given that of the line; what is not certain stays nil.
-- @param commands of shell.commands
-- @param status of the line: an integer, or nil for unknown
function shell.statuses(commands, status)
  if not status or commands[1] and commands[1].decided then return end
  local pipelines, alternatives = last_list(commands)
  if commands[#commands] and commands[#commands].operator == "&" then return end
  if status == 0 then
    if alternatives then return end
    for _, pipeline in ipairs(pipelines) do mark(pipeline, 0) end
    return
  end
  local heavy = {}
  for _, pipeline in ipairs(pipelines) do
    if not LIGHT[shell.name(pipeline[1])] and shell.name(pipeline[1]) ~= "exit" and shell.name(pipeline[1]) ~= "false"
    then heavy[#heavy + 1] = pipeline end
  end
  if #heavy == 1 then mark(heavy[1], status) end -- else any of them may have failed
end

return shell
