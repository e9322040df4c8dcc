// What a call costs in C: `calls ioctl N` (FIONREAD of a unix socket), `calls pread N FILE` (4 KiB at offset 0). Prints the
// nanoseconds of one call.
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static void ioctls(long count) {
  int pair[2];
  int waiting;
  if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) < 0) die("socketpair");
  for (long n = 0; n < count; n++) {
    if (ioctl(pair[0], FIONREAD, &waiting) < 0) die("ioctl");
  }
}

static void preads(long count, const char *path) {
  static char bytes[4096];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) die(path);
  for (long n = 0; n < count; n++) {
    if (pread(fd, bytes, sizeof bytes, 0) != sizeof bytes) die("pread");
  }
}

int main(int argc, char **argv) {
  if (argc < 3) return 2;
  long count = atol(argv[2]);
  uint64_t begin = now();
  if (strcmp(argv[1], "ioctl") == 0) {
    ioctls(count);
  } else if (argc > 3) {
    preads(count, argv[3]);
  }
  printf("%.3f\n", (double)(now() - begin) / (double)count);
  return 0;
}
