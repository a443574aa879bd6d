-- git: from which state of the code a run came. `append --enrich git --allow git:process` asks git about the
-- project_root, and stores git = { branch =, commit =, dirty = }.
--
-- Only what is true: nothing for an entry without an absolute project_root (--opt git.root=. says that it was here),
-- nothing for one older than max_age_s (what git says now was not so then), no branch on a detached head, no commit
-- before the first one, and never over what the entry has already. Dirty is what `git status` does not call clean. A
-- root is asked once for entries within ten seconds of each other. Where git cannot answer, the entry stays as it is,
-- and one line says why.
local debrief = require "debrief"

local SECOND = 1000000000

-- In a hook of git the first of these would name that hook's repository, whatever -C says. Nobody can answer a
-- question, and nothing is fetched: a repository can name a program for that, and lack the objects that git looks for.
local ENVIRONMENT = {
  GIT_DIR = false, GIT_WORK_TREE = false, GIT_INDEX_FILE = false, GIT_COMMON_DIR = false, GIT_OBJECT_DIRECTORY = false,
  GIT_NAMESPACE = false, GIT_PREFIX = false, GIT_OPTIONAL_LOCKS = "0", GIT_TERMINAL_PROMPT = "0",
  GIT_ALLOW_PROTOCOL = "none", GIT_NO_LAZY_FETCH = "1",
}

local known = {} -- root -> { at = ns, git = what git said, false for nothing }
local reported = {} -- message -> true

local function warn(ctx, format, ...)
  local message = format:format(...)
  if not reported[message] then ctx.log("warn", "%s", message) end
  reported[message] = true
end

-- The lines of `git status --porcelain=v2 --branch` as the value that is stored.
local function parse(status)
  local git = { dirty = false }
  for line in status:gmatch "[^\n]+" do
    local key, value = line:match "^# branch%.(%a+) (.+)$"
    if key == "oid" and value ~= "(initial)" then git.commit = value end
    if key == "head" and value ~= "(detached)" then git.branch = value end
    if line:find "^[12u?] " then git.dirty = true end
  end
  return git
end

local function git(root, ctx, words)
  local command = { "git", "-C", root, "-c", "core.fsmonitor=false", env = ENVIRONMENT, stderr = true,
    timeout_ms = ctx.options.timeout_ms }
  table.move(words, 1, #words, #command + 1, command)
  return debrief.run(command)
end

-- Does the repository itself name programs that `git status` would run on its files? Those of the user's own config, as
-- git-lfs, are the user's choice.
local function has_filters(root, ctx)
  local output, status = git(root, ctx, { "config", "--show-scope", "--get-regexp",
    "^filter\\..*\\.(clean|process)$" })
  if not output or status ~= 0 then return false end
  for scope in output:gmatch "(%a+)\t[^\n]*" do
    if scope == "local" or scope == "worktree" then return true end
  end
  return false
end

-- Branch and commit only, which run nothing.
local function ask_refs(root, ctx)
  local branch, named = git(root, ctx, { "symbolic-ref", "--quiet", "--short", "HEAD" })
  local commit, status = git(root, ctx, { "rev-parse", "--quiet", "--verify", "HEAD" })
  return { branch = branch and named == 0 and branch:match "%S+" or nil,
    commit = commit and status == 0 and commit:match "%S+" or nil }
end

-- What git says of a root now; false, with a warning, where it has no answer. Submodules have configs of their own, so
-- their files are not looked at.
local function ask(root, ctx)
  if has_filters(root, ctx) then
    warn(ctx, "%s: its config runs filters on files, so whether it is dirty was not asked", root)
    return ask_refs(root, ctx)
  end
  local output, status = git(root, ctx, { "status", "--porcelain=v2", "--branch", "--ignore-submodules=dirty",
    ctx.options.untracked and "--untracked-files=normal" or "--untracked-files=no" })
  if output and status == 0 then return parse(output) end
  local why = status -- a message when git did not run
  if output then why = output:match "[^\n]+" or "git ended with status " .. status end
  warn(ctx, "%s: %s", root, why)
  return false
end

-- The folder to look at; nil if there is none, or, with a warning, if its place is unknown.
local function root_of(entry, ctx)
  local root = entry.project_root
  if root == nil or root == "" then
    root = ctx.options.root
  elseif root:sub(1, 1) ~= "/" then
    warn(ctx, "project_root '%s' is not absolute, so git cannot be asked about it", root)
    return nil
  end
  return root ~= "" and root or nil
end

return {
  name = "git",
  api = 1,
  summary = "Adds branch, commit and dirty of the project, as git has them at append",
  needs = { "process" },
  on_error = "store",
  options = {
    root = { type = "string", help = "the project of entries without a project_root" },
    untracked = { type = "boolean", default = true, help = "files that git neither tracks nor ignores count as dirty" },
    max_age_s = { type = "integer", default = 600, min = 0, help = "older entries are left as they are" },
    timeout_ms = { type = "integer", default = 5000, min = 1, help = "how long git may take" },
  },
  enrich = function(entry, ctx)
    local at = debrief.time(entry)
    if entry.git ~= nil or not at or ctx.now - at > ctx.options.max_age_s * SECOND then return end
    local root = root_of(entry, ctx)
    if not root then return end

    local last = known[root]
    local is_recent = last and math.abs(at - last.at) <= 10 * SECOND
    if not is_recent then last = { at = at, git = ask(root, ctx) } end
    known[root] = last
    if last.git then entry.git = last.git end
  end,
}
