-- embed.lua OUT FILE...: write a C file that holds the files' bytes, packed, and what this lua5.4 compiles the Lua
-- files of lua/ to.
-- Run by the Makefile. A file of another package is given as PATH=MODULE or PATH=FILE, PATH being where debrief looks
-- for it. OUT is left alone when nothing changed, so that make has nothing to do.

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- "Lua 5.4.4  Copyright (C) ...", as lua.h has it: bytecode is for this release only. No function of Lua's returns it.
local function release()
  local first = 0
  while arg[first - 1] do first = first - 1 end
  local pipe = assert(io.popen(("'%s' -v"):format(arg[first])))
  local text = pipe:read "l"
  pipe:close()
  return assert(text and text:match "^Lua 5%.4%..*", "no Lua 5.4 runs this file")
end

-- Ours is not stripped, so that errors name file and line. Names and lines of another package would be a tenth of what
-- an append does.
local function compile(path, text, foreign) return string.dump(assert(load(text, "@" .. path, "t")), foreign) end

-- The text of a module without what its code is the same without: lines that are comments, which stay as empty ones,
-- and indentation. The text is there for another release of Lua only: it is packed, too.
local function shorter(path, text)
  local code = compile(path, text, false)
  for _, pattern in ipairs { "%f[^\n\0][ ]*%-%-[^\n]*", "%f[^\n\0] +" } do
    local short = text:gsub(pattern, "")
    local fine = load(short, "@" .. path, "t")
    if fine and string.dump(fine) == code then text = short end
  end
  return text
end

local NUMBERS = {}
for byte = 0, 255 do NUMBERS[string.char(byte)] = byte .. "," end

-- Numbers, not a string: C promises no more than 4,095 characters of a literal.
local function array(name, bytes)
  local numbers = bytes:gsub(".", NUMBERS)
  if #bytes == 0 then numbers = "0" end
  return ("static const unsigned char %s[] = {%s};\n"):format(name, numbers)
end

-- Where a module of this Lua lies; never in the current folder, which is for no build.
local function find_module(name)
  local found = package.searchpath(name, (package.path:gsub("%./[^;]*;?", "")))
  if found then return found end
  io.stderr:write(("embed.lua: Lua has no module '%s': install lua-%s (make deps), or say make ARGPARSE=FILE\n")
    :format(name, name))
  os.exit(1)
end

-- "PATH=MODULE", "PATH=FILE" or "FILE" -> path, where it lies, is it another package's?
local function place(word)
  local path, file = word:match "^([^=]+)=(.+)$"
  if not path then return word, word, false end
  return path, file:find "/" and file or find_module(file), true
end

local function sorted(words)
  table.sort(words, function(a, b) return place(a) < place(b) end)
  return words
end

-- ---- Blocks ---------------------------------------------------------------------------------------------------------

local BLOCK = 256 * 1024 -- bytes of texts that are packed together
local FARTHEST, LOOKS = 65535, 64 -- how far back a match may be, and how many are tried

-- A length as LZ4 writes what does not fit into four bits.
local function more(length)
  if length < 15 then return "" end
  length = length - 15
  return ("\255"):rep(length // 255) .. string.char(length % 255)
end

local function sequence(literals, distance, length)
  local high, low = math.min(#literals, 15), distance and math.min(length - 4, 15) or 0
  local head = string.char(high << 4 | low) .. more(#literals) .. literals
  return distance and head .. ("<I2"):pack(distance) .. more(length - 4) or head
end

-- How long what stands at `at` is equal to what stands at `other`.
local function common(text, other, at, last)
  local n = 4
  while at + n + 8 <= last and text:sub(other + n, other + n + 7) == text:sub(at + n, at + n + 7) do n = n + 8 end
  while at + n <= last and text:byte(other + n) == text:byte(at + n) do n = n + 1 end
  return n
end

-- The text as a block of LZ4. Its last five bytes are literals, and no match begins in its last twelve.
local function pack(text)
  local heads, before, out, from, at, last = {}, {}, {}, 1, 1, #text - 5
  local function note(i)
    local key = text:sub(i, i + 3)
    before[i], heads[key] = heads[key], i
  end
  local function longest(i)
    local best, distance, other, looks = 0, nil, heads[text:sub(i, i + 3)], 0
    while other and i - other <= FARTHEST and looks < LOOKS do
      local n = common(text, other, i, last)
      if n > best then best, distance = n, i - other end
      other, looks = before[other], looks + 1
    end
    return best, distance
  end
  while at <= #text - 12 do
    local best, distance = longest(at)
    if distance and best < 64 and at < #text - 12 and longest(at + 1) > best then distance = nil end -- a byte later
    if distance then
      out[#out + 1] = sequence(text:sub(from, at - 1), distance, best)
      for i = at, at + best - 1 do note(i) end
      at = at + best
      from = at
    else
      note(at)
      at = at + 1
    end
  end
  out[#out + 1] = sequence(text:sub(from), nil, nil)
  return table.concat(out)
end

-- ---- The table ------------------------------------------------------------------------------------------------------

-- Texts go into blocks in their order; `alone` has one of its own, which is unpacked without the others. Returns where
-- a text begins, with the number of its block.
local function blocks()
  local list, self = {}, {}
  local shared, size = nil, 0
  function self.add(text, alone)
    if alone then
      list[#list + 1] = { text }
      return #list, 0
    end
    if not shared or size + #text > BLOCK then
      list[#list + 1] = {}
      shared, size = #list, 0
    end
    local at = size
    table.insert(list[shared], text)
    size = size + #text
    return shared, at
  end
  function self.arrays()
    local arrays, rows = {}, {}
    for i, texts in ipairs(list) do
      local text = table.concat(texts)
      local packed = pack(text)
      arrays[i] = array("block" .. i, packed)
      rows[i] = ("    {(const char *)block%d, %d, %d},\n"):format(i, #packed, #text)
    end
    return table.concat(arrays) .. "static const dbf_embedded_block blocks[] = {\n" .. table.concat(rows) .. "};\n"
  end
  return self
end

-- Modules whose code is packed, too: unpacking all of them would add a tenth to a start, and these are used by few.
local RARE = {}
for name in ([[
  capi init
  cli/address cli/append cli/check cli/complete cli/copy cli/entry_words cli/export cli/fields
  cli/follow cli/forward
  cli/gates cli/help cli/hook cli/import cli/merge cli/page cli/partials
  cli/plugins
  cli/read cli/table
  cli/record cli/repl cli/report cli/run cli/script cli/sessions cli/spool cli/why
  cli/workers
  entry/card entry/failure entry/fields
  export/samples
  import/checks import/content import/glob import/init import/kept import/ledger import/looks import/once import/rows
  import/runners import/shell import/siblings import/stamps import/summaries import/transcript import/tree import/values
  import/verdict
  measure/charts measure/column measure/define measure/groups measure/named measure/single
  plugin/contract plugin/fields plugin/options plugin/rights
  retro/aggregate/quantiles retro/aggregate/top retro/aggregate/largest retro/chunks retro/init retro/total
  pretty/init pretty/inspect
  prompt/commands prompt/complete prompt/console prompt/help prompt/init prompt/save prompt/syntax
  query/overview query/seen query/why
  record/command record/output record/run record/state
  repl/init repl/try
  report/bars report/cards report/chart report/check report/gate report/html report/json
  report/markdown report/records report/separated report/svg report/text
  retro/cited retro/partial
  run/entries run/exports run/follow run/imports run/isolate run/remote run/script
  run/served
  statistics/change statistics/distributions statistics/numbers statistics/rates
]]):gmatch "%S+" do RARE[("lua/debrief/%s.lua"):format(name)] = true end

-- Modules of commands that are seldom used, or run for long: their text is compiled then, and there is no code of them.
local TEXT = {}
for name in ([[
  cli/completion cli/explain cli/hook_settings cli/init_store cli/mcp cli/plugins_check cli/repair cli/skill cli/work
  export/parquet report/baseline report/junit run/check run/import_trial
  transfer/copy transfer/forward work/abandoned work/crew work/refusal work/result work/serve work/status
  work/wire
]]):gmatch "%S+" do TEXT[("lua/debrief/%s.lua"):format(name)] = true end

-- The arrays of a file, and its row of the table.
local function embed(index, word, packed)
  local path, file, foreign = place(word)
  local text = read(file)
  local code = path:find "^lua/.*%.lua$" and compile(path, text, foreign)
  if TEXT[path] then
    local block, at = packed.add(shorter(path, text))
    return "", ("    {%q, &blocks[%d], %d, %d, NULL, 0, NULL, %s},\n"):format(path, block - 1, at, #shorter(path, text),
      foreign)
  end
  if not code then
    local block = packed.add(text, true)
    return "", ("    {%q, &blocks[%d], 0, %d, NULL, 0, NULL, %s},\n"):format(path, block - 1, #text, foreign)
  end
  if not foreign then text = shorter(path, text) end
  local block, at = packed.add(text)
  if RARE[path] then
    return "", ("    {%q, &blocks[%d], %d, %d, NULL, 0, &blocks[%d], %s},\n"):format(path, block - 1, at, #text,
      packed.add(code, true) - 1, foreign)
  end
  return array("code" .. index, code), ("    {%q, &blocks[%d], %d, %d, (const char *)code%d, %d, NULL, %s},\n"):format(
    path, block - 1, at, #text, index, #code, foreign)
end

local function generate(words)
  local arrays, rows, packed = {}, {}, blocks()
  for i, word in ipairs(words) do arrays[i], rows[i] = embed(i, word, packed) end
  return table.concat { '#include "lua/embedded.h"\n\n', packed.arrays(), table.concat(arrays),
    ("\nconst char dbf_embedded_release[] = %q;\n"):format(release()),
    ("const size_t dbf_embedded_count = %d;\n"):format(#words),
    "const dbf_embedded_file dbf_embedded_files[] = {\n", table.concat(rows), "    {0},\n};\n" }
end

-- ---- Writing --------------------------------------------------------------------------------------------------------

-- All that the table is made of. Packing takes seconds, and every make asks.
local function ingredients(words)
  local parts = { release(), read(arg[0]) }
  for _, word in ipairs(words) do
    local _, file = place(word)
    parts[#parts + 1] = word
    parts[#parts + 1] = read(file)
  end
  return ("s4"):rep(#parts):pack(table.unpack(parts))
end

local function holds(path, text)
  local file <close> = io.open(path, "rb")
  return file and (text == nil or file:read "a" == text)
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  assert(file:write(text))
  assert(file:close())
end

local out, words = arg[1], sorted(table.move(arg, 2, #arg, 1, {}))
local from, made_from = ingredients(words), out .. ".from"
if holds(out) and holds(made_from, from) then return end
local source = generate(words)
if not holds(out, source) then write(out, source) end
write(made_from, from)
