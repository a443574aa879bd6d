-- debrief retro --partial and debrief merge: what was run apart, as one report.
local program = dofile "tests/spec/support/program.lua"

describe("merge", function()
  local scene
  before_each(function()
    scene = program.scene()
    scene:write("sessions/a.jsonl", '{"session_id":"a","skill":"x","final_status":"ok"}\n'
      .. '{"session_id":"a","skill":"y","final_status":"error"}\n')
    scene:write("sessions/b.jsonl", '{"session_id":"b","skill":"x","final_status":"fail"}\n')
  end)
  teardown(program.clean)

  local function partials(words)
    for _, id in ipairs { "a", "b" } do
      local r = scene:sh(('"$DEBRIEF" retro %s %s --partial -o %s.part'):format(words, id, id))
      assert.same({ "", "", 0 }, { r.out, r.err, r.status })
    end
  end

  it("prints what one run over all prints", function()
    partials "skills"
    local whole = scene:run { "retro", "skills" }
    local r = scene:run { "merge", "skills", "a.part", "b.part" }
    assert.same({ whole.out, "", 0 }, { r.out, r.err, r.status })
    r = scene:sh 'cat a.part b.part | "$DEBRIEF" merge skills -'
    assert.equal(whole.out, r.out)
  end)

  it("refuses partial results of another plugin, and of other options", function()
    partials "skills"
    local r = scene:run { "merge", "summary", "a.part" }
    assert.same({ "", 1 }, { r.out, r.status })
    assert.equal("debrief: a.part:1: is a partial result of plugin 'skills', not 'summary'\n", r.err)
    scene:sh '"$DEBRIEF" retro skills a --opt min=2 --partial -o a.part'
    r = scene:run { "merge", "skills", "a.part", "b.part" }
    assert.same({ "", 1 }, { r.out, r.status })
    assert.truthy(r.err:find "^debrief: b.part:1: .*options", r.err)
  end)

  it("finishes one of a plugin without merge, not two", function()
    scene:write("p.lua", [[return { name = "p", api = 1, retrospective = {
      init = function() return { n = 0 } end, step = function(acc) acc.n = acc.n + 1 end,
      finish = function(acc) return { title = "P", text = acc.n .. " runs" } end } }]])
    partials "./p.lua"
    local r = scene:run { "merge", "./p.lua", "a.part" }
    assert.truthy(r.out:find("2 runs", 1, true), r.out)
    r = scene:run { "merge", "./p.lua", "a.part", "b.part" }
    assert.same({ "", "debrief: plugin 'p' has no merge: only one partial result of it can be finished\n", 1 },
      { r.out, r.err, r.status })
  end)

  it("names what of a damaged partial result cannot be used", function()
    partials "skills"
    local text = scene:read "a.part"
    local function refuses(member, value)
      local pattern = ('("%s":)[^{,}]*'):format(member)
      if member == "options" then pattern = '("options":){[^}]*}' end
      local damaged, n = text:gsub(pattern, "%1" .. value)
      assert.equal(1, n, member)
      scene:write("bad.part", damaged)
      local r = scene:sh '"$DEBRIEF" merge skills a.part bad.part'
      assert.same({ "", 1 }, { r.out, r.status })
      local what = member == "acc" and "read" or "used"
      assert.equal(("debrief: bad.part:1: is damaged: its %s cannot be %s\n"):format(member, what), r.err)
    end
    for _, value in ipairs { '"1"', "null", "{}", "1.5", "-1", "1e30" } do
      for _, member in ipairs { "entries", "sessions", "errors" } do refuses(member, value) end
    end
    for _, value in ipairs { '"1"', "null", "1e30" } do refuses("now", value) end
    for _, value in ipairs { "5", "null", "[1]", '{"min":[1]}', '{"min":null}' } do refuses("options", value) end
    for _, value in ipairs { '""', '"AAAA"', '"e/////////////w=="' } do refuses("acc", value) end
  end)
end)

-- The shares of a list of sessions, as lua/debrief/cli/README.md has schedulers run them.
describe("shares of a log", function()
  local scene, text = nil, program.read "lua/debrief/cli/README.md"
  local whole
  setup(function()
    scene = program.scene()
    for i = 1, 9 do
      local entry = ('{"session_id":"s%d","phase":"p%d","final_status":"ok"}\n'):format(i, i % 2)
      scene:write(("log/s%d.jsonl"):format(i), entry)
    end
    whole = scene:run { "-d", "log", "retro", "phases" }.out
    scene:sh '"$DEBRIEF" -d log sessions > list'
    local script = text:match "\n(cat > share.sh.-)```"
    scene:sh(script)
  end)
  teardown(program.clean)

  -- Run one command for each share, with the variable that the scheduler sets, last first; then merge them.
  local function run(command, variable, first, last)
    scene:sh "rm -f share-*"
    for i = last, first, -1 do
      local r = scene:sh(('PATH="%s:$PATH"; %s=%d; %s'):format(program.build, variable, i, command))
      assert.same({ "", "", 0 }, { r.out, r.err, r.status })
    end
    local r = scene:sh 'cat share-* | "$DEBRIEF" merge phases -'
    assert.same({ whole, "", 0 }, { r.out, r.err, r.status })
  end

  it("are those of a job array of Slurm", function()
    local command = text:match "%-%-wrap '(sh share[^']+)'"
    local first, last = text:match "%-%-array=(%d+)%-(%d+)"
    run(command, "SLURM_ARRAY_TASK_ID", tonumber(first), tonumber(last))
  end)

  it("are those of an indexed job of Kubernetes", function()
    local command = text:match '"(sh share[^"]+)"'
    run(command, "JOB_COMPLETION_INDEX", 0, tonumber((text:match "completions: (%d+)")) - 1)
  end)
end)
