import SwiftOpenCL

/// Small kernels that the tests share.
enum Sources {
    static let arithmetic = Program.Source(
        name: "arithmetic.cl",
        text: """
            __kernel void scale(__global const float *x, __global float *y, const float factor) {
                const size_t i = get_global_id(0);
                y[i] = factor * x[i];
            }

            __kernel void label(__global int *y, const int value, const uint width) {
                y[get_global_id(1) * width + get_global_id(0)] = value + (int)get_group_id(0);
            }

            __kernel void mark(__global int *y, const uint index, const int value) {
                y[index] = value;
            }

            __kernel void sum_group(__global const int *x, __global int *y, __local int *scratch) {
                const size_t i = get_local_id(0);
                scratch[i] = x[get_global_id(0)];
                barrier(CLK_LOCAL_MEM_FENCE);
                if (i == 0) {
                    int total = 0;
                    for (size_t k = 0; k < get_local_size(0); ++k) total += scratch[k];
                    y[get_group_id(0)] = total;
                }
            }
            """)

    static let vectors = Program.Source(
        name: "vectors.cl",
        text: """
            __kernel void vectors(__global float *y, const float2 a, const float3 b, const float4 c,
                                  const float8 d, const float16 e, const int4 i, const ulong2 u) {
                y[0] = a.y; y[1] = b.z; y[2] = c.w; y[3] = d.s7; y[4] = e.sf;
                y[5] = (float)i.w; y[6] = (float)(u.y >> 32);
            }

            __kernel void widest(__global ulong *y, const ulong16 a, const uint16 b) {
                y[0] = a.s0; y[1] = a.sf; y[2] = b.s0; y[3] = b.sf;
            }

            __kernel void scalars(__global long *y, const char a, const uchar b, const short c, const ushort d,
                                  const int e, const uint f, const long g, const ulong h) {
                y[0] = a; y[1] = b; y[2] = c; y[3] = d; y[4] = e; y[5] = f; y[6] = g; y[7] = (long)h;
            }
            """)

    /// Takes long enough to be still running when the next call comes; `n` steps a work-item.
    static let slow = Program.Source(
        name: "slow.cl",
        text: """
            __kernel void slow(__global uint *y, const uint n) {
                uint state = y[get_global_id(0)];
                for (uint k = 0; k < n; ++k) state = state * 1664525u + 1013904223u;
                y[get_global_id(0)] = state;
            }
            """)

    /// What `slow` computes, by squaring the step: (a, b) stands for x ↦ a·x + b.
    static func slow(_ state: UInt32, steps: UInt32) -> UInt32 {
        var (a, b) = (1 as UInt32, 0 as UInt32)
        var (stepA, stepB) = (1_664_525 as UInt32, 1_013_904_223 as UInt32)
        var left = steps
        while left > 0 {
            if left & 1 == 1 { (a, b) = (stepA &* a, stepA &* b &+ stepB) }
            (stepA, stepB) = (stepA &* stepA, stepA &* stepB &+ stepB)
            left >>= 1
        }
        return a &* state &+ b
    }
}

extension Program {
    /// A program with one of the sources above, with the names of its parameters.
    static func make(_ source: Source, in context: Context, options: [String] = []) throws -> Program {
        try Program(context, sources: [source], options: ["-cl-std=CL1.2", "-cl-kernel-arg-info"] + options)
    }
}
