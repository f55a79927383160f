/* A layer between OpenCL's loader and its drivers, for tests on CPU devices: it gives buffers memory of its own, full of
 * NaN and with margins of NaN on both sides. A kernel that reads what nobody wrote, or outside of a buffer, computes with
 * NaN; one that writes into a margin is counted. OPENCL_LAYERS=…/guard_layer.so puts it there; Scripts/guards builds it.
 *
 * Buffers in memory of the program's own go through as they are. */
#define CL_TARGET_OPENCL_VERSION 300
#include <CL/cl_layer.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "layer_info.h"

/* Bytes on either side, a multiple of any alignment that a device asks for. */
#define MARGIN 65536

/* NaN as a float, a double, and two numbers of 16 bits of either sort; as an index far from everything. */
#define UNWRITTEN 0x7fff7fffu

/* The memory of a buffer, begun by its margin. */
typedef struct Memory {
    struct Memory *next, *last;
    unsigned char *bytes;
    size_t size;
} Memory;

static const cl_icd_dispatch *driver;
static cl_icd_dispatch layer;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static Memory all = {&all, &all, NULL, 0};
static long damage;

static void fill(void *to, const size_t size)
{
    const uint32_t unwritten = UNWRITTEN;
    for (size_t i = 0; i < size; i += sizeof unwritten)
        memcpy((unsigned char *)to + i, &unwritten, size - i < sizeof unwritten ? size - i : sizeof unwritten);
}

/* Whether a margin is as it was; one that is not is mended. */
static int is_whole(void *margin)
{
    for (size_t i = 0; i < MARGIN; i += sizeof(uint32_t)) {
        uint32_t word;
        memcpy(&word, (unsigned char *)margin + i, sizeof word);
        if (word == UNWRITTEN) continue;
        fill(margin, MARGIN);
        return 0;
    }
    return 1;
}

static void look_at(Memory *memory)
{
    const int before = is_whole(memory->bytes), behind = is_whole(memory->bytes + MARGIN + memory->size);
    if (!before || !behind) damage++;
}

static void give_back(Memory *memory)
{
    free(memory->bytes);
    free(memory);
}

static void CL_CALLBACK destroyed(cl_mem buffer, void *user)
{
    (void)buffer;
    Memory *const memory = user;
    pthread_mutex_lock(&lock);
    look_at(memory);
    memory->next->last = memory->last;
    memory->last->next = memory->next;
    pthread_mutex_unlock(&lock);
    give_back(memory);
}

static cl_mem CL_API_CALL my_clCreateBuffer(cl_context c, cl_mem_flags f, size_t size, void *host, cl_int *status)
{
    if (f & CL_MEM_USE_HOST_PTR || size == 0) return driver->clCreateBuffer(c, f, size, host, status);
    Memory *const memory = calloc(1, sizeof *memory);
    void *bytes = NULL;
    if (!memory || posix_memalign(&bytes, 4096, size + 2 * MARGIN)) {
        free(memory);
        if (status) *status = CL_MEM_OBJECT_ALLOCATION_FAILURE;
        return NULL;
    }
    memory->bytes = bytes;
    memory->size = size;
    fill(memory->bytes, size + MARGIN);
    fill(memory->bytes + MARGIN + size, MARGIN);
    if (f & CL_MEM_COPY_HOST_PTR) memcpy(memory->bytes + MARGIN, host, size);
    f = (f & ~(cl_mem_flags)(CL_MEM_COPY_HOST_PTR | CL_MEM_ALLOC_HOST_PTR)) | CL_MEM_USE_HOST_PTR;
    const cl_mem made = driver->clCreateBuffer(c, f, size, memory->bytes + MARGIN, status);
    if (!made) {
        give_back(memory);
        return NULL;
    }
    pthread_mutex_lock(&lock);
    memory->next = all.next;
    memory->last = &all;
    all.next->last = memory;
    all.next = memory;
    pthread_mutex_unlock(&lock);
    driver->clSetMemObjectDestructorCallback(made, destroyed, memory);
    return made;
}

/* What the tests call, by dlsym: how many buffers have been written beside since the last call. Commands that write have
 * to be done. */
long guard_damage(void)
{
    pthread_mutex_lock(&lock);
    for (Memory *memory = all.next; memory != &all; memory = memory->next) look_at(memory);
    const long found = damage;
    damage = 0;
    pthread_mutex_unlock(&lock);
    return found;
}

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info key, size_t size, void *value, size_t *needed)
{
    return layer_info("guards", key, size, value, needed);
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(
    cl_uint count, const cl_icd_dispatch *target, cl_uint *countBack, const cl_icd_dispatch **dispatch)
{
    if (count < sizeof layer / sizeof(void *)) return CL_INVALID_VALUE;
    driver = target;
    layer = *target;
    layer.clCreateBuffer = my_clCreateBuffer;
    *countBack = sizeof layer / sizeof(void *);
    *dispatch = &layer;
    return CL_SUCCESS;
}
