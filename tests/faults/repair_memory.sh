#!/bin/sh
# A repair of a session with very many bad lines takes no more memory than one with a few: the list of what is left out
# ends at 10,000. BAD_LINES: how many (5 million in the long form).
. tests/faults/lib.sh

few=10500 many=${BAD_LINES:-200000}
entry='{"session_id":"s1","skill":"a"}'
margin=4096 # KiB; 32 bytes for each of the lines would be more than that

# repair_of LINES KIB: the last line of what is said, with no more address space than that.
repair_of() {
  rm -rf "$work/log"
  mkdir -m 700 "$work/log"
  { echo "$entry"; yes '{x}' | head -n "$1"; echo "$entry"; } >"$work/log/s1.jsonl"
  (ulimit -v "$2" && "$BUILD/debrief" -d "$work/log" repair s1 2>&1) | tail -n 2 | sed 's/.*Z: //' | tr '\n' ' '
}

# What the smaller one needs, to 1 MiB.
needed=8192
while [ $needed -lt 262144 ] && [ "$(repair_of $few $needed)" != "$((few - 10000)) pieces more left out the session as it was " ]; do
  needed=$((needed + 1024))
done
if [ $needed -ge 262144 ]; then
  echo "skip - a repair takes no memory for each bad line (a sanitizer needs more before it begins)"
  exit 0
fi

said=$(repair_of "$many" $((needed + margin)))
check "a repair takes no memory for each of $many bad lines" \
  "$((many - 10000)) pieces more left out the session as it was " "$said"
check "and keeps the entries before and after them" "$entry $entry " "$(tr '\n' ' ' <"$work/log/s1.jsonl")"
check "and all lines are in the copy" $((many + 2)) "$(cat "$work"/log/s1.jsonl.broken-* | wc -l)"
figure damage "a repair of $many bad lines" "at most $(((needed + margin) / 1024)) MiB" \
  "at most $((margin / 1024)) MiB more than of $few" "$(nothing_wrong)"
