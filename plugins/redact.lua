-- redact: secrets out, before an entry is stored (append --enrich redact) or shown. Each string at any depth, and each
-- name of a field, loses what has the shape of a known credential: "token ghp_…" becomes "token [REDACTED:github]". An
-- entry that can not be cleaned is refused, as one with a secret for its session id.
--
-- Only shapes that hardly anything else has; a password in prose stays. Linear time: a plain search for the keyword,
-- then one look at the run of characters behind it, whether it is a secret or not. A keyword inside a word is none,
-- unless what stands before it is an escape such as \n. A private key without its end takes the rest of the text.
local debrief = require "debrief"

local function mixed(token) return token:find("%d") and token:find("%u") end -- no words-with-hyphens
local TOKENS = { -- kind, keyword, characters, how many at least behind the keyword, test of the whole
  { "aws", "AKIA", "%u%d", 16 }, { "aws", "ASIA", "%u%d", 16 }, { "github", "github_pat_", "%w_", 22 },
  { "anthropic", "sk-ant-", "%w_-", 20 }, { "openai", "sk-", "%w_-", 20, mixed }, { "google", "AIza", "%w_-", 35 },
  { "gitlab", "glpat-", "%w_-", 20 }, { "npm", "npm_", "%w", 36 }, { "pypi", "pypi-", "%w_-", 50 },
  { "stripe", "sk_live_", "%w", 16 }, { "stripe", "rk_live_", "%w", 16 }, { "huggingface", "hf_", "%w", 34 },
  { "jwt", "eyJ", "%w_.-", 20, function(token) return token:find("^[%w_-]+%.eyJ[%w_-]+%.") end },
  { "bearer", "Bearer ", "%w._~+/=-", 20 }, { "bearer", "bearer ", "%w._~+/=-", 20 },
}
for letter in ("pousr"):gmatch(".") do TOKENS[#TOKENS + 1] = { "github", "gh" .. letter .. "_", "%w", 36 } end
for letter in ("abprs"):gmatch(".") do TOKENS[#TOKENS + 1] = { "slack", "xox" .. letter .. "-", "%w-", 10 } end

-- What each of these gives for a keyword that stands at `from` and ends before `at`: the first and the last character
-- to replace, or nil for no secret; and where to look on.
local function token(text, from, at, rule)
  local before = text:sub(math.max(from - 2, 1), from - 1)
  if before:find("%w$") and not before:find("^\\[nrt]$") then return nil, nil, at end
  local to = (text:find("[^" .. rule[3] .. "]", at) or #text + 1) - 1
  local secret = to - at + 1 >= rule[4] and (not rule[5] or rule[5](text:sub(from, to)))
  return secret and (rule[2]:find(" ") and at or from), to, to + 1 -- the word Bearer stays
end

local function private_key(text, from, at)
  local label = text:match("^[%u%d ]*PRIVATE KEY", at)
  if not label then return nil, nil, at end
  local _, to = text:find("%-%-%-%-%-END " .. label .. "[^-]*%-+", at)
  return from, to or #text, (to or #text) + 1
end

local function password(text, _, at) -- ://user:password@
  local stop = text:find("[%s/?#\"'<>@]", at) or #text + 1
  local colon = text:sub(stop, stop) == "@" and text:find(":", at, true) or stop
  return colon + 1 < stop and colon + 1, stop - 1, stop
end

local function replace(text, kind, keyword, look, rule)
  local from, out, done = text:find(keyword, 1, true), {}, 1
  while from do
    local first, last, on = look(text, from, from + #keyword, rule)
    if first then out[#out + 1], done = text:sub(done, first - 1) .. "[REDACTED:" .. kind .. "]", last + 1 end
    from = text:find(keyword, on, true)
  end
  return table.concat(out) .. text:sub(done)
end

local function clean(text)
  text = replace(replace(text, "private_key", "-----BEGIN ", private_key), "password", "://", password)
  for _, rule in ipairs(TOKENS) do text = replace(text, rule[1], rule[2], token, rule) end
  return text
end

local function dirty(value, found) -- adds { object or array, key, clean string, or clean name of the key }
  for key, item in pairs(value) do
    local name, text = type(key) == "string" and clean(key) or key, type(item) == "string" and clean(item) or item
    if debrief.type(item) == "object" or debrief.type(item) == "array" then dirty(item, found) end
    if text ~= item then found[#found + 1] = { value, key, text } end
    if name ~= key then found[#found + 1] = { value, key, nil, name } end
  end
  return found
end

return { name = "redact", api = 1, summary = "Replaces secrets in every string by [REDACTED:kind]", on_error = "refuse",
  enrich = function(entry)
    local found = dirty(entry, {})
    for _, at in ipairs(found) do
      if at[4] then at[1][at[4]], at[3] = debrief.json(debrief.raw(at[1], at[2])), nil end
      at[1][at[2]] = at[3]
    end
    if found[1] and dirty(entry, {})[1] then error("a secret in a field that is there twice can not be replaced") end
  end,
}
