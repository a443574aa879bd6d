dofile "tests/spec/support/plugins.lua"
local core = require "debrief.core"
local attempts = require "debrief.plugin.library".attempts

local function places(entry)
  local out = {}
  for i, attempt in attempts(entry) do out[#out + 1] = i .. attempt.model end
  return table.concat(out, " ")
end

describe("attempts", function()
  it("are those of an entry, each with its place, without nulls", function()
    assert.equal("1a 3b", places(core.entry '{"attempts":[{"model":"a"},null,{"model":"b"},null]}'))
    assert.equal("2a", places { attempts = { core.null, { model = "a" } } })
  end)

  it("are empty if an entry has none", function()
    for _, text in ipairs { "{}", '{"attempts":null}', '{"attempts":[]}', '{"attempts":[null,null]}' } do
      assert.equal("", places(core.entry(text)))
    end
    assert.equal("", places {})
    assert.equal("", places { attempts = core.null })
  end)
end)
