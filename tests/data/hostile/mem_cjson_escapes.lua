local cjson = require "cjson"
local s = ("\1"):rep(1 << 25)
cjson.encode(s)
return { name = "mem_cjson_escapes", api = 1, filter = function(entry, ctx) return true end }
