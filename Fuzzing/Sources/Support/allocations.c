// malloc and its kin with a count of the bytes that the calling thread holds, over glibc's own.
#include "support.h"
#include <errno.h>
#include <malloc.h>
#include <stdint.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

static _Thread_local ptrdiff_t held, most;

void allocations_begin(void) { held = most = 0; }
size_t allocations_most(void) { return (size_t)most; }

static void *took(void *memory) {
    if (memory) held += (ptrdiff_t)malloc_usable_size(memory);
    if (held > most) most = held;
    return memory;
}

static void giving(void *memory) {
    if (memory) held -= (ptrdiff_t)malloc_usable_size(memory);
}

void *malloc(size_t size) { return took(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return took(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return took(__libc_memalign(alignment, size)); }

int posix_memalign(void **memory, size_t alignment, size_t size) {
    *memory = took(__libc_memalign(alignment, size));
    return *memory ? 0 : ENOMEM;
}

void *realloc(void *memory, size_t size) {
    const size_t before = memory ? malloc_usable_size(memory) : 0;
    void *const other = __libc_realloc(memory, size);
    if (!other && size > 0) return NULL;
    held -= (ptrdiff_t)before;
    return took(other);
}

void free(void *memory) {
    giving(memory);
    __libc_free(memory);
}
