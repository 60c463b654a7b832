/* Stands before the C library: once the file named by SYNC_FAILS_WITH is there, syncs fail as on a disk
   that lost power. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static int outcome(const char *name, int file) {
  const char *fail = getenv("SYNC_FAILS_WITH");
  if (fail != NULL && access(fail, F_OK) == 0) {
    errno = EIO;
    return -1;
  }
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, name);
  return next(file);
}

int fdatasync(int file) { return outcome("fdatasync", file); }
int fsync(int file) { return outcome("fsync", file); }
