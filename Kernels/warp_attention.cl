/* The kernel of warp_tiling.cl, of the steps in warp_steps.cl.
 *
 * NDRange: (⌈N / BLOCK_ROWS⌉ · THREADS, shares of the keys, groups from firstGroup on), work-groups of THREADS.
 */

/* Block of keys with which a share begins. */
#define FIRST_OF(share, shares, keys) (((keys) + KEYS - 1) / KEYS * (share) / (shares))

/* Takes all pieces of a block of φ, the first of which is `piece`: weighs the block of keys before it, if there is
 * one, and scores this one. */
INLINE void take_phi(
    Warp *const warp, const Place *const place, State *const state,
    const uint4 kept[ROW_TILES][PHI_STAGES * STEPS][PARTS], __global const uint4 *const theta,
    Stream *const stream, const int piece, const int blocks, const float factor)
{
#if IS_ROLLED
    _Pragma("unroll 1") for (int stage = 0; stage < PHI_STAGES; stage++) {
        const int buffer = stage % RING;
#else
    EACH(stage, PHI_STAGES) {
        const int buffer = BUFFER_OF(piece + stage);
#endif
        const int at = receive(warp, stream, piece + stage, buffer, blocks);
        if (stage == 0) {
            if (piece == 0) weigh(warp, place, state, factor, KEYS);
            EACH(m, ROW_TILES) EACH(n, KEY_TILES * 2) state->s[m][n] = (float4)(0.0f);
        }
        score(warp, place, state, kept, theta, stage, at);
    }
}

/* Writes y of this work-item's queries, times a factor of each and one of all. */
INLINE void store(
    const Place *const place, const State *const state, const float factors[EIGHTS], const float unit,
    __global float *const y,
    const long channelStride, const long positionStride, const int firstQuery, const int queries,
    const int valueChannels)
{
    EACH(m, ROW_TILES) EACH(h, 2) {
        const int n = firstQuery + m * 16 + h * 8 + place->lane / 4;
        if (n >= queries) continue;
        EACH(stage, G_STAGES) EACH(v, VALUE_TILES * 2) {
            const int c = ((stage * SLICES + place->slice) * VALUE_TILES * 2 + v) * 8 + place->lane % 4 * 2;
            const float2 pair =
                EIGHT_OF(state->y[m][stage * VALUE_TILES * 2 + v], h) * factors[2 * m + h] * unit;
            if (c < valueChannels) y[c * channelStride + n * positionStride] = pair.x;
            if (c + 1 < valueChannels) y[(c + 1) * channelStride + n * positionStride] = pair.y;
        }
    }
}

/* Writes y, or what a share of the keys leaves to be merged. */
INLINE void finish(
    Warp *const warp, const Place *const place, State *const state, __global const float *const limits,
    __global float *y, const long8 yView, __global float *shared, const int queries, const int valueChannels,
    const int groups, const int firstGroup)
{
    const int group = firstGroup + late_group_id_2(), shares = late_num_groups_1();
    const int firstQuery = late_group_id_0() * BLOCK_ROWS + place->rowWarp * (ROW_TILES * 16);
    float factors[EIGHTS];
    EACH(h, OWNED) {
        state->l[h] += across(warp, state->l[h], 1);
        state->l[h] += across(warp, state->l[h], 2);
    }
    if (shares > 1) {
        shared += ((long)group * shares + late_group_id_1()) * (valueChannels + 2) * queries;
        EACH(h, EIGHTS) factors[h] = 1.0f;
        store(place, state, factors, 1.0f, shared, queries, 1, firstQuery, queries, valueChannels);
        EACH(o, OWNED) {
            const int n = firstQuery + (place->slice * OWNED + o) * 8 + place->lane / 4;
            if (place->lane % 4 || n >= queries) continue;
            shared[(long)valueChannels * queries + n] = state->m[o];
            shared[(long)(valueChannels + 1) * queries + n] = state->l[o];
        }
        return;
    }
#if SLICES > 1
    warp_barrier(warp);
    EACH(o, OWNED) give_factor(warp, place, o, 1.0f / state->l[o]);
    warp_barrier(warp);
    take_factors(warp, place, factors);
#else
    EACH(h, EIGHTS) factors[h] = 1.0f / state->l[h];
#endif
    /* GROUP in int: a division in long is a call, which would cost registers. */
    const int item = group / (int)yView.s5;
    y += yView.s0 + item * yView.s1 + (group - item * (int)yView.s5) * yView.s2;
    store(
        place, state, factors, inverse_unit_of(limits[2 * groups + group]), y, yView.s3, yView.s4, firstQuery, queries,
        valueChannels);
}

__kernel __attribute__((reqd_work_group_size(THREADS, 1, 1))) void warp_attention(
    __global const uint4 *restrict theta, /* image by rows, block 1, BLOCK_ROWS queries at a time */
    __global const uint4 *restrict phi,   /* image by rows, blocks of KEYS keys */
    __global const uint4 *restrict g,     /* image by terms, blocks of KEYS keys */
    __global const float *restrict limits, /* [3][groups]: what θ, φ and g were scaled for */
    __global float *restrict y, const long8 yView, /* [d_v, N] */
    __global float *restrict shared, /* [groups][shares][d_v + 2][N]: y, m, l, where there are several shares */
    const int queries, const int keys, const int valueChannels, const float scale,
    const int groups, const int firstGroup) /* of all, of which the launch may have a part */
{
    WARP_BEGIN
    const int thread = THREAD;
    const Place here = {
        thread % 32, thread / 32 / SLICES, thread / 32 % SLICES,
        RECORDS_AT * 2 + thread / 32 / SLICES * EIGHTS * RECORD + thread % 32,
        RECORDS_AT + thread / 32 / SLICES * EIGHTS * RECORD / 2 + thread % 32};
    const Place *const place = &here;
    const int group = firstGroup + GROUP_ID(2);
    const float factor = exponent_factor(scale, limits, group, groups);

    const int first = FIRST_OF((int)GROUP_ID(1), (int)get_num_groups(1), keys);
    const int blocks = FIRST_OF((int)GROUP_ID(1) + 1, (int)get_num_groups(1), keys) - first;
    const long before = (long)group * ((keys + KEYS - 1) / KEYS) + first;
    Stream stream = {
        phi + before * (PHI_STAGE * PHI_STAGES) + thread, g + before * (G_STAGE * G_STAGES) + thread};
    EACH(i, RING - 1) send(warp, &stream, i - PHI_STAGES, i, blocks);

    const long rowTiles = ((long)group * get_num_groups(0) + GROUP_ID(0)) * (BLOCK_ROWS / 16);
    theta += (rowTiles + here.rowWarp * ROW_TILES) * (WIDTH / 16) * FRAGMENT + here.lane;
    uint4 kept[ROW_TILES][PHI_STAGES * STEPS][PARTS];
    EACH(m, ROW_TILES) EACH(stage, PHI_STAGES) EACH(k, KEPT) EACH(part, PARTS)
        kept[m][stage * STEPS + k][part] = theta[THETA(m, stage, k) + part * 32];

    State state;
    EACH(h, EIGHTS) {
        state.m[h] = -FLT_MAX;
        state.l[h] = 0.0f;
    }
    EACH(m, ROW_TILES) EACH(n, G_STAGES * VALUE_TILES * 2) state.y[m][n] = (float4)(0.0f);

    take_phi(warp, place, &state, kept, theta, &stream, -PHI_STAGES, blocks, factor);
    hand_on(warp, place, &state);
    _Pragma("unroll 1") for (int left = blocks; left > 0; left--) {
        if (left > 1)
            take_phi(warp, place, &state, kept, theta, &stream, 0, left, factor);
        else {
            EACH(stage, PHI_STAGES) receive(warp, &stream, stage, BUFFER_OF(stage), 1);
            weigh(
                warp, place, &state, factor,
                keys - (FIRST_OF(late_group_id_1() + 1, late_num_groups_1(), keys) - 1) * KEYS);
        }
        EACH(stage, G_STAGES) {
            const int at = receive(warp, &stream, PHI_STAGES + stage, BUFFER_OF(PHI_STAGES + stage), left);
            if (stage == 0 && left > 1) hand_on(warp, place, &state);
            aggregate(warp, place, &state, stage, at);
        }
    }
    finish(warp, place, &state, limits, y, yView, shared, queries, valueChannels, groups, firstGroup);
}
