-- The plugin git: what it stores of a repository, and what it leaves as it is.
local program = dofile "tests/spec/support/program.lua"
local core = require "debrief.core"

local scene
local GIT = "git -c init.defaultBranch=main -c user.name=n -c user.email=e"

-- Shell commands in the repository `repo`, in which "$GIT" is git.
local function repo(script)
  local r = scene:sh("GIT='" .. GIT .. "'; set -e; mkdir -p repo; cd repo; " .. script)
  assert.equal(0, r.status, r.err)
  return (r.out:gsub("\n$", ""))
end

-- A repository with one commit; its name.
local function commit()
  return repo "$GIT init -q; echo 1 >a; $GIT add a; $GIT commit -q -m first; $GIT rev-parse HEAD"
end

-- Append entries; what is stored of each in `git`, and the result.
local function append(entries, more)
  os.remove(scene:path "sessions/s1.jsonl")
  local lines = {}
  for i, entry in ipairs(entries) do lines[i] = core.encode(entry) .. "\n" end
  local words = { "append", "s1", "--enrich", "git", "--allow", "git:process", stdin = table.concat(lines),
    env = more and more.env }
  for _, word in ipairs(more or {}) do words[#words + 1] = word end
  local r, out = scene:run(words), {}
  for line in (scene:read "sessions/s1.jsonl" or ""):gmatch "[^\n]+" do
    out[#out + 1] = core.table(core.decode(line)).git or false
  end
  return out, r
end

local function here(more) return append({ { skill = "a", project_root = scene:path "repo" } }, more)[1] end

-- A git in front of the real one: it counts how often the status is asked for, and may do something else.
local function wrap(script)
  scene:write("bin/git", "#!/bin/sh\ncase \"$*\" in *status*) echo >>'" .. scene:path "calls" .. "';; esac\n" .. script
    .. "\n")
  scene:sh "chmod +x bin/git"
  return { env = { PATH = scene:path "bin" .. ":" .. os.getenv "PATH" } }
end

local function calls() return select(2, (scene:read "calls" or ""):gsub("\n", "")) end

describe("git", function()
  if not os.execute "git --version >/dev/null 2>&1" then return pending "there is no git here" end

  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  it("runs no program that a repository names in its own config", function()
    local head = commit()
    for _, hook in ipairs { "filter.x.clean", "filter.x.process" } do
      repo("echo '* filter=x' >.gitattributes; $GIT config " .. hook .. " 'touch ../ran; cat'; touch -d 2020-01-01 a")
      local out, r = append { { skill = "a", project_root = scene:path "repo" } }
      assert.same({ branch = "main", commit = head }, out[1])
      assert.truthy(r.err:find("its config runs filters on files, so whether it is dirty was not asked", 1, true),
        r.err)
      repo("$GIT config --unset " .. hook)
    end
    repo "$GIT config core.fsmonitor 'touch ../ran; cat'"
    assert.is_true(here().dirty)
    assert.is_nil(scene:read "ran")
  end)

  it("fetches nothing, so it runs no program of a remote either", function()
    local head = commit()
    repo [[$GIT config core.repositoryformatversion 1; $GIT config extensions.partialClone o
      $GIT config remote.o.url "$PWD"; $GIT config remote.o.promisor true
      $GIT config remote.o.uploadpack "touch $PWD/../ran; false"; tree=$(git rev-parse HEAD^{tree})
      rm -f .git/objects/$(echo $tree | cut -c1-2)/$(echo $tree | cut -c3-); echo 2 >a]]
    append { { skill = "a", project_root = scene:path "repo" } }
    assert.is_nil(scene:read "ran")
    scene:sh "cd repo && git status"
    assert.truthy(scene:read "ran", "this git fetches nothing by itself: " .. head)
  end)

  it("stores branch, commit and whether the work tree is clean", function()
    local head = commit()
    assert.same({ branch = "main", commit = head, dirty = false }, here())
    repo "echo 2 >a"
    assert.same({ branch = "main", commit = head, dirty = true }, here())
    repo "$GIT add a"
    assert.is_true(here().dirty)
    repo "$GIT checkout -q -f -b feature/x; $GIT reset -q --hard; rm a"
    assert.same({ branch = "feature/x", commit = head, dirty = true }, here())
  end)

  it("counts files that git does not know, unless the option says otherwise or git ignores them", function()
    commit()
    repo "mkdir new; echo >new/b"
    assert.is_true(here().dirty)
    assert.is_false(here({ "--opt", "git.untracked=false" }).dirty)
    repo "echo new >.git/info/exclude"
    assert.is_false(here().dirty)
  end)

  it("has no branch on a detached head, and no commit before the first", function()
    local head = commit()
    repo "$GIT checkout -q --detach"
    assert.same({ commit = head, dirty = false }, here())
    scene:sh "rm -rf repo"
    repo "$GIT init -q"
    assert.same({ branch = "main", dirty = false }, here())
  end)

  it("asks about a folder inside the repository, with any name", function()
    local head = commit()
    local name = scene:path "repo/-a 'b\" $(x)"
    repo [[mkdir -- "-a 'b\" \$(x)"]]
    assert.same({ branch = "main", commit = head, dirty = false }, append({ { project_root = name } })[1])
  end)

  it("is not misled by the variables of a hook that debrief runs in", function()
    local head = commit()
    scene:sh "mkdir other; cd other; git init -q; echo >x"
    local other = scene:path "other/"
    assert.same({ branch = "main", commit = head, dirty = false }, here { env = { GIT_DIR = other .. ".git",
      GIT_WORK_TREE = other, GIT_INDEX_FILE = other .. ".git/index", GIT_PREFIX = "x/" } })
  end)

  it("changes nothing in the repository and waits for no lock", function()
    commit()
    repo "touch -d 2001-01-01 a; cp .git/index ../before"
    assert.is_false(here().dirty)
    assert.equal(scene:read "before", scene:read "repo/.git/index")
    repo "touch .git/index.lock"
    assert.is_false(here().dirty)
    assert.equal(scene:read "before", scene:read "repo/.git/index")
  end)

  describe("leaves an entry as it is", function()
    local function left(entries, message, more)
      local got, r = append(entries, more)
      for i = 1, #entries do assert.is_false(got[i]) end
      assert.same({ #entries, message, 0 }, { #got, r.err, r.status })
    end

    it("with one line, where there is no repository or no folder", function()
      scene:sh "mkdir plain"
      local plain, none = scene:path "plain", scene:path "none"
      local entries = {}
      for i, root in ipairs { plain, plain, none, none } do entries[i] = { project_root = root } end
      local more = { env = { GIT_CEILING_DIRECTORIES = scene.dir } }
      left(entries, ("warn: git: %s: fatal: not a git repository (or any of the parent directories): .git\n"
        .. "warn: git: %s: fatal: cannot change to '%s': No such file or directory\n"):format(plain, none, none), more)
    end)

    it("with one line, where there is no git", function()
      commit()
      scene:write("in", ('{"project_root":"%s"}\n'):format(scene:path "repo"):rep(2))
      local r = scene:sh 'PATH=/nope "$DEBRIEF" append s1 --enrich git --allow git:process in'
      assert.same({ ("warn: git: %s: cannot run git: No such file or directory\n"):format(scene:path "repo"), 0 },
        { r.err, r.status })
      assert.equal(2, select(2, scene:read "sessions/s1.jsonl":gsub('repo"}\n', "")))
    end)

    it("with one line, where git takes too long, or fails without a word", function()
      local entries = { { project_root = "/a" }, { project_root = "/a" } }
      left(entries, "warn: git: /a: git had not ended after 50 ms, and was killed\n",
        { "--opt", "git.timeout_ms=50", env = wrap("exec sleep 100").env })
      left(entries, "warn: git: /a: git ended with status 7\n", wrap "exit 7")
    end)

    it("that does not say where it ran, or not so that one knows", function()
      commit()
      left({ { skill = "a" }, { project_root = "" } }, "")
      left({ { project_root = "repo" }, { project_root = "repo" } },
        "warn: git: project_root 'repo' is not absolute, so git cannot be asked about it\n")
    end)

    it("that is older than max_age_s", function()
      commit()
      local root = scene:path "repo"
      local function at(seconds) return core.date("%Y-%m-%dT%H:%M:%S", core.now() - seconds * 1000000000) end
      local zone = core.date("%z", core.now()):gsub("(%d%d)$", ":%1")
      left({ { project_root = root, timestamp = "2025-01-01T00:00:00Z" },
        { project_root = root, timestamp = at(700) .. zone } }, "")
      assert.truthy(append({ { project_root = root, timestamp = at(500) .. zone } })[1])
      local older = { project_root = root, timestamp = at(700) .. zone }
      assert.truthy(append({ older }, { "--opt", "git.max_age_s=800" })[1])
    end)

    it("that says it already", function()
      commit()
      local got = append { { project_root = scene:path "repo", git = { commit = "x" } } }
      assert.same({ commit = "x" }, got[1])
    end)
  end)

  it("takes the folder that --opt git.root names for entries without one", function()
    local head = commit()
    assert.equal(head, append({ { skill = "a" } }, { "--opt", "git.root=repo" })[1].commit)
  end)

  it("asks once about each root, and again when the entries are further apart", function()
    commit()
    local root, entries = scene:path "repo", {}
    local more = wrap "PATH=${PATH#*:}; exec git \"$@\""
    for i = 1, 20 do entries[i] = { project_root = i % 2 == 0 and root or root .. "/.." } end
    append(entries, more)
    assert.equal(2, calls())
    for i, seconds in ipairs { 300, 295, 280 } do
      local now = core.now() - seconds * 1000000000
      entries[i] = { project_root = root, timestamp = core.date("%Y-%m-%dT%H:%M:%S", now)
        .. core.date("%z", now):gsub("(%d%d)$", ":%1") }
    end
    append({ entries[1], entries[2], entries[3] }, more)
    assert.equal(4, calls())
  end)
end)
