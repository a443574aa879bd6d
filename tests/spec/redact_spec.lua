-- debrief.redact and the plugin `redact`: how many of the kinds of secrets are found, written down in many ways; how
-- many harmless strings are taken for one; and that entries stay entries.
local program = dofile "tests/spec/support/program.lua"
local support = dofile "tests/spec/support/plugins.lua"
local secrets = dofile "tests/spec/support/secrets.lua"
local lookalikes = dofile "tests/spec/support/lookalikes.lua"
local figure = dofile "tests/torture/figure.lua"
local core = support.core
local redact = core.redact

local function maker(seed) return secrets.maker(support.random(seed)) end

-- A token of GitHub's, put together here so that no scanner takes this file for a leak.
local github = "gh" .. "p_" .. maker(1).alnum(36)
local MARK = "[REDACTED:github]"

local function entry(text) return assert(core.entry(text)) end

local function redacted(text)
  local e = entry(text)
  redact(e)
  return tostring(e)
end

describe("the labelled set", function()
  -- Each kind in each context that it can be written down in: total, what was not found, what was called something else
  -- or found twice.
  local function measure(seed)
    local random, total, missed, wrong = support.random(seed), 0, {}, {}
    local make = secrets.maker(random)
    local function one(kind, context)
      local text, secret = kind.make(make)
      secret = secret or text
      local written = context[2](text, secret, random)
      local out = context.json and redacted(written) or redact(written)
      local back = context[3] and not kind.is_json and context[3](out) or out
      local case = ("%s, %s: %s -> %s"):format(kind.label, context[1], written, out)
      total = total + 1
      if secrets.leaks(back, secret) then missed[#missed + 1] = case
      elseif kind.marker and not out:find("[REDACTED:" .. kind.marker .. "]", 1, true) then wrong[#wrong + 1] = case end
      if (context.json and redacted(out) or redact(out)) ~= out then wrong[#wrong + 1] = "again: " .. case end
    end
    for _, kind in ipairs(secrets.kinds) do
      for _, context in ipairs(secrets.contexts) do
        if not context.only or context.only(kind) then one(kind, context) end
      end
    end
    return total, missed, wrong
  end

  it("has 130 kinds and more, in 43 contexts and more", function()
    assert.is_true(#secrets.kinds >= 130)
    assert.is_true(#secrets.contexts >= 43)
  end)

  it("is found, 99 of 100 at least, named, and not found again in what is left", function()
    local total, missed, wrong = measure(20261103)
    assert.is_true(total > 9000)
    figure("redaction", ("%d kinds in %d contexts"):format(#secrets.kinds, #secrets.contexts),
      ("%d of %d found (%.2f %%)"):format(total - #missed, total, 100 - 100 * #missed / total), "at least 99 %",
      #missed <= total / 100)
    assert.is_true(#missed <= total / 100,
      ("%d of %d were missed:\n%s"):format(#missed, total, table.concat(missed, "\n")))
    assert.same({}, wrong)
  end)

  it("leaves at least 999 of 1000 strings alone that only look like it", function()
    local strings = os.getenv "TORTURE" and 200000 or 10000
    local make, alarms = maker(20261104), {}
    for _ = 1, strings do
      local text = lookalikes.one(make)
      local out = redact(text)
      if out ~= text then alarms[#alarms + 1] = text .. " -> " .. out end
    end
    figure("redaction", "harmless strings", ("%d false alarms in %d"):format(#alarms, strings), "at most 0.1 %",
      #alarms <= strings / 1000)
    assert.is_true(#alarms <= strings / 1000, ("%d false alarms:\n%s"):format(#alarms, table.concat(alarms, "\n")))
  end)
end)

describe("debrief.redact", function()
  it("returns a text without its secrets, and how many of each kind there were", function()
    local text, counts = redact("a " .. github .. " b password=hunter2 " .. github)
    assert.equal("a " .. MARK .. " b password=[REDACTED:password] " .. MARK, text)
    assert.same({ github = 2, password = 1 }, counts)
    assert.same({}, select(2, redact "nothing"))
  end)

  it("returns any other value clean: a table as a new one, what has no strings as it is", function()
    local given = { list = { github, 1, 1.5, true, core.null }, [github] = { password = "hunter2" } }
    local clean = redact(given)
    assert.same({ list = { MARK, 1, 1.5, true, core.null }, [MARK] = { password = "[REDACTED:password]" } }, clean)
    assert.equal(github, given.list[1])
    assert.equal("integer", math.type(clean.list[2]))
    for _, value in ipairs { 7, 1.5, true, core.null } do assert.equal(value, (redact(value))) end
    assert.is_nil((redact(nil)))
    local empty = { a = "b" }
    assert.equal(empty, (redact(empty)))
    assert.equal("[]", core.encode((redact(core.array {}))))
    assert.same({ [MARK] = "x" }, (redact(entry(('{"session_id":"s","input":{"%s":"x"}}'):format(github)).input)))
  end)

  it("changes an entry in place, and in it only what it must", function()
    local e = entry(('{"session_id":"s","a":1.50,"input":{"%s":[1, {"deep":["%s"]}, null],"b":"\\u00e9"}}')
      :format(github, github))
    local same, counts = redact(e)
    assert.equal(e, same)
    assert.same({ github = 2 }, counts)
    assert.equal('{"session_id":"s","a":1.50,"input":{"' .. MARK .. '":[1, {"deep":["' .. MARK ..
      '"]}, null],"b":"\\u00e9"}}', tostring(e))
    assert.equal(MARK, e.input[MARK][2].deep[1])
  end)

  it("looks at names and values together", function()
    assert.equal('{"session_id":"s","password":"[REDACTED:password]","n":1}',
      redacted '{"session_id":"s","password":"hunter2","n":1}')
    local other = '{"session_id":"s","password":null,"pin":1234}'
    assert.equal(other, redacted(other))
  end)

  it("raises when the secret says where an entry was logged, and leaves alone when", function()
    assert.error_matches(function() redact(entry('{"session_id":"' .. github .. '","a":1}')) end,
      "session_id cannot be changed")
    local e = entry '{"session_id":"s","timestamp":"2026-11-03T10:00:00Z","a":"in 2026"}'
    assert(core.redactor { year = "20\\d\\d" })(e)
    assert.equal('{"session_id":"s","timestamp":"2026-11-03T10:00:00Z","a":"in [REDACTED:year]"}', tostring(e))
  end)

  it("cleans a name that is there twice", function()
    assert.equal(('{"session_id":"s","input":{"%s":"%s","%s":"%s"}}'):format(MARK, MARK, MARK, MARK),
      redacted(('{"session_id":"s","input":{"%s":"%s","%s":"%s"}}'):format(github, github, github, github)))
  end)

  it("takes any bytes", function()
    local all = {}
    for i = 0, 255 do all[i + 1] = string.char(i) end
    local text = table.concat(all)
    assert.equal(text, (redact(text)))
    assert.equal(text .. MARK .. text, (redact(text .. github .. text)))
    assert.equal("", (redact ""))
  end)

  it("is not disturbed by a finalizer that redacts, too", function()
    local ran = 0
    local function litter()
      for _ = 1, 50 do
        setmetatable({}, { __gc = function()
          redact { other = "password=hunter2" }
          ran = ran + 1
        end })
      end
    end
    local given, expected = {}, {}
    for i = 1, 200 do given[i], expected[i] = { i, github }, { i, MARK } end
    for _ = 1, 20 do
      litter()
      local clean, counts = redact(given)
      assert.same(expected, clean)
      assert.same({ github = 200 }, counts)
      local e = entry(('{"session_id":"s","input":"%s"}'):format(github))
      redact(e)
      assert.equal(MARK, e.input)
    end
    assert.is_true(ran > 0)
  end)

  it("is there for scripts and plugins", function()
    assert.equal(redact, require "debrief".redact)
    assert.equal(MARK, (require "debrief.plugin.sandbox".library {}.redact(github)))
  end)
end)

describe("debrief.redactor", function()
  it("makes a function that takes out what its patterns match, too", function()
    local clean = assert(core.redactor { ticket = "[A-Z]{2,}-\\d+", name = "(?i)ada|bob" })
    local text, counts = clean("ADA, Bob: ENG-42 " .. github)
    assert.equal("[REDACTED:name], [REDACTED:name]: [REDACTED:ticket] " .. MARK, text)
    assert.same({ name = 2, ticket = 1, github = 1 }, counts)
    assert.equal(text, (clean(text)))
  end)

  it("says what is wrong with a pattern, and where", function()
    local clean, message = core.redactor { ticket = "ENG-(\\d+" }
    assert.is_nil(clean)
    assert.equal("ticket: a '(' without its ')', at character 9 of 'ENG-(\\d+'", message)
    assert.error_matches(function() core.redactor { ["a b"] = "x" } end, "a kind is of a to z")
    assert.error_matches(function() core.redactor { a = 1 } end, "patterns by kind")
  end)

  it("finds nothing over the end of a string, and leaves numbers alone", function()
    local clean = assert(core.redactor { four = "\\d{4}", far = "a.*z" })
    assert.same({ "[REDACTED:four]", 1234, "ab", "yz" }, (clean { "1234", 1234, "ab", "yz" }))
  end)
end)

describe("the plugin redact", function()
  local plugin = support.load "plugins/redact.lua"

  local scene
  before_each(function() scene = program.scene() end)
  after_each(program.clean)

  -- The status of an append, and the note that was stored or the message.
  local function append(input, options)
    local words = { "append", "s", "--enrich", "redact", stdin = input }
    for _, option in ipairs(options or {}) do table.insert(words, "--opt") table.insert(words, option) end
    local r = scene:run(words)
    local line = r.status == 0 and scene:read "sessions/s.jsonl"
    return r.status, line and line:match '"note":"(.-)"' or r.err
  end

  it("cleans what is appended, and refuses what cannot be cleaned", function()
    assert.equal("refuse", plugin.on_error)
    assert.same({ 0, "a " .. MARK }, { append('{"session_id":"s","note":"a ' .. github .. '"}') })
    local status, message = append('{"session_id":"' .. github .. '"}')
    assert.equal(1, status)
    assert.truthy(message:find("nothing was stored", 1, true))
  end)

  local text = '{"session_id":"s","note":"ada@example.com EMP-123456 ENG-7 T9"}'

  for _, case in ipairs {
    { "stores the rest as it is", nil, "ada@example.com EMP-123456 ENG-7 T9" },
    { "takes out e-mail addresses", "email=true", "[REDACTED:email] EMP-123456 ENG-7 T9" },
    { "takes out what a pattern matches", "pattern=EMP-\\d{6}", "ada@example.com [REDACTED:own] ENG-7 T9" },
    { "takes out what the patterns in a file match", "patterns=FILE",
      "ada@example.com EMP-123456 [REDACTED:ticket] [REDACTED:ticket]" },
  } do
    it(case[1], function()
      local path = scene:write("patterns", "# tickets\n\nticket ENG-\\d+\nticket T\\d\n")
      local option = case[2] and case[2]:gsub("FILE", (path:gsub("%%", "%%%%")))
      assert.same({ 0, case[3] }, { append(text, { option }) })
    end)
  end

  it("says which line of the file, or which character of a pattern, is wrong", function()
    local path = scene:write("patterns", "ticket ENG-\\d+\nEMP-\\d{6}\n")
    local status, message = append(text, { "patterns=" .. path })
    assert.equal(2, status)
    assert.equal(("debrief: option redact.patterns must be a file of patterns (line 2 is not NAME PATTERN), not '%s'\n")
      :format(path), message)
    assert.truthy(select(2, append(text, { "patterns=" .. path .. "x" })):find("No such file", 1, true))
    assert.equal("debrief: option redact.pattern must be a pattern (own: a ')' without its '(', at character 2 of "
      .. "'a)'), not 'a)'\n", select(2, append(text, { "pattern=a)" })))
  end)
end)
