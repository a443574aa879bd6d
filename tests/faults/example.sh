#!/bin/sh
# The example of debrief/log.h does what it says, and says what went wrong.
. tests/faults/lib.sh

example=$BUILD/tests/embed/log_example
check "the example appends three entries and reads them" "implement ok/review fail/debug ok/" "$("$example" "$work/log" | tr '\n' /)"
: >"$work/file"
check "the example reports an error" "$work/file is not a folder: the path of a log names one, 1" \
  "$("$example" "$work/file" 2>&1), $("$example" "$work/file" >/dev/null 2>&1; echo $?)"
