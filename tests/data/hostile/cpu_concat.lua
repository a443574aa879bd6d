local t = {}
for i = 1, 1 << 20 do t[i] = i + 0.5 end
while true do local s = table.concat(t, ",") end
return { name = "cpu_concat", api = 1, filter = function(entry, ctx) return true end }
