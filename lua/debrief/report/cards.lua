--- Entries as cards of an HTML page: what people look for first, attempts and outputs folded, all of it escaped, and
-- without credentials. Long texts are cut in their middle; the cards end where the page would become too large.
-- @module debrief.report.cards
local card = require "debrief.entry.card"
local core = require "debrief.core"
local escape = require "debrief.text.escape"
local failure = require "debrief.entry.failure"
local outcome = require "debrief.entry.outcome"
local svg = require "debrief.report.svg"
local values = require "debrief.text.values"

local cards = {
  --- Bytes of all cards, and of one text.
  MOST = 1 << 20, TEXT = 6000,
}

local MOST_LINES = 200 -- of a value that is an object
local MOST_ATTEMPTS = 50

local text = svg.text

-- A text with its middle left out, cut between characters.
local function cut(s)
  if #s <= cards.TEXT then return s end
  local first, last = cards.TEXT * 2 // 3, #s - cards.TEXT // 3
  while first > 1 and s:find("^[\x80-\xbf]", first + 1) do first = first - 1 end
  while last < #s and s:find("^[\x80-\xbf]", last) do last = last + 1 end
  return ("%s\n… %d of %d bytes left out …\n%s"):format(s:sub(1, first), last - 1 - first, #s, s:sub(last))
end

local function pre(s)
  return ("<pre>\n%s</pre>"):format(svg.markup(escape(cut(s), "\n\t"))) -- a parser drops the first line break
end

local function is_object(value) return core.type(value) == "object" or core.type(value) == "array" end

local function scalar(key, value)
  if type(value) == "number" and key:find "_ms$" then return values.number(value, "ms") end
  if type(value) == "number" then return core.encode(value) end
  if value == core.null then return "null" end
  return tostring(value)
end

-- Any value as lines.
local function lines(value)
  if type(value) == "string" then return value end
  if core.type(value) == "object" then return card.members(value, MOST_LINES) end
  if core.type(value) ~= "array" then return scalar("", value) end
  local out = {}
  for i, item in ipairs(value) do
    if i > MOST_LINES then
      out[i] = ("… %d of %d shown"):format(MOST_LINES, #value)
      break
    end
    out[i] = lines(item)
  end
  return table.concat(out, "\n")
end

local function folded(out, title, body, open)
  out[#out + 1] = ("<details%s><summary>%s</summary>%s</details>"):format(open and " open" or "", text(title), body)
end

local function row(out, name, value) out[#out + 1] = ("<dt>%s</dt><dd>%s</dd>"):format(text(name), text(value)) end

-- ---- Attempts -------------------------------------------------------------------------------------------------------

local SHOWN_OF_ATTEMPT = { attempt = true, model = true, verified = true, duration_ms = true }

local function heading(attempt, i)
  local parts = { ("Attempt %d"):format(i) }
  if type(attempt.model) == "string" then parts[#parts + 1] = attempt.model end
  if attempt.verified == true then parts[#parts + 1] = "verified"
  elseif attempt.verified == false then parts[#parts + 1] = "not verified" end
  if type(attempt.duration_ms) == "number" then parts[#parts + 1] = values.number(attempt.duration_ms, "ms") end
  return table.concat(parts, ", ")
end

local function attempts(out, list)
  if core.type(list) ~= "array" then return end
  for i, attempt in ipairs(list) do
    if i > MOST_ATTEMPTS then
      out[#out + 1] = ("<p>%d of %d attempts are shown.</p>"):format(MOST_ATTEMPTS, #list)
      break
    end
    local body = {}
    for key, value in pairs(core.type(attempt) == "object" and attempt or {}) do
      if not SHOWN_OF_ATTEMPT[key] then body[#body + 1] = ("<p>%s</p>%s"):format(text(key), pre(lines(value))) end
    end
    if core.type(attempt) == "object" then folded(out, heading(attempt, i), table.concat(body)) end
  end
end

-- ---- Cards ----------------------------------------------------------------------------------------------------------

local HEAD = { skill = true, session_id = true, timestamp = true, attempts = true, final_status = true }

-- The first line of the last output that names trouble.
local function trouble(entry)
  local output
  for _, attempt in ipairs(core.type(entry.attempts) == "array" and entry.attempts or {}) do
    local said = core.type(attempt) == "object" and attempt.runner_output
    if type(said) == "string" and said ~= "" then output = said end
  end
  return output and failure(output) or nil
end

local function one_card(item, id)
  local entry, out = item.entry, {}
  local result, ns = outcome(entry), core.time(entry)
  local skill = type(entry.skill) == "string" and entry.skill or "no skill"
  out[1] = ('<article id="%s"><h3>%s <span class="%s">%s</span> <code>%s</code></h3>'):format(id, text(cut(skill)),
    result, result, text(("%s:%d"):format(item.session, item.line)))
  local why = result == "fail" and trouble(entry)
  if why then out[#out + 1] = "<p>" .. text(why) .. "</p>" end
  out[#out + 1] = "<dl>"
  if ns then row(out, "time", core.date("%Y-%m-%d %H:%M:%S", ns)) end
  local long = {}
  for key, value in pairs(entry) do
    if is_object(value) or type(value) == "string" and (#value > 200 or value:find "\n") then
      if not HEAD[key] then long[#long + 1] = { key, value } end
    elseif not HEAD[key] or key == "final_status" then
      row(out, key, scalar(key, value))
    end
  end
  out[#out + 1] = "</dl>"
  for _, one in ipairs(long) do folded(out, one[1], pre(lines(one[2]))) end
  attempts(out, entry.attempts)
  out[#out + 1] = "</article>"
  return table.concat(out, "\n")
end

-- How many there are, and what is not here.
local function summary(entries, n, full)
  local what = entries.cited and "cited" or "selected"
  local parts = { ("%d of %d %s entries."):format(n, entries.all, what) }
  if full then
    parts[2] = ("The others are left out: the cards of a page have at most %d KiB."):format(cards.MOST >> 10)
  elseif n < entries.all then
    parts[2] = "The others could not be read, or are in sessions of the same name."
  end
  parts[#parts + 1] = "debrief read SESSION:LINE shows any of them."
  return table.concat(parts, " ")
end

--- @param entries { list = an iterator of { session =, line =, entry = }, all = how many there are, cited = true unless
--   they are those of the query }, or nil for none
-- @param keep_secrets true: do not take out credentials
-- @return { html = a section or "", ids = "session:line" -> the id of its card }
function cards.render(entries, keep_secrets)
  local page = { ids = {}, html = "" }
  if not entries or entries.all == 0 then return page end
  local out, bytes, n, full = {}, 0, 0, false
  for item in entries.list do
    local clean = keep_secrets or pcall(core.redact, item.entry) -- one that cannot be cleaned is not shown
    if clean then
      local name = ("%s:%d"):format(item.session, item.line)
      if not keep_secrets then name = core.redact(name) end
      local one = one_card(item, "e" .. n + 1)
      full = bytes + #one > cards.MOST
      if full then break end
      n, bytes, page.ids[name] = n + 1, bytes + #one, "e" .. n + 1
      out[n] = one
    end
  end
  local note = keep_secrets
    and '<p class="note">Credentials were NOT taken out of these entries (--no-redact).</p>' or ""
  page.html = ('<section id="entries"><h2>Entries</h2>%s<p class="soft">%s</p>\n%s\n</section>\n'):format(note,
    text(summary(entries, n, full)), table.concat(out, "\n"))
  return page
end

return cards
