// eventfd2(2), and taking its counter.
#include "binding.h"
#include <sys/eventfd.h>
#include <unistd.h>

CALL(call_eventfd) {
  napi_value value;
  uint32_t initial;
  if (!take_arguments(env, info, 1, &value) || !read_uint32(env, value, "initial", &initial)) return NULL;
  return number(env, outcome(eventfd(initial, EFD_CLOEXEC | EFD_NONBLOCK)));
}

CALL(call_take_eventfd) {
  napi_value value;
  napi_value taken = NULL;
  int fd;
  uint64_t count = 0;
  if (!take_arguments(env, info, 1, &value) || !read_int32(env, value, "fd", &fd)) return NULL;
  int result = outcome(read(fd, &count, sizeof count));
  if (result == (int)sizeof count) {
    napi_create_bigint_uint64(env, count, &taken);
  } else {
    // Less than 8 bytes: it is no eventfd.
    napi_create_bigint_int64(env, result < 0 ? result : -EINVAL, &taken);
  }
  return taken;
}
