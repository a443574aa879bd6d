#!/bin/sh
# Temporary files: what the program leaves when it is killed before each of its calls, cannot write in a folder, or finds what
# another one left, however old. Nothing looks at a file's age: files have no name while they are written, and the one that has
# (.SESSION.repair) is taken over by the next who needs it.
. tests/faults/lib.sh

program=$(realpath "$BUILD")/debrief
dir=$work/here log=$work/here/log
mkdir "$dir" "$work/tmp"
export TMPDIR="$work/tmp" HOME="$work/home" ASAN_OPTIONS=detect_leaks=0

# traced WORD... -- ARGUMENT...: the program in $dir under strace with these options.
traced() {
  options=
  while [ "$1" != -- ]; do options="$options $1" && shift; done
  shift
  ignored=$(exec 2>"$work/said"; cd "$dir" && timeout 20 strace -qq -o "$work/trace" $options "$program" "$@"; exit $?)
}

# calls_of NAME...: "NAME:COUNT" for each of these calls in the last trace.
calls_of() {
  for name; do echo "$name:$(grep -c "^$name(" "$work/trace")"; done
}

# killed_at CALL K: is this place to be tried? All in the long form; else the first and the last.
last=
killed_at() { [ -n "$TORTURE" ] || [ "$2" = 1 ] || [ "$2" = "$last" ]; }

# kill_everywhere PREPARE JUDGE CALLS -- ARGUMENT...: killed before each of the calls. JUDGE says what is wrong, or nothing.
kill_everywhere() {
  prepare=$1 judge=$2 calls=$3
  shift 4
  kills=0
  $prepare
  wrong=0
  traced -e "trace=$(echo "$calls" | tr ' ' ,)" -- "$@" || { wrong=1 && cat "$work/said"; }
  for call in $(calls_of $calls); do
    last=${call#*:}
    for k in $(seq "$last"); do
      killed_at "$call" "$k" || continue
      $prepare
      traced -e "inject=${call%:*}:signal=KILL:when=$k" -- "$@"
      kills=$((kills + 1))
      said=$($judge)
      [ -z "$said" ] || { wrong=$((wrong + 1)) && echo "# killed at $call, $k: $said"; }
    done
  done
}

if ! can_strace; then
  echo "skip - killed while a file is written (strace cannot trace here)"
  exit 0
fi

# ---- A report -------------------------------------------------------------------------------------------------------

mkdir -m 700 "$log"
echo '{"session_id":"s1","timestamp":"2026-05-03T10:00:00Z","skill":"a","final_status":"ok"}' >"$log/s1.jsonl"
(cd "$dir" && "$program" -d log retro skills -o "$work/new") 2>/dev/null
old_report() {
  rm -f "$dir"/report.*
  echo old >"$dir/report.md"
}
# Between its two names it may have both.
judge_report() {
  grep -qx old "$dir/report.md" || cmp -s "$work/new" "$dir/report.md" || echo "the report is neither the old nor the new one"
  for file in "$dir"/report.md.new-*; do
    [ ! -e "$file" ] || cmp -s "$work/new" "$file" || echo "a part of a report lies about"
  done
}
kill_everywhere old_report judge_report "openat fchmod write linkat close rename" -- -d log retro skills -o report.md
check "a report that is being replaced is the old or the new one, and no part of one lies about" "0 yes" \
  "$wrong $([ $kills -gt 6 ] && echo yes || echo "$kills kills")"
reports=$kills
old_report
traced -e inject=linkat:error=ENOENT -- -d log retro skills -o report.md
check "without /proc it is replaced, too" "" "$(cmp "$work/new" "$dir/report.md" 2>&1; ls "$dir" | grep new-)"

# ---- What is unpacked -----------------------------------------------------------------------------------------------

cat >"$dir/toy.lua" <<'LUA'
return { name = "toy", api = 1, import = {
  detect = function(_, head) return head:find('"run"', 1, true) ~= nil end,
  open = function(source, emit)
    for o in source:lines() do
      emit { session_id = "t1", skill = o.skill, timestamp = o.at, source = { kind = "toy", key = o.run } }
    end
  end } }
LUA
i=0
while [ $i -lt 2000 ]; do i=$((i + 1)) && echo "{\"run\":\"$i\",\"skill\":\"first\",\"at\":\"2026-05-03T10:00:00Z\"}"; done |
  gzip >"$dir/runs.jsonl.gz"
no_session() { rm -rf "$log" && mkdir -m 700 "$log"; }
judge_unpacked() { ls -A "$TMPDIR"; }
kill_everywhere no_session judge_unpacked "write wait4" -- -d log import ./toy.lua runs.jsonl.gz
check "nothing is left of what was unpacked" "0 yes" "$wrong $([ $kills -gt 2 ] && echo yes || echo "$kills kills")"
unpacked=$kills

chmod 500 "$TMPDIR"
as_nobody() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
if as_nobody true 2>/dev/null; then
  no_session
  chmod 777 "$log"
  (cd "$dir" && as_nobody "$program" -d log import ./toy.lua runs.jsonl.gz) >"$work/said" 2>&1
  check "where nothing can be unpacked, the folder is named" "$TMPDIR: Permission denied" \
    "$(grep -o "$TMPDIR: Permission denied" "$work/said" || cat "$work/said")"
else
  echo "skip - a folder for temporary files that nobody may write in (cannot drop root here)"
fi
chmod 700 "$TMPDIR"

# ---- Entries that are replaced --------------------------------------------------------------------------------------

echo '{"run":"1","skill":"first","at":"2026-05-03T10:00:00Z"}' >"$dir/one.jsonl"
no_session
(cd "$dir" && "$program" -d log import ./toy.lua one.jsonl) >/dev/null 2>&1
cp "$log/t1.jsonl" "$work/first"
echo '{"run":"1","skill":"second","at":"2026-05-03T11:00:00Z"}' >"$dir/one.jsonl"
first_version() { no_session && cp "$work/first" "$log/t1.jsonl"; }
first_version
(cd "$dir" && "$program" -d log import ./toy.lua one.jsonl) >/dev/null 2>&1
cp "$log/t1.jsonl" "$work/second"
check "a later version replaces the first" "1 second" "$(wc -l <"$work/second") $(grep -o second "$work/second")"

# What is killed leaves the old or the new session; the next import makes it the new one, and nothing else is there.
judge_replaced() {
  cmp -s "$work/first" "$log/t1.jsonl" || cmp -s "$work/second" "$log/t1.jsonl" || echo "the session is neither"
  (cd "$dir" && "$program" -d log import ./toy.lua one.jsonl) >/dev/null 2>&1
  cmp -s "$work/second" "$log/t1.jsonl" || echo "the next import does not replace it"
  ls -A "$log" | grep -v -e '^t1.jsonl$' -e '^\.imports$' -e '^\.imported' -e 'new-'
}
kill_everywhere first_version judge_replaced "write fsync renameat" -- -d log import ./toy.lua one.jsonl
check "an import that was killed is made good by the next one" "0 yes" \
  "$wrong $([ $kills -gt 2 ] && echo yes || echo "$kills kills")"
replaced=$kills

# ---- What lies about, however old -----------------------------------------------------------------------------------

for time in 1970-01-02 2026-11-29 2037-01-01; do
  no_session
  printf '{"session_id":"s1","skill":"a"}\n{x}\n' >"$log/s1.jsonl"
  printf '{"session_id":"s1","skill":"half' >"$log/.s1.jsonl.repair"
  touch -d $time "$log/.s1.jsonl.repair" "$log/s1.jsonl"
  "$program" -d "$log" repair s1 >/dev/null 2>&1
  check "what was left in $time of a repair is taken over by the next" '{"session_id":"s1","skill":"a"} 2' \
    "$(cat "$log/s1.jsonl") $(ls -A "$log" | wc -l)"
done

figure kills "reports, imports and what they unpack, before their calls" "kills $((reports + unpacked + replaced)), wrong $wrongs" \
  "wrong 0" "$(nothing_wrong)"
