// Calls that block, in a thread of node's pool. Nothing is copied: a reference keeps the caller's memory alive. When the
// environment ends (a Worker is terminated), node waits for calls that are under way; their promises stay unsettled.
#include "binding.h"
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct task {
  int (*run)(const struct task *task);
  int fd;
  int result;
  uint32_t request;
  void *argument;
  size_t length;
  int64_t offset;
  napi_ref memory;
  struct mapping *pinned;
  napi_deferred deferred;
  napi_async_work work;
};

static int run_close(const struct task *task) { return close_descriptor(task->fd); }
static int run_ioctl(const struct task *task) {
  return outcome(ioctl(task->fd, (unsigned long)task->request, task->argument));
}
static int run_pread(const struct task *task) {
  return outcome(pread(task->fd, task->argument, task->length, task->offset));
}
static int run_pwrite(const struct task *task) {
  return outcome(pwrite(task->fd, task->argument, task->length, task->offset));
}

static void execute(napi_env env, void *data) {
  struct task *task = data;
  (void)env;
  task->result = task->run(task);
}

static void release(napi_env env, struct task *task) {
  unpin_mapping(task->pinned);
  if (task->memory != NULL) napi_delete_reference(env, task->memory);
  if (task->work != NULL) napi_delete_async_work(env, task->work);
  free(task);
}

static void complete(napi_env env, napi_status status, void *data) {
  struct task *task = data;
  // Fails when the environment is ending: nobody is left to be told.
  napi_resolve_deferred(env, task->deferred, number(env, status == napi_ok ? task->result : -ECANCELED));
  release(env, task);
}

static bool hold_memory(napi_env env, struct task *task, napi_value memory) {
  if (memory == NULL) return true;
  task->pinned = pin_mapping(env, memory);
  return napi_create_reference(env, memory, 1, &task->memory) == napi_ok;
}

static bool enqueue(napi_env env, struct task *task, napi_value *promise) {
  napi_value name;
  return napi_create_string_utf8(env, "pci-recovery.syscall", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_create_async_work(env, NULL, name, execute, complete, task, &task->work) == napi_ok &&
         napi_create_promise(env, &task->deferred, promise) == napi_ok &&
         napi_queue_async_work(env, task->work) == napi_ok;
}

// Starts a copy of `given`; `memory` (or NULL) stays alive until it is done.
static napi_value start(napi_env env, const struct task *given, napi_value memory) {
  napi_value promise = NULL;
  struct task *task = malloc(sizeof *task);
  if (task == NULL) {
    napi_throw_error(env, "ENOMEM", "There is no memory for an asynchronous call.");
    return NULL;
  }
  *task = *given;
  if (hold_memory(env, task, memory) && enqueue(env, task, &promise)) return promise;
  release(env, task);
  napi_throw_error(env, "ECANCELED", "The asynchronous call could not be started: the environment is ending.");
  return NULL;
}

CALL(call_close_async) {
  napi_value value;
  struct task task = {.run = run_close};
  if (!take_arguments(env, info, 1, &value) || !read_int32(env, value, "fd", &task.fd)) return NULL;
  return start(env, &task, NULL);
}

CALL(call_ioctl_async) {
  napi_value values[3];
  struct task task = {.run = run_ioctl};
  bool memory = false;
  if (!take_arguments(env, info, 3, values) || !read_int32(env, values[0], "fd", &task.fd) ||
      !read_uint32(env, values[1], "request", &task.request) ||
      !read_ioctl_argument(env, values[2], &task.argument)) {
    return NULL;
  }
  napi_is_typedarray(env, values[2], &memory);
  return start(env, &task, memory ? values[2] : NULL);
}

static napi_value start_transfer(napi_env env, napi_callback_info info, int (*run)(const struct task *)) {
  napi_value values[3];
  struct memory memory;
  struct task task = {.run = run};
  if (!take_arguments(env, info, 3, values) || !read_int32(env, values[0], "fd", &task.fd) ||
      !read_memory(env, values[1], "buffer", &memory) || !read_offset(env, values[2], &task.offset)) {
    return NULL;
  }
  task.argument = memory.data;
  task.length = memory.length;
  return start(env, &task, values[1]);
}

CALL(call_pread_async) { return start_transfer(env, info, run_pread); }
CALL(call_pwrite_async) { return start_transfer(env, info, run_pwrite); }
