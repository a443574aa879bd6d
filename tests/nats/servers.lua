--- Servers for tests: one nats-server, or a cluster of three, with JetStream, on free loopback ports, with everything
-- in a temporary folder of its own. They end with the test, however it ends (see `keeper`).
--
--     local nats = dofile "tests/nats/servers.lua"
--     if not nats.available() then return pending(nats.MISSING) end      -- in each test: it is skipped and counted
--     local s = nats.start()                          -- one server; nats.start { size = 3 }: a cluster
--     s:url "team"                                    -- nats://127.0.0.1:PORT[,…]/team, for `debrief -d`
--     s:kill(2)  s:stop(2)                            -- SIGKILL, SIGTERM; return when it has ended
--     s:run(2)   s:wait_current()                     -- start it again; wait until every replica has everything
--     s:pause(2) s:resume(2)                          -- SIGSTOP, SIGCONT: its connections stay open
--     s:leader "team"                                 -- number of the node that leads a stream, nil without leader
--     s:get(1, "/varz")                               -- what the monitoring endpoint says, decoded
--     s:request("$JS.API.STREAM.INFO.team")           -- ask as any client of NATS does; the answer, decoded
--     s:request("team.e.s1", "text", { [name] = value })   -- put a message into a stream, perhaps with headers
--     s:close()  nats.clean()                         -- end one, end all: `teardown(nats.clean)`
--
-- Options of start:
--   size         1 or 3
--   tls          true: the server has a certificate for localhost and 127.0.0.1, url() says tls://, s.tls =
--                { ca, cert, key } are the paths for a client; "verify": clients must show theirs. s.tls.other_ca,
--                other_cert, other_key are those of an authority that the server does not know
--   certificate  with tls: { names = "DNS:elsewhere" }, what the server's is for; { days = -1 }: it has expired
--   users        { { user =, password =, publish = { subjects }, subscribe = { subjects } }, … }: a user without list
--                may use every subject; url("team", "user:password") is an address with a name
--   creds        true: users are known by signed tokens; s.creds is the path of a user's file, and
--                s.operator:user_creds { publish =, subscribe = } makes one with fewer rights
--   max_payload  bytes of a message; max_store: bytes that all streams may have on disk; jetstream = false: without
--   config       more text for the configuration
--   cut          true: the last node runs in a network namespace of its own, so that s:cut() and s:join() can
--                take its network away; root only, see nats.can_cut()
local cjson = require "cjson"

local servers = {}
servers.MISSING = "no nats-server, or built with NATS=no"

local DEADLINE = 30 -- seconds that a state may take to come

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end

local function sh(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read "a":gsub("\n$", ""))
end

local function must(command) assert(os.execute(command .. " >/dev/null"), command) end

local function write(path, text)
  local file <close> = assert(io.open(path, "w"))
  assert(file:write(text))
end

local function read(path)
  local file <close> = io.open(path)
  return file and file:read "a" or ""
end

local here = sh "pwd -P" .. "/tests/nats/"
local open = {} -- what clean() closes

--- Is there a nats-server, and was the build made with NATS?
function servers.available()
  local library <close> = io.open((os.getenv "BUILD" or "build") .. "/libdebrief-nats.so.0")
  return library ~= nil and os.execute "command -v nats-server >/dev/null" == true
end

--- May this user make network namespaces?
function servers.can_cut()
  return os.execute "unshare -n true 2>/dev/null && command -v ip >/dev/null && ip netns list >/dev/null 2>&1" == true
end

-- ---- Ports ----------------------------------------------------------------------------------------------------------

-- Numbers of the ports in use. Those that free_ports takes lie below the kernel's range for clients.
local function used_ports()
  local used = {}
  for line in (read "/proc/net/tcp" .. read "/proc/net/tcp6"):gmatch "[^\n]+" do
    local port = line:match "^%s*%d+: %x+:(%x+)"
    if port then used[tonumber(port, 16)] = true end
  end
  return used
end

local function random(most)
  local file <close> = assert(io.open("/dev/urandom", "rb"))
  return (string.unpack("<I4", file:read(4))) % most + 1
end

local function free_ports(n)
  local used, ports = used_ports(), {}
  while #ports < n do
    local port = 10000 + random(20000)
    if not used[port] then
      used[port] = true
      ports[#ports + 1] = port
    end
  end
  return ports
end

-- ---- Configuration --------------------------------------------------------------------------------------------------

local function list(words)
  local out = {}
  for i, word in ipairs(words) do out[i] = ("%q"):format(word) end
  return "[" .. table.concat(out, ", ") .. "]"
end

local function permissions(user)
  local out = {}
  for _, what in ipairs { "publish", "subscribe" } do
    if user[what] then out[#out + 1] = ("%s: { allow: %s }"):format(what, list(user[what])) end
  end
  return #out > 0 and (", permissions: { %s }"):format(table.concat(out, ", ")) or ""
end

local function users_block(users)
  local out = {}
  for i, user in ipairs(users) do
    out[i] = ("  { user: %q, password: %q%s }"):format(user.user, user.password, permissions(user))
  end
  return ("authorization { users: [\n%s\n] }\n"):format(table.concat(out, "\n"))
end

local function tls_block(tls, verify)
  return ("tls { cert_file: %q, key_file: %q, ca_file: %q, verify: %s }\n"):format(tls.server_cert, tls.server_key,
    tls.ca, verify and "true" or "false")
end

-- The text of one node's configuration.
local function configuration(s, node)
  local o = s.options
  local text = { ("server_name: n%d\nlisten: %q\nhttp: %q\n"):format(node.number, node.host .. ":" .. node.port,
    node.host .. ":" .. node.http) }
  local function add(...) text[#text + 1] = string.format(...) end
  if o.max_payload then add("max_payload: %d\n", o.max_payload) end
  if o.jetstream ~= false then
    local folder = ("%s/store%d"):format(s.dir, node.number)
    add("jetstream { store_dir: %q, max_file: %d }\n", folder, o.max_store or 1 << 33)
  end
  if #s.nodes > 1 then
    local routes = {}
    for i, other in ipairs(s.nodes) do routes[i] = ("nats://%s:%d"):format(other.host, other.route) end
    add("cluster { name: tests, listen: %q, routes: %s }\n", node.host .. ":" .. node.route, list(routes))
  end
  if o.users then add("%s", users_block(o.users)) end
  if s.tls then add("%s", tls_block(s.tls, o.tls == "verify")) end
  if s.operator then add("%s", s.operator:configuration()) end
  add("%s\n", o.config or "")
  return table.concat(text)
end

local function openssl(...) must(("openssl %s 2>/dev/null"):format(string.format(...))) end

local KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -keyout %s -out %s -subj /CN=%s"

local function make_authority(key, cert)
  openssl("req -x509 " .. KEY .. " -addext basicConstraints=critical,CA:TRUE", quote(key), quote(cert), "tests")
end

-- An authority and two certificates that it signed: the server's, and a client's; and another authority.
local function make_certificates(dir, o)
  local tls = { ca = dir .. "/ca.pem", server_cert = dir .. "/server.pem", server_key = dir .. "/server.key",
    cert = dir .. "/client.pem", key = dir .. "/client.key", other_ca = dir .. "/other.pem",
    other_cert = dir .. "/other.pem", other_key = dir .. "/other.key" }
  make_authority(dir .. "/ca.key", tls.ca)
  make_authority(tls.other_key, tls.other_ca)
  for name, more in pairs { server = o.names or "DNS:localhost,IP:127.0.0.1", client = "DNS:client" } do
    local path = dir .. "/" .. name
    openssl("req " .. KEY, quote(path .. ".key"), quote(path .. ".csr"), name)
    write(path .. ".ext", "subjectAltName=" .. more)
    openssl("x509 -req -in %s -CA %s -CAkey %s -CAcreateserial -days %d -extfile %s -out %s", quote(path .. ".csr"),
      quote(tls.ca), quote(dir .. "/ca.key"), name == "server" and o.days or 2, quote(path .. ".ext"),
      quote(path .. ".pem"))
  end
  return tls
end

-- ---- Servers --------------------------------------------------------------------------------------------------------

local Servers = {}
Servers.__index = Servers

-- Ask the keeper; the answer is its own event.
local function ask(s, ...)
  assert(s.keeper:write(table.concat({ ... }, " "), "\n"))
  s.keeper:flush()
  return assert(s.answers:read "l", "the keeper has ended")
end

-- Call `f` until it returns something true, and return that.
local function wait_for(what, f, seconds)
  local deadline = os.time() + (seconds or DEADLINE)
  repeat
    local value = f()
    if value then return value end
    os.execute "sleep 0.03"
  until os.time() > deadline
  error("waited too long for " .. what, 3)
end
servers.wait_for = wait_for

local HTTP = [[env -u LD_PRELOAD bash -c 'exec 3<>/dev/tcp/%s/%d && printf "GET %s HTTP/1.0\r\n\r\n" >&3 &&
  cat <&3' 2>/dev/null]]

--- What the monitoring endpoint of a node says at a path, decoded; nil when it does not answer.
function Servers:get(number, path)
  local node = self.nodes[number]
  if not node.pid then return nil end
  local body = sh(HTTP:format(node.host, node.http, path)):match "\r\n\r\n(.*)$"
  local fine, value = pcall(cjson.decode, body or "")
  return fine and value or nil
end

-- Send what is in a file, and print what the first answer holds. Answers come as MSG or HMSG lines, sizes last.
local ASK = [[env -u LD_PRELOAD bash -c 'exec 3<>/dev/tcp/%s/%d && cat %s >&3 || exit
  while read -r -t 10 -a words <&3; do
    case ${words[0]} in
      MSG|HMSG) size=${words[-1]%%$'"'\\r'"'} head=0
        [ ${words[0]} = HMSG ] && head=${words[-2]}
        dd bs=1 count=$size <&3 2>/dev/null | tail -c +$((head + 1))
        exit ;;
      -ERR*) echo "${words[*]}"; exit ;;
    esac
  done']]

--- Send a message and wait for the answer: that of JetStream is JSON and comes decoded, another as a text.
-- @param headers { [name] = value }, or nil
function Servers:request(subject, text, headers)
  local node, path = self.nodes[1], self.dir .. "/request"
  if not node.pid then node = self.nodes[2] end
  text = text or ""
  local lines, verb, size = {}, "PUB", #text
  for name, value in pairs(headers or {}) do lines[#lines + 1] = ("%s: %s\r\n"):format(name, value) end
  local head = headers and "NATS/1.0\r\n" .. table.concat(lines) .. "\r\n" or ""
  if headers then verb, size = "HPUB", ("%d %d"):format(#head, #head + #text) end
  local connect = 'CONNECT {"verbose":false,"headers":true,"no_responders":true}\r\nSUB _INBOX.tests 1\r\n'
  write(path, ("%s%s %s _INBOX.tests %s\r\n%s%s\r\n"):format(connect, verb, subject, size, head, text))
  local answer = sh(ASK:format(node.host, node.port, quote(path)))
  local fine, value = pcall(cjson.decode, answer)
  return fine and value or answer
end

--- The log of a node so far.
function Servers:log(number) return read(("%s/%d.log"):format(self.dir, number)) end

local function healthy(s, number)
  local health = s:get(number, "/healthz")
  return health and health.status == "ok"
end

local function launch(s, number)
  local node = s.nodes[number]
  local answer = ask(s, "start", number, node.under or "")
  node.pid = tonumber(answer)
  return node.pid
end

--- Start a node that was killed or stopped, and wait until it answers. `s:wait_current()` waits for its copies.
function Servers:run(number)
  assert(not self.nodes[number].pid, "this node runs")
  assert(launch(self, number), self:log(number))
end

local function ended(s, number, signal)
  assert(ask(s, "kill", number, signal) == "ended")
  s.nodes[number].pid = nil
end

--- End a node, now (kill) or as a service manager does (stop); both return once it has ended.
function Servers:kill(number) ended(self, number, "KILL") end
function Servers:stop(number) ended(self, number, "TERM") end

--- Kill it, start it, and wait until it has everything again.
function Servers:restart(number)
  self:kill(number)
  self:run(number)
  self:wait_current()
end

--- Let a node do nothing for a while, with its connections open.
function Servers:pause(number) ask(self, "signal", number, "STOP") end
function Servers:resume(number) ask(self, "signal", number, "CONT") end

-- ---- A network of its own -------------------------------------------------------------------------------------------

-- The node gets a network namespace, joined with ours by a pair of virtual cards: 10.x.y.1 is here, 10.x.y.2 there.
local function isolate(s, node)
  local x, y = random(250), random(250)
  local net, card = ("10.%d.%d."):format(x, y), ("dbf%02x%02x"):format(x, y)
  s.namespace, s.card, s.gate, node.host = card, card .. "a", net .. "1", net .. "2"
  node.under = "ip netns exec " .. card
  must(([[ip netns add %s && ip link add %sa type veth peer name %sb netns %s && ip addr add %s1/30 dev %sa
    ip link set %sa up && in="ip netns exec %s" && $in ip addr add %s2/30 dev %sb && $in ip link set %sb up &&
    $in ip link set lo up]]):format(card, card, card, card, net, card, card, card, net, card, card))
  for _, other in ipairs(s.nodes) do
    if other ~= node then other.host = s.gate end
  end
end

--- Take the network of the last node away, without a word to anybody, and give it back.
function Servers:cut() must(("ip link set %s down"):format(self.card)) end
function Servers:join() must(("ip link set %s up"):format(self.card)) end

-- ---- Looking --------------------------------------------------------------------------------------------------------

--- HOST:PORT of a node.
function Servers:host(number) return self.nodes[number].host .. ":" .. self.nodes[number].port end

--- Address of a log: `who` is nil or "user:password", `numbers` which nodes are named (all).
function Servers:url(name, who, numbers)
  local hosts = {}
  for i, number in ipairs(numbers or { 1, 2, 3 }) do
    if self.nodes[number] then hosts[i] = self:host(number) end
  end
  local scheme, at = self.tls and "tls" or "nats", who and who .. "@" or ""
  return ("%s://%s%s/%s"):format(scheme, at, table.concat(hosts, ","), name)
end

-- { [name of the stream] = its details by the node that leads it }, over all accounts.
local function streams_of(s)
  local streams = {}
  for number, node in ipairs(s.nodes) do
    local answer = node.pid and s:get(number, "/jsz?accounts=true&streams=true")
    for _, account in ipairs(answer and answer.account_details or {}) do
      for _, stream in ipairs(account.stream_detail or {}) do
        local leader = stream.cluster and stream.cluster.leader
        if #s.nodes == 1 or leader == "n" .. number then streams[stream.name] = stream end
        if not streams[stream.name] then streams[stream.name] = { leaderless = true } end
      end
    end
  end
  return streams
end

--- Details of a stream as its leader sees it: `state.messages`, `state.last_seq`, …; nil without one.
function Servers:stream(name)
  local stream = streams_of(self)[name]
  return stream and not stream.leaderless and stream or nil
end

--- The number of the node that leads a stream, or without a name all streams (the metadata); nil without leader.
function Servers:leader(name)
  local leader
  if name then
    local stream = self:stream(name)
    leader = stream and (stream.cluster or {}).leader
  else
    for number, node in ipairs(self.nodes) do
      local answer = node.pid and self:get(number, "/jsz")
      leader = leader or answer and answer.meta_cluster and answer.meta_cluster.leader
    end
  end
  return tonumber((leader or ""):match "^n(%d)$")
end

local function all_current(replicas)
  for _, replica in ipairs(replicas or {}) do
    if not replica.current or replica.offline or (replica.lag or 0) > 0 then return false end
  end
  return true
end

-- Is every running node healthy, every stream led, and every copy that a leader knows of complete?
local function is_current(s)
  for number, node in ipairs(s.nodes) do
    if node.pid and not healthy(s, number) then return false end
  end
  if #s.nodes == 1 then return true end
  local leader = s:leader()
  local meta = leader and s:get(leader, "/jsz")
  if not (meta and all_current(meta.meta_cluster.replicas)) then return false end
  for _, stream in pairs(streams_of(s)) do
    if stream.leaderless or not all_current(stream.cluster and stream.cluster.replicas) then return false end
  end
  return true
end

--- Wait until all nodes are current: killing one now loses nothing.
function Servers:wait_current(seconds)
  wait_for("the nodes to be current", function() return is_current(self) end, seconds)
end

--- End all servers of it and remove its folder.
function Servers:close()
  if not open[self] then return end
  open[self] = nil
  self.keeper:close()
  self.answers:close()
  if self.namespace then must("ip netns del " .. self.namespace) end
end

--- End all that runs.
function servers.clean()
  for s in pairs(open) do s:close() end
end

local function place_nodes(s)
  local size = s.options.size or 1
  local ports = free_ports(3 * size)
  for number = 1, size do
    local node = { number = number, host = "127.0.0.1" }
    node.port, node.http, node.route = table.unpack(ports, 3 * number - 2, 3 * number)
    s.nodes[number] = node
  end
  if s.options.cut then isolate(s, s.nodes[size]) end
end

-- Another program may have taken a port between the look and the start: then other ones, for all.
local function try(s)
  place_nodes(s)
  for number, node in ipairs(s.nodes) do write(("%s/%d.conf"):format(s.dir, number), configuration(s, node)) end
  for number in ipairs(s.nodes) do
    if not launch(s, number) then
      assert(s:log(number):find "address already in use", s:log(number))
      for other = 1, number - 1 do s:kill(other) end
      return false
    end
  end
  return true
end

local function start(s)
  must("mkfifo " .. quote(s.dir .. "/answers"))
  local command = "exec env -u LD_PRELOAD setpriv --pdeathsig TERM setsid %s %s" -- a test has a sanitizer's
  command = command:format(quote(here .. "keeper"), quote(s.dir))
  s.keeper = assert(io.popen(command, "w"))
  s.answers = assert(io.open(s.dir .. "/answers"))
  open[s] = true
  local tries = 0
  repeat
    tries = tries + 1
    assert(tries < 5, "no free ports")
  until try(s)
  if s.options.jetstream ~= false then s:wait_current() end
  return s
end

--- Start servers and wait until they are ready.
function servers.start(options)
  local s = setmetatable({ options = options or {}, nodes = {} }, Servers)
  s.dir = sh "mktemp -d /tmp/debrief-nats.XXXXXX"
  if s.options.tls then s.tls = make_certificates(s.dir, s.options.certificate or {}) end
  if s.options.creds then
    s.operator = dofile(here .. "operator.lua").new(s.dir)
    s.creds = s.operator:user_creds {}
  end
  local fine, message = pcall(start, s)
  if fine then return s end
  s:close()
  error(message, 0)
end

--- Run the program with a log at an address.
-- @param scene of spec/support/program
-- @param words an array, which gets the address in front
-- @return what scene:run returns
function servers.run(scene, url, words)
  table.insert(words, 1, "-d")
  table.insert(words, 2, url)
  return scene:run(words)
end

return servers
