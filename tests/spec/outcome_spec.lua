dofile "tests/spec/support/plugins.lua"
local null = require("debrief.core").null
local outcome = require "debrief.plugin.library".outcome
local passed = require "debrief.entry.passed"

describe("outcome", function()
  it("reads the three vocabularies and their kin", function()
    for status, expected in pairs {
      ok = "ok", pass = "ok", success = "ok", passed = "ok", done = "ok", completed = "ok",
      error = "fail", fail = "fail", failure = "fail", failed = "fail", timeout = "fail", ["timed out"] = "fail",
      skip = "skip", skipped = "skip", aborted = "skip", interrupted = "skip", cancelled = "skip", canceled = "skip",
      running = "unknown", pending = "unknown", partial = "unknown", ["?"] = "unknown", okay = "unknown",
    } do
      assert.equal(expected, outcome { final_status = status })
    end
  end)

  it("ignores case, spaces around, and how words are joined", function()
    assert.equal("ok", outcome { final_status = " PASS\n" })
    assert.equal("fail", outcome { final_status = "Timed-Out" })
  end)

  it("lets an existing status decide against the attempts", function()
    assert.equal("fail", outcome { final_status = "error", attempts = { { verified = true } } })
    assert.equal("unknown", outcome { final_status = "queued", attempts = { { verified = true } } })
  end)

  it("takes the last attempt's claim where the status is absent, null or empty", function()
    local attempts = { { verified = false }, { verified = true } }
    assert.equal("ok", outcome { attempts = attempts })
    assert.equal("ok", outcome { final_status = null, attempts = attempts })
    assert.equal("ok", outcome { final_status = "", attempts = attempts })
    assert.equal("fail", outcome { attempts = { { verified = true }, { verified = false } } })
  end)

  it("guesses nothing", function()
    assert.equal("unknown", outcome {})
    assert.equal("unknown", outcome { attempts = {} })
    assert.equal("unknown", outcome { attempts = { { verified = true }, { model = "m" } } })
    assert.equal("unknown", outcome { attempts = { { verified = true }, null } })
  end)
end)

describe("passed", function()
  local function answer(entry) return table.pack(passed(entry)) end

  local function decided_by(checks, verified)
    return answer { attempts = { { checks = checks, verified = verified } } }
  end

  it("rests on the status where there is one", function()
    assert.same({ true, "status", n = 2 }, answer { final_status = "PASS", attempts = { { verified = false } } })
    assert.same({ false, "status", n = 2 }, answer { final_status = "timeout" })
    assert.same({ nil, "status", n = 2 }, answer { final_status = "skipped", attempts = { { verified = true } } })
    assert.same({ nil, "status", n = 2 }, answer { final_status = "running" })
  end)

  it("rests on the tests of the last attempt otherwise", function()
    assert.same({ true, "test", n = 2 }, answer { attempts = { { verified = false }, { verified = true } } })
    assert.same({ false, "test", n = 2 }, answer { final_status = "", attempts = { { verified = false } } })
    assert.same({ true, "test", n = 2 },
      decided_by { { kind = "lint", passed = false }, { kind = "test", passed = true } })
    assert.same({ false, "test", n = 2 },
      decided_by({ { kind = "test", passed = true }, { kind = "test", passed = false } }, true))
  end)

  it("is not decided by a build, a lint or a type check, and says so", function()
    for _, kind in ipairs { "build", "lint", "typecheck" } do
      for _, verified in ipairs { true, false, null } do
        assert.same({ nil, "weak check", true, n = 3 }, decided_by({ { kind = kind, passed = true } }, verified))
      end
    end
    local both = { { kind = "build", passed = false }, { kind = "lint", passed = true } }
    assert.same({ nil, "weak check", false, n = 3 }, decided_by(both))
    assert.same({ nil, "weak check", nil, n = 3 }, decided_by { { kind = "build" } })
    local attempt = { verified = true, checks = { { kind = "build", passed = true } } }
    assert.equal("unknown", outcome { attempts = { attempt } })
  end)

  it("has no basis where nothing says how a run ended", function()
    for _, entry in ipairs { {}, { attempts = {} }, { attempts = { null } }, { attempts = { {} } },
      { attempts = { "text" } }, { attempts = { { checks = {} } } }, { attempts = { { checks = "all" } } },
      { attempts = { { checks = { null, "x", { kind = 3 }, { kind = "test" } } } } } } do
      assert.same({ nil, nil, n = 2 }, answer(entry))
    end
  end)

  it("reads entries as it reads tables", function()
    local core = require "debrief.core"
    for text, expected in pairs {
      ['{"attempts":[{"checks":[{"kind":"build","passed":true}],"verified":true}]}'] =
        { nil, "weak check", true, n = 3 },
      ['{"attempts":[{"checks":[{"kind":"test","passed":true},{"kind":"test"}]}]}'] = { nil, nil, n = 2 },
      ['{"attempts":[{"checks":[{"kind":"test","passed":false},{"kind":"test"}]}]}'] = { false, "test", n = 2 },
      ['{"attempts":[{"checks":[null,{"kind":"test","passed":false}]}]}'] = { false, "test", n = 2 },
      ['{"attempts":[{"checks":{"kind":"test"},"verified":true}]}'] = { true, "test", n = 2 },
      ['{"attempts":[null],"final_status":null}'] = { nil, nil, n = 2 },
    } do
      assert.same(expected, answer(assert(core.entry(text))))
    end
  end)
end)
