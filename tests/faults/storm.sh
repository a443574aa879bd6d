#!/bin/sh
# Writers that are killed in the middle of a write: no acknowledged entry may be lost, and none may be there twice.
. tests/faults/lib.sh

said=$("$drivers/storm" "$work" "${KILLS:-200}" 30 2>&1)
if [ $? -eq 0 ]; then echo "ok - $said"; else printf 'not ok - %s\n' "$said" | head -3; fi
