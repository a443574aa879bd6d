--- Users that servers know by signed tokens (operator mode of NATS): an operator, an account with JetStream, and files
-- of users for `--creds`. Keys are made and used by openssl.
--
--     local operator = dofile "tests/nats/operator.lua".new(dir)
--     operator:configuration()                                  -- text for a server
--     operator:user_creds { publish = {…}, subscribe = {…} }    -- the path of a user's file; no list: all subjects
local cjson = require "cjson"

local Operator = {}
Operator.__index = Operator

local OPERATOR, ACCOUNT, USER, SEED = 14 << 3, 0, 20 << 3, 18 << 3 -- first bytes of keys

local function sh(command)
  local pipe <close> = assert(io.popen("env -u LD_PRELOAD " .. command))
  return pipe:read "a"
end

local function write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  assert(file:write(text))
end

-- Bits in groups of `size`, as letters of `letters`.
local function encode(bytes, size, letters)
  local out, value, bits = {}, 0, 0
  for i = 1, #bytes do
    value, bits = value << 8 | bytes:byte(i), bits + 8
    while bits >= size do
      bits = bits - size
      local n = value >> bits & (1 << size) - 1
      out[#out + 1] = letters:sub(n + 1, n + 1)
    end
    value = value & (1 << bits) - 1
  end
  if bits > 0 then
    local n = value << size - bits
    out[#out + 1] = letters:sub(n + 1, n + 1)
  end
  return table.concat(out)
end

local BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

local function base64(bytes) return encode(bytes, 6, BASE64) end

-- With a checksum: CRC-16/XMODEM, low byte first.
local function nkey(bytes)
  local crc = 0
  for i = 1, #bytes do
    crc = crc ~ bytes:byte(i) << 8
    for _ = 1, 8 do crc = (crc & 0x8000 ~= 0 and crc << 1 ~ 0x1021 or crc << 1) & 0xffff end
  end
  return encode(bytes .. string.pack("<I2", crc), 5, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
end

-- { path =, public =, seed = } of a new key.
local function new_key(self, kind)
  self.keys = self.keys + 1
  local path = ("%s/nkey%d.pem"):format(self.dir, self.keys)
  sh(("openssl genpkey -algorithm ed25519 -out %s"):format(path))
  local private = sh(("openssl pkey -in %s -outform DER"):format(path)):sub(-32)
  local public = sh(("openssl pkey -in %s -pubout -outform DER"):format(path)):sub(-32)
  return { path = path, public = nkey(string.char(kind) .. public),
    seed = nkey(string.char(SEED | kind >> 5, (kind & 31) << 3) .. private) }
end

local function token(self, issuer, subject, name, claims)
  claims.version = 2
  local body = { jti = name, iat = os.time(), iss = issuer.public, sub = subject.public, name = name, nats = claims }
  local text = base64 '{"typ":"JWT","alg":"ed25519-nkey"}' .. "." .. base64(cjson.encode(body))
  write(self.dir .. "/unsigned", text)
  return text .. "." .. base64(sh(("openssl pkeyutl -sign -rawin -inkey %s -in %s/unsigned"):format(issuer.path,
    self.dir)))
end

function Operator:configuration()
  return ("operator: %s\nsystem_account: %s\nresolver: MEMORY\nresolver_preload: {\n  %s: %s\n  %s: %s\n}\n"):format(
    self.token, self.system.public, self.system.public, self.system_token, self.account.public, self.account_token)
end

local function allowed(list) return list and { allow = list } or {} end

function Operator:user_creds(rights)
  local user = new_key(self, USER)
  local claims = { type = "user", pub = allowed(rights.publish), sub = allowed(rights.subscribe), subs = -1, data = -1,
    payload = -1 }
  local path = ("%s/user%d.creds"):format(self.dir, self.keys)
  local frame = "-----BEGIN NATS USER JWT-----\n%s\n------END NATS USER JWT------\n\n" ..
    "-----BEGIN USER NKEY SEED-----\n%s\n------END USER NKEY SEED------\n"
  write(path, frame:format(token(self, self.account, user, "user", claims), user.seed))
  return path
end

local function limits(storage)
  return { subs = -1, data = -1, payload = -1, imports = -1, exports = -1, wildcards = true, conn = -1, leaf = -1,
    mem_storage = storage, disk_storage = storage, streams = storage, consumer = storage }
end

local operator = {}

function operator.new(dir)
  local self = setmetatable({ dir = dir, keys = 0 }, Operator)
  local key = new_key(self, OPERATOR)
  self.account, self.system = new_key(self, ACCOUNT), new_key(self, ACCOUNT)
  self.token = token(self, key, key, "operator", { type = "operator" })
  self.account_token = token(self, key, self.account, "team", { type = "account", limits = limits(-1) })
  self.system_token = token(self, key, self.system, "system", { type = "account", limits = limits(0) })
  return self
end

return operator
