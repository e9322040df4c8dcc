// Datagrams with descriptors (SCM_RIGHTS). Neither call ever blocks.
#include "binding.h"
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// What the kernel takes at once (include/net/scm.h:SCM_MAX_FD).
#define MOST_FDS 253

union sender {
  struct sockaddr any;
  struct sockaddr_nl netlink;
  struct sockaddr_un local;
};

struct fds {
  uint32_t count;
  int fd[MOST_FDS];
};

// Room for control data, aligned as its headers are.
union control {
  struct cmsghdr alignment;
  char bytes[CMSG_SPACE(MOST_FDS * sizeof(int))];
};

static void collect_fds(struct msghdr *message, struct fds *fds) {
  fds->count = 0;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part != NULL; part = CMSG_NXTHDR(message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
    uint32_t count = (uint32_t)((part->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    if (count > MOST_FDS - fds->count) count = MOST_FDS - fds->count;
    memcpy(fds->fd + fds->count, CMSG_DATA(part), count * sizeof(int));
    fds->count += count;
  }
}

static bool set(napi_env env, napi_value object, const char *name, napi_value value) {
  return value != NULL && napi_set_named_property(env, object, name, value) == napi_ok;
}

static napi_value boolean(napi_env env, bool value) {
  napi_value made = NULL;
  napi_get_boolean(env, value, &made);
  return made;
}

static napi_value list_fds(napi_env env, const struct fds *fds) {
  napi_value list = NULL;
  if (napi_create_array_with_length(env, fds->count, &list) != napi_ok) return NULL;
  for (uint32_t n = 0; n < fds->count; n++) {
    if (napi_set_element(env, list, n, number(env, fds->fd[n])) != napi_ok) return NULL;
  }
  return list;
}

static napi_value datagram(napi_env env, int result, bool truncated, uint32_t sender, const struct fds *fds) {
  napi_value made = NULL;
  napi_value port = NULL;
  if (napi_create_object(env, &made) == napi_ok && napi_create_uint32(env, sender, &port) == napi_ok &&
      set(env, made, "result", number(env, result)) && set(env, made, "truncated", boolean(env, truncated)) &&
      set(env, made, "sender", port) && set(env, made, "fds", list_fds(env, fds))) {
    return made;
  }
  // The environment is ending: nobody will own them.
  for (uint32_t n = 0; n < fds->count; n++) close(fds->fd[n]);
  return NULL;
}

CALL(call_receive) {
  napi_value values[2];
  int fd;
  struct memory memory;
  if (!take_arguments(env, info, 2, values) || !read_int32(env, values[0], "fd", &fd) ||
      !read_memory(env, values[1], "buffer", &memory)) {
    return NULL;
  }
  union sender sender = {.any.sa_family = AF_UNSPEC};
  union control control;
  struct fds fds;
  struct iovec part = {.iov_base = memory.data, .iov_len = memory.length};
  struct msghdr message = {.msg_name = &sender, .msg_namelen = sizeof sender, .msg_iov = &part, .msg_iovlen = 1};
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  int result = outcome(recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT));
  if (result < 0) {
    fds.count = 0;
    return datagram(env, result, false, 0, &fds);
  }
  collect_fds(&message, &fds);
  bool netlink = message.msg_namelen >= sizeof sender.netlink && sender.any.sa_family == AF_NETLINK;
  bool truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  return datagram(env, result, truncated, netlink ? sender.netlink.nl_pid : 0, &fds);
}

static bool read_fds(napi_env env, napi_value value, struct fds *fds) {
  bool is = false;
  napi_is_array(env, value, &is);
  if (!is) return refuse(env, "fds", "an array of descriptors");
  napi_get_array_length(env, value, &fds->count);
  if (fds->count > MOST_FDS) return refuse_range(env, "fds", "an array of at most 253 descriptors");
  for (uint32_t n = 0; n < fds->count; n++) {
    napi_value fd;
    if (napi_get_element(env, value, n, &fd) != napi_ok || !read_int32(env, fd, "fds", &fds->fd[n])) return false;
  }
  return true;
}

static void attach_fds(struct msghdr *message, union control *control, const struct fds *fds) {
  size_t bytes = fds->count * sizeof(int);
  if (fds->count == 0) return;
  memset(control, 0, sizeof *control);
  message->msg_control = control->bytes;
  message->msg_controllen = CMSG_SPACE(bytes);
  struct cmsghdr *part = CMSG_FIRSTHDR(message);
  part->cmsg_level = SOL_SOCKET;
  part->cmsg_type = SCM_RIGHTS;
  part->cmsg_len = CMSG_LEN(bytes);
  memcpy(CMSG_DATA(part), fds->fd, bytes);
}

CALL(call_send) {
  napi_value values[3];
  int fd;
  struct memory memory;
  struct fds fds;
  // The list first: its elements can be accessors, and their code could take away memory that was looked at before.
  if (!take_arguments(env, info, 3, values) || !read_int32(env, values[0], "fd", &fd) ||
      !read_fds(env, values[2], &fds) || !read_memory(env, values[1], "bytes", &memory)) {
    return NULL;
  }
  union control control;
  struct iovec part = {.iov_base = memory.data, .iov_len = memory.length};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  attach_fds(&message, &control, &fds);
  return number(env, outcome(sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)));
}
