-- Plugins that enrich and filter: outcome, failed, retried, unverified. `redact` has a spec of its own.
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
