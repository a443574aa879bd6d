-- Exports in other programs: rows validated by ajv with a JSON schema for each format (tests/formats), CSV and Parquet
-- loaded by DuckDB. `make check` installs both with npm, and says with MODULES where they are. With TORTURE the logs
-- are also those that all corpora make.
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"
local figure = dofile "tests/torture/figure.lua"

local MODULES = os.getenv "MODULES"
local CORPORA = program.root .. "/" .. (os.getenv "CORPORA" or "../shared/corpora")
local ROWS = { "sft", "kto", "dpo", "stepwise", "prompts", "gepa", "openai_sft", "openai_dpo", "atif", "otlp" }
local ALLOWED = { sft = "--allow-retries --allow-turns --weak", kto = "--allow-retries --allow-turns --weak",
  dpo = "--allow-retry-pairs --weak", stepwise = "--allow-turns --weak", prompts = "--allow-turns", gepa = "",
  openai_sft = "--allow-retries --allow-turns --weak", openai_dpo = "--allow-retry-pairs --weak", atif = "",
  otlp = "--opt content=true" }

local quote = program.quote

local function missing()
  if not MODULES or not os.execute("test -d " .. quote(MODULES .. "/ajv")) then
    return "ajv and @duckdb/node-api are not installed: make check"
  end
  return not os.execute "command -v node >/dev/null 2>&1" and "node is not installed"
end

-- Entries whose texts are hard to write.
local function nasty()
  local texts = { '"\\ud800 \\u0000 \\u001b[2J \\u202e"', '"=1+1,\\"a\\"\\r\\n;b"', '{"a":[1,{"b":null}],"c":1e400}',
    '"' .. ("é"):rep(70000) .. '"', '[]', '{}', '12345678901234567890', 'null', '"\\\\"' }
  local lines = {}
  for i, text in ipairs(texts) do
    local said = text:find '^"' and text or '"said"'
    lines[#lines + 1] = ('{"session_id":"n","timestamp":"2026-01-0%dT00:00:00.123456789+05:30","skill":%s,"input":%s,'
      .. '"attempts":[null,{"attempt":1,"model":%s,"output_summary":%s,"runner_output":%s,"verified":false},'
      .. '{"attempt":2,"model":"claude-x","output_summary":"b","checks":[{"kind":"lint","passed":true}]}],'
      .. '"final_status":"ok","duration_ms":%d,"usage":{"input_tokens":1,"output_tokens":-1},"cost_usd":0.5,'
      .. '"tools":[{"name":"Bash","target":%s,"error":true},{}],"source":{"kind":"codex","agent":"a"},"x":%s}'):format(
      i, said, text, said, said, said, i * 1000, said, text)
  end
  for _, one in ipairs { "true", "false" } do
    lines[#lines + 1] = ('{"skill":"s","input":"same","attempts":[{"output_summary":"%s","verified":%s}]}'):format(one,
      one)
  end
  return table.concat(lines, "\n") .. "\n"
end

-- What a shell does to export all kinds of a log into a folder; its lines on standard error stay beside them.
local function export_all(log, folder)
  local lines = { ("mkdir -p %s"):format(folder) }
  local function add(kind, ending, words)
    lines[#lines + 1] = ('"$DEBRIEF" -d %s export %s %s -o %s/%s.%s 2>%s/%s.said'):format(log, kind, words, folder,
      kind, ending, folder, kind)
  end
  for _, kind in ipairs(ROWS) do add(kind, "jsonl", ALLOWED[kind]) end
  add("csv", "csv", "")
  add("parquet", "parquet", "")
  return table.concat(lines, "\n")
end

describe("exports in other programs", function()
  local why, scene, results = missing(), nil, {}

  local function check(folders)
    local files = {}
    for _, folder in ipairs(folders) do
      files[#files + 1] = ("%s/*.jsonl %s/*.csv %s/*.parquet"):format(folder, folder, folder)
    end
    local r = scene:sh(("node %s %s $(ls %s 2>/dev/null)"):format(quote(program.root .. "/tests/formats/check.js"),
      quote(program.root .. "/tests/formats"), table.concat(files, " ")), { NODE_PATH = MODULES })
    assert.equal("", r.err)
    for file, result in pairs(cjson.decode(r.out)) do results[file] = result end
  end

  -- Every row that was written is there, and valid.
  local function assert_folder(folder)
    local rows = 0
    for _, kind in ipairs(ROWS) do
      local result = results[("%s/%s.jsonl"):format(folder, kind)]
      assert.same({}, result.errors, folder .. " " .. kind)
      local said = scene:read(("%s/%s.said"):format(folder, kind)):match "debrief: (%d+) rows? of"
      assert.equal(tonumber(said), result.rows, folder .. " " .. kind)
      rows = rows + result.rows
    end
    local csv, parquet = results[folder .. "/csv.csv"], results[folder .. "/parquet.parquet"]
    assert.same({ {}, {} }, { csv.errors, parquet.errors }, folder)
    assert.equal(tonumber(scene:read(folder .. "/csv.said"):match "debrief: (%d+) row"), csv.rows)
    csv.types = nil
    assert.same("BIGINT BOOLEAN DOUBLE", ("%s %s %s"):format(parquet.types.duration_ms, parquet.types.passed,
      parquet.types.cost_usd))
    parquet.types = nil
    assert.same(csv, parquet, folder)
    return rows
  end

  setup(function()
    if why then return end
    scene = program.scene()
    scene:write("logs/n.jsonl", nasty())
    for _, kind in ipairs(ROWS) do scene:write(("bad/%s.jsonl"):format(kind), '{"prompt":"x","odd":1}\n') end
    scene:sh(("cp %s/tests/data/sessions/*.jsonl logs\n"):format(quote(program.root)) .. export_all("logs", "rows"),
      { NODE_PATH = MODULES })
    check { "rows", "bad" }
  end)
  teardown(program.clean)

  it("are valid in every format, for the sample logs and for texts that are hard to write", function()
    if why then return pending(why) end
    assert.is_true(assert_folder "rows" > 400)
    for _, kind in ipairs(ROWS) do assert.is_true(results[("rows/%s.jsonl"):format(kind)].rows > 0, kind) end
  end)

  it("are refused by every schema in another form", function()
    if why then return pending(why) end
    for _, kind in ipairs(ROWS) do assert.equal(1, #results[("bad/%s.jsonl"):format(kind)].errors, kind) end
  end)

  it("are valid for the logs that all corpora make", function()
    if why then return pending(why) end
    if not os.getenv "TORTURE" then return pending "TORTURE is not set" end
    local pipe = io.popen(("ls -d %s/*/ 2>/dev/null"):format(CORPORA))
    local folders, rows = {}, 0
    for path in pipe:lines() do
      local name = path:match "([^/]+)/$"
      scene:sh(('"$DEBRIEF" -d logs/%s import %s --final'):format(name, quote(path)))
      if scene:sh(('ls logs/%s/*.jsonl'):format(name)).status == 0 then
        scene:sh(export_all("logs/" .. name, "corpus/" .. name), { NODE_PATH = MODULES })
        folders[#folders + 1] = "corpus/" .. name
      end
    end
    pipe:close()
    if not folders[1] then return pending("no " .. CORPORA) end
    check(folders)
    local entries = 0
    for _, folder in ipairs(folders) do
      rows = rows + assert_folder(folder)
      entries = entries + results[folder .. "/csv.csv"].rows
    end
    figure("exports", "of every corpus", ("%d rows of %d entries of %d corpora"):format(rows, entries, #folders),
      "all valid", true)
  end)
end)
