--- What a failure is called: the same wherever one is named, so that a loop and a group of failures can be compared.
--
--     failure("Exit code 1\nCompiling 3 files\n/a/x.c:12:3: error: no rule\n")      "x.c:N:N: error: no rule"
--
-- It is the first line of an output that names trouble, or else the first that is not noise: blank, ornament, progress,
-- a test that passes, a command, a part of a diff, what an agent puts in front. Colours and leading times go, numbers
-- become N, hex and ids HEX, paths their last part: so the same failure, in another place and at another time, has the
-- same name.
-- @module debrief.entry.failure
local core = require "debrief.core"
local short = require "debrief.text.short"

local LONGEST = 201 -- characters of a name
local LOOKS = 1 << 18 -- bytes of an output that are looked at

-- Words of a line in small letters that names trouble.
local TROUBLE = {
  "error", "fail", "panic", "exception", "assert", "fatal", "expected", "undefined", "cannot", "can't", "not found",
  "no such", "denied", "refused", "timed out", "timeout", "mismatch", "segmentation", "killed",
}

-- Lines that say nothing about what went wrong.
local NOISE = {
  "^%A*$", "^([=_*~#-])%1%1.*%1%1%1$",                            -- no letters, ornaments
  "^ok%f[%W]", "^PASS", "^%-%-%- PASS", "^=== ", "^✓", "^%(pass%) ", " ok$", -- tests that pass or begin
  "^%d+%) ", "^%d+ tests? failed:$", "^FAIL$", "^Failures?:$", "^Errors?:$", -- headings, names of tests
  "%d%%%]?$", "^%[?%s*%d+%%", "%.%.%.$", "^[.FEsxX]+$",           -- progress
  "^Compiling ", "^Downloading ", "^Collecting ", "^Installing ", "^[Rr]unning ", "^Generated ", "^==> ",
  "^[Ww]arning: ", "^Traceback ", "^[$>] ", "^%[[%w:_.-]+%] %$ ", -- a command
  "^diff %-%-git ", "^index %x+%.%.%x+", "^%-%-%- %S*/", "^%+%+%+ %S*/", "^@@ ", "^[+-] ", -- a diff
  "^[Ee]xit code:? %d+$", "^Process exited with code %d+$", "^Command exited with code %d+$",
  "^<exited with exit code %d+>$", "^Chunk ID: ", "^Wall time: ", "^Original token count: ", "^Output:$", -- agents
}

local function any(patterns, line)
  for _, pattern in ipairs(patterns) do
    if line:find(pattern) then return true end
  end
  return false
end

-- The final look of a line: the last state of a progress bar, without colours and without the time at its start.
local function clean(line)
  line = line:match "^.*[^\r]" or ""
  line = (line:match "^.*\r(.*)$" or line):sub(1, 500)
  line = line:gsub("\27%[[%d;?]*%a", "")
  line = line:gsub("^%s*[%[(]?%d%d%d%d%-%d%d%-%d%d[T ][%d:.,]+[Z%d:+-]*[%])]?", "") -- [2026-11-01T10:00:00.123Z]
  line = line:gsub("^%s*%[?%d+:%d%d:%d%d[%d.,]*%]?", "") -- [10:00:00]
  local from = line:find "%S"
  return from and line:match(".*%S", from) or ""
end

local function telling_line(output)
  local fallback, in_hunk = nil, false -- of a diff: its lines may be about anything
  for raw in output:gmatch "[^\n]+" do
    local line = clean(raw)
    in_hunk = raw:find "^@@ " ~= nil or in_hunk and raw:find "^[ +\\-]" ~= nil
    if not in_hunk and not any(NOISE, line) then
      local words = line:lower():gsub("%f[%w]0 %a+", ""):gsub("%f[%a]no errors?", "") -- "0 failed" is no trouble
      if any(TROUBLE, words) then return line end
      fallback = fallback or line
    end
  end
  return fallback or "(nothing meaningful)"
end

-- Of a path. "get/2" is a function of two arguments and stays.
local function last_part(path)
  local last = path:match "[^/]+$"
  return last and (last:find "%D" or path:find "/.*/") and last or nil
end

local function normalise(line)
  line = line:gsub("[%w._~@+-]*/[%w._~@+/-]*", last_part)
  line = line:gsub("0x%x+", "HEX")
  line = line:gsub("%f[%w]%d+%f[%W]", "N")               -- a number
  line = line:gsub("%f[%w]%x%x%x%x%x%x%x+%f[%W]", "HEX") -- a hash
  line = line:gsub("HEX%-[%xN-]*HEX", "HEX")             -- a UUID
  line = line:gsub("%f[%w]%d+", "N")                     -- 30s
  return short(line:gsub("%s+", " "), LONGEST)
end

--- The name of a failure.
-- @param output what a command printed; nil, null or "" is no output
-- @return one line of text
local function failure(output)
  if output == nil or output == core.null or output == "" then return "(no output)" end
  return normalise(telling_line(tostring(output):sub(1, LOOKS)))
end

return failure
