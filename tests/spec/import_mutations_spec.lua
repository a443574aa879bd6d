-- One odd field in a transcript costs at most the entry that it belongs to: 2,000 mutations of a made-up transcript.
local support = dofile "tests/spec/support/plugins.lua"
local transcripts = dofile "tests/spec/support/claude_transcript.lua"
local cjson = require "cjson"
local core = support.core
local import = require "debrief.import"

local SESSION = "aaaa1111-0000-4000-8000-000000000001"
local TIMES = 2000

-- Turns with every kind of record that the importer reads.
local function sample()
  local t = transcripts.new(SESSION)
  t:user "paint the hull"
  t:say("Painted.", { out = 20, stop = "end_turn" })
  t:done()
  t:user "<command-message>ship</command-message>\n<command-name>/tools:ship</command-name>"
  t:edit "e1"
  t:bash("b1", "make test", "1 failed", 1)
  t:edit "e2"
  t:bash("b2", "cd /w && make test 2>&1 | tail", "all fine")
  t:say("Shipped.", { out = 40, stop = "end_turn" })
  t:done()
  t:user "commit it"
  t:call("k1", "Skill", { skill = "git:commit", args = "all" })
  t:result("k1", "Launching skill: git:commit", nil, { success = true })
  t:call("w1", "WebFetch", { url = "https://example.org/x" })
  t:result("w1", "page", false)
  t:say("Committed.", { model = "claude-haiku-4-5", stop = "end_turn" })
  t:done()
  t:user { { type = "text", text = "what is this?" },
    { type = "image", source = { type = "base64", data = ("A"):rep(4000) } } }
  t:say "A mast."
  t:user { { type = "text", text = "[Request interrupted by user]" } }
  t:user "go on"
  t:say("x", { stop = "end_turn" }, { isApiErrorMessage = true })
  t:done()
  t:user "<task-notification>ended</task-notification>"
  t:say("All is done.", { stop = "end_turn" })
  t:done()
  return t.records
end

-- Run the importer over records. Returns the lines of the entries by their key, and their number.
local function entries_of(plugin, records)
  local entries = {}
  for i, record in ipairs(records) do entries[i] = assert(core.entry(cjson.encode(record), true)) end
  local reader = function()
    local i = 0
    return {
      next = function()
        i = i + 1
        if entries[i] then return entries[i], i end
      end,
      diagnostics = function() return {}, 0 end,
      close = function() end,
    }
  end
  local files = { reader = reader, siblings = function() return {} end }
  local given = { path = "p/" .. SESSION .. ".jsonl", final = true, files = files, siblings = plugin.import.siblings }
  local result = import.run(given, function(source, emit)
    plugin.import.open(source, emit, { options = {} })
    return true
  end)
  local found, n = {}, 0
  for _, session in ipairs(result.entries) do
    for _, line in ipairs(session.lines) do
      local entry = cjson.decode(line)
      found[entry.source.key] = line
      n = n + 1
    end
  end
  return found, n, result
end

-- Every place of a value in a record: { table, key }.
local function places(value, out)
  for key, item in pairs(value) do
    out[#out + 1] = { value, key }
    if type(item) == "table" then places(item, out) end
  end
  return out
end

local ODD = { cjson.null, true, false, 0, -1, 1.5, 1e300, "", "x", ("y"):rep(3000), "2026-13-45T99:99:99Z", "\0\27[31m",
  {}, { {} }, { a = { b = 1 } }, { "text" }, { { type = "text" } }, { { type = "tool_use", input = "x" } },
  { { type = "tool_result" } }, { { text = 5, type = "text" } } }

describe("claude_code, with one odd field in a transcript", function()
  it("loses at most the entry that it belongs to", function()
    local plugin = support.load "plugins/claude_code.lua"
    local expected, count = entries_of(plugin, sample())
    assert.equal(5, count)
    local random = support.random(1)
    for _ = 1, TIMES do
      local records = sample()
      local at = places(records[random(#records)], {})
      table.sort(at, function(a, b) return tostring(a[2]) < tostring(b[2]) end)
      local place = at[random(#at)]
      local odd, before = ODD[random(#ODD) ], place[1][place[2]]
      place[1][place[2]] = odd
      local what = ("%s = %s"):format(place[2], cjson.encode(odd):sub(1, 60))
      local fine, found, n = pcall(entries_of, plugin, records)
      assert(fine, what .. ": " .. tostring(found))
      local lost = 0
      for key in pairs(expected) do if not found[key] then lost = lost + 1 end end
      assert(lost <= 1, ("%s (was %s): %d lost"):format(what, cjson.encode(before):sub(1, 60), lost))
      assert(n >= count - 1, what)
    end
  end)
end)
