// Watching a descriptor in node's event loop: one uv_poll_t each, no thread.
//
// Lives: `struct watch` from call_watch until libuv has closed its handles; `struct disposer` as long as the JavaScript
// function that disposes. Each knows the other while both are there. When the environment ends first, the cleanup hook
// closes the handles, and node waits for that: a live handle at that moment would abort the process.
#include "binding.h"
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <uv.h>

struct disposer;

struct watch {
  uv_poll_t poll;
  uv_prepare_t registration;
  int open_handles;
  int fd;
  int failure; // negative errno that ended it, or 0
  bool closing;
  napi_env env;
  napi_async_context context;
  napi_ref on_readable;
  napi_ref on_failure;
  napi_async_cleanup_hook_handle hook;
  struct disposer *disposer;
};

struct disposer {
  struct watch *watch;
};

static void let_go(struct watch *watch) {
  if (watch->disposer != NULL) watch->disposer->watch = NULL;
  if (watch->on_readable != NULL) napi_delete_reference(watch->env, watch->on_readable);
  if (watch->on_failure != NULL) napi_delete_reference(watch->env, watch->on_failure);
  if (watch->context != NULL) napi_async_destroy(watch->env, watch->context);
  if (watch->hook != NULL) napi_remove_async_cleanup_hook(watch->hook);
  free(watch);
}

// What a callback throws is an uncaught exception, as it is of any event: it never gets back into libuv.
static void report_exception(napi_env env) {
  bool pending = false;
  napi_value thrown = NULL;
  if (napi_is_exception_pending(env, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env, &thrown) == napi_ok) napi_fatal_exception(env, thrown);
}

// Does nothing when the environment is ending.
static void call_back(struct watch *watch, napi_ref function, size_t count, int argument) {
  napi_env env = watch->env;
  napi_handle_scope scope;
  napi_value receiver = NULL;
  napi_value callee = NULL;
  if (napi_open_handle_scope(env, &scope) != napi_ok) return;
  napi_value value = count > 0 ? number(env, argument) : NULL;
  napi_get_global(env, &receiver);
  napi_get_reference_value(env, function, &callee);
  napi_status status = napi_make_callback(env, watch->context, receiver, callee, count, &value, NULL);
  if (status != napi_ok) report_exception(env);
  napi_close_handle_scope(env, scope);
}

// Both handles are closed in one turn of the loop. A failure is told here, when nothing of libuv is under way.
static void on_closed(uv_handle_t *handle) {
  struct watch *watch = handle->data;
  if (--watch->open_handles > 0) return;
  if (watch->failure < 0) call_back(watch, watch->on_failure, 1, watch->failure);
  let_go(watch);
}

static void end(struct watch *watch) {
  if (watch->closing) return;
  watch->closing = true;
  uv_close((uv_handle_t *)&watch->poll, on_closed);
  uv_close((uv_handle_t *)&watch->registration, on_closed);
}

static void fail(struct watch *watch, int failure) {
  if (!watch->closing) watch->failure = failure;
  end(watch);
}

static void on_environment_end(napi_async_cleanup_hook_handle handle, void *data) {
  (void)handle;
  end(data);
}

// libuv hands a descriptor to epoll right before it waits, and aborts the process when epoll refuses: the descriptor may
// have been closed since the watch began. So it is handed over here, the moment before: then libuv finds it there.
static void on_registration(uv_prepare_t *handle) {
  struct watch *watch = handle->data;
  struct epoll_event event = {.events = EPOLLIN, .data.fd = watch->fd};
  uv_prepare_stop(handle);
  int result = outcome(epoll_ctl(uv_backend_fd(handle->loop), EPOLL_CTL_ADD, watch->fd, &event));
  if (result < 0 && result != -EEXIST) fail(watch, result);
}

static void on_poll(uv_poll_t *poll, int status, int events);

static int begin(struct watch *watch) {
  int result = uv_prepare_start(&watch->registration, on_registration);
  return result == 0 ? uv_poll_start(&watch->poll, UV_READABLE, on_poll) : result;
}

// libuv stops polling at POLLERR and calls it EBADF. But a netlink socket that lost messages and a kernel log that was
// overrun say POLLERR too, until they are read: the reader is to find that out. Only a descriptor that is gone has failed.
static int after_error(struct watch *watch) {
  struct pollfd now = {.fd = watch->fd, .events = POLLIN};
  if (poll(&now, 1, 0) >= 0 && (now.revents & POLLNVAL) != 0) return -EBADF;
  return begin(watch);
}

static void on_poll(uv_poll_t *handle, int status, int events) {
  struct watch *watch = handle->data;
  (void)events;
  int failure = status < 0 ? after_error(watch) : 0;
  if (failure == 0) {
    call_back(watch, watch->on_readable, 0, 0);
  } else {
    fail(watch, failure);
  }
}

static napi_value dispose(napi_env env, napi_callback_info info) {
  void *data = NULL;
  napi_get_cb_info(env, info, NULL, NULL, NULL, &data);
  struct disposer *disposer = data;
  if (disposer == NULL || disposer->watch == NULL) return NULL;
  disposer->watch->failure = 0; // what is not told yet is not told any more
  end(disposer->watch);
  return NULL;
}

static void free_disposer(napi_env env, void *data, void *hint) {
  struct disposer *disposer = data;
  (void)env;
  (void)hint;
  if (disposer->watch != NULL) disposer->watch->disposer = NULL;
  free(disposer);
}

static napi_value make_disposer(napi_env env, struct watch *watch) {
  napi_value made = NULL;
  struct disposer *disposer = calloc(1, sizeof *disposer);
  if (disposer == NULL) return NULL;
  if (napi_create_function(env, "dispose", NAPI_AUTO_LENGTH, dispose, disposer, &made) != napi_ok ||
      napi_add_finalizer(env, made, disposer, free_disposer, NULL, NULL) != napi_ok) {
    free(disposer);
    return NULL;
  }
  disposer->watch = watch;
  watch->disposer = disposer;
  return made;
}

// Everything of a watch that belongs to JavaScript.
static bool hold(struct watch *watch, napi_value on_readable, napi_value on_failure) {
  napi_env env = watch->env;
  napi_value name;
  return napi_create_string_utf8(env, "pci-recovery.watch", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_async_init(env, NULL, name, &watch->context) == napi_ok &&
         napi_create_reference(env, on_readable, 1, &watch->on_readable) == napi_ok &&
         napi_create_reference(env, on_failure, 1, &watch->on_failure) == napi_ok;
}

static int begin_polling(struct watch *watch) {
  uv_loop_t *loop = NULL;
  if (napi_get_uv_event_loop(watch->env, &loop) != napi_ok) return -ENOMEM;
  int result = uv_poll_init(loop, &watch->poll, watch->fd);
  if (result < 0) return result;
  uv_prepare_init(loop, &watch->registration);
  watch->poll.data = watch;
  watch->registration.data = watch;
  watch->open_handles = 2;
  result = begin(watch);
  if (result == 0 && napi_add_async_cleanup_hook(watch->env, on_environment_end, watch, &watch->hook) != napi_ok) {
    result = -ENOMEM;
  }
  if (result < 0) end(watch);
  return result;
}

static napi_value watch_descriptor(napi_env env, int fd, napi_value on_readable, napi_value on_failure) {
  struct watch *watch = calloc(1, sizeof *watch);
  if (watch == NULL) return number(env, -ENOMEM);
  watch->env = env;
  watch->fd = fd;
  napi_value disposer = hold(watch, on_readable, on_failure) ? make_disposer(env, watch) : NULL;
  int result = disposer != NULL ? begin_polling(watch) : -ENOMEM;
  if (result == 0) return disposer;
  if (!watch->closing) let_go(watch);
  return number(env, result);
}

CALL(call_watch) {
  napi_value values[3];
  int fd;
  if (!take_arguments(env, info, 3, values) || !read_int32(env, values[0], "fd", &fd) ||
      !read_function(env, values[1], "onReadable") || !read_function(env, values[2], "onFailure")) {
    return NULL;
  }
  return watch_descriptor(env, fd, values[1], values[2]);
}
