-- Plugins that enrich and filter: outcome, redact, failed, retried, unverified.
local support = dofile "tests/spec/support/plugins.lua"
local core = support.core

local function load(name) return support.load("plugins/" .. name .. ".lua") end

local function entry(fields) return support.entries({ fields })[1] end

describe("outcome", function()
  it("sets one word for three vocabularies", function()
    local words = {}
    for i, status in ipairs { "ok", "pass", "success", "error", "fail", "failure", "skipped", "skip", "running" } do
      local e = entry { final_status = status }
      load("outcome").enrich(e, {})
      words[i] = e.outcome
    end
    assert.same({ "ok", "ok", "ok", "fail", "fail", "fail", "skip", "skip", "unknown" }, words)
  end)
end)

describe("filters", function()
  local passed = { final_status = "ok", attempts = { { verified = false }, { verified = true } } }
  local failed = { final_status = "error", attempts = { { verified = false }, core.null } }
  local believed = { final_status = "pass", attempts = { { model = "m" } } }

  local function kept(name, options)
    local out = {}
    for i, e in ipairs(support.entries { passed, failed, believed, {} }) do
      out[i] = load(name).filter(e, { options = options or {} })
    end
    return out
  end

  it("keep what their names say", function()
    assert.same({ false, true, false, false }, kept "failed")
    assert.same({ true, false, false, false }, kept("retried", { at_least = 2 }))
    assert.same({ false, false, false, false }, kept("retried", { at_least = 3 }))
    assert.same({ false, true, true, true }, kept("unverified", { passed = false }))
    assert.same({ false, false, true, false }, kept("unverified", { passed = true }))
  end)
end)

-- Made of parts, so that no scanner takes this file for a leak.
local letters = "aB3dE5gH7jK9mN1pQ2sT4vW6yZ8bC0fG2iJ4lM6oP8rS0uV2xY4aB6"
local function key(prefix, n) return prefix .. letters:sub(1, n) end
local aws = "AKI" .. "A" .. "QWERTYUIOPASDF12"
local jwt = "ey" .. "JhbGciOiJIUzI1NiJ9.ey" .. "JzdWIiOiIxMjM0In0.abcDEF123-_x"

describe("redact", function()
  local plugin = load "redact"

  local function clean(text)
    local e = entry { input = text }
    plugin.enrich(e, {})
    return e.input
  end

  it("replaces each kind of secret, and nothing around it", function()
    for kind, secrets in pairs {
      aws = { aws, "ASI" .. aws:sub(4) }, anthropic = { key("sk-ant-api03-", 40) }, openai = { key("sk-proj-", 40) },
      github = { key("ghp" .. "_", 36), key("gho" .. "_", 36), key("ghs" .. "_", 40), key("github" .. "_pat_", 50) },
      slack = { key("xoxb" .. "-12345-", 20) }, google = { key("AI" .. "za", 35) },
      gitlab = { key("glpat" .. "-", 20) },
      npm = { key("npm" .. "_", 36) }, pypi = { key("pypi" .. "-", 50) }, stripe = { key("sk" .. "_live_", 24) },
      jwt = { jwt },
    } do
      for _, secret in ipairs(secrets) do
        assert.equal("[REDACTED:" .. kind .. "]", clean(secret))
        assert.equal(('{"k":"[REDACTED:%s]"} and on'):format(kind), clean(('{"k":"%s"} and on'):format(secret)))
        assert.equal("a\\n[REDACTED:" .. kind .. "]", clean("a\\n" .. secret)) -- text with escapes in it
        assert.equal(("[REDACTED:%s] [REDACTED:%s]"):format(kind, kind), clean(secret .. " " .. secret))
      end
    end
  end)

  it("keeps what says that there was a secret: the word Bearer, the user of an address", function()
    assert.equal("Authorization: Bearer [REDACTED:bearer]", clean("Authorization: Bearer " .. letters:sub(1, 30)))
    assert.equal("clone https://ada:[REDACTED:password]@host/x.git", clean "clone https://ada:s3cret@host/x.git")
    assert.equal("pg://u:[REDACTED:password]@h/db?a=b:c@d", clean "pg://u:p@h/db?a=b:c@d")
  end)

  it("replaces a private key, and all that follows one without an end", function()
    local head, tail = "-----BEGIN RSA " .. "PRIVATE KEY-----", "-----END RSA " .. "PRIVATE KEY-----"
    assert.equal("a [REDACTED:private_key]\nb", clean("a " .. head .. "\nMIIE\n" .. tail .. "\nb"))
    assert.equal("a [REDACTED:private_key]", clean("a " .. head .. "\nMIIE\nand so on"))
    assert.equal("-----BEGIN CERTIFICATE-----\nMIIE", clean "-----BEGIN CERTIFICATE-----\nMIIE")
  end)

  it("leaves alone what only looks like one", function()
    for _, text in ipairs { "task-runner-for-something-quite-long", "sk-learn-estimator-html-doc-link", "AKIA",
      "ghp" .. "_short",
      "see http://host:8080/a@b", "mailto://x", "Bearer of bad news", "eyJust a word. And so on.", "time 12://3", "",
      "un" .. key("ghp" .. "_", 36) } do
      assert.equal(text, clean(text))
    end
  end)

  it("finds them at any depth, in names of fields too, and changes nothing else", function()
    local secret = key("ghp" .. "_", 36)
    local e = assert(core.entry(([[{"session_id":"s","a":1.50,"input":{"%s":[1, {"deep":["%s"]}, null],"b":"x"}}]])
      :format(secret, secret)))
    plugin.enrich(e, {})
    assert.equal('{"session_id":"s","a":1.50,"input":{"b":"x","[REDACTED:github]":' ..
      '[1,{"deep":["[REDACTED:github]"]},null]}}', tostring(e))
    local before = tostring(e)
    plugin.enrich(e, {})
    assert.equal(before, tostring(e))
  end)

  it("refuses what it can not clean", function()
    assert.equal("refuse", plugin.on_error)
    local secret = key("ghp" .. "_", 36)
    local twice = ([[{"session_id":"s","input":{"a":"%s","a":"%s"}}]]):format(secret, secret)
    assert.has_error(function() plugin.enrich(assert(core.entry(twice)), {}) end)
    assert.has_error(function() plugin.enrich(entry { session_id = secret }, {}) end)
  end)

  it("takes time in proportion to the text, whatever the text", function()
    local function seconds(text)
      local from = os.clock()
      clean(text)
      return os.clock() - from
    end
    for _, part in ipairs { "sk-", "eyJ", "eyJ.", "://", "://a:", "AKIA", "ghp" .. "_", "-----BEGIN ", "Bearer ", "a",
      "xoxb-", "-----BEGIN A PRIVATE KEY-----", "://a:b@", key("ghp" .. "_", 36) .. " " } do
      assert.is_true(seconds(part:rep(2000000 // #part)) < 2, part)
    end
  end)
end)
