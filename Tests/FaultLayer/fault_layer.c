/* A layer between OpenCL's loader and its drivers, for tests: it makes a chosen call fail, and counts objects and the
 * bytes of buffers. OPENCL_LAYERS=…/fault_layer.so puts it there; Scripts/faults builds it.
 *
 * Every function that SwiftOpenCL calls is in CALLS or below it; all others go through as they are. */
#define CL_TARGET_OPENCL_VERSION 300
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl_layer.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "layer_info.h"

/* What only tells a status: name, parameters, arguments. */
#define CALLS(X) \
    X(clGetPlatformIDs, (cl_uint n, cl_platform_id *p, cl_uint *c), (n, p, c)) \
    X(clGetPlatformInfo, (cl_platform_id p, cl_platform_info k, size_t n, void *v, size_t *r), (p, k, n, v, r)) \
    X(clGetDeviceIDs, (cl_platform_id p, cl_device_type t, cl_uint n, cl_device_id *d, cl_uint *c), (p, t, n, d, c)) \
    X(clGetDeviceInfo, (cl_device_id d, cl_device_info k, size_t n, void *v, size_t *r), (d, k, n, v, r)) \
    X(clSetMemObjectDestructorCallback, (cl_mem m, void (CL_CALLBACK *f)(cl_mem, void *), void *u), (m, f, u)) \
    X(clBuildProgram, (cl_program p, cl_uint n, const cl_device_id *d, const char *o, \
        void (CL_CALLBACK *f)(cl_program, void *), void *u), (p, n, d, o, f, u)) \
    X(clGetProgramInfo, (cl_program p, cl_program_info k, size_t n, void *v, size_t *r), (p, k, n, v, r)) \
    X(clGetProgramBuildInfo, (cl_program p, cl_device_id d, cl_program_build_info k, size_t n, void *v, size_t *r), \
        (p, d, k, n, v, r)) \
    X(clSetKernelArg, (cl_kernel k, cl_uint i, size_t n, const void *v), (k, i, n, v)) \
    X(clGetKernelInfo, (cl_kernel k, cl_kernel_info i, size_t n, void *v, size_t *r), (k, i, n, v, r)) \
    X(clGetKernelArgInfo, (cl_kernel k, cl_uint a, cl_kernel_arg_info i, size_t n, void *v, size_t *r), \
        (k, a, i, n, v, r)) \
    X(clGetKernelWorkGroupInfo, \
        (cl_kernel k, cl_device_id d, cl_kernel_work_group_info i, size_t n, void *v, size_t *r), (k, d, i, n, v, r)) \
    X(clWaitForEvents, (cl_uint n, const cl_event *e), (n, e)) \
    X(clGetEventProfilingInfo, (cl_event e, cl_profiling_info k, size_t n, void *v, size_t *r), (e, k, n, v, r)) \
    X(clSetEventCallback, (cl_event e, cl_int s, void (CL_CALLBACK *f)(cl_event, cl_int, void *), void *u), \
        (e, s, f, u)) \
    X(clFlush, (cl_command_queue q), (q)) \
    X(clFinish, (cl_command_queue q), (q))

/* The commands, which also make an event, if one is asked for. */
#define WAITING cl_uint n, const cl_event *w, cl_event *e
#define COMMANDS(X) \
    X(clEnqueueReadBuffer, (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t s, void *p, WAITING), \
        (q, m, b, o, s, p, n, w, e)) \
    X(clEnqueueWriteBuffer, (cl_command_queue q, cl_mem m, cl_bool b, size_t o, size_t s, const void *p, WAITING), \
        (q, m, b, o, s, p, n, w, e)) \
    X(clEnqueueCopyBuffer, (cl_command_queue q, cl_mem f, cl_mem t, size_t o, size_t u, size_t s, WAITING), \
        (q, f, t, o, u, s, n, w, e)) \
    X(clEnqueueFillBuffer, (cl_command_queue q, cl_mem m, const void *p, size_t k, size_t o, size_t s, WAITING), \
        (q, m, p, k, o, s, n, w, e)) \
    X(clEnqueueNDRangeKernel, (cl_command_queue q, cl_kernel k, cl_uint d, const size_t *o, const size_t *g, \
        const size_t *l, WAITING), (q, k, d, o, g, l, n, w, e)) \
    X(clEnqueueBarrierWithWaitList, (cl_command_queue q, WAITING), (q, n, w, e))

/* What makes an object: name, kind, parameters, arguments; `status` is where its status goes. */
#define CREATIONS(X) \
    X(clCreateContext, CONTEXTS, cl_context, (const cl_context_properties *p, cl_uint n, const cl_device_id *d, \
        void (CL_CALLBACK *f)(const char *, const void *, size_t, void *), void *u, cl_int *status), \
        (p, n, d, f, u, status)) \
    X(clCreateCommandQueue, QUEUES, cl_command_queue, \
        (cl_context c, cl_device_id d, cl_command_queue_properties p, cl_int *status), (c, d, p, status)) \
    X(clCreateProgramWithSource, PROGRAMS, cl_program, \
        (cl_context c, cl_uint n, const char **s, const size_t *l, cl_int *status), (c, n, s, l, status)) \
    X(clCreateProgramWithBinary, PROGRAMS, cl_program, (cl_context c, cl_uint n, const cl_device_id *d, \
        const size_t *l, const unsigned char **b, cl_int *s, cl_int *status), (c, n, d, l, b, s, status)) \
    X(clCreateKernel, KERNELS, cl_kernel, (cl_program p, const char *n, cl_int *status), (p, n, status))

#define RELEASES(X) \
    X(clReleaseContext, CONTEXTS, cl_context) X(clReleaseCommandQueue, QUEUES, cl_command_queue) \
    X(clReleaseProgram, PROGRAMS, cl_program) X(clReleaseKernel, KERNELS, cl_kernel) \
    X(clReleaseEvent, EVENTS, cl_event)

/* References to them that their owner holds; MAPPINGS are not objects, but have to be given back as well. */
enum { CONTEXTS, QUEUES, PROGRAMS, KERNELS, EVENTS, BUFFERS, MAPPINGS, KINDS };

#define NUMBER(name, ...) name##_number,
enum {
    CALLS(NUMBER) COMMANDS(NUMBER) CREATIONS(NUMBER) clGetEventInfo_number, clCreateBuffer_number,
    clEnqueueMapBuffer_number, clEnqueueUnmapMemObject_number, NUMBERS
};
#define NAME(name, ...) #name,
static const char *const names[] = {
    CALLS(NAME) COMMANDS(NAME) CREATIONS(NAME) "clGetEventInfo", "clCreateBuffer", "clEnqueueMapBuffer",
    "clEnqueueUnmapMemObject"};

static const cl_icd_dispatch *driver;
static cl_icd_dispatch layer;
static atomic_long calls[NUMBERS], allCalls, held[KINDS];
static atomic_long bytes, mostBytes, limit = -1;
/* The call that fails: the `failing`-th from now on of those called `failingNumber`, or of all; and whether all
 * after it do. */
static atomic_long failing = -1;
static atomic_int failingNumber = -1, failingStatus, failsOn, fired = -1;

static cl_int status_of(const int number)
{
    atomic_fetch_add(&calls[number], 1);
    atomic_fetch_add(&allCalls, 1);
    const int only = failingNumber;
    if (only >= 0 && only != number) return CL_SUCCESS;
    if (failing < 0) return CL_SUCCESS;
    /* One that goes on failing stays at 0. */
    const long before = failsOn && failing == 0 ? 0 : atomic_fetch_sub(&failing, 1);
    if (before != 0) return CL_SUCCESS;
    fired = number;
    return failingStatus;
}

#define CALL(name, parameters, arguments) \
    static cl_int CL_API_CALL my_##name parameters \
    { \
        const cl_int status = status_of(name##_number); \
        return status == CL_SUCCESS ? driver->name arguments : status; \
    }
CALLS(CALL)

#define COMMAND(name, parameters, arguments) \
    static cl_int CL_API_CALL my_##name parameters \
    { \
        cl_int status = status_of(name##_number); \
        if (status == CL_SUCCESS) status = driver->name arguments; \
        if (status == CL_SUCCESS && e) held[EVENTS]++; \
        return status; \
    }
COMMANDS(COMMAND)

#define CREATION(name, kind, type, parameters, arguments) \
    static type CL_API_CALL my_##name parameters \
    { \
        const cl_int failure = status_of(name##_number); \
        if (failure != CL_SUCCESS) { \
            if (status) *status = failure; \
            return NULL; \
        } \
        const type made = driver->name arguments; \
        if (made) held[kind]++; \
        return made; \
    }
CREATIONS(CREATION)

#define RELEASE(name, kind, type) \
    static cl_int CL_API_CALL my_##name(type object) \
    { \
        held[kind]--; \
        return driver->name(object); \
    }
RELEASES(RELEASE)

/* A positive "failure" is no failure of the call: it tells of a command that ended abnormally. */
static cl_int CL_API_CALL my_clGetEventInfo(cl_event e, cl_event_info k, size_t n, void *v, size_t *r)
{
    const cl_int status = status_of(clGetEventInfo_number);
    if (status < 0) return status;
    const cl_int answer = driver->clGetEventInfo(e, k, n, v, r);
    if (status > 0 && k == CL_EVENT_COMMAND_EXECUTION_STATUS && n == sizeof(cl_int)) *(cl_int *)v = -status;
    return answer;
}

static cl_mem CL_API_CALL my_clCreateBuffer(cl_context c, cl_mem_flags f, size_t size, void *host, cl_int *status)
{
    cl_int failure = status_of(clCreateBuffer_number);
    if (limit >= 0 && bytes + (long)size > limit) failure = CL_MEM_OBJECT_ALLOCATION_FAILURE;
    if (failure != CL_SUCCESS) {
        if (status) *status = failure;
        return NULL;
    }
    const cl_mem made = driver->clCreateBuffer(c, f, size, host, status);
    if (!made) return NULL;
    held[BUFFERS]++;
    const long now = atomic_fetch_add(&bytes, (long)size) + (long)size;
    for (long most = mostBytes; most < now && !atomic_compare_exchange_weak(&mostBytes, &most, now);) {}
    return made;
}

static cl_int CL_API_CALL my_clReleaseMemObject(cl_mem m)
{
    size_t size = 0;
    driver->clGetMemObjectInfo(m, CL_MEM_SIZE, sizeof size, &size, NULL);
    held[BUFFERS]--;
    bytes -= (long)size;
    return driver->clReleaseMemObject(m);
}

static void *CL_API_CALL my_clEnqueueMapBuffer(
    cl_command_queue q, cl_mem m, cl_bool b, cl_map_flags f, size_t o, size_t s, WAITING, cl_int *status)
{
    const cl_int failure = status_of(clEnqueueMapBuffer_number);
    if (failure != CL_SUCCESS) {
        if (status) *status = failure;
        return NULL;
    }
    void *const mapped = driver->clEnqueueMapBuffer(q, m, b, f, o, s, n, w, e, status);
    if (mapped) held[MAPPINGS]++;
    if (mapped && e) held[EVENTS]++;
    return mapped;
}

static cl_int CL_API_CALL my_clEnqueueUnmapMemObject(cl_command_queue q, cl_mem m, void *p, WAITING)
{
    cl_int status = status_of(clEnqueueUnmapMemObject_number);
    /* A driver that can't unmap has no other way to have it back: the mapping is not held against anybody. */
    held[MAPPINGS]--;
    if (status == CL_SUCCESS) status = driver->clEnqueueUnmapMemObject(q, m, p, n, w, e);
    if (status == CL_SUCCESS && e) held[EVENTS]++;
    return status;
}

/* What the tests call, by dlsym. */
int fault_count(void) { return NUMBERS; }
const char *fault_name(int number) { return number >= 0 && number < NUMBERS ? names[number] : ""; }
long fault_calls(int number) { return number < 0 ? allCalls : calls[number]; }
long fault_held(int kind) { return kind < KINDS ? held[kind] : 0; }
long fault_bytes(void) { return bytes; }
long fault_most_bytes(void) { return mostBytes; }
void fault_limit(long most) { limit = most; }
int fault_fired(void) { return fired; }

void fault_reset(void)
{
    failing = failingNumber = fired = limit = -1;
    allCalls = 0;
    for (int i = 0; i < NUMBERS; i++) calls[i] = 0;
    mostBytes = (long)bytes;
}

/* The `nth` call from now on, counted from 0, of those called `number` or of all (-1), and with `on` all after it. */
void fault_arm(int number, long nth, int status, int on)
{
    failing = -1;
    fired = -1;
    failingNumber = number;
    failingStatus = status;
    failsOn = on;
    failing = nth;
}

CL_API_ENTRY cl_int CL_API_CALL clGetLayerInfo(cl_layer_info key, size_t size, void *value, size_t *needed)
{
    return layer_info("faults", key, size, value, needed);
}

CL_API_ENTRY cl_int CL_API_CALL clInitLayer(
    cl_uint count, const cl_icd_dispatch *target, cl_uint *countBack, const cl_icd_dispatch **dispatch)
{
    if (count < sizeof layer / sizeof(void *)) return CL_INVALID_VALUE;
    driver = target;
    layer = *target;
#define OWN(name, ...) layer.name = my_##name;
    CALLS(OWN) COMMANDS(OWN) CREATIONS(OWN) RELEASES(OWN)
    OWN(clGetEventInfo) OWN(clCreateBuffer) OWN(clReleaseMemObject) OWN(clEnqueueMapBuffer) OWN(clEnqueueUnmapMemObject)
    *countBack = sizeof layer / sizeof(void *);
    *dispatch = &layer;
    return CL_SUCCESS;
}
