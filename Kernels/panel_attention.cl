/* Fused softmax attention for CPU devices: y[c, i] = Σ_j g[c, j] p[j, i] / Σ_j p[j, i],
 * p[j, i] = exp(scale · (s[j, i] − m_i)), s[j, i] = θ_i · φ_j, m_i the greatest so far (online softmax).
 *
 *   for each block of KEYS keys:
 *       s[j, i] = Σ_c φ[c, j] θ[c, i]
 *       m' = max(m, max_j s[j, i])
 *       p = exp(scale · (s − m'))
 *       l = l · exp(scale · (m − m')) + Σ_j p[j, i]
 *       y = y · exp(scale · (m − m')) + Σ_j g[c, j] p[j, i]
 *
 * Lanes run along the queries, so nothing is transposed and no reduction crosses lanes. The sums of each key
 * block start at zero: carried on, their rounding errors would grow with the keys.
 * A negative scale changes the sign of θ, so the extreme is always a maximum. The difference of two finite
 * scores may overflow, half of it can't; scaling comes after it, so no finite score gives a NaN.
 *
 * A block is blockPanels · PANEL queries of one group. Work-item w does blocks w, w + W, w + 2W, …, W the
 * number of work-items.
 *
 * Scratch, floats a work-item: PANEL · (blockPanels · (d + ⌈d_v / ROWS⌉ · ROWS + 2) + KEYS), aligned to a vector.
 *
 * NDRange: (W), work-group size 1.
 */

/* Keys of a block: a multiple of ROWS. KEYS · PANEL floats stay in the first-level cache. */
#ifndef KEYS
#define KEYS 192
#endif

/* 2^x for x ≤ 0, 0 from −126.5 on, a NaN for a NaN. Error below 1.1 units in the last place. */
static inline Lanes power_of_two(Lanes x)
{
    /* Adding 1.5 · 2²³ rounds to an integer; 127 more leave the exponent's bits below. */
    const Lanes low = (Lanes)(-127.0f), round = (Lanes)(12582912.0f + 127.0f);
    x = x < low ? low : x;
    const Lanes exponent = x + round;
    const Lanes f = x - (exponent - round);
    Lanes p = (Lanes)(1.535336188e-4f);
    p = fma(p, f, (Lanes)(1.339887440e-3f));
    p = fma(p, f, (Lanes)(9.618437357e-3f));
    p = fma(p, f, (Lanes)(5.550332549e-2f));
    p = fma(p, f, (Lanes)(2.402264791e-1f));
    p = fma(p, f, (Lanes)(6.931472028e-1f));
    p = fma(p, f, (Lanes)(1.0f));
    return p * JOIN(as_float, LANES)(JOIN(as_uint, LANES)(exponent) << 23);
}

/* Scores of `keys` keys with the queries of one panel, s[key][PANEL], and their running maximum. */
static inline void score(
    __global Lanes *restrict s, Lanes m[VECTORS], __global const float *restrict phi,
    __global const Lanes *restrict theta, const int width, const long keyPanels, const int firstPanel,
    const int keys)
{
    for (int first = 0; first < width; first += DEPTH) {
        const int terms = min(DEPTH, width - first);
        const int isLast = first + terms == width;
        __global const float *part = phi + (first * keyPanels + firstPanel * terms) * ROWS;
        for (int j = 0; j < keys; j += ROWS) {
            __global Lanes *to = s + j * VECTORS;
            Lanes a[ROWS][VECTORS];
            multiply(a, part, theta + first * VECTORS, terms);
            part += terms * ROWS;
            if (first > 0)
                EACH_ROW EACH_VECTOR a[r][v] += to[r * VECTORS + v];
            EACH_ROW EACH_VECTOR to[r * VECTORS + v] = a[r][v];
            if (!isLast) continue;
            if (j + ROWS <= keys) {
                EACH_ROW EACH_VECTOR m[v] = a[r][v] > m[v] ? a[r][v] : m[v];
            } else {
                EACH_ROW if (j + r < keys)
                    EACH_VECTOR m[v] = a[r][v] > m[v] ? a[r][v] : m[v];
            }
        }
    }
}

/* y = y · rescale + Σ_j g[c, j] p[j, i] over `keys` keys, for the queries of one panel. */
static inline void aggregate(
    __global Lanes *restrict y, const Lanes rescale[VECTORS], __global const float *restrict g,
    __global const Lanes *restrict p, const int tiles, const int keys, const int isFirst)
{
    for (int tile = 0; tile < tiles; tile++) {
        Lanes a[ROWS][VECTORS];
        multiply(a, g, p, keys);
        g += keys * ROWS;
        if (!isFirst)
            EACH_ROW EACH_VECTOR a[r][v] = fma(y[r * VECTORS + v], rescale[v], a[r][v]);
        EACH_ROW EACH_VECTOR y[r * VECTORS + v] = a[r][v];
        y += ROWS * VECTORS;
    }
}

__kernel WORK_ITEM void panel_attention(
    __global const float *restrict theta, const long8 thetaView, /* [d, N] */
    __global const float *restrict phi, /* [groups][⌈d / DEPTH⌉][⌈M / ROWS⌉][DEPTH][ROWS], panel_pack.cl */
    __global const float *restrict g,   /* [groups][⌈M / KEYS⌉][⌈d_v / ROWS⌉][KEYS][ROWS], panel_pack.cl */
    __global float *restrict y, const long8 yView, /* [d_v, N] */
    const int width, const int valueChannels,      /* d, d_v */
    const int queries, const int keys,             /* N, M */
    const int groups, const float scale, const int blockPanels, __global Lanes *restrict scratch)
{
    const int panels = (queries + PANEL - 1) / PANEL;
    const int blocks = (panels + blockPanels - 1) / blockPanels;
    const int tiles = (valueChannels + ROWS - 1) / ROWS;
    const long keyPanels = (keys + ROWS - 1) / ROWS;
    const Lanes factor = (Lanes)(2.0f * 1.44269504f * fabs(scale));

    scratch += get_global_id(0) * ((long)blockPanels * (width + tiles * ROWS + 2) + KEYS) * VECTORS;
    __global Lanes *const sums = scratch + (long)blockPanels * width * VECTORS;
    __global Lanes *const state = sums + (long)blockPanels * tiles * ROWS * VECTORS; /* m, l */
    __global Lanes *const p = state + blockPanels * 2 * VECTORS;

    for (long block = get_global_id(0); block < (long)groups * blocks; block += get_global_size(0)) {
        const long group = block / blocks;
        const int firstPanel = block % blocks * blockPanels;
        const int count = min(blockPanels, panels - firstPanel);
        pack_columns(
            theta + GROUP(thetaView, group), thetaView, (long)firstPanel * PANEL, count, width, queries,
            scale < 0.0f ? -1.0f : 1.0f, scratch);
        for (int i = 0; i < count * VECTORS; i++) {
            state[i] = (Lanes)(-FLT_MAX);
            state[blockPanels * VECTORS + i] = (Lanes)(0.0f);
        }

        for (int firstKey = 0; firstKey < keys; firstKey += KEYS) {
            const int keyCount = min(KEYS, keys - firstKey);
            for (int panel = 0; panel < count; panel++) {
                __global Lanes *const extreme = state + panel * VECTORS;
                __global Lanes *const normalizer = extreme + blockPanels * VECTORS;
                Lanes m[VECTORS], l[VECTORS], rescale[VECTORS];
                EACH_VECTOR m[v] = extreme[v];
                score(
                    p, m, phi + group * width * keyPanels * ROWS, scratch + (long)panel * width * VECTORS, width,
                    keyPanels, firstKey / ROWS, keyCount);
                EACH_VECTOR {
                    rescale[v] = power_of_two(fma(extreme[v], (Lanes)(0.5f), m[v] * -0.5f) * factor);
                    extreme[v] = m[v];
                    m[v] *= -0.5f;
                    l[v] = (Lanes)(0.0f);
                }
                for (int j = 0; j < keyCount; j++) {
                    EACH_VECTOR {
                        const Lanes halved = fma(p[j * VECTORS + v], (Lanes)(0.5f), m[v]);
                        const Lanes weight = power_of_two(halved * factor);
                        l[v] += weight;
                        p[j * VECTORS + v] = weight;
                    }
                }
                EACH_VECTOR normalizer[v] = fma(normalizer[v], rescale[v], l[v]);
                aggregate(
                    sums + (long)panel * tiles * ROWS * VECTORS, rescale,
                    g + (group * keys + firstKey) * tiles * ROWS, p, tiles, keyCount, firstKey == 0);
            }
        }

        for (int panel = 0; panel < count; panel++) {
            Lanes l[VECTORS];
            EACH_VECTOR l[v] = state[(blockPanels + panel) * VECTORS + v];
            __global const Lanes *from = sums + (long)panel * tiles * ROWS * VECTORS;
            for (int c = 0; c < valueChannels; c++) {
                EACH_VECTOR {
                    const long n = (long)(firstPanel + panel) * PANEL + v * LANES;
                    store_some(
                        from[c * VECTORS + v] / l[v], y + GROUP(yView, group) + AT(yView, c, n), yView.s4,
                        queries - n);
                }
            }
        }
    }
}
