#!/bin/sh
# A disk that is really full: a tmpfs of 16 KiB in its own mount namespace.
. tests/faults/lib.sh

if ! unshare -m sh -c "mount -t tmpfs -o size=16k none '$work'" 2>/dev/null; then
  echo "skip - a full disk (no mount namespaces here)"
  exit 0
fi

# Three phases on one tmpfs: fill it, remove the ballast, append again.
mkdir "$work/disk"
for pad in $(some 0 100 3000 5000 7777); do
  BUILD=$BUILD unshare -m sh -c '
    mount -t tmpfs -o size=16k none "$1/disk"
    head -c 8192 /dev/zero >"$1/disk/ballast"
    "$2/appender" "$1/disk/log" s1 100 '$pad' >"$1/full"
    rm "$1/disk/ballast"
    cp "$1/disk/log/s1.jsonl" "$1/first"
    "$2/appender" "$1/disk/log" s2 1 10 >"$1/again"
    "$2/appender" "$1/disk/log" s1 1 10 >>"$1/again"
    cp "$1/disk/log/s1.jsonl" "$1/second"
  ' sh "$work" "$(realpath "$drivers")"
  check "a full disk loses nothing acknowledged (entries of $pad bytes)" 0 "$(missing "$work/first" "$work/full")"
  check "what does not fit is refused (entries of $pad bytes)" "EIO" "$(codes "$work/full" | tr ' ' '\n' | grep -v '^ok$' | sort -u)"
  check "and the first entry after room was made is whole (entries of $pad bytes)" "ok ok, 1" \
    "$(codes "$work/again"), $(grep -c '^{"session_id":"s1".*"pad":"xxxxxxxxxx","end":"k1"}$' "$work/second")"
done
check "the message says what to do" 1 \
  "$(grep -c "^EIO cannot append to $work/disk/log/s1.jsonl: No space left on device: .*; free some space, then append again\$" \
    "$work/full" | sed 's/^[1-9][0-9]*$/1/')"

figure "system calls" "a full disk" "$checks checks, wrong $wrongs" "wrong 0" "$(nothing_wrong)"
