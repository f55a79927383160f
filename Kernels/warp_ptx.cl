/* What a warp of an NVIDIA device (compute capability 8.0 and up) can do, as inline PTX. warp_twin.cl has the
 * same functions for any device; WARP_PTX says which are meant.
 *
 * A __local pointer is an address in the shared space already: converting it would be wrong. Halves are kept in
 * words, two at a time, so that cl_khr_fp16 is not needed.
 *
 * ARENA       local memory of the kernel, in uint4
 * WARP_BEGIN  declares it, and `warp`, in a kernel's outermost scope
 * THREAD, GROUP_ID(d)  the work-item in its group, the group along dimension d
 */
#ifndef WARP_PTX
#define WARP_PTX 0
#endif

/* Whether the halves are bfloat16. */
#ifndef BFLOAT
#define BFLOAT 0
#endif

/* Whatever holds a warp's state in registers has to be inlined, however long it is. */
#if WARP_PTX
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

#if WARP_PTX

#define THREAD get_local_id(0)
#define GROUP_ID(d) get_group_id(d)

typedef struct {
    __local uint4 *arena;
} Warp;

#define WARP_BEGIN \
    __local uint4 arena[ARENA] __attribute__((aligned(128))); \
    Warp warpState; \
    Warp *const warp = &warpState; \
    warpState.arena = arena;

INLINE void warp_barrier(Warp *const warp) { barrier(CLK_LOCAL_MEM_FENCE); }

/* Begins a copy of 16 bytes to a place in the arena, which ends some time before COPIES_WAIT returns. */
INLINE void copy_async(Warp *const warp, const int at, const int offset, __global const uint4 *const from)
{
    const uint to = (uint)(ulong)(warp->arena + at + offset);
    asm volatile(
        "{ .reg .u64 from; cvta.to.global.u64 from, %1; cp.async.cg.shared.global [%0], [from], 16; }"
        :: "r"(to), "l"(from) : "memory");
}

/* Ends a group of copies. */
INLINE void copies_commit(Warp *const warp) { asm volatile("cp.async.commit_group;" ::: "memory"); }

/* Waits for this work-item's copies but for its last `pending` groups, a literal. */
#define COPIES_WAIT(warp, pending) COPIES_WAIT_LITERAL(pending)
#define COPIES_WAIT_LITERAL(pending) asm volatile("cp.async.wait_group " #pending ";" ::: "memory")

/* 16 and 8 bytes and the first number of 8 bytes, at `from` and a constant offset that instructions can hold. */
INLINE uint4 read_shared4(Warp *const warp, const int from, const int offset)
{
    return (warp->arena + from)[offset];
}
INLINE uint2 read_shared2(Warp *const warp, const int from, const int offset)
{
    return ((__local const uint2 *)warp->arena + from)[offset];
}
INLINE float read_shared(Warp *const warp, const int from, const int offset)
{
    return *(__local const float *)((__local const uint2 *)warp->arena + from + offset);
}
INLINE void write_shared2(Warp *const warp, const int to, const int offset, const uint2 value)
{
    ((__local uint2 *)warp->arena + to)[offset] = value;
}
INLINE void write_shared(Warp *const warp, const int to, const int offset, const float value)
{
    *(__local float *)((__local uint2 *)warp->arena + to + offset) = value;
}

/* Reads what does not change, again each time: compilers would keep it in registers. */
INLINE uint4 read_again(__global const uint4 *const from)
{
    uint4 value;
    asm volatile("{ .reg .u64 from; cvta.to.global.u64 from, %4; ld.global.v4.u32 {%0, %1, %2, %3}, [from]; }"
        : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w) : "l"(from));
    return value;
}

INLINE void write_shared_word(Warp *const warp, const int to, const int offset, const uint value)
{
    ((__local uint *)warp->arena + to)[offset] = value;
}

#if BFLOAT
#define HALF_TYPE "bf16"
#else
#define HALF_TYPE "f16"
#endif

/* c + a b: a 16 × 16, b 16 × 8, c 16 × 8, in the fragments that warp_tile.cl describes. */
INLINE float4 mma(Warp *const warp, float4 c, const uint4 a, const uint2 b)
{
    asm("mma.sync.aligned.m16n8k16.row.col.f32." HALF_TYPE "." HALF_TYPE ".f32 "
        "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c.x), "+f"(c.y), "+f"(c.z), "+f"(c.w)
        : "r"(a.x), "r"(a.y), "r"(a.z), "r"(a.w), "r"(b.x), "r"(b.y));
    return c;
}

/* The x of the lane whose number differs by `mask`. */
INLINE float across(Warp *const warp, const float x, const int mask)
{
    float y;
    asm volatile("shfl.sync.bfly.b32 %0, %1, %2, 0x1f, 0xffffffff;" : "=f"(y) : "f"(x), "r"(mask));
    return y;
}

/* 2^x with a relative error below 2⁻²², 0 where it is below 2⁻¹²⁶. */
INLINE float power_of_two(const float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* Two numbers as halves in a word, the first one below. */
INLINE uint halves(const float first, const float second)
{
    uint word;
    asm("cvt.rn." HALF_TYPE "x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
    return word;
}

/* get_group_id and get_num_groups, asked for where they stand: compilers ask once, at the start, and would keep what
 * only the end of a kernel needs in registers that its loop has a use for. */
#define LATE(name, special) \
    INLINE int name(void) \
    { \
        int number; \
        asm volatile("mov.u32 %0, " special ";" : "=r"(number)); \
        return number; \
    }
LATE(late_group_id_0, "%%ctaid.x")
LATE(late_group_id_1, "%%ctaid.y")
LATE(late_group_id_2, "%%ctaid.z")
LATE(late_num_groups_1, "%%nctaid.y")

#endif
