// ioctl(2).
#include "binding.h"
#include <sys/ioctl.h>

CALL(call_ioctl) {
  napi_value values[3];
  int fd;
  uint32_t request;
  void *argument;
  if (!take_arguments(env, info, 3, values) || !read_int32(env, values[0], "fd", &fd) ||
      !read_uint32(env, values[1], "request", &request) || !read_ioctl_argument(env, values[2], &argument)) {
    return NULL;
  }
  return number(env, outcome(ioctl(fd, (unsigned long)request, argument)));
}
