--- Made-up secrets with their labels, and ways to write one down. Everything is made when a test runs, from the shapes
-- that providers document: no secret, and nothing a scanner takes for one, stands in a file. Written apart from the
-- matcher's own tables, so that one checks the other.
local secrets = {}

local UPPER, LOWER, DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "0123456789"
local ALNUM = UPPER .. LOWER .. DIGITS

--- Functions that make a text of n characters of one class. `random(n)` returns 1 to n.
function secrets.maker(random)
  local make = { random = random }
  local function class(name, characters)
    make[name] = function(n)
      local out = {}
      for i = 1, n do
        local at = random(#characters)
        out[i] = characters:sub(at, at)
      end
      return table.concat(out)
    end
  end
  class("alnum", ALNUM)
  class("upper", UPPER .. DIGITS)
  class("lower", LOWER .. DIGITS)
  class("letters", LOWER)
  class("hex", DIGITS .. "abcdef")
  class("digits", DIGITS)
  class("word", ALNUM .. "_")
  class("key", ALNUM .. "_-")
  class("base64", ALNUM .. "+/")
  class("base32", UPPER .. "234567")
  class("password", ALNUM .. "!%*+-_~^")
  function make.pick(list) return list[random(#list)] end
  function make.uuid()
    return ("%s-%s-%s-%s-%s"):format(make.hex(8), make.hex(4), make.hex(4), make.hex(4), make.hex(12))
  end
  -- A key that people or programs make up: with digits, however short.
  function make.strong(n) return make.alnum(n - 4) .. make.letters(1) .. make.digits(2) .. make.letters(1) end
  return make
end

local function lines(text, width)
  local out = {}
  for i = 1, #text, width do out[#out + 1] = text:sub(i, i + width - 1) end
  return table.concat(out, "\n")
end

local function pem(label, body, ending)
  local dashes = ("-"):rep(5)
  local head, tail = dashes .. "BEGIN " .. label .. dashes, dashes .. "END " .. label .. dashes
  return head .. "\n" .. (body:find "\n" and body or lines(body, 64)) .. (ending and "\n" .. tail or "")
end

local function base64(text)
  local out = {}
  for i = 1, #text, 3 do
    local a, b, c = text:byte(i, i + 2)
    local bits = a << 16 | (b or 0) << 8 | (c or 0)
    for k = 3, 0, -1 do
      local at = (bits >> 6 * k & 63) + 1
      out[#out + 1] = (ALNUM:sub(1, 26) .. LOWER .. DIGITS .. "+/"):sub(at, at)
    end
    if not b then out[#out], out[#out - 1] = "=", "=" elseif not c then out[#out] = "=" end
  end
  return table.concat(out)
end

--- The kinds: { label =, marker = kind in the marker (nil: any), make =, ... }. make(m) returns what is written down
-- and the part of it that must not survive (nil: all of it). `multiline`: it has line breaks of its own.
secrets.kinds = {}

local function kind(label, marker, make, options)
  local one = { label = label, marker = marker, make = make }
  for key, value in next, options or {} do one[key] = value end
  secrets.kinds[#secrets.kinds + 1] = one
end

-- A token that is a prefix and a body.
local function token(label, marker, prefix, class, n)
  kind(label, marker, function(m) return prefix .. m[class](n) end)
end

-- A setting: name, separator, value of a class.
local function setting(label, name, class, n)
  kind(label, nil, function(m)
    local value = class == "uuid" and m.uuid() or m[class](n)
    return name .. value, value
  end, { is_setting = true })
end

-- Clouds
token("AWS access key", "aws", "AK" .. "IA", "base32", 16)
token("AWS temporary access key", "aws", "AS" .. "IA", "base32", 16)
setting("AWS secret key", "aws_secret_access_key = ", "base64", 40)
setting("AWS secret key in the environment", "AWS_SECRET_ACCESS_KEY=", "base64", 40)
setting("AWS secret key of the API", '"SecretAccessKey": "', "base64", 40)
setting("AWS session token", "AWS_SESSION_TOKEN=", "base64", 300)
kind("AWS session token by its head", "aws_session", function(m) return "IQoJb3Jp" .. "Z2lu" .. m.base64(260) end)
kind("AWS MWS", "aws", function(m) return "amzn" .. ".mws." .. m.uuid() end)
kind("Azure storage account", nil, function(m)
  local key = m.base64(86) .. "=="
  return "DefaultEndpointsProtocol=https;AccountName=st1;AccountKey=" .. key .. ";EndpointSuffix=core.windows.net", key
end, { is_setting = true })
kind("Azure service bus", nil, function(m)
  local key = m.base64(43) .. "="
  return "Endpoint=sb://bus.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=" .. key, key
end, { is_setting = true })
kind("Azure client secret", "azure", function(m) return m.alnum(3) .. "8" .. "Q~" .. m.key(31) .. m.alnum(3) end)
kind("Azure SAS", nil, function(m)
  local sig = m.alnum(43) .. "%3D"
  return "https://store1.blob.core.windows.net/c?sv=2022-11-02&sr=c&sig=" .. sig, sig
end, { is_setting = true })
setting("Azure API management", "Ocp-Apim-Subscription-Key: ", "hex", 32)
kind("Azure function key", "azure", function(m) return m.alnum(44) .. "Az" .. "Fu" .. m.alnum(5) .. "==" end)
setting("Azure DevOps", "AZURE_DEVOPS_EXT_PAT=", "lower", 52)
token("Google API key", "google", "AI" .. "za", "key", 35)
token("Google OAuth client", "google", "GOC" .. "SPX-", "key", 28)
token("Google OAuth access", "google", "ya" .. "29.", "key", 120)
token("Google OAuth refresh", "google", "1/" .. "/0", "key", 60)
kind("Google service account", "private_key", function(m)
  local body = m.base64(200)
  local escaped = pem("PRIVATE " .. "KEY", body, true):gsub("\n", "\\n")
  return ('{"type":"service_account","private_key":"%s"}'):format(escaped), body
end, { is_json = true })
token("Alibaba", "alibaba", "LT" .. "AI", "alnum", 20)
token("Tencent", "tencent", "AK" .. "ID", "alnum", 32)
kind("DigitalOcean", "digitalocean", function(m) return "do" .. m.pick { "p", "o", "r" } .. "_v1_" .. m.hex(64) end)
setting("Heroku", "HEROKU_API_KEY=", "uuid")
token("Heroku, new", "heroku", "HR" .. "KU-AA", "key", 58)
token("Fly", "fly", "FlyV1 fm" .. "2_", "base64", 200)
token("PlanetScale password", "planetscale", "pscale_" .. "pw_", "key", 43)
token("PlanetScale token", "planetscale", "pscale_" .. "tkn_", "key", 43)
token("Supabase", "supabase", "sb" .. "p_", "hex", 40)
token("Databricks", "databricks", "da" .. "pi", "hex", 32)
setting("Cloudflare global key", "CLOUDFLARE_API_KEY=", "hex", 37)
setting("Cloudflare token", "CF_API_TOKEN=", "key", 40)
kind("Cloudflare origin CA", "cloudflare", function(m) return "v1" .. ".0-" .. m.hex(24) .. "-" .. m.hex(146) end)
token("Netlify", "netlify", "nf" .. "p_", "alnum", 36)
setting("Vercel", "VERCEL_TOKEN=", "alnum", 24)
token("Render", "render", "rn" .. "d_", "alnum", 32)
token("OpenShift", "openshift", "sha" .. "256~", "key", 43)
token("Dbt", "dbt", "dbt" .. "c_", "key", 40)

-- Code
for letter, what in ("pours"):gmatch "(.)()" do
  token("GitHub gh" .. letter, "github", "gh" .. letter .. "_", "alnum", 36 + what % 2)
end
kind("GitHub fine-grained", "github", function(m) return "github" .. "_pat_" .. m.alnum(22) .. "_" .. m.alnum(59) end)
setting("GitHub, old", "GITHUB_TOKEN=", "hex", 40)
for _, prefix in ipairs { "pat", "dt", "rt", "cbt", "ptt", "ft", "imt", "agent", "oas", "soat", "ffct" } do
  token("GitLab gl" .. prefix, "gitlab", "gl" .. prefix .. "-", "key", 20)
end
token("GitLab runner", "gitlab", "GR13" .. "48941", "key", 20)
kind("Bitbucket app password", "bitbucket", function(m) return "AT" .. "BB" .. m.alnum(32) end)
token("Atlassian", "atlassian", "ATA" .. "TT3xFfGF0", "key", 180)
token("npm", "npm", "np" .. "m_", "alnum", 36)
setting("npm, old", "//registry.npmjs.org/:_authToken=", "uuid")
kind("npm basic", nil, function(m)
  local pair = base64("ada:" .. m.alnum(12))
  return "_auth=" .. pair, pair
end, { is_setting = true })
token("PyPI", "pypi", "pypi-" .. "AgEIcHlwaS5vcmc", "key", 150)
token("RubyGems", "rubygems", "rubygems" .. "_", "hex", 48)
token("crates.io", "crates_io", "c" .. "io", "alnum", 32)
token("NuGet", "nuget", "oy" .. "2", "lower", 43)
token("Docker Hub", "docker", "dckr" .. "_pat_", "key", 27)
kind("Docker config", nil, function(m)
  local pair = base64("ada:" .. m.alnum(16))
  return '{"auths":{"https://index.docker.io/v1/":{"auth":"' .. pair .. '"}}}', pair
end, { is_json = true })
token("Artifactory", "artifactory", "AK" .. "Cp", "alnum", 69)
token("SonarQube", "sonarqube", "sq" .. "p_", "hex", 40)
kind("CircleCI", "circleci", function(m) return "CCI" .. "PAT_" .. m.alnum(22) .. "_" .. m.hex(40) end)
token("Sourcegraph", "sourcegraph", "sg" .. "p_", "hex", 40)
token("Pulumi", "pulumi", "pu" .. "l-", "hex", 40)
kind("Terraform", "terraform", function(m) return m.alnum(14) .. ".atla" .. "sv1." .. m.key(67) end)
token("Vault service", "vault", "hv" .. "s.", "key", 92)
token("Vault batch", "vault", "hv" .. "b.", "key", 140)
token("Vault, old", "vault", "s" .. ".", "alnum", 24)
token("Doppler", "doppler", "dp" .. ".pt.", "alnum", 43)
token("1Password service account", "onepassword", "ops" .. "_eyJ", "key", 250)
kind("1Password secret key", "onepassword", function(m)
  return "A" .. "3-" .. table.concat({ m.upper(6), m.upper(6), m.upper(5), m.upper(5), m.upper(5), m.upper(5) }, "-")
end)
token("age", "age", "AGE-" .. "SECRET-KEY-1", "upper", 58)
setting("Snyk", "SNYK_TOKEN=", "uuid")
setting("Codecov", "CODECOV_TOKEN=", "uuid")
token("Buildkite", "buildkite", "bk" .. "ua_", "hex", 40)

-- Models
token("OpenAI", "openai", "s" .. "k-", "alnum", 48)
token("OpenAI project", "openai", "s" .. "k-proj-", "key", 74)
token("OpenAI service account", "openai", "s" .. "k-svcacct-", "key", 74)
kind("Anthropic", "anthropic", function(m) return "sk" .. "-ant-api03-" .. m.key(93) .. "AA" end)
token("OpenRouter", "openrouter", "sk" .. "-or-v1-", "hex", 64)
token("Groq", "groq", "gs" .. "k_", "alnum", 52)
token("xAI", "xai", "xa" .. "i-", "alnum", 80)
token("Perplexity", "perplexity", "pp" .. "lx-", "alnum", 48)
token("Replicate", "replicate", "r" .. "8_", "alnum", 37)
token("Hugging Face", "huggingface", "h" .. "f_", "alnum", 34)
setting("Mistral", "MISTRAL_API_KEY=", "alnum", 32)
setting("Cohere", "COHERE_API_KEY=", "alnum", 40)
token("NVIDIA", "nvidia", "nv" .. "api-", "key", 64)
kind("LangSmith", "langsmith", function(m) return "lsv2" .. "_pt_" .. m.hex(32) .. "_" .. m.hex(10) end)
token("Pinecone", "pinecone", "pc" .. "sk_", "word", 60)
token("ElevenLabs", "elevenlabs", "s" .. "k_", "hex", 48)

-- Messages
local function slack(label, prefix, make)
  kind(label, "slack", function(m) return prefix .. table.concat({ make(m) }, "-") end)
end
slack("Slack bot", "xo" .. "xb-", function(m) return m.digits(12), m.digits(13), m.alnum(24) end)
slack("Slack user", "xo" .. "xp-", function(m) return m.digits(12), m.digits(12), m.hex(32) end)
slack("Slack app", "xa" .. "pp-1-", function(m) return m.upper(11), m.digits(13), m.hex(64) end)
kind("Slack webhook", "slack", function(m)
  local path = m.upper(9) .. "/B" .. m.upper(10) .. "/" .. m.alnum(24)
  return "https://hooks.slack" .. ".com/services/T" .. path, path
end)
kind("Discord bot", "discord", function(m)
  local id = base64(m.pick { "1", "2", "9" } .. m.digits(17))
  return id .. "." .. m.alnum(6) .. "." .. m.key(37) .. m.alnum(1)
end)
kind("Discord webhook", "discord", function(m)
  local path = m.digits(18) .. "/" .. m.key(68)
  return "https://discord" .. ".com/api/webhooks/" .. path, path
end)
kind("Teams webhook", "teams", function(m)
  local path = m.uuid() .. "@" .. m.uuid() .. "/IncomingWebhook/" .. m.hex(32) .. "/" .. m.uuid()
  return "https://acme.webhook" .. ".office.com/webhookb2/" .. path, path
end)
kind("Telegram", "telegram", function(m) return m.digits(10) .. ":A" .. "A" .. m.key(32) .. m.alnum(1) end)
token("Twilio API key", "twilio", "S" .. "K", "hex", 32)
setting("Twilio auth token", "TWILIO_AUTH_TOKEN=", "hex", 32)
kind("SendGrid", "sendgrid", function(m) return "S" .. "G." .. m.key(22) .. "." .. m.key(42) .. m.alnum(1) end)
token("Mailgun", "mailgun", "ke" .. "y-", "hex", 32)
kind("Mailchimp", "mailchimp", function(m) return m.hex(32) .. "-u" .. "s" .. m.random(20) end)
kind("Brevo", "brevo", function(m) return "xkey" .. "sib-" .. m.hex(64) .. "-" .. m.alnum(16) end)
setting("Postmark", "X-Postmark-Server-Token: ", "uuid")
kind("Resend", "resend", function(m) return "re" .. "_" .. m.alnum(8) .. "_" .. m.alnum(24) end)
kind("Tailscale", "tailscale", function(m) return "ts" .. "key-auth-" .. m.alnum(12) .. "-" .. m.alnum(32) end)

-- Money
token("Stripe live", "stripe", "sk" .. "_live_", "alnum", 24)
token("Stripe restricted", "stripe", "rk" .. "_live_", "alnum", 99)
token("Stripe test", "stripe", "sk" .. "_test_", "alnum", 24)
token("Stripe webhook", "stripe", "wh" .. "sec_", "alnum", 32)
token("Shopify admin", "shopify", "shp" .. "at_", "hex", 32)
token("Shopify shared", "shopify", "shp" .. "ss_", "hex", 32)
token("Square access", "square", "sq0" .. "atp-", "key", 22)
token("Square secret", "square", "sq0" .. "csp-", "key", 43)
kind("PayPal", "paypal", function(m) return "access_token" .. "$production$" .. m.lower(16) .. "$" .. m.hex(32) end)
kind("Plaid", "plaid", function(m) return "access-" .. "production-" .. m.uuid() end)
token("Razorpay", "razorpay", "rzp" .. "_live_", "alnum", 14)
token("EasyPost", "easypost", "EZ" .. "AK", "alnum", 54)
token("Flutterwave", "flutterwave", "FLW" .. "SECK-", "hex", 32)

-- Watching
setting("Datadog API key", "DD_API_KEY=", "hex", 32)
setting("Datadog application key", "DD-APPLICATION-KEY: ", "hex", 40)
token("New Relic", "newrelic", "NR" .. "AK-", "upper", 27)
kind("New Relic licence", "newrelic", function(m) return m.hex(36) .. "NR" .. "AL" end)
kind("Grafana", "grafana", function(m) return "gl" .. "sa_" .. m.alnum(32) .. "_" .. m.hex(8) end)
token("Sentry", "sentry", "sntr" .. "yu_", "hex", 64)
kind("Dynatrace", "dynatrace", function(m) return "dt0" .. "c01." .. m.upper(24) .. "." .. m.upper(64) end)
kind("LaunchDarkly", "launchdarkly", function(m) return "sd" .. "k-" .. m.uuid() end)
setting("PagerDuty", "PAGERDUTY_API_KEY=", "key", 20)
setting("Splunk HEC", "Authorization: Splunk ", "uuid")

-- Work
token("Linear", "linear", "lin" .. "_api_", "alnum", 40)
token("Notion", "notion", "nt" .. "n_", "alnum", 46)
token("Notion, old", "notion", "sec" .. "ret_", "alnum", 43)
kind("Airtable", "airtable", function(m) return "pa" .. "t" .. m.alnum(14) .. "." .. m.hex(64) end)
kind("Asana", "asana", function(m) return "1/" .. "12" .. m.digits(14) .. ":" .. m.hex(32) end)
token("Figma", "figma", "fi" .. "gd_", "key", 40)
kind("Postman", "postman", function(m) return "PM" .. "AK-" .. m.hex(24) .. "-" .. m.hex(34) end)
token("Dropbox", "dropbox", "sl" .. ".u.", "key", 140)
token("Contentful", "contentful", "CF" .. "PAT-", "key", 43)
kind("HubSpot", "hubspot", function(m) return "pa" .. "t-na1-" .. m.uuid() end)
token("Facebook", "facebook", "EA" .. "AC", "alnum", 150)
token("Trello", "trello", "AT" .. "TA", "hex", 64)
setting("Okta", "Authorization: SSWS 00", "key", 40)

token("Infracost", "infracost", "ic" .. "o-", "alnum", 32)
token("42", "intra42", "s-s4" .. "t2ud-", "hex", 64)
kind("Authress", "authress", function(m)
  return "s" .. "c_" .. m.lower(13) .. "." .. m.lower(5) .. ".acc_" .. m.lower(20) .. "." .. m.lower(60)
end)
kind("Grafana, old", "grafana", function(m) return "eyJ" .. "rIjoi" .. m.alnum(78) .. m.alnum(1) end)
token("GitHub app, old", "github", "v" .. "1.", "hex", 40)
token("extended private key", "wallet", "xp" .. "rv9s21ZrQH143K", "alnum", 95)
for _, path in ipairs { "workflows", "triggers" } do
  kind("Slack " .. path, "slack", function(m)
    local rest = m.upper(10) .. (path == "workflows" and "/A" .. m.upper(10) or "") .. "/" .. m.digits(13) .. "/" ..
      m.alnum(24)
    return "https://hooks.slack" .. ".com/" .. path .. "/T" .. rest, rest
  end)
end
kind("OpsGenie", nil, function(m)
  local id = m.uuid()
  return "Authorization: GenieKey " .. id, id
end, { is_setting = true })
kind("AWS signature, old", nil, function(m)
  local pair = m.alnum(20) .. ":" .. m.base64(27) .. "="
  return "Authorization: AWS " .. pair, pair
end, { is_setting = true })
kind("AWS prompt", nil, function(m)
  local key = m.base64(40)
  return "AWS Secret Access Key [None]: " .. key, key
end, { is_setting = true })
kind("signed address", nil, function(m)
  local signature = m.hex(64)
  return "https://b.s3.amazonaws.com/k?X-Amz-Expires=900&X-Amz-Signature=" .. signature, signature
end, { is_setting = true })
kind("key in a query", nil, function(m)
  local key = m.alnum(31) .. m.digits(1)
  return "https://example.com/maps?q=here&key=" .. key, key
end, { is_setting = true })

-- Anywhere
kind("JWT", "jwt", function(m)
  return "ey" .. "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.ey" .. "J" .. m.alnum(60) .. "." .. m.key(42) .. m.alnum(1)
end)
kind("JWT, cut short", "jwt", function(m)
  return "ey" .. "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.ey" .. "J" .. m.alnum(60)
end)
for _, label in ipairs { "RSA PRIVATE ", "EC PRIVATE ", "OPENSSH PRIVATE ", "PRIVATE ", "ENCRYPTED PRIVATE " } do
  kind("PEM " .. label .. "key", "private_key", function(m)
    local body = m.base64(64 * 3 + 30)
    return pem(label .. "KEY", body, true), body
  end, { multiline = true })
end
kind("PGP private key", "private_key", function(m)
  local body = m.base64(64 * 3 + 30)
  return pem("PGP PRIVATE " .. "KEY BLOCK", "\n" .. lines(body, 64), true), body
end, { multiline = true })
kind("PEM, cut short", "private_key", function(m)
  local body = m.base64(64 * 3 + 30)
  return pem("RSA PRIVATE " .. "KEY", body, false), body
end, { multiline = true })
kind("PEM in one line", "private_key", function(m)
  local body = m.base64(64 * 3 + 30)
  return (pem("RSA PRIVATE " .. "KEY", body, true):gsub("\n", "\\n")), body
end, { is_block = true })
kind("key of PuTTY", "private_key", function(m)
  local body = m.base64(64 * 3 + 30)
  return "PuTTY-User-Key-File-3: ssh-rsa\nPublic-Lines: 1\nAAAAB3NzaC1yc2EAAAADAQAB\nPrivate-Lines: 4\n" ..
    lines(body, 64) .. "\nPrivate-MAC: " .. m.hex(40), body
end, { multiline = true })
kind("phrase of a wallet", "seed_phrase", function(m)
  local words = {}
  for i = 1, 12 do words[i] = m.letters(2 + m.random(6)) end
  return "mnemonic: " .. table.concat(words, " "), table.concat(words, " ")
end, { is_block = true })
setting("password", "DB_PASSWORD=", "strong", 12)
setting("password of YAML", "password: ", "strong", 14)
setting("passphrase", "PASSPHRASE=", "strong", 16)
setting("secret", "SESSION_SECRET=", "strong", 32)
setting("client secret", '"client_secret": "', "strong", 32)
setting("API key", "api_key = ", "strong", 32)
setting("X-Api-Key", "X-Api-Key: ", "strong", 32)
setting("API token", "API_TOKEN=", "strong", 40)
setting("access token", "access_token=", "strong", 40)
setting("refresh token", '"refresh_token": "', "strong", 40)
setting("encryption key", "ENCRYPTION_KEY=", "base64", 44)
setting("bearer", "Authorization: Bearer ", "strong", 40)
setting("bearer in lower case", "authorization: bearer ", "strong", 40)
setting("proxy authorization", "Proxy-Authorization: Bearer ", "strong", 40)
setting("authorization by token", "Authorization: token ", "hex", 40)
kind("basic authorization", nil, function(m)
  local pair = base64("ada:" .. m.strong(14))
  return "Authorization: Basic " .. pair, pair
end, { is_setting = true })
kind("cookie", nil, function(m)
  local id = m.strong(32)
  return "Cookie: theme=dark; sid=" .. id .. "; lang=en", id
end, { is_setting = true })
kind("set-cookie", nil, function(m)
  local id = m.strong(32)
  return "Set-Cookie: sid=" .. id .. "; Path=/; HttpOnly", id
end, { is_setting = true })
for _, scheme in ipairs { "postgres", "mysql", "redis", "mongodb+srv", "amqp", "https" } do
  kind("password of " .. scheme, nil, function(m)
    local password = m.strong(14)
    return scheme .. "://ada:" .. password .. "@db.example.com:5432/app", password
  end, { is_address = true })
end
for _, sign in ipairs { "#", "/", "?", "@" } do
  kind("password of an address with " .. sign, nil, function(m)
    local password = m.strong(6) .. sign .. m.strong(8)
    return "postgres://ada:" .. password .. "@db.example.com:5432/app", password
  end, { is_address = true, has_sign = true })
end
kind("connection string", nil, function(m)
  local password = m.strong(14)
  return "Server=tcp:db1,1433;Database=app;User ID=ada;Password=" .. password .. ";Encrypt=True", password
end, { is_setting = true })
kind("curl -u", nil, function(m)
  local password = m.strong(12)
  return "curl -s -u ada:" .. password .. " https://example.com/api", password
end, { is_command = true })
kind("flag", nil, function(m)
  local password = m.strong(14)
  return "tool --user ada --password " .. password .. " --verbose", password
end, { is_command = true })
kind("curl -u in one word", nil, function(m)
  local password = m.strong(12)
  return "curl -sS -uada:" .. password .. " https://example.com/api", password
end, { is_command = true })
kind("command after another", nil, function(m)
  local password = m.strong(12)
  return "curl -s https://example.com/dump | mysql -u ada -p" .. password .. " app", password
end, { is_command = true })
kind("sqlplus", nil, function(m)
  local password = m.strong(10):gsub("[^%w]", "x")
  return "sqlplus ada/" .. password .. "@db.example.com", password
end, { is_command = true })
kind("password of Oracle", nil, function(m)
  local password = m.alnum(8) .. m.digits(2)
  return "jdbc:oracle:thin:ada/" .. password .. "@//db.example.com:1521/app", password
end, { is_command = true })
kind("SQL", nil, function(m)
  local password = m.strong(12)
  return "CREATE USER ada IDENTIFIED BY '" .. password .. "'", password
end, { is_command = true })
kind("netrc", nil, function(m)
  local password = m.strong(14)
  return "machine example.com login ada password " .. password, password
end, { is_command = true })

-- ---- Contexts ----------------------------------------------------------------------------------------------------

local function json_string(text)
  local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }
  return '"' .. text:gsub('[%c"\\]', function(c) return escapes[c] or ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function unescape(text)
  local plain = { n = "\n", r = "\r", t = "\t" }
  text = text:gsub("\\u(%x%x%x%x)", function(code) return utf8.char(tonumber(code, 16)) end)
  return (text:gsub("\\(.)", function(c) return plain[c] or c end))
end

local function percent(text)
  return (text:gsub("[^%w%-%._~]", function(c) return ("%%%02X"):format(c:byte()) end))
end

local function unpercent(text)
  return (text:gsub("%%(%x%x)", function(code) return string.char(tonumber(code, 16)) end))
end

local function twice(f) return function(text) return f(f(text)) end end

local ESC = "\27"
local function uncolour(text) return (text:gsub(ESC .. "%[[%d;]*m", "")) end

-- Break the text at a place within `secret`, which is not in its first or last two characters.
local function broken(between)
  return function(text, secret, random)
    local from = assert(text:find(secret, 1, true), text)
    local at = from + 1 + random(#secret - 4)
    return "before\n    " .. text:sub(1, at) .. between .. text:sub(at + 1) .. "\nafter"
  end
end

local function unbreak(text) return (text:gsub("\\?\r?\n%s*", "")) end

local function around(before, after)
  return function(text) return before .. text .. after end
end

--- The contexts: { name, wrap(text, secret, random), back (undoes what wrap did to characters) or nil, ... }.
-- `only(kind)`: which kinds can be written so. `json`: the result is an entry's JSON.
local function simple(one) return not one.multiline end
local function bare(one) return not one.multiline and not one.is_json end
local function breakable(one) return bare(one) and not (one.has_sign or one.is_block) end
-- What has no name and no sign of its own.
local function token_only(one)
  return breakable(one) and not (one.is_setting or one.is_address or one.is_command)
end

secrets.contexts = {
  { "alone", around("", "") },
  { "in prose", around("the value was ", " at that time"), only = simple },
  { "at the end of a sentence", around("I used ", ". Then it worked."), only = token_only },
  { "in double quotes", around('say "', '" please'), only = bare },
  { "in single quotes", around("say '", "' please"), only = simple },
  { "in backticks", around("say `", "` please"), only = simple },
  { "in parentheses", around("say (", ") please"), only = token_only },
  { "in angle brackets", around("say <", "> please"), only = token_only },
  { "in square brackets", around("say [", "] please"), only = token_only },
  { "in an .env file", around("A=1\nVALUE=", "\nB=2\n"), only = bare },
  { "exported", around('export VALUE="', '"\n'), only = bare },
  { "in YAML", around("a: 1\nvalue: ", "\nb: 2\n"), only = bare },
  { "in TOML", around('value = "', '"\n'), only = bare },
  { "as a member of JSON text", function(text)
    return ('{"id":7,"value":%s,"on":true}'):format(json_string(text))
  end, unescape },
  { "in JSON in a string", function(text)
    return json_string(('{"id":7,"value":%s}'):format(json_string(text)))
  end, twice(unescape) },
  { "in JSON in a string in a string", function(text)
    return json_string(json_string(('{"value":%s}'):format(json_string(text))))
  end, function(text) return unescape(unescape(unescape(text))) end },
  { "after \\u003d", around("value\\u003d", " \\u0026 more"), only = simple },
  { "after %3D", function(text) return "q%3Dvalue%26v%3D" .. percent(text) .. "%26x%3D1" end, unpercent, only = bare },
  { "after %3A", function(text) return "value%3A%20" .. percent(text) end, unpercent, only = bare },
  { "after %253D", function(text) return "v%253D" .. percent(percent(text)) end, twice(unpercent), only = bare },
  { "after a colour", around(ESC .. "[31m", " tail"), only = simple },
  { "between colours", around("a " .. ESC .. "[1;31m", ESC .. "[0m b"), only = simple },
  { "after a colour in text", around("\\u001b[31m", "\\u001b[0m"), only = simple },
  { "after a colour as \\x1b", around("\\x1b[32m", "\\x1b[0m"), only = simple },
  { "after a colour as \\033", around("\\033[1m", "\\033[0m"), only = simple },
  { "with a colour in the middle", function(text, secret, random)
    local from = assert(text:find(secret, 1, true), text)
    local at = from + random(#secret - 2)
    local on, off = ESC .. "[01;31m" .. ESC .. "[K", ESC .. "[m" .. ESC .. "[K"
    return "a " .. text:sub(1, at) .. on .. text:sub(at + 1) .. off .. " b"
  end, uncolour, only = breakable },
  { "after a letter", around("x", ""), only = token_only },
  { "after an underscore", around("my_", ""), only = token_only },
  { "after a word", around("token", ""), only = token_only },
  { "in a query", function(text)
    return "GET /api?a=1&v=" .. percent(text) .. "&b=2 HTTP/1.1"
  end, unpercent, only = bare },
  { "in a path", around("https://example.com/v1/", "/items"), only = token_only },
  { "in XML", around("<value>", "</value>"), only = bare },
  { "in an attribute", around('<add key="Value" value="', '"/>'), only = bare },
  { "in HTML", around("&quot;value&quot;: &quot;", "&quot;"), only = bare },
  { "in CSV", around("7,ada,", ",2026"), only = token_only },
  { "in a table", around("| value | ", " | yes |"), only = simple },
  { "in a dictionary of Python", around("{'id': 7, 'value': '", "'}"), only = bare },
  { "after a flag", around("tool --value=", " --verbose"), only = token_only },
  { "in a line of a log", around("2026-11-03T10:00:00.123Z INFO [main] value=", " took=3ms"), only = simple },
  { "in a diff", around("@@ -1 +1 @@\n-old\n+", "\n same\n") },
  { "in a comment", around("# ", "\nfoo"), only = simple },
  { "over two lines", broken "\n    ", unbreak, only = breakable },
  { "over two lines of a terminal", broken "\n", unbreak, only = token_only },
  { "over two lines with a backslash", broken "\\\n  ", unbreak, only = breakable },
  { "over two lines of a string", broken "\\n      ", function(text)
    return (text:gsub("\\n%s*", ""))
  end, only = breakable },
  { "before CR LF", around("a\r\n", "\r\nb\r\n"), only = simple },
  { "between escaped line breaks", around("a\\n", "\\nb"), only = simple },
  { "after a zero width space", around("\226\128\139", " b"), only = simple },
  { "as UTF-16", function(text)
    return (("v: " .. text):gsub(".", "%0\0"))
  end, function(text) return (text:gsub("%z", "")) end, only = bare },
  { "as a name of a field", function(text)
    return ('{"session_id":"s","input":{%s:1}}'):format(json_string(text))
  end, unescape, json = true },
  { "deep in an entry", function(text)
    return ('{"session_id":"s","input":[{"a":[%s,null]}]}'):format(json_string(text))
  end, unescape, json = true },
  { "in JSON in an entry", function(text)
    return ('{"session_id":"s","attempts":[{"runner_output":%s}]}'):format(json_string(json_string(text)))
  end, twice(unescape), json = true },
  { "over two attempts", function(text, secret, random)
    local from = assert(text:find(secret, 1, true), text)
    local at = from + 1 + random(#secret - 4)
    return ('{"session_id":"s","attempts":[{"attempt":1,"runner_output":%s},{"attempt":2,"runner_output":%s}]}')
      :format(json_string("one " .. text:sub(1, at)), json_string(text:sub(at + 1) .. " two"))
  end, function(text)
    return (unescape(text):gsub('"},{"attempt":2,"runner_output":"', ""))
  end, json = true, only = breakable },
}

--- Is a part of the secret still in the text: ten characters in a row, or all of a shorter one?
function secrets.leaks(text, secret)
  local width = math.min(#secret, 10)
  for i = 1, #secret - width + 1 do
    local part = secret:sub(i, i + width - 1)
    if not part:find "\n" and text:find(part, 1, true) then return part end
  end
end

return secrets
