-- What the Makefile takes from the environment: seen in the commands that it would run.
local program = dofile "tests/spec/support/program.lua"

local OBJECT, KERNEL, LIBRARY = "src/log/hash.o", "src/log/json_scan_avx2.o", "libdebrief-log.so.0"

describe("the Makefile", function()
  local scene
  before_each(function() scene = program.scene() end)
  teardown(program.clean)

  -- A compiler that is never run, but to say what it compiles for.
  local function compiler(machine)
    scene:write("bin/their-cc", ("#!/bin/sh\n[ \"$*\" = -dumpmachine ] && echo %s\n"):format(machine))
    scene:sh "chmod 755 bin/their-cc"
    return scene:path "bin/their-cc"
  end

  -- The commands that make a file of the build.
  local function commands(target, env)
    local unset = "env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MAKEOVERRIDES -u CC -u CFLAGS -u CPPFLAGS -u LDFLAGS"
    local line = ('cd %s && %s %s make -n -B BUILD="$OUT" "$OUT/%s"'):format(program.quote(program.root), unset, env,
      target)
    local r = scene:sh(line, { OUT = scene:path "out" })
    assert.same({ 0, "" }, { r.status, r.err })
    return r.out
  end

  it("honours CC, CFLAGS, CPPFLAGS and LDFLAGS of the environment", function()
    local cc = compiler "x86_64-linux-gnu"
    local env = ("CC=%s CFLAGS=-Dtheir_cflags CPPFLAGS=-Dtheir_cppflags LDFLAGS=-Wl,--their-ldflags"):format(cc)
    local compiling = commands(OBJECT, env)
    for _, text in ipairs { cc .. " ", " -Dtheir_cflags ", " -Dtheir_cppflags " } do
      assert.truthy(compiling:find(text, 1, true), compiling)
    end
    assert.falsy(compiling:find(" -O3", 1, true), compiling)
    local linking = commands(LIBRARY, env):match "[^\n]* %-shared [^\n]*"
    for _, text in ipairs { cc .. " ", " -Dtheir_cflags ", " -Wl,--their-ldflags " } do
      assert.truthy(linking:find(text, 1, true), linking)
    end
  end)

  it("takes gcc without them, and optimises", function()
    assert.truthy(commands(OBJECT, ""):find "\ngcc [^\n]* %-O3 ")
  end)

  it("builds for the machine that the compiler names", function()
    local rows = { ["x86_64-linux-gnu"] = { "-fcf-protection", "-mavx2" },
      ["aarch64-linux-gnu"] = { "-mbranch-protection=standard" }, ["riscv64-unknown-linux-musl"] = {} }
    for machine, flags in pairs(rows) do
      local said, found = commands(KERNEL, "CC=" .. compiler(machine)), {}
      for _, flag in ipairs { "-fcf-protection", "-mavx2", "-mbranch-protection=standard" } do
        if said:find(" " .. flag .. " ", 1, true) then found[#found + 1] = flag end
      end
      assert.same(flags, found, machine)
    end
  end)
end)
