/* What a layer tells OpenCL's loader of itself. */
#ifndef LAYER_INFO_H
#define LAYER_INFO_H
#include <CL/cl_layer.h>
#include <string.h>

static cl_int layer_info(const char *name, cl_layer_info key, size_t size, void *value, size_t *needed)
{
    const cl_layer_api_version version = CL_LAYER_API_VERSION_100;
    const void *const from = key == CL_LAYER_API_VERSION ? (const void *)&version : name;
    const size_t bytesNeeded = key == CL_LAYER_API_VERSION ? sizeof version : strlen(name) + 1;
    if (needed) *needed = bytesNeeded;
    if (value && size < bytesNeeded) return CL_INVALID_VALUE;
    if (value) memcpy(value, from, bytesNeeded);
    return CL_SUCCESS;
}
#endif
