// How long a signalled eventfd takes to its handler. Descriptor 3 wakes the handler, 4 answers; the time of the signal is in
// FILE, which both map.
//   latency signal N FILE    signals N times, each time when the handler has answered and had time to fall asleep
//   latency handle N FILE    the plainest handler: an epoll loop; prints every latency in nanoseconds
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define WAKE 3
#define ANSWER 4
// Long enough that the handler waits in the kernel again.
#define PAUSE_NS 50000

static void die(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (uint64_t)at.tv_sec * 1000000000 + (uint64_t)at.tv_nsec;
}

static volatile uint64_t *map(const char *path) {
  int fd = open(path, O_RDWR | O_CLOEXEC);
  if (fd < 0) die(path);
  void *memory = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) die("mmap");
  return memory;
}

static void add(int fd) {
  uint64_t one = 1;
  if (write(fd, &one, sizeof one) != sizeof one) die("write");
}

static void take(int fd) {
  uint64_t count;
  if (read(fd, &count, sizeof count) != sizeof count) die("read");
}

static void signal_handler(long count, volatile uint64_t *stamp) {
  struct pollfd answer = {.fd = ANSWER, .events = POLLIN};
  for (long n = 0; n < count; n++) {
    for (uint64_t until = now() + PAUSE_NS; now() < until;) {
    }
    *stamp = now();
    add(WAKE);
    if (poll(&answer, 1, -1) < 0) die("poll");
    take(ANSWER);
  }
}

static void handle(long count, volatile uint64_t *stamp) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = WAKE};
  int epoll = epoll_create1(EPOLL_CLOEXEC);
  uint64_t *latencies = calloc((size_t)count, sizeof *latencies);
  if (latencies == NULL || epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, WAKE, &event) < 0) die("epoll");
  for (long n = 0; n < count; n++) {
    if (epoll_wait(epoll, &event, 1, -1) != 1) die("epoll_wait");
    latencies[n] = now() - *stamp;
    take(event.data.fd);
    add(ANSWER);
  }
  for (long n = 0; n < count; n++) printf("%llu\n", (unsigned long long)latencies[n]);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  volatile uint64_t *stamp = map(argv[3]);
  if (strcmp(argv[1], "signal") == 0) {
    signal_handler(atol(argv[2]), stamp);
  } else {
    handle(atol(argv[2]), stamp);
  }
  return 0;
}
