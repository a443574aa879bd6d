-- Calls of Lua's library functions, thousands of them, the same ones each time, and what came of each as one line:
-- results
-- or the message. Runs both in a stock Lua and as a part of a plugin, whose functions are debrief's: the lines must
-- be the
-- same. Returns the function cases(from, to) -> array of lines.
local state

local function random(n) -- 1 to n; the plugin has no seed
  state = (state * 6364136223846793005 + 1442695040888963407)
  return (state >> 33) % n + 1
end

local function pick(list) return list[random(#list)] end

local ITEMS = { "a", "b", "c", " ", "_", ".", ".", "%a", "%d", "%s", "%w", "%A", "%W", "%p", "%c", "%l", "%u", "%x",
  "%g", "%z",
  "[abc]", "[^ab]", "[a-c]", "[%w_]", "[]]", "[^]]", "[a-]", "[%a-z]", "[^%s]", "[%]]", "[+--]", "[c-a]", "%%", "%.",
    "\0", "\xe9",
  "(", ")", "(", ")", "()", "%1", "%2", "%b()", "%bab", "%f[%w]", "%f[^a]", "%f[%z]", "$", "^", "aa", "(a*)", "(.-)",
    "(%w+)" }
local WRONG = { "%", "[", "[^", "[a", "[%", "%b", "%ba", "%f", "%fa", "%0", "%9", "(", ")" }
local COUNTS = { "", "", "", "*", "+", "-", "?" }
local LETTERS = { "a", "b", "c", "a", "b", "(", ")", " ", "_", "1", "2", "A", ".", "%", "\0", "\n", "\xe9", "]", "-",
  "+", "^" }
local TEXTS = { "", "x", "%0", "%1", "<%0>", "%2", "%%", "%", "%x", "a%1b%1", "%0%0", "\0" }

local function text(most)
  local out = {}
  for i = 1, random(most + 1) - 1 do out[i] = pick(LETTERS) end
  return table.concat(out)
end

local function pattern()
  local out = { random(6) == 1 and "^" or "" }
  for _ = 1, random(6) - 1 do out[#out + 1] = pick(ITEMS) .. pick(COUNTS) end
  if random(12) == 1 then out[#out + 1] = pick(WRONG) end
  if random(6) == 1 then out[#out + 1] = "$" end
  return table.concat(out)
end

local function shown(value)
  if type(value) == "string" then return ("%q"):format(value) end
  if type(value) == "table" or type(value) == "function" then return type(value) end
  return tostring(value)
end

-- One line: what a call returned or raised. The place of an error is that of the chunk.
local function outcome(f, ...)
  local got = table.pack(pcall(f, ...))
  if not got[1] then return "raised " .. (tostring(got[2]):gsub("^[^:]*:%d+: ", "")) end
  for i = 2, got.n do got[i] = shown(got[i]) end
  return table.concat(got, " ", 2, got.n)
end

local function replacement()
  local kind = random(6)
  if kind == 1 then return function(...) return select("#", ...) > 1 and (...) or nil end end
  if kind == 2 then return function(a) return a == "a" and "A" end end
  if kind == 3 then return { a = "1", b = false, [""] = "e", c = 5, [1] = "one" } end
  if kind == 4 then return function() return pick { 1, 2.5, "s", {}, false } end end
  return pick(TEXTS)
end

local function all(s, p, init)
  local out, n = {}, 0
  for a, b in string.gmatch(s, p, init) do
    n = n + 1
    out[n] = shown(a) .. "," .. shown(b)
  end
  return table.concat(out, ";")
end

-- A call of each kind.
local CALLS = {
  function(s, p) return outcome(string.find, s, p) end,
  function(s, p) return outcome(string.find, s, p, random(12) - 6, random(5) == 1) end,
  function(s, p) return outcome(string.match, s, p) end,
  function(s, p) return outcome(string.match, s, p, random(12) - 6) end,
  function(s, p) return outcome(function() return s:match(p) end) end,
  function(s, p) return outcome(all, s, p, random(3) == 1 and random(12) - 6 or nil) end,
  function(s, p) return outcome(string.gsub, s, p, replacement()) end,
  function(s, p) return outcome(string.gsub, s, p, replacement(), random(4) - 2) end,
}

-- Big ones, and wrong ones: each is a call by itself. What comes of them is long, so it is shown by a few of its parts.
local function sum(value)
  local n = 0
  for i = 1, #value, #value // 3001 + 1 do n = (n * 31 + value:byte(i)) % 1000000007 end
  return #value .. ":" .. n
end

local function filled(n, f)
  local t = {}
  for i = 1, n do t[i] = f(i) end
  return t
end

local N = 70000
local BIG = {
  function() return sum(("ab"):rep(N, ",")), ("x"):rep(0), ("x"):rep(-1), ("x"):rep(1), (""):rep(5, ","), ("a"):rep(3,
    "") end,
  function() return string.rep("x", 1 << 62), 1 end, function() return string.rep("xy", 1 << 61, "z") end,
  function() return (("aB\xe9\0"):rep(N):upper() == ("AB\xe9\0"):rep(N)), sum(("aB"):rep(N):lower()),
    sum(("abc"):rep(N):reverse()) end,
  function() return sum(("%q"):format(("\0001\n\r\"\\\127a"):rep(N))), sum(("<%q|%d|%s|%%>"):format(("x"):rep(N), 7,
    "y")) end,
  function() return sum(("%5d|%-4s|%g|%x|%i"):rep(9000):format(table.unpack(filled(45000,
  function(i) return i % 9 end)))) end,
  function() return ("%q"):rep(2):format(("x"):rep(N)) end,
  function() return utf8.len(("\u{e9}"):rep(N)), utf8.len(("\u{e9}"):rep(N), 3), utf8.len(("x"):rep(N), -5, -2) end,
  function() return utf8.len(("\u{e9}"):rep(2 * N * 8, ""), 5, -7) end,
  function() return utf8.len(("\u{e9}"):rep(N) .. "\xff") end,
  function() return utf8.len(("x"):rep(N), N + 2) end, function() return utf8.len(("x"):rep(N), 1, N + 1) end,
  function() return utf8.len(("\u{e9}"):rep(N), 2) end,
  function() return utf8.len(("\u{e9}"):rep(N * 9) .. ("\x80"):rep(9)) end,
  function()
    local t = filled(N, function(i) return i end)
    table.insert(t, 5, "new")
    table.insert(t, "last")
    return table.remove(t, 2), table.remove(t, #t - 3), table.remove(t), t[4], t[5], #t, sum(table.concat(t, ","))
  end,
  function() return table.insert(filled(N, function() return 1 end), N + 2, 1) end,
  function() return table.remove(filled(N, function() return 1 end), N + 2) end,
  function()
    local t = filled(N, function(i) return i end)
    table.move(t, 1, N, 3)
    table.move(t, 10, N, 2)
    return sum(table.concat(t, ",")), sum(table.concat(table.move(t, 1, N, 5, filled(9, function(i) return i end)),
      "-"))
  end,
  function() return table.move({}, -1, math.maxinteger, 2) end,
  function() return table.move({}, 1, math.maxinteger, 2) end,
  function() return table.move(5, 1, 1 << 40, 2) end, function() return table.move({}, 1, 1 << 40, 2, 5) end,
  function() return table.concat({ 1, 2 }, ",", 1, 1 << 40) end,
  function() return sum(table.concat(filled(N, function(i) return i / 2 end), ";", 2)) end,
  function() return table.concat(filled(N, function(i) return i > 65990 and {} or i end)) end,
  function()
    local t = filled(N, function() return random(1 << 30) end)
    table.sort(t)
    local long = ("k"):rep(50000)
    local u = filled(120, function() return long .. random(99) end)
    table.sort(u)
    return sum(table.concat(u)), sum(table.concat(t, ","))
  end,
  function() return table.sort({ 3, 1, "x" }) end, function() return table.sort({ 3, 1 }, 5) end,
  function() return table.sort({ 3, 1, 2 }, rawequal) end, function() return table.sort(5) end,
  function() return string.find() end, function() return string.find("a") end,
  function() return string.gsub("a", "a") end,
  function() return string.gsub("a", "a", true) end, function() return string.gmatch("a", {}) end,
  function() return ("a"):find("a", {}) end,
  function() return ("x"):rep({}) end, function() return string.rep() end, function() return ("a"):format() end,
  function() return ("%d"):format("x") end,
  function() return ("%d"):format() end, function() return ("%y"):format(1) end,
  function() return table.insert({}, 5, 1) end,
  function() return table.insert({}) end, function() return table.concat({ {} }) end,
  function() return table.concat(1) end,
  function() return ("a?"):rep(300):len(), ("a"):rep(300):find(("a?"):rep(300)) end,
  function() return ("a"):find(("()"):rep(33)) end,
  function() return ("a"):find(("("):rep(199)) end,
  function() return string.find(("a"):rep(N) .. "b", ("a"):rep(1000) .. "b", 1, true) end,
  function() return sum((("key=value, "):rep(9000):gsub("(%w+)=(%w+)", "%2=%1"))), (("a"):rep(N):find("a-$")) end,
  function() return (("x y"):rep(N):gsub("%f[%w]%w+", { x = 1 }):find("1 y", 1, true)), ("("):rep(500):find("%b()") end,
}

return function(from, to)
  local lines = {}
  for i = from, to do
    local line
    state = i * 0x9e3779b97f4a7c15
    random(2)
    if i <= #BIG then line = outcome(BIG[i])
    else
      local s, p = text(20), pattern()
      line = outcome(function() return s, p end) .. " -> " .. pick(CALLS)(s, p)
    end
    lines[#lines + 1] = line:gsub("[^ -~]", function(c) return ("\\x%02x"):format(c:byte()) end)
  end
  return lines
end
