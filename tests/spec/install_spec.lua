-- What `make install` puts where, and that hosts find it with pkg-config and CMake and get what they asked for.
local program = dofile "tests/spec/support/program.lua"
local installed = dofile "tests/spec/support/installed.lua"

-- Uses both headers, a log of either, and says with which version.
local host = [[
#include <debrief/debrief.h>
#include <stdio.h>

int main(void) {
  debrief_error err;
  debrief_log *log = debrief_log_open("sessions", NULL, &err);
  const char *json = "{\"skill\":\"a\",\"final_status\":\"ok\"}";
  debrief *host = debrief_open(NULL, &err);
  char *words[] = {"host", "sessions", NULL};
  int status = 1;
  bool ok = log && host && debrief_log_append_json(log, "s1", json, 33, &err)
    && debrief_log_append_json(debrief_host_log(host), "s1", json, 33, &err)
    && debrief_command(host, 2, words, &status, &err);
  puts(ok ? debrief_version() : err.message);
  debrief_close(host);
  debrief_log_close(log);
  return ok ? status : 1;
}
]]
local log_host = [[
#include <debrief/log.h>
#include <stdio.h>

int main(void) { return puts(debrief_version()) < 0; }
]]

local CMAKE = "-DCMAKE_C_COMPILER_WORKS=1 -DCMAKE_C_FLAGS='" .. installed.sanitizer .. "' "

local version = program.read("Makefile"):match "\nVERSION = (%S+)"

local function lines(text)
  local out = {}
  for line in text:gmatch "[^\n]+" do out[#out + 1] = line end
  return out
end

describe("the installed tree", function()
  local tree
  setup(function()
    tree = installed.tree()
    tree.scene:write("host.c", host)
    tree.scene:write("log_host.c", log_host)
  end)
  before_each(function() tree:must "rm -rf sessions a.out" end)
  teardown(function()
    installed.clean()
    program.clean()
  end)

  describe("with pkg-config", function()
    it("has everything for a host", function()
      assert.equal("s1\n" .. version .. "\n",
        tree:must "$CC -Werror host.c $(pkg-config --cflags --libs debrief) && ./a.out")
      assert.equal(version .. "\n", tree:must "pkg-config --modversion debrief")
    end)

    it("has the log alone for a program without Lua", function()
      assert.equal(version .. "\n",
        tree:must "$CC -Werror log_host.c $(pkg-config --cflags --libs debrief-log) && ./a.out")
      assert.equal(version .. "\n", tree:must "pkg-config --modversion debrief-log")
      assert.falsy(tree:must("pkg-config --static --cflags --libs debrief-log"):find "lua")
    end)

    it("asks a host of the shared library for nothing of Lua's", function()
      assert.falsy(tree:must("pkg-config --libs debrief"):find "lua")
    end)

    it("links everything statically", function()
      if installed.sanitizer ~= "" then return pending "a sanitizer cannot be linked statically" end
      local build = "gcc %s -static $(pkg-config --static --cflags --libs %s) 2>link.txt || { cat link.txt; exit 1; }; "
      assert.equal("s1\n" .. version .. "\n",
        tree:must(build:format("host.c", "debrief") .. "LD_LIBRARY_PATH= ./a.out"))
      assert.equal(version .. "\n", tree:must(build:format("log_host.c", "debrief-log") .. "LD_LIBRARY_PATH= ./a.out"))
    end)
  end)

  -- A program may get one library for itself and the other through somebody else's: both hold a log.
  it("lets both libraries into one process, in either order", function()
    for _, order in ipairs { "debrief debrief-log", "debrief-log debrief" } do
      local libraries = order:gsub("%S+", "-l%0")
      tree:must "rm -rf sessions"
      assert.equal("s1\n" .. version .. "\n", tree:must(
        "$CC host.c -Iinclude -Llib -Wl,--no-as-needed " .. libraries .. " && ldd a.out >ldd.txt && ./a.out"))
      local loaded = tree.scene:read "ldd.txt"
      assert.truthy(loaded:find "libdebrief%-log.so.0" and loaded:find "libdebrief.so.0", loaded)
    end
    -- libdebrief uses its own log, whoever else brings one
    assert.equal("", tree:must(
      "readelf -rW lib/libdebrief.so.0 | grep -o 'debrief_[a-z_]*' | grep -v ^debrief_nats_store || true"))
  end)

  it("makes a stripped static host of less than 2 MB", function()
    if installed.sanitizer ~= "" then return pending "a sanitizer is in it" end
    tree:must [[gcc -O2 host.c -Iinclude lib/libdebrief.a lib/libdebrief-log.a \
      $(pkg-config --cflags --libs lua5.4-cjson lua5.4) -lm -pthread -s && ./a.out]]
    local size = tonumber(tree:must "stat -c %s a.out")
    assert(size < 2000000, size)
  end)

  describe("with a stock lua5.4", function()
    -- A module with a sanitizer in it needs the sanitizer in lua5.4, too; lua5.4 itself leaks at os.exit.
    local lua = installed.sanitizer == "" and "lua5.4"
      or "ASAN_OPTIONS=detect_leaks=0 LD_PRELOAD=$(gcc -print-file-name=libasan.so) lua5.4"

    local function script(text)
      tree.scene:write("script.lua", text)
      return tree:must("LUA_PATH= LUA_CPATH=$PWD/lib/lua/5.4/?.so " .. lua .. " script.lua")
    end

    it("has all of debrief in one file", function()
      if installed.sanitizer:find "thread" then return pending "ThreadSanitizer cannot be loaded late" end
      assert.equal("ok\nSkills\n2\ntrue\n", script [[
        local debrief = require "debrief"
        local log = assert(debrief.open "sessions")
        for i = 1, 300 do assert(log:append("s" .. i, { skill = "a", final_status = "ok" })) end
        for entry in log:entries { session = "s7" } do print(debrief.outcome(entry)) end
        local report = assert(log:retro("skills", { workers = 2 }))
        print(report:text():match "[^\n]+")
        local report = log:retro { init = function() return 1 end, step = function() end,
          finish = function(acc) return { title = tostring(acc + 1) } end }
        print(report:text():match "[^\n]+")
        print(require "debrief" == debrief and require("cjson").null == debrief.null)
      ]])
    end)

    it("takes nothing away that was there", function()
      if installed.sanitizer:find "thread" then return pending "ThreadSanitizer cannot be loaded late" end
      assert.equal("mine\ttrue\t1\n", script [[
        package.loaded.cjson = "mine"
        package.preload["mine.own"] = function() return "mine" end
        local searchers = #package.searchers
        require "debrief"
        require "debrief.core"
        package.loaded.debrief = nil
        require "debrief"
        local found, why = pcall(require, "nothing.there")
        print(require "mine.own", not found and why:find "no module 'nothing.there' in debrief" ~= nil,
          #package.searchers - searchers)
      ]])
    end)

    it("is where lua5.4 looks when PREFIX is /usr/local", function()
      local other = installed.tree "DESTDIR=%s PREFIX=/usr/local"
      other:must "test -f usr/local/lib/lua/5.4/debrief.so"
      local default = tree:must [[env -u LUA_PATH -u LUA_CPATH lua5.4 -e 'print(package.cpath)']]
      assert.truthy(default:find("/usr/local/lib/lua/5.4/?.so", 1, true), default)
    end)
  end)

  it("is what the rockspec builds", function()
    local spec = {}
    local path = "lua/debrief-scm-1.rockspec"
    assert(loadfile(path, "t", spec))()
    assert.equal(path, ("lua/%s-%s.rockspec"):format(spec.package, spec.version))
    assert.same({ "make", "module", "installmodule" }, { spec.build.type, spec.build.build_target,
      spec.build.install_target })
    local variables = {}
    for name, value in pairs(spec.build.install_variables) do
      variables[#variables + 1] = name .. "=" .. value:gsub("%$%(LIBDIR%)", tree.dir .. "/rock")
    end
    tree.variables = table.concat(variables, " ")
    tree:make(spec.build.install_target)
    assert.equal("debrief.so\n", tree:must "ls rock")
    for name in spec.external_dependencies.CJSON.header:gmatch ".+" do tree:must("test -f /usr/include/" .. name) end
    tree.variables = "PREFIX=" .. tree.dir
  end)

  describe("with CMake", function()
    local project = [[
cmake_minimum_required(VERSION 3.13)
project(host C)
set(debrief_USE_STATIC_LIBS ${STATIC})
find_package(debrief ${WANTED} REQUIRED)
find_package(debrief REQUIRED)
add_executable(host ../host.c)
target_link_libraries(host debrief::debrief)
add_executable(log_host ../log_host.c)
target_link_libraries(log_host debrief::log)
]]
    local function configure(options)
      tree.scene:write("cmake/CMakeLists.txt", project)
      return tree:sh("cmake -S cmake -B cmake/build " .. CMAKE .. options)
    end

    before_each(function() tree:must "rm -rf cmake" end)

    it("is found, and linked shared or static", function()
      if tree:sh("cmake --version").status ~= 0 then return pending "no cmake" end
      for _, static in ipairs { "OFF", "ON" } do
        tree:must "rm -rf sessions"
        local r = configure("-DCMAKE_PREFIX_PATH=$PWD -DWANTED=0.1 -DSTATIC=" .. static)
        assert.equal(0, r.status, r.out)
        tree:must "cmake --build cmake/build"
        assert.equal("s1\n" .. version .. "\n" .. version .. "\n",
          tree:must "LD_LIBRARY_PATH= cmake/build/host && LD_LIBRARY_PATH= cmake/build/log_host")
        local needed = tree:must "readelf -d cmake/build/host"
        assert.equal(static == "OFF", needed:find "NEEDED.*libdebrief.so.0" ~= nil, needed)
        assert.falsy(tree:must("readelf -d cmake/build/log_host"):find "lua")
      end
    end)

    it("is not taken for another version", function()
      if tree:sh("cmake --version").status ~= 0 then return pending "no cmake" end
      tree.scene:write("cmake/CMakeLists.txt", [=[
cmake_minimum_required(VERSION 3.13)
project(host C)
foreach(wanted 0.2 0.1.99 1.0 0.0.9 0.1)
  find_package(debrief ${wanted} QUIET)
  message("wants ${wanted}: ${debrief_FOUND} of ${debrief_CONSIDERED_VERSIONS}.")
endforeach()
]=])
      local said = tree:must "cmake -S cmake -B cmake/build -DCMAKE_C_COMPILER_WORKS=1 -DCMAKE_PREFIX_PATH=$PWD"
      for _, wanted in ipairs { "0.2", "0.1.99", "1.0", "0.0.9" } do
        assert.truthy(said:find(("wants %s: 0 of %s."):format(wanted, version), 1, true), said)
      end
      assert.truthy(said:find(("wants 0.1: 1 of %s."):format(version), 1, true), said)
    end)
  end)
end)

describe("make install and uninstall", function()
  teardown(installed.clean)

  -- What holds for every way to call it.
  local function uninstalls(tree)
    tree:make "uninstall"
    assert.equal("", tree:must "find . -not -type d -not -name '.*'")
    assert.equal("", tree:must "find . -type d -name '*debrief*'")
  end

  it("know DESTDIR: it is in no file", function()
    local tree = installed.tree "DESTDIR=%s PREFIX=/opt/house"
    assert.equal("", tree:must("grep -rIl " .. tree.dir .. " opt || true"))
    local env = "PKG_CONFIG_PATH=$PWD/opt/house/lib/pkgconfig "
    assert.equal("-I/opt/house/include -L/opt/house/lib -ldebrief-log\n",
      tree:must(env .. "pkg-config --cflags --libs debrief-log"):gsub(" \n$", "\n"))
    tree.scene:write("log_host.c", log_host)
    tree:must(env .. [[PKG_CONFIG_SYSROOT_DIR=$PWD sh -c '$CC log_host.c $(pkg-config --cflags --libs debrief-log)'
      rm log_host.c a.out]])
    uninstalls(tree)
  end)

  it("know LIBDIR", function()
    local tree = installed.tree "PREFIX=%s LIBDIR=%s/deep/lib64"
    tree.scene:write("host.c", host)
    tree:must("$CC host.c $(pkg-config --cflags --libs debrief) && ./a.out", "deep/lib64")
    assert.equal(tree.dir .. "/deep/lib64\n", tree:must("pkg-config --variable=libdir debrief", "deep/lib64"))
    tree.scene:write("CMakeLists.txt", [[
cmake_minimum_required(VERSION 3.13)
project(host C)
find_package(debrief REQUIRED PATHS deep/lib64/cmake)
add_executable(host host.c)
target_link_libraries(host debrief::debrief)
]])
    if tree:sh("cmake --version").status == 0 then
      tree:must("cmake -S . -B cm " .. CMAKE .. "&& cmake --build cm && cm/host")
    end
    tree:must "rm -rf CMakeLists.txt cm host.c a.out sessions"
    uninstalls(tree)
  end)

  it("leave what others have there", function()
    local tree = installed.tree()
    tree.scene:write("lib/libdebrief-other.so", "")
    tree.scene:write("bin/debrief-mine", "")
    tree:make "uninstall"
    tree:make "uninstall" -- and again, with nothing to do
    assert.same({ "bin/debrief-mine", "lib/libdebrief-other.so" },
      lines(tree:must "find * -type f | LC_ALL=C sort"))
  end)
end)
