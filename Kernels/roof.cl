/* The device's peak in float32: CHAINS independent chains of multiply-adds, no memory traffic.
 *
 * VECTOR is the type of one chain's numbers, such as float8, no wider than the device's registers: two
 * registers a chain would not fit them, and the reading would be low. Each launch does
 *   2 · CHAINS · lanes(VECTOR) · iterations operations a work-item.
 */
#ifndef VECTOR
#define VECTOR float
#endif
#define CHAINS 12

__kernel void roof(__global float *restrict result, const float factor, const float term, const int iterations)
{
    VECTOR a[CHAINS];
    for (int k = 0; k < CHAINS; k++) a[k] = (VECTOR)(factor + (float)k);
    const VECTOR x = (VECTOR)(factor), y = (VECTOR)(term);
    for (int i = 0; i < iterations; i++) {
#pragma unroll
        for (int k = 0; k < CHAINS; k++) a[k] = fma(a[k], x, y);
    }
    VECTOR sum = a[0];
    for (int k = 1; k < CHAINS; k++) sum += a[k];
    union { VECTOR vector; float lane; } first;
    first.vector = sum;
    result[get_global_id(0)] = first.lane;
}
