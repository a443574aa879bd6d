local t = {}
for i = 1, 300000 do t[i] = {} end
pcall(table.sort, t, rawequal) while true do pcall(table.sort, t, rawequal) end
return { name = "cpu_sort_by_c", api = 1, filter = function(entry, ctx) return true end }
