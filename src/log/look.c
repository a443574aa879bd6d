#include "look.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The kernel's struct statx and its masks, in our own words: musl before 1.2.5 has neither, and <linux/stat.h> does not
 * go together with <sys/stat.h> in some C libraries. The layout is the same on every processor. */
typedef struct kernel_time {
  int64_t seconds;
  uint32_t nanoseconds;
  int32_t reserved;
} kernel_time;

typedef struct kernel_statx {
  uint32_t mask, blksize;
  uint64_t attributes;
  uint32_t nlink, uid, gid;
  uint16_t mode, spare;
  uint64_t ino, size, blocks, attributes_mask;
  kernel_time atime, btime, ctime, mtime;
  uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
  uint64_t rest[14];
} kernel_statx;

_Static_assert(sizeof(kernel_statx) == 256, "the kernel writes 256 bytes");

enum { TYPE = 1, MODE = 2, NLINK = 4, MTIME = 0x40, INO = 0x100, SIZE = 0x200 };
enum { WHAT = TYPE | MODE | NLINK | INO | SIZE, EMPTY_PATH = 0x1000 };

static int64_t ns_since_1970(kernel_time time) {
  int64_t ns;
  if (!__builtin_mul_overflow(time.seconds, (int64_t)1000000000, &ns) &&
      !__builtin_add_overflow(ns, (int64_t)time.nanoseconds, &ns))
    return ns;
  return time.seconds < 0 ? INT64_MIN : INT64_MAX;
}

static bool look_at(int folder, const char *name, int flags, unsigned what, dbf_look *look) {
  kernel_statx st;
  if (syscall(SYS_statx, folder, name, flags, what, &st) != 0) return false;
  *look = (dbf_look){.device = makedev(st.dev_major, st.dev_minor),
                     .inode = st.ino,
                     .size = st.size,
                     .links = st.nlink,
                     .mode = st.mode,
                     .mtime_ns = what & MTIME ? ns_since_1970(st.mtime) : 0};
  return true;
}

bool dbf_look_at(int fd, dbf_look *look) {
  return look_at(fd, "", EMPTY_PATH, WHAT, look);
}

bool dbf_look_at_name(int folder, const char *name, dbf_look *look) {
  return look_at(folder, name, AT_SYMLINK_NOFOLLOW, WHAT, look);
}

bool dbf_look_at_times(int folder, const char *name, dbf_look *look) {
  return look_at(folder, name, AT_SYMLINK_NOFOLLOW, WHAT | MTIME, look);
}
