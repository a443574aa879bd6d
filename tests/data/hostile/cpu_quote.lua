local s = ("\1"):rep(1 << 24) while true do local q = ("%q"):format(s) end
return { name = "cpu_quote", api = 1, filter = function(entry, ctx) return true end }
