#include "libreadline.h"

#include <dlfcn.h>
#include <string.h>

#define TEXT(number)  #number
#define SONAME(major) "libreadline.so." TEXT(major)

libreadline rl;

/* Functions and variables alike are pointers of one size, as dlsym relies on. */
static bool find(void *library, const char *name, void *member) {
  void *symbol = library ? dlsym(library, name) : NULL;
  memcpy(member, &symbol, sizeof symbol);
  return symbol;
}

bool libreadline_load(char *why, size_t size) {
  /* The one whose headers this was compiled with: another major version may have other types. */
  void *library = dlopen(SONAME(RL_VERSION_MAJOR), RTLD_NOW | RTLD_LOCAL);
  bool ok = find(library, "readline", &rl.readline);
#define FIND(name) ok = ok && find(library, "rl_" #name, &rl.name);
  LIBREADLINE(FIND)
#undef FIND
#define FIND(name) ok = ok && find(library, #name, &rl.name);
  LIBHISTORY(FIND)
  if (!ok) snprintf(why, size, "%s", dlerror());
  return ok;
}
