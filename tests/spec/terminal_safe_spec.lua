-- Whatever is in a log, a plugin or a name, and whichever command shows it: a terminal gets no control character but
-- those of our own colours, nothing that turns text around and nothing that nobody sees.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"
local escape = require "debrief.text.escape"

-- Categories Cf, Zl, Zp and Default_Ignorable_Code_Point of Unicode 15, one by one as the standard lists them.
local INVISIBLE = {
  0xad, 0xad, 0x34f, 0x34f, 0x600, 0x605, 0x61c, 0x61c, 0x6dd, 0x6dd, 0x70f, 0x70f, 0x890, 0x891, 0x8e2, 0x8e2,
  0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180d, 0x180e, 0x180e, 0x180f, 0x180f, 0x200b, 0x200f, 0x2028, 0x2029,
  0x202a, 0x202e, 0x2060, 0x2064, 0x2065, 0x2065, 0x2066, 0x206f, 0x3164, 0x3164, 0xfe00, 0xfe0f, 0xfeff, 0xfeff,
  0xffa0, 0xffa0, 0xfff0, 0xfff8, 0xfff9, 0xfffb, 0x110bd, 0x110bd, 0x110cd, 0x110cd, 0x13430, 0x1343f,
  0x1bca0, 0x1bca3, 0x1d173, 0x1d17a, 0xe0000, 0xe0000, 0xe0001, 0xe0001, 0xe0002, 0xe001f, 0xe0020, 0xe007f,
  0xe0080, 0xe00ff, 0xe0100, 0xe01ef, 0xe01f0, 0xe0fff,
}
local invisible = {}
for i = 1, #INVISIBLE, 2 do
  for code = INVISIBLE[i], INVISIBLE[i + 1] do invisible[code] = true end
end

-- What is wrong with bytes that a terminal got; nil if nothing is.
local function fault(sent)
  sent = sent:gsub("\r\n", "\n"):gsub("\27%[%?2004[hl]\r?", ""):gsub("\27%[[%d;]*m", ""):gsub("\27%[K\r?", "")
  local control = sent:match "()[\0-\8\11-\31\127]"
  if control then return ("control %q"):format(sent:sub(math.max(control - 30, 1), control + 5)) end
  local length, bad = utf8.len(sent)
  if not length then return ("bytes that are not UTF-8: %q"):format(sent:sub(math.max(bad - 30, 1), bad + 5)) end
  local marks, before = 0, 0
  for at, code in utf8.codes(sent) do
    marks = code >= 0x300 and code <= 0x36f and marks + 1 or 0
    local is_style = code == 0xfe0f and before == 0x1f600 -- the only emoji among the pieces
    before = code
    if invisible[code] and not is_style or code >= 0x80 and code < 0xa0 or marks > 8 then
      return ("U+%X in %q"):format(code, sent:sub(math.max(at - 30, 1), at + 5))
    end
  end
end

local random
do
  local state = 20261129
  function random(n)
    state = (state * 6364136223846793005 + 1442695040888963407) & 0x7fffffffffffffff
    return (state >> 33) % n + 1
  end
end

local PIECES = { "\27[31m", "\27]0;owned\7", "\27]52;c;b3duZWQ=\27\\", "\27[2J", "\27[10;10H", "\27c",
  "\27P0q\27\\", "\r", "\8",
  "\0", "\7", "\14", "\127", "\u{9b}31m", "\u{9d}0;x\u{9c}", "\u{85}", "\u{90}", "\155", "\xff", "\xc3", "\xe2\x80",
  "\xed\xa0\x80", "\xf5\x80\x80\x80", "\t", "a", "é", "世", "😀", " ", "\\", '"', "'", "`x`", "|", "<b>", "$(x)", "%s",
  ("\u{301}"):rep(40), "e\u{301}\u{302}" }
for code in pairs(invisible) do
  if code < 0xe0000 or code % 97 == 0 then PIECES[#PIECES + 1] = utf8.char(code) end
end
table.sort(PIECES)

local function nasty(pieces)
  local out = {}
  for i = 1, pieces do out[i] = PIECES[random(#PIECES)] end
  return table.concat(out)
end

-- As a string of JSON; what is not UTF-8 stays as it is.
local function quoted(text)
  return '"' .. text:gsub('[%c"\\]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
end

local function entry()
  local text = ([[{"session_id":"s1","timestamp":"2026-11-01T10:00:00Z","skill":@,"phase":@,"project_root":@,
    "input":{@:@,"list":[@,@]},
    "attempts":[{"attempt":1,"model":@,"output_summary":@,"runner_output":@,"verified":false},
    {"attempt":2,"model":@,"verified":true}],
    "final_status":"fail","file_path":@,"model_used":@,"duration_ms":120000,@:@}]])
    :gsub("\n *", ""):gsub("@", function() return quoted(nasty(random(12))) end)
  return text
end

local PLUGIN = [[
local nasty = %s
return { name = %q, api = 1, summary = nasty,
  options = { one = { type = "string", default = nasty, choices = { nasty, "b" }, help = nasty } },
  enrich = function(entry, ctx) print(nasty) ctx.log(nasty, nasty) entry[nasty] = nasty end,
  filter = function(entry) if entry.attempts then error(nasty) end return true end,
  retrospective = { init = function() return {} end,
    step = function(acc, entry, ctx)
      acc.skill = entry.skill
      acc.at = { session = ctx.session, line = ctx.line }
      if ctx.line == 2 then error({ nasty }) end
      if ctx.line == 3 then error(nasty) end
    end,
    merge = function(acc, other) acc.skill, acc.at = other.skill or acc.skill, other.at or acc.at end,
    finish = function(acc)
      return { title = nasty, text = nasty, tables = { { title = nasty, columns = { { key = nasty, title = nasty,
        unit = nasty }, "b" }, rows = { { nasty, acc.skill }, { 1, nasty } } } },
        findings = { { value = nasty, explanation = nasty,
          references = { acc.at or { session = nasty, line = 1 } } } } }
    end },
  import = { detect = function() print(nasty) return true end, open = function(source, emit)
    for line in source:lines() do print(line.skill) end
    error(nasty)
  end } }]]

describe("a terminal gets nothing raw", function()
  local scene

  -- A name of a file, and its word for the shell.
  local function hostile_name() return (nasty(6):gsub("[%z/]", "")) end

  setup(function()
    scene = program.scene()
    for _, name in ipairs { "s1", "s2" } do
      local lines = {}
      for i = 1, 12 do lines[i] = entry() end
      lines[#lines + 1] = nasty(20):gsub("\n", "")
      scene:write("sessions/" .. name .. ".jsonl", table.concat(lines, "\n") .. "\n")
    end
    scene.evil = hostile_name() .. "\27[2J\u{202e}x.jsonl"
    scene:write("in/" .. scene.evil, entry() .. "\n" .. entry() .. "\n" .. nasty(20) .. "\n")
    local text = {}
    for i = 1, 30 do text[i] = PIECES[random(#PIECES)] end
    local digits = table.concat(text):gsub(".", function(c) return ("\\%03d"):format(c:byte()) end)
    local literal = '"' .. digits .. '"'
    for _, name in ipairs { "evil", "evil2" } do
      scene:write("plugins/" .. name .. ".lua", PLUGIN:format(literal, name))
    end
    scene:write("plugins/broken.lua", "return { name = " .. literal .. ", [" .. literal .. "] = 1, api = 1 }")
    scene:write("plugins/raises.lua", "error(" .. literal .. ")")
    scene.badname = hostile_name() .. "\27[1m.lua"
    scene:write("plugins/" .. scene.badname, PLUGIN:format(literal, "x"))
  end)
  teardown(program.clean)

  local function sent_by(line, input)
    local command = input and ("printf %s | "):format(program.quote(input)) or ""
    local redirection = input and "" or " </dev/null"
    local r = scene:sh(command .. "timeout 30 script -qec " .. program.quote(line) .. " /dev/null" .. redirection, {
      DEBRIEF_PLUGIN_PATH = scene:path "plugins", TERM = "xterm-256color",
    })
    return r.out .. r.err
  end

  local function safe(name, line, input)
    it(name, function()
      local sent = sent_by(type(line) == "function" and line() or line, input)
      assert.truthy(#sent > 60, sent)
      assert.is_nil(fault(sent))
    end)
  end

  for _, format in ipairs { "list", "card", "json", "jsonl" } do
    safe("read --format " .. format, '"$DEBRIEF" read --format ' .. format)
  end
  for _, format in ipairs { "table", "tsv" } do
    safe("read --fields --format " .. format,
      '"$DEBRIEF" read --fields session,skill,input,attempts.1.model,more --format ' .. format)
  end
  safe("read --line of a path", function() return '"$DEBRIEF" read --line 1 ' .. program.quote("in/" .. scene.evil) end)
  safe("read of a path", function() return '"$DEBRIEF" read ' .. program.quote("in/" .. scene.evil) end)
  safe("read with plugins", '"$DEBRIEF" read --enrich evil --filter evil2')
  safe("read --isolate", '"$DEBRIEF" read --isolate --enrich evil')
  safe("read with wrong names", function()
    return ('"$DEBRIEF" read --filter %s; "$DEBRIEF" read %s; "$DEBRIEF" read --where %s; "$DEBRIEF" %s'):format(
      program.quote("./plugins/" .. scene.badname), program.quote("no" .. scene.evil), program.quote(nasty(9)),
      program.quote(nasty(9)))
  end)
  for _, format in ipairs { "text", "markdown", "json" } do
    safe("retro --format " .. format, '"$DEBRIEF" retro evil,summary,failures,stuck,timeline,history s1 --format '
      .. format)
  end
  safe("retro of a path", function()
    return '"$DEBRIEF" retro evil,timeline ' .. program.quote("in/" .. scene.evil) .. " --format json"
  end)
  safe("plugins", '"$DEBRIEF" plugins; "$DEBRIEF" plugins evil; "$DEBRIEF" plugins broken; "$DEBRIEF" plugins raises')
  safe("plugins --check", '"$DEBRIEF" plugins --check evil')
  safe("an option of a plugin", function()
    return '"$DEBRIEF" retro evil --opt ' .. program.quote("evil.one=" .. nasty(9):gsub("%z", ""))
  end)
  safe("import", function()
    return '"$DEBRIEF" -d new import evil ' .. program.quote("in/" .. scene.evil) .. '; "$DEBRIEF" -d new import in'
  end)
  safe("check and repair", function()
    return '"$DEBRIEF" check; "$DEBRIEF" check ' .. program.quote("in/" .. scene.evil) .. '; cp -r sessions r; '
      .. '"$DEBRIEF" -d r repair s1'
  end)
  safe("the prompt", '"$DEBRIEF" repl', "e = list(log:entries {})\ne\ne[1]\ne[1].skill\ne[1].input\n{ e[1].skill }\n"
    .. "error(e[1].skill)\nprint(e[2].skill)\ndebrief.table(e[1])\nlog:retro('evil')\n.plugins\n.try evil s1:1\n"
    .. "e[1].input[e[1].skill].x\n.quit\n")
  safe("append", function()
    return 'printf ' .. program.quote(quoted(nasty(9)):gsub("[%%\\]", "%0%0")) .. ' | "$DEBRIEF" -d new append s1; '
      .. '"$DEBRIEF" -d new append s1 skill=x --enrich evil; "$DEBRIEF" -d new append '
      .. program.quote((nasty(9):gsub("%z", "")))
  end)
end)

describe("JSON on a terminal", function()
  it("is the same JSON with nothing raw in it", function()
    for _ = 1, 300 do
      local text = nasty(8):gsub("[\x80-\xff]+", function(bytes) return utf8.len(bytes) and bytes or "" end)
      if utf8.len(text) then
        local out = escape.json(core.encode { text })
        assert.is_nil(fault(out))
        assert.equal(text, core.decode(out)[1])
      end
    end
    assert.equal("[ 1,\t2]\n", escape.json "[\r1,\t2]\n")
    assert.equal([["\ufffd"]], escape.json '"\xff"')
  end)
end)
