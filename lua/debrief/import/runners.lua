--- Which commands are checks: tests, builds, linters and type checkers, under the names that people call them by.
--
-- Every table here is data about other programs. Sources: their manuals and --help (2026).
-- @module debrief.import.runners
local runners = {}

--- The words of a text, each as a key with the value true.
local function set(words)
  local members = {}
  for word in words:gmatch "%S+" do members[word] = true end
  return members
end

runners.set = set

-- Programs that run the one after them.
runners.WRAPPERS = set [[env time nice nohup sudo doas command exec stdbuf rtk npx bunx pnpx uvx pipx xvfb-run cross-env
  dotenv timeout gtimeout caffeinate unbuffer winpty run-s]]
-- Those with a word of their own before it: timeout 60 make.
runners.OWN_WORD = set "timeout gtimeout"

-- Options of theirs whose value is the next word.
runners.WRAPPER_VALUES = { npx = set "-p --package", other = set "-k -s -p -n -u -c -g -j" }
runners.RUN_VALUES = set "--with --group --extra --python --directory"
runners.CONTAINERS = set "docker podman docker-compose kubectl"
runners.CONTAINER_VALUES = set "-e -u -w -v"

-- Programs that run another one after one of these words.
runners.RUNS = {
  bun = set "x",
  bundle = set "exec",
  coverage = set "run",
  direnv = set "exec",
  doppler = set "run",
  hatch = set "run",
  mise = set "exec x",
  npm = set "exec x",
  op = set "run",
  pdm = set "run",
  pipenv = set "run",
  pnpm = set "exec dlx",
  poetry = set "run",
  rvm = set "do",
  rye = set "run",
  uv = set "run",
  yarn = set "exec dlx",
}

-- The kind of check that a program is, and the family of summaries that it prints.
local function rows(kind, text)
  for name, family in text:gmatch "([%w%-._]+):?(%w*)" do
    runners.PROGRAMS[name] = { kind = kind, family = family ~= "" and family or nil }
  end
end

runners.PROGRAMS = {}
rows("test", [[pytest:python py.test:python unittest:python nose2:python nox:python tox:python jest:js vitest:js
  mocha:js ava:js jasmine:js karma:js tap:tap tape:tap playwright:js cypress:js wdio:js rspec:ruby minitest:ruby
  cucumber:ruby phpunit:php pest:php paratest:php codecept:php ctest:ctest busted:busted bats:bats prove:tap
  gotestsum:go ginkgo:go nextest:cargo cargo-nextest:cargo xctest:swift]])
rows("lint", [[eslint oxlint flake8 pylint luacheck shellcheck golangci-lint staticcheck rubocop standardrb stylelint
  hadolint yamllint markdownlint markdownlint-cli2 ansible-lint ktlint swiftlint tflint actionlint vulture bandit
  checkstyle cppcheck clang-tidy revive]])
rows("typecheck", [[tsc vue-tsc mypy pyright basedpyright dialyzer phpstan psalm flow pyre ty svelte-check sorbet srb]])
rows("build", [[ninja webpack rollup esbuild tsup parcel javac]])

-- Linters and formatters that change files with one of these words; formatters change them without one, too.
runners.FIXING = set [[--fix --write --apply -w -i --in-place --inplace --autocorrect --auto-correct
  --autocorrect-all --fix-dangerously --unsafe-fixes --fix-only]]
runners.FORMATTERS = set [[prettier black isort gofmt goimports gofumpt rustfmt clang-format stylua shfmt autopep8
  yapf dprint standard google-java-format ktfmt terraform-fmt]]
runners.LOOKING = set [[--check -c --diff -d -l --list-different --check-formatted --verify-no-changes --dry-run -n
  --check-only]]

-- What tools do with their first word: a kind of check, "kind:family", "edit", "format" (which changes files unless it
-- only looks), "task" (a script of the user's follows, whose name says what it is), "package" (its name follows).
runners.TOOLS = {
  artisan = { test = "test:php" },
  bazel = { test = "test", build = "build" },
  biome = { check = "lint", lint = "lint", ci = "lint", format = "format" },
  bun = { test = "test:js", run = "task" },
  cabal = { test = "test", build = "build" },
  cargo = { test = "test:cargo", t = "test:cargo", nextest = "test:cargo", build = "build", b = "build",
    check = "typecheck", c = "typecheck", clippy = "lint", fmt = "format", fix = "edit" },
  composer = { test = "test:php", run = "task", ["run-script"] = "task" },
  dart = { test = "test", analyze = "lint", format = "format", fix = "edit" },
  deno = { test = "test:js", lint = "lint", check = "typecheck", fmt = "format", task = "task" },
  dotnet = { test = "test:dotnet", build = "build", format = "format" },
  flutter = { test = "test", analyze = "lint", build = "build" },
  forge = { test = "test", build = "build", fmt = "format" },
  go = { test = "test:go", vet = "lint", build = "build", install = "build", fmt = "edit" },
  ["golangci-lint"] = { run = "lint" },
  hardhat = { test = "test:js", compile = "build" },
  hatch = { test = "test:python" },
  lein = { test = "test" },
  ["manage.py"] = { test = "test:python" },
  meson = { test = "test", compile = "build" },
  mise = { run = "task", r = "task" },
  mix = { test = "test:mix", compile = "build", credo = "lint", dialyzer = "typecheck", format = "format" },
  next = { build = "build", lint = "lint" },
  ng = { test = "test:js", lint = "lint", build = "build" },
  npm = { test = "test:js", t = "test:js", tst = "test:js", run = "task", ["run-script"] = "task" },
  nx = { run = "task" },
  pnpm = { test = "test:js", t = "test:js", run = "task" },
  ["pre-commit"] = { run = "lint" },
  rails = { test = "test:ruby", spec = "test:ruby" },
  ["react-scripts"] = { test = "test:js", build = "build" },
  rebar3 = { eunit = "test", ct = "test" },
  ruff = { check = "lint", format = "format" },
  sbt = { test = "test", compile = "build", testOnly = "test" },
  stack = { test = "test", build = "build" },
  swift = { test = "test:swift", build = "build" },
  terraform = { validate = "lint", fmt = "format" },
  turbo = { run = "task" },
  vite = { build = "build" },
  yarn = { test = "test:js", run = "task", workspace = "package" },
  zig = { test = "test", build = "build", fmt = "format" },
}

-- Tools whose words are tasks; the words given mean tests by convention.
runners.TASK_TOOLS = {
  ant = {},
  bun = {},
  composer = {},
  gmake = set "check",
  gradle = set "check",
  gradlew = set "check",
  inv = {},
  invoke = {},
  just = {},
  make = set "check",
  mise = {},
  mvn = set "verify install package",
  mvnw = set "verify install package",
  ["npm-run-all"] = {},
  nx = {},
  pnpm = {},
  rails = {},
  rake = set "spec",
  task = {},
  turbo = {},
  yarn = {},
}

-- Those that take several tasks in one call.
runners.SEVERAL = set "make gmake gradle gradlew mvn mvnw ant rake"

-- What a part of a task's name says: `npm run test:unit`, `make lint-fix`.
runners.TASKS = {}
for kind, names in pairs {
  test = "test tests spec specs e2e unit integration pytest jest vitest rspec playwright cypress testonly nextest",
  lint = "lint linter eslint check checks verify validate ci style credo clippy vet stylelint rubocop luacheck ruff",
  typecheck = "typecheck types tsc mypy pyright typing dialyzer",
  build = "build compile assemble package dist bundle rebuild",
  edit = "fix fmt format autofix prettify",
} do
  for name in names:gmatch "%S+" do runners.TASKS[name] = kind end
end

-- Words after which a command only shows, lists or sets up something.
runners.NO_RUN = set [[--version -V --help -h --collect-only --co --collectonly --init --listTests --list -list
  --list-tests --dry-run --no-run --showConfig --show-config --print-config --fixtures --markers --just-print
  --setup-plan --print-targets --question --print-data-base --env-info]]

-- Options that narrow what is tested: by a pattern that follows, or by themselves.
runners.NARROW = set [[-k -m -t -g --grep --testNamePattern --test-name-pattern -run --run -skip --skip --tests
  --filter --only --deselect --ignore --exclude --match --testPathPattern --testPathPatterns --spec --tag --tags
  --include -e --example -R -L --tests-regex --label-regex --test-filter --group --testsuite --test --bench --bin
  --pattern -pl --projects]]
runners.NARROW_ALONE = set [[--lf --last-failed --onlyChanged --only-changed --changed --onlyFailures --failed
  --only-failures --next-failure --lib --doc --bins --stale --rerun-failed --last-failed-no-failures --sw --stepwise
  -short --short --changedSince --related]]
-- Options that name a part of the project.
runners.PART = set [[-p --package --workspace -w --filter -F --project --scope --prefix -C --cwd --dir --manifest-path]]
-- Options whose next word is a value that does not matter. Of pytest, jest and others; of make: -C is a part.
runners.VALUED = set [[--tb -n --maxfail --durations --timeout --cov-report --junitxml --junit-xml --rootdir -W
  --color --log-level --log-cli-level -o -r -c --config --reporter --reporters --maxWorkers --workers --testTimeout
  --retries -count -timeout -coverprofile -covermode -coverpkg -cpu -parallel -tags --features --target --profile
  --jobs -j --seed --format --formatter --output --outputFile --out --max-cases --trace --logger --verbosity
  --configuration --environment --coverage-reporter --shard --browser --loader --require --import --preload --bail
  --parallel --settings --max-failures -benchtime --capture --basetemp --confcutdir -f --threads --test-threads
  --order --order-by --backtrace --group-order]]

return runners
