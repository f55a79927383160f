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
 * The kernel works on half the scores, with θ / 2: the difference of two finite scores may overflow, that of
 * their halves can't; scaling comes after it, so no finite score gives a NaN. A negative scale changes the
 * sign of θ, so the extreme is always a maximum.
 *
 * Where W_θ and W_z are applied to the keys, x takes the place of θ and z that of y: scores then have a bias for
 * each key, and y a residual. With `watches` misfits is set where such a score or y is not finite, since the scores and
 * y of the formulas' own order might be.
 *
 * Work is cut into blocks of blockPanels · PANEL queries of one group and a share of its keys, numbered shares
 * first, then queries, then groups. Each of W work-items does a run of blocks. More than one share is for few
 * queries and many cores: each block then leaves its y, m and l in `shared`, for panel_merge.cl.
 *
 * With panel_sums.cl the kernel gives out sums over the keys beside y.
 *
 * Scratch, a work-item: ATTENTION_SCRATCH vectors; shared, vectors: VECTORS · groups · ⌈N / PANEL⌉ · shares ·
 * (⌈d_v / ROWS⌉ · ROWS + 2 + SUM_COUNT).
 *
 * NDRange: (W), work-group size 1.
 */

/* Without panel_sums.cl. */
#ifndef SUMS
#define SUM_COUNT 0
#define SUM_PARAMETERS
#define SUM_ARGUMENTS
#define SUMS_OF_KEYS_PARAMETERS
#define SUMS_OF_KEYS
#define SUMS_OF_ROWS_PARAMETERS
#define SUMS_OF_ROWS
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
    const int keys, const int vectors)
{
    for (int first = 0; first < width; first += DEPTH) {
        const int terms = min(DEPTH, width - first);
        const int isLast = first + terms == width;
        __global const float *part = phi + (first * keyPanels + firstPanel * terms) * ROWS;
        for (int j = 0; j < keys; j += ROWS) {
            __global Lanes *to = s + j * VECTORS;
            Lanes a[ROWS][VECTORS];
            multiply(a, part, theta + first * VECTORS, terms, vectors);
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

/* Sets misfits, unless it is null, where a number was not finite: zero times its vector is then added to `zeros`. */
static inline void note_misfits(__global uint *misfits, const Lanes zeros)
{
    if (misfits && any(isnan(zeros))) atomic_or(misfits, 1u);
}

/* Adds bias / 2 to the scores of each key, with the sign of the scale, and takes the maximum again. */
static inline void add_bias(
    __global Lanes *restrict s, Lanes m[VECTORS], const Lanes before[VECTORS],
    __global const float *restrict bias, const long step, const float halving, const int keys,
    __global uint *misfits)
{
    Lanes zeros = (Lanes)(0.0f);
    EACH_VECTOR m[v] = before[v];
    for (int j = 0; j < keys; j++) {
        const Lanes added = (Lanes)(halving * bias[j * step]);
        EACH_VECTOR {
            const Lanes sum = s[j * VECTORS + v] + added;
            s[j * VECTORS + v] = sum;
            m[v] = sum > m[v] ? sum : m[v];
            zeros = fma(sum, (Lanes)(0.0f), zeros);
        }
    }
    note_misfits(misfits, zeros);
}

/* Leaves out the pairs of a position with itself, where keys [firstKey, firstKey + keys) hold such positions of
 * the panel that begins with query firstQuery, and takes the maximum again. */
static inline void leave_out_own(
    __global Lanes *restrict s, Lanes m[VECTORS], const Lanes before[VECTORS], const int firstQuery,
    const int firstKey, const int keys)
{
    const int first = max(firstQuery, firstKey), last = min(firstQuery + PANEL, firstKey + keys);
    if (first >= last) return;
    for (int n = first; n < last; n++)
        ((__global float *)s)[(long)(n - firstKey) * PANEL + n - firstQuery] = -INFINITY;
    EACH_VECTOR m[v] = before[v];
    for (int j = 0; j < keys; j++)
        EACH_VECTOR m[v] = s[j * VECTORS + v] > m[v] ? s[j * VECTORS + v] : m[v];
}

/* The factor that makes half scores exponents of two. */
#define BASE_TWO(scale) ((Lanes)(fmin(2.0f * 1.44269504f * fabs(scale), FLT_MAX)))

/* Turns the scores of `keys` keys into weights, one vector of queries, and returns their sum. */
static inline Lanes weigh(__global Lanes *restrict p, const Lanes m, const Lanes factor, const int keys)
{
    Lanes l = (Lanes)(0.0f);
    for (int j = 0; j < keys; j++) {
        const Lanes weight = power_of_two((p[j * VECTORS] - m) * factor);
        l += weight;
        p[j * VECTORS] = weight;
    }
    return l;
}

/* sums = sums · rescale + Σ_j g[c, j] p[j, i] over `keys` keys, for the queries of one panel. */
static inline void aggregate(
    __global Lanes *restrict sums, const Lanes rescale[VECTORS], __global const float *restrict g,
    __global const Lanes *restrict p, const int tiles, const int keys, const int isFirst, const int vectors)
{
    for (int tile = 0; tile < tiles; tile++) {
        Lanes a[ROWS][VECTORS];
        multiply(a, g, p, keys, vectors);
        g += KEYS * ROWS;
        if (!isFirst)
            EACH_ROW EACH_VECTOR a[r][v] = fma(sums[r * VECTORS + v], rescale[v], a[r][v]);
        EACH_ROW EACH_VECTOR sums[r * VECTORS + v] = a[r][v];
        sums += ROWS * VECTORS;
    }
}

/* g[c, j] of the keys j = n, n + 1, … of a vector of queries, from the packed g of a group. */
static inline Lanes own_values(
    __global const float *restrict g, const int c, const long n, const int tiles, const int keys)
{
    float lane[LANES];
    for (int i = 0; i < LANES; i++) {
        const long j = min(n + i, (long)keys - 1);
        lane[i] = g[((j / KEYS * tiles + c / ROWS) * KEYS + j % KEYS) * ROWS + c % ROWS];
    }
    return LOAD(lane);
}

/* Takes one block of keys into the state of one panel of queries: m, l and y, each [PANEL]. */
static inline void attend(
    __global Lanes *restrict state, __global Lanes *restrict p, __global const float *restrict phi,
    __global const float *restrict g, /* of the group */
    __global const float *bias, const long biasStep, const float halving, /* of the group's scores; null: none */
    __global uint *misfits,                                               /* null: not watched */
    __global const Lanes *restrict theta, const int width, const int tiles, const int firstQuery,
    const int firstKey, const int keyCount, const int keys, const Lanes factor, const int ownWeight,
    const int isFirst, const int vectors SUMS_OF_KEYS_PARAMETERS)
{
    Lanes m[VECTORS], before[VECTORS], rescale[VECTORS];
    EACH_VECTOR m[v] = before[v] = state[v];
    score(p, m, phi, theta, width, (keys + ROWS - 1) / ROWS, firstKey / ROWS, keyCount, vectors);
    if (bias) add_bias(p, m, before, bias + firstKey * biasStep, biasStep, halving, keyCount, misfits);
    if (ownWeight != 0) leave_out_own(p, m, before, firstQuery, firstKey, keyCount);
#ifdef SUMS
    __global Lanes *const sums = state + (2 + tiles * ROWS) * VECTORS;
    sum_scores(sums, p, keyCount);
#endif
    EACH_VECTOR rescale[v] = (Lanes)(0.0f);
    EACH_VECTOR if (v < vectors) {
        rescale[v] = power_of_two((state[v] - m[v]) * factor);
        state[v] = m[v];
        state[VECTORS + v] = fma(state[VECTORS + v], rescale[v], weigh(p + v, m[v], factor, keyCount));
    }
#ifdef SUMS
    sum_weights(sums, rescale, p, values + firstKey * step, step, keyCount);
#endif
    aggregate(
        state + 2 * VECTORS, rescale, g + (long)firstKey * tiles * ROWS, p, tiles, keyCount, isFirst, vectors);
}

/* Writes y of one panel of queries, all of whose keys are in its state. */
static inline void finish(
    __global const Lanes *restrict state, __global const float *restrict g, /* of the group */
    __global const float *residual, const long8 residualView, __global uint *misfits, /* null: none */
    __global float *y, const long8 yView, const int valueChannels, const int tiles,
    const long firstQuery, const int queries, const int keys, const int ownWeight SUMS_OF_ROWS_PARAMETERS)
{
    const int vectors = vectors_of(queries - firstQuery);
    Lanes l[VECTORS];
    /* The strongest weight is exp(0). */
    EACH_VECTOR l[v] = ownWeight == 2 ? state[VECTORS + v] + 1.0f : state[VECTORS + v];
#ifdef SUMS
    EACH_VECTOR if (v < vectors) {
        __global const Lanes *const sum = state + (2 + tiles * ROWS) * VECTORS + v;
        const long n = firstQuery + v * LANES;
        Lanes weights = sum[2 * VECTORS], weighted = sum[3 * VECTORS];
        if (ownWeight == 2) {
            weights += 1.0f;
            weighted += load_some(values + n * step, step, queries - n);
        }
        store_sums(sum[0], sum[VECTORS], weights, weighted, l[v], scale, sums, sumsView, n, queries - n);
    }
#endif
    Lanes zeros = (Lanes)(0.0f);
    for (int c = 0; c < valueChannels; c++)
        EACH_VECTOR if (v < vectors) {
            const long n = firstQuery + v * LANES;
            Lanes sum = state[(c + 2) * VECTORS + v];
            if (ownWeight == 2) sum += own_values(g, c, n, tiles, keys);
            sum /= l[v];
            zeros = fma(sum, (Lanes)(0.0f), zeros);
            if (residual) sum += load_some(residual + AT(residualView, c, n), residualView.s4, queries - n);
            store_some(sum, y + AT(yView, c, n), yView.s4, queries - n);
        }
    note_misfits(misfits, zeros);
}

/* Vectors of scratch memory. */
#define ATTENTION_SCRATCH(blockPanels, width, valueChannels) \
    (VECTORS \
     * ((long)(blockPanels) * ((width) + ((valueChannels) + ROWS - 1) / ROWS * ROWS + 2 + SUM_COUNT) + KEYS))

/* Of a range of blocks those of one of several workers; the parameters are those of panel_attention. */
static inline void attend_blocks(
    const long2 range, const long worker, const long workers, __global const float *restrict theta,
    const long8 thetaView, __global const float *restrict phi, const long8 phiView,
    __global const float *restrict g, const long8 gView, __global const float *bias, const long8 biasView,
    __global const float *residual, const long8 residualView, __global uint *misfits /* null: not watched */,
    __global float *y, const long8 yView, const int width, const int valueChannels, const int queries,
    const int keys, const float scale, const int blockPanels, const int shares, const int ownWeight,
    __global Lanes *restrict scratch, __global Lanes *restrict shared SUM_PARAMETERS)
{
    const int panels = (queries + PANEL - 1) / PANEL;
    const int blocks = (panels + blockPanels - 1) / blockPanels;
    const int tiles = (valueChannels + ROWS - 1) / ROWS;
    const int shareKeys = ((keys + KEYS - 1) / KEYS + shares - 1) / shares * KEYS;
    const long stateSize = (long)(tiles * ROWS + 2 + SUM_COUNT) * VECTORS; /* of a panel: m, l, y, sums */
    const Lanes factor = BASE_TWO(scale);
    const float halving = scale < 0.0f ? -0.5f : 0.5f;

    __global Lanes *const p = scratch + (long)blockPanels * width * VECTORS;
    __global Lanes *const own = p + KEYS * VECTORS;

    EACH_BLOCK_OF(range, worker, workers) {
        const long group = block / ((long)blocks * shares);
        const int firstPanel = block / shares % blocks * blockPanels;
        const int share = block % shares;
        const int count = min(blockPanels, panels - firstPanel);
        const int firstOfShare = min(share * shareKeys, keys), end = min(firstOfShare + shareKeys, keys);
        __global Lanes *const states =
            shares == 1 ? own : shared + ((group * panels + firstPanel) * shares + share) * stateSize;
        __global const float *const groupPhi = phi + GROUP(phiView, group);
        __global const float *const groupG = g + GROUP(gView, group);
        __global const float *const groupBias = GIVEN(biasView, bias + GROUP(biasView, group));
        __global const float *const groupResidual =
            GIVEN(residualView, residual + GROUP(residualView, group));
        pack_columns(
            theta + GROUP(thetaView, group), thetaView, (long)firstPanel * PANEL, count, width, queries, halving,
            scratch);
        /* The first key block starts the sums; a share without keys has none to do so. */
        const int cleared = firstOfShare < end ? 2 * VECTORS : stateSize;
        for (int panel = 0; panel < count; panel++)
            for (int i = 0; i < cleared; i++)
                states[panel * shares * stateSize + i] = (Lanes)(i < VECTORS ? -0.5f * FLT_MAX : 0.0f);
#ifdef SUMS
        for (int panel = 0; panel < count; panel++)
            for (int i = 1; i <= SUM_COUNT * VECTORS; i++)
                states[(panel * shares + 1) * stateSize - i] = (Lanes)(0.0f);
#endif

        for (int firstKey = firstOfShare; firstKey < end; firstKey += KEYS) {
            const int keyCount = min(KEYS, end - firstKey);
            for (int panel = 0; panel < count; panel++) {
                const int firstQuery = (firstPanel + panel) * PANEL;
                attend(
                    states + panel * shares * stateSize, p, groupPhi, groupG, groupBias, biasView.s4, halving, misfits,
                    scratch + (long)panel * width * VECTORS, width, tiles, firstQuery, firstKey, keyCount, keys,
                    factor, ownWeight, firstKey == firstOfShare, vectors_of(queries - firstQuery) SUMS_OF_KEYS);
            }
        }

        if (shares > 1) continue;
        for (int panel = 0; panel < count; panel++)
            finish(
                states + panel * stateSize, groupG, groupResidual, residualView, misfits, y + GROUP(yView, group),
                yView, valueChannels, tiles, (long)(firstPanel + panel) * PANEL, queries, keys, ownWeight SUMS_OF_ROWS);
    }
}

__kernel WORK_ITEM void panel_attention(
    __global const float *restrict theta, const long8 thetaView, /* [d, N] */
    __global const float *restrict phi, const long8 phiView, /* packed BY_ROWS (panel_pack.cl) */
    __global const float *restrict g, const long8 gView,     /* packed BY_KEYS */
    __global float *y, const long8 yView,                    /* [d_v, N] */
    const int width, const int valueChannels,                /* d, d_v */
    const int queries, const int keys,                       /* N, M */
    const float scale,
    const int blockPanels,
    const int shares, /* 1, unless a position's own weight is included */
    const int ownWeight, /* 0 included, 1 excluded, 2 that of the strongest other key */
    __global const float *restrict bias, const long8 biasView, /* [1, M], added to the scores, if given */
    __global const float *residual, const long8 residualView,  /* [d_v, N], added to y, if given */
    __global uint *misfits, const int watches,                 /* set where a score or y is not finite */
    __global Lanes *restrict scratch, __global Lanes *restrict shared SUM_PARAMETERS,
    const long2 range /* of blocks */)
{
    attend_blocks(
        range, get_global_id(0), get_global_size(0), theta, thetaView, phi, phiView, g, gView, bias, biasView,
        residual, residualView, watches ? misfits : 0, y, yView, width, valueChannels, queries, keys, scale,
        blockPanels, shares, ownWeight,
        scratch + get_global_id(0) * ATTENTION_SCRATCH(blockPanels, width, valueChannels), shared SUM_ARGUMENTS);
}
