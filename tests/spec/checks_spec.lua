-- Which commands are checks, of which kind, and which of them cover others.
package.path = "lua/?.lua;lua/?/init.lua;" .. package.path
local checks = require "debrief.import.checks"
local shell = require "debrief.import.shell"

-- "kind runner [targets] (filters)", "edit", or "-", of the last command of a line.
local function shown(line)
  local commands = shell.commands(line)
  local found = checks.identify(commands[#commands].words)
  if not found then return "-" end
  if found.edit then return "edit" end
  local targets, filters = table.concat(found.targets, ","), table.concat(found.filters, ",")
  return found.kind .. " " .. found.runner .. (targets ~= "" and " [" .. targets .. "]" or "")
    .. (filters ~= "" and " (" .. filters .. ")" or "")
end

describe("checks", function()
  it("are recognised by their program, through wrappers and tasks", function()
    for line, expected in pairs {
      ["pytest -q"] = "test pytest", ["python3 -m pytest --tb short -x"] = "test pytest", ["make"] = "build make",
      ["make -j4 check"] = "test make check", ["go test ./..."] = "test go test", ["go build ./..."] = "build go build",
      ["npx vitest run src/a.test.ts --reporter=dot"] = "test vitest [src/a.test.ts]",
      ["CI=1 timeout 60 ./gradlew :app:test --tests X"] = "test gradlew test [@:app] (--tests X)",
      ["cd web && npm run test:unit"] = "test npm test [:unit]", ["pnpm --filter web test"] = "test pnpm test [@web]",
      ["yarn workspace web test"] = "test yarn test [@web]", ["rtk bun run test"] = "test bun test",
      ["mise run test -- -run TestHas -v"] = "test mise test (-run TestHas)",
        ["cargo +nightly clippy --all"] = "lint cargo clippy",
      ["cargo test -p foo bar"] = "test cargo test [@foo,bar]", ["node --test test/"] = "test node --test [test]",
      ["docker compose exec -T web pytest -q"] = "test pytest", ["uv run --with x pytest a"] = "test pytest [a]",
      ["mvn -q -Dtest=Foo test"] = "test mvn test (-Dtest=Foo)", ["./mvnw clean verify"] = "test mvnw verify",
      ["python manage.py test app.tests"] = "test manage.py test [app.tests]", ["npx tsc --noEmit"] = "typecheck tsc",
      ["npm run type-check"] = "typecheck npm type-check", ["mix format --check-formatted"] = "lint mix format",
      ["npm run format:check"] = "lint npm check", ["poetry run mypy src"] = "typecheck mypy [src]",
      ["npx playwright test tests/a.spec.ts:12"] = "test playwright [tests/a.spec.ts:12]",
        ["ctest --output-on-failure"] = "test ctest",
    } do assert.equal(expected, shown(line), line) end
  end)

  it("are not what only names them, sets them up, lists or fixes", function()
    for line, expected in pairs {
      ["git commit -m 'go test; make'"] = "-", ["grep -r test src"] = "-", ["test -f x"] = "-", ["make install"] = "-",
      ["./build"] = "-", ["cat pytest.ini"] = "-", ["npm install"] = "-", ["echo make test"] = "-",
        ["pytest --version"] = "-", ["command -v pytest"] = "-", ["which pytest"] = "-",
      ["golangci-lint --version"] = "-", ["pytest --collect-only -q"] = "-", ["npx tsc --init"] = "-",
        ["ruff format ."] = "edit",
      ["ruff check --fix ."] = "edit", ["npm run lint:fix"] = "edit", ["make fmt"] = "edit",
        ["npx prettier --write src"] = "edit",
      ["npx prettier --check src"] = "lint prettier [src]", ["gofmt -w ."] = "edit", ["cargo fmt"] = "edit",
      ["cargo fmt --check"] = "lint cargo fmt",
    } do assert.equal(expected, shown(line), line) end
  end)

  it("cover themselves and what is beneath them", function()
    local function covers(a, b)
      return checks.covers(checks.identify(shell.commands(a)[1].words), checks.identify(shell.commands(b)[1].words))
    end
    assert.is_true(covers("pytest -q", "python3 -m pytest tests/a.py -k x"))
    assert.is_true(covers("pytest tests", "pytest tests/a.py::test_b"))
    assert.is_true(covers("npm test", "npm run test:unit"))
    assert.is_true(covers("go test ./...", "go test ./store -run X"))
    assert.is_false(covers("pytest tests/a.py", "pytest"))
    assert.is_false(covers("pytest tests/a", "pytest tests/ab"))
    assert.is_false(covers("pytest -k x", "pytest"))
    assert.is_false(covers("npm test", "npm run lint"))
    assert.is_false(covers("go test ./...", "pytest"))
  end)
end)

describe("edits by the shell", function()
  it("are known by their command, and by the file they write", function()
    for line, expected in pairs {
      ["sed -i 's/a/b/' x.c"] = "x.c", ["perl -pi -e s/a/b/ x.c"] = "x.c", ["cat > a.py <<E\nx\nE"] = "a.py",
      ["echo x >> notes.md"] = "notes.md", ["tee src/a.c"] = "src/a.c", ["git apply fix.patch"] = true,
        ["patch -p1"] = true,
      ["mv a.c b.c"] = "b.c", ["sed -n 1p x.c"] = false, ["cat a.py"] = false, ["echo x > /dev/null"] = false,
      ["pytest > out.txt"] = false, ["git apply --check x"] = false, ["cat > /tmp/x"] = false, ["echo x 2>&1"] = false,
    } do assert.equal(expected, checks.edits(shell.commands(line)[1]) or false, line) end
  end)
end)
