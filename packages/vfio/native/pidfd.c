// pidfd_open(2) and pidfd_getfd(2), by number: older C libraries have no names for them. The kernel makes both descriptors
// close-on-exec.
#include "binding.h"
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438
#endif

CALL(call_pidfd_open) {
  napi_value value;
  int pid;
  if (!take_arguments(env, info, 1, &value) || !read_int32(env, value, "pid", &pid)) return NULL;
  return number(env, outcome(syscall(SYS_pidfd_open, pid, 0)));
}

CALL(call_pidfd_getfd) {
  napi_value values[2];
  int pidfd;
  int fd;
  if (!take_arguments(env, info, 2, values) || !read_int32(env, values[0], "pidfd", &pidfd) ||
      !read_int32(env, values[1], "fd", &fd)) {
    return NULL;
  }
  return number(env, outcome(syscall(SYS_pidfd_getfd, pidfd, fd, 0)));
}
