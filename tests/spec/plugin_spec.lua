-- The plugin contract: every row of it broken in turn, through the program. A plugin that does not load ends the
-- command with 2 before anything is read.
local program = dofile "tests/spec/support/program.lua"

local scene
local RETRO = "retrospective = { init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end, "
  .. 'finish = function(acc) return { title = "T", text = acc.n .. " steps" } end }'

local function retro(text, ...)
  scene:write("p.lua", text)
  return scene:run { "retro", "./p.lua", ... }
end

-- `...` is more words; `message` follows "debrief: plugin does not load: ".
local function broken(text, message)
  local r = retro(text)
  assert.same({ "debrief: plugin does not load: " .. message .. "\n", "", 2 }, { r.err, r.out, r.status })
end

local function fields(text) return ("return { name = 'p', api = 1, %s, %s }"):format(text, RETRO) end

describe("a plugin", function()
  before_each(function()
    scene = program.scene()
    scene:write("sessions/s1.jsonl", '{"session_id":"s1","skill":"a"}\n{"session_id":"s1","skill":"b"}\nnot read\n')
  end)
  teardown(program.clean)

  describe("does not load when it", function()
    local rows = {
      { "returns nothing", "local p = {}",
        "./p.lua: a plugin returns a table, this one returned nil (is the `return` missing?)" },
      { "returns a number", "return 42", "./p.lua: a plugin returns a table, this one returned number" },
      { "has a syntax error", "return { name = 'p' api = 1 }", "./p.lua:1: '}' expected near 'api'" },
      { "raises while loading", "local t\nt.x = 1", "./p.lua:2: attempt to index a nil value (local 't')" },
      { "raises a table", "error { code = 7 }", './p.lua: error object: { code = 7 }' },
      { "raises nil", "error(nil)", "./p.lua: error object: nil" },
      { "raises a function", "error(print)", "./p.lua: error object: function" },
      { "raises a text without a place", "error('x', 0)", "./p.lua: x" },
      { "has no name", "return { api = 1 }", "./p.lua: name is missing" },
      { "has no api", "return { name = 'p' }", "./p.lua: api is missing" },
      { "is of api 2", "return { name = 'p', api = 2 }", "./p.lua: api must be 1, not 2" },
      { "has an invalid name", "return { name = 'P-1', api = 1 }",
        "./p.lua: name must be a name like slow_runs: [a-z][a-z0-9_]*, not 'P-1'" },
      { "is not named like its file", "return { name = 'q', api = 1 }",
        "./p.lua: name is 'q', but the file is called p.lua: make them equal" },
      { "has an unknown key", fields "enrih = print", "./p.lua: unknown key 'enrih': did you mean 'enrich'?" },
      { "has an unknown key like no other", fields "[1] = 2",
        "./p.lua: unknown key '1'; known are api, enrich, export, filter, "
        .. "import, match, name, needs, on_error, options, retrospective, split, summary" },
      { "has a hook that is no function", fields "enrich = 3", "./p.lua: enrich must be a function, not 3" },
      { "has a filter that is a table", fields "filter = {}", "./p.lua: filter must be a function, not an object" },
      { "has a summary of two lines", fields "summary = 'a\\nb'",
        "./p.lua: summary must be one line of text, not 'a\\nb'" },
      { "has a split that is no boolean", fields "split = 'yes'", "./p.lua: split must be true or false, not 'yes'" },
      { "has another on_error", fields "on_error = 'ask'",
        './p.lua: on_error must be "store" or "refuse", not \'ask\'' },
      { "has a retrospective without step",
        "return { name = 'p', api = 1, retrospective = { init = print, finish = print } }",
        "./p.lua: retrospective: step is missing" },
      { "has an unknown key in its retrospective",
        "return { name = 'p', api = 1, retrospective = { init = print, step = print, finnish = print } }",
        "./p.lua: retrospective: unknown key 'finnish': did you mean 'finish'?" },
      { "has an import without open", fields "import = { detect = print }", "./p.lua: import: open is missing" },
      { "matches a table", fields "match = { skill = { {} } }",
        "./p.lua: match.skill must be a string, number or boolean, or a list of them" },
      { "matches an empty list", fields "match = { skill = {} }",
        "./p.lua: match.skill must be a string, number or boolean, or a list of them" },
      { "has an option that is no table", fields "options = { n = 3 }",
        "./p.lua: options.n must be a table: { type = …, default = … }" },
      { "has an option without type", fields "options = { n = { default = 3 } }",
        "./p.lua: options.n: type is missing" },
      { "has an option of another type", fields "options = { n = { type = 'int' } }",
        "./p.lua: options.n: type must be integer, number, string, boolean or file, not 'int'" },
      { "has an unknown key in an option", fields "options = { n = { type = 'integer', defualt = 3 } }",
        "./p.lua: options.n: unknown key 'defualt': did you mean 'default'?" },
      { "has a default of another type", fields "options = { n = { type = 'integer', default = '3' } }",
        "./p.lua: options.n: default must be of type integer, not '3'" },
      { "has a float as default of an integer", fields "options = { n = { type = 'integer', default = 3.0 } }",
        "./p.lua: options.n: default must be of type integer, not 3.0" },
      { "has a default out of range", fields "options = { n = { type = 'integer', default = 0, min = 1 } }",
        "./p.lua: options.n: default must be at least 1, not 0" },
      { "has a default that is no choice",
        fields "options = { n = { type = 'string', default = 'z', choices = { 'a', 'b' } } }",
        "./p.lua: options.n: default must be one of a, b, not 'z'" },
      { "has a min for a text", fields "options = { n = { type = 'string', min = 1 } }",
        "./p.lua: options.n: min and max are for numbers" },
      { "has choices that are no list", fields "options = { n = { type = 'string', choices = { x = print } } }",
        "./p.lua: options.n: choices must be a list, not an object" },
      { "has an option that no shell could complete", fields "options = { ['a;b'] = { type = 'string' } }",
        "./p.lua: the name of an option must be a name like slow_runs: [a-z][a-z0-9_]*, not 'a;b'" },
      { "sets a global", "x = 1", "./p.lua:1: assignment to the undeclared global 'x': write local" },
    }
    for _, row in ipairs(rows) do
      it(row[1], function()
        broken(row[2], row[3])
      end)
    end

    it("is bytecode", function()
      local r = retro(string.dump(load "return {}"))
      assert.equal(2, r.status)
      assert.truthy(r.err:find "^debrief: plugin does not load: .*attempt to load a binary chunk", r.err)
    end)

    it("is not what it is used for", function()
      for words, message in pairs {
        ["retro claude_code"] = "plugin 'claude_code' has no retrospective",
        ["retro failed"] = "plugin 'failed' has no retrospective (it is for --filter failed)",
        ["read --enrich skills"] = "plugin 'skills' has no enrich hook",
        ["read --filter skills"] = "plugin 'skills' has neither filter nor match",
        ["import skills sessions/s1.jsonl"] = "plugin 'skills' has no import hook",
      } do
        local r = scene:sh('"$DEBRIEF" ' .. words)
        assert.same({ "debrief: " .. message .. "\n", "", 2 }, { r.err, r.out, r.status })
      end
    end)
  end)

  describe("is found", function()
    local function plugin(path, text) scene:write(path, fields("summary = '" .. text .. "'")) end
    local function summary(env)
      local r = scene:run { "plugins", "p", env = env }
      return r.status == 0 and r.out:match "^p: (.-)\n" or r.err
    end

    it("in $DEBRIEF_PLUGIN_PATH first, in the order given, then in the user's config folder", function()
      plugin("one/p.lua", "one")
      plugin("two/p.lua", "two")
      plugin("home/.config/debrief/plugins/p.lua", "home")
      plugin("xdg/debrief/plugins/p.lua", "xdg")
      assert.equal("home", summary())
      assert.equal("xdg", summary { XDG_CONFIG_HOME = scene:path "xdg" })
      assert.equal("two", summary { DEBRIEF_PLUGIN_PATH = "empty:two:one" })
      assert.equal("one", summary { DEBRIEF_PLUGIN_PATH = scene:path "one" .. ":two" })
    end)

    it("never in the current folder", function()
      plugin("p.lua", "here")
      local message = "debrief: no plugin 'p': did you mean 'pi'? (`debrief plugins` lists them; a path needs a '/': "
        .. "./p.lua)\n"
      assert.equal(message, summary())
      assert.equal(message, summary { DEBRIEF_PLUGIN_PATH = "" })
      assert.equal(message, summary { DEBRIEF_PLUGIN_PATH = ":" })
      assert.equal(0, scene:run({ "plugins", "./p.lua" }).status)
    end)

    it("in front of a bundled one of the same name", function()
      scene:write("mine/skills.lua", "return { name = 'skills', api = 1, summary = 'mine', " .. RETRO .. "}")
      local r = scene:run { "retro", "skills", env = { DEBRIEF_PLUGIN_PATH = "mine" } }
      assert.truthy(r.out:find "^T\n═\n2 steps\n", r.out)
      assert.truthy(scene:run({ "plugins",
        env = { DEBRIEF_PLUGIN_PATH = "mine" } }).out:find "\nskills +retrospective +mine\n")
    end)

    it("or the nearest name is, or what the file system says", function()
      for name, message in pairs {
        skils = "no plugin 'skils': did you mean 'skills'? "
          .. "(`debrief plugins` lists them; a path needs a '/': ./skils.lua)",
        ["./none.lua"] = "plugin ./none.lua: No such file or directory",
        ["none.lua"] = "plugin none.lua: No such file or directory",
        ["./sessions"] = "plugin ./sessions: Is a directory",
        ["/dev/zero"] = "plugin /dev/zero: more than 16 MiB, which no plugin has",
      } do
        local r = scene:run { "retro", name }
        assert.same({ "debrief: " .. message .. "\n", "", 2 }, { r.err, r.out, r.status })
      end
    end)

    it("or refused when two of a name are used at once", function()
      plugin("one/p.lua", "one")
      plugin("p.lua", "here")
      local r = scene:run { "retro", "./p.lua,one/p.lua" }
      assert.same({ "debrief: two plugins are called 'p': ./p.lua and one/p.lua\n", 2 }, { r.err, r.status })
    end)
  end)

  describe("option", function()
    local OPTIONS = [[options = { n = { type = "integer", default = 3, min = 1, max = 9, help = "how many" },
      r = { type = "number" }, s = { type = "string", choices = { "x",
        "y" } }, b = { type = "boolean", default = false } },
      retrospective = { init = function() return {} end, step = function() end, finish = function(_, ctx)
        local o = ctx.options
        return { title = "T", text = table.concat({ math.type(o.n) .. o.n, tostring(o.r), tostring(o.s),
          tostring(o.b) }, " ") }
      end } ]]
    local TEXT = "return { name = 'p', api = 1, " .. OPTIONS .. "}"

    local function given(...)
      local words = {}
      for _, text in ipairs { ... } do
        words[#words + 1] = "--opt"
        words[#words + 1] = text
      end
      local r = retro(TEXT, table.unpack(words))
      return r.status <= 1 and r.out:match "═\n(.-)\n" or r.status == 3 and r.out:match "═\n(.-)\n"
        or r.err:match "^debrief: (.*)\n$"
    end

    it("has its default, or what --opt gives, as its type", function()
      assert.equal("integer3 nil nil false", given())
      assert.equal("integer5 2.5 x true", given("n=5", "p.r=2.5", "s=x", "p.b=true"))
      assert.equal("integer9 7 nil false", given("n=9", "r=7"))
    end)

    it("is refused when unknown, ill-typed or out of range", function()
      assert.equal("plugin 'p' has no option 'nn': did you mean 'n'?", given "nn=1")
      assert.equal("plugin 'p' has no option 'zzz'; it has b, n, r, s", given "zzz=1")
      assert.equal("option p.n is of type integer: '1.5' is not", given "n=1.5")
      assert.equal("option p.n is of type integer: 'x' is not", given "n=x")
      assert.equal("option p.n must be at least 1, not 0", given "n=0")
      assert.equal("option p.n must be at most 9, not 10", given "n=10")
      assert.equal("option p.r is of type number: 'a' is not", given "r=a")
      assert.equal("option p.s must be one of x, y, not z", given "s=z")
      assert.equal("option p.b is of type boolean: 'yes' is not", given "b=yes")
      assert.equal("--opt 'n': write plugin.key=value", given "n")
      assert.equal("--opt 'q.n=1': no plugin 'q' is used here (p)", given "q.n=1")
    end)

    it("is judged by the plugin's own check, which sees all of them", function()
      local function checked(body, ...)
        return retro("return { name = 'p', api = 1, options = { a = { type = 'integer', default = 1 }, b = { type = "
          .. "'integer', default = 2, check = function(value, options) " .. body .. " end } }, retrospective = { "
          .. "init = function() return {} end, step = function() end, "
          .. "finish = function() return { title = 't' } end } }", ...)
      end
      local above = "return value > options.a, 'above a\27'"
      assert.matches("^t\n", checked(above, "--opt", "a=1").out)
      local r = checked(above, "--opt", "a=2")
      assert.same({ "debrief: option p.b must be above a\\x1b, not 2\n", 2 }, { r.err, r.status })
      r = checked("return false", "--opt", "b=9")
      assert.same({ "debrief: option p.b must be another, not 9\n", 2 }, { r.err, r.status })
      r = checked("error('no', 0)")
      assert.same({ "debrief: the check of option p.b failed: no\n", 2 }, { r.err, r.status })
    end)

    it("needs the plugin's name when there are several", function()
      scene:write("p.lua", TEXT)
      local r = scene:run { "retro", "./p.lua,skills", "--opt", "n=1" }
      assert.same({ "debrief: --opt 'n=1': with more than one plugin, write plugin.key=value\n", 2 }, { r.err,
        r.status })
      assert.equal(3, scene:run({ "retro", "./p.lua,skills", "--opt", "p.n=1" }).status)
    end)
  end)
end)
