-- Runs the code blocks of the READMEs that users read, in order, in one temporary folder per file.
--
--   sh             as given, the program on PATH; a block of make and apt-get lines is not run, its targets must
--                  exist, and what it exports counts for the blocks after it
--   text           what the sh block before it prints
--   console        a session at the prompt: the transcript that repl_golden_spec.lua types again
--   lua, c, cmake  written to the file that the comment in the first line names; a plugin must load
--
-- The folder is a fresh home with two of the sample transcripts in ~/.claude/projects.

local root = io.popen("pwd"):read "l"
local build = os.getenv "BUILD" or "build"
if build:sub(1, 1) ~= "/" then build = root .. "/" .. build end

local function slurp(path)
  local file <close> = assert(io.open(path, "rb"))
  return file:read "a"
end

local function quote(text) return "'" .. text:gsub("'", [['\'']]) .. "'" end

local function shell(script)
  local pipe = assert(io.popen("sh -c " .. quote(script) .. " 2>&1"))
  local output = pipe:read "a"
  local _, _, status = pipe:close()
  return output, status
end

local function must(script)
  local output, status = shell(script)
  assert(status == 0, output)
  return output
end

-- Fenced blocks: { lang =, text =, line = }
local function blocks(path)
  local out, open, number = {}, nil, 0
  for line in io.lines(path) do
    number = number + 1
    local fence = line:match "^```(%w*)$"
    if fence and open then
      open = nil
    elseif fence then
      open = { lang = fence, text = "", line = number }
      out[#out + 1] = open
    elseif open then
      open.text = open.text .. line .. "\n"
    end
  end
  assert(not open, path .. ": a block is not closed")
  return out
end

local function is_install(text) return text:find "^make" or text:find "^apt%-get" end

-- What a block exports, with this build instead of ./build.
local function exports(text)
  local out = {}
  for line in text:gmatch "export [^\n]+" do
    out[#out + 1] = line:gsub("%$PWD/build", (build:gsub("%%", "%%%%"))):gsub("%$PWD", (root:gsub("%%", "%%%%")))
  end
  return table.concat(out, "\n") .. "\n"
end

-- A sanitized library wants its host sanitized too: a cc that knows.
local function compiler(folder)
  local flags = must("nm " .. build .. "/libdebrief-log.a"):find "__asan_init" and "-fsanitize=address,undefined " or ""
  must(("mkdir %s/bin && printf '#!/bin/sh\\nexec gcc %s\"$@\"\\n' > %s/bin/cc && chmod +x %s/bin/cc"):format(folder,
    flags, folder, folder))
end

-- A nats-server that ends with the shell that started it.
local function server_of(folder)
  must(([[printf '#!/bin/sh\nexec setpriv --pdeathsig KILL %%s "$@"\n' "$(command -v nats-server)" >%s/bin/nats-server
    chmod +x %s/bin/nats-server]]):format(folder, folder))
end

local function new_home()
  local folder = must("mktemp -d"):match "[^\n]+"
  must(("mkdir -p %s/.claude/projects"):format(folder))
  must(("cp -r tests/data/claude/[be]* %s/.claude/projects"):format(folder))
  must(("MAKEFLAGS= make -s install BUILD=%s DESTDIR= PREFIX=%s/usr"):format(quote(build), folder))
  compiler(folder)
  return folder, ([[
set -e
cd %s
unset DEBRIEF_DIR DEBRIEF_PLUGIN_PATH XDG_CONFIG_HOME DEBRIEF_LUA_DIR
export HOME=%s PATH="%s/bin:%s:$PATH" TZ=UTC NO_COLOR=1 LD_LIBRARY_PATH=%s/usr/lib
export PKG_CONFIG_PATH=%s/usr/lib/pkgconfig CMAKE_PREFIX_PATH=%s/usr
]]):format(folder, folder, folder, build, folder, folder, folder)
end

local run = {}

function run.lua(block, state)
  local name = assert(block.text:match "^%-%- ([%w_]+%.lua)\n", "the first line names no file")
  local file = assert(io.open(state.folder .. "/" .. name, "w"))
  file:write(block.text):close()
  assert(load(block.text))
  if block.text:find "api = 1" then must(state.prefix .. "debrief plugins ./" .. name) end
end

function run.c(block, state)
  local name = assert(block.text:match "^/%* ([%w_]+%.c) %*/\n", "the first line names no file")
  local file = assert(io.open(state.folder .. "/" .. name, "w"))
  file:write(block.text):close()
end

function run.cmake(block, state)
  local name = assert(block.text:match "^# ([%w_]+%.txt)\n", "the first line names no file")
  local file = assert(io.open(state.folder .. "/" .. name, "w"))
  file:write(block.text):close()
end

function run.sh(block, state)
  if is_install(block.text) then
    state.prefix = state.prefix .. exports(block.text)
    local help = slurp "Makefile"
    for target in block.text:gmatch "make ([a-z]+)" do
      assert(help:find("\n" .. target .. ":", 1, true), "no target " .. target)
    end
  elseif block.text:find "nats%-server" then
    state.skipped = os.execute "command -v nats-server >/dev/null" ~= true
    if state.skipped then return pending "no nats-server" end
    server_of(state.folder)
    -- its ports are those of the text: one test at a time uses them
    state.output = must("flock /tmp/debrief-readme-ports timeout 120 sh -c " .. quote(state.prefix .. block.text))
  else
    state.output = must(state.prefix .. block.text)
  end
end

function run.text(block, state)
  if state.skipped then
    state.skipped = nil
    return pending "no nats-server"
  end
  assert.equal(block.text, state.output)
  state.output = nil
end

-- Jobs for schedulers, whose shares cli_merge_spec.lua runs.
function run.slurm() end
function run.yaml() end

function run.console(block) assert.equal(slurp "tests/data/repl/newcomer.txt", block.text) end

local PATHS = { "README.md", "plugins/README.md", "src/README.md", "lua/debrief/cli/README.md",
  "lua/debrief/repl/README.md" }

for _, path in ipairs(PATHS) do
  describe(path, function()
    local state = {}
    teardown(function() if state.folder then must("rm -rf " .. quote(state.folder)) end end)

    for _, block in ipairs(blocks(path)) do
      it(("runs its %s block of line %d"):format(block.lang, block.line), function()
        if block.lang ~= "console" and not state.folder then state.folder, state.prefix = new_home() end
        return assert(run[block.lang], "no way to run " .. block.lang)(block, state)
      end)
    end

    it("leads to files that exist", function()
      for link in slurp(path):gmatch "%]%(([^)#:]+)%)" do
        local file = io.open((path:match "^.*/" or "") .. link)
        assert(file, link):close()
      end
    end)
  end)
end

describe("README.md", function()
  local text = slurp "README.md"

  it("names every command, and no other", function()
    local named, there = {}, {}
    for name in text:gmatch "\n| `debrief (%a+)" do named[#named + 1] = name end
    local help = must(build .. "/debrief --help")
    for name in help:match "\nCommands:\n(.-)\n\n":gmatch "\n? +(%a+)  [^\n]*" do there[#there + 1] = name end
    table.sort(named)
    table.sort(there)
    assert.same(there, named)
  end)

  it("names every bundled plugin", function()
    for name in must "ls plugins":gmatch "([%w_]+)%.lua\n" do assert(text:find("`" .. name .. "`", 1, true), name) end
  end)

  it("says why each package is needed that make installs, or tests/README.md does", function()
    local rows = text:match "\n## Dependencies\n(.-)\n## " .. slurp "tests/README.md":match "\n## Packages\n(.*)$"
    for names in slurp "Makefile":gmatch "\nTO_%a+ += ([^\n]+)" do
      for name in names:gmatch "%S+" do
        assert(rows:find("%f[%w]" .. name:gsub("%p", "%%%0") .. "%f[^%w.+-]"), name)
      end
    end
  end)

  it("calls by its name every option it shows", function()
    local help = ""
    for name in text:gmatch "\n| `debrief (%a+)" do
      help = help .. must(("%s/debrief %s --help"):format(build, name))
    end
    local pages = text .. slurp "lua/debrief/cli/README.md" .. slurp "lua/debrief/repl/README.md"
    for option in pages:gmatch "`(%-%-%a+)" do assert(option == "--help" or help:find(option, 1, true), option) end
  end)

  it("states the exceptions to its promises beside them", function()
    local flat = text:gsub("%s+", " ")
    for _, sentence in ipairs {
      "if a sync fails, that is an error, and the entry is in the file but may not survive one", -- a power cut
      "one that is killed loses at most the entry it was writing", "a secret without a known shape stays",
      "do not take it for a wall against someone who looks for holes", "Whoever can write to the folder of a log can",
    } do assert(flat:find(sentence, 1, true), sentence) end
  end)

  it("does not mention the place where it was written", function()
    for _, word in ipairs { "/work", "%.%./shared", "coming soon", "TODO" } do assert(not text:find(word), word) end
  end)
end)
