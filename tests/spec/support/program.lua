--- For specs that run the program: a fresh folder, the words, what was printed and how it ended. Also makes lua/ and
-- the module debrief.core of the build found.
--
--     local s = program.scene()                      -- a temporary folder, removed by program.clean()
--     s:write("sessions/s1.jsonl", '{"session_id":"s1"}\n')
--     local r = s:run { "read", "s1", stdin = "", env = { NO_COLOR = "1" } }
--     r.status, r.out, r.err
local program = {}

local function sh(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read "a"
  pipe:close()
  return (text:gsub("\n$", ""))
end

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end
program.quote = quote

program.root = sh "pwd -P"
program.build = sh("cd " .. quote(os.getenv "BUILD" or "build") .. " && pwd -P")
program.path = program.build .. "/debrief"
-- With a sanitizer in it, the program needs far more address space than it uses.
program.sanitized = (os.getenv "LD_PRELOAD" or ""):find "asan" ~= nil
package.path = program.root .. "/lua/?.lua;" .. program.root .. "/lua/?/init.lua;" .. package.path
package.cpath = program.build .. "/lua/?.so;" .. package.cpath

local function read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local text = file:read "a"
  file:close()
  return text
end
program.read = read

local Scene = {}
Scene.__index = Scene
local parents = {}

-- Folders are made in advance, with one command: starting programs is what most specs spend their time on.
local ROOM = 30
local rooms, spares = {}, {} -- spares: folders to come into rooms

local function names(parent, prefix, n)
  local list = {}
  for i = 1, n do list[i] = ("%s/%s%d"):format(parent, prefix, n + 1 - i) end
  return list
end

local function make_rooms()
  local parent = sh "mktemp -d /tmp/debrief-spec.XXXXXX"
  parents[#parents + 1] = parent
  rooms, spares = names(parent, "", ROOM), names(parent, "spare", 2 * ROOM)
  sh(("chmod 755 %s && mkdir -m 700 %s && mkdir -m 755 %s"):format(parent, table.concat(rooms, " "),
    table.concat(spares, " ")))
end

-- Make the folders on the way to a file; Lua cannot make one, but move it.
local function make_way(path)
  for folder in path:gmatch "()/" do
    local name = path:sub(1, folder - 1)
    local there = name == "" or io.open(name)
    if io.type(there) then there:close() end
    if not there and not (#spares > 0 and os.rename(table.remove(spares), name)) then
      os.execute("mkdir -p " .. quote(path:match "^(.*)/"))
      return
    end
  end
end

--- A temporary folder of its own.
function program.scene()
  if #rooms == 0 then make_rooms() end
  return setmetatable({ dir = table.remove(rooms) }, Scene)
end

--- Remove every temporary folder.
function program.clean()
  if #parents > 0 then os.execute("rm -rf " .. table.concat(parents, " ")) end
  parents, rooms, spares = {}, {}, {}
end

function Scene:path(name) return self.dir .. "/" .. name end

--- Write a file of the folder; folders on the way are made.
function Scene:write(name, text)
  local path = self:path(name)
  local file = io.open(path, "wb")
  if not file then
    make_way(path)
    file = assert(io.open(path, "wb"))
  end
  assert(file:write(text))
  assert(file:close())
  return path
end

--- The bytes of a file of the folder, nil when it is not there.
function Scene:read(name) return read(self:path(name)) end

--- Shell commands that give a command its environment, without any of the tester's own settings.
-- @param env more variables; false takes one away
function Scene:settings(env)
  local unset, export = { "unset LD_PRELOAD ASAN_OPTIONS DEBRIEF_DIR DEBRIEF_PLUGIN_PATH DEBRIEF_LUA_DIR NO_COLOR "
    .. "XDG_STATE_HOME INPUTRC" }, {}
  export[1] = ("export HOME=%s XDG_CONFIG_HOME= TZ=UTC LC_ALL=C.UTF-8 DEBRIEF=%s"):format(quote(self.dir .. "/home"),
    quote(program.path))
  if not env or env.PAGER == nil then export[2] = "PAGER=cat" end
  for name, value in pairs(env or {}) do
    if value then export[#export + 1] = name .. "=" .. quote(value) else unset[#unset + 1] = name end
  end
  return ("%s; %s"):format(table.concat(unset, " "), table.concat(export, " "))
end

--- A shell command in the folder; $DEBRIEF is the program. Its output and exit status, minus the signal that ended it.
function Scene:sh(command, env)
  local _, how, status = os.execute(("cd %s && exec >.out 2>.err || exit 127\n%s\n%s"):format(quote(self.dir),
    self:settings(env), command))
  return { out = self:read ".out", err = self:read ".err", status = how == "exit" and status or -status }
end

--- Run the program as a user who may read no file here: `in.jsonl` and sessions are made so.
-- Without `line`: can this be done?
function Scene:unprivileged(line)
  local root = self:sh("id -u").out == "0\n"
  local drop = root and "setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all " or ""
  if not line then return self:sh(drop .. "true").status == 0 end
  self:sh [[cp "$DEBRIEF" debrief; chmod 755 . debrief; chmod 555 sessions; chmod 000 in.jsonl sessions/*.jsonl]]
  local r = self:sh(drop .. "./debrief " .. line)
  self:sh "chmod 755 sessions; chmod 644 in.jsonl sessions/*.jsonl"
  return r
end

--- Run the program with words; `stdin` is a text (default: nothing), `env` more variables.
function Scene:run(words)
  local line = { '"$DEBRIEF"' }
  for i, word in ipairs(words) do line[i + 1] = quote(word) end
  self:write(".in", words.stdin or "")
  return self:sh("exec " .. table.concat(line, " ") .. " <.in", words.env)
end

return program
