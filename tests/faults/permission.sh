#!/bin/sh
# Files and folders that a user other than root may not read or write.
. tests/faults/lib.sh

as_nobody() {
  if [ "$(id -u)" = 0 ]; then setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; else "$@"; fi
}
if ! as_nobody true 2>/dev/null; then
  echo "skip - folders and files without permission (cannot drop root here)"
  exit 0
fi
cp "$drivers/appender" "$work/appender"

try() { # try SENTENCE EXPECTED LOG SESSION
  check "$1" "$2" "$(ASAN_OPTIONS=detect_leaks=0 as_nobody "$work/appender" "$3" "$4" 1 10 2>&1 | sed "s,$work,DIR,g")"
}

mkdir -m 755 "$work/closed"
mkdir -m 777 "$work/log"
[ "$(id -u)" = 0 ] && chown 65534:65534 "$work/closed" "$work/log"
as_nobody sh -c "umask 077; : >$work/log/mine.jsonl; chmod 0 $work/log/mine.jsonl; chmod 500 $work/closed"
try "a session nobody may open" "EIO cannot open DIR/log/mine.jsonl: Permission denied" "$work/log" mine
try "a folder nobody may write in" "EIO cannot open DIR/closed/s1.jsonl: Permission denied" "$work/closed" s1
try "a folder that cannot be made" "EIO cannot make folder DIR/closed/new/log: Permission denied" "$work/closed/new/log" s1
as_nobody chmod 0 "$work/closed"
try "a folder nobody may look into" "EIO cannot open folder DIR/closed: Permission denied" "$work/closed" s1
as_nobody chmod 700 "$work/closed"
