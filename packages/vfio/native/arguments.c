// Arguments from JavaScript. A number must be exactly what it is read as: nothing is rounded, cut or wrapped around, as a
// wrapped descriptor would be somebody else's.
#include "binding.h"
#include <stdio.h>
#include <string.h>

#define SAFE_INTEGER 9007199254740991.0

bool refuse(napi_env env, const char *name, const char *expected) {
  char message[160];
  snprintf(message, sizeof message, "The argument \"%s\" must be %s.", name, expected);
  napi_throw_type_error(env, "ERR_INVALID_ARG_TYPE", message);
  return false;
}

bool refuse_range(napi_env env, const char *name, const char *expected) {
  char message[160];
  snprintf(message, sizeof message, "The argument \"%s\" must be %s.", name, expected);
  napi_throw_range_error(env, "ERR_OUT_OF_RANGE", message);
  return false;
}

bool take_arguments(napi_env env, napi_callback_info info, size_t count, napi_value *values) {
  return napi_get_cb_info(env, info, &count, values, NULL, NULL) == napi_ok;
}

bool read_int32(napi_env env, napi_value value, const char *name, int *out) {
  double given;
  if (napi_get_value_double(env, value, &given) != napi_ok || !(given >= INT32_MIN && given <= INT32_MAX)) {
    return refuse(env, name, "an integer of 32 bits");
  }
  *out = (int)given;
  return (double)*out == given || refuse(env, name, "an integer of 32 bits");
}

bool read_uint32(napi_env env, napi_value value, const char *name, uint32_t *out) {
  double given;
  if (napi_get_value_double(env, value, &given) != napi_ok || !(given >= 0 && given <= UINT32_MAX)) {
    return refuse(env, name, "an unsigned integer of 32 bits");
  }
  *out = (uint32_t)given;
  return (double)*out == given || refuse(env, name, "an unsigned integer of 32 bits");
}

bool read_integer(napi_env env, napi_value value, const char *name, int64_t *out) {
  double given;
  if (napi_get_value_double(env, value, &given) != napi_ok || !(given >= -SAFE_INTEGER && given <= SAFE_INTEGER)) {
    return refuse(env, name, "a safe integer");
  }
  *out = (int64_t)given;
  return (double)*out == given || refuse(env, name, "a safe integer");
}

bool read_offset(napi_env env, napi_value value, int64_t *out) {
  bool lossless = false;
  if (napi_get_value_bigint_int64(env, value, out, &lossless) != napi_ok) return refuse(env, "offset", "a bigint");
  return lossless || refuse_range(env, "offset", "a bigint of 64 bits, signed");
}

// Only an empty view can be a detached one: all others are spared the question.
static bool detached(napi_env env, napi_value view) {
  napi_value buffer = NULL;
  bool answer = false;
  if (napi_get_typedarray_info(env, view, NULL, NULL, NULL, &buffer, NULL) != napi_ok) return true;
  // Not an ArrayBuffer: a SharedArrayBuffer, which is never detached.
  return napi_is_detached_arraybuffer(env, buffer, &answer) == napi_ok && answer;
}

bool read_memory(napi_env env, napi_value value, const char *name, struct memory *out) {
  napi_typedarray_type type;
  // Asking for the data also moves a small array off the heap, so that its address is stable.
  napi_status status = napi_get_typedarray_info(env, value, &type, &out->length, &out->data, NULL, NULL);
  if (status != napi_ok || type != napi_uint8_array) return refuse(env, name, "a Uint8Array");
  if (out->length > 0) return true;
  out->data = NULL;
  return !detached(env, value) || refuse(env, name, "a Uint8Array that is not detached");
}

bool read_function(napi_env env, napi_value value, const char *name) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  return type == napi_function || refuse(env, name, "a function");
}

bool read_path(napi_env env, napi_value value, char *buffer, size_t size, bool *fits) {
  size_t length = 0;
  size_t copied = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) return refuse(env, "path", "a string");
  napi_get_value_string_utf8(env, value, buffer, size, &copied);
  *fits = length < size;
  return strlen(buffer) == copied || refuse(env, "path", "a string without NUL");
}

bool read_ioctl_argument(napi_env env, napi_value value, void **out) {
  napi_valuetype type = napi_undefined;
  napi_typeof(env, value, &type);
  if (type == napi_object) {
    struct memory memory;
    if (!read_memory(env, value, "argument", &memory)) return false;
    *out = memory.data;
    return true;
  }
  if (type == napi_undefined) {
    *out = NULL;
    return true;
  }
  int64_t given = 0;
  if (type != napi_number) return refuse(env, "argument", "a Uint8Array, a safe integer or undefined");
  if (!read_integer(env, value, "argument", &given)) return false;
  *out = (void *)(intptr_t)given;
  return true;
}
