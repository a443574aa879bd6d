local t = {}
for i = 0, 61 do t[1 << i] = true end
table.remove(t, 1)
return { name = "cpu_remove_border", api = 1, filter = function(entry, ctx) return true end }
