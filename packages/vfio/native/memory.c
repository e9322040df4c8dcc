// Mapped memory as external ArrayBuffers, and addresses of memory.
#include "binding.h"
#include <stdlib.h>
#include <sys/mman.h>

// The longest ArrayBuffer that every supported node can hold.
#define LONGEST (INT64_C(1) << 32)

// Made by mmap, freed when its ArrayBuffer's memory is (`mapped` says whether munmap came first), or with its last pin, when
// that comes later: a program can move the memory into another ArrayBuffer and lose that one while a thread writes there.
struct mapping {
  void *address;
  size_t length;
  bool mapped;
  bool lost;
  unsigned pins;
};

// Marks the ArrayBuffers that are mappings of this addon.
static const napi_type_tag MAPPING = {0x6f1c1f6ae62b4f0bULL, 0x9c3a7d5be4a80c11ULL};

static int unmap(struct mapping *mapping) {
  mapping->mapped = false;
  return outcome(munmap(mapping->address, mapping->length));
}

static void release(struct mapping *mapping) {
  if (mapping->mapped) unmap(mapping);
  free(mapping);
}

static void forget(napi_env env, void *data, void *hint) {
  struct mapping *mapping = hint;
  (void)env;
  (void)data;
  mapping->lost = true;
  if (mapping->pins == 0) release(mapping);
}

// The mapping behind an ArrayBuffer; NULL when it is none of ours, or gone.
static struct mapping *mapping_of(napi_env env, napi_value buffer) {
  bool is = false;
  bool gone = true;
  void *found = NULL;
  if (napi_is_arraybuffer(env, buffer, &is) != napi_ok || !is) return NULL;
  if (napi_is_detached_arraybuffer(env, buffer, &gone) != napi_ok || gone) return NULL;
  if (napi_check_object_type_tag(env, buffer, &MAPPING, &is) != napi_ok || !is) return NULL;
  return napi_unwrap(env, buffer, &found) == napi_ok ? found : NULL;
}

struct mapping *pin_mapping(napi_env env, napi_value memory) {
  napi_value buffer = NULL;
  if (napi_get_typedarray_info(env, memory, NULL, NULL, NULL, &buffer, NULL) != napi_ok) return NULL;
  struct mapping *mapping = mapping_of(env, buffer);
  if (mapping != NULL) mapping->pins++;
  return mapping;
}

void unpin_mapping(struct mapping *mapping) {
  if (mapping != NULL && --mapping->pins == 0 && mapping->lost) release(mapping);
}

static void *map(int fd, size_t length, int protection, int64_t offset) {
  int flags = fd == -1 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  return mmap(NULL, length, protection, flags, fd, offset);
}

// The object of a mapping: { memory, address }. NULL where node does not allow external memory; then all is undone.
static napi_value wrapped(napi_env env, struct mapping *mapping) {
  napi_value made = NULL;
  napi_value buffer = NULL;
  napi_value address = NULL;
  napi_status status =
      napi_create_external_arraybuffer(env, mapping->address, mapping->length, forget, mapping, &buffer);
  if (status != napi_ok) {
    release(mapping);
    return NULL;
  }
  napi_type_tag_object(env, buffer, &MAPPING);
  napi_wrap(env, buffer, mapping, NULL, NULL, NULL);
  napi_create_bigint_uint64(env, (uint64_t)(uintptr_t)mapping->address, &address);
  napi_create_object(env, &made);
  napi_set_named_property(env, made, "memory", buffer);
  napi_set_named_property(env, made, "address", address);
  return made;
}

CALL(call_mmap) {
  napi_value values[4];
  int fd;
  int protection;
  int64_t length;
  int64_t offset;
  if (!take_arguments(env, info, 4, values) || !read_int32(env, values[0], "fd", &fd) ||
      !read_integer(env, values[1], "length", &length) || !read_int32(env, values[2], "protection", &protection) ||
      !read_offset(env, values[3], &offset)) {
    return NULL;
  }
  if (length < 0) return number(env, -EINVAL);
  if (length > LONGEST) return number(env, -EFBIG);
  struct mapping *mapping = calloc(1, sizeof *mapping);
  if (mapping == NULL) return number(env, -ENOMEM);
  void *address = map(fd, (size_t)length, protection, offset);
  if (address == MAP_FAILED) {
    int result = -errno;
    free(mapping);
    return number(env, result);
  }
  *mapping = (struct mapping){.address = address, .length = (size_t)length, .mapped = true};
  napi_value made = wrapped(env, mapping);
  return made != NULL ? made : number(env, -EOPNOTSUPP);
}

CALL(call_munmap) {
  napi_value buffer;
  bool is = false;
  if (!take_arguments(env, info, 1, &buffer)) return NULL;
  napi_is_arraybuffer(env, buffer, &is);
  if (!is) {
    refuse(env, "memory", "an ArrayBuffer");
    return NULL;
  }
  struct mapping *mapping = mapping_of(env, buffer);
  if (mapping == NULL) return number(env, -EINVAL);
  if (mapping->pins > 0) return number(env, -EBUSY);
  mapping->pins++; // what is detached can be lost at once
  int result = napi_detach_arraybuffer(env, buffer) == napi_ok ? unmap(mapping) : -EBUSY;
  unpin_mapping(mapping);
  return number(env, result);
}

CALL(call_address_of) {
  napi_value value;
  napi_value made = NULL;
  struct memory memory;
  if (!take_arguments(env, info, 1, &value) || !read_memory(env, value, "memory", &memory)) return NULL;
  napi_create_bigint_uint64(env, (uint64_t)(uintptr_t)memory.data, &made);
  return made;
}
