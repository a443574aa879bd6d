-- Entries that a worker lends to hooks say what entries of their own say, and nothing once the hook has returned.
local program = dofile "tests/spec/support/program.lua"

local function text_of(r)
  assert(r.out:find '^{' and not r.out:find '"reports":%[%]', r.err)
  return require("cjson").decode(r.out).reports[1].text
end

-- Everything that can be asked of a value, as one text.
local DIGEST = [==[
local debrief = require "debrief"
local seen -- by walk
local function walk(out, v)
  local kind = debrief.type(v)
  out[#out + 1] = kind
  if kind ~= "object" and kind ~= "array" then out[#out + 1] = tostring(v) return end
  out[#out + 1] = ("#%d %s %s"):format(#v, debrief.encode(debrief.table(v)), tostring(v))
  out[#out + 1] = debrief.encode(v)
  for key, value in pairs(v) do
    out[#out + 1] = tostring(key)
    walk(out, value)
    local again = v[key]
    if again == nil then out[#out + 1] = "nil" else walk({}, again) end
    out[#out + 1] = type(key) == "string" and tostring(debrief.raw(v, key)) or ""
  end
  for i, value in ipairs(v) do
    out[#out + 1] = i
    walk(out, value)
  end
  for _, i in ipairs { #v, 1, #v + 1, 0, -1, 2^53, 1.5, #v } do walk(out, v[i]) end
  for _, name in ipairs { "skill", "attempts", "model", "verified", "absent", "a", "", "1" } do walk(out, v[name]) end
end
return {
  name = "p", api = 1, summary = "s", split = true,
  retrospective = {
    init = function() return { n = 0, texts = {} } end,
    step = function(acc, entry, ctx)
      local out = { ctx.session, ctx.line, tostring(debrief.time(entry)), debrief.outcome(entry),
        tostring(debrief.get(entry, "attempts.1.model")), tostring(debrief.get(entry, "line")) }
      walk(out, entry)
      acc.n = acc.n + 1
      acc.texts[#acc.texts + 1] = table.concat(out, "|")
    end,
    merge = function(a, b) for _, t in ipairs(b.texts) do a.texts[#a.texts + 1] = t end a.n = a.n + b.n end,
    finish = function(acc)
      local h, n = 0, 0
      for _, text in ipairs(acc.texts) do
        n = n + #text
        for _, code in ipairs { text:byte(1, -1) } do h = (h * 31 + code) % 4294967296 end
      end
      return { title = "T", text = ("%d entries, %d bytes, %08x"):format(acc.n, n, h) }
    end,
  },
}
]==]

local NOOP = [[return { name = "noop", api = 1, summary = "s", enrich = function() end }]]

local random = math.random

local function pick(list) return list[random(#list)] end

local NAMES = { "a", "b", "skill", "model", "verified", "attempts", "", "x y", "\\u00e9", "\\u0061", "1", "é" }

local function value(depth)
  local kind = random(depth > 4 and 7 or 11)
  if kind == 1 then return "null" end
  if kind == 2 then return pick { "true", "false" } end
  if kind == 3 then return pick { "0", "-1", "9223372036854775807", "-0", "1e5", "12345678901234567890" } end
  if kind == 4 then return pick { "1.5", "-0.25", "1E-7", "100000000000000000000.5" } end
  if kind <= 7 then return pick { '"x"', '""', '"\\n\\ud83d\\ude00"', '"日本"', '"a\xffb"', '"\\u0000"', '"]}"' } end
  local parts, n = {}, random(0, 5)
  local space = pick { "", "", " ", "\t " }
  for i = 1, n do
    parts[i] = (kind > 9 and ('"%s":%s'):format(pick(NAMES), space) or "") .. value(depth + 1) .. space
  end
  local inner = space .. table.concat(parts, "," .. space)
  return kind > 9 and "{" .. inner .. "}" or "[" .. inner .. "]"
end

local function attempt()
  if random(8) == 1 then return "null" end
  local parts = {}
  for _, member in ipairs { '"attempt":1', '"model":"m"', '"output_summary":null', '"verified":true',
    '"more":' .. value(2) } do
    if random(3) > 1 then parts[#parts + 1] = member end
  end
  if random(20) == 1 then for i = 1, 300 do table.insert(parts, 1, ('"k%d":%d'):format(i, i)) end end
  return "{" .. table.concat(parts, ",") .. "}"
end

local function entry()
  local parts = { '"session_id":"s"' }
  if random(3) > 1 then parts[#parts + 1] = '"timestamp":"2026-11-01T10:00:00Z"' end
  if random(3) > 1 then parts[#parts + 1] = '"skill":' .. pick { '"x"', "null", '"\\u0061"' } end
  for _ = 1, random(0, 3) do parts[#parts + 1] = ('"%s":%s'):format(pick { "a", "b", "c c", "\\u00e9" }, value(1)) end
  if random(5) > 1 then
    local list = {}
    for i = 1, random(0, 3) do list[i] = attempt() end
    parts[#parts + 1] = '"attempts":' .. pick { "null", "[" .. table.concat(list, ",") .. "]",
      "[" .. table.concat(list, " , ") .. " ]" }
  end
  if random(4) == 1 then parts[#parts + 1] = '"input":' .. value(1) end
  return "{" .. table.concat(parts, ",") .. "}\n"
end

describe("a lent entry", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  local function retro(plugin, more)
    scene:write("p.lua", plugin)
    local words = { "retro", "./p.lua", "-d", "sessions", "--format", "json", "-j1" }
    for _, word in ipairs(more or {}) do words[#words + 1] = word end
    return scene:run(words)
  end

  it("says what an entry of its own says", function()
    local rounds = tonumber(os.getenv "ROUNDS") or 3
    scene:write("noop.lua", NOOP)
    for round = 1, rounds do
      local seed = os.time() + round
      math.randomseed(seed)
      local lines = {}
      for i = 1, 60 do lines[i] = entry() end
      scene:write("sessions/s.jsonl", table.concat(lines))
      local lent, own = retro(DIGEST), retro(DIGEST, { "--enrich", "./noop.lua" })
      assert.truthy(text_of(lent):find "^60 entries", text_of(lent) .. lent.err)
      assert.equal(text_of(own), text_of(lent), "seed " .. seed)
      assert.equal(own.err, lent.err)
    end
  end)

  -- What is kept of the first entry is used at the second, and in finish.
  local function late(keep, use)
    return ([[
      local debrief = require "debrief"
      local kept
      local function look() %s end
      return { name = "p", api = 1, summary = "s", retrospective = {
        init = function() return { said = {} } end,
        step = function(acc, entry, ctx)
          if kept == nil then %s return end
          local ok, message = pcall(look)
          acc.said[#acc.said + 1] = tostring(ok) .. ": " .. tostring(message)
        end,
        finish = function(acc)
          local ok, message = pcall(look)
          acc.said[#acc.said + 1] = tostring(ok) .. ": " .. tostring(message)
          return { title = "T", text = table.concat(acc.said, "\n") }
        end } }]]):format(use, keep)
  end

  local function two_entries()
    scene:write("sessions/s.jsonl", ('{"session_id":"s","skill":"x","attempts":[{"model":"m","more":[1,{"a":2}]}]}\n')
      :rep(2))
  end

  it("is over when its hook has returned, with all its parts", function()
    two_entries()
    local uses = { "return kept.skill", "return kept[1]", "return #kept", "return tostring(kept)",
      "for _ in pairs(kept) do end", "for _ in ipairs(kept) do end", "kept.x = 1", "return debrief.table(kept)",
      "return debrief.encode { kept }", "return debrief.raw(kept)", "return debrief.type(kept)",
      "return debrief.get(kept, 'skill')", "return debrief.outcome(kept)", "return debrief.passed(kept)",
      "return debrief.time(kept)", "return debrief.null == kept or kept.skill" }
    for _, keep in ipairs { "kept = entry", "kept = entry.attempts", "kept = entry.attempts[1]",
      "kept = entry.attempts[1].more", "for _, a in ipairs(entry.attempts) do kept = a.more[2] end" } do
      for _, use in ipairs(uses) do
        local lines = {}
        for line in text_of(retro(late(keep, use))):gmatch "[^\n]+" do lines[#lines + 1] = line end
        assert.equal(2, #lines)
        for _, line in ipairs(lines) do
          assert.truthy(line:find "^false: .*this entry is over", keep .. use .. line)
        end
      end
    end
  end)

  it("ends loops that go on after the hook", function()
    two_entries()
    for keep, use in pairs {
      ["local f, s = pairs(entry) kept = f f(s)"] = "return kept()",
      ["local f, s, i = ipairs(entry.attempts) kept = function() return f(s, i) end"] = "return kept()",
    } do
      local text = text_of(retro(late(keep, use)))
      assert.truthy(text:find "^false: [^\n]*this entry is over", keep .. text)
    end
  end)

  it("cannot be changed, nor kept in acc", function()
    two_entries()
    local changed = [[return { name = "p", api = 1, summary = "s", retrospective = {
      init = function() return {} end, step = function(acc, e) %s end,
      finish = function(acc) return { title = "T", text = tostring(acc.said) } end } }]]
    for _, what in ipairs { "e", "e.attempts", "e.attempts[1]", "e.attempts[1].more" } do
      local r = retro(changed:format("local ok, m = pcall(function() " .. what .. ".x = 1 end) acc.said = m"))
      assert.truthy(text_of(r):find("entries are read-only here", 1, true), text_of(r))
      r = retro(changed:format("acc.kept = " .. what))
      assert.truthy(r.err:find("acc.kept is an entry or a part of one", 1, true), r.err)
    end
  end)

  it("is missed when it was kept, by plugins --check, too", function()
    two_entries()
    local keeps = [[return { name = "p", api = 1, summary = "s", retrospective = {
      init = function() return { n = 0 } end,
      step = function(acc, entry, ctx)
        acc.n = acc.n + 1
        if ctx.options.kept then local _ = ctx.options.kept.skill end
        ctx.options.kept = entry
      end, finish = function(acc) return { title = "T", text = "" .. acc.n } end } }]]
    scene:write("p.lua", keeps)
    local r = scene:run { "plugins", "./p.lua", "--check", "-d", "sessions" }
    assert.truthy((r.out .. r.err):find "this entry is over", r.out .. r.err)
    scene:write("p.lua", (keeps:gsub("ctx.options.kept = entry", "ctx.options.kept = { skill = entry.skill }")))
    r = scene:run { "plugins", "./p.lua", "--check", "-d", "sessions" }
    assert.falsy((r.out .. r.err):find "this entry is over", r.out .. r.err)
  end)

  it("leaves null as it is", function()
    two_entries()
    local r = retro [[
      local debrief = require "debrief"
      local null = debrief.null
      local function refused(f) local ok, message = pcall(f) assert(not ok) return message end
      return { name = "p", api = 1, summary = "s", retrospective = {
        init = function() return {} end, step = function() end,
        finish = function()
          assert(null == require "cjson".null and null ~= nil and tostring(null):find "^userdata: ")
          assert(debrief.type(null) == "null" and debrief.encode { null } == "[null]")
          assert(debrief.table(null) == null and type(null) == "userdata")
          for _, f in ipairs { function() return null.x end, function() return #null end,
            function() null.x = 1 end, function() for _ in pairs(null) do end end,
            function() for _ in ipairs(null) do end end } do
            assert(refused(f):find "debrief.null as an object or array")
          end
          return { title = "T", text = "fine" }
        end } }]]
    assert.same({ "fine", "" }, { text_of(r), r.err })
  end)

  it("goes through long arrays in linear time, also through several at once", function()
    local long = "[" .. ("[1],"):rep(60000) .. "[1]]" -- a step has a second; quadratic ones would take a minute
    scene:write("sessions/s.jsonl", ('{"session_id":"s","a":%s,"b":%s,"attempts":[]}\n'):format(long, long))
    local r = retro [[return { name = "p", api = 1, summary = "s", retrospective = {
      init = function() return { n = 0 } end,
      step = function(acc, e)
        local a, b = e.a, e.b
        for i = 1, #a do acc.n = acc.n + a[i][1] + b[#b > 0 and i][1] end
        for i, x in ipairs(a) do for _, y in ipairs(x) do acc.n = acc.n + y end end
        for k, x in pairs(b) do acc.n = acc.n + #x end
      end,
      finish = function(acc) return { title = "T", text = tostring(acc.n) } end } }]]
    assert.same({ tostring(4 * 60001), "" }, { text_of(r), r.err })
  end)

  it("takes no longer for what follows an entry with very many arrays", function()
    local many = ("[1],"):rep(400000)
    scene:write("sessions/s.jsonl", ('{"session_id":"s","a":[%s[1]]}\n'):format(many)
      .. ('{"session_id":"s","a":[1]}\n'):rep(30000))
    scene:write("p.lua", [[return { name = "p", api = 1, summary = "s", retrospective = {
      init = function() return { n = 0 } end,
      step = function(acc, e) for _, x in ipairs(e.a) do acc.n = acc.n + (x == 1 and 1 or x[1]) end end,
      finish = function(acc) return { title = "T", text = tostring(acc.n) } end } }]])
    local r = scene:sh 'ulimit -t 5; "$DEBRIEF" retro ./p.lua -d sessions --format json -j1' -- else 10 s
    assert.same({ 0, "" }, { r.status, r.err })
    assert.equal("430001", text_of(r))
  end)
end)
