// What the module exports: one function for every call of `Syscalls` (src/seam/syscalls.ts), by the same name.
#include "binding.h"

#define EXPORT(js_name, function) \
  { .utf8name = js_name, .method = function, .attributes = napi_enumerable }

static const napi_property_descriptor EXPORTS[] = {
    EXPORT("open", call_open),
    EXPORT("close", call_close),
    EXPORT("closeAsync", call_close_async),
    EXPORT("duplicate", call_duplicate),
    EXPORT("ioctl", call_ioctl),
    EXPORT("ioctlAsync", call_ioctl_async),
    EXPORT("pread", call_pread),
    EXPORT("preadAsync", call_pread_async),
    EXPORT("pwrite", call_pwrite),
    EXPORT("pwriteAsync", call_pwrite_async),
    EXPORT("read", call_read),
    EXPORT("write", call_write),
    EXPORT("mmap", call_mmap),
    EXPORT("munmap", call_munmap),
    EXPORT("addressOf", call_address_of),
    EXPORT("eventfd", call_eventfd),
    EXPORT("takeEventfd", call_take_eventfd),
    EXPORT("watch", call_watch),
    EXPORT("ueventSocket", call_uevent_socket),
    EXPORT("socketPair", call_socket_pair),
    EXPORT("connectUnix", call_connect_unix),
    EXPORT("receive", call_receive),
    EXPORT("send", call_send),
    EXPORT("pidfdOpen", call_pidfd_open),
    EXPORT("pidfdGetfd", call_pidfd_getfd),
};

NAPI_MODULE_INIT() {
  napi_status status = napi_define_properties(env, exports, sizeof EXPORTS / sizeof EXPORTS[0], EXPORTS);
  return status == napi_ok ? exports : NULL;
}
