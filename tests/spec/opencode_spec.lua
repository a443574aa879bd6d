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
      samples.opencode_sql(samples.opencode_later(500), { id = "ses_2", parent = "ses_1", directory = "/w/app" })))
    assert.equal(2 * #exported, #both)
    assert.same({ "ses_2", "ses_1" }, { both[#both].source.agent_id, both[#both].source.parent })
  end)

  -- A fork: the first messages of a session, under new ids, and others after them.
  local function forked()
    local records, fork = samples.opencode(), samples.opencode()
    for i = #fork, 9, -1 do fork[i] = nil end -- up to the prompt "ship it", which is answered again
    fork[9] = samples.opencode_later(500)[10]
    fork[9].info.id = "msg_new"
    return records, fork, { id = "ses_0", directory = "/w/app", began = 7 }
  end

  local function check_fork(e)
    assert.equal(6, #e)
    assert.same({ "ses_0", "ship it", "Shipped." }, { e[6].session_id, e[6].input, e[6].attempts[1].output_summary })
    for i = 1, 5 do assert.equal("ses_1", e[i].session_id) end
    assert.same({ input_tokens = 10, output_tokens = 5, cache_read_tokens = 7, cache_write_tokens = 1,
      reasoning_tokens = 2 }, e[6].usage)
  end

  it("counts what a fork has copied once, in the session that began first", function()
    if not os.execute "command -v sqlite3 >/dev/null" then return pending "sqlite3 is not installed" end
    local importer, records, fork, session = importers.of "opencode", forked()
    check_fork((importer:read(database(importer, samples.opencode_sql(records), samples.opencode_sql(fork, session)))))
  end)

  it("reads the tree of files, with the entries that its database has", function()
    local importer, records, fork, session = importers.of "opencode", forked()
    samples.opencode_tree(importer.scene, records)
    local tree, result = importer:read(importer.scene:path "storage/migration")
    assert.same({}, result.diagnostics)
    local exported = importer:entries((select(2, samples.opencode()))(records))
    for _, e in ipairs(tree) do e.source.key = e.source.key:gsub("^ses_1", "") end
    assert.same(exported, tree)
    samples.opencode_tree(importer.scene, fork, session)
    check_fork((importer:read(importer.scene:path "storage/migration")))
    importer.scene:write("storage/part/ses_1msg_2/prt_00002.json", "{")
    local _, odd = importer:read(importer.scene:path "storage/migration")
    assert.truthy(odd.diagnostics[1].message:find "storage/part/ses_1msg_2/prt_00002.json is not JSON: left out$")
  end)

  it("reads the tree that versions until 0.6 had for each project, with the same entries", function()
    local importer, records = importers.of "opencode", forked()
    local scene = importer.scene
    samples.opencode_tree(scene, records)
    local tree = importer:read(scene:path "storage/migration")
    scene:write("project/home-x/app.json", '{"initialized":1754000000000}')
    scene:sh [[to=project/home-x/storage/session; mkdir -p $to/info $to/part; cp storage/session/*/*.json $to/info
      cp -r storage/message $to
      for s in storage/message/*; do for m in $s/*; do
        m=$(basename $m .json); m=${m#msg_}; p=$to/part/$(basename $s); mkdir -p $p
        [ ! -d storage/part/$m ] || cp -r storage/part/$m $p/$m
      done; done]]
    assert.same(tree, (importer:read(scene:path "project/home-x/app.json")))
    local r = scene:run { "import", "project" }
    assert.truthy(r.err:find(("^debrief: %d entries stored in sessions, from %%d+ files\n$"):format(#tree)), r.err)
  end)

  it("says once what is missing where a tree has no file at its top", function()
    local importer, records, fork, session = importers.of "opencode", forked()
    local scene = importer.scene
    samples.opencode_tree(scene, records)
    samples.opencode_tree(scene, fork, session)
    scene:sh [[rm storage/migration; mkdir -p old/project/x/storage/session
      cp -r storage/session/* old/project/x/storage/session/info]]
    for folder, missing in pairs { storage = "storage/migration", old = "old/project/x/app.json" } do
      local r = scene:run { "import", folder }
      assert.truthy(r.err:find(missing .. " is missing, with which a tree of opencode", 1, true), r.err)
      assert.equal(1, select(2, r.err:gsub("passed over", "")), r.err)
      assert.truthy(r.err:find("0 entries stored", 1, true), r.err)
    end
  end)

  it("imports the folder of a tree and its database, each entry once", function()
    local importer, records, fork, session = importers.of "opencode", forked()
    local scene = importer.scene
    samples.opencode_tree(scene, records)
    samples.opencode_tree(scene, fork, session)
    local r = scene:run { "import", "storage" }
    local all = 1 + 2 + #records - 1 + #fork - 1 -- migration, sessions, messages
    for _, list in ipairs { records, fork } do
      for i = 2, #list do all = all + #list[i].parts end
    end
    assert.same({ ("debrief: 6 entries stored in sessions, from %d files\n"):format(all), 0 }, { r.err, r.status })
    r = scene:run { "import", "storage" }
    assert.truthy(r.err:find("^debrief: 0 entries stored in sessions, 6 there already, from %d+ files, all unchanged "
      .. "since the last import\n$"), r.err)
    r = scene:run { "import", "--isolate", "--dry-run", "--again", "storage" }
    if not importers.program.sanitized then assert.truthy(r.err:find("6 there already", 1, true), r.err) end
    if not os.execute "command -v sqlite3 >/dev/null" then return end
    database(importer, samples.opencode_sql(records), samples.opencode_sql(fork, session))
    r = scene:run { "import", "opencode.db" }
    assert.truthy(r.err:find("0 entries stored in sessions, 6 there already, from 1 file\n", 1, true), r.err)
  end)

  it("starts sqlite3 once for the sessions of a database and once for all that is in them", function()
    if not os.execute "command -v sqlite3 >/dev/null" then return pending "sqlite3 is not installed" end
    local importer, texts = importers.of "opencode", {}
    for i = 1, 301 do
      local records = { 0 }
      for n, role in ipairs { "user", "assistant" } do
        records[n + 1] = { info = { id = "msg_" .. n, role = role, finish = n == 2 and "stop" or nil,
          time = { created = 1793610000000 + 10 * i + n } }, parts = { { type = "text", text = role .. i } } }
      end
      texts[i] = samples.opencode_sql(records, { id = ("ses_%03d"):format(i), directory = "/w", first = i == 1,
        began = i })
    end
    database(importer, table.unpack(texts))
    local scene = importer.scene
    scene:write("bin/sqlite3", '#!/bin/sh\necho started >>"$STARTS"\nPATH=${PATH#*:} exec sqlite3 "$@"\n')
    scene:sh "chmod +x bin/sqlite3"
    local r = scene:sh([[STARTS=$PWD/starts PATH=$PWD/bin:$PATH "$DEBRIEF" import opencode.db]])
    assert.truthy(r.err:find("301 entries stored in sessions, from 1 file\n", 1, true), r.err)
    assert.equal("started\nstarted\n", scene:read "starts")
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
    for i = 1, 2100 do
      records[i + 1] = { info = { id = ("msg_%04d"):format(i), role = i % 2 == 0 and "assistant" or "user",
        finish = "stop", time = { created = 1793610000000 + i }, tokens = { input = 1, output = 2 } },
        parts = { { type = "text", text = "text " .. i } } }
    end
    local e = importer:read(database(importer, samples.opencode_sql(records)))
    assert.same({ 1050, "text 2099", "text 2100" }, { #e, e[1050].input, e[1050].attempts[1].output_summary })
  end)

  it("loses at most the entry that an odd field belongs to", function()
    importers.mutate("opencode", function()
      local records, write = samples.opencode()
      local first = table.remove(records, 1)
      return records, function(list) return write { first, table.unpack(list) } end
    end, 400)
  end)
end)
