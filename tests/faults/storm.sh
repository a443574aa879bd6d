#!/bin/sh
# Writers that are killed in the middle of a write: no acknowledged entry may be lost, and none may be there twice.
. tests/faults/lib.sh

met=yes
said=$("$drivers/storm" "$work" "${KILLS:-50}" "${KILLS_SECONDS:-30}" 2>&1) || met=no
if [ $met = yes ]; then echo "ok - $said"; else printf 'not ok - %s\n' "$said" | head -3; fi
figure kills "writers, by kill -9 and in the middle of a record" "$(echo "$said" | head -1)" "lost 0, twice 0" $met
