local debrief = require "debrief"
local s, t = ("x"):rep(1 << 24), {}
for i = 1, 64 do t[i] = s end
debrief.encode(t)
return { name = "mem_encode_shared", api = 1, filter = function(entry, ctx) return true end }
