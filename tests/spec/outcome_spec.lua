dofile "tests/spec/support/plugins.lua"
local null = require("debrief.core").null
local outcome = require "debrief.entry.outcome"

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

  it("lets a status that is there decide against the attempts", function()
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
