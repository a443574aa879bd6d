-- Chunks of every size: a log that is cut into pieces of a few bytes has the same reports as one that is not cut.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"
local chunks = require "debrief.retro.chunks"

describe("a log in chunks", function()
  local scene, log
  local usual = {}
  for name, size in pairs(chunks.sizes) do usual[name] = size end

  setup(function()
    scene = program.scene()
    log = debrief.open(scene:path "sessions")
    for s = 1, 3 do
      for i = 1, 20 do
        log:append("s" .. s, { skill = "skill" .. i % 3, final_status = i % 4 == 0 and "fail" or "ok",
          timestamp = ("2026-10-%02dT12:00:00Z"):format(i), duration_ms = i * 37 * s, attempts = {
            { attempt = 1, model = "m", verified = i % 2 == 0, runner_output = ("x"):rep(i) } } })
      end
    end
    local file = assert(io.open(scene:path "sessions/s2.jsonl", "ab")) -- damage in the middle, and at the end
    file:write '{"session_id":"s2","skill":\n\n{"session_id":"s2","skill":"skill1"}\n{"session_id":"s2"'
    file:close()
    scene:write("places.lua", [[return { name = "places", api = 1, split = true, retrospective = {
      init = function() return {} end,
      step = function(acc, e, ctx)
        acc[#acc + 1] = ("%s:%d:%s"):format(ctx.session, ctx.line, e.duration_ms or "-")
      end,
      merge = function(a, b) table.move(b, 1, #b, #a + 1, a) end,
      finish = function(acc) return { title = "places", text = table.concat(acc, " ") } end } }]])
  end)

  after_each(function() for name, size in pairs(usual) do chunks.sizes[name] = size end end)
  teardown(function()
    log:close()
    program.clean()
  end)

  local function shown(workers)
    local report = assert(log:retro(scene:path "places.lua" .. ",summary,skills,trend", { workers = workers }))
    local found = {}
    for i, d in ipairs(report.diagnostics) do found[i] = ("%s:%d:%d %s"):format(d.session, d.line, d.offset, d.kind) end
    return report:json() .. "\n" .. table.concat(found, "\n")
  end

  it("has the same reports and diagnostics for every chunk size and number of workers", function()
    local whole = shown(1)
    assert.truthy(whole:find("s1:1:37 s1:2:74", 1, true) and whole:find("s2:23:- ", 1, true), whole)
    for _, size in ipairs { 1, 7, 100, 1000, 5000 } do
      chunks.sizes.chunk, chunks.sizes.split, chunks.sizes.part = size, size, size
      for workers = 1, 3 do assert.equal(whole, shown(workers)) end
    end
  end)

  it("cuts a session into parts where a plugin allows it", function()
    local items = { { session = "s1", path = scene:path "sessions/s1.jsonl", size = 4000, is_path = false } }
    assert.equal(1, #chunks.of(items, log.dir, "split"))
    chunks.sizes.chunk, chunks.sizes.split, chunks.sizes.part = 1, 1, 1
    assert.equal(21, #chunks.of(items, log.dir, "split")) -- one per line, and one for what may follow the last
    assert.equal(1, #chunks.of(items, log.dir, "sessions"))
  end)
end)
