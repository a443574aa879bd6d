-- Functions of Lua's libraries that plugins have in a version that an interrupt ends: they do what Lua's own do.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"

local CASES = "tests/spec/support/library_cases.lua"
local MOST = tonumber(os.getenv "CASES") or 6000 -- how many of them
local BLOCK = 2000 -- in one call of the hook

local PLUGIN = [[
local cases = (function() %s end)()
return { name = "cases", api = 1,
  options = { from = { type = "integer", default = 1 }, to = { type = "integer", default = 1 } },
  enrich = function(entry, ctx) entry.lines = cases(ctx.options.from, ctx.options.to) end }]]

describe("the library functions of plugins", function()
  local scene

  setup(function() scene = program.scene() end)
  teardown(program.clean)

  it("give the results and messages of Lua's own, for random patterns and for big values", function()
    local cases = dofile(CASES)
    scene:write("sessions/s.jsonl", '{"session_id":"s"}\n')
    scene:write("cases.lua", PLUGIN:format(program.read(CASES)))
    for from = 1, MOST, BLOCK do
      local to = math.min(from + BLOCK - 1, MOST)
      local r = scene:run { "read", "--enrich", "./cases.lua", "--format", "jsonl", "--opt", "from=" .. from,
        "--opt", "to=" .. to, "--plugin-time=60" }
      assert.equal("", r.err)
      local ours, stock = debrief.decode(r.out).lines, cases(from, to)
      assert.equal(to - from + 1, #ours)
      for i, line in ipairs(stock) do assert.equal(line, ours[i], "case " .. from + i - 1) end
    end
  end)
end)
