local s = ("a"):rep(1 << 24)
for i = 1, 1e9 do s:find(("a"):rep(200) .. "b", 1, true) end
return { name = "cpu_find_plain", api = 1, filter = function(entry, ctx) return true end }
