-- The importer of opencode: a made-up session, exported and in a database.
local importers = dofile "tests/spec/support/importers.lua"
local samples = dofile "tests/spec/support/samples.lua"

teardown(importers.program.clean)

local function database(importer, ...)
  local scene = importer.scene
  scene:write("made.sql", table.concat({ ... }, "\n"))
  scene:sh "rm -f opencode.db; sqlite3 opencode.db <made.sql"
  return scene:path "opencode.db"
end

describe("opencode", function()
  it("makes turns with attempts, skills, tools, tokens and cost of an export", function()
    local records, write = samples.opencode()
    local e, result = importers.of("opencode"):entries(write(records))
    assert.same({}, result.diagnostics)
    assert.equal(5, #e)
    assert.same({ "ses_1", "paint the hull", "/w/app", "gpt-5", "mast.c", 1.0 }, { e[1].session_id, e[1].input,
      e[1].project_root, e[1].model_used, e[1].file_path, e[1].cost_usd })
    assert.same({ input_tokens = 40, output_tokens = 20, reasoning_tokens = 8, cache_read_tokens = 28,
      cache_write_tokens = 4 }, e[1].usage)
    assert.same({ false, true, "Painted." }, { e[1].attempts[1].verified, e[1].attempts[2].verified,
      e[1].attempts[2].output_summary })
    assert.same({ 4, "make test", 2000 }, { #e[1].tools, e[1].tools[2].target, e[1].tools[2].duration_ms })
    assert.same({ 18000, 18000 }, { e[1].duration_ms, e[1].wall_ms })
    assert.same({ "ship", "model", "ship it", "Shipped." }, { e[2].skill, e[2].trigger, e[2].input and "ship it",
      e[2].attempts[1].output_summary })
    assert.same({ "interrupted", true }, { e[3].final_status, e[3].tools[1].error })
    assert.same({ "error", "quota" }, { e[4].final_status, e[4].attempts[1].output_summary })
    assert.is_nil(e[5].final_status)
  end)

  it("marks the session of a subagent", function()
    local records, write = samples.opencode()
    records[1].info.parentID = "ses_0"
    local e = importers.of("opencode"):entries(write(records))
    assert.same({ "ses_1", "ses_0" }, { e[1].source.agent_id, e[1].source.parent })
  end)

  it("reads all sessions of a database, with the same entries", function()
    if not os.execute "command -v sqlite3 >/dev/null" then return pending "sqlite3 is not installed" end
    local records, write = samples.opencode()
    local importer = importers.of "opencode"
    local exported = importer:entries(write(records))
    local stored = importer:read(database(importer, samples.opencode_sql(records)))
    for _, e in ipairs(stored) do e.source.key = e.source.key:gsub("^ses_1", "") end
    assert.same(exported, stored)
    local both = importer:read(database(importer, samples.opencode_sql(records),
      samples.opencode_sql(records, { id = "ses_2", parent = "ses_1", directory = "/w/app" })))
    assert.equal(2 * #exported, #both)
    assert.same({ "ses_2", "ses_1" }, { both[#both].source.agent_id, both[#both].source.parent })
  end)

  it("reports a row that is not JSON, and reads the rest", function()
    if not os.execute "command -v sqlite3 >/dev/null" then return pending "sqlite3 is not installed" end
    local importer = importers.of "opencode"
    local e, result = importer:read(database(importer, samples.opencode_sql((samples.opencode())),
      "UPDATE part SET data = 'x' WHERE id = 'ses_1msg_2 00002';"))
    assert.equal(5, #e)
    assert.equal("ses_1msg_2 00002 is not JSON: left out", result.diagnostics[1].message)
  end)

  it("reads more rows than one page", function()
    if not os.execute "command -v sqlite3 >/dev/null" then return pending "sqlite3 is not installed" end
    local importer, records = importers.of "opencode", { (samples.opencode())[1] }
    for i = 1, 700 do
      records[i + 1] = { info = { id = ("msg_%04d"):format(i), role = i % 2 == 0 and "assistant" or "user",
        finish = "stop", time = { created = 1793610000000 + i }, tokens = { input = 1, output = 2 } },
        parts = { { type = "text", text = "text " .. i } } }
    end
    local e = importer:read(database(importer, samples.opencode_sql(records)))
    assert.same({ 350, "text 699", "text 700" }, { #e, e[350].input, e[350].attempts[1].output_summary })
  end)

  it("loses at most the entry that an odd field belongs to", function()
    importers.mutate("opencode", function()
      local records, write = samples.opencode()
      local first = table.remove(records, 1)
      return records, function(list) return write { first, table.unpack(list) } end
    end, 400)
  end)
end)
