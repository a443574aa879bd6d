#!/bin/sh
# A session is torn, repaired and renamed away while four processes append to it: a follower returns each entry once, in order.
. tests/faults/lib.sh

for way in inotify poll; do
  for rotations in 0 3; do
    mkdir "$work/$way$rotations"
    met=yes
    said=$("$drivers/follow_storm" "$work/$way$rotations" "${ENTRIES:-2000}" "$rotations" "$way" 2>&1) || met=no
    if [ $met = yes ]; then echo "ok - $way, $said"; else printf 'not ok - %s, %s\n' "$way" "$said" | head -5; fi
    figure damage "under a follower ($way, $rotations renames)" "$(echo "$said" | head -1)" "lost 0, twice 0, out of order 0" $met
  done
done
