-- embed.lua OUT FILE...: write a C file that holds the files' bytes. Run by the Makefile.
-- OUT is left alone when nothing changed, so that make has nothing to do.

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "a"
  file:close()
  return text
end

-- Numbers, not a string: C promises no more than 4,095 characters of a literal.
local function array(index, text)
  local bytes = text:gsub(".", function(c) return c:byte() .. "," end)
  if #text == 0 then bytes = "0" end
  return ("static const unsigned char text%d[] = {%s};\n"):format(index, bytes)
end

local function generate(paths)
  local arrays, rows = {}, {}
  for i, path in ipairs(paths) do
    local text = read(path)
    arrays[i] = array(i, text)
    rows[i] = ("    {%q, (const char *)text%d, %d},\n"):format(path, i, #text)
  end
  return '#include "lua/embedded.h"\n\n' .. table.concat(arrays)
    .. "\nconst dbf_embedded_file dbf_embedded_files[] = {\n" .. table.concat(rows) .. "    {NULL, NULL, 0},\n};\n"
end

local out = arg[1]
local source = generate(table.move(arg, 2, #arg, 1, {}))
local file = io.open(out, "rb")
if file then
  local same = file:read "a" == source
  file:close()
  if same then return end
end
file = assert(io.open(out, "wb"))
assert(file:write(source))
file:close()
