/* The kernel of warp_tiling.cl and warp_steps.cl.
 *
 * NDRange: (⌈N / BLOCK_ROWS⌉ · THREADS, shares of the keys, groups), work-groups of THREADS.
 */

/* Writes y of this work-item's queries, times a factor of each, to channels `stride` apart. */
INLINE void store(
    const Place *const place, const State *const state, const float factors[HALVES], __global float *y,
    const long channelStride, const long positionStride, const int firstQuery, const int queries, const int valueChannels)
{
    EACH(m, ROW_TILES) EACH(h, 2) {
        const int n = firstQuery + m * 16 + h * 8 + place->lane / 4;
        if (n >= queries) continue;
        EACH(stage, G_STAGES) EACH(v, VALUE_TILES * 2) {
            const int c = ((stage * SLICES + place->slice) * VALUE_TILES * 2 + v) * 8 + place->lane % 4 * 2;
            const float2 pair = HALF_OF(state->y[m][stage * VALUE_TILES * 2 + v], h) * factors[2 * m + h];
            if (c < valueChannels) y[c * channelStride + n * positionStride] = pair.x;
            if (c + 1 < valueChannels) y[(c + 1) * channelStride + n * positionStride] = pair.y;
        }
    }
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void warp_attention(
    __global const uint4 *restrict theta, /* image by rows, block 1, BLOCK_ROWS queries at a time */
    __global const uint4 *restrict phi,   /* image by rows, blocks of KEYS keys */
    __global const uint4 *restrict g,     /* image by terms, blocks of KEYS keys */
    __global const float *restrict limits, /* [3][groups]: what θ, φ and g were scaled for */
    __global float *restrict y, const long8 yView, /* [d_v, N] */
    __global float *restrict shared, /* [groups][shares][d_v + 2][N]: y, m, l, where there are several shares */
    const int queries, const int keys, const int valueChannels, const float scale)
{
    WARP_BEGIN
    const int thread = get_local_id(0), group = get_group_id(2), groups = get_num_groups(2);
    const int share = get_group_id(1), shares = get_num_groups(1);
    const Place here = {
        thread % 32, thread / 32 / SLICES, thread / 32 % SLICES, thread / 32 / SLICES * HALVES};
    const Place *const place = &here;
    const int rowTile = get_group_id(0) * (BLOCK_ROWS / 16) + here.rowWarp * ROW_TILES;
    const int blocks = (keys + KEYS - 1) / KEYS;
    const int first = (long)blocks * share / shares, end = (long)blocks * (share + 1) / shares;
    const float factor = fabs(scale) * 1.44269504f * inverse_unit_of(limits[group])
        * inverse_unit_of(limits[groups + group]);

    theta += ((long)group * get_num_groups(0) * (BLOCK_ROWS / 16) + rowTile) * (WIDTH / 16) * FRAGMENT;
    const long block0 = (long)group * blocks + first;
    Stream stream = {
        phi + block0 * PHI_STAGE * PHI_STAGES + thread, g + block0 * G_STAGE * G_STAGES + thread};
    EACH(i, RING - 1) send(warp, &stream, i - PHI_STAGES, end - first);

    uint4 kept[ROW_TILES][PHI_STAGES * STEPS][PARTS];
    if (KEEP_THETA)
        EACH(m, ROW_TILES) EACH(stage, PHI_STAGES) EACH(k, STEPS) EACH(part, PARTS)
            kept[m][stage * STEPS + k][part] = THETA(theta, m, stage, k)[part * 32];

    State state;
    EACH(h, HALVES) {
        state.m[h] = -FLT_MAX;
        state.l[h] = 0.0f;
    }
    EACH(m, ROW_TILES) EACH(n, G_STAGES * VALUE_TILES * 2) state.y[m][n] = (float4)(0.0f);

    EACH(stage, PHI_STAGES)
        score(warp, place, &state, kept, theta, stage, receive(warp, &stream, stage - PHI_STAGES, end - first));
    hand_on(warp, place, &state);
    _Pragma("unroll 1") for (int block = first; block < end - 1; block++) {
        EACH(stage, PHI_STAGES) {
            const int at = receive(warp, &stream, stage, end - block);
            if (stage == 0) weigh(warp, place, &state, factor, KEYS);
            score(warp, place, &state, kept, theta, stage, at);
        }
        EACH(stage, G_STAGES) {
            const int at = receive(warp, &stream, PHI_STAGES + stage, end - block);
            if (stage == 0) hand_on(warp, place, &state);
            aggregate(warp, place, &state, stage, at);
        }
    }
    EACH(stage, PHI_STAGES) receive(warp, &stream, stage, 1);
    weigh(warp, place, &state, factor, keys - (end - 1) * KEYS);
    EACH(stage, G_STAGES)
        aggregate(warp, place, &state, stage, receive(warp, &stream, PHI_STAGES + stage, 1));

    EACH(h, OWNED) {
        state.l[h] += across(warp, state.l[h], 1);
        state.l[h] += across(warp, state.l[h], 2);
    }
    const int firstQuery = rowTile * 16;
    float factors[HALVES];
    if (shares > 1) {
        shared += ((long)group * shares + share) * (valueChannels + 2) * queries;
        EACH(h, HALVES) factors[h] = 1.0f;
        store(place, &state, factors, shared, queries, 1, firstQuery, queries, valueChannels);
        EACH(o, OWNED) {
            const int n = firstQuery + (place->slice * OWNED + o) * 8 + place->lane / 4;
            if (place->lane % 4 || n >= queries) continue;
            shared[(long)valueChannels * queries + n] = state.m[o];
            shared[(long)(valueChannels + 1) * queries + n] = state.l[o];
        }
        return;
    }
    const float unit = inverse_unit_of(limits[2 * groups + group]);
#if SLICES > 1
    warp_barrier(warp);
    EACH(o, OWNED) if (place->lane % 4 == 0)
        write_shared(
            warp, FACTORS_AT * 4 + (place->half_ + place->slice * OWNED + o) * 8 + place->lane / 4,
            unit / state.l[o]);
    warp_barrier(warp);
    take_factors(warp, place, factors);
#else
    EACH(h, HALVES) factors[h] = unit / state.l[h];
#endif
    store(place, &state, factors, y + GROUP(yView, group), yView.s3, yView.s4, firstQuery, queries, valueChannels);
}
