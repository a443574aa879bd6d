--- For specs of importers: run one over files, and over files with one odd field.
--
--     local gemini = importers.of "gemini"
--     local entries, result = gemini:entries(text, "session.json")   -- decoded, in the order of emitting
--     importers.mutate("gemini", sample, 300)
local support = dofile "tests/spec/support/plugins.lua"
local program = dofile "tests/spec/support/program.lua"
local cjson = require "cjson"
local core = support.core
local import = require "debrief.import"

local importers = { program = program, cjson = cjson }

importers.corpora = os.getenv "CORPORA" or "../shared/corpora"

local Importer = {}
Importer.__index = Importer

function importers.of(name)
  local plugin = support.load("plugins/" .. name .. ".lua")
  return setmetatable({ plugin = plugin, scene = program.scene() }, Importer)
end

--- Entries of a file that exists, imported with the options.
function Importer:read(path, options)
  local result = import.run({ path = path, final = true, files = import.files,
    siblings = self.plugin.import.siblings }, function(source, emit)
    self.plugin.import.open(source, emit, { options = options or {} })
    return true
  end)
  local entries, lines = {}, {}
  for _, session in ipairs(result.entries) do
    for _, line in ipairs(session.lines) do
      entries[#entries + 1] = cjson.decode(line)
      lines[entries[#entries].source.key] = line
    end
  end
  return entries, result, lines
end

--- Entries of a text.
function Importer:entries(text, name, options) return self:read(self.scene:write(name, text), options) end

--- Files below a folder of the corpora, by shell patterns; none when it is not there.
function importers.files(patterns)
  local out = {}
  local pipe <close> = io.popen(("cd %s 2>/dev/null && ls -d %s 2>/dev/null"):format(program.quote(importers.corpora),
    patterns))
  for name in pipe:lines() do out[#out + 1] = importers.corpora .. "/" .. name end
  return out
end

function importers.is_file(path) return (core.stat(path) or {}).kind == "file" end

--- The names of the plugins that know a file by its beginning.
function importers.detect(path, plugins)
  local names, head = {}, assert(core.slurp(path, 65536))
  for _, plugin in ipairs(plugins) do
    if plugin.import.detect(path, head) then names[#names + 1] = plugin.name end
  end
  return table.concat(names, " ")
end

--- All bundled importers.
function importers.all()
  local out = {}
  for _, path in ipairs(core.sources "plugins/") do
    local plugin = support.load(path)
    if plugin.import then out[#out + 1] = plugin end
  end
  return out
end

local function places(value, out)
  for key, item in pairs(value) do
    out[#out + 1] = { value, key }
    if type(item) == "table" then places(item, out) end
  end
  return out
end

local ODD = { cjson.null, true, false, 0, -1, 1.5, 1e300, "", "x", ("y"):rep(3000), "2026-13-45T99:99:99Z", "\0\27[31m",
  {}, { {} }, { a = { b = 1 } }, { "text" }, { { type = "text" } }, { { text = 5, type = "text" } } }

--- One odd field costs at most the entry that it belongs to, and never raises.
-- @param make function() -> records, and function(records) -> text, name of the file: a new sample each time
-- @param times how many mutations
function importers.mutate(name, make, times)
  local importer, random = importers.of(name), support.random(1)
  local records, write = make()
  local all, _, expected = importer:entries(write(records))
  local count = #all
  assert(count > 0, "the sample of " .. name .. " has no entries")
  for _ = 1, times do
    records, write = make()
    local at = places(records[random(#records)], {})
    table.sort(at, function(a, b) return tostring(a[2]) < tostring(b[2]) end)
    local place, odd = at[random(#at)], ODD[random(#ODD)]
    local before = place[1][place[2]]
    place[1][place[2]] = odd
    local what = ("%s = %s (was %s)"):format(place[2], cjson.encode(odd):sub(1, 60), cjson.encode(before):sub(1, 60))
    local fine, found, _, lines = pcall(importer.entries, importer, write(records))
    assert(fine, what .. ": " .. tostring(found))
    local lost = 0
    for key in pairs(expected) do lost = lost + (lines[key] and 0 or 1) end
    assert(lost <= 1, ("%s: %d lost"):format(what, lost))
    assert(#found >= count - 1, what)
  end
end

return importers
