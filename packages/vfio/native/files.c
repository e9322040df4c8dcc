// Files and descriptors: open, close, duplicate, read, write, pread, pwrite.
#include "binding.h"
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

// What a file gets that O_CREAT makes: nobody else's business.
#define CREATED_MODE 0600

int close_descriptor(int fd) {
  int result = outcome(close(fd));
  return result == -EINTR ? 0 : result;
}

CALL(call_open) {
  napi_value values[2];
  char path[PATH_MAX];
  bool fits;
  int flags;
  if (!take_arguments(env, info, 2, values) || !read_path(env, values[0], path, sizeof path, &fits) ||
      !read_int32(env, values[1], "flags", &flags)) {
    return NULL;
  }
  return number(env, fits ? outcome(open(path, flags | O_CLOEXEC, CREATED_MODE)) : -ENAMETOOLONG);
}

CALL(call_close) {
  napi_value value;
  int fd;
  if (!take_arguments(env, info, 1, &value) || !read_int32(env, value, "fd", &fd)) return NULL;
  return number(env, close_descriptor(fd));
}

CALL(call_duplicate) {
  napi_value value;
  int fd;
  if (!take_arguments(env, info, 1, &value) || !read_int32(env, value, "fd", &fd)) return NULL;
  return number(env, outcome(fcntl(fd, F_DUPFD_CLOEXEC, 0)));
}

static bool take_transfer(napi_env env, napi_callback_info info, int *fd, struct memory *memory, int64_t *offset) {
  napi_value values[3];
  size_t count = offset != NULL ? 3 : 2;
  return take_arguments(env, info, count, values) && read_int32(env, values[0], "fd", fd) &&
         read_memory(env, values[1], "buffer", memory) && (offset == NULL || read_offset(env, values[2], offset));
}

CALL(call_pread) {
  int fd;
  struct memory memory;
  int64_t offset;
  if (!take_transfer(env, info, &fd, &memory, &offset)) return NULL;
  return number(env, outcome(pread(fd, memory.data, memory.length, offset)));
}

CALL(call_pwrite) {
  int fd;
  struct memory memory;
  int64_t offset;
  if (!take_transfer(env, info, &fd, &memory, &offset)) return NULL;
  return number(env, outcome(pwrite(fd, memory.data, memory.length, offset)));
}

CALL(call_read) {
  int fd;
  struct memory memory;
  if (!take_transfer(env, info, &fd, &memory, NULL)) return NULL;
  return number(env, outcome(read(fd, memory.data, memory.length)));
}

CALL(call_write) {
  int fd;
  struct memory memory;
  if (!take_transfer(env, info, &fd, &memory, NULL)) return NULL;
  return number(env, outcome(write(fd, memory.data, memory.length)));
}
