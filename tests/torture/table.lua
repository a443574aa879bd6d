--- table.lua FILE...: the figures in these files (see figure.h), as the Markdown table of build/torture.md.
local order = { "kills", "power cuts", "system calls", "allocations and calls", "damage", "fuzzing", "hostile scripts",
  "hostile logs", "redaction" }

local rank, rows = {}, {}
for i, area in ipairs(order) do rank[area] = i end

local function output_of(command)
  local pipe <close> = assert(io.popen(command))
  return (pipe:read "a":gsub("%s+$", ""))
end

for _, path in ipairs(arg) do
  for line in io.lines(path) do
    local cells = {}
    for cell in (line .. "\t"):gmatch "(.-)\t" do cells[#cells + 1] = (cell:gsub("|", "\\|")) end
    if #cells == 5 then rows[#rows + 1] = cells end
  end
end

table.sort(rows, function(a, b)
  local x, y = rank[a[1]] or math.huge, rank[b[1]] or math.huge
  if x ~= y then return x < y end
  return a[1] .. a[2] < b[1] .. b[2]
end)

local unmet, seen = 0, {}
print "# Torture\n"
print(("%s form, %s, %s, %s processors\n"):format(os.getenv "TORTURE" and "Long" or "Short",
  os.date "!%Y-%m-%d %H:%M UTC", output_of "uname -srm", output_of "nproc"))
print "| what | of | figure | goal | met |"
print "|---|---|---|---|---|"
for _, row in ipairs(rows) do
  print("| " .. table.concat(row, " | ") .. " |")
  seen[row[1]] = true
  if row[5] ~= "yes" then unmet = unmet + 1 end
end
local missing = {}
for _, area in ipairs(order) do
  if not seen[area] then missing[#missing + 1] = area end
end
print(("\n%d figures, %d goals not met%s"):format(#rows, unmet,
  #missing > 0 and "; nothing ran for: " .. table.concat(missing, ", ") or ""))
os.exit(unmet == 0)
