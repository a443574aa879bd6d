dofile "tests/spec/support/plugins.lua"
local core = require "debrief.core"
local short = require "debrief.plugin.library".short

describe("short", function()
  it("is the first line that says something", function()
    for text, expected in pairs {
      ["one\ntwo"] = "one", ["\n  \n---\n  two words  \r\n"] = "two words", ["=====\n12 %\nE   assert"] = "E   assert",
      ["12\n---"] = "12", ["----"] = "----", [""] = "", ["\n \n"] = "", ["──────\n実装\n"] = "実装",
      ["✓\nпроверка"] = "проверка", ["10 %\r50 %\rfailed at 4\r\n"] = "failed at 4",
    } do
      assert.equal(expected, short(text))
    end
  end)

  it("has no colours and no control characters", function()
    assert.equal("no such file", short "\27[31mno such\27[0m file\27[0m")
    assert.equal("a b c", short "\7a\tb\0c\127")
  end)

  it("has so many characters at most, whole ones, with a mark for what was cut off", function()
    assert.equal("abcd", short("abcd", 4))
    assert.equal("abc…", short("abcde", 4))
    assert.equal("…", short("abcde", 1))
    assert.equal("実装…", short("実装する", 3))
    assert.equal(("é"):rep(79) .. "…", short(("é"):rep(400)))
    assert.equal("bc…", short("\x80\xbfbcdef", 3))
  end)

  it("takes any value", function()
    assert.equal("", short(nil))
    assert.equal("", short(core.null))
    assert.equal("12", short(12))
    assert.equal('{"task":"x"}', short(core.entry('{"input":{"task":"x"}}').input))
  end)

  it("takes no time on a long text", function()
    local begun = os.clock()
    assert.equal(79, utf8.len(short(("- "):rep(1 << 22), 79)))
    assert.equal("", short(("\n"):rep(1 << 24)))
    assert.is_true(os.clock() - begun < 1)
  end)

  it("raises for a length that is not one", function()
    for _, n in ipairs { 0, -1, 1.5, "x" } do assert.is_false(pcall(short, "text", n)) end
  end)
end)
