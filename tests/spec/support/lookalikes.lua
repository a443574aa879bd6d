--- Strings that only look like secrets: what agents print all day. `lookalikes.one(make)` returns one of them, made
-- with a maker of tests/spec/support/secrets.lua.
local lookalikes = {}

local words = { "amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor", "inlet", "juniper", "kelp",
  "lagoon", "meadow", "north", "orchard", "prairie", "quarry", "ridge", "spruce", "tundra", "upland", "valley" }

local function word(m) return m.pick(words) end
local function camel(m) return word(m) .. word(m):gsub("^%l", string.upper) .. word(m):gsub("^%l", string.upper) end
local function name_of_key(m)
  return m.pick { "password", "token", "secret", "api_key", "apiKey", "API_KEY", "client_secret", "access_token",
    "auth_token", "DB_PASSWORD", "SECRET_KEY", "passphrase", "credentials", "private_key", "refreshToken" }
end

local dashes = ("-"):rep(5)

-- Each returns one string.
local makers = {
  -- hashes and ids
  function(m) return "commit " .. m.hex(40) end,
  function(m) return ("%s (HEAD -> main) %s %s"):format(m.hex(7), word(m), word(m)) end,
  function(m) return ("index %s..%s 100644"):format(m.hex(10), m.hex(10)) end,
  function(m) return m.hex(64) .. "  dist/" .. word(m) .. "-1.4.2.tar.gz" end,
  function(m) return "request id=" .. m.uuid() .. " status=200" end,
  function(m) return m.uuid() end,
  function(m) return "image: registry.example.com/" .. word(m) .. "@sha256:" .. m.hex(64) end,
  function(m) return "Digest: sha256:" .. m.hex(64) end,
  function(m) return ('"integrity": "sha512-%s=="'):format(m.base64(86)) end,
  function(m) return ("js-tokens@4.0.0: resolved, integrity sha512-%s=="):format(m.base64(86)) end,
  function(m) return "etag: W/\"" .. m.hex(32) .. "\"" end,
  function(m) return ("cache-key-%s restored"):format(m.hex(32)) end,
  function(m) return "key: node-modules-" .. m.hex(64) end,
  function(m) return "trace_id=" .. m.hex(32) .. " span_id=" .. m.hex(16) end,
  function(m) return ("task-%s-%s-%s finished"):format(word(m), word(m), m.hex(8)) end,
  function(m) return ("/nix/store/%s-%s-2.1"):format(m.lower(32), word(m)) end,
  function(m) return ("https://cdn.example.com/assets/%s.%s.js"):format(word(m), m.hex(20)) end,
  function(m) return "session_id: " .. m.uuid() end,
  function(m) return "md5sum " .. m.hex(32) end,
  function(m) return "Content-MD5: " .. m.base64(22) .. "==" end,
  -- pictures and other base64
  function(m) return "data:image/png;base64,iVBORw0KGgo" .. m.base64(400) .. "=" end,
  function(m) return "![x](data:image/jpeg;base64,/9j/4AAQSkZJRg" .. m.base64(700) .. ")" end,
  function(m) return dashes .. "BEGIN CERTIFICATE" .. dashes .. "\n" .. m.base64(64) .. "\n" .. m.base64(64) end,
  function(m) return "ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB" .. m.base64(340) .. " ada@host" end,
  function(m) return "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5" .. m.base64(44) .. " ada@host" end,
  function(m) return '{"signature":"' .. m.base64(300) .. '=="}' end,
  -- vectors of hexadecimal numbers
  function(m) return "Key: " .. m.hex(32) .. "\nIV: " .. m.hex(32) .. "\nPlaintext: " .. m.hex(64) end,
  function(m) return "KEY = " .. m.hex(64) .. "\nCT = " .. m.hex(32) end,
  function() return "key = 000102030405060708090a0b0c0d0e0f" end,
  function() return "secret = 0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b" end,
  function(m) return "0x" .. m.hex(8) .. ": " .. m.hex(4) .. " " .. m.hex(4) .. " " .. m.hex(4) end,
  -- types, calls, references
  function(m) return name_of_key(m) .. ": string;" end,
  function(m) return "  " .. name_of_key(m) .. "?: string | null" end,
  function(m) return "def login(user: str, " .. name_of_key(m) .. ": str = None) -> bool:" end,
  function(m) return name_of_key(m) .. ": Option<String>," end,
  function(m) return ("var %s string"):format(name_of_key(m)) end,
  function(m) return ("const %s = process.env.%s;"):format(name_of_key(m), name_of_key(m):upper()) end,
  function(m) return ("%s = os.environ[%q]"):format(name_of_key(m), name_of_key(m):upper()) end,
  function(m) return ("%s = os.getenv('%s')"):format(name_of_key(m), name_of_key(m):upper()) end,
  function(m) return ("%s = config.%s.%s"):format(name_of_key(m), word(m), word(m)) end,
  function(m) return ("%s=self.%s,"):format(name_of_key(m), camel(m)) end,
  function(m) return ("%s := get%s(ctx)"):format(name_of_key(m), camel(m)) end,
  function(m) return ("if (%s === undefined) throw new Error('no %s')"):format(name_of_key(m), name_of_key(m)) end,
  function(m) return ("assert.equal(user.%s, %s)"):format(name_of_key(m), camel(m)) end,
  function(m) return ("expect(%s).toBeDefined()"):format(name_of_key(m)) end,
  function(m) return ("%s: ${{ secrets.%s }}"):format(name_of_key(m), name_of_key(m):upper()) end,
  function(m) return ("%s=${%s}"):format(name_of_key(m):upper(), name_of_key(m):upper()) end,
  function(m) return ("%s=$%s"):format(name_of_key(m):upper(), name_of_key(m):upper()) end,
  function(m) return ("export %s=$(cat /run/secrets/%s)"):format(name_of_key(m):upper(), word(m)) end,
  function(m) return ("%s_FILE=/run/secrets/%s"):format(name_of_key(m):upper(), word(m)) end,
  function(m) return ("%s: {{ .Values.%s.%s }}"):format(name_of_key(m), word(m), word(m)) end,
  function(m) return ("secretKeyRef:\n  name: %s-%s\n  key: %s"):format(word(m), word(m), word(m)) end,
  function(m) return ("secretName: %s-tls"):format(word(m)) end,
  function(m) return ("%s = var.%s_%s"):format(name_of_key(m), word(m), name_of_key(m)) end,
  function(m) return ("Authorization: Bearer $%s"):format(name_of_key(m):upper()) end,
  function() return "Authorization: Bearer <token>" end,
  function(m) return ("curl -H \"Authorization: Bearer ${%s}\" https://h"):format(name_of_key(m):upper()) end,
  -- placeholders
  function(m) return name_of_key(m) .. "=<your " .. word(m) .. " here>" end,
  function(m) return name_of_key(m) .. ": xxxxxxxxxxxxxxxxxxxx" end,
  function(m) return name_of_key(m) .. "=changeme" end,
  function(m) return name_of_key(m) .. '="your-' .. name_of_key(m) .. '-here"' end,
  function(m) return name_of_key(m) .. ": ********" end,
  function(m) return name_of_key(m) .. '=""' end,
  function(m) return ('"%s": null,'):format(name_of_key(m)) end,
  function(m) return ('"%s": true,'):format(name_of_key(m)) end,
  function() return "gh" .. "p_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" end,
  function() return "postgres://user:password@localhost:5432/app" end,
  function() return "https://<user>:<password>@host/x.git" end,
  function(m) return ("redis://:${%s}@cache:6379"):format(name_of_key(m):upper()) end,
  -- prose
  function(m) return "The " .. name_of_key(m) .. " is missing, so the " .. word(m) .. " test fails." end,
  function(m) return "Rotate the " .. name_of_key(m) .. " every " .. m.random(90) .. " days and never log it." end,
  function(m) return "Please enter your password: " .. word(m) .. " accounts are locked after 3 tries." end,
  function() return "A token is valid for 3600 seconds; a key, for a year." end,
  function() return "Bearer authentication-with-refresh is what the docs call it." end,
  function() return "Basic authentication is disabled, use OAuth." end,
  function(m) return "password must be at least " .. m.random(20) .. " characters, with 2 digits" end,
  function() return "Private keys begin with " .. dashes .. "BEGIN RSA PRIVATE " .. "KEY" .. dashes .. " lines." end,
  function() return "Cookie: a small file. Set-Cookie: tells the browser." end,
  function(m) return "--password string   the password of " .. word(m) end,
  function(m) return "  --token TOKEN   token for " .. word(m) .. " (env: TOKEN)" end,
  function(m) return "the sort key is created_at, the partition key is " .. word(m) .. "_id" end,
  function(m) return "author=" .. word(m) .. " monkey=" .. word(m) .. " keyboard: " .. word(m) end,
  function(m) return "passed 12, failed 0; PASS: Test" .. camel(m) .. "/case_" .. m.random(9) end,
  function(m) return ("| test | PASS | %d/%dms |"):format(m.random(999), m.random(9999)) end,
  function(m) return "bypass=" .. word(m) .. " compass: north" .. m.random(360) end,
  -- numbers of tokens, names of tests, forms
  function(m) return ('"usage":{"input_tokens":%d,"output_tokens":%d}'):format(m.random(90000), m.random(9000)) end,
  function(m) return "max_tokens=" .. m.random(8192) .. " temperature=0.2" end,
  function(m) return "tokens: " .. m.random(99999) .. ", cost: 0.0" .. m.random(99) end,
  function(m) return "tests/test_auth.py::test_token_is_refreshed_" .. word(m) .. " PASSED [ 41%]" end,
  function(m) return '<input type="password" name="password" placeholder="' .. word(m) .. '">' end,
  function() return '{"password":"Password","forgot":"Forgot your password?","token":"Token"}' end,
  function() return '{"errors":{"password":"must not be empty","token":"is invalid"}}' end,
  function(m) return ("const [%s, set%s] = useState('')"):format(name_of_key(m), camel(m)) end,
  function(m) return ("SELECT %s FROM users WHERE id = %d"):format(name_of_key(m), m.random(999)) end,
  function(m) return ("git clone git@github.com:%s/%s.git"):format(word(m), word(m)) end,
  function(m) return "http://localhost:" .. (3000 + m.random(5000)) .. "/@" .. word(m) .. "/profile" end,
  function(m) return "docker run -p 8080:80 -u 1000:1000 " .. word(m) end,
  function(m) return "curl -s https://example.com/" .. word(m) .. " | jq .token" end,
  function(m) return "import { " .. camel(m) .. " } from '@scope/" .. word(m) .. "'" end,
  function(m) return ("getUser%sFromRequest(%s)"):format(camel(m), camel(m)) end,
  function(m) return "arn:aws:secretsmanager:eu-west-1:123456789012:secret:" .. word(m) .. "-" .. m.alnum(6) end,
  function(m) return "mkdir -p build/" .. word(m) .. " && cp key.h " .. word(m) .. "/" end,
  function(m) return ("risk-%s desk-%s disk-%s"):format(word(m), word(m), m.hex(8)) end,
  function(m) return "sk-learn-" .. word(m) .. "-estimator-html-doc-link" end,
  function(m) return "HostKeyAlgorithms sk-ssh-ed25519-cert-v0" .. m.random(9) .. "@openssh.com" end,
  function(m) return "'Test2::Event::Pass' => '1.302" .. m.digits(3) .. "'," end,
  function(m) return "exit code=" .. m.random(255) .. " &Key = Info->Read" .. camel(m) .. "(at1)" end,
  function(m) return "GET /search?key=" .. word(m) .. "&code=" .. m.digits(3) .. "&signature=v1" end,
  function(m) return "A mnemonic: every " .. word(m) .. " has a name as long as its line, more or less" end,
  function(m) return "each row is identified by '" .. word(m) .. "_id', rootpw is documented elsewhere" end,
  function(m) return "v" .. m.random(9) .. "." .. m.random(99) .. "." .. m.random(99) .. "+build." .. m.hex(8) end,
  function(m) return "2026-11-03T10:14:07.532Z INFO " .. word(m) .. ": auth ok for user " .. m.random(9999) end,
}

--- One string, of a maker that is chosen at random.
function lookalikes.one(make) return makers[make.random(#makers)](make) end

lookalikes.kinds = #makers

return lookalikes
