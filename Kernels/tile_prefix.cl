/* Running sums over the keys of each group in the order of b, b_1 ≥ b_2 ≥ …, for tile_sorted_aggregate.cl:
 *
 *   G_k = G_{k−1} + g_k        F_k = F_{k−1} + (b_{k−1} − b_k) G_{k−1}
 *
 * The order is cut into parts. tile_prefix_parts leaves G and F of each part by itself, F up to the part's last b;
 * tile_prefix starts from the sums of the parts before, with a step from each part's last b to the next one's:
 *
 *   F ← F + (last b before − last b) G + F_part        G ← G + G_part
 *
 * Sums run over all keys, so each is two floats, the second what rounding took of the first: no device needs double.
 *
 * NDRange: (⌈d_v / CHANNELS⌉ · CHANNELS; parts; groups), work-groups (CHANNELS, 1, 1).
 * One work-item: one channel of a part. Neighbours read neighbouring channels of g, which should lie side by side.
 */

#pragma OPENCL FP_CONTRACT OFF

/* Channels of a work-group. */
#define CHANNELS 64

#define BY_CHANNELS __attribute__((reqd_work_group_size(CHANNELS, 1, 1)))

static float2 add(const float2 sum, const float value)
{
    const float total = sum.x + value, added = total - sum.x;
    return (float2)(total, sum.y + ((sum.x - (total - added)) + (value - added)));
}

static float2 add_sum(const float2 sum, const float2 other)
{
    const float2 total = add(sum, other.x);
    return (float2)(total.x, total.y + other.y);
}

/* sum + a · b */
static float2 add_product(const float2 sum, const float a, const float2 b)
{
    const float product = a * b.x;
    const float2 total = add(sum, product);
    return (float2)(total.x, total.y + (fma(a, b.x, -product) + a * b.y));
}

/* Sums of a part by themselves: [groups][parts][2][d_v] of (sum, rest), G before F. */
#define PART(group, part, c) \
    ((((group) * get_global_size(1) + (part)) * 2) * (long)valueChannels + (c))

__kernel BY_CHANNELS void tile_prefix_parts(
    __global const ulong *restrict sorted,               /* [groups][M], by tile_sort.cl */
    __global const float *restrict g, const long8 gView, /* [d_v, M] */
    __global float2 *restrict parts, const int valueChannels, const int keys,
    const int length) /* keys of a part */
{
    const int c = get_global_id(0);
    const long part = get_global_id(1), group = get_global_id(2);
    if (c >= valueChannels) return;
    sorted += group * keys;
    g += GROUP(gView, group) + AT(gView, (long)c, 0);

    float2 sum = (float2)(0.0f), steps = (float2)(0.0f); /* G and F */
    float last = B_OF(sorted[part * length]);
    for (long k = part * length; k < min((part + 1) * length, (long)keys); k++) {
        const ulong number = sorted[k];
        const float b = B_OF(number);
        if (k > part * length) steps = add_product(steps, last - b, sum);
        sum = add(sum, g[POSITION_OF(number) * gView.s4]);
        last = b;
    }
    parts[PART(group, part, c)] = sum;
    parts[PART(group, part, c) + valueChannels] = steps;
}

__kernel BY_CHANNELS void tile_prefix(
    __global const ulong *restrict sorted,               /* [groups][M], by tile_sort.cl */
    __global const float *restrict g, const long8 gView, /* [d_v, M] */
    __global const float2 *restrict parts,
    __global float *restrict sums, /* [groups][M][2][d_v], G before F */
    const int valueChannels, const int keys, const int length)
{
    const int c = get_global_id(0);
    const long part = get_global_id(1), group = get_global_id(2);
    if (c >= valueChannels) return;
    sorted += group * keys;
    g += GROUP(gView, group) + AT(gView, (long)c, 0);
    sums += group * keys * 2 * valueChannels + c;

    float2 sum = (float2)(0.0f), steps = (float2)(0.0f);
    float last = 0.0f;
    for (long before = 0; before < part; before++) {
        const float b = B_OF(sorted[(before + 1) * length - 1]);
        if (before > 0) steps = add_product(steps, last - b, sum);
        steps = add_sum(steps, parts[PART(group, before, c) + valueChannels]);
        sum = add_sum(sum, parts[PART(group, before, c)]);
        last = b;
    }
    for (long k = part * length; k < min((part + 1) * length, (long)keys); k++) {
        const ulong number = sorted[k];
        const float b = B_OF(number);
        if (k > 0) steps = add_product(steps, last - b, sum);
        sum = add(sum, g[POSITION_OF(number) * gView.s4]);
        last = b;
        sums[k * 2 * valueChannels] = sum.x + sum.y;
        sums[(k * 2 + 1) * valueChannels] = steps.x + steps.y;
    }
}
