-- The prompt without a terminal: what a line does, what completes it, and that nothing fed to it raises. Runs in a
-- stock lua5.4; transcripts of whole sessions are in repl_golden_spec.lua.
local program = dofile "tests/spec/support/program.lua"
local debrief = require "debrief"
local repl = require "debrief.repl"
local help = require "debrief.prompt.help"
local pretty = require "debrief.pretty"

local SESSIONS = program.root .. "/tests/data/sessions"

local log, prompt, said, wrong

local function new(opts)
  said, wrong = {}, {}
  opts = opts or {}
  opts.log, opts.library = opts.log or log, debrief
  opts.write = function(text, is_error) table.insert(is_error and wrong or said, text) end
  prompt = repl.new(opts)
  return prompt
end

-- Feed lines; what was said by the last, what went wrong in it, and its status.
local function feed(...)
  local status
  for _, line in ipairs { ... } do
    said, wrong = {}, {}
    status = prompt:feed(line)
  end
  return table.concat(said), table.concat(wrong), status
end

local function complete(line)
  local from, words = prompt:complete(line, #line)
  return table.concat(words, " "), line:sub(from)
end

setup(function() log = assert(debrief.open(SESSIONS)) end)
teardown(function()
  log:close()
  program.clean()
end)

describe("a prompt", function()
  before_each(function() new() end)

  it("says how a line ended, and shows when a statement goes on", function()
    assert.equal("> ", prompt:mark())
    assert.equal("more", prompt:feed "for i = 1, 2 do")
    assert.equal(">> ", prompt:mark())
    assert.same({ "1\n2\n", "", "done" }, { feed("print(i)", "end") })
    assert.equal("for i = 1, 2 do\nprint(i)\nend", prompt:text())
    assert.equal("error", prompt:feed "nil + 1")
    assert.equal("quit", prompt:feed ".quit")
    for _, line in ipairs { "quit", " exit ", "quit()", "exit()" } do assert.equal("quit", prompt:feed(line)) end
    assert.equal(feed ".help", feed "help")
    assert.equal(feed ".help", feed "?")
    assert.equal(feed ".help entries", feed "help entries")
    assert.equal(feed ".help entries", feed "? entries")
    feed "exit = 5"
    assert.equal("5\n", feed "exit") -- a name of the user's own
    feed "exit = nil"
  end)

  it("forgets what was begun", function()
    prompt:feed "f("
    prompt:reset()
    assert.equal("> ", prompt:mark())
    assert.equal("3\n", (feed "1 + 2"))
  end)

  it("reports what was not finished at the end of the input", function()
    prompt:feed "f("
    prompt:close()
    assert.truthy(wrong[1]:find "is not finished")
  end)

  it("keeps names to itself and reads what it has not from the globals", function()
    feed("a_name = 1", "local b_name = 2", "function c_name() return a_name + b_name end")
    assert.equal("3\n", (feed "c_name()"))
    assert.same({}, { rawget(_G, "a_name"), rawget(_G, "b_name"), rawget(_G, "c_name") })
    assert.equal("true\n", (feed "string == _G.string and _G.a_name == 1"))
    assert.equal("true\n", (feed "log and debrief and cjson and list and true"))
  end)

  it("keeps names after local, and leaves a local with an attribute as it is", function()
    assert.equal("1\t2\tnil\n", (feed("local x, y, z = 1, 2", "x, y, z")))
    assert.equal("nil\n", (feed("local w", "w")))
    assert.equal("nil\n", (feed("local v <const> = 1", "v")))
    assert.equal("6\n", (feed("local function f(n) return n < 2 and 1 or n * f(n - 1) end", "f(3)")))
  end)

  it("keeps values as _ and _1, _2 …, and the last as what it gives back", function()
    assert.equal("7\t8\n", (feed("7, 8", "_1, _2")))
    assert.equal("9\tnil\n", (feed("9", "_, _2")))
    feed("x = 1", "nosuch.field")
    assert.equal("9\n", (feed "_"))
    assert.equal(9, prompt.last)
  end)

  it("sees the names it is given", function()
    new { env = { given = { 1 }, print = 5 } }
    assert.equal("{ 1 }\t5\n", (feed "given, print"))
  end)

  it("runs pasted lines as one statement or one by one", function()
    assert.same({ "3\n", "", "done" }, { feed "local a = 1\nlocal b = 2\nprint(a + b)" })
    assert.same({ "1\n2\n", "", "done" }, { feed "1\n2" })
    assert.equal("1\n2", prompt:text())
    assert.same({ "text (", "done" }, { feed(".format\n2"):match "^text %(", select(3, feed ".format\n2") })
    assert.same({ "1\n", "error" }, { (feed "1\nnil + 1\n2"), select(3, feed "1\nnil + 1\n2") })
  end)

  it("shows the value of the last statement of a pasted block", function()
    assert.same({ "3\n", "", "done" }, { feed "function two() return 2 end\nlocal a = 1\ntwo() + a" })
    assert.same({ "2\n", "", "done" }, { feed "x = 1\ntwo()" })
    assert.same({ "2\n", "", "done" }, { feed "for i = 1, 2 do\n  x = i\nend\nmath.max(\n  x,\n  1)" })
    assert.same({ "2\n", "", "done" }, { feed "local y = 2\nreturn y" })
    assert.equal("", (feed "x = two\n(1)")) -- one statement, as in a file
    assert.same({ "2\n", "2\n" }, { (feed "x"), (feed "y") })
    assert.equal("", (feed "if x then\n  two()\nend"))
  end)

  it("shows errors without frames of its own", function()
    local _, message = feed("function f() error 'x' end", "function g() f() return 1 end", "g()  return 1")
    assert.equal("repl:1: x\nstack traceback:\n\t[C]: in function 'error'\n\trepl:1: in global 'f'\n"
      .. "\trepl:1: in global 'g'\n\trepl:1: in main chunk\n", message)
  end)

  it("asks an error object what it says, and shows it when that fails", function()
    feed "function raise(says) error(setmetatable({ code = 3 }, { __tostring = says })) end"
    assert.equal("no \\x1bcolour\n", (select(2, feed "raise(function(e) return 'no \27colour' end)")))
    for _, says in ipairs { "function() error 'again' end", "function() return {} end", "5" } do
      assert.equal("error object: { code = 3 }\n", (select(2, feed("raise(" .. says .. ")"))))
    end
  end)

  it("loads text files as lua does: with a first line for a shell, with a byte order mark; but no bytecode", function()
    local scene = program.scene()
    for name, text in pairs { sh = "#!/bin/lua\nreturn 7", bom = "\xef\xbb\xbfreturn 7" } do
      assert.same({ "7\n", "", "done" }, { feed(".load " .. scene:write(name, text)) }, name)
    end
    local _, message, status = feed(".load " .. scene:write("bc", string.dump(load "return 7")))
    assert.truthy(message:find("attempt to load a binary chunk", 1, true), message)
    assert.equal("error", status)
    local path = scene:write("bad", "x = = 1")
    assert.same({ "", path .. ":1: unexpected symbol near '='\n", "error" }, { feed(".load " .. path) })
  end)

  it("escapes what comes from a log, in print, values and errors", function()
    for _, line in ipairs { "print '\\27[2J\\u{202e}'", "'\\27[2J\\u{202e}'", "{ '\\27[2J\\u{202e}' }",
      "error '\\27[2J\\u{202e}'", "('\\27[2J\\u{202e}').x.y", "\27[2J", ".try \27[2J", ".\27", ".help \27[2J",
      ".load \27[2J" } do
      local shown, message = feed(line)
      assert.falsy((shown .. message):find "[\0-\8\11-\31\127]", line)
      assert.falsy((shown .. message):find("\u{202e}", 1, true), line)
    end
  end)

  it("shows an entry with its place where log:entries gave one, and three values else", function()
    assert.truthy(feed 'log:entries { session = "quayd-oncall" }()':find "^quayd%-oncall:1  ")
    assert.equal("quayd-oncall\t1\n", (feed "_2, _3"))
    assert.truthy(feed("e = list(log:entries {})[1]", "e.input, 'a', 1"):find "%sa%s1\n$")
  end)

  it("hints at list for an iterator", function()
    assert.truthy(feed 'log:entries { session = "quayd-oncall" }':find "^an iterator: list%(log:entries")
    assert.truthy(feed "list(log:sessions())":find '"quayd%-oncall"')
  end)

  it("does not change the folder of the process, its globals or its log", function()
    local before = {}
    for name in pairs(_G) do before[name] = true end
    feed("x = 1", "_ENV.y = 2", ".format json", "list(log:entries())", ".time", ".try outcome")
    for name in pairs(_G) do assert(before[name], name) end
  end)
end)

describe("a hostile line", function()
  before_each(function() new() end)

  it("never makes feed raise, and the next line works", function()
    local lines = {
      "\0", ("("):rep(300), ("x"):rep(1 << 20), ("{"):rep(1 << 16), "return", "]]", "::a::", "goto continue",
      "\27Lua", "error(setmetatable({}, { __tostring = error }))", "error(coroutine.create(print))", "_ENV = nil",
      "setmetatable(_G, { __index = error, __newindex = error })", "x.y", "_G._G = nil", "print = nil",
      "debrief = nil", "log = setmetatable({}, { __index = error })", "list(log:entries())", ".try outcome", ".help",
      ".", "..", ".5", ".e", ".format\0", ". help", ".help " .. ("x"):rep(1 << 16), "local", "local function",
      "local x <const> = 1", "=", "==", "\xff\xfe", "#!/usr/bin/lua", "('x'):rep(1 << 22)",
      "string.rep('x', 1 << 60)", "local t = {} t[t] = t return t", "function f() return pcall(f) end f()",
      "error(error)", "error(debrief.null)", "coroutine.yield(1)",
    }
    for _, filler in ipairs { " ", "a", ";", "\n", "=", "-", "\\ ", ".", ":a" } do
      for _, pattern in ipairs { "a%sx", "local %s x", ".help%sx", "log:entries%s{}", "x%s", "%s", "x = '%s" } do
        lines[#lines + 1] = pattern:gsub("%%s", { ["%s"] = filler:rep(1 << 17) })
      end
    end
    for i, line in ipairs(lines) do
      local began = os.clock()
      local status = prompt:feed(line)
      assert(status == "done" or status == "error" or status == "more", i)
      assert(os.clock() - began < 20, "a line took " .. os.clock() - began .. " s: " .. line:sub(1, 40))
      prompt:reset()
    end
    new()
    for seed = 1, 300 do
      math.randomseed(seed)
      local bytes = {}
      for i = 1, math.random(1, 40) do
        bytes[i] = math.random() < 0.5 and ("(){}[]\"'=-,.:;#~<>\n\\ \t"):sub(math.random(24), -1):sub(1, 1)
          or string.char(math.random(0, 255))
      end
      local line = table.concat(bytes)
      prompt:feed(line)
      prompt:complete(line, #line)
      prompt:reset()
    end
    assert.equal("2\n", (feed("reset = 1", "1 + 1")))
    assert.equal("done", prompt:feed(nil))
  end)

  it("survives a script that breaks what the prompt stands on", function()
    local scene = program.scene()
    local r = scene:run { "repl", "-i", stdin = "getmetatable('').__index = nil\nstring.format, table.concat = nil\n"
      .. "x = 1\n{ x }\nutf8 = nil\n" }
    assert.equal(0, r.status)
    assert.truthy(r.err:find "^the prompt itself failed, and goes on: ")
  end)
end)

describe("completion", function()
  before_each(function()
    new()
    feed('e = list(log:entries { session = "harbor-tides" })[5]',
      "t = { alpha = 1, beta = { gamma = 2 }, ['a b'] = 3 }")
  end)

  it("knows globals, names of the prompt and keywords", function()
    assert.equal("while", (complete "whi"))
    assert.equal("debrief debug", (complete "deb"))
    assert.equal("alpha beta", (complete "t."))
    assert.same({ "gamma", "ga" }, { complete "x = t.beta.ga" })
    assert.equal("alpha", (complete 'print(t.al'))
    assert.equal("gamma", (complete 't["beta"].'))
  end)

  it("leaves none out, or what all of them have in common would be wrong", function()
    feed "for i = 1, 900 do t['name_' .. i] = i end t.nama = 1"
    local words = complete "t.na"
    assert.equal(901, select(2, words:gsub("%S+", "")))
    assert.truthy(words:find "^nama name_1 name_10 ")
  end)

  it("knows the fields an entry has, at every level", function()
    assert.equal("attempts duration_ms file_path final_status input model_used phase project_root session_id skill "
      .. "timestamp", (complete "e."))
    assert.equal("model", (complete "e.attempts[1].mo"))
    assert.equal("model", (complete "e.attempts[ 3 ].mo"))
    assert.equal("", (complete "e.attempts[4]."))
    assert.equal("skill", (complete 'e["sk'))
  end)

  it("knows methods, of the log and of strings", function()
    assert.equal("entries", (complete "log:en"))
    assert.truthy(complete "log:":find "append append_batch check close entries follow")
    assert.equal("", (complete "t:"))
    feed "s = 'text'"
    assert.equal("upper", (complete "s:up"))
  end)

  it("knows sessions and plugins inside strings", function()
    assert.same({ "harbor-tides", "harbor-t" }, { complete 'log:entries { session = "harbor-t' })
    assert.equal("quayd-nightly quayd-oncall", (complete "log:entries { session = { 'harbor-tides', 'qu"))
    assert.equal("skills", (complete 'log:retro "skills'))
    assert.same({ "slow", "sl" }, { complete 'log:retro("skills,sl' })
    assert.equal("failed failures", (complete "log:retro('skills', { filter = { 'fail"))
    assert.equal("debrief", (complete 'require "de'))
    assert.equal("", (complete '"some text with a wo'))
    assert.equal("", (complete "x = [[lo"))
    assert.equal("", (complete "-- lo"))
    assert.equal("local log", (complete '"closed" lo'):match "local log$")
  end)

  it("knows commands and their arguments", function()
    assert.equal(".time .try", (complete ".t"))
    assert.equal("skill_creator skill_eval skills", (complete ".try sk"))
    assert.equal("harbor-tides", (complete ".try skills harbor-t"))
    assert.equal("card json markdown table text", (complete ".format "))
    assert.equal("entries", (complete ".help en"))
    assert.equal("tests/spec/repl_spec.lua", (complete ".load tests/spec/repl_s"))
    assert.equal("plugins/slow.lua", (complete ".try plugins/sl"))
  end)

  it("goes on where a statement does", function()
    prompt:feed 'x = list(log:entries { session = "harbor-tides",'
    assert.equal("harbor-tides", (complete 'session = "harbor-t'))
    prompt:reset()
    prompt:feed "text = [["
    assert.equal("", (complete "lo"))
  end)

  it("calls nothing of the user's", function()
    feed("calls = 0", "function call() calls = calls + 1; error 'called' end",
      "h = setmetatable({ here = 1 }, { __index = call, __pairs = call, __len = call, __call = call, __name = 'h' })",
      "i = setmetatable({}, { __index = setmetatable({ there = 1 }, { __index = call }) })", "j = call")
    assert.equal("here", (complete "h."))
    assert.equal("", (complete "h.nosuch."))
    assert.equal("there", (complete "i."))
    for _, line in ipairs { "j().", "h().", "h:", "j.", "h.a.b", "i.x.y", "h[1].", 'h["', "(h)." } do complete(line) end
    assert.equal("0\n", (feed "calls"))
  end)

  it("never raises", function()
    for _, args in ipairs { { nil, nil }, { "x", nil }, { 5, 5 }, { "abc", -1 }, { "abc", 99 }, { "\0", 1 },
      { ("a."):rep(50000), 100000 }, { ("("):rep(100000), 100000 }, { ("[["):rep(50000), 100000 },
      { ("a"):rep(1 << 17) .. "(", (1 << 17) + 1 }, { ":retro" .. (" "):rep(1 << 17) .. '"', (1 << 17) + 7 },
      { ".help " .. ("x "):rep(1 << 16) .. "\0", 1 << 17 }, { '"' .. (","):rep(1 << 17), 1 << 17 },
      { ("x "):rep(1 << 16) .. "(", (1 << 17) + 1 } } do
      local from, words = prompt:complete(args[1], args[2])
      assert.equal("number", type(from))
      assert.equal("table", type(words))
    end
  end)

  it("gives names of a log as they are written in a string, and none that ends it", function()
    feed [==[k = { ['a"] os.exit() --'] = 1, ["b'\\"] = 1, ["c]]"] = 1, ["end"] = 1, ok = 1 }]==]
    assert.equal([[a\"] os.exit() --]], (complete 'k["a'))
    assert.equal([[a"] os.exit() --]], (complete "k['a"))
    assert.equal([[b\'\\]], (complete "k['b"))
    assert.equal([[b'\ end ok]], (complete "k[ [["))
    assert.equal("ok", (complete "k."))
  end)

  it("knows files with blanks in their names", function()
    local scene = program.scene()
    scene:write("a b.lua", "")
    scene:write("a bc.lua", "")
    local path = scene:path "a b"
    assert.same({ path .. ".lua " .. path .. "c.lua", path }, { complete(".load " .. path) })
    assert.same({ path .. "c.lua", path .. "c" }, { complete(".load " .. path .. "c") })
  end)

  it("does not give words that hide or move the cursor", function()
    feed "k = { ['a\\27[2J'] = 1, ok = 2 }"
    assert.equal("ok", (complete 'k["'))
  end)
end)

describe("printing", function()
  local function text(value, opts) return pretty.text(value, opts) end

  it("keeps 1 and 1.0 apart, and gives floats the digits they need", function()
    assert.same({ "1", "1.0", "-0.0", "0.1", "0.30000000000000004", "1e+300", "inf", "-inf", "nan" }, {
      text(1), text(1.0), text(-0.0), text(0.1), text(0.1 + 0.2), text(1e300), text(1 / 0), text(-1 / 0), text(0 / 0) })
  end)

  it("sorts keys: numbers, then strings, then the rest", function()
    assert.equal("{ 1, [-1] = 0, [2.5] = 0, [7] = 0, a = 0, [\"a b\"] = 0, b = 0, [false] = 0, [true] = 0 }",
      text { 1, [7] = 0, [-1] = 0, [2.5] = 0, b = 0, a = 0, ["a b"] = 0, [true] = 0, [false] = 0 })
  end)

  it("counts what it leaves out", function()
    local many, deep = {}, {}
    for i = 1, 100000 do many["key" .. i] = i end
    assert.truthy(text(many):find "^{\n  key1 = 1,\n  key10 = 10,\n  key100 = 100,\n  key1000 = 1000,\n")
    assert.truthy(text(many):find "… 99960 more\n}$")
    local d = deep
    for _ = 1, 1000 do
      d[1] = {}
      d = d[1]
    end
    assert.equal("{ { { { { { … 1 more } } } } } }", text(deep))
    assert.truthy(text { ("x"):rep(1000) }:find "… 700 more bytes,\n}$")
    assert.truthy(text(("x"):rep(1 << 20)):find "… 983040 more bytes$")
    local wide = {}
    for i = 1, 40 do
      wide[i] = {}
      for j = 1, 40 do wide[i][j] = { j } end
    end
    assert(#text(wide) < 20000)
  end)

  it("cuts between characters", function()
    local cut = text { ("é"):rep(200) }
    assert.truthy(utf8.len(cut))
    assert.falsy(cut:find "\\x")
  end)

  it("marks what occurs again", function()
    local t, shared = {}, {}
    t.a, t.b, t.t = shared, shared, t
    assert.equal("<2>{ a = <1>{}, b = <table 1>, t = <table 2> }", text(t))
  end)

  it("fits the width where it can", function()
    local value = { list = { "some", "words", "here" }, name = { a = { b = ("x"):rep(30), c = 1 } } }
    for line in text(value, { width = 40 }):gmatch "[^\n]+" do assert(#line <= 60, line) end
    assert.equal('{ list = { "some", "words", "here" }, n = 1 }', text({ list = { "some", "words", "here" }, n = 1 },
      { width = 60 }))
  end)

  it("shows entries, places when they are known, and colours on a terminal", function()
    local all = debrief.list(log:entries { session = "quayd-oncall" })
    assert.truthy(text(all[2]):find "^quayd%-oncall:2  2026%-11%-05 ")
    assert.truthy(text(all[2], { color = true }):find("\27[31mfail\27[0m", 1, true))
    assert.truthy(text(all, { width = 200 }):find "\n2  quayd%-oncall:2  ")
    local bare = log:entries { session = "quayd-oncall" }()
    assert.truthy(text(bare):find "^quayd%-oncall  2026%-11%-05 ")
    assert.equal(tostring(bare), text(bare, { format = "json" }))
    local many = {}
    for i = 1, 100 do many[i] = all[1 + i % 5] end
    assert.truthy(text(many):find "\n… 60 more entries$")
  end)

  it("shows a part of an entry that is gone", function()
    local entry = log:entries { session = "quayd-oncall" }()
    local input = entry.input
    entry.input = nil
    assert.equal("<replaced in its entry>", text(input))
    assert.equal("{ <replaced in its entry> }", text { input })
  end)

  it("never fails, calls nothing and sends no control character", function()
    local calls = 0
    local function call() calls = calls + 1; error "called" end
    local hostile = { __name = "\27[2J" .. ("n"):rep(100), __tostring = call, __pairs = call, __index = call,
      __len = call, __eq = call, __lt = call, __concat = call, __call = call, __metatable = "hidden" }
    local function make(depth)
      local kind = math.random(12)
      if kind <= 3 and depth < 8 then
        local t = {}
        for _ = 1, math.random(0, 6) do
          local key = make(depth + 1)
          if key ~= nil and key == key then rawset(t, key, make(depth + 1)) end
        end
        if math.random() < 0.3 then t = { 1, nil, 3 } end -- with a hole
        return math.random() < 0.5 and setmetatable(t, hostile) or t
      end
      local bytes = {}
      for i = 1, math.random(0, 20) do bytes[i] = string.char(math.random(0, 255)) end
      return ({ 1, 1.5, table.concat(bytes), true, debrief.null, 0 / 0, print, coroutine.create(print), io.stdout,
        debrief.json "[1]", math.mininteger, setmetatable({}, { __name = {}, __index = hostile }) })[kind]
    end
    for seed = 1, 100 do
      math.randomseed(seed)
      for _, format in ipairs { "text", "table", "card", "json", "markdown", "nosuch" } do
        local shown = text(make(0), { format = format, width = math.random(0, 120) })
        assert.equal("string", type(shown))
        assert.falsy(shown:find "[\0-\8\11-\31\127]", seed)
      end
    end
    assert.equal(0, calls)
  end)

  it("is not fooled by what looks like a report", function()
    local mt = getmetatable(log:retro { init = function() return 1 end, step = function() end,
      finish = function() return { title = "T" } end })
    for _, reports in ipairs { 1, {}, { 1 }, { { title = {} } }, { { tables = 5 } } } do
      assert.equal("string", type(text(setmetatable({ reports = reports, entries = 1, sessions = 1 }, mt))))
    end
    local calls = 0
    local endless = setmetatable({}, { __index = function()
      calls = calls + 1
      return calls < 1000 and { title = "T", tables = {}, findings = {} } or nil
    end })
    assert.equal("string", type(text(setmetatable({ reports = endless, entries = 1, sessions = 1 }, mt))))
    assert.equal(0, calls)
    local cycle = { entries = 1, sessions = 1 }
    cycle.reports = { cycle }
    assert.equal("string", type(text(setmetatable(cycle, mt))))
  end)
end)

describe(".help", function()
  it("shows examples that work as they stand, in every topic", function()
    new { width = function() return 80 end }
    for _, topic in ipairs { "", table.unpack(help.topics) } do
      local shown = feed(".help " .. topic)
      assert.truthy(#shown > 100, topic)
      for line in shown:gmatch "[^\n]+" do
        assert(utf8.len(line) <= 80, line)
        local example = line:match "^  > (.*)$"
        if example then
          local _, message, status = feed((example:gsub("  +.*$", "")))
          assert.same({ "", "done" }, { message, status }, example)
        end
      end
    end
  end)

  it("has a topic for every command and lists all commands", function()
    new()
    local shown = feed ".help"
    for name in pairs(prompt.commands) do assert.truthy(shown:find("." .. name, 1, true), name) end
  end)
end)

describe(".plugins", function()
  it("lists every plugin with its hooks", function()
    new()
    local shown = feed ".plugins"
    assert.truthy(shown:find "\nskills +retrospective +%S")
    assert.truthy(shown:find "\nredact +enrich +%S")
    assert.falsy(shown:find "%s\n")
  end)

  it("keeps to the width of the screen", function()
    new { width = function() return 60 end }
    local shown = feed ".plugins"
    for line in shown:gmatch "[^\n]+" do assert(utf8.len(line) <= 60, line) end
    assert.truthy(shown:find("\n" .. (" "):rep(20) .. " *%S"))
  end)
end)

describe(".try", function()
  local scene, odd
  setup(function()
    scene = program.scene()
    scene:write("sessions/a.jsonl", '{"skill":"a1","timestamp":"2026-03-01T00:00:00Z"}\n'
      .. '{"skill":"a2","timestamp":"2026-01-01T00:00:00Z"}\n{"skill":1}\n')
    scene:write("sessions/b.jsonl", '{"skill":"b1","timestamp":"2026-02-01T00:00:00Z"}\n{"skill":"b2"}\n')
    scene:write("sessions/c.jsonl", '{"skill":"c1"}\n{"skill":"c2"}\n')
    scene:write("sessions/none.jsonl", "")
    odd = assert(debrief.open(scene:path "sessions"))
  end)
  teardown(function() odd:close() end)
  before_each(function() new { log = odd } end)

  local function tried(argument) return (feed(".try failed " .. argument):match "^failed on (%S+)") end

  it("takes the latest entry by time, of the log or a session, and the last one without times", function()
    assert.same({ "a:1", "a:1", "b:1", "c:2" }, { tried "", tried "a", tried "b", tried "c" })
  end)

  it("takes the entry in _ before the latest, and no other value", function()
    feed "list(log:entries { session = 'b' })[2]"
    assert.equal("b:2", tried "")
    feed "1"
    assert.equal("a:1", tried "")
  end)

  it("takes the line that is named, or says what is wrong with it", function()
    assert.equal("a:2", tried "a:2")
    for place, message in pairs {
      ["a:0"] = "there is no entry a:0", ["a:9"] = "there is no entry a:9",
      ["a:99999999999999999999"] = "there is no entry a:99999999999999999999",
      ["a:3"] = "a:3 is damaged: bad_entry: skill is not a string, at byte 10 of the line",
      none = "session none has no entries", ["x --allow"] = "--allow takes PLUGIN:RIGHT",
      nosuch = ("no session 'nosuch' in %s; `debrief -d %s sessions` lists them"):format(odd.dir, odd.dir) } do
      assert.same({ "", message .. "\n", "error" }, { feed(".try failed " .. place) })
    end
  end)
end)

describe("time", function()
  it("is reported for each line on request", function()
    new()
    feed ".time"
    assert.truthy(feed "1":match "^1\n%(%d+%.%d ms%)\n$")
    feed ".time"
    assert.equal("1\n", (feed "1"))
  end)
end)

describe("what .save writes", function()
  local function saved(scene, ...)
    new()
    local path = scene:path "out.lua"
    feed(...)
    local message = select(2, feed(".save! " .. path))
    assert.equal("", message)
    return program.read(path), scene:sh "mkdir -p sessions; \"$DEBRIEF\" run out.lua"
  end

  it("runs by itself: expressions are shown, failed lines left out", function()
    local text, r = saved(program.scene(), "x = 20", "nosuch.field", "x + 1 -- a comment", "= x + 2;", "print('said')",
      "local y = x", "y, 5")
    assert.same({ "", 0, "21\n22\nsaid\n20\n5\n" }, { r.err, r.status, r.out }, text)
    assert.falsy(text:find "nosuch")
  end)

  it("keeps the values of earlier lines where they are looked at", function()
    local text, r = saved(program.scene(), "40, 41", "_2 + 1", "_ + 1", "7", "8")
    assert.same({ "", "40\n41\n42\n43\n7\n8\n" }, { r.err, r.out }, text)
  end)

  it("names what it was given and a script has not", function()
    local scene = program.scene()
    new { env = { entry = { skill = "x" }, other = 1 } }
    feed("entry.skill", ".save " .. scene:path "out.lua")
    assert.truthy(scene:read "out.lua":find "^%-%- set these first: entry\n")
  end)
end)
