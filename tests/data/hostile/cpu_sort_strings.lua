local long, t = ("k"):rep(1 << 22), {}
local a, b = long .. "a", long .. "b" for i = 1, 20000 do t[i] = i % 2 == 0 and a or b end
table.sort(t)
return { name = "cpu_sort_strings", api = 1, filter = function(entry, ctx) return true end }
