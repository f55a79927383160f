/* The weight of each pair, in place: s ← w(scale · s), with w given as the expression WEIGHT(s).
 *
 * NDRange: (rows i of the block, rounded up; keys; groups of the block).
 */
__kernel void pairwise_weight(__global float *restrict s, const float scale, const int keys, const int rows)
{
    const int i = get_global_id(0);
    const int j = get_global_id(1);
    const long group = get_global_id(2);
    if (i >= rows) return;
    const long at = (group * keys + j) * rows + i;
    s[at] = WEIGHT((scale * s[at]));
}
