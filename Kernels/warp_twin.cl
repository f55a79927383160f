/* The functions of warp_ptx.cl on any device, for checking kernels where there is no NVIDIA device.
 *
 * Fragments are exchanged through local memory, element by element, as the instructions define them. Sums of an
 * mma are exact and then rounded toward zero, as the tensor cores do it, where the device has doubles.
 *
 * A race checker goes with it, since the barriers in here would hide the ones that a kernel lacks. Each word of
 * the arena has a shadow: who wrote it last, who read it, and in which epoch; epochs advance at the kernel's own
 * barriers alone. A work-item that reads what another one wrote in this epoch, what nobody wrote, or a copy that
 * was not waited for before a barrier, or that overwrites what another one read or wrote in this epoch, gets
 * nothing but NaNs from then on.
 *
 * Of a result that two warps write the right one may come last, since a CPU device takes warps, and mostly work-groups,
 * in the order of their numbers. With PARTS 2 they are numbered backwards, so that one of the two orders shows it.
 *
 * Every function that takes `warp` but copies, reads and writes has to be called by the whole work-group.
 */
#if !WARP_PTX

#if defined(cl_khr_fp64) || defined(__opencl_c_fp64)
typedef double Exact;
#else
typedef float Exact;
#endif

#if PARTS == 2
#define THREAD (get_local_size(0) - 32 - get_local_id(0) / 32 * 32 + get_local_id(0) % 32)
#define GROUP_ID(d) (get_num_groups(d) - 1 - get_group_id(d))
#else
#define THREAD get_local_id(0)
#define GROUP_ID(d) get_group_id(d)
#endif

/* Numbers of a and b that a lane brings into an mma. */
#define BROUGHT 12
/* Groups of copies that are told apart. */
#define GROUPS_OF_COPIES 16

typedef struct {
    __local uint4 *arena;
    __local float *brought;
    __local uint *written, *seen; /* 0, or work-item << 20 | epoch; COPIED | work-item << 20 | group */
    __local uint *landed;         /* the first epoch in which others may read a group of copies, 0: none yet */
    uint epoch, group, waited;
    int raced;
} Warp;

#define WARP_BEGIN \
    __local uint4 arena[ARENA] __attribute__((aligned(128))); \
    __local float brought[THREADS * BROUGHT]; \
    __local uint written[ARENA * 4], seen[ARENA * 4], landed[THREADS * GROUPS_OF_COPIES]; \
    Warp warpState; \
    Warp *const warp = &warpState; \
    warpState.arena = arena; \
    warpState.brought = brought; \
    warpState.written = written; \
    warpState.seen = seen; \
    warpState.landed = landed; \
    warpState.epoch = 1; \
    warpState.group = warpState.waited = 0; \
    warpState.raced = 0; \
    for (int i = THREAD; i < ARENA * 4; i += THREADS) written[i] = seen[i] = 0; \
    barrier(CLK_LOCAL_MEM_FENCE);

#define COPIED 0x80000000u
#define SEVERAL 0x3ffu
#define WHO(mark) ((mark) >> 20 & 0x3ffu)
#define WHEN(mark) ((mark) & 0xfffffu)
#define SELF ((uint)THREAD)

INLINE uint landing(const Warp *const warp, const uint mark)
{
    return warp->landed[WHO(mark) * GROUPS_OF_COPIES + WHEN(mark) % GROUPS_OF_COPIES];
}

INLINE void note_read(Warp *const warp, const int word)
{
    const uint mark = warp->written[word], seen = warp->seen[word];
    if (mark == 0) warp->raced = 1;
    else if (mark & COPIED) {
        const uint landed = landing(warp, mark);
        if (landed == 0 || (WHO(mark) != SELF && landed > warp->epoch)) warp->raced = 1;
    } else if (WHO(mark) != SELF && WHEN(mark) == warp->epoch) warp->raced = 1;
    const uint who = WHEN(seen) == warp->epoch && WHO(seen) != SELF ? SEVERAL : SELF;
    warp->seen[word] = who << 20 | warp->epoch;
}

INLINE void note_write(Warp *const warp, const int word, const uint mark)
{
    const uint before = warp->written[word], seen = warp->seen[word];
    if (seen && WHO(seen) != SELF && WHEN(seen) == warp->epoch) warp->raced = 1;
    if (before && WHO(before) != SELF) {
        const uint landed = before & COPIED ? landing(warp, before) : WHEN(before) + 1;
        if (landed == 0 || landed > warp->epoch) warp->raced = 1;
    }
    warp->written[word] = mark;
}

INLINE void warp_barrier(Warp *const warp)
{
    barrier(CLK_LOCAL_MEM_FENCE);
    warp->epoch++;
}

INLINE void copy_async(Warp *const warp, const int at, const int offset, __global const uint4 *const from)
{
    warp->landed[SELF * GROUPS_OF_COPIES + warp->group % GROUPS_OF_COPIES] = 0;
    for (int i = 0; i < 4; i++) note_write(warp, (at + offset) * 4 + i, COPIED | SELF << 20 | warp->group);
    warp->arena[at + offset] = *from;
}

INLINE void copies_commit(Warp *const warp) { warp->group++; }

INLINE void copies_wait(Warp *const warp, const uint pending)
{
    for (; warp->waited + pending < warp->group; warp->waited++)
        warp->landed[SELF * GROUPS_OF_COPIES + warp->waited % GROUPS_OF_COPIES] = warp->epoch + 1;
}
#define COPIES_WAIT(warp, pending) copies_wait(warp, pending)

INLINE uint4 read_shared4(Warp *const warp, const int from, const int offset)
{
    for (int i = 0; i < 4; i++) note_read(warp, (from + offset) * 4 + i);
    return warp->arena[from + offset];
}
INLINE uint2 read_shared2(Warp *const warp, const int from, const int offset)
{
    for (int i = 0; i < 2; i++) note_read(warp, (from + offset) * 2 + i);
    return warp->raced ? (uint2)(0x7fc00000u) : ((__local const uint2 *)warp->arena)[from + offset];
}
INLINE float read_shared(Warp *const warp, const int from, const int offset)
{
    note_read(warp, (from + offset) * 2);
    return warp->raced ? NAN : ((__local const float *)warp->arena)[(from + offset) * 2];
}
INLINE void write_shared2(Warp *const warp, const int to, const int offset, const uint2 value)
{
    for (int i = 0; i < 2; i++) note_write(warp, (to + offset) * 2 + i, SELF << 20 | warp->epoch);
    ((__local uint2 *)warp->arena)[to + offset] = value;
}
INLINE void write_shared(Warp *const warp, const int to, const int offset, const float value)
{
    note_write(warp, (to + offset) * 2, SELF << 20 | warp->epoch);
    ((__local float *)warp->arena)[(to + offset) * 2] = value;
}

INLINE void write_shared_word(Warp *const warp, const int to, const int offset, const uint value)
{
    note_write(warp, to + offset, SELF << 20 | warp->epoch);
    ((__local uint *)warp->arena)[to + offset] = value;
}

INLINE float of_half(const uint half_)
{
#if BFLOAT
    return as_float(half_ << 16);
#else
    const ushort bits = half_;
    return vload_half(0, (const half *)&bits);
#endif
}

INLINE float toward_zero(const Exact x)
{
    const float near = x;
    return fabs((Exact)near) > fabs(x) ? as_float(as_uint(near) - 1) : near;
}

INLINE float4 mma(Warp *const warp, const float4 c, const uint4 a, const uint2 b)
{
    const uint words[6] = {a.x, a.y, a.z, a.w, b.x, b.y};
    const int lane = THREAD % 32, row = lane / 4, column = lane % 4 * 2;
    barrier(CLK_LOCAL_MEM_FENCE);
    for (int i = 0; i < 6; i++) {
        warp->brought[SELF * BROUGHT + 2 * i] = of_half(words[i] & 0xffffu);
        warp->brought[SELF * BROUGHT + 2 * i + 1] = of_half(words[i] >> 16);
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    __local const float *const brought = warp->brought + (SELF - lane) * BROUGHT;
    Exact sum[4] = {c.x, c.y, c.z, c.w};
    for (int k = 0; k < 16; k++) {
        /* Term k is in word k / 8 of b, in words k / 8 · 2 (rows 0 … 7) and k / 8 · 2 + 1 of a. */
        const int of_ = k % 8 / 2 * BROUGHT + k % 2, upper = k / 8;
        for (int i = 0; i < 4; i++) {
            const Exact x = brought[row * 4 * BROUGHT + of_ + (2 * upper + i / 2) * 2];
            const Exact y = brought[(column + i % 2) * 4 * BROUGHT + of_ + (4 + upper) * 2];
            sum[i] += x * y;
        }
    }
    if (warp->raced) return (float4)(NAN);
    return (float4)(toward_zero(sum[0]), toward_zero(sum[1]), toward_zero(sum[2]), toward_zero(sum[3]));
}

INLINE float across(Warp *const warp, const float x, const int mask)
{
    barrier(CLK_LOCAL_MEM_FENCE);
    warp->brought[SELF] = x;
    barrier(CLK_LOCAL_MEM_FENCE);
    return warp->brought[SELF ^ mask];
}

INLINE uint4 read_again(__global const uint4 *const from) { return *from; }

INLINE float power_of_two(const float x) { return exp2(x); }

INLINE uint halves(const float first, const float second)
{
#if BFLOAT
    const uint2 bits = as_uint2((float2)(first, second));
    const uint2 even = bits + 0x7fffu + (bits >> 16 & 1u);
    return even.x >> 16 | (even.y & 0xffff0000u);
#else
    ushort2 bits;
    vstore_half_rte(first, 0, (half *)&bits);
    vstore_half_rte(second, 1, (half *)&bits);
    return bits.x | (uint)bits.y << 16;
#endif
}

INLINE int late_group_id_0(void) { return GROUP_ID(0); }
INLINE int late_group_id_1(void) { return GROUP_ID(1); }
INLINE int late_group_id_2(void) { return GROUP_ID(2); }
INLINE int late_num_groups_1(void) { return get_num_groups(1); }

#endif
