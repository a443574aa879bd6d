--- For specs that look at the installed tree as a host's author has it: `make install` into a temporary folder, and a
-- shell in which compilers and pkg-config find it.
--
--     local tree = installed.tree()                 -- DESTDIR is empty, PREFIX the folder
--     local r = tree:sh "cc host.c $(pkg-config --cflags --libs debrief) -o host && ./host"
--     r.status, r.out (standard error in it)
local program = dofile "tests/spec/support/program.lua"

local installed = {}
local quote = program.quote

-- What was built with a sanitizer wants its host built with it, too.
local function sanitizer()
  local pipe = assert(io.popen("nm " .. quote(program.build .. "/libdebrief-log.a")))
  local symbols = pipe:read "a"
  pipe:close()
  if symbols:find "__asan_init" then return "-fsanitize=address,undefined" end
  if symbols:find "__tsan_init" then return "-fsanitize=thread" end
  return ""
end

--- Flags for a compiler, "" without a sanitizer.
installed.sanitizer = sanitizer()

local Tree = {}
Tree.__index = Tree

--- Install below a fresh folder; `variables` are words for make, with %s for the folder.
function installed.tree(variables)
  local scene = program.scene()
  local tree = setmetatable({ scene = scene, dir = scene.dir }, Tree)
  tree.variables = (variables or "PREFIX=%s"):gsub("%%s", scene.dir)
  tree:make "install"
  return tree
end

--- Remove every tree.
installed.clean = program.clean

--- Run a target of the Makefile with the variables of this tree.
function Tree:make(target)
  local command = ("cd %s && MAKEFLAGS= make -s %s BUILD=%s DESTDIR= %s"):format(quote(program.root), target,
    quote(program.build), self.variables)
  local r = self.scene:sh(command)
  assert(r.status == 0, r.err)
end

--- Run a shell command in the tree's folder. $CC is a C compiler, with the sanitizer's flags; `libdir` where pkg-config
-- and the loader look, default lib.
function Tree:sh(command, libdir)
  libdir = self.dir .. "/" .. (libdir or "lib")
  return self.scene:sh("exec 2>&1\n" .. command, { CC = "gcc " .. installed.sanitizer, LD_LIBRARY_PATH = libdir,
    PKG_CONFIG_PATH = libdir .. "/pkgconfig" })
end

--- As Tree:sh, but it must succeed. Returns its output.
function Tree:must(command, libdir)
  local r = self:sh(command, libdir)
  assert(r.status == 0, command .. "\n" .. r.out)
  return r.out
end

return installed
