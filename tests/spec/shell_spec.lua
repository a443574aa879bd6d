-- Shell lines as commands, and what a status says of each.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
local shell = require "debrief.import.shell"

-- "word word|&& word" with the operators between, and files after >.
local function shown(line)
  local out = {}
  for i, command in ipairs(shell.commands(line)) do
    out[i] = ("<%s>%s%s"):format(table.concat(command.words, " "), command.file and " to " .. command.file or "",
      command.operator ~= "" and " " .. command.operator:gsub("\n", "\\n") or "")
  end
  return table.concat(out, " ")
end

-- The statuses of its commands, given that of the line; ? where nothing is certain.
local function statuses(line, status)
  local commands, out = shell.commands(line), {}
  shell.statuses(commands, status)
  for i, command in ipairs(commands) do out[i] = tostring(command.status or "?") end
  return table.concat(out, " ")
end

describe("shell: a line", function()
  it("is its commands and the operators between them", function()
    for line, expected in pairs {
      ["cd web && CI=1 npm test 2>&1 | tail -5; echo $?"] = "<cd web> && <CI=1 npm test> | <tail -5> ; <echo $?>",
      ["pytest -k 'a|b; c' \"x && y\""] = "<pytest -k a|b; c x && y>",
      ["go test ./... > out.txt 2>&1"] = "<go test ./...> to out.txt",
      ["make &>log &"] = "<make> to log &",
      ["a\\ b \\\n c"] = "<a b c>",
      ["make # all; of it\nls"] = "<make> \\n <ls>",
      ["cat > a.py <<'EOF'\nimport x\nmake test\nEOF\npytest"] = "<cat> to a.py \\n <pytest>",
      ["git commit -m \"$(cat <<'EOF'\nmake test\nEOF\n)\""] = "<git commit -m $(cat <<'EOF'\nmake test\nEOF\n)>",
      ["bash -lc 'cd a && pytest -q' | tail"] = "<cd a> && <pytest -q> | <tail>",
      ["(cd x && pytest) | tail"] = "<cd x> && <pytest> | <tail>",
      ["if pytest; then echo ok; fi"] = "<pytest> ; <echo ok> ;",
      ["diff <(sort a) <(sort b)"] = "<diff <(sort a) <(sort b)>",
      ["grep x <<< \"$y\" 2>/dev/null"] = "<grep x>",
      ["'unfinished && make"] = "<unfinished && make>",
      [""] = "", [";;"] = "", ["&& make"] = "<make>",
    } do assert.equal(expected, shown(line)) end
  end)

  it("of any bytes is read without an error, and to its end", function()
    local seed = 1
    local function random(n)
      seed = (seed * 1103515245 + 12345) % 2147483648
      return seed // 65536 % n + 1
    end
    local pieces = { "a", " ",
      "'", '"', "\\", "$(", ")", "`", "|", "&", ";", "\n", "<<E", "E\n", ">", "2>&1", "(", "{ ", "if ",
      "sh -c ", "<(", "=", "#", "\0", "\xff" }
    for _ = 1, 3000 do
      local parts = {}
      for i = 1, random(20) do parts[i] = pieces[random(#pieces)] end
      local commands = shell.commands(table.concat(parts))
      shell.statuses(commands, random(3) - 1)
      for _, command in ipairs(commands) do assert.truthy(command.words[1]) end
    end
  end)
end)

describe("shell: the status of a line", function()
  it("is that of its last command, and of all that `&&` connects when it is 0", function()
    assert.equal("0 0", statuses("make && make test", 0))
    assert.equal("? 0", statuses("make; make test", 0))
    assert.equal("? 2", statuses("cd web && npm test", 2))
    assert.equal("? ?", statuses("make && make test", 2))
    assert.equal("0 0", statuses("set -e; make test", 0))
  end)

  it("says nothing of what a pipe, `||` or `&` hides", function()
    assert.equal("? 0", statuses("make test | tail", 0))
    assert.equal("? 0 0", statuses("set -o pipefail; make test | tail", 0))
    assert.equal("? 1 ?", statuses("set -o pipefail; make test | tail", 1))
    assert.equal("? ?", statuses("make test || true", 0))
    assert.equal("1 ?", statuses("make test || exit 1", 1))
    assert.equal("?", statuses("make test &", 0))
    assert.equal("? ?", statuses("for i in 1; do make test; done; make", 0))
  end)

  it("is known of nothing when it is not known itself", function()
    assert.equal("? ?", statuses("make && make test", nil))
  end)
end)

describe("shell: the title of a line", function()
  it("is its commands that do something", function()
    for line, expected in pairs {
      ["cd web && npm test -- --watch"] = "npm test", ["git status"] = "git status", ["CI=1 make -j4"] = "make",
      ["./run.sh 'a b'"] = "run.sh", ["cd x"] = "cd x",
      ["npm run test:unit -- a"] = "npm run test:unit", ["npx vitest run"] = "npx vitest", ["bun run"] = "bun run",
      ["git add -A && git commit -m 'x && y'"] = "git add && git commit",
      ["cd a; make; make test; make"] = "make; make test",
      ["npm test 2>&1 | tail -5"] = "npm test", ["cat a | grep b | wc -l"] = "cat a",
      ["mkdir -p x && cp a x/ || rm -r x"] = "cp a || rm", ["a; b; c; d; e"] = "a; b; c; …", ["a; b; c; b"] = "a; b; c",
    } do assert.equal(expected, shell.title(shell.commands(line))) end
    assert.is_nil(shell.title(shell.commands ""))
  end)
end)
