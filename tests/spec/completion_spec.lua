-- What may replace an unfinished word: what the program says, and what bash, zsh and fish make of it.
local program = dofile "tests/spec/support/program.lua"
local screen = dofile "tests/spec/support/screen.lua"

describe("completion", function()
  local scene

  setup(function()
    scene = program.scene()
    for _, path in ipairs { "sessions/login", "sessions/login-2", "sessions/mail", "other log/login-old" } do
      scene:write(path .. ".jsonl", '{"session_id":"x","skill":"a","final_status":"ok"}\n')
    end
    scene:write("plugins/evil.lua", [[return { name = "evil", api = 1,
      summary = "\27[2J\27]52;c;eA==\7 \u{202e}x\u{9b}31m",
      options = { limit = { type = "integer", default = 1, help = "how \27[31mmuch" },
        mode = { type = "string", default = "fast", choices = { "fast", "slow" } } },
      filter = function() return true end }]])
    scene:write("plugins/broken.lua", "return {")
    scene:write("a file.jsonl", "")
    scene:write("afolder/x.lua", "")
    scene:sh "mkdir bin; ln -s \"$DEBRIEF\" bin/debrief"
  end)
  teardown(function()
    screen.clean()
    program.clean()
  end)

  local ENV = { DEBRIEF_PLUGIN_PATH = "plugins" }

  local function run(shell, words)
    local r = scene:sh(('"$DEBRIEF" completion %s -- %s'):format(shell, words), ENV)
    assert.same({ "", 0 }, { r.err, r.status })
    return r.out
  end

  -- The candidates in one line.
  local function words_for(words) return (run("bash", words):gsub("\n", " "):gsub(" $", "")) end

  it("knows commands, options and their values", function()
    for words, expected in pairs {
      ["re"] = "record read retro report repair repl", ["xyz"] = "", ["--v"] = "--version", ["-d x sess"] = "sessions",
      ["--dir=x check --"] = "--help --dir --no-pager", ["read --fo"] = "--format --follow",
      ["read --format"] = "--format", ["read --format js"] = "jsonl json",
      ["read --format=js"] = "--format=jsonl --format=json", ["read --fields a,fi"] = "a,file_path a,final_status",
      ["read --format = js"] = "jsonl json", ["read --format ''"] = "jsonl json list table csv tsv card",
      ["read --from ''"] = "start end", ["completion ''"] = "bash zsh fish", ["help mer"] = "merge",
      ["help read ''"] = "", ["retro --since y"] = "yesterday", ["-d ''"] = ":folder", ["read -d s"] = ":folder",
      ["run ''"] = ":file", ["retro summary -o ''"] = ":file",
      ["append s ski"] = ":file skill=", ["read --outcome ''"] = "ok fail skip unknown",
      ["read --sort -dur"] = "-duration_ms", ["read --sort=skill,-tim"] = "--sort=skill,-timestamp",
      ["retro x --cs"] = "--csv", ["plugins x --so"] = "--source",
    } do assert.equal(expected, words_for(words), words) end
  end)

  it("knows the sessions of the folder that the line names", function()
    for words, expected in pairs {
      ["read lo"] = "login login-2", ["check ''"] = "login login-2 mail", ["read mail lo"] = "login login-2",
      ["-d 'other log' read ''"] = "login-old", ["read -d 'other log' lo"] = "login-old",
      ["--dir='other log' retro summary ''"] = "login-old", ["-d nosuch read ''"] = "", ["read ./a"] = ":file",
      ["read a/"] = ":file", ["repair m"] = "mail", ["read -- lo"] = "login login-2", ["append m"] = "mail",
    } do assert.equal(expected, words_for(words), words) end
  end)

  it("knows the plugins with the hook that is asked for, their options and rights", function()
    for words, expected in pairs {
      ["retro su"] = "summary", ["retro summary,sk"] = "summary,skills", ["retro summary,summ"] = "", ["retro ev"] = "",
      ["read --filter fai"] = "failed", ["read --filter failed,ev"] = "failed,evil",
      ["read --filter ev"] = "evil", ["read --enrich re"] = "redact",
      ["plugins ev"] = "evil", ["merge tre"] = "trend", ["import cl"] = "claude_code claude_stream :file",
      ["read --allow g"] = "git:process", ["read --filter evil --opt evil"] = "evil.limit= evil.mode= evil.mode=fast "
        .. "evil.mode=slow", ["retro slow --opt slow.limit_"] = "slow.limit_ms=", ["read --filter ./"] = ":file",
    } do assert.equal(expected, words_for(words), words) end
  end)

  it("never sends anything raw that a plugin says of itself", function()
    for _, shell in ipairs { "zsh", "fish" } do
      for _, words in ipairs { "plugins ''", "read --filter ''", "read --filter evil --opt ''" } do
        local text = run(shell, words)
        assert.truthy(text:find "evil[^\n]*\t")
        assert.falsy(text:find "[\0-\8\11-\31\127]")
        assert.falsy(text:find "\u{202e}" or text:find "\u{9b}")
      end
    end
  end)

  it("offers nothing that a shell would run", function()
    local room = program.scene()
    local run_me = { "$(touch ran)", "`touch ran`", "a;touch ran", "a&touch ran", "a|touch ran", "'x'", '"x"', "a b",
      "!!", "a\ntouch ran", "\\x", "*", "~", "$HOME", "<(touch ran)", "a\ttouch", "#", "{a,b}" }
    for i, text in ipairs(run_me) do
      room:write(("plugins/name%d.lua"):format(i), ('return { name = "name%d", api = 1, filter = function() end, '
        .. 'options = { [%q] = { type = "string" } } }'):format(i, text))
      room:write(("plugins/choice%d.lua"):format(i), ('return { name = "choice%d", api = 1, summary = %q,'
        .. 'filter = function() end, options = { one = { type = "string", help = %q, choices = { "fine", %q } } } }')
        :format(i, text, text, text))
      if not text:find "/" then
        room:write("plugins/" .. text .. ".lua", ("return { name = %q, api = 1, split = true }"):format(text))
        room:write("sessions/" .. text .. ".jsonl", "{}\n")
      end
    end
    local env = { DEBRIEF_PLUGIN_PATH = "plugins" }
    for _, words in ipairs { "read --filter ''", "read --opt ''", "plugins ''", "read ''", "retro summary --allow ''",
      "read --filter choice1 --filter name1 --opt choice1.", "read --filter choice3 --opt choice3.one=" } do
      for _, shell in ipairs(words:find "''" and { "bash", "zsh", "fish" } or { "bash" }) do
        local r = room:sh(('"$DEBRIEF" completion %s -- %s'):format(shell, words), env)
        for line in r.out:gmatch "[^\n]+" do
          assert.falsy(line:match "^[^\t]*":find "[^%w_.,:=/@%%+-]", line)
        end
        if words:find "choice1%.$" then assert.truthy(r.out:find "choice1.one=fine", r.out) end
      end
    end
    -- What bash would put into the line is run as it is.
    room:sh 'mkdir bin; ln -s "$DEBRIEF" bin/debrief'
    local r = room:sh("PATH=$PWD/bin:$PATH bash --norc -c " .. program.quote [[
      source <("$DEBRIEF" completion bash)
      compopt() { :; }
      for line in "read --filter ''" "read --filter choice1 --opt ''" "read ''"; do
        eval "COMP_WORDS=(debrief $line)"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _debrief
        for reply in "${COMPREPLY[@]}"; do eval "echo $reply" >>all; done
      done]], env)
    assert.same({ "", 0 }, { r.err, r.status })
    assert.truthy(room:read("all"):find "choice2")
    assert.is_nil(room:read "ran")
    local refused = room:sh([["$DEBRIEF" plugins ./plugins/name1.lua]])
    assert.truthy(refused.err:find("the name of an option must be a name like slow_runs", 1, true), refused.err)
  end)

  it("refuses a shell it does not know, and prints a script for those it does", function()
    local r = scene:run { "completion", "bahs" }
    assert.equal(2, r.status)
    assert.truthy(scene:run({ "completion", "bash" }).out:find "complete %-F _debrief debrief")
  end)

  -- What bash completes a line to, as readline would call the function.
  local function bash(line)
    local script = ([[
      source <("$DEBRIEF" completion bash)
      compopt() { :; }
      COMP_WORDS=(%s) COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
      _debrief
      printf '%%s\n' "${COMPREPLY[@]}" | sort]]):format(line)
    local r = scene:sh("PATH=$PWD/bin:$PATH bash --norc -c " .. program.quote(script), ENV)
    assert.same({ "", 0 }, { r.err, r.status })
    return (r.out:gsub("\n$", ""))
  end

  it("works in bash", function()
    assert.equal("read\nrecord\nrepair\nrepl\nreport\nretro", bash "debrief re")
    assert.equal("login\nlogin-2", bash "debrief read lo")
    assert.equal("json\njsonl", bash "debrief read --format = js")
    assert.equal("login-old", bash [[debrief -d "'other log'" read lo]])
    assert.equal("a file.jsonl\nafolder", bash "debrief run a")
    assert.equal("afolder", bash "debrief -d a")
  end)

  it("works in bash under the fingers", function()
    if not screen.available() then return pending "no tmux here" end
    local t = screen.start(scene, "PATH=$PWD/bin:$PATH PS1='> ' exec bash --norc --noprofile -i", { env = ENV })
    t:wait "^>\n"
    t:type 'eval "$(debrief completion bash)"; clear\n'
    t:wait_for("a clear screen", function(text) return text == ">\n" end)
    t:type "debrief read ma\t--format=ca\t"
    t:wait "^> debrief read mail %-%-format=card"
    t:keys "C-u"
    t:type "debrief run a\\ f\t"
    t:wait "> debrief run a\\ file.jsonl"
    t:keys "C-u"
    t:type "debrief read lo\t\t\t"
    t:wait "login *login%-2"
  end)

  it("works in zsh", function()
    if scene:sh("command -v zsh").status ~= 0 then return pending "no zsh here" end
    if not screen.available() then return pending "no tmux here" end
    scene:write("zsh/_debrief", scene:run({ "completion", "zsh" }).out) -- as make install puts it there
    scene:write("home/.zshrc", "PATH=$PWD/bin:$PATH PS1='> '; fpath=($PWD/zsh $fpath)\n"
      .. "autoload -U compinit; compinit -u\n"
      .. "zstyle ':completion:*' list-separator '#'\n")
    local t = screen.start(scene, "exec zsh -d -i", { env = ENV })
    t:wait "^>\n"
    t:type "debrief sess\t"
    t:wait "> debrief sessions"
    t:keys "C-u"
    t:type "debrief read ma\t--format ca\t"
    t:wait "> debrief read mail %-%-format card"
    t:keys "C-u"
    t:type "debrief -d other\\ log read l\t"
    t:wait "> debrief %-d other\\ log read login%-old"
    t:keys "C-u"
    t:type "debrief run a\\ f\t"
    t:wait "> debrief run a\\ file.jsonl"
    t:keys "C-u"
    t:type "debrief retro su\t--f\t\t"
    t:wait "%-%-filter +# Keep only entries that the filter of this plugin keeps"
  end)

  it("works in fish", function()
    if scene:sh("command -v fish").status ~= 0 then return pending "no fish here" end
    local function fish(line)
      local script = "debrief completion fish | source; complete -C " .. program.quote(line)
      local r = scene:sh("PATH=$PWD/bin:$PATH fish --no-config -c " .. program.quote(script), ENV)
      assert.same({ "", 0 }, { r.err, r.status })
      return r.out
    end
    assert.equal("read\tPrint entries: JSON lines, or a listing on a terminal\n", fish "debrief rea")
    assert.equal("login\tsession\nlogin-2\tsession\n", fish "debrief read lo")
    assert.equal("login-old\tsession\n", fish "debrief -d 'other log' read lo")
    assert.truthy(fish("debrief read --format="):find "^%-%-format=card\t")
    assert.truthy(fish("debrief run a"):find "a file.jsonl")
    assert.equal("afolder/\n", fish "debrief -d a")
  end)
end)
