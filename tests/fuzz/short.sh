#!/bin/sh
# Each fuzz target for a moment, with inputs by chance (drive.c); `make fuzz` looks for longer, and better.
for name in json_scan entry read timestamp secrets differential; do
  if said=$(tests/fuzz/run "${FUZZ_SECONDS:-2}" "$name" 2>&1); then echo "ok - $said"; else
    echo "not ok - $said" | head -6
  fi
done
