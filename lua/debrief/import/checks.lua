--- What a shell command checks, if anything: tests, a build, a linter, a type checker.
--
--     cd web && CI=1 timeout 60 npx vitest run src/a.test.ts --reporter=dot
--                               kind test, runner vitest, targets { "src/a.test.ts" }
--
-- Two commands are the same check if they have the same runner and targets once wrappers, `cd` and the options that
-- only change what is printed are removed; one without targets, or with a folder of another's files, covers the other.
-- @module debrief.import.checks
local runners = require "debrief.import.runners"
local shell = require "debrief.import.shell"

local checks = {}

-- ---- Wrappers -------------------------------------------------------------------------------------------------------

-- The first word from `at` on that is no option; those in `valued` take the next word.
local function past_options(words, at, valued)
  while words[at] and words[at]:find "^%-" do at = at + (valued[words[at]] and 2 or 1) end
  return at
end

local function past_container(words, at) -- docker compose exec -T web pytest: past "web"
  local i = at + 1
  while words[i] and words[i] ~= "exec" and words[i] ~= "run" do i = i + 1 end
  i = past_options(words, i + 1, runners.CONTAINER_VALUES) + 1
  return words[i] and i or nil
end

-- The place of the program in words, past assignments and wrappers.
local function program_at(words)
  local at = 1
  while words[at] do
    local name = shell.base(words[at])
    local follows = runners.RUNS[name]
    if words[at]:find "^[%w_]+=" then
      at = at + 1
    elseif name == "command" and (words[at + 1] or ""):find "^%-[vV]" then
      return #words + 1 -- it only looks for a program
    elseif runners.WRAPPERS[name] then
      at = past_options(words, at + 1, runners.WRAPPER_VALUES[name] or runners.WRAPPER_VALUES.other)
      if runners.OWN_WORD[name] then at = at + 1 end
    elseif follows and follows[words[at + 1]] then
      at = past_options(words, at + 2, runners.RUN_VALUES)
      if name == "direnv" then at = at + 1 end
    elseif runners.CONTAINERS[name] then
      local inside = past_container(words, at)
      if not inside then return at end
      at = inside
    else
      return at
    end
  end
  return at
end

-- ---- Kinds ----------------------------------------------------------------------------------------------------------

-- What the name of a task says: "test:unit" -> "test", "test", ":unit". A part that fixes or formats decides, unless
-- another says that it only checks.
local function task(name, tests)
  if tests and tests[name] then return "test", name end
  local lower = name:lower()
  if lower:find("typecheck", 1, true) or lower:find("type-check", 1, true) then return "typecheck", name end
  local kind, first, rest
  for from, part, past in lower:gmatch "()([%a%d]+)()" do
    local says = runners.TASKS[part]
    if says == "edit" and not lower:find "check" then return "edit", name end
    if says and says ~= "edit" and not kind then kind, first, rest = says, name:sub(from, past - 1), name:sub(past) end
  end
  return kind, first, rest
end

local function kind_of(what) -- "test:go" -> "test", "go"
  local kind, family = what:match "^(%w+):(%w+)$"
  return kind or what, family
end

local function any(words, from, members)
  for i = from, #words do
    if members[words[i]] or members[words[i]:match "^[^=]+"] then return true end
  end
  return false
end

-- ---- Targets --------------------------------------------------------------------------------------------------------

local WHOLE = runners.set ". ./ ./... ... * all run clean"

local function path(word)
  word = word:gsub("^%./", ""):gsub("/%.%.%.$", "")
  return word:match "^.*[^/]" or ""
end

local function targets_of(words, from, check, task_at)
  local i = from
  while words[i] do
    local word = words[i]
    local option, value = word:match "^(%-[^=]*)=(.*)$"
    option = option or word:find "^%-" and word or nil
    if i == task_at then option, value = nil, nil end
    if not option then
      if i ~= task_at and not (WHOLE[word] or word:find "^%d+$" or word:find "^[%u_]+=" or word == "") then
        check.targets[#check.targets + 1] = path(word)
      end
    elseif option:find "^%-D" then
      if word:find "^%-Dtest=" or word:find "^%-Dit%.test=" then check.filters[#check.filters + 1] = word end
    elseif runners.PART[option] and not (option == "-p" and check.runner:find "pytest") and not
      (option == "-w" and check.runner:find "vitest") and (value or words[i + 1]) then
      if not value then i = i + 1 end
      check.targets[#check.targets + 1] = "@" .. (value or words[i])
    elseif runners.NARROW[option] and not (option == "-m" and not check.runner:find "pytest") and not
      (option == "-e" and not check.runner:find "rspec") and (value or words[i + 1]) then
      if not value then i = i + 1 end
      check.filters[#check.filters + 1] = option .. " " .. (value or words[i])
    elseif runners.NARROW_ALONE[option] then
      check.filters[#check.filters + 1] = word
    elseif runners.VALUED[option] and not value and words[i + 1] and not words[i + 1]:find "^%-" then
      i = i + 1
    end
    i = i + 1
  end
  table.sort(check.targets)
  table.sort(check.filters)
  return check
end

-- @param task where among the words the name of the task stands
local function new(kind, runner, family, words, from, task_at)
  if kind == "edit" then return { edit = true } end
  if any(words, from, runners.NO_RUN) then return nil end
  local check = { kind = kind, runner = runner, family = family, targets = {}, filters = {} }
  return targets_of(words, from, check, task_at)
end

local function narrow(check, target)
  if check and check.targets and target and target ~= "" then
    check.targets[#check.targets + 1] = target
    table.sort(check.targets)
  end
  return check
end

-- ---- Commands -------------------------------------------------------------------------------------------------------

local function formatter(name, words, from)
  if any(words, from, runners.LOOKING) then return new("lint", name, nil, words, from) end
  return { edit = true }
end

local function of_tool(name, words, at)
  local actions = runners.TOOLS[name]
  local i = at
  while words[i] and (words[i]:find "^[%-+]") do -- options before the word: pnpm --filter web test
    i = i + (runners.PART[words[i]] and 2 or 1)
  end
  local action = actions[words[i]]
  if not action then return nil end
  if action == "package" then return narrow(of_tool(name, words, i + 2), "@" .. (words[i + 1] or "")) end
  if action == "task" then
    i = i + 1
    while words[i] and words[i]:find "^%-" do i = i + (runners.PART[words[i]] and 2 or 1) end
    if not words[i] then return nil end
    local kind, first, rest = task(words[i])
    if not kind then return nil end
    return narrow(new(kind, name .. " " .. first, kind == "test" and "any" or nil, words, i + 1), rest)
  end
  local kind, family = kind_of(action)
  if kind == "format" then return formatter(name .. " " .. words[i], words, i + 1) end
  if kind == "lint" and any(words, i, runners.FIXING) then return { edit = true } end
  local check = new(kind, name .. " " .. words[i], family, words, i + 1)
  for j = at, i - 1 do
    if runners.PART[words[j]] then narrow(check, "@" .. (words[j + 1] or "")) end
  end
  return check
end

-- `make -j4 test`, `./gradlew :app:test --tests X`: the first word is a task, or for some one of several.
local function of_tasks(name, words, at)
  local several, other = runners.SEVERAL[name], false
  local i = at
  while words[i] do
    local word = words[i]
    if word == "-C" or word == "-f" or word == "-j" and (words[i + 1] or ""):find "^%d" then
      i = i + 1
    elseif not word:find "^[%-%d]" and not word:find "=" then
      local part, last = word:match "^(.*):([^:]+)$"
      if not name:find "^gradle" then part, last = nil, word end
      local kind, first, rest = task(last or word, runners.TASK_TOOLS[name])
      if kind then
        local check = new(kind, name .. " " .. first, kind == "test" and "any" or nil, words, at, i)
        if part and part ~= "" then narrow(check, "@" .. part) end
        return narrow(check, rest)
      end
      if not several then return nil end
      other = other or word ~= "all"
    end
    i = i + 1
  end
  if (name == "make" or name == "gmake") and not other then return new("build", name, nil, words, at) end
end

--- What one command checks or changes.
-- @param words of the command
-- @return nil; { edit = true } for a command that fixes or formats; or { kind = "test" | "build" | "lint" |
--   "typecheck", runner =, family = of its summaries, targets =, filters = sorted arrays of texts }
function checks.identify(words)
  local at = program_at(words)
  if not words[at] then return nil end
  local name = shell.base(words[at]):gsub("%.exe$", ""):gsub("%.cmd$", "")
  if name:find "^python[%d.]*$" or name == "py" or name == "pypy" then
    at = at + 1
    while words[at] and words[at]:find "^%-" and words[at] ~= "-m" do at = at + 1 end
    if words[at] == "-m" then
      at = at + 1
      if words[at] == "coverage" and words[at + 1] == "run" then at = at + 3 end
    end
    name = words[at] and shell.base(words[at])
    if not name then return nil end
  elseif name == "php" then
    at = at + 1
    name = words[at] and shell.base(words[at])
    if not name then return nil end
  elseif name == "node" or name == "tsx" then
    for i = at + 1, #words do
      if words[i] == "--test" then return new("test", "node --test", "js", words, at + 1, i) end
    end
    return nil
  elseif name == "cmake" then
    return words[at + 1] == "--build" and new("build", "cmake", nil, words, at + 2) or nil
  elseif name == "cypress" or name == "playwright" then
    if words[at + 1] ~= "run" and words[at + 1] ~= "test" then return nil end
    at = at + 1
  end
  if runners.FORMATTERS[name] then return formatter(name, words, at + 1) end
  local program = runners.PROGRAMS[name]
  if runners.TOOLS[name] then
    local found = of_tool(name, words, at + 1)
    if found or not (program or runners.TASK_TOOLS[name]) then return found end
  end
  if program then
    if program.kind ~= "test" and any(words, at + 1, runners.FIXING) and not (name == "tsc" or name == "mypy") then
      return { edit = true }
    end
    return new(program.kind, name, program.family, words, at + 1)
  end
  if runners.TASK_TOOLS[name] then return of_tasks(name, words, at + 1) end
end

-- ---- Edits ----------------------------------------------------------------------------------------------------------

local PRINTING = runners.set "cat echo printf tee"

local function last_path(words)
  for i = #words, 2, -1 do
    if not words[i]:find "^%-" then return words[i] end
  end
end

--- The file that a command changes by the shell's means: sed -i, cat > FILE, tee FILE, git apply, patch, mv.
-- @return a path, true where it is not named, or nil
function checks.edits(command)
  local words, name = command.words, shell.name(command)
  local file = command.file
  if file and (file:find "^/dev/" or file:find "^/tmp/" or file:find "^%$"
    or file:find "^/var/tmp/") then file = nil end
  if file and PRINTING[name] then return file end
  if name == "tee" then
    local path_of = last_path(words)
    if path_of and not path_of:find "^/dev/" and not path_of:find "^/tmp/"
      and not path_of:find "%.log$" then return path_of end
  elseif name == "sed" or name == "gsed" or name == "perl" then
    for _, word in ipairs(words) do
      if word:find "^%-%a*i" or word == "--in-place" then return last_path(words) end
      if not word:find "^%-" and word ~= name and not word:find "/sed$" then break end
    end
  elseif name == "git" then
    local i = 2
    while words[i] and words[i]:find "^%-" do i = i + (words[i] == "-C" and 2 or 1) end
    if words[i] == "apply" and not runners.set "--check --stat --numstat"[words[i + 1]] then return true end
  elseif name == "patch" then
    return true
  elseif name == "mv" then
    return last_path(words)
  end
end

-- ---- Covering -------------------------------------------------------------------------------------------------------

local function same_list(a, b)
  if #a ~= #b then return false end
  for i, item in ipairs(a) do if b[i] ~= item then return false end end
  return true
end

local function beneath(target, folder)
  if target == folder then return true end
  local next_char = target:sub(#folder + 1, #folder + 1)
  return target:sub(1, #folder) == folder and (next_char == "/" or next_char == ":")
end

--- Does a result of `a` also speak for `b`: the same check, or a part of it?
function checks.covers(a, b)
  if a.kind ~= b.kind or a.runner ~= b.runner then return false end
  if #a.filters > 0 and not same_list(a.filters, b.filters) then return false end
  if #a.targets == 0 then return true end
  if #b.targets == 0 then return false end
  for _, target in ipairs(b.targets) do
    local found = false
    for _, folder in ipairs(a.targets) do found = found or beneath(target, folder) end
    if not found then return false end
  end
  return true
end

return checks
