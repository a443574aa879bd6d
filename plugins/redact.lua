-- redact: secrets out, before an entry is stored (append --enrich redact) or shown. Every string at any depth, and
-- every name of a field, loses what debrief knows as a credential: "token ghp_…" becomes "token [REDACTED:github]".
-- An entry that cannot be cleaned is refused, such as one with a secret for its session id.
--
-- The work is done in C, in time proportional to the text: see debrief.redact. More goes with options:
--
--     --opt email=true                        e-mail addresses
--     --opt 'pattern=EMP-\d{6}'               what a pattern matches
--     --opt patterns=FILE                     what the patterns in a file match: NAME PATTERN in each line
local debrief = require "debrief"

local EMAIL = [[[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}]]

-- NAME PATTERN in each line, added to `patterns`; or nil and a message.
local function read_lines(text, patterns)
  local number = 0
  for line in (text .. "\n"):gmatch "(.-)\r?\n" do
    number = number + 1
    local name, pattern = line:match "^([a-z0-9_]+)[ \t]+(%S.*)$"
    if name then patterns[name] = patterns[name] and ("(%s)|(%s)"):format(patterns[name], pattern) or pattern
    elseif line:find "^%s*[^%s#]" then return nil, ("line %d is not NAME PATTERN"):format(number) end
  end
  return patterns
end

-- A function that cleans as the options say; or nil and a message.
local function cleaner(options)
  local patterns, message = { own = options.pattern, email = options.email and EMAIL or nil }, nil
  if options.patterns then patterns, message = read_lines(options.patterns, patterns) end
  if not patterns then return nil, message end
  if not next(patterns) then return debrief.redact end
  return debrief.redactor(patterns)
end

-- The check of an option that must be `what`.
local function is(what)
  return function(_, options)
    local clean, message = cleaner(options)
    return clean ~= nil, ("%s (%s)"):format(what, message)
  end
end

local made_for, clean -- the options of the last call, and their function

return { name = "redact", api = 1, summary = "Replaces secrets in every string by [REDACTED:kind]", on_error = "refuse",
  options = {
    email = { type = "boolean", default = false, help = "e-mail addresses, too" },
    pattern = { type = "string", help = "a pattern: what it matches goes, too", check = is "a pattern" },
    patterns = { type = "file", help = "a file of them: NAME PATTERN in each line",
      check = is "a file of patterns" },
  },
  enrich = function(entry, ctx)
    if not clean or made_for ~= ctx.options then made_for, clean = ctx.options, assert(cleaner(ctx.options or {})) end
    clean(entry)
  end,
}
