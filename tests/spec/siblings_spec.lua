-- What an importer may read beside the imported file: what it declares, and nothing else, isolated or not.
local program = dofile "tests/spec/support/program.lua"

local scene

-- An importer that stores the names of what it was given; a line of Lua does what it tries.
local function importer(siblings, tries)
  scene:write("p.lua", ([[return { name = "p", api = 1, import = { %s open = function(source, emit)
    local function seen(text) emit { session_id = "s", skill = text, source = { kind = "k", key = text } } end
    %s
  end } }]]):format(siblings and "siblings = " .. siblings .. "," or "", tries
    or 'for _, one in ipairs(source:siblings()) do seen(one.path .. "=" .. one:read():gsub("\\n", "")) end'))
end

-- The stored names, in one line; the importer runs without isolation, or isolated.
local function seen(file, isolate)
  scene:sh "rm -rf log"
  local words = { "-d", "log", "import", isolate and "./p.lua" or "p", file,
    env = { DEBRIEF_PLUGIN_PATH = isolate and "" or scene.dir } }
  if isolate then table.insert(words, 4, "--isolate") end
  local r = scene:run(words)
  local out = scene:run { "-d", "log", "read", "--fields", "skill" }
  return (out.out:gsub("\n", " "):gsub(" $", "")), r
end

local function both(file)
  local plain, r = seen(file)
  if program.sanitized then return plain, r end -- an isolated process has no room for a sanitizer
  local isolated, q = seen(file, true)
  assert.equal(plain, isolated)
  assert.same({ r.status, (r.err:gsub(scene.dir:gsub("%p", "%%%0"), ".")) }, { q.status, q.err })
  return plain, r
end

describe("source:lines", function()
  setup(function()
    scene = program.scene()
    scene:write("in.jsonl", '{"n":1,"type":"a"}\n{"n":2,"type":"b"}\nnot json\n{"n":3,"type":"c","x":true}\n{"n":4}\n')
  end)

  it("passes over what fits none of the tables it is given, and counts and reports all lines", function()
    for match, expected in pairs {
      ["{ type = { 'a', 'b' } }"] = "1:1 2:2", ["{ { type = 'b' }, { x = true } }"] = "2:2 4:3",
      ["{ type = 'z' }"] = "", ["{}"] = "1:1 2:2 4:3 5:4", ["nil"] = "1:1 2:2 4:3 5:4",
    } do
      importer(nil, ("for line, number in source:lines(%s) do seen(number .. ':' .. line.n) end"):format(match))
      local found, r = both "in.jsonl"
      assert.equal(expected, found, match)
      assert.equal(3, r.status, match)
      assert.truthy(r.err:find("in.jsonl:3:", 1, true), r.err)
    end
  end)

  it("says what it wants instead of another value", function()
    importer(nil, "for _ in source:lines 'type' do seen 'x' end")
    local _, r = both "in.jsonl"
    assert.truthy(r.err:find("source:lines wants { member = value", 1, true), r.err)
  end)
end)

describe("source:siblings", function()
  setup(function()
    scene = program.scene()
    for _, name in ipairs { "in/a.jsonl", "in/b.jsonl", "in/a/x.jsonl", "in/a/deep/y.jsonl", "in/a/z.txt",
      "in/a-b/x.jsonl", "in/*/star.jsonl", "in/*.jsonl", "secret.jsonl", "other/o.jsonl" } do
      scene:write(name, name:match "[^/]+$" .. "\n")
    end
    scene:sh [[cd in; ln -s ../secret.jsonl link.jsonl; ln -s ../other folder; ln -s . loop
      ln -s ../../secret.jsonl a/l.jsonl; mkfifo fifo.jsonl]]
  end)
  teardown(program.clean)

  it("returns what the plugin declares", function()
    for siblings, expected in pairs {
      ['{ "b.jsonl" }'] = "in/b.jsonl=b.jsonl",
      ['{ "*.jsonl" }'] = "in/*.jsonl=*.jsonl in/b.jsonl=b.jsonl",
      ['{ "{name}/*.jsonl" }'] = "in/a/x.jsonl=x.jsonl",
      ['{ "{name}/**.jsonl" }'] = "in/a/deep/y.jsonl=y.jsonl in/a/x.jsonl=x.jsonl",
      ['{ "*/x.jsonl", "{name}/z.*" }'] = "in/a-b/x.jsonl=x.jsonl in/a/x.jsonl=x.jsonl in/a/z.txt=z.txt",
      ['{ "folder/*" }'] = "", ['{ "loop/b.jsonl" }'] = "", ['{ "link.jsonl" }'] = "", ['{ "a/l.jsonl" }'] = "",
      ['{ "nosuch" }'] = "", ['{ "**/y.jsonl" }'] = "in/a/deep/y.jsonl=y.jsonl",
    } do
      importer(siblings)
      assert.equal(expected, (both "in/a.jsonl"), siblings)
    end
  end)

  it("takes a star in the name of the file as itself", function()
    importer '{ "{name}/*" }'
    assert.equal("in/*/star.jsonl=star.jsonl", (both "in/*.jsonl"))
  end)

  it("follows no link and opens no FIFO, and works without a folder in the path", function()
    importer '{ "**" }'
    local text = both "in/a.jsonl"
    assert.equal("in/*.jsonl=*.jsonl in/*/star.jsonl=star.jsonl in/a-b/x.jsonl=x.jsonl in/a/deep/y.jsonl=y.jsonl "
      .. "in/a/x.jsonl=x.jsonl in/a/z.txt=z.txt in/b.jsonl=b.jsonl", text)
    importer '{ "other/*" }'
    assert.equal("other/o.jsonl=o.jsonl", (both "secret.jsonl"))
  end)

  it("returns fewer with a pattern, and of a sibling those of the imported file", function()
    importer('{ "*.jsonl", "{name}/**" }', [[for _, one in ipairs(source:siblings "x%.jsonl$") do
      seen(one.path)
      for _, two in ipairs(one:siblings()) do seen("beside " .. two.path) end
    end]])
    assert.equal("in/a/x.jsonl beside in/*.jsonl beside in/a/deep/y.jsonl beside in/a/z.txt beside "
      .. "in/b.jsonl", (both "in/a.jsonl"))
  end)

  it("is an error where the plugin declares nothing", function()
    importer(nil)
    local _, r = both "in/a.jsonl"
    assert.equal(3, r.status)
    assert.truthy(r.err:find("source:siblings: the plugin declares none: import = { siblings =", 1, true), r.err)
  end)

  it("takes only paths beneath the folder", function()
    for _, wrong in ipairs { "{}", '{ "" }', '{ "/etc/passwd" }', '{ "../x" }', '{ "a/../x" }', '{ "a//x" }',
      '{ "./x" }', "{ 1 }", '{ x = "a" }', '{ "a\\0b" }', "{ (\"x\"):rep(300) }" } do
      importer(wrong)
      local r = scene:run { "plugins", "./p.lua" }
      assert.equal(2, r.status, wrong)
      assert.truthy(r.err:find("import.siblings must be a list of paths beneath the file's folder", 1, true), r.err)
    end
    importer '{ "*.jsonl", "{name}/**" }'
    assert.truthy(scene:run({ "plugins", "./p.lua" }).out:find("\nreads beside a file: *.jsonl, {name}/**\n", 1, true))
  end)

  it("gives an isolated process no other file, whatever it asks for", function()
    if program.sanitized then return pending "an isolated process has no room for a sanitizer" end
    local r = scene:run { "run", "-", stdin = [==[
      local core = require "debrief.core"
      local worker = require "debrief.run.isolate".worker({}, "log")
      local text = 'return { name = "p", api = 1, import = { open = function() end, siblings = { "b.jsonl" } } }'
      local function ask(name, value) return core.unpack((assert(worker:call(name, core.pack(value))))) end
      ask("setup", { plugins = { { name = "p", path = "./p.lua", text = text, options = {}, allow = {} } }, query = {},
        enrich = {}, filter = {}, retro = {}, import = { "p" }, dir = "log", now = 0 })
      worker.raw = { call = function(_, _, _, serve)
        for _, request in ipairs { { what = "slurp", path = "in/b.jsonl" }, { what = "slurp", path = "in/a/x.jsonl" },
          { what = "slurp", path = "in/../secret.jsonl" }, { what = "slurp", path = "in/link.jsonl" },
          { what = "lines", path = "in/a/x.jsonl" }, { what = "list", path = "in" }, { what = "slurp", path = {} },
          { what = "siblings" } } do
          local answer = core.unpack(serve(core.pack(request)))
          print(request.what, answer.text or answer.message or answer.failure and answer.failure.message or #answer)
        end
      end }
      worker:call("import", core.pack { name = "p", path = "in/a.jsonl" })]==] }
    local no = "this file is not the import's"
    assert.equal("slurp\tb.jsonl\n\nslurp\t" .. no .. "\nslurp\t" .. no .. "\nslurp\t" .. no .. "\nlines\t" .. no
      .. "\nlist\t0\nslurp\t" .. no .. "\nsiblings\t1\n", r.out, r.err)
  end)
end)
