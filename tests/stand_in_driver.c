/* Stands in for NVIDIA's driver where there is none: numba-cuda's own code runs down to the driver's calls. It is no GPU.

   Memory of the host stands for the device's. Every call that matters is noted, with the stream that it names. The two
   kernels of device_arrays.py are computed here, by name; a launch on a stream that is captured is recorded, and
   done when the graph is launched. What is not listed fails with CUDA_ERROR_NOT_SUPPORTED.

   cc -shared -fPIC -o libcuda.so.1 stand_in_driver.c */

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t u64;
enum { OK = 0, OUT_OF_MEMORY = 2, NOT_FOUND = 500, NOT_SUPPORTED = 801 };

static char notes[1 << 20];
static size_t used;

const char *stand_in_notes(void) { return notes; }
void stand_in_forget(void) { notes[used = 0] = 0; }

static void note(const char *format, ...) {
    va_list values;
    va_start(values, format);
    if (used < sizeof notes - 300) used += vsnprintf(notes + used, 200, format, values);
    va_end(values);
}

/* One device of compute capability 9.0 with one context. */
static void *context, *const only = (void *)0x1000;
static u64 handles = 0x10000;
static void *handle(void) { return (void *)(handles += 16); }

static int cuInit(unsigned flags) { return OK; }
static int cuDriverGetVersion(int *version) { return *version = 13000, OK; }
static int cuDeviceGetCount(int *count) { return *count = 1, OK; }
static int cuDeviceGet(int *device, int number) { return *device = number, OK; }
static int cuDeviceGetName(char *name, int size, int device) { return strncpy(name, "stand-in", size), OK; }
static int cuDeviceGetUuid(char *uuid, int device) { return memset(uuid, 1, 16), OK; }
static int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 9 : attribute == 76 ? 0 : 1; /* the capability's two numbers */
    return OK;
}
static int cuDevicePrimaryCtxRetain(void **made, int device) { return *made = only, OK; }
static int cuCtxGetCurrent(void **current) { return *current = context, OK; }
static int cuCtxSetCurrent(void *current) { return context = current, OK; }
static int cuCtxPushCurrent(void *current) { return context = current, OK; }
static int cuCtxPopCurrent(void **current) { return *current = context, context = NULL, OK; }
static int cuCtxGetDevice(int *device) { return *device = 0, context ? OK : 201; }
static int cuCtxSynchronize(void) { return note("wait\n"), OK; }
static int cuGetErrorName(int error, const char **name) { return *name = "ERROR", OK; }
static int cuGetErrorString(int error, const char **text) { return *text = "error", OK; }

/* What a graph does, in order: 1 multiply, 2 add, 3 copy. The captured stream holds the graph that is recorded. */
typedef struct { int kind; u64 values[21]; size_t bytes; } Work;
typedef struct { int count; Work work[10000]; } Graph;
static Graph *recorded;
static void *captured;
static struct { void *kernel; const char *name; } kernels[100];

static void compute(const Work *work) {
    const u64 *v = work->values; /* of an array 7: two unused, elements, bytes of one, address, length, stride */
    if (work->kind == 3) { memcpy((void *)v[0], (void *)v[1], work->bytes); return; }
    for (u64 i = 0; i < v[2]; i++) {
        if (v[3] == 4) {
            float *x = (float *)v[4], *y = (float *)v[11];
            y[i] = work->kind == 1 ? x[i] * *(float *)v[18] : y[i] + x[i];
        } else {
            double *x = (double *)v[4], *y = (double *)v[11];
            y[i] = work->kind == 1 ? x[i] * *(double *)v[18] : y[i] + x[i];
        }
    }
}
static void later_or_now(const Work *work, void *stream) {
    if (captured && stream == captured) recorded->work[recorded->count++] = *work;
    else compute(work);
}

typedef struct { unsigned grid[3], block[3], shared; void *stream, *attributes; unsigned count; } Launch;
static int cuLaunchKernelEx(const Launch *launch, void *kernel, void **arguments, void **extra) {
    Work work = {0};
    int count = 0;
    for (int k = 0; k < 100 && kernels[k].kernel; k++)
        if (kernels[k].kernel == kernel) {
            work.kind = strstr(kernels[k].name, "6_scale") ? 1 : strstr(kernels[k].name, "4_add") ? 2 : 0;
            count = work.kind == 1 ? 21 : 14;
        }
    note("launch %s\n", launch->stream == captured && captured ? "captured" : launch->stream ? "elsewhere" : "default");
    if (!work.kind) return NOT_FOUND;
    for (int i = 0; i < count; i++) work.values[i] = *(u64 *)arguments[i];
    return later_or_now(&work, launch->stream), OK;
}

/* Memory, which begins at boundaries of 256 bytes. */
static int cuMemAlloc(u64 *place, size_t size) {
    note("allocate %zu\n", size);
    return *place = (u64)aligned_alloc(256, (size + 255) / 256 * 256), OK;
}
static int cuMemFree(u64 place) { return note("free\n"), free((void *)place), OK; }
static int cuMemGetInfo(size_t *left, size_t *all) { return *left = 1 << 20, *all = 1 << 30, OK; }
static int cuMemHostAlloc(void **place, size_t size, unsigned flags) {
    note("allocate pinned %zu\n", size);
    return *place = aligned_alloc(256, (size + 255) / 256 * 256), OK;
}
static int cuMemFreeHost(void *place) { return free(place), OK; }
static int cuMemcpyHtoD(u64 to, void *from, size_t size) { return note("copy in\n"), memcpy((void *)to, from, size), OK; }
static int cuMemcpyDtoH(void *to, u64 from, size_t size) { return note("copy out\n"), memcpy(to, (void *)from, size), OK; }
static int cuMemcpyHtoDAsync(u64 to, void *from, size_t size, void *stream) {
    note("copy in later %zu %s\n", size, stream ? "elsewhere" : "default");
    return memcpy((void *)to, from, size), OK;
}
static int copy(u64 to, u64 from, size_t size, void *stream) {
    Work work = {3, {to, from}, size};
    return later_or_now(&work, stream), OK;
}
static int cuMemcpyDtoD(u64 to, u64 from, size_t size) { return note("copy\n"), copy(to, from, size, NULL); }
static int cuMemcpyDtoDAsync(u64 to, u64 from, size_t size, void *stream) {
    return note("copy %s\n", stream == captured ? "captured" : "elsewhere"), copy(to, from, size, stream);
}

static int cuStreamCreate(void **stream, unsigned flags) { return *stream = handle(), note("stream %u\n", flags), OK; }
static int cuStreamDestroy(void *stream) { return note("stream gone\n"), OK; }
static int cuStreamGetCtx(void *stream, void **owner) { return *owner = only, OK; }
static int cuEventCreate(void **event, unsigned flags) { return *event = handle(), note("event\n"), OK; }
static int cuEventDestroy(void *event) { return OK; }
static int cuEventRecord(void *event, void *stream) { return note("mark %s\n", stream ? "elsewhere" : "default"), OK; }
static int cuEventSynchronize(void *event) { return note("wait for mark\n"), OK; }
static int cuEventElapsedTime(float *milliseconds, void *from, void *to) {
    static float passed;
    return *milliseconds = passed += 1.5f, OK;
}

static int cuLibraryLoadData(void **library, ...) { return *library = handle(), note("load\n"), OK; }
static int cuLibraryUnload(void *library) { return OK; }
static int cuLibraryGetKernel(void **kernel, void *library, const char *name) {
    int k = 0;
    while (kernels[k].kernel) k++;
    kernels[k].kernel = *kernel = handle(), kernels[k].name = strdup(name);
    return OK;
}
static int cuKernelGetAttribute(int *value, int attribute, void *kernel, int device) { return *value = 64, OK; }
static int cuKernelSetAttribute(int attribute, int value, void *kernel, int device) {
    return note("attribute %d %d\n", attribute, value), OK;
}

static int cuStreamBeginCapture(void *stream, int mode) {
    captured = stream, recorded = calloc(1, sizeof(Graph));
    return note("capture %d\n", mode), OK;
}
static int cuStreamEndCapture(void *stream, void **graph) {
    *graph = recorded, captured = recorded = NULL;
    return note("captured\n"), OK;
}
static int cuGraphInstantiate(void **executable, void *graph, u64 flags) { return *executable = graph, OK; }
static int cuGraphLaunch(Graph *graph, void *stream) {
    note("launch graph %s\n", stream ? "elsewhere" : "default");
    for (int i = 0; i < graph->count; i++) compute(&graph->work[i]);
    return OK;
}
static int cuGraphExecDestroy(void *graph) { return note("graph gone\n"), OK; }
static int cuGraphDestroy(void *graph) { return free(graph), OK; }

static int unknown(void) { return NOT_SUPPORTED; }

#define IS(name) {#name, name}
static const struct { const char *name; void *function; } known[] = {
    IS(cuInit), IS(cuDriverGetVersion), IS(cuDeviceGetCount), IS(cuDeviceGet), IS(cuDeviceGetName), IS(cuDeviceGetUuid),
    IS(cuDeviceGetAttribute), IS(cuDevicePrimaryCtxRetain), IS(cuCtxGetCurrent), IS(cuCtxSetCurrent),
    IS(cuCtxPushCurrent), IS(cuCtxPopCurrent), IS(cuCtxGetDevice), IS(cuCtxSynchronize), IS(cuGetErrorName),
    IS(cuGetErrorString), IS(cuLaunchKernelEx), IS(cuMemAlloc), IS(cuMemFree), IS(cuMemGetInfo), IS(cuMemHostAlloc),
    IS(cuMemFreeHost), IS(cuMemcpyHtoD), IS(cuMemcpyDtoH), IS(cuMemcpyHtoDAsync), IS(cuMemcpyDtoD),
    IS(cuMemcpyDtoDAsync), IS(cuStreamCreate), IS(cuStreamDestroy), IS(cuStreamGetCtx), IS(cuEventCreate),
    IS(cuEventDestroy), IS(cuEventRecord), IS(cuEventSynchronize), IS(cuEventElapsedTime), IS(cuLibraryLoadData),
    IS(cuLibraryUnload), IS(cuLibraryGetKernel), IS(cuKernelGetAttribute), IS(cuKernelSetAttribute),
    IS(cuStreamBeginCapture), IS(cuStreamEndCapture), IS(cuGraphLaunch), IS(cuGraphExecDestroy), IS(cuGraphDestroy),
    {"cuGraphInstantiateWithFlags", cuGraphInstantiate},
};

int cuGetProcAddress_v2(const char *name, void **function, int version, u64 flags, int *found) {
    *function = strncmp(name, "cuGetProcAddress", 16) ? (void *)unknown : (void *)cuGetProcAddress_v2;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcmp(name, known[i].name)) *function = known[i].function;
    if (found) *found = 0;
    return OK;
}
int cuGetProcAddress(const char *name, void **function, int version, u64 flags) {
    return cuGetProcAddress_v2(name, function, version, flags, NULL);
}
