local t = {}
for i = 0, 61 do t[1 << i] = true end
table.insert(t, 1, true)
return { name = "cpu_insert_border", api = 1, filter = function(entry, ctx) return true end }
