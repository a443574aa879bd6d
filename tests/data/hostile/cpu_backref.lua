local s = ("a"):rep(200000)
s:find("(a*)b%1")
s:find("^(a-)%1%1%1x")
s:gsub("(a-)%1b", "")
return { name = "cpu_backref", api = 1, filter = function(entry, ctx) return true end }
