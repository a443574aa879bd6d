-- Plugins that mean harm: tests/data/hostile, one script an attack, each used as its INDEX.tsv says. However it goes,
-- the program ends in time and in words, keeps its memory, and touches nothing but its own files.
--
-- The short form gives a hook a tenth of a second and 64 MiB; HOSTILE=full what users get, and imports twice, without a
-- process of their own too.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"

local SCRIPTS = program.root .. "/tests/data/hostile"
local FULL = os.getenv "HOSTILE" == "full"
local BUDGET = FULL and 1 or 0.1 -- seconds of a hook
local MEMORY = FULL and 256 or 64 -- MiB
-- Seconds for all that is no hook. On a busy machine even seconds of a processor are longer, which counts beside a
-- tenth of one.
local START = program.sanitized and 5 or FULL and 0.5 or 1
local PEAK = 2 * MEMORY + 150 -- MiB: what plugins have, as much again that is kept for use, a line on its way
local WALL = FULL and 120 or 20 -- seconds, after which something hangs

local ENTRY = '{"session_id":"%s","timestamp":"2026-11-0%dT10:00:00Z","skill":"review","input":{"x":[1,null]},'
  .. '"attempts":[{"attempt":1,"model":"m","verified":true}],"final_status":"ok","duration_ms":100}\n'

local WORDS = {
  filter = function(file) return { "read", "--filter", file } end,
  enrich = function(file) return { "read", "--enrich", file } end,
  show = function(file) return { "plugins", file } end,
  retro = function(file, beside) return { "retro", "-j1", file .. (beside ~= "" and "," .. beside or "") } end,
  import = function(file) return { "-d", "imported", "import", file, "in.jsonl" } end,
  detect = function() return { "-d", "imported", "import", "in.jsonl", env = { DEBRIEF_PLUGIN_PATH = "." } } end,
}

local function rows()
  local list = {}
  for line in io.lines(SCRIPTS .. "/INDEX.tsv") do
    local name, class, how, beside = line:match "^([^\t]*)\t([^\t]*)\t([^\t]*)\t?(.*)$"
    if name ~= "name" then
      local import = how == "import"
      if not (import and program.sanitized) then -- a process of its own has no room for a sanitizer
        list[#list + 1] = { name = name, class = class, how = how, beside = beside }
      end
      if import and (FULL or program.sanitized or name:find "detect") then
        list[#list + 1] = { name = name, class = class, how = "detect", beside = "" }
      end
    end
  end
  return list
end

-- A folder with two sessions, a file to import, and the script. Returns it, and the text of each file.
local function scene_of(row)
  local scene, files = program.scene(), {}
  for _, id in ipairs { "a", "b" } do
    local lines = {}
    for i = 1, 3 do lines[i] = ENTRY:format(id, i) end
    files["sessions/" .. id .. ".jsonl"] = table.concat(lines)
  end
  files["in.jsonl"] = ENTRY:format("in", 1)
  files[row.name .. ".lua"] = assert(program.read(("%s/%s.lua"):format(SCRIPTS, row.name)))
  for path, text in pairs(files) do scene:write(path, text) end
  return scene, files
end

-- The text of every file below the folder, but for those of the runner and what was imported.
local function files_of(scene, folder, into)
  for _, item in ipairs(core.list(scene:path(folder)) or {}) do
    local path = (folder == "." and "" or folder .. "/") .. item[1]
    if item[2] and path ~= "imported" then files_of(scene, path, into)
    elseif not item[2] and path:sub(1, 1) ~= "." then into[path] = scene:read(path) end
  end
  return into
end

-- Run it. Returns { out =, err =, status =, cpu = seconds, peak = MiB }
local function attack(scene, row)
  local words = WORDS[row.how](("./%s.lua"):format(row.name), row.beside)
  words[#words + 1], words[#words + 2] = "--plugin-time=" .. BUDGET, "--plugin-memory=" .. MEMORY
  for i, word in ipairs(words) do words[i] = program.quote(word) end
  local limit = program.sanitized and "" or "ulimit -v 2000000;"
  local line = '%s exec %s -o .shown -t %d "$DEBRIEF" %s 2>.said'
  local r = scene:sh(line:format(limit, program.quote(program.build .. "/tests/bench/measure"), WALL,
    table.concat(words, " ")), words.env)
  local peak, status, cpu = r.out:match "^[%d.]+ (%d+) (%d+) ([%d.]+)\n"
  assert(peak, r.out .. r.err)
  return { out = scene:read ".shown", err = scene:read ".said", status = tonumber(status), cpu = tonumber(cpu),
    peak = tonumber(peak) / 1024 }
end

-- ---- What may be said -----------------------------------------------------------------------------------------------

-- Lines of the standard error: the program's own, what the script printed, and its part of a traceback.
local function kind_of(line, name)
  if line:find("^%l+: " .. name .. ":") then return "printed" end
  local hook = line:match("^debrief: plugin '" .. name .. "', (%l+): .")
  if hook then return "problem", hook end
  if line:find "^debrief: plugin does not load: ." then return "problem", "load" end
  if line:find "^debrief: the check of option " then return "problem", "check" end
  if line:find "^debrief: %d+ entr[iy]e?s? stored in " then return "result" end
  if line:find "^debrief: no importer knows " or line:find("^debrief: " .. name .. " does not recognise ") then
    return "result"
  end
  if line:find "^in%.jsonl:%d+:%d+ [%l_]+: ." then return "result" end -- a diagnostic
  if line == "stack traceback:" or line == "\t...\t(skipping n levels)" or line == "\t(...tail calls...)" then
    return "place"
  end
  if line:find("^\t%./" .. name .. "%.lua:%d+: in ") or line:find "^\t%[C%]: in " or line:find "^\t%.%.%." then
    return "place"
  end
end

-- The hooks that problems are about, each with their number; fails at a line that should not be there.
local function hooks_in(text, name)
  local hooks, n = {}, 0
  for line in text:gmatch "[^\n]*" do
    local kind, hook = kind_of(line, name)
    assert.truthy(line == "" or kind, "a line of no known kind: " .. line)
    assert.falsy(kind ~= "printed" and line:find("0x%x%x%x%x%x%x%x"), "an address: " .. line)
    if hook then
      n = n + (hooks[hook] and 0 or 1)
      hooks[hook] = (hooks[hook] or 0) + 1
    end
  end
  return hooks, n
end

local function check_words(r, row)
  for _, text in ipairs { r.out, r.err } do
    assert.falsy(text:find "[\0-\8\11-\31\127]", "control characters are printed")
    assert.falsy(text:find "\xc2[\x80-\x9f]", "C1 control characters are printed")
  end
  assert.falsy(r.err:find("a bug in debrief", 1, true), r.err)
  assert.falsy(r.err:find("lua/debrief/", 1, true), r.err)
  local hooks, n = hooks_in(r.err, row.name)
  if r.status == 0 then return assert.equal(0, n, r.err) end
  assert.truthy(n > 0, "no message: " .. r.err)
  if row.class ~= "acc" then assert.equal(1, n, r.err) end
  for _, count in pairs(hooks) do assert.truthy(count <= 11, r.err) end -- equal ones are counted, ten others shown
end

describe("a hostile plugin", function()
  teardown(program.clean)

  for _, row in ipairs(rows()) do
    it(("does no harm: %s (%s)"):format(row.name, row.how), function()
      local scene, files = scene_of(row)
      local r = attack(scene, row)
      assert.truthy(r.status <= 3, ("ended with %d: %s"):format(r.status, r.err))
      local most = 2 * BUDGET + START
      assert.truthy(r.cpu <= most, ("took %.2f s, more than %.1f"):format(r.cpu, most))
      assert.truthy(program.sanitized or r.peak <= PEAK, ("held %.0f MiB"):format(r.peak))
      assert.same(files, files_of(scene, ".", {}))
      check_words(r, row)
    end)
  end
end)
