-- The public headers as other people's compilers see them: C99 and C++, each header alone, without a warning.
local program = dofile "tests/spec/support/program.lua"

local languages = {
  { "C99", "gcc -x c -std=c99" }, { "C11", "gcc -x c -std=c11 -Wstrict-prototypes -Wc++-compat" },
  { "C++11", "g++ -x c++ -std=c++11" }, { "C++20", "g++ -x c++ -std=c++20 -Wold-style-cast" },
  { "C99 for clang", "clang -x c -std=c99 -Wdocumentation" }, { "C++11 for clang", "clang++ -x c++ -std=c++11" },
}
local orders = { { "log.h" }, { "debrief.h" }, { "log.h", "debrief.h" }, { "debrief.h", "log.h", "debrief.h" },
  { "nats.h" } }

describe("the public headers", function()
  local scene = program.scene()
  teardown(program.clean)

  for i, order in ipairs(orders) do
    local includes = {}
    for n, name in ipairs(order) do includes[n] = ("#include <debrief/%s>\n"):format(name) end
    scene:write(i .. ".h", table.concat(includes) .. "debrief_error err;\n")
  end

  for _, language in ipairs(languages) do
    local name, compiler = language[1], language[2]
    it("are " .. name, function()
      if scene:sh(compiler:match "%S+" .. " --version").status ~= 0 then return pending(compiler .. " is not here") end
      for i = 1, #orders do
        local r = scene:sh(("%s -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -I%s/src/include %d.h"):format(
          compiler, program.root, i))
        assert.equal(0, r.status, r.err)
      end
    end)
  end

  it("have no function that no test calls with NULL", function()
    for header, test in pairs { ["log.h"] = "tests/unit/null.c", ["debrief.h"] = "tests/embed/host_null.c" } do
      local text, calls, count = program.read("src/include/debrief/" .. header), program.read(test), 0
      for name in text:gmatch "\nDEBRIEF_API [^;(]-([%w_]+)%(" do
        assert(calls:find(name .. "(", 1, true), test .. " does not call " .. name)
        count = count + 1
      end
      assert(count > 20, header)
    end
  end)

  it("say of each function what NULL does", function()
    for _, header in ipairs { "log.h", "debrief.h", "nats.h" } do
      local comment = ""
      for line in program.read("src/include/debrief/" .. header):gmatch "[^\n]*" do
        if line:find "^/%*" then comment = "" end
        if line:find "^/?%s*%*" then comment = comment .. line .. "\n" end
        local name = line:find "^DEBRIEF_API" and line:match "([%w_]+)%("
        local takes = name and line:find("[*]", line:find(name, 1, true) or 1)
        assert(not takes or comment:find "NULL: " or comment:find "NULL is fine" or comment:find "NULL for NULL"
          or comment:find "%-1 for%s+%*?%s*NULL", header .. ": " .. tostring(name))
      end
    end
  end)

  it("are for C++ to link, too", function()
    scene:write("host.cc", [[#include <debrief/log.h>
int main() { return debrief_session_id_valid("s1") ? 0 : 1; }
]])
    local installed = dofile "tests/spec/support/installed.lua"
    local r = scene:sh(("g++ %s host.cc -I%s/src/include %s/libdebrief-log.a -pthread && ./a.out"):format(
      installed.sanitizer, program.root, program.build))
    assert.equal(0, r.status, r.err)
  end)
end)
