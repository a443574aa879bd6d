#include "store.h"

#include "error.h"

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* A program that is linked with the library has the function already. */
extern const dbf_store_kind *debrief_nats_store(void) __attribute__((weak));

typedef const dbf_store_kind *(*find_kind)(void);

bool dbf_store_is_address(const char *text) {
  return strncmp(text, "nats://", 7) == 0 || strncmp(text, "tls://", 6) == 0;
}

/* The file that this code is in, as a path that holds wherever the process went; NULL: it is not known. */
static char *own_file(void) {
  static const char place = 0;
  Dl_info own, program;
  if (!dladdr(&place, &own) || !own.dli_fname) return NULL;
  /* glibc calls the program by argv[0], which need not be a path. */
  void *headers = (void *)getauxval(AT_PHDR);
  if (headers && dladdr(headers, &program) && program.dli_fbase == own.dli_fbase)
    return realpath("/proc/self/exe", NULL);
  return realpath(own.dli_fname, NULL);
}

/* Beside this code, as in the folder of a build, or where `make install` puts it: below the same prefix. An installed one
 * of another version is so found last. */
static void *open_library(char *why, size_t size) {
  static const char *const places[] = {"", "../lib/", "../", "../../"};
  char path[4096], *own = own_file(), *slash = own ? strrchr(own, '/') : NULL;
  void *library = NULL;
  if (slash) slash[1] = '\0';
  for (size_t i = 0; slash && !library && i < sizeof places / sizeof *places; i++) {
    int len = snprintf(path, sizeof path, "%s%s%s", own, places[i], DBF_STORE_LIBRARY);
    if (len < 0 || (size_t)len >= sizeof path || access(path, R_OK) != 0) continue;
    library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(why, size, "%s", dlerror());
  }
  free(own);
  if (!library && !*why) {
    library = dlopen(DBF_STORE_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (!library) snprintf(why, size, "%s", dlerror());
  }
  return library;
}

/* A handler of signals finds it here, whatever else is being closed. */
static _Atomic(const dbf_store_kind *) loaded;

static const dbf_store_kind *usable(const dbf_store_kind *kind, debrief_error *err) {
  if (kind && kind->version == DBF_STORE_VERSION && kind->size >= sizeof *kind) {
    atomic_store(&loaded, kind);
    return kind;
  }
  dbf_fail(err, DEBRIEF_EIO, "%s is of another version: install debrief and it together", DBF_STORE_LIBRARY);
  return NULL;
}

/* It is never closed: its threads may outlive every log. */
const dbf_store_kind *dbf_store_load(debrief_error *err) {
  char why[256] = "";
  if (debrief_nats_store) return usable(debrief_nats_store(), err);
  void *library = open_library(why, sizeof why);
  void *symbol = library ? dlsym(library, DBF_STORE_SYMBOL) : NULL;
  if (!symbol) {
    dbf_fail(err, DEBRIEF_EIO,
             "addresses need the library %s and the Debian package libnats3.4: %s; install what is missing",
             DBF_STORE_LIBRARY, *why ? why : "it is of another version");
    return NULL;
  }
  find_kind find;
  memcpy(&find, &symbol, sizeof find); /* ISO C has no cast from an object to a function */
  return usable(find(), err);
}

void dbf_store_abandon(void) {
  const dbf_store_kind *kind = atomic_load(&loaded);
  if (kind) kind->abandon();
}
