# GNU make. `make help` lists the targets; everything that is built lies below $(BUILD).
BUILD   = build
PREFIX  = /usr/local
DESTDIR =
LUA     = lua5.4
VERSION = 0.1.0
SOVERSION = 0

# CC, CFLAGS, CPPFLAGS, LDFLAGS and PKG_CONFIG of the environment count. Whoever builds for another processor sets CC and
# PKG_CONFIG, and DEBRIEF to a program of this version that runs here: it writes the man pages and the completions.
ifeq ($(origin CC),default)
CC = gcc
endif
CFLAGS     ?= -O3 -g -DNDEBUG
PKG_CONFIG ?= pkg-config
DEBRIEF     = $(BUILD)/debrief

# Assertions are left out of what is installed (NDEBUG). Tests, sanitizers and fuzzers build with them, in folders of their
# own: `make test` in build-test, unless BUILD is given. Valgrind and the measurements take the build that users get.
WITH_ASSERTIONS = $(filter-out -DNDEBUG,$(CFLAGS))
TESTED = $(if $(filter command,$(origin BUILD)),$(BUILD),build-test)

TO_BUILD = gcc libc6-dev make pkg-config liblua5.4-dev lua5.4 lua-cjson lua-cjson-dev lua-argparse lowdown
TO_TEST  = lua-busted libcmocka-dev strace git jq locales tmux g++ cmake mandoc zsh fish libjansson-dev libyajl-dev
TO_TEST += sqlite3 python3 parallel
TO_CHECK = clang clang-format lua-check chromium libxml2-utils valgrind
TO_FUZZ  = clang libclang-rt-14-dev libjansson-dev libyajl-dev
TO_GRIND = valgrind
TO_ANALYZE = gcc cppcheck clang-tidy clang-tools

# Lines of the REPL are edited by GNU readline, which only the program loads, and only then: its licence is the GPL.
# The build needs its headers. `no`: without.
READLINE = yes
TO_EDIT  = libreadline-dev
ifeq ($(READLINE),yes)
TO_BUILD += $(TO_EDIT)
EDIT_FLAGS = -DDEBRIEF_READLINE
else ifneq ($(READLINE),no)
$(error READLINE is yes or no, not $(READLINE))
endif

# Logs at an address, which are streams of NATS JetStream: a library of its own, loaded for an address only. `no`: without.
NATS = yes
ifeq ($(NATS),yes)
TO_BUILD += libnats-dev
TO_TEST  += nats-server openssl
NATS_LIBRARIES = $(BUILD)/libdebrief-nats.a $(BUILD)/libdebrief-nats.so.$(SOVERSION)
NATS_HEADERS   = src/include/debrief/nats.h
else ifneq ($(NATS),no)
$(error NATS is yes or no, not $(NATS))
endif

MACHINE := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine 2>/dev/null)))
WARNINGS = -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes
HARDEN_x86_64  = -fcf-protection
HARDEN_aarch64 = -mbranch-protection=standard
HARDEN   = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
           $(HARDEN_$(MACHINE))
AVX2_x86_64 = -mavx2 -mbmi -mbmi2 -mpclmul -mpopcnt
AVX512_x86_64 = $(AVX2_x86_64) -mavx512f -mavx512bw -mavx512vl -mavx512vbmi2

LUA_FLAGS = $(shell $(PKG_CONFIG) --cflags lua5.4 lua5.4-cjson)
LUA_LIBS  = $(shell $(PKG_CONFIG) --libs lua5.4-cjson lua5.4) -lm
COMPILE   = $(CC) -std=c11 -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -Isrc/include -Isrc $(WARNINGS) $(CPPFLAGS) $(HARDEN) \
            -fPIC -fvisibility=hidden -pthread -MMD -MP $(CFLAGS)
LINK      = $(CC) $(CFLAGS) -pthread -Wl,-z,relro,-z,now $(LDFLAGS)
SHARE     = $(LINK) -shared -Wl,-z,defs -Wl,-Bsymbolic-functions -Wl,-soname,$(notdir $@)
SUB       = $(MAKE) -s --no-print-directory -j$(shell nproc)

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $(1)))
LOG     := $(call objects,src/log/*.c)
SECRETS := $(call objects,src/secrets/*.c)
STREAM  := $(call objects,src/nats/*.c)
HOST    := $(SECRETS) $(call objects,src/lua/*.c src/host/*.c) $(BUILD)/embedded_files.o
PROGRAM := $(filter-out $(if $(EDIT_FLAGS),,%/editor.o %/history.o %/libreadline.o),$(call objects,src/program/*.c))
programs = $(patsubst %.c,$(BUILD)/%,$(wildcard $(1)))
BENCHES    := $(filter-out $(if $(NATS_LIBRARIES),,%/nats),$(call programs,tests/bench/*.c))
UNIT_TESTS := $(call programs,tests/unit/*.c)
LOG_TESTS  := $(UNIT_TESTS) $(call programs,tests/faults/*.c) $(BENCHES)
HOST_TESTS := $(call programs,tests/embed/host_*.c)
FUZZERS    := $(filter-out %/drive,$(call programs,tests/fuzz/*.c))
HEADERS  = src/include/debrief/log.h src/include/debrief/debrief.h $(NATS_HEADERS)
LIBRARIES = $(BUILD)/libdebrief-log.a $(BUILD)/libdebrief-log.so.$(SOVERSION) \
            $(BUILD)/libdebrief.a $(BUILD)/libdebrief.so.$(SOVERSION) $(NATS_LIBRARIES)
MODULE   = $(BUILD)/lua/debrief.so
READMES  = README.md plugins/README.md lua/debrief/cli/README.md lua/debrief/repl/README.md
PAGES    = $(addprefix $(BUILD)/man/,debrief.1 debrief-plugins.7 debrief-log.3 debrief.3)
EMBEDDED = $(shell find lua plugins -name '*.lua' -o -name '*.css' -o -name '*.js' | LC_ALL=C sort)
# Becomes a part of the library: a module of the build's Lua, or a file's path.
ARGPARSE = argparse
FORMATTED = $(shell find src tests -name '*.[ch]')

.PHONY: all module installmodule help deps demo test check check-ports units coverage san tsan valgrind fuzz fuzzers torture calibrate mutants analyze bench install uninstall clean tests always
.DELETE_ON_ERROR:
.SECONDARY:

all: $(LIBRARIES) $(BUILD)/debrief $(MODULE) $(PAGES) ## build the program (build/debrief), the libraries and the man pages

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

# ---- Building ----------------------------------------------------------------------------------------------

# Most of the bindings and of the host wait for the log or for Lua: there -O3 makes longer code, and no faster one.
OFTEN  = $(patsubst %,src/lua/%.c,entry_lent lua_value subject tally tally_cell tally_rows way)
SELDOM = $(filter-out $(OFTEN),$(wildcard src/lua/*.c src/host/*.c))
# Of the log, what waits for the disk or for others, and what looks at damage.
SELDOM += $(patsubst %,src/log/%.c,directory dissection follow follow_files repair replace salvage tail trail watch)
$(SELDOM:%.c=$(BUILD)/%.o): COMPILE += $(patsubst -O3,-O2,$(filter -O3,$(CFLAGS)))
$(BUILD)/src/log/json_scan_avx2.o: COMPILE += $(AVX2_$(MACHINE))
$(BUILD)/src/log/json_scan_avx512.o: COMPILE += $(AVX512_$(MACHINE))
$(HOST) $(PROGRAM) $(HOST_TESTS:=.o): COMPILE += $(LUA_FLAGS)

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(COMPILE) -c $< -o $@

$(BUILD)/embedded_files.o: $(BUILD)/embedded_files.c
	$(COMPILE) -c $< -o $@

# Always asked, written only when something changed: a source that was removed counts, too.
$(BUILD)/embedded_files.c: always
	@mkdir -p $(@D)
	@$(LUA) -E src/lua/embed.lua $@ $(EMBEDDED) lua/debrief/cli/argparse.lua=$(ARGPARSE)

$(BUILD)/libdebrief-log.a: $(LOG)
$(BUILD)/libdebrief.a: $(HOST)
$(BUILD)/%.a:
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libdebrief-log.so.$(SOVERSION): $(LOG)
	$(SHARE) $^ -o $@

# The log is in here too, and -Bsymbolic-functions keeps it to itself: what its floor shares with the floors above is
# hidden in the other library, and would have to be exported and kept in step. See src/README.md.
$(BUILD)/libdebrief.so.$(SOVERSION): $(HOST) $(LOG)
	$(SHARE) -Wl,-z,nodelete $^ $(LUA_LIBS) -o $@

$(BUILD)/libdebrief-nats.a: $(STREAM)

# What it needs of the log's floor is in it, hidden, and nothing of a program that loads it is.
NATS_LIBS = $(shell $(PKG_CONFIG) --libs libnats)
$(BUILD)/libdebrief-nats.so.$(SOVERSION): $(STREAM) $(BUILD)/libdebrief-log.a
	$(SHARE) $^ -Wl,--exclude-libs,ALL -Wl,-z,nodelete $(NATS_LIBS) -o $@

# debrief and debrief.core for a stock lua5.4, which brings the Lua symbols itself.
$(MODULE): $(filter-out $(BUILD)/src/host/%,$(HOST)) $(LOG)
	@mkdir -p $(@D)
	$(LINK) -shared -Wl,-Bsymbolic-functions -Wl,--version-script=src/install/module.map $^ \
	  $(shell $(PKG_CONFIG) --libs lua5.4-cjson) -lm -o $@

$(BUILD)/debrief: $(PROGRAM) $(BUILD)/libdebrief.a $(BUILD)/libdebrief-log.a $(BUILD)/readline
	$(LINK) -pie $(filter-out %/readline,$^) $(LUA_LIBS) -o $@

$(BUILD)/src/program/terminal.o: COMPILE += $(EDIT_FLAGS)
$(BUILD)/src/program/terminal.o: $(BUILD)/readline

# The switch as it was at the last build.
$(BUILD)/readline: always
	@mkdir -p $(@D)
	@echo $(READLINE) | cmp -s - $@ || echo $(READLINE) > $@

$(PAGES): $(BUILD)/man/%: src/man/make.lua src/man/tidy.sed $(READMES) $(HEADERS) $(BUILD)/debrief
	@mkdir -p $(@D)
	$(DEBRIEF) run src/man/make.lua $* $(VERSION) > $@.md
	lowdown -s --out-no-smarty -Tman $@.md | sed -zEf src/man/tidy.sed > $@

# ---- Testing -----------------------------------------------------------------------------------------------

tests: $(LOG_TESTS) $(HOST_TESTS) $(FUZZERS)

units: $(UNIT_TESTS) $(BUILD)/libdebrief-log.so.$(SOVERSION)

CMOCKA = -lcmocka
$(BUILD)/tests/unit/%: LDLIBS = $(CMOCKA)
# Calls of the log that a test replaces: X becomes the test's __wrap_X. glibc calls those that know sizes of files X64; the
# others are then libgcov's own.
wide = $(if $(findstring --coverage,$(CFLAGS)),,$(1)) $(1:=64)
$(BUILD)/tests/unit/cat:   WRAPPED = pthread_create
$(BUILD)/tests/unit/cut:   WRAPPED = $(call wide,pread)
$(BUILD)/tests/unit/failing: WRAPPED = malloc calloc realloc free strdup strndup asprintf __asprintf_chk \
  syscall dup mkdir fchmod fchown flock fsync fdatasync renameat unlinkat fdopendir epoll_create1 epoll_ctl inotify_init1 \
  inotify_add_watch timerfd_create pthread_create getrandom read write writev __pread64_chk \
  $(call wide,openat open fcntl stat fstat fstatat lseek readdir fstatfs pread)
$(BUILD)/tests/unit/fork_guard: WRAPPED = madvise
$(BUILD)/tests/unit/io:    WRAPPED = $(call wide,pread)
$(BUILD)/tests/unit/lock:  WRAPPED = clock_gettime nanosleep flock
$(BUILD)/tests/unit/watch: WRAPPED = $(call wide,fstatfs)
$(BUILD)/tests/unit/power: WRAPPED = write writev fsync fdatasync unlinkat renameat linkat $(call wide,ftruncate)
$(BUILD)/tests/unit/%: LDLIBS += $(WRAPPED:%=-Wl,--wrap=%)
$(HOST_TESTS): LDLIBS = $(CMOCKA) $(LUA_LIBS)
$(HOST_TESTS): $(BUILD)/libdebrief.a
$(addprefix $(BUILD)/tests/,unit/secrets unit/pattern bench/redact fuzz/secrets): $(SECRETS)

$(BUILD)/tests/bench/nats: LDLIBS = $(BUILD)/libdebrief-nats.so.$(SOVERSION) -Wl,-rpath,'$$ORIGIN/../..' $(NATS_LIBS)
$(BUILD)/tests/bench/nats: $(NATS_LIBRARIES)

$(LOG_TESTS) $(HOST_TESTS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdebrief-log.a
	$(LINK) -pie $(filter %.o,$^) $(filter %/libdebrief.a,$^) $(BUILD)/libdebrief-log.a $(LDLIBS) -o $@

test: ## install what is missing, build, run all tests (T=NAME: those whose name contains NAME)
	@.ci/deps $(TO_BUILD) $(TO_TEST)
	@$(SUB) BUILD=$(TESTED) CFLAGS='$(WITH_ASSERTIONS)' all tests
	@BUILD=$(TESTED) tests/run $(T)

check: ## the tests, with warnings as errors, luacheck, clang-format, and the instructions of an entry counted
	@.ci/deps $(TO_BUILD) $(TO_TEST) $(TO_CHECK)
	@.ci/npm build-npm
	luacheck -q lua plugins tests src/lua/embed.lua tests/run tests/coverage tests/mutants/run tests/analyze/run \
	  tests/bench/run tests/bench/instructions src/man/make.lua
	clang-format --dry-run -Werror $(FORMATTED)
	@$(SUB) BUILD=build-clang CC=clang CFLAGS='$(CFLAGS) -Werror' all tests
	@$(SUB) BUILD=build-gcc CC=gcc CFLAGS='$(WITH_ASSERTIONS) -Werror' all tests
	@BUILD=build-gcc tests/bench/instructions
	@MODULES=$(CURDIR)/build-npm/node_modules \
	  $(MAKE) --no-print-directory BUILD=build-gcc CC=gcc CFLAGS='$(WITH_ASSERTIONS) -Werror' test

san: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory BUILD=build-san HARDEN= \
	  CFLAGS='-O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all' test

# What has threads in it, but for interrupts: ThreadSanitizer holds signals back until a thread makes a system call.
THREADED = unit/log unit/append unit/follow unit/append_new embed/host_append embed/host_many embed/host_retro embed/host_kept \
           embed/host_allocator embed_spec cli_retro nats/host nats/threads nats/work

coverage: ## how much of src/log its unit tests run (T=NAME: other tests; LINES=1: with the lines that none ran)
	@.ci/deps $(TO_BUILD) $(TO_TEST)
	@$(SUB) BUILD=build-cov HARDEN= CFLAGS='-O0 -g --coverage' all tests
	@find build-cov -name '*.gcda' -delete
	@BUILD=build-cov tests/run $(or $(T),unit/) | tail -1
	@BUILD=build-cov tests/coverage $(LINES)

tsan: ## the tests with threads under ThreadSanitizer
	@$(MAKE) --no-print-directory BUILD=build-tsan HARDEN= CFLAGS='-O1 -g -fsanitize=thread' T='$(THREADED)' test

valgrind: ## the examples and the C tests of the host under valgrind
	@.ci/deps $(TO_BUILD) $(TO_TEST) $(TO_GRIND)
	@$(SUB) all tests
	@BUILD=$(BUILD) tests/valgrind

# What an emulator runs ten times as slowly is tried with fewer variants.
EMULATED = LESS=13

check-ports: ## the unit tests of src/log on aarch64, s390x, i686 (qemu) and with musl, where the compilers are
	@EMULATED='$(EMULATED)' tests/ports/run

SECONDS   = 10
SANITIZED = -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all

fuzz: ## fuzz the log with libFuzzer, SECONDS=10 a target
	@.ci/deps $(TO_BUILD) $(TO_FUZZ)
	@$(SUB) BUILD=build-fuzz CC=clang HARDEN= CFLAGS='$(SANITIZED) -fsanitize=fuzzer-no-link' \
	  ENGINE=-fsanitize=fuzzer fuzzers
	@BUILD=build-fuzz tests/fuzz/run $(SECONDS)

fuzzers: $(FUZZERS)

# What chooses the inputs: libFuzzer, or what every build has.
ENGINE = $(BUILD)/tests/fuzz/drive.o
$(BUILD)/tests/fuzz/differential: LDLIBS = -ljansson -lyajl

$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libdebrief-log.a $(filter %.o,$(ENGINE))
	$(LINK) -pie $(filter -%,$(ENGINE)) $(filter %.o,$^) $(BUILD)/libdebrief-log.a $(LDLIBS) -o $@

# Numbers of the long form, for the scripts in tests/faults and tests/fuzz; see tests/torture/README.md.
LONG = TORTURE=1 HOSTILE=full LINEAR_SIZE=8388608 KILLS=8000 KILLS_SECONDS=1200 REPAIRS=20000 ENTRIES=50000
LONG += BAD_LINES=5000000
TORTURED = faults/ cli_append cli_record import_kept unit/failing unit/power unit/salvage unit/reference embed/host_malloc hostile_ terminal_safe linear_ redact formats_ nats/proof nats/copy nats/work

torture: ## the long form of what breaks logs, calls, memory and scripts, as root: figures in build-torture/torture.md
	@.ci/deps $(TO_BUILD) $(TO_TEST) $(TO_FUZZ)
	@$(SUB) BUILD=build-torture CFLAGS='$(WITH_ASSERTIONS)' all tests
	@mkdir -p build-torture/test-output && rm -f build-torture/test-output/*.figures
	@$(MAKE) --no-print-directory fuzz SECONDS=60 FIGURES=build-torture/test-output/make-fuzz.figures
	@.ci/npm build-npm
	@$(LONG) MODULES=$(CURDIR)/build-npm/node_modules BUILD=build-torture tests/run $(TORTURED)

LOGS = 2000

calibrate: module ## simulate logs and compare how often the analyses are right with what is required (LOGS=2000 a scenario)
	@BUILD=$(BUILD) nice -n 5 tests/calibrate/run $(BUILD)/calibrate.md $(LOGS)

mutants: ## plant faults one at a time (T=WORD: those with it in their description): each must turn a test red
	@.ci/deps $(TO_BUILD) $(TO_TEST)
	@$(SUB) BUILD=$(TESTED) CFLAGS='$(WITH_ASSERTIONS)' all tests
	@BUILD=$(TESTED) CFLAGS='$(WITH_ASSERTIONS)' tests/mutants/run $(T)

analyze: ## gcc -fanalyzer, cppcheck, clang-tidy and scan-build (T=TOOL: one of them): nothing but what tests/analyze answers
	@.ci/deps $(TO_BUILD) $(TO_ANALYZE)
	@tests/analyze/run $(T)

bench: ## measure, against the peers when they are there
	@.ci/deps $(TO_BUILD)
	@$(SUB) all $(BENCHES)
	@BUILD=$(BUILD) tests/bench/run

# ---- Using -------------------------------------------------------------------------------------------------

deps: ## install what building and testing need (Debian packages, apt-get)
	@.ci/deps $(TO_BUILD) $(TO_TEST)

demo: ## install what is missing, build, import sample logs, print a retrospective
	@.ci/deps $(TO_BUILD)
	@$(SUB) all
	@BUILD=$(BUILD) tests/demo.sh

BINDIR     = $(PREFIX)/bin
LIBDIR     = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include/debrief
CMAKEDIR   = $(LIBDIR)/cmake/debrief
MODULEDIR  = $(LIBDIR)/lua/5.4
MANDIR     = $(PREFIX)/share/man
# where each shell looks for completions
WORDS_bash = $(PREFIX)/share/bash-completion/completions/debrief
WORDS_zsh  = $(PREFIX)/share/zsh/site-functions/_debrief
WORDS_fish = $(PREFIX)/share/fish/vendor_completions.d/debrief.fish
SHELLS     = bash zsh fish
words_in   = $(foreach shell,$(SHELLS),$(DESTDIR)$(WORDS_$(shell)))
pages_in   = $(foreach page,$(notdir $(PAGES)),$(DESTDIR)$(MANDIR)/man$(subst .,,$(suffix $(page)))/$(page))

LINKS    = libdebrief-log.so libdebrief.so $(if $(NATS_LIBRARIES),libdebrief-nats.so)
PC_FILES = debrief-log.pc debrief.pc $(if $(NATS_LIBRARIES),debrief-nats.pc)
CM_FILES = debriefConfig.cmake debriefConfigVersion.cmake

# Files of src/install with this tree's names in them. The loader finds a new library by its cache.
FILL = sed -e 's|@PREFIX@|$(PREFIX)|; s|@VERSION@|$(VERSION)|; s|@SOVERSION@|$(SOVERSION)|' \
  -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|; s|@POINTER@|$(shell echo __SIZEOF_POINTER__ | $(CC) -E -P -)|' \
  -e "s|@LIBDIR_TO_PREFIX@|$$(realpath -m --relative-to=$(LIBDIR) $(PREFIX))|"
filled = for name in $(1); do $(FILL) src/install/$$name | install -m 644 /dev/stdin $(DESTDIR)$(2)/$$name; done
LDCONFIG = @if [ -z '$(DESTDIR)' ] && [ "$$(id -u)" = 0 ] && grep -qsx '$(LIBDIR)' /etc/ld.so.conf.d/*; then ldconfig; fi

install: all installmodule ## install program, man pages, completions, libraries and what finds them (PREFIX, LIBDIR, DESTDIR)
	install -d $(addprefix $(DESTDIR),$(BINDIR) $(INCLUDEDIR) $(LIBDIR)/pkgconfig $(CMAKEDIR))
	install $(BUILD)/debrief $(DESTDIR)$(BINDIR)
	install -m 644 $(HEADERS) $(DESTDIR)$(INCLUDEDIR)
	install -m 644 $(LIBRARIES) $(DESTDIR)$(LIBDIR)
	for name in $(LINKS); do ln -sf $$name.$(SOVERSION) $(DESTDIR)$(LIBDIR)/$$name; done
	$(call filled,$(PC_FILES),$(LIBDIR)/pkgconfig)
	$(call filled,$(CM_FILES),$(CMAKEDIR))
	for page in $(pages_in); do install -D -m 644 $(BUILD)/man/$${page##*/} $$page; done
	install -d $(dir $(words_in))
	$(foreach shell,$(SHELLS),$(DEBRIEF) completion $(shell) > $(DESTDIR)$(WORDS_$(shell));)
	$(LDCONFIG)

# What a stock lua5.4 loads, alone; luarocks asks for these two.
module: $(MODULE)

installmodule: module
	install -d $(DESTDIR)$(MODULEDIR)
	install -m 644 $(MODULE) $(DESTDIR)$(MODULEDIR)

uninstall: ## remove what install put there
	rm -f $(DESTDIR)$(BINDIR)/debrief $(DESTDIR)$(MODULEDIR)/debrief.so \
	  $(addprefix $(DESTDIR)$(LIBDIR)/,$(notdir $(LIBRARIES)) $(LINKS))
	rm -f $(addprefix $(DESTDIR)$(LIBDIR)/pkgconfig/,$(PC_FILES)) $(pages_in) $(words_in)
	rm -rf $(DESTDIR)$(INCLUDEDIR) $(DESTDIR)$(CMAKEDIR)
	$(LDCONFIG)

clean: ## remove everything that was built
	rm -rf build build-*

-include $(wildcard $(BUILD)/*.d $(BUILD)/src/*/*.d $(BUILD)/tests/*/*.d)
