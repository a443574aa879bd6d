--- A log at an address: the options that say how to log in, its handle, which is open as long as the command runs, and
-- how places in it are shown. Loaded for an address only.
--
--     FOLDER/s1.jsonl:12:3456  ->  NAME/s1:12@789      line 12 of the session, which came in message 789
-- @module debrief.cli.address
local core = require "debrief.core"
local messages = require "debrief.cli.messages"

local address = {}

local OPTIONS = { ["--creds"] = "creds", ["--tls-ca"] = "tls_ca", ["--tls-cert"] = "tls_cert",
  ["--tls-key"] = "tls_key", ["--timeout"] = "timeout_ms" }

-- The words of scripts and commands, which may have such options of their own.
local OWN = { run = true, repl = true, record = true }

--- Take the options out of the words. After the name of a command that runs another, they are not ours.
-- @return the words without them, and what debrief.core.log takes; nil, nil, message
function address.take(words)
  local rest, login, i = { [0] = words[0] }, {}, 1
  while i <= #words do
    local word = words[i]
    local name, value = word:match "^(%-%-[a-z-]+)=(.*)$"
    local key = OPTIONS[name or word]
    if word == "--" or OWN[word] then break end
    if key and not name then i, value = i + 1, words[i + 1] end
    if key and not value then return nil, nil, ("option '%s' requires an argument"):format(word) end
    if key then login[key] = value else rest[#rest + 1] = word end
    i = i + 1
  end
  table.move(words, i, #words, #rest + 1, rest)
  local text = login.timeout_ms
  login.timeout_ms = text and require "debrief.text.time".duration(text)
  if text and not login.timeout_ms then
    return nil, nil, ("--timeout takes a length of time like 30s or 2m, not '%s'"):format(text)
  end
  return rest, login
end

-- ---- Places --------------------------------------------------------------------------------------------------------

local function plain(text) return (text:gsub("%p", "%%%0")) end

local ID = "([A-Za-z0-9][A-Za-z0-9._-]*)%.jsonl"

-- What a text says of the folder, said of the address.
local function translator(log)
  local name, shown = log:store()
  return function(text)
    local folder = select(4, log:store())
    if not folder or not text:find(folder, 1, true) then return text end
    local at = plain(folder)
    local function place(id, line)
      local sequence = log:sequence(id, math.tointeger(line))
      return ("%s/%s:%s%s"):format(name, id, line, sequence and "@" .. sequence or "")
    end
    text = text:gsub(at .. "/" .. ID .. ":(%d+):%d+", place):gsub(at .. "/" .. ID .. ":(%d+)", place)
    return (text:gsub(at .. "/" .. ID, name .. "/%1"):gsub(at, (shown:gsub("%%", "%%%%"))))
  end
end

-- The options again, for a process that works for this one.
local function words_of(login)
  local words = {}
  for option, key in pairs(OPTIONS) do
    if key ~= "timeout_ms" and login[key] then words[#words + 1] = ("%s=%s"):format(option, login[key]) end
  end
  return words
end

--- Open the log of a command, for as long as it runs.
-- @param args dir =; gets store = the log, dir = the address as it is shown, login = { dir = as it was given, options =
--   login, words = the same as words }
-- @param login of address.take
function address.open(args, login)
  local log, message, code = core.log(args.dir, login)
  if not log then messages.fail(message, code == 1 and 2 or 1) end
  args.store, args.dir, args.login = log, log:dir(), { dir = args.dir, options = login or {},
    words = words_of(login or {}) }
  messages.translate = translator(log)
  if type(args.session) == "table" and #args.session > 0 then return end -- what is of no session is not of these
  local told = 0
  function messages.left_out()
    local list = select(3, log:store())
    local new = table.move(list, told + 1, #list, 1, {})
    told = #list
    return new
  end
end

--- Diagnostics of a log at an address, for output that is not text: NAME/SESSION as path, and the message as sequence.
function address.places(log, list)
  for _, d in ipairs(list) do
    local path = messages.translate(d.path)
    if path ~= d.path then d.path, d.sequence = path, log:sequence(d.session, d.line) end
  end
end

return address
