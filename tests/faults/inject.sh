#!/bin/sh
# Every system call of an append fails in every way its manual page names: nothing may be acknowledged that is not in
# the file, and the entries after it must go in whole.
. tests/faults/lib.sh

if ! can_strace; then
  echo "skip - system calls fail one by one (strace cannot trace here)"
  exit 0
fi

n=0
# inject SENTENCE SYNC INJECTION... -- EXPECTED CODES: four appends with the calls of INJECTION tampered with.
inject() {
  sentence=$1 sync=$2
  shift 2
  n=$((n + 1))
  dir=$work/$n said=$work/$n.said args=
  [ "$sync" = old ] && mkdir "$dir" && printf '{"skill":"old"}\n{"tor' >"$dir/s1.jsonl"
  while [ "$1" != -- ]; do
    args="$args -e inject=$1"
    shift
  done
  # shellcheck disable=SC2086
  ASAN_OPTIONS=detect_leaks=0 timeout 20 strace -qq -f -o "$work/trace" $only $args \
    "$drivers/appender" "$dir" s1 4 100 $([ "$sync" = sync ] && echo sync) >"$said" 2>"$work/stderr"
  shift
  check "$sentence" "$1, 0 missing" "$(codes "$said"), $([ -e "$dir/s1.jsonl" ] && missing "$dir/s1.jsonl" "$said" || echo 0) missing"
}

# On the session's own file only: the program's other writes are its report.
on_file() {
  only="-P $work/$((n + 1))/s1.jsonl"
  inject "$@"
  only=
}

for e in $(some EIO ENOSPC EDQUOT EFBIG EPERM ENOMEM); do
  code=EIO
  [ $e = ENOMEM ] && code=EMEMORY
  on_file "write fails with $e: not acknowledged, the next ones go in" none write:error=$e:when=2 -- "ok $code ok ok"
done
on_file "write is interrupted: tried again" none write:error=EINTR:when=2..4 -- "ok ok ok ok"
on_file "write is always interrupted: given up" none write:error=EINTR -- "EIO EIO EIO EIO"
on_file "a healing write fails: healed by the next" old writev:error=EIO:when=1 -- "EIO ok ok ok"
on_file "lseek fails: not acknowledged" none lseek:error=EIO:when=2 -- "ok EIO ok ok"
on_file "pread before the write fails: nothing is written" old pread64:error=EIO:when=1 -- "EIO ok ok ok"
on_file "the first look at the file fails: nothing is written" none statx:error=EIO:when=1 -- "EIO ok ok ok"
on_file "the name cannot be looked up: the open file is taken" none statx:error=EACCES:when=3 -- "ok ok ok ok"
on_file "nor the file: nothing is written" none statx:error=EIO:when=3..4 -- "ok EIO ok ok"
on_file "flock is interrupted: tried again" none flock:error=EINTR:when=1 -- "ok ok ok ok"
on_file "flock has no locks: said so" none flock:error=ENOLCK:when=3 -- "ok EIO ok ok"
on_file "flock waits for another process and gives up" none flock:error=EAGAIN -- "ELOCKED ELOCKED ELOCKED ELOCKED"
on_file "unlocking fails: the file is closed instead" none flock:error=EIO:when=2 -- "ok ok ok ok"
on_file "fdatasync fails: in doubt, then poisoned" sync fdatasync:error=EIO:when=2 -- "ok ESYNC EPOISONED EPOISONED"
on_file "fdatasync says the disk is full: in doubt, then poisoned" sync fdatasync:error=ENOSPC:when=1 -- "ESYNC EPOISONED EPOISONED EPOISONED"
inject "fsync of the folder fails: in doubt, then poisoned" sync fsync:error=EIO:when=1 -- "ESYNC EPOISONED EPOISONED EPOISONED"
on_file "no descriptor to sync with: the session's own is synced" sync fcntl:error=EMFILE:when=2 -- "ok ok ok ok"
inject "mkdir on a read-only file system" none mkdir:error=EROFS -- "EIO EIO EIO EIO"
inject "mkdir fails once" none mkdir:error=ENOSPC:when=1 -- "EIO ok ok ok"
for e in $(some EMFILE ENFILE EACCES EROFS ENOSPC); do
  inject "openat2 fails with $e" none openat2:error=$e:when=1 -- "EIO ok ok ok"
done
inject "a kernel without openat2" none openat2:error=ENOSYS -- "ok ok ok ok"
inject "a sandbox that forbids openat2" none openat2:error=EPERM -- "ok ok ok ok"
: >"$work/elsewhere"
mkdir "$work/$((n + 1))" && ln -s "$work/elsewhere" "$work/$((n + 1))/s1.jsonl"
inject "and links are refused there, too" none openat2:error=ENOSYS -- "EUNSAFE EUNSAFE EUNSAFE EUNSAFE"
check "and not followed" "" "$(cat "$work/elsewhere")"
inject "a file system without modes" none fchmod:error=EPERM -- "ok ok ok ok"

only="-P $work/$((n + 1))/s1.jsonl" # how a message reads
inject "flock without locks names the file" none flock:error=ENOLCK -- "EIO EIO EIO EIO"
check "and says what to do" \
  "EIO cannot lock $dir/s1.jsonl: no locks available: nothing was written; the log's folder must be on a file system with flock(2)" \
  "$(head -1 "$said")"

# The shape of an append in the steady state, and of a batch: what the speed rests on.
ASAN_OPTIONS=detect_leaks=0 strace -qq -o "$work/trace" "$drivers/appender" "$work/steady" s1 3 100 >/dev/null
calls=$(sed -n 's/^\([a-z0-9]*\)(.*/\1/p' "$work/trace" | tr '\n' ' ')
case $calls in
*"flock statx write lseek flock write "*) echo "ok - an append on a held handle is five calls" ;;
*) check "an append on a held handle is five calls" "flock statx write lseek flock" "$calls" ;;
esac

figure "system calls" "of appends, each failing in each way" "$n runs, $checks checks, wrong $wrongs" "no false acknowledgement" "$(nothing_wrong)"
