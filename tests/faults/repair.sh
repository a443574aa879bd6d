#!/bin/sh
# A repair whose system calls fail, which is killed before each of them, whose disk is full, and which others append
# under: the session is the old one or the new one, whole, and nothing is lost.
. tests/faults/lib.sh

line() { printf '{"session_id":"s1","skill":"%s"}' "$1"; }
{ line a; printf '\n{"torn\n'; line b; line c; printf '\n\0\0\n{"t'; } >"$work/damaged"
{ line a; echo; line b; echo; line c; echo; } >"$work/repaired"
mkdir "$work/damaged.d" && (umask 077 && cp "$work/damaged" "$work/damaged.d/s1.jsonl")

# What is in the folder: "old" or "new", and how many whole copies, cut ones, and other files beside it.
state() {
  session=lost whole=0 cut=0 others=0
  if cmp -s "$1/s1.jsonl" "$work/damaged"; then session=old
  elif cmp -s "$1/s1.jsonl" "$work/repaired"; then session=new; fi
  for file in "$1"/.[!.]* "$1"/*; do
    case $file in
    */s1.jsonl | *[*]*) ;;
    *.broken-*) if cmp -s "$file" "$work/damaged"; then whole=$((whole + 1)); else cut=$((cut + 1)); fi ;;
    *) others=$((others + 1)) ;;
    esac
  done
  echo "$session $whole $cut $others"
}

n=0
fresh() { # a folder of its own: $dir
  n=$((n + 1))
  dir=$work/$n
  cp -rp "$work/damaged.d" "$dir"
}

repair() { "$drivers/repairer" "$dir" s1; }

# traced WORD...: repair under strace with these options; what it says is in $said. One that tries again and again ends
# after 20 s of a processor.
traced() {
  said=$(exec 2>/dev/null; ulimit -t 20; ASAN_OPTIONS=detect_leaks=0 exec strace -qq -o "$work/trace" "$@" "$drivers/repairer" "$dir" s1)
}

fresh
said=$(repair)
check "a repair keeps the three entries and lists what is left out" "ok 3 3, new 1 0 0" "$said, $(state "$dir")"
check "a second one finds nothing to do" "clean 3, new 1 0 0" "$(repair), $(state "$dir")"

# ---- Others append meanwhile -----------------------------------------------------------------------------------

mkdir "$work/storm"
met=yes
said=$("$drivers/repair_storm" "$work/storm" "${REPAIRS:-100}" 2>&1) || met=no
if [ $met = yes ]; then echo "ok - $said"; else printf 'not ok - %s\n' "$said" | head -3; fi
figure damage "repaired while others append" "$(echo "$said" | head -1)" "lost 0, twice 0, damaged 0" $met
check "and nothing lies about after the storm" "" "$(ls -A "$work/storm")"

# ---- A full disk -----------------------------------------------------------------------------------------------

if unshare -m sh -c "mount -t tmpfs -o size=16k none '$work/storm'" 2>/dev/null; then
  for ballast in 4096; do # room for half a new session
    unshare -m sh -c '
      mount -t tmpfs -o size=24k none "$1/storm"
      { printf "{\"a\":\""; head -c 6000 /dev/zero | tr "\0" x; printf "\"}\n{x\n"; } >"$1/storm/s1.jsonl"
      head -c '$((16384 - ballast))' /dev/zero >"$1/storm/ballast"
      cp "$1/storm/s1.jsonl" "$1/before"
      "$2/repairer" "$1/storm" s1 >"$1/said"
      cmp "$1/before" "$1/storm/s1.jsonl" >"$1/differs" 2>&1
      ls -A "$1/storm" >"$1/left"
      rm "$1/storm/ballast"
      "$2/repairer" "$1/storm" s1 >"$1/again"
    ' sh "$work" "$(realpath "$drivers")"
    check "a full disk leaves the session as it was ($ballast bytes free)" ", ballast s1.jsonl" \
      "$(cat "$work/differs"), $(tr '\n' ' ' <"$work/left" | sed 's/ $//')"
    check "and says so ($ballast bytes free)" 1 \
      "$(grep -c "^EIO cannot write .*: No space left on device: $work/storm/s1.jsonl was not repaired and is as it was; free some space, then repair again\$" "$work/said")"
    check "and with room it succeeds ($ballast bytes free)" "ok 1 1" "$(cat "$work/again")"
  done
else
  echo "skip - a full disk (no mount namespaces here)"
fi

if ! can_strace; then
  echo "skip - system calls of a repair fail one by one (strace cannot trace here)"
  echo "skip - a repair is killed before each system call (strace cannot trace here)"
  exit 0
fi

# ---- The order of the steps ------------------------------------------------------------------------------------

fresh
traced -e trace=openat2,flock,write,fsync,linkat,renameat,unlinkat
check "the new session is on disk, then the old one is locked and has its second name, then the new one gets the first" \
  "openat2 openat2 flock openat2 write fsync linkat unlinkat flock fsync linkat fsync renameat fsync write" \
  "$(grep -v 'LOCK_SH\|LOCK_UN' "$work/trace" | sed -n 's/^\([a-z0-9]*\)(.*/\1/p' | tr '\n' ' ' | sed 's/ $//')"

# ---- Calls that fail -------------------------------------------------------------------------------------------

# fault SENTENCE EXPECTED WORD...: what is said and left, and that a repair works afterwards.
fault() {
  sentence=$1 expected=$2
  shift 2
  traced "$@"
  check "$sentence" "$expected" "${said%% *} $(state "$dir")"
  rm -f "$dir"/*.broken-*
  repair >/dev/null
  now=$(state "$dir")
  check "$sentence: and a repair works afterwards" new "${now%% *}"
}

for e in $(some EIO ENOSPC EDQUOT EFBIG ENOMEM); do
  code=EIO
  [ $e = ENOMEM ] && code=EMEMORY
  fresh; fault "writing the new session fails with $e" "$code old 0 0 0" -e inject=write:error=$e:when=1
  fresh; fault "writing the copy fails with $e" "$code old 0 0 0" -e inject=linkat:error=EPERM -e inject=write:error=$e:when=2
done
for e in $(some EPERM EOPNOTSUPP EMLINK); do
  fresh; fault "no hard links ($e): copied byte by byte" "ok new 1 0 0" -e inject=linkat:error=$e
done
fresh; fault "the link fails under the lock" "EIO old 0 0 0" -e inject=linkat:error=EIO:when=2
fresh; fault "syncing the copy fails" "EIO old 0 0 0" -e inject=linkat:error=EPERM -e inject=fsync:error=EIO:when=3
fresh; fault "writes are interrupted: tried again" "ok new 1 0 0" -e inject=write:error=EINTR:when=1..2
for k in 1 2 3; do
  fresh; fault "sync $k of 4 fails" "EIO old 0 0 0" -e inject=fsync:error=EIO:when=$k
done
fresh; fault "the last sync fails: repaired, but said so" "EIO new 1 0 0" -e inject=fsync:error=EIO:when=4
for e in $(some EMFILE EACCES EROFS ENOSPC); do
  for k in 1 2 3; do
    fresh; fault "opening file $k of 3 fails with $e" "EIO old 0 0 0" -e inject=openat2:error=$e:when=$k
  done
done
fresh; fault "a kernel without openat2" "ok new 1 0 0" -e inject=openat2:error=ENOSYS
for e in $(some EIO ENOSPC EXDEV EACCES); do
  fresh; fault "the rename fails with $e" "EIO old 0 0 0" -e inject=renameat:error=$e
done
fresh; fault "flock has no locks" "EIO old 0 0 0" -e inject=flock:error=ENOLCK:when=3
fresh; fault "flock has no locks for the session" "EIO old 0 0 0" -e inject=flock:error=ENOLCK:when=4
fresh; fault "flock waits for somebody and gives up" "ELOCKED old 0 0 0" -e inject=flock:error=EAGAIN:when=4+
fresh; fault "flock is interrupted: tried again" "ok new 1 0 0" -e inject=flock:error=EINTR:when=3
for k in 1 2 3; do
  fresh; fault "read $k of the session fails" "EIO old 0 0 0" -P "$dir/s1.jsonl" -e inject=pread64:error=EIO:when=$k
  fresh; fault "look $k at the session fails" "EIO old 0 0 0" -P "$dir/s1.jsonl" -e inject=newfstatat:error=EIO:when=$k
done
fresh; fault "no descriptor to spare for the folder" "EIO old 0 0 0" -e inject=fcntl:error=EMFILE:when=1
fresh; fault "no descriptor to spare for the reader" "EIO old 0 0 0" -e inject=fcntl:error=EMFILE:when=4
fresh; fault "what another repair left cannot be removed, nor the copy" "ok new 2 0 0" -e inject=unlinkat:error=EACCES

# ---- Killed ----------------------------------------------------------------------------------------------------

# some_of N: 1 to N; in the short form the last and every fourth.
some_of() { seq "$1" | if [ -n "$TORTURE" ]; then cat; else sed -n -e '1~4p' -e '1~4!{$p}'; fi; }

fresh
: >"$dir/.s1.jsonl.repair" # as the first of two kills leaves it
traced -e trace=openat2,pread64,write,fsync,linkat,ftruncate,renameat,unlinkat,flock,fcntl,close,newfstatat
wrong=0 kills=0 olds=0 news=0
for call in $(sed -n 's/^\([a-z0-9]*\)(.*/\1/p' "$work/trace" | sort | uniq -c | sed 's/^ *\([0-9]*\) \(.*\)/\2:\1/'); do
  for k in $(some_of "${call#*:}"); do
    fresh
    traced -e "inject=${call%:*}:signal=KILL:when=$k"
    kills=$((kills + 1))
    case $(state "$dir") in
    "old "*) olds=$((olds + 1)) ;;
    "new 1 0 0") news=$((news + 1)) ;;
    *) wrong=$((wrong + 1)); echo "# killed at $call, $k: $(state "$dir")" ;;
    esac
    repair >/dev/null
    case $(state "$dir") in
    "new "[1-9]*" 0") ;;
    *) wrong=$((wrong + 1)); echo "# and repaired after $call, $k: $(state "$dir")" ;;
    esac
    rm -rf "$dir"
  done
done
check "a repair killed before each of its calls loses nothing, and the next one repairs it" 0 $wrong
check "and the kills ($olds before the rename, $news after it) came in all places, or they show nothing" yes \
  "$([ $kills -gt 20 ] && [ $olds -gt 15 ] && [ $news -gt 1 ] && echo yes)"
figure kills "repairs, before each of their calls" "kills $kills, wrong $wrong" "wrong 0" "$([ $wrong -eq 0 ] && echo yes || echo no)"
figure "system calls" "of repairs, each failing" "$checks checks, wrong $wrongs" "wrong 0" "$(nothing_wrong)"
