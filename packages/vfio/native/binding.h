// What the rooms of this addon share. Every function that JavaScript calls has the signature of napi_callback, answers the
// call's result or a negative errno, and throws only for arguments of a wrong type or beyond their range.
#ifndef PCI_RECOVERY_VFIO_BINDING_H
#define PCI_RECOVERY_VFIO_BINDING_H

#include <errno.h>
#include <node_api.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// The bytes of a Uint8Array. Of a view of length 0, `data` is NULL: the kernel answers EFAULT instead of touching anything.
struct memory {
  void *data;
  size_t length;
};

// Arguments (arguments.c). Each answers false after it has thrown.
bool take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values);
bool read_int32(napi_env env, napi_value value, const char *name, int *out);
bool read_uint32(napi_env env, napi_value value, const char *name, uint32_t *out);
bool read_integer(napi_env env, napi_value value, const char *name, int64_t *out);
bool read_offset(napi_env env, napi_value value, int64_t *out);
bool read_memory(napi_env env, napi_value value, const char *name, struct memory *out);
bool read_function(napi_env env, napi_value value, const char *name);
// A string without NUL. One that does not fit into `size` bytes is cut, and `*fits` says so.
bool read_path(napi_env env, napi_value value, char *buffer, size_t size, bool *fits);
// What an ioctl takes as its third argument: memory, a number, or nothing.
bool read_ioctl_argument(napi_env env, napi_value value, void **out);
bool refuse(napi_env env, const char *name, const char *expected);
bool refuse_range(napi_env env, const char *name, const char *expected);

// Result of a system call as JavaScript sees it. Must directly follow the call, as errno does.
static inline int outcome(int64_t result) { return result < 0 ? -errno : (int)result; }

static inline napi_value number(napi_env env, int value) {
  napi_value made = NULL;
  napi_create_int32(env, value, &made);
  return made;
}

// Mappings (memory.c). An asynchronous call pins the mapping that its memory lies in, so that it is not unmapped meanwhile.
struct mapping;
struct mapping *pin_mapping(napi_env env, napi_value memory);
void unpin_mapping(struct mapping *mapping);

// close(2); EINTR counts as closed (files.c).
int close_descriptor(int fd);

#define CALL(name) napi_value name(napi_env env, napi_callback_info info)
CALL(call_open);
CALL(call_close);
CALL(call_close_async);
CALL(call_duplicate);
CALL(call_ioctl);
CALL(call_ioctl_async);
CALL(call_pread);
CALL(call_pread_async);
CALL(call_pwrite);
CALL(call_pwrite_async);
CALL(call_read);
CALL(call_write);
CALL(call_mmap);
CALL(call_munmap);
CALL(call_address_of);
CALL(call_eventfd);
CALL(call_take_eventfd);
CALL(call_watch);
CALL(call_uevent_socket);
CALL(call_socket_pair);
CALL(call_connect_unix);
CALL(call_receive);
CALL(call_send);
CALL(call_pidfd_open);
CALL(call_pidfd_getfd);

#endif
