-- embed.lua OUT FILE...: write a C file that holds the files' bytes, and what this lua5.4 compiles those of lua/ to.
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
-- and indentation. The text is there for another release of Lua only, and would be a tenth larger.
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

-- The arrays of a file, and its row of the table.
local function embed(index, word)
  local path, file, foreign = place(word)
  local text = read(file)
  local code = path:find "^lua/" and compile(path, text, foreign)
  if code and not foreign then text = shorter(path, text) end
  return array("text" .. index, text) .. (code and array("code" .. index, code) or ""),
    ("    {%q, (const char *)text%d, %d, %s, %d, %s},\n"):format(path, index, #text,
      code and "(const char *)code" .. index or "NULL", code and #code or 0, foreign)
end

local function generate(words)
  local arrays, rows = {}, {}
  for i, word in ipairs(words) do arrays[i], rows[i] = embed(i, word) end
  return table.concat { '#include "lua/embedded.h"\n\n', table.concat(arrays),
    ("\nconst char dbf_embedded_release[] = %q;\n"):format(release()),
    ("const size_t dbf_embedded_count = %d;\n"):format(#words),
    "const dbf_embedded_file dbf_embedded_files[] = {\n", table.concat(rows), "    {0},\n};\n" }
end

local out = arg[1]
local source = generate(sorted(table.move(arg, 2, #arg, 1, {})))
local file = io.open(out, "rb")
if file then
  local same = file:read "a" == source
  file:close()
  if same then return end
end
file = assert(io.open(out, "wb"))
assert(file:write(source))
file:close()
