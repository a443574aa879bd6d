# lib.sh: what every script here begins with. Sourced, from the project's root.
# One line per test on standard output: "ok - sentence", "not ok - sentence" (with what was seen) or "skip - sentence".

BUILD=${BUILD:-build}
drivers=$BUILD/tests/faults
work=$(mktemp -d "${TMPDIR:-/tmp}/debrief-faults-XXXXXX")
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT

# check SENTENCE EXPECTED GOT: are the two texts equal?
checks=0 wrongs=0
check() {
  checks=$((checks + 1))
  if [ "$2" = "$3" ]; then
    echo "ok - $1"
  else
    wrongs=$((wrongs + 1))
    echo "not ok - $1"
    printf '# expected: %s\n#      got: %s\n' "$2" "$3"
  fi
}

# codes FILE: the first words of what an appender said, in one line.
codes() { cut -d' ' -f1 "$1" | tr '\n' ' ' | sed 's/ $//'; }

# missing SESSION SAID: how many of the acknowledged entries have no line of their own in the file.
missing() {
  sed -n 's/^ok \(k[0-9]*\)$/\1/p' "$2" | while read -r key; do
    grep -c "^{\"session_id\":\"[^\"]*\",\"timestamp\":\"[^\"]*\",\"skill\":\"$key\",\"pad\":\"x*\",\"end\":\"$key\"}\$" "$1" |
      grep -vx 1
  done | wc -l
}

# nothing_wrong: yes or no.
nothing_wrong() { if [ $wrongs -eq 0 ]; then echo yes; else echo no; fi; }

# figure AREA WHAT FIGURE GOAL MET: what was counted, for the table in build/torture.md; see tests/torture/figure.h.
figure() { [ -z "$FIGURES" ] || printf '%s\t%s\t%s\t%s\t%s\n' "$@" >>"$FIGURES"; }

# some WORD...: all of them with TORTURE, else the first and the last.
some() {
  first=$1
  [ -n "$TORTURE" ] || [ $# -lt 3 ] || { shift $(($# - 1)) && set -- "$first" "$1"; }
  echo "$@"
}

can_strace() { strace -qq -o /dev/null -e inject=getppid:error=EPERM true 2>/dev/null; }
