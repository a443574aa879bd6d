#!/bin/sh
# Writers that are killed in the middle of a write: no acknowledged entry may be lost, none may be there twice.
. tests/faults/lib.sh

# A file system in memory tears more: a kill is looked at between two pages, whatever the size of the write.
memory=$work
if [ -w /dev/shm ] && [ "$(df -k --output=avail /dev/shm | tail -1)" -gt 1000000 ]; then
  memory=$(mktemp -d /dev/shm/debrief-storm-XXXXXX)
  trap 'rm -rf "$work" "$memory"' EXIT
fi
for dir in "$memory" "$work"; do
  # A busy machine takes its time until a first record is torn in memory; on a disk that may not happen at all.
  [ "$dir" = "$memory" ] && [ "$memory" != "$work" ] && seconds=20 || seconds=5
  said=$("$drivers/storm" "$dir" "${KILLS:-500}" "$seconds" 2>&1)
  if [ $? -eq 0 ]; then echo "ok - $said"; else printf 'not ok - %s\n' "$said" | head -3; fi
  [ "$dir" = "$memory" ] && torn=$(expr "$said" : '.*torn \([0-9]*\)')
done
check "the storm tore records, or it shows nothing" yes "$([ "${torn:-0}" -gt 0 ] && echo yes)"
