local s = ("a"):rep(1 << 22)
while true do s:gsub(".", string.upper) end
return { name = "cpu_gsub_c", api = 1, filter = function(entry, ctx) return true end }
