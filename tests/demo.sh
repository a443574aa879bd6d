#!/bin/sh
# What `make demo` shows: sample logs, imported and looked back on, in a folder below build.
set -eu
cd "$(dirname "$0")/.."
debrief=${BUILD:-build}/debrief
log=${BUILD:-build}/demo
data=tests/data

say() { printf '\n%s\n' "$*"; }

rm -rf "$log"
mkdir "$log"
say "1. Five sessions, as an agent supervisor appends them:"
cp $data/sessions/*.jsonl "$log"
"$debrief" -d "$log" sessions

say "2. Import transcripts of Claude Code and runs of a skill evaluation. One line of them is damaged on purpose:"
status=0
"$debrief" -d "$log" import $data/claude $data/skill_eval 2>&1 || status=$?
[ "$status" = 3 ] || exit 1 # finished, and a line was damaged

say "3. Look back on all of it: debrief retro summary,skills,failures"
echo
"$debrief" -d "$log" retro summary,skills,failures

say "4. A page to look at and to send: debrief report"
page=${BUILD:-build}/demo-report.html
"$debrief" -d "$log" report -o "$page" >/dev/null

say "The log stays in $log. Try next:"
echo "  $debrief -d $log read quayd-oncall"
echo "  $debrief -d $log retro failures harbor-tides"
say "Open the page in a browser:"
echo "  $page"
