/* A position's own score, i = j, in place, before the softmax: own_weight_exclude leaves it out,
 * own_weight_strongest makes it that of the strongest other key.
 * A negative scale turns the order around: the strongest score is then the smallest.
 *
 * NDRange: (rows i of the block, rounded up; 1; groups of the block).
 */
__kernel void own_weight_exclude(
    __global float *restrict s, __global const int *restrict own, /* a row's own key */
    const float scale, const int keys, const int firstRow, const int rows)
{
    const int i = get_global_id(0);
    const long group = get_global_id(2);
    if (i >= rows) return;
    s[(group * keys + own[firstRow + i]) * rows + i] = scale < 0.0f ? INFINITY : -INFINITY;
}

__kernel void own_weight_strongest(
    __global float *restrict s, __global const int *restrict own, /* a row's own key */
    const float scale, const int keys, const int firstRow, const int rows)
{
    const int i = get_global_id(0);
    const long group = get_global_id(2);
    if (i >= rows) return;
    s += group * keys * rows + i;
    const int self = own[firstRow + i];
    const float sign = scale < 0.0f ? -1.0f : 1.0f;
    float strongest = -INFINITY;
    for (int j = 0; j < keys; j++)
        if (j != self) strongest = fmax(strongest, sign * s[(long)j * rows]);
    s[(long)self * rows] = sign * strongest;
}
