// Sockets: the kernel's uevents, a pair, and a connection to a unix socket. All are non-blocking and close-on-exec.
#include "binding.h"
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

// The multicast group of the kernel's own uevents (lib/kobject_uevent.c); group 2 is udev's.
#define KERNEL_GROUP 1

#define HOW (SOCK_CLOEXEC | SOCK_NONBLOCK)

// Closes `fd` and passes on what went wrong before.
static int given_up(int fd) {
  int result = -errno;
  close(fd);
  return result;
}

// With CAP_NET_ADMIN the size may be above net.core.rmem_max; otherwise the kernel cuts it to that.
static int set_receive_buffer(int fd, int bytes) {
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) == 0) return 0;
  return setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

static int open_uevents(int receive_buffer) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = KERNEL_GROUP};
  int fd = socket(AF_NETLINK, SOCK_RAW | HOW, NETLINK_KOBJECT_UEVENT);
  if (fd < 0) return -errno;
  if (set_receive_buffer(fd, receive_buffer) < 0) return given_up(fd);
  return bind(fd, (struct sockaddr *)&address, sizeof address) < 0 ? given_up(fd) : fd;
}

CALL(call_uevent_socket) {
  napi_value value;
  int receive_buffer;
  if (!take_arguments(env, info, 1, &value) || !read_int32(env, value, "receiveBuffer", &receive_buffer)) return NULL;
  return number(env, receive_buffer < 0 ? -EINVAL : open_uevents(receive_buffer));
}

CALL(call_socket_pair) {
  int fds[2];
  napi_value pair = NULL;
  (void)info;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | HOW, 0, fds) < 0) return number(env, -errno);
  if (napi_create_array_with_length(env, 2, &pair) == napi_ok &&
      napi_set_element(env, pair, 0, number(env, fds[0])) == napi_ok &&
      napi_set_element(env, pair, 1, number(env, fds[1])) == napi_ok) {
    return pair;
  }
  // The environment is ending: nobody will own them.
  for (int end = 0; end < 2; end++) close(fds[end]);
  return NULL;
}

static bool read_kind(napi_env env, napi_value value, int *type) {
  char kind[16] = "";
  size_t length = 0;
  napi_get_value_string_utf8(env, value, kind, sizeof kind, &length);
  bool stream = strcmp(kind, "stream") == 0;
  *type = stream ? SOCK_STREAM : SOCK_SEQPACKET;
  bool known = (stream || strcmp(kind, "seqpacket") == 0) && length == strlen(kind);
  return known || refuse(env, "kind", "'stream' or 'seqpacket'");
}

static int connect_unix(const struct sockaddr_un *address, int type) {
  int fd = socket(AF_UNIX, type | HOW, 0);
  if (fd < 0) return -errno;
  return connect(fd, (const struct sockaddr *)address, sizeof *address) < 0 ? given_up(fd) : fd;
}

CALL(call_connect_unix) {
  napi_value values[2];
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  bool fits;
  int type;
  if (!take_arguments(env, info, 2, values) ||
      !read_path(env, values[0], address.sun_path, sizeof address.sun_path, &fits) ||
      !read_kind(env, values[1], &type)) {
    return NULL;
  }
  return number(env, fits ? connect_unix(&address, type) : -ENAMETOOLONG);
}
