/* Fused softmax attention by work-groups: y[c, i] = Σ_j g[c, j] p[j, i] / Σ_j p[j, i],
 * p[j, i] = exp(scale · (s[j, i] − m_i)), s[j, i] = θ_i · φ_j, m_i the greatest so far (online softmax).
 *
 *   for each block of BLOCK keys:
 *       s[j, i] = Σ_c φ[c, j] θ[c, i], channels a slice at a time
 *       m' = max(m, max_j s[j, i])
 *       p = exp(scale · (s − m')), to local memory
 *       l = l · exp(scale · (m − m')) + Σ_j p[j, i]
 *       y = y · exp(scale · (m − m')) + Σ_j g[c, j] p[j, i], keys a slice at a time
 *
 * A work-group has BLOCK queries and VALUES · BLOCK value channels, whose sums stay in registers. More value
 * channels are for other work-groups, which compute the scores again. The sums of each key block start at zero:
 * carried on, their rounding errors would grow with the keys. Rescaling is part of the multiply-add that joins
 * them, so there is nothing to gain by leaving it out where the maximum stays.
 * The kernel works on half the scores: the difference of two finite scores may overflow, that of their halves
 * can't; scaling comes after it, so no finite score gives a NaN. A negative scale changes the sign of the scores,
 * so the extreme is always a maximum.
 *
 * With `shares` > 1 the keys are shared among work-groups, for few queries and many cores; each leaves its y, m
 * and l in `shared`, for tile_merge.
 *
 * With tile_sums.cl it gives out sums over the keys beside y, of the first value channels' work-groups.
 *
 * θ, φ and g may be kept in 16 bits (tile_storage.cl).
 *
 * Compiled with QUADS 1.
 * NDRange: (⌈N / BLOCK⌉ · SIDE, ⌈d_v / (VALUES · BLOCK)⌉ · SIDE, groups · shares), work-groups (SIDE, SIDE, 1).
 */

/* Blocks of value channels that a work-group has: their sums take 16 · VALUES registers. */
#ifndef VALUES
#define VALUES 1
#endif

/* Without tile_sums.cl. */
#ifndef SUMS
#define SUM_COUNT 0
#define SUM_PARAMETERS
#endif

/* What becomes of a position's own weight; 0 includes it. */
#define EXCLUDE 1
#define STRONGEST 2

#define EACH_VALUE UNROLL for (int v = 0; v < VALUES; v++)
#define EACH_ROW_OF_QUAD UNROLL for (int r = 0; r < 4; r++)

/* The factor that makes half scores exponents of two. */
#define BASE_TWO(scale) fmin(2.0f * 1.44269504f * fabs(scale), FLT_MAX)

/* The weight of a half score beside the greatest one; none for a score that is left out. */
static float weight_of(const float s, const float m, const float factor)
{
    return s == -INFINITY ? 0.0f : exp2((s - m) * factor);
}

static float4 weights_of(const float4 s, const float4 m, const float factor)
{
    return (float4)(
        weight_of(s.x, m.x, factor), weight_of(s.y, m.y, factor), weight_of(s.z, m.z, factor),
        weight_of(s.w, m.w, factor));
}

/* What scales scores and sums of y back. */
#if STORAGE == FLOAT32
#define score_units(limits, group, groups) (float2)(1.0f)
#define value_unit(limits, group, groups) 1.0f
#define stored_quad load_quad
#else
static float2 score_units(__global const float *limits, const long group, const long groups)
{
    return units_of(limits[group], limits[groups + group]);
}

static float value_unit(__global const float *limits, const long group, const long groups)
{
    return power_of_two(-exponent_of(limits[2 * groups + group]));
}

/* Up to four numbers, `step` apart; those from `count` on are 0. */
static float4 stored_quad(__global const STORED *from, const long step, const int count)
{
    return (float4)(
        count > 0 ? READ(from, 0) : 0.0f, count > 1 ? READ(from, step) : 0.0f,
        count > 2 ? READ(from, 2 * step) : 0.0f, count > 3 ? READ(from, 3 * step) : 0.0f);
}
#endif

/* sum[c, i] = Σ_j g[c, j] p[j, i] over a block of keys, of which `count` keys and `channels` channels exist. */
static void aggregate(
    float4 sum[4][1], __local float4 *slice, __local const float4 *weights, __global const STORED *g,
    const long2 strides, const int channels, const int count)
{
    float next[LOADS];
    EACH_ROW_OF_QUAD sum[r][0] = (float4)(0.0f);
    fetch(next, g, strides, count, channels);
    for (int first = 0; first < count; first += DEPTH) {
        barrier(CLK_LOCAL_MEM_FENCE); /* until nobody reads the slice before, and all weights are there */
        put(slice, next, strides);
        barrier(CLK_LOCAL_MEM_FENCE);
        g += DEPTH * strides.x;
        fetch(next, g, strides, count - first - DEPTH, channels);
        multiply(sum, slice, weights + first * QUAD_STRIDE);
    }
}

__kernel WORK_GROUP void tile_attention(
    __global const STORED *restrict theta, const long8 thetaView, /* [d, N] */
    __global const STORED *restrict phi, const long8 phiView,     /* [d, M] */
    __global const STORED *restrict g, const long8 gView,         /* [d_v, M] */
    __global float *restrict y, const long8 yView,                /* [d_v, N] */
    const int width, const int valueChannels, const int queries, const int keys, /* d, d_v, N, M */
    const float scale, const int ownWeight,
    const int firstOwn, /* the key that the first query is itself */
    const int shares, const int groups,
    __global float *restrict shared, /* [groups][shares] of y [d_v, N], m [N] and l [N] */
    __global const float *restrict limits SUM_PARAMETERS) /* [θ, φ, g][groups], what they are scaled for, if kept in 16 bits */
{
    __local float4 slices[2 * SLICE];
    __local float4 weights[BLOCK * QUAD_STRIDE];
    const int column = get_local_id(0), row = get_local_id(1);
    const long part = get_global_id(2), group = part / shares, share = part % shares;
    const int firstQuery = get_group_id(0) * BLOCK, firstChannel = get_global_id(1) / SIDE * BLOCK * VALUES;
    const int query = firstQuery + 4 * column;
    const long blocks = (keys + BLOCK - 1) / BLOCK;
    const int firstKey = share * blocks / shares * BLOCK;
    const int endKey = min((share + 1) * blocks / shares * BLOCK, (long)keys);
    const float half_ = scale < 0.0f ? -0.5f : 0.5f, factor = BASE_TWO(scale);
    const float2 units = score_units(limits, group, groups);
    theta += GROUP(thetaView, group) + AT(thetaView, 0, (long)firstQuery);
    phi += GROUP(phiView, group);
    g += GROUP(gView, group) + AT(gView, (long)firstChannel, 0);

    float4 m = (float4)(-INFINITY), l = (float4)(0.0f), total[VALUES][4];
    EACH_VALUE EACH_ROW_OF_QUAD total[v][r] = (float4)(0.0f);
#ifdef SUMS
    float4 summed[SUM_COUNT];
    UNROLL for (int k = 0; k < SUM_COUNT; k++) summed[k] = (float4)(0.0f);
    values += GROUP(valuesView, group);
    sums += GROUP(sumsView, group);
#endif
    for (int key = firstKey; key < endKey; key += BLOCK) {
        const int count = min(BLOCK, endKey - key);
        float4 s[4][1];
        accumulate(
            s, slices, phi + key * phiView.s4, (long2)(phiView.s3, phiView.s4), count, theta,
            (long2)(thetaView.s3, thetaView.s4), queries - firstQuery, width);

        float4 greatest = m;
        EACH_ROW_OF_QUAD {
            const int j = 4 * row + r;
            s[r][0] = j < count ? half_ * SCALED_BACK(s[r][0], units) : (float4)(-INFINITY);
            if (ownWeight != 0)
                s[r][0] = select(s[r][0], (float4)(-INFINITY), (int4)(key + j) == firstOwn + query + (int4)(0, 1, 2, 3));
            greatest = fmax(greatest, s[r][0]);
        }
        barrier(CLK_LOCAL_MEM_FENCE); /* until nobody reads the slices */
        slices[row * SIDE + column] = greatest;
        barrier(CLK_LOCAL_MEM_FENCE);
        for (int other = 0; other < SIDE; other++) greatest = fmax(greatest, slices[other * SIDE + column]);

        const float4 rescale = weights_of(m, greatest, factor);
        float4 sum = (float4)(0.0f);
        EACH_ROW_OF_QUAD {
            const float4 p = weights_of(s[r][0], greatest, factor);
            weights[(4 * row + r) * QUAD_STRIDE + column] = p;
            sum += p;
        }
        l = l * rescale + sum;
        m = greatest;
#ifdef SUMS
        float4 of[SUM_COUNT];
        UNROLL for (int k = 0; k < SUM_COUNT; k++) of[k] = (float4)(0.0f);
        EACH_ROW_OF_QUAD {
            const int j = 4 * row + r;
            if (j < count) {
                const float4 p = weights[j * QUAD_STRIDE + column];
                of[0] += s[r][0];
                of[1] += s[r][0] * s[r][0];
                of[2] += p;
                of[3] += p * values[(key + j) * valuesView.s4];
            }
        }
        UNROLL for (int k = 0; k < SUM_COUNT; k++) summed[k] = (k < 2 ? summed[k] : summed[k] * rescale) + of[k];
#endif
        EACH_VALUE {
            float4 part[4][1];
            aggregate(
                part, slices, weights, g + AT(gView, (long)v * BLOCK, key), (long2)(gView.s4, gView.s3),
                valueChannels - firstChannel - v * BLOCK, count);
            EACH_ROW_OF_QUAD total[v][r] = total[v][r] * rescale + part[r][0];
        }
    }

    barrier(CLK_LOCAL_MEM_FENCE);
    slices[row * SIDE + column] = l;
    barrier(CLK_LOCAL_MEM_FENCE);
    l = (float4)(0.0f);
    for (int other = 0; other < SIDE; other++) l += slices[other * SIDE + column];

    const int count = queries - query;
#ifdef SUMS
    UNROLL for (int k = 0; k < SUM_COUNT; k++) summed[k] = over_rows(summed[k], slices);
#endif
    if (shares == 1) {
        y += GROUP(yView, group);
        /* The strongest weight is exp(0). */
        if (ownWeight == STRONGEST) l += 1.0f;
    } else {
        shared += part * (valueChannels + 2L + SUM_COUNT) * queries;
        if (firstChannel == 0 && row == 0) {
            store_quad(m, shared + (long)valueChannels * queries + query, 1, count);
            store_quad(l, shared + (valueChannels + 1L) * queries + query, 1, count);
        }
    }
#ifdef SUMS
    if (firstChannel == 0 && row == 0) {
        if (shares > 1) {
            UNROLL for (int k = 0; k < SUM_COUNT; k++)
                store_quad(summed[k], shared + (valueChannels + 2L + k) * queries + query, 1, count);
        } else {
            if (ownWeight == STRONGEST) {
                summed[2] += 1.0f;
                summed[3] += load_quad(values + (firstOwn + query) * valuesView.s4, valuesView.s4, count);
            }
            store_sums(summed, l, scale, sums, sumsView, query, count);
        }
    }
#endif
    EACH_VALUE EACH_ROW_OF_QUAD {
        const int c = v * BLOCK + 4 * row + r;
        if (firstChannel + c < valueChannels) {
            float4 sum = total[v][r];
            if (shares == 1) {
                if (ownWeight == STRONGEST)
                    sum += stored_quad(g + AT(gView, (long)c, firstOwn + query), gView.s4, count);
                store_quad(value_unit(limits, group, groups) * (sum / l), y + AT(yView, (long)(firstChannel + c), query), yView.s4, count);
            } else {
                store_quad(sum, shared + (long)(firstChannel + c) * queries + query, 1, count);
            }
        }
    }
}
