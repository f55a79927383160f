/* The other normalisers C(x), in place. */

/* C a constant, such as the number of keys: w ← factor · w.
 * NDRange: (rows i of the block, rounded up; keys; groups of the block). */
__kernel void normalize_by_constant(
    __global float *restrict w, const float factor, const int keys, const int rows)
{
    const int i = get_global_id(0);
    const int j = get_global_id(1);
    const long group = get_global_id(2);
    if (i < rows) w[(group * keys + j) * rows + i] *= factor;
}

/* C = Σ_j w_j: w ← w / Σ_j w_j.
 * NDRange: (rows i of the block, rounded up; 1; groups of the block). One work-item: one query. */
__kernel void normalize_by_sum(__global float *restrict w, const int keys, const int rows)
{
    const int i = get_global_id(0);
    const long group = get_global_id(2);
    if (i >= rows) return;
    w += group * keys * rows + i;
    float sum = 0.0f;
    for (int first = 0; first < keys; first += CHUNK) {
        float part = 0.0f;
        for (int j = first; j < min(first + CHUNK, keys); j++) part += w[(long)j * rows];
        sum += part;
    }
    for (int j = 0; j < keys; j++) w[(long)j * rows] /= sum;
}
