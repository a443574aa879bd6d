-- Transcripts of sessions at the prompt: every file of tests/data/repl, typed again over the sample log, must come out
-- as it stands.
--
--     $ debrief repl             what follows is a session; $ with anything else is run by the shell
--     > 1 + 1                    typed at the prompt; >> where a statement goes on
--     2                          what was shown
local program = dofile "tests/spec/support/program.lua"

local driver = program.root .. "/tests/spec/support/repl_driver.lua"

-- { command = what stands after $, input = lines typed after it } ...
local function parts(text)
  local out = {}
  for line in text:gmatch "([^\n]*)\n" do
    local command, typed = line:match "^%$ (.*)$", line:match "^>>? (.*)$"
    if command then out[#out + 1] = { command = command, input = {} } end
    if typed then table.insert(out[#out].input, typed) end
  end
  return out
end

-- The transcript as it comes out now.
local function again(scene, text)
  local out = {}
  for _, part in ipairs(parts(text)) do
    out[#out + 1] = "$ " .. part.command .. "\n"
    scene:write(".typed", table.concat(part.input, "\n") .. "\n")
    local command = part.command == "debrief repl" and ("debrief run %s <.typed"):format(program.quote(driver))
      or part.command
    out[#out + 1] = scene:sh(('PATH="$(dirname "$DEBRIEF"):$PATH"; { %s; } 2>&1'):format(command)).out
  end
  return table.concat(out)
end

local names = {}
for path in io.popen("ls tests/data/repl/*.txt"):lines() do names[#names + 1] = path end

describe("the transcript", function()
  teardown(program.clean)
  assert(#names > 0)

  for _, path in ipairs(names) do
    it(path:match "[^/]+$" .. " comes out as it stands", function()
      local scene = program.scene()
      scene:sh("mkdir sessions; cp " .. program.quote(program.root) .. "/tests/data/sessions/*.jsonl sessions")
      local text = program.read(path)
      assert.equal(text, again(scene, text))
    end)
  end
end)
